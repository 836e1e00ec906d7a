//! Transcripts and what comes of them.

use std::path::{Path, PathBuf};

use ledger_core::Event;
use ledger_events::{EventPayload, Latest, LlmCall, Observation, read};
use ledger_import::{Import, Importer, Options, Source};
use serde_json::{Value, json};

/// Imports files, in the order given.
pub(crate) fn import(files: &[(PathBuf, Vec<u8>)]) -> Import {
    import_with(Options::default(), files)
}

/// Imports files with options.
pub(crate) fn import_with(options: Options, files: &[(PathBuf, Vec<u8>)]) -> Import {
    let mut importer = Importer::new(&Source::Claude, options).unwrap();
    for (path, bytes) in files {
        importer.read(path, bytes.as_slice()).unwrap();
    }
    importer.finish()
}

/// Imports one transcript of these lines.
pub(crate) fn import_lines(lines: &[Value]) -> Import {
    import(&[file("s.jsonl", lines)])
}

/// A transcript of these lines.
pub(crate) fn file(path: &str, lines: &[Value]) -> (PathBuf, Vec<u8>) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    (PathBuf::from(path), text.into_bytes())
}

/// Imports a transcript byte by byte as it is.
pub(crate) fn import_bytes(bytes: &[u8]) -> Import {
    import(&[(Path::new("s.jsonl").to_owned(), bytes.to_vec())])
}

/// All payloads of a kind, in order.
pub(crate) fn all<P: EventPayload>(import: &Import) -> Vec<P> {
    import.events.iter().filter_map(read::<P>).map(Result::unwrap).collect()
}

/// The only payload of a kind.
pub(crate) fn only<P: EventPayload>(import: &Import) -> P {
    let mut found = all::<P>(import);
    assert_eq!(found.len(), 1, "{} events of {}", found.len(), P::KIND);
    found.remove(0)
}

/// Sums over calls.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) calls: u64,
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) cache_write: u64,
    pub(crate) cache_read: u64,
}

/// What the calls of `events` used, each call once.
pub(crate) fn totals(events: &[Event]) -> Totals {
    let mut totals = Totals::default();
    for call in latest::<LlmCall>(events).values() {
        totals.calls += 1;
        totals.input += call.tokens.input;
        totals.output += call.tokens.output;
        totals.cache_write += call.tokens.cache_write_total();
        totals.cache_read += call.tokens.cache_read;
    }
    totals
}

/// What counts of all that `events` observe.
pub(crate) fn latest<P: Observation>(events: &[Event]) -> Latest<P> {
    let mut latest = Latest::default();
    events.iter().for_each(|event| latest.observe_event(event).unwrap());
    latest
}

/// The keys of what counts.
pub(crate) fn keys<P: Observation>(events: &[Event]) -> Vec<String> {
    latest::<P>(events).iter().map(|(key, _)| key.to_owned()).collect()
}

/// The events of two imports, in both orders.
pub(crate) fn in_both_orders(one: &Import, other: &Import) -> [Vec<Event>; 2] {
    [[&*one.events, &*other.events].concat(), [&*other.events, &*one.events].concat()]
}

/// A time, `seconds` after the beginning of these transcripts.
pub(crate) fn at(seconds: u32) -> String {
    format!("2026-01-01T00:{:02}:{:02}.000Z", seconds / 60, seconds % 60)
}

/// A line of the user.
pub(crate) fn user(uuid: &str, parent: Option<&str>, seconds: u32) -> Value {
    json!({
        "type": "user", "uuid": uuid, "parentUuid": parent, "sessionId": "s", "timestamp": at(seconds),
        "isSidechain": false, "cwd": "/work", "version": "2.1.39", "message": {"role": "user", "content": "hello"},
    })
}

/// A line of an answer, with its usage.
pub(crate) fn assistant(uuid: &str, parent: &str, seconds: u32, message: &str, output: u64) -> Value {
    json!({
        "type": "assistant", "uuid": uuid, "parentUuid": parent, "sessionId": "s", "timestamp": at(seconds),
        "isSidechain": false, "cwd": "/work", "version": "2.1.39", "requestId": "req_1",
        "message": {
            "id": message, "model": "claude-opus-4-6", "role": "assistant", "stop_reason": null,
            "content": [{"type": "text", "text": "hello"}],
            "usage": {"input_tokens": 10, "output_tokens": output},
        },
    })
}

/// `line` with some of its fields changed, by JSON pointer.
pub(crate) fn with(mut line: Value, changes: &[(&str, Value)]) -> Value {
    for (pointer, value) in changes {
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        line.pointer_mut(parent).unwrap()[field] = value.clone();
    }
    line
}
