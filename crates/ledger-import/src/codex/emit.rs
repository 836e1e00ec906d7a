//! From facts to events.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ledger_core::{Actor, Invalid, RunId, SessionId, Timestamp};
use ledger_events::{
    CallStatus, EventPayload, LimitsObserved, LlmCall, SessionStarted, ToolCompleted, ToolStatus, TurnCompleted,
    TurnStarted,
};

use super::facts::{Facts, run};
use super::family::Family;
use super::found::{Call, Failure, InTurn, Tool, Turn};
use super::row::{Limit, Session};
use super::walk::walk;
use super::{AGENT, SOURCE};
use crate::Options;
use crate::emission::{Envelope, Flag, LATENCY_ESTIMATED, duration, say_new};
use crate::format::Emitted;
use crate::loose::LoggedMillis;
use crate::told::Told;

/// Who runs models, unless the session says otherwise.
const PROVIDER: &str = "openai";
/// Says that the log does not tell the model of a call.
const MODEL_UNKNOWN: Flag = ("model_unknown", "true");
/// Says that the log does not tell how a tool ended.
const STATUS_UNKNOWN: &str = "unknown";

/// Says everything that was not told.
pub(super) fn emit(facts: &Facts, options: &Options, told: &mut Told) -> Emitted {
    let family = Family::of(facts);
    let found = walk(&family);
    let mut emitter = Emitter { options, family: &family, threads: BTreeMap::new(), told, emitted: Emitted::default() };
    let threads: BTreeSet<&str> = family.files.iter().map(|file| file.thread).collect();
    threads.into_iter().for_each(|thread| emitter.session(thread));
    found.turns.into_iter().for_each(|(key, turn)| emitter.turn(&key, turn));
    found.tools.into_iter().for_each(|(key, tool)| emitter.tool(&key, tool));
    found.calls.iter().for_each(|(key, call)| emitter.call(key, call));
    found.limits.iter().for_each(|(thread, time, limit)| emitter.limit(thread, *time, limit));
    emitter.emitted
}

/// A thread, as events name it.
#[derive(Clone, Debug)]
struct Thread<'a> {
    id: SessionId,
    run: RunId,
    actor: Actor,
    session: Option<&'a Session>,
}

struct Emitter<'a> {
    options: &'a Options,
    family: &'a Family<'a>,
    threads: BTreeMap<String, Thread<'a>>,
    told: &'a mut Told,
    emitted: Emitted,
}

impl<'a> Emitter<'a> {
    fn thread(&mut self, thread: &str) -> Result<Thread<'a>, Invalid> {
        if let Some(known) = self.threads.get(thread) {
            return Ok(known.clone());
        }
        let session = self.family.sessions.get(thread).copied();
        let is_subagent = session.is_some_and(|session| session.is_subagent);
        let known = Thread {
            id: SessionId::new(thread)?,
            run: RunId::new(run(self.family.root(thread)))?,
            actor: Actor::new(if is_subagent { format!("{AGENT}/{thread}") } else { AGENT.to_owned() })?,
            session,
        };
        self.threads.insert(thread.to_owned(), known.clone());
        Ok(known)
    }

    fn add<P: EventPayload>(&mut self, thread: &str, key: String, payload: &P, details: Details<'_>) {
        let Details { time, turn, model, flags } = details;
        let thread = self.thread(thread);
        let envelope = thread.as_ref().map_err(Clone::clone).map(|Thread { id, run, actor, session }| {
            let version = session.and_then(|session| session.version.as_deref());
            Envelope { key, run, actor, session: Some(id), turn, time, version, model, flags }
        });
        say_new((SOURCE, self.options), payload, envelope, self.told, &mut self.emitted);
    }

    fn session(&mut self, thread: &str) {
        let Some(session) = self.family.sessions.get(thread).copied() else { return };
        let first = self.family.files.iter().filter(|file| file.thread == thread);
        let first = first.filter_map(|file| file.facts.rows.first()).map(|row| row.time).min();
        let Some(time) = session.created.or(first) else { return };
        let payload = SessionStarted {
            parent_session_id: session.parent.clone().or_else(|| session.forked_from.clone()),
            workspace: session.workspace.clone(),
            agent: Some(AGENT.to_owned()),
            provider: Some(self.provider(thread).to_owned()),
            ..SessionStarted::new(thread)
        };
        self.add(thread, format!("session:{thread}"), &payload, Details::at(time));
    }

    fn provider(&self, thread: &str) -> &'a str {
        let session = self.family.sessions.get(thread).copied();
        session.and_then(|session| session.provider.as_deref()).unwrap_or(PROVIDER)
    }

    fn turn(&mut self, turn_key: &str, turn: Turn<'_>) {
        let Turn { thread, id, ordinal, started, end } = turn;
        let key = format!("turn:{turn_key}");
        let payload = TurnStarted {
            turn_key: Some(turn_key.to_owned()),
            session_id: thread.to_owned(),
            turn_id: id.clone(),
            started_at: started,
            revision: None,
        };
        self.add(thread, key.clone(), &payload, Details { turn: ordinal, ..Details::at(started) });
        let Some(end) = end else { return };
        let revision = end.revision(end.at.micros_since(started));
        let (duration_ms, flags) = duration(end.measured.map(span), Some(started), end.at);
        let payload = TurnCompleted {
            turn_key: Some(turn_key.to_owned()),
            session_id: thread.to_owned(),
            turn_id: id,
            started_at: started,
            completed_at: end.at,
            status: end.status,
            error_class: end.error_class,
            duration_ms,
            revision: Some(revision),
        };
        self.add(thread, key, &payload, Details { turn: ordinal, flags, ..Details::at(end.at) });
    }

    fn tool(&mut self, tool_key: &str, tool: Tool<'_>) {
        let revision = tool.revision();
        let Tool { thread, turn, id, tool, started, ended, duration: measured, is_ok } = tool;
        let (turn_id, turn) = parts(&turn);
        let (duration_ms, flags) = duration(measured.map(span), Some(started), ended);
        let payload = ToolCompleted {
            tool_key: Some(tool_key.to_owned()),
            session_id: thread.to_owned(),
            turn_id,
            tool_call_id: id.to_owned(),
            tool_name: tool.to_owned(),
            started_at: started,
            completed_at: ended,
            duration_ms,
            status: match is_ok {
                Some(true) => ToolStatus::Success,
                Some(false) => ToolStatus::Error,
                None => ToolStatus::from(STATUS_UNKNOWN),
            },
            error_class: None,
            revision: Some(revision),
        };
        self.add(thread, format!("tool:{tool_key}"), &payload, Details { turn, flags, ..Details::at(ended) });
    }

    fn call(&mut self, key: &str, call: &Call<'_>) {
        let Call { thread, turn, model, tier, started, ended, used, failed, attempt, ttft, mistaken, .. } = call;
        let is_subagent = self.family.sessions.get(thread).is_some_and(|session| session.is_subagent);
        let (turn_id, turn) = parts(turn);
        let (duration_ms, mut flags) = duration(None, *started, *ended);
        flags.retain(|flag| *flag == LATENCY_ESTIMATED);
        if model.is_none() {
            flags.push(MODEL_UNKNOWN);
        }
        let operation = if is_subagent { "subagent" } else { "chat" };
        let payload = LlmCall {
            call_key: Some(key.to_owned()),
            replaces_keys: mistaken.clone(),
            tenant_id: self.options.tenant.clone(),
            session_id: Some((*thread).to_owned()),
            turn_id,
            model: model.map(str::to_owned),
            duration_ms,
            ttft_ms: ttft.map(|ttft| span(ttft).into()),
            tokens: used.tokens(),
            status: failed.as_ref().map_or(CallStatus::Ok, Failure::status),
            error_class: failed.map(|failed| failed.class.to_owned()),
            http_status: failed.and_then(|failed| failed.http_status),
            attempt: *attempt,
            service_tier: tier.map(str::to_owned),
            source: Some(SOURCE.to_owned()),
            revision: Some(call.revision()),
            ..LlmCall::new(operation, self.provider(thread), started.unwrap_or(*ended))
        };
        let details = Details { turn, model: *model, flags, ..Details::at(*ended) };
        self.add(thread, format!("call:{key}"), &payload, details);
    }

    fn limit(&mut self, thread: &str, time: Timestamp, limit: &Limit) {
        let Limit { minutes, used_percent, resets } = *limit;
        let provider = self.provider(thread).to_owned();
        let payload = LimitsObserved { provider, window_minutes: minutes, used_percent, resets_at: resets };
        let key = format!("limits:{thread}:{minutes}:{}", time.as_micros());
        self.add(thread, key, &payload, Details::at(time));
    }
}

/// What of the envelope is not the thread's.
struct Details<'a> {
    time: Timestamp,
    turn: u32,
    model: Option<&'a str>,
    flags: Vec<Flag>,
}

impl Details<'_> {
    fn at(time: Timestamp) -> Self {
        Self { time, turn: 0, model: None, flags: Vec::new() }
    }
}

impl Failure<'_> {
    fn status(&self) -> CallStatus {
        match (self.class, self.http_status) {
            (_, Some(402 | 429)) => CallStatus::Limit,
            (_, Some(408 | 504)) => CallStatus::Timeout,
            (class, _) if class.contains("limit_exceeded") || class.contains("quota") => CallStatus::Limit,
            (class, _) if class.contains("timeout") => CallStatus::Timeout,
            _ => CallStatus::Error,
        }
    }
}

fn parts(turn: &InTurn) -> (Option<String>, u32) {
    turn.as_ref().map_or((None, 0), |(id, ordinal)| (Some(id.clone()), *ordinal))
}

fn span(logged: LoggedMillis) -> Duration {
    Duration::from_micros(logged.0)
}
