//! What people and models say stays in the export.

use serde_json::{Value, json};

use crate::support::{at, attributes, chat, import, import_files, record, span, spans, text, with};

const SECRET: &str = "canary-7f3a";

/// Attributes that are never read, and some of keys that nobody knows.
fn payload() -> Value {
    let keys = [
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.system_instructions",
        "gen_ai.prompt",
        "gen_ai.completion",
        "gen_ai.prompt.0.content",
        "gen_ai.completion.0.content",
        "gen_ai.tool.definitions",
        "gen_ai.tool.description",
        "gen_ai.agent.name",
        "gen_ai.agent.description",
        "input.value",
        "output.value",
        "llm.input_messages.0.message.content",
        "llm.output_messages.0.message.content",
        "llm.prompts",
        "gen_ai.tool.call.arguments",
        "gen_ai.tool.call.result",
        "traceloop.entity.input",
        "traceloop.entity.output",
        "ai.prompt",
        "ai.prompt.messages",
        "ai.prompt.tools",
        "ai.response.text",
        "ai.response.toolCalls",
        "ai.toolCall.args",
        "ai.toolCall.result",
        "exception.message",
        "exception.stacktrace",
        "error",
        "error.message",
        "prompt",
        "response_text",
        "function_args",
        "tool_parameters",
        "tool_input",
        "arguments",
        "output",
        "user.email",
        "user.account_uuid",
        "url.full",
        "db.query.text",
        SECRET,
    ];
    keys.into_iter().map(|key| (key.to_owned(), json!(SECRET))).collect::<serde_json::Map<_, _>>().into()
}

fn with_payload(mut told: Value) -> Value {
    told.as_object_mut().unwrap().extend(payload().as_object().unwrap().clone());
    told
}

/// Everything that a span has, with the secret in it wherever something may stand.
fn secret_span(id: u64, told: Value) -> Value {
    let secret = || attributes(json!({SECRET: SECRET, "exception.message": SECRET, "gen_ai.event.content": SECRET}));
    let metadata = json!({"anthropic": {SECRET: SECRET, "usage": {SECRET: SECRET, "cache_creation": {
        SECRET: SECRET, "ephemeral_5m_input_tokens": 1}}}, "openai": {"logprobs": SECRET}});
    let mut told = with_payload(told);
    told["ai.response.providerMetadata"] = json!(metadata.to_string());
    let fields = json!({
        "name": SECRET, "traceState": SECRET, "status": {"code": 2, "message": SECRET}, SECRET: {SECRET: SECRET},
        "events": [{"name": SECRET, "timeUnixNano": at(1_100), "attributes": secret()},
            {"name": "exception", "timeUnixNano": at(1_100), "attributes": secret()},
            {"name": "gen_ai.first_token", "timeUnixNano": at(1_100), "attributes": secret()}],
        "links": [{"traceId": SECRET, "attributes": secret()}],
    });
    let mut span = with(span(id, 1, told), fields);
    for kind in ["arrayValue", "kvlistValue", "bytesValue"] {
        let value =
            json!({kind: {"values": [{"stringValue": SECRET}, {"key": SECRET, "value": {"stringValue": SECRET}}]}});
        span["attributes"].as_array_mut().unwrap().push(json!({"value": value, "key": "gen_ai.input.messages"}));
        let value = json!({kind: {"values": [{"stringValue": SECRET}]}});
        span["attributes"].as_array_mut().unwrap().push(json!({"key": "gen_ai.request.model", "value": value}));
    }
    span
}

fn secret_spans() -> Value {
    let all = [
        json!({"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 10, "gen_ai.response.model": "m",
            "error.type": format!("{SECRET} is not a word"), "gen_ai.response.finish_reasons": [SECRET]}),
        json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}),
        json!({"gen_ai.operation.name": "invoke_agent"}),
        json!({"openinference.span.kind": "LLM", "openinference.span.kind.more": SECRET}),
        json!({"ai.operationId": "ai.generateText.doGenerate", "gen_ai.openai.request.seed": SECRET}),
        json!({"http.request.method": SECRET}),
    ];
    let mut line = spans(&all.into_iter().zip(2..).map(|(told, id)| secret_span(id, told)).collect::<Vec<_>>());
    line["resourceSpans"][0]["resource"]["attributes"].as_array_mut().unwrap().extend(
        attributes(with_payload(json!({"process.command_args": SECRET, "host.name": SECRET})))
            .as_array()
            .unwrap()
            .clone(),
    );
    line["resourceSpans"][0]["schemaUrl"] = json!(SECRET);
    line["resourceSpans"][0]["scopeSpans"][0]["scope"] =
        json!({"name": SECRET, "version": SECRET, "attributes": attributes(payload())});
    line
}

fn secret_records() -> Vec<Value> {
    let names = [
        "claude_code.api_request",
        "claude_code.api_error",
        "claude_code.tool_result",
        "codex.sse_event",
        "codex.api_request",
        "codex.tool_result",
        "gemini_cli.api_response",
        "gemini_cli.api_error",
        "gemini_cli.tool_call",
        "claude_code.user_prompt",
        SECRET,
    ];
    let told = |name: &str| {
        with_payload(
            json!({"event.name": name, "event.kind": "response.completed", "session.id": "s", "prompt_id": "p",
            "model": "m", "input_tokens": 10, "input_token_count": 10, "tool_name": "bash", "function_name": "bash",
            "success": "false", "error_type": format!("{SECRET} is not a word"), "query_source": SECRET,
            "speed": format!("{SECRET} is not a word"), "status_code": format!("{SECRET}"), "finish_reasons": [SECRET]}),
        )
    };
    let records = names.iter().zip(1..).map(|(name, millis)| {
        let mut line = record("claude-code", millis, name, told(name));
        // The body is content when it is not the name of an event.
        if millis % 2 == 0 {
            line["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["body"] = json!({"stringValue": SECRET});
        }
        line["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["severityText"] = json!(SECRET);
        line
    });
    let body = json!({"kvlistValue": {"values": [{"key": SECRET, "value": {"stringValue": SECRET}}]}});
    let mut structured = record("any", 99, "", told("claude_code.api_request"));
    structured["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["body"] = body;
    records.chain([structured]).collect()
}

#[test]
fn no_event_and_no_report_contains_what_was_said() {
    let lines: Vec<Value> = [secret_spans()].into_iter().chain(secret_records()).collect();
    let import = import(&lines);
    assert_eq!(import.report.bad_lines, 0);
    // Six spans, of which each says what it wrote to a cache; seven records.
    assert_eq!((import.report.calls, import.report.tools, import.report.turns), (13, 4, 1));
    let (events, report) = (serde_json::to_string(&import.events).unwrap(), format!("{:?}", import.report));
    assert!(!events.contains(SECRET), "{events}");
    assert!(!report.contains(SECRET), "{report}");
}

#[test]
fn no_report_of_bad_lines_contains_what_was_said() {
    let mut count = chat(1, 0, 0);
    count["attributes"] = attributes(json!({"gen_ai.usage.input_tokens": SECRET, SECRET: SECRET}));
    let mut timeless = secret_span(2, json!({"gen_ai.usage.input_tokens": 10}));
    timeless.as_object_mut().unwrap().remove("startTimeUnixNano");
    let good = text(&[spans(&[count]), spans(&[timeless])]);
    let torn = format!("{{\"resourceSpans\":[\"{SECRET}\"]]}}\n\"{SECRET}\"\n{{\"{SECRET}\n");
    let twice = format!("{{\"resourceSpans\":[],\"resourceSpans\":\"{SECRET}\"}}\n");
    let import = import_files(&[&good, &torn, &twice]);
    assert_eq!(import.report.bad_lines, 6, "{:?}", import.report.bad);
    assert!(!format!("{:?}", import.report).contains(SECRET), "{:?}", import.report);
}
