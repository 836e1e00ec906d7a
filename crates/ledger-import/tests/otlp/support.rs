//! Exports and what comes of them.

use ledger_core::Event;
use ledger_events::{Latest, LlmCall, Observation, Tokens};
use ledger_import::{Import, Importer, Options, Source};
use serde_json::{Value, json};

pub(crate) const TRACE: &str = "5b8efff798038103d269b633813fc60c";
/// 2026-01-01T00:00:00Z.
const BEGINNING: u64 = 1_767_225_600;

/// Imports texts, each a file, in the order given.
pub(crate) fn import_files(files: &[&str]) -> Import {
    let mut importer = Importer::new(&Source::Otlp, Options::default()).unwrap();
    for (number, text) in files.iter().enumerate() {
        importer.read(format!("otlp-{number}.jsonl").as_ref(), text.as_bytes()).unwrap();
    }
    importer.finish()
}

/// Imports a file with these lines.
pub(crate) fn import(lines: &[Value]) -> Import {
    import_files(&[&text(lines)])
}

pub(crate) fn text(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// What counts of all that `events` observe.
pub(crate) fn latest<P: Observation + Clone>(events: &[Event]) -> Vec<P> {
    let mut latest = Latest::default();
    events.iter().for_each(|event| latest.observe_event(event).unwrap());
    latest.values().cloned().collect()
}

pub(crate) fn calls(import: &Import) -> Vec<LlmCall> {
    latest(&import.events)
}

/// The one call that counts.
pub(crate) fn call(import: &Import) -> LlmCall {
    let mut calls = calls(import);
    assert_eq!((calls.len(), import.report.bad_lines), (1, 0), "{:?}", import.report);
    calls.remove(0)
}

/// Calls that count, and their tokens.
pub(crate) fn total(events: &[Event]) -> (usize, u64) {
    let calls: Vec<LlmCall> = latest(events);
    (calls.len(), calls.iter().map(|call| call.tokens.total()).sum())
}

pub(crate) fn tokens(input: u64, cache_read: u64, cache_write: u64, output: u64) -> Tokens {
    Tokens { input, cache_read, cache_write, output, ..Tokens::default() }
}

/// Nanoseconds since 1970, `millis` after the beginning of these exports, as they are written.
pub(crate) fn at(millis: u64) -> String {
    format!("{}", (BEGINNING * 1_000 + millis) * 1_000_000)
}

/// Attributes of an object: integers as texts, as the protocol has it.
pub(crate) fn attributes(object: Value) -> Value {
    let value = |value: &Value| match value {
        Value::String(text) => json!({"stringValue": text}),
        Value::Bool(flag) => json!({"boolValue": flag}),
        Value::Number(number) if number.is_f64() => json!({"doubleValue": number}),
        Value::Number(number) => json!({"intValue": number.to_string()}),
        Value::Array(list) => {
            let values: Vec<Value> = list.iter().map(|text| json!({"stringValue": text})).collect();
            json!({"arrayValue": {"values": values}})
        }
        other => other.clone(),
    };
    let pairs = object.as_object().unwrap().iter();
    pairs.map(|(key, told)| json!({"key": key, "value": value(told)})).collect()
}

/// A span of the trace that took a second, beginning at its number of seconds.
pub(crate) fn span(id: u64, parent: u64, more: Value) -> Value {
    let mut span = json!({
        "traceId": TRACE, "spanId": format!("{id:016x}"), "name": "chat some-model", "kind": 1,
        "startTimeUnixNano": at(id * 1_000), "endTimeUnixNano": at(id * 1_000 + 1_000),
        "attributes": attributes(more), "status": {},
    });
    if parent > 0 {
        span["parentSpanId"] = json!(format!("{parent:016x}"));
    }
    span
}

/// `span` with other fields.
pub(crate) fn with(mut span: Value, fields: Value) -> Value {
    span.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    span
}

/// A call with so many tokens of input, and a tenth of that of output.
pub(crate) fn chat(id: u64, parent: u64, input: u64) -> Value {
    let more = json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4.1",
        "gen_ai.usage.input_tokens": input, "gen_ai.usage.output_tokens": input / 10,
    });
    with(span(id, parent, more), json!({"kind": 3}))
}

/// A line of the collector.
pub(crate) fn spans(spans: &[Value]) -> Value {
    json!({"resourceSpans": [{
        "resource": {"attributes": attributes(json!({"service.name": "shop", "service.version": "1.2.3"}))},
        "scopeSpans": [{"scope": {"name": "test"}, "spans": spans}],
    }]})
}

/// A line of the collector with one record of an agent.
pub(crate) fn record(service: &str, millis: u64, name: &str, more: Value) -> Value {
    json!({"resourceLogs": [{
        "resource": {"attributes": attributes(json!({"service.name": service, "service.version": "2.0.1"}))},
        "scopeLogs": [{"scope": {"name": "test"}, "logRecords": [{
            "timeUnixNano": at(millis), "observedTimeUnixNano": at(millis + 5), "body": {"stringValue": name},
            "attributes": attributes(more),
        }]}],
    }]})
}
