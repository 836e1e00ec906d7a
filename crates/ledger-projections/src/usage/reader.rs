//! Questions about usage, each answered from one snapshot of the database.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::answer::{Basis, Unpriced, UsageAnswer, UsageRow};
use super::dimension::{Dimension, Part};
use super::figures::{figures, of_all, sums};
use super::query::{Limit, Per, Sort, UsageQuery};
use super::source::Groups;
use super::tables::WORKSPACES;
use super::{Metrics, Usage};
use crate::name::known;
use crate::store::Snapshot;
use crate::{Database, Result};

/// Answers questions about usage, from the tables of a [`Usage`] projection.
#[derive(Clone, Debug)]
pub struct UsageReader {
    pub(super) database: Database,
}

impl UsageReader {
    /// Reads in `database`.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// The figures of all that the query is about.
    ///
    /// # Errors
    /// [`Error::NotThere`](crate::Error::NotThere) before the projection was ever caught up; those of the database.
    pub async fn stats(&self, query: &UsageQuery) -> Result<UsageAnswer> {
        self.database
            .answer(&Usage::new(), |snapshot| async move {
                let mut basis = Basis::new(&snapshot, query);
                let total = total(&snapshot, query, &[], &mut basis).await?;
                answer(&snapshot, query, basis, (Vec::new(), 0), total).await
            })
            .await
    }

    /// The figures by a dimension, and with `breakdown` those of each row by another one; the total has a breakdown too.
    ///
    /// # Errors
    /// As [`stats`](Self::stats).
    pub async fn by(
        &self,
        query: &UsageQuery,
        dimension: Dimension,
        breakdown: Option<Dimension>,
        sort: Sort,
        limit: Limit,
    ) -> Result<UsageAnswer> {
        let (parts, inner) = (dimension.parts(), breakdown.map(Dimension::parts).unwrap_or_default());
        self.database
            .answer(&Usage::new(), |snapshot| async move {
                let mut basis = Basis::new(&snapshot, query);
                let found = figures(&snapshot, query, query.filter.window, parts, &mut basis).await?;
                let mut rows = rows(parts, found);
                sort_rows(&mut rows, sort, query.per);
                let of_rows = rows.len();
                rows.truncate(limit.get());
                if !inner.is_empty() {
                    let both: Vec<Part> = parts.iter().chain(inner).copied().collect();
                    let found = figures(&snapshot, query, query.filter.window, &both, &mut basis).await?;
                    break_down(&mut rows, parts.len(), inner, found);
                }
                label(&snapshot, rows.iter_mut()).await?;
                label(&snapshot, rows.iter_mut().flat_map(|row| row.breakdown.iter_mut().flatten())).await?;
                let mut total = total(&snapshot, query, inner, &mut basis).await?;
                label(&snapshot, total.breakdown.iter_mut().flatten()).await?;
                answer(&snapshot, query, basis, (rows, of_rows), total).await
            })
            .await
    }
}

/// Rows, how many there are, and the figures of all, with what is to be said about them.
pub(super) async fn answer(
    snapshot: &Snapshot,
    query: &UsageQuery,
    mut basis: Basis,
    (rows, of_rows): (Vec<UsageRow>, usize),
    total: UsageRow,
) -> Result<UsageAnswer> {
    let unpriced = unpriced(snapshot, query, &total.metrics, &mut basis).await?;
    Ok(UsageAnswer { basis, rows, of_rows, total, unpriced })
}

/// The figures of all, broken down when there are columns for that.
async fn total(snapshot: &Snapshot, query: &UsageQuery, inner: &[Part], basis: &mut Basis) -> Result<UsageRow> {
    let metrics = of_all(snapshot, query, query.filter.window, basis).await?.unwrap_or_default();
    let mut breakdown = None;
    if !inner.is_empty() {
        let found = figures(snapshot, query, query.filter.window, inner, basis).await?;
        let mut rows = rows(inner, found);
        sort_rows(&mut rows, Sort::Cost, query.per);
        breakdown = Some(rows);
    }
    Ok(UsageRow { key: Vec::new(), metrics, breakdown })
}

pub(super) async fn unpriced(
    snapshot: &Snapshot,
    query: &UsageQuery,
    total: &Metrics,
    basis: &mut Basis,
) -> Result<Unpriced> {
    if total.unpriced_calls == 0 {
        return Ok(Unpriced::default());
    }
    let parts: Vec<Part> = [Dimension::Provider, Dimension::Model].iter().flat_map(|by| by.parts()).copied().collect();
    let (by_model, _) = sums(snapshot, query, query.filter.window, &parts, basis).await?;
    Ok(Unpriced::new(&by_model))
}

pub(super) fn rows(parts: &[Part], groups: Groups) -> Vec<UsageRow> {
    let row =
        |(values, metrics): (Vec<String>, Metrics)| UsageRow { key: named(parts, values), metrics, breakdown: None };
    groups.into_iter().map(row).collect()
}

fn named(parts: &[Part], values: Vec<String>) -> Vec<(&'static str, Option<String>)> {
    parts.iter().zip(values).map(|(part, value)| (part.name, known(value))).collect()
}

/// Gives each row those of the figures by two dimensions that are its own.
pub(super) fn break_down(rows: &mut [UsageRow], outer: usize, inner: &[Part], found: Groups) {
    let mut by_outer: BTreeMap<Vec<Option<String>>, Vec<UsageRow>> = BTreeMap::new();
    for (mut values, metrics) in found {
        let key = named(inner, values.split_off(outer));
        let values = values.into_iter().map(known).collect();
        by_outer.entry(values).or_default().push(UsageRow { key, metrics, breakdown: None });
    }
    for row in rows {
        let values: Vec<Option<String>> = row.key.iter().map(|(_, value)| value.clone()).collect();
        let mut breakdown = by_outer.remove(&values).unwrap_or_default();
        sort_rows(&mut breakdown, Sort::Cost, Per::Call);
        row.breakdown = Some(breakdown);
    }
}

/// Puts rows in order, which were in the order of their names.
pub(super) fn sort_rows(rows: &mut [UsageRow], sort: Sort, per: Per) {
    let all = |metrics: &Metrics| match per {
        Per::Call => metrics.calls,
        Per::Invocation => metrics.invocations,
    };
    match sort {
        Sort::Name => rows.sort_by(|one, other| one.key.cmp(&other.key)),
        Sort::Calls => rows.sort_by_key(|row| Reverse(row.metrics.calls)),
        Sort::Failed => rows.sort_by_key(|row| Reverse(row.metrics.failed)),
        Sort::Cost => rows.sort_by_key(|row| Reverse(row.metrics.cost)),
        Sort::Tokens => rows.sort_by_key(|row| Reverse(row.metrics.tokens.total())),
        Sort::FailureRate => descending(rows, |row| share(row.metrics.failed, all(&row.metrics))),
        Sort::Duration => descending(rows, |row| row.metrics.duration.avg()),
        Sort::P95 => descending(rows, |row| row.metrics.duration.percentiles[2]),
    }
}

/// The greatest first, then what is not known.
pub(super) fn descending<R>(rows: &mut [R], value: impl Fn(&R) -> Option<f64>) {
    let value = |row: &R| value(row).unwrap_or(f64::NEG_INFINITY);
    rows.sort_by(|one, other| value(other).total_cmp(&value(one)));
}

#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(super) fn share(some: i64, all: i64) -> Option<f64> {
    (all > 0).then(|| some as f64 / all as f64)
}

/// Adds what workspaces are called.
pub(super) async fn label<'r>(snapshot: &Snapshot, rows: impl Iterator<Item = &'r mut UsageRow>) -> Result<()> {
    let rows: Vec<&mut UsageRow> = rows.collect();
    let is_workspace = |(name, value): &(&'static str, Option<String>)| {
        if *name == "workspace" { value.clone() } else { None }
    };
    let keys: Vec<String> = rows.iter().flat_map(|row| row.key.iter().filter_map(is_workspace)).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let labels = labels(snapshot, &keys).await?;
    for row in rows {
        let label = row.key.iter().find_map(is_workspace).and_then(|key| labels.get(&key).cloned());
        row.key.push(("workspace_label", label));
    }
    Ok(())
}

/// What workspaces are called, by key.
pub(super) async fn labels(snapshot: &Snapshot, keys: &[String]) -> Result<BTreeMap<String, String>> {
    let mut labels = BTreeMap::new();
    for keys in keys.chunks(500) {
        let mut sql = snapshot.sql();
        sql.push("SELECT workspace, label FROM ").table(&WORKSPACES).push(" WHERE workspace IN ");
        sql.bind_all(keys.iter().map(String::as_str));
        for row in snapshot.rows(sql).await? {
            labels.insert(row.text(0)?, row.text(1)?);
        }
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::{BlockLength, BlocksQuery, ExportTable, ReportBy, ReportQuery, Shown, ToolsQuery, UsageFilter};
    use crate::{Buckets, Width, Zone};
    use ledger_core::Timestamp;

    fn can_be_spawned<F: Future + Send>(_: F) {}

    #[test]
    fn every_question_can_be_asked_in_a_task_of_its_own() {
        let reader = UsageReader::new(Database::sqlite(std::path::Path::new("none.db")).unwrap());
        let (query, tools) = (UsageQuery::default(), ToolsQuery::default());
        let (limit, buckets) = (Limit::default(), Buckets { zone: Zone::UTC, width: Width::Day });
        can_be_spawned(reader.stats(&query));
        can_be_spawned(reader.by(&query, Dimension::Tenant, None, Sort::Name, limit));
        can_be_spawned(reader.by_time(&query, buckets));
        can_be_spawned(reader.series(&query, buckets));
        can_be_spawned(reader.tools(&tools));
        can_be_spawned(reader.sessions(&query, false, limit, None));
        can_be_spawned(reader.turns(&query, limit, None));
        can_be_spawned(reader.errors(&query, limit));
        can_be_spawned(reader.counts(&query));
        let by = ReportBy::Models;
        can_be_spawned(reader.report(&ReportQuery { query: query.clone(), by, by_workspace: false, by_model: false }));
        let (length, now) = (BlockLength::FIVE_HOURS, Timestamp::MIN);
        let (shown, limit, by_model) = (Shown::All, None, false);
        can_be_spawned(reader.blocks(&BlocksQuery { query: query.clone(), length, shown, limit, by_model, now }));
        can_be_spawned(reader.glance(Zone::UTC, now, None));
        can_be_spawned(reader.spent(&query.filter));
        can_be_spawned(reader.active_block(&query.filter, length, now));
        can_be_spawned(reader.export(&UsageFilter::default(), &|_| true));
        can_be_spawned(reader.export_rows(&UsageFilter::default(), &ExportTable::ALL, &mut |_| true));
    }
}
