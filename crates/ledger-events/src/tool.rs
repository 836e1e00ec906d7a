//! Calls of tools: name, time and outcome, never arguments or output.

use std::borrow::Cow;

use ledger_core::Timestamp;
use serde::{Deserialize, Serialize};

use crate::observations::within_session;
use crate::open_enum::open_enum;
use crate::{EventPayload, Millis, Observation};

/// `tool.started`. A repeat has the same `tool_key`; see [`Latest`](crate::Latest) for which one counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolStarted {
    /// What makes this call of a tool this one, wherever it is observed and in whichever session: the provider's id of
    /// it, where there is one. Observations with the same key count once. Without it, `session_id`, `turn_id` and
    /// `tool_call_id` together are the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_key: Option<String>,
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
    /// Rises with every more complete observation of the same call of the tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
}

impl EventPayload for ToolStarted {
    const KIND: &'static str = "tool.started";
}

impl Observation for ToolStarted {
    fn key(&self) -> Option<Cow<'_, str>> {
        let Self { tool_key, session_id, turn_id, tool_call_id, .. } = self;
        Some(key(tool_key.as_deref(), session_id, turn_id.as_deref(), tool_call_id))
    }

    fn revision(&self) -> Option<u64> {
        self.revision
    }
}

/// `tool.completed`. A repeat has the same `tool_key`; see [`Latest`](crate::Latest) for which one counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCompleted {
    /// What makes this call of a tool this one, wherever it is observed and in whichever session: the provider's id of
    /// it, where there is one. Observations with the same key count once. Without it, `session_id`, `turn_id` and
    /// `tool_call_id` together are the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_key: Option<String>,
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
    /// Rises with every more complete observation of the same call of the tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
}

impl EventPayload for ToolCompleted {
    const KIND: &'static str = "tool.completed";
}

impl Observation for ToolCompleted {
    fn key(&self) -> Option<Cow<'_, str>> {
        let Self { tool_key, session_id, turn_id, tool_call_id, .. } = self;
        Some(key(tool_key.as_deref(), session_id, turn_id.as_deref(), tool_call_id))
    }

    fn revision(&self) -> Option<u64> {
        self.revision
    }
}

/// Which call of a tool it is: its key, else its names.
fn key<'a>(tool_key: Option<&'a str>, session_id: &str, turn_id: Option<&str>, tool_call_id: &str) -> Cow<'a, str> {
    tool_key.map_or_else(|| within_session(&[session_id, turn_id.unwrap_or_default(), tool_call_id]), Cow::Borrowed)
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
