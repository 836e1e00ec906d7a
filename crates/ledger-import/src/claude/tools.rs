//! Calls of tools: what the model asked for, joined with what came back.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use ledger_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::graph::LineId;
use super::threads::{Sightings, ThreadId};
use crate::loose::LoggedMillis;

/// What the provider's ids of tool calls start with. Others (`Bash:0`) are used again and again, even within a session.
const TOOL_USE_ID: &str = "toolu_";

/// That the model asked for a tool.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ToolUse {
    pub(super) id: String,
    pub(super) asked: Asked,
    pub(super) sightings: Sightings,
}

/// When and where a tool was asked for; the least of all copies counts.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) time: Timestamp,
    pub(super) line: Option<LineId>,
    pub(super) tool: String,
    pub(super) version: Option<String>,
}

/// That a tool came back; the least of all copies counts, one that knows the duration before one that does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct ToolResult {
    pub(super) duration: Reverse<Option<LoggedMillis>>,
    pub(super) time: Timestamp,
    pub(super) is_error: bool,
}

/// Where a tool came back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Returned<'a> {
    pub(super) thread: ThreadId,
    pub(super) id: &'a str,
    /// The line that asked for it, as far as the line that says this knows.
    pub(super) asked_by: Option<LineId>,
}

/// All calls of tools.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Tools {
    uses: HashMap<String, ToolUse>,
    results: HashMap<String, ToolResult>,
    /// The keys of uses, by ids that are not unique and by time.
    named: HashMap<(ThreadId, String), BTreeMap<Timestamp, String>>,
    /// What came back of them.
    returned: Vec<(ThreadId, String, Option<LineId>, ToolResult)>,
}

/// A call of a tool that came back.
#[derive(Debug)]
pub(super) struct CompletedTool {
    /// The provider's id, or else the line that asked for it and the id: the same in all copies.
    pub(super) key: String,
    pub(super) used: ToolUse,
    pub(super) result: ToolResult,
}

impl Tools {
    /// Adds that a tool was asked for in `thread`, the session of which is `session`.
    pub(super) fn add_use(&mut self, thread: ThreadId, session: &str, tool: ToolUse) {
        let key = match tool.asked.line {
            _ if is_unique(&tool.id) => tool.id.clone(),
            Some(line) => key_of(line, &tool.id),
            None => format!("{session}/{}", tool.id),
        };
        if !is_unique(&tool.id) {
            self.add_name((thread, tool.id.clone()), tool.asked.time, &key);
        }
        self.add_keyed(key, tool);
    }

    fn add_name(&mut self, name: (ThreadId, String), time: Timestamp, key: &str) {
        let named = self.named.entry(name).or_default();
        // Of two at one time nobody can tell which came back; the least key is as good as any, and always the same.
        let known = named.entry(time).or_insert_with(|| key.to_owned());
        if key < known.as_str() {
            key.clone_into(known);
        }
    }

    fn add_keyed(&mut self, key: String, tool: ToolUse) {
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

    /// Adds what others know.
    pub(super) fn absorb(&mut self, other: Self) {
        let Self { uses, results, named, returned } = other;
        uses.into_iter().for_each(|(key, tool)| self.add_keyed(key, tool));
        results.into_iter().for_each(|(key, result)| add(&mut self.results, key, result));
        for (name, keys) in named {
            keys.iter().for_each(|(time, key)| self.add_name(name.clone(), *time, key));
        }
        self.returned.extend(returned);
    }

    /// Adds that a tool came back.
    pub(super) fn add_result(&mut self, returned: Returned<'_>, result: ToolResult) {
        let Returned { thread, id, asked_by } = returned;
        if is_unique(id) {
            add(&mut self.results, id.to_owned(), result);
        } else {
            self.returned.push((thread, id.to_owned(), asked_by, result));
        }
    }

    /// The calls that came back, in no order.
    pub(super) fn into_completed(self) -> impl Iterator<Item = CompletedTool> {
        let Self { uses, mut results, named, returned } = self;
        for (thread, id, asked_by, result) in returned {
            let is_here = |key: &String| uses.get(key).is_some_and(|tool| tool.sightings.has(thread));
            let asked = asked_by.map(|line| key_of(line, &id)).filter(is_here);
            let latest = || {
                let named = named.get(&(thread, id))?;
                // The last one that was asked for by then.
                let asked = named.range(..=result.time).next_back();
                asked.or(named.first_key_value()).map(|(_, key)| key.clone())
            };
            if let Some(key) = asked.or_else(latest) {
                add(&mut results, key, result);
            }
        }
        uses.into_iter().filter_map(move |(key, used)| {
            let result = results.remove(&key)?;
            Some(CompletedTool { key, used, result })
        })
    }
}

fn add(results: &mut HashMap<String, ToolResult>, key: String, result: ToolResult) {
    let known = results.entry(key).or_insert(result);
    *known = result.min(*known);
}

fn is_unique(id: &str) -> bool {
    id.starts_with(TOOL_USE_ID)
}

fn key_of(line: LineId, id: &str) -> String {
    format!("{line}:{id}")
}
