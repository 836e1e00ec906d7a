//! Points in time, to the microsecond, in UTC.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Invalid;

/// 0001-01-01T00:00:00Z
const MIN_MICROS: i64 = -62_135_596_800_000_000;
/// 9999-12-31T23:59:59.999999Z
const MAX_MICROS: i64 = 253_402_300_799_999_999;

/// A point in time: whole microseconds since 1970-01-01T00:00:00Z, within the years 1 to 9999.
///
/// Text is RFC 3339. An offset is required and converted to UTC (a time without one is refused: it names no point in
/// time); digits finer than a microsecond are cut.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest point: 0001-01-01T00:00:00Z.
    pub const MIN: Self = Self(MIN_MICROS);

    /// Now, by the system's wall clock.
    #[must_use]
    pub fn now() -> Self {
        let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(MAX_MICROS),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(MIN_MICROS, |micros| -micros),
        };
        Self(micros.clamp(MIN_MICROS, MAX_MICROS))
    }

    /// The point `micros` microseconds after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`Invalid`] outside the years 1 to 9999.
    pub fn from_micros(micros: i64) -> Result<Self, Invalid> {
        if !(MIN_MICROS..=MAX_MICROS).contains(&micros) {
            return Err(Invalid::new("time", format!("{micros} µs lies outside the years 1 to 9999")));
        }
        Ok(Self(micros))
    }

    /// The point that an RFC 3339 text names.
    ///
    /// # Errors
    /// [`Invalid`] when the text is not RFC 3339, has no offset, or lies outside the years 1 to 9999.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| {
            Invalid::new("time", format!("{text:?} is not RFC 3339 with an offset, such as 2026-01-31T12:00:00Z"))
        })?;
        Self::from_micros(time.timestamp_micros())
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// As a `chrono` value.
    #[must_use]
    pub fn to_chrono(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or_default()
    }

    /// Microseconds from `earlier` to this point; negative when `earlier` is later.
    #[must_use]
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }
}

impl TryFrom<DateTime<Utc>> for Timestamp {
    type Error = Invalid;

    fn try_from(time: DateTime<Utc>) -> Result<Self, Invalid> {
        Self::from_micros(time.timestamp_micros())
    }
}

/// RFC 3339 in UTC with six digits of fraction: `2026-01-31T12:00:00.000000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_chrono().to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Timestamp {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::parse(text)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&std::borrow::Cow::<str>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_offset_becomes_utc() {
        let time = Timestamp::parse("2026-01-31T12:00:00+05:00").unwrap();
        assert_eq!(time.to_string(), "2026-01-31T07:00:00.000000Z");
    }

    #[test]
    fn naive_times_are_refused() {
        for bad in ["2026-01-31T12:00:00", "2026-01-31", "now", "", "2026-02-30T00:00:00Z"] {
            assert!(Timestamp::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_ends_of_the_range_round_trip() {
        for text in ["0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
        }
        assert!(Timestamp::from_micros(MAX_MICROS + 1).is_err());
        assert!(Timestamp::from_micros(MIN_MICROS - 1).is_err());
    }

    #[test]
    fn digits_below_a_microsecond_are_cut() {
        assert_eq!(
            Timestamp::parse("2026-01-01T00:00:00.123456789Z").unwrap().to_string(),
            "2026-01-01T00:00:00.123456Z"
        );
    }
}
