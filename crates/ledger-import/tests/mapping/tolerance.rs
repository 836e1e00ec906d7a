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

#[test]
fn a_hundred_megabytes_are_a_line_like_any_other() {
    let mut importer = Importer::new(&mapped(BASE), Options::default()).unwrap();
    let huge =
        format!("{{\"id\":1,\"at\":\"2026-01-01T12:00:00Z\",\"in\":5,\"text\":\"{}\"}}\n", "x".repeat(100 << 20));
    importer.read("log.jsonl".as_ref(), huge.as_bytes()).unwrap();
    assert_eq!(importer.finish().report.calls, 1);
}
