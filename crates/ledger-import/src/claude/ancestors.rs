//! What lines follow from: their nearest ancestors of some sort. Every line is stepped over once, however many lines
//! follow from it, and wherever parents lead in a circle.

use std::collections::HashMap;

use ledger_core::Timestamp;

use super::graph::{Graph, LineId, Node, Said};

/// Finds the nearest line of a sort at or before others, and remembers it.
#[derive(Debug)]
pub(super) struct Nearest<'a> {
    graph: &'a Graph,
    is_sought: fn(&Said) -> bool,
    known: HashMap<LineId, Option<LineId>>,
    #[cfg(test)]
    steps: usize,
}

impl<'a> Nearest<'a> {
    /// The prompts.
    pub(super) fn prompt(graph: &'a Graph) -> Self {
        Self::of(graph, |said| *said == Said::Prompt)
    }

    /// The lines in which somebody says something.
    fn saying(graph: &'a Graph) -> Self {
        Self::of(graph, |said| *said != Said::Nothing)
    }

    fn of(graph: &'a Graph, is_sought: fn(&Said) -> bool) -> Self {
        Self {
            graph,
            is_sought,
            known: HashMap::new(),
            #[cfg(test)]
            steps: 0,
        }
    }

    /// The nearest one at or before `line`.
    pub(super) fn before(&mut self, line: LineId) -> Option<LineId> {
        let mut passed = Vec::new();
        let mut at = Some(line);
        let found = loop {
            #[cfg(test)]
            {
                self.steps += 1;
            }
            let Some(line) = at else { break None };
            if let Some(known) = self.known.get(&line) {
                break *known;
            }
            let Some(node) = self.graph.node(line) else { break None };
            if (self.is_sought)(&node.said) {
                break Some(line);
            }
            // Parents that lead in a circle come back here, and end.
            self.known.insert(line, None);
            passed.push(line);
            at = node.parent;
        };
        self.known.extend(passed.into_iter().map(|line| (line, found)));
        found
    }
}

/// What a call answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// When it was said.
    pub(super) time: Option<Timestamp>,
    /// How often the agent had tried before, as far as it told in between.
    pub(super) attempts: Option<u32>,
}

/// Finds what calls answer.
#[derive(Debug)]
pub(super) struct Questions<'a> {
    saying: Nearest<'a>,
    /// By line and call.
    answers: HashMap<(LineId, LineId), Option<Asked>>,
    retries: HashMap<LineId, Option<Asked>>,
    #[cfg(test)]
    steps: usize,
}

impl<'a> Questions<'a> {
    pub(super) fn of(graph: &'a Graph) -> Self {
        Self {
            saying: Nearest::saying(graph),
            answers: HashMap::new(),
            retries: HashMap::new(),
            #[cfg(test)]
            steps: 0,
        }
    }

    /// What `line`, a part of `call`, answers.
    pub(super) fn before(&mut self, line: LineId, call: LineId) -> Option<Asked> {
        let mut passed = Vec::new();
        let mut at = line;
        let asked = loop {
            #[cfg(test)]
            {
                self.steps += 1;
            }
            if let Some(known) = self.answers.get(&(at, call)) {
                break *known;
            }
            // Parents that lead in a circle come back here, and end.
            self.answers.insert((at, call), None);
            passed.push(at);
            let Some((line, node)) = self.said_before(at) else { break None };
            match &node.said {
                Said::Answer { call: other, .. } if *other == call => at = line,
                Said::Retry(_) => break self.before_retry(line),
                _ => break Some(Asked { time: node.time, attempts: None }),
            }
        };
        self.answers.extend(passed.into_iter().map(|line| ((line, call), asked)));
        asked
    }

    /// What was asked before the agent told, in `line`, that it tries again. Does not depend on the call, so that all
    /// calls after it share what is known.
    fn before_retry(&mut self, line: LineId) -> Option<Asked> {
        let mut passed = Vec::new();
        let mut at = line;
        let mut asked = loop {
            #[cfg(test)]
            {
                self.steps += 1;
            }
            if let Some(known) = self.retries.get(&at) {
                break *known;
            }
            self.retries.insert(at, None);
            passed.push(at);
            let Some((line, node)) = self.said_before(at) else { break None };
            match &node.said {
                Said::Retry(_) => at = line,
                _ => break Some(Asked { time: node.time, attempts: None }),
            }
        };
        for line in passed.into_iter().rev() {
            if let (Some(asked), Some(Said::Retry(attempt))) =
                (&mut asked, self.saying.graph.node(line).map(|node| &node.said))
            {
                asked.attempts = asked.attempts.max(Some(*attempt));
            }
            self.retries.insert(line, asked);
        }
        asked
    }

    /// The nearest line before `line` in which somebody said something.
    fn said_before(&mut self, line: LineId) -> Option<(LineId, &'a Node)> {
        let said = self.saying.before(self.saying.graph.node(line)?.parent?)?;
        Some((said, self.saying.graph.node(said)?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::graph::Ending;
    use super::super::graph::tests::graph;
    use super::*;

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
        let mut questions = Questions::of(&graph);
        let mut asked = |line, call| {
            questions.before(LineId::of(line), LineId::of(call)).and_then(|asked| asked.time).map(Timestamp::as_micros)
        };
        assert_eq!((asked("a1", "m"), asked("a2", "m"), asked("b", "n")), (Some(1), Some(1), Some(5)));
        assert_eq!(Nearest::prompt(&graph).before(LineId::of("b")), Some(LineId::of("p")));
    }

    #[test]
    fn the_attempts_that_failed_in_between_are_known() {
        let graph = graph(&[
            ("p", None, 1, Said::Prompt),
            ("e1", Some("p"), 2, Said::Retry(1)),
            ("e2", Some("e1"), 3, Said::Retry(2)),
            ("a", Some("e2"), 4, answer("m")),
            ("b", Some("a"), 5, answer("n")),
        ]);
        let mut questions = Questions::of(&graph);
        let asked = questions.before(LineId::of("a"), LineId::of("m")).unwrap();
        assert_eq!((asked.time.map(Timestamp::as_micros), asked.attempts), (Some(1), Some(2)));
        assert_eq!(questions.before(LineId::of("b"), LineId::of("n")).unwrap().attempts, None);
    }

    #[test]
    fn parents_in_a_circle_end() {
        let graph = graph(&[
            ("a", Some("c"), 1, Said::Nothing),
            ("b", Some("a"), 2, Said::Nothing),
            ("c", Some("b"), 3, Said::Nothing),
            ("self", Some("self"), 4, Said::Nothing),
            ("x", Some("y"), 5, answer("m")),
            ("y", Some("x"), 6, answer("m")),
            ("e", Some("f"), 7, Said::Retry(1)),
            ("f", Some("e"), 8, Said::Retry(2)),
            ("z", Some("e"), 9, answer("m")),
        ]);
        for line in ["a", "b", "c", "self", "unknown", "x", "y", "e", "z"] {
            assert_eq!(Questions::of(&graph).before(LineId::of(line), LineId::of("m")), None);
            assert_eq!(Nearest::prompt(&graph).before(LineId::of(line)), None);
        }
    }

    /// 40,000 lines and as many calls: with a step per line and call, that would be minutes.
    #[test]
    fn long_circles_and_chains_are_walked_once() {
        const LINES: usize = 40_000;
        let ids: Vec<LineId> = (0..=LINES).map(|number| LineId::of(&number.to_string())).collect();
        let call = LineId::of("m");
        // The first line follows from the last, or from one that is not there.
        for (said, first_parent) in [Said::Nothing, answer("m"), Said::Retry(1)]
            .into_iter()
            .flat_map(|said| [(said.clone(), ids[LINES - 1]), (said, ids[LINES])])
        {
            let mut graph = Graph::default();
            for number in 0..LINES {
                let parent = if number == 0 { first_parent } else { ids[number - 1] };
                graph.add(ids[number], Node { time: None, said: said.clone(), parent: Some(parent) }, None);
            }
            let (mut questions, mut prompts) = (Questions::of(&graph), Nearest::prompt(&graph));
            for line in ids[..LINES].iter().rev() {
                assert_eq!((questions.before(*line, call), prompts.before(*line)), (None, None));
            }
            assert!(questions.saying.steps + questions.steps <= 5 * LINES && prompts.steps <= 2 * LINES);
        }
    }
}
