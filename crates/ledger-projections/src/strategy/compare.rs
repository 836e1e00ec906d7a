//! Two strategies, or two windows, side by side.

use serde::Serialize;

use super::stats::StrategyStats;

/// Two groups of executions, and what the second has more than the first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The first.
    pub a: StrategyStats,
    /// The second.
    pub b: StrategyStats,
    /// The second less the first.
    pub delta: Delta,
}

/// What one group has more than another one, where both have it at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Delta {
    /// Of the rate of success.
    pub success_rate: Option<f64>,
    /// Of the rate of failure.
    pub error_rate: Option<f64>,
    /// Of the 95th percentile of durations, in milliseconds.
    pub p95_ms: Option<f64>,
    /// Of the mean duration, in milliseconds.
    pub avg_ms: Option<f64>,
    /// Of the mean of points.
    pub points_avg: Option<f64>,
}

impl Comparison {
    pub(super) fn of(a: StrategyStats, b: StrategyStats) -> Self {
        let delta = |value: fn(&StrategyStats) -> Option<f64>| Some(value(&b)? - value(&a)?);
        let delta = Delta {
            success_rate: delta(|stats| stats.outcomes.success_rate),
            error_rate: delta(|stats| stats.outcomes.error_rate),
            p95_ms: delta(|stats| stats.duration_ms.p95),
            avg_ms: delta(|stats| stats.duration_ms.avg),
            points_avg: delta(|stats| stats.points.avg),
        };
        Self { a, b, delta }
    }
}
