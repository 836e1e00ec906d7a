//! From facts to events.

use std::collections::BTreeSet;
use std::iter;
use std::time::Duration;

use ledger_core::{Actor, Event, Invalid, SessionId, Timestamp};
use ledger_events::{
    Cost, CostSource, EventPayload, LlmCall, Millis, ToolCompleted, ToolStatus, TurnCompleted, TurnStarted, TurnStatus,
};

use super::SOURCE;
use super::call::{Program, Span, Stop, Tool, Turn};
use super::facts::{Facts, Known as _};
use super::names::span_key;
use super::tree::{Observation, Place, Seen, calls};
use crate::Options;
use crate::emission::{EXCLUSIVE, Envelope, Flag, REFUSAL, TRUNCATED, run_of, said};
use crate::format::Emitted;
use crate::words::UNKNOWN;

/// Says everything that may be new.
pub(super) fn emit(facts: &Facts, options: &Options) -> Emitted {
    let emitter = Emitter { options };
    let mut emitted = Emitted::default();
    for (key, seen) in calls(facts).into_iter().filter(|(_, seen)| seen.is_touched) {
        emitter.best_call(&key, &seen, &mut emitted);
    }
    for (id, trace) in facts.traces.iter().filter(|(id, _)| facts.has_touched(**id)) {
        for (span, tool) in &trace.tools {
            let place = trace.place(*id, *span, tool.session.as_deref());
            emitted.add(emitter.tool(&span_key(*id, *span), tool, &place, &format!("{span:016x}")));
        }
        let turns = trace.around.iter().filter_map(|(span, around)| Some((span, around, around.turn.as_ref()?)));
        for (span, around, turn) in turns {
            let place = trace.place(*id, *span, around.session.as_deref());
            let (key, turn_id) = (span_key(*id, *span), format!("{span:016x}"));
            emitted.add(emitter.turn_started(&key, &turn_id, turn, &place));
            if turn.time.length.is_some() {
                emitted.add(emitter.turn_completed(&key, &turn_id, turn, &place));
            }
        }
    }
    for (key, tool) in facts.tools.iter().filter(|(key, _)| facts.has_touched_key(key)) {
        let place = Place::of_record(tool.session.as_deref(), tool.turn.as_deref(), key);
        emitted.add(emitter.tool(key, tool, &place, key));
    }
    emitted
}

struct Emitter<'a> {
    options: &'a Options,
}

/// What of an event does not follow from where it is.
struct Details<'a> {
    key: String,
    time: Timestamp,
    model: Option<&'a str>,
    flags: Vec<Flag>,
}

impl Emitter<'_> {
    fn said<P: EventPayload>(
        &self,
        payload: &P,
        program: &Program,
        place: &Place<'_>,
        details: Details<'_>,
    ) -> Result<Event, Invalid> {
        let Details { key, time, model, flags } = details;
        let run = run_of(SOURCE, &place.run)?;
        let actor = program.name.as_deref().and_then(|name| Actor::new(name).ok());
        let actor = actor.map_or_else(|| Actor::new(SOURCE), Ok)?;
        let session = place.session.map(SessionId::new).transpose()?;
        let (run, actor, session, version) = (&run, &actor, session.as_ref(), program.version.as_deref());
        said(SOURCE, self.options, payload, Envelope { key, run, actor, session, turn: 0, time, version, model, flags })
    }

    /// Says what is known best of a call.
    fn best_call(&self, key: &str, seen: &Seen<'_>, emitted: &mut Emitted) {
        let Seen { observations, replaces, is_touched: _ } = seen;
        let revision = |observation: &Observation<'_>| observation.revision(replaces.len());
        let Some(best) = observations.iter().map(revision).max() else { return };
        let best = observations.iter().filter(|observation| revision(observation) == best);
        let said: Result<Vec<Event>, Invalid> = best.map(|observation| self.call(key, observation, replaces)).collect();
        // Of two that know as much the one counts that every reader takes.
        match said.map(|events| events.into_iter().min_by(|one, other| one.id.cmp(&other.id))) {
            Ok(event) => event.into_iter().for_each(|event| emitted.add(Ok(event))),
            Err(invalid) => emitted.add(Err(invalid)),
        }
    }

    fn call(&self, key: &str, observation: &Observation<'_>, replaces: &BTreeSet<String>) -> Result<Event, Invalid> {
        let Observation { call, place } = observation;
        let (status, error_class) = call.status();
        let mut flags = Vec::new();
        flags.extend(call.used.exclusive.then_some(EXCLUSIVE));
        flags.extend(call.stop.map(|stop| match stop {
            Stop::Truncated => TRUNCATED,
            Stop::Refusal => REFUSAL,
        }));
        let payload = LlmCall {
            call_key: Some(key.to_owned()),
            replaces_keys: replaces.iter().cloned().collect(),
            tenant_id: self.tenant(&call.program),
            call_id: call.response.clone().or_else(|| call.request.clone()),
            session_id: place.session.map(str::to_owned),
            turn_id: place.turn.clone(),
            model: call.model.clone(),
            duration_ms: call.time.length.map(millis),
            ttft_ms: call.ttft.map(millis),
            tokens: call.used.tokens(),
            cost: call.cost.map(|pico_usd| Cost { pico_usd, source: CostSource::Provider, price_version: None }),
            status,
            error_class,
            http_status: call.http_status,
            attempt: call.attempt,
            service_tier: call.tier.clone(),
            speed: call.speed.clone(),
            source: Some(SOURCE.to_owned()),
            revision: Some(observation.revision(replaces.len())),
            ..LlmCall::new(
                call.operation.clone(),
                call.provider.clone().unwrap_or_else(|| UNKNOWN.to_owned()),
                time(call.time.start)?,
            )
        };
        let (key, model) = (format!("call:{key}"), payload.model.as_deref());
        self.said(&payload, &call.program, place, Details { key, time: call.time.end()?, model, flags })
    }

    fn tool(&self, key: &str, tool: &Tool, place: &Place<'_>, unnamed: &str) -> Result<Event, Invalid> {
        let payload = ToolCompleted {
            tool_key: Some(key.to_owned()),
            session_id: session(place),
            turn_id: place.turn.clone(),
            tool_call_id: tool.id.clone().unwrap_or_else(|| unnamed.to_owned()),
            tool_name: tool.name.clone().unwrap_or_else(|| UNKNOWN.to_owned()),
            started_at: time(tool.time.start)?,
            completed_at: tool.time.end()?,
            duration_ms: tool.time.length.map(millis),
            status: if tool.is_ok { ToolStatus::Success } else { ToolStatus::Error },
            error_class: tool.error_class.clone(),
            revision: Some(tool.revision() + place.known),
        };
        self.said(&payload, &tool.program, place, Details::of(format!("tool:{key}"), tool.time.end()?))
    }

    fn turn_started(&self, key: &str, turn_id: &str, turn: &Turn, place: &Place<'_>) -> Result<Event, Invalid> {
        let started_at = time(turn.time.start)?;
        let payload = TurnStarted {
            turn_key: Some(key.to_owned()),
            session_id: session(place),
            turn_id: turn_id.to_owned(),
            started_at,
            revision: Some(place.known),
        };
        self.said(&payload, &turn.program, place, Details::of(format!("turn:{key}"), started_at))
    }

    fn turn_completed(&self, key: &str, turn_id: &str, turn: &Turn, place: &Place<'_>) -> Result<Event, Invalid> {
        let class = turn.failure.as_ref().map(|failure| failure.class.clone().unwrap_or_else(|| UNKNOWN.to_owned()));
        let payload = TurnCompleted {
            turn_key: Some(key.to_owned()),
            session_id: session(place),
            turn_id: turn_id.to_owned(),
            started_at: time(turn.time.start)?,
            completed_at: turn.time.end()?,
            status: if class.is_some() { TurnStatus::Failed } else { TurnStatus::Completed },
            error_class: class,
            duration_ms: turn.time.length.map(millis),
            revision: Some(place.known),
        };
        self.said(&payload, &turn.program, place, Details::of(format!("turn:{key}"), turn.time.end()?))
    }

    fn tenant(&self, program: &Program) -> String {
        program.tenant.clone().unwrap_or_else(|| self.options.tenant.clone())
    }
}

impl Details<'_> {
    const fn of(key: String, time: Timestamp) -> Self {
        Self { key, time, model: None, flags: Vec::new() }
    }
}

impl Span {
    fn end(&self) -> Result<Timestamp, Invalid> {
        time(self.start.saturating_add(self.length.unwrap_or(0)))
    }
}

/// Tools and turns are in a session; where nobody says which, the trace is one.
fn session(place: &Place<'_>) -> String {
    let of_place = iter::once(place.session).chain([place.trace.as_deref()]);
    of_place.flatten().next().unwrap_or(&place.run).to_owned()
}

fn time(nanos: u64) -> Result<Timestamp, Invalid> {
    Timestamp::from_micros(i64::try_from(nanos / 1_000).unwrap_or(i64::MAX))
}

fn millis(nanos: u64) -> Millis {
    Duration::from_nanos(nanos).into()
}
