//! What is asked, beyond which calls.

use std::str::FromStr;

use ledger_core::Invalid;
use serde::Serialize;

use super::filter::UsageFilter;
use crate::Percentile;

/// What one value of a distribution is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// A call of a model.
    #[default]
    Call,
    /// An invocation of the application: all calls of one tenant and operation with one `call_id`, wherever they lie in
    /// time; it is in the window that its first call is in. Its duration is the sum of theirs, which is more than what
    /// passed when they ran at once.
    Invocation,
}

/// Whose tokens and money are summed. Distributions are always of what ended well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Counting {
    /// Those of every call: what was spent.
    #[default]
    All,
    /// Those of successful calls.
    Successful,
}

/// A question about usage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageQuery {
    /// Which calls.
    pub filter: UsageFilter,
    /// What one value of a distribution is.
    pub per: Per,
    /// Whose tokens and money are summed.
    pub counting: Counting,
    /// How percentiles are found.
    pub percentile: Percentile,
}

impl From<UsageFilter> for UsageQuery {
    fn from(filter: UsageFilter) -> Self {
        Self { filter, ..Self::default() }
    }
}

/// How many rows an answer has at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(usize);

impl Limit {
    /// The most that can be asked for.
    pub const MAX: usize = 1_000;

    /// At most so many rows.
    ///
    /// # Errors
    /// [`Invalid`] for none, or more than [`Limit::MAX`].
    pub fn new(rows: usize) -> Result<Self, Invalid> {
        if (1..=Self::MAX).contains(&rows) {
            return Ok(Self(rows));
        }
        Err(Invalid::new("limit", format!("is {rows}; 1 to {} rows can be asked for", Self::MAX)))
    }

    /// As many as can be asked for.
    #[must_use]
    pub const fn most() -> Self {
        Self(Self::MAX)
    }

    pub(crate) const fn get(self) -> usize {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl FromStr for Limit {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let rows = text.parse().map_err(|_| Invalid::new("limit", format!("{text:?} is not a number of rows")))?;
        Self::new(rows)
    }
}

/// By what rows are put in order; ties by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// By name.
    Name,
    /// The most calls first.
    Calls,
    /// The most failed ones first.
    Failed,
    /// The highest share of failed ones first.
    FailureRate,
    /// The most expensive first.
    Cost,
    /// The most tokens first.
    Tokens,
    /// The longest mean duration first.
    Duration,
    /// The longest 95th percentile of the duration first.
    P95,
}

impl FromStr for Sort {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Ok(match text {
            "name" => Self::Name,
            "calls" => Self::Calls,
            "failed" => Self::Failed,
            "failure_rate" => Self::FailureRate,
            "cost" => Self::Cost,
            "tokens" => Self::Tokens,
            "duration" => Self::Duration,
            "p95" => Self::P95,
            _ => {
                let known = "name, calls, failed, failure_rate, cost, tokens, duration or p95";
                return Err(Invalid::new("sort", format!("{text:?} is not one of {known}")));
            }
        })
    }
}
