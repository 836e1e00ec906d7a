//! Calls of tools.

use ledger_events::{Millis, ToolCompleted, ToolStatus};
use serde_json::{Value, json};

use crate::support::{all, assistant, import_lines, in_both_orders, latest, only, user, with};

fn asking(tools: &[&str]) -> Value {
    let block = |id: &&str| json!({"type": "tool_use", "id": id, "name": "Bash", "input": {"command": "ls"}});
    let blocks: Vec<Value> = tools.iter().map(block).collect();
    with(assistant("a", "u", 1, "msg_1", 5), &[("/message/content", json!(blocks))])
}

fn result(id: &str, seconds: u32, is_error: Value, tool_use_result: Value) -> Value {
    let content = json!([{"type": "tool_result", "tool_use_id": id, "content": "out", "is_error": is_error}]);
    let changes = [("/message/content", content), ("/toolUseResult", tool_use_result)];
    with(user(&format!("r-{id}"), Some("a"), seconds), &changes)
}

#[test]
fn a_tool_takes_as_long_as_it_says_or_else_until_its_result() {
    let took = |reported: Value| {
        let lines = [user("u", None, 0), asking(&["toolu_1"]), result("toolu_1", 4, json!(false), reported)];
        only::<ToolCompleted>(&import_lines(&lines)).duration_ms.map(Millis::get)
    };
    assert_eq!(took(json!({"durationMs": 250})), Some(250.0));
    assert_eq!(took(json!({"totalDurationMs": 2_500.5})), Some(2_500.5));
    assert_eq!(took(json!("a text")), Some(3_000.0));
    assert_eq!(took(Value::Null), Some(3_000.0));
}

#[test]
fn a_tool_succeeds_unless_its_result_is_an_error() {
    let lines = [
        user("u", None, 0),
        asking(&["toolu_1", "toolu_2", "toolu_3", "toolu_4"]),
        result("toolu_1", 2, json!(false), Value::Null),
        result("toolu_2", 3, json!(true), Value::Null),
        result("toolu_3", 4, Value::Null, Value::Null),
    ];
    let tools = all::<ToolCompleted>(&import_lines(&lines));
    let statuses: Vec<_> = tools.iter().map(|tool| tool.status.clone()).collect();
    assert_eq!(statuses, [ToolStatus::Success, ToolStatus::Error, ToolStatus::Success]);
    assert!(tools.iter().all(|tool| tool.turn_id.as_deref() == Some("u") && tool.tool_name == "Bash"));
}

#[test]
fn ids_that_are_not_unique_in_the_world_are_kept_apart_by_session() {
    let here = [asking(&["Bash:0"]), result("Bash:0", 2, json!(false), Value::Null)];
    let there = here.clone().map(|line| {
        let uuid = json!(format!("{}-there", line["uuid"]));
        with(line, &[("/sessionId", json!("t")), ("/uuid", uuid)])
    });
    assert_eq!(all::<ToolCompleted>(&import_lines(&[here, there].concat())).len(), 2);
}

/// Some endpoints number the tools of each answer from 0.
#[test]
fn ids_that_are_used_again_within_a_session_are_kept_apart_by_line() {
    let use_of = |uuid: &str, parent, seconds, message: &str| {
        let block = json!([{"type": "tool_use", "id": "Bash:0", "name": "Bash"}]);
        with(assistant(uuid, parent, seconds, message, 5), &[("/message/content", block)])
    };
    let back = |uuid: &str, parent: Value, seconds, is_error: bool| {
        let line = result("Bash:0", seconds, json!(is_error), Value::Null);
        with(line, &[("/uuid", json!(uuid)), ("/parentUuid", parent)])
    };
    // Whether or not the results say which line asked.
    for parents in [[json!("a"), json!("b")], [Value::Null, Value::Null]] {
        let [first, second] = parents;
        let here = [
            user("u", None, 0),
            use_of("a", "u", 1, "msg_1"),
            back("r", first, 2, false),
            user("v", Some("r"), 10),
            use_of("b", "v", 11, "msg_2"),
            back("q", second, 15, true),
        ];
        let tools = all::<ToolCompleted>(&import_lines(&here));
        let told: Vec<_> = tools.iter().map(|tool| (tool.duration_ms.map(Millis::get), tool.status.as_str())).collect();
        assert_eq!(told, [(Some(1_000.0), "success"), (Some(4_000.0), "error")]);
        // The copy that a resumed session begins with is no other tool.
        let copy = here.clone().map(|line| with(line, &[("/sessionId", json!("t"))]));
        assert_eq!(all::<ToolCompleted>(&import_lines(&[here.clone(), copy.clone()].concat())).len(), 2);
        for events in in_both_orders(&import_lines(&here), &import_lines(&copy)) {
            assert_eq!(latest::<ToolCompleted>(&events).values().count(), 2);
        }
    }
}

#[test]
fn one_duration_for_several_results_is_nobodys() {
    let block = |id: &str| json!({"type": "tool_result", "tool_use_id": id});
    let changes = [
        ("/message/content", json!([block("toolu_1"), block("toolu_2")])),
        ("/toolUseResult", json!({"durationMs": 250})),
    ];
    let lines = [user("u", None, 0), asking(&["toolu_1", "toolu_2"]), with(user("r", Some("a"), 4), &changes)];
    let tools = all::<ToolCompleted>(&import_lines(&lines));
    let took: Vec<_> = tools.iter().map(|tool| tool.duration_ms.map(Millis::get)).collect();
    assert_eq!(took, [Some(3_000.0), Some(3_000.0)]);
}
