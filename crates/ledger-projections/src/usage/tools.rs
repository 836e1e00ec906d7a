//! How often tools were called, how often in vain, and how long that took.

use std::cmp::Reverse;
use std::str::FromStr;

use ledger_core::Invalid;
use serde::{Serialize, Serializer};

use super::answer::Basis;
use super::query::{Limit, UsageQuery};
use super::reader::{descending, share};
use super::spans::{Kind, figures};
use super::{Usage, UsageReader};
use crate::{Distribution, Result};

/// A question about tools.
#[derive(Clone, Debug, Default)]
pub struct ToolsQuery {
    /// Which calls of tools, and how percentiles are found.
    pub query: UsageQuery,
    /// Only tools with so many calls at least.
    pub min_calls: i64,
    /// Tools that there are; those of them that were not called are named.
    pub registered: Vec<String>,
    /// The order.
    pub sort: ToolSort,
    /// How many rows.
    pub limit: Limit,
}

/// By what tools are put in order; ties by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ToolSort {
    /// The most calls first.
    #[default]
    Calls,
    /// By name.
    Name,
    /// The most errors first.
    Errors,
    /// The highest share of errors first.
    ErrorRate,
    /// The longest mean duration first.
    Duration,
    /// The longest 95th percentile of the duration first.
    P95,
    /// The fewest calls first.
    Underused,
}

impl FromStr for ToolSort {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Ok(match text {
            "calls" => Self::Calls,
            "name" => Self::Name,
            "errors" => Self::Errors,
            "error_rate" => Self::ErrorRate,
            "duration" => Self::Duration,
            "p95" => Self::P95,
            "underused" => Self::Underused,
            _ => {
                let known = "calls, name, errors, error_rate, duration, p95 or underused";
                return Err(Invalid::new("sort", format!("{text:?} is not one of {known}")));
            }
        })
    }
}

/// The figures of a tool, or of all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolRow {
    /// Which tool; `None` of all.
    pub tool: Option<String>,
    /// How often it was called.
    pub calls: i64,
    /// How many of the calls ended with an error.
    pub errors: i64,
    /// How many have not ended, as far as is known.
    pub running: i64,
    /// How long those took whose duration is known, in microseconds.
    pub duration: Distribution,
}

impl ToolRow {
    /// The share of errors.
    #[must_use]
    pub fn error_rate(&self) -> Option<f64> {
        share(self.errors, self.calls)
    }
}

impl Serialize for ToolRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        let mut row = serializer.serialize_map(None)?;
        if let Some(tool) = &self.tool {
            row.serialize_entry("tool", tool)?;
        }
        row.serialize_entry("calls", &self.calls)?;
        row.serialize_entry("errors", &self.errors)?;
        row.serialize_entry("error_rate", &self.error_rate())?;
        row.serialize_entry("running", &self.running)?;
        row.serialize_entry("duration_ms", &self.duration.shown(1_000))?;
        row.end()
    }
}

/// The figures of tools.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolsAnswer {
    /// What it rests on.
    pub basis: Basis,
    /// The tools that were asked for.
    pub rows: Vec<ToolRow>,
    /// How many there are; more than were asked for, perhaps.
    pub of_rows: usize,
    /// The figures of all.
    pub total: ToolRow,
    /// Registered tools that were not called.
    pub never_used: Vec<String>,
}

impl UsageReader {
    /// How often tools were called, how often in vain, and how long that took.
    ///
    /// # Errors
    /// As [`stats`](Self::stats).
    pub async fn tools(&self, query: &ToolsQuery) -> Result<ToolsAnswer> {
        let usage = Usage::new();
        self.database
            .answer(&usage, |snapshot| async move {
                let mut basis = Basis::new(&snapshot, &query.query);
                let found = figures(&snapshot, &query.query, Kind::Tool, true, &mut basis).await?;
                let mut rows: Vec<ToolRow> = found.into_iter().map(named).collect();
                let is_used = |name: &&String| rows.iter().any(|row| row.tool.as_ref() == Some(name));
                let never_used = query.registered.iter().filter(|name| !is_used(name)).cloned().collect();
                rows.retain(|row| row.calls >= query.min_calls);
                sort(&mut rows, query.sort);
                let of_rows = rows.len();
                rows.truncate(query.limit.get());
                let mut found = figures(&snapshot, &query.query, Kind::Tool, false, &mut basis).await?;
                let total = found.remove(&Vec::new()).unwrap_or_default();
                Ok(ToolsAnswer { basis, rows, of_rows, total, never_used })
            })
            .await
    }
}

fn named((key, row): (Vec<String>, ToolRow)) -> ToolRow {
    ToolRow { tool: key.into_iter().next(), ..row }
}

fn sort(rows: &mut [ToolRow], sort: ToolSort) {
    match sort {
        ToolSort::Calls => rows.sort_by_key(|row| Reverse(row.calls)),
        ToolSort::Name => rows.sort_by(|one, other| one.tool.cmp(&other.tool)),
        ToolSort::Errors => rows.sort_by_key(|row| Reverse(row.errors)),
        ToolSort::ErrorRate => descending(rows, ToolRow::error_rate),
        ToolSort::Duration => descending(rows, |row| row.duration.avg()),
        ToolSort::P95 => descending(rows, |row| row.duration.percentiles[2]),
        ToolSort::Underused => rows.sort_by_key(|row| row.calls),
    }
}
