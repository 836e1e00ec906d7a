//! Which lines observe the same call.
//!
//! One answer is written as several lines, one per block of content, each with the usage as it stood; lines are repeated
//! in the progress of the parent, and copied when a session is resumed. So calls are counted, not lines.
//!
//! The key of a call follows from its own lines alone, so that it is the same whatever else was read:
//!
//! | lines | key |
//! |---|---|
//! | `msg_x` of the main conversation, with a request | `msg_x:request`, which replaces `msg_x` |
//! | `msg_x` without a request, or of a subagent | `msg_x` |
//! | another id, which is only a name within its session | `<uuid of its first line>:<id>` |
//! | no id | the `uuid` of the line |
//!
//! Lines that do not say their request join the request that was under way when they were written. Where they were
//! imported without it, they stand under the key that the request's replaces.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::call::Call;
use super::graph::LineId;
use super::threads::{ThreadId, Threads};
use crate::format::{Fate, Link};

/// What the provider's ids start with; only they are known to be unique in the world.
const MESSAGE_ID: &str = "msg_";

/// What a line says of which call it observes.
#[derive(Debug)]
pub(super) struct CallId<'a> {
    /// `message.id`.
    pub(super) message: Option<&'a str>,
    pub(super) uuid: Option<&'a str>,
    pub(super) request: Option<&'a str>,
    pub(super) thread: ThreadId,
    pub(super) sidechain: bool,
}

impl CallId<'_> {
    /// The call, as the lines of a conversation know it; `None` when nothing identifies it.
    pub(super) fn message(&self) -> Option<LineId> {
        self.message.or(self.uuid).map(LineId::of)
    }
}

/// A call and the key of its observations.
#[derive(Debug)]
pub(super) struct KeyedCall {
    pub(super) key: String,
    /// A key under which parts of the call are known to those who do not know its request.
    pub(super) replaces: Option<String>,
    pub(super) call: Call,
}

/// All calls.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Calls {
    /// By an id that is unique in the world: the provider's, or that of a line.
    by_id: HashMap<String, Strands>,
    /// By an id that is unique within a conversation.
    by_name: HashMap<String, HashMap<ThreadId, Named>>,
}

/// The observations that share an id, by request.
type Strands = BTreeMap<Option<String>, Call>;

/// The observations of one conversation that share a name.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Named {
    lines: BTreeSet<LineId>,
    strands: Strands,
}

impl Calls {
    /// Adds the observation of a call, unless nothing identifies it; what became of it.
    pub(super) fn add(&mut self, id: &CallId<'_>, call: Call) -> Fate {
        let CallId { message, uuid, request, thread, sidechain } = *id;
        let request = request.map(str::to_owned);
        match (message, uuid) {
            (Some(message), _) if message.starts_with(MESSAGE_ID) => {
                // The requests of a subagent do not tell its calls apart.
                let request = request.filter(|_| !sidechain);
                add(self.by_id.entry(message.to_owned()).or_default(), request, call)
            }
            (Some(message), uuid) => {
                let named = self.by_name.entry(message.to_owned()).or_default().entry(thread).or_default();
                named.lines.extend(uuid.map(LineId::of));
                add(&mut named.strands, request, call)
            }
            (None, Some(uuid)) => add(self.by_id.entry(uuid.to_owned()).or_default(), None, call),
            (None, None) => Fate::Other,
        }
    }

    /// Adds what others know.
    pub(super) fn absorb(&mut self, other: Self) {
        let Self { by_id, by_name } = other;
        for (id, strands) in by_id {
            add_all(self.by_id.entry(id).or_default(), strands);
        }
        for (name, threads) in by_name {
            let known = self.by_name.entry(name).or_default();
            for (thread, named) in threads {
                let known = known.entry(thread).or_default();
                known.lines.extend(named.lines);
                add_all(&mut known.strands, named.strands);
            }
        }
    }

    /// What other observations of the calls have in common with these.
    pub(super) fn links(&self) -> impl Iterator<Item = Link> {
        self.by_id.keys().map(|id| Link::of(id))
    }

    /// Each call, in no order.
    pub(super) fn into_calls(self, threads: &Threads) -> impl Iterator<Item = KeyedCall> {
        let by_id = self.by_id.into_iter().flat_map(|(id, strands)| {
            separate(strands).into_iter().map(move |(request, call)| KeyedCall {
                key: request.as_ref().map_or_else(|| id.clone(), |request| format!("{id}:{request}")),
                replaces: request.map(|_| id.clone()),
                call,
            })
        });
        let by_name = self.by_name.into_iter().flat_map(move |(name, named)| {
            united(named).into_iter().flat_map(separate).map(move |(request, call)| {
                let key = key_of_name(&name, request.as_deref(), &call, threads);
                KeyedCall { key, replaces: None, call }
            })
        });
        by_id.chain(by_name)
    }
}

fn add(strands: &mut Strands, request: Option<String>, call: Call) -> Fate {
    match strands.get_mut(&request) {
        Some(known) => {
            let before = known.used;
            known.merge(call);
            if known.used == before { Fate::Repeat } else { Fate::Larger }
        }
        None => {
            strands.insert(request, call);
            Fate::Call
        }
    }
}

fn add_all(strands: &mut Strands, others: Strands) {
    others.into_iter().for_each(|(request, call)| _ = add(strands, request, call));
}

/// The calls of an id: one per request. What does not say its request is a part of the one that was under way.
fn separate(mut strands: Strands) -> Vec<(Option<String>, Call)> {
    let bare = strands.remove(&None);
    let mut calls: Vec<_> = strands.into_iter().collect();
    calls.sort_by(|(request, call), (other, next)| (&call.first, request).cmp(&(&next.first, other)));
    let Some(bare) = bare else { return calls };
    let begun = calls.partition_point(|(_, call)| call.first <= bare.first);
    match calls.get_mut(begun.saturating_sub(1)) {
        Some((_, call)) => call.merge(bare),
        None => calls.push((None, bare)),
    }
    calls
}

/// Puts together what shares a line: a session that was resumed has copies of the lines of the first.
fn united(named: HashMap<ThreadId, Named>) -> Vec<Strands> {
    let mut sets: Vec<Option<Named>> = Vec::new();
    let mut place_of: HashMap<LineId, usize> = HashMap::new();
    for mut set in named.into_values() {
        let places: BTreeSet<usize> = set.lines.iter().filter_map(|line| place_of.get(line).copied()).collect();
        for other in places.into_iter().filter_map(|place| sets[place].take()) {
            set.lines.extend(other.lines);
            add_all(&mut set.strands, other.strands);
        }
        place_of.extend(set.lines.iter().map(|line| (*line, sets.len())));
        sets.push(Some(set));
    }
    sets.into_iter().flatten().map(|set| set.strands).collect()
}

fn key_of_name(name: &str, request: Option<&str>, call: &Call, threads: &Threads) -> String {
    match (call.first.line, request) {
        (Some(line), _) => format!("{line}:{name}"),
        (None, None) => format!("{}/{name}", call.sightings.owner(threads).session_id),
        (None, Some(request)) => format!("{}/{name}:{request}", call.sightings.owner(threads).session_id),
    }
}
