//! Where an event stands in its ledger.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Invalid;

/// Position of an event in its ledger; the first event of a new ledger has 1.
///
/// Offsets are dense and in commit order, and never used twice. Never negative and never above `i64::MAX`, so that
/// every backend can keep one in a signed 64-bit column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(i64);

impl Offset {
    /// Before the first event.
    pub const ZERO: Self = Self(0);
    /// The last position there can be.
    pub const MAX: Self = Self(i64::MAX);

    /// The position `value`.
    ///
    /// # Errors
    /// [`Invalid`] when `value` is above `i64::MAX`.
    pub fn new(value: u64) -> Result<Self, Invalid> {
        i64::try_from(value).map(Self).map_err(|_| Invalid::new("offset", format!("{value} is above {}", i64::MAX)))
    }

    /// The position in a signed column.
    ///
    /// # Errors
    /// [`Invalid`] when `value` is negative.
    pub fn from_i64(value: i64) -> Result<Self, Invalid> {
        if value < 0 {
            return Err(Invalid::new("offset", format!("{value} is negative")));
        }
        Ok(Self(value))
    }

    /// As a signed number, for columns; never negative.
    #[must_use]
    pub const fn as_i64(self) -> i64 {
        self.0
    }

    /// As an unsigned number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.unsigned_abs()
    }

    /// The position `count` further on, or `None` beyond [`Offset::MAX`].
    #[must_use]
    pub fn checked_add(self, count: usize) -> Option<Self> {
        self.0.checked_add(i64::try_from(count).ok()?).map(Self)
    }

    /// The position before this one; [`Offset::ZERO`] stays.
    #[must_use]
    pub const fn before(self) -> Self {
        if self.0 == 0 { self } else { Self(self.0 - 1) }
    }

    /// The position after this one; [`Offset::MAX`] stays.
    #[must_use]
    pub const fn after(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for Offset {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let value: u64 =
            text.parse().map_err(|_| Invalid::new("offset", format!("{text:?} is not a whole number from 0 up")))?;
        Self::new(value)
    }
}

impl Serialize for Offset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.get())
    }
}

impl<'de> Deserialize<'de> for Offset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(u64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_fits_a_signed_column() {
        assert_eq!(Offset::new(i64::MAX.unsigned_abs()).unwrap(), Offset::MAX);
        assert!(Offset::new(i64::MAX.unsigned_abs() + 1).is_err());
        assert!(Offset::from_i64(-1).is_err());
        assert!("-1".parse::<Offset>().is_err());
        assert_eq!(Offset::MAX.checked_add(1), None);
    }
}
