//! What a mapping says of one field: where its value may be, and of what kind it is.

use std::borrow::Cow;

use ledger_core::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use super::line::Line;
use super::pointer::Pointer;
use crate::NAMESPACE;
use crate::loose::{Count, Expected, LoggedMillis, LoggedUsd, scalar};
use crate::words::{checked_name, name};

/// Most bytes of what identifies something; with the name of the source, which has up to 64, it is short enough for any key.
const MAX_IDENTITY_BYTES: usize = 128;

/// Largest count, a million million, and longest span of time in microseconds, a year. Statistics leave out calls that say
/// more of anything, so more must not be said.
pub(super) const MAX_COUNT: u64 = 1_000_000_000_000;
pub(super) const MAX_SPAN_MICROS: u64 = 366 * 24 * 3_600 * 1_000_000;

/// One thing, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a pointer such as \"/usage/input\", or a list of them")]
enum OneOrMore<T> {
    One(T),
    More(Vec<T>),
}

impl<T> From<OneOrMore<T>> for Vec<T> {
    fn from(written: OneOrMore<T>) -> Self {
        match written {
            OneOrMore::One(one) => vec![one],
            OneOrMore::More(more) => more,
        }
    }
}

/// Where a value is: in the first of these places that has one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "OneOrMore<Pointer>")]
pub(super) struct Places(pub(super) Vec<Pointer>);

impl From<OneOrMore<Pointer>> for Places {
    fn from(written: OneOrMore<Pointer>) -> Self {
        Self(written.into())
    }
}

impl Places {
    /// The places that have a value, with it; a text of nothing is none. Where a number is written as a text, it is that
    /// number.
    fn values<'l>(&self, line: &'l Line) -> impl Iterator<Item = (&Pointer, Cow<'l, str>)> {
        let values = self.0.iter().filter_map(|pointer| Some((pointer, unquoted(pointer.find(line)?))));
        values.filter(|(_, value)| !value.is_empty())
    }

    /// A number of something that counts.
    ///
    /// # Errors
    /// When it is none, or larger than any.
    pub(super) fn count(&self, line: &Line) -> Result<Option<u64>, String> {
        let Some((pointer, value)) = self.values(line).next() else { return Ok(None) };
        let count = Count::from_json(&value).map_err(|error| format!("{pointer}: {error}"))?;
        match count {
            Some(Count(count)) if count > MAX_COUNT => Err(format!("{pointer}: is more than {MAX_COUNT}")),
            count => Ok(count.map(|count| count.0)),
        }
    }

    /// A number, in the first place that has one that fits.
    pub(super) fn number<N: TryFrom<u64>>(&self, line: &Line) -> Option<N> {
        self.values(line).find_map(|(_, value)| N::try_from(Count::from_json(&value).ok()??.0).ok())
    }

    /// An amount of money from 0 up, in pico-USD; logged in USD.
    pub(super) fn usd(&self, line: &Line) -> Option<i64> {
        self.values(line).find_map(|(_, value)| Some(LoggedUsd::from_json(&value).ok()??.0))
    }

    /// What identifies something: a text or a number, all of them together. What is no name as a ledger takes it, because
    /// it is long or has control characters, is hashed.
    ///
    /// # Errors
    /// When one of them is missing.
    pub(super) fn identity(&self, line: &Line) -> Result<String, String> {
        let parts = self.0.iter().map(|pointer| {
            let part = pointer.find(line).and_then(scalar);
            part.filter(|part| !part.is_empty()).ok_or_else(|| format!("has no key: {pointer} is missing"))
        });
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        let identity = parts.join("\u{1f}");
        let is_plain =
            identity.len() <= MAX_IDENTITY_BYTES && !parts.iter().any(|part| part.chars().any(char::is_control));
        if is_plain {
            return Ok(identity);
        }
        // With their lengths, since a part may contain what stands between two.
        let measured: String = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
        Ok(Uuid::new_v5(&NAMESPACE, measured.as_bytes()).to_string())
    }
}

/// A text: from the first place that has one, or a word that is said of every line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "OneOrMore<String>")]
pub(super) struct Words(Vec<Word>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    At(Pointer),
    Always(String),
}

impl TryFrom<OneOrMore<String>> for Words {
    type Error = String;

    fn try_from(written: OneOrMore<String>) -> Result<Self, String> {
        let word = |text: String| match Pointer::parse(&text) {
            Some(pointer) => Ok(Word::At(pointer)),
            None if text.starts_with('/') => Err(format!("{text:?} is no pointer such as \"/usage/input\"")),
            None => checked_name("a word", Some(&text)).map(|_| Word::Always(text)),
        };
        Ok(Self(Vec::from(written).into_iter().map(word).collect::<Result<_, _>>()?))
    }
}

impl Words {
    /// A name as a ledger takes it: an id, a model, a tool; in the first place that has one.
    pub(super) fn name(&self, line: &Line) -> Option<String> {
        self.0.iter().find_map(|word| match word {
            Word::At(pointer) => name(pointer.find(line).and_then(scalar).as_deref()),
            Word::Always(text) => Some(text.clone()),
        })
    }

    /// A name that must not be taken for another one, or for none, because it is written badly: who pays, how it ended.
    ///
    /// # Errors
    /// When what stands in the first place that has a value is no name.
    pub(super) fn strict_name(&self, line: &Line) -> Result<Option<String>, String> {
        for word in &self.0 {
            let pointer = match word {
                Word::At(pointer) => pointer,
                Word::Always(text) => return Ok(Some(text.clone())),
            };
            match pointer.find(line).map(scalar) {
                None => {}
                Some(None) => return Err(format!("{pointer} is no name")),
                Some(Some(text)) if text.is_empty() => {}
                Some(Some(text)) => return checked_name(&pointer.to_string(), Some(&text)),
            }
        }
        Ok(None)
    }
}

/// Which number of these makes a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Unit {
    #[serde(rename = "s")]
    Seconds,
    #[serde(rename = "ms")]
    Millis,
    #[serde(rename = "us")]
    Micros,
    #[serde(rename = "ns")]
    Nanos,
}

impl Unit {
    /// A number of these in microseconds; fractions of one are cut off.
    fn micros(self, json: &str) -> Option<i64> {
        let whole: Option<i64> = json.parse().ok();
        match (self, whole) {
            (Self::Seconds, Some(whole)) => whole.checked_mul(1_000_000),
            (Self::Millis, Some(whole)) => whole.checked_mul(1_000),
            (Self::Micros, Some(whole)) => Some(whole),
            (Self::Nanos, Some(whole)) => Some(whole.div_euclid(1_000)),
            (unit, None) => {
                let number: f64 = json.parse().ok().filter(|number: &f64| number.is_finite())?;
                let factor = match unit {
                    Self::Seconds => 1e6,
                    Self::Millis => 1e3,
                    Self::Micros => 1.0,
                    Self::Nanos => 1e-3,
                };
                // Through text, because a cast would turn what does not fit into something that does.
                format!("{:.0}", (number * factor).trunc()).parse().ok()
            }
        }
    }
}

/// A time or a span of time, and in which unit it is when it is a number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "WrittenTime")]
pub(super) struct Time {
    places: Places,
    unit: Option<Unit>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a pointer such as \"/start\", a list of them, or { at = \"/start\", unit = \"s\" } with s, ms, us or ns"
)]
enum WrittenTime {
    Places(Places),
    InUnit(InUnit),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InUnit {
    at: Places,
    unit: Unit,
}

impl From<WrittenTime> for Time {
    fn from(written: WrittenTime) -> Self {
        match written {
            WrittenTime::Places(places) => Self { places, unit: None },
            WrittenTime::InUnit(InUnit { at, unit }) => Self { places: at, unit: Some(unit) },
        }
    }
}

impl Time {
    /// A point in time: a text of RFC 3339, or a number since 1970.
    pub(super) fn point(&self, line: &Line) -> Result<Option<Timestamp>, String> {
        let Some((pointer, value)) = self.places.values(line).next() else { return Ok(None) };
        if let Ok(time) = Timestamp::parse(&value) {
            return Ok(Some(time));
        }
        let Some(unit) = self.unit else {
            return Err(format!("{pointer}: is no time of RFC 3339; if it is a number, name its unit in the mapping"));
        };
        let micros = unit.micros(&value).and_then(|micros| Timestamp::from_micros(micros).ok());
        micros.map(Some).ok_or_else(|| format!("{pointer}: is neither a time of RFC 3339 nor a number"))
    }

    /// A span of time from 0 up to a year, in milliseconds unless another unit was named.
    pub(super) fn span(&self, line: &Line) -> Option<LoggedMillis> {
        let unit = self.unit.unwrap_or(Unit::Millis);
        let whole = |value: &str| u64::try_from(unit.micros(value)?).ok();
        let micros = |value: &str| whole(value).filter(|micros| *micros <= MAX_SPAN_MICROS);
        self.places.values(line).find_map(|(_, value)| micros(&value)).map(LoggedMillis)
    }
}

/// A number that is written as a text is that number.
fn unquoted(json: &str) -> Cow<'_, str> {
    let text = json.starts_with('"').then(|| serde_json::from_str::<String>(json).ok()).flatten();
    text.map_or(Cow::Borrowed(json), |text| Cow::Owned(text.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(json: &str) -> Line {
        serde_json::from_str(json).unwrap()
    }

    fn field<T: for<'de> Deserialize<'de>>(toml: &str) -> Result<T, String> {
        #[derive(Deserialize)]
        struct Table<T> {
            f: T,
        }
        toml::from_str::<Table<T>>(&format!("f = {toml}"))
            .map(|table| table.f)
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn times_are_texts_or_numbers_in_a_named_unit() {
        let point = |toml: &str, json: &str| field::<Time>(toml).unwrap().point(&line(&format!("{{\"t\":{json}}}")));
        let noon = Timestamp::parse("2026-01-01T12:00:00Z").unwrap();
        let text = "\"2026-01-01T14:00:00+02:00\"";
        for (toml, json) in [
            ("\"/t\"", text),
            ("[\"/nowhere\", \"/t\"]", text),
            ("{ at = \"/t\", unit = \"s\" }", text),
            ("{ at = \"/t\", unit = \"s\" }", "1767268800"),
            ("{ at = \"/t\", unit = \"s\" }", "1767268800.0"),
            ("{ at = \"/t\", unit = \"ms\" }", "1767268800000"),
            ("{ at = \"/t\", unit = \"us\" }", "\"1767268800000000\""),
            ("{ at = \"/t\", unit = \"ns\" }", "1767268800000000999"),
        ] {
            assert_eq!(point(toml, json), Ok(Some(noon)), "{toml} {json}");
        }
        let half = point("{ at = \"/t\", unit = \"s\" }", "1767268800.5").unwrap().unwrap();
        assert_eq!(half.micros_since(noon), 500_000);
        assert_eq!(point("\"/t\"", "null"), Ok(None));
        let unnamed = point("\"/t\"", "1767268800").unwrap_err();
        assert_eq!(unnamed, "/t: is no time of RFC 3339; if it is a number, name its unit in the mapping");
        assert!(point("{ at = \"/t\", unit = \"s\" }", "\"yesterday\"").is_err());
        assert!(point("{ at = \"/t\", unit = \"s\" }", "9e30").is_err());
    }

    #[test]
    fn spans_are_milliseconds_unless_another_unit_is_named() {
        let span = |toml: &str, json: &str| {
            field::<Time>(toml).unwrap().span(&line(&format!("{{\"t\":{json}}}"))).map(|span| span.0)
        };
        assert_eq!(span("\"/t\"", "1.5"), Some(1_500));
        assert_eq!(span("{ at = \"/t\", unit = \"s\" }", "1.5"), Some(1_500_000));
        assert_eq!(span("{ at = \"/t\", unit = \"ns\" }", "1999"), Some(1));
        assert_eq!((span("\"/t\"", "-1"), span("\"/t\"", "true"), span("\"/t\"", "\"\"")), (None, None, None));
        assert_eq!((span("\"/t\"", "31622400000"), span("\"/t\"", "31622400001")), (Some(31_622_400_000_000), None));
    }

    #[test]
    fn counts_and_amounts_may_be_written_as_texts_and_bad_ones_are_told() {
        let places = field::<Places>("[\"/a\", \"/b\"]").unwrap();
        assert_eq!(places.count(&line(r#"{"a":null,"b":"7"}"#)), Ok(Some(7)));
        assert_eq!(places.count(&line("{}")), Ok(None));
        let bad = places.count(&line(r#"{"a":"secret"}"#)).unwrap_err();
        assert_eq!(bad, "/a: a count is not a whole number from 0 up");
        assert_eq!(places.count(&line(r#"{"a":1000000000000}"#)), Ok(Some(1_000_000_000_000)));
        let more = places.count(&line(r#"{"a":1000000000001}"#)).unwrap_err();
        assert_eq!(more, "/a: is more than 1000000000000");
        assert_eq!(places.count(&line(r#"{"a":"","b":" "}"#)), Ok(None));
        assert_eq!(places.usd(&line(r#"{"a":"","b":"0.25"}"#)), Some(250_000_000_000));
        assert_eq!(places.usd(&line(r#"{"a":-1}"#)), None);
        assert_eq!(places.number::<u16>(&line(r#"{"a":"rate_limit_exceeded","b":429}"#)), Some(429));
        assert_eq!(places.number::<u16>(&line(r#"{"a":65536}"#)), None);
    }

    #[test]
    fn words_are_at_pointers_or_always_the_same() {
        let words = field::<Words>("[\"/model\", \"unknown-model\"]").unwrap();
        assert_eq!(words.name(&line(r#"{"model":"m"}"#)), Some("m".to_owned()));
        assert_eq!(words.name(&line(r#"{"model":{"no":"name"}}"#)), Some("unknown-model".to_owned()));
        assert_eq!(words.name(&line(r#"{"model":7}"#)), Some("7".to_owned()));
        let long = line(&format!("{{\"model\":\"{}\"}}", "x".repeat(300)));
        assert_eq!(words.name(&long), Some("unknown-model".to_owned()));
        assert!(words.strict_name(&long).is_err());
    }

    #[test]
    fn what_identifies_something_makes_a_key_whatever_it_is() {
        let places = field::<Places>("[\"/a\", \"/b\"]").unwrap();
        let identity =
            |a: &str, b: &str| places.identity(&line(&serde_json::json!({"a": a, "b": b}).to_string())).unwrap();
        assert_eq!(identity("x", "y"), "x\u{1f}y");
        let long = "x".repeat(300);
        let odd = [
            identity(&long, "y"),
            identity(&long, "z"),
            identity("x\n", "y"),
            identity("x", "y\u{1f}z"),
            identity("x\u{1f}y", "z"),
        ];
        for (n, one) in odd.iter().enumerate() {
            assert!(one.len() == 36 && !odd[n + 1..].contains(one), "{one}");
        }
        assert!(places.identity(&line(r#"{"a":"x"}"#)).unwrap_err().contains("/b is missing"));
    }

    #[test]
    fn a_field_that_is_written_otherwise_is_told() {
        assert_eq!(field::<Words>("\"/a~2\"").unwrap_err(), "\"/a~2\" is no pointer such as \"/usage/input\"");
        assert!(field::<Words>("[\"/a\", \"two\\nlines\"]").is_err());
        assert!(field::<Places>("\"id\"").unwrap_err().contains("expected a pointer such as"));
        assert!(field::<Time>("{ at = \"/t\", unit = \"min\" }").unwrap_err().contains("s, ms, us or ns"));
        assert!(field::<Time>("{ at = \"/t\", units = \"s\" }").is_err());
    }
}
