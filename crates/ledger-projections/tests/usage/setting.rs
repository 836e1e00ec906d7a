//! A ledger, and the projection of it on every engine.

use ledger_core::{Actor, Event, EventKind, Ledger, LedgerExt, PageSize, Payload, RunId, Timestamp};
use ledger_events::{
    Cost, CostSource, EventPayload, LlmCall, Millis, SessionStarted, Tokens, ToolCompleted, ToolStarted, ToolStatus,
    TurnCompleted, TurnStarted, TurnStatus, event,
};
use ledger_memory::MemoryLedger;
use ledger_projections::usage::{Usage, UsageFilter, UsageQuery, UsageReader};
use ledger_projections::{Buckets, Database, Projector, Window};
use ledger_servers::{MariaDb, Postgres};
use serde::Serialize;
use serde_json::Value;
use tempfile::TempDir;

/// A point in time.
pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

pub(crate) fn micros(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

/// So many seconds after noon of 1 March 2026.
pub(crate) fn noon(seconds: i64) -> Timestamp {
    micros(at("2026-03-01T12:00:00Z").as_micros() + seconds * 1_000_000)
}

/// So many milliseconds after noon of 1 March 2026.
pub(crate) fn noon_millis(millis: i64) -> Timestamp {
    micros(noon(0).as_micros() + millis * 1_000)
}

pub(crate) fn said<P: EventPayload>(payload: &P) -> Event {
    event(RunId::new("run").unwrap(), Actor::new("test").unwrap(), payload).unwrap()
}

/// An event of any kind that says anything.
pub(crate) fn raw(kind: &str, payload: &str) -> Event {
    let payload = Payload::from_json(payload).unwrap();
    Event::new(RunId::new("run").unwrap(), EventKind::new(kind).unwrap(), Actor::new("test").unwrap(), payload)
}

/// A successful call: tenant, operation, seconds after noon, milliseconds, tokens in and out, US dollars.
pub(crate) fn call(tenant: &str, operation: &str, second: i64, millis: f64, tokens: (u64, u64), usd: f64) -> LlmCall {
    let mut call = LlmCall::new(operation, "openai", noon(second));
    call.tenant_id = tenant.into();
    call.model = Some("gpt".into());
    call.duration_ms = Some(Millis::new(millis).unwrap());
    call.tokens = Tokens { input: tokens.0, output: tokens.1, ..Tokens::default() };
    #[allow(clippy::cast_possible_truncation, reason = "tests use small amounts")]
    let pico_usd = (usd * 1e12).round() as i64;
    costing(call, pico_usd)
}

/// The same at another price.
pub(crate) fn costing(call: LlmCall, pico_usd: i64) -> LlmCall {
    LlmCall { cost: Some(Cost { pico_usd, source: CostSource::Provider, price_version: None }), ..call }
}

/// The same, failed.
pub(crate) fn failed(call: LlmCall, class: &str) -> LlmCall {
    let mut call = call;
    call.fail(ledger_events::CallStatus::Error, class);
    call
}

/// The same as a call of an invocation.
pub(crate) fn of(call_id: &str, call: LlmCall) -> LlmCall {
    LlmCall { call_id: Some(call_id.into()), ..call }
}

/// The same within a session and a turn.
pub(crate) fn within_turn(session: &str, turn: &str, call: LlmCall) -> LlmCall {
    LlmCall { session_id: Some(session.into()), turn_id: Some(turn.into()), ..call }
}

/// A session that works in a directory.
pub(crate) fn session(id: &str, workspace: &str) -> SessionStarted {
    SessionStarted { workspace: Some(workspace.into()), ..SessionStarted::new(id) }
}

pub(crate) fn tool_started(id: &str, tool: &str, millis: i64) -> ToolStarted {
    ToolStarted {
        tool_key: None,
        session_id: "s".into(),
        turn_id: Some("t".into()),
        tool_call_id: id.into(),
        tool_name: tool.into(),
        started_at: noon_millis(millis),
        revision: None,
    }
}

/// Milliseconds after noon of the beginning and the end.
pub(crate) fn tool_completed(id: &str, tool: &str, (start, end): (i64, i64), status: ToolStatus) -> ToolCompleted {
    ToolCompleted {
        tool_key: None,
        session_id: "s".into(),
        turn_id: Some("t".into()),
        tool_call_id: id.into(),
        tool_name: tool.into(),
        started_at: noon_millis(start),
        completed_at: noon_millis(end),
        duration_ms: None,
        error_class: (status == ToolStatus::Error).then(|| "ToolFailed".into()),
        status,
        revision: None,
    }
}

pub(crate) fn turn_started(session: &str, turn: &str, millis: i64) -> TurnStarted {
    let (session_id, turn_id) = (session.into(), turn.into());
    TurnStarted { turn_key: None, session_id, turn_id, started_at: noon_millis(millis), revision: None }
}

pub(crate) fn turn_completed(session: &str, turn: &str, (start, end): (i64, i64), status: TurnStatus) -> TurnCompleted {
    TurnCompleted {
        turn_key: None,
        session_id: session.into(),
        turn_id: turn.into(),
        started_at: noon_millis(start),
        completed_at: noon_millis(end),
        error_class: (status == TurnStatus::Failed).then(|| "provider".into()),
        status,
        duration_ms: None,
        revision: None,
    }
}

pub(crate) async fn ledger(events: Vec<Event>) -> MemoryLedger {
    let ledger = MemoryLedger::new();
    append(&ledger, events).await;
    ledger
}

pub(crate) async fn append(ledger: &dyn Ledger, events: Vec<Event>) {
    for batch in events.chunks(5_000) {
        ledger.append_all(batch.to_vec()).await.unwrap();
    }
}

/// One database of each engine, empty.
pub(crate) fn databases() -> (TempDir, Vec<Database>) {
    let folder = tempfile::tempdir().unwrap();
    let databases = vec![
        Database::sqlite(&folder.path().join("projections.db")).unwrap(),
        Database::from_url(&Postgres::shared().fresh()).unwrap(),
        Database::from_url(&MariaDb::shared().fresh()).unwrap(),
    ];
    (folder, databases)
}

pub(crate) fn projector(database: &Database, page: usize) -> Projector<Usage> {
    Projector::new(Usage::new(), database.clone()).with_page_size(PageSize::new(page).unwrap())
}

pub(crate) async fn catch_up(database: &Database, ledger: &dyn Ledger, page: usize) {
    projector(database, page).catch_up(ledger, &|_, _| ()).await.unwrap();
}

pub(crate) async fn project(database: &Database, ledger: &dyn Ledger) {
    catch_up(database, ledger, 7).await;
}

/// A reader on every engine of what these events come to.
pub(crate) async fn readers(events: Vec<Event>) -> (TempDir, Vec<UsageReader>) {
    let (folder, databases) = databases();
    let ledger = ledger(events).await;
    let mut readers = Vec::new();
    for database in databases {
        project(&database, &ledger).await;
        readers.push(UsageReader::new(database));
    }
    (folder, readers)
}

pub(crate) fn all() -> UsageQuery {
    UsageQuery::default()
}

pub(crate) fn window(since: Timestamp, until: Timestamp) -> Window {
    Window::new(Some(since), Some(until)).unwrap()
}

pub(crate) fn within(since: i64, until: i64) -> UsageQuery {
    UsageFilter::within(window(noon(since), noon(until))).into()
}

pub(crate) fn json(document: impl Serialize) -> Value {
    serde_json::to_value(document).unwrap()
}

pub(crate) fn local(zone: &str, width: &str) -> Buckets {
    Buckets { zone: zone.parse().unwrap(), width: width.parse().unwrap() }
}
