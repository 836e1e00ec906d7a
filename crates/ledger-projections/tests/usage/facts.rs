//! The same facts, computed from the events alone: without a database, without pages, all at once.

use std::collections::{BTreeMap, BTreeSet};

use ledger_core::Event;
use ledger_events::{
    EventPayload, Latest, LlmCall, Observation, SessionStarted, ToolCompleted, ToolStarted, TurnCompleted, TurnStarted,
    read,
};
use ledger_projections::usage::{Per, UsageFilter, UsageQuery};

/// A call that counts.
pub(crate) struct Call {
    pub(crate) key: String,
    pub(crate) said: LlmCall,
    pub(crate) workspace: String,
    /// When its invocation began.
    pub(crate) invoked_at: i64,
    pub(crate) leads: bool,
}

/// A call of a tool, or a turn.
pub(crate) struct Span {
    pub(crate) session: String,
    pub(crate) turn: Option<String>,
    /// The tool; empty for a turn.
    pub(crate) tool: String,
    pub(crate) workspace: String,
    pub(crate) started_at: i64,
    pub(crate) duration_us: Option<i64>,
    pub(crate) status: String,
}

#[derive(Default)]
pub(crate) struct Session {
    told_by: Option<String>,
    pub(crate) workspace: String,
    pub(crate) first_at: i64,
    pub(crate) last_at: i64,
}

/// What a ledger comes to.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) calls: Vec<Call>,
    pub(crate) tools: Vec<Span>,
    pub(crate) turns: Vec<Span>,
    pub(crate) sessions: BTreeMap<String, Session>,
}

pub(crate) fn micros_of(millis: Option<ledger_events::Millis>) -> Option<i64> {
    #[allow(clippy::cast_possible_truncation, reason = "generated durations are short")]
    millis.map(|millis| (millis.get() * 1_000.0).round() as i64)
}

fn is_understood(call: &LlmCall) -> bool {
    call.tokens.total() < 1 << 50 && call.cost.as_ref().is_none_or(|cost| cost.pico_usd >= 0)
}

fn key<P: Observation>(event: &Event, said: &P) -> String {
    said.key().map_or_else(|| event.id.to_string(), std::borrow::Cow::into_owned)
}

fn of_kind<P: EventPayload>(event: &Event) -> Option<P> {
    read(event).and_then(Result::ok)
}

impl Facts {
    pub(crate) fn of(events: &[Event]) -> Self {
        let mut facts = Self::default();
        facts.read_calls(events);
        facts.read_tools(events);
        facts.read_turns(events);
        for event in events {
            let Some(said) = of_kind::<SessionStarted>(event) else { continue };
            let at = event.created_at.as_micros();
            let session = facts.seen(&said.session_id, at, at);
            if session.told_by.as_deref().is_none_or(|told_by| event.id.as_str() < told_by) {
                session.told_by = Some(event.id.to_string());
                session.workspace = said.workspace.unwrap_or_default();
            }
        }
        let workspace = |session: &str| facts.sessions.get(session).map(|session| session.workspace.clone());
        for call in &mut facts.calls {
            call.workspace = call.said.session_id.as_deref().and_then(workspace).unwrap_or_default();
        }
        for span in facts.tools.iter_mut().chain(&mut facts.turns) {
            span.workspace = workspace(&span.session).unwrap_or_default();
        }
        facts
    }

    fn seen(&mut self, session: &str, first_at: i64, last_at: i64) -> &mut Session {
        let new = Session { first_at, last_at, ..Session::default() };
        let session = self.sessions.entry(session.to_owned()).or_insert(new);
        (session.first_at, session.last_at) = (session.first_at.min(first_at), session.last_at.max(last_at));
        session
    }

    fn read_calls(&mut self, events: &[Event]) {
        let mut latest = Latest::<LlmCall>::default();
        for event in events {
            let Some(said) = of_kind::<LlmCall>(event).filter(is_understood) else { continue };
            let at = said.started_at.as_micros();
            if let Some(session) = &said.session_id {
                self.seen(session, at, at + micros_of(said.duration_ms).unwrap_or_default());
            }
            latest.observe_event(event).unwrap();
        }
        let mut first: BTreeMap<(String, String, String), (i64, String)> = BTreeMap::new();
        for (key, said) in latest.iter() {
            if let Some(call_id) = said.call_id.clone() {
                let this = (said.started_at.as_micros(), key.to_owned());
                let first = first.entry((said.tenant_id.clone(), said.operation.clone(), call_id));
                first.and_modify(|first| *first = first.clone().min(this.clone())).or_insert(this);
            }
        }
        for (key, said) in latest.iter() {
            let invocation = said.call_id.clone().map(|id| (said.tenant_id.clone(), said.operation.clone(), id));
            let own = (said.started_at.as_micros(), key.to_owned());
            let (invoked_at, leader) = invocation.map_or(own, |invocation| first[&invocation].clone());
            let leads = leader == key;
            let (key, said, workspace) = (key.to_owned(), said.clone(), String::new());
            self.calls.push(Call { key, said, workspace, invoked_at, leads });
        }
    }

    fn read_tools(&mut self, events: &[Event]) {
        let (mut starts, mut ends) = (Latest::<ToolStarted>::default(), Latest::<ToolCompleted>::default());
        let mut first: BTreeMap<String, i64> = BTreeMap::new();
        for event in events {
            let _ = starts.observe_event(event);
            let _ = ends.observe_event(event);
            let started = of_kind::<ToolStarted>(event).map(|said| {
                let at = said.started_at.as_micros();
                (key(event, &said), said.session_id, at, at)
            });
            let completed = of_kind::<ToolCompleted>(event).map(|said| {
                let (from, to) = (said.started_at.as_micros(), said.completed_at.as_micros());
                (key(event, &said), said.session_id, from, to.max(from))
            });
            for (key, session, from, to) in started.into_iter().chain(completed) {
                self.seen(&session, from, to);
                first.entry(key).and_modify(|first| *first = from.min(*first)).or_insert(from);
            }
        }
        for (key, started_at) in first {
            let span = match (ends.of(&key), starts.of(&key)) {
                (Some(end), _) => {
                    let between = (end.completed_at.as_micros() - started_at).max(0);
                    let duration_us = micros_of(end.duration_ms).or(Some(between));
                    let (session, tool) = (end.session_id.clone(), end.tool_name.clone());
                    let (turn, status) = (end.turn_id.clone(), end.status.to_string());
                    Span { session, turn, tool, workspace: String::new(), started_at, duration_us, status }
                }
                (None, start) => {
                    let start = start.unwrap().clone();
                    let (session, turn, tool) = (start.session_id, start.turn_id, start.tool_name);
                    let (workspace, duration_us, status) = (String::new(), None, "running".into());
                    Span { session, turn, tool, workspace, started_at, duration_us, status }
                }
            };
            self.tools.push(span);
        }
    }

    fn read_turns(&mut self, events: &[Event]) {
        let (mut starts, mut ends) = (Latest::<TurnStarted>::default(), Latest::<TurnCompleted>::default());
        let mut first: BTreeMap<String, i64> = BTreeMap::new();
        for event in events {
            let _ = starts.observe_event(event);
            let _ = ends.observe_event(event);
            let started = of_kind::<TurnStarted>(event).map(|said| {
                let at = said.started_at.as_micros();
                (key(event, &said), said.session_id, at, at)
            });
            let completed = of_kind::<TurnCompleted>(event).map(|said| {
                let (from, to) = (said.started_at.as_micros(), said.completed_at.as_micros());
                (key(event, &said), said.session_id, from, to.max(from))
            });
            for (key, session, from, to) in started.into_iter().chain(completed) {
                self.seen(&session, from, to);
                first.entry(key).and_modify(|first| *first = from.min(*first)).or_insert(from);
            }
        }
        for (key, started_at) in first {
            let (mut duration_us, mut status) = (None, "running".to_owned());
            let (session, turn) = match (ends.of(&key), starts.of(&key)) {
                (Some(end), _) => {
                    let between = (end.completed_at.as_micros() - started_at).max(0);
                    (duration_us, status) = (micros_of(end.duration_ms).or(Some(between)), end.status.to_string());
                    (end.session_id.clone(), end.turn_id.clone())
                }
                (None, start) => start.map(|start| (start.session_id.clone(), start.turn_id.clone())).unwrap(),
            };
            let (turn, tool, workspace) = (Some(turn), String::new(), String::new());
            self.turns.push(Span { session, turn, tool, workspace, started_at, duration_us, status });
        }
    }
}

fn one_of(values: &[String], value: &str) -> bool {
    values.is_empty() || values.iter().any(|one| one == value)
}

fn maybe_one_of(values: &[String], value: Option<&str>) -> bool {
    values.is_empty() || value.is_some_and(|value| one_of(values, value))
}

/// Workspaces are filtered by what is known of them.
fn in_workspace(filter: &UsageFilter, workspace: &str) -> bool {
    filter.workspaces.is_empty() || (!workspace.is_empty() && one_of(&filter.workspaces, workspace))
}

fn in_window(filter: &UsageFilter, at: i64) -> bool {
    filter.window.since().is_none_or(|since| since.as_micros() <= at)
        && filter.window.until().is_none_or(|until| at < until.as_micros())
}

/// Whether two turns may be one.
fn same_turn(one: &Option<String>, other: &Option<String>) -> bool {
    one.is_none() || other.is_none() || one == other
}

impl Facts {
    fn is_named(filter: &UsageFilter, call: &Call) -> bool {
        one_of(&filter.tenants, &call.said.tenant_id)
            && one_of(&filter.operations, &call.said.operation)
            && one_of(&filter.providers, &call.said.provider)
            && one_of(&filter.models, call.said.model.as_deref().unwrap_or_default())
            && in_workspace(filter, &call.workspace)
    }

    /// The calls that a filter selects.
    pub(crate) fn calls_of(&self, query: &UsageQuery) -> Vec<&Call> {
        let filter = &query.filter;
        let has_tool = |call: &Call| {
            filter.tools.is_empty()
                || self.tools.iter().any(|tool| {
                    Some(&tool.session) == call.said.session_id.as_ref()
                        && same_turn(&tool.turn, &call.said.turn_id)
                        && one_of(&filter.tools, &tool.tool)
                })
        };
        let selected = |call: &&Call| {
            let at = match query.per {
                Per::Call => call.said.started_at.as_micros(),
                Per::Invocation => call.invoked_at,
            };
            Self::is_named(filter, call)
                && maybe_one_of(&filter.sessions, call.said.session_id.as_deref())
                && maybe_one_of(&filter.turns, call.said.turn_id.as_deref())
                && one_of(&filter.statuses, call.said.status.as_str())
                && in_window(filter, at)
                && has_tool(call)
        };
        self.calls.iter().filter(selected).collect()
    }

    /// The calls of tools, or the turns, that a filter selects.
    pub(crate) fn spans_of(&self, filter: &UsageFilter, tools: bool) -> Vec<&Span> {
        let has_calls = [&filter.tenants, &filter.operations, &filter.providers, &filter.models];
        let asks_of_calls = has_calls.iter().any(|names| !names.is_empty());
        let selected = |span: &&Span| {
            let has_tool = |tool: &Span| {
                tool.session == span.session && same_turn(&tool.turn, &span.turn) && one_of(&filter.tools, &tool.tool)
            };
            let has_call = |call: &Call| {
                call.said.session_id.as_ref() == Some(&span.session)
                    && same_turn(&call.said.turn_id, &span.turn)
                    && Self::is_named(filter, call)
            };
            in_workspace(filter, &span.workspace)
                && one_of(&filter.sessions, &span.session)
                && maybe_one_of(&filter.turns, span.turn.as_deref())
                && one_of(&filter.statuses, &span.status)
                && in_window(filter, span.started_at)
                && if tools {
                    one_of(&filter.tools, &span.tool)
                } else {
                    filter.tools.is_empty() || self.tools.iter().any(has_tool)
                }
                && (!asks_of_calls || self.calls.iter().any(has_call))
        };
        (if tools { &self.tools } else { &self.turns }).iter().filter(selected).collect()
    }

    /// The sessions in which something happened that a filter selects, newest first.
    pub(crate) fn sessions_of(&self, filter: &UsageFilter) -> Vec<&str> {
        let query = UsageQuery::from(filter.clone());
        let mut ids: BTreeSet<&str> =
            self.calls_of(&query).into_iter().filter_map(|call| call.said.session_id.as_deref()).collect();
        for tools in [true, false] {
            ids.extend(self.spans_of(filter, tools).into_iter().map(|span| span.session.as_str()));
        }
        let asks = [&filter.tenants, &filter.operations, &filter.providers, &filter.models, &filter.turns];
        if asks.into_iter().chain([&filter.tools, &filter.statuses]).all(Vec::is_empty) {
            let by_itself = self.sessions.iter().filter(|(id, session)| {
                one_of(&filter.sessions, id)
                    && in_workspace(filter, &session.workspace)
                    && in_window(filter, session.first_at)
            });
            ids.extend(by_itself.map(|(id, _)| id.as_str()));
        }
        let mut ids: Vec<&str> = ids.into_iter().collect();
        ids.sort_by_key(|id| std::cmp::Reverse((self.sessions[*id].first_at, *id)));
        ids
    }
}
