//! Validated names: the same text is accepted or refused on every backend, before any statement runs.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Invalid, limits::MAX_NAME_BYTES};

/// The rule of every name but [`EventKind`]: 1 to 128 bytes of UTF-8 without control characters.
///
/// Names are compared byte by byte: `a`, `A` and `a ` are three names.
fn check_text(field: &'static str, text: &str) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(Invalid::new(field, "is empty"));
    }
    if text.len() > MAX_NAME_BYTES {
        return Err(Invalid::new(field, format!("has {} bytes; at most {MAX_NAME_BYTES} are allowed", text.len())));
    }
    if let Some(control) = text.chars().find(|c| c.is_control()) {
        return Err(Invalid::new(field, format!("contains the control character {}", control.escape_unicode())));
    }
    Ok(())
}

/// The rule of [`EventKind`], on top of [`check_text`]: two or more segments `[a-z][a-z0-9_]*`, joined by dots.
fn check_kind(field: &'static str, text: &str) -> Result<(), Invalid> {
    check_text(field, text)?;
    let segment_ok = |segment: &str| {
        segment.starts_with(|c: char| c.is_ascii_lowercase())
            && segment.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    if !text.contains('.') || !text.split('.').all(segment_ok) {
        return Err(Invalid::new(
            field,
            format!("{text:?} is not two or more dotted segments of the form [a-z][a-z0-9_]*, such as llm.called"),
        ));
    }
    Ok(())
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $field:literal, $check:ident) => {
        $(#[$doc])*
        ///
        /// Cheap to clone. 1 to 128 bytes of UTF-8 without control characters, compared byte by byte.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name `text`.
            ///
            /// # Errors
            /// [`Invalid`] when `text` breaks the rule of this name.
            pub fn new(text: impl AsRef<str>) -> Result<Self, Invalid> {
                let text = text.as_ref();
                $check($field, text)?;
                Ok(Self(text.into()))
            }

            /// A name that was checked when it was stored; for backends that read rows back.
            ///
            /// Whether the row is still what was stored is what its digest is for.
            #[must_use]
            pub fn from_stored(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = Invalid;

            fn try_from(text: &str) -> Result<Self, Invalid> {
                Self::new(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(std::borrow::Cow::<str>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

name! {
    /// What makes an event that event: the idempotency key of an append.
    EventId, "id", check_text
}
name! {
    /// The run that an event belongs to.
    RunId, "run_id", check_text
}
name! {
    /// What happened: two or more dotted segments `[a-z][a-z0-9_]*`, such as `llm.called`.
    EventKind, "kind", check_kind
}
name! {
    /// Who made it happen: an agent, a user, a component.
    Actor, "actor", check_text
}
name! {
    /// The session that an event belongs to, where there is one.
    SessionId, "session_id", check_text
}
name! {
    /// The route or profile that was asked for, such as `fast`.
    ModelProfile, "model_profile", check_text
}
name! {
    /// The concrete model that ran.
    ModelId, "model_id", check_text
}
name! {
    /// Who follows a ledger and keeps a [`Checkpoint`](crate::Checkpoint) in it.
    ConsumerName, "consumer", check_text
}

impl EventId {
    /// A fresh id that sorts by time (UUID version 7).
    #[must_use]
    pub fn random() -> Self {
        Self(uuid::Uuid::now_v7().to_string().into())
    }

    /// The id that `name` always has within `namespace` (UUID version 5): a repeat of the same fact is a repeat of the
    /// same id, on every machine.
    #[must_use]
    pub fn deterministic(namespace: &uuid::Uuid, name: &[u8]) -> Self {
        Self(uuid::Uuid::new_v5(namespace, name).to_string().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_dotted_lower_case_segments() {
        for good in ["run.started", "agent.spoke", "llm.called", "a.b.c", "tool_x.done_2"] {
            assert!(EventKind::new(good).is_ok(), "{good}");
        }
        for bad in
            ["nodot", "Bad.Kind", "bad kind", "trailing.", ".leading", "two..dots", "a.b\n", "a.1b", "a-b.c", "", "ä.b"]
        {
            assert!(EventKind::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_are_bounded_and_free_of_control_characters() {
        assert!(EventId::new("x".repeat(128)).is_ok());
        assert!(EventId::new("x".repeat(129)).is_err());
        assert!(EventId::new("ü".repeat(65)).is_err());
        for bad in ["", "a\0b", "a\nb", "\u{85}", "\u{7f}"] {
            assert!(Actor::new(bad).is_err(), "{bad:?}");
        }
        assert_ne!(EventId::new("a").unwrap(), EventId::new("A").unwrap());
        assert_ne!(EventId::new("a").unwrap(), EventId::new("a ").unwrap());
    }

    #[test]
    fn errors_name_the_field_and_the_reason() {
        let error = RunId::new("").unwrap_err();
        assert_eq!(error.to_string(), "run_id is empty");
    }
}
