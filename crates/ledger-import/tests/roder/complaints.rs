//! What users complain about, where a thread of roder could have it too.

use ledger_events::CallStatus;
use serde_json::json;

use crate::support::{asked, calls, event, import_events, total, turn, usage, used};

/// roder's own statistics read the last event of a turn only, and lose what an interrupted one used.
#[test]
fn an_interrupted_turn_counts() {
    let events =
        [event(1, "TurnStarted", json!({})), asked(2), used(3, 100, 7), event(4, "TurnInterrupted", json!({}))];
    let [call] = &calls(&import_events(&events).events)[..] else { panic!() };
    assert_eq!((call.tokens.total(), &call.status), (107, &CallStatus::Cancelled));
}

/// "Cached tokens counted inside and beside input": langfuse 10592, 9386, 12306; litellm 26919.
#[test]
fn cached_tokens_are_not_counted_inside_and_beside_the_input() {
    let [call] = &calls(&import_events(&[asked(1), used(2, 1_000, 5)]).events)[..] else { panic!() };
    assert_eq!((call.tokens.input, call.tokens.cache_read, call.tokens.cache_write), (910, 60, 30));
    assert_eq!(call.tokens.input_total(), 1_000);
}

/// A provider that tells of cached tokens beside the prompt: they are more than it.
#[test]
fn cached_tokens_beside_the_prompt_are_flagged() {
    let import = import_events(&[asked(1), used(2, 20, 5)]);
    let [call] = &calls(&import.events)[..] else { panic!() };
    assert_eq!((call.tokens.input, call.tokens.input_total()), (20, 110));
    let flagged = |event: &ledger_core::Event| event.metadata.value("token_convention") == Some("exclusive");
    assert_eq!(import.events.iter().filter(|event| flagged(event)).count(), 1);
}

/// "One message is written as several lines" (ccstatusline 549): here, the usage of a turn repeats that of its calls.
#[test]
fn the_usage_of_a_turn_is_not_counted_beside_that_of_its_calls() {
    let events = [
        asked(1),
        used(2, 100, 7),
        asked(3),
        used(4, 200, 8),
        event(5, "TurnCompleted", json!({"usage": usage(300, 15)})),
    ];
    assert_eq!(total(&import_events(&events).events), (2, 107 + 208));
}

/// "Streaming partials" (TokenTracker 104): roder adds up what a provider tells of one answer, and so do we.
#[test]
fn all_usage_of_one_inference_adds_up() {
    assert_eq!(total(&import_events(&[asked(1), used(2, 100, 0), used(3, 90, 7)]).events), (1, 197));
}

/// "Resume copies the same message" (ccusage 1762): the number of an event begins anew with each process.
#[test]
fn a_thread_that_was_resumed_counts_all_its_processes() {
    let resumed = turn().into_iter().enumerate().map(|(n, event)| {
        let fields = json!({"event_id": null, "turn_id": "v", "timestamp": format!("2026-01-02T00:00:0{n}Z")});
        crate::support::with(event, fields)
    });
    let before = turn().into_iter().map(|event| crate::support::with(event, json!({"event_id": null})));
    assert_eq!(total(&import_events(&before.chain(resumed).collect::<Vec<_>>()).events), (2, 2 * 107));
}
