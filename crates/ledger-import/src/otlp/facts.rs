//! What lines say, put together.
//!
//! Of every span with a parent 16 bytes are kept, whatever it is of: which span is below which other one is known only
//! when all between them are. The rest is of calls, tools and agents.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::call::{Around, Call, Tool};
use crate::format::{Fate, Link};

/// All facts.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(super) traces: BTreeMap<u128, Trace>,
    /// Calls that are of no trace, by key.
    pub(super) calls: BTreeMap<String, Call>,
    /// Tools that are of no trace, by key.
    pub(super) tools: BTreeMap<String, Tool>,
    /// The ids of answers and requests, which spans of several traces may tell of.
    ids: BTreeSet<u64>,
    #[serde(skip)]
    touched: Touched,
}

/// What was added since the facts were last read from where they are kept. All else was said when it was kept, and making
/// the events of everything again for each export of a long file would take far longer than reading the export.
#[derive(Debug, Default)]
struct Touched {
    traces: BTreeSet<u128>,
    keys: BTreeSet<String>,
}

/// The spans of a trace, by id.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Trace {
    pub(super) parents: BTreeMap<u64, u64>,
    pub(super) calls: BTreeMap<u64, Call>,
    pub(super) tools: BTreeMap<u64, Tool>,
    pub(super) around: BTreeMap<u64, Around>,
}

impl Facts {
    /// Whether there is something new to say of a trace.
    pub(super) fn has_touched(&self, trace: u128) -> bool {
        self.touched.traces.contains(&trace)
    }

    /// Whether there is something new to say of what has a key.
    pub(super) fn has_touched_key(&self, key: &str) -> bool {
        self.touched.keys.contains(key)
    }

    /// A trace that something is added to.
    pub(super) fn trace(&mut self, trace: u128) -> &mut Trace {
        self.touched.traces.insert(trace);
        self.traces.entry(trace).or_default()
    }

    /// Adds a call that a span, or else a record, tells of.
    pub(super) fn add_call(&mut self, at: At, call: Call) -> Fate {
        let ids = [call.response.as_ref(), call.request.as_ref()].into_iter().flatten();
        // Records are known by keys of their own.
        let ids = ids.filter(|_| matches!(at, At::Span(..)));
        // No `any`: all of them are to be known.
        let is_known = ids.filter(|id| !self.ids.insert(Link::of(id).0)).count() > 0;
        let fate = match at {
            At::Span(trace, span) => add_call(&mut self.trace(trace).calls, span, call),
            At::Key(key) => {
                self.touched.keys.insert(key.clone());
                add_call(&mut self.calls, key, call)
            }
        };
        if is_known && fate == Fate::Call { Fate::Repeat } else { fate }
    }

    /// Adds a tool.
    pub(super) fn add_tool(&mut self, at: At, tool: Tool) {
        match at {
            At::Span(trace, span) => _ = add(&mut self.trace(trace).tools, span, tool),
            At::Key(key) => {
                self.touched.keys.insert(key.clone());
                add(&mut self.tools, key, tool);
            }
        }
    }

    /// Traces that files have in common, answers and requests.
    pub(super) fn links(&self) -> Vec<Link> {
        let traces = self.traces.keys().map(|trace| Link::of(&format!("{trace:032x}")));
        traces.chain(self.ids.iter().copied().map(Link)).collect()
    }

    /// Adds what others know.
    pub(super) fn absorb(&mut self, other: Self) {
        let Self { traces, calls, tools, ids, touched } = other;
        self.ids.extend(ids);
        self.touched.traces.extend(touched.traces);
        self.touched.keys.extend(touched.keys);
        for (id, of_other) in traces {
            let Some(trace) = self.traces.get_mut(&id) else {
                self.traces.insert(id, of_other);
                continue;
            };
            trace.absorb(of_other);
            self.touched.traces.insert(id);
        }
        calls.into_iter().for_each(|(key, call)| _ = add_call(&mut self.calls, key, call));
        tools.into_iter().for_each(|(key, tool)| _ = add(&mut self.tools, key, tool));
    }
}

impl Trace {
    fn absorb(&mut self, other: Self) {
        let Self { parents, calls, tools, around } = other;
        for (span, parent) in parents {
            self.add_parent(span, parent);
        }
        calls.into_iter().for_each(|(span, call)| _ = add_call(&mut self.calls, span, call));
        tools.into_iter().for_each(|(span, tool)| _ = add(&mut self.tools, span, tool));
        around.into_iter().for_each(|(span, around)| _ = add(&mut self.around, span, around));
    }

    pub(super) fn add_parent(&mut self, span: u64, parent: u64) {
        // Nobody has two parents; whoever says so, the order of what is read must not decide.
        self.parents.entry(span).and_modify(|known| *known = parent.min(*known)).or_insert(parent);
    }

    pub(super) fn add_around(&mut self, span: u64, around: Around) {
        add(&mut self.around, span, around);
    }

    /// The spans above a span, as far as they are known, the nearest first. Nobody is above whoever is in a circle, nor
    /// above others if in one.
    pub(super) fn above(&self, span: u64) -> Vec<u64> {
        let (mut above, mut at) = (Vec::new(), span);
        let mut places = HashMap::new();
        while let Some(&parent) = self.parents.get(&at) {
            if parent == span {
                return Vec::new();
            }
            if let Some(circle) = places.insert(parent, above.len()) {
                above.truncate(circle);
                return above;
            }
            above.push(parent);
            at = parent;
        }
        above
    }
}

/// Where a fact is.
#[derive(Clone, Debug)]
pub(super) enum At {
    /// In a trace, a span.
    Span(u128, u64),
    /// Nowhere but under its key.
    Key(String),
}

/// Something that is known better or worse.
pub(super) trait Known {
    /// How well.
    fn revision(&self) -> u64;
}

/// Keeps what is known better, but for its ids: what any observation tells of these stays, since it was said under them.
fn add_call<K: Ord>(known: &mut BTreeMap<K, Call>, key: K, mut new: Call) -> Fate {
    if let Some(old) = known.get_mut(&key) {
        for (old, new) in [(&mut old.response, &mut new.response), (&mut old.request, &mut new.request)] {
            let id = old.iter().chain(new.iter()).min().cloned();
            old.clone_from(&id);
            *new = id;
        }
    }
    add(known, key, new)
}

/// Keeps what is known better; of two that are known as well, the greater one.
fn add<K: Ord, T: Known + Ord>(known: &mut BTreeMap<K, T>, key: K, new: T) -> Fate {
    match known.get_mut(&key) {
        None => {
            known.insert(key, new);
            Fate::Call
        }
        Some(old) if (new.revision(), &new) > (old.revision(), &*old) => {
            let fate = if new.revision() > old.revision() { Fate::Larger } else { Fate::Repeat };
            *old = new;
            fate
        }
        Some(_) => Fate::Repeat,
    }
}
