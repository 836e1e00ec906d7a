//! What other programs cannot do to a ledger, and servers that would lose it.

use ledger_conformance::events::{events, log};
use ledger_core::{Durability, Error, LedgerExt};
use ledger_servers::{MariaDb, Postgres};

use crate::support::{open, options, try_open};

const FORBIDDEN: [&str; 8] = [
    "UPDATE events SET turn = 1",
    "DELETE FROM events",
    "DELETE FROM events WHERE id = 'e-1'",
    "TRUNCATE TABLE events",
    "UPDATE ledger_head SET epoch = epoch - 1",
    "UPDATE ledger_head SET schema_version = 0",
    "DELETE FROM ledger_head",
    "UPDATE ledger_head SET ledger_id = 'another'",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_append_only_for_every_program() {
    let url = Postgres::shared().fresh();
    let schema = url.rsplit('=').next().unwrap();
    let ledger = open(&options(&url)).await;
    ledger.append_all(events("e", 3)).await.unwrap();
    for statement in FORBIDDEN {
        let said = Postgres::shared().try_sql(&format!("SET search_path = {schema}; {statement}")).unwrap_err();
        assert!(said.contains("append-only") || said.contains("only goes on"), "{statement}: {said}");
    }
    assert_eq!(log(ledger.as_ref()).await.len(), 3);

    let url = MariaDb::shared().fresh();
    let database = url.rsplit('/').next();
    let ledger = open(&options(&url)).await;
    ledger.append_all(events("e", 3)).await.unwrap();
    for statement in FORBIDDEN {
        let said = MariaDb::shared().try_sql(database, statement).unwrap_err();
        let guarded = ["append-only", "only goes on", "cannot be deleted", "foreign key"];
        assert!(guarded.iter().any(|guard| said.contains(guard)), "{statement}: {said}");
    }
    assert_eq!(log(ledger.as_ref()).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_is_set_to_lose_events_is_refused_unless_that_is_named() {
    let server = Postgres::start_with(&[("synchronous_commit", "off")]);
    let url = server.fresh();
    let refused = try_open(&options(&url)).await.err().unwrap();
    assert!(matches!(&refused, Error::Refused(why) if why.contains("synchronous_commit")), "{refused:?}");
    let ledger = open(&options(&format!("{url}&durability=volatile"))).await;
    assert_eq!(ledger.head().await.unwrap().durability, Durability::Volatile);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mariadb_that_is_set_to_lose_events_is_refused_unless_that_is_named() {
    let server = MariaDb::start_with(&[("innodb-flush-log-at-trx-commit", "2")]);
    let url = server.fresh();
    let refused = try_open(&options(&url)).await.err().unwrap();
    let named = |why: &str| why.contains("innodb_flush_log_at_trx_commit");
    assert!(matches!(&refused, Error::Refused(why) if named(why)), "{refused:?}");
    let ledger = open(&options(&format!("{url}?durability=buffered"))).await;
    assert_eq!(ledger.head().await.unwrap().durability, Durability::Buffered);
}
