//! What an event says: a JSON object, kept byte for byte.

use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::Invalid;
use crate::limits::{MAX_PAYLOAD_BYTES, MAX_PAYLOAD_DEPTH};

/// A JSON object on one line, kept byte for byte: never re-ordered, never through a float, duplicate keys and all.
///
/// Line breaks between tokens are refused, so that an event is one line in every export; white space around the object
/// is not part of it. At most [`MAX_PAYLOAD_BYTES`] long and [`MAX_PAYLOAD_DEPTH`] levels deep. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Payload(Arc<str>);

impl Payload {
    /// `{}`
    #[must_use]
    pub fn empty() -> Self {
        Self("{}".into())
    }

    /// The object that `text` holds.
    ///
    /// # Errors
    /// [`Invalid`] when `text` is not one JSON object, spans lines, is too long or too deep.
    pub fn from_json(text: impl AsRef<str>) -> Result<Self, Invalid> {
        let text = text.as_ref().trim_matches([' ', '\t', '\n', '\r']);
        check(text)?;
        Ok(Self(text.into()))
    }

    /// The object that `value` serialises to.
    ///
    /// # Errors
    /// [`Invalid`] when `value` does not serialise, or not to an object (a float that is NaN or infinite serialises to
    /// `null`: use `Option`), or is too large.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, Invalid> {
        let text = serde_json::to_string(value)
            .map_err(|error| Invalid::new("payload", format!("does not serialise: {error}")))?;
        Self::from_json(text)
    }

    /// A payload that was checked when it was stored; for backends that read rows back.
    #[must_use]
    pub fn from_stored(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text, as it came in.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The payload as a `T`.
    ///
    /// # Errors
    /// [`Invalid`] when the object does not have the shape of `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Invalid> {
        serde_json::from_str(&self.0).map_err(|error| Invalid::new("payload", error.to_string()))
    }
}

fn check(text: &str) -> Result<(), Invalid> {
    let refuse = |reason: String| Err(Invalid::new("payload", reason));
    if text.len() > MAX_PAYLOAD_BYTES {
        return refuse(format!("has {} bytes; at most {MAX_PAYLOAD_BYTES} are allowed", text.len()));
    }
    if !text.starts_with('{') {
        return refuse("is not a JSON object".into());
    }
    if text.contains(['\n', '\r']) {
        return refuse("spans several lines; write it on one".into());
    }
    let depth = depth(text);
    if depth > MAX_PAYLOAD_DEPTH {
        return refuse(format!("is nested {depth} levels deep; at most {MAX_PAYLOAD_DEPTH} are allowed"));
    }
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => Ok(()),
        Err(error) => refuse(format!("is not JSON: {error}")),
    }
}

/// Levels of nesting, by counting brackets outside strings.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut in_string = false;
    let mut escaped = false;
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

impl fmt::Debug for Payload {
    /// Only the size: payloads may hold what must not stand in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.0.len())
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        check(raw.get()).map_err(serde::de::Error::custom)?;
        Ok(Self(Box::<str>::from(raw).into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_kept() {
        let text = r#"{"z":1.0,  "a":1e400,"z":[0.1000,"\u00e9"]}"#;
        let payload = Payload::from_json(format!("  {text}\n")).unwrap();
        assert_eq!(payload.as_str(), text);
        assert_eq!(serde_json::to_string(&payload).unwrap(), text);
        assert_eq!(serde_json::from_str::<Payload>(text).unwrap(), payload);
    }

    #[test]
    fn what_is_not_one_object_on_one_line_is_refused() {
        for bad in
            ["", "[]", "null", "1", "\"x\"", "{", "{}{}", "{\"a\":NaN}", "{\"a\":\n1}", "{\"a\":\"\0\"}", "{'a':1}"]
        {
            assert!(Payload::from_json(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn depth_and_length_are_capped() {
        let nested = |levels: usize| format!("{}{}{}", "{\"a\":".repeat(levels - 1), "{}", "}".repeat(levels - 1));
        assert!(Payload::from_json(nested(MAX_PAYLOAD_DEPTH)).is_ok());
        assert!(Payload::from_json(nested(MAX_PAYLOAD_DEPTH + 1)).is_err());
        assert!(Payload::from_json(r#"{"a":"[[[[\"[[[["}"#).is_ok());
        assert!(Payload::from_json(format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_PAYLOAD_BYTES))).is_err());
    }

    #[test]
    fn debug_shows_no_content() {
        assert_eq!(format!("{:?}", Payload::from_json(r#"{"a":"secret"}"#).unwrap()), "Payload(14 bytes)");
    }
}
