//! From facts to events.

use ledger_core::{Actor, Event, Invalid, RunId, SessionId};
use ledger_events::{LlmCall, ToolCompleted};

use super::facts::{Facts, Said};
use crate::Options;
use crate::emission::{EXCLUSIVE, Envelope, said};
use crate::format::Emitted;

/// Says everything.
pub(super) fn emit(source: &str, facts: &Facts, options: &Options) -> Emitted {
    let mut emitted = Emitted::default();
    for (key, said) in facts.calls.iter() {
        emitted.add(call(source, key, said, options));
    }
    for (key, said) in facts.tools.iter() {
        emitted.add(tool(source, key, said, options));
    }
    emitted
}

fn call(source: &str, key: &str, observed: &Said, options: &Options) -> Result<Event, Invalid> {
    let mut payload: LlmCall = read(observed)?;
    if payload.tenant_id.is_empty() {
        payload.tenant_id.clone_from(&options.tenant);
    }
    let (run, actor, session) = about(source, payload.session_id.as_deref())?;
    let envelope = Envelope {
        key: format!("call:{key}"),
        run: &run,
        actor: &actor,
        session: session.as_ref(),
        turn: 0,
        time: observed.ended_at,
        version: None,
        model: payload.model.as_deref(),
        flags: observed.exclusive.then_some(EXCLUSIVE).into_iter().collect(),
    };
    said(source, options, &payload, envelope)
}

fn tool(source: &str, key: &str, observed: &Said, options: &Options) -> Result<Event, Invalid> {
    let payload: ToolCompleted = read(observed)?;
    let (run, actor, session) = about(source, Some(&payload.session_id))?;
    let envelope = Envelope {
        key: format!("tool:{key}"),
        run: &run,
        actor: &actor,
        session: session.as_ref(),
        turn: 0,
        time: observed.ended_at,
        version: None,
        model: None,
        flags: Vec::new(),
    };
    said(source, options, &payload, envelope)
}

fn read<P: serde::de::DeserializeOwned>(observed: &Said) -> Result<P, Invalid> {
    serde_json::from_str(&observed.payload).map_err(|error| Invalid::new("payload", error.to_string()))
}

/// The run, which is the session or else all of the source, the actor and the session.
fn about(source: &str, session: Option<&str>) -> Result<(RunId, Actor, Option<SessionId>), Invalid> {
    let session = session.map(SessionId::new).transpose()?;
    // Ids have up to 128 bytes, as have runs.
    let of_session = |id: &SessionId| RunId::new(format!("{source}:{id}")).or_else(|_| RunId::new(id.as_str()));
    let run = session.as_ref().map_or_else(|| RunId::new(source), of_session)?;
    Ok((run, Actor::new(source)?, session))
}
