//! Threads: the main conversation of a session, and each of its subagents.

use std::collections::HashMap;

use ledger_core::{Actor, Invalid, RunId, SessionId, Timestamp};

use super::AGENT;

/// A thread, by its place in [`Threads`]. Depends on the order of the files, so it never reaches an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ThreadIndex(usize);

/// A conversation with one history.
#[derive(Debug)]
pub(super) struct Thread {
    /// `<session>`, or `<session>/<agent>` for a subagent: all subagents share the `sessionId` of the log.
    pub(super) session_id: SessionId,
    /// The session that a subagent works for.
    pub(super) parent: Option<SessionId>,
    /// One run for a session and its subagents.
    pub(super) run_id: RunId,
    pub(super) actor: Actor,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
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
        Ok(Self { session_id, parent, run_id, actor, first: at, last: at, workspace: None, version: None })
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

    fn see(&mut self, at: Timestamp, workspace: Option<&str>, version: Option<&str>) {
        self.first = self.first.min(at);
        self.last = self.last.max(at);
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
#[derive(Debug, Default)]
pub(super) struct Threads {
    threads: Vec<Thread>,
    by_key: HashMap<String, ThreadIndex>,
}

impl Threads {
    /// The thread of `agent`, or the main one, of `session`, which was active at `at`.
    pub(super) fn see(
        &mut self,
        (session, agent): (&str, Option<&str>),
        at: Timestamp,
        workspace: Option<&str>,
        version: Option<&str>,
    ) -> Result<ThreadIndex, Invalid> {
        let key = key(session, agent);
        let index = match self.by_key.get(&key) {
            Some(index) => *index,
            None => {
                self.threads.push(Thread::new(session, agent, at)?);
                let index = ThreadIndex(self.threads.len() - 1);
                self.by_key.insert(key, index);
                index
            }
        };
        self.threads[index.0].see(at, workspace, version);
        Ok(index)
    }

    pub(super) fn of(&self, index: ThreadIndex) -> &Thread {
        &self.threads[index.0]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Thread> {
        self.threads.iter()
    }
}

/// In which threads a fact was seen, and when first in each.
///
/// Resuming a session copies its lines under another session id. The fact belongs to the thread that saw it first; of
/// threads with the same time, to the one that ended first, since the copy is what went on.
#[derive(Clone, Debug)]
pub(super) struct Sightings(Vec<(ThreadIndex, Timestamp)>);

impl Sightings {
    pub(super) fn new(thread: ThreadIndex, at: Timestamp) -> Self {
        Self(vec![(thread, at)])
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (thread, at) in other.0 {
            match self.0.iter_mut().find(|(known, _)| *known == thread) {
                Some((_, first)) => *first = at.min(*first),
                None => self.0.push((thread, at)),
            }
        }
    }

    pub(super) fn owner<'a>(&self, threads: &'a Threads) -> Option<&'a Thread> {
        let seen = self.0.iter().map(|(thread, at)| (at, threads.of(*thread)));
        seen.min_by_key(|(at, thread)| (*at, thread.last, &thread.session_id)).map(|(_, thread)| thread)
    }
}
