//! Percentiles of executions of which rows are a sample.
//!
//! As if each row were there as often as its weight says. [`Percentile::Disc`] is the smallest value up to which at least
//! the asked part of all weight lies. For [`Percentile::Cont`], in order of values, row `i` holds the positions from
//! `C - w` to `C - 1`, where `w` is its weight and `C` the sum of the weights up to and with it; between one row's last
//! position and the next row's first one lies a straight line; asked for is the position `(W - 1) * q`, where `W` is all
//! weight. With whole weights that is `percentile_cont` of rows that are repeated so often; with weights of 1, of the rows.

use crate::Percentile;
use crate::distribution::PERCENTS;

/// The percentiles of values and their weights, which are at least 1. Sorts them.
pub(super) fn percentiles(percentile: Percentile, values: &mut [(i64, f64)]) -> [Option<f64>; 4] {
    values.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let total = values.iter().fold(0.0, |total, (_, weight)| total + weight);
    // Positions are counted in hundredths, which are whole where weights are.
    PERCENTS.map(|percent| match percentile {
        Percentile::Cont => cont(values, (total - 1.0) * percent as f64),
        Percentile::Disc => disc(values, total * percent as f64),
    })
}

fn cont(values: &[(i64, f64)], position: f64) -> Option<f64> {
    let mut end = 0.0;
    for (n, (value, weight)) in values.iter().enumerate() {
        end += weight;
        let past = position - (end - 1.0) * 100.0;
        if past <= 0.0 {
            return Some(*value as f64);
        }
        if past < 100.0
            && let Some((next, _)) = values.get(n + 1)
        {
            return Some((*value as f64 * 100.0 + (next - value) as f64 * past) / 100.0);
        }
    }
    last(values)
}

fn disc(values: &[(i64, f64)], position: f64) -> Option<f64> {
    let mut end = 0.0;
    let found = values.iter().find(|(_, weight)| {
        end += weight;
        end * 100.0 >= position
    });
    found.map_or_else(|| last(values), |(value, _)| Some(*value as f64))
}

/// Where rounded weights end too early.
fn last(values: &[(i64, f64)]) -> Option<f64> {
    values.last().map(|(value, _)| *value as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Percentile; 2] = [Percentile::Cont, Percentile::Disc];

    fn of(percentile: Percentile, values: &[(i64, f64)]) -> [Option<f64>; 4] {
        percentiles(percentile, &mut values.to_vec())
    }

    fn repeated(percentile: Percentile, values: &[(i64, f64)]) -> [Option<f64>; 4] {
        let mut all = Vec::new();
        for (value, weight) in values {
            (0..i64::from(format!("{weight}").parse::<i32>().unwrap())).for_each(|_| all.push(*value));
        }
        all.sort_unstable();
        let n = i64::try_from(all.len()).unwrap();
        percentile.of(n, |position| all.get(usize::try_from(position - 1).ok()?).copied())
    }

    #[test]
    fn with_weights_of_one_they_are_those_of_the_systems_before_ours() {
        let five = [10, 20, 30, 40, 50].map(|value| (value, 1.0));
        assert_eq!(of(Percentile::Cont, &five)[1..3], [Some(30.0), Some(48.0)]);
        for percentile in BOTH {
            assert_eq!(of(percentile, &[]), [None; 4]);
            assert_eq!(of(percentile, &[(42, 1.0)]), [Some(42.0); 4]);
            assert_eq!(of(percentile, &[(42, 20.0)]), [Some(42.0); 4]);
        }
    }

    #[test]
    fn with_whole_weights_they_are_those_of_rows_that_are_repeated() {
        let mut seed = 7_u64;
        let mut next = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            i32::try_from((seed >> 33) % below).unwrap()
        };
        for round in 1..=200 {
            let values: Vec<_> =
                (0..round).map(|_| (i64::from(next(50) * 1_000), f64::from(1 + next(20) * next(2)))).collect();
            for percentile in BOTH {
                assert_eq!(of(percentile, &values), repeated(percentile, &values), "{percentile:?} {values:?}");
            }
        }
    }

    #[test]
    fn the_order_of_rows_does_not_matter_and_percentiles_do_not_fall() {
        let mut values = [(5, 1.0 / 0.3), (5, 1.0), (70, 1.0), (900, 1.0 / 0.7), (3, 19.9), (6, 1e9)];
        for percentile in BOTH {
            let expected = of(percentile, &values);
            assert!(expected.is_sorted());
            for _ in 0..values.len() {
                values.rotate_left(1);
                assert_eq!(of(percentile, &values), expected);
            }
        }
    }
}
