//! Everything that is to be said of some executions.

use serde::Serialize;

use super::durations::{DurationBucket, DurationStats, Durations};
use super::filter::StrategyFilter;
use super::log::EXECUTIONS;
use super::outcomes::{Outcomes, Statuses};
use super::points::{Points, PointsStats};
use super::top::{CaseCount, ErrorCount, Tally, Top};
use super::weighed::Weighed;
use crate::store::{Row, Snapshot};
use crate::{Percentile, Result};

/// What is to be said of some executions.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StrategyStats {
    /// How they ended.
    #[serde(flatten)]
    pub outcomes: Outcomes,
    /// The most frequent error codes.
    pub errors: Vec<ErrorCount>,
    /// The most frequent rules, with none as a value of its own.
    pub cases: Vec<CaseCount>,
    /// How long they took.
    pub duration_ms: DurationStats,
    /// How a percentile between two durations was found.
    pub percentile: Percentile,
    /// How many took how long.
    pub duration_histogram: Vec<DurationBucket>,
    /// How many nodes ran.
    pub nodes: NodesStats,
    /// What they gave.
    pub points: PointsStats,
}

/// How many nodes of their strategy executions ran, where that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct NodesStats {
    /// Executions in the log of which it is known.
    pub n: i64,
    /// The mean over the executions that these stand for.
    pub avg: Option<f64>,
    /// The most.
    pub max: Option<i64>,
}

#[derive(Default)]
struct Sums {
    statuses: Statuses,
    errors: Tally,
    cases: Tally,
    durations: Durations,
    nodes: Weighed,
    most_nodes: Option<i64>,
    points: Points,
}

impl Sums {
    fn add(&mut self, row: &Row) -> Result<()> {
        let weight = row.maybe_real(0)?.unwrap_or(1.0);
        self.statuses.add(&row.text(1)?, weight);
        if let Some(code) = row.maybe_text(2)? {
            self.errors.add(Some(code), weight);
        }
        self.cases.add(row.maybe_text(3)?, weight);
        self.durations.add(row.int(4)?, weight);
        if let Some(nodes) = row.maybe_int(5)? {
            self.nodes.add(weight, nodes);
            self.most_nodes = self.most_nodes.max(Some(nodes));
        }
        if let Some(points) = row.maybe_real(6)? {
            self.points.add(points, weight);
        }
        Ok(())
    }
}

/// In one pass over the rows. Of each the duration and the points are kept, for exact percentiles and the histogram.
pub(super) async fn stats(
    snapshot: &Snapshot,
    filter: &StrategyFilter,
    top: Top,
    percentile: Percentile,
) -> Result<StrategyStats> {
    let mut sql = snapshot.sql();
    sql.push("SELECT sample_weight, status, error_code, case_name, duration_us, nodes_executed, points FROM ");
    filter.condition(sql.table(&EXECUTIONS));
    let mut sums = Sums::default();
    snapshot.each(sql, |row| sums.add(&row)).await?;
    let Sums { statuses, errors, cases, durations, nodes, most_nodes, points } = sums;
    Ok(StrategyStats {
        outcomes: statuses.outcomes(),
        errors: errors.errors(top),
        cases: cases.cases(top),
        duration_histogram: durations.histogram(),
        duration_ms: durations.stats(percentile),
        percentile,
        nodes: NodesStats { n: nodes.count().rows, avg: nodes.avg(), max: most_nodes },
        points: points.stats(),
    })
}

/// How often there was each value of a column, without the other statistics.
pub(super) async fn tally(snapshot: &Snapshot, filter: &StrategyFilter, column: &'static str) -> Result<Tally> {
    let mut sql = snapshot.sql();
    sql.push(format!("SELECT sample_weight, {column} FROM "));
    filter.condition(sql.table(&EXECUTIONS));
    let mut tally = Tally::default();
    let add = |row: Row| {
        tally.add(row.maybe_text(1)?, row.maybe_real(0)?.unwrap_or(1.0));
        Ok(())
    };
    snapshot.each(sql, add).await?;
    Ok(tally)
}
