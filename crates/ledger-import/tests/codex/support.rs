//! Rollouts and what comes of them.

use std::path::PathBuf;

use ledger_core::Event;
use ledger_events::{EventPayload, Latest, LlmCall, Observation, read};
use ledger_import::{Import, Importer, Options, Source};
use serde_json::{Value, json};

pub(crate) type File = (PathBuf, Vec<u8>);

/// Imports files, in the order given.
pub(crate) fn import(files: &[File]) -> Import {
    let mut importer = Importer::new(&Source::Codex, Options::default()).unwrap();
    for (path, bytes) in files {
        importer.read(path, bytes.as_slice()).unwrap();
    }
    importer.finish()
}

pub(crate) fn file(path: &str, lines: &[Value]) -> File {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    (PathBuf::from(path), text.into_bytes())
}

pub(crate) fn import_lines(lines: &[Value]) -> Import {
    import(&[file("rollout.jsonl", lines)])
}

pub(crate) fn all<P: EventPayload>(import: &Import) -> Vec<P> {
    import.events.iter().filter_map(read::<P>).map(Result::unwrap).collect()
}

/// What counts of all that `events` observe.
pub(crate) fn latest<P: Observation>(events: &[Event]) -> Latest<P> {
    let mut latest = Latest::default();
    events.iter().for_each(|event| latest.observe_event(event).unwrap());
    latest
}

/// Sums over calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) calls: u64,
    /// Cached input included.
    pub(crate) input: u64,
    pub(crate) cached: u64,
    pub(crate) output: u64,
    pub(crate) reasoning: u64,
}

/// What the calls of `events` used, each call once.
pub(crate) fn totals(events: &[Event]) -> Totals {
    let mut totals = Totals::default();
    for call in latest::<LlmCall>(events).values() {
        totals.calls += 1;
        totals.input += call.tokens.input_total();
        totals.cached += call.tokens.cache_read;
        totals.output += call.tokens.output;
        totals.reasoning += call.tokens.reasoning.unwrap_or(0);
    }
    totals
}

/// Calls, and tokens of input.
pub(crate) fn calls(events: &[Event]) -> (u64, u64) {
    let Totals { calls, input, .. } = totals(events);
    (calls, input)
}

/// The events of imports, one after the other, and the other way round.
pub(crate) fn in_both_orders(one: &Import, other: &Import) -> [Vec<Event>; 2] {
    [[&*one.events, &*other.events].concat(), [&*other.events, &*one.events].concat()]
}

/// A time, `seconds` after the beginning of these rollouts.
pub(crate) fn at(seconds: u32) -> String {
    format!("2026-01-01T{:02}:{:02}:{:02}.000Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

pub(crate) fn line(seconds: u32, r#type: &str, payload: Value) -> Value {
    json!({"timestamp": at(seconds), "type": r#type, "payload": payload})
}

pub(crate) fn meta(seconds: u32, thread: &str, more: Value) -> Value {
    let mut payload = json!({"id": thread, "timestamp": at(seconds), "cwd": "/work", "cli_version": "0.66.0"});
    payload.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    line(seconds, "session_meta", payload)
}

pub(crate) fn context(seconds: u32) -> Value {
    line(seconds, "turn_context", json!({"model": "gpt-5.1-codex"}))
}

pub(crate) fn event(seconds: u32, r#type: &str, more: Value) -> Value {
    let mut payload = json!({"type": r#type});
    payload.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    line(seconds, "event_msg", payload)
}

pub(crate) fn usage(input: u64) -> Value {
    json!({
        "input_tokens": input, "cached_input_tokens": input / 2, "output_tokens": input / 10,
        "reasoning_output_tokens": 0, "total_tokens": input + input / 10,
    })
}

/// A snapshot of the counters.
pub(crate) fn count(seconds: u32, total: u64, last: u64) -> Value {
    event(seconds, "token_count", json!({"info": {"total_token_usage": usage(total), "last_token_usage": usage(last)}}))
}

/// What one answer used.
pub(crate) fn record(seconds: u32, thread: &str, response: &str, input: u64) -> Value {
    let payload = json!({
        "thread_id": thread, "turn_id": "t", "response_id": response, "usage": usage(input),
        "turn_token_usage": usage(77_000), "thread_token_usage": usage(99_000),
    });
    line(seconds, "token_usage_record", payload)
}

/// `line` at another time.
pub(crate) fn moved(line: &Value, seconds: u32) -> Value {
    let mut line = line.clone();
    line["timestamp"] = json!(at(seconds));
    line
}
