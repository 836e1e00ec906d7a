//! Sums over executions of which rows are a sample.

use std::collections::BTreeMap;

use serde::Serialize;

/// How often something happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Count {
    /// Executions that are in the log.
    pub rows: i64,
    /// Executions that they stand for.
    pub executions: f64,
}

/// Whole numbers, each of an execution that stands for several.
///
/// What is summed up are the numbers of each weight, in whole numbers; so sums do not depend on the order of the rows.
/// There are few weights: one for each rate of sampling.
#[derive(Clone, Debug, Default)]
pub(super) struct Weighed {
    /// Rows, and the sum of their numbers, by the bits of the weight, which are in order as weights are not negative.
    by_weight: BTreeMap<u64, (i64, i128)>,
}

impl Weighed {
    pub(super) fn add(&mut self, weight: f64, value: i64) {
        let (rows, sum) = self.by_weight.entry(weight.to_bits()).or_default();
        *rows += 1;
        *sum += i128::from(value);
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        for (weight, (rows, sum)) in &other.by_weight {
            let own = self.by_weight.entry(*weight).or_default();
            own.0 += rows;
            own.1 += sum;
        }
    }

    pub(super) fn count(&self) -> Count {
        let rows = self.by_weight.values().map(|(rows, _)| rows).sum();
        Count { rows, executions: self.sum(|(rows, _)| rows as f64) }
    }

    /// The mean of the numbers of all executions.
    pub(super) fn avg(&self) -> Option<f64> {
        ratio(self.sum(|(_, sum)| sum as f64), self.count().executions)
    }

    fn sum(&self, value: impl Fn((i64, i128)) -> f64) -> f64 {
        self.by_weight.iter().map(|(weight, sums)| f64::from_bits(*weight) * value(*sums)).fold(0.0, |a, b| a + b)
    }
}

/// A quotient; `None` of nothing.
pub(super) fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_counts_as_often_as_its_weight_says_in_any_order() {
        let mut rows = [(1.0, 10), (20.0, 30), (1.0 / 0.3, 7), (20.0, 50), (1.0 / 0.7, 9)];
        let mut expected = None;
        for _ in 0..rows.len() {
            rows.rotate_left(1);
            let mut weighed = Weighed::default();
            rows.iter().for_each(|(weight, value)| weighed.add(*weight, *value));
            let found = (weighed.count(), weighed.avg());
            assert_eq!(*expected.get_or_insert(found), found);
        }
        let (count, avg) = expected.unwrap();
        assert_eq!(count.rows, 5);
        assert!((count.executions - 45.761_904_761_904_76).abs() < 1e-9);
        assert!((avg.unwrap() - (10.0 + 1_600.0 + 7.0 / 0.3 + 9.0 / 0.7) / 45.761_904_761_904_76).abs() < 1e-9);
    }

    #[test]
    fn of_nothing_there_is_no_mean() {
        assert_eq!((Weighed::default().count(), Weighed::default().avg()), (Count::default(), None));
    }
}
