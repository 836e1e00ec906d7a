//! One logical call of a model.

use std::borrow::Cow;

use ledger_core::{Invalid, Timestamp};
use serde::{Deserialize, Serialize};

use crate::open_enum::open_enum;
use crate::{Cost, EventPayload, Millis, Observation, Tokens};

/// `llm.called`: one logical call of a model, written when it is over.
///
/// A repeat has the same `call_key`. Which of several observations of one call counts is said by [`Latest`](crate::Latest).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LlmCall {
    /// What makes this call this call, wherever it is observed: the provider's id of the answer, where there is one.
    /// Observations with the same key are of the same call and count once. Without a key, the event's id is the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_key: Option<String>,
    /// Less exact keys, under which somebody who knew less may have observed this call: the id of the answer where
    /// `call_key` also has the request, the agent whose sum it is a part of. What was observed under them does not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaces_keys: Vec<String>,
    /// Who pays; `local` for the logs of one machine.
    pub tenant_id: String,
    /// What the application was doing, such as `summarize`; an open set.
    pub operation: String,
    /// The invocation of the application that may fan out into several calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The turn, within its session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_id: Option<String>,
    /// The provider.
    pub provider: String,
    /// The model, as the provider reports it; may be unknown on failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The wall clock at the start; windows of time use it.
    pub started_at: Timestamp,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<Millis>,
    /// How long it took until the first token came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttft_ms: Option<Millis>,
    /// The tokens.
    #[serde(default)]
    pub tokens: Tokens,
    /// What it cost; absent when nobody said, and it is not priced yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// How it ended.
    pub status: CallStatus,
    /// What kind of error ended it; a class or code, never the message. See [`CallStatus`] for who has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_class: Option<String>,
    /// The status of the HTTP answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// Which attempt it was, from 1 up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The provider's tier of service, such as `standard` or `batch`; prices depend on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// The provider's speed, such as `fast`; prices depend on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<String>,
    /// Where the model ran, such as `us`; prices depend on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inference_geo: Option<String>,
    /// Searches of the web that the provider made for this call, and bills apart from tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_searches: Option<u64>,
    /// The importer's name; absent when the runtime itself recorded the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Rises with every larger or more complete observation of the same call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
}

impl LlmCall {
    /// A call of a `local` tenant that went well, of which nothing else is known.
    pub fn new(operation: impl Into<String>, provider: impl Into<String>, started_at: Timestamp) -> Self {
        Self {
            call_key: None,
            replaces_keys: Vec::new(),
            tenant_id: "local".into(),
            operation: operation.into(),
            call_id: None,
            session_id: None,
            turn_id: None,
            provider: provider.into(),
            model: None,
            started_at,
            duration_ms: None,
            ttft_ms: None,
            tokens: Tokens::default(),
            cost: None,
            status: CallStatus::Ok,
            error_class: None,
            http_status: None,
            attempt: None,
            service_tier: None,
            speed: None,
            inference_geo: None,
            web_searches: None,
            source: None,
            revision: None,
        }
    }

    /// Says that the call ended with `status`, and why: a class or code such as `overloaded`, never the message.
    pub fn fail(&mut self, status: CallStatus, error_class: impl Into<String>) {
        self.status = status;
        self.error_class = Some(error_class.into());
    }
}

impl EventPayload for LlmCall {
    const KIND: &'static str = "llm.called";

    fn check(&self) -> Result<(), Invalid> {
        self.tokens.check()?;
        self.cost.as_ref().map_or(Ok(()), Cost::check)?;
        match (&self.status, &self.error_class) {
            (CallStatus::Ok, Some(class)) => {
                Err(Invalid::new("error_class", format!("is {class:?} on a call that went well")))
            }
            (CallStatus::Error | CallStatus::Timeout | CallStatus::Limit, None) => {
                Err(Invalid::new("error_class", format!("is missing on a call with status {}", self.status)))
            }
            _ => Ok(()),
        }
    }
}

impl Observation for LlmCall {
    fn key(&self) -> Option<Cow<'_, str>> {
        self.call_key.as_deref().map(Cow::Borrowed)
    }

    fn revision(&self) -> Option<u64> {
        self.revision
    }

    fn replaces_keys(&self) -> &[String] {
        &self.replaces_keys
    }
}

open_enum! {
    /// How a call ended. `error`, `timeout` and `limit` always come with an error class, `ok` never does; `cancelled`,
    /// and words that this version does not know, may.
    CallStatus {
        /// It went well.
        Ok = "ok",
        /// The provider or the way to it failed.
        Error = "error",
        /// It took too long.
        Timeout = "timeout",
        /// A rate, quota or budget did not allow it.
        Limit = "limit",
        /// The caller gave up on it.
        Cancelled = "cancelled",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CostSource, MAX_TOKENS, event, read};
    use ledger_core::{Actor, Event, RunId};

    fn call() -> LlmCall {
        LlmCall::new("chat", "anthropic", Timestamp::parse("2026-01-01T00:00:00Z").unwrap())
    }

    fn append(call: &LlmCall) -> Result<Event, Invalid> {
        event(RunId::new("r").unwrap(), Actor::new("a").unwrap(), call)
    }

    #[test]
    fn errors_have_a_class_and_successes_have_none() {
        let classed = |status: CallStatus| LlmCall { status, error_class: Some("overloaded".into()), ..call() };
        let bare = |status: CallStatus| LlmCall { status, ..call() };
        assert!(append(&bare(CallStatus::Ok)).is_ok());
        assert!(append(&classed(CallStatus::Ok)).is_err());
        for status in [CallStatus::Error, CallStatus::Timeout, CallStatus::Limit] {
            assert!(append(&bare(status.clone())).is_err(), "{status}");
            assert!(append(&classed(status.clone())).is_ok(), "{status}");
        }
        for status in [CallStatus::Cancelled, CallStatus::Other("new".into())] {
            assert!(append(&bare(status.clone())).is_ok() && append(&classed(status)).is_ok());
        }
    }

    #[test]
    fn impossible_amounts_are_refused() {
        let too_many = Tokens { input: MAX_TOKENS + 1, ..Tokens::default() };
        assert!(append(&LlmCall { tokens: too_many, ..call() }).is_err());
        let cost = Cost { pico_usd: -1, source: CostSource::Provider, price_version: None };
        assert!(append(&LlmCall { cost: Some(cost), ..call() }).is_err());
    }

    #[test]
    fn only_what_is_known_is_written() {
        let event = append(&call()).unwrap();
        assert_eq!(
            event.payload.as_str(),
            r#"{"tenant_id":"local","operation":"chat","provider":"anthropic","started_at":"2026-01-01T00:00:00.000000Z","tokens":{"input":0,"output":0},"status":"ok"}"#
        );
        assert_eq!(read::<LlmCall>(&event), Some(Ok(call())));
    }

    #[test]
    fn what_a_later_version_writes_is_read() {
        let text = r#"{"tenant_id":"t","operation":"o","provider":"p","started_at":"2026-01-01T00:00:00Z","status":"paused",
                       "duration_ms":1.5,"tokens":{"input":1,"audio":2},"mood":"good","cost":null}"#;
        let call: LlmCall = serde_json::from_str(text).unwrap();
        assert_eq!(call.status.as_str(), "paused");
        assert_eq!(call.tokens.total(), 1);
    }
}
