//! Tools, turns, failures, tiers and allowances.

use ledger_events::{
    CallStatus, LimitsObserved, LlmCall, SessionStarted, ToolCompleted, ToolStatus, TurnCompleted, TurnStatus,
};
use serde_json::{Value, json};

use crate::support::{all, context, count, event, import_lines, line, meta};

const TURN: &str = "019b04ae-b1c6-7c72-a134-a4c2de66058c";

fn item(seconds: u32, payload: Value) -> Value {
    line(seconds, "response_item", payload)
}

fn turn() -> Vec<Value> {
    let id = "call_DyhFJrJJb2y0MiOOHVP7KaVG";
    let tier = json!({"thread_settings": {"service_tier": "flex"}});
    let limits = |used: f64| {
        json!({"info": null, "rate_limits": {
            "primary": {"used_percent": used, "window_minutes": 300, "resets_at": 1_767_225_600}, "secondary": null}})
    };
    vec![
        meta(0, "s", json!({"model_provider": "openai"})),
        event(1, "thread_settings_applied", tier),
        event(2, "task_started", json!({"turn_id": TURN})),
        context(2),
        event(3, "token_count", limits(1.5)),
        event(3, "token_count", limits(1.5)),
        event(4, "token_count", limits(2.0)),
        event(4, "stream_error", json!({"message": "again"})),
        item(5, json!({"type": "function_call", "name": "shell", "call_id": id, "arguments": "{}"})),
        count(6, 100, 100),
        event(
            8,
            "exec_command_end",
            json!({"call_id": id, "exit_code": 1, "duration": {"secs": 1, "nanos": 500_000_000}}),
        ),
        item(8, json!({"type": "function_call_output", "call_id": id, "output": "x"})),
        item(9, json!({"type": "web_search_call", "id": "ws_1", "status": "completed"})),
        event(10, "error", json!({"message": "x", "codex_error_info": "usage_limit_exceeded"})),
        event(11, "task_complete", json!({"turn_id": TURN, "duration_ms": 9_250, "time_to_first_token_ms": 750})),
    ]
}

#[test]
fn a_tool_knows_how_it_ended_and_how_long_it_took() {
    let tools = all::<ToolCompleted>(&import_lines(&turn()));
    let known: Vec<_> = tools.iter().map(|tool| (&*tool.tool_name, tool.status.clone())).collect();
    assert_eq!(known, [("shell", ToolStatus::Error), ("web_search", ToolStatus::Success)]);
    assert_eq!(tools[0].duration_ms.map(ledger_events::Millis::get), Some(1_500.0));
    assert_eq!(tools[0].turn_id.as_deref(), Some(TURN));
}

#[test]
fn a_turn_that_ended_with_an_error_failed_and_is_measured() {
    let turns = all::<TurnCompleted>(&import_lines(&turn()));
    assert_eq!((turns.len(), &turns[0].status), (1, &TurnStatus::Failed));
    assert_eq!(turns[0].error_class.as_deref(), Some("usage_limit_exceeded"));
    assert_eq!(turns[0].duration_ms.map(ledger_events::Millis::get), Some(9_250.0));
}

#[test]
fn a_turn_that_was_aborted_is_interrupted() {
    let mut lines = turn();
    let last = lines.len() - 1;
    lines[last] = event(11, "turn_aborted", json!({"turn_id": TURN, "reason": "interrupted"}));
    assert_eq!(all::<TurnCompleted>(&import_lines(&lines))[0].status, TurnStatus::Interrupted);
}

#[test]
fn calls_have_tier_attempt_and_time_to_the_first_token_and_failures_their_class() {
    let calls = all::<LlmCall>(&import_lines(&turn()));
    assert_eq!(calls.len(), 2);
    assert_eq!((calls[0].service_tier.as_deref(), calls[0].attempt), (Some("flex"), Some(2)));
    assert_eq!(calls[0].ttft_ms.map(ledger_events::Millis::get), Some(750.0));
    assert_eq!(calls[0].duration_ms.map(ledger_events::Millis::get), Some(4_000.0));
    assert_eq!((&calls[1].status, calls[1].error_class.as_deref()), (&CallStatus::Limit, Some("usage_limit_exceeded")));
    assert_eq!((calls[1].tokens.total(), calls[1].ttft_ms), (0, None));
}

#[test]
fn allowances_are_observed_when_they_change() {
    let used: Vec<_> = all::<LimitsObserved>(&import_lines(&turn())).iter().map(|limit| limit.used_percent).collect();
    assert_eq!(used, [1.5, 2.0]);
}

#[test]
fn a_session_names_its_parent_and_provider() {
    let session = &all::<SessionStarted>(&import_lines(&[meta(
        0,
        "s",
        json!({"model_provider": "openai", "parent_thread_id": "p"}),
    )]))[0];
    assert_eq!((session.session_id.as_str(), session.parent_session_id.as_deref()), ("s", Some("p")));
    assert_eq!((session.agent.as_deref(), session.provider.as_deref()), (Some("codex"), Some("openai")));
}

#[test]
fn what_is_known_of_a_turn_only_grows_while_it_is_read() {
    let lines = turn();
    let whole = import_lines(&lines);
    for cut in 1..lines.len() {
        let part = import_lines(&lines[..cut]);
        for events in crate::support::in_both_orders(&part, &whole) {
            let calls = crate::support::latest::<LlmCall>(&events);
            let expected = crate::support::latest::<LlmCall>(&whole.events);
            assert!(calls.iter().eq(expected.iter()), "cut at {cut}");
            let tools = crate::support::latest::<ToolCompleted>(&events);
            assert!(tools.iter().eq(crate::support::latest::<ToolCompleted>(&whole.events).iter()), "cut at {cut}");
        }
    }
}
