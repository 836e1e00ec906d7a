//! What people and models say stays in the rollout.

use ledger_import::{Importer, Options, Source};
use serde_json::{Value, json};

use crate::support::{event, import, import_lines, line, meta, usage};

const SECRET: &str = "canary-7f3a";

fn rollout() -> Vec<Value> {
    let secret = || json!({"nested": [{SECRET: SECRET}]});
    let id = "call_DyhFJrJJb2y0MiOOHVP7KaVG";
    let item = |seconds, payload| line(seconds, "response_item", payload);
    vec![
        meta(
            0,
            "s",
            json!({
                "instructions": SECRET, "base_instructions": {"text": SECRET}, "originator": SECRET,
                "git": {"repository_url": SECRET, "branch": SECRET, "commit_hash": SECRET}, "source": {SECRET: SECRET},
                "agent_nickname": SECRET, "dynamic_tools": [{"name": SECRET, "description": SECRET}],
            }),
        ),
        line(
            1,
            "turn_context",
            json!({
                "model": "m", "turn_id": "t", "user_instructions": SECRET, "developer_instructions": SECRET,
                "sandbox_policy": {"writable_roots": [SECRET]}, "env": {"KEY": SECRET}, "cwd": SECRET,
            }),
        ),
        event(2, "user_message", json!({"message": SECRET, "images": [SECRET], "text_elements": secret()})),
        event(2, "agent_message", json!({"message": SECRET})),
        event(2, "agent_reasoning", json!({"text": SECRET})),
        item(3, json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": SECRET}]})),
        item(3, json!({"type": "reasoning", "summary": [{"text": SECRET}], "encrypted_content": SECRET})),
        item(4, json!({"type": "function_call", "name": "shell", "call_id": id, "arguments": SECRET})),
        item(4, json!({"type": "custom_tool_call", "name": "apply_patch", "call_id": "c2", "input": SECRET})),
        item(4, json!({"type": "local_shell_call", "call_id": "c3", "action": {"command": [SECRET], "env": secret()}})),
        item(4, json!({"type": "web_search_call", "id": "c4", "action": {"query": SECRET}})),
        event(
            5,
            "token_count",
            json!({"info": {"total_token_usage": usage(100), "note": SECRET},
            "rate_limits": {"plan_type": SECRET, "credits": {"balance": SECRET}}}),
        ),
        event(
            5,
            "exec_command_end",
            json!({"call_id": id, "command": [SECRET], "cwd": SECRET, "stdout": SECRET,
            "stderr": SECRET, "aggregated_output": SECRET, "formatted_output": SECRET, "exit_code": 0}),
        ),
        event(
            5,
            "mcp_tool_call_end",
            json!({"call_id": "c2", "invocation": {"arguments": secret()},
            "result": {"Err": SECRET}}),
        ),
        event(
            5,
            "mcp_tool_call_end",
            json!({"call_id": "c3", "result": {"Ok": {"content": [SECRET], "isError": SECRET}}}),
        ),
        item(6, json!({"type": "function_call_output", "call_id": id, "output": SECRET})),
        item(
            6,
            json!({"type": "custom_tool_call_output", "call_id": "c2", "output": {"content": SECRET, "success": SECRET}}),
        ),
        event(7, "error", json!({"message": SECRET, "codex_error_info": {"other": {"message": SECRET}}})),
        event(8, "error", json!({"message": SECRET, "codex_error_info": format!("{SECRET} failed")})),
        event(7, "stream_error", json!({"message": SECRET, "additional_details": SECRET})),
        line(
            8,
            "token_usage_record",
            json!({"response_id": "r", "thread_id": "s", "usage": usage(10), "note": SECRET}),
        ),
        line(
            8,
            "compacted",
            json!({"message": SECRET, "replacement_history": [secret()],
            "latest_token_usage_record": {"usage": usage(999)}}),
        ),
        event(9, "task_complete", json!({"turn_id": "t", "last_agent_message": SECRET})),
        event(9, SECRET, json!({"text": SECRET})),
        line(9, SECRET, json!({"type": SECRET, "name": secret(), "status": secret(), "model": secret()})),
        json!({"timestamp": SECRET, "type": "event_msg", "payload": SECRET}),
    ]
}

#[test]
fn no_event_and_no_report_contains_what_was_said() {
    let import = import_lines(&rollout());
    assert_eq!((import.report.calls, import.report.tools, import.report.turns), (4, 4, 1));
    let (events, report) = (serde_json::to_string(&import.events).unwrap(), format!("{:?}", import.report));
    assert!(!events.contains(SECRET), "{events}");
    assert!(!report.contains(SECRET), "{report}");
}

#[test]
fn no_report_of_bad_lines_contains_what_was_said() {
    let torn = format!(
        "{{\"type\":\"event_msg\",\"payload\":\"{SECRET}\"]}}\n\"{SECRET}\"\n\
         {{\"timestamp\":\"2026-01-01T00:00:00Z\",\"type\":\"token_usage_record\",\"payload\":{{\"response_id\":\"r\",\
         \"thread_id\":\"s\",\"usage\":{{\"input_tokens\":\"{SECRET}\"}}}}}}\n\
         {{\"timestamp\":\"2026-01-01T00:00:00Z\",\"type\":\"session_meta\",\"payload\":{{\"id\":\"{SECRET}\\u0007\"}}}}\n\
         {{\"x\":\"{SECRET}\n"
    );
    let import = import(&[("rollout.jsonl".into(), torn.into_bytes())]);
    assert_eq!(import.report.bad_lines, 5);
    assert!(!format!("{:?}", import.report).contains(SECRET), "{:?}", import.report);
}

#[test]
fn a_hundred_megabytes_are_a_line_like_any_other() {
    let mut importer = Importer::new(&Source::Codex, Options::default()).unwrap();
    let huge = line(3, "response_item", json!({"type": "message", "content": "x".repeat(100 << 20)}));
    let lines = [meta(0, "s", json!({})), huge, crate::support::count(5, 100, 100)];
    let (path, bytes) = crate::support::file("s.jsonl", &lines);
    importer.read(&path, bytes.as_slice()).unwrap();
    assert_eq!(crate::support::calls(&importer.finish().events), (1, 100));
}
