//! The tokens of one call, in buckets that do not overlap.

use ledger_core::Invalid;
use serde::{Deserialize, Deserializer, Serialize};

/// Most tokens of one bucket: 2^53, up to which every JSON reader keeps integers exact.
pub const MAX_TOKENS: u64 = 1 << 53;

/// The tokens of one call, in disjoint buckets: each token is counted once.
///
/// Providers disagree on whether "input" includes cached tokens; whoever makes this value converts, nobody who reads it
/// guesses. Buckets that are 0 may be left out, all but `input` and `output` are when written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tokens {
    /// Fresh input: neither read from a cache nor written to one.
    #[serde(deserialize_with = "count")]
    pub input: u64,
    /// Input that was read from a cache.
    #[serde(deserialize_with = "count", skip_serializing_if = "is_zero")]
    pub cache_read: u64,
    /// Input that was written to a cache for five minutes.
    #[serde(deserialize_with = "count", skip_serializing_if = "is_zero")]
    pub cache_write_5m: u64,
    /// Input that was written to a cache for an hour.
    #[serde(deserialize_with = "count", skip_serializing_if = "is_zero")]
    pub cache_write_1h: u64,
    /// Input that was written to a cache for another time, or one that is not known.
    #[serde(deserialize_with = "count", skip_serializing_if = "is_zero")]
    pub cache_write: u64,
    /// Output, reasoning included.
    #[serde(deserialize_with = "count")]
    pub output: u64,
    /// The part of the output that was reasoning; `None` when the provider does not say.
    #[serde(deserialize_with = "some_count", skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<u64>,
}

impl Tokens {
    /// All that was written to caches.
    #[must_use]
    pub const fn cache_write_total(&self) -> u64 {
        self.cache_write_5m.saturating_add(self.cache_write_1h).saturating_add(self.cache_write)
    }

    /// All input: fresh, read from caches, written to caches.
    #[must_use]
    pub const fn input_total(&self) -> u64 {
        self.input.saturating_add(self.cache_read).saturating_add(self.cache_write_total())
    }

    /// All input and all output.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.input_total().saturating_add(self.output)
    }

    /// Checks that every bucket is at most [`MAX_TOKENS`], and reasoning a part of the output.
    ///
    /// # Errors
    /// [`Invalid`] with the bucket that is not.
    pub fn check(&self) -> Result<(), Invalid> {
        // No `..`: a new bucket must be checked as well.
        let Self { input, cache_read, cache_write_5m, cache_write_1h, cache_write, output, reasoning } = *self;
        let buckets = [
            ("tokens.input", input),
            ("tokens.cache_read", cache_read),
            ("tokens.cache_write_5m", cache_write_5m),
            ("tokens.cache_write_1h", cache_write_1h),
            ("tokens.cache_write", cache_write),
            ("tokens.output", output),
        ];
        if let Some((bucket, tokens)) = buckets.into_iter().find(|(_, tokens)| *tokens > MAX_TOKENS) {
            return Err(Invalid::new(bucket, format!("is {tokens}; at most {MAX_TOKENS} (2^53) is allowed")));
        }
        match reasoning {
            Some(reasoning) if reasoning > output => Err(Invalid::new(
                "tokens.reasoning",
                format!("is {reasoning}, more than the {output} tokens of output that it is a part of"),
            )),
            _ => Ok(()),
        }
    }
}

const fn is_zero(tokens: &u64) -> bool {
    *tokens == 0
}

fn some_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    match Option::<u64>::deserialize(deserializer)? {
        Some(tokens) if tokens > MAX_TOKENS => {
            Err(serde::de::Error::custom(format_args!("{tokens} tokens; at most {MAX_TOKENS} (2^53) are allowed")))
        }
        tokens => Ok(tokens),
    }
}

fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    some_count(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_is_counted_once() {
        let text = r#"{"input":1,"cache_read":20,"cache_write_5m":300,"cache_write_1h":4000,"cache_write":50000,
                       "output":600000,"reasoning":500000}"#;
        let tokens: Tokens = serde_json::from_str(text).unwrap();
        assert_eq!(tokens.cache_write_total(), 54_300);
        assert_eq!(tokens.input_total(), 54_321);
        assert_eq!(tokens.total(), 654_321);
        tokens.check().unwrap();
    }

    #[test]
    fn what_is_missing_or_null_is_none_and_empty_buckets_are_not_written() {
        let tokens: Tokens = serde_json::from_str(r#"{"input":3,"cache_read":null,"unknown":9}"#).unwrap();
        assert_eq!(tokens, Tokens { input: 3, ..Tokens::default() });
        assert_eq!(serde_json::to_string(&tokens).unwrap(), r#"{"input":3,"output":0}"#);
    }

    #[test]
    fn only_whole_numbers_up_to_2_to_the_53_are_tokens() {
        assert!(serde_json::from_str::<Tokens>(r#"{"input":9007199254740992}"#).is_ok());
        for bad in ["9007199254740993", "-1", "1.5", "\"1\""] {
            assert!(serde_json::from_str::<Tokens>(&format!(r#"{{"input":{bad}}}"#)).is_err(), "{bad}");
        }
        assert!(Tokens { output: MAX_TOKENS + 1, ..Tokens::default() }.check().is_err());
        assert!(Tokens { output: 1, reasoning: Some(2), ..Tokens::default() }.check().is_err());
    }
}
