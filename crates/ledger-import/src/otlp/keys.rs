//! The attributes that are read, and no others: names of fields, each with the keys under which emitters tell of it, the
//! first hit counts. Messages, instructions, arguments, results and texts of errors are not here.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What an attribute tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Field {
    // Of resources.
    Tenant,
    Service,
    Version,
    // Of spans.
    Operation,
    OpenInferenceKind,
    TraceloopKind,
    RequestType,
    AiOperation,
    Response,
    Request,
    Session,
    Provider,
    Model,
    Input,
    Output,
    CacheRead,
    CacheWrite,
    CacheSplit,
    InputDetails,
    Reasoning,
    Cost,
    FirstChunkSeconds,
    FirstChunkMillis,
    ErrorType,
    HttpStatus,
    Tier,
    Finish,
    Tool,
    ToolCall,
    // Of log records of agents.
    EventName,
    EventKind,
    EventTime,
    EventSequence,
    Prompt,
    LogModel,
    LogInput,
    LogOutput,
    LogCacheRead,
    LogCacheWrite,
    LogReasoning,
    LogToolInput,
    LogTotal,
    LogCost,
    LogDuration,
    LogStatus,
    LogErrorType,
    LogError,
    LogSuccess,
    LogAttempt,
    LogTool,
    LogToolCall,
    LogRequest,
    LogSpeed,
    LogQuerySource,
    LogFinish,
}

use Field::*;

/// The keys of each field, the best one first.
const KEYS: &[(Field, &[&str])] = &[
    (Tenant, &["tenant.id"]),
    (Service, &["service.name"]),
    (Version, &["app.version", "service.version"]),
    (Operation, &["gen_ai.operation.name"]),
    (OpenInferenceKind, &["openinference.span.kind"]),
    (TraceloopKind, &["traceloop.span.kind"]),
    (RequestType, &["llm.request.type"]),
    (AiOperation, &["ai.operationId"]),
    (Response, &["gen_ai.response.id", "ai.response.id"]),
    (Request, &["anthropic.request.id"]),
    (
        Session,
        &[
            "gen_ai.conversation.id",
            "conversation.id",
            "session.id",
            "langfuse.session.id",
            "traceloop.association.properties.session_id",
            "ai.telemetry.metadata.sessionId",
        ],
    ),
    (Provider, &["gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider"]),
    (
        Model,
        &["gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "ai.model.id", "embedding.model_name"],
    ),
    (
        Input,
        &[
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.prompt_tokens",
            "llm.token_count.prompt",
            "llm.usage.prompt_tokens",
            "ai.usage.promptTokens",
            "ai.usage.inputTokens",
            "ai.usage.tokens",
        ],
    ),
    (
        Output,
        &[
            "gen_ai.usage.output_tokens",
            "gen_ai.usage.completion_tokens",
            "llm.token_count.completion",
            "llm.usage.completion_tokens",
            "ai.usage.completionTokens",
            "ai.usage.outputTokens",
        ],
    ),
    (
        CacheRead,
        &[
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "gen_ai.usage.cache.read_input_tokens",
            "gen_ai.usage.cache_read_tokens",
            "gen_ai.usage.details.cache_read_tokens",
            "gen_ai.usage.details.cache_read_input_tokens",
            "llm.token_count.prompt_details.cache_read",
            "gen_ai.usage.prompt_tokens_details.cache_read",
            "gen_ai.usage.input_cached_tokens",
            "llm.usage.cache_read_input_tokens",
            "ai.usage.inputTokenDetails.cacheReadTokens",
            "ai.usage.cachedInputTokens",
        ],
    ),
    (
        CacheWrite,
        &[
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "gen_ai.usage.cache.creation_input_tokens",
            "gen_ai.usage.cache_write_tokens",
            "gen_ai.usage.details.cache_write_tokens",
            "gen_ai.usage.details.cache_creation_input_tokens",
            "llm.token_count.prompt_details.cache_write",
            "gen_ai.usage.prompt_tokens_details.cache_write",
            "gen_ai.usage.input_cache_creation",
            "llm.usage.cache_creation_input_tokens",
            "ai.usage.inputTokenDetails.cacheWriteTokens",
        ],
    ),
    (CacheSplit, &[CACHE_SPLIT]),
    (InputDetails, &["ai.usage.inputTokenDetails.noCacheTokens"]),
    (
        Reasoning,
        &[
            "gen_ai.usage.reasoning.output_tokens",
            "gen_ai.usage.reasoning_tokens",
            "llm.token_count.completion_details.reasoning",
            "gen_ai.usage.completion_tokens_details.reasoning",
            "llm.usage.reasoning_tokens",
            "ai.usage.outputTokenDetails.reasoningTokens",
            "ai.usage.reasoningTokens",
        ],
    ),
    (Cost, &["gen_ai.usage.cost", "operation.cost", "llm.cost.total"]),
    (FirstChunkSeconds, &["gen_ai.response.time_to_first_chunk"]),
    (FirstChunkMillis, &["ai.response.msToFirstChunk"]),
    (ErrorType, &["error.type"]),
    (HttpStatus, &["http.response.status_code", "http.status_code"]),
    (Tier, &["openai.response.service_tier", "gen_ai.openai.response.service_tier"]),
    (Finish, &["gen_ai.response.finish_reasons", "ai.response.finishReason"]),
    (Tool, &["gen_ai.tool.name", "tool.name", "ai.toolCall.name"]),
    (ToolCall, &["gen_ai.tool.call.id", "ai.toolCall.id"]),
    (EventName, &["event.name"]),
    (EventKind, &["event.kind"]),
    (EventTime, &["event.timestamp"]),
    (EventSequence, &["event.sequence"]),
    (Prompt, &["prompt.id", "prompt_id"]),
    (LogModel, &["model", "model_name"]),
    (LogInput, &["input_tokens", "input_token_count"]),
    (LogOutput, &["output_tokens", "output_token_count"]),
    (LogCacheRead, &["cache_read_tokens", "cached_token_count", "cached_content_token_count"]),
    (LogCacheWrite, &["cache_creation_tokens", "cache_write_token_count"]),
    (LogReasoning, &["reasoning_token_count", "thoughts_token_count"]),
    (LogToolInput, &["tool_token_count"]),
    (LogTotal, &["total_token_count"]),
    (LogCost, &["cost_usd"]),
    (LogDuration, &["duration_ms", "duration"]),
    (LogStatus, &["status_code"]),
    (LogErrorType, &["error_type"]),
    (LogError, &[LOG_ERROR]),
    (LogSuccess, &["success"]),
    (LogAttempt, &["attempt"]),
    (LogTool, &["tool_name", "function_name"]),
    (LogToolCall, &["tool_use_id", "call_id"]),
    (LogRequest, &["request_id"]),
    (LogSpeed, &["speed"]),
    (LogQuerySource, &["query_source"]),
    (LogFinish, &["finish_reasons"]),
];

/// JSON in a text, of which only the counters of two kinds of cache writes are read.
pub(super) const CACHE_SPLIT: &str = "ai.response.providerMetadata";
/// A message: only that there is one is read.
pub(super) const LOG_ERROR: &str = "error.message";

/// Which field a key tells of, and how many keys of that field are better.
pub(super) fn field(key: &str) -> Option<(Field, usize)> {
    static FIELDS: LazyLock<HashMap<&str, (Field, usize)>> = LazyLock::new(|| {
        let of_field = |(field, keys): &(Field, &'static [&'static str])| {
            let field = *field;
            keys.iter().enumerate().map(move |(rank, key)| (*key, (field, rank)))
        };
        KEYS.iter().flat_map(of_field).collect()
    });
    FIELDS.get(key).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_of_one_field() {
        let keys: Vec<&str> = KEYS.iter().flat_map(|(_, keys)| keys.iter().copied()).collect();
        let fields: HashMap<&str, Field> =
            KEYS.iter().flat_map(|(field, keys)| keys.iter().map(|key| (*key, *field))).collect();
        assert_eq!(keys.len(), fields.len());
        assert!(keys.iter().all(|key| field(key).map(|(field, _)| field) == fields.get(key).copied()));
    }

    #[test]
    fn content_is_no_field() {
        for key in [
            "gen_ai.input.messages",
            "gen_ai.output.messages",
            "gen_ai.system_instructions",
            "gen_ai.prompt",
            "gen_ai.completion",
            "gen_ai.prompt.0.content",
            "gen_ai.completion.0.content",
            "input.value",
            "output.value",
            "llm.input_messages.0.message.content",
            "gen_ai.tool.call.arguments",
            "gen_ai.tool.call.result",
            "ai.prompt",
            "ai.prompt.messages",
            "ai.response.text",
            "ai.toolCall.args",
            "exception.message",
            "prompt",
            "error",
            "response_text",
            "function_args",
            "tool_parameters",
            "arguments",
            "output",
        ] {
            assert_eq!(field(key), None, "{key}");
        }
    }
}
