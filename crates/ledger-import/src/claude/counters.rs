//! What a call used, counter by counter.

use ledger_events::Tokens;
use serde::{Deserialize, Serialize};

use super::line::Usage;
use crate::loose::{Count, Loose};

/// The counters of one line, or of all lines of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counters {
    input: u64,
    cache_read: u64,
    cache_write: u64,
    /// Parts of `cache_write`, if together they are all of it.
    cache_write_5m: u64,
    cache_write_1h: u64,
    output: u64,
    pub(super) web_searches: Option<u64>,
}

impl Counters {
    pub(super) fn of(usage: &Usage) -> Self {
        let count = |field: &Loose<Count>| field.0.map(|count| count.0);
        let split = usage.cache_creation.as_ref();
        let cache_write_5m = split.and_then(|split| count(&split.ephemeral_5m_input_tokens)).unwrap_or(0);
        let cache_write_1h = split.and_then(|split| count(&split.ephemeral_1h_input_tokens)).unwrap_or(0);
        let written = count(&usage.cache_creation_input_tokens);
        Self {
            input: count(&usage.input_tokens).unwrap_or(0),
            cache_read: count(&usage.cache_read_input_tokens).unwrap_or(0),
            cache_write: written.unwrap_or_else(|| cache_write_5m.saturating_add(cache_write_1h)),
            cache_write_5m,
            cache_write_1h,
            output: count(&usage.output_tokens).unwrap_or(0),
            web_searches: usage.server_tool_use.as_ref().and_then(|tools| count(&tools.web_search_requests)),
        }
    }

    /// The larger of each counter: while an answer streams they only grow, and a line may lack some.
    pub(super) fn max(self, other: Self) -> Self {
        let Self { input, cache_read, cache_write, cache_write_5m, cache_write_1h, output, web_searches } = other;
        Self {
            input: self.input.max(input),
            cache_read: self.cache_read.max(cache_read),
            cache_write: self.cache_write.max(cache_write),
            cache_write_5m: self.cache_write_5m.max(cache_write_5m),
            cache_write_1h: self.cache_write_1h.max(cache_write_1h),
            output: self.output.max(output),
            web_searches: self.web_searches.max(web_searches),
        }
    }

    /// In buckets that do not overlap.
    pub(super) fn tokens(&self) -> Tokens {
        let is_split = self.cache_write_5m.saturating_add(self.cache_write_1h) == self.cache_write;
        let (cache_write_5m, cache_write_1h) =
            if is_split { (self.cache_write_5m, self.cache_write_1h) } else { (self.cache_write, 0) };
        Tokens {
            input: self.input,
            cache_read: self.cache_read,
            cache_write_5m,
            cache_write_1h,
            cache_write: 0,
            output: self.output,
            reasoning: None,
        }
    }
}
