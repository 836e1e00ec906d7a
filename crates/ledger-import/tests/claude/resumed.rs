//! Sessions that were resumed, by copying them under another id.

use ledger_core::Event;
use ledger_events::{LlmCall, ToolCompleted, TurnCompleted, TurnStarted};
use serde_json::{Value, json};

use crate::support::{all, assistant, file, import, in_both_orders, keys, latest, totals, user, with};

/// A turn with a call of a tool: names begin with `name`, times with `second`.
fn turn(name: &str, parent: Option<&str>, second: u32) -> Vec<Value> {
    let id = |kind: &str| format!("{name}-{kind}");
    let asks = json!([{"type": "tool_use", "id": format!("toolu_{name}"), "name": "Bash"}]);
    let back = json!([{"type": "tool_result", "tool_use_id": format!("toolu_{name}")}]);
    let end = ("/message/stop_reason", json!("end_turn"));
    vec![
        user(&id("prompt"), parent, second),
        with(
            assistant(&id("asks"), &id("prompt"), second + 1, &format!("msg_{name}_1"), 5),
            &[("/message/content", asks)],
        ),
        with(user(&id("result"), Some(&id("asks")), second + 2), &[("/message/content", back)]),
        with(assistant(&id("end"), &id("result"), second + 3, &format!("msg_{name}_2"), 7), &[end]),
    ]
}

fn copy(lines: &[Value]) -> Vec<Value> {
    // The name of the copy sorts first, so that nothing but the rule makes the original win.
    lines.iter().map(|line| with(line.clone(), &[("/sessionId", json!("copy"))])).collect()
}

/// `turns` turns, each observed once: with two calls of the model, and one of a tool.
fn assert_counts_once(events: &[Event], turns: usize) {
    assert_eq!(keys::<TurnStarted>(events).len(), turns);
    assert_eq!(keys::<TurnCompleted>(events).len(), turns);
    assert_eq!(keys::<ToolCompleted>(events).len(), turns);
    assert_eq!((keys::<LlmCall>(events).len(), totals(events).output), (2 * turns, 12 * turns as u64));
}

#[test]
fn a_session_that_goes_on_beside_its_copy_keeps_what_is_its_own() {
    let first = turn("one", None, 0);
    let resumed = copy(&[first.clone(), turn("two", Some("one-end"), 60)].concat());
    let gone_on = [first.clone(), turn("three", Some("one-end"), 120)].concat();
    let mut events = Vec::new();
    let mut before = Vec::new();
    for files in [
        vec![file("s.jsonl", &first)],
        vec![file("s.jsonl", &first), file("copy.jsonl", &resumed)],
        vec![file("copy.jsonl", &resumed), file("s.jsonl", &gone_on)],
    ] {
        let import = import(&files);
        let of_one: Vec<_> =
            import.events.iter().filter(|event| event.payload.as_str().contains("one")).cloned().collect();
        assert!(of_one.iter().all(|event| event.session_id.as_ref().is_some_and(|id| id.as_str() == "s")));
        // They are observed anew when there is another copy of them, and not when a copy grows.
        let again = std::mem::replace(&mut before, of_one.clone());
        assert_eq!(again == of_one, files[0].0.ends_with("copy.jsonl"));
        events.extend(import.events);
    }
    assert_counts_once(&events, 3);
}

#[test]
fn a_copy_alone_is_the_same_session_to_whoever_counts() {
    let first = turn("one", None, 0);
    let resumed = copy(&[first.clone(), turn("two", Some("one-end"), 60)].concat());
    let (original, copied) = (import(&[file("s.jsonl", &first)]), import(&[file("copy.jsonl", &resumed)]));
    for events in in_both_orders(&original, &copied) {
        assert_counts_once(&events, 2);
    }
    let (both, copied) =
        (import(&[file("s.jsonl", &first), file("copy.jsonl", &resumed)]), import(&[file("copy.jsonl", &resumed)]));
    for events in in_both_orders(&both, &copied) {
        assert_counts_once(&events, 2);
        let orders = latest::<LlmCall>(&events);
        assert_eq!(
            orders.values().collect::<Vec<_>>(),
            latest::<LlmCall>(&copied.events.iter().chain(&both.events).cloned().collect::<Vec<_>>())
                .values()
                .collect::<Vec<_>>()
        );
    }
}

#[test]
fn a_copy_of_a_copy_owns_nothing_of_the_first() {
    let [one, two, three] =
        [turn("one", None, 0), turn("two", Some("one-end"), 60), turn("three", Some("two-end"), 120)];
    let named = |name: &str, lines: &[&[Value]]| {
        let lines: Vec<_> = lines.concat().into_iter().map(|line| with(line, &[("/sessionId", json!(name))])).collect();
        file(&format!("{name}.jsonl"), &lines)
    };
    // In no order of their names.
    let files = [named("m", &[&one]), named("z", &[&one, &two]), named("a", &[&one, &two, &three])];
    let sessions: Vec<_> = all::<TurnStarted>(&import(&files)).into_iter().map(|turn| turn.session_id).collect();
    assert_eq!(sessions, ["m", "z", "a"]);
}

#[test]
fn the_turns_of_a_copy_are_numbered_the_same_without_the_original() {
    let first = turn("one", None, 0);
    let resumed = copy(&[first.clone(), turn("two", Some("one-end"), 60)].concat());
    for files in [vec![file("copy.jsonl", &resumed)], vec![file("copy.jsonl", &resumed), file("s.jsonl", &first)]] {
        let import = import(&files);
        let event = import.events.iter().find(|event| event.payload.as_str().contains("msg_two_1")).unwrap();
        assert_eq!(event.turn, 2);
    }
}
