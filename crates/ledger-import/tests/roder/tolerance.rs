//! Threads as they really are.

use serde_json::json;

use crate::support::{event, import, import_events, text, total, turn, used, with};

#[test]
fn marks_padding_line_ends_and_torn_lines_are_tolerated() {
    let lines: Vec<String> = turn().iter().map(ToString::to_string).collect();
    let odd =
        format!("\u{feff}{}\r\n\0\0{}{}\n\n{}\n{}", lines[0], lines[1], lines[2], lines[3..].join("\r\n"), "{\"torn");
    let import = import(&[("threads/t/events.jsonl", odd)]);
    assert_eq!(total(&import.events), (1, 107));
    assert_eq!((import.report.bad_lines, import.report.pending), (0, 1));
}

#[test]
fn nulls_and_other_kinds_anywhere_harm_nothing() {
    for odd in [json!(null), json!(7), json!([1]), json!({"a": 1}), json!(true)] {
        for field in ["source", "kind", "seq", "event_id"] {
            let events: Vec<_> = turn().into_iter().map(|event| with(event, json!({field: odd}))).collect();
            assert_eq!(total(&import_events(&events).events), (1, 107), "{field}: {odd}");
        }
        let mut events = turn();
        events.push(event(10, "ToolCallStarted", odd.clone()));
        events.push(with(event(11, "TurnStarted", json!({})), json!({"event": odd})));
        assert_eq!(total(&import_events(&events).events), (1, 107), "{odd}");
    }
}

#[test]
fn a_bad_count_is_named_and_harms_no_other() {
    let mut events = turn();
    events.insert(
        2,
        with(used(3, 1, 1), json!({"event": {"InferenceEventReceived": {"event": {"Usage": {"prompt_tokens": -1}}}}})),
    );
    let import = import_events(&events);
    assert_eq!(total(&import.events), (1, 107));
    let [bad] = &import.report.bad[..] else { panic!() };
    assert_eq!((bad.path.to_str(), bad.line), (Some("threads/t/events.jsonl"), 3));
    assert!(bad.reason.contains("a count is not a whole number from 0 up"), "{}", bad.reason);
}

#[test]
fn tokens_above_32_bits_are_counted() {
    let events = [used(1, 5_000_000_000, 1)];
    assert_eq!(total(&import_events(&events).events), (1, 5_000_000_001));
}

#[test]
fn broken_metadata_is_bad_and_unfinished_one_waits() {
    let events = ("threads/t/events.jsonl", text(&turn()));
    let broken = import(&[("threads/t/metadata.json", "{\n\"thread_id\" \"t\"}".to_owned()), events.clone()]);
    assert_eq!((broken.report.bad_lines, total(&broken.events)), (1, (1, 107)));
    let torn = import(&[("threads/t/metadata.json", "{\n\"thread_id\": ".to_owned()), events]);
    assert_eq!((torn.report.pending, total(&torn.events)), (1, (1, 107)));
}
