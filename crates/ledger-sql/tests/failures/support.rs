//! What the cases share.

use std::sync::Arc;
use std::time::Duration;

use ledger_core::{Error, Ledger};
use ledger_servers::{MariaDb, Postgres};
use ledger_sql::{MySqlLedger, PostgresLedger, ServerKind, ServerOptions};

pub(crate) fn options(url: &str) -> ServerOptions {
    ServerOptions::from_url(url).unwrap()
}

/// A fresh place for a ledger on the shared Postgres.
pub(crate) fn on_postgres() -> ServerOptions {
    options(&Postgres::shared().fresh())
}

/// A fresh place for a ledger on the shared MariaDB.
pub(crate) fn on_mariadb() -> ServerOptions {
    options(&MariaDb::shared().fresh())
}

pub(crate) async fn try_open(options: &ServerOptions) -> Result<Arc<dyn Ledger>, Error> {
    Ok(match options.kind() {
        ServerKind::Postgres => Arc::new(PostgresLedger::open(options.clone()).await?),
        ServerKind::MySql => Arc::new(MySqlLedger::open(options.clone()).await?),
    })
}

pub(crate) async fn open(options: &ServerOptions) -> Arc<dyn Ledger> {
    try_open(options).await.unwrap()
}

/// Whether the same call may succeed later.
#[track_caller]
pub(crate) fn assert_retryable(error: &Error) {
    assert!(error.is_retryable(), "{error:?}");
}

/// Asks until it is so, for at most a minute.
pub(crate) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(60), asking).await.is_ok(), "not within a minute: {what}");
}
