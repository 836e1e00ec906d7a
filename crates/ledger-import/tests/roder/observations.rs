//! Which events come of the events of a thread.

use ledger_core::Timestamp;
use ledger_events::{CallStatus, SessionStarted, ToolCompleted, ToolStatus, TurnCompleted, TurnStarted, TurnStatus};
use serde_json::{Value, json};

use crate::support::{all, answered, asked, calls, event, import, import_events, text, turn, usage, used, with};

fn at(seconds: i64) -> Timestamp {
    let start = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
    Timestamp::from_micros(start.as_micros() + seconds * 1_000_000).unwrap()
}

#[test]
fn a_turn_is_a_session_a_call_a_tool_and_a_turn() {
    let import = import_events(&turn());
    let [call] = &calls(&import.events)[..] else { panic!("{:?}", import.report) };
    let tokens = call.tokens;
    assert_eq!((tokens.input, tokens.cache_read, tokens.cache_write, tokens.output), (10, 60, 30, 7));
    assert_eq!((call.provider.as_str(), call.model.as_deref()), ("anthropic", Some("claude-opus-4-6")));
    assert_eq!((&call.status, call.call_id.as_deref()), (&CallStatus::Ok, Some("r1")));
    // It was asked at 2 and answered at 5.
    assert_eq!((call.started_at, call.duration_ms.unwrap().get()), (at(2), 3_000.0));
    assert_eq!((call.session_id.as_deref(), call.turn_id.as_deref()), (Some("t"), Some("u")));

    let [tool] = &all::<ToolCompleted>(&import)[..] else { panic!() };
    assert_eq!((tool.tool_name.as_str(), &tool.status), ("bash", &ToolStatus::Error));
    assert_eq!(tool.duration_ms.unwrap().get(), 2_000.0);
    let [session] = &all::<SessionStarted>(&import)[..] else { panic!() };
    assert_eq!((session.session_id.as_str(), session.agent.as_deref()), ("t", Some("roder")));
    assert_eq!(all::<TurnStarted>(&import).len(), 1);
    let [turn] = &all::<TurnCompleted>(&import)[..] else { panic!() };
    assert_eq!((&turn.status, turn.duration_ms.unwrap().get()), (&TurnStatus::Completed, 8_000.0));

    let report = &import.report;
    assert_eq!((report.lines, report.usage, report.duplicates, report.other, report.bad_lines), (7, 1, 1, 5, 0));
}

#[test]
fn metadata_says_first_what_no_event_says() {
    let metadata = |model: &str, updated_at: &str| {
        let value = json!({
            "thread_id": "t", "title": "x", "workspace": "/w", "provider": "openai", "model": model,
            "parent_thread_id": "p", "created_at": "2025-12-31T23:59:59Z", "updated_at": updated_at,
        });
        serde_json::to_string_pretty(&value).unwrap()
    };
    let newer = ("threads/t/metadata.json", metadata("gpt-5.5", "2026-01-02T00:00:00Z"));
    let older = ("archived_threads/t/metadata.json", metadata("gpt-5", "2026-01-01T00:00:00Z"));
    let mut events = turn();
    events.remove(1);
    let events = ("threads/t/events.jsonl", text(&events));
    for files in [[newer.clone(), older.clone(), events.clone()], [events, older, newer]] {
        let import = import(&files);
        assert_eq!(import.report.bad_lines, 0);
        let [call] = &calls(&import.events)[..] else { panic!() };
        assert_eq!((call.provider.as_str(), call.model.as_deref()), ("openai", Some("gpt-5")));
        assert_eq!(call.operation, "subagent");
        let [session] = &all::<SessionStarted>(&import)[..] else { panic!() };
        let SessionStarted { parent_session_id, workspace, model, .. } = session;
        assert_eq!(
            (parent_session_id.as_deref(), workspace.as_deref(), model.as_deref()),
            (Some("p"), Some("/w"), Some("gpt-5"))
        );
    }
}

/// How a turn with one inference ends, and how the call and the turn do.
fn endings() -> Vec<(Vec<Value>, CallStatus, Option<&'static str>, TurnStatus)> {
    let failed = |kind: &str| event(5, "TurnFailed", json!({"error": "what was said", "error_kind": kind}));
    let stopped =
        |reason: &str| event(4, "InferenceEventReceived", json!({"event": {"Completed": {"stop_reason": reason}}}));
    let completed = || event(5, "TurnCompleted", json!({}));
    vec![
        (vec![completed()], CallStatus::Ok, None, TurnStatus::Completed),
        (vec![stopped("max_tokens"), completed()], CallStatus::Ok, None, TurnStatus::Completed),
        (vec![failed("provider")], CallStatus::Error, Some("provider"), TurnStatus::Failed),
        (vec![failed("rate_limit")], CallStatus::Limit, Some("rate_limit"), TurnStatus::Failed),
        (vec![failed("no word at all")], CallStatus::Error, Some("unknown"), TurnStatus::Failed),
        (vec![event(5, "TurnInterrupted", json!({}))], CallStatus::Cancelled, None, TurnStatus::Interrupted),
        (
            vec![event(5, "TurnDeadlineExceeded", json!({}))],
            CallStatus::Timeout,
            Some("deadline_exceeded"),
            TurnStatus::Partial,
        ),
    ]
}

#[test]
fn a_call_ends_as_its_turn_does_when_nothing_else_ends_it() {
    for (ending, status, class, of_turn) in endings() {
        let events = [vec![event(1, "TurnStarted", json!({})), asked(2)], ending.clone()].concat();
        let import = import_events(&events);
        let [call] = &calls(&import.events)[..] else { panic!("{ending:?}") };
        assert_eq!((&call.status, call.error_class.as_deref()), (&status, class), "{ending:?}");
        assert_eq!(all::<TurnCompleted>(&import)[0].status, of_turn, "{ending:?}");
    }
}

#[test]
fn an_inference_that_was_asked_again_failed_and_the_next_one_counts() {
    let events = [asked(1), asked(3), used(4, 100, 7), answered(5, "r2")];
    let calls = calls(&import_events(&events).events);
    let told: Vec<_> = calls.iter().map(|call| (call.status.clone(), call.tokens.total())).collect();
    assert!(told.contains(&(CallStatus::Error, 0)) && told.contains(&(CallStatus::Ok, 107)), "{told:?}");
    assert_eq!(told.len(), 2);
}

#[test]
fn a_call_that_may_go_on_is_none_yet() {
    let import = import_events(&[event(1, "TurnStarted", json!({})), asked(2)]);
    assert!(calls(&import.events).is_empty());
    assert_eq!(all::<TurnStarted>(&import).len(), 1);
}

#[test]
fn tools_with_one_id_are_told_apart_and_named_by_what_was_requested() {
    let events = [
        event(1, "ToolCallRequested", json!({"tool_id": "0", "tool_name": "read"})),
        event(2, "ToolCallStarted", json!({"tool_id": "0"})),
        event(3, "ToolCallCompleted", json!({"tool_id": "0", "is_error": false})),
        event(5, "ToolCallStarted", json!({"tool_id": "0", "tool_name": "write"})),
        event(9, "ToolCallCompleted", json!({"tool_id": "0"})),
        event(10, "ToolCallCompleted", json!({"tool_id": "1", "is_error": true})),
    ];
    let tools = all::<ToolCompleted>(&import_events(&events));
    let told: Vec<_> = tools
        .iter()
        .map(|tool| (tool.tool_name.as_str(), tool.duration_ms.map(|millis| millis.get()), tool.status.clone()))
        .collect();
    assert_eq!(tools.len(), 3);
    assert!(told.contains(&("read", Some(1_000.0), ToolStatus::Success)), "{told:?}");
    assert!(told.contains(&("write", Some(4_000.0), ToolStatus::Success)), "{told:?}");
    // Its start is not known: nothing says how long it took.
    assert!(told.contains(&("unknown", None, ToolStatus::Error)), "{told:?}");
}

#[test]
fn a_subagent_is_a_session_of_its_own() {
    let started = event(1, "SubagentStarted", json!({"thread_id": "child", "parent_thread_id": "t"}));
    let events = [
        with(started, json!({"thread_id": "child", "turn_id": null})),
        with(used(2, 100, 7), json!({"thread_id": "child"})),
    ];
    let import = import_events(&events);
    let [call] = &calls(&import.events)[..] else { panic!() };
    assert_eq!((call.operation.as_str(), call.session_id.as_deref()), ("subagent", Some("child")));
    assert_eq!(all::<SessionStarted>(&import)[0].parent_session_id.as_deref(), Some("t"));
}

#[test]
fn events_without_ids_are_known_by_their_number_and_time() {
    let events: Vec<Value> = turn().into_iter().map(|event| with(event, json!({"event_id": null}))).collect();
    let twice = [events.clone(), events.clone()].concat();
    assert_eq!(crate::support::total(&import_events(&twice).events), (1, 107));
    let neither: Vec<Value> = events.into_iter().map(|event| with(event, json!({"seq": null}))).collect();
    let report = import_events(&neither).report;
    assert_eq!(report.bad_lines, 2);
    assert!(report.bad.iter().all(|bad| bad.reason == "has usage, but neither event_id nor seq"), "{:?}", report.bad);
}

#[test]
fn what_a_turn_used_goes_to_its_last_inference_when_none_of_them_tells() {
    let events = [
        asked(1),
        answered(2, "r1"),
        asked(3),
        answered(4, "r2"),
        event(5, "TurnCompleted", json!({"usage": usage(100, 7)})),
    ];
    let calls = calls(&import_events(&events).events);
    let told: Vec<_> = calls.iter().map(|call| (call.call_id.as_deref(), call.tokens.total())).collect();
    assert!(told.contains(&(Some("r1"), 0)) && told.contains(&(Some("r2"), 107)), "{told:?}");
}
