//! Spans in the shapes that instrumentations give them.

use ledger_events::{LlmCall, Tokens, ToolCompleted};
use serde_json::{Value, json};

use crate::support::{call, calls, import, latest, span, spans, tokens, total, with};

/// Spans of a scope.
fn of_scope(scope: &str, all: &[Value]) -> Value {
    let mut line = spans(all);
    line["resourceSpans"][0]["scopeSpans"][0]["scope"] = json!({"name": scope, "version": "1.0.0"});
    line
}

/// OpenInference: kinds of its own, an agent and a chain around the call, which repeat nothing.
#[test]
fn open_inference_tells_of_calls_by_their_kind() {
    let agent = span(1, 0, json!({"openinference.span.kind": "AGENT", "session.id": "s1", "input.value": "?"}));
    let chain = span(2, 1, json!({"openinference.span.kind": "CHAIN"}));
    let llm = span(
        3,
        2,
        json!({"openinference.span.kind": "LLM", "llm.system": "anthropic", "llm.provider": "aws",
            "llm.model_name": "claude-sonnet-4-5", "llm.token_count.prompt": 2_095, "llm.token_count.completion": 503,
            "llm.token_count.total": 2_598, "llm.token_count.prompt_details.cache_read": 1_920,
            "llm.token_count.prompt_details.cache_write": 75, "llm.token_count.completion_details.reasoning": 100,
            "llm.cost.total": 0.010_5}),
    );
    let tool = span(4, 2, json!({"openinference.span.kind": "TOOL", "tool.name": "search"}));
    let import = import(&[of_scope("openinference.instrumentation.langchain", &[llm, tool, chain, agent])]);
    let call: LlmCall = call(&import);
    assert_eq!(call.tokens, Tokens { reasoning: Some(100), ..tokens(100, 1_920, 75, 503) });
    assert_eq!((call.provider.as_str(), call.model.as_deref()), ("aws.bedrock", Some("claude-sonnet-4-5")));
    assert_eq!((call.session_id.as_deref(), call.turn_id.as_deref()), (Some("s1"), Some("0000000000000001")));
    assert_eq!(call.cost.unwrap().pico_usd, 10_500_000_000);
    let tools: Vec<ToolCompleted> = latest(&import.events);
    assert_eq!((tools.len(), tools[0].session_id.as_str()), (1, "s1"));
}

/// OpenLLMetry: workflow and task are around, the call has `llm.request.type`.
#[test]
fn open_llmetry_tells_of_calls_by_the_type_of_the_request() {
    let session = "traceloop.association.properties.session_id";
    let workflow =
        span(1, 0, json!({"traceloop.span.kind": "workflow", "traceloop.workflow.name": "joke", session: "s2"}));
    let task = span(2, 1, json!({"traceloop.span.kind": "task", "traceloop.entity.name": "ask"}));
    let chat = span(
        3,
        2,
        json!({"llm.request.type": "chat", "gen_ai.system": "OpenAI", "gen_ai.request.model": "gpt-4.1",
            "gen_ai.response.model": "gpt-4.1-2025-04-14", "gen_ai.response.id": "chatcmpl-BqkAdYh2LVZ1uSkVnS5gCRRk",
            "gen_ai.usage.prompt_tokens": 1_500, "gen_ai.usage.completion_tokens": 60, "llm.usage.total_tokens": 1_560,
            "gen_ai.usage.cache_read_input_tokens": 1_024, "gen_ai.usage.reasoning_tokens": 0}),
    );
    let chat = with(chat, json!({"kind": "SPAN_KIND_CLIENT"}));
    let call = call(&import(&[of_scope("opentelemetry.instrumentation.openai.v1", &[chat, task, workflow])]));
    assert_eq!(call.tokens, Tokens { reasoning: Some(0), ..tokens(476, 1_024, 0, 60) });
    assert_eq!((call.provider.as_str(), call.session_id.as_deref()), ("openai", Some("s2")));
    assert_eq!(call.model.as_deref(), Some("gpt-4.1-2025-04-14"));
}

/// The Vercel AI SDK passed on input of Anthropic that is without what is cached, however little that is.
#[test]
fn the_vercel_ai_sdk_before_version_6_tells_of_cached_tokens_of_anthropic_beside_input() {
    let told = |details: bool, provider: &str| {
        let mut more = json!({"ai.operationId": "ai.streamText.doStream", "gen_ai.system": provider,
            "gen_ai.usage.input_tokens": 1_200, "gen_ai.usage.output_tokens": 50, "ai.usage.cachedInputTokens": 1_000});
        if details {
            more["ai.usage.inputTokenDetails.noCacheTokens"] = json!(200);
            more["ai.usage.inputTokenDetails.cacheReadTokens"] = json!(1_000);
        }
        call(&import(&[of_scope("ai", &[span(1, 0, more)])])).tokens
    };
    assert_eq!(told(false, "anthropic.messages"), tokens(1_200, 1_000, 0, 50));
    assert_eq!(told(false, "amazon-bedrock"), tokens(1_200, 1_000, 0, 50));
    assert_eq!(told(false, "openai.responses"), tokens(200, 1_000, 0, 50));
    assert_eq!(told(true, "anthropic.messages"), tokens(200, 1_000, 0, 50));
}

#[test]
fn embeddings_of_the_vercel_ai_sdk_count_once() {
    let more = |operation: &str| {
        json!({"ai.operationId": operation, "ai.model.id": "text-embedding-3-small",
        "ai.model.provider": "openai.embedding", "ai.usage.tokens": 12})
    };
    let import = import(&[of_scope("ai", &[span(2, 1, more("ai.embed.doEmbed")), span(1, 0, more("ai.embed"))])]);
    assert_eq!(total(&import.events), (1, 12));
    assert_eq!(calls(&import)[0].operation, "embeddings");
}

/// Langfuse sets its session on every span; a gateway that speaks of its own calls has an id of the request only.
#[test]
fn other_names_of_sessions_and_requests_are_known() {
    let more = json!({"gen_ai.operation.name": "chat", "gen_ai.system": "anthropic", "langfuse.session.id": "s3",
        "anthropic.request.id": "req_011CSHoEeqs5C35K2UUqR7Fy", "gen_ai.usage.input_tokens": 10});
    let call = call(&import(&[spans(&[span(1, 0, more)])]));
    assert_eq!(
        (call.session_id.as_deref(), call.call_key.as_deref()),
        (Some("s3"), Some("req_011CSHoEeqs5C35K2UUqR7Fy"))
    );
}
