//! Which sessions resume which.
//!
//! The copy of a session begins with the same lines at the same times. What tells the two apart is when each went on
//! alone: the original ended, or somebody came back to it after the copy was made; the copy goes on as soon as it is
//! there. That does not change when either grows.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

use ledger_core::Timestamp;

use super::graph::Graph;
use super::threads::ThreadId;

/// Of threads that share lines, when each first had one that the other has not.
#[derive(Debug, Default)]
pub(super) struct Lineage {
    alone_since: HashMap<(ThreadId, ThreadId), Timestamp>,
}

impl Lineage {
    pub(super) fn of(graph: &Graph) -> Self {
        // There are few different sets of threads, whatever the number of lines.
        let mut sets: HashMap<BTreeSet<ThreadId>, Timestamp> = HashMap::new();
        for (threads, time) in graph.seen_in() {
            let since = sets.entry(threads.iter().copied().collect()).or_insert(time);
            *since = time.min(*since);
        }
        let mut related: HashMap<ThreadId, BTreeSet<ThreadId>> = HashMap::new();
        for threads in sets.keys().filter(|threads| threads.len() > 1) {
            for thread in threads {
                related.entry(*thread).or_default().extend(threads);
            }
        }
        let mut alone_since = HashMap::new();
        for (threads, time) in &sets {
            for thread in threads {
                for other in related.get(thread).into_iter().flatten().filter(|other| !threads.contains(other)) {
                    let since = alone_since.entry((*thread, *other)).or_insert(*time);
                    *since = *time.min(since);
                }
            }
        }
        Self { alone_since }
    }

    /// `Less` when `one` is older: it went on without the other later, or never.
    pub(super) fn by_age(&self, one: ThreadId, other: ThreadId) -> Ordering {
        let alone = |one, other| self.alone_since.get(&(one, other));
        match (alone(one, other), alone(other, one)) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(one), Some(other)) => other.cmp(one),
        }
    }
}
