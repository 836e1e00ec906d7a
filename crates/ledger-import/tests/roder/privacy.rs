//! What people and models say stays in the thread.

use serde_json::{Value, json};

use crate::support::{asked, event, import, import_events, text, used, with};

const SECRET: &str = "canary-7f3a";

fn events() -> Vec<Value> {
    let secret = || json!({"nested": [{SECRET: SECRET}]});
    let inference = |n, event_of: Value| event(n, "InferenceEventReceived", json!({"event": event_of, "raw": SECRET}));
    vec![
        with(
            event(1, "ThreadCreated", json!({"title": SECRET, "workspace": secret(), "prompt": SECRET})),
            json!({
                "source": SECRET, "kind": SECRET, "payload": secret(),
            }),
        ),
        event(1, "UserMessageAppended", json!({"text": SECRET, "message": secret()})),
        event(2, "TurnStarted", json!({"message": SECRET, "runtime_profile": secret(), "instructions": SECRET})),
        with(
            asked(3),
            json!({"event": {"InferenceStarted": {
                "model": {"provider": "anthropic", "model": "m", "endpoint": SECRET}, "messages": [SECRET], "tools": secret(),
            }}}),
        ),
        inference(4, json!({"MessageDelta": {"text": SECRET}})),
        inference(4, json!({"ReasoningDelta": {"text": SECRET}})),
        inference(4, json!({"ToolCallDelta": {"arguments": SECRET}})),
        used(5, 100, 7),
        inference(6, json!({"Completed": {"stop_reason": SECRET, "text": SECRET, "provider_response_id": "r1"}})),
        event(7, "ToolCallRequested", json!({"tool_id": "c", "tool_name": "bash", "arguments": secret()})),
        event(8, "ToolCallStarted", json!({"tool_id": "c", "input": SECRET, "display_payload": SECRET})),
        event(
            9,
            "ToolCallCompleted",
            json!({"tool_id": "c", "output": SECRET, "result": secret(), "is_error": SECRET}),
        ),
        inference(10, json!({"Failed": {"error": SECRET, "message": SECRET}})),
        event(
            11,
            "TurnFailed",
            json!({"error": SECRET, "error_kind": format!("{SECRET} was said"), "usage": secret()}),
        ),
        event(12, SECRET, json!({"text": SECRET})),
    ]
}

#[test]
fn no_event_and_no_report_contains_what_was_said() {
    let metadata = json!({
        "thread_id": "t", "title": SECRET, "summary": SECRET, "workspace": "/w", "created_at": "2026-01-01T00:00:00Z",
        "tags": [SECRET], "last_message": {"text": SECRET},
    });
    let files = [
        ("threads/t/events.jsonl", text(&events())),
        ("threads/t/metadata.json", serde_json::to_string_pretty(&metadata).unwrap()),
    ];
    let import = import(&files);
    assert_eq!((import.report.calls, import.report.tools, import.report.turns), (1, 1, 1));
    let (events, report) = (serde_json::to_string(&import.events).unwrap(), format!("{:?}", import.report));
    assert!(!events.contains(SECRET), "{events}");
    assert!(!report.contains(SECRET), "{report}");
}

#[test]
fn no_reason_of_a_bad_line_contains_what_was_said() {
    let bad = [
        with(
            used(1, 1, 1),
            json!({"event": {"InferenceEventReceived": {"event": {"Usage": {"prompt_tokens": SECRET}}}}}),
        ),
        with(used(2, 1, 1), json!({"thread_id": format!("{SECRET}\u{7}")})),
        json!(SECRET),
    ];
    let report = import_events(&bad).report;
    assert_eq!(report.bad_lines, 3);
    assert!(!format!("{report:?}").contains(SECRET), "{report:?}");
}
