//! The figures of some calls.

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use crate::store::Row;
use crate::{Distribution, PicoUsd, Result};

/// Tokens of several calls, in buckets that do not overlap; reasoning is a part of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenSums {
    /// Fresh input.
    pub input: i64,
    /// Input that was read from a cache.
    pub cache_read: i64,
    /// Input that was written to a cache for five minutes.
    pub cache_write_5m: i64,
    /// Input that was written to a cache for an hour.
    pub cache_write_1h: i64,
    /// Input that was written to a cache for another time, or one that is not known.
    pub cache_write: i64,
    /// Output, reasoning included.
    pub output: i64,
    /// The part of the output that is known to be reasoning.
    pub reasoning: i64,
}

impl TokenSums {
    /// All input and all output.
    #[must_use]
    pub const fn total(&self) -> i64 {
        self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h + self.cache_write + self.output
    }
}

impl Serialize for TokenSums {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { input, cache_read, cache_write_5m, cache_write_1h, cache_write, output, reasoning } = self;
        let mut fields = serializer.serialize_struct("TokenSums", 8)?;
        fields.serialize_field("input", input)?;
        fields.serialize_field("cache_read", cache_read)?;
        fields.serialize_field("cache_write_5m", cache_write_5m)?;
        fields.serialize_field("cache_write_1h", cache_write_1h)?;
        fields.serialize_field("cache_write", cache_write)?;
        fields.serialize_field("output", output)?;
        fields.serialize_field("reasoning", reasoning)?;
        fields.serialize_field("total", &self.total())?;
        fields.end()
    }
}

/// The figures of some calls, or of some invocations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    /// Calls.
    pub calls: i64,
    /// Calls that did not end well; per invocation, invocations of which no call did.
    pub failed: i64,
    /// Invocations whose first call is among these calls; a call that is of none is one by itself.
    pub invocations: i64,
    /// What all of them cost, or the successful ones, as the query says.
    pub cost: PicoUsd,
    /// What the successful ones cost.
    pub cost_ok: PicoUsd,
    /// Tokens of all of them, or of the successful ones, as the query says.
    pub tokens: TokenSums,
    /// Calls of which nobody knows what they cost.
    pub unpriced_calls: i64,
    /// Input and output tokens of those.
    pub unpriced_tokens: i64,
    /// How long the successful ones took, in microseconds.
    pub duration: Distribution,
    /// All input tokens of each successful one.
    pub input_tokens: Distribution,
    /// Output tokens of each successful one.
    pub output_tokens: Distribution,
}

impl Metrics {
    /// From the columns of a row, from `first` on.
    pub(super) fn read(row: &Row, first: usize) -> Result<Self> {
        let int = |n: usize| row.int(first + n);
        let distribution = |n: usize| {
            Ok::<_, crate::Error>(Distribution {
                n: int(n)?,
                total: int(n + 1)?,
                min: row.maybe_int(first + n + 2)?,
                max: row.maybe_int(first + n + 3)?,
                percentiles: [None; 4],
            })
        };
        Ok(Self {
            calls: int(0)?,
            failed: int(1)?,
            invocations: int(2)?,
            unpriced_calls: int(3)?,
            unpriced_tokens: int(4)?,
            cost: PicoUsd::from_parts(int(5)?, int(6)?),
            cost_ok: PicoUsd::from_parts(int(7)?, int(8)?),
            tokens: TokenSums {
                input: int(9)?,
                cache_read: int(10)?,
                cache_write_5m: int(11)?,
                cache_write_1h: int(12)?,
                cache_write: int(13)?,
                output: int(14)?,
                reasoning: int(15)?,
            },
            duration: distribution(16)?,
            input_tokens: distribution(20)?,
            output_tokens: distribution(24)?,
        })
    }

    /// Those of other calls as well. What is known of both is known of all; percentiles are not.
    pub(super) fn add(&mut self, other: &Self) {
        let Self {
            calls,
            failed,
            invocations,
            cost,
            cost_ok,
            tokens,
            unpriced_calls,
            unpriced_tokens,
            duration,
            input_tokens,
            output_tokens,
        } = other;
        self.calls += calls;
        self.failed += failed;
        self.invocations += invocations;
        self.cost += *cost;
        self.cost_ok += *cost_ok;
        self.tokens.input += tokens.input;
        self.tokens.cache_read += tokens.cache_read;
        self.tokens.cache_write_5m += tokens.cache_write_5m;
        self.tokens.cache_write_1h += tokens.cache_write_1h;
        self.tokens.cache_write += tokens.cache_write;
        self.tokens.output += tokens.output;
        self.tokens.reasoning += tokens.reasoning;
        self.unpriced_calls += unpriced_calls;
        self.unpriced_tokens += unpriced_tokens;
        add(&mut self.duration, duration);
        add(&mut self.input_tokens, input_tokens);
        add(&mut self.output_tokens, output_tokens);
    }

    /// Its distributions, as they are named where they are kept.
    pub(super) fn distributions(&mut self) -> [(&'static str, &mut Distribution); 3] {
        [("duration", &mut self.duration), ("input", &mut self.input_tokens), ("output", &mut self.output_tokens)]
    }

    /// Adds its fields to those of a row.
    pub(super) fn fields<S: serde::ser::SerializeMap>(&self, row: &mut S) -> Result<(), S::Error> {
        row.serialize_entry("calls", &self.calls)?;
        row.serialize_entry("failed", &self.failed)?;
        row.serialize_entry("invocations", &self.invocations)?;
        row.serialize_entry("cost_usd", &self.cost)?;
        row.serialize_entry("cost_ok_usd", &self.cost_ok)?;
        row.serialize_entry("duration_ms", &self.duration.shown(1_000))?;
        row.serialize_entry("tokens", &self.tokens)?;
        row.serialize_entry("input_tokens", &self.input_tokens.shown(1))?;
        row.serialize_entry("output_tokens", &self.output_tokens.shown(1))
    }
}

/// Adds counts, sums and extremes.
pub(super) fn add(sum: &mut Distribution, other: &Distribution) {
    let both = |one: Option<i64>, other: Option<i64>, choose: fn(i64, i64) -> i64| match (one, other) {
        (Some(one), Some(other)) => Some(choose(one, other)),
        (one, other) => one.or(other),
    };
    sum.n += other.n;
    sum.total += other.total;
    sum.min = both(sum.min, other.min, i64::min);
    sum.max = both(sum.max, other.max, i64::max);
}
