//! Servers that cannot be had.

use std::net::TcpListener;
use std::time::Duration;

use ledger_conformance::events::event;
use ledger_core::{Error, LedgerExt};
use ledger_servers::{MariaDb, Postgres};

use crate::support::{on_mariadb, on_postgres, open, options, try_open};

#[track_caller]
fn assert_unavailable(error: &Error) {
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
}

/// Nobody listens, nobody has that name, there is no socket: the same error everywhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_not_available() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for url in [
        format!("postgres://me@127.0.0.1:{nobody}/x"),
        format!("mysql://me@127.0.0.1:{nobody}/x"),
        "postgres://me@no-such-host.invalid/x".to_owned(),
        "mysql://me@no-such-host.invalid/x".to_owned(),
        "postgres:///x?host=/no/such/folder".to_owned(),
        "mysql:///x?socket=/no/such/socket".to_owned(),
    ] {
        assert_unavailable(&try_open(&options(&url)).await.err().unwrap());
    }
}

/// A login that may have one connection: the ledger has one that reads, and gets none that writes.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_more_connections_is_not_available() {
    let schema = Postgres::shared().fresh();
    let login = schema.rsplit('=').next().unwrap();
    Postgres::shared().sql(&format!(
        "CREATE ROLE {login} LOGIN CONNECTION LIMIT 1;
         DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {login}', current_database()); END $$"
    ));
    MariaDb::shared().sql(
        None,
        &format!("CREATE USER {login}@127.0.0.1 WITH MAX_USER_CONNECTIONS 1; GRANT ALL ON *.* TO {login}@127.0.0.1"),
    );
    for options in [on_postgres(), on_mariadb()] {
        let options = options.user(login).connect_timeout(Duration::from_millis(300));
        let ledger = open(&options).await;
        assert_unavailable(&ledger.append_one(event("one too many")).await.unwrap_err());
        assert_unavailable(&try_open(&options).await.err().unwrap());
        assert_eq!(ledger.head().await.unwrap().extent.events(), 0);
    }
}
