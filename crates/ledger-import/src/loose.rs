//! Reading what is there, if it is what one looks for.
//!
//! Logs of agents have no schema: a field is a text in one version, an object in the next, `null` in a third. A
//! [`Loose`] field is `None` whenever it is not of the expected kind, and what stands there instead is skipped without
//! being kept. Only broken JSON is an error.

use std::fmt;
use std::marker::PhantomData;

use ledger_core::Timestamp;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A value of the expected kind, or nothing.
#[derive(Debug)]
pub(crate) struct Loose<T>(pub(crate) Option<T>);

impl<T> Default for Loose<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Loose<T> {
    pub(crate) fn as_ref(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

impl Loose<String> {
    pub(crate) fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl Loose<bool> {
    pub(crate) fn is_true(&self) -> bool {
        self.0 == Some(true)
    }
}

/// Which JSON values make a `Self`.
pub(crate) trait Expected: Sized {
    fn from_bool(_: bool) -> Option<Self> {
        None
    }

    fn from_u64(_: u64) -> Option<Self> {
        None
    }

    fn from_f64(_: f64) -> Option<Self> {
        None
    }

    fn from_text(_: &str) -> Option<Self> {
        None
    }

    fn from_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<Option<Self>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn from_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<Option<Self>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// Texts; an empty one says nothing.
impl Expected for String {
    fn from_text(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| text.to_owned())
    }
}

impl Expected for bool {
    fn from_bool(value: bool) -> Option<Self> {
        Some(value)
    }
}

/// Whole numbers, `3.0` among them.
impl Expected for u64 {
    fn from_u64(number: u64) -> Option<Self> {
        Some(number)
    }

    fn from_f64(number: f64) -> Option<Self> {
        if number.fract() == 0.0 { whole(number) } else { None }
    }
}

impl Expected for Timestamp {
    fn from_text(text: &str) -> Option<Self> {
        Self::parse(text.trim()).ok()
    }
}

/// A span of time, kept in microseconds and logged in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LoggedMillis(pub(crate) u64);

impl Expected for LoggedMillis {
    fn from_u64(millis: u64) -> Option<Self> {
        millis.checked_mul(1_000).map(Self)
    }

    fn from_f64(millis: f64) -> Option<Self> {
        whole(millis * 1_000.0).map(Self)
    }
}

/// An amount of money, kept in whole pico-USD and logged in USD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LoggedUsd(pub(crate) i64);

impl Expected for LoggedUsd {
    fn from_u64(usd: u64) -> Option<Self> {
        i64::try_from(usd.checked_mul(1_000_000_000_000)?).ok().map(Self)
    }

    fn from_f64(usd: f64) -> Option<Self> {
        // By way of the decimal digits: `usd * 1e12` would add the error of a multiplication.
        let digits = (usd.is_finite() && usd >= 0.0).then(|| format!("{usd:.12}").replace('.', ""))?;
        digits.parse().ok().map(Self)
    }
}

/// `number` without its fraction, if it is one that a `u64` holds.
fn whole(number: f64) -> Option<u64> {
    // Through text, because a cast would turn what does not fit into something that does.
    (number.is_finite() && number >= 0.0).then(|| format!("{number:.0}").parse().ok())?
}

/// Makes an object with [`Loose`] fields expected where an object stands.
macro_rules! expect_objects {
    ($($name:ty),+) => {
        $(impl $crate::loose::Expected for $name {
            fn from_map<'de, A: serde::de::MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
                serde::Deserialize::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Some)
            }
        })+
    };
}
pub(crate) use expect_objects;

/// The elements that are of the expected kind.
impl<T: Expected> Expected for Vec<T> {
    fn from_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<Option<Self>, A::Error> {
        let mut elements = Self::new();
        while let Some(Loose(element)) = seq.next_element()? {
            elements.extend(element);
        }
        Ok(Some(elements))
    }
}

impl<'de, T: Expected> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor(PhantomData)).map(Self)
    }
}

struct LooseVisitor<T>(PhantomData<T>);

impl<'de, T: Expected> Visitor<'de> for LooseVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(T::from_bool(value))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        // Only negative numbers come here, and none is expected anywhere.
        Ok(None)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(T::from_u64(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(T::from_f64(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(T::from_text(text))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        T::from_seq(seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::from_map(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loose<T: Expected>(text: &str) -> Option<T> {
        serde_json::from_str::<Loose<T>>(text).unwrap().0
    }

    #[test]
    fn what_is_not_expected_is_nothing() {
        for other in ["null", "true", "-3", "1.5", "\"\"", "[1,[2]]", r#"{"a":{"b":1}}"#, "1e300"] {
            assert_eq!(loose::<u64>(other), None, "{other}");
            assert_eq!(loose::<String>(other), None, "{other}");
            assert_eq!(loose::<Timestamp>(other), None, "{other}");
        }
    }

    #[test]
    fn numbers_are_read_in_any_notation() {
        assert_eq!((loose::<u64>("3"), loose::<u64>("3.0"), loose::<u64>("3e2")), (Some(3), Some(3), Some(300)));
        assert_eq!(loose::<LoggedMillis>("1.5").map(|time| time.0), Some(1_500));
        assert_eq!(loose::<LoggedUsd>("0.0105").map(|cost| cost.0), Some(10_500_000_000));
        assert_eq!(loose::<LoggedUsd>("2").map(|cost| cost.0), Some(2_000_000_000_000));
        assert_eq!(loose::<LoggedUsd>("1e200"), None);
    }

    #[test]
    fn lists_keep_what_is_expected() {
        assert_eq!(loose::<Vec<u64>>(r#"[1,"a",null,2]"#), Some(vec![1, 2]));
        assert_eq!(loose::<Vec<u64>>("\"text\"").map(|list| list.len()), None);
    }

    #[test]
    fn times_are_read_in_any_form_of_rfc_3339() {
        let noon = Timestamp::parse("2026-01-01T12:00:00Z").unwrap();
        for form in [
            "2026-01-01T12:00:00Z",
            "2026-01-01t12:00:00.000000000z",
            "2026-01-01 14:00:00.0+02:00",
            " 2026-01-01T12:00:00Z ",
        ] {
            assert_eq!(loose::<Timestamp>(&format!("\"{form}\"")), Some(noon), "{form}");
        }
    }
}
