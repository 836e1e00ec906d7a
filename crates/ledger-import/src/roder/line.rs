//! What is read of a line, and nothing else: messages, tool input and tool output are not here, nor the text of errors.

use ledger_core::Timestamp;
use serde::Deserialize;

use crate::loose::{Count, Loose, expect_objects};

expect_objects!(Event, Body, Model, Inference, Usage, Completed, Failed);

/// A line of `events.jsonl`, or all of `metadata.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Line {
    pub(super) event_id: Loose<String>,
    /// Counts the events of one process, from 1 up.
    pub(super) seq: Loose<u64>,
    pub(super) timestamp: Loose<Timestamp>,
    pub(super) thread_id: Loose<String>,
    pub(super) turn_id: Loose<String>,
    pub(super) event: Loose<Event>,
    // The rest is of `metadata.json`.
    pub(super) workspace: Loose<String>,
    pub(super) provider: Loose<String>,
    pub(super) model: Loose<String>,
    pub(super) parent_thread_id: Loose<String>,
    pub(super) created_at: Loose<Timestamp>,
    pub(super) updated_at: Loose<Timestamp>,
}

/// One of these.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Event {
    pub(super) thread_created: Loose<Body>,
    pub(super) turn_started: Loose<Body>,
    pub(super) turn_completed: Loose<Body>,
    pub(super) turn_failed: Loose<Body>,
    pub(super) turn_interrupted: Loose<Body>,
    pub(super) turn_deadline_exceeded: Loose<Body>,
    pub(super) inference_started: Loose<Body>,
    pub(super) inference_event_received: Loose<Body>,
    pub(super) tool_call_requested: Loose<Body>,
    pub(super) tool_call_started: Loose<Body>,
    pub(super) tool_call_completed: Loose<Body>,
    pub(super) subagent_started: Loose<Body>,
    pub(super) subagent_completed: Loose<Body>,
    pub(super) subagent_failed: Loose<Body>,
}

/// What any of the events says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Body {
    pub(super) thread_id: Loose<String>,
    pub(super) turn_id: Loose<String>,
    pub(super) timestamp: Loose<Timestamp>,
    pub(super) parent_thread_id: Loose<String>,
    pub(super) model: Loose<Model>,
    pub(super) event: Loose<Inference>,
    pub(super) usage: Loose<Usage>,
    pub(super) finish_reason: Loose<String>,
    pub(super) error_kind: Loose<String>,
    pub(super) tool_id: Loose<String>,
    pub(super) tool_name: Loose<String>,
    pub(super) is_error: Loose<bool>,
}

/// Who is asked.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Model {
    pub(super) provider: Loose<String>,
    pub(super) model: Loose<String>,
}

/// What a provider sends; one of these.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Inference {
    pub(super) usage: Loose<Usage>,
    pub(super) completed: Loose<Completed>,
    pub(super) failed: Loose<Failed>,
}

/// The tokens of an inference or of a turn; the cached ones are parts of the prompt.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Usage {
    pub(super) prompt_tokens: Loose<Count>,
    pub(super) completion_tokens: Loose<Count>,
    pub(super) cached_prompt_tokens: Loose<Count>,
    pub(super) cache_creation_prompt_tokens: Loose<Count>,
}

/// How an inference ended well.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Completed {
    pub(super) stop_reason: Loose<String>,
    pub(super) provider_response_id: Loose<String>,
}

/// That an inference failed; why is a message.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Failed {}
