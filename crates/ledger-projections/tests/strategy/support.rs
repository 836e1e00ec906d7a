//! Databases, ledgers and executions for the cases.

use std::collections::BTreeMap;

use ledger_core::{Actor, Event, EventId, EventKind, Ledger, LedgerExt, PageSize, Payload, RunId, Timestamp};
use ledger_events::{Millis, StrategyExecution};
use ledger_memory::MemoryLedger;
use ledger_projections::store::Cell;
use ledger_projections::strategy::Top;
use ledger_projections::{Database, Projection, Projector, StrategyFilter, StrategyLog, StrategyReader, Window};
use ledger_servers::{MariaDb, Postgres};
use tempfile::TempDir;

/// One of each engine, empty.
pub(crate) fn databases() -> (TempDir, Vec<Database>) {
    let folder = tempfile::tempdir().unwrap();
    let databases = vec![
        Database::sqlite(&folder.path().join("projections.db")).unwrap(),
        Database::from_url(&Postgres::shared().fresh()).unwrap(),
        Database::from_url(&MariaDb::shared().fresh()).unwrap(),
    ];
    (folder, databases)
}

/// A point in time, so many minutes after the first one of all cases.
pub(crate) fn minute(minutes: i64) -> Timestamp {
    let start = Timestamp::parse("2026-03-01T12:00:00Z").unwrap();
    Timestamp::from_micros(start.as_micros() + minutes * 60_000_000).unwrap()
}

pub(crate) fn window(since: i64, until: i64) -> Window {
    Window::new(Some(minute(since)), Some(minute(until))).unwrap()
}

pub(crate) fn millis(millis: f64) -> Millis {
    Millis::new(millis).unwrap()
}

/// An execution of the strategy `s1` that went well, at minute 0.
pub(crate) fn execution() -> StrategyExecution {
    StrategyExecution {
        strategy_id: "s1".into(),
        strategy_version: "1".into(),
        strategy_type: None,
        tenant_id: None,
        subject_ids: BTreeMap::new(),
        status: "ok".into(),
        error_code: None,
        case_name: None,
        duration_ms: millis(1.0),
        nodes_executed: None,
        points: None,
        executed_at: minute(0),
        sample_weight: 1.0,
        trace: None,
        notes: None,
    }
}

/// One that failed.
pub(crate) fn failed(status: &str, code: &str) -> StrategyExecution {
    StrategyExecution { status: status.into(), error_code: Some(code.into()), ..execution() }
}

pub(crate) fn about(role: &str, id: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(role.into(), id.into())])
}

pub(crate) fn event(id: &str, kind: &str, payload: &str) -> Event {
    let (run, actor) = (RunId::new("run").unwrap(), Actor::new("engine").unwrap());
    Event::new(run, EventKind::new(kind).unwrap(), actor, Payload::from_json(payload).unwrap())
        .with_id(EventId::new(id).unwrap())
        .with_created_at(minute(0))
}

/// What a recorder makes of executions: events `e-000000`, `e-000001`, ...
pub(crate) fn events(executions: &[StrategyExecution]) -> Vec<Event> {
    let event = |(n, execution): (usize, &StrategyExecution)| {
        event(&format!("e-{n:06}"), "strategy.executed", &serde_json::to_string(execution).unwrap())
    };
    executions.iter().enumerate().map(event).collect()
}

pub(crate) async fn ledger(events: Vec<Event>) -> MemoryLedger {
    let ledger = MemoryLedger::new();
    if !events.is_empty() {
        ledger.append_all(events).await.unwrap();
    }
    ledger
}

pub(crate) fn page(size: usize) -> PageSize {
    PageSize::new(size).unwrap()
}

pub(crate) async fn catch_up(projection: impl Projection, database: &Database, ledger: &dyn Ledger) {
    Projector::new(projection, database.clone()).catch_up(ledger, &|_, _| ()).await.unwrap();
}

/// A reader of the log of these executions, in each database.
pub(crate) async fn readers(executions: &[StrategyExecution]) -> (TempDir, Vec<StrategyReader>) {
    let (folder, databases) = databases();
    let ledger = ledger(events(executions)).await;
    let mut readers = Vec::new();
    for database in databases {
        catch_up(StrategyLog::default(), &database, &ledger).await;
        readers.push(StrategyReader::new(database));
    }
    (folder, readers)
}

pub(crate) fn all() -> StrategyFilter {
    StrategyFilter::default()
}

pub(crate) fn top() -> Top {
    Top::default()
}

/// All rows of the log's tables.
pub(crate) async fn rows(database: &Database) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    for sql in [
        "SELECT * FROM strategy_executions ORDER BY event_id",
        "SELECT * FROM strategy_subjects ORDER BY event_id, role",
    ] {
        rows.extend(database.query(sql).await.unwrap().rows);
    }
    rows
}

/// The ids of the events whose executions are in the log.
pub(crate) async fn ids(database: &Database) -> Vec<String> {
    let rows = database.query("SELECT event_id FROM strategy_executions ORDER BY event_id").await.unwrap().rows;
    rows.iter().map(|row| row[0].text()).collect()
}
