//! What agents tell of themselves in log records.

use ledger_core::Timestamp;
use ledger_events::{CallStatus, LlmCall, ToolCompleted, ToolStatus};
use serde_json::{Value, json};

use crate::support::{at, call, calls, import, import_files, latest, record, text, tokens, total};

fn claude(millis: u64, name: &str, more: Value) -> Value {
    let mut told = json!({"session.id": "0d0f6b1c-9a57-4c43-9cb1-6c8b8e4b3d11", "user.id": "u", "terminal.type": "vscode",
        "event.timestamp": "2026-01-01T00:00:09.000Z"});
    told.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    record("claude-code", millis, name, told)
}

/// A request as Claude Code writes it: numbers as texts, input without what is cached.
fn request(millis: u64, sequence: u64) -> Value {
    let more = json!({"event.name": "api_request", "event.sequence": sequence, "prompt.id": "p1",
        "model": "claude-sonnet-4-5-20250929", "input_tokens": "3", "output_tokens": "120", "cache_read_tokens": "11000",
        "cache_creation_tokens": "450", "cost_usd": "0.0067965", "duration_ms": "2345", "speed": "normal",
        "request_id": "req_011CVxyz"});
    claude(millis, "claude_code.api_request", more)
}

#[test]
fn a_request_of_claude_code_is_a_call() {
    let import = import(&[request(5_000, 7)]);
    let call = call(&import);
    let session = "0d0f6b1c-9a57-4c43-9cb1-6c8b8e4b3d11";
    assert_eq!(call.call_key, Some(format!("claude_code:{session}:7@{}", at(5_000))));
    assert_eq!((call.session_id.as_deref(), call.turn_id.as_deref()), (Some(session), Some("p1")));
    assert_eq!((call.provider.as_str(), call.model.as_deref()), ("anthropic", Some("claude-sonnet-4-5-20250929")));
    assert_eq!((call.operation.as_str(), call.status), ("chat", CallStatus::Ok));
    assert_eq!(call.tokens, tokens(3, 11_000, 450, 120));
    assert_eq!(call.cost.unwrap().pico_usd, 6_796_500_000);
    assert_eq!(call.duration_ms.unwrap().get(), 2_345.0);
    assert_eq!(call.started_at, Timestamp::parse("2026-01-01T00:00:02.655Z").unwrap(), "it is told when it is over");
    assert_eq!((call.call_id.as_deref(), call.speed.as_deref()), (Some("req_011CVxyz"), Some("normal")));
    let metadata = serde_json::to_value(&import.events[0].metadata).unwrap();
    assert_eq!(metadata["token_convention"], "exclusive");
}

/// Whatever is cached may be less than what is fresh: nothing of the input is cached all the same.
#[test]
fn input_of_claude_code_never_has_cached_tokens_in_it() {
    let more =
        json!({"event.sequence": 1, "model": "m", "input_tokens": 1_000, "output_tokens": 1, "cache_read_tokens": 10});
    assert_eq!(call(&import(&[claude(1, "claude_code.api_request", more)])).tokens, tokens(1_000, 10, 0, 1));
}

#[test]
fn an_error_of_claude_code_is_a_call_that_failed_with_its_attempt() {
    let error = |sequence: u64, status: &str| {
        let more = json!({"event.sequence": sequence, "model": "claude-opus-4-6", "error": "Overloaded, sorry",
            "status_code": status, "duration_ms": 900, "attempt": sequence});
        claude(1_000 * sequence, "claude_code.api_error", more)
    };
    let import = import(&[error(1, "529"), error(2, "429"), error(3, "undefined")]);
    let ends: Vec<_> = calls(&import)
        .into_iter()
        .map(|LlmCall { status, error_class, http_status, attempt, .. }| (status, error_class, http_status, attempt))
        .collect();
    let class = |class: &str| Some(class.to_owned());
    let expected = [
        (CallStatus::Error, class("http_529"), Some(529), Some(1)),
        (CallStatus::Limit, class("http_429"), Some(429), Some(2)),
        (CallStatus::Error, class("unknown"), None, Some(3)),
    ];
    assert_eq!(ends, expected);
}

#[test]
fn events_of_claude_code_have_short_names_in_newer_versions() {
    let mut line = request(5_000, 7);
    line["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["body"] = json!({"stringValue": "something else"});
    assert_eq!(total(&import(&[line.clone()]).events), (1, 11_573));
    // Those of another program are not.
    line["resourceLogs"][0]["resource"] = json!({});
    assert_eq!(total(&import(&[line.clone()]).events), (0, 0));
    line["resourceLogs"][0]["scopeLogs"][0]["scope"] = json!({"name": "com.anthropic.claude_code.events"});
    assert_eq!(total(&import(&[line.clone()]).events), (1, 11_573));
    line["resourceLogs"][0]["scopeLogs"][0]["scope"] = json!({});
    line["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["eventName"] = json!("claude_code.api_request");
    assert_eq!(total(&import(&[line]).events), (1, 11_573));
}

#[test]
fn an_event_that_is_exported_twice_counts_once_and_one_of_a_resumed_session_again() {
    let lines = [request(5_000, 7), request(5_000, 7), request(900_000, 7)];
    let import = import(&lines);
    assert_eq!(total(&import.events), (2, 2 * 11_573));
    assert_eq!((import.report.usage, import.report.duplicates), (2, 1));
}

fn codex(millis: u64, name: &str, more: Value) -> Value {
    let mut told = json!({"event.name": name, "conversation.id": "019a9775-ef93-7c41-ae1f-a37beed9aaf2",
        "app.version": "0.58.0", "auth_mode": "Chatgpt", "model": "gpt-5.1-codex", "slug": "gpt-5.1-codex"});
    told.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    record("codex_cli_rs", millis, "", told)
}

#[test]
fn codex_tells_what_a_call_used_when_its_stream_is_complete() {
    let completed = codex(
        3_000,
        "codex.sse_event",
        json!({"event.kind": "response.completed", "input_token_count": "10000", "output_token_count": "500",
            "cached_token_count": 8_000, "reasoning_token_count": 300, "tool_token_count": "10500"}),
    );
    let delta = codex(2_500, "codex.sse_event", json!({"event.kind": "response.output_text.delta", "duration_ms": 3}));
    let last = codex(2_999, "codex.sse_event", json!({"event.kind": "response.completed", "duration_ms": 3}));
    let asked =
        codex(1_000, "codex.api_request", json!({"http.response.status_code": 200, "duration_ms": 800, "attempt": 1}));
    let import = import(&[asked, delta, last, completed]);
    let call = call(&import);
    let expected = ledger_events::Tokens { reasoning: Some(300), ..tokens(2_000, 8_000, 0, 500) };
    assert_eq!((call.tokens, call.tokens.total()), (expected, 10_500));
    assert_eq!((call.provider.as_str(), call.model.as_deref()), ("openai", Some("gpt-5.1-codex")));
    assert_eq!(call.call_key, Some(format!("codex:019a9775-ef93-7c41-ae1f-a37beed9aaf2@{}", at(3_000))));
    assert_eq!(call.duration_ms, None, "the log says how long one event took, not the call");
    assert_eq!((import.report.usage, import.report.other), (1, 3));
    let metadata = serde_json::to_value(&import.events[0].metadata).unwrap();
    assert_eq!(metadata["source_version"], "2.0.1");
}

#[test]
fn a_request_of_codex_that_failed_is_a_call() {
    let limited =
        json!({"http.response.status_code": 429, "error.message": "slow down", "duration_ms": 150, "attempt": 2});
    let unreachable = json!({"error.message": "connection reset", "duration_ms": "20"});
    let import = import(&[codex(1_000, "codex.api_request", limited), codex(2_000, "codex.api_request", unreachable)]);
    let calls = calls(&import);
    assert_eq!(
        (calls[0].status.clone(), calls[0].http_status, calls[0].attempt),
        (CallStatus::Limit, Some(429), Some(2))
    );
    assert_eq!((calls[1].status.clone(), calls[1].duration_ms.unwrap().get()), (CallStatus::Error, 20.0));
}

#[test]
fn a_stream_of_codex_that_failed_is_one_call_however_often_that_is_told() {
    let event = |millis, told: Value| codex(millis, "codex.sse_event", told);
    let import = import(&[
        event(1_000, json!({"event.kind": "response.failed", "duration_ms": 9, "error.message": "overloaded"})),
        event(1_001, json!({"event.kind": "response.completed", "error.message": "overloaded"})),
        event(2_000, json!({"duration_ms": 300_000, "error.message": "idle timeout waiting for SSE"})),
        event(2_001, json!({"event.kind": "response.completed", "error.message": "idle timeout waiting for SSE"})),
        event(3_000, json!({"event.kind": "response.completed", "duration_ms": 3, "error.message": "no JSON"})),
        event(3_001, json!({"event.kind": "response.completed", "error.message": "no JSON"})),
    ]);
    let calls = calls(&import);
    let failed: Vec<_> = calls.iter().map(|call| (call.status.clone(), call.tokens.total())).collect();
    assert_eq!(failed, [(CallStatus::Error, 0), (CallStatus::Error, 0), (CallStatus::Error, 0)]);
    assert_eq!((import.report.usage, import.report.other, import.report.bad_lines), (3, 3, 0));
}

fn gemini(millis: u64, name: &str, more: Value) -> Value {
    let mut told = json!({"event.name": name, "session.id": "s", "prompt_id": "s########3", "model": "gemini-2.5-pro"});
    told.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    record("gemini-cli", millis, "API response from gemini-2.5-pro. Status code: 200.", told)
}

#[test]
fn thoughts_of_gemini_are_output_and_results_of_its_tools_input() {
    let counts = json!({"status_code": 200, "duration_ms": 1_500, "input_token_count": 1_000, "output_token_count": 50,
        "cached_content_token_count": 600, "thoughts_token_count": 200, "tool_token_count": 30,
        "total_token_count": 1_280, "finish_reasons": ["MAX_TOKENS"]});
    let import = import(&[gemini(4_000, "gemini_cli.api_response", counts)]);
    let call = call(&import);
    let expected = ledger_events::Tokens { reasoning: Some(200), ..tokens(430, 600, 0, 250) };
    assert_eq!((call.tokens, call.tokens.total()), (expected, 1_280));
    assert_eq!((call.session_id.as_deref(), call.turn_id.as_deref()), (Some("s"), Some("s########3")));
    assert_eq!(call.call_key, Some(format!("gemini_cli:s########3@{}", at(4_000))));
    assert_eq!((call.provider.as_str(), call.duration_ms.unwrap().get()), ("gcp.gemini", 1_500.0));
    assert_eq!(serde_json::to_value(&import.events[0].metadata).unwrap()["truncated"], "true");
}

#[test]
fn thoughts_of_gemini_that_are_in_the_output_already_are_not_added() {
    let counts = json!({"input_token_count": 1_000, "output_token_count": 250, "thoughts_token_count": 200,
        "tool_token_count": 30, "total_token_count": 1_250});
    let call = call(&import(&[gemini(4_000, "gemini_cli.api_response", counts)]));
    assert_eq!((call.tokens.total(), call.tokens.reasoning), (1_250, Some(200)));
}

#[test]
fn an_error_of_gemini_has_its_class() {
    let more = json!({"error": "quota exceeded for you", "error_type": "RESOURCE_EXHAUSTED", "status_code": 429, "duration": 12});
    let call = call(&import(&[gemini(4_000, "gemini_cli.api_error", more)]));
    assert_eq!((call.status, call.error_class.as_deref()), (CallStatus::Limit, Some("RESOURCE_EXHAUSTED")));
    assert_eq!(call.duration_ms.unwrap().get(), 12.0);
}

#[test]
fn tools_of_all_three_agents_are_told() {
    let lines = [
        claude(
            2_000,
            "claude_code.tool_result",
            json!({"event.sequence": 4, "tool_name": "Bash", "success": "true", "duration_ms": "250", "prompt.id": "p1"}),
        ),
        codex(
            3_000,
            "codex.tool_result",
            json!({"tool_name": "shell", "call_id": "call_9", "success": "false", "duration_ms": "40"}),
        ),
        gemini(
            4_000,
            "gemini_cli.tool_call",
            json!({"function_name": "read_file", "success": false, "duration_ms": 5, "error_type": "file_not_found"}),
        ),
    ];
    let import = import(&lines);
    let mut tools: Vec<ToolCompleted> = latest(&import.events);
    tools.sort_by_key(|tool| tool.completed_at);
    let told: Vec<_> = tools
        .iter()
        .map(|tool| {
            (tool.tool_name.as_str(), tool.status.clone(), tool.duration_ms.unwrap().get(), tool.error_class.as_deref())
        })
        .collect();
    let expected = [
        ("Bash", ToolStatus::Success, 250.0, None),
        ("shell", ToolStatus::Error, 40.0, None),
        ("read_file", ToolStatus::Error, 5.0, Some("file_not_found")),
    ];
    assert_eq!(told, expected);
    assert_eq!((tools[0].turn_id.as_deref(), tools[1].tool_call_id.as_str()), (Some("p1"), "call_9"));
    assert_eq!((import.report.tools, import.report.other), (3, 3));
}

#[test]
fn the_time_of_a_record_is_its_own_then_that_of_its_event_then_when_it_was_seen() {
    let time = |change: &dyn Fn(&mut Value)| {
        let mut line = request(5_000, 7);
        change(&mut line["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]);
        (call(&import(&[line])).started_at.as_micros() - 1_767_225_600_000_000) / 1_000 + 2_345
    };
    assert_eq!(time(&|_| ()), 5_000);
    assert_eq!(time(&|record| record["timeUnixNano"] = json!("0")), 9_000);
    let unnamed = |record: &mut Value| {
        record["timeUnixNano"] = json!(0);
        record["attributes"].as_array_mut().unwrap().retain(|pair| pair["key"] != "event.timestamp");
    };
    assert_eq!(time(&unnamed), 5_005);
}

#[test]
fn what_is_no_call_and_no_tool_is_not_usage() {
    let lines = [
        claude(1, "claude_code.user_prompt", json!({"prompt_length": 10})),
        claude(2, "claude_code.tool_decision", json!({"decision": "accept"})),
        codex(3, "codex.user_prompt", json!({})),
        json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "claude_code.token.usage", "sum": {
            "dataPoints": [{"asDouble": 11_573}]}}]}]}]}),
    ];
    let import = import_files(&[&text(&lines)]);
    assert_eq!((import.events.len(), import.report.other, import.report.bad_lines), (0, 4, 0));
}
