//! Figures of calls of tools, and of turns.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::str::FromStr;

use ledger_core::{Invalid, Timestamp};
use serde::{Serialize, Serializer};

use super::answer::Basis;
use super::figures::DAY;
use super::percentiles::{self, Sketches};
use super::query::{Limit, UsageQuery};
use super::reader::{descending, share};
use super::source::{grouped_by, key};
use super::tables::{SPAN_CELLS, TOOLS, TURNS};
use super::{Usage, UsageReader, metrics};
use crate::store::{Snapshot, Sql, Table};
use crate::{Distribution, Result, Window};

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

/// Calls of tools, or turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tool,
    Turn,
}

impl Kind {
    const fn table(self) -> &'static Table {
        match self {
            Self::Tool => &TOOLS,
            Self::Turn => &TURNS,
        }
    }

    /// What it is called where removed rows are kept.
    const fn name(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Turn => "turn",
        }
    }
}

/// Figures by the name of the tool, or of all.
pub(super) async fn figures(
    snapshot: &Snapshot,
    query: &UsageQuery,
    kind: Kind,
    by_name: bool,
    basis: &mut Basis,
) -> Result<BTreeMap<Vec<String>, ToolRow>> {
    let (window, kept_from) = (query.filter.window, snapshot.kept_from());
    let kept = window.from(kept_from);
    let removed = window.before(kept_from).filter(|_| kept_from > Timestamp::MIN);
    let columns = usize::from(by_name);
    let rows = |sql: &mut Sql, window: Window, selected: &str, condition: &str| {
        sql.push(if by_name { "SELECT t.tool_name AS d0, " } else { "SELECT " }).push(selected);
        sql.push(" FROM ").table(kind.table()).push(" t WHERE 1 = 1").push(condition);
        query.filter.spans(sql, kind == Kind::Tool, window);
    };
    let mut groups = BTreeMap::new();
    if let Some(kept) = kept {
        let mut sql = snapshot.sql();
        let selected = counts(&sql, "1", "CASE WHEN t.duration_us IS NULL THEN 0 ELSE 1 END", "t.");
        let selected = format!("{selected}, MIN(t.duration_us), MAX(t.duration_us)");
        rows(&mut sql, kept, &selected, "");
        sql.push(grouped_by(columns));
        read(snapshot, sql, columns, &mut groups).await?;
    }
    let mut has_removed = false;
    if let Some(removed) = removed {
        if query.filter.is_of_span_sums() {
            let before = groups.values().map(|row| row.calls).sum::<i64>();
            let mut sql = snapshot.sql();
            sql.push(if by_name { "SELECT tool_name AS d0, " } else { "SELECT " });
            sql.push(counts(&sql.clone(), "spans", "timed", ""));
            sql.push(", MIN(CASE WHEN spans < 0 THEN spans END), MIN(CASE WHEN spans < 0 THEN spans END) FROM ");
            sql.table(&SPAN_CELLS).push(" WHERE what = ").bind(kind.name());
            super::filter::within(&mut sql, "slot", removed);
            query.filter.span_sums(&mut sql, true);
            sql.push(grouped_by(columns));
            read(snapshot, sql, columns, &mut groups).await?;
            has_removed = groups.values().map(|row| row.calls).sum::<i64>() > before;
        } else {
            basis.note(
                "removed rows are not in this answer: of tools and turns, sums by tool, workspace and status are kept",
            );
        }
    }
    let values = |sql: &mut Sql, window: Window| {
        rows(sql, window, "t.duration_us AS v", " AND t.duration_us IS NOT NULL");
    };
    match (removed.filter(|_| has_removed), kept) {
        (Some(removed), kept) if removed.is_of_whole(DAY) && query.filter.statuses.is_empty() => {
            basis.sketched();
            let mut sketches = Sketches::new();
            let by: &[&str] = if by_name { &["tool_name"] } else { &[] };
            let filter = |sql: &mut Sql| query.filter.span_sums(sql, false);
            percentiles::of_days(snapshot, kind.name(), removed, by, &mut sketches, filter).await?;
            if let Some(kept) = kept {
                percentiles::of_values(snapshot, columns, &mut sketches, |sql| values(sql, kept)).await?;
            }
            for (key, row) in &mut groups {
                if let Some(sketch) = sketches.get(key) {
                    sketch.describe(&mut row.duration, query.percentile);
                }
            }
        }
        (Some(_), _) => {
            basis.note("percentiles and extremes of removed tools and turns are kept for whole days, of all statuses");
            for row in groups.values_mut() {
                (row.duration.min, row.duration.max) = (None, None);
            }
        }
        (None, Some(kept)) => {
            let counts: Vec<i64> = groups.values().map(|row| row.duration.n).collect();
            let found = percentiles::ranked(snapshot, query.percentile, columns, &counts, |sql| values(sql, kept));
            for (key, values) in found.await? {
                if let Some(row) = groups.get_mut(&key) {
                    row.duration.percentiles =
                        query.percentile.of(row.duration.n, |position| values.get(&position).copied());
                }
            }
        }
        (None, None) => {}
    }
    Ok(groups)
}

/// How many there are, failed ones, running ones, timed ones, and their duration.
fn counts(sql: &Sql, one: &str, timed: &str, prefix: &str) -> String {
    let with = |condition: &str| sql.sum(&format!("CASE WHEN {prefix}status {condition} THEN {one} ELSE 0 END"));
    let duration = sql.sum(&format!("{prefix}duration_us"));
    let failed = with("IN ('error', 'failed')");
    [sql.sum(one), failed, with("= 'running'"), sql.sum(timed), duration].join(", ")
}

async fn read(
    snapshot: &Snapshot,
    sql: Sql,
    columns: usize,
    groups: &mut BTreeMap<Vec<String>, ToolRow>,
) -> Result<()> {
    for row in snapshot.rows(sql).await? {
        let int = |n: usize| row.int(columns + n);
        let (calls, errors, running) = (int(0)?, int(1)?, int(2)?);
        if calls == 0 {
            continue;
        }
        let (n, total) = (int(3)?, int(4)?);
        let (min, max) = (row.maybe_int(columns + 5)?, row.maybe_int(columns + 6)?);
        let sum = groups.entry(key(&row, columns)?).or_default();
        sum.calls += calls;
        sum.errors += errors;
        sum.running += running;
        metrics::add(&mut sum.duration, &Distribution { n, total, min, max, percentiles: [None; 4] });
    }
    Ok(())
}
