//! Calls of tools: what the model asked for, joined with what came back.

use std::cmp::Reverse;
use std::collections::HashMap;

use ledger_core::Timestamp;

use super::graph::LineId;
use super::threads::Sightings;
use crate::loose::LoggedMillis;

/// What the provider's ids of tool calls start with. Others are only unique within a session (`Bash:0`).
const TOOL_USE_ID: &str = "toolu_";

/// That the model asked for a tool.
#[derive(Debug)]
pub(super) struct ToolUse {
    pub(super) id: String,
    pub(super) asked: Asked,
    pub(super) sightings: Sightings,
}

/// When and where a tool was asked for; the least of all copies counts.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Asked {
    pub(super) time: Timestamp,
    pub(super) line: Option<LineId>,
    pub(super) tool: String,
    pub(super) version: Option<String>,
}

/// That a tool came back; the least of all copies counts, one that knows the duration before one that does not.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ToolResult {
    pub(super) time: Timestamp,
    pub(super) duration: Reverse<Option<LoggedMillis>>,
    pub(super) is_error: bool,
}

/// All calls of tools.
#[derive(Debug, Default)]
pub(super) struct Tools {
    uses: HashMap<String, ToolUse>,
    results: HashMap<String, ToolResult>,
}

impl Tools {
    /// Adds that a tool was asked for in `session`.
    pub(super) fn add_use(&mut self, session: &str, tool: ToolUse) {
        let key = key(session, &tool.id);
        match self.uses.get_mut(&key) {
            None => drop(self.uses.insert(key, tool)),
            Some(known) => {
                known.sightings.merge(tool.sightings);
                if tool.asked < known.asked {
                    known.asked = tool.asked;
                }
            }
        }
    }

    /// Adds that the tool call `id` of `session` came back.
    pub(super) fn add_result(&mut self, session: &str, id: &str, result: ToolResult) {
        let key = key(session, id);
        match self.results.get_mut(&key) {
            Some(known) if *known <= result => {}
            _ => drop(self.results.insert(key, result)),
        }
    }

    /// The calls that came back, with their keys, in no order.
    pub(super) fn completed(&self) -> impl Iterator<Item = (&str, &ToolUse, &ToolResult)> {
        self.uses.iter().filter_map(|(key, tool)| Some((key.as_str(), tool, self.results.get(key)?)))
    }
}

fn key(session: &str, id: &str) -> String {
    if id.starts_with(TOOL_USE_ID) { id.to_owned() } else { format!("{session}/{id}") }
}
