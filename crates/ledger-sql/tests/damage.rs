//! P9: damage is reported, never served.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use futures_util::TryStreamExt;
use ledger_conformance::events::{event, events, offset};
use ledger_core::{Error, Filter, Ledger, LedgerExt, Offset, Read, RecordedEvent, Result};
use ledger_sql::{Mode, ReadVerification, SqliteLedger, SqliteOptions, snapshot};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rusqlite::Connection;
use std::sync::Arc;
use tempfile::TempDir;

const EVENTS: usize = 60;

/// A closed ledger, and a snapshot of it.
async fn ledger() -> (TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("ledger.db"), folder.path().join("snapshot.db"));
    let ledger = SqliteLedger::open(SqliteOptions::new(&path)).await.unwrap();
    for event in events("e", EVENTS) {
        ledger.append_one(event).await.unwrap();
    }
    snapshot(&ledger, &copy, &|_, _| ()).await.unwrap();
    drop(ledger);
    (folder, path, copy)
}

async fn open(path: &Path) -> Result<SqliteLedger> {
    SqliteLedger::open(SqliteOptions::new(path).mode(Mode::ReadOnly)).await
}

async fn read_all(ledger: &SqliteLedger) -> Result<Vec<Arc<RecordedEvent>>> {
    ledger.tail(Read::after(Offset::ZERO)).try_collect().await
}

/// Does to a file what its triggers forbid.
fn tamper(path: &Path, statements: &str) {
    let raw = Connection::open(path).unwrap();
    raw.execute_batch(
        "DROP TRIGGER events_are_never_changed; DROP TRIGGER events_are_never_deleted; DROP TRIGGER ledger_head_goes_on;",
    )
    .unwrap();
    raw.execute_batch(statements).unwrap();
}

async fn fault(path: &Path) -> String {
    let report = open(path).await.unwrap().verify(&|_, _| ()).await.unwrap();
    report.fault.expect("a fault")
}

#[tokio::test]
async fn a_changed_column_is_found_by_every_read_and_by_verify() {
    for change in [
        "id = 'x'",
        "run_id = 'x'",
        "turn = turn + 1",
        "kind = 'x.y'",
        "actor = 'x'",
        "created_at = created_at + 1",
        "recorded_at = recorded_at + 1",
        "schema_version = 2",
        "session_id = 'x'",
        "model_profile = 'x'",
        "model_id = 'x'",
        "digest = zeroblob(32)",
        "digest = zeroblob(31)",
        "schema_version = 5000000000",
        "seal = seal + 1",
        "metadata = '{\"a\":\"b\"}'",
        "metadata = 'x'",
        "payload = '{\"n\":2}'",
        "turn = -1",
        "created_at = 9223372036854775807",
    ] {
        let (_folder, path, copy) = ledger().await;
        for path in [path, copy] {
            tamper(&path, &format!(r#"UPDATE events SET {change} WHERE "offset" = 7"#));
            let ledger = open(&path).await.unwrap();
            let error = read_all(&ledger).await.unwrap_err();
            assert!(matches!(error, Error::Corrupt { offset: Some(at), .. } if at == offset(7)), "{change}: {error:?}");
            let report = ledger.verify(&|_, _| ()).await.unwrap();
            assert_eq!(report.events, 6, "{change}: those before it are sound");
            assert!(report.fault.as_ref().is_some_and(|fault| fault.contains("offset 7")), "{change}: {report:?}");
        }
    }
}

#[tokio::test]
async fn a_missing_row_is_found() {
    for missing in [1, 30, EVENTS] {
        let (_folder, path, _) = ledger().await;
        tamper(&path, &format!(r#"DELETE FROM events WHERE "offset" = {missing}"#));
        let error = read_all(&open(&path).await.unwrap()).await.unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
        assert!(fault(&path).await.contains(&format!("offset {missing}")));
    }
}

#[tokio::test]
async fn rows_that_changed_places_are_found() {
    let (_folder, path, _) = ledger().await;
    tamper(
        &path,
        r#"UPDATE events SET "offset" = 1000 WHERE "offset" = 3; UPDATE events SET "offset" = 3 WHERE "offset" = 4;
           UPDATE events SET "offset" = 4 WHERE "offset" = 1000"#,
    );
    let error = read_all(&open(&path).await.unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { offset: Some(at), .. } if at == offset(3)), "{error:?}");
    assert!(fault(&path).await.contains("offset 3"));
}

#[tokio::test]
async fn a_head_that_disagrees_with_the_events_is_found() {
    for change in ["next = next + 1", "next = next - 1", "first = 2", "recorded_at = recorded_at + 1000000"] {
        let (_folder, path, _) = ledger().await;
        tamper(&path, &format!("UPDATE ledger_head SET {change}"));
        let ledger = open(&path).await.unwrap();
        assert!(ledger.verify(&|_, _| ()).await.unwrap().fault.is_some(), "{change}");
        if change != "first = 2" {
            let writer = SqliteLedger::open(SqliteOptions::new(&path)).await.unwrap();
            let error = writer.append_one(event("new")).await.unwrap_err();
            assert!(matches!(error, Error::Corrupt { .. }), "{change}: {error:?}");
        }
        if change.starts_with("recorded_at") {
            continue;
        }
        let filtered = Read::after(Offset::ZERO).matching(Filter::any().run(event("e").run_id)).unwrap();
        if change != "next = next + 1" {
            let error = ledger.read(&filtered).await.unwrap_err();
            assert!(matches!(error, Error::Corrupt { .. }), "{change}: {error:?}");
        }
        assert!(matches!(read_all(&ledger).await.unwrap_err(), Error::Corrupt { .. }), "{change}");
    }
}

#[tokio::test]
async fn damaged_values_outside_of_events_are_damage_too() {
    let (_folder, path, _) = ledger().await;
    tamper(&path, "UPDATE ledger_head SET epoch = 5000000000");
    let ledger = open(&path).await.unwrap();
    assert!(matches!(ledger.head().await.unwrap_err(), Error::Corrupt { .. }));
    assert!(ledger.verify(&|_, _| ()).await.unwrap().fault.is_some());
    let (_folder, path, _) = self::ledger().await;
    tamper(&path, "INSERT INTO ledger_checkpoints VALUES ('c', -1, NULL, 0)");
    assert!(matches!(open(&path).await.unwrap().checkpoints().await.unwrap_err(), Error::Corrupt { .. }));
}

#[tokio::test]
async fn an_append_onto_a_damaged_head_stores_nothing() {
    let (_folder, path, _) = ledger().await;
    tamper(&path, "UPDATE ledger_head SET next = 5");
    let ledger = SqliteLedger::open(SqliteOptions::new(&path)).await.unwrap();
    let error = ledger.append_one(event("new")).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    assert_eq!(ledger.find(event("new").id).await.unwrap(), None);
}

#[tokio::test]
async fn verification_of_reads_can_be_switched_off_but_verify_still_checks() {
    let (_folder, path, _) = ledger().await;
    tamper(&path, r#"UPDATE events SET turn = 99 WHERE "offset" = 7"#);
    let options = SqliteOptions::new(&path).verification(ReadVerification::Off);
    let ledger = SqliteLedger::open(options).await.unwrap();
    assert_eq!(read_all(&ledger).await.unwrap().len(), EVENTS);
    assert!(ledger.verify(&|_, _| ()).await.unwrap().fault.is_some());
}

#[tokio::test]
async fn a_damaged_ledger_gives_no_snapshot() {
    let (folder, path, _) = ledger().await;
    tamper(&path, r#"UPDATE events SET turn = 99 WHERE "offset" = 7"#);
    let target = folder.path().join("new.db");
    let error = snapshot(&open(&path).await.unwrap(), &target, &|_, _| ()).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    assert!(!target.exists());
}

/// One random bit, in a ledger file or a snapshot, as often as `LEDGER_ROUNDS` says: what is read are the identical
/// events, or a typed error.
#[tokio::test]
async fn a_flipped_bit_is_an_error_or_changes_nothing() {
    let rounds = std::env::var("LEDGER_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000);
    let mut rng = StdRng::seed_from_u64(ledger_conformance::seed());
    let (folder, path, copy) = ledger().await;
    let sound = read_all(&open(&path).await.unwrap()).await.unwrap();
    let contents = [std::fs::read(&path).unwrap(), std::fs::read(&copy).unwrap()];
    let flipped = folder.path().join("flipped.db");
    let (mut errors, mut found, mut harmless) = (0, 0, 0);
    for round in 0..rounds {
        let mut content = contents[round % 2].clone();
        let bit = rng.random_range(0..content.len() * 8);
        content[bit / 8] ^= 1 << (bit % 8);
        for ending in ["", "-wal", "-shm", "-journal"] {
            let _ = std::fs::remove_file(format!("{}{ending}", flipped.display()));
        }
        std::fs::write(&flipped, content).unwrap();
        let Ok(ledger) = open(&flipped).await else {
            errors += 1;
            continue;
        };
        match read_all(&ledger).await {
            Err(_) => errors += 1,
            Ok(events) => {
                assert!(events == sound, "bit {bit} changed what was served");
                let of_run = Read::after(Offset::ZERO).matching(Filter::any().run(event("e").run_id)).unwrap();
                let filtered: Result<Vec<_>> = ledger.tail(of_run).try_collect().await;
                match ledger.verify(&|_, _| ()).await {
                    Ok(report) if report.fault.is_none() => {
                        assert!(filtered.unwrap() == sound, "bit {bit} hides events from a filter and from verify");
                        harmless += 1;
                    }
                    _ => found += 1,
                }
            }
        }
    }
    println!("{rounds} bits: {errors} errors when reading, {found} found by verify only, {harmless} harmless");
    assert!(errors > 0);
}
