//! Calls of tools: name, time and outcome, never arguments or output.

use ledger_core::Timestamp;
use serde::{Deserialize, Serialize};

use crate::open_enum::open_enum;
use crate::{EventPayload, Millis};

/// `tool.started`. A repeat has the same `session_id`, `turn_id` and `tool_call_id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolStarted {
    /// The session.
    pub session_id: String,
    /// The turn, within its session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_id: Option<String>,
    /// The call, within its turn.
    pub tool_call_id: String,
    /// The tool.
    pub tool_name: String,
    /// When it started.
    pub started_at: Timestamp,
}

impl EventPayload for ToolStarted {
    const KIND: &'static str = "tool.started";
}

/// `tool.completed`. A repeat has the same `session_id`, `turn_id` and `tool_call_id`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCompleted {
    /// The session.
    pub session_id: String,
    /// The turn, within its session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_id: Option<String>,
    /// The call, within its turn.
    pub tool_call_id: String,
    /// The tool.
    pub tool_name: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended.
    pub completed_at: Timestamp,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<Millis>,
    /// How it ended.
    pub status: ToolStatus,
    /// What kind of error ended it; never the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_class: Option<String>,
}

impl EventPayload for ToolCompleted {
    const KIND: &'static str = "tool.completed";
}

open_enum! {
    /// How a call of a tool ended.
    ToolStatus {
        /// It did what it was asked to.
        Success = "success",
        /// It did not.
        Error = "error",
    }
}
