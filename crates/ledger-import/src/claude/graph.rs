//! The lines of all transcripts as they follow each other, by `parentUuid`.

use std::collections::HashMap;

use ledger_core::Timestamp;
use uuid::Uuid;

use crate::NAMESPACE;

/// A line or a call, by its id in the log; 16 bytes whatever that id is, since there is one for every line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct LineId(Uuid);

impl LineId {
    pub(super) fn of(text: &str) -> Self {
        Self(Uuid::try_parse(text).unwrap_or_else(|_| Uuid::new_v5(&NAMESPACE, text.as_bytes())))
    }
}

/// A line. Copies of one line compare equal, or else the least of them is kept, whatever the order of the files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Node {
    pub(super) time: Option<Timestamp>,
    pub(super) said: Said,
    pub(super) parent: Option<LineId>,
}

/// Who said something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Said {
    /// The user began a turn.
    Prompt,
    /// A tool answered.
    ToolResult,
    /// The agent added something in the name of the user.
    Note,
    /// The model answered, in a part of `call`.
    Answer { call: LineId, ending: Ending },
    /// Nobody: hooks, progress, remarks of the agent.
    Nothing,
}

/// What a part of an answer says about the end of its turn.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
#[derive(Debug, Default)]
pub(super) struct Graph {
    nodes: HashMap<LineId, Node>,
}

impl Graph {
    pub(super) fn add(&mut self, line: LineId, node: Node) {
        let kept = self.nodes.entry(line).or_insert_with(|| node.clone());
        if node < *kept {
            *kept = node;
        }
    }

    pub(super) fn node(&self, line: LineId) -> Option<&Node> {
        self.nodes.get(&line)
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = (LineId, &Node)> {
        self.nodes.iter().map(|(line, node)| (*line, node))
    }

    /// When that was said which `line`, a part of `call`, answers.
    pub(super) fn asked_at(&self, line: LineId, call: LineId) -> Option<Timestamp> {
        let mut node = self.node(line)?;
        // More steps than there are lines means that the parents lead in a circle.
        for _ in 0..self.nodes.len() {
            node = self.node(node.parent?)?;
            match &node.said {
                Said::Nothing => {}
                Said::Answer { call: other, .. } if *other == call => {}
                _ => return node.time,
            }
        }
        None
    }
}

/// Finds the prompts that lines follow from, and remembers them.
#[derive(Debug)]
pub(super) struct Prompts<'a> {
    graph: &'a Graph,
    known: HashMap<LineId, Option<LineId>>,
}

impl<'a> Prompts<'a> {
    pub(super) fn of(graph: &'a Graph) -> Self {
        Self { graph, known: HashMap::new() }
    }

    /// The nearest prompt at or before `line`.
    pub(super) fn before(&mut self, line: LineId) -> Option<LineId> {
        let mut passed = Vec::new();
        let mut at = Some(line);
        let prompt = loop {
            let Some(line) = at else { break None };
            if let Some(known) = self.known.get(&line) {
                break *known;
            }
            let Some(node) = self.graph.node(line) else { break None };
            if node.said == Said::Prompt {
                break Some(line);
            }
            // Parents that lead in a circle come back here, and end.
            self.known.insert(line, None);
            passed.push(line);
            at = node.parent;
        };
        self.known.extend(passed.into_iter().map(|line| (line, prompt)));
        prompt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(lines: &[(&str, Option<&str>, i64, Said)]) -> Graph {
        let mut graph = Graph::default();
        for (line, parent, micros, said) in lines {
            let time = Timestamp::from_micros(*micros).ok();
            graph.add(LineId::of(line), Node { time, said: said.clone(), parent: parent.map(LineId::of) });
        }
        graph
    }

    fn answer(call: &str) -> Said {
        Said::Answer { call: LineId::of(call), ending: Ending::Unknown }
    }

    #[test]
    fn an_answer_is_asked_for_by_what_came_before_its_call() {
        let graph = graph(&[
            ("p", None, 1, Said::Prompt),
            ("hook", Some("p"), 2, Said::Nothing),
            ("a1", Some("hook"), 3, answer("m")),
            ("a2", Some("a1"), 4, answer("m")),
            ("r", Some("a2"), 5, Said::ToolResult),
            ("b", Some("r"), 6, answer("n")),
        ]);
        let asked = |line, call| graph.asked_at(LineId::of(line), LineId::of(call)).map(Timestamp::as_micros);
        assert_eq!((asked("a1", "m"), asked("a2", "m"), asked("b", "n")), (Some(1), Some(1), Some(5)));
        assert_eq!(Prompts::of(&graph).before(LineId::of("b")), Some(LineId::of("p")));
    }

    #[test]
    fn parents_in_a_circle_end() {
        let graph = graph(&[
            ("a", Some("c"), 1, Said::Nothing),
            ("b", Some("a"), 2, Said::Nothing),
            ("c", Some("b"), 3, Said::Nothing),
            ("self", Some("self"), 4, Said::Nothing),
        ]);
        for line in ["a", "b", "c", "self", "unknown"] {
            assert_eq!(graph.asked_at(LineId::of(line), LineId::of("m")), None);
            assert_eq!(Prompts::of(&graph).before(LineId::of(line)), None);
        }
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
