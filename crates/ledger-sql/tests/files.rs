//! What is special to a file: whether it is a ledger, who may read it, which schema it has, who else holds it.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ledger_conformance::events::{event, events, log, offset};
use ledger_core::{Durability, Error, Ledger, LedgerExt, Position};
use ledger_sql::{Mode, SqliteLedger, SqliteOptions};
use rusqlite::Connection;
use tempfile::TempDir;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    (folder, path)
}

async fn open(path: &Path) -> SqliteLedger {
    SqliteLedger::open(SqliteOptions::new(path)).await.unwrap()
}

async fn refused(options: SqliteOptions) -> Error {
    match SqliteLedger::open(options).await {
        Ok(_) => panic!("it opened"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_ledger_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = folder();
    let ledger = open(&path).await;
    ledger.append_one(event("e")).await.unwrap();
    for entry in folder.path().read_dir().unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
    }
}

#[tokio::test]
async fn a_closed_ledger_is_one_file() {
    let (folder, path) = folder();
    let ledger = open(&path).await;
    ledger.append_one(event("e")).await.unwrap();
    log(&ledger).await;
    drop(ledger);
    assert_eq!(folder.path().read_dir().unwrap().count(), 1);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let (_folder, path) = folder();
    let content =
        b"this is not a database, and it is longer than the header of one would be; so it is refused.".repeat(4);
    std::fs::write(&path, &content).unwrap();
    let error = refused(SqliteOptions::new(&path)).await;
    assert!(matches!(error, Error::NotALedger { .. }), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), content);
}

#[tokio::test]
async fn another_programs_database_is_refused_and_left_alone() {
    let (_folder, path) = folder();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)").unwrap();
    let before = std::fs::read(&path).unwrap();
    for mode in [Mode::Create, Mode::Existing, Mode::ReadOnly] {
        let error = refused(SqliteOptions::new(&path).mode(mode)).await;
        assert!(matches!(error, Error::NotALedger { .. }), "{error:?}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let (_folder, path) = folder();
    open(&path).await.append_one(event("e")).await.unwrap();
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = std::fs::read(&path).unwrap();
    for mode in [Mode::Create, Mode::Existing, Mode::ReadOnly] {
        let error = refused(SqliteOptions::new(&path).mode(mode)).await;
        assert!(matches!(error, Error::SchemaTooNew { found: 99, .. }), "{error:?}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_schema_that_becomes_newer_under_an_open_handle_is_refused() {
    let (_folder, path) = folder();
    let ledger = open(&path).await;
    ledger.append_one(event("e")).await.unwrap();
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = ledger.append_one(event("f")).await.unwrap_err();
    assert!(matches!(error, Error::SchemaTooNew { .. }), "{error:?}");
    let error = ledger.head().await.unwrap_err();
    assert!(matches!(error, Error::SchemaTooNew { .. }), "{error:?}");
}

#[tokio::test]
async fn a_migration_that_was_cut_off_is_done_again() {
    let (_folder, path) = folder();
    // What a process leaves that died after it created the file, or while it created the tables.
    std::fs::write(&path, b"").unwrap();
    let cut_off = Connection::open(&path).unwrap();
    cut_off.execute_batch("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE; CREATE TABLE events (x)").unwrap();
    drop(cut_off);
    let ledger = open(&path).await;
    assert_eq!(ledger.append_one(event("e")).await.unwrap(), Position::New(offset(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn any_number_of_handles_may_create_one_ledger_at_once() {
    for _ in 0..10 {
        let (_folder, path) = folder();
        let opening: Vec<_> = (0..8)
            .map(|n| {
                let path = path.clone();
                tokio::spawn(async move {
                    let ledger = open(&path).await;
                    ledger.append_one(event(&format!("e-{n}"))).await.unwrap();
                    ledger.head().await.unwrap().ledger_id
                })
            })
            .collect();
        let mut ids = Vec::new();
        for opened in opening {
            ids.push(opened.await.unwrap());
        }
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
        assert_eq!(log(&open(&path).await).await.len(), 8);
    }
}

#[tokio::test]
async fn what_is_missing_is_not_created_unasked() {
    let (folder, path) = folder();
    for mode in [Mode::Existing, Mode::ReadOnly] {
        let error = refused(SqliteOptions::new(&path).mode(mode)).await;
        assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
    }
    assert!(!path.exists());
    let error = refused(SqliteOptions::new(folder.path().join("no/such/folder.db"))).await;
    assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
    let error = refused(SqliteOptions::new(folder.path())).await;
    assert!(matches!(error, Error::NotALedger { .. }), "{error:?}");
}

#[tokio::test]
async fn a_ledger_opened_to_be_read_takes_no_events() {
    let (_folder, path) = folder();
    open(&path).await.append_one(event("e")).await.unwrap();
    let ledger = SqliteLedger::open(SqliteOptions::new(&path).mode(Mode::ReadOnly)).await.unwrap();
    assert_eq!(log(&ledger).await.len(), 1);
    let error = ledger.append_one(event("f")).await.unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error:?}");
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn the_database_itself_refuses_to_change_the_log() {
    let (_folder, path) = folder();
    let ledger = open(&path).await;
    ledger.append_all(events("e", 3)).await.unwrap();
    let raw = Connection::open(&path).unwrap();
    for statement in [
        "UPDATE events SET turn = 9",
        "DELETE FROM events",
        r#"DELETE FROM events WHERE "offset" = 3"#,
        "UPDATE ledger_head SET next = 1",
        "UPDATE ledger_head SET epoch = 0",
        "UPDATE ledger_head SET ledger_id = 'x'",
        "DELETE FROM ledger_head",
    ] {
        let error = raw.execute_batch(statement).unwrap_err();
        assert!(error.to_string().contains("append-only") || error.to_string().contains("head"), "{error}");
    }
    assert_eq!(ledger.verify(&|_, _| ()).await.unwrap().fault, None);
}

#[tokio::test]
async fn a_reset_leaves_a_trace_and_the_triggers() {
    let (_folder, path) = folder();
    let ledger = open(&path).await;
    ledger.append_all(events("e", 3)).await.unwrap();
    ledger.reset(&ledger.head().await.unwrap()).await.unwrap();
    ledger.append_all(events("e", 2)).await.unwrap();
    let raw = Connection::open(&path).unwrap();
    let (operation, detail): (String, String) = raw
        .query_row("SELECT operation, detail FROM ledger_operations", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!((operation.as_str(), detail.as_str()), ("reset", "deleted offsets 1 to 3; epoch 2"));
    assert!(raw.execute_batch("DELETE FROM events").is_err());
}

#[tokio::test]
async fn a_writer_waits_for_the_stated_time_and_then_says_try_again() {
    let (_folder, path) = folder();
    let ledger = SqliteLedger::open(SqliteOptions::new(&path).busy_timeout(Duration::from_millis(200))).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = ledger.append_one(event("e")).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert!(error.is_retryable());
    assert_eq!(log(&ledger).await.len(), 0, "readers do not wait");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(ledger.append_one(event("e")).await.unwrap(), Position::New(offset(1)));
}

#[tokio::test]
async fn a_weaker_durability_is_chosen_by_name_and_shown() {
    let (_folder, path) = folder();
    assert_eq!(open(&path).await.head().await.unwrap().durability, Durability::Synced);
    let options = SqliteOptions::from_url(&format!("sqlite:{}?durability=buffered", path.display())).unwrap();
    let ledger = SqliteLedger::open(options).await.unwrap();
    ledger.append_one(event("e")).await.unwrap();
    assert_eq!(ledger.head().await.unwrap().durability, Durability::Buffered);
}

#[tokio::test]
async fn a_handle_that_goes_away_finishes_what_was_asked() {
    let (_folder, path) = folder();
    let ledger = Arc::new(open(&path).await);
    for n in 0..200 {
        let mut append = ledger.append_one(event(&format!("e-{n}")));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(append.as_mut().poll(&mut context).is_pending());
        tokio::task::yield_now().await;
    }
    drop(ledger);
    assert_eq!(log(&open(&path).await).await.len(), 200);
}

#[tokio::test]
async fn every_table_can_be_read_without_this_library() {
    let (_folder, path) = folder();
    let ledger = open(&path).await;
    ledger.append_one(ledger_conformance::events::full("e")).await.unwrap();
    let raw = Connection::open(&path).unwrap();
    let (offset, created, digest): (i64, String, String) = raw
        .query_row("SELECT offset, created_at, digest FROM events_readable", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    let recorded = &log(&ledger).await[0];
    assert_eq!(offset, 1);
    assert_eq!(created, recorded.event.created_at.to_string());
    assert_eq!(digest, recorded.digest.to_string());
}

#[tokio::test]
async fn a_handle_whose_file_was_moved_or_replaced_takes_no_events() {
    let (folder, path) = folder();
    let ledger = open(&path).await;
    ledger.append_one(event("e")).await.unwrap();
    std::fs::rename(&path, folder.path().join("moved.db")).unwrap();
    for replaced in [false, true] {
        if replaced {
            std::fs::write(&path, "").unwrap();
        }
        let error = ledger.append_one(event("f")).await.unwrap_err();
        assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
        assert!(matches!(ledger.head().await.unwrap_err(), Error::NotFound { .. }));
    }
}

#[tokio::test]
async fn what_a_reset_deleted_is_gone_from_the_file_and_from_snapshots() {
    let (folder, path) = folder();
    let ledger = open(&path).await;
    let payload = ledger_core::Payload::from_json(format!(r#"{{"x":"{}"}}"#, "TOPSECRET".repeat(2_000))).unwrap();
    ledger.append_one(ledger_core::Event { payload, ..event("e") }).await.unwrap();
    ledger.reset(&ledger.head().await.unwrap()).await.unwrap();
    ledger.append_one(event("f")).await.unwrap();
    let copy = folder.path().join("copy.db");
    ledger_sql::snapshot(&ledger, &copy, &|_, _| ()).await.unwrap();
    ledger.close().await.unwrap();
    for file in [path, copy] {
        let bytes = std::fs::read(file).unwrap();
        assert!(!bytes.windows(9).any(|window| window == b"TOPSECRET"));
    }
}

#[tokio::test]
async fn a_path_is_the_same_file_wherever_and_never_a_special_name() {
    let folder = tempfile::tempdir().unwrap();
    for name in [":memory:", "file:x?mode=memory", "a b'c.db"] {
        let path = folder.path().join(name);
        open(&path).await.append_one(event("e")).await.unwrap();
        assert!(path.is_file(), "{name}");
        assert_eq!(log(&open(&path).await).await.len(), 1);
    }
}

#[tokio::test]
async fn a_ledger_behind_a_link_is_the_same_ledger() {
    let (folder, path) = folder();
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    std::fs::write(&path, "").unwrap();
    let (by_link, by_name) = (open(&link).await, open(&path).await);
    by_link.append_one(event("e")).await.unwrap();
    by_name.append_one(event("f")).await.unwrap();
    assert_eq!(log(&by_link).await, log(&by_name).await);
    // A link that comes to name another file is another ledger.
    std::fs::remove_file(&link).unwrap();
    std::fs::write(folder.path().join("other.db"), "").unwrap();
    std::os::unix::fs::symlink(folder.path().join("other.db"), &link).unwrap();
    assert!(matches!(by_link.append_one(event("g")).await.unwrap_err(), Error::NotFound { .. }));
}

#[tokio::test]
async fn a_closed_ledger_is_closed_although_a_read_was_given_up() {
    let (folder, path) = folder();
    let ledger = open(&path).await;
    ledger.extend(events("e", 20_000)).await.unwrap();
    let given_up = tokio::time::timeout(Duration::from_millis(5), ledger.verify(&|_, _| ())).await;
    println!("given up: {}", given_up.is_err());
    ledger.close().await.unwrap();
    assert_eq!(folder.path().read_dir().unwrap().count(), 1);
}
