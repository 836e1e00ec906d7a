//! Turns: from a prompt until the model has no more to do.
//!
//! What the user typed is not read, so a command of the agent (`/exit`) or a remark (an interruption) looks like a
//! prompt. What tells a turn is that something follows from it: a prompt that nothing answers, or not yet, is none. It
//! still ends the turn before.

use std::collections::HashMap;
use std::time::Duration;

use ledger_core::{SessionId, Timestamp};
use ledger_events::TurnStatus;
use serde::{Deserialize, Serialize};

use super::ancestors::Nearest;
use super::graph::{Ending, Graph, LineId, Said};
use super::threads::{Sightings, Thread, ThreadId, Threads};
use crate::loose::LoggedMillis;

/// A line in which the user said something.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Prompt {
    pub(super) said: Prompted,
    pub(super) sightings: Sightings,
}

/// When and as what a prompt was said; the least of all copies counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Prompted {
    pub(super) time: Timestamp,
    /// What identifies the turn in its session: several lines may be one prompt.
    pub(super) turn_id: String,
    /// What identifies the turn in the world; the same in the copies of a session.
    pub(super) key: String,
    pub(super) version: Option<String>,
}

/// What the log says of turns.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct TurnLog {
    pub(super) prompts: HashMap<LineId, Prompt>,
    pub(super) durations: Vec<LoggedDuration>,
}

/// That the agent measured a turn.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LoggedDuration {
    pub(super) line: LineId,
    pub(super) time: Timestamp,
    pub(super) duration: LoggedMillis,
}

impl TurnLog {
    pub(super) fn add_prompt(&mut self, line: LineId, prompt: Prompt) {
        match self.prompts.get_mut(&line) {
            None => drop(self.prompts.insert(line, prompt)),
            Some(known) => {
                known.sightings.merge(prompt.sightings);
                if prompt.said < known.said {
                    known.said = prompt.said;
                }
            }
        }
    }
}

impl TurnLog {
    /// Adds what others know.
    pub(super) fn absorb(&mut self, other: Self) {
        let Self { prompts, durations } = other;
        prompts.into_iter().for_each(|(line, prompt)| self.add_prompt(line, prompt));
        self.durations.extend(durations);
    }
}

/// A turn that something follows from.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) thread: &'a Thread,
    pub(super) started: Prompted,
    /// In how many threads it was seen.
    pub(super) copies: usize,
    /// Its place among the prompts of its thread, from 1 up. Prompts that nothing answers have one as well, and those
    /// that were copied from the session that this one resumes: what comes to light later must not shift it.
    pub(super) ordinal: u32,
    /// How it ended, if it is known to have.
    pub(super) end: Option<End>,
}

/// How a turn ended.
#[derive(Debug)]
pub(super) struct End {
    pub(super) at: Timestamp,
    pub(super) status: TurnStatus,
    pub(super) error_class: Option<String>,
    /// As the agent measured it.
    pub(super) measured: Option<Duration>,
}

/// All turns, and which lines are part of them.
#[derive(Debug)]
pub(super) struct Turns<'a> {
    prompts: Nearest<'a>,
    by_prompt: HashMap<LineId, usize>,
    turns: Vec<Option<Turn<'a>>>,
}

impl<'a> Turns<'a> {
    pub(super) fn of(log: &TurnLog, graph: &'a Graph, threads: &'a Threads) -> Self {
        let mut prompts = Nearest::prompt(graph);
        let mut drafts = Drafts::of(log, threads);
        drafts.add_activity(graph, &mut prompts);
        drafts.add_durations(log, &mut prompts);
        drafts.add_successors(graph, &mut prompts);
        let Drafts { by_prompt, drafts } = drafts;
        Self { prompts, by_prompt, turns: finished(drafts, threads) }
    }

    /// The turn that `line` is part of.
    pub(super) fn with(&mut self, line: LineId) -> Option<&Turn<'a>> {
        let prompt = self.prompts.before(line)?;
        self.turns[*self.by_prompt.get(&prompt)?].as_ref()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Turn<'a>> {
        self.turns.iter().flatten()
    }
}

/// A turn of which all is being found out.
#[derive(Debug)]
struct Draft<'a> {
    thread: &'a Thread,
    started: Prompted,
    sightings: Sightings,
    last: Option<(Timestamp, LineId, Said)>,
    measured: Option<(Timestamp, LoggedMillis)>,
    has_successor: bool,
}

#[derive(Debug)]
struct Drafts<'a> {
    by_prompt: HashMap<LineId, usize>,
    drafts: Vec<Draft<'a>>,
}

impl<'a> Drafts<'a> {
    fn of(log: &TurnLog, threads: &'a Threads) -> Self {
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut prompts: Vec<(Prompted, Sightings)> = Vec::new();
        let mut by_prompt = HashMap::new();
        for (line, Prompt { said, sightings }) in &log.prompts {
            let place = *places.entry(&said.key).or_insert_with(|| {
                prompts.push((said.clone(), sightings.clone()));
                prompts.len() - 1
            });
            let (started, seen) = &mut prompts[place];
            seen.merge(sightings.clone());
            if said < started {
                *started = said.clone();
            }
            by_prompt.insert(*line, place);
        }
        let drafts = prompts.into_iter().map(|(started, sightings)| {
            let thread = sightings.owner(threads);
            Draft { thread, started, sightings, last: None, measured: None, has_successor: false }
        });
        Self { by_prompt, drafts: drafts.collect() }
    }

    fn with(&mut self, line: LineId, prompts: &mut Nearest<'_>) -> Option<&mut Draft<'a>> {
        let place = self.by_prompt.get(&prompts.before(line)?)?;
        self.drafts.get_mut(*place)
    }

    fn add_activity(&mut self, graph: &Graph, prompts: &mut Nearest<'_>) {
        for (line, node) in graph.nodes() {
            let (Said::Answer { .. } | Said::ToolResult, Some(time)) = (&node.said, node.time) else { continue };
            let Some(draft) = self.with(line, prompts) else { continue };
            if draft.last.as_ref().is_none_or(|(last, last_line, _)| (*last, *last_line) < (time, line)) {
                draft.last = Some((time, line, node.said.clone()));
            }
        }
    }

    fn add_durations(&mut self, log: &TurnLog, prompts: &mut Nearest<'_>) {
        for LoggedDuration { line, time, duration } in &log.durations {
            let Some(draft) = self.with(*line, prompts) else { continue };
            draft.measured = draft.measured.max(Some((*time, *duration)));
        }
    }

    /// A turn is over when its thread goes on with another prompt: one that follows from it, or one that was said later
    /// and has been answered (the user may have gone back to an earlier point).
    fn add_successors(&mut self, graph: &Graph, prompts: &mut Nearest<'_>) {
        for (prompt, place) in &self.by_prompt {
            let parent = graph.node(*prompt).and_then(|node| node.parent);
            let before = parent.and_then(|parent| prompts.before(parent));
            let Some(before) = before.and_then(|before| self.by_prompt.get(&before)) else { continue };
            let same_thread = self.drafts[*before].thread.session_id == self.drafts[*place].thread.session_id;
            self.drafts[*before].has_successor |= before != place && same_thread;
        }
        let mut latest: HashMap<SessionId, Timestamp> = HashMap::new();
        for draft in self.drafts.iter().filter(|draft| draft.is_answered()) {
            let time = latest.entry(draft.thread.session_id.clone()).or_insert(draft.started.time);
            *time = draft.started.time.max(*time);
        }
        for draft in &mut self.drafts {
            draft.has_successor |=
                latest.get(&draft.thread.session_id).is_some_and(|latest| draft.started.time < *latest);
        }
    }
}

fn finished<'a>(drafts: Vec<Draft<'a>>, threads: &Threads) -> Vec<Option<Turn<'a>>> {
    let mut by_thread: HashMap<ThreadId, Vec<(&Prompted, usize)>> = HashMap::new();
    for (place, draft) in drafts.iter().enumerate() {
        for (thread, _) in draft.sightings.iter() {
            by_thread.entry(thread).or_default().push((&draft.started, place));
        }
    }
    let mut ordinals: HashMap<(ThreadId, usize), u32> = HashMap::new();
    for (thread, mut prompts) in by_thread {
        prompts.sort();
        ordinals.extend(prompts.into_iter().map(|(_, place)| (thread, place)).zip(1..));
    }
    let numbered = drafts.into_iter().enumerate().map(|(place, draft)| {
        let ordinal = ordinals.get(&(draft.sightings.owner_id(threads), place)).copied();
        draft.is_answered().then(|| draft.into_turn(ordinal.unwrap_or(0)))
    });
    numbered.collect()
}

impl<'a> Draft<'a> {
    fn is_answered(&self) -> bool {
        self.last.is_some() || self.measured.is_some()
    }

    fn into_turn(self, ordinal: u32) -> Turn<'a> {
        let end = self.end();
        let Self { thread, started, sightings, .. } = self;
        Turn { thread, started, copies: sightings.count(), ordinal, end }
    }

    fn end(&self) -> Option<End> {
        let (status, error_class, is_last_word) = match self.last.as_ref().map(|(_, _, said)| said) {
            Some(Said::Answer { ending: Ending::Failed(class), .. }) => (TurnStatus::Failed, Some(class.clone()), true),
            Some(Said::Answer { ending: Ending::CutOff, .. }) => (TurnStatus::Partial, None, true),
            Some(Said::Answer { ending: Ending::Done, .. }) => (TurnStatus::Completed, None, true),
            Some(Said::Answer { ending: Ending::Unknown, .. }) | None => (TurnStatus::Completed, None, false),
            // The model had more to do. The agent measures turns that it ended itself, by a hook for example.
            Some(_) if self.measured.is_some() => (TurnStatus::Completed, None, false),
            Some(_) => (TurnStatus::Interrupted, None, false),
        };
        if !(is_last_word || self.has_successor || self.measured.is_some()) {
            return None;
        }
        let measured = self.measured.map(|(_, LoggedMillis(micros))| Duration::from_micros(micros));
        let at = self.measured.map(|(time, _)| time).max(self.last.as_ref().map(|(time, ..)| *time))?;
        Some(End { at, status, error_class, measured })
    }
}
