//! What goes along with an event but is not what it says: causes, correlations, traces, free keys.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::limits::{MAX_METADATA_ENTRIES, MAX_METADATA_VALUE_BYTES, MAX_NAME_BYTES};
use crate::{EventId, Invalid};

const CORRELATION_ID: &str = "correlation_id";
const CAUSATION_ID: &str = "causation_id";
const TRACEPARENT: &str = "traceparent";

/// String keys and values, in the order of their keys.
///
/// Three keys have a meaning: `correlation_id` (what belongs together), `causation_id` (the id of the event that caused
/// this one) and `traceparent` (W3C Trace Context). At most [`MAX_METADATA_ENTRIES`] entries; keys of 1 to 128 bytes,
/// values of up to [`MAX_METADATA_VALUE_BYTES`] bytes, both without control characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Metadata(BTreeMap<Box<str>, Box<str>>);

impl Metadata {
    /// No entries.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// With `key` set to `value`.
    ///
    /// # Errors
    /// [`Invalid`] when key or value break the rules of [`Metadata`], or a key with a meaning gets a value without.
    pub fn with(mut self, key: &str, value: &str) -> Result<Self, Invalid> {
        check_entry(key, value)?;
        self.0.insert(key.into(), value.into());
        if self.0.len() > MAX_METADATA_ENTRIES {
            return Err(Invalid::new("metadata", format!("has more than {MAX_METADATA_ENTRIES} entries")));
        }
        Ok(self)
    }

    /// The value of `key`.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(AsRef::as_ref)
    }

    /// What belongs together.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.value(CORRELATION_ID)
    }

    /// The id of the event that caused this one.
    #[must_use]
    pub fn causation_id(&self) -> Option<EventId> {
        self.value(CAUSATION_ID).map(EventId::from_stored)
    }

    /// The W3C trace context.
    #[must_use]
    pub fn traceparent(&self) -> Option<&str> {
        self.value(TRACEPARENT)
    }

    /// All entries, in the order of their keys' bytes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value.as_ref()))
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As one JSON object with its keys in order: how SQL backends keep it.
    #[must_use]
    pub fn to_json(&self) -> String {
        // A map of strings always serialises.
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}

fn check_entry(key: &str, value: &str) -> Result<(), Invalid> {
    let refuse = |reason: String| Err(Invalid::new("metadata", reason));
    if key.is_empty() || key.len() > MAX_NAME_BYTES || key.chars().any(char::is_control) {
        return refuse(format!("key {key:?} is not 1 to {MAX_NAME_BYTES} bytes without control characters"));
    }
    if value.len() > MAX_METADATA_VALUE_BYTES {
        return refuse(format!("{key:?} has {} bytes; at most {MAX_METADATA_VALUE_BYTES} are allowed", value.len()));
    }
    if value.chars().any(char::is_control) {
        return refuse(format!("{key:?} contains a control character"));
    }
    match key {
        CAUSATION_ID => EventId::new(value).map(drop).or_else(|_| refuse(format!("{key:?} is not an event id"))),
        TRACEPARENT if !is_traceparent(value) => {
            refuse(format!("{key:?} is not a W3C trace context such as 00-<32 hex>-<16 hex>-01"))
        }
        _ => Ok(()),
    }
}

/// W3C Trace Context, level 1, section 3.2.2: `version-traceid-parentid-flags` in lower-case hex, ids not all zero.
fn is_traceparent(value: &str) -> bool {
    let hex = |part: &str, digits: usize| {
        part.len() == digits && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let set = |part: &str| part.bytes().any(|b| b != b'0');
    let parts: Vec<&str> = value.split('-').collect();
    match parts[..] {
        [version, trace, parent, flags] => {
            hex(version, 2)
                && version != "ff"
                && hex(trace, 32)
                && set(trace)
                && hex(parent, 16)
                && set(parent)
                && hex(flags, 2)
        }
        _ => false,
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = BTreeMap::<String, String>::deserialize(deserializer)?;
        entries
            .iter()
            .try_fold(Self::new(), |metadata, (key, value)| metadata.with(key, value))
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_with_a_meaning_are_checked() {
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let metadata = Metadata::new().with(TRACEPARENT, trace).unwrap().with(CAUSATION_ID, "e1").unwrap();
        assert_eq!(metadata.traceparent(), Some(trace));
        assert_eq!(metadata.causation_id().unwrap().as_str(), "e1");
        for bad in ["00-0-0-01", "", "00-00000000000000000000000000000000-b7ad6b7169203331-01"] {
            assert!(Metadata::new().with(TRACEPARENT, bad).is_err(), "{bad:?}");
        }
        assert!(Metadata::new().with(CAUSATION_ID, "").is_err());
    }

    #[test]
    fn entries_are_bounded() {
        assert!(Metadata::new().with("", "x").is_err());
        assert!(Metadata::new().with("k", "a\nb").is_err());
        assert!(Metadata::new().with("k", &"x".repeat(MAX_METADATA_VALUE_BYTES + 1)).is_err());
        let full = (0..MAX_METADATA_ENTRIES).try_fold(Metadata::new(), |m, i| m.with(&format!("k{i}"), "")).unwrap();
        assert!(full.with("one more", "").is_err());
    }

    #[test]
    fn json_has_its_keys_in_order() {
        let metadata = Metadata::new().with("b", "2").unwrap().with("a", "\"1\"").unwrap();
        assert_eq!(metadata.to_json(), r#"{"a":"\"1\"","b":"2"}"#);
        assert_eq!(serde_json::from_str::<Metadata>(&metadata.to_json()).unwrap(), metadata);
    }
}
