//! Figures of calls of tools, and of turns, from rows and from what is kept of removed rows.

use std::collections::BTreeMap;

use super::answer::Basis;
use super::figures::Shape;
use super::percentiles::{self, Sketches};
use super::query::UsageQuery;
use super::source::{grouped_by, key};
use super::tables::{SPAN_CELLS, TOOLS, TURNS};
use super::{ToolRow, metrics};
use crate::calendar::DAY;
use crate::store::{Snapshot, Sql, Table};
use crate::{Distribution, Result, Window};

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
) -> Result<Groups> {
    let spans = Spans { query, kind, by_name };
    let (mut groups, shape) = spans.sums(snapshot, basis).await?;
    let (kept, _) = snapshot.split(query.filter.window);
    match shape {
        Shape::Exact => {
            if let Some(kept) = kept {
                spans.rank(snapshot, kept, &mut groups).await?;
            }
        }
        Shape::Sketched(removed) => spans.sketch(snapshot, (removed, kept), &mut groups).await?,
        Shape::NotKept => {
            for row in groups.values_mut() {
                (row.duration.min, row.duration.max) = (None, None);
            }
        }
    }
    Ok(groups)
}

/// How many there are.
pub(super) async fn count(snapshot: &Snapshot, query: &UsageQuery, kind: Kind, basis: &mut Basis) -> Result<i64> {
    let (groups, _) = Spans { query, kind, by_name: false }.sums(snapshot, basis).await?;
    Ok(groups.values().map(|row| row.calls).sum())
}

/// Figures by name; without a name, of all.
type Groups = BTreeMap<Vec<String>, ToolRow>;

/// Which calls of tools, or turns, and whether they are told apart by name.
struct Spans<'q> {
    query: &'q UsageQuery,
    kind: Kind,
    by_name: bool,
}

impl Spans<'_> {
    const fn columns(&self) -> usize {
        if self.by_name { 1 } else { 0 }
    }

    /// Selects from the rows of a window.
    fn rows(&self, sql: &mut Sql, window: Window, selected: &str, condition: &str) {
        sql.push(if self.by_name { "SELECT t.tool_name AS d0, " } else { "SELECT " }).push(selected);
        sql.push(" FROM ").table(self.kind.table()).push(" t WHERE 1 = 1").push(condition);
        self.query.filter.spans(sql, self.kind == Kind::Tool, window);
    }

    /// Selects durations, as `v`.
    fn durations(&self, sql: &mut Sql, window: Window) {
        self.rows(sql, window, "t.duration_us AS v", " AND t.duration_us IS NOT NULL");
    }

    /// Counts and sums without percentiles, and how those are to be found.
    async fn sums(&self, snapshot: &Snapshot, basis: &mut Basis) -> Result<(Groups, Shape)> {
        let (kept, removed) = snapshot.split(self.query.filter.window);
        let mut groups = Groups::new();
        if let Some(removed) = removed {
            self.of_sums(snapshot, removed, basis, &mut groups).await?;
        }
        let removed = removed.filter(|_| !groups.is_empty());
        if let Some(kept) = kept {
            self.of_rows(snapshot, kept, &mut groups).await?;
        }
        let Some(removed) = removed else { return Ok((groups, Shape::Exact)) };
        if removed.is_of_whole(DAY) && self.query.filter.statuses.is_empty() {
            basis.sketched();
            return Ok((groups, Shape::Sketched(removed)));
        }
        basis.note("percentiles and extremes of removed tools and turns are kept for whole days, of all statuses");
        Ok((groups, Shape::NotKept))
    }

    async fn of_rows(&self, snapshot: &Snapshot, kept: Window, groups: &mut Groups) -> Result<()> {
        let mut sql = snapshot.sql();
        let selected = counts(&sql, "1", "CASE WHEN t.duration_us IS NULL THEN 0 ELSE 1 END", "t.");
        self.rows(&mut sql, kept, &format!("{selected}, MIN(t.duration_us), MAX(t.duration_us)"), "");
        sql.push(grouped_by(self.columns()));
        read(snapshot, sql, self.columns(), groups).await
    }

    /// What is kept of removed rows; nothing where that cannot answer the query, which is noted.
    async fn of_sums(
        &self,
        snapshot: &Snapshot,
        removed: Window,
        basis: &mut Basis,
        groups: &mut Groups,
    ) -> Result<()> {
        if !self.query.filter.is_of_span_sums() {
            basis.note(
                "removed rows are not in this answer: of tools and turns, sums by tool, workspace and status are kept",
            );
            return Ok(());
        }
        let mut sql = snapshot.sql();
        let counts = counts(&sql, "spans", "timed", "");
        sql.push(if self.by_name { "SELECT tool_name AS d0, " } else { "SELECT " }).push(counts);
        // Extremes of nothing, of the right type.
        sql.push(", MIN(CASE WHEN spans < 0 THEN spans END), MIN(CASE WHEN spans < 0 THEN spans END) FROM ");
        sql.table(&SPAN_CELLS).push(" WHERE what = ").bind(self.kind.name());
        sql.within("slot", removed);
        self.query.filter.span_sums(&mut sql, true);
        sql.push(grouped_by(self.columns()));
        read(snapshot, sql, self.columns(), groups).await
    }

    /// Finds exact percentiles of the rows in a window.
    async fn rank(&self, snapshot: &Snapshot, kept: Window, groups: &mut Groups) -> Result<()> {
        let percentile = self.query.percentile;
        let counts: Vec<i64> = groups.values().map(|row| row.duration.n).collect();
        let durations = |sql: &mut Sql| self.durations(sql, kept);
        let found = percentiles::ranked(snapshot, percentile, self.columns(), &counts, durations).await?;
        for (key, values) in found {
            if let Some(row) = groups.get_mut(&key) {
                row.duration.percentiles = percentile.of(row.duration.n, |position| values.get(&position).copied());
            }
        }
        Ok(())
    }

    /// Finds percentiles of removed rows and of those that are there together.
    async fn sketch(
        &self,
        snapshot: &Snapshot,
        (removed, kept): (Window, Option<Window>),
        groups: &mut Groups,
    ) -> Result<()> {
        let mut sketches = Sketches::new();
        let by: &[&str] = if self.by_name { &["tool_name"] } else { &[] };
        let filter = |sql: &mut Sql| self.query.filter.span_sums(sql, false);
        percentiles::of_days(snapshot, self.kind.name(), removed, by, &mut sketches, filter).await?;
        if let Some(kept) = kept {
            let durations = |sql: &mut Sql| self.durations(sql, kept);
            percentiles::of_values(snapshot, self.columns(), &mut sketches, durations).await?;
        }
        for (key, row) in groups {
            if let Some(sketch) = sketches.get(key) {
                sketch.describe(&mut row.duration, self.query.percentile);
            }
        }
        Ok(())
    }
}

/// How many there are, failed ones, running ones, timed ones, and their duration.
fn counts(sql: &Sql, one: &str, timed: &str, prefix: &str) -> String {
    let with = |condition: &str| sql.sum(&format!("CASE WHEN {prefix}status {condition} THEN {one} ELSE 0 END"));
    let duration = sql.sum(&format!("{prefix}duration_us"));
    let failed = with("IN ('error', 'failed')");
    [sql.sum(one), failed, with("= 'running'"), sql.sum(timed), duration].join(", ")
}

async fn read(snapshot: &Snapshot, sql: Sql, columns: usize, groups: &mut Groups) -> Result<()> {
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
