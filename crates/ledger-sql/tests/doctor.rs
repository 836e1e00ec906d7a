//! What the doctor finds on each engine, and that it changes nothing.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use ledger_conformance::events::events;
use ledger_core::{Durability, Error, Ledger, LedgerExt};
use ledger_servers::{MariaDb, Postgres};
use ledger_sql::{
    Diagnosis, Mode, MySqlLedger, PostgresLedger, Role, ServerOptions, Severity, SqliteLedger, SqliteOptions, snapshot,
};
use rusqlite::Connection;
use tempfile::TempDir;

const PASSWORD: &str = "hunter2";

/// A new ledger in Postgres with three events: its options and its schema.
async fn in_postgres() -> (ServerOptions, String) {
    let url = Postgres::shared().fresh();
    let options = ServerOptions::from_url(&url).unwrap();
    let ledger = PostgresLedger::open(options.clone()).await.unwrap();
    ledger.append_all(events("e", 3)).await.unwrap();
    ledger.close().await.unwrap();
    (options, url.rsplit('=').next().unwrap().to_owned())
}

/// A new ledger in MariaDB with three events: its options and its database.
async fn in_mysql() -> (ServerOptions, String) {
    let url = MariaDb::shared().fresh();
    let options = ServerOptions::from_url(&url).unwrap();
    let ledger = MySqlLedger::open(options.clone()).await.unwrap();
    ledger.append_all(events("e", 3)).await.unwrap();
    ledger.close().await.unwrap();
    let database = url.rsplit('/').next().unwrap().split('?').next().unwrap();
    (options, database.to_owned())
}

/// A new ledger file with three events.
async fn in_file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = SqliteLedger::open(SqliteOptions::new(&path)).await.unwrap();
    ledger.append_all(events("e", 3)).await.unwrap();
    ledger.close().await.unwrap();
    (folder, path)
}

async fn postgres(options: &ServerOptions) -> Diagnosis {
    PostgresLedger::diagnose(options.clone()).await.unwrap()
}

async fn mysql(options: &ServerOptions) -> Diagnosis {
    MySqlLedger::diagnose(options.clone()).await.unwrap()
}

async fn file(path: &Path) -> Diagnosis {
    SqliteLedger::diagnose(SqliteOptions::new(path)).await.unwrap()
}

/// A login of Postgres for the schema, with a password; `statement` says what it may, `%` stands for its name.
fn login(options: &ServerOptions, schema: &str, statement: &str) -> ServerOptions {
    let name = format!("login_{schema}");
    Postgres::shared().sql(&format!(
        "SET search_path = {schema}; CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'; \
         GRANT USAGE ON SCHEMA {schema} TO {name}; GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {name}; {}",
        statement.replace('%', &name)
    ));
    options.clone().user(name).password(PASSWORD)
}

/// What is to be fixed, and that it is about nothing but `words`.
#[track_caller]
fn fixes(diagnosis: &Diagnosis, words: &str) {
    assert_eq!(diagnosis.severity(), Some(Severity::Fix), "{diagnosis:?}");
    let fixes = diagnosis.findings.iter().filter(|finding| finding.severity == Severity::Fix);
    let fixes: Vec<&str> = fixes.map(|finding| finding.text.as_str()).collect();
    assert!(fixes.len() == 1 && fixes[0].contains(words), "{fixes:?}");
}

#[track_caller]
fn is_healthy(diagnosis: &Diagnosis) {
    assert!(diagnosis.severity() < Some(Severity::Missing), "{diagnosis:?}");
    assert_eq!(diagnosis.head.as_ref().unwrap().extent.events(), 3);
    assert_eq!((diagnosis.role, diagnosis.durability), (Role::Primary, Durability::Synced));
    assert_eq!((diagnosis.schema_found, diagnosis.schema_known), (Some(1), Some(1)));
    assert_eq!(diagnosis.guards_missing.as_deref(), Some([].as_slice()));
    assert_eq!(diagnosis.may_append, Some(true));
    assert!(diagnosis.version.is_some() && diagnosis.round_trip_us.is_some());
}

#[track_caller]
fn is_missing(diagnosis: &Diagnosis) {
    assert_eq!(diagnosis.severity(), Some(Severity::Missing), "{diagnosis:?}");
    assert_eq!((&diagnosis.head, diagnosis.schema_found), (&None, None));
    assert!(diagnosis.findings.iter().any(|finding| finding.text.contains("append to it")), "{diagnosis:?}");
}

#[tokio::test]
async fn a_healthy_ledger_needs_no_fix() {
    is_healthy(&postgres(&in_postgres().await.0).await);
    is_healthy(&mysql(&in_mysql().await.0).await);
    let (_folder, path) = in_file().await;
    let diagnosis = file(&path).await;
    is_healthy(&diagnosis);
    assert_eq!(diagnosis.findings, []);
    let found = diagnosis.file.unwrap();
    assert_eq!((found.journal_mode.as_str(), found.synchronous, found.wal_bytes), ("wal", "full", 0));
    assert!(found.bytes > 0);
}

#[tokio::test]
async fn a_ledger_that_is_missing_is_not_created() {
    let on_postgres = ServerOptions::from_url(&Postgres::shared().fresh()).unwrap();
    let on_mysql = ServerOptions::from_url(&MariaDb::shared().fresh()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        is_missing(&postgres(&on_postgres).await);
        is_missing(&mysql(&on_mysql).await);
        is_missing(&file(&folder.path().join("none.db")).await);
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

#[tokio::test]
async fn a_place_that_another_program_uses_is_to_be_fixed() {
    let (options, schema) = in_postgres().await;
    Postgres::shared().sql(&format!("DROP TABLE {schema}.ledger_head"));
    fixes(&postgres(&options).await, "another program");
    let (options, database) = in_mysql().await;
    MariaDb::shared().sql(Some(&database), "DROP TABLE ledger_head");
    fixes(&mysql(&options).await, "another program");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let error = SqliteLedger::diagnose(SqliteOptions::new(&path)).await.unwrap_err();
    assert!(matches!(error, Error::NotALedger { .. }), "{error:?}");
}

#[tokio::test]
async fn a_guard_that_is_missing_is_named() {
    let (options, schema) = in_postgres().await;
    Postgres::shared().sql(&format!("ALTER TABLE {schema}.events DISABLE TRIGGER events_are_never_changed"));
    fixes(&postgres(&options).await, "events_are_never_changed");
    let (options, database) = in_mysql().await;
    MariaDb::shared().sql(Some(&database), "DROP TRIGGER ledger_head_stays; DROP TABLE events_are_never_truncated");
    fixes(&mysql(&options).await, "events_are_never_truncated, ledger_head_stays");
    let (_folder, path) = in_file().await;
    Connection::open(&path).unwrap().execute_batch("DROP TRIGGER events_are_never_deleted").unwrap();
    fixes(&file(&path).await, "events_are_never_deleted");
}

#[tokio::test]
async fn a_newer_schema_asks_for_a_newer_program() {
    let newer = "UPDATE ledger_head SET schema_version = 99";
    let (options, schema) = in_postgres().await;
    Postgres::shared().sql(&format!("SET search_path = {schema}; {newer}"));
    fixes(&postgres(&options).await, "99");
    let (options, database) = in_mysql().await;
    MariaDb::shared().sql(Some(&database), newer);
    fixes(&mysql(&options).await, "99");
    let (_folder, path) = in_file().await;
    Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    let diagnosis = file(&path).await;
    fixes(&diagnosis, "99");
    assert_eq!((diagnosis.schema_found, diagnosis.head), (Some(99), None));
}

#[tokio::test]
async fn a_ledger_without_its_events_is_damage() {
    let (options, schema) = in_postgres().await;
    Postgres::shared().sql(&format!("SET client_min_messages = error; DROP TABLE {schema}.events CASCADE"));
    fixes(&postgres(&options).await, "damaged");
    let (options, database) = in_mysql().await;
    MariaDb::shared().sql(Some(&database), "DROP TABLE events_are_never_truncated, events");
    fixes(&mysql(&options).await, "damaged");
    let (_folder, path) = in_file().await;
    Connection::open(&path).unwrap().execute_batch("DROP TRIGGER ledger_head_stays; DELETE FROM ledger_head").unwrap();
    let diagnosis = file(&path).await;
    assert_eq!((diagnosis.severity(), diagnosis.head), (Some(Severity::Fix), None));
}

#[tokio::test]
async fn a_head_that_its_events_do_not_reach_is_damage() {
    let ahead = r#"UPDATE ledger_head SET "next" = 9"#;
    let (options, schema) = in_postgres().await;
    Postgres::shared().sql(&format!("SET search_path = {schema}; {ahead}"));
    fixes(&postgres(&options).await, "damaged");
    let (options, database) = in_mysql().await;
    MariaDb::shared().sql(Some(&database), &ahead.replace('"', "`"));
    fixes(&mysql(&options).await, "damaged");
    let (_folder, path) = in_file().await;
    Connection::open(&path).unwrap().execute_batch(ahead).unwrap();
    fixes(&file(&path).await, "damaged");
}

#[tokio::test]
async fn a_server_that_may_lose_events_is_to_be_fixed_unless_that_is_accepted() {
    let (options, schema) = in_postgres().await;
    let may =
        "GRANT INSERT ON events TO %; GRANT UPDATE ON ledger_head TO %; ALTER ROLE % SET synchronous_commit = off";
    let options = login(&options, &schema, may);
    let diagnosis = postgres(&options).await;
    fixes(&diagnosis, "synchronous_commit is off: set it to on");
    assert_eq!(diagnosis.durability, Durability::Volatile);
    let accepted = postgres(&options.durability(Durability::Volatile)).await;
    assert_eq!(accepted.severity(), Some(Severity::Note));
}

#[tokio::test]
async fn what_a_login_may_do_is_found_out_without_doing_it() {
    let (options, schema) = in_postgres().await;
    let owner = postgres(&options).await;
    assert_eq!((owner.may_append, owner.may_change_events), (Some(true), Some(true)));
    let reader = postgres(&login(&options, &schema, "")).await;
    fixes(&reader, "grant it INSERT on events");
    assert_eq!((reader.may_append, reader.may_change_events), (Some(false), Some(false)));

    let (options, database) = in_mysql().await;
    let owner = mysql(&options).await;
    assert_eq!((owner.may_append, owner.may_change_events), (Some(true), Some(true)));
    let name = format!("login_{}", &database[database.len() - 8..]);
    MariaDb::shared().sql(
        Some(&database),
        &format!(
            "CREATE USER {name}@127.0.0.1 IDENTIFIED BY '{PASSWORD}'; GRANT SELECT ON {database}.* TO {name}@127.0.0.1; \
             GRANT INSERT ON events TO {name}@127.0.0.1; GRANT UPDATE ON ledger_head TO {name}@127.0.0.1"
        ),
    );
    let appender = mysql(&options.user(name).password(PASSWORD)).await;
    assert_eq!((appender.may_append, appender.may_change_events), (Some(true), Some(false)));
    assert_eq!((appender.severity(), appender.guards_missing), (Some(Severity::Note), None));
}

#[tokio::test]
async fn no_user_and_no_password_is_told() {
    let (options, schema) = in_postgres().await;
    let diagnosis = postgres(&login(&options, &schema, "")).await;
    let told = format!("{diagnosis:?}");
    assert!(told.contains(&schema) && !told.contains(PASSWORD) && !told.contains("login_"), "{told}");
}

#[tokio::test]
async fn a_standby_is_to_be_fixed_unless_it_is_only_read() {
    let (options, _) = in_postgres().await;
    let standby = Postgres::shared().standby("doctor");
    let options = options.port(standby.port());
    let diagnosis = postgres(&options).await;
    fixes(&diagnosis, "name the primary");
    assert_eq!((diagnosis.role, diagnosis.head.unwrap().extent.events()), (Role::Standby, 3));
    assert_eq!(postgres(&options.mode(Mode::ReadOnly)).await.severity(), Some(Severity::Note));
}

#[tokio::test]
async fn a_file_is_left_as_it_was() {
    let (folder, path) = in_file().await;
    let files = || {
        let files = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().path());
        files.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect::<std::collections::BTreeMap<_, _>>()
    };
    let before = files();
    is_healthy(&file(&path).await);
    assert_eq!(files(), before);
    // A program that died has left a log behind.
    let ledger = SqliteLedger::open(SqliteOptions::new(&path)).await.unwrap();
    ledger.append_all(events("f", 2)).await.unwrap();
    let killed = folder.path().join("killed.db");
    for ending in ["", "-wal"] {
        std::fs::copy(format!("{}{ending}", path.display()), format!("{}{ending}", killed.display())).unwrap();
    }
    ledger.close().await.unwrap();
    let before = files();
    let diagnosis = file(&killed).await;
    assert_eq!(diagnosis.head.unwrap().extent.events(), 5);
    assert!(diagnosis.file.unwrap().wal_bytes > 0);
    let mut after = files();
    after.remove(&folder.path().join("killed.db-shm"));
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_snapshot_takes_no_events_and_needs_no_fix() {
    let (folder, path) = in_file().await;
    let copy = folder.path().join("copy.db");
    let ledger = SqliteLedger::open(SqliteOptions::new(&path)).await.unwrap();
    snapshot(&ledger, &copy, &|_, _| ()).await.unwrap();
    let diagnosis = file(&copy).await;
    assert_eq!((diagnosis.role, diagnosis.may_append), (Role::Snapshot, Some(false)));
    assert_eq!(diagnosis.severity(), Some(Severity::Note), "{diagnosis:?}");
    assert_eq!(diagnosis.head.unwrap().ledger_id, ledger.head().await.unwrap().ledger_id);
}

#[tokio::test]
async fn what_cannot_be_reached_is_not_available() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let options = |scheme| ServerOptions::from_url(&format!("{scheme}://me@127.0.0.1:{nobody}/x")).unwrap();
    let error = PostgresLedger::diagnose(options("postgres")).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    let error = MySqlLedger::diagnose(options("mysql")).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
}
