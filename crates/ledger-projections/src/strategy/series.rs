//! How it went over time.

use ledger_core::Timestamp;
use serde::Serialize;

use super::durations::{DurationStats, Durations};
use super::filter::StrategyFilter;
use super::log::EXECUTIONS;
use super::outcomes::{Outcomes, Statuses};
use crate::store::{Row, Snapshot};
use crate::{Bucket, Buckets, Percentile, Result};

/// The executions of a part of the window.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeriesBucket {
    /// What the part is called, in its zone.
    pub label: String,
    /// When it begins, also where the window begins later.
    pub start: Timestamp,
    /// The first moment of the window in it.
    pub since: Option<Timestamp>,
    /// The first moment that is not in it.
    pub until: Option<Timestamp>,
    /// How they ended.
    #[serde(flatten)]
    pub outcomes: Outcomes,
    /// How long they took.
    pub duration_ms: DurationStats,
}

/// Buckets in the order in which rows come; only of one of them at a time rows are kept.
struct Series {
    left: std::iter::Peekable<std::vec::IntoIter<Bucket>>,
    percentile: Percentile,
    statuses: Statuses,
    durations: Durations,
    done: Vec<SeriesBucket>,
}

impl Series {
    fn add(&mut self, row: &Row) -> Result<()> {
        let (time, weight) = (row.int(0)?, row.maybe_real(1)?.unwrap_or(1.0));
        let is_over = |bucket: &Bucket| bucket.window.until().is_some_and(|until| until.as_micros() <= time);
        while let Some(over) = self.left.next_if(is_over) {
            self.end(over);
        }
        self.statuses.add(&row.text(2)?, weight);
        self.durations.add(row.int(3)?, weight);
        Ok(())
    }

    fn end(&mut self, Bucket { start, label, window }: Bucket) {
        let (statuses, durations) = (std::mem::take(&mut self.statuses), std::mem::take(&mut self.durations));
        self.done.push(SeriesBucket {
            label,
            start,
            since: window.since(),
            until: window.until(),
            outcomes: statuses.outcomes(),
            duration_ms: durations.stats(self.percentile),
        });
    }
}

pub(super) async fn series(
    snapshot: &Snapshot,
    filter: &StrategyFilter,
    buckets: Buckets,
    percentile: Percentile,
) -> Result<Vec<SeriesBucket>> {
    let buckets = buckets.of(filter.window)?;
    let mut series = Series {
        left: buckets.into_iter().peekable(),
        percentile,
        statuses: Statuses::default(),
        durations: Durations::default(),
        done: Vec::new(),
    };
    let mut sql = snapshot.sql();
    sql.push("SELECT executed_at, sample_weight, status, duration_us FROM ");
    filter.condition(sql.table(&EXECUTIONS));
    sql.push(" ORDER BY executed_at");
    snapshot.each(sql, |row| series.add(&row)).await?;
    while let Some(bucket) = series.left.next() {
        series.end(bucket);
    }
    Ok(series.done)
}
