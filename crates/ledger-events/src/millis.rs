//! How long something took.

use std::time::Duration;

use ledger_core::Invalid;
use serde::{Deserialize, Deserializer, Serialize};

/// Milliseconds, whole or with a fraction; finite and never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Millis(f64);

impl Millis {
    /// `millis` milliseconds.
    ///
    /// # Errors
    /// [`Invalid`] when the number is negative, infinite or not a number.
    pub fn new(millis: f64) -> Result<Self, Invalid> {
        if millis.is_finite() && millis >= 0.0 {
            Ok(Self(millis))
        } else {
            Err(Invalid::new("duration", format!("is {millis} ms; durations are finite and not negative")))
        }
    }

    /// As a number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl From<Duration> for Millis {
    fn from(duration: Duration) -> Self {
        // Whole microseconds divide to the shortest decimal; `as_secs_f64() * 1000.0` leaves noise in the last digit.
        if duration.subsec_nanos().is_multiple_of(1_000) {
            Self(duration.as_micros() as f64 / 1_000.0)
        } else {
            Self(duration.as_nanos() as f64 / 1_000_000.0)
        }
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_and_fractional_numbers_are_read() {
        for (text, millis) in [("12", 12.0), ("12.5", 12.5), ("0", 0.0), ("1e3", 1000.0)] {
            assert_eq!(serde_json::from_str::<Millis>(text).unwrap().get(), millis, "{text}");
        }
    }

    #[test]
    fn nothing_takes_less_than_no_time() {
        assert!(serde_json::from_str::<Millis>("-1").is_err());
        assert!(Millis::new(f64::NAN).is_err());
        assert!(Millis::new(f64::INFINITY).is_err());
    }

    #[test]
    fn durations_keep_their_digits() {
        assert_eq!(Millis::from(Duration::from_micros(1_234_567)).get(), 1_234.567);
        assert_eq!(Millis::from(Duration::from_nanos(1_500)).get(), 0.001_5);
    }
}
