//! What each version of each strategy did.

use std::collections::BTreeMap;

use serde::Serialize;

use super::durations::{DurationStats, Durations};
use super::filter::StrategyFilter;
use super::log::EXECUTIONS;
use super::outcomes::{Outcomes, Statuses};
use super::points::{Points, PointsStats};
use crate::store::Snapshot;
use crate::{Percentile, Result};

/// What is to be said of the executions of one version.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VersionStats {
    /// The strategy.
    pub strategy_id: String,
    /// Its version.
    pub strategy_version: String,
    /// How they ended.
    #[serde(flatten)]
    pub outcomes: Outcomes,
    /// How long they took.
    pub duration_ms: DurationStats,
    /// What they gave.
    pub points: PointsStats,
}

#[derive(Default)]
struct Sums {
    statuses: Statuses,
    durations: Durations,
    points: Points,
}

/// By strategy, then by version, byte by byte.
pub(super) async fn versions(
    snapshot: &Snapshot,
    filter: &StrategyFilter,
    percentile: Percentile,
) -> Result<Vec<VersionStats>> {
    let mut sql = snapshot.sql();
    sql.push("SELECT strategy_id, strategy_version, sample_weight, status, duration_us, points FROM ");
    filter.condition(sql.table(&EXECUTIONS));
    let mut versions: BTreeMap<(String, String), Sums> = BTreeMap::new();
    snapshot
        .each(sql, |row| {
            let weight = row.maybe_real(2)?.unwrap_or(1.0);
            let sums = versions.entry((row.text(0)?, row.text(1)?)).or_default();
            sums.statuses.add(&row.text(3)?, weight);
            sums.durations.add(row.int(4)?, weight);
            if let Some(points) = row.maybe_real(5)? {
                sums.points.add(points, weight);
            }
            Ok(())
        })
        .await?;
    let versions = versions.into_iter().map(|((strategy_id, strategy_version), sums)| VersionStats {
        strategy_id,
        strategy_version,
        outcomes: sums.statuses.outcomes(),
        duration_ms: sums.durations.stats(percentile),
        points: sums.points.stats(),
    });
    Ok(versions.collect())
}
