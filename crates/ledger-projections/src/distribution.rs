//! How values are distributed.

use ledger_core::Invalid;
use serde::{Serialize, Serializer};

/// How a percentile between two values is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Percentile {
    /// On the line between them, as SQL's `percentile_cont`: the value at `(n - 1) * q` of those in order.
    #[default]
    Cont,
    /// The one that is there, as SQL's `percentile_disc` and the nearest rank: the value at `ceil(n * q)`.
    Disc,
}

impl std::str::FromStr for Percentile {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "cont" => Ok(Self::Cont),
            "disc" => Ok(Self::Disc),
            _ => Err(Invalid::new("percentile", format!("{text:?} is neither cont nor disc"))),
        }
    }
}

/// The percentiles of a distribution, in hundredths.
pub(crate) const PERCENTS: [i64; 4] = [5, 50, 95, 99];

impl Percentile {
    /// The positions, from 1, that the percentiles of `n` values are made of, in order and each once.
    pub(crate) fn positions(self, n: i64) -> Vec<i64> {
        let mut positions: Vec<i64> = PERCENTS
            .into_iter()
            .flat_map(|percent| {
                let (low, high, _) = self.position(n, percent);
                [low, high]
            })
            .collect();
        positions.dedup();
        positions
    }

    /// Between which positions, from 1, a percentile of `n` values lies, and at which hundredth of the way.
    pub(crate) fn position(self, n: i64, percent: i64) -> (i64, i64, i64) {
        match self {
            Self::Cont => {
                let way = (n - 1) * percent;
                let low = 1 + way / 100;
                (low, (low + 1).min(n), way % 100)
            }
            Self::Disc => {
                let at = (n * percent + 99) / 100;
                (at, at, 0)
            }
        }
    }

    /// The percentiles of values, given the value at each position.
    pub(crate) fn of(self, n: i64, value: impl Fn(i64) -> Option<i64>) -> [Option<f64>; 4] {
        PERCENTS.map(|percent| {
            let (low, high, hundredths) = self.position(n, percent);
            let (low, high) = (value(low)?, value(high)?);
            // In whole numbers up to the division, so that every machine gets the same.
            let between = i128::from(low) * 100 + (i128::from(high) - i128::from(low)) * i128::from(hundredths);
            Some(between as f64 / 100.0)
        })
    }
}

/// How the values of something are distributed. Where there are no values, nothing but `n` and `total` is known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Distribution {
    /// How many values there are.
    pub n: i64,
    /// Their sum.
    pub total: i64,
    /// The least.
    pub min: Option<i64>,
    /// The greatest.
    pub max: Option<i64>,
    /// The 5th, 50th, 95th and 99th percentile.
    pub percentiles: [Option<f64>; 4],
}

impl Distribution {
    /// The mean.
    #[must_use]
    pub fn avg(&self) -> Option<f64> {
        (self.n > 0).then(|| self.total as f64 / self.n as f64)
    }

    /// As programs get it, with values divided by `unit`.
    pub(crate) const fn shown(&self, unit: i64) -> Shown<'_> {
        Shown { distribution: self, unit }
    }
}

/// A distribution in a unit that is a multiple of the one it was made in.
pub(crate) struct Shown<'d> {
    distribution: &'d Distribution,
    unit: i64,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Distribution { n, total, min, max, percentiles: [p5, p50, p95, p99] } = *self.distribution;
        let unit = self.unit as f64;
        let whole = |value: Option<i64>| value.map(|value| value as f64 / unit);
        let real = |value: Option<f64>| value.map(|value| value / unit);
        #[derive(Serialize)]
        struct Fields {
            n: i64,
            total: f64,
            avg: Option<f64>,
            min: Option<f64>,
            p5: Option<f64>,
            p50: Option<f64>,
            p95: Option<f64>,
            p99: Option<f64>,
            max: Option<f64>,
        }
        Fields {
            n,
            total: total as f64 / unit,
            avg: real(self.distribution.avg()),
            min: whole(min),
            p5: real(p5),
            p50: real(p50),
            p95: real(p95),
            p99: real(p99),
            max: whole(max),
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(percentile: Percentile, values: &[i64]) -> [Option<f64>; 4] {
        let n = i64::try_from(values.len()).unwrap();
        let at = |position: i64| values.get(usize::try_from(position).ok()?.checked_sub(1)?).copied();
        percentile.of(n, at)
    }

    #[test]
    fn percentiles_are_as_in_the_systems_before_ours() {
        let hundred: Vec<i64> = (1..=100).collect();
        assert_eq!(of(Percentile::Cont, &hundred), [Some(5.95), Some(50.5), Some(95.05), Some(99.01)]);
        assert_eq!(of(Percentile::Disc, &hundred), [Some(5.0), Some(50.0), Some(95.0), Some(99.0)]);
        assert_eq!(of(Percentile::Cont, &[10, 20, 30, 40, 50])[1..3], [Some(30.0), Some(48.0)]);
        assert_eq!(of(Percentile::Disc, &(1..=20).collect::<Vec<_>>())[1..3], [Some(10.0), Some(19.0)]);
        for percentile in [Percentile::Cont, Percentile::Disc] {
            assert_eq!(of(percentile, &[]), [None; 4]);
            assert_eq!(of(percentile, &[7]), [Some(7.0); 4]);
        }
    }

    #[test]
    fn what_lies_between_values_is_asked_for_and_nothing_else() {
        assert_eq!(Percentile::Cont.positions(100), [5, 6, 50, 51, 95, 96, 99, 100]);
        assert_eq!(Percentile::Disc.positions(100), [5, 50, 95, 99]);
        assert_eq!(Percentile::Cont.positions(1), [1]);
    }
}
