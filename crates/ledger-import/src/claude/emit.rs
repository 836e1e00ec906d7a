//! From facts to events.

use std::time::Duration;

use ledger_core::{Event, Invalid, Metadata, ModelId, Timestamp};
use ledger_events::{
    CallStatus, Cost, CostSource, EventPayload, LlmCall, Millis, SessionStarted, ToolCompleted, ToolStatus,
    TurnCompleted, TurnStarted, event,
};

use super::ancestors::Questions;
use super::call::{Call, Stop};
use super::calls::KeyedCall;
use super::facts::Facts;
use super::failure::Failure;
use super::graph::LineId;
use super::revision;
use super::threads::{Thread, Threads};
use super::tools::{Asked, CompletedTool, ToolUse};
use super::turns::{Turn, Turns};
use super::{AGENT, Options, SOURCE};
use crate::identity::identified;

/// Says that a duration is a difference of log times, not a measurement.
const LATENCY_ESTIMATED: (&str, &str) = ("latency_estimated", "true");

/// What the facts say as events, in no order.
#[derive(Debug, Default)]
pub(super) struct Emitted {
    pub(super) events: Vec<Event>,
    /// How many facts no ledger takes.
    pub(super) refused: u64,
    /// How many calls there are.
    pub(super) calls: u64,
}

/// Says everything.
pub(super) fn emit(facts: Facts, options: &Options) -> Emitted {
    let Facts { mut threads, graph, calls, tools, turns } = facts;
    threads.relate(&graph);
    let mut turns = Turns::of(&turns, &graph, &threads);
    let mut questions = Questions::of(&graph);
    let emitter = Emitter { options, threads: &threads };
    let mut emitted = Emitted::default();
    for thread in threads.iter() {
        emitted.add(emitter.session_started(thread));
    }
    for turn in turns.iter() {
        emitted.add(emitter.turn_started(turn));
        emitter.turn_completed(turn).into_iter().for_each(|event| emitted.add(event));
    }
    for tool in tools.into_completed() {
        emitted.add(emitter.tool_completed(tool, &mut turns));
    }
    for call in calls.into_calls(&threads) {
        emitted.calls += 1;
        emitted.add(emitter.call(call, &mut questions, &mut turns));
    }
    emitted
}

impl Emitted {
    fn add(&mut self, event: Result<Event, Invalid>) {
        match event {
            Ok(event) => self.events.push(event),
            Err(_) => self.refused += 1,
        }
    }
}

struct Emitter<'a> {
    options: &'a Options,
    threads: &'a Threads,
}

/// The envelope of an event, but for what all events have in common.
struct Envelope<'a> {
    key: String,
    thread: &'a Thread,
    turn: u32,
    time: Timestamp,
    version: Option<&'a str>,
    model: Option<&'a str>,
    flags: Vec<(&'static str, &'static str)>,
}

impl Emitter<'_> {
    fn event<P: EventPayload>(&self, payload: &P, envelope: Envelope<'_>) -> Result<Event, Invalid> {
        let Envelope { key, thread, turn, time, version, model, flags } = envelope;
        let described =
            [("source", Some(SOURCE)), ("source_version", version), ("origin", self.options.origin.as_deref())];
        let described = described.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let metadata =
            described.chain(flags).try_fold(Metadata::new(), |metadata, (name, value)| metadata.with(name, value))?;
        let mut event = event(thread.run_id.clone(), thread.actor.clone(), payload)?
            .with_turn(turn)
            .with_created_at(time)
            .with_session(thread.session_id.clone())
            .with_metadata(metadata);
        if let Some(model) = model {
            event = event.with_model(ModelId::new(model)?);
        }
        identified(event, &key)
    }

    fn session_started(&self, thread: &Thread) -> Result<Event, Invalid> {
        let payload = SessionStarted {
            parent_session_id: thread.parent.as_ref().map(ToString::to_string),
            workspace: thread.workspace().map(str::to_owned),
            agent: Some(AGENT.to_owned()),
            ..SessionStarted::new(thread.session_id.as_str())
        };
        let key = format!("session:{}", thread.session_id);
        let (time, version, flags) = (thread.first, thread.version(), Vec::new());
        self.event(&payload, Envelope { key, thread, turn: 0, time, version, model: None, flags })
    }

    fn turn_started(&self, turn: &Turn<'_>) -> Result<Event, Invalid> {
        let payload = TurnStarted {
            turn_key: Some(turn.started.key.clone()),
            session_id: turn.thread.session_id.to_string(),
            turn_id: turn.started.turn_id.clone(),
            started_at: turn.started.time,
            // There is but one way to observe a start.
            revision: None,
        };
        self.event(&payload, turn.envelope(turn.started.time, Vec::new()))
    }

    fn turn_completed(&self, turn: &Turn<'_>) -> Option<Result<Event, Invalid>> {
        let end = turn.end.as_ref()?;
        let (duration_ms, flags) = duration(end.measured, Some(turn.started.time), end.at);
        let payload = TurnCompleted {
            turn_key: Some(turn.started.key.clone()),
            session_id: turn.thread.session_id.to_string(),
            turn_id: turn.started.turn_id.clone(),
            started_at: turn.started.time,
            completed_at: end.at,
            status: end.status.clone(),
            error_class: end.error_class.clone(),
            duration_ms,
            revision: Some(revision::of_turn(turn.started.time, end)),
        };
        Some(self.event(&payload, turn.envelope(end.at, flags)))
    }

    fn tool_completed(&self, completed: CompletedTool, turns: &mut Turns<'_>) -> Result<Event, Invalid> {
        let CompletedTool { key, used, result } = completed;
        let ToolUse { id, asked: Asked { time, line, tool, version }, sightings } = used;
        let thread = sightings.owner(self.threads);
        let (turn_id, turn) = turn_of(line, turns);
        let measured = result.duration.0.map(|logged| Duration::from_micros(logged.0));
        let (duration_ms, flags) = duration(measured, Some(time), result.time);
        let payload = ToolCompleted {
            tool_key: Some(key.clone()),
            session_id: thread.session_id.to_string(),
            revision: Some(revision::of_tool(measured.is_some(), turn_id.is_some())),
            turn_id,
            tool_call_id: id,
            tool_name: tool,
            started_at: time,
            completed_at: result.time,
            duration_ms,
            status: if result.is_error { ToolStatus::Error } else { ToolStatus::Success },
            error_class: None,
        };
        let (key, version) = (format!("tool:{key}"), version.as_deref());
        self.event(&payload, Envelope { key, thread, turn, time: result.time, version, model: None, flags })
    }

    fn call(&self, keyed: KeyedCall, questions: &mut Questions<'_>, turns: &mut Turns<'_>) -> Result<Event, Invalid> {
        let KeyedCall { key, replaces, call } = keyed;
        let thread = call.sightings.owner(self.threads);
        let (turn_id, turn) = turn_of(call.first.line, turns);
        let asked = call.first.line.and_then(|line| questions.before(line, call.message)).unwrap_or_default();
        let revision = revision::of_call(&call, asked, turn_id.is_some());
        let Call { message: _, sightings: _, first, last, used, described, stop, cost, error, observations: _ } = call;
        let (duration_ms, mut flags) = duration(None, asked.time, last);
        flags.push(("token_convention", "exclusive"));
        flags.extend(match stop {
            Some((_, Stop::Truncated)) => Some(("truncated", "true")),
            Some((_, Stop::Refusal)) => Some(("refusal", "true")),
            Some((_, Stop::Normal)) | None => None,
        });
        let status = error.as_ref().map_or(CallStatus::Ok, Failure::status);
        let (error_class, http_status) =
            error.map_or((None, None), |Failure { class, http_status }| (Some(class), http_status));
        let operation = if thread.is_subagent() { "subagent" } else { "chat" };
        let payload = LlmCall {
            call_key: Some(key.clone()),
            replaces_key: replaces,
            tenant_id: self.options.tenant.clone(),
            session_id: Some(thread.session_id.to_string()),
            turn_id,
            model: described.model.clone(),
            duration_ms,
            tokens: used.tokens(),
            cost: cost.map(|(_, pico_usd)| Cost { pico_usd, source: CostSource::Provider, price_version: None }),
            status,
            error_class,
            http_status,
            attempt: asked.attempts.map(|attempts| attempts.saturating_add(1)),
            service_tier: described.service_tier,
            speed: described.speed,
            inference_geo: described.inference_geo,
            web_searches: used.web_searches,
            source: Some(SOURCE.to_owned()),
            revision: Some(revision),
            ..LlmCall::new(operation, provider(described.model.as_deref()), first.time)
        };
        let (key, version, model) = (format!("call:{key}"), first.version.as_deref(), payload.model.as_deref());
        self.event(&payload, Envelope { key, thread, turn, time: last, version, model, flags })
    }
}

impl Turn<'_> {
    fn envelope(&self, time: Timestamp, flags: Vec<(&'static str, &'static str)>) -> Envelope<'_> {
        let version = self.started.version.as_deref();
        let key = format!("turn:{}", self.started.key);
        Envelope { key, thread: self.thread, turn: self.ordinal, time, version, model: None, flags }
    }
}

/// The turn that a line is part of: its id and its ordinal, 0 when it is not known.
fn turn_of(line: Option<LineId>, turns: &mut Turns<'_>) -> (Option<String>, u32) {
    let turn = line.and_then(|line| turns.with(line));
    turn.map_or((None, 0), |turn| (Some(turn.started.turn_id.clone()), turn.ordinal))
}

/// A duration as it was measured, or else as the difference of two times of the log, flagged as such.
fn duration(
    measured: Option<Duration>,
    start: Option<Timestamp>,
    end: Timestamp,
) -> (Option<Millis>, Vec<(&'static str, &'static str)>) {
    let estimated = || u64::try_from(end.micros_since(start?)).ok().map(Duration::from_micros);
    match measured {
        Some(measured) => (Some(measured.into()), Vec::new()),
        None => estimated().map_or((None, Vec::new()), |span| (Some(span.into()), vec![LATENCY_ESTIMATED])),
    }
}

/// Who ran a model, as far as its name tells.
fn provider(model: Option<&str>) -> &'static str {
    match model {
        None => "anthropic",
        Some(model) if model.contains('@') => "gcp.vertex_ai",
        Some(model) if model.contains("anthropic.") || model.starts_with("arn:aws") => "aws.bedrock",
        Some(model) if model.contains("claude") => "anthropic",
        // An endpoint that speaks the same protocol; the log does not say whose.
        Some(_) => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_model_tells_who_ran_it() {
        for (model, expected) in [
            ("claude-opus-4-6", "anthropic"),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws.bedrock"),
            ("arn:aws:bedrock:us-east-1:1:inference-profile/x", "aws.bedrock"),
            ("claude-sonnet-4-5@20250929", "gcp.vertex_ai"),
            ("glm-4.6", "unknown"),
        ] {
            assert_eq!(provider(Some(model)), expected, "{model}");
        }
    }

    #[test]
    fn time_never_runs_backwards() {
        let at = |micros| Timestamp::from_micros(micros).unwrap();
        assert_eq!(duration(None, Some(at(2_000)), at(1_000)).0, None);
        assert_eq!(duration(None, Some(at(1_000)), at(2_500)).0, Millis::new(1.5).ok());
        assert_eq!(duration(Some(Duration::ZERO), Some(at(1_000)), at(2_500)), (Millis::new(0.0).ok(), Vec::new()));
    }
}
