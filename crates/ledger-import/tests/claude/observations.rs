//! The same facts, observed by several imports that know more or less: whatever the order, each counts once.

use ledger_events::{LlmCall, Millis, ToolCompleted, TurnCompleted, TurnStarted};
use serde_json::{Value, json};

use crate::real::{SPOTTER, spotter};
use crate::support::{
    all, assistant, at, file, import, import_lines, in_both_orders, keys, latest, only, totals, user, with,
};

fn request(line: Value, request: &str) -> Value {
    with(line, &[("/requestId", json!(request))])
}

fn bare(line: Value) -> Value {
    with(line, &[("/requestId", Value::Null)])
}

#[test]
fn a_file_alone_and_its_folder_observe_the_same_facts() {
    let whole = import(&spotter());
    for alone in spotter() {
        for events in in_both_orders(&whole, &import(&[alone])) {
            assert_eq!(totals(&events), SPOTTER);
            assert_eq!(keys::<LlmCall>(&events), keys::<LlmCall>(&whole.events));
            assert_eq!(keys::<ToolCompleted>(&events), keys::<ToolCompleted>(&whole.events));
            assert_eq!(keys::<TurnStarted>(&events), keys::<TurnStarted>(&whole.events));
            assert_eq!(keys::<TurnCompleted>(&events), keys::<TurnCompleted>(&whole.events));
        }
    }
}

#[test]
fn every_observation_has_a_key_and_ends_have_a_revision() {
    let whole = import(&spotter());
    assert!(all::<LlmCall>(&whole).iter().all(|call| call.call_key.is_some() && call.revision.is_some()));
    assert!(all::<ToolCompleted>(&whole).iter().all(|tool| tool.tool_key.is_some() && tool.revision.is_some()));
    assert!(all::<TurnStarted>(&whole).iter().all(|turn| turn.turn_key.is_some()));
    assert!(all::<TurnCompleted>(&whole).iter().all(|turn| turn.turn_key.is_some() && turn.revision.is_some()));
}

#[test]
fn the_key_of_a_request_does_not_depend_on_other_requests() {
    let one = request(assistant("a", "u", 1, "msg_1", 5), "r1");
    let two = request(assistant("b", "u", 2, "msg_1", 7), "r2");
    let both = import_lines(&[one.clone(), two.clone()]);
    assert_eq!(keys::<LlmCall>(&both.events), ["msg_1:r1", "msg_1:r2"]);
    for alone in [one, two] {
        for events in in_both_orders(&import_lines(&[alone]), &both) {
            assert_eq!((totals(&events).calls, totals(&events).output), (2, 12));
        }
    }
}

#[test]
fn a_line_without_a_request_is_of_the_request_that_other_imports_know() {
    let known = request(assistant("a", "u", 1, "msg_1", 5), "r1");
    let unknown = bare(assistant("b", "a", 2, "msg_1", 9));
    let both = import_lines(&[known.clone(), unknown.clone()]);
    assert_eq!(only::<LlmCall>(&both).tokens.output, 9);
    for events in in_both_orders(&import_lines(std::slice::from_ref(&unknown)), &both) {
        assert_eq!((keys::<LlmCall>(&events), totals(&events).output), (vec!["msg_1:r1".to_owned()], 9));
    }
    // Never read together, they are still one call.
    for events in in_both_orders(&import_lines(&[unknown]), &import_lines(&[known])) {
        assert_eq!(totals(&events).calls, 1);
    }
}

#[test]
fn a_line_without_a_request_is_of_the_one_under_way() {
    let one = request(assistant("a", "u", 1, "msg_1", 5), "r1");
    let two = request(assistant("b", "u", 3, "msg_1", 7), "r2");
    for (second, outputs) in [(2, [100, 7]), (4, [5, 100])] {
        let growing = |count: usize| {
            let mut lines = [one.clone(), two.clone(), bare(assistant("c", "u", second, "msg_1", 100))];
            lines.sort_by_key(|line| line["timestamp"].to_string());
            import_lines(&lines[..count])
        };
        let found: Vec<_> = all::<LlmCall>(&growing(3)).iter().map(|call| call.tokens.output).collect();
        assert_eq!(found, outputs);
        for events in in_both_orders(&growing(2), &growing(3)) {
            assert_eq!((totals(&events).calls, totals(&events).output), (2, outputs[0] + outputs[1]));
        }
    }
}

#[test]
fn a_message_of_the_main_conversation_and_of_a_subagent_is_one_call() {
    let main = assistant("a", "u", 1, "msg_1", 5);
    let side = with(main.clone(), &[("/isSidechain", json!(true)), ("/agentId", json!("a1"))]);
    let (main, side) = (file("s.jsonl", &[main]), file("s/subagents/agent-a1.jsonl", &[side]));
    let both = import(&[main.clone(), side.clone()]);
    assert_eq!(all::<LlmCall>(&both).len(), 1);
    for events in in_both_orders(&import(&[side]), &import(&[main])) {
        assert_eq!(totals(&events).calls, 1);
    }
}

/// Some endpoints number their answers, in each session anew.
#[test]
fn ids_that_are_not_unique_in_the_world_are_calls_of_their_sessions() {
    let session = |name: &str| {
        let line = |uuid: &str, second, output| {
            let line = bare(assistant(&format!("{name}-{uuid}"), "u", second, "resp-1", output));
            with(line, &[("/sessionId", json!(name))])
        };
        [line("a", 1, 3), line("b", 2, 8)]
    };
    let (one, other) = (file("one.jsonl", &session("one")), file("other.jsonl", &session("other")));
    let both = import(&[one.clone(), other.clone()]);
    assert_eq!((all::<LlmCall>(&both).len(), totals(&both.events).output), (2, 16));
    assert_eq!((both.report.usage, both.report.superseding, both.report.duplicates), (2, 2, 0));
    for events in in_both_orders(&import(std::slice::from_ref(&one)), &import(&[other])) {
        assert_eq!((totals(&events).calls, totals(&events).output), (2, 16));
    }
    // A resumed session begins with copies, and goes on.
    let copies = session("one").map(|line| with(line, &[("/sessionId", json!("copy"))]));
    let copy = file("copy.jsonl", &copies);
    assert_eq!(all::<LlmCall>(&import(&[one.clone(), copy.clone()])).len(), 1);
    for events in in_both_orders(&import(&[one]), &import(&[copy])) {
        assert_eq!((totals(&events).calls, totals(&events).output), (1, 8));
    }
}

#[test]
fn requests_tell_answers_apart_that_share_a_name() {
    let lines = [
        request(assistant("a", "u", 1, "resp-1", 5), "r1"),
        request(assistant("b", "u", 2, "resp-1", 6), "r1"),
        bare(assistant("c", "u", 3, "resp-1", 7)),
        request(assistant("d", "u", 4, "resp-1", 20), "r2"),
    ];
    for count in 1..=lines.len() {
        let calls = totals(&import_lines(&lines[..count]).events).calls;
        assert_eq!(calls, if count == 4 { 2 } else { 1 });
    }
    for events in in_both_orders(&import_lines(&lines[..3]), &import_lines(&lines)) {
        assert_eq!((totals(&events).calls, totals(&events).output), (2, 27));
    }
}

#[test]
fn of_calls_of_equal_size_the_one_that_was_seen_until_later_counts() {
    let stopped = with(assistant("b", "a", 3, "msg_1", 5), &[("/message/stop_reason", json!("max_tokens"))]);
    let lines = [user("u", None, 0), assistant("a", "u", 1, "msg_1", 5), stopped];
    let (early, whole) = (import_lines(&lines[..2]), import_lines(&lines));
    assert!(only::<LlmCall>(&early).revision < only::<LlmCall>(&whole).revision);
    for events in in_both_orders(&early, &whole) {
        let calls = latest::<LlmCall>(&events);
        assert_eq!(calls.of("msg_1:req_1").unwrap().duration_ms, Millis::new(3_000.0).ok());
    }
}

#[test]
fn a_turn_that_was_measured_counts_before_one_that_was_not() {
    let measured = json!({
        "type": "system", "subtype": "turn_duration", "durationMs": 2_750, "uuid": "d", "parentUuid": "b",
        "sessionId": "s", "timestamp": at(9),
    });
    let end = |line| with(line, &[("/message/stop_reason", json!("end_turn"))]);
    let lines = [
        user("u", None, 0),
        end(assistant("a", "u", 3, "msg_1", 5)),
        end(assistant("b", "a", 8, "msg_2", 5)),
        measured,
    ];
    let took = |events: &[ledger_core::Event]| latest::<TurnCompleted>(events).of("u").unwrap().duration_ms;
    let [early, later, whole] = [2, 3, 4].map(|count| import_lines(&lines[..count]));
    for (one, other, millis) in [(&early, &later, 8_000.0), (&early, &whole, 2_750.0), (&later, &whole, 2_750.0)] {
        assert_ne!(took(&one.events), took(&other.events));
        for events in in_both_orders(one, other) {
            assert_eq!(took(&events), Millis::new(millis).ok());
        }
    }
}

#[test]
fn a_tool_that_was_measured_counts_before_one_that_was_not() {
    let asks = json!([{"type": "tool_use", "id": "toolu_1", "name": "Task"}]);
    let asking = with(assistant("a", "u", 1, "msg_1", 5), &[("/message/content", asks)]);
    let back = |reported: Value| {
        let content = json!([{"type": "tool_result", "tool_use_id": "toolu_1"}]);
        with(user("r", Some("a"), 4), &[("/message/content", content), ("/toolUseResult", reported)])
    };
    let tool = |reported| import_lines(&[user("u", None, 0), asking.clone(), back(reported)]);
    for events in in_both_orders(&tool(Value::Null), &tool(json!({"durationMs": 250}))) {
        assert_eq!(latest::<ToolCompleted>(&events).of("toolu_1").unwrap().duration_ms, Millis::new(250.0).ok());
    }
}
