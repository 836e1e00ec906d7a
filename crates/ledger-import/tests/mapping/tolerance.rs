//! Logs as they really are.

use ledger_import::{Importer, Options};

use crate::support::{BASE, calls, import, mapped};

fn line(n: u32) -> String {
    format!("{{\"id\":{n},\"at\":\"2026-01-01 12:00:00.000000000+00:00\",\"in\":{n}}}")
}

#[test]
fn marks_padding_line_ends_and_torn_lines_are_tolerated() {
    let log = format!("\u{feff}{}\r\n\0\0{}{}\n\n{}\n{{\"id\":", line(1), line(2), line(3), line(4));
    let import = import(BASE, &log);
    assert_eq!((import.report.calls, import.report.bad_lines, import.report.pending), (4, 0, 1));
    assert_eq!(calls(&import.events).iter().map(|call| call.tokens.input).sum::<u64>(), 10);
}

#[test]
fn whatever_stands_where_something_is_mapped_harms_no_other_line() {
    for odd in ["null", "7", "-1", "1.5", "\"x\"", "[[1]]", "{\"a\":{}}", "true", "\"\\ud83d\""] {
        for field in ["model", "in", "read", "at", "id"] {
            let log = format!("{{\"id\":1,\"at\":\"2026-01-01T12:00:00Z\",\"{field}\":{odd}}}\n{}\n", line(2));
            let calls = calls(&import(BASE, &log).events);
            assert!(calls.iter().any(|call| call.tokens.input == 2), "{field}: {odd}");
        }
    }
}

/// Whatever else a line says badly, what was used is counted.
#[test]
fn nothing_but_key_time_tenant_tokens_and_searches_costs_the_call() {
    let fields = [
        ("operation", "operation"),
        ("session", "session"),
        ("turn", "turn"),
        ("invocation", "invocation"),
        ("duration", "duration"),
        ("ttft", "ttft"),
        ("service_tier", "tier"),
        ("speed", "speed"),
        ("inference_geo", "geo"),
        ("error_class", "class"),
        ("http_status", "code"),
        ("attempt", "attempt"),
        ("cost_usd", "usd"),
    ];
    let rules: String = fields.iter().map(|(name, at)| format!("{name} = \"/{at}\"\n")).collect();
    let mapping = format!("{BASE}{rules}");
    let long = format!("\"{}\"", "x".repeat(300));
    let odd = [
        "null",
        "\"\"",
        "\" \"",
        "-1",
        "1.5",
        "1e400",
        "99999999999999999999",
        "\"rate_limit_exceeded\"",
        "[[1]]",
        "{\"a\":{}}",
        "true",
        "\"\\ud83d\"",
        "\"two\\nlines\"",
        &long,
    ];
    for odd in odd {
        for (name, at) in fields.into_iter().chain([("model", "model"), ("empty", "read"), ("empty", "think")]) {
            if name == "empty" && odd.trim_matches('"').trim() != "" {
                continue;
            }
            let log = format!("{{\"id\":1,\"at\":\"2026-01-01T12:00:00Z\",\"in\":7,\"{at}\":{odd}}}\n");
            let import = import(&mapping, &log);
            assert_eq!(
                (import.report.bad_lines, import.report.refused),
                (0, 0),
                "{name}: {odd}: {:?}",
                import.report.bad
            );
            assert_eq!(calls(&import.events)[0].tokens.input, 7, "{name}: {odd}");
        }
    }
    for odd in ["\"many\"", "-1", "1.5"] {
        let log = format!("{{\"id\":1,\"at\":\"2026-01-01T12:00:00Z\",\"in\":7,\"read\":{odd}}}\n");
        assert_eq!(import(&mapping, &log).report.bad_lines, 1, "{odd}");
    }
}

#[test]
fn keys_may_be_long_and_have_control_characters() {
    let key = |key: &str| format!("{{\"id\":\"{key}\",\"at\":\"2026-01-01T12:00:00Z\",\"in\":1}}\n");
    let log = [key(&"x".repeat(1_000)), key(&"y".repeat(1_000)), key("a\\tb"), key("a\\tb")].concat();
    let import = import(BASE, &log);
    assert_eq!((import.report.usage, import.report.duplicates, import.report.refused), (3, 1, 0));
    assert_eq!(calls(&import.events).len(), 3);
}

#[test]
fn a_hundred_megabytes_are_a_line_like_any_other() {
    let mut importer = Importer::new(&mapped(BASE), Options::default()).unwrap();
    let huge =
        format!("{{\"id\":1,\"at\":\"2026-01-01T12:00:00Z\",\"in\":5,\"text\":\"{}\"}}\n", "x".repeat(100 << 20));
    importer.read("log.jsonl".as_ref(), huge.as_bytes()).unwrap();
    assert_eq!(importer.finish().report.calls, 1);
}
