//! Threads: the main conversation of a session, and each of its subagents.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use ledger_core::{Actor, Invalid, RunId, SessionId, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::AGENT;
use super::graph::Graph;
use super::lineage::Lineage;
use crate::NAMESPACE;

/// A thread, by its name in 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct ThreadId(Uuid);

impl ThreadId {
    fn of(session: &str, agent: Option<&str>) -> Self {
        match agent {
            None => Self(Uuid::try_parse(session).unwrap_or_else(|_| Uuid::new_v5(&NAMESPACE, session.as_bytes()))),
            Some(_) => Self(Uuid::new_v5(&NAMESPACE, key(session, agent).as_bytes())),
        }
    }
}

/// A conversation with one history.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Thread {
    /// `<session>`, or `<session>/<agent>` for a subagent: all subagents share the `sessionId` of the log.
    pub(super) session_id: SessionId,
    /// The session that a subagent works for.
    pub(super) parent: Option<SessionId>,
    /// One run for a session and its subagents.
    pub(super) run_id: RunId,
    pub(super) actor: Actor,
    pub(super) first: Timestamp,
    workspace: Option<(Timestamp, String)>,
    version: Option<(Timestamp, String)>,
}

impl Thread {
    fn new(session: &str, agent: Option<&str>, at: Timestamp) -> Result<Self, Invalid> {
        let main = SessionId::new(session)?;
        let run_id = RunId::new(format!("claude:{session}"))?;
        let (session_id, parent, actor) = match agent {
            None => (main, None, Actor::new(AGENT)?),
            Some(agent) => {
                (SessionId::new(key(session, Some(agent)))?, Some(main), Actor::new(format!("{AGENT}/{agent}"))?)
            }
        };
        Ok(Self { session_id, parent, run_id, actor, first: at, workspace: None, version: None })
    }

    /// The subagent, if it is one's.
    pub(super) fn agent(&self) -> Option<&str> {
        self.session_id.as_str().strip_prefix(self.parent.as_ref()?.as_str())?.strip_prefix('/')
    }

    pub(super) fn is_subagent(&self) -> bool {
        self.parent.is_some()
    }

    /// Where it began to work.
    pub(super) fn workspace(&self) -> Option<&str> {
        self.workspace.as_ref().map(|(_, workspace)| workspace.as_str())
    }

    /// The version that it began with.
    pub(super) fn version(&self) -> Option<&str> {
        self.version.as_ref().map(|(_, version)| version.as_str())
    }

    fn absorb(&mut self, other: Self) {
        let Self { session_id: _, parent: _, run_id: _, actor: _, first, workspace, version } = other;
        self.first = self.first.min(first);
        for (kept, other) in [(&mut self.workspace, workspace), (&mut self.version, version)] {
            if let Some((at, text)) = other {
                keep_earliest(kept, at, Some(&text));
            }
        }
    }

    fn see(&mut self, at: Timestamp, workspace: Option<&str>, version: Option<&str>) {
        self.first = self.first.min(at);
        keep_earliest(&mut self.workspace, at, workspace);
        keep_earliest(&mut self.version, at, version);
    }
}

fn keep_earliest(kept: &mut Option<(Timestamp, String)>, at: Timestamp, text: Option<&str>) {
    let Some(text) = text else { return };
    if kept.as_ref().is_none_or(|(time, kept)| (at, text) < (*time, kept)) {
        *kept = Some((at, text.to_owned()));
    }
}

fn key(session: &str, agent: Option<&str>) -> String {
    agent.map_or_else(|| session.to_owned(), |agent| format!("{session}/{agent}"))
}

/// All threads that were met.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Threads {
    threads: BTreeMap<ThreadId, Thread>,
    /// Known when everything is.
    #[serde(skip)]
    lineage: Lineage,
}

impl Threads {
    /// The thread of `agent`, or the main one, of `session`, which was active at `at`.
    pub(super) fn see(
        &mut self,
        (session, agent): (&str, Option<&str>),
        at: Timestamp,
        workspace: Option<&str>,
        version: Option<&str>,
    ) -> Result<ThreadId, Invalid> {
        let id = ThreadId::of(session, agent);
        let thread = match self.threads.entry(id) {
            Entry::Occupied(thread) => thread.into_mut(),
            Entry::Vacant(place) => place.insert(Thread::new(session, agent, at)?),
        };
        thread.see(at, workspace, version);
        Ok(id)
    }

    /// Adds what others know.
    pub(super) fn absorb(&mut self, other: Self) {
        for (id, thread) in other.threads {
            match self.threads.entry(id) {
                Entry::Occupied(known) => known.into_mut().absorb(thread),
                Entry::Vacant(place) => drop(place.insert(thread)),
            }
        }
    }

    /// One that was met.
    pub(super) fn of(&self, id: ThreadId) -> &Thread {
        &self.threads[&id]
    }

    /// Finds out which sessions resume which.
    pub(super) fn relate(&mut self, graph: &Graph) {
        self.lineage = Lineage::of(graph);
    }

    /// Which of two threads that hold the same fact since the same time was there first: `Less` for `one`.
    fn by_age(&self, one: ThreadId, other: ThreadId) -> Ordering {
        self.lineage.by_age(self.main(one), self.main(other))
    }

    /// The main thread of a session: its subagents are as old as it is.
    fn main(&self, id: ThreadId) -> ThreadId {
        let parent = self.of(id).parent.as_ref().map(|parent| ThreadId::of(parent.as_str(), None));
        parent.filter(|parent| self.threads.contains_key(parent)).unwrap_or(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Thread> {
        self.threads.values()
    }
}

/// In which threads a fact was seen, and when first in each.
///
/// Resuming a session copies its lines under another session id. The fact belongs to the thread that saw it first; of
/// threads with the same time, to the older one. Another import may see other threads, and find another owner: the owner
/// is nothing that a key may be made of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Sightings {
    first: (ThreadId, Timestamp),
    others: Vec<(ThreadId, Timestamp)>,
}

impl Sightings {
    pub(super) fn new(thread: ThreadId, at: Timestamp) -> Self {
        Self { first: (thread, at), others: Vec::new() }
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (thread, at) in other.iter() {
            let known = std::iter::once(&mut self.first).chain(&mut self.others);
            match known.into_iter().find(|(known, _)| *known == thread) {
                Some((_, first)) => *first = at.min(*first),
                None => self.others.push((thread, at)),
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (ThreadId, Timestamp)> {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }

    /// In how many threads.
    pub(super) fn count(&self) -> usize {
        1 + self.others.len()
    }

    pub(super) fn has(&self, thread: ThreadId) -> bool {
        self.iter().any(|(seen, _)| seen == thread)
    }

    pub(super) fn owner_id(&self, threads: &Threads) -> ThreadId {
        let mut others: Vec<_> = self.iter().collect();
        // The order of the files must not matter, also where the ages of threads make no order.
        others.sort_by_key(|(thread, at)| (*at, &threads.of(*thread).session_id));
        let older = |one: &(ThreadId, Timestamp), other: &(ThreadId, Timestamp)| {
            one.1.cmp(&other.1).then_with(|| threads.by_age(one.0, other.0))
        };
        others.into_iter().min_by(older).map_or(self.first.0, |(thread, _)| thread)
    }

    pub(super) fn owner<'a>(&self, threads: &'a Threads) -> &'a Thread {
        threads.of(self.owner_id(threads))
    }
}
