//! Mappings, logs, and what comes of them.

use ledger_core::Event;
use ledger_events::{EventPayload, Latest, LlmCall, read};
use ledger_import::{Import, Importer, Mapping, Options, Source};

/// Tells what all calls of these tests have.
pub(crate) const BASE: &str = r#"
name = "gateway"
[call]
key = "/id"
provider = "openai"
model = "/model"
started_at = "/at"
tokens = { input = "/in", output = "/out", cache_read = "/read", cache_write = "/write", reasoning = "/think" }
"#;

pub(crate) fn mapped(mapping: &str) -> Source {
    Source::Mapped(Mapping::parse(mapping).unwrap())
}

pub(crate) fn import_with(mapping: &str, log: &str, options: Options) -> Import {
    let mut importer = Importer::new(&mapped(mapping), options).unwrap();
    importer.read("log.jsonl".as_ref(), log.as_bytes()).unwrap();
    importer.finish()
}

pub(crate) fn import(mapping: &str, log: &str) -> Import {
    import_with(mapping, log, Options::default())
}

/// The mapping of all tests with more lines within `[call]`.
pub(crate) fn with(more: &str) -> String {
    format!("{BASE}{more}")
}

/// The calls that count.
pub(crate) fn calls(events: &[Event]) -> Vec<LlmCall> {
    let mut latest = Latest::<LlmCall>::default();
    events.iter().for_each(|event| latest.observe_event(event).unwrap());
    latest.values().cloned().collect()
}

/// The one call of a log of one line that has `fields` beside an id and a time.
pub(crate) fn call(mapping: &str, fields: &str) -> LlmCall {
    let import = import(mapping, &line(fields));
    assert_eq!(import.report.bad_lines, 0, "{:?}", import.report.bad);
    calls(&import.events).remove(0)
}

/// Why a line with these fields is bad.
pub(crate) fn reason(mapping: &str, fields: &str) -> String {
    let report = import(mapping, &line(fields)).report;
    assert_eq!((report.bad_lines, report.calls), (1, 0));
    report.bad[0].reason.clone()
}

fn line(fields: &str) -> String {
    let fields = fields.replace('\n', " ");
    format!("{{\"id\":\"c1\",\"at\":\"2026-01-01T12:00:00Z\"{}{fields}}}\n", if fields.is_empty() { "" } else { "," })
}

pub(crate) fn all<P: EventPayload>(import: &Import) -> Vec<P> {
    import.events.iter().filter_map(read::<P>).map(Result::unwrap).collect()
}
