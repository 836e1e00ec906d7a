//! Ledgers of every engine, and random events for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use agent_ledger::{Event, Ledger, LedgerExt, Metadata, Offset, Read, RecordedEvent, Timestamp, open};
use futures_util::TryStreamExt;
use ledger_conformance::events::{event, full, payload, run};
use ledger_servers::{MariaDb, Postgres};
use rand::RngExt;
use rand::rngs::StdRng;
use tempfile::TempDir;

pub(crate) type Shared = Arc<dyn Ledger>;

/// The engines that a ledger can be on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Engine {
    Memory,
    Sqlite,
    Postgres,
    MariaDb,
}

pub(crate) const ENGINES: [Engine; 4] = [Engine::Memory, Engine::Sqlite, Engine::Postgres, Engine::MariaDb];

/// Where ledgers are made, each empty and of its own.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A path that nobody uses.
    pub(crate) fn file(&self) -> std::path::PathBuf {
        self.0.path().join(format!("{:016x}.db", rand::random::<u64>()))
    }

    pub(crate) async fn ledger(&self, engine: Engine) -> Shared {
        let url = match engine {
            Engine::Memory => "memory:".into(),
            Engine::Sqlite => format!("sqlite:{}", self.file().display()),
            Engine::Postgres => Postgres::shared().fresh(),
            Engine::MariaDb => MariaDb::shared().fresh(),
        };
        open(&url).await.unwrap()
    }

    /// A ledger with these events.
    pub(crate) async fn with(&self, engine: Engine, events: &[Event]) -> Shared {
        let ledger = self.ledger(engine).await;
        ledger.extend(events.to_vec()).await.unwrap();
        ledger
    }
}

pub(crate) async fn merge(into: &Shared, from: &Shared) -> agent_ledger::Merged {
    agent_ledger::merge(into.as_ref(), from.as_ref(), &|_, _| ()).await.unwrap()
}

pub(crate) async fn log(ledger: &dyn Ledger) -> Vec<Arc<RecordedEvent>> {
    ledger.tail(Read::after(Offset::ZERO)).try_collect().await.unwrap()
}

/// What a ledger holds, wherever it stands there; every event once, in a sound ledger.
pub(crate) async fn set(ledger: &dyn Ledger) -> BTreeMap<String, Event> {
    let report = ledger.verify(&|_, _| ()).await.unwrap();
    assert_eq!(report.fault, None);
    let log = log(ledger).await;
    let set = of(log.iter().map(|recorded| &recorded.event));
    assert_eq!(set.len(), log.len());
    set
}

/// Events by their ids.
pub(crate) fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> BTreeMap<String, Event> {
    events.into_iter().map(|event| (event.id.to_string(), event.clone())).collect()
}

/// An event of any size and any fields; the same id is the same event.
pub(crate) fn any(rng: &mut StdRng, id: &str) -> Event {
    let mut some = if rng.random_bool(0.5) { full(id) } else { event(id) };
    some.run_id = run(&format!("run-{}", rng.random_range(0..5)));
    some.turn = rng.random_range(0..u32::MAX);
    some.created_at = Timestamp::from_micros(rng.random_range(-1_000_000..4_000_000_000_000_000)).unwrap();
    let size = if rng.random_bool(0.005) { 300_000 } else { rng.random_range(0..200) };
    some.payload = payload(&format!(r#"{{ "n":{}.0, "text":"{}\u0000\u6771" }}"#, some.turn, "\u{e9}".repeat(size)));
    some.metadata = (0..rng.random_range(0..4))
        .fold(Metadata::new(), |metadata, n| metadata.with(&format!("key {n}"), &format!("{}", some.turn)).unwrap());
    some
}
