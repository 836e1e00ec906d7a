//! The burst of lines that a new file begins with: a fork writes the history of its parent at once, before the model has
//! had any time to answer.

use ledger_core::Timestamp;
use serde::{Deserialize, Serialize};

/// Longest pause between two lines of a burst, in microseconds. Writing takes milliseconds, a call of a model takes
/// longer than this.
const MAX_PAUSE_MICROS: i64 = 1_000_000;

/// How many of the rows of a file are of the burst that it begins with.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Burst {
    last: Option<Timestamp>,
    /// How many, when it is over.
    rows: Option<usize>,
}

impl Burst {
    /// Adds a line, whatever it says, before which there were `rows` rows.
    pub(super) fn add(&mut self, time: Timestamp, rows: usize) {
        if self.rows.is_some() {
            return;
        }
        match self.last {
            Some(last) if time.micros_since(last) > MAX_PAUSE_MICROS => self.rows = Some(rows),
            _ => self.last = Some(time),
        }
    }

    /// How many of `rows` rows are of the burst.
    pub(super) fn of(&self, rows: usize) -> usize {
        self.rows.unwrap_or(rows).min(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_ends_with_the_first_pause() {
        let at = |millis: i64| Timestamp::from_micros(millis * 1_000).unwrap();
        let mut burst = Burst::default();
        for (rows, millis) in [0, 900, 1_900, 2_901, 2_902].into_iter().enumerate() {
            burst.add(at(millis), rows);
        }
        assert_eq!(burst.of(5), 3);
        assert_eq!(Burst::default().of(5), 5);
    }
}
