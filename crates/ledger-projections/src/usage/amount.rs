//! Amounts as whole numbers that can be summed without running over.

use ledger_events::Millis;

/// Most tokens of a bucket of one call: a million million. Sums of nine million such calls fit into 64 bits.
const MAX_TOKENS: u64 = 1_000_000_000_000;

/// Longest duration: a year, in microseconds. Sums of 290,000 such durations fit into 64 bits.
const MAX_MICROS: i64 = 31_622_400_000_000;

/// Nothing has so much of it; the event that says so is not understood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TooMuch;

/// A number of tokens.
pub(super) fn tokens(tokens: u64) -> Result<i64, TooMuch> {
    i64::try_from(tokens).ok().filter(|_| tokens <= MAX_TOKENS).ok_or(TooMuch)
}

/// A duration in whole microseconds, the nearest.
#[allow(clippy::cast_possible_truncation, reason = "it is whole, not negative, and far below 2^53")]
pub(super) fn micros(millis: Millis) -> Result<i64, TooMuch> {
    let micros = (millis.get() * 1_000.0).round();
    if micros <= MAX_MICROS as f64 { Ok(micros as i64) } else { Err(TooMuch) }
}

/// What lies between two ends, of which the second may not be the later one; `None` when that is longer than anything takes.
pub(super) fn duration(micros: i64) -> Option<i64> {
    Some(micros.max(0)).filter(|micros| *micros <= MAX_MICROS)
}

/// None is the lowest.
pub(super) fn revision(revision: Option<u64>) -> i64 {
    revision.map_or(0, |revision| i64::try_from(revision).unwrap_or(i64::MAX))
}

/// The rule of [`ledger_events::observations`] for two observations with the same key, given by revision and event id.
pub(super) fn is_better(one: (i64, &str), other: (i64, &str)) -> bool {
    one.0 > other.0 || (one.0 == other.0 && one.1 < other.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_that_nothing_has_are_too_much() {
        assert_eq!(tokens(1_000_000_000_000), Ok(1_000_000_000_000));
        assert_eq!(tokens(1_000_000_000_001), Err(TooMuch));
        assert_eq!(micros(Millis::new(0.0015).unwrap()), Ok(2));
        assert_eq!(micros(Millis::new(1234.567).unwrap()), Ok(1_234_567));
        assert_eq!(micros(Millis::new(1e300).unwrap()), Err(TooMuch));
    }
}
