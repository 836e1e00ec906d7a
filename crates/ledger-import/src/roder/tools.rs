//! Calls of tools: when each was started and how it ended.

use std::collections::BTreeMap;

use ledger_core::Timestamp;

use super::facts::Turn;
use super::steps::Step;

/// A call of a tool that ended.
#[derive(Debug)]
pub(super) struct ToolCall<'a> {
    pub(super) id: &'a str,
    /// From 1 up among the calls of the turn that have this id: some providers only number calls within an answer.
    pub(super) nth: u32,
    pub(super) name: Option<&'a str>,
    pub(super) started: Option<Timestamp>,
    pub(super) completed: Timestamp,
    pub(super) is_error: bool,
}

/// Those of a turn.
pub(super) fn tool_calls(turn: &Turn) -> Vec<ToolCall<'_>> {
    let mut open: BTreeMap<&str, Open<'_>> = BTreeMap::new();
    let mut calls = Vec::new();
    for (id, step) in turn {
        match step {
            Step::ToolNamed { tool, name } => open.entry(tool).or_default().name = Some(name),
            Step::ToolStarted { tool, name } => {
                let open = open.entry(tool).or_default();
                open.started = Some(id.time);
                open.name = name.as_deref().or(open.name);
            }
            Step::ToolEnded { tool, name, is_error } => {
                let open = open.entry(tool).or_default();
                open.ended += 1;
                calls.push(ToolCall {
                    id: tool,
                    nth: open.ended,
                    name: name.as_deref().or(open.name),
                    started: open.started.take(),
                    completed: id.time,
                    is_error: *is_error,
                });
            }
            _ => {}
        }
    }
    calls
}

#[derive(Default)]
struct Open<'a> {
    name: Option<&'a str>,
    started: Option<Timestamp>,
    ended: u32,
}
