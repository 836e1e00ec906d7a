//! Sets of words that may grow: a word that this version does not know is kept, not refused.

macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
            /// A word that this version does not know.
            Other(String),
        }

        impl $name {
            /// The word.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $($text => Self::$variant,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = std::borrow::Cow::<str>::deserialize(deserializer)?;
                Ok(Self::from(word.as_ref()))
            }
        }
    };
}

pub(crate) use open_enum;

#[cfg(test)]
mod tests {
    use crate::{CallStatus, TurnStatus};

    #[test]
    fn unknown_words_survive_a_round_trip() {
        let status: CallStatus = serde_json::from_str(r#""throttled""#).unwrap();
        assert_eq!(status, CallStatus::Other("throttled".into()));
        assert_eq!(serde_json::to_string(&status).unwrap(), r#""throttled""#);
    }

    #[test]
    fn known_words_are_variants() {
        assert_eq!(serde_json::from_str::<TurnStatus>(r#""interrupted""#).unwrap(), TurnStatus::Interrupted);
        assert_eq!(TurnStatus::Partial.to_string(), "partial");
        assert!(serde_json::from_str::<TurnStatus>("3").is_err());
    }
}
