//! What a mapping says of one field: where its value may be, and of what kind it is.

use std::borrow::Cow;

use ledger_core::Timestamp;
use serde::Deserialize;

use super::line::Line;
use super::pointer::Pointer;
use crate::loose::{Count, Expected, LoggedMillis, LoggedUsd, scalar};
use crate::words::checked_name;

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
    fn find<'l>(&self, line: &'l Line) -> Option<(&Pointer, &'l str)> {
        self.0.iter().find_map(|pointer| Some((pointer, pointer.find(line)?)))
    }

    /// The number of something.
    pub(super) fn count(&self, line: &Line) -> Result<Option<u64>, String> {
        let Some((pointer, json)) = self.find(line) else { return Ok(None) };
        let count = Count::from_json(&unquoted(json)).map_err(|error| format!("{pointer}: {error}"))?;
        Ok(count.map(|count| count.0))
    }

    /// An amount of money, in pico-USD; logged in USD.
    pub(super) fn usd(&self, line: &Line) -> Result<Option<i64>, String> {
        let Some((pointer, json)) = self.find(line) else { return Ok(None) };
        let usd = LoggedUsd::from_json(&unquoted(json)).ok().flatten();
        usd.map(|usd| Some(usd.0)).ok_or_else(|| format!("{pointer}: is no amount of USD from 0 up"))
    }

    /// What identifies something: a text or a number, all of them together.
    pub(super) fn identity(&self, line: &Line) -> Result<String, String> {
        let parts = self.0.iter().map(|pointer| {
            let part = pointer.find(line).and_then(scalar);
            part.filter(|part| !part.is_empty()).ok_or_else(|| format!("has no key: {pointer} is missing"))
        });
        Ok(parts.collect::<Result<Vec<_>, _>>()?.join("\u{1f}"))
    }
}

/// A text: from the first place that has one, or a word that is said of every line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "OneOrMore<String>")]
pub(super) struct Words(Vec<Word>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    At(Pointer),
    Always(String),
}

impl From<OneOrMore<String>> for Words {
    fn from(written: OneOrMore<String>) -> Self {
        let word = |text: String| Pointer::parse(&text).map_or(Word::Always(text), Word::At);
        Self(Vec::from(written).into_iter().map(word).collect())
    }
}

impl Words {
    /// A name as a ledger takes it: an id, a model, a tool.
    pub(super) fn name(&self, line: &Line) -> Result<Option<String>, String> {
        let found = self.0.iter().find_map(|word| match word {
            Word::At(pointer) => {
                Some((pointer.to_string(), scalar(pointer.find(line)?).filter(|text| !text.is_empty())?))
            }
            Word::Always(text) => Some((text.clone(), text.clone())),
        });
        let Some((place, text)) = found else { return Ok(None) };
        checked_name(&place, Some(&text))
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
        let Some((pointer, json)) = self.places.find(line) else { return Ok(None) };
        if let Ok(Some(time)) = Timestamp::from_json(json) {
            return Ok(Some(time));
        }
        let Some(unit) = self.unit else {
            return Err(format!("{pointer}: is no time of RFC 3339; if it is a number, name its unit in the mapping"));
        };
        let micros = unit.micros(&unquoted(json)).and_then(|micros| Timestamp::from_micros(micros).ok());
        micros.map(Some).ok_or_else(|| format!("{pointer}: is neither a time of RFC 3339 nor a number"))
    }

    /// A span of time, in milliseconds unless another unit was named.
    pub(super) fn span(&self, line: &Line) -> Result<Option<LoggedMillis>, String> {
        let Some((pointer, json)) = self.places.find(line) else { return Ok(None) };
        let micros = self.unit.unwrap_or(Unit::Millis).micros(&unquoted(json));
        let micros = micros.and_then(|micros| u64::try_from(micros).ok());
        micros
            .map(|micros| Some(LoggedMillis(micros)))
            .ok_or_else(|| format!("{pointer}: is no span of time from 0 up"))
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
            field::<Time>(toml).unwrap().span(&line(&format!("{{\"t\":{json}}}"))).map(|span| span.map(|span| span.0))
        };
        assert_eq!(span("\"/t\"", "1.5"), Ok(Some(1_500)));
        assert_eq!(span("{ at = \"/t\", unit = \"s\" }", "1.5"), Ok(Some(1_500_000)));
        assert_eq!(span("{ at = \"/t\", unit = \"ns\" }", "1999"), Ok(Some(1)));
        assert!(span("\"/t\"", "-1").is_err() && span("\"/t\"", "true").is_err());
    }

    #[test]
    fn counts_and_amounts_may_be_written_as_texts_and_bad_ones_are_told() {
        let places = field::<Places>("[\"/a\", \"/b\"]").unwrap();
        assert_eq!(places.count(&line(r#"{"a":null,"b":"7"}"#)), Ok(Some(7)));
        assert_eq!(places.count(&line("{}")), Ok(None));
        let bad = places.count(&line(r#"{"a":"secret"}"#)).unwrap_err();
        assert_eq!(bad, "/a: a count is not a whole number from 0 up");
        assert_eq!(places.usd(&line(r#"{"a":"0.25"}"#)), Ok(Some(250_000_000_000)));
        assert!(places.usd(&line(r#"{"a":-1}"#)).is_err());
    }

    #[test]
    fn words_are_at_pointers_or_always_the_same() {
        let words = field::<Words>("[\"/model\", \"unknown-model\"]").unwrap();
        assert_eq!(words.name(&line(r#"{"model":"m"}"#)), Ok(Some("m".to_owned())));
        assert_eq!(words.name(&line(r#"{"model":{"no":"name"}}"#)), Ok(Some("unknown-model".to_owned())));
        assert_eq!(words.name(&line(r#"{"model":7}"#)), Ok(Some("7".to_owned())));
        assert!(words.name(&line(&format!("{{\"model\":\"{}\"}}", "x".repeat(300)))).is_err());
    }

    #[test]
    fn a_field_that_is_written_otherwise_is_told() {
        assert!(field::<Places>("\"id\"").unwrap_err().contains("expected a pointer such as"));
        assert!(field::<Time>("{ at = \"/t\", unit = \"min\" }").unwrap_err().contains("s, ms, us or ns"));
        assert!(field::<Time>("{ at = \"/t\", units = \"s\" }").is_err());
    }
}
