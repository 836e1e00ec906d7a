//! The files of a family of threads: which belong to one thread, who descends from whom, and where in each file what is
//! its own begins.
//!
//! A fork, or a subagent that knows its parent's history, begins its file with a copy of that history: the same totals,
//! at other times. It is the parent's, and only says where the counters of the child begin. What is a copy shows in
//! three ways, none of which is always there:
//!
//! * turns whose ids (UUID version 7) or times say that they began before the child did,
//! * rows that equal, total by total, a stretch of the rows of an ancestor,
//! * the burst in which a copy is written.
//!
//! A thread that was resumed in another file has a copy of its own history, or none and counters that go on.

use std::collections::{BTreeMap, BTreeSet};

use ledger_core::Timestamp;
use uuid::Uuid;

use super::facts::{Facts, FileFacts};
use super::row::{Row, Said, Session};
use super::usage::{Counters, Snapshot};

/// A file, and what is its own.
#[derive(Debug)]
pub(super) struct File<'a> {
    pub(super) facts: &'a FileFacts,
    pub(super) thread: &'a str,
    /// The first row that is not a copy.
    pub(super) own: usize,
    /// What the thread had used when the file began, as far as other files tell.
    pub(super) before: Option<Snapshot>,
    /// How many snapshots of the thread are in files before.
    pub(super) snapshots_before: usize,
    /// Whether counters may have begun in another thread.
    pub(super) is_descendant: bool,
}

/// All files of a family.
#[derive(Debug)]
pub(super) struct Family<'a> {
    pub(super) files: Vec<File<'a>>,
    /// What is known of threads, from their own files or else from copies of their history.
    pub(super) sessions: BTreeMap<&'a str, &'a Session>,
    parents: Parents<'a>,
    /// Descendants that counted totals as their own, before it was known whose they are.
    mistaken: BTreeMap<Counters, BTreeSet<&'a str>>,
}

/// By thread.
type Parents<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

impl<'a> Family<'a> {
    pub(super) fn of(facts: &'a Facts) -> Self {
        let threads = by_thread(facts);
        let parents = parents(&threads);
        let mut sessions = BTreeMap::new();
        for session in threads.values().flatten().filter_map(|file| file.session()) {
            sessions.entry(session.thread.as_str()).or_insert(session);
        }
        for session in threads.values().flatten().flat_map(|file| file.sessions()) {
            sessions.entry(session.thread.as_str()).or_insert(session);
        }
        let mut family = Self { files: Vec::new(), sessions, parents, mistaken: BTreeMap::new() };
        for (thread, files) in &threads {
            for (place, facts) in files.iter().enumerate() {
                family.add(thread, facts, &files[..place], &threads);
            }
        }
        family
    }

    fn add(&mut self, thread: &'a str, facts: &'a FileFacts, earlier: &[&FileFacts], threads: &Threads<'a>) {
        let ancestors = self.ancestors(thread);
        let (inherited, alone) = inherited(facts, &self.parents, thread, &ancestors, threads);
        for snapshot in facts.rows.get(alone..inherited).unwrap_or_default().iter().filter_map(Row::snapshot) {
            self.mistaken.entry(snapshot.total).or_default().insert(thread);
        }
        let resumed = earlier.iter().map(|file| Copy::of(facts, file).rows).max().unwrap_or(0);
        let before = earlier.last().filter(|_| resumed == 0);
        self.files.push(File {
            facts,
            thread,
            own: inherited.max(resumed),
            before: before.and_then(|file| file.rows.iter().rev().find_map(Row::snapshot)).copied(),
            snapshots_before: earlier.iter().map(|file| file.rows.iter().filter_map(Row::snapshot).count()).sum(),
            is_descendant: !ancestors.is_empty(),
        });
    }

    /// The threads that `thread` descends from.
    fn ancestors(&self, thread: &'a str) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        let mut pending: Vec<&str> = vec![thread];
        while let Some(parents) = pending.pop().map(|thread| self.parents.get(thread)) {
            pending.extend(parents.into_iter().flatten().copied().filter(|parent| found.insert(*parent)));
        }
        found.remove(thread);
        found
    }

    /// The descendants of `thread` that may have counted `total` as their own.
    pub(super) fn mistaken(&self, thread: &str, total: &Counters) -> Vec<&'a str> {
        let threads = self.mistaken.get(total).into_iter().flatten().copied();
        threads.filter(|descendant| self.ancestors(descendant).contains(thread)).collect()
    }

    /// The thread of the user that `thread` works for, itself unless it is a subagent.
    pub(super) fn root<'t>(&'t self, thread: &'t str) -> &'t str {
        let mut visited = BTreeSet::new();
        let mut root = thread;
        while let Some(parent) = self.sessions.get(root).and_then(|session| session.parent.as_deref()) {
            if !visited.insert(root) {
                return thread;
            }
            root = parent;
        }
        root
    }
}

type Threads<'a> = BTreeMap<&'a str, Vec<&'a FileFacts>>;

/// The files of each thread, the earliest first, without those that are the beginning of another one: a file that was
/// archived, or a backup.
fn by_thread(facts: &Facts) -> Threads<'_> {
    let mut threads = Threads::new();
    for file in facts.files.values() {
        let recorded = || {
            file.rows.iter().find_map(|row| match &row.said {
                Said::Record(record) => record.thread.as_deref(),
                _ => None,
            })
        };
        let Some(thread) = file.thread().or_else(recorded) else { continue };
        threads.entry(thread).or_default().push(file);
    }
    for files in threads.values_mut() {
        files.sort_by_cached_key(|file| {
            let time = |row: Option<&Row>| row.map(|row| row.time);
            (time(file.rows.first()), std::cmp::Reverse(file.rows.len()), time(file.rows.last()))
        });
        let mut kept: Vec<&FileFacts> = Vec::new();
        for file in std::mem::take(files) {
            if !kept.iter().any(|longer| longer.rows.starts_with(&file.rows)) {
                kept.push(file);
            }
        }
        *files = kept;
    }
    threads
}

/// Who descends from whom. Old forks do not say it; the session of the parent is in the history that they copy.
fn parents<'a>(threads: &Threads<'a>) -> Parents<'a> {
    let mut parents = Parents::new();
    for file in threads.values().flatten() {
        for session in file.sessions() {
            let known = [session.forked_from.as_deref(), session.parent.as_deref()].into_iter().flatten();
            parents.entry(session.thread.as_str()).or_default().extend(known);
        }
        let Some(own) = file.session() else { continue };
        let copied = file.sessions().find(|session| session.thread != own.thread);
        if let Some(copied) = copied.filter(|_| own.forked_from.is_none() && own.parent.is_none()) {
            parents.entry(own.thread.as_str()).or_default().insert(copied.thread.as_str());
        }
    }
    parents
}

/// How many rows of a file are a copy of what ancestors did; and how many would seem to be one without knowing them.
fn inherited<'a>(
    file: &FileFacts,
    parents: &Parents<'a>,
    thread: &str,
    ancestors: &BTreeSet<&'a str>,
    threads: &Threads<'a>,
) -> (usize, usize) {
    if ancestors.is_empty() {
        return (0, 0);
    }
    let copy_of = |thread: &&str| threads.get(thread).into_iter().flatten().map(|other| Copy::of(file, other)).max();
    let of_parent = parents.get(thread).into_iter().flatten().filter_map(copy_of).max().unwrap_or_default();
    let of_any = ancestors.iter().filter_map(copy_of).max().unwrap_or_default();
    let (burst, own_turn) = (in_burst(file, thread), first_own_turn(file));
    let rows = match own_turn {
        Some(own_turn) => own_turn.max(of_parent.rows),
        // The parent went on otherwise: that is where the copy ends.
        None if of_parent.rows > 0 && !of_parent.is_all => of_parent.rows,
        None => of_any.rows.max(burst),
    };
    (rows, own_turn.map_or(burst, |own_turn| own_turn.min(burst)))
}

/// How many rows of a file, from its beginning, copy rows of another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Copy {
    rows: usize,
    /// Whether they go to the end of the other file, which may have more to come.
    is_all: bool,
}

impl Copy {
    /// The totals, which only grow, tell rows from each other. The copy may begin anywhere: some have the last turns only.
    fn of(file: &FileFacts, other: &FileFacts) -> Self {
        let rows: Vec<(usize, &Snapshot)> =
            file.rows.iter().enumerate().filter_map(|(place, row)| Some((place, row.snapshot()?))).collect();
        let others: Vec<&Snapshot> = other.rows.iter().filter_map(Row::snapshot).collect();
        let Some((_, first)) = rows.first() else { return Self::default() };
        let starts = (0..others.len()).filter(|start| others[*start] == *first);
        let copies = starts.map(|start| {
            let same = rows.iter().zip(&others[start..]).take_while(|((_, row), other)| row == *other).count();
            let rows = same.checked_sub(1).map_or(0, |last| rows[last].0 + 1);
            Self { rows, is_all: start + same == others.len() }
        });
        copies.max().unwrap_or_default()
    }
}

/// How many rows are of the burst that the file begins with, up to the last one that can only be history.
fn in_burst(file: &FileFacts, thread: &str) -> usize {
    let burst = &file.rows[..file.burst.of(file.rows.len())];
    let is_history = |row: &Row| match &row.said {
        Said::Session(session) => session.thread != thread,
        Said::Count(_) | Said::ToolAsked { .. } | Said::ToolReturned { .. } | Said::ToolRan { .. } => true,
        _ => false,
    };
    burst.iter().rposition(is_history).map_or(0, |last| last + 1)
}

/// The first row of a turn that began when the thread existed, if turns tell when they began.
fn first_own_turn(file: &FileFacts) -> Option<usize> {
    let (first, session) = (file.rows.first()?, file.session()?);
    // Some times are whole seconds.
    let created = seconds(session.created.unwrap_or(first.time));
    let began = |row: &Row| match &row.said {
        Said::TurnStarted { turn, at } => at.map(seconds).or_else(|| began(turn.as_deref()?)),
        Said::Context { turn, .. } => began(turn.as_deref()?),
        _ => None,
    };
    file.rows.iter().position(|row| began(row).is_some_and(|began| began >= created))
}

/// When a turn began, by its id.
fn began(turn: &str) -> Option<i64> {
    let id = Uuid::try_parse(turn).ok().filter(|id| id.get_version_num() == 7)?;
    i64::try_from(id.get_timestamp()?.to_unix().0).ok()
}

fn seconds(time: Timestamp) -> i64 {
    time.as_micros().div_euclid(1_000_000)
}
