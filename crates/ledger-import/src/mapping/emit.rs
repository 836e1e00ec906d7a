//! From facts to events.

use ledger_core::{Actor, Event, Invalid, RunId, SessionId};
use ledger_events::{EventPayload, LlmCall, ToolCompleted};
use serde::de::DeserializeOwned;

use super::facts::{Facts, Said};
use crate::Options;
use crate::emission::{EXCLUSIVE, Envelope, run_of, said};
use crate::format::Emitted;

/// Says everything that may be new.
pub(super) fn emit(source: &str, facts: &Facts, options: &Options) -> Emitted {
    let mut emitted = Emitted::default();
    for (key, said) in facts.calls.touched() {
        emitted.add(call(source, key, said, options));
    }
    for (key, said) in facts.tools.touched() {
        emitted.add(tool(source, key, said, options));
    }
    emitted
}

fn call(source: &str, key: &str, observed: &Said, options: &Options) -> Result<Event, Invalid> {
    let mut payload: LlmCall = read(observed)?;
    if payload.tenant_id.is_empty() {
        payload.tenant_id.clone_from(&options.tenant);
    }
    let (session, model) = (payload.session_id.as_deref(), payload.model.as_deref());
    event(source, options, &payload, Details { key: format!("call:{key}"), observed, session, model })
}

fn tool(source: &str, key: &str, observed: &Said, options: &Options) -> Result<Event, Invalid> {
    let payload: ToolCompleted = read(observed)?;
    let session = Some(payload.session_id.as_str());
    event(source, options, &payload, Details { key: format!("tool:{key}"), observed, session, model: None })
}

fn read<P: DeserializeOwned>(observed: &Said) -> Result<P, Invalid> {
    serde_json::from_str(&observed.payload).map_err(|error| Invalid::new("payload", error.to_string()))
}

/// What of an event is not in its payload, or stands there under a name of its own.
struct Details<'a> {
    key: String,
    observed: &'a Said,
    session: Option<&'a str>,
    model: Option<&'a str>,
}

/// In the run of its session, or else in that of the whole source.
fn event<P: EventPayload>(
    source: &str,
    options: &Options,
    payload: &P,
    details: Details<'_>,
) -> Result<Event, Invalid> {
    let Details { key, observed, session, model } = details;
    let session = session.map(SessionId::new).transpose()?;
    let run = session.as_ref().map_or_else(|| RunId::new(source), |session| run_of(source, session.as_str()))?;
    let envelope = Envelope {
        key,
        run: &run,
        actor: &Actor::new(source)?,
        session: session.as_ref(),
        turn: 0,
        time: observed.ended_at,
        version: None,
        model,
        flags: observed.exclusive.then_some(EXCLUSIVE).into_iter().collect(),
    };
    said(source, options, payload, envelope)
}
