//! Tables that were made half, long ago, or by a later version.

use std::sync::Arc;

use ledger_conformance::events::{event, full, log, offsets};
use ledger_core::{Error, Ledger, LedgerExt, RecordedEvent};
use ledger_servers::{MariaDb, Postgres};

use crate::support::{open, options, try_open};

/// Dumps of ledgers of the first version, with the two events of [`check_first_version`]; written by `pg_dump` and
/// `mariadb-dump`.
const POSTGRES_1: &str = include_str!("schema_1_postgres.sql");
const MYSQL_1: &str = include_str!("schema_1_mysql.sql");

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_ledger_of_the_first_version_is_brought_up_and_goes_on() {
    let url = Postgres::shared().fresh();
    let schema = url.rsplit('=').next().unwrap();
    Postgres::shared().sql(&POSTGRES_1.replace("first_version", schema));
    check_first_version(open(&options(&url)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mysql_ledger_of_the_first_version_is_brought_up_and_goes_on() {
    let url = MariaDb::shared().fresh();
    MariaDb::shared().sql(url.rsplit('/').next(), MYSQL_1);
    check_first_version(open(&options(&url)).await).await;
}

async fn check_first_version(ledger: Arc<dyn Ledger>) {
    assert_eq!(ledger.verify(&|_, _| ()).await.unwrap().fault, None);
    let stored: Vec<Arc<RecordedEvent>> = log(ledger.as_ref()).await;
    assert_eq!(offsets(&stored), [1, 2]);
    assert_eq!(stored[0].event, full("first").with_created_at(stored[0].event.created_at));
    assert!(!ledger.append_one(event("second").with_turn(1)).await.unwrap().is_new());
    assert_eq!(ledger.append_one(event("third")).await.unwrap().offset().get(), 3);
    assert_eq!(ledger.checkpoints().await.unwrap().len(), 1);
}

/// MySQL commits each statement by itself: a creation may end after any of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_ended_half_way_is_taken_up() {
    let statements: Vec<&str> = include_str!("../../src/mysql/schema_1.sql").split("\n;\n").collect();
    for done in 0..statements.len() {
        let url = MariaDb::shared().fresh();
        let half = format!("DELIMITER ;;\nSET sql_mode = 'ANSI_QUOTES';;\n{};;", statements[..done].join(";;\n"));
        if done > 0 {
            MariaDb::shared().sql(url.rsplit('/').next(), &half);
        }
        let ledger = open(&options(&url)).await;
        ledger.append_one(event("first")).await.unwrap();
        assert_eq!(ledger.verify(&|_, _| ()).await.unwrap().events, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_of_a_later_version_is_refused_and_left_as_it_is() {
    let later = "UPDATE ledger_head SET schema_version = 1000";
    let url = Postgres::shared().fresh();
    let ledger = open(&options(&url)).await;
    ledger.append_one(event("first")).await.unwrap();
    Postgres::shared().sql(&format!("SET search_path = {}; {later}", url.rsplit('=').next().unwrap()));
    check_refused(&url, ledger).await;

    let url = MariaDb::shared().fresh();
    let ledger = open(&options(&url)).await;
    ledger.append_one(event("first")).await.unwrap();
    MariaDb::shared().sql(url.rsplit('/').next(), later);
    check_refused(&url, ledger).await;
}

/// By whoever opens it, and by whoever had it open.
async fn check_refused(url: &str, before: Arc<dyn Ledger>) {
    let is_refused = |error: Error| matches!(error, Error::SchemaTooNew { found: 1_000, .. });
    assert!(is_refused(try_open(&options(url)).await.err().unwrap()));
    assert!(is_refused(before.append_one(event("second")).await.unwrap_err()));
    assert!(is_refused(before.head().await.unwrap_err()));
}

/// A table with our name is not our table.
#[tokio::test(flavor = "multi_thread")]
async fn tables_of_another_program_are_left_alone() {
    let url = Postgres::shared().fresh();
    let schema = url.rsplit('=').next().unwrap();
    let table = "CREATE TABLE events (id integer)";
    Postgres::shared().sql(&format!("CREATE SCHEMA {schema}; SET search_path = {schema}; {table}"));
    let refused = try_open(&options(&url)).await.err().unwrap();
    assert!(matches!(refused, Error::NotALedger { .. }), "{refused:?}");

    let url = MariaDb::shared().fresh();
    MariaDb::shared().sql(url.rsplit('/').next(), table);
    let refused = try_open(&options(&url)).await.err().unwrap();
    assert!(matches!(refused, Error::NotALedger { .. }), "{refused:?}");
}
