//! How long executions took.

use serde::Serialize;

use super::percentiles::percentiles;
use super::weighed::{Count, Weighed};
use crate::Percentile;

/// Inclusive upper ends of the buckets, in milliseconds; what took longer is in a last one.
const EDGES: [i64; 12] = [5, 10, 25, 50, 100, 150, 200, 250, 500, 1_000, 2_500, 5_000];

/// How long executions took, in milliseconds. Without executions nothing but the counts is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct DurationStats {
    /// Executions that are in the log, which the percentiles are made of.
    pub n: i64,
    /// Executions that they stand for.
    pub executions: f64,
    /// The mean.
    pub avg: Option<f64>,
    /// The least.
    pub min: Option<f64>,
    /// The 5th percentile.
    pub p5: Option<f64>,
    /// The median.
    pub p50: Option<f64>,
    /// The 95th percentile.
    pub p95: Option<f64>,
    /// The 99th percentile.
    pub p99: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
}

/// How many executions took how long.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DurationBucket {
    /// What it is called: `≤5ms`, `>5000ms`.
    pub label: String,
    /// The longest duration in it, in milliseconds; `None` where there is no longest.
    pub upper_ms: Option<i64>,
    /// How many.
    #[serde(flatten)]
    pub count: Count,
}

/// Durations of executions, in microseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Durations {
    /// With their weights.
    values: Vec<(i64, f64)>,
    sums: Weighed,
}

impl Durations {
    pub(super) fn add(&mut self, micros: i64, weight: f64) {
        self.values.push((micros, weight));
        self.sums.add(weight, micros);
    }

    pub(super) fn stats(mut self, percentile: Percentile) -> DurationStats {
        let [p5, p50, p95, p99] = percentiles(percentile, &mut self.values).map(|micros| micros.map(millis));
        let end = |value: Option<&(i64, f64)>| value.map(|(micros, _)| millis(*micros as f64));
        let Count { rows, executions } = self.sums.count();
        let (min, max) = (end(self.values.first()), end(self.values.last()));
        DurationStats { n: rows, executions, avg: self.sums.avg().map(millis), min, p5, p50, p95, p99, max }
    }

    pub(super) fn histogram(&self) -> Vec<DurationBucket> {
        let mut buckets = vec![Weighed::default(); EDGES.len() + 1];
        for (micros, weight) in &self.values {
            if let Some(bucket) = buckets.get_mut(EDGES.partition_point(|edge| edge * 1_000 < *micros)) {
                bucket.add(*weight, 0);
            }
        }
        let ends = EDGES.iter().map(|edge| (format!("≤{edge}ms"), Some(*edge)));
        let ends = ends.chain(EDGES.last().map(|edge| (format!(">{edge}ms"), None)));
        ends.zip(buckets)
            .map(|((label, upper_ms), bucket)| DurationBucket { label, upper_ms, count: bucket.count() })
            .collect()
    }
}

fn millis(micros: f64) -> f64 {
    micros / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_is_in_the_bucket_that_it_ends() {
        let mut durations = Durations::default();
        for micros in [0, 5_000, 5_001, 10_000, 5_000_000, 5_000_001] {
            durations.add(micros, 20.0);
        }
        let histogram = durations.histogram();
        let rows: Vec<_> = histogram.iter().map(|bucket| bucket.count.rows).collect();
        assert_eq!(rows, [2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(histogram[0].count.executions, 40.0);
        let labels = [histogram[0].label.as_str(), histogram[12].label.as_str()];
        assert_eq!(labels, ["≤5ms", ">5000ms"]);
    }

    #[test]
    fn the_buckets_are_those_of_the_system_before_ours() {
        let mut durations = Durations::default();
        [1, 3, 8, 30, 60, 9_999].iter().for_each(|millis| durations.add(millis * 1_000, 1.0));
        let rows: Vec<_> = durations.histogram().iter().map(|bucket| bucket.count.rows).collect();
        assert_eq!(rows, [2, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
    }
}
