//! What users of other tools complain about: tokens counted twice, or at a wrong price.

use ledger_core::Timestamp;
use ledger_events::Tokens;
use serde_json::{Value, json};

use crate::support::{call, calls, chat, import, import_files, span, spans, text, tokens, total, with};

/// A call with these attributes.
fn call_with(more: Value) -> Value {
    let mut more = more;
    more["gen_ai.operation.name"] = json!("chat");
    spans(&[span(1, 0, more)])
}

/// langfuse#9386, #10592, #12306: input that has what was read from and written to caches in it.
#[test]
fn cached_tokens_inside_input_are_not_counted_beside_it() {
    let more = json!({"gen_ai.usage.input_tokens": 1_000, "gen_ai.usage.cache_read.input_tokens": 700,
        "gen_ai.usage.cache_write.input_tokens": 200, "gen_ai.usage.output_tokens": 50});
    let import = import(&[call_with(more)]);
    let call = call(&import);
    assert_eq!((call.tokens, call.tokens.total()), (tokens(100, 700, 200, 50), 1_050));
    assert!(!serde_json::to_string(&import.events).unwrap().contains("token_convention"));
}

/// BerriAI/litellm#26919: input that is without them, which is what makes them more than all of it.
#[test]
fn cached_tokens_beside_input_are_counted_and_flagged() {
    let more = json!({"gen_ai.usage.input_tokens": 10, "gen_ai.usage.cache_read.input_tokens": 9_000,
        "gen_ai.usage.cache_write.input_tokens": 500, "gen_ai.usage.output_tokens": 50});
    let import = import(&[call_with(more)]);
    assert_eq!(call(&import).tokens, tokens(10, 9_000, 500, 50));
    assert_eq!(serde_json::to_value(&import.events[0].metadata).unwrap()["token_convention"], "exclusive");
}

#[test]
fn all_of_the_input_may_come_from_a_cache() {
    let more = json!({"gen_ai.usage.input_tokens": 900, "gen_ai.usage.cache_read.input_tokens": 900});
    assert_eq!(call(&import(&[call_with(more)])).tokens, tokens(0, 900, 0, 0));
}

/// Every name that emitters have for what was read from a cache, and written to one.
#[test]
fn whatever_cached_tokens_are_called_they_are_counted() {
    let under = |name: &str| format!("gen_ai.usage.{name}");
    let read = [
        under("cache_read.input_tokens"),
        under("cache_read_input_tokens"),
        under("cache.read_input_tokens"),
        under("cache_read_tokens"),
        under("details.cache_read_tokens"),
        under("details.cache_read_input_tokens"),
        "llm.token_count.prompt_details.cache_read".to_owned(),
        under("prompt_tokens_details.cache_read"),
        under("input_cached_tokens"),
    ];
    for key in read {
        let mut more = json!({"gen_ai.usage.input_tokens": 100});
        more[&key] = json!(60);
        assert_eq!(call(&import(&[call_with(more)])).tokens, tokens(40, 60, 0, 0), "{key}");
    }
    let written = [
        under("cache_write.input_tokens"),
        under("cache_creation.input_tokens"),
        under("cache_creation_input_tokens"),
        under("cache.creation_input_tokens"),
        under("cache_write_tokens"),
        under("details.cache_write_tokens"),
        under("details.cache_creation_input_tokens"),
        "llm.token_count.prompt_details.cache_write".to_owned(),
        under("prompt_tokens_details.cache_write"),
        under("input_cache_creation"),
    ];
    for key in written {
        let mut more = json!({"gen_ai.usage.input_tokens": 100});
        more[&key] = json!(60);
        assert_eq!(call(&import(&[call_with(more)])).tokens, tokens(40, 0, 60, 0), "{key}");
    }
}

/// langfuse/claude-observability-plugin#34, agentistics#565: writes for an hour at the price of five minutes.
#[test]
fn writes_for_an_hour_are_not_writes_for_five_minutes() {
    let split = json!({"anthropic": {"usage": {"cache_creation": {
        "ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 400}}}});
    let of = |written: Option<u64>| {
        let mut more = json!({"gen_ai.usage.input_tokens": 1_000, "ai.response.providerMetadata": split.to_string()});
        if let Some(written) = written {
            more["gen_ai.usage.cache_creation.input_tokens"] = json!(written);
        }
        call(&import(&[call_with(more)])).tokens
    };
    let both = Tokens { cache_write_5m: 100, cache_write_1h: 400, ..tokens(500, 0, 0, 0) };
    assert_eq!((of(Some(500)), of(None)), (both, both));
    // Both kinds, or neither.
    assert_eq!(of(Some(600)), tokens(400, 0, 600, 0));
}

/// Agents and workflows repeat what the calls below them used, also with spans between that are of something else.
#[test]
fn an_agent_that_repeats_the_usage_of_its_calls_counts_once() {
    let usage = |input: u64| json!({"gen_ai.usage.input_tokens": input, "gen_ai.usage.output_tokens": input / 10});
    let mut agent = usage(300);
    agent["gen_ai.operation.name"] = json!("invoke_agent");
    let mut workflow = usage(300);
    workflow["traceloop.span.kind"] = json!("workflow");
    let all = [
        span(1, 0, workflow),
        span(2, 1, agent),
        span(3, 2, json!({"http.request.method": "POST"})),
        chat(4, 3, 100),
        chat(5, 2, 200),
    ];
    for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [3, 0, 4, 1, 2]] {
        let lines: Vec<Value> = order.iter().map(|number| spans(&[all[*number].clone()])).collect();
        let import = import(&lines);
        assert_eq!(total(&import.events), (2, 330), "{order:?}");
        assert_eq!(import.report.calls, 2);
        let inputs: Vec<u64> = calls(&import).iter().map(|call| call.tokens.input).collect();
        assert_eq!(inputs, [100, 200]);
    }
}

#[test]
fn an_agent_alone_counts_what_it_used() {
    let agent = json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 300,
        "gen_ai.usage.output_tokens": 30});
    let import = import(&[spans(&[span(1, 0, agent), span(2, 1, json!({"gen_ai.operation.name": "chat"}))])]);
    assert_eq!(total(&import.events), (2, 330), "the call below it does not say what it used");
}

/// farion1231/cc-switch#6796: under-counting exists as well.
#[test]
fn an_agent_that_is_called_as_a_tool_counts_what_it_used_unless_its_calls_say() {
    let tool =
        json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "ask", "gen_ai.usage.input_tokens": 100});
    let alone = import(&[spans(&[span(1, 0, tool.clone())])]);
    assert_eq!((total(&alone.events), alone.report.tools), ((1, 100), 1));
    let both = import(&[spans(&[span(1, 0, tool), chat(2, 1, 80)])]);
    assert_eq!((total(&both.events), both.report.tools), ((1, 88), 1));
}

/// The Vercel AI SDK: `ai.generateText` is around `ai.generateText.doGenerate`, and repeats it under other names.
#[test]
fn generate_text_and_do_generate_count_once() {
    let parent = span(
        1,
        0,
        json!({"operation.name": "ai.generateText", "ai.operationId": "ai.generateText", "ai.model.id": "gpt-4.1",
            "ai.model.provider": "openai.responses", "ai.usage.promptTokens": 300, "ai.usage.completionTokens": 30}),
    );
    let step = |id: u64, input: u64| {
        let more = json!({"operation.name": "ai.generateText.doGenerate", "ai.operationId": "ai.generateText.doGenerate",
            "ai.model.id": "gpt-4.1", "ai.model.provider": "openai.responses", "gen_ai.system": "openai.responses",
            "gen_ai.request.model": "gpt-4.1", "gen_ai.response.model": "gpt-4.1-2025-04-14",
            "gen_ai.response.id": format!("resp_68c0a1b2c3d4e5f{id}"), "ai.response.msToFirstChunk": 120,
            "ai.usage.promptTokens": input, "ai.usage.completionTokens": input / 10,
            "gen_ai.usage.input_tokens": input, "gen_ai.usage.output_tokens": input / 10,
            "gen_ai.response.finish_reasons": ["stop"]});
        span(id, 1, more)
    };
    let lines = [spans(&[step(2, 100)]), spans(&[step(3, 200), parent])];
    let import = import(&lines);
    assert_eq!(total(&import.events), (2, 330));
    let first = &calls(&import)[0];
    assert_eq!((first.provider.as_str(), first.model.as_deref()), ("openai", Some("gpt-4.1-2025-04-14")));
    assert_eq!(first.ttft_ms.unwrap().get(), 120.0);
}

/// The one who asks and the one who answers both tell of a request.
#[test]
fn the_spans_of_client_and_server_are_one_call() {
    let mut more = json!({"gen_ai.operation.name": "chat", "gen_ai.response.id": "chatcmpl-BqkAdYh2LVZ1uSkVnS5gCRRk",
        "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 10});
    let client = with(span(1, 0, more.clone()), json!({"kind": 3}));
    more["gen_ai.provider.name"] = json!("openai");
    let server = with(span(2, 1, more.clone()), json!({"kind": 2}));
    let elsewhere = with(server.clone(), json!({"traceId": "0af7651916cd43dd8448eb211c80319c"}));
    for server in [server, elsewhere] {
        for order in [[&client, &server], [&server, &client]] {
            let import = import(&order.map(|span| spans(std::slice::from_ref(span))));
            assert_eq!((total(&import.events), import.report.calls), ((1, 110), 1));
            assert_eq!((import.report.usage, import.report.duplicates + import.report.superseding), (1, 1));
            let asked = Timestamp::parse("2026-01-01T00:00:01Z").unwrap();
            assert_eq!(calls(&import)[0].started_at, asked, "as who asked sees it");
        }
    }
}

/// A gateway between the two tells of the same tokens, and knows no id.
#[test]
fn a_gateway_between_client_and_server_is_the_same_call() {
    let more = json!({"gen_ai.operation.name": "chat", "gen_ai.response.id": "chatcmpl-BqkAdYh2LVZ1uSkVnS5gCRRk",
        "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 10});
    let all = [span(1, 0, more.clone()), chat(2, 1, 100), span(3, 2, more)];
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        assert_eq!(total(&import(&order.map(|number| spans(&[all[number].clone()]))).events), (1, 110));
    }
}

/// microsoft/agent-framework: the agent's span repeats the id of its last answer.
#[test]
fn an_agent_with_the_id_of_its_last_answer_is_not_that_call() {
    let answer = |input: u64| {
        json!({"gen_ai.response.id": "resp_68a3f1b2", "gen_ai.usage.input_tokens": input,
            "gen_ai.usage.output_tokens": input / 10})
    };
    let mut agent = answer(300);
    agent["gen_ai.operation.name"] = json!("invoke_agent");
    let mut last = answer(200);
    last["gen_ai.operation.name"] = json!("chat");
    let all = [span(1, 0, agent), chat(2, 1, 100), span(3, 1, last)];
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let import = import(&order.map(|number| spans(&[all[number].clone()])));
        let inputs: Vec<u64> = calls(&import).iter().map(|call| call.tokens.input).collect();
        assert_eq!(inputs, [100, 200], "{order:?}");
    }
}

/// A client around another client (Microsoft.Extensions.AI around the provider's own) sums up, with the id of the last answer.
#[test]
fn a_call_that_sums_others_up_and_has_the_id_of_one_does_not_cost_that_one() {
    let answer = |id: u64, parent: u64, input: u64, answer: &str| {
        let more = json!({"gen_ai.operation.name": "chat", "gen_ai.response.id": answer,
            "gen_ai.usage.input_tokens": input, "gen_ai.usage.output_tokens": input / 10});
        spans(&[span(id, parent, more)])
    };
    let all = [answer(1, 0, 300, "resp_b68a3f"), answer(2, 1, 100, "resp_a68a3f"), answer(3, 1, 200, "resp_b68a3f")];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]] {
        let lines = order.map(|number: usize| all[number].clone());
        let mut inputs: Vec<u64> = calls(&import(&lines)).iter().map(|call| call.tokens.input).collect();
        inputs.sort_unstable();
        assert_eq!(inputs, [100, 200], "{order:?}");
        // And when two of them were imported without the third, and all of them afterwards.
        let both = [import(&lines[..2]).events, import(&lines).events].concat();
        assert_eq!(total(&both), (2, 330), "{order:?}");
    }
}

/// Two machines have a part of a trace each, and merge what they imported.
#[test]
fn a_gateway_counts_once_whoever_imported_which_part() {
    let more = json!({"gen_ai.operation.name": "chat", "gen_ai.response.id": "chatcmpl-BqkAdYh2LVZ1uSkVnS5gCRRk",
        "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 10});
    let lines = [span(1, 0, more.clone()), chat(2, 1, 100), span(3, 2, more)].map(|span| spans(&[span]));
    let of = |numbers: &[usize]| -> Vec<_> { numbers.iter().map(|number| lines[*number].clone()).collect() };
    for parts in [[vec![0, 1], vec![0, 1, 2]], [vec![1, 2], vec![0, 1, 2]], [vec![2], vec![0, 1, 2]]] {
        let events = parts.iter().flat_map(|part| import(&of(part)).events).collect::<Vec<_>>();
        assert_eq!(total(&events), (1, 110), "{parts:?}");
    }
}

/// One of them knows the answer by its id, the other one the request only.
#[test]
fn the_spans_of_one_request_are_one_call_when_only_one_of_them_knows_the_answer() {
    let mut more = json!({"gen_ai.operation.name": "chat", "anthropic.request.id": "req_011CSHoEeqs5C35K2UUqR7Fy",
        "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 10});
    let server = span(2, 1, more.clone());
    let elsewhere = with(server.clone(), json!({"traceId": "0af7651916cd43dd8448eb211c80319c"}));
    more["gen_ai.response.id"] = json!("msg_01XFDUDYJgAACzvnptvVoYEL");
    let client = with(span(1, 0, more), json!({"kind": 3}));
    for server in [server, elsewhere] {
        let lines = [&client, &server].map(|span| spans(std::slice::from_ref(span)));
        let both = import(&lines);
        assert_eq!((total(&both.events), both.report.calls), ((1, 110), 1));
        // And when each was imported without the other, and both together afterwards.
        let alone = lines.map(|line| import(&[line]).events).concat();
        assert_eq!(total(&[alone, both.events].concat()), (1, 110));
    }
}

/// Ollama numbers its answers by chance, with up to three digits, or six where it speaks the Responses API.
#[test]
fn answers_with_ids_that_are_none_are_not_taken_for_one() {
    let of = |id: u64, answer: &str| {
        let more = json!({"gen_ai.operation.name": "chat", "gen_ai.response.id": answer,
            "gen_ai.usage.input_tokens": 100});
        spans(&[span(id, 0, more)])
    };
    for answer in ["chatcmpl-417", "cmpl-417", "resp_417123"] {
        assert_eq!(total(&import(&[of(1, answer), of(2, answer)]).events), (2, 200), "{answer}");
    }
}

#[test]
fn an_export_that_is_repeated_counts_once() {
    let line = spans(&[chat(1, 0, 100), chat(2, 0, 200)]);
    let import = import_files(&[&text(std::slice::from_ref(&line)), &text(&[line.clone(), line])]);
    assert_eq!((total(&import.events), import.events.len()), ((2, 330), 2));
    assert_eq!((import.report.usage, import.report.duplicates), (1, 2));
}

/// Some emitters tell of reasoning beside output.
#[test]
fn reasoning_is_a_part_of_output_unless_it_is_more() {
    let of = |output: u64, reasoning: u64| {
        let more = json!({"gen_ai.usage.output_tokens": output, "gen_ai.usage.reasoning.output_tokens": reasoning});
        call(&import(&[call_with(more)])).tokens
    };
    assert_eq!((of(100, 40).output, of(100, 40).reasoning), (100, Some(40)));
    assert_eq!((of(10, 200).output, of(10, 200).reasoning), (210, Some(200)));
}
