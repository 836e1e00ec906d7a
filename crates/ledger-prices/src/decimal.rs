//! Decimal text as whole numbers, without floating point anywhere.

use std::fmt;

/// Digits after the point of a [`Rate`].
const PLACES: i32 = 18;

/// US dollars per million units (tokens, searches, requests), in whole 10^-18 dollars. Of more digits than that, which only
/// noise of floating point has, the nearest is taken, of two the even one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(pub(crate) u128);

impl Rate {
    /// From dollars per million, such as `0.30` or `3e-1`; `None` when it is no such number, or negative.
    #[must_use]
    pub fn per_million(text: &str) -> Option<Self> {
        scaled(text, PLACES).map(Self)
    }

    /// From dollars per thousand.
    pub(crate) fn per_thousand(text: &str) -> Option<Self> {
        scaled(text, PLACES + 3).map(Self)
    }

    /// From dollars for one.
    pub(crate) fn per_one(text: &str) -> Option<Self> {
        scaled(text, PLACES + 6).map(Self)
    }

    /// So many times as much; as much as there can be, where that is too much.
    pub(crate) const fn times(self, factor: u128) -> Self {
        Self(self.0.saturating_mul(factor))
    }

    /// Dollars per thousand, exactly, as text.
    #[must_use]
    pub fn per_thousand_text(self) -> String {
        shown(self.0, PLACES + 3)
    }
}

/// Dollars per million, exactly: `0.30`, `0.0833333333333333`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&shown(self.0, PLACES))
    }
}

/// A whole number of 10^-`places` as a decimal with two digits of fraction or as many as it takes.
fn shown(number: u128, places: i32) -> String {
    let places = usize::try_from(places).unwrap_or_default();
    let digits = format!("{number:0>width$}", width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(places));
    let needed = fraction.trim_end_matches('0').len().max(2);
    format!("{whole}.{}", fraction.get(..needed).unwrap_or(fraction))
}

/// Decimal text times 10^`places`, as a whole number: the nearest, of two the even one. `None` when the text is no number
/// that is 0 or more, or does not fit.
pub(crate) fn scaled(text: &str, places: i32) -> Option<u128> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) || number.ends_with('.') {
        return None;
    }
    let digits = [whole, fraction].concat();
    let digits: u128 = digits.parse().ok()?;
    let shift = exponent.checked_add(places)?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let power = 10_u128.checked_pow(shift.unsigned_abs());
    match (shift >= 0, power) {
        (true, Some(power)) => digits.checked_mul(power),
        (true, None) => (digits == 0).then_some(0),
        (false, Some(power)) => Some(half_even(digits, power)),
        (false, None) => Some(0),
    }
}

/// A quotient as a whole number: the nearest, and of two that are as near the even one.
pub(crate) const fn half_even(number: u128, divisor: u128) -> u128 {
    let (quotient, rest) = (number / divisor, number % divisor);
    let left = divisor - rest;
    if rest > left || (rest == left && quotient % 2 == 1) { quotient + 1 } else { quotient }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_text_is_exact() {
        for (text, places, number) in [
            ("0.1", 6, 100_000),
            ("2", 6, 2_000_000),
            ("2.50", 1, 25),
            ("1.5e-7", 12, 150_000),
            ("2.5E-07", 12, 250_000),
            ("1e2", 0, 100),
            ("0", 18, 0),
            // Twice 0.1 as floating point has it: the nearest millionth.
            ("0.27999999999999997", 6, 280_000),
        ] {
            assert_eq!(scaled(text, places), Some(number), "{text}");
        }
        for bad in
            ["", "-1", "+1", "1.", ".5", "1,5", "NaN", "0x1", "1e", "1 ", "99999999999999999999999999999999999999999"]
        {
            assert_eq!(scaled(bad, 6), None, "{bad}");
        }
        assert_eq!(scaled("1e30", 18), None, "does not fit");
        assert_eq!(scaled("1e-90", 18), Some(0));
    }

    #[test]
    fn halves_go_to_the_even_one() {
        for (number, rounded) in [(5, 0), (15, 2), (25, 2), (35, 4), (4, 0), (6, 1), (26, 3)] {
            assert_eq!(half_even(number, 10), rounded, "{number}");
        }
    }

    #[test]
    fn rates_are_shown_as_they_were_read() {
        for text in ["0.30", "2.00", "0.0833333333333333", "0.000000000000000001", "1250.00"] {
            assert_eq!(Rate::per_million(text).unwrap().to_string(), text);
        }
        assert_eq!(Rate::per_thousand("10").unwrap().per_thousand_text(), "10.00");
        assert_eq!(Rate::per_one("3e-06").unwrap(), Rate::per_million("3").unwrap());
    }
}
