//! What executions gave.

use serde::Serialize;

use super::weighed::{Count, Weighed, ratio};

/// Bins of the histogram.
const BINS: usize = 10;

/// The points of the executions that gave any.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PointsStats {
    /// Executions with points that are in the log.
    pub n: i64,
    /// Executions that they stand for.
    pub executions: f64,
    /// The sum over these.
    pub sum: f64,
    /// The mean over these.
    pub avg: Option<f64>,
    /// The least.
    pub min: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
    /// Ten bins of the same width from the least to the greatest; one where all are the same, none where there are none.
    pub histogram: Vec<PointsBucket>,
}

/// How many executions gave so many points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PointsBucket {
    /// The least that is in it.
    pub from: f64,
    /// Where it ends; that itself is in the last one only.
    pub to: f64,
    /// How many.
    #[serde(flatten)]
    pub count: Count,
}

/// Points of executions.
#[derive(Clone, Debug, Default)]
pub(super) struct Points {
    /// With their weights.
    values: Vec<(f64, f64)>,
}

impl Points {
    pub(super) fn add(&mut self, points: f64, weight: f64) {
        self.values.push((points, weight));
    }

    pub(super) fn stats(mut self) -> PointsStats {
        // In an order that the rows' does not matter for, as sums of floats depend on it.
        self.values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut all = Weighed::default();
        self.values.iter().for_each(|(_, weight)| all.add(*weight, 0));
        let Count { rows, executions } = all.count();
        let sum = self.values.iter().fold(0.0, |sum, (points, weight)| sum + points * weight);
        let ends = self.values.first().zip(self.values.last()).map(|(first, last)| (first.0, last.0));
        PointsStats {
            n: rows,
            executions,
            sum,
            avg: ratio(sum, executions),
            min: ends.map(|(min, _)| min),
            max: ends.map(|(_, max)| max),
            histogram: ends.map(|(min, max)| histogram(&self.values, min, max)).unwrap_or_default(),
        }
    }
}

fn histogram(values: &[(f64, f64)], min: f64, max: f64) -> Vec<PointsBucket> {
    let bins = if min < max { BINS } else { 1 };
    let edge = |n: usize| if n == bins { max } else { min + (max - min) * n as f64 / bins as f64 };
    let inner: Vec<f64> = (1..bins).map(edge).collect();
    let mut counts = vec![Weighed::default(); bins];
    for (points, weight) in values {
        if let Some(count) = counts.get_mut(inner.partition_point(|edge| edge <= points)) {
            count.add(*weight, 0);
        }
    }
    let counts = counts.iter().enumerate();
    counts.map(|(n, count)| PointsBucket { from: edge(n), to: edge(n + 1), count: count.count() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> PointsStats {
        let mut points = Points::default();
        values.iter().for_each(|value| points.add(*value, 2.0));
        points.stats()
    }

    #[test]
    fn ten_bins_from_the_least_to_the_greatest_which_is_in_the_last() {
        let histogram = of(&[0.0, 10.0, 1.0, 9.99, 0.5]).histogram;
        let rows: Vec<_> = histogram.iter().map(|bin| (bin.from, bin.to, bin.count.rows)).collect();
        assert_eq!(rows[0], (0.0, 1.0, 2));
        assert_eq!(rows[1], (1.0, 2.0, 1));
        assert_eq!(rows[9], (9.0, 10.0, 2));
        assert_eq!(rows.len(), 10);
        assert_eq!(histogram[0].count.executions, 4.0);
    }

    #[test]
    fn one_bin_where_all_are_the_same_and_none_where_there_are_none() {
        let same = of(&[7.0, 7.0]).histogram;
        assert_eq!((same.len(), same[0].from, same[0].to, same[0].count.rows), (1, 7.0, 7.0, 2));
        assert_eq!(of(&[]), PointsStats::default());
    }

    #[test]
    fn sums_are_of_the_executions_that_rows_stand_for() {
        let stats = of(&[1.0, 2.0, 6.0]);
        assert_eq!((stats.n, stats.executions, stats.sum, stats.avg), (3, 6.0, 18.0, Some(3.0)));
    }

    #[test]
    fn points_that_are_as_far_apart_as_numbers_can_be_do_not_matter() {
        let histogram = of(&[-1e308, 0.0, 1e308]).histogram;
        assert_eq!(histogram.iter().map(|bin| bin.count.rows).sum::<i64>(), 3);
    }
}
