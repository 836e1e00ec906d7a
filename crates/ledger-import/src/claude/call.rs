//! A call of a model: what the lines that observe it say of it, each line or all of them together.

use ledger_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::counters::Counters;
use super::failure::Failure;
use super::graph::LineId;
use super::line::Usage;
use super::threads::{Sightings, ThreadId};
use crate::words::word;

/// One observation of a call, or all of them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Call {
    /// Its message, as the lines of the transcript know it.
    pub(super) message: LineId,
    pub(super) sightings: Sightings,
    pub(super) first: First,
    pub(super) last: Timestamp,
    pub(super) used: Counters,
    pub(super) described: Described,
    pub(super) stop: Option<(Timestamp, Stop)>,
    /// What the agent said that it cost, in pico-USD.
    pub(super) cost: Option<(Timestamp, i64)>,
    pub(super) error: Option<Failure>,
}

/// The first line of a call.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct First {
    pub(super) time: Timestamp,
    pub(super) line: Option<LineId>,
    pub(super) version: Option<String>,
}

/// What a line says of a call beside its counters. Ordered by size, then time: the greatest of all lines counts.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Described {
    pub(super) total: u64,
    pub(super) time: Timestamp,
    pub(super) model: Option<String>,
    pub(super) service_tier: Option<String>,
    pub(super) speed: Option<String>,
    pub(super) inference_geo: Option<String>,
}

/// Why an answer ended, where that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Stop {
    Normal,
    Truncated,
    Refusal,
}

impl Described {
    pub(super) fn of(usage: &Usage, model: Option<String>, time: Timestamp) -> Self {
        Self {
            total: Counters::of(usage).tokens().total(),
            time,
            model,
            service_tier: word(usage.service_tier.as_deref()),
            speed: word(usage.speed.as_deref()),
            inference_geo: word(usage.inference_geo.as_deref()),
        }
    }
}

impl Call {
    pub(super) fn new(message: LineId, thread: ThreadId, first: First, usage: &Usage, model: Option<String>) -> Self {
        Self {
            message,
            sightings: Sightings::new(thread, first.time),
            last: first.time,
            used: Counters::of(usage),
            described: Described::of(usage, model, first.time),
            first,
            stop: None,
            cost: None,
            error: None,
        }
    }

    /// Adds other observations of the same call; the order in which they are added does not matter.
    pub(super) fn merge(&mut self, other: Self) {
        let Self { message: _, sightings, first, last, used, described, stop, cost, error } = other;
        self.sightings.merge(sightings);
        if first < self.first {
            self.first = first;
        }
        self.last = self.last.max(last);
        self.used = self.used.max(used);
        if described > self.described {
            self.described = described;
        }
        self.stop = self.stop.max(stop);
        self.cost = self.cost.max(cost);
        self.error = self.error.take().max(error);
    }
}
