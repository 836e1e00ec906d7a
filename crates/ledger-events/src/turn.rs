//! Turns of a session: from what the user says until the agent has no more to do.

use ledger_core::Timestamp;
use serde::{Deserialize, Serialize};

use crate::open_enum::open_enum;
use crate::{EventPayload, Millis};

/// `turn.started`. A repeat has the same `session_id` and `turn_id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnStarted {
    /// The session.
    pub session_id: String,
    /// The turn, within its session.
    pub turn_id: String,
    /// When it started.
    pub started_at: Timestamp,
}

impl EventPayload for TurnStarted {
    const KIND: &'static str = "turn.started";
}

/// `turn.completed`. A repeat has the same `session_id` and `turn_id`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TurnCompleted {
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
}

impl EventPayload for TurnCompleted {
    const KIND: &'static str = "turn.completed";
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
