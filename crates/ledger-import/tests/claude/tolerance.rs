//! Transcripts as they really are: written by many versions, cut off by crashes, padded by file systems.

use std::io::Read;

use ledger_events::LlmCall;
use ledger_import::MAX_BAD_LINES;
use ledger_import::{Importer, Options, Source};
use serde_json::{Value, json};

use crate::support::{all, assistant, at, import_bytes, import_lines, only, user, with};

fn answer(n: u32) -> String {
    assistant(&format!("a{n}"), "u", n, &format!("msg_{n}"), 5).to_string()
}

#[test]
fn marks_padding_blank_lines_and_line_ends_are_tolerated() {
    let text =
        format!("\u{feff}{}\r\n\r\n\0\0\0{}\n   \n{} {}{}", answer(1), answer(2), answer(3), answer(4), answer(5));
    let import = import_bytes(text.as_bytes());
    let report = &import.report;
    assert_eq!((report.calls, report.lines, report.bad_lines, report.pending), (5, 5, 0, 0));
    assert_eq!(report.bytes, text.len() as u64);
}

#[test]
fn bad_lines_are_counted_named_and_harm_no_other() {
    let mut bytes = answer(1).into_bytes();
    bytes.extend(b"\n{\"type\":\n[1]\n\xff{\"uuid\":\"u\"}\n");
    bytes.extend(answer(2).into_bytes());
    let import = import_bytes(&bytes);
    let report = &import.report;
    assert_eq!((report.calls, report.bad_lines), (2, 3));
    let lines: Vec<_> = report.bad.iter().map(|bad| bad.line).collect();
    assert_eq!(lines, [2, 3, 4]);
    assert!(report.bad[2].reason.contains("not JSON"), "{:?}", report.bad);
}

#[test]
fn many_bad_lines_are_counted_but_not_all_listed() {
    let import = import_bytes("nonsense\n".repeat(MAX_BAD_LINES * 3).as_bytes());
    assert_eq!(import.report.bad_lines, MAX_BAD_LINES as u64 * 3);
    assert_eq!(import.report.bad.len(), MAX_BAD_LINES);
}

#[test]
fn a_line_that_is_still_being_written_is_pending() {
    let text = format!("{}\n{}", answer(1), answer(2));
    let whole = import_bytes(text.as_bytes());
    assert_eq!((whole.report.calls, whole.report.pending), (2, 0));
    let torn = import_bytes(&text.as_bytes()[..text.len() - 9]);
    assert_eq!((torn.report.calls, torn.report.pending, torn.report.bad_lines), (1, 1, 0));
}

#[test]
fn whatever_stands_in_other_fields_usage_is_counted() {
    let odd = [
        Value::Null,
        json!(7),
        json!(-1),
        json!(1.5),
        json!("x"),
        json!([[1], "x"]),
        json!({"a": {"b": []}}),
        json!(true),
    ];
    let fields = [
        "/parentUuid",
        "/isSidechain",
        "/cwd",
        "/version",
        "/requestId",
        "/toolUseResult",
        "/data",
        "/error",
        "/costUSD",
        "/isMeta",
        "/promptId",
        "/durationMs",
        "/forkedFrom",
        "/agentId",
        "/logicalParentUuid",
        "/message/content",
        "/message/stop_reason",
        "/message/role",
        "/message/usage/cache_creation",
        "/message/usage/server_tool_use",
        "/message/usage/service_tier",
        "/message/usage/speed",
        "/uuid",
        "/sessionId",
        "/subtype",
        "/isApiErrorMessage",
    ];
    for field in fields {
        for value in &odd {
            let import = import_lines(&[with(assistant("a", "u", 1, "msg_1", 5), &[(field, value.clone())])]);
            assert_eq!(only::<LlmCall>(&import).tokens.total(), 15, "{field} {value}");
        }
    }
}

#[test]
fn counts_that_are_no_counts_make_their_line_bad() {
    for field in ["output_tokens", "input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"] {
        let count = |count: Value| {
            let usage = format!("/message/usage/{field}");
            import_lines(&[user("u", None, 0), with(assistant("a", "u", 1, "msg_1", 0), &[(&usage, count)])])
        };
        for odd in [json!(-5), json!("5"), json!({}), json!([]), json!(true), json!(0.5), json!(1_u64 << 60)] {
            let import = count(odd.clone());
            assert_eq!((import.report.bad_lines, import.report.calls), (1, 0), "{field} {odd}");
            assert!(!import.report.bad[0].reason.contains("JSON"), "{}", import.report.bad[0].reason);
        }
        // `null` says that it is not known.
        assert_eq!(count(Value::Null).report.calls, 1);
    }
}

/// JavaScript cuts a text anywhere, and half of an emoji is no Unicode; the JSON is good all the same.
#[test]
fn half_a_surrogate_pair_in_content_costs_nothing() {
    let half = r#""cut \ud83d""#;
    let block = json!([{"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"x": "HALF", "HALF": 1}}, "HALF",
        {"type": "text", "text": "HALF"}]);
    let result = json!([{"type": "tool_result", "tool_use_id": "toolu_1", "content": "HALF"}]);
    let lines = [
        with(user("u", None, 0), &[("/message/content", json!("HALF"))]),
        with(
            assistant("a", "u", 1, "msg_1", 5),
            &[("/message/content", block), ("/message/stop_reason", json!("HALF"))],
        ),
        with(user("r", Some("a"), 2), &[("/message/content", result), ("/toolUseResult", json!("HALF"))]),
        with(
            user("r2", Some("a"), 3),
            &[("/message/content", json!("HALF")), ("/toolUseResult", json!({"HALF": "HALF"}))],
        ),
        json!({"type": "progress", "uuid": "x", "sessionId": "s", "timestamp": at(4), "data": {"message": "HALF"}}),
        json!({"type": "summary", "summary": "HALF", "data": "HALF", "error": "HALF"}),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let import = import_bytes(text.replace("\"HALF\"", half).as_bytes());
    assert_eq!((import.report.bad_lines, import.report.calls), (0, 1), "{:?}", import.report.bad);
    assert_eq!((import.report.tools, import.report.turns), (1, 1));
}

/// A message is an object, and read in one go with its line. No agent writes a text there; one would cost its own line.
#[test]
fn half_a_surrogate_pair_in_place_of_a_message_costs_its_line_only() {
    let import = import_bytes(format!("{{\"type\":\"user\",\"message\":\"\\ud83d\"}}\n{}\n", answer(1)).as_bytes());
    assert_eq!((import.report.bad_lines, import.report.calls), (1, 1));
    assert!(import.report.bad[0].reason.contains("not JSON"), "{:?}", import.report.bad);
}

#[test]
fn files_that_cannot_be_read_are_in_the_report() {
    let mut importer = Importer::new(&Source::Claude, Options::default()).unwrap();
    let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    importer.add_unreadable("s.jsonl".as_ref(), &denied);
    let report = importer.finish().report;
    assert_eq!((report.unreadable, report.bad_lines, report.files), (1, 0, 0));
    assert_eq!((report.bad[0].path.to_str(), report.bad[0].line), (Some("s.jsonl"), 0));
    assert_eq!(report.bad[0].reason, "permission denied");
}

#[test]
fn a_tenant_without_a_name_is_refused_at_once() {
    for tenant in ["", " "] {
        assert!(Importer::new(&Source::Claude, Options { tenant: tenant.into(), ..Options::default() }).is_err());
    }
}

#[test]
fn usage_that_cannot_be_placed_is_reported() {
    for (field, value) in [
        ("/timestamp", Value::Null),
        ("/timestamp", json!("yesterday")),
        ("/timestamp", json!("2026-01-01T00:00:00")),
        ("/sessionId", json!("s".repeat(200))),
        ("/sessionId", json!("a\u{0}b")),
        ("/agentId", json!("x".repeat(128))),
        ("/message/id", json!("m".repeat(129))),
        ("/message/model", json!("line\nbreak")),
        ("/requestId", json!("\t")),
    ] {
        let import =
            import_lines(&[user("u", None, 0), with(assistant("a", "u", 1, "msg_1", 5), &[(field, value.clone())])]);
        assert_eq!(import.report.bad_lines, 1, "{field} {value}");
        assert!(all::<LlmCall>(&import).is_empty());
        assert_eq!(import.report.bad[0].line, 2);
    }
}

#[test]
fn times_may_have_any_form_of_rfc_3339() {
    for form in
        ["2026-01-01T01:00:01+01:00", "2026-01-01T00:00:01.000000001Z", "2026-01-01t00:00:01z", "2026-01-01 00:00:01Z"]
    {
        let line = with(assistant("a", "u", 1, "msg_1", 5), &[("/timestamp", json!(form))]);
        let started = only::<LlmCall>(&import_lines(&[line])).started_at.to_string();
        assert_eq!(started, "2026-01-01T00:00:01.000000Z", "{form}");
    }
}

#[test]
fn deep_input_of_a_tool_is_skipped() {
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let line = answer(1).replace(r#""text":"hello""#, &format!(r#""input":{deep}"#));
    assert_eq!(import_bytes(line.as_bytes()).report.calls, 1);
}

#[test]
fn a_line_of_100_megabytes_is_read() {
    let (start, end) = answer(1).split_once("hello").map(|(start, end)| (start.to_owned(), end.to_owned())).unwrap();
    let middle = std::io::repeat(b'x').take(100 << 20);
    let line = std::io::BufReader::new(start.as_bytes().chain(middle).chain(end.as_bytes()));
    let mut importer = Importer::new(&Source::Claude, Options::default()).unwrap();
    importer.read("s.jsonl".as_ref(), line).unwrap();
    assert_eq!(importer.finish().report.calls, 1);
}

#[test]
fn an_origin_that_is_no_metadata_is_refused_at_once() {
    assert!(Importer::new(&Source::Claude, Options { origin: Some("a\nb".into()), ..Options::default() }).is_err());
}
