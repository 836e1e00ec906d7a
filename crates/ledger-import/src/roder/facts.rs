//! What lines say, put together: the steps of each turn, in the order of time, whatever the order of the lines was.

use std::collections::BTreeMap;

use ledger_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::line::{Event, Line};
use super::steps::Step;
use crate::format::{Fate, Link};
use crate::loose::Loose;
use crate::words::{checked_name, name};

/// Longest working directory that is kept, in bytes: `PATH_MAX` of Linux.
const MAX_WORKSPACE_BYTES: usize = 4096;

/// All facts.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(super) threads: BTreeMap<String, Thread>,
}

/// A thread.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Thread {
    pub(super) first: Option<Timestamp>,
    /// The thread that started this one, as the earliest that tells of it says.
    pub(super) parent: Option<(Timestamp, String)>,
    pub(super) described: Option<Described>,
    pub(super) turns: BTreeMap<String, Turn>,
}

/// The steps of a turn.
pub(super) type Turn = BTreeMap<StepId, Step>;

/// What `metadata.json` says. It is written anew with every turn; the least counts, which is the first that says most, so
/// that calls do not change their model when the thread does.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Described {
    /// How much it does not say.
    unknown: u8,
    at: Timestamp,
    pub(super) workspace: Option<String>,
    pub(super) provider: Option<String>,
    pub(super) model: Option<String>,
}

/// A step, in the order in which steps were taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct StepId {
    pub(super) time: Timestamp,
    seq: u64,
    event: Option<String>,
}

impl Facts {
    /// Adds what a line of `events.jsonl` says.
    ///
    /// # Errors
    /// The reason why it cannot be used.
    pub(super) fn add(&mut self, line: &Line) -> Result<Fate, String> {
        let Some((body, step)) = line.event.as_ref().and_then(Event::step).transpose()? else { return Ok(Fate::Other) };
        let either =
            |outer: &Loose<String>, inner: &Loose<String>| outer.as_deref().or(inner.as_deref()).map(str::to_owned);
        let thread = checked_name("thread_id", either(&line.thread_id, &body.thread_id).as_deref())?;
        let turn = checked_name("turn_id", either(&line.turn_id, &body.turn_id).as_deref())?;
        let event = checked_name("event_id", line.event_id.as_deref())?;
        let parent = checked_name("parent_thread_id", body.parent_thread_id.as_deref())?;
        let has_usage = matches!(step, Some(Step::Used(_) | Step::Ended { usage: Some(_), .. }));
        let (Some(thread), Some(time)) = (thread, line.timestamp.0.or(body.timestamp.0)) else {
            return if has_usage { Err("has usage, but no time or no thread".to_owned()) } else { Ok(Fate::Other) };
        };
        if event.is_none() && line.seq.0.is_none() && has_usage {
            return Err("has usage, but neither event_id nor seq".to_owned());
        }
        let known = self.threads.entry(thread).or_default();
        known.see(time, parent);
        let Some(step) = step else { return Ok(Fate::Other) };
        let Some(turn) = turn else {
            return if has_usage { Err("has usage, but no turn".to_owned()) } else { Ok(Fate::Other) };
        };
        let turn = known.turns.entry(turn).or_default();
        Ok(add_step(turn, StepId { time, seq: line.seq.0.unwrap_or(0), event }, step))
    }

    /// Adds what `metadata.json` says.
    ///
    /// # Errors
    /// The reason why it cannot be used.
    pub(super) fn describe(&mut self, line: &Line) -> Result<(), String> {
        let Some(thread) = checked_name("thread_id", line.thread_id.as_deref())? else { return Ok(()) };
        let Some(at) = line.updated_at.0.or(line.created_at.0) else { return Ok(()) };
        let parent = checked_name("parent_thread_id", line.parent_thread_id.as_deref())?;
        let workspace = line.workspace.as_deref().filter(|workspace| workspace.len() <= MAX_WORKSPACE_BYTES);
        let (provider, model) = (name(line.provider.as_deref()), name(line.model.as_deref()));
        let unknown = u8::from(provider.is_none()) + u8::from(model.is_none()) + u8::from(workspace.is_none());
        let described = Described { unknown, at, workspace: workspace.map(str::to_owned), provider, model };
        let known = self.threads.entry(thread).or_default();
        known.see(line.created_at.0.unwrap_or(at), parent);
        known.described = least(known.described.take(), Some(described));
        Ok(())
    }

    /// The threads: copies of one have it in common, and a subagent's log has it with that of its parent.
    pub(super) fn links(&self) -> Vec<Link> {
        self.threads.keys().map(|thread| Link::of(thread)).collect()
    }

    /// Adds what others know.
    pub(super) fn absorb(&mut self, other: Self) {
        for (thread, Thread { first, parent, described, turns }) in other.threads {
            let known = self.threads.entry(thread).or_default();
            known.first = least(known.first, first);
            known.parent = least(known.parent.take(), parent);
            known.described = least(known.described.take(), described);
            for (turn, steps) in turns {
                known.turns.entry(turn).or_default().extend(steps);
            }
        }
    }
}

impl Thread {
    fn see(&mut self, time: Timestamp, parent: Option<String>) {
        self.first = least(self.first, Some(time));
        self.parent = least(self.parent.take(), parent.map(|parent| (time, parent)));
    }
}

fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    one.into_iter().chain(other).min()
}

/// Adds a step, and says what became of the line that tells of it.
fn add_step(turn: &mut Turn, id: StepId, step: Step) -> Fate {
    let is_repeat = turn.contains_key(&id);
    let has_used = turn.values().any(|step| matches!(step, Step::Used(_)));
    let fate = match &step {
        Step::Used(_) | Step::Broke if is_repeat => Fate::Repeat,
        Step::Used(_) => {
            let since = turn.range(..&id).rev().take_while(|(_, step)| !matches!(step, Step::Asked { .. }));
            if since.into_iter().any(|(_, step)| matches!(step, Step::Used(_))) { Fate::Larger } else { Fate::Call }
        }
        Step::Broke => Fate::Call,
        Step::Ended { usage: Some(_), .. } if is_repeat || has_used => Fate::Repeat,
        Step::Ended { usage: Some(_), .. } => Fate::Call,
        _ => Fate::Other,
    };
    turn.insert(id, step);
    fate
}

impl StepId {
    /// What tells this event from all others. `seq` begins anew with each process of the agent, so it takes the time too.
    pub(super) fn key(&self, thread: &str) -> String {
        let at = || format!("{thread}:{}@{}", self.seq, self.time.as_micros());
        self.event.clone().unwrap_or_else(at)
    }
}
