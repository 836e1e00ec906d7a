//! Turns of a session: from what the user says until the agent has no more to do.

use std::borrow::Cow;

use ledger_core::Timestamp;
use serde::{Deserialize, Serialize};

use crate::observations::within_session;
use crate::open_enum::open_enum;
use crate::{EventPayload, Millis, Observation};

/// `turn.started`. A repeat has the same `turn_key`; see [`Latest`](crate::Latest) for which one counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnStarted {
    /// What makes this turn this turn, wherever it is observed: the same in the session that it was of first, and in
    /// those that resumed that one. Observations with the same key count once. Without it, `session_id` and `turn_id`
    /// together are the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_key: Option<String>,
    /// The session.
    pub session_id: String,
    /// The turn, within its session.
    pub turn_id: String,
    /// When it started.
    pub started_at: Timestamp,
    /// Rises with every more complete observation of the same turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
}

impl EventPayload for TurnStarted {
    const KIND: &'static str = "turn.started";
}

impl Observation for TurnStarted {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(key(self.turn_key.as_deref(), &self.session_id, &self.turn_id))
    }

    fn revision(&self) -> Option<u64> {
        self.revision
    }
}

/// `turn.completed`. A repeat has the same `turn_key`; see [`Latest`](crate::Latest) for which one counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TurnCompleted {
    /// What makes this turn this turn, wherever it is observed: the same in the session that it was of first, and in
    /// those that resumed that one. Observations with the same key count once. Without it, `session_id` and `turn_id`
    /// together are the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_key: Option<String>,
    /// The session.
    pub session_id: String,
    /// The turn, within its session.
    pub turn_id: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended.
    pub completed_at: Timestamp,
    /// How it ended.
    pub status: TurnStatus,
    /// What kind of error ended it; never the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_class: Option<String>,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<Millis>,
    /// Rises with every more complete observation of the same turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
}

impl EventPayload for TurnCompleted {
    const KIND: &'static str = "turn.completed";
}

impl Observation for TurnCompleted {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(key(self.turn_key.as_deref(), &self.session_id, &self.turn_id))
    }

    fn revision(&self) -> Option<u64> {
        self.revision
    }
}

/// Which turn it is: its key, else its names.
fn key<'a>(turn_key: Option<&'a str>, session_id: &str, turn_id: &str) -> Cow<'a, str> {
    turn_key.map_or_else(|| within_session(&[session_id, turn_id]), Cow::Borrowed)
}

open_enum! {
    /// How a turn ended.
    TurnStatus {
        /// The agent said its last word.
        Completed = "completed",
        /// An error ended it.
        Failed = "failed",
        /// Somebody stopped it.
        Interrupted = "interrupted",
        /// A limit cut it off.
        Partial = "partial",
    }
}
