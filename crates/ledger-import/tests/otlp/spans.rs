//! Every field of a span that is a call, of a tool and of a turn.

use ledger_core::Timestamp;
use ledger_events::{CallStatus, CostSource, ToolCompleted, ToolStatus, TurnCompleted, TurnStarted, TurnStatus};
use serde_json::json;

use crate::support::{TRACE, at, attributes, call, calls, chat, import, latest, span, spans, tokens, with};

#[test]
fn a_span_of_the_conventions_is_a_call_with_everything_that_it_says() {
    let more = json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-4-5", "gen_ai.response.model": "claude-sonnet-4-5-20250929",
        "gen_ai.response.id": "msg_01XFDUDYJgAACzvnptvVoYEL", "gen_ai.conversation.id": "conv_5j66UpCpwteGg4YSxUnt7lPY",
        "gen_ai.usage.input_tokens": 12_000, "gen_ai.usage.output_tokens": 345,
        "gen_ai.usage.cache_read.input_tokens": 9_000, "gen_ai.usage.cache_creation.input_tokens": 1_000,
        "gen_ai.usage.reasoning.output_tokens": 45, "gen_ai.usage.cost": 0.0105,
        "gen_ai.response.time_to_first_chunk": 0.25, "gen_ai.response.finish_reasons": ["max_tokens"],
        "openai.response.service_tier": "flex",
    });
    let span = with(span(1, 0, more), json!({"kind": 3, "endTimeUnixNano": at(2_234)}));
    let import = import(&[spans(&[span])]);
    let call = call(&import);
    assert_eq!(call.call_key.as_deref(), Some("msg_01XFDUDYJgAACzvnptvVoYEL"));
    assert_eq!((call.operation.as_str(), call.provider.as_str()), ("chat", "anthropic"));
    assert_eq!(call.model.as_deref(), Some("claude-sonnet-4-5-20250929"));
    assert_eq!(call.session_id.as_deref(), Some("conv_5j66UpCpwteGg4YSxUnt7lPY"));
    assert_eq!(call.turn_id.as_deref(), Some(TRACE));
    assert_eq!(call.call_id.as_deref(), Some("msg_01XFDUDYJgAACzvnptvVoYEL"));
    let expected = ledger_events::Tokens { reasoning: Some(45), ..tokens(2_000, 9_000, 1_000, 345) };
    assert_eq!(call.tokens, expected);
    let cost = call.cost.unwrap();
    assert_eq!((cost.pico_usd, cost.source), (10_500_000_000, CostSource::Provider));
    assert_eq!((call.duration_ms.unwrap().get(), call.ttft_ms.unwrap().get()), (1_234.0, 250.0));
    assert_eq!(call.started_at, Timestamp::parse("2026-01-01T00:00:01Z").unwrap());
    assert_eq!((call.status, call.service_tier.as_deref()), (CallStatus::Ok, Some("flex")));
    assert_eq!((call.tenant_id.as_str(), call.source.as_deref()), ("local", Some("otlp")));
    let event = &import.events[0];
    assert_eq!((event.actor.as_str(), event.run_id.as_str()), ("shop", format!("otlp:{TRACE}").as_str()));
    let metadata = serde_json::to_value(&event.metadata).unwrap();
    assert_eq!(metadata, json!({"source": "otlp", "source_version": "1.2.3", "truncated": "true"}));
}

#[test]
fn calls_are_known_by_any_of_four_signs() {
    let usage = json!({"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 1});
    let signs = [
        (json!({"gen_ai.operation.name": "generate_content"}), "generate_content"),
        (json!({"gen_ai.operation.name": "text_completion"}), "text_completion"),
        (json!({"gen_ai.operation.name": "embeddings"}), "embeddings"),
        (json!({"openinference.span.kind": "LLM"}), "chat"),
        (json!({"openinference.span.kind": "EMBEDDING"}), "embeddings"),
        (json!({"llm.request.type": "completion"}), "text_completion"),
        (json!({"ai.operationId": "ai.embed.doEmbed"}), "embeddings"),
    ];
    for (sign, operation) in signs {
        // Even one of which nothing else is told is a call.
        assert_eq!(call(&import(&[spans(&[span(1, 0, sign)])])).operation, operation);
    }
    let client = with(span(1, 0, usage), json!({"kind": 3}));
    assert_eq!(call(&import(&[spans(&[client])])).tokens, tokens(10, 0, 0, 1));
    for other in [
        json!({"http.request.method": "GET"}),
        json!({"openinference.span.kind": "CHAIN"}),
        json!({"traceloop.span.kind": "task", "llm.request.type": "chat"}),
        json!({"gen_ai.operation.name": "create_agent"}),
    ] {
        let import = import(&[spans(&[with(span(1, 0, other), json!({"kind": 3}))])]);
        assert_eq!((import.events.len(), import.report.other), (0, 1));
    }
}

#[test]
fn the_first_key_of_a_table_counts_wherever_it_stands() {
    let more = json!({
        "llm.model_name": "third", "gen_ai.request.model": "second", "gen_ai.response.model": "first",
        "llm.token_count.prompt": 3, "gen_ai.usage.prompt_tokens": 2, "gen_ai.usage.input_tokens": 1,
        "session.id": "second", "gen_ai.conversation.id": "first", "gen_ai.operation.name": "chat",
        "gen_ai.system": "second", "gen_ai.provider.name": "first",
    });
    let mut reversed = span(1, 0, more.clone());
    reversed["attributes"].as_array_mut().unwrap().reverse();
    for span in [span(1, 0, more), reversed] {
        let call = call(&import(&[spans(&[span])]));
        assert_eq!((call.model.as_deref(), call.session_id.as_deref()), (Some("first"), Some("first")));
        assert_eq!((call.tokens.input, call.provider.as_str()), (1, "first"));
    }
}

#[test]
fn the_first_token_is_an_event_of_the_span() {
    let events = json!([
        {"name": "exception", "timeUnixNano": at(1_001)},
        {"name": "gen_ai.first_token", "timeUnixNano": at(1_350)},
        {"name": "gen_ai.first_token", "timeUnixNano": at(1_150)},
    ]);
    let call = call(&import(&[spans(&[with(chat(1, 0, 10), json!({"events": events}))])]));
    assert_eq!(call.ttft_ms.unwrap().get(), 150.0);
}

#[test]
fn the_tenant_of_the_resource_pays() {
    let mut line = spans(&[chat(1, 0, 10)]);
    line["resourceSpans"][0]["resource"] = json!({"attributes": attributes(json!({"tenant.id": "acme"}))});
    assert_eq!(call(&import(&[line])).tenant_id, "acme");
}

#[test]
fn tools_and_turns_are_spans_as_well() {
    let agent = span(1, 0, json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.conversation.id": "s"}));
    let tool = span(
        3,
        2,
        json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search", "gen_ai.tool.call.id": "call_1",
               "error.type": "TimeoutError"}),
    );
    let tool = with(tool, json!({"status": {"code": 2, "message": "no"}}));
    let other = span(4, 0, json!({"openinference.span.kind": "TOOL", "tool.name": "bash"}));
    let import = import(&[spans(&[tool, other, chat(2, 1, 100), agent])]);
    let tools: Vec<ToolCompleted> = latest(&import.events);
    assert_eq!(tools.len(), 2);
    let (tool, other) = (&tools[0], &tools[1]);
    assert_eq!((tool.tool_name.as_str(), tool.tool_call_id.as_str()), ("search", "call_1"));
    assert_eq!((tool.session_id.as_str(), tool.turn_id.as_deref()), ("s", Some("0000000000000001")));
    assert_eq!((&tool.status, tool.error_class.as_deref()), (&ToolStatus::Error, Some("TimeoutError")));
    assert_eq!(tool.duration_ms.unwrap().get(), 1_000.0);
    assert_eq!((other.tool_name.as_str(), &other.status), ("bash", &ToolStatus::Success));
    assert_eq!((other.session_id.as_str(), other.tool_call_id.as_str()), (TRACE, "0000000000000004"));
    let call = &calls(&import)[0];
    assert_eq!((call.session_id.as_deref(), call.turn_id.as_deref()), (Some("s"), Some("0000000000000001")));
    let started: Vec<TurnStarted> = latest(&import.events);
    let completed: Vec<TurnCompleted> = latest(&import.events);
    assert_eq!((started.len(), completed.len()), (1, 1));
    assert_eq!((started[0].session_id.as_str(), started[0].turn_id.as_str()), ("s", "0000000000000001"));
    assert_eq!((&completed[0].status, completed[0].duration_ms.unwrap().get()), (&TurnStatus::Completed, 1_000.0));
    assert_eq!((import.report.calls, import.report.tools, import.report.turns), (1, 2, 1));
}
