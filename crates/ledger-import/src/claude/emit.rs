//! From facts to events.

use std::time::Duration;

use ledger_core::Timestamp;
use ledger_events::{
    CallStatus, Cost, CostSource, EventPayload, LlmCall, SessionStarted, ToolCompleted, ToolStatus, TurnCompleted,
    TurnStarted,
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
use super::{AGENT, SOURCE};
use crate::Options;
use crate::emission::{EXCLUSIVE, Envelope, Flag, REFUSAL, TRUNCATED, duration, say_new};
use crate::format::Emitted;
use crate::told::Told;

/// Says everything that was not told.
pub(super) fn emit(facts: Facts, options: &Options, told: &mut Told) -> Emitted {
    let Facts { mut threads, graph, calls, tools, turns } = facts;
    threads.relate(&graph);
    let mut turns = Turns::of(&turns, &graph, &threads);
    let mut questions = Questions::of(&graph);
    let mut emitter = Emitter { options, threads: &threads, told, emitted: Emitted::default() };
    threads.iter().for_each(|thread| emitter.session_started(thread));
    for turn in turns.iter() {
        emitter.turn_started(turn);
        emitter.turn_completed(turn);
    }
    tools.into_completed().for_each(|tool| emitter.tool_completed(tool, &mut turns));
    calls.into_calls(&threads).for_each(|call| emitter.call(call, &mut questions, &mut turns));
    emitter.emitted
}

struct Emitter<'a> {
    options: &'a Options,
    threads: &'a Threads,
    told: &'a mut Told,
    emitted: Emitted,
}

impl Emitter<'_> {
    fn say<P: EventPayload>(&mut self, payload: &P, envelope: Envelope<'_>) {
        say_new((SOURCE, self.options), payload, Ok(envelope), self.told, &mut self.emitted);
    }

    fn session_started(&mut self, thread: &Thread) {
        let payload = SessionStarted {
            parent_session_id: thread.parent.as_ref().map(ToString::to_string),
            workspace: thread.workspace().map(str::to_owned),
            agent: Some(AGENT.to_owned()),
            ..SessionStarted::new(thread.session_id.as_str())
        };
        let key = format!("session:{}", thread.session_id);
        self.say(&payload, Envelope { version: thread.version(), ..thread.envelope(key, thread.first) });
    }

    fn turn_started(&mut self, turn: &Turn<'_>) {
        let payload = TurnStarted {
            turn_key: Some(turn.started.key.clone()),
            session_id: turn.thread.session_id.to_string(),
            turn_id: turn.started.turn_id.clone(),
            started_at: turn.started.time,
            revision: Some(revision::of_start(turn.copies)),
        };
        self.say(&payload, turn.envelope(turn.started.time, Vec::new()));
    }

    fn turn_completed(&mut self, turn: &Turn<'_>) {
        let Some(end) = turn.end.as_ref() else { return };
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
            revision: Some(revision::of_turn(turn.started.time, end, turn.copies)),
        };
        self.say(&payload, turn.envelope(end.at, flags));
    }

    fn tool_completed(&mut self, completed: CompletedTool, turns: &mut Turns<'_>) {
        let CompletedTool { key, used, result } = completed;
        let ToolUse { id, asked: Asked { time, line, tool, version }, sightings } = used;
        let (thread, copies) = (sightings.owner(self.threads), sightings.count());
        let (turn_id, turn) = turn_of(line, turns);
        let measured = result.duration.0.map(|logged| Duration::from_micros(logged.0));
        let (duration_ms, flags) = duration(measured, Some(time), result.time);
        let payload = ToolCompleted {
            tool_key: Some(key.clone()),
            session_id: thread.session_id.to_string(),
            revision: Some(revision::of_tool(measured.is_some(), turn_id.is_some(), copies)),
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
        self.say(&payload, Envelope { turn, version, flags, ..thread.envelope(key, result.time) });
    }

    fn call(&mut self, keyed: KeyedCall, questions: &mut Questions<'_>, turns: &mut Turns<'_>) {
        let KeyedCall { key, replaces, call } = keyed;
        let thread = call.sightings.owner(self.threads);
        let (turn_id, turn) = turn_of(call.first.line, turns);
        let asked = call.first.line.and_then(|line| questions.before(line, call.message)).unwrap_or_default();
        let revision = revision::of_call(&call, asked, turn_id.is_some());
        let Call { message: _, sightings: _, first, last, used, described, stop, cost, error } = call;
        let (duration_ms, mut flags) = duration(None, asked.time, last);
        flags.push(EXCLUSIVE);
        flags.extend(match stop {
            Some((_, Stop::Truncated)) => Some(TRUNCATED),
            Some((_, Stop::Refusal)) => Some(REFUSAL),
            Some((_, Stop::Normal)) | None => None,
        });
        let status = error.as_ref().map_or(CallStatus::Ok, Failure::status);
        let (error_class, http_status) =
            error.map_or((None, None), |Failure { class, http_status }| (Some(class), http_status));
        let operation = if thread.is_subagent() { "subagent" } else { "chat" };
        let payload = LlmCall {
            call_key: Some(key.clone()),
            replaces_keys: replaces.into_iter().collect(),
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
        self.say(&payload, Envelope { turn, version, model, flags, ..thread.envelope(key, last) });
    }
}

impl Turn<'_> {
    fn envelope(&self, time: Timestamp, flags: Vec<Flag>) -> Envelope<'_> {
        let version = self.started.version.as_deref();
        let key = format!("turn:{}", self.started.key);
        Envelope { turn: self.ordinal, version, flags, ..self.thread.envelope(key, time) }
    }
}

impl Thread {
    fn envelope(&self, key: String, time: Timestamp) -> Envelope<'_> {
        let (run, actor, session) = (&self.run_id, &self.actor, Some(&self.session_id));
        Envelope { key, run, actor, session, turn: 0, time, version: None, model: None, flags: Vec::new() }
    }
}

/// The turn that a line is part of: its id and its ordinal, 0 when it is not known.
fn turn_of(line: Option<LineId>, turns: &mut Turns<'_>) -> (Option<String>, u32) {
    let turn = line.and_then(|line| turns.with(line));
    turn.map_or((None, 0), |turn| (Some(turn.started.turn_id.clone()), turn.ordinal))
}

/// Who ran a model, as far as its name tells.
pub(crate) fn provider(model: Option<&str>) -> &'static str {
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
}
