//! Calls that failed, were cut off or refused, and what the agent wrote in the name of a model.

use ledger_events::{CallStatus, CostSource, LlmCall, Millis};
use serde_json::{Value, json};

use crate::support::{all, assistant, at, import_lines, only, user, with};

fn synthetic(changes: &[(&str, Value)]) -> Value {
    let line = with(assistant("a", "u", 1, "6f1d", 0), &[("/message/model", json!("<synthetic>"))]);
    with(line, changes)
}

#[test]
fn what_the_agent_made_up_is_no_call() {
    let import = import_lines(&[user("u", None, 0), synthetic(&[])]);
    assert!(all::<LlmCall>(&import).is_empty());
    assert_eq!(import.report.other, 2);
}

#[test]
fn an_api_error_is_a_call_without_usage() {
    let changes =
        [("/isApiErrorMessage", json!(true)), ("/error", json!("rate_limit")), ("/apiErrorStatus", json!(429))];
    let call = only::<LlmCall>(&import_lines(&[user("u", None, 0), synthetic(&changes)]));
    assert_eq!((call.status, call.error_class.as_deref()), (CallStatus::Limit, Some("rate_limit")));
    assert_eq!((call.http_status, call.model, call.tokens.total()), (Some(429), None, 0));
}

#[test]
fn limits_and_timeouts_are_told_from_errors() {
    let call = |error: Value| {
        let changes = [("/isApiErrorMessage", json!(true)), ("/error", error)];
        only::<LlmCall>(&import_lines(&[synthetic(&changes)]))
    };
    for (http_status, status) in [
        (429, CallStatus::Limit),
        (408, CallStatus::Timeout),
        (504, CallStatus::Timeout),
        (500, CallStatus::Error),
        (529, CallStatus::Error),
    ] {
        assert_eq!(call(json!({"status": http_status})).status, status, "{http_status}");
    }
    assert_eq!(call(json!("rate_limit")).status, CallStatus::Limit);
}

#[test]
fn attempts_are_counted_where_the_agent_tells_of_them() {
    let retry = |uuid: &str, parent: &str, attempt: Value| {
        json!({
            "type": "system", "subtype": "api_error", "uuid": uuid, "parentUuid": parent, "sessionId": "s",
            "timestamp": at(2), "retryAttempt": attempt, "error": {"status": 529, "message": "Overloaded"},
        })
    };
    let answer = |parent| assistant("a", parent, 9, "msg_1", 5);
    let told = [user("u", None, 0), retry("e", "u", json!(1)), retry("f", "e", json!(2)), answer("f")];
    let call = only::<LlmCall>(&import_lines(&told));
    assert_eq!((call.attempt, call.duration_ms), (Some(3), Millis::new(9_000.0).ok()));
    for untold in
        [vec![user("u", None, 0), answer("u")], vec![user("u", None, 0), retry("e", "u", json!("x")), answer("e")]]
    {
        assert_eq!(only::<LlmCall>(&import_lines(&untold)).attempt, None);
    }
}

#[test]
fn an_error_class_is_never_a_message() {
    let class = |error: Value| {
        let changes = [("/isApiErrorMessage", json!(true)), ("/error", error)];
        only::<LlmCall>(&import_lines(&[synthetic(&changes)])).error_class
    };
    assert_eq!(class(json!("Please run /login")).as_deref(), Some("api_error"));
    assert_eq!(class(json!({"status": 529, "message": "Overloaded"})).as_deref(), Some("http_529"));
    assert_eq!(class(Value::Null).as_deref(), Some("api_error"));
}

#[test]
fn answers_that_were_cut_off_or_refused_are_flagged() {
    for (reason, flag) in [("max_tokens", "truncated"), ("refusal", "refusal")] {
        let line = with(assistant("a", "u", 1, "msg_1", 5), &[("/message/stop_reason", json!(reason))]);
        let import = import_lines(&[line]);
        assert_eq!(only::<LlmCall>(&import).status, CallStatus::Ok);
        let event = import.events.iter().find(|event| event.kind.as_str() == "llm.called").unwrap();
        assert_eq!(event.metadata.value(flag), Some("true"));
        assert_eq!(event.metadata.value("token_convention"), Some("exclusive"));
    }
}

#[test]
fn latency_is_estimated_from_what_was_answered() {
    let lines = [user("u", None, 10), assistant("a", "u", 13, "msg_1", 1), assistant("b", "a", 15, "msg_1", 2)];
    let import = import_lines(&lines);
    assert_eq!(only::<LlmCall>(&import).duration_ms, Millis::new(5_000.0).ok());
    let event = import.events.iter().find(|event| event.kind.as_str() == "llm.called").unwrap();
    assert_eq!(event.metadata.value("latency_estimated"), Some("true"));
    assert_eq!(event.metadata.value("source_version"), Some("2.1.39"));
    assert_eq!(event.model_id.as_ref().map(AsRef::as_ref), Some("claude-opus-4-6"));
    assert_eq!(event.turn, 1);
}

#[test]
fn what_prices_depend_on_is_kept() {
    let usage = json!({
        "input_tokens": 1, "output_tokens": 1, "service_tier": "batch", "speed": "fast", "inference_geo": "us",
        "server_tool_use": {"web_search_requests": 3},
    });
    let line = with(assistant("a", "u", 1, "msg_1", 0), &[("/message/usage", usage), ("/costUSD", json!(0.0105))]);
    let call = only::<LlmCall>(&import_lines(&[line]));
    assert_eq!((call.service_tier.as_deref(), call.speed.as_deref()), (Some("batch"), Some("fast")));
    assert_eq!((call.inference_geo.as_deref(), call.web_searches), (Some("us"), Some(3)));
    let cost = call.cost.unwrap();
    assert_eq!((cost.pico_usd, cost.source), (10_500_000_000, CostSource::Provider));
}
