//! What is odd, and what is bad.

use ledger_events::LlmCall;
use serde_json::{Value, json};

use crate::support::{TRACE, at, attributes, call, chat, import, import_files, span, spans, text, total, with};

fn usage() -> Value {
    attributes(
        json!({"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 10}),
    )
}

#[test]
fn names_may_be_in_snake_case_numbers_in_texts_and_enums_named() {
    let camel = json!({"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"spans": [{
        "traceId": TRACE, "spanId": "00f067aa0ba902b7", "parentSpanId": "", "kind": 3,
        "startTimeUnixNano": at(1_000), "endTimeUnixNano": at(2_500), "attributes": usage(), "status": {"code": 2},
    }]}]}]});
    let number = |millis: u64| at(millis).parse::<u64>().unwrap();
    let snake = json!({"resource_spans": [{"resource": {"attributes": []}, "scope_spans": [{"spans": [{
        "trace_id": TRACE.to_uppercase(), "span_id": "00F067AA0BA902B7", "parent_span_id": null, "kind": "SPAN_KIND_CLIENT",
        "start_time_unix_nano": number(1_000), "end_time_unix_nano": number(2_500), "status": {"code": "STATUS_CODE_ERROR"},
        "attributes": [{"key": "gen_ai.operation.name", "value": {"string_value": "chat"}},
            {"value": {"int_value": 100}, "key": "gen_ai.usage.input_tokens"},
            {"value": {"double_value": 10.0}, "key": "gen_ai.usage.output_tokens"}],
    }]}]}]});
    let mut old = camel.clone();
    let scopes = old["resourceSpans"][0].as_object_mut().unwrap().remove("scopeSpans").unwrap();
    old["resourceSpans"][0]["instrumentationLibrarySpans"] = scopes;
    // The same bytes in base 64.
    let mut base_64 = camel.clone();
    base_64["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"] = json!("W47/95gDgQPSabYzgT/GDA==");
    base_64["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["spanId"] = json!("APBnqgupArc=");
    let first: LlmCall = call(&import(std::slice::from_ref(&camel)));
    assert_eq!((first.tokens.total(), first.duration_ms.unwrap().get()), (110, 1_500.0));
    assert_eq!(first.call_key, Some(format!("{TRACE}:00f067aa0ba902b7")));
    for other in [&snake, &old, &base_64] {
        assert_eq!(call(&import(std::slice::from_ref(other))), first, "{other}");
    }
    assert_eq!(import(&[camel, snake, old, base_64]).events.len(), 1);
}

#[test]
fn a_bad_count_makes_its_line_bad_and_loses_nothing_else_of_it() {
    for bad in [
        json!({"stringValue": "many"}),
        json!({"intValue": "-1"}),
        json!({"doubleValue": 1.5}),
        json!({"boolValue": true}),
        json!({"intValue": "18446744073709551615"}),
        json!({"arrayValue": {"values": []}}),
    ] {
        let mut broken = chat(2, 0, 0);
        broken["attributes"] = json!([{"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
            {"key": "gen_ai.usage.input_tokens", "value": bad}]);
        let import = import(&[spans(&[chat(1, 0, 100), broken, chat(3, 0, 200)])]);
        assert_eq!((total(&import.events), import.report.bad_lines, import.report.lines), ((2, 330), 1, 1));
        assert_eq!(import.report.bad[0].line, 1);
    }
}

#[test]
fn a_count_that_says_nothing_is_none() {
    for nothing in [json!(null), json!({}), json!({"stringValue": ""}), json!({"intValue": null})] {
        let mut span = chat(1, 0, 100);
        let pair = json!({"key": "gen_ai.usage.cache_read.input_tokens", "value": nothing});
        span["attributes"].as_array_mut().unwrap().push(pair);
        assert_eq!(call(&import(&[spans(&[span])])).tokens.total(), 110);
    }
}

#[test]
fn usage_without_a_time_or_an_id_makes_its_line_bad() {
    for missing in ["startTimeUnixNano", "spanId", "traceId"] {
        let mut span = chat(1, 0, 100);
        span.as_object_mut().unwrap().remove(missing);
        let import = import(&[spans(&[span])]);
        assert_eq!((import.events.len(), import.report.bad_lines), (0, 1), "{missing}");
    }
    // A call that used nothing is no loss.
    let unknown = with(span(1, 0, json!({"gen_ai.operation.name": "chat"})), json!({"spanId": null}));
    assert_eq!(import(&[spans(&[unknown])]).report.other, 1);
    // The id of an answer is one as well.
    let mut more = json!({"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 100});
    more["gen_ai.response.id"] = json!("msg_01XFDUDYJgAACzvnptvVoYEL");
    let span = with(span(1, 0, more), json!({"traceId": "", "spanId": "0000000000000000"}));
    assert_eq!(call(&import(&[spans(&[span])])).tokens.total(), 100);
}

#[test]
fn other_kinds_of_values_anywhere_are_skipped() {
    let odd = [json!(null), json!(1), json!("text"), json!([[1]]), json!({"a": {"b": 1}}), json!(true)];
    let good = chat(1, 0, 100);
    for value in &odd {
        let mut lines =
            vec![json!({"resourceSpans": value}), json!({"resourceSpans": [value]}), json!({"resourceLogs": [value]})];
        for field in ["parentSpanId", "kind", "status", "events", "links", "name", "flags", "droppedAttributesCount"] {
            lines.push(spans(&[with(good.clone(), json!({ field: value }))]));
        }
        for field in ["resource", "scopeSpans"] {
            let mut line = spans(&[]);
            line["resourceSpans"][0][field] = value.clone();
            lines.push(line);
        }
        let mut pairs = good.clone();
        pairs["attributes"].as_array_mut().unwrap().push(value.clone());
        pairs["attributes"].as_array_mut().unwrap().push(json!({"key": value, "value": value}));
        lines.push(spans(&[pairs]));
        let import = import(&lines);
        assert_eq!(import.report.bad_lines, 0, "{value}: {:?}", import.report.bad);
        assert_eq!(total(&import.events), (1, 110));
    }
}

#[test]
fn a_span_is_not_above_itself_whatever_its_parents_are() {
    let circle = [chat(1, 2, 100), chat(2, 3, 200), chat(3, 1, 300), chat(4, 4, 400), chat(5, 1, 500)];
    let import = import(&[spans(&circle)]);
    assert_eq!((total(&import.events), import.report.bad_lines), ((5, 1_650), 0));
}

#[test]
fn lines_may_be_marked_padded_or_torn() {
    let line = spans(&[chat(1, 0, 100)]).to_string();
    let odd = format!("\u{feff}{line}\r\n\0\0\n  {line}{line}\n{}", &line[..line.len() / 2]);
    let import = import_files(&[&odd]);
    assert_eq!((total(&import.events), import.report.pending, import.report.bad_lines), ((1, 110), 1, 0));
    assert_eq!((import.report.usage, import.report.duplicates), (1, 2));
}

/// Half of an emoji in a text that is not read.
#[test]
fn texts_that_were_cut_within_a_character_harm_nothing() {
    let line = text(&[spans(&[chat(1, 0, 100)])]).replace("chat some-model", "\\ud83d");
    assert_eq!(total(&import_files(&[&line]).events), (1, 110));
}

#[test]
fn every_line_is_accounted_for() {
    let lines = [
        spans(&[chat(1, 0, 100), span(2, 0, json!({}))]),
        spans(&[chat(1, 0, 100)]),
        spans(&[chat(1, 0, 150)]),
        spans(&[span(2, 0, json!({}))]),
        json!({"resourceMetrics": []}),
        json!([]),
    ];
    let report = import(&lines).report;
    assert_eq!((report.usage, report.duplicates, report.superseding, report.other, report.bad_lines), (1, 1, 1, 2, 1));
    assert_eq!(report.lines, 6);
}
