//! Events for the cases.

use std::sync::Arc;

use futures_util::TryStreamExt;
use ledger_core::{
    Actor, Event, EventId, EventKind, Filter, Ledger, LedgerExt, Metadata, ModelId, ModelProfile, Offset, Payload,
    Read, RecordedEvent, RunId, SchemaVersion, SessionId, Timestamp,
};

/// An event with this id, everything else the same.
#[must_use]
pub fn event(id: &str) -> Event {
    Event::new(run("run"), kind("agent.spoke"), actor("ann"), payload(r#"{"n":1}"#)).with_id(self::id(id))
}

/// `count` events with ids `{prefix}-0`, `{prefix}-1`, ...
#[must_use]
pub fn events(prefix: &str, count: usize) -> Vec<Event> {
    (0..count).map(|n| event(&format!("{prefix}-{n}"))).collect()
}

/// An event in which every field has a value.
#[must_use]
pub fn full(id: &str) -> Event {
    Event {
        id: self::id(id),
        run_id: run("run"),
        turn: 7,
        kind: kind("llm.called"),
        actor: actor("ann"),
        payload: payload(r#"{"z":1.0,"a":[1,2,{"b":null}]}"#),
        created_at: Timestamp::parse("2026-01-31T12:00:00.123456+05:30").expect("a time"),
        schema_version: SchemaVersion::new(3).expect("a version"),
        session_id: Some(session("session")),
        model_profile: Some(ModelProfile::new("fast").expect("a profile")),
        model_id: Some(model("model-1")),
        metadata: Metadata::new()
            .with("correlation_id", "c-1")
            .and_then(|metadata| metadata.with("free key", "free value"))
            .expect("metadata"),
    }
}

/// An id.
#[must_use]
pub fn id(text: &str) -> EventId {
    EventId::new(text).expect("an id")
}

/// A run.
#[must_use]
pub fn run(text: &str) -> RunId {
    RunId::new(text).expect("a run")
}

/// A kind.
#[must_use]
pub fn kind(text: &str) -> EventKind {
    EventKind::new(text).expect("a kind")
}

/// An actor.
#[must_use]
pub fn actor(text: &str) -> Actor {
    Actor::new(text).expect("an actor")
}

/// A session.
#[must_use]
pub fn session(text: &str) -> SessionId {
    SessionId::new(text).expect("a session")
}

/// A model.
#[must_use]
pub fn model(text: &str) -> ModelId {
    ModelId::new(text).expect("a model")
}

/// A payload.
#[must_use]
pub fn payload(text: &str) -> Payload {
    Payload::from_json(text).expect("a payload")
}

/// An offset.
#[must_use]
pub fn offset(value: u64) -> Offset {
    Offset::new(value).expect("an offset")
}

/// Everything that the ledger holds.
pub async fn log(ledger: &dyn Ledger) -> Vec<Arc<RecordedEvent>> {
    ledger.tail(Read::after(Offset::ZERO)).try_collect().await.expect("the log")
}

/// Everything that the ledger holds and `filter` selects.
pub async fn matching(ledger: &dyn Ledger, filter: Filter) -> Vec<Arc<RecordedEvent>> {
    let read = Read::after(Offset::ZERO).matching(filter).expect("a filter");
    ledger.tail(read).try_collect().await.expect("the matching events")
}

/// The ids of events, in their order.
#[must_use]
pub fn ids(events: &[Arc<RecordedEvent>]) -> Vec<String> {
    events.iter().map(|recorded| recorded.event.id.to_string()).collect()
}

/// The offsets of events, in their order.
#[must_use]
pub fn offsets(events: &[Arc<RecordedEvent>]) -> Vec<u64> {
    events.iter().map(|recorded| recorded.offset.get()).collect()
}
