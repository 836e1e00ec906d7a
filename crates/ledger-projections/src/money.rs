//! Sums of money.

use std::fmt;

use serde::{Serialize, Serializer};

/// An amount of money in whole millionths of a millionth of a US dollar; sums of any number of calls fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PicoUsd(pub i128);

impl PicoUsd {
    /// US dollars as the nearest real number, for formats that have no exact ones; never sum these.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 1e12
    }

    /// From millionths of a dollar, and millionths of those: sums of either fit where a sum of both would not.
    pub(crate) const fn from_parts(micro_usd: i64, pico_usd: i64) -> Self {
        Self(micro_usd as i128 * 1_000_000 + pico_usd as i128)
    }
}

impl std::ops::AddAssign for PicoUsd {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

/// US dollars as an exact decimal with two digits of fraction or as many as it takes: `1.50`, `0.0000004`.
impl fmt::Display for PicoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) = (self.0.unsigned_abs() / 1_000_000_000_000, self.0.unsigned_abs() % 1_000_000_000_000);
        let digits = format!("{rest:012}");
        let needed = digits.trim_end_matches('0').len().max(2);
        f.pad(&format!("{sign}{whole}.{}", digits.get(..needed).unwrap_or(&digits)))
    }
}

impl Serialize for PicoUsd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        for (pico, text) in [
            (0, "0.00"),
            (1_500_000_000_000, "1.50"),
            (400_000, "0.0000004"),
            (1, "0.000000000001"),
            (12_345_678_000_000, "12.345678"),
            (-250_000_000_000, "-0.25"),
        ] {
            assert_eq!(PicoUsd(pico).to_string(), text);
        }
        assert_eq!(PicoUsd::from_parts(9_223_372_036_854_775_807, 999_999).to_string(), "9223372036854.775807999999");
    }
}
