//! What is priced: one call of a model, and why one has no price.

use ledger_core::Timestamp;
use ledger_events::{LlmCall, Tokens};
use thiserror::Error;

/// All that the price of one call depends on.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The provider, as the call names it; empty when it is not known.
    pub provider: &'a str,
    /// The model, as the provider reports it; empty when it is not known.
    pub model: &'a str,
    /// When it started: its prices are those of then.
    pub at: Timestamp,
    /// The tokens, in disjoint buckets.
    pub tokens: &'a Tokens,
    /// Searches of the web.
    pub web_searches: u64,
    /// `batch`, `flex`, `priority`, ...; `None`, `standard`, `default`, `auto` and `on_demand` are what is usual.
    pub service_tier: Option<&'a str>,
    /// `fast`, ...; `None` and `standard` are what is usual.
    pub speed: Option<&'a str>,
    /// `us`, ...; `None`, `global` and `not_available` are what is usual.
    pub inference_geo: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// A usual call.
    #[must_use]
    pub const fn new(provider: &'a str, model: &'a str, at: Timestamp, tokens: &'a Tokens) -> Self {
        Self { provider, model, at, tokens, web_searches: 0, service_tier: None, speed: None, inference_geo: None }
    }

    /// What is paid for that is not usual.
    pub(crate) fn tier(&self) -> Option<&'a str> {
        unusual(self.service_tier, &["standard", "default", "auto", "on_demand"])
    }

    pub(crate) fn speed(&self) -> Option<&'a str> {
        unusual(self.speed, &["standard", "default"])
    }

    pub(crate) fn geo(&self) -> Option<&'a str> {
        unusual(self.inference_geo, &["global", "not_available"])
    }
}

fn unusual<'a>(word: Option<&'a str>, usual: &[&str]) -> Option<&'a str> {
    word.filter(|word| !word.is_empty() && !usual.contains(word))
}

impl<'a> From<&'a LlmCall> for Request<'a> {
    fn from(call: &'a LlmCall) -> Self {
        Self {
            provider: &call.provider,
            model: call.model.as_deref().unwrap_or_default(),
            at: call.started_at,
            tokens: &call.tokens,
            web_searches: call.web_searches.unwrap_or_default(),
            service_tier: call.service_tier.as_deref(),
            speed: call.speed.as_deref(),
            inference_geo: call.inference_geo.as_deref(),
        }
    }
}

/// Why nobody knows what a call costs. That is never 0.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Unpriced {
    /// The call does not name its model.
    #[error("the model is not known")]
    NoModel,
    /// No prices of this provider are known.
    #[error("there are no prices of the provider {provider:?}")]
    UnknownProvider {
        /// Which.
        provider: String,
    },
    /// No prices of this model are known.
    #[error("there are no prices of the model {model:?}")]
    UnknownModel {
        /// Which.
        model: String,
    },
    /// The call has units of a kind whose price is not known.
    #[error("the model has no price for {bucket}")]
    NoRate {
        /// Which: `input`, `cache_read`, `cache_write_5m`, `cache_write_1h`, `output`, `web_searches`.
        bucket: &'static str,
    },
    /// What this tier of service cost at that time is not known.
    #[error("the model has no price for the service tier {tier:?} at that time")]
    NoTier {
        /// Which.
        tier: String,
    },
    /// What this speed cost at that time is not known.
    #[error("the model has no price for the speed {speed:?} at that time")]
    NoSpeed {
        /// Which.
        speed: String,
    },
    /// What it costs to run the model there is not known.
    #[error("the model has no price for running in {geo:?}")]
    NoGeo {
        /// Where.
        geo: String,
    },
    /// It does not fit: a call costs at most 2^63 - 1 pico-USD, nine million dollars.
    #[error("it costs more than nine million dollars")]
    TooMuch,
    /// The prices that come with the program cannot be read, which a test excludes.
    #[error("the prices that come with the program cannot be read")]
    NoPrices,
}
