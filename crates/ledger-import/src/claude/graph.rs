//! The lines of all transcripts as they follow each other, by `parentUuid`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use ledger_core::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::threads::ThreadId;
use crate::NAMESPACE;
use crate::format::Link;

/// A line or a call, by its id in the log; 16 bytes whatever that id is, since there is one for every line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct LineId(Uuid);

impl LineId {
    pub(super) fn of(text: &str) -> Self {
        Self(Uuid::try_parse(text).unwrap_or_else(|_| Uuid::new_v5(&NAMESPACE, text.as_bytes())))
    }
}

impl fmt::Display for LineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A line. Copies of one line compare equal, or else the least of them is kept, whatever the order of the files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Node {
    pub(super) time: Option<Timestamp>,
    pub(super) said: Said,
    pub(super) parent: Option<LineId>,
}

/// Who said something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Said {
    /// The user began a turn.
    Prompt,
    /// A tool answered.
    ToolResult,
    /// The agent added something in the name of the user.
    Note,
    /// The model answered, in a part of `call`.
    Answer { call: LineId, ending: Ending },
    /// The agent told that a call failed, and that it would try again; how often it had tried.
    Retry(u32),
    /// Nobody: hooks, progress, remarks of the agent.
    Nothing,
}

/// What a part of an answer says about the end of its turn.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Ending {
    /// Nothing.
    Unknown,
    /// That there is more to come: the model waits for a tool.
    Open,
    /// That the model is done.
    Done,
    /// That a limit cut the answer off.
    CutOff,
    /// That the call failed, and with which class of error.
    Failed(String),
}

/// All lines.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Graph {
    nodes: HashMap<LineId, (Node, SeenIn)>,
}

/// The threads that hold a line; nearly always one.
#[derive(Debug, Default, Serialize, Deserialize)]
struct SeenIn(Vec<ThreadId>);

impl Graph {
    pub(super) fn add(&mut self, line: LineId, node: Node, thread: Option<ThreadId>) {
        match self.nodes.entry(line) {
            Entry::Vacant(place) => drop(place.insert((node, SeenIn::default()))),
            Entry::Occupied(mut known) if node < known.get().0 => known.get_mut().0 = node,
            Entry::Occupied(_) => {}
        }
        if let Some(thread) = thread {
            self.see(line, thread);
        }
    }

    /// Adds what others know.
    pub(super) fn absorb(&mut self, other: Self) {
        for (line, (node, SeenIn(threads))) in other.nodes {
            self.add(line, node, None);
            threads.into_iter().for_each(|thread| self.see(line, thread));
        }
    }

    fn see(&mut self, line: LineId, thread: ThreadId) {
        let known = self.nodes.get_mut(&line).map(|(_, SeenIn(threads))| threads);
        if let Some(threads) = known.filter(|threads| !threads.contains(&thread)) {
            threads.push(thread);
        }
    }

    /// What copies of the lines have in common with them.
    pub(super) fn links(&self) -> impl Iterator<Item = Link> {
        self.nodes.keys().map(|LineId(id)| Link::of_id(*id))
    }

    pub(super) fn node(&self, line: LineId) -> Option<&Node> {
        self.nodes.get(&line).map(|(node, _)| node)
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = (LineId, &Node)> {
        self.nodes.iter().map(|(line, (node, _))| (*line, node))
    }

    /// Which threads hold a line, and when it was written, for all lines.
    pub(super) fn seen_in(&self) -> impl Iterator<Item = (&[ThreadId], Timestamp)> {
        self.nodes.values().filter_map(|(node, SeenIn(threads))| Some((threads.as_slice(), node.time?)))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::claude) fn graph(lines: &[(&str, Option<&str>, i64, Said)]) -> Graph {
        let mut graph = Graph::default();
        for (line, parent, micros, said) in lines {
            let time = Timestamp::from_micros(*micros).ok();
            graph.add(LineId::of(line), Node { time, said: said.clone(), parent: parent.map(LineId::of) }, None);
        }
        graph
    }

    #[test]
    fn of_copies_that_differ_the_same_one_is_kept_in_any_order() {
        let early = ("a", Some("p"), 1, Said::Nothing);
        let late = ("a", None, 2, Said::Prompt);
        for lines in [[early.clone(), late.clone()], [late, early]] {
            let graph = graph(&lines);
            assert_eq!(graph.node(LineId::of("a")).and_then(|node| node.parent), Some(LineId::of("p")));
        }
    }
}
