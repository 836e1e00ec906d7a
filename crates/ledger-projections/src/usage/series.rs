//! Figures over time.

use std::collections::BTreeMap;

use ledger_core::Timestamp;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::answer::{Basis, UsageAnswer, UsageRow};
use super::dimension::Part;
use super::figures::{is_of_sums, of_all, of_removed};
use super::query::{Per, UsageQuery};
use super::reader::answer;
use super::source::{self, Groups};
use super::tables::{CALLS, CELLS};
use super::{Metrics, Usage, UsageReader};
use crate::calendar::{QUARTER, floor};
use crate::store::Snapshot;
use crate::{Bucket, Buckets, Result, Width, Window};

/// The quarter of an hour that a call started in.
pub(super) const SLOT: Part = Part {
    name: "slot",
    of_calls: "c.started_at - (c.started_at % 900000000 + 900000000) % 900000000",
    of_sums: Some("slot"),
    of_days: None,
};

/// One bucket of a series: counts and sums. Without calls, all of them are 0.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesRow {
    /// Which time.
    pub bucket: Bucket,
    /// The figures; distributions have no percentiles and no extremes.
    pub metrics: Metrics,
}

impl Serialize for SeriesRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Mean {
            n: i64,
            total: f64,
            avg: Option<f64>,
        }
        let duration = &self.metrics.duration;
        let mut row = serializer.serialize_map(None)?;
        row.serialize_entry("bucket", &self.bucket.label)?;
        row.serialize_entry("start", &self.bucket.start)?;
        row.serialize_entry("calls", &self.metrics.calls)?;
        row.serialize_entry("failed", &self.metrics.failed)?;
        row.serialize_entry("invocations", &self.metrics.invocations)?;
        row.serialize_entry("cost_usd", &self.metrics.cost)?;
        row.serialize_entry("cost_ok_usd", &self.metrics.cost_ok)?;
        let avg = duration.avg().map(|micros| micros / 1_000.0);
        row.serialize_entry("duration_ms", &Mean { n: duration.n, total: duration.total as f64 / 1_000.0, avg })?;
        row.serialize_entry("tokens", &self.metrics.tokens)?;
        row.end()
    }
}

/// A series, and the figures of all of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What it rests on.
    pub basis: Basis,
    /// Every bucket of the window, also those without calls.
    pub rows: Vec<SeriesRow>,
    /// The sum of all.
    pub total: Metrics,
}

impl UsageReader {
    /// Counts and sums for every bucket of the window, from sums of quarters of an hour; rows are looked at only for what
    /// those do not have. Where the window has no beginning or end, it is taken to be that of the data.
    ///
    /// # Errors
    /// As [`stats`](Self::stats); [`Error::Invalid`](crate::Error::Invalid) for too many buckets.
    pub async fn series(&self, query: &UsageQuery, buckets: Buckets) -> Result<Series> {
        let usage = Usage::new();
        let query = &UsageQuery { per: Per::Call, ..query.clone() };
        self.database
            .answer(&usage, |snapshot| async move {
                let mut basis = Basis::new(&snapshot, query);
                let Some(window) = extent(&snapshot, query.filter.window).await? else {
                    return Ok(Series { basis, rows: Vec::new(), total: Metrics::default() });
                };
                let slots: BTreeMap<i64, Metrics> = slots(&snapshot, query, window, &[], &mut basis)
                    .await?
                    .into_iter()
                    .map(|Slot { start, metrics, .. }| (start, metrics))
                    .collect();
                let (mut rows, mut total) = (Vec::new(), Metrics::default());
                // Each counts once, in the bucket that it begins in, where clocks are not ahead by whole ones.
                let mut next = quarter(window.since());
                for bucket in buckets.of(window)? {
                    let mut metrics = Metrics::default();
                    let end = quarter_after(bucket.window.until());
                    for slot in slots.range(next..end) {
                        metrics.add(slot.1);
                    }
                    next = end;
                    total.add(&metrics);
                    rows.push(SeriesRow { bucket, metrics });
                }
                Ok(Series { basis, rows, total })
            })
            .await
    }

    /// All figures, percentiles too, for every bucket that has calls. Rows are looked at, so this takes longer than
    /// [`series`](Self::series).
    ///
    /// # Errors
    /// As [`series`](Self::series).
    pub async fn by_time(&self, query: &UsageQuery, buckets: Buckets) -> Result<UsageAnswer> {
        self.database
            .answer(&Usage::new(), |snapshot| async move {
                let mut basis = Basis::new(&snapshot, query);
                let mut rows = Vec::new();
                let mut total = UsageRow::default();
                if let Some(window) = extent(&snapshot, query.filter.window).await? {
                    for bucket in buckets.of(window)? {
                        if let Some(metrics) = of_all(&snapshot, query, bucket.window, &mut basis).await? {
                            let start = ("start", Some(bucket.start.to_string()));
                            let key = vec![(called(buckets.width), Some(bucket.label)), start];
                            rows.push(UsageRow { key, metrics, breakdown: None });
                        }
                    }
                    total.metrics = of_all(&snapshot, query, window, &mut basis).await?.unwrap_or_default();
                }
                let of_rows = rows.len();
                answer(&snapshot, query, basis, (rows, of_rows), total).await
            })
            .await
    }
}

pub(super) const fn called(width: Width) -> &'static str {
    match width {
        Width::Minutes(60) => "hour",
        Width::Minutes(_) => "period",
        Width::Day => "day",
        Width::Week(_) => "week",
        Width::Month => "month",
    }
}

pub(super) fn quarter(time: Option<Timestamp>) -> i64 {
    time.map_or(i64::MIN, |time| floor(time.as_micros(), QUARTER))
}

/// The first quarter that begins at `time` or later.
pub(super) fn quarter_after(time: Option<Timestamp>) -> i64 {
    time.map_or(i64::MAX, |time| time.as_micros() + (-time.as_micros()).rem_euclid(QUARTER))
}

/// Counts and sums of a quarter of an hour, told apart by other columns.
pub(super) struct Slot {
    /// When it begins, in microseconds.
    pub(super) start: i64,
    /// The values of the other columns.
    pub(super) key: Vec<String>,
    pub(super) metrics: Metrics,
}

/// Counts and sums by quarter of an hour and by other columns, in the order of time.
pub(super) async fn slots(
    snapshot: &Snapshot,
    query: &UsageQuery,
    window: Window,
    parts: &[Part],
    basis: &mut Basis,
) -> Result<Vec<Slot>> {
    let parts: Vec<Part> = [SLOT].iter().chain(parts).copied().collect();
    let groups = by_quarters(snapshot, query, window, &parts, basis).await?;
    let slot = |(mut key, metrics): (Vec<String>, Metrics)| {
        let rest = key.split_off(1);
        Some(Slot { start: key.first()?.parse().ok()?, key: rest, metrics })
    };
    let mut slots: Vec<Slot> = groups.into_iter().filter_map(slot).collect();
    slots.sort_by_key(|slot| slot.start);
    Ok(slots)
}

/// Counts and sums by columns, from sums of quarters of an hour as far as those are enough. Those at the ends of the
/// window may be in it in part; then they are from rows.
pub(super) async fn by_quarters(
    snapshot: &Snapshot,
    query: &UsageQuery,
    window: Window,
    parts: &[Part],
    basis: &mut Basis,
) -> Result<Groups> {
    let mut groups = Groups::new();
    let (kept, removed) = snapshot.split(window);
    if let Some(removed) = removed {
        source::add(&mut groups, of_removed(snapshot, query, removed, parts, basis).await?);
    }
    for (part, is_whole) in kept.into_iter().flat_map(Window::by_quarters) {
        let found = if is_whole && is_of_sums(query, parts) {
            source::of_sums(snapshot, query, part, parts).await?
        } else {
            source::of_rows(snapshot, query, part, parts).await?
        };
        source::add(&mut groups, found);
    }
    Ok(groups)
}

impl Window {
    /// Its parts: the quarters of an hour that are wholly in it, and what is before and after those.
    fn by_quarters(self) -> Vec<(Self, bool)> {
        let time = |micros: i64| Timestamp::from_micros(micros).ok();
        let first = self.since().and_then(|since| time(quarter_after(Some(since))));
        let last = self.until().and_then(|until| time(quarter(Some(until))));
        let Ok(inner) = Self::new(first, last) else { return vec![(self, false)] };
        let before = Self::new(self.since(), first).ok().filter(|_| first.is_some() && first != self.since());
        let after = Self::new(last, self.until()).ok().filter(|_| last.is_some() && last != self.until());
        let ends = [before, after].into_iter().flatten().map(|end| (end, false));
        [(inner, true)].into_iter().chain(ends).collect()
    }
}

/// The window with bounds, which are those of all data where it has none; `None` when there is nothing in it.
pub(super) async fn extent(snapshot: &Snapshot, window: Window) -> Result<Option<Window>> {
    if window.since().is_some() && window.until().is_some() {
        return Ok(Some(window));
    }
    let (mut least, mut greatest) = (None, None);
    for (table, column, width) in [(&CALLS, "started_at", 1), (&CELLS, "slot", QUARTER)] {
        let mut sql = snapshot.sql();
        sql.push(format!("SELECT MIN({column}), MAX({column}) FROM ")).table(table).push(" WHERE 1 = 1");
        sql.within(column, window);
        for row in snapshot.rows(sql).await? {
            least = row.maybe_int(0)?.into_iter().chain(least).min();
            greatest = row.maybe_int(1)?.map(|last| last + width).into_iter().chain(greatest).max();
        }
    }
    let (Some(least), Some(greatest)) = (least, greatest) else { return Ok(None) };
    let since = window.since().map_or_else(|| Timestamp::from_micros(least), Ok)?;
    let until = window.until().map_or_else(|| Timestamp::from_micros(greatest), Ok)?;
    Ok(Window::new(Some(since), Some(until)).ok())
}
