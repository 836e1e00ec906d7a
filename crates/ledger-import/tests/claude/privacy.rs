//! What people and models say stays in the transcript.

use serde_json::{Value, json};

use crate::support::{assistant, at, import_bytes, import_lines, user, with};

const SECRET: &str = "canary-7f3a";

/// A transcript with the secret wherever content can be.
fn transcript() -> Vec<Value> {
    let content = json!([
        {"type": "text", "text": SECRET},
        {"type": "thinking", "thinking": SECRET, "signature": SECRET},
        {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": SECRET, "nested": [{"x": SECRET}]}},
        {"type": "tool_use", "id": {"text": SECRET}, "name": [SECRET]},
        SECRET,
    ]);
    let output =
        json!([{"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": SECRET}]}]);
    let failed = [
        ("/isApiErrorMessage", json!(true)),
        ("/error", json!({"status": 500, "message": SECRET, "error": {"message": SECRET}})),
        ("/message/content", json!([{"type": "text", "text": SECRET}])),
    ];
    let system = |subtype: &str| {
        json!({
            "type": "system", "subtype": subtype, "content": SECRET, "uuid": subtype, "parentUuid": "a", "sessionId": "s",
            "timestamp": at(6), "hookInfos": [{"command": SECRET}], "compactMetadata": {"x": SECRET}, "durationMs": 5,
        })
    };
    vec![
        with(user("u", None, 0), &[("/message/content", json!(SECRET)), ("/todos", json!([SECRET]))]),
        with(
            assistant("a", "u", 1, "msg_1", 5),
            &[
                ("/message/content", content.clone()),
                ("/message/stop_sequence", json!(SECRET)),
                ("/message/stop_reason", json!(SECRET)),
                ("/message/usage/service_tier", json!(format!("a message with {SECRET}"))),
            ],
        ),
        with(user("r", Some("a"), 2), &[("/message/content", output.clone()), ("/toolUseResult", json!(SECRET))]),
        with(
            user("r2", Some("a"), 3),
            &[
                ("/message/content", output.clone()),
                ("/toolUseResult", json!({"stdout": SECRET, "durationMs": SECRET})),
            ],
        ),
        with(assistant("b", "r", 4, "msg_2", 5), &failed),
        with(
            assistant("c", "r", 4, "msg_3", 5),
            &[("/isApiErrorMessage", json!(true)), ("/error", json!(format!("Oh! {SECRET}")))],
        ),
        system("turn_duration"),
        system("local_command"),
        json!({
            "type": "progress", "uuid": "x", "sessionId": "s", "timestamp": at(7), "data": {
                "type": "agent_progress", "agentId": "a1", "prompt": SECRET, "normalizedMessages": [SECRET],
                "message": {"type": "assistant", "timestamp": at(7), "uuid": "y", "message": {
                    "id": "msg_4", "model": "claude-opus-4-6", "content": content, "usage": {"output_tokens": 1}}},
            },
        }),
        json!({
            "type": "progress", "uuid": "z", "sessionId": "s", "timestamp": at(7),
            "data": {"type": "bash_progress", "output": SECRET, "fullOutput": SECRET, "message": SECRET},
        }),
        json!({"type": "summary", "summary": SECRET, "leafUuid": "u"}),
        json!({"type": "queue-operation", "operation": "enqueue", "content": SECRET, "sessionId": "s", "timestamp": at(8)}),
        json!({"type": "file-history-snapshot", "snapshot": {"trackedFileBackups": {SECRET: {}}}}),
        json!({"type": SECRET, "uuid": "odd", "message": SECRET, "data": SECRET, "sessionId": "s", "timestamp": at(9)}),
    ]
}

#[test]
fn no_event_contains_what_was_said() {
    let import = import_lines(&transcript());
    assert_eq!((import.report.calls, import.report.tools, import.report.turns), (4, 1, 1));
    let events = serde_json::to_string(&import.events).unwrap();
    assert!(!events.contains(SECRET), "{events}");
}

#[test]
fn no_report_contains_what_was_said() {
    let torn = format!("{{\"type\":\"user\",\"message\":\"{SECRET}\"]}}\n\"{SECRET}\"\n{{\"x\":\"{SECRET}\n");
    let import = import_bytes(torn.as_bytes());
    assert_eq!(import.report.bad_lines, 3);
    assert!(!format!("{:?}", import.report).contains(SECRET));
}
