//! Threads and what comes of them.

use ledger_core::Event;
use ledger_events::{EventPayload, Latest, LlmCall, read};
use ledger_import::{Import, Importer, Options, Source};
use serde_json::{Value, json};

/// Imports files, in the order given.
pub(crate) fn import(files: &[(&str, String)]) -> Import {
    let mut importer = Importer::new(&Source::Roder, Options::default()).unwrap();
    for (path, text) in files {
        importer.read(path.as_ref(), text.as_bytes()).unwrap();
    }
    importer.finish()
}

/// Imports the events of the thread `t`.
pub(crate) fn import_events(events: &[Value]) -> Import {
    import(&[("threads/t/events.jsonl", text(events))])
}

pub(crate) fn text(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// The `n`th event of the thread `t`, in the turn `u`, `n` seconds after it began.
pub(crate) fn event(n: u32, variant: &str, body: Value) -> Value {
    json!({
        "event_id": format!("e{n}"), "seq": n, "timestamp": format!("2026-01-01T00:{:02}:{:02}Z", n / 60, n % 60),
        "source": "core", "kind": variant, "thread_id": "t", "turn_id": "u", "event": {variant: body},
    })
}

/// `event` with other fields.
pub(crate) fn with(mut event: Value, fields: Value) -> Value {
    event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    event
}

/// A prompt with 60 tokens that were read from a cache, and 30 that were written to one.
pub(crate) fn usage(prompt: u64, completion: u64) -> Value {
    json!({
        "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
        "cached_prompt_tokens": 60, "cache_creation_prompt_tokens": 30,
    })
}

pub(crate) fn asked(n: u32) -> Value {
    event(n, "InferenceStarted", json!({"model": {"provider": "anthropic", "model": "claude-opus-4-6"}}))
}

pub(crate) fn used(n: u32, prompt: u64, completion: u64) -> Value {
    event(n, "InferenceEventReceived", json!({"event": {"Usage": usage(prompt, completion)}}))
}

pub(crate) fn answered(n: u32, response: &str) -> Value {
    let completed = json!({"stop_reason": "end_turn", "provider_response_id": response});
    event(n, "InferenceEventReceived", json!({"event": {"Completed": completed}}))
}

/// A turn with one call, that used 100 and 7 tokens, and one tool, that failed.
pub(crate) fn turn() -> Vec<Value> {
    vec![
        event(1, "TurnStarted", json!({})),
        asked(2),
        used(4, 100, 7),
        answered(5, "r1"),
        event(6, "ToolCallStarted", json!({"tool_id": "c1", "tool_name": "bash"})),
        event(8, "ToolCallCompleted", json!({"tool_id": "c1", "is_error": true})),
        event(9, "TurnCompleted", json!({"usage": usage(100, 7)})),
    ]
}

pub(crate) fn all<P: EventPayload>(import: &Import) -> Vec<P> {
    import.events.iter().filter_map(read::<P>).map(Result::unwrap).collect()
}

/// The calls that count.
pub(crate) fn calls(events: &[Event]) -> Vec<LlmCall> {
    let mut latest = Latest::<LlmCall>::default();
    events.iter().for_each(|event| latest.observe_event(event).unwrap());
    latest.values().cloned().collect()
}

/// Calls, and tokens.
pub(crate) fn total(events: &[Event]) -> (usize, u64) {
    let calls = calls(events);
    (calls.len(), calls.iter().map(|call| call.tokens.total()).sum())
}
