//! Attributes: those on the list, decoded; the others are stepped over.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::keys::{CACHE_SPLIT, Field, LOG_ERROR, field};
use super::list::List;
use crate::loose::{Expected, LoggedUsd, Loose, expect_objects, scalar};

/// Longest value that is decoded, in bytes of JSON; names and numbers are shorter.
const MAX_VALUE_BYTES: usize = 4096;
/// What stands for a message that is not read.
const PRESENT: &str = "true";

/// What attributes tell, each field by the best key that tells it.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    told: BTreeMap<Field, (usize, Value)>,
}

#[derive(Debug)]
enum Value {
    /// A text, or a number or a truth value as it is written in JSON.
    Scalar(String),
    Texts(Vec<String>),
    /// Tokens that were written to caches for five minutes, and for an hour.
    Split(u64, u64),
    /// Neither text nor number.
    Other,
}

impl Attributes {
    /// The text of a field.
    pub(super) fn text(&self, field: Field) -> Option<&str> {
        match self.told.get(&field) {
            Some((_, Value::Scalar(text))) => Some(text),
            _ => None,
        }
    }

    /// The texts of a field, or its one text.
    pub(super) fn texts(&self, field: Field) -> &[String] {
        match self.told.get(&field) {
            Some((_, Value::Scalar(text))) => std::slice::from_ref(text),
            Some((_, Value::Texts(texts))) => texts,
            _ => &[],
        }
    }

    pub(super) fn has(&self, field: Field) -> bool {
        self.told.contains_key(&field)
    }

    /// A count of something that is paid for.
    ///
    /// # Errors
    /// When what is there is no whole number: taking it for nothing would hide that something was used.
    pub(super) fn count(&self, field: Field) -> Result<Option<u64>, String> {
        if !self.has(field) {
            return Ok(None);
        }
        let bad = || "a count of tokens is not a whole number from 0 up".to_owned();
        self.whole(field).map(Some).ok_or_else(bad)
    }

    /// The whole number of a field.
    pub(super) fn whole(&self, field: Field) -> Option<u64> {
        u64::from_json(self.text(field)?.trim()).ok()?
    }

    /// The pico-USD of a field.
    pub(super) fn cost(&self, field: Field) -> Option<i64> {
        LoggedUsd::from_json(self.text(field)?.trim()).ok()?.map(|usd| usd.0)
    }

    /// The nanoseconds of a field that tells `unit` nanoseconds each.
    pub(super) fn nanos(&self, field: Field, unit: u32) -> Option<u64> {
        let number: f64 = self.text(field)?.trim().parse().ok()?;
        let nanos = number * f64::from(unit);
        // Through text: a cast would turn what does not fit into something that does.
        (nanos.is_finite() && nanos >= 0.0).then(|| format!("{nanos:.0}").parse().ok())?
    }

    /// Tokens that were written to caches for five minutes, and for an hour.
    pub(super) fn split(&self) -> Option<(u64, u64)> {
        match self.told.get(&Field::CacheSplit) {
            Some((_, Value::Split(minutes, hour))) => Some((*minutes, *hour)),
            _ => None,
        }
    }

    fn add(&mut self, pair: &Pair<'_>) {
        let Some(key) = pair.key.and_then(|key| key.get().strip_prefix('"')?.strip_suffix('"')) else { return };
        // Of any other key the value is not looked at.
        let Some((field, rank)) = field(key) else { return };
        let Some(value) = pair.value.and_then(|value| Value::of(key, value.get())) else { return };
        let known = self.told.get(&field).map(|(rank, _)| *rank);
        if known.is_none_or(|known| rank < known) {
            self.told.insert(field, (rank, value));
        }
    }
}

/// A list of pairs.
impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let List(pairs) = List::<Pair<'de>>::deserialize(deserializer)?;
        let mut attributes = Self::default();
        pairs.iter().for_each(|pair| attributes.add(pair));
        Ok(attributes)
    }
}

/// An attribute as it stands there, in whatever order; nothing of it is decoded yet.
#[derive(Deserialize)]
struct Pair<'a> {
    #[serde(borrow, default)]
    key: Option<&'a RawValue>,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
}

/// One of these.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AnyValue<'a> {
    #[serde(borrow, alias = "string_value")]
    string_value: Option<&'a RawValue>,
    #[serde(borrow, alias = "int_value")]
    int_value: Option<&'a RawValue>,
    #[serde(borrow, alias = "double_value")]
    double_value: Option<&'a RawValue>,
    #[serde(borrow, alias = "bool_value")]
    bool_value: Option<&'a RawValue>,
    #[serde(borrow, alias = "array_value")]
    array_value: Option<&'a RawValue>,
}

impl Value {
    /// What `json` says of `key`; nothing when it says nothing.
    fn of(key: &str, json: &str) -> Option<Self> {
        if !json.starts_with('{') {
            return None;
        }
        let any: AnyValue<'_> = serde_json::from_str(json).ok()?;
        if key == LOG_ERROR {
            return any.string_value.map(|_| Self::Scalar(PRESENT.to_owned()));
        }
        if key == CACHE_SPLIT {
            return any.string_value.and_then(|text| Self::split(text.get()));
        }
        let AnyValue { string_value, int_value, double_value, bool_value, array_value } = any;
        if let Some(array) = array_value {
            return Some(Self::texts(array.get()));
        }
        // Pairs and bytes are nothing that is looked for.
        let value = string_value.or(int_value).or(double_value).or(bool_value)?;
        let json = Some(value.get()).filter(|json| json.len() <= MAX_VALUE_BYTES);
        match json.and_then(scalar) {
            Some(text) if text.is_empty() => None,
            text => Some(text.map_or(Self::Other, Self::Scalar)),
        }
    }

    fn texts(json: &str) -> Self {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Array {
            values: Loose<Vec<Element>>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Element {
            #[serde(rename = "stringValue", alias = "string_value")]
            string_value: Loose<String>,
        }
        expect_objects!(Array, Element);
        let array = (json.len() <= MAX_VALUE_BYTES).then(|| Array::from_json(json).ok().flatten()).flatten();
        let elements = array.and_then(|array| array.values.0).unwrap_or_default();
        Self::Texts(elements.into_iter().filter_map(|element| element.string_value.0).collect())
    }

    /// The counters of cache writes in the JSON that is in a text. It is unpacked for that, and thrown away.
    fn split(json: &str) -> Option<Self> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Metadata {
            anthropic: Loose<Anthropic>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Anthropic {
            usage: Loose<Usage>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Usage {
            cache_creation: Loose<Split>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Split {
            ephemeral_5m_input_tokens: Loose<u64>,
            ephemeral_1h_input_tokens: Loose<u64>,
        }
        expect_objects!(Metadata, Anthropic, Usage, Split);
        let text: String = serde_json::from_str(json).ok()?;
        let metadata = Metadata::from_json(text.trim()).ok()??;
        let split = metadata.anthropic.0?.usage.0?.cache_creation.0?;
        let (minutes, hour) = (split.ephemeral_5m_input_tokens.0, split.ephemeral_1h_input_tokens.0);
        (minutes.is_some() || hour.is_some()).then(|| Self::Split(minutes.unwrap_or(0), hour.unwrap_or(0)))
    }
}
