//! Which of the calls of all traces count, and where they are.
//!
//! A span that repeats what the calls below it used is around them: an agent, a workflow, `ai.generateText`, whoever asked
//! a gateway. It does not count, and whoever is below says so, since it may have been said before: it replaces the names of
//! all calls above it.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;

use super::call::Call;
use super::facts::{Facts, Known as _, Trace};
use super::names::{Answers, Names};

/// The observations of one call.
#[derive(Debug, Default)]
pub(super) struct Seen<'a> {
    pub(super) observations: Vec<Observation<'a>>,
    /// Its weaker names, and all of what is around it.
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

/// The calls that count, by key: all of which there may be something new to say.
pub(super) fn calls(facts: &Facts) -> BTreeMap<String, Seen<'_>> {
    let answers = Answers::of(facts);
    let (touched, others): (Vec<_>, Vec<_>) =
        facts.traces.iter().partition(|(id, trace)| facts.has_touched(**id) || answers.have_news_of(trace));
    let mut calls: BTreeMap<String, Seen<'_>> = BTreeMap::new();
    for (id, trace) in touched {
        add(&mut calls, &answers, *id, trace, true);
    }
    // Of the others only what they tell of these calls matters, or of what these replace.
    let told: BTreeSet<String> =
        calls.iter().flat_map(|(key, seen)| seen.replaces.iter().chain([key])).cloned().collect();
    let is_told = |call: &Call| answers.key(call).is_some_and(|key| told.contains(key));
    let others: Vec<_> = others.into_iter().filter(|(_, trace)| trace.calls.values().any(is_told)).collect();
    for (id, trace) in others {
        add(&mut calls, &answers, *id, trace, false);
    }
    for (key, call) in &facts.calls {
        let place = Place::of_record(call.session.as_deref(), call.turn.as_deref(), key);
        let seen = calls.entry(key.clone()).or_default();
        seen.observations.push(Observation { call, place });
        seen.is_touched |= facts.has_touched_key(key);
    }
    for (key, seen) in &mut calls {
        // Whatever ids are used for what, a call never replaces itself.
        seen.replaces.remove(key);
    }
    without_replaced(calls)
}

/// The calls that nobody replaces; whoever replaces a call replaces what that replaces.
fn without_replaced(calls: BTreeMap<String, Seen<'_>>) -> BTreeMap<String, Seen<'_>> {
    let names: BTreeSet<String> = calls.values().flat_map(|seen| &seen.replaces).cloned().collect();
    let (replaced, mut calls): (BTreeMap<_, _>, BTreeMap<_, _>) =
        calls.into_iter().partition(|(key, _)| names.contains(key));
    for seen in calls.values_mut() {
        let mut next: Vec<String> = seen.replaces.iter().cloned().collect();
        while let Some(name) = next.pop() {
            let Some(Seen { replaces, is_touched, .. }) = replaced.get(&name) else { continue };
            seen.is_touched |= is_touched;
            next.extend(replaces.difference(&seen.replaces).cloned());
            seen.replaces.extend(replaces.iter().cloned());
        }
    }
    calls
}

/// Adds the calls of a trace that count.
fn add<'a>(
    calls: &mut BTreeMap<String, Seen<'a>>,
    answers: &Answers<'_>,
    id: u128,
    trace: &'a Trace,
    is_touched: bool,
) {
    let mut names: BTreeMap<u64, Names> =
        trace.calls.iter().map(|(span, call)| (*span, answers.names(id, *span, call))).collect();
    // Also whoever is around others may have been the lowest of those that were known, and have said what it replaces.
    let is_below = above_each(trace, &names);
    let replaced: BTreeSet<String> =
        is_below.values().flatten().filter_map(|above| names.get(above)).flat_map(Names::all).cloned().collect();
    let spans_around: BTreeSet<u64> = is_below.values().flatten().copied().collect();
    for span in is_below.keys().filter(|span| !spans_around.contains(span)) {
        if let Some(names) = names.get_mut(span).filter(|names| replaced.contains(&names.key)) {
            names.set_apart();
        }
    }
    let is_below = above_each(trace, &names);
    let spans_around: BTreeSet<u64> = is_below.values().flatten().copied().collect();
    for (span, call) in trace.calls.iter().filter(|(span, _)| !spans_around.contains(span)) {
        let Some(own) = names.get(span) else { continue };
        let place = trace.place(id, *span, call.session.as_deref());
        let seen = calls.entry(own.key.clone()).or_default();
        seen.observations.push(Observation { call, place });
        seen.is_touched |= is_touched;
        let above = is_below.get(span).into_iter().flatten().filter_map(|above| names.get(above));
        seen.replaces.extend(own.weaker.iter().chain(above.flat_map(Names::all)).cloned());
    }
}

/// The calls above each call with tokens. Whoever has the same key is not around it, but observes it.
fn above_each(trace: &Trace, names: &BTreeMap<u64, Names>) -> BTreeMap<u64, Vec<u64>> {
    let using =
        trace.calls.iter().filter(|(_, call)| call.has_usage()).filter_map(|(span, _)| names.get_key_value(span));
    using
        .map(|(span, own)| {
            let is_other = |above: &u64| names.get(above).is_some_and(|above| above.key != own.key);
            (*span, trace.above(*span).into_iter().filter(is_other).collect())
        })
        .collect()
}

impl Trace {
    /// Where a span is, which says of itself in which session it is, or does not.
    pub(super) fn place<'a>(&'a self, trace: u128, span: u64, own: Option<&'a str>) -> Place<'a> {
        let around = iter::once(span).chain(self.above(span));
        let around: Vec<_> = around.filter_map(|span| Some((span, self.around.get(&span)?))).collect();
        let session = own.or_else(|| around.iter().find_map(|(_, around)| around.session.as_deref()));
        let agent = around.iter().find(|(_, around)| around.turn.is_some()).map(|(span, _)| *span);
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
