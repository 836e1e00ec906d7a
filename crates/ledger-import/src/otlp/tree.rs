//! Which of the calls of all traces count, and where they are.
//!
//! A span that repeats what the calls below it used is around them: an agent, a workflow, `ai.generateText`. It does not
//! count, and whoever is below says so, since it may have been said before: it replaces the keys of all calls above it.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;

use super::call::Call;
use super::facts::{Facts, Known as _, Trace};

/// The observations of one call.
#[derive(Debug, Default)]
pub(super) struct Seen<'a> {
    pub(super) observations: Vec<Observation<'a>>,
    /// The keys of what is around it.
    pub(super) replaces: BTreeSet<String>,
    /// Whether there is something new to say of it.
    pub(super) is_touched: bool,
}

/// What one span or record tells of a call, and where that is.
#[derive(Debug)]
pub(super) struct Observation<'a> {
    pub(super) call: &'a Call,
    pub(super) place: Place<'a>,
}

/// Where something is.
#[derive(Clone, Debug)]
pub(super) struct Place<'a> {
    pub(super) run: String,
    /// The trace, where there is one.
    pub(super) trace: Option<String>,
    pub(super) session: Option<&'a str>,
    pub(super) turn: Option<String>,
    /// How much of this is told by spans around it.
    pub(super) known: u64,
}

impl Observation<'_> {
    /// How well it is known; its own detail leaves room for the rest.
    pub(super) fn revision(&self, replaces: usize) -> u64 {
        let replaces = u64::try_from(replaces).unwrap_or(u64::MAX).min(1_000);
        self.call.revision() + self.place.known + replaces
    }
}

/// The calls that count, by key.
pub(super) fn calls(facts: &Facts) -> BTreeMap<String, Seen<'_>> {
    let answers = Answers::of(facts);
    let mut calls: BTreeMap<String, Seen<'_>> = BTreeMap::new();
    for (id, trace) in &facts.traces {
        let key = |span: u64, call: &Call| answers.key(call).map_or_else(|| span_key(*id, span), str::to_owned);
        let above = |span: u64, own: &str| -> Vec<(u64, String)> {
            let calls = trace.above(span).filter_map(|above| trace.calls.get_key_value(&above));
            calls.map(|(span, call)| (*span, key(*span, call))).filter(|(_, key)| key != own).collect()
        };
        let using = trace.calls.iter().filter(|(_, call)| call.has_usage());
        let around: BTreeSet<u64> =
            using.flat_map(|(span, call)| above(*span, &key(*span, call))).map(|(span, _)| span).collect();
        for (span, call) in trace.calls.iter().filter(|(span, _)| !around.contains(span)) {
            let key = key(*span, call);
            let replaced = if call.has_usage() { above(*span, &key) } else { Vec::new() };
            let place = trace.place(*id, *span, call.session.as_deref());
            let seen = calls.entry(key).or_default();
            seen.observations.push(Observation { call, place });
            seen.is_touched |= facts.has_touched(*id);
            seen.replaces.extend(replaced.into_iter().map(|(_, key)| key));
        }
    }
    for (key, call) in &facts.calls {
        let place = Place::of_record(call.session.as_deref(), call.turn.as_deref(), key);
        let seen = calls.entry(key.clone()).or_default();
        seen.observations.push(Observation { call, place });
        seen.is_touched |= facts.has_touched_key(key);
    }
    // Whoever knows the request only told of it under that.
    for (request, response) in answers.by_request {
        calls.entry(response.to_owned()).or_default().replaces.insert(request.to_owned());
    }
    calls
}

/// The answers to requests, as far as anybody knows both.
struct Answers<'a> {
    by_request: BTreeMap<&'a str, &'a str>,
}

impl<'a> Answers<'a> {
    fn of(facts: &'a Facts) -> Self {
        let mut by_request: BTreeMap<&str, &str> = BTreeMap::new();
        let both = |call: &'a Call| Some((call.request.as_deref()?, call.response.as_deref()?));
        for (request, response) in facts.traces.values().flat_map(|trace| trace.calls.values()).filter_map(both) {
            // A request has one answer; whoever says otherwise, the order of what is read must not decide.
            by_request.entry(request).and_modify(|known| *known = response.min(*known)).or_insert(response);
        }
        Self { by_request }
    }

    /// What a call is known by, wherever it is told of.
    fn key<'b>(&self, call: &'b Call) -> Option<&'b str>
    where
        'a: 'b,
    {
        let of_request = |request: &'b str| self.by_request.get(request).copied().unwrap_or(request);
        call.response.as_deref().or_else(|| call.request.as_deref().map(of_request))
    }
}

/// What tells a span from all others.
pub(super) fn span_key(trace: u128, span: u64) -> String {
    format!("{trace:032x}:{span:016x}")
}

impl Trace {
    /// Where a span is, which says of itself in which session it is, or does not.
    pub(super) fn place<'a>(&'a self, trace: u128, span: u64, own: Option<&'a str>) -> Place<'a> {
        let around = || iter::once(span).chain(self.above(span));
        let around = || around().filter_map(|span| Some((span, self.around.get(&span)?)));
        let session = own.or_else(|| around().find_map(|(_, around)| around.session.as_deref()));
        let agent = around().find(|(_, around)| around.turn.is_some()).map(|(span, _)| span);
        let trace = format!("{trace:032x}");
        Place {
            run: trace.clone(),
            session,
            turn: Some(agent.map_or_else(|| trace.clone(), |agent| format!("{agent:016x}"))),
            trace: Some(trace),
            known: u64::from(own.is_none() && session.is_some()) + u64::from(agent.is_some()),
        }
    }
}

impl<'a> Place<'a> {
    /// Of a record in `session`, which stands alone when there is none.
    pub(super) fn of_record(session: Option<&'a str>, turn: Option<&str>, key: &str) -> Self {
        let run = session.or(turn).unwrap_or(key).to_owned();
        Self { run, trace: None, session, turn: turn.map(str::to_owned), known: 0 }
    }
}
