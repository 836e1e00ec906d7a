//! Reports over days, weeks and months, or of models: counts and sums, from sums of quarters of an hour.

use std::collections::BTreeMap;

use ledger_core::Timestamp;

use super::answer::{Basis, Unpriced, UsageAnswer, UsageRow};
use super::dimension::{Dimension, Part, models};
use super::figures::forget_shape;
use super::query::{Per, Sort, UsageQuery};
use super::reader::{break_down, label, rows, sort_rows};
use super::series::{Slot, by_quarters, called, slots};
use super::source::Groups;
use super::{Metrics, Usage, UsageReader};
use crate::store::Snapshot;
use crate::{Buckets, Result};

/// What the rows of a report are by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportBy {
    /// Hours, days, weeks or months, the earliest first; those without calls are left out.
    Time(Buckets),
    /// Models of providers, the most expensive first.
    Models,
}

/// A report, which has counts and sums and no percentiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportQuery {
    /// Which calls, and whose tokens and money are summed; figures are per call.
    pub query: UsageQuery,
    /// What the rows are by.
    pub by: ReportBy,
    /// Whether each is told apart by workspace.
    pub by_workspace: bool,
    /// Whether each has a breakdown by model; models themselves have none.
    pub by_model: bool,
}

/// A bucket's start, the values of the outer columns, and those of the inner ones behind them.
type Timed = BTreeMap<(Timestamp, Vec<String>), Metrics>;

impl UsageReader {
    /// Counts and sums by time or by model.
    ///
    /// Where the filter asks only for what sums of quarters of an hour have, no row is looked at, but for those in the
    /// quarters at the ends of the window.
    ///
    /// # Errors
    /// As [`stats`](Self::stats).
    pub async fn report(&self, report: &ReportQuery) -> Result<UsageAnswer> {
        let query = &UsageQuery { per: Per::Call, ..report.query.clone() };
        let outer: &[Part] = if report.by_workspace { Dimension::Workspace.parts() } else { &[] };
        self.database
            .answer(&Usage::new(), |snapshot| async move {
                let mut basis = Basis::new(&snapshot, query);
                let mut rows = match report.by {
                    ReportBy::Time(buckets) => {
                        let inner = if report.by_model { models() } else { Vec::new() };
                        of_time(&snapshot, query, buckets, (outer, &inner), &mut basis).await?
                    }
                    ReportBy::Models => of_models(&snapshot, query, outer, &mut basis).await?,
                };
                let mut total = UsageRow::default();
                for row in &mut rows {
                    forget_shape(&mut row.metrics);
                    row.breakdown.iter_mut().flatten().for_each(|row| forget_shape(&mut row.metrics));
                    total.metrics.add(&row.metrics);
                }
                label(&snapshot, rows.iter_mut()).await?;
                let unpriced = unpriced(&snapshot, query, &total.metrics, &mut basis).await?;
                let of_rows = rows.len();
                Ok(UsageAnswer { basis, rows, of_rows, total, unpriced })
            })
            .await
    }
}

async fn of_models(
    snapshot: &Snapshot,
    query: &UsageQuery,
    outer: &[Part],
    basis: &mut Basis,
) -> Result<Vec<UsageRow>> {
    let parts: Vec<Part> = outer.iter().copied().chain(models()).collect();
    let mut rows = rows(&parts, by_quarters(snapshot, query, query.filter.window, &parts, basis).await?);
    sort_rows(&mut rows, Sort::Tokens, Per::Call);
    sort_rows(&mut rows, Sort::Cost, Per::Call);
    if !outer.is_empty() {
        // The sort is stable: those of one workspace stay in their order.
        rows.sort_by(|one, other| one.key.first().cmp(&other.key.first()));
    }
    Ok(rows)
}

async fn of_time(
    snapshot: &Snapshot,
    query: &UsageQuery,
    buckets: Buckets,
    (outer, inner): (&[Part], &[Part]),
    basis: &mut Basis,
) -> Result<Vec<UsageRow>> {
    let parts: Vec<Part> = outer.iter().chain(inner).copied().collect();
    let slots = slots(snapshot, query, query.filter.window, &parts, basis).await?;
    let mut timed = Timed::new();
    let mut bucket = (Timestamp::MIN, Timestamp::MIN);
    for Slot { start, key, metrics } in slots {
        // A quarter that the window begins in counts from there.
        let time = Timestamp::from_micros(start)?;
        let time = query.filter.window.since().map_or(time, |since| since.max(time));
        if time >= bucket.1 {
            bucket = buckets.around(time)?;
        }
        timed.entry((bucket.0, key)).or_default().add(&metrics);
    }
    let mut by_start: BTreeMap<Timestamp, Groups> = BTreeMap::new();
    for ((start, key), metrics) in timed {
        by_start.entry(start).or_default().insert(key, metrics);
    }
    let rows = by_start.into_iter().map(|(start, groups)| of_bucket(buckets, start, groups, (outer, inner)));
    Ok(rows.flatten().collect())
}

/// The rows of a bucket, the most expensive first.
fn of_bucket(buckets: Buckets, start: Timestamp, groups: Groups, (outer, inner): (&[Part], &[Part])) -> Vec<UsageRow> {
    let mut whole = Groups::new();
    for (key, metrics) in &groups {
        whole.entry(key.iter().take(outer.len()).cloned().collect()).or_default().add(metrics);
    }
    let mut rows = rows(outer, whole);
    sort_rows(&mut rows, Sort::Cost, Per::Call);
    if !inner.is_empty() {
        break_down(&mut rows, outer.len(), inner, groups);
    }
    for row in &mut rows {
        let time = [(called(buckets.width), Some(buckets.label(start))), ("start", Some(start.to_string()))];
        row.key.splice(0..0, time);
    }
    rows
}

/// Calls without a price, by model.
pub(super) async fn unpriced(
    snapshot: &Snapshot,
    query: &UsageQuery,
    total: &Metrics,
    basis: &mut Basis,
) -> Result<Unpriced> {
    if total.unpriced_calls == 0 {
        return Ok(Unpriced::default());
    }
    Ok(Unpriced::new(&by_quarters(snapshot, query, query.filter.window, &models(), basis).await?))
}
