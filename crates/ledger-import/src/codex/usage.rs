//! What was used, counter by counter.

use ledger_events::Tokens;
use serde::{Deserialize, Serialize};

use super::line::Usage;
use crate::loose::{Count, Loose};

/// The counters of one call, or of a session until now. The total of the log is not among them: it is no more than
/// their sum, but where the agent guesses how full its context is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Counters {
    /// With all that was read from or written to caches.
    pub(super) input: u64,
    pub(super) cached: u64,
    pub(super) cache_write: u64,
    /// With the reasoning.
    pub(super) output: u64,
    pub(super) reasoning: u64,
}

impl Counters {
    pub(super) fn of(usage: &Usage) -> Self {
        let count = |field: &Loose<Count>| field.0.map_or(0, |count| count.0);
        Self {
            input: count(&usage.input_tokens),
            cached: count(&usage.cached_input_tokens),
            cache_write: count(&usage.cache_write_input_tokens),
            output: count(&usage.output_tokens),
            reasoning: count(&usage.reasoning_output_tokens),
        }
    }

    pub(super) fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// What was used since `before`, if no counter fell.
    pub(super) fn since(&self, before: &Self) -> Option<Self> {
        Some(Self {
            input: self.input.checked_sub(before.input)?,
            cached: self.cached.checked_sub(before.cached)?,
            cache_write: self.cache_write.checked_sub(before.cache_write)?,
            output: self.output.checked_sub(before.output)?,
            reasoning: self.reasoning.checked_sub(before.reasoning)?,
        })
    }

    /// In buckets that do not overlap. What claims to be a part never makes more of the whole.
    pub(super) fn tokens(&self) -> Tokens {
        let cache_read = self.cached.min(self.input);
        let cache_write = self.cache_write.min(self.input - cache_read);
        Tokens {
            input: self.input - cache_read - cache_write,
            cache_read,
            cache_write_5m: 0,
            cache_write_1h: 0,
            cache_write,
            output: self.output,
            reasoning: Some(self.reasoning.min(self.output)),
        }
    }
}

/// What a session had used when it said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Snapshot {
    pub(super) total: Counters,
    pub(super) last: Option<Counters>,
}

impl Snapshot {
    /// What the call before this snapshot used; `before` is the snapshot before, if any. Nothing when it only repeats.
    ///
    /// It is the difference of the totals. `last` is not: agents repeat it, and after a compaction it says how full the
    /// context may be. It is used where there is no difference: when a counter fell, or began anew (its first call is
    /// all there is), and in the first snapshot of a session that `inherits` the counters of another one.
    pub(super) fn used(&self, before: Option<&Self>, inherits: bool) -> Option<Counters> {
        let last = self.last.unwrap_or(self.total);
        let used = match before {
            None if inherits => last,
            None => self.total,
            Some(before) if before.total == self.total => return None,
            Some(_) if last == self.total => last,
            Some(before) => self.total.since(&before.total).unwrap_or(last),
        };
        (!used.is_zero()).then_some(used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(input: u64, cached: u64, output: u64) -> Counters {
        Counters { input, cached, output, ..Counters::default() }
    }

    fn snapshot(total: Counters, last: Counters) -> Snapshot {
        Snapshot { total, last: Some(last) }
    }

    #[test]
    fn parts_never_exceed_the_whole() {
        let all = Counters { input: 10, cached: 8, cache_write: 5, output: 3, reasoning: 7 }.tokens();
        assert_eq!((all.input, all.cache_read, all.cache_write, all.output, all.reasoning), (0, 8, 2, 3, Some(3)));
        assert_eq!(all.total(), 13);
    }

    #[test]
    fn a_call_is_the_difference_of_two_totals() {
        let before = snapshot(counters(10, 4, 2), counters(10, 4, 2));
        let after = snapshot(counters(30, 14, 5), counters(1, 1, 1));
        assert_eq!(after.used(Some(&before), false), Some(counters(20, 10, 3)));
        assert_eq!(before.used(Some(&before), false), None);
    }

    #[test]
    fn when_any_counter_falls_the_last_call_is_what_was_used() {
        let before = snapshot(counters(10, 4, 2), counters(10, 4, 2));
        let after = snapshot(counters(30, 3, 5), counters(7, 3, 1));
        assert_eq!(after.used(Some(&before), false), Some(counters(7, 3, 1)));
    }

    #[test]
    fn a_counter_that_begins_anew_with_a_larger_call_is_not_a_difference() {
        let before = snapshot(counters(10, 4, 2), counters(10, 4, 2));
        let after = snapshot(counters(30, 14, 5), counters(30, 14, 5));
        assert_eq!(after.used(Some(&before), false), Some(counters(30, 14, 5)));
    }

    #[test]
    fn a_session_that_inherits_counters_begins_with_its_last_call() {
        let first = snapshot(counters(1_000, 900, 50), counters(30, 14, 5));
        assert_eq!(first.used(None, true), Some(counters(30, 14, 5)));
        assert_eq!(first.used(None, false), Some(counters(1_000, 900, 50)));
    }
}
