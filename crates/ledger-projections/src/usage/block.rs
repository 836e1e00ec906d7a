//! A billing window of some hours, how fast it is used up, and where that leads.

use std::str::FromStr;

use ledger_core::{Invalid, Timestamp};
use serde::Serialize;

use super::answer::UsageRow;
use super::metrics::{Metrics, TokenSums};
use crate::PicoUsd;
use crate::calendar::{QUARTER, floor};

/// Microseconds of an hour, at which blocks begin.
const HOUR: i64 = 4 * QUARTER;

/// Microseconds of a minute.
const MINUTE: f64 = 60e6;

/// How long a block is: whole hours, so that blocks, which begin at one, never overlap; up to a week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockLength(i64);

impl BlockLength {
    /// Five hours.
    pub const FIVE_HOURS: Self = Self(5 * HOUR);

    /// In microseconds.
    pub(super) const fn micros(self) -> i64 {
        self.0
    }
}

impl Default for BlockLength {
    fn default() -> Self {
        Self::FIVE_HOURS
    }
}

impl FromStr for BlockLength {
    type Err = Invalid;

    /// A number of hours, such as `5`.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let hours = text.parse::<u8>().ok().filter(|hours| (1..=168).contains(hours));
        hours.map(|hours| Self(i64::from(hours) * HOUR)).ok_or_else(|| {
            Invalid::new("length", format!("{text:?} is not a whole number of hours from 1 to 168, such as 5"))
        })
    }
}

/// Where blocks of calls in these quarters of an hour, which are in the order of time, begin: at the full hour, UTC, of
/// the first call that is not in the one before.
///
/// Which call of a quarter came first does not matter, as blocks begin and end with quarters.
pub(super) fn starts(slots: impl IntoIterator<Item = i64>, length: BlockLength) -> Vec<i64> {
    let mut starts: Vec<i64> = Vec::new();
    for slot in slots {
        if starts.last().is_none_or(|start| slot >= start + length.micros()) {
            starts.push(floor(slot, HOUR));
        }
    }
    starts
}

/// A block, or a gap between two.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Block {
    /// When it begins: the full hour of its first call. Of a gap: a block's length after the last call before it.
    pub start: Timestamp,
    /// When it ends, without it. Of a gap: when the next call started.
    pub end: Timestamp,
    /// When its first call started; `None` of a gap.
    pub first_at: Option<Timestamp>,
    /// When its last call started; `None` of a gap.
    pub last_at: Option<Timestamp>,
    /// Whether it has begun and not ended.
    pub is_active: bool,
    /// Whether it is a time without calls, longer than a block.
    pub is_gap: bool,
    /// How many calls.
    pub calls: i64,
    /// How many of them did not end well.
    pub failed: i64,
    /// What they cost.
    pub cost_usd: PicoUsd,
    /// Their tokens.
    pub tokens: TokenSums,
    /// Calls of which nobody knows what they cost.
    pub unpriced_calls: i64,
    /// The names of models, in the order of the alphabet.
    pub models: Vec<String>,
    /// Its figures by model, the most expensive first, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breakdown: Option<Vec<UsageRow>>,
    /// How fast it is used up; of the active one, when its calls are not all of one moment.
    pub burn_rate: Option<BurnRate>,
    /// What it comes to if that goes on.
    pub projection: Option<Projected>,
    /// The same against a limit, where one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<LimitStatus>,
}

/// How fast a block is used up, between its first call and its last.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BurnRate {
    /// All tokens.
    pub tokens_per_minute: f64,
    /// Fresh input and output: without what caches are read and written.
    pub uncached_tokens_per_minute: f64,
    /// US dollars.
    pub usd_per_hour: f64,
}

/// What a block comes to at its end, if it goes on as it did.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Projected {
    /// All tokens.
    pub tokens: i64,
    /// US dollars, to the cent.
    pub usd: f64,
    /// Whole minutes until then.
    pub remaining_minutes: i64,
}

/// How many tokens a block may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenLimit {
    /// So many.
    Tokens(i64),
    /// As many as the greatest block that is over.
    Max,
}

impl FromStr for TokenLimit {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let tokens = text.parse().ok().filter(|tokens| *tokens > 0).map(Self::Tokens);
        tokens.ok_or_else(|| Invalid::new("limit", format!("{text:?} is not a number of tokens, or max")))
    }
}

/// What is projected against a limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LimitStatus {
    /// The limit.
    pub tokens: i64,
    /// What is projected, in percent of it.
    pub projected_percent: f64,
    /// `ok`; `warning` above 80 percent; `exceeds` above the limit.
    pub status: &'static str,
}

impl Block {
    /// A block with these calls, of which the first and the last started then.
    pub(super) fn new(
        (start, end): (Timestamp, Timestamp),
        (first, last): (Timestamp, Timestamp),
        models: Vec<UsageRow>,
        now: Timestamp,
    ) -> Self {
        let mut all = Metrics::default();
        models.iter().for_each(|row| all.add(&row.metrics));
        let name = |row: &UsageRow| row.key.last().and_then(|(_, model)| model.clone());
        let mut names: Vec<String> = models.iter().filter_map(name).collect();
        names.sort_unstable();
        names.dedup();
        let mut block = Self {
            first_at: Some(first),
            last_at: Some(last),
            is_active: start <= now && now < end,
            is_gap: false,
            calls: all.calls,
            failed: all.failed,
            cost_usd: all.cost,
            tokens: all.tokens,
            unpriced_calls: all.unpriced_calls,
            models: names,
            breakdown: Some(models),
            ..Self::gap(start, end)
        };
        if block.is_active {
            block.burn_rate = block.burn_rate(first, last);
            block.projection = block.burn_rate.map(|rate| block.projected(rate, now));
        }
        block
    }

    /// A time without calls.
    pub(super) const fn gap(start: Timestamp, end: Timestamp) -> Self {
        Self {
            start,
            end,
            first_at: None,
            last_at: None,
            is_active: false,
            is_gap: true,
            calls: 0,
            failed: 0,
            cost_usd: PicoUsd(0),
            tokens: TokenSums {
                input: 0,
                cache_read: 0,
                cache_write_5m: 0,
                cache_write_1h: 0,
                cache_write: 0,
                output: 0,
                reasoning: 0,
            },
            unpriced_calls: 0,
            models: Vec::new(),
            breakdown: None,
            burn_rate: None,
            projection: None,
            limit: None,
        }
    }

    fn burn_rate(&self, first: Timestamp, last: Timestamp) -> Option<BurnRate> {
        let minutes = last.micros_since(first) as f64 / MINUTE;
        (minutes > 0.0).then(|| BurnRate {
            tokens_per_minute: self.tokens.total() as f64 / minutes,
            uncached_tokens_per_minute: (self.tokens.input + self.tokens.output) as f64 / minutes,
            usd_per_hour: self.cost_usd.to_f64() / minutes * 60.0,
        })
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "it is whole, and a float that is too large becomes the greatest"
    )]
    fn projected(&self, rate: BurnRate, now: Timestamp) -> Projected {
        let remaining = (self.end.micros_since(now) as f64 / MINUTE).round();
        let tokens = rate.tokens_per_minute.mul_add(remaining, self.tokens.total() as f64);
        let usd = (rate.usd_per_hour / 60.0).mul_add(remaining, self.cost_usd.to_f64());
        Projected {
            tokens: tokens.round() as i64,
            usd: (usd * 100.0).round() / 100.0,
            remaining_minutes: remaining as i64,
        }
    }

    /// Says how far what is projected is from a limit.
    pub(super) fn measure(&mut self, limit: i64) {
        let status = |projected: Projected| {
            let percent = projected.tokens as f64 / limit as f64 * 100.0;
            let status = match percent {
                percent if percent > 100.0 => "exceeds",
                percent if percent > 80.0 => "warning",
                _ => "ok",
            };
            LimitStatus { tokens: limit, projected_percent: percent, status }
        };
        self.limit = self.projection.map(status);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_begin_at_the_hour_of_the_first_call_that_is_not_in_the_one_before() {
        let hours = |hours: &[f64]| -> Vec<i64> {
            #[allow(clippy::cast_possible_truncation, reason = "small whole numbers of quarters")]
            hours.iter().map(|hours| (hours * 4.0) as i64 * QUARTER).collect()
        };
        // 9:15 begins a block of 9 to 14 o'clock; 14:00 is in the next one; 21:45 comes after a gap.
        let found = starts(hours(&[9.25, 13.75, 14.0, 18.75, 21.75]), BlockLength::FIVE_HOURS);
        assert_eq!(found, hours(&[9.0, 14.0, 21.0]));
        assert_eq!(starts(hours(&[9.25, 10.0]), "1".parse().unwrap()), hours(&[9.0, 10.0]));
        assert_eq!(starts(hours(&[-0.25]), BlockLength::FIVE_HOURS), hours(&[-1.0]));
    }

    #[test]
    fn a_length_is_of_whole_hours() {
        assert_eq!("5".parse::<BlockLength>(), Ok(BlockLength::FIVE_HOURS));
        assert_eq!("168".parse::<BlockLength>().unwrap().micros(), 168 * HOUR);
        for text in ["0", "-5", "2.5", "169", "5h", "", "."] {
            assert!(text.parse::<BlockLength>().is_err(), "{text}");
        }
        assert_eq!("max".parse::<TokenLimit>(), Ok(TokenLimit::Max));
        assert!("0".parse::<TokenLimit>().is_err() && "many".parse::<TokenLimit>().is_err());
    }
}
