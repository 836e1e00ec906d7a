//! A projection is exactly once, on every engine.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use async_trait::async_trait;
use ledger_conformance::events::{events, kind};
use ledger_core::{Ledger, LedgerExt, Offset, PageSize, RecordedEvent, Timestamp};
use ledger_memory::MemoryLedger;
use ledger_projections::store::{Cell, Column, Table, Tables, Type};
use ledger_projections::{Database, Error, Kept, Projection, Projector, Result};
use ledger_servers::{MariaDb, Postgres};
use tempfile::TempDir;

/// How many events there are of each kind, and the sum of their offsets: a page that counts twice shows.
#[derive(Clone, Default)]
struct Kinds {
    version: u32,
    /// Fails every so often, after it has written.
    fails: Option<Arc<AtomicUsize>>,
}

const KINDS: Table = Table {
    name: "kinds",
    columns: &[
        Column::new("kind", Type::Name),
        Column::new("events", Type::Int),
        Column::new("offsets", Type::Int),
        Column::optional("last_id", Type::Name),
    ],
    key: 1,
    indexes: &[&["events"]],
};

#[async_trait]
impl Projection for Kinds {
    fn name(&self) -> &'static str {
        "kinds"
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn tables(&self) -> &'static [Table] {
        &[KINDS]
    }

    async fn apply(&self, tables: &mut Tables<'_>, events: &[Arc<RecordedEvent>]) -> Result<()> {
        let mut rows: BTreeMap<String, (i64, i64, String)> = BTreeMap::new();
        let kinds: Vec<Vec<Cell>> =
            events.iter().map(|recorded| vec![recorded.event.kind.to_string().into()]).collect();
        for row in tables.get(&KINDS, &kinds).await? {
            rows.insert(row[0].text(), (row[1].int(), row[2].int(), row[3].text()));
        }
        for recorded in events {
            let row = rows.entry(recorded.event.kind.to_string()).or_default();
            *row = (row.0 + 1, row.1 + recorded.offset.as_i64(), recorded.event.id.to_string());
        }
        let rows = rows.into_iter();
        let rows =
            rows.map(|(kind, (events, offsets, last))| vec![kind.into(), events.into(), offsets.into(), last.into()]);
        tables.put(&KINDS, rows.collect()).await?;
        if let Some(calls) = &self.fails
            && calls.fetch_add(1, Ordering::SeqCst) % 3 == 1
        {
            return Err(Error::Database("a crash".into()));
        }
        Ok(())
    }

    async fn remove_before(&self, _: &mut Tables<'_>, _: Timestamp) -> Result<u64> {
        Ok(0)
    }
}

/// One of each engine, empty.
fn databases() -> (TempDir, Vec<Database>) {
    let folder = tempfile::tempdir().unwrap();
    let databases = vec![
        Database::sqlite(&folder.path().join("projections.db")).unwrap(),
        Database::from_url(&Postgres::shared().fresh()).unwrap(),
        Database::from_url(&MariaDb::shared().fresh()).unwrap(),
    ];
    (folder, databases)
}

/// A ledger with so many events, of a few kinds.
async fn ledger(count: usize) -> MemoryLedger {
    let ledger = MemoryLedger::new();
    append(&ledger, "e", count).await;
    ledger
}

async fn append(ledger: &dyn Ledger, prefix: &str, count: usize) {
    let mut events = events(prefix, count);
    for (n, event) in events.iter_mut().enumerate() {
        event.kind = kind(["a.a", "a.b", "b.a", "b.b_c"][n * n % 7 % 4]);
    }
    ledger.append_all(events).await.unwrap();
}

async fn state(database: &Database) -> Vec<Vec<Cell>> {
    database.query("SELECT kind, events, offsets, last_id FROM kinds ORDER BY kind").await.unwrap().rows
}

fn page(size: usize) -> PageSize {
    PageSize::new(size).unwrap()
}

async fn caught_up(database: &Database, ledger: &dyn Ledger, size: usize) -> Vec<Vec<Cell>> {
    let mut projector = Projector::new(Kinds::default(), database.clone()).with_page_size(page(size));
    projector.catch_up(ledger, &|_, _| ()).await.unwrap();
    state(database).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_is_the_same_for_any_page_size_and_when_rebuilt() {
    let (_folder, databases) = databases();
    let ledger = ledger(1_000).await;
    let mut expected = None;
    for database in &databases {
        for size in [1_000, 100, 7] {
            let mut projector = Projector::new(Kinds::default(), database.clone()).with_page_size(page(size));
            let lag = projector.rebuild(&ledger, &|_, _| ()).await.unwrap();
            assert_eq!((lag.offset.get(), lag.events), (1_000, 0));
            let state = state(database).await;
            assert_eq!(*expected.get_or_insert(state.clone()), state);
        }
    }
    append(&ledger, "later", 50).await;
    for database in &databases {
        let incremental = caught_up(database, &ledger, 13).await;
        Projector::new(Kinds::default(), database.clone()).rebuild(&ledger, &|_, _| ()).await.unwrap();
        assert_eq!(state(database).await, incremental);
        assert_ne!(Some(incremental), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_in_the_middle_is_done_again_and_counts_once() {
    let (_folder, databases) = databases();
    let (ledger, expected) = (ledger(300).await, &mut None);
    for database in &databases {
        let projection = Kinds { fails: Some(Arc::default()), ..Kinds::default() };
        let mut projector = Projector::new(projection, database.clone()).with_page_size(page(10));
        let mut failures = 0;
        while projector.catch_up(&ledger, &|_, _| ()).await.is_err() {
            failures += 1;
        }
        assert!(failures > 5);
        let state = state(database).await;
        assert_eq!(*expected.get_or_insert(state.clone()), state);
        assert_eq!(caught_up(database, &ledger, 10).await, state);
    }
}

/// Wherever a runner is given up, the next one ends with the same tables, under their documented names.
#[tokio::test(flavor = "multi_thread")]
async fn a_runner_that_is_given_up_at_any_point_leaves_nothing_half() {
    let (ledger, expected) = (ledger(60).await, &mut None);
    for polls in 1..=400 {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::sqlite(&folder.path().join("projections.db")).unwrap();
        let mut projector = Projector::new(Kinds::default(), database.clone()).with_page_size(page(20));
        {
            let mut call = pin!(projector.catch_up(&ledger, &|_, _| ()));
            let mut polled = 0;
            poll_fn(|context| {
                polled += 1;
                match call.as_mut().poll(context) {
                    Poll::Pending if polled < polls => Poll::Pending,
                    _ => Poll::Ready(()),
                }
            })
            .await;
        }
        drop(projector);
        let state = caught_up(&database, &ledger, 20).await;
        assert_eq!(*expected.get_or_insert(state.clone()), state, "after {polls} polls");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_runners_fold_each_event_once() {
    let (_folder, databases) = databases();
    let ledger = Arc::new(ledger(500).await);
    for database in &databases {
        let mut runners = Vec::new();
        for _ in 0..4 {
            let (ledger, database) = (Arc::clone(&ledger), database.clone());
            runners.push(tokio::spawn(async move {
                let mut projector = Projector::new(Kinds::default(), database).with_page_size(page(7));
                projector.catch_up(ledger.as_ref(), &|_, _| ()).await.unwrap();
            }));
        }
        for runner in runners {
            runner.await.unwrap();
        }
        let state = caught_up(database, ledger.as_ref(), 7).await;
        assert_eq!(state.iter().map(|row| row[1].int()).sum::<i64>(), 500);
        assert_eq!(state.iter().map(|row| row[2].int()).sum::<i64>(), 500 * 501 / 2);
    }
}

/// Events come in while the first tables take over: a runner that has caught up must not take a faster one back.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn runners_that_race_with_appends_fold_each_event_once() {
    for _ in 0..40 {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::sqlite(&folder.path().join("projections.db")).unwrap();
        let ledger = Arc::new(MemoryLedger::new());
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn({
            let ledger = Arc::clone(&ledger);
            async move {
                for n in 0..100 {
                    append(ledger.as_ref(), &format!("e{n}"), 1).await;
                    tokio::time::sleep(std::time::Duration::from_micros(200)).await;
                }
            }
        });
        for _ in 0..3 {
            let (ledger, mut projector) = (Arc::clone(&ledger), Projector::new(Kinds::default(), database.clone()));
            tasks.spawn(async move {
                while projector.catch_up(ledger.as_ref(), &|_, _| ()).await.unwrap().offset.get() < 100 {}
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        let state = state(&database).await;
        assert_eq!(state.iter().map(|row| row[1].int()).sum::<i64>(), 100);
        assert_eq!(state.iter().map(|row| row[2].int()).sum::<i64>(), 100 * 101 / 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_of_another_ledger_is_refused_and_can_be_rebuilt() {
    let (_folder, databases) = databases();
    let (one, other) = (ledger(20).await, ledger(20).await);
    for database in &databases {
        caught_up(database, &one, 10).await;
        let mut projector = Projector::new(Kinds::default(), database.clone());
        let refused = projector.catch_up(&other, &|_, _| ()).await.unwrap_err();
        assert!(matches!(refused, Error::CheckpointLost { offset, .. } if offset.get() == 20), "{refused:?}");
        projector.rebuild(&other, &|_, _| ()).await.unwrap();
        assert_eq!(projector.lag(&other).await.unwrap().events, 0);
    }
    // The same ledger after a reset is another one too.
    let head = other.head().await.unwrap();
    other.reset(&head).await.unwrap();
    append(&other, "new", 20).await;
    for database in &databases {
        let refused = Projector::new(Kinds::default(), database.clone()).catch_up(&other, &|_, _| ()).await;
        assert!(matches!(refused, Err(Error::CheckpointLost { .. })), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_takes_over_when_it_has_caught_up_and_readers_never_see_a_hole() {
    let (_folder, databases) = databases();
    let ledger = ledger(400).await;
    for database in &databases {
        let before = caught_up(database, &ledger, 100).await;
        let reading = tokio::spawn({
            let (database, before) = (database.clone(), before.clone());
            async move {
                for _ in 0..100 {
                    assert_eq!(state(&database).await, before, "a hole");
                }
            }
        });
        for version in 1..4 {
            let projection = Kinds { version, ..Kinds::default() };
            let mut projector = Projector::new(projection, database.clone()).with_page_size(page(20));
            projector.catch_up(&ledger, &|_, _| ()).await.unwrap();
        }
        reading.await.unwrap();
        let tables = "SELECT count(*) FROM ledger_projections";
        assert_eq!(database.query(tables).await.unwrap().rows, [[Cell::Int(1)]], "the old ones are gone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_cannot_write() {
    let (_folder, databases) = databases();
    let ledger = ledger(20).await;
    for database in &databases {
        let before = caught_up(database, &ledger, 10).await;
        for sql in ["DELETE FROM kinds_1", "DROP VIEW kinds", "UPDATE ledger_projections SET version = 7"] {
            assert!(database.query(sql).await.is_err(), "{sql}");
        }
        assert_eq!(state(database).await, before);
        assert_eq!(caught_up(database, &ledger, 10).await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_can_be_asked_where_nothing_was_projected() {
    let (_folder, databases) = databases();
    for database in &databases {
        Kept::open(database.clone()).await.unwrap().close().await;
        let asked = database.query("SELECT count(*) FROM agent_ledger_kept").await.unwrap();
        assert_eq!(asked.rows, [[Cell::Int(0)]]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_keeps_up() {
    let (_folder, databases) = databases();
    for database in databases {
        let ledger = Arc::new(ledger(5).await);
        let following = tokio::spawn({
            let (ledger, database) = (Arc::clone(&ledger), database.clone());
            async move { Projector::new(Kinds::default(), database).follow(ledger.as_ref()).await }
        });
        for n in 0..5 {
            append(ledger.as_ref(), &format!("live-{n}"), 3).await;
        }
        let mut projector = Projector::new(Kinds::default(), database.clone());
        while projector.lag(ledger.as_ref()).await.unwrap().offset != Offset::new(20).unwrap() {
            assert!(!following.is_finished());
            tokio::task::yield_now().await;
        }
        following.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_comes_back_whole_apart_by_owner_until_it_is_forgotten() {
    let (_folder, databases) = databases();
    // More than one row of it.
    let large: Vec<u8> = (0..9_000_001_u32).map(|n| n.to_le_bytes()[0]).collect();
    for database in &databases {
        let kept = Kept::open(database.clone()).await.unwrap();
        assert_eq!(kept.one("one", "a", 0).await.unwrap(), None);
        let parts = |bytes: &[u8]| vec![(0, bytes.to_vec()), (2, Vec::new())];
        kept.put("one", vec![("a".into(), parts(&large)), ("b".into(), parts(b"\0\xff'"))]).await.unwrap();
        kept.put("other", vec![("a".into(), parts(b"another"))]).await.unwrap();
        assert_eq!(kept.one("one", "a", 0).await.unwrap().as_ref(), Some(&large));
        assert_eq!(kept.one("one", "a", 1).await.unwrap(), None);
        assert_eq!(kept.all("one", 2).await.unwrap(), [("a".into(), Vec::new()), ("b".into(), Vec::new())]);
        kept.put("one", vec![("a".into(), Vec::new()), ("b".into(), parts(b"less"))]).await.unwrap();
        assert_eq!(kept.all("one", 0).await.unwrap(), [("b".into(), b"less".to_vec())]);
        kept.clear("one").await.unwrap();
        assert_eq!(kept.all("one", 0).await.unwrap(), []);
        assert_eq!(kept.one("other", "a", 0).await.unwrap(), Some(b"another".to_vec()));
        kept.clear("other").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_what_is_kept_are_made_together_or_not_at_all() {
    let (_folder, databases) = databases();
    for database in &databases {
        let kept = Kept::open(database.clone()).await.unwrap();
        kept.put("owner", vec![("a".into(), vec![(0, b"old".to_vec())])]).await.unwrap();
        // The second cannot be kept: it has one part twice.
        let twice = vec![(0, b"new".to_vec()), (0, b"again".to_vec())];
        assert!(kept.put("owner", vec![("a".into(), vec![(0, b"new".to_vec())]), ("b".into(), twice)]).await.is_err());
        assert_eq!(kept.one("owner", "a", 0).await.unwrap(), Some(b"old".to_vec()));
    }
}
