//! P8: what went in comes out. What cannot is refused by the types of `ledger-core`, before any backend.

use ledger_core::limits::{MAX_METADATA_ENTRIES, MAX_METADATA_VALUE_BYTES, MAX_PAYLOAD_DEPTH};
use ledger_core::{
    Actor, Event, EventId, Filter, LedgerExt, Metadata, ModelId, ModelProfile, Position, RunId, SchemaVersion,
    SessionId, Timestamp,
};

use crate::Backend;
use crate::events::{event, events, full, id, log, matching, offset, payload, run};

/// Text that breaks careless SQL, LIKE patterns, collations, encodings and format strings.
const HOSTILE: &[&str] = &[
    "'; DROP TABLE events; --",
    "\" OR \"\"=\"",
    "%",
    "_",
    "\\",
    "\\'",
    "$1",
    "?1",
    ":name",
    "@var",
    "{}",
    "{0}",
    "%s%n",
    " ",
    "a ",
    " a",
    "a",
    "A",
    "ä",
    "a\u{308}",
    "ß",
    "ss",
    "I",
    "ı",
    "İ",
    "\u{200b}",
    "\u{feff}",
    "\u{2028}",
    "\u{fffd}",
    "\u{10ffff}",
    "🦀",
    "👩‍👩‍👧‍👦",
    "你好",
    "عربى",
    "NULL",
    "null",
    "true",
    "0",
    "00",
    "1e3",
    "0x10",
    "-1",
    "9223372036854775808",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "`id`",
    "$(id)",
    "\u{ff0e}",
];

/// Every name may hold it, comes back exactly, and selects exactly its own event.
pub async fn hostile_text_comes_back_exactly(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let hostile = |text: &str| Event {
        id: EventId::new(text).unwrap(),
        run_id: RunId::new(text).unwrap(),
        actor: Actor::new(text).unwrap(),
        session_id: Some(SessionId::new(text).unwrap()),
        model_profile: Some(ModelProfile::new(text).unwrap()),
        model_id: Some(ModelId::new(text).unwrap()),
        metadata: Metadata::new().with(text, text).unwrap(),
        ..full("x")
    };
    let sent: Vec<_> = HOSTILE.iter().map(|text| hostile(text)).collect();
    ledger.append_all(sent.clone()).await.unwrap();
    let log = log(ledger.as_ref()).await;
    assert_eq!(log.iter().map(|recorded| recorded.event.clone()).collect::<Vec<_>>(), sent);
    for (n, text) in HOSTILE.iter().enumerate() {
        let any = Filter::any;
        let filters = [
            any().id(EventId::new(text).unwrap()),
            any().run(RunId::new(text).unwrap()),
            any().actor(Actor::new(text).unwrap()),
            any().session(SessionId::new(text).unwrap()),
            any().model(ModelId::new(text).unwrap()),
        ];
        for filter in filters {
            let found = matching(ledger.as_ref(), filter.clone()).await;
            assert_eq!(found, [log[n].clone()], "{filter:?}");
        }
        let again = ledger.append_one(sent[n].clone()).await.unwrap();
        assert_eq!(again, Position::Duplicate(offset(n as u64 + 1)), "{text:?}");
    }
    assert_eq!(ledger.all_runs().await.unwrap().len(), HOSTILE.len());
}

/// Order and spelling of keys, repeated keys, numbers beyond any type, escapes, spaces.
pub async fn payloads_come_back_byte_for_byte(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let deep = format!("{}{{}}{}", "{\"a\":".repeat(MAX_PAYLOAD_DEPTH - 1), "}".repeat(MAX_PAYLOAD_DEPTH - 1));
    let long = format!("{{\"x\":\"{}\"}}", "🦀".repeat(300_000));
    let texts = [
        "{}",
        "{ }",
        r#"{"b":1,"a":2}"#,
        r#"{"a":1,"a":2}"#,
        r#"{"n":1.0,"m":1.00,"o":1e2,"p":-0,"q":-0.0}"#,
        r#"{"n":123456789012345678901234567890.123456789012345678901234567890}"#,
        r#"{"n":1e400,"m":-1e-400}"#,
        r#"{"s":"\u0000\u001f\ud83e\udd80\/\"\\"}"#,
        "{\"s\":\"\u{7f}\u{80}\u{2028}\"}",
        "{\t\"a\" :  [ 1 , 2 ]\t}",
        r#"{"":{"":[[[]]]}}"#,
        r#"{"sql":"'; DROP TABLE events; --","null":null,"t":true}"#,
        &deep,
        &long,
    ];
    let sent = texts.iter().enumerate().map(|(n, text)| Event { payload: payload(text), ..event(&n.to_string()) });
    ledger.append_all(sent.collect()).await.unwrap();
    for (recorded, text) in log(ledger.as_ref()).await.iter().zip(texts) {
        assert!(recorded.event.payload.as_str() == text, "{text:.60} came back changed");
    }
}

/// From year 1 to year 9999, before 1970, and from any offset.
pub async fn times_come_back_to_the_microsecond(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let times = [
        "0001-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999999Z",
        "1970-01-01T00:00:00Z",
        "2026-03-29T02:30:00.000001+01:00",
        "2026-01-01T12:00:00+05:00",
        "2038-01-19T03:14:08Z",
        "9999-12-31T23:59:59.999999Z",
    ]
    .map(|text| Timestamp::parse(text).unwrap());
    let sent = times.iter().enumerate().map(|(n, time)| event(&n.to_string()).with_created_at(*time));
    ledger.append_all(sent.collect()).await.unwrap();
    let came: Vec<_> = log(ledger.as_ref()).await.iter().map(|recorded| recorded.event.created_at).collect();
    assert_eq!(came, times);
}

/// `a`, `A`, `a ` and `ä` in two spellings are five ids.
pub async fn names_are_compared_byte_by_byte(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let names = ["a", "A", "a ", "\u{e4}", "a\u{308}"];
    for (n, name) in names.iter().enumerate() {
        let position = ledger.append_one(Event { run_id: run(name), ..event(name) }).await.unwrap();
        assert_eq!(position, Position::New(offset(n as u64 + 1)), "{name:?}");
    }
    assert_eq!(ledger.all_runs().await.unwrap().len(), names.len());
    assert_eq!(ledger.find(id("a\u{308}")).await.unwrap().unwrap().offset, offset(5));
}

/// The ends of every number's range.
pub async fn extreme_numbers_come_back(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let mut extremes = events("e", 3);
    extremes[0].turn = u32::MAX;
    extremes[1].schema_version = SchemaVersion::new(u32::MAX).unwrap();
    extremes[2].turn = i32::MAX as u32 + 1;
    ledger.append_all(extremes.clone()).await.unwrap();
    let came: Vec<_> = log(ledger.as_ref()).await.iter().map(|recorded| recorded.event.clone()).collect();
    assert_eq!(came, extremes);
}

/// Up to its limits, with any key.
pub async fn metadata_comes_back_exactly(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let keys = HOSTILE.iter().take(MAX_METADATA_ENTRIES);
    let value = "\"\\ü🦀".repeat(MAX_METADATA_VALUE_BYTES / 8);
    let metadata = keys.fold(Metadata::new(), |metadata, key| metadata.with(key, &value).unwrap());
    ledger.append_one(event("e").with_metadata(metadata.clone())).await.unwrap();
    assert_eq!(log(ledger.as_ref()).await[0].event.metadata, metadata);
}
