//! What is read of a line, and nothing else: fields that are not here are skipped by the parser.
//!
//! Prompts, answers, tool inputs and tool outputs are not here.

use ledger_core::Timestamp;
use serde::Deserialize;

use crate::loose::{Count, Expected, LoggedMillis, LoggedUsd, Loose, Object, Objects, expect_objects};

expect_objects!(Fork, Progress, AgentLine, Block, Usage, CacheCreation, ServerTools, ErrorObject);

/// A line of a transcript.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Line {
    pub(super) r#type: Loose<String>,
    pub(super) subtype: Loose<String>,
    pub(super) uuid: Loose<String>,
    pub(super) parent_uuid: Loose<String>,
    /// Where the conversation went on from, when a compaction cut `parent_uuid`.
    pub(super) logical_parent_uuid: Loose<String>,
    pub(super) timestamp: Loose<Timestamp>,
    pub(super) session_id: Loose<String>,
    /// Where a fork copied the line from.
    pub(super) forked_from: Loose<Fork>,
    pub(super) agent_id: Loose<String>,
    pub(super) is_sidechain: Loose<bool>,
    pub(super) is_meta: Loose<bool>,
    pub(super) is_compact_summary: Loose<bool>,
    pub(super) prompt_id: Loose<String>,
    pub(super) request_id: Loose<String>,
    pub(super) version: Loose<String>,
    pub(super) cwd: Loose<String>,
    pub(super) is_api_error_message: Loose<bool>,
    pub(super) error: Loose<ApiError>,
    pub(super) api_error_status: Loose<u64>,
    /// How often the agent had tried, when it tells of an error.
    pub(super) retry_attempt: Loose<u64>,
    pub(super) duration_ms: Loose<LoggedMillis>,
    #[serde(rename = "costUSD")]
    pub(super) cost_usd: Loose<LoggedUsd>,
    pub(super) message: Object<Message>,
    pub(super) tool_use_result: Loose<ToolUseResult>,
    /// The line that asked for the tool.
    #[serde(rename = "sourceToolAssistantUUID")]
    pub(super) source_tool: Loose<String>,
    pub(super) data: Loose<Progress>,
}

/// Where a fork copied a line from.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Fork {
    pub(super) session_id: Loose<String>,
}

/// What a `progress` line reports; of interest when it repeats a line of a subagent.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Progress {
    pub(super) agent_id: Loose<String>,
    pub(super) message: Loose<AgentLine>,
}

/// A line of a subagent, repeated in a `progress` line.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct AgentLine {
    pub(super) r#type: Loose<String>,
    pub(super) uuid: Loose<String>,
    pub(super) timestamp: Loose<Timestamp>,
    pub(super) request_id: Loose<String>,
    pub(super) is_api_error_message: Loose<bool>,
    pub(super) message: Object<Message>,
}

/// What was said, without what was said: who answered, how it ended, what it took.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Message {
    pub(super) id: Loose<String>,
    pub(super) model: Loose<String>,
    pub(super) stop_reason: Loose<String>,
    pub(super) usage: Loose<Usage>,
    /// `None` when the content is a text.
    pub(super) content: Loose<Objects<Block>>,
}

/// A block of content, without the content.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Block {
    pub(super) r#type: Loose<String>,
    pub(super) id: Loose<String>,
    pub(super) name: Loose<String>,
    pub(super) tool_use_id: Loose<String>,
    pub(super) is_error: Loose<bool>,
}

/// The provider's account of a call. `input_tokens` excludes whatever has to do with caches.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Usage {
    pub(super) input_tokens: Loose<Count>,
    pub(super) cache_creation_input_tokens: Loose<Count>,
    pub(super) cache_read_input_tokens: Loose<Count>,
    pub(super) cache_creation: Loose<CacheCreation>,
    pub(super) output_tokens: Loose<Count>,
    pub(super) server_tool_use: Loose<ServerTools>,
    pub(super) service_tier: Loose<String>,
    pub(super) speed: Loose<String>,
    pub(super) inference_geo: Loose<String>,
}

/// Tokens written to caches, by how long they are kept.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CacheCreation {
    pub(super) ephemeral_5m_input_tokens: Loose<Count>,
    pub(super) ephemeral_1h_input_tokens: Loose<Count>,
}

/// What the provider did besides answering.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ServerTools {
    pub(super) web_search_requests: Loose<Count>,
}

/// How long a tool took, without what it gave.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ToolUseResult {
    pub(super) duration_ms: Loose<LoggedMillis>,
    pub(super) total_duration_ms: Loose<LoggedMillis>,
}

/// Why a call failed, without the message: a class in newer versions, an object with a status in others.
#[derive(Debug, Default)]
pub(super) struct ApiError {
    pub(super) class: Option<String>,
    pub(super) status: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorObject {
    status: Loose<u64>,
}

/// Tools give objects of any shape; one that is none of these says nothing, and must not cost its line.
impl Expected for ToolUseResult {
    fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
        Ok(json.starts_with('{').then(|| serde_json::from_str(json).unwrap_or_default()))
    }
}

impl Expected for ApiError {
    fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
        // A class has nothing to decode; what needs decoding is a message, and is not looked at.
        if let Some(text) = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            return Ok(Some(Self { class: is_class(text).then(|| text.to_owned()), status: None }));
        }
        let object = ErrorObject::from_json(json)?;
        Ok(object.map(|object| Self { class: None, status: object.status.0 }))
    }
}

/// Whether a text is a class such as `rate_limit`, and cannot be a message.
fn is_class(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

impl Line {
    pub(super) fn is(&self, r#type: &str) -> bool {
        self.r#type.as_deref() == Some(r#type)
    }
}

impl Message {
    /// The blocks of one type.
    pub(super) fn blocks<'a>(&'a self, r#type: &'a str) -> impl Iterator<Item = &'a Block> {
        self.content
            .as_ref()
            .into_iter()
            .flat_map(|blocks| &blocks.0)
            .filter(move |block| block.r#type.as_deref() == Some(r#type))
    }
}
