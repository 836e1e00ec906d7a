//! From facts to events.

use ledger_core::{Actor, Event, Invalid, RunId, SessionId, Timestamp};
use ledger_events::{
    EventPayload, LlmCall, Millis, SessionStarted, ToolCompleted, ToolStatus, TurnCompleted, TurnStarted, TurnStatus,
};

use super::facts::{Facts, Thread, Turn};
use super::inferences::{Inference, end_of, inferences};
use super::steps::{End, Stop};
use super::tools::{ToolCall, tool_calls};
use super::{AGENT, SOURCE};
use crate::Options;
use crate::emission::{EXCLUSIVE, Envelope, Flag, REFUSAL, TRUNCATED, duration, run_of, said};
use crate::format::Emitted;
use crate::words::UNKNOWN;

/// Bits of what is known of a call beside its tokens.
const DETAIL_BITS: u32 = 20;
const MAX_DETAIL: u64 = (1 << DETAIL_BITS) - 1;
/// Most tokens that a revision tells apart.
const MAX_TOKENS: u64 = (1 << (52 - DETAIL_BITS)) - 1;
/// Above whatever a turn may say: what an inference says of itself is better.
const OWN: u64 = 1 << 52;

/// Says everything.
pub(super) fn emit(facts: Facts, options: &Options) -> Emitted {
    let mut emitted = Emitted::default();
    for (id, thread) in &facts.threads {
        match Emitter::of(id, thread, options) {
            Ok(emitter) => emitter.emit(&mut emitted),
            Err(_) => emitted.refused += 1,
        }
    }
    emitted
}

struct Emitter<'a> {
    options: &'a Options,
    thread: &'a Thread,
    session: SessionId,
    run: RunId,
    actor: Actor,
}

/// A turn, and where it is.
struct At<'a> {
    id: &'a str,
    key: String,
    ordinal: u32,
    steps: &'a Turn,
    end: Option<(Timestamp, &'a End)>,
}

impl<'a> Emitter<'a> {
    fn of(id: &str, thread: &'a Thread, options: &'a Options) -> Result<Self, Invalid> {
        let session = SessionId::new(id)?;
        let run = run_of(SOURCE, id)?;
        Ok(Self { options, thread, session, run, actor: Actor::new(AGENT)? })
    }

    fn emit(&self, emitted: &mut Emitted) {
        if let Some(first) = self.thread.first {
            emitted.add(self.session_started(first));
        }
        let start = |(_, steps): &(&String, &Turn)| steps.keys().next().cloned();
        let mut turns: Vec<(&String, &Turn)> = self.thread.turns.iter().collect();
        turns.sort_by_key(start);
        for ((id, steps), ordinal) in turns.into_iter().zip(1..) {
            let Some(started) = steps.keys().next().map(|first| first.time) else { continue };
            let turn = At { id, key: format!("{}/{id}", self.session), ordinal, steps, end: end_of(steps) };
            emitted.add(self.turn_started(&turn, started));
            if let Some((at, end)) = turn.end {
                emitted.add(self.turn_completed(&turn, started, at, end));
            }
            tool_calls(steps).into_iter().for_each(|tool| emitted.add(self.tool_completed(&turn, &tool)));
            let calls = inferences(steps).into_iter().filter_map(|call| self.call(&turn, call));
            calls.for_each(|call| emitted.add(call));
        }
    }

    fn said<P: EventPayload>(
        &self,
        payload: &P,
        key: String,
        time: Timestamp,
        (turn, model, flags): (u32, Option<&str>, Vec<Flag>),
    ) -> Result<Event, Invalid> {
        let (run, actor, session) = (&self.run, &self.actor, Some(&self.session));
        let envelope = Envelope { key, run, actor, session, turn, time, version: None, model, flags };
        said(SOURCE, self.options, payload, envelope)
    }

    fn session_started(&self, first: Timestamp) -> Result<Event, Invalid> {
        let described = self.thread.described.as_ref();
        let payload = SessionStarted {
            parent_session_id: self.thread.parent.as_ref().map(|(_, parent)| parent.clone()),
            workspace: described.and_then(|described| described.workspace.clone()),
            agent: Some(AGENT.to_owned()),
            provider: described.and_then(|described| described.provider.clone()),
            model: described.and_then(|described| described.model.clone()),
            ..SessionStarted::new(self.session.as_str())
        };
        self.said(&payload, format!("session:{}", self.session), first, (0, None, Vec::new()))
    }

    fn turn_started(&self, turn: &At<'_>, started_at: Timestamp) -> Result<Event, Invalid> {
        let payload = TurnStarted {
            turn_key: Some(turn.key.clone()),
            session_id: self.session.to_string(),
            turn_id: turn.id.to_owned(),
            started_at,
            revision: Some(turn.steps_known()),
        };
        self.said(&payload, format!("turn:{}", turn.key), started_at, (turn.ordinal, None, Vec::new()))
    }

    fn turn_completed(
        &self,
        turn: &At<'_>,
        started_at: Timestamp,
        completed_at: Timestamp,
        end: &End,
    ) -> Result<Event, Invalid> {
        let (status, error_class) = match end {
            End::Completed(Stop::Truncated) => (TurnStatus::Partial, None),
            End::Completed(_) => (TurnStatus::Completed, None),
            End::Failed(kind) => (TurnStatus::Failed, Some(kind.clone())),
            End::Interrupted => (TurnStatus::Interrupted, None),
            End::DeadlineExceeded => (TurnStatus::Partial, Some("deadline_exceeded".to_owned())),
        };
        let payload = TurnCompleted {
            turn_key: Some(turn.key.clone()),
            session_id: self.session.to_string(),
            turn_id: turn.id.to_owned(),
            started_at,
            completed_at,
            status,
            error_class,
            duration_ms: span(started_at, completed_at),
            revision: Some(turn.steps_known()),
        };
        self.said(&payload, format!("turn:{}", turn.key), completed_at, (turn.ordinal, None, Vec::new()))
    }

    fn tool_completed(&self, turn: &At<'_>, tool: &ToolCall<'_>) -> Result<Event, Invalid> {
        let ToolCall { id, nth, name, started, completed, is_error } = *tool;
        let tool_key = if nth == 1 { format!("{}/{id}", turn.key) } else { format!("{}/{id}#{nth}", turn.key) };
        let known = u64::from(started.is_some()) + u64::from(name.is_some());
        let payload = ToolCompleted {
            tool_key: Some(tool_key.clone()),
            session_id: self.session.to_string(),
            turn_id: Some(turn.id.to_owned()),
            tool_call_id: id.to_owned(),
            tool_name: name.unwrap_or(UNKNOWN).to_owned(),
            started_at: started.unwrap_or(completed),
            completed_at: completed,
            duration_ms: started.and_then(|started| span(started, completed)),
            status: if is_error { ToolStatus::Error } else { ToolStatus::Success },
            error_class: None,
            revision: Some((known << 40) + turn.steps_known()),
        };
        self.said(&payload, format!("tool:{tool_key}"), completed, (turn.ordinal, None, Vec::new()))
    }

    fn call(&self, turn: &At<'_>, call: Inference) -> Option<Result<Event, Invalid>> {
        let (status, error_class) = call.status(turn.end.map(|(_, end)| end))?;
        let described = self.thread.described.as_ref();
        let model = call.model.clone().or_else(|| described.and_then(|described| described.model.clone()));
        let provider = call.provider.clone().or_else(|| described.and_then(|described| described.provider.clone()));
        let is_subagent = self.thread.parent.is_some();
        let known = [turn.end.is_some(), model.is_some(), provider.is_some(), is_subagent, call.is_followed()];
        let detail = call.steps + known.into_iter().map(u64::from).sum::<u64>();
        let tokens = call.tokens();
        let own = if call.is_own { OWN } else { 0 };
        let revision = own + (tokens.total().min(MAX_TOKENS) << DETAIL_BITS) + detail.min(MAX_DETAIL);
        let key = call.first.as_ref().map_or_else(|| turn.key.clone(), |first| first.key(self.session.as_str()));
        // An inference that nothing ended was under way until its turn ended.
        let turn_end = turn.end.map(|(at, _)| at).filter(|_| !call.is_followed());
        let ended = call.ended.or(turn_end);
        let duration_ms = call.asked.zip(ended).and_then(|(asked, ended)| span(asked, ended));
        let mut flags = Vec::new();
        flags.extend(call.used.filter(|used| used.exclusive).map(|_| EXCLUSIVE));
        flags.extend(match call.stop {
            Some(Stop::Truncated) => Some(TRUNCATED),
            Some(Stop::Refusal) => Some(REFUSAL),
            Some(Stop::Normal) | None => None,
        });
        let started_at = call.asked.or_else(|| Some(call.first.as_ref()?.time)).unwrap_or(call.last);
        let payload = LlmCall {
            call_key: Some(key.clone()),
            // What the turn says of all its calls does not count beside what one of them used.
            replaces_keys: call.first.as_ref().and(call.used).map(|_| turn.key.clone()).into_iter().collect(),
            tenant_id: self.options.tenant.clone(),
            call_id: call.response,
            session_id: Some(self.session.to_string()),
            turn_id: Some(turn.id.to_owned()),
            model,
            duration_ms,
            tokens,
            status,
            error_class,
            source: Some(SOURCE.to_owned()),
            revision: Some(revision),
            ..LlmCall::new(
                if is_subagent { "subagent" } else { "chat" },
                provider.unwrap_or_else(|| UNKNOWN.to_owned()),
                started_at,
            )
        };
        let described = (turn.ordinal, payload.model.as_deref(), flags);
        Some(self.said(&payload, format!("call:{key}"), ended.unwrap_or(call.last), described))
    }
}

impl At<'_> {
    fn steps_known(&self) -> u64 {
        u64::try_from(self.steps.len()).unwrap_or(u64::MAX).min(MAX_DETAIL)
    }
}

/// Between two times of the agent's own clock; nothing when it ran backwards.
fn span(start: Timestamp, end: Timestamp) -> Option<Millis> {
    duration(None, Some(start), end).0
}
