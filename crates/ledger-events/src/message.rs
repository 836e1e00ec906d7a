//! What was said to a model and by it. Off unless a runtime asks for it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::EventPayload;
use crate::open_enum::open_enum;

/// `llm.message`: the one payload that carries content. A repeat has the same `call_key` and `sequence_number`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LlmMessage {
    /// The call that it belongs to: [`LlmCall::call_key`](crate::LlmCall::call_key).
    pub call_key: String,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Who said it.
    pub role: Role,
    /// What was said: a text, or the blocks of the provider.
    pub content: Value,
    /// Where it stands among the messages of the call.
    pub sequence_number: u64,
}

impl EventPayload for LlmMessage {
    const KIND: &'static str = "llm.message";
}

open_enum! {
    /// Who said something.
    Role {
        /// Whoever made the agent.
        System = "system",
        /// Whoever uses it.
        User = "user",
        /// The model.
        Assistant = "assistant",
        /// A tool that the model called.
        Tool = "tool",
    }
}
