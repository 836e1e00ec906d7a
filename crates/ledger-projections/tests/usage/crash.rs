//! Whenever it is stopped, by whatever, it goes on where it was.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use async_trait::async_trait;
use ledger_core::{Ledger, Offset, PageSize, RecordedEvent, Timestamp};
use ledger_projections::store::{Table, Tables};
use ledger_projections::usage::{Usage, UsageReader};
use ledger_projections::{Database, Error, Projection, Projector, Result};
use ledger_servers::Postgres;
use ledger_sql::{Mode, SqliteLedger, SqliteOptions};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::answers::{Answers, answers, everything};
use crate::generate::events;
use crate::setting::{append, catch_up, databases, ledger, projector};

/// Where a process finds the ledger, and where it is to project it.
const LEDGER: &str = "LEDGER_TEST_LEDGER";
const PLACE: &str = "LEDGER_TEST_PLACE";
/// And when it dies: so many microseconds after it has folded in so many events.
const EVENTS_TO_LIVE: &str = "LEDGER_TEST_EVENTS_TO_LIVE";
const MICROS_TO_LIVE: &str = "LEDGER_TEST_MICROS_TO_LIVE";
const SIGABRT: i32 = 6;

const EVENTS: usize = 400;

async fn asked(database: &Database) -> Answers {
    answers(&UsageReader::new(database.clone()), &everything()).await
}

/// What a projection says that nothing has interrupted.
async fn uninterrupted(folder: &Path, ledger: &dyn Ledger) -> Answers {
    let database = Database::sqlite(&folder.join("uninterrupted.db")).unwrap();
    catch_up(&database, ledger, 1_000).await;
    asked(&database).await
}

async fn open(path: &Path) -> SqliteLedger {
    SqliteLedger::open(SqliteOptions::new(path).mode(Mode::ReadOnly)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by other tests, in processes of its own"]
async fn folds() {
    // Nobody has work for it when all tests are run that are ignored elsewhere.
    let (Ok(path), Ok(place)) = (std::env::var(LEDGER), std::env::var(PLACE)) else { return };
    let [events, micros] = [EVENTS_TO_LIVE, MICROS_TO_LIVE].map(|name| std::env::var(name).unwrap().parse().unwrap());
    let (ledger, database) = (open(Path::new(&path)).await, Database::from_url(&place).unwrap());
    let (beginning, death) = (AtomicU64::new(u64::MAX), Once::new());
    let die = || {
        death.call_once(|| {
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_micros(micros));
                std::process::abort()
            });
        });
    };
    let progress = |done: u64, _: u64| {
        let beginning = beginning.fetch_min(done, Ordering::SeqCst).min(done);
        if done - beginning >= events {
            die();
        }
    };
    if events < 7 {
        // Not even a page.
        die();
    }
    projector(&database, 7).catch_up(&ledger, &progress).await.unwrap();
}

/// Runs a process that dies some time after it has folded so many more events in; whether it was done before. By what it got
/// done, not by the clock: machines are fast and slow.
fn run(ledger: &Path, place: &str, events: u64, micros: u64) -> bool {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::folds", "--ignored", "--nocapture"])
        .envs([(LEDGER, ledger.to_str().unwrap()), (PLACE, place)])
        .envs([(EVENTS_TO_LIVE, events.to_string()), (MICROS_TO_LIVE, micros.to_string())])
        .stdout(Stdio::null())
        .status()
        .unwrap();
    let is_killed = status.signal() == Some(SIGABRT);
    assert!(is_killed || status.success(), "a process failed by itself: {status}");
    !is_killed
}

/// The last event that is folded in.
async fn stands_at(database: &Database) -> Offset {
    projector(database, 1).standing().await.unwrap().map_or(Offset::ZERO, |standing| standing.offset)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_it_says_what_it_would_have_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let writer = SqliteLedger::open(SqliteOptions::new(&path)).await.unwrap();
    append(&writer, events(41, EVENTS)).await;
    writer.close().await.unwrap();
    let ledger = open(&path).await;
    let expected = uninterrupted(folder.path(), &ledger).await;
    let mut rng = StdRng::seed_from_u64(42);
    let file = format!("sqlite:{}", folder.path().join("killed.db").to_str().unwrap());
    for place in [file, Postgres::shared().fresh()] {
        let database = Database::from_url(&place).unwrap();
        let (mut kills, mut stood) = (0, std::collections::BTreeSet::new());
        while !run(&path, &place, rng.random_range(0..40), rng.random_range(0..4_000)) {
            kills += 1;
            stood.insert(stands_at(&database).await);
        }
        println!("killed {kills} times, at {} places: {database:?}", stood.len());
        assert!(kills > 5 && stood.len() > 3, "killed {kills} times, at {stood:?}");
        expected.assert_are(&asked(&database).await, &format!("{database:?} killed {kills} times"));
    }
}

/// Usage, but for that some pages fail when all of it is written but not yet there.
struct Failing {
    usage: Usage,
    rng: Mutex<StdRng>,
    failures: Arc<AtomicUsize>,
}

#[async_trait]
impl Projection for Failing {
    fn name(&self) -> &'static str {
        self.usage.name()
    }

    fn version(&self) -> u32 {
        self.usage.version()
    }

    fn settings(&self) -> String {
        self.usage.settings()
    }

    fn tables(&self) -> &'static [Table] {
        self.usage.tables()
    }

    async fn apply(&self, tables: &mut Tables<'_>, events: &[Arc<RecordedEvent>]) -> Result<()> {
        self.usage.apply(tables, events).await?;
        if self.rng.lock().unwrap().random_bool(0.4) {
            self.failures.fetch_add(1, Ordering::Relaxed);
            return Err(Error::Unavailable { reason: "the power failed".into(), source: "the power failed".into() });
        }
        Ok(())
    }

    async fn remove_before(&self, tables: &mut Tables<'_>, before: Timestamp) -> Result<u64> {
        self.usage.remove_before(tables, before).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_fails_leaves_nothing_behind() {
    let (folder, databases) = databases();
    let ledger = ledger(events(43, EVENTS)).await;
    let expected = uninterrupted(folder.path(), &ledger).await;
    for database in &databases {
        let failures = Arc::new(AtomicUsize::new(0));
        let rng = Mutex::new(StdRng::seed_from_u64(44));
        let failing = Failing { usage: Usage::new(), rng, failures: Arc::clone(&failures) };
        let mut projector = Projector::new(failing, database.clone()).with_page_size(PageSize::new(13).unwrap());
        while projector.catch_up(&ledger, &|_, _| ()).await.is_err() {}
        assert!(failures.load(Ordering::Relaxed) > 10);
        expected.assert_are(&asked(database).await, &format!("{database:?}"));
    }
}
