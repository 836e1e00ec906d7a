//! P11: a snapshot is the ledger at one offset.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use ledger_conformance::events::{event, events, full, log, offset};
use ledger_core::{Cached, ConsumerName, Error, Ledger, LedgerExt, Position};
use ledger_memory::MemoryLedger;
use ledger_sql::{Mode, SnapshotKind, SqliteLedger, SqliteOptions, restore, snapshot};
use rusqlite::Connection;
use tempfile::TempDir;

async fn open(path: &Path) -> SqliteLedger {
    SqliteLedger::open(SqliteOptions::new(path)).await.unwrap()
}

/// Ledgers of every kind: a file, one in memory, a cache around a file.
async fn ledgers(folder: &TempDir) -> Vec<Arc<dyn Ledger>> {
    vec![
        Arc::new(open(&folder.path().join("ledger.db")).await),
        Arc::new(MemoryLedger::new()),
        Arc::new(Cached::new(Arc::new(open(&folder.path().join("cached.db")).await), 1 << 20)),
    ]
}

async fn refused(ledger: &dyn Ledger, target: &Path) -> Error {
    snapshot(ledger, target, &|_, _| ()).await.unwrap_err()
}

#[tokio::test]
async fn a_snapshot_equals_its_source_digest_for_digest() {
    let folder = tempfile::tempdir().unwrap();
    for (n, ledger) in ledgers(&folder).await.into_iter().enumerate() {
        ledger.append_all(vec![full("a"), event("b")]).await.unwrap();
        ledger.extend(events("e", 5_000)).await.unwrap();
        let third = ledger.event_at(offset(3)).await.unwrap().unwrap();
        ledger.reached(ConsumerName::new("consumer").unwrap(), &third).await.unwrap();
        let target = folder.path().join(format!("snapshot-{n}.db"));
        let taken = snapshot(ledger.as_ref(), &target, &|_, _| ()).await.unwrap();
        assert_eq!((taken.first, taken.last, taken.kind), (offset(1), offset(5_002), SnapshotKind::Created));
        let copy = open(&target).await;
        assert_eq!(log(&copy).await, log(ledger.as_ref()).await);
        assert_eq!(copy.head().await.unwrap().ledger_id, ledger.head().await.unwrap().ledger_id);
        assert_eq!(copy.checkpoints().await.unwrap(), ledger.checkpoints().await.unwrap());
        assert_eq!(copy.verify(&|_, _| ()).await.unwrap().fault, None);
    }
}

#[tokio::test]
async fn a_snapshot_is_one_private_file_that_takes_no_events() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    for (n, ledger) in ledgers(&folder).await.into_iter().enumerate() {
        ledger.append_one(event("e")).await.unwrap();
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join(format!("snapshot-{n}.db"));
        snapshot(ledger.as_ref(), &target, &|_, _| ()).await.unwrap();
        let copy = open(&target).await;
        log(&copy).await;
        let error = copy.append_one(event("f")).await.unwrap_err();
        assert!(matches!(error, Error::ReadOnly { .. }), "{error:?}");
        assert_eq!(place.path().read_dir().unwrap().count(), 1);
        assert_eq!(target.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn an_empty_ledger_has_a_snapshot_too() {
    let folder = tempfile::tempdir().unwrap();
    for (n, ledger) in ledgers(&folder).await.into_iter().enumerate() {
        let target = folder.path().join(format!("snapshot-{n}.db"));
        let taken = snapshot(ledger.as_ref(), &target, &|_, _| ()).await.unwrap();
        assert_eq!(taken.added, 0);
        let restored = MemoryLedger::new();
        assert_eq!(restore(&target, &restored, &|_, _| ()).await.unwrap().added, 0);
        ledger.append_one(event("e")).await.unwrap();
        assert_eq!(snapshot(ledger.as_ref(), &target, &|_, _| ()).await.unwrap().added, 1);
    }
}

#[tokio::test]
async fn an_older_snapshot_is_brought_up_to_date_by_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    for (n, ledger) in ledgers(&folder).await.into_iter().enumerate() {
        let target = folder.path().join(format!("snapshot-{n}.db"));
        ledger.extend(events("a", 10)).await.unwrap();
        snapshot(ledger.as_ref(), &target, &|_, _| ()).await.unwrap();
        ledger.extend(events("b", 5)).await.unwrap();
        for expected in [5, 0] {
            let taken = snapshot(ledger.as_ref(), &target, &|_, _| ()).await.unwrap();
            assert_eq!((taken.added, taken.kind, taken.last), (expected, SnapshotKind::Updated, offset(15)));
        }
        let copy = open(&target).await;
        assert_eq!(log(&copy).await, log(ledger.as_ref()).await);
        assert_eq!(copy.verify(&|_, _| ()).await.unwrap().fault, None);
    }
}

#[tokio::test]
async fn nothing_but_an_older_snapshot_of_the_same_ledger_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let ledger = open(&path("ledger.db")).await;
    let other = open(&path("other.db")).await;
    for ledger in [&ledger, &other] {
        ledger.append_all(events("e", 3)).await.unwrap();
    }
    snapshot(&other, &path("theirs.db"), &|_, _| ()).await.unwrap();
    std::fs::write(path("text"), "some text").unwrap();
    std::fs::write(path("empty"), "").unwrap();
    std::os::unix::fs::symlink(path("nowhere"), path("dangling")).unwrap();
    Connection::open(path("foreign.db")).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    for name in ["ledger.db", "other.db", "theirs.db", "text", "empty", "foreign.db", "dangling", ""] {
        let before = std::fs::read(path(name)).ok();
        let error = refused(&ledger, &path(name)).await;
        assert!(
            matches!(error, Error::Refused(_) | Error::NotALedger { .. } | Error::NotFound { .. }),
            "{name}: {error:?}"
        );
        assert_eq!(std::fs::read(path(name)).ok(), before, "{name}");
    }
    assert_eq!(log(&ledger).await.len(), 3);
    assert!(matches!(refused(&ledger, &path("no/folder.db")).await, Error::NotFound { .. }));
}

#[tokio::test]
async fn a_snapshot_of_an_earlier_epoch_or_of_another_history_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let ledger = open(&path("ledger.db")).await;
    ledger.append_all(events("e", 3)).await.unwrap();
    snapshot(&ledger, &path("snapshot.db"), &|_, _| ()).await.unwrap();
    // The same file, set back to an older state and written on.
    drop(ledger);
    std::fs::copy(path("ledger.db"), path("twin.db")).unwrap();
    let (ledger, twin) = (open(&path("ledger.db")).await, open(&path("twin.db")).await);
    ledger.append_one(event("one")).await.unwrap();
    twin.append_one(event("other")).await.unwrap();
    snapshot(&ledger, &path("snapshot.db"), &|_, _| ()).await.unwrap();
    let error = refused(&twin, &path("snapshot.db")).await;
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
    ledger.reset(&ledger.head().await.unwrap()).await.unwrap();
    ledger.append_all(events("new", 9)).await.unwrap();
    let error = refused(&ledger, &path("snapshot.db")).await;
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
    assert_eq!(log(&open(&path("snapshot.db")).await).await.len(), 4);
    // A ledger that does not begin at 1 has snapshots too, new and updated.
    snapshot(&ledger, &path("new.db"), &|_, _| ()).await.unwrap();
    ledger.append_one(event("more")).await.unwrap();
    snapshot(&ledger, &path("new.db"), &|_, _| ()).await.unwrap();
    assert_eq!(log(&open(&path("new.db")).await).await, log(&ledger).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_snapshot_while_eight_writers_append_equals_a_prefix() {
    let folder = tempfile::tempdir().unwrap();
    for (n, ledger) in ledgers(&folder).await.into_iter().enumerate() {
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let ledger = Arc::clone(&ledger);
                tokio::spawn(async move {
                    for n in 0..60 {
                        ledger.append_all(events(&format!("w{writer}-{n}"), 5)).await.unwrap();
                    }
                })
            })
            .collect();
        let target = folder.path().join(format!("snapshot-{n}.db"));
        let mut copies = Vec::new();
        while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
            let new = folder.path().join(format!("snapshot-{n}-{}.db", copies.len()));
            for target in [&new, &target] {
                let taken = snapshot(ledger.as_ref(), target, &|_, _| ()).await.unwrap();
                copies.push((taken.last, log(&open(target).await).await));
            }
        }
        let whole = log(ledger.as_ref()).await;
        for (last, copy) in &copies {
            assert_eq!(copy.len() as u64, last.get());
            assert_eq!(copy[..], whole[..copy.len()]);
        }
        println!("{} snapshots of a growing ledger", copies.len());
    }
}

#[tokio::test]
async fn a_restored_ledger_equals_the_snapshot_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let source = open(&folder.path().join("source.db")).await;
    source.extend(events("gone", 3)).await.unwrap();
    source.reset(&source.head().await.unwrap()).await.unwrap();
    source.extend(events("e", 4_500)).await.unwrap();
    let consumer = ConsumerName::new("consumer").unwrap();
    let last = source.event_at(offset(4_503)).await.unwrap().unwrap();
    source.reached(consumer.clone(), &last).await.unwrap();
    let target = folder.path().join("snapshot.db");
    snapshot(&source, &target, &|_, _| ()).await.unwrap();
    for ledger in ledgers(&folder).await {
        let identity = ledger.head().await.unwrap().ledger_id;
        let restored = restore(&target, ledger.as_ref(), &|_, _| ()).await.unwrap();
        assert_eq!((restored.first, restored.last, restored.added), (offset(4), offset(4_503), 4_500));
        assert_eq!(restored.ledger_id, identity, "two ledgers that can be written never share an identity");
        assert_eq!(log(ledger.as_ref()).await, log(&source).await);
        assert_eq!(ledger.resume(&consumer).await.unwrap(), offset(4_503));
        assert_eq!(ledger.append_one(event("next")).await.unwrap(), Position::New(offset(4_504)));
        let error = restore(&target, ledger.as_ref(), &|_, _| ()).await.unwrap_err();
        assert!(matches!(error, Error::Refused(_)), "{error:?}");
    }
}

#[tokio::test]
async fn an_interrupted_restore_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let source = open(&folder.path().join("source.db")).await;
    source.extend(events("e", 10)).await.unwrap();
    let ledger = open(&folder.path().join("ledger.db")).await;
    restore(source.path(), &ledger, &|_, _| ()).await.unwrap();
    source.extend(events("f", 5)).await.unwrap();
    let restored = restore(source.path(), &ledger, &|_, _| ()).await.unwrap();
    assert_eq!(restored.added, 5);
    assert_eq!(log(&ledger).await, log(&source).await);
}

#[tokio::test]
async fn a_snapshot_of_a_snapshot_is_the_same_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let ledger = open(&path("ledger.db")).await;
    ledger.extend(events("e", 10)).await.unwrap();
    snapshot(&ledger, &path("one.db"), &|_, _| ()).await.unwrap();
    let one = SqliteLedger::open(SqliteOptions::new(path("one.db")).mode(Mode::ReadOnly)).await.unwrap();
    snapshot(&one, &path("two.db"), &|_, _| ()).await.unwrap();
    assert_eq!(log(&open(&path("two.db")).await).await, log(&ledger).await);
}

#[tokio::test]
async fn a_rotten_snapshot_is_not_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let (path, target) = (folder.path().join("ledger.db"), folder.path().join("snapshot.db"));
    let ledger = open(&path).await;
    ledger.extend(events("e", 10)).await.unwrap();
    snapshot(&ledger, &target, &|_, _| ()).await.unwrap();
    let raw = Connection::open(&target).unwrap();
    raw.execute_batch(r#"DROP TRIGGER events_are_never_changed; UPDATE events SET turn = 9 WHERE "offset" = 3"#)
        .unwrap();
    drop(raw);
    ledger.append_one(event("new")).await.unwrap();
    let before = std::fs::read(&target).unwrap();
    let error = refused(&ledger, &target).await;
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    assert_eq!(std::fs::read(&target).unwrap(), before);
    assert_eq!(
        folder
            .path()
            .read_dir()
            .unwrap()
            .filter(|entry| { entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".partial") })
            .count(),
        0
    );
}

#[tokio::test]
async fn a_snapshot_is_brought_up_to_date_while_somebody_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let (path, target) = (folder.path().join("ledger.db"), folder.path().join("snapshot.db"));
    let ledger = open(&path).await;
    ledger.extend(events("e", 10)).await.unwrap();
    snapshot(&ledger, &target, &|_, _| ()).await.unwrap();
    let reader = Connection::open(&target).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM events").unwrap();
    ledger.append_one(event("new")).await.unwrap();
    assert_eq!(snapshot(&ledger, &target, &|_, _| ()).await.unwrap().added, 1);
}

#[tokio::test]
async fn an_empty_ledger_after_a_reset_has_the_same_snapshot_from_every_side() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder.path().join("ledger.db")).await;
    ledger.extend(events("e", 10)).await.unwrap();
    ledger.reset(&ledger.head().await.unwrap()).await.unwrap();
    let expected = ledger.head().await.unwrap().extent;
    let cached = Cached::new(Arc::new(ledger.clone()), 1 << 20);
    let sides: [&dyn Ledger; 2] = [&ledger, &cached];
    for (n, side) in sides.into_iter().enumerate() {
        let target = folder.path().join(format!("snapshot-{n}.db"));
        snapshot(side, &target, &|_, _| ()).await.unwrap();
        assert_eq!(open(&target).await.head().await.unwrap().extent, expected);
    }
}

#[tokio::test]
async fn a_place_where_another_database_left_files_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let ledger = open(&path("ledger.db")).await;
    ledger.extend(events("e", 10)).await.unwrap();
    for ending in ["-wal", "-shm", "-journal"] {
        let left = path(&format!("snapshot.db{ending}"));
        std::fs::write(&left, "left behind").unwrap();
        let error = refused(&ledger, &path("snapshot.db")).await;
        assert!(matches!(error, Error::Refused(_)), "{error:?}");
        assert!(!path("snapshot.db").exists());
        std::fs::remove_file(left).unwrap();
        let error = refused(&ledger, &path(&format!("other.db{ending}"))).await;
        assert!(matches!(error, Error::Refused(_)), "{error:?}");
    }
    snapshot(&ledger, &path("snapshot.db"), &|_, _| ()).await.unwrap();
    assert_eq!(log(&open(&path("snapshot.db")).await).await.len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_snapshots_to_one_file_at_once_the_newest_stays() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("snapshot.db");
    let ledger = open(&folder.path().join("ledger.db")).await;
    ledger.append_one(event("first")).await.unwrap();
    snapshot(&ledger, &target, &|_, _| ()).await.unwrap();
    for round in 0..20 {
        let takers: Vec<_> = (0..4)
            .map(|n| {
                let (ledger, target) = (ledger.clone(), target.clone());
                tokio::spawn(async move {
                    ledger.append_one(event(&format!("{round}-{n}"))).await.unwrap();
                    match snapshot(&ledger, &target, &|_, _| ()).await {
                        Ok(taken) => Some(taken.last),
                        Err(Error::Unavailable { .. }) => None,
                        Err(error) => panic!("{error:?}"),
                    }
                })
            })
            .collect();
        let mut newest = offset(0);
        for taker in takers {
            newest = newest.max(taker.await.unwrap().unwrap_or_default());
        }
        assert!(open(&target).await.head().await.unwrap().extent.last >= newest, "in round {round}");
    }
}

#[tokio::test]
async fn a_follower_of_a_snapshot_is_told_when_it_is_replaced() {
    use futures_util::StreamExt;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("snapshot.db");
    let ledger = open(&folder.path().join("ledger.db")).await;
    ledger.append_one(event("e")).await.unwrap();
    snapshot(&ledger, &target, &|_, _| ()).await.unwrap();
    let copy = open(&target).await;
    let mut follower = copy.follow(ledger_core::Read::after(offset(0)));
    assert_eq!(follower.next().await.unwrap().unwrap().offset, offset(1));
    ledger.append_one(event("f")).await.unwrap();
    let (told, taken) = tokio::join!(follower.next(), snapshot(&ledger, &target, &|_, _| ()));
    assert_eq!(taken.unwrap().added, 1);
    let error = told.unwrap().unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
}
