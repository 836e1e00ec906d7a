//! What an event's content is, in 32 bytes.
//!
//! `digest.md` beside this crate gives the canonical encoding byte by byte; [`Digest::of_fields`] is that table in code.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::{Event, Invalid, Metadata, Timestamp};

const DOMAIN: &[u8; 20] = b"agent-ledger/event/1";

/// SHA-256 over the canonical encoding of an event: of the whole envelope, and of nothing that a store adds (`offset`,
/// `recorded_at`), so that it survives snapshots, restores and copies. Text is 64 lower-case hexadecimal digits.
#[doc = concat!("\n", include_str!("../digest.md"))]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// The fields of an event, borrowed from wherever they are: an [`Event`], or a row of a store.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the fields of `Event`, under the same names")]
pub struct EventFields<'a> {
    pub id: &'a str,
    pub run_id: &'a str,
    pub turn: u32,
    pub kind: &'a str,
    pub actor: &'a str,
    pub payload: &'a str,
    pub created_at: Timestamp,
    pub schema_version: u32,
    pub session_id: Option<&'a str>,
    pub model_profile: Option<&'a str>,
    pub model_id: Option<&'a str>,
    pub metadata: &'a Metadata,
}

impl<'a> From<&'a Event> for EventFields<'a> {
    fn from(event: &'a Event) -> Self {
        Self {
            id: event.id.as_str(),
            run_id: event.run_id.as_str(),
            turn: event.turn,
            kind: event.kind.as_str(),
            actor: event.actor.as_str(),
            payload: event.payload.as_str(),
            created_at: event.created_at,
            schema_version: event.schema_version.get(),
            session_id: event.session_id.as_ref().map(AsRef::as_ref),
            model_profile: event.model_profile.as_ref().map(AsRef::as_ref),
            model_id: event.model_id.as_ref().map(AsRef::as_ref),
            metadata: &event.metadata,
        }
    }
}

impl Digest {
    /// The digest of `event`.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        Self::of_fields(event.into())
    }

    /// The digest that `event` would have had it been created at `created_at`: a repeat of an event is the same
    /// event although it was made again.
    #[must_use]
    pub fn with_created_at(event: &Event, created_at: Timestamp) -> Self {
        Self::of_fields(EventFields { created_at, ..event.into() })
    }

    /// The digest of the event that has these fields.
    #[must_use]
    pub fn of_fields(fields: EventFields<'_>) -> Self {
        // No `..`: a new field of the envelope must find its place here.
        let EventFields {
            id,
            run_id,
            turn,
            kind,
            actor,
            payload,
            created_at,
            schema_version,
            session_id,
            model_profile,
            model_id,
            metadata,
        } = fields;
        let mut encoding = Encoding(Vec::with_capacity(payload.len() + USUAL_ENVELOPE_BYTES));
        encoding.bytes(DOMAIN);
        encoding.text(id);
        encoding.text(run_id);
        encoding.bytes(&turn.to_be_bytes());
        encoding.text(kind);
        encoding.text(actor);
        encoding.text(payload);
        encoding.bytes(&created_at.as_micros().to_be_bytes());
        encoding.bytes(&schema_version.to_be_bytes());
        encoding.option(session_id);
        encoding.option(model_profile);
        encoding.option(model_id);
        encoding.length(metadata.iter().len());
        for (key, value) in metadata.iter() {
            encoding.text(key);
            encoding.text(value);
        }
        Self(Sha256::digest(&encoding.0).into())
    }

    /// A digest that was stored.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Room for everything but the payload, without growing: hashing one buffer measures faster than hashing its parts.
const USUAL_ENVELOPE_BYTES: usize = 512;

struct Encoding(Vec<u8>);

impl Encoding {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Lengths are capped far below 4 GiB by the types of the fields.
    fn length(&mut self, length: usize) {
        self.bytes(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        self.length(text.len());
        self.bytes(text.as_bytes());
    }

    fn option(&mut self, text: Option<&str>) {
        match text {
            None => self.bytes(&[0]),
            Some(text) => {
                self.bytes(&[1]);
                self.text(text);
            }
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Digest {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("digest", "is not 64 lower-case hexadecimal digits");
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(invalid()),
        };
        let digits: &[u8; 64] = text.as_bytes().try_into().map_err(|_| invalid())?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Computed by an independent implementation: digest_vectors.py.
    const VECTORS: [(&str, &str); 3] = [
        (
            r#"{"id":"e-1","run_id":"run","turn":0,"kind":"run.started","actor":"cli","payload":{},"created_at":"1970-01-01T00:00:00Z"}"#,
            "49812d83c3f9b64d9a18482173f61fe041bacc6f8b4b8a3fa41a0146ab625058",
        ),
        (
            r#"{"id":"e-2","run_id":"run","turn":4294967295,"kind":"llm.called","actor":"änn","payload":{"z":1.0, "a":"é","z":2},"created_at":"2026-01-31T12:00:00.123456+05:30","schema_version":2,"session_id":"s","model_profile":"fast","model_id":"m-1","metadata":{"b":"2","a":"1"}}"#,
            "e8154235c7d19645088c6c892e3f2ae0d6b3577f53dea859debbb2faee792a68",
        ),
        (
            r#"{"id":"e-3","run_id":"r","turn":1,"kind":"a.b","actor":"x","payload":{"n":-0.0},"created_at":"0001-01-01T00:00:00Z","model_id":"m"}"#,
            "5a627d2025cb798b772a4aa84746c397d179d2d9c017be103ed273869f83a83b",
        ),
    ];

    #[test]
    fn the_encoding_is_pinned_by_vectors() {
        for (line, digest) in VECTORS {
            let event: Event = serde_json::from_str(line).unwrap();
            assert_eq!(Digest::of(&event).to_string(), digest, "{line}");
        }
    }

    #[test]
    fn every_field_counts() {
        let (line, _) = VECTORS[1];
        let event: Event = serde_json::from_str(line).unwrap();
        let original = Digest::of(&event);
        for (from, to) in [
            ("e-2", "e-3"),
            ("\"run\"", "\"nur\""),
            ("4294967295", "4294967294"),
            ("llm.called", "llm.calleD".to_lowercase().as_str()),
            ("änn", "ann"),
            ("1.0,", "1,"),
            ("123456", "123457"),
            ("\"schema_version\":2", "\"schema_version\":3"),
            ("\"s\"", "\"t\""),
            ("fast", "slow"),
            ("m-1", "m-2"),
            ("\"a\":\"1\"", "\"a\":\"3\""),
            (",\"session_id\":\"s\"", ""),
        ] {
            let changed = line.replacen(from, to, 1);
            let changed: Event = serde_json::from_str(&changed).unwrap();
            assert_eq!(changed == event, Digest::of(&changed) == original, "{from} -> {to}");
        }
    }

    #[test]
    fn text_round_trips() {
        let digest = Digest::from_bytes(std::array::from_fn(|i| u8::try_from(i * 8).unwrap()));
        assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        for bad in ["", "00", &"g".repeat(64), &"A".repeat(64), &"0".repeat(63)] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }
}
