//! What the rows of a family come to: calls, tools, turns.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use ledger_core::Timestamp;
use ledger_events::TurnStatus;

use super::row::Limit;
use super::usage::Counters;
use crate::loose::LoggedMillis;

/// All of it, each fact once.
#[derive(Debug, Default)]
pub(super) struct Found<'a> {
    pub(super) calls: BTreeMap<String, Call<'a>>,
    pub(super) tools: BTreeMap<String, Tool<'a>>,
    pub(super) turns: BTreeMap<String, Turn<'a>>,
    pub(super) limits: Vec<(&'a str, Timestamp, Limit)>,
}

/// A turn that something is part of: its id and its ordinal in its file.
pub(super) type InTurn = Option<(String, u32)>;

/// A call of a model.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call<'a> {
    pub(super) thread: &'a str,
    pub(super) turn: InTurn,
    pub(super) model: Option<&'a str>,
    pub(super) tier: Option<&'a str>,
    pub(super) started: Option<Timestamp>,
    pub(super) ended: Timestamp,
    pub(super) used: Counters,
    pub(super) failed: Option<Failure<'a>>,
    pub(super) attempt: Option<u32>,
    pub(super) ttft: Option<LoggedMillis>,
    /// Whether the file of its thread says so, not a copy.
    pub(super) is_own: bool,
    /// How many snapshots of its thread were known before.
    pub(super) position: usize,
    /// Keys under which it may have been counted before it was known whose it is.
    pub(super) mistaken: Vec<String>,
}

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Failure<'a> {
    pub(super) class: &'a str,
    pub(super) http_status: Option<u16>,
}

/// A call of a tool that came back.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tool<'a> {
    pub(super) thread: &'a str,
    pub(super) turn: InTurn,
    pub(super) id: &'a str,
    pub(super) tool: &'a str,
    pub(super) started: Timestamp,
    pub(super) ended: Timestamp,
    pub(super) duration: Option<LoggedMillis>,
    pub(super) is_ok: Option<bool>,
}

/// A turn.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Turn<'a> {
    pub(super) thread: &'a str,
    pub(super) id: String,
    pub(super) ordinal: u32,
    pub(super) started: Timestamp,
    pub(super) end: Option<End>,
}

/// How a turn ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct End {
    pub(super) at: Timestamp,
    pub(super) status: TurnStatus,
    pub(super) error_class: Option<String>,
    /// As the agent measured it.
    pub(super) measured: Option<LoggedMillis>,
}

impl<'a> Found<'a> {
    /// Adds a call, unless it is known better.
    pub(super) fn add_call(&mut self, key: String, call: Call<'a>) {
        match self.calls.entry(key) {
            Entry::Vacant(entry) => drop(entry.insert(call)),
            Entry::Occupied(mut entry) => {
                let rank = |call: &Call<'_>| (call.revision(), std::cmp::Reverse((call.ended, call.started)));
                if rank(&call) > rank(entry.get()) {
                    entry.insert(call);
                }
            }
        }
    }

    /// Adds that a tool came back. Several lines may say so: one knows how long it took, another how it went.
    pub(super) fn add_tool(&mut self, key: String, tool: Tool<'a>) {
        match self.tools.entry(key) {
            Entry::Vacant(entry) => drop(entry.insert(tool)),
            Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                known.duration = known.duration.max(tool.duration);
                // What went wrong went wrong, whatever else is said.
                known.is_ok = match (known.is_ok, tool.is_ok) {
                    (Some(one), Some(other)) => Some(one && other),
                    (one, other) => one.or(other),
                };
                if tool.started <= known.started {
                    known.ended = if tool.started == known.started { known.ended.min(tool.ended) } else { tool.ended };
                    (known.started, known.thread, known.turn) = (tool.started, tool.thread, tool.turn);
                }
            }
        }
    }

    /// Adds a turn, or how it ended.
    pub(super) fn add_turn(&mut self, key: String, turn: Turn<'a>) {
        match self.turns.entry(key) {
            Entry::Vacant(entry) => drop(entry.insert(turn)),
            Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                let is_better = |end: &End| known.end.as_ref().is_none_or(|known| end.rank() > known.rank());
                if turn.end.as_ref().is_some_and(is_better) {
                    known.end = turn.end;
                }
                if turn.started < known.started {
                    (known.started, known.thread, known.ordinal) = (turn.started, turn.thread, turn.ordinal);
                }
            }
        }
    }
}

impl End {
    fn rank(&self) -> (bool, Timestamp) {
        (self.measured.is_some(), self.at)
    }
}
