//! Reading what is there, if it is what one looks for.
//!
//! Logs of agents have no schema: a field is a text in one version, an object in the next, `null` in a third. A
//! [`Loose`] field is `None` whenever it is not of the expected kind, and what stands there instead is skipped without
//! being kept. Only broken JSON is an
//! error, and a [`Count`] that is none.

use ledger_core::Timestamp;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

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

/// An object, or that it is none. In contrast to a [`Loose`] one it is read in one go.
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) Option<T>);

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData)).map(Self)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Some)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Which JSON values make a `Self`.
pub(crate) trait Expected: Sized {
    /// What `json`, one value without space around it, makes.
    ///
    /// Its first byte tells what kind of value it is. Only a text that is expected is decoded: content is not, nor can
    /// it harm (an agent that cuts a text in the middle of an emoji writes half of a surrogate pair).
    fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error>;
}

/// The text, if it is one that can be decoded.
fn text(json: &str) -> Option<String> {
    json.starts_with('"').then(|| serde_json::from_str(json).ok())?
}

/// A text, or a number or a truth value as it is written.
pub(crate) fn scalar(json: &str) -> Option<String> {
    match json.as_bytes().first()? {
        b'"' => serde_json::from_str(json).ok(),
        b'{' | b'[' | b'n' => None,
        _ => Some(json.to_owned()),
    }
}

/// The number, whole or with a fraction.
fn number<T>(json: &str, whole: impl FnOnce(u64) -> Option<T>, real: impl FnOnce(f64) -> Option<T>) -> Option<T> {
    if !json.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        return None;
    }
    match json.parse() {
        Ok(number) => whole(number),
        Err(_) => real(json.parse().ok()?),
    }
}

/// Texts; an empty one says nothing.
impl Expected for String {
    fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
        Ok(text(json).filter(|text| !text.is_empty()))
    }
}

impl Expected for bool {
    fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
        Ok(json.parse().ok())
    }
}

/// Whole numbers, `3.0` among them.
impl Expected for u64 {
    fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
        Ok(number(json, Some, |number| if number.fract() == 0.0 { whole(number) } else { None }))
    }
}

/// A count of something that is paid for: what is there and no whole number makes its line bad, since taking it for
/// nothing would hide that something was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) u64);

impl Expected for Count {
    fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
        match u64::from_json(json)? {
            None if json != "null" => Err(serde_json::Error::custom("a count is not a whole number from 0 up")),
            count => Ok(count.map(Self)),
        }
    }
}

impl Expected for Timestamp {
    fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
        Ok(text(json).and_then(|text| Self::parse(text.trim()).ok()))
    }
}

/// A span of time, kept in microseconds and logged in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct LoggedMillis(pub(crate) u64);

impl Expected for LoggedMillis {
    fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
        Ok(number(json, |millis| millis.checked_mul(1_000), |millis| whole(millis * 1_000.0)).map(Self))
    }
}

/// An amount of money, kept in whole pico-USD and logged in USD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LoggedUsd(pub(crate) i64);

impl Expected for LoggedUsd {
    fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
        let exact = |usd: u64| i64::try_from(usd.checked_mul(1_000_000_000_000)?).ok();
        // By way of the decimal digits: `usd * 1e12` would add the error of a multiplication.
        let digits = |usd: f64| (usd.is_finite() && usd >= 0.0).then(|| format!("{usd:.12}").replace('.', ""));
        Ok(number(json, exact, |usd| digits(usd)?.parse().ok()).map(Self))
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
            fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
                if json.starts_with('{') { serde_json::from_str(json).map(Some) } else { Ok(None) }
            }
        })+
    };
}
pub(crate) use expect_objects;

/// The elements that are of the expected kind.
impl<T: Expected> Expected for Vec<T> {
    fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
        if !json.starts_with('[') {
            return Ok(None);
        }
        let elements: Vec<Loose<T>> = serde_json::from_str(json)?;
        Ok(Some(elements.into_iter().filter_map(|element| element.0).collect()))
    }
}

/// The elements of a list that are objects.
#[derive(Debug)]
pub(crate) struct Objects<T>(pub(crate) Vec<T>);

impl<T: DeserializeOwned + Expected> Expected for Objects<T> {
    fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
        if !json.starts_with('[') {
            return Ok(None);
        }
        // In one go, unless something that is no object stands among them and cannot be decoded.
        let objects = match serde_json::from_str::<Vec<Object<T>>>(json) {
            Ok(elements) => Some(elements.into_iter().filter_map(|element| element.0).collect()),
            Err(_) => Vec::from_json(json)?,
        };
        Ok(objects.map(Self))
    }
}

impl<'de, T: Expected> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        T::from_json(raw.get()).map(Self).map_err(D::Error::custom)
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
    fn a_count_is_a_whole_number_or_an_error() {
        let count = |text| serde_json::from_str::<Loose<Count>>(text).map(|count| count.0.map(|count| count.0));
        assert_eq!((count("7").unwrap(), count("7.0").unwrap(), count("null").unwrap()), (Some(7), Some(7), None));
        for bad in ["-1", "1.5", "\"7\"", "true", "{}", "[]", "1e300", "18446744073709551616"] {
            assert!(count(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn half_a_surrogate_pair_is_skipped_with_the_text_that_it_is_in() {
        assert_eq!(loose::<Vec<u64>>(r#""\ud83d""#).map(|list| list.len()), None);
        assert_eq!(loose::<Vec<u64>>(r#"[1,"\ud83d",{"\ud83d":"\ud83d"},2]"#), Some(vec![1, 2]));
        assert_eq!(loose::<String>(r#""\ud83d""#), None);
        assert_eq!(loose::<String>(r#""\ud83d\ude00""#).as_deref(), Some("\u{1f600}"));
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
    fn objects_are_those_of_a_list_whatever_else_is_in_it() {
        #[derive(Debug, Deserialize)]
        struct Numbered {
            n: Loose<u64>,
        }
        expect_objects!(Numbered);
        for other in ["1", "null", "\"text\"", "\"\\ud83d\"", "[[{\"n\":7}]]", "true"] {
            let found: Objects<Numbered> = loose(&format!(r#"[{{"n":1}},{other},{{"n":2,"text":"\ud83d"}}]"#)).unwrap();
            assert_eq!(found.0.iter().map(|found| found.n.0).collect::<Vec<_>>(), [Some(1), Some(2)], "{other}");
        }
        assert!(loose::<Objects<Numbered>>("\"text\"").is_none());
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
