//! A ledger, and the projection of it on every engine.

use ledger_core::{Actor, Event, Ledger, LedgerExt, PageSize, RunId, Timestamp};
use ledger_events::{Cost, CostSource, EventPayload, LlmCall, Tokens, event};
use ledger_memory::MemoryLedger;
use ledger_projections::usage::{Usage, UsageFilter, UsageQuery, UsageReader};
use ledger_projections::{Database, Projector, Window};
use ledger_servers::{MariaDb, Postgres};
use tempfile::TempDir;

/// A point in time.
pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// So many seconds after noon of 1 March 2026.
pub(crate) fn noon(seconds: i64) -> Timestamp {
    Timestamp::from_micros(at("2026-03-01T12:00:00Z").as_micros() + seconds * 1_000_000).unwrap()
}

pub(crate) fn said<P: EventPayload>(payload: &P) -> Event {
    event(RunId::new("run").unwrap(), Actor::new("test").unwrap(), payload).unwrap()
}

/// A successful call: tenant, operation, seconds after noon, milliseconds, tokens in and out, US dollars.
pub(crate) fn call(tenant: &str, operation: &str, second: i64, millis: f64, tokens: (u64, u64), usd: f64) -> LlmCall {
    let mut call = LlmCall::new(operation, "openai", noon(second));
    call.tenant_id = tenant.into();
    call.model = Some("gpt".into());
    call.duration_ms = Some(ledger_events::Millis::new(millis).unwrap());
    call.tokens = Tokens { input: tokens.0, output: tokens.1, ..Tokens::default() };
    #[allow(clippy::cast_possible_truncation, reason = "tests use small amounts")]
    let pico_usd = (usd * 1e12).round() as i64;
    call.cost = Some(Cost { pico_usd, source: CostSource::Provider, price_version: None });
    call
}

/// The same, failed.
pub(crate) fn failed(call: LlmCall, class: &str) -> LlmCall {
    let mut call = call;
    call.fail(ledger_events::CallStatus::Error, class);
    call
}

pub(crate) async fn ledger(events: Vec<Event>) -> MemoryLedger {
    let ledger = MemoryLedger::new();
    if !events.is_empty() {
        ledger.append_all(events).await.unwrap();
    }
    ledger
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

pub(crate) async fn project(database: &Database, ledger: &dyn Ledger) {
    let page = PageSize::new(7).unwrap();
    let mut projector = Projector::new(Usage::new(), database.clone()).with_page_size(page);
    projector.catch_up(ledger, &|_, _| ()).await.unwrap();
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

pub(crate) fn within(since: i64, until: i64) -> UsageQuery {
    UsageFilter::within(Window::new(Some(noon(since)), Some(noon(until))).unwrap()).into()
}
