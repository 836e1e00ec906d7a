//! `strategy`: what strategies did; the fields of answers are an interface.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::Place;
use common::calls::{said, shape};
use serde_json::{Value, json};

const COUNT: &str = "executions rows";
const DURATION: &str = "{avg executions max min n p5 p50 p95 p99}";
const POINTS: &str = "{avg executions histogram[{executions from rows to}] max min n sum}";

/// The cases of the system before ours: six that went well, two errors and a timeout; and one of another strategy.
fn nine() -> Place {
    let place = Place::new();
    let run = |strategy: &str, minute: i64, status: &str, ms: f64, code: Value, case: Value, points: Value| {
        let payload = json!({
            "strategy_id": strategy, "strategy_version": 1, "status": status, "error_code": code, "case_name": case,
            "duration_ms": ms, "nodes_executed": 3, "points": points, "subject_ids": {"user": format!("u{minute}")},
            "executed_at": format!("2026-03-01T12:{minute:02}:00Z"), "trace": [{"secret": "canary"}],
        });
        said("strategy.executed", &payload)
    };
    let mut lines = String::new();
    for (n, case) in (0_i64..).zip(["A", "A", "B", "", "A", "A"]) {
        let case = if case.is_empty() { Value::Null } else { json!(case) };
        lines += &run("s1", n, "ok", 10.0 * (n + 1) as f64, Value::Null, case, json!(n + 1));
    }
    lines += &run("s1", 6, "error", 5.0, json!("DIV_BY_ZERO"), Value::Null, Value::Null);
    lines += &run("s1", 7, "error", 7.0, json!("FIELD_MISSING"), Value::Null, Value::Null);
    lines += &run("s1", 8, "timeout", 999.0, json!("TIMEOUT"), Value::Null, Value::Null);
    lines += &run("s2", 0, "ok", 1.0, Value::Null, json!("A"), json!(1));
    place.run_with(&["append"], &lines).ok();
    place
}

#[test]
fn answers_have_their_documented_fields() {
    let place = nine();
    let outcome = format!(
        "error_rate other{{{COUNT}}} other_rate statuses{{{}}} success_rate total{{{COUNT}}}",
        ["error", "limit", "ok", "timeout"].map(|status| format!("{status}{{{COUNT}}}")).join(" ")
    );
    let sorted = |fields: &str, extra: &[&str]| {
        let mut fields: Vec<&str> = split(fields).into_iter().chain(extra.iter().copied()).collect();
        fields.sort_unstable_by_key(|field| field.split(['{', '[']).next().map(str::to_owned));
        format!("{{{}}}", fields.join(" "))
    };
    let duration = format!("duration_ms{DURATION}");
    let points = format!("points{POINTS}");
    let stats = sorted(
        &outcome,
        &[
            &format!("cases[{{case_name {COUNT}}}]"),
            &format!("errors[{{error_code {COUNT}}}]"),
            "duration_histogram[{executions label rows upper_ms}]",
            "nodes{avg max n}",
            "percentile",
            &duration,
            &points,
        ],
    );
    let document = |answer: &str| sorted("offset schema timezone window{since until}", &[answer]);
    let rows = |row: &str| document(&format!("rows[{row}]"));
    let execution = "{case_name duration_ms error_code event_id executed_at nodes_executed notes points sample_weight status strategy_id strategy_type strategy_version subject_ids{user} tenant_id trace}";
    let bucket = sorted(&outcome, &["label", "start", "since", "until", &duration]);
    let version = sorted(&outcome, &["strategy_id", "strategy_version", &duration, &points]);
    let delta = "delta{avg_ms error_rate p95_ms points_avg success_rate}";
    let comparison = document(&format!(
        "comparison{{a{stats} b{} {delta}}}",
        stats.replace("errors[{error_code executions rows}]", "errors[]")
    ));
    for (args, expected) in [
        (vec!["list"], rows(execution)),
        (vec!["stats", "--strategy", "s1"], document(&format!("stats{stats}"))),
        (vec!["series", "--width", "hour", "--since", "2026-03-01", "--until", "2026-03-02"], rows(&bucket)),
        (vec!["versions"], rows(&version)),
        (vec!["cases"], rows(&format!("{{case_name {COUNT}}}"))),
        (vec!["errors"], rows(&format!("{{error_code {COUNT}}}"))),
        (vec!["compare", "s1", "s2"], comparison),
    ] {
        let answer = place.run(&[&["strategy"], args.as_slice()].concat()).json();
        assert_eq!(shape(&answer), expected, "{args:?}");
    }
}

/// Fields, of which some have fields of their own.
fn split(fields: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, character) in fields.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ' ' if depth == 0 => {
                parts.push(&fields[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&fields[start..]);
    parts
}

#[test]
fn the_numbers_are_those_of_the_system_before_ours() {
    let place = nine();
    let stats = place.run(&["strategy", "stats", "--strategy", "s1"]).json()["stats"].clone();
    let rows = |status: &str| stats["statuses"][status]["rows"].as_i64().unwrap();
    assert_eq!(["ok", "error", "timeout", "limit"].map(rows), [6, 2, 1, 0]);
    assert_eq!((stats["total"]["rows"].clone(), stats["duration_ms"]["max"].clone()), (json!(9), json!(999.0)));
    assert_eq!(stats["points"]["sum"], 21.0);
    let cases = place.run(&["strategy", "cases", "--strategy", "s1"]).json();
    let cases: Vec<_> =
        cases["rows"].as_array().unwrap().iter().map(|row| (row["case_name"].clone(), row["rows"].clone())).collect();
    assert_eq!(cases, [(Value::Null, json!(4)), (json!("A"), json!(4)), (json!("B"), json!(1))]);
    let late = place.run(&["strategy", "stats", "--strategy", "s1", "--since", "2026-03-01T12:06:00Z"]).json();
    assert_eq!(late["stats"]["statuses"]["ok"]["rows"], 0);
    let windows = ["strategy", "compare", "s1", "--until", "2026-03-01T12:06:00Z", "--b-since", "2026-03-01T12:06:00Z"];
    assert_eq!(place.run(&windows).json()["comparison"]["delta"]["success_rate"], -1.0);
}

#[test]
fn people_see_tables_and_spreadsheets_lines() {
    let place = nine();
    let text = place.run(&["strategy", "stats", "--format", "text"]).ok();
    for part in ["executions; all time; UTC", "success rate", "70.0 %", "(no rule matched)", "≤10ms", "DIV_BY_ZERO"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let text = place.run(&["strategy", "compare", "s1", "s2", "--format", "text"]).ok();
    assert!(text.contains("B - A") && text.contains("33.3 %"), "{text}");
    let csv = place.run(&["strategy", "versions", "--format", "csv"]).ok();
    assert!(csv.starts_with("strategy_id,strategy_version,success_rate,error_rate,other_rate,total.rows,"), "{csv}");
    assert_eq!(csv.lines().count(), 3);
    let csv = place.run(&["strategy", "list", "--format", "csv", "--limit", "4"]).ok();
    assert_eq!(csv.lines().count(), 5);
    let empty = place.run(&["strategy", "list", "--strategy", "none", "--format", "text"]).ok();
    assert!(empty.contains("note: no execution of a strategy in this ledger is selected"), "{empty}");
}

#[test]
fn a_list_goes_on_where_its_page_ended() {
    let place = nine();
    let mut times = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut args = vec!["strategy", "list", "--strategy", "s1", "--limit", "4"];
        args.extend(after.as_ref().into_iter().flat_map(|after| ["--after", after.as_str()]));
        let page = place.run(&args).json();
        times
            .extend(page["rows"].as_array().unwrap().iter().map(|row| row["executed_at"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => after = Some(next.to_owned()),
            None => break,
        }
    }
    assert_eq!(times.len(), 9);
    assert!(times.is_sorted_by(|newer, older| newer > older));
}

#[test]
fn traces_are_kept_only_when_that_is_asked_for_and_stay() {
    let place = nine();
    let trace = |place: &Place| place.run(&["strategy", "list", "--limit", "1"]).json()["rows"][0]["trace"].clone();
    assert_eq!(trace(&place), Value::Null);
    place.run(&["project", "strategy", "--traces"]).ok();
    assert_eq!(trace(&place), json!([{"secret": "canary"}]));
}

#[test]
fn who_is_erased_is_gone_for_good() {
    let place = nine();
    place.run(&["strategy", "stats"]).ok();
    let refused = place.run(&["strategy", "erase", "user", "u0"]);
    assert_eq!(refused.code, Some(2));
    assert_eq!(place.run(&["strategy", "erase", "user", "u0", "--yes"]).json(), json!({"erased": 2}));
    place.run(&["project", "strategy", "--rebuild"]).ok();
    assert_eq!(place.run(&["strategy", "stats"]).json()["stats"]["total"]["rows"], 8);
}

#[test]
fn what_cannot_be_asked_is_refused_with_a_sentence() {
    let place = nine();
    for (args, sentence) in [
        (vec!["list", "--limit", "201"], "200"),
        (vec!["cases", "--limit", "51"], "50"),
        (vec!["list", "--after", "nowhere"], "cursor"),
        (vec!["series"], "window"),
        (vec!["stats", "--since", "2026-03-01T00:00:00"], "offset"),
        (vec!["stats", "--since", "2026-03-02", "--until", "2026-03-01"], "not after"),
        (vec!["stats", "--tz", "Mars/Olympus"], "IANA"),
        (vec!["compare", "s1"], "nothing to compare with"),
    ] {
        let answer = place.run(&[&["strategy"], args.as_slice()].concat());
        assert_eq!(answer.code, Some(2), "{args:?}: {}", answer.err);
        assert!(answer.err.contains(sentence), "{args:?}: {}", answer.err);
    }
}
