//! What is read of a line, and nothing else: names of spans, links, texts of statuses, bodies and messages are not here.

use serde::Deserialize;

use super::attributes::Attributes;
use super::list::List;
use crate::loose::{Expected, Loose, Object};

/// A line: what one export of traces, or of logs, has. Metrics count the same things again and are not read.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Line {
    #[serde(alias = "resource_spans")]
    pub(super) resource_spans: List<ResourceSpans>,
    #[serde(alias = "resource_logs")]
    pub(super) resource_logs: List<ResourceLogs>,
}

/// The spans of a program.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ResourceSpans {
    pub(super) resource: Object<Resource>,
    #[serde(alias = "scope_spans")]
    pub(super) scope_spans: List<ScopeSpans>,
    /// What they were called before version 0.15 of the protocol.
    #[serde(alias = "instrumentation_library_spans")]
    pub(super) instrumentation_library_spans: List<ScopeSpans>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ScopeSpans {
    #[serde(alias = "instrumentationLibrary", alias = "instrumentation_library")]
    pub(super) scope: Object<Scope>,
    pub(super) spans: List<Span>,
}

/// The log records of a program.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ResourceLogs {
    pub(super) resource: Object<Resource>,
    #[serde(alias = "scope_logs")]
    pub(super) scope_logs: List<ScopeLogs>,
    #[serde(alias = "instrumentation_library_logs")]
    pub(super) instrumentation_library_logs: List<ScopeLogs>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ScopeLogs {
    #[serde(alias = "instrumentationLibrary", alias = "instrumentation_library")]
    pub(super) scope: Object<Scope>,
    #[serde(alias = "log_records", alias = "logs")]
    pub(super) log_records: List<Record>,
}

/// The program.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Resource {
    pub(super) attributes: Attributes,
}

/// The library that observes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Scope {
    pub(super) name: Loose<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Span {
    #[serde(alias = "trace_id")]
    pub(super) trace_id: Loose<Id>,
    #[serde(alias = "span_id")]
    pub(super) span_id: Loose<Id>,
    #[serde(alias = "parent_span_id")]
    pub(super) parent_span_id: Loose<Id>,
    pub(super) kind: Loose<Kind>,
    #[serde(alias = "start_time_unix_nano")]
    pub(super) start_time_unix_nano: Loose<Nanos>,
    #[serde(alias = "end_time_unix_nano")]
    pub(super) end_time_unix_nano: Loose<Nanos>,
    pub(super) attributes: Attributes,
    pub(super) events: List<SpanEvent>,
    pub(super) status: Object<Status>,
}

/// Something that happened during a span.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct SpanEvent {
    pub(super) name: Loose<FirstToken>,
    #[serde(alias = "time_unix_nano")]
    pub(super) time_unix_nano: Loose<Nanos>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    pub(super) code: Loose<Code>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Record {
    #[serde(alias = "time_unix_nano")]
    pub(super) time_unix_nano: Loose<Nanos>,
    #[serde(alias = "observed_time_unix_nano")]
    pub(super) observed_time_unix_nano: Loose<Nanos>,
    #[serde(alias = "event_name")]
    pub(super) event_name: Loose<LogEvent>,
    pub(super) body: Object<Body>,
    pub(super) attributes: Attributes,
}

/// What a record says. It is content, unless it is the name of an event.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Body {
    #[serde(alias = "string_value")]
    pub(super) string_value: Loose<LogEvent>,
}

/// The id of a trace or a span, in hexadecimal digits; some exporters write it in base 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id(pub(super) u128);

impl Expected for Id {
    fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
        let digits = json.strip_prefix('"').and_then(|json| json.strip_suffix('"'));
        let id = digits.filter(|digits| digits.len() <= 64).and_then(|digits| {
            let is_hex = matches!(digits.len(), 16 | 32) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            if is_hex { u128::from_str_radix(digits, 16).ok() } else { from_base_64(digits) }
        });
        // The id of nothing.
        Ok(id.filter(|id| *id != 0).map(Self))
    }
}

/// The 8 or 16 bytes of an id.
fn from_base_64(text: &str) -> Option<u128> {
    let digits = text.trim_end_matches('=');
    if !matches!(digits.len(), 11 | 22) {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    // The last digit has bits to spare: two of 66, four of 132.
    let (last, digits) = digits.as_bytes().split_last()?;
    let spare = if digits.len() == 10 { 2 } else { 4 };
    let id = digits.iter().try_fold(0u128, |id, byte| Some((id << 6) | u128::from(digit(*byte)?)))?;
    Some((id << (6 - spare)) | u128::from(digit(*last)? >> spare))
}

/// Nanoseconds since 1970, a number or a text of digits; 0 says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nanos(pub(super) u64);

impl Expected for Nanos {
    fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
        let digits = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or(json);
        Ok(u64::from_json(digits.trim())?.filter(|nanos| *nanos > 0).map(Self))
    }
}

/// Which side of a call a span is of, as far as that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Client,
}

impl Expected for Kind {
    fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
        Ok(matches!(json, "3" | r#""SPAN_KIND_CLIENT""# | r#""CLIENT""# | r#""3""#).then_some(Self::Client))
    }
}

/// How a span ended, when somebody says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    Ok,
    Error,
}

impl Expected for Code {
    fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
        Ok(match json {
            "1" | r#""STATUS_CODE_OK""# | r#""OK""# | r#""Ok""# => Some(Self::Ok),
            "2" | r#""STATUS_CODE_ERROR""# | r#""ERROR""# | r#""Error""# => Some(Self::Error),
            _ => None,
        })
    }
}

/// That an event is the first token of an answer. No other name is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct FirstToken;

impl Expected for FirstToken {
    fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
        Ok((json == r#""gen_ai.first_token""#).then_some(Self))
    }
}

/// Which agent tells of what. No other text is read where one of these may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogEvent {
    ClaudeRequest,
    ClaudeError,
    ClaudeTool,
    CodexEvent,
    CodexRequest,
    CodexTool,
    GeminiResponse,
    GeminiError,
    GeminiTool,
}

impl LogEvent {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "claude_code.api_request" => Self::ClaudeRequest,
            "claude_code.api_error" => Self::ClaudeError,
            "claude_code.tool_result" => Self::ClaudeTool,
            "codex.sse_event" => Self::CodexEvent,
            "codex.api_request" => Self::CodexRequest,
            "codex.tool_result" => Self::CodexTool,
            "gemini_cli.api_response" => Self::GeminiResponse,
            "gemini_cli.api_error" => Self::GeminiError,
            "gemini_cli.tool_call" => Self::GeminiTool,
            _ => return None,
        })
    }
}

impl Expected for LogEvent {
    fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
        let name = json.strip_prefix('"').and_then(|json| json.strip_suffix('"'));
        Ok(name.and_then(Self::named))
    }
}
