//! What calls are known by.
//!
//! A call has several names, and is said under the strongest one that is known. That replaces the weaker ones, under which
//! it may have been said before, or by somebody who knew less:
//!
//! 1. trace and span;
//! 2. the request;
//! 3. the answer, which whoever asked and whoever answered may have in common;
//! 4. span and answer, where another call replaces R: one below a span that has R as well. A client (R) asks a gateway,
//!    which asks the server (R); or a span sums two calls up and has the id of one. Nobody can say that it is R which
//!    counts, once that is replaced, and it may have been when not all of them were known yet.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use super::call::Call;
use super::facts::{Facts, Trace};

/// The names of a call.
pub(super) struct Names {
    /// The strongest.
    pub(super) key: String,
    pub(super) weaker: Vec<String>,
    /// Those that are stronger, where others replace the key.
    apart: Vec<String>,
}

impl Names {
    /// Takes the names by which nobody else is called.
    pub(super) fn set_apart(&mut self) {
        let stronger = mem::take(&mut self.apart);
        for stronger in stronger {
            self.weaker.push(mem::replace(&mut self.key, stronger));
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &String> {
        self.weaker.iter().chain([&self.key])
    }
}

/// The answers to requests, as far as anybody knows both.
pub(super) struct Answers<'a> {
    by_request: BTreeMap<&'a str, &'a str>,
    /// The requests of which that is told by what was added.
    news: BTreeSet<&'a str>,
}

impl<'a> Answers<'a> {
    pub(super) fn of(facts: &'a Facts) -> Self {
        let (mut by_request, mut news): (BTreeMap<&str, &str>, _) = (BTreeMap::new(), BTreeSet::new());
        let both = |call: &'a Call| Some((call.request.as_deref()?, call.response.as_deref()?));
        for (id, trace) in &facts.traces {
            for (request, response) in trace.calls.values().filter_map(both) {
                // A request has one answer; whoever says otherwise, the order of what is read must not decide.
                by_request.entry(request).and_modify(|known| *known = response.min(*known)).or_insert(response);
                if facts.has_touched(*id) {
                    news.insert(request);
                }
            }
        }
        Self { by_request, news }
    }

    /// Whether a call of a trace may have got another name.
    pub(super) fn have_news_of(&self, trace: &Trace) -> bool {
        let mut requests = trace.calls.values().filter_map(|call| call.request.as_deref());
        requests.any(|request| self.news.contains(request))
    }

    /// What a call is known by, wherever it is told of.
    pub(super) fn key<'b>(&self, call: &'b Call) -> Option<&'b str>
    where
        'a: 'b,
    {
        let of_request = |request: &'b str| self.by_request.get(request).copied().unwrap_or(request);
        call.response.as_deref().or_else(|| call.request.as_deref().map(of_request))
    }

    /// The names of a call that a span tells of.
    pub(super) fn names(&self, id: u128, span: u64, call: &Call) -> Names {
        let at = span_key(id, span);
        let mut known: Vec<String> =
            call.request.as_deref().into_iter().chain(self.key(call)).map(str::to_owned).collect();
        // Where the request is all that is known, or the same as the answer, it is one name.
        known.dedup();
        let apart = known.iter().map(|known| format!("{at}/{known}")).collect();
        let mut names = [vec![at], known].concat();
        let key = names.pop().unwrap_or_default();
        Names { key, weaker: names, apart }
    }
}

/// What tells a span from all others.
pub(super) fn span_key(trace: u128, span: u64) -> String {
    format!("{trace:032x}:{span:016x}")
}
