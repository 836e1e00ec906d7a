//! Calls of models, put together from all lines that observe them.
//!
//! One answer is written as several lines, one per block of content, each with the usage as it stood; lines are repeated
//! in the progress of the parent, and copied when a session is resumed. So calls are counted, not lines, and of all
//! observations of a call the largest one counts.

use std::collections::HashMap;

use ledger_core::Timestamp;
use ledger_events::Tokens;

use super::graph::LineId;
use super::line::Usage;
use super::threads::{Sightings, ThreadIndex};

/// What the provider's ids start with; only they are known to be unique in the world.
const MESSAGE_ID: &str = "msg_";

/// One observation of a call, or all of them.
#[derive(Debug)]
pub(super) struct Call {
    /// Its message, as the lines of the transcript know it.
    pub(super) message: LineId,
    pub(super) sightings: Sightings,
    pub(super) first: First,
    pub(super) last: Timestamp,
    pub(super) largest: Observed,
    pub(super) stop: Option<(Timestamp, Stop)>,
    /// What the agent said that it cost, in pico-USD.
    pub(super) cost: Option<(Timestamp, i64)>,
    pub(super) error: Option<Failure>,
    pub(super) observations: u64,
}

/// The first line of a call.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct First {
    pub(super) time: Timestamp,
    pub(super) line: Option<LineId>,
    pub(super) version: Option<String>,
}

/// What one line says that a call used. Ordered by size, then time: the greatest of all observations counts.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Observed {
    pub(super) total: u64,
    pub(super) time: Timestamp,
    pub(super) model: Option<String>,
    pub(super) input: u64,
    pub(super) cache_read: u64,
    pub(super) cache_write_5m: u64,
    pub(super) cache_write_1h: u64,
    pub(super) output: u64,
    pub(super) web_searches: Option<u64>,
    pub(super) service_tier: Option<String>,
    pub(super) speed: Option<String>,
    pub(super) inference_geo: Option<String>,
}

/// Why an answer ended, where that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stop {
    Normal,
    Truncated,
    Refusal,
}

/// That a call failed, and how.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Failure {
    pub(super) class: String,
    pub(super) http_status: Option<u16>,
}

impl Observed {
    /// Nothing was used.
    pub(super) fn nothing(time: Timestamp) -> Self {
        Self::of(&Usage::default(), None, time)
    }

    pub(super) fn of(usage: &Usage, model: Option<String>, time: Timestamp) -> Self {
        let split = usage.cache_creation.as_ref();
        let short = split.and_then(|split| split.ephemeral_5m_input_tokens.0).unwrap_or(0);
        let long = split.and_then(|split| split.ephemeral_1h_input_tokens.0).unwrap_or(0);
        let sum = short.saturating_add(long);
        let (cache_write_5m, cache_write_1h) = match usage.cache_creation_input_tokens.0 {
            Some(total) if total != sum => (total, 0),
            _ => (short, long),
        };
        let mut observed = Self {
            total: 0,
            time,
            model,
            input: usage.input_tokens.0.unwrap_or(0),
            cache_read: usage.cache_read_input_tokens.0.unwrap_or(0),
            cache_write_5m,
            cache_write_1h,
            output: usage.output_tokens.0.unwrap_or(0),
            web_searches: usage.server_tool_use.as_ref().and_then(|tools| tools.web_search_requests.0),
            service_tier: word(usage.service_tier.as_deref()),
            speed: word(usage.speed.as_deref()),
            inference_geo: word(usage.inference_geo.as_deref()),
        };
        observed.total = observed.tokens().total();
        observed
    }

    pub(super) fn tokens(&self) -> Tokens {
        Tokens {
            input: self.input,
            cache_read: self.cache_read,
            cache_write_5m: self.cache_write_5m,
            cache_write_1h: self.cache_write_1h,
            cache_write: 0,
            output: self.output,
            reasoning: None,
        }
    }
}

/// A word such as `standard`; whatever else stands there is not kept.
fn word(text: Option<&str>) -> Option<String> {
    let is_word = |text: &&str| {
        text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
    };
    text.filter(is_word).map(str::to_owned)
}

impl Call {
    pub(super) fn new(message: LineId, thread: ThreadIndex, first: First, largest: Observed) -> Self {
        Self {
            message,
            sightings: Sightings::new(thread, first.time),
            last: first.time,
            first,
            largest,
            stop: None,
            cost: None,
            error: None,
            observations: 1,
        }
    }

    /// Adds other observations of the same call; the order in which they are added does not matter.
    fn merge(&mut self, other: Self) {
        let Self { message: _, sightings, first, last, largest, stop, cost, error, observations } = other;
        self.sightings.merge(sightings);
        if first < self.first {
            self.first = first;
        }
        self.last = self.last.max(last);
        if largest > self.largest {
            self.largest = largest;
        }
        self.stop = self.stop.max(stop);
        self.cost = self.cost.max(cost);
        self.error = self.error.take().max(error);
        self.observations += observations;
    }
}

/// The id of a message, and what separates calls that share one.
#[derive(Debug)]
pub(super) struct CallId {
    /// `message.id`, or the line's `uuid` without one.
    pub(super) message: String,
    pub(super) request: Option<String>,
    pub(super) sidechain: bool,
}

/// All calls.
#[derive(Debug, Default)]
pub(super) struct Calls {
    by_message: HashMap<String, Vec<Strand>>,
}

/// The observations that share message, request and chain.
#[derive(Debug)]
struct Strand {
    request: Option<String>,
    sidechain: bool,
    call: Call,
}

impl Calls {
    pub(super) fn add(&mut self, id: CallId, call: Call) {
        let CallId { message, request, sidechain } = id;
        let strands = self.by_message.entry(message).or_default();
        match strands.iter_mut().find(|strand| strand.request == request && strand.sidechain == sidechain) {
            Some(strand) => strand.call.merge(call),
            None => strands.push(Strand { request, sidechain, call }),
        }
    }

    /// How many lines observed a call.
    pub(super) fn observations(&self) -> u64 {
        self.by_message.values().flatten().map(|strand| strand.call.observations).sum()
    }

    /// Each call with its key, in no order.
    pub(super) fn into_calls(self) -> impl Iterator<Item = (String, Call)> {
        self.by_message.into_iter().flat_map(|(message, strands)| separate(message, strands))
    }
}

/// Strands of one message are one call, but for different requests of the main conversation.
///
/// The earliest request keeps the bare id as its key: a request that is seen later must not rename it.
fn separate(message: String, mut strands: Vec<Strand>) -> Vec<(String, Call)> {
    strands.sort_by(|a, b| (&a.call.first, &a.request, a.sidechain).cmp(&(&b.call.first, &b.request, b.sidechain)));
    let separates =
        |strand: &Strand| strand.request.is_some() && (!strand.sidechain || !message.starts_with(MESSAGE_ID));
    let mut requests: Vec<Option<String>> = Vec::new();
    for strand in strands.iter().filter(|strand| separates(strand)) {
        if !requests.contains(&strand.request) {
            requests.push(strand.request.clone());
        }
    }
    let mut calls: Vec<Option<Call>> = Vec::new();
    calls.resize_with(requests.len().max(1), || None);
    for strand in strands {
        let place = requests.iter().position(|request| *request == strand.request).unwrap_or(0);
        match &mut calls[place] {
            Some(call) => call.merge(strand.call),
            empty => *empty = Some(strand.call),
        }
    }
    let key = |place: usize| match requests.get(place) {
        Some(Some(request)) if place > 0 => format!("{message}:{request}"),
        _ => message.clone(),
    };
    calls.into_iter().enumerate().filter_map(|(place, call)| Some((key(place), call?))).collect()
}
