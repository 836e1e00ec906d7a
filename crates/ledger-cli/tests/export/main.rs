//! `usage export`: the same rows in each format; a file is there whole or not at all.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(feature = "arrow")]
mod analysts;
#[path = "../common/mod.rs"]
mod common;
mod files;

use common::calls::{append, call, four, said, with};
use common::{Place, spotter};
use serde_json::json;

const CALL: &str = "call_key,tenant,operation,call_id,session_id,turn_id,provider,model,workspace,started_at,invoked_at,leads,\
    status,error_class,http_status,attempt,duration_us,ttft_us,input,cache_read,cache_write_5m,cache_write_1h,cache_write,output,\
    reasoning,input_total,cost_usd,pico_usd,cost_source,price_version,service_tier,speed,inference_geo,web_searches";
const TOOL: &str =
    "tool_key,session_id,turn_id,tool_name,workspace,started_at,completed_at,duration_us,status,error_class";
const TURN: &str = "turn_key,session_id,turn_id,workspace,started_at,completed_at,duration_us,status,error_class";
const SESSION: &str = "session_id,parent_session_id,workspace,agent,provider,model,first_at,last_at";

fn csv(place: &Place, args: &[&str]) -> Vec<Vec<String>> {
    let text = place.run(&[&["usage", "export", "--format", "csv"], args].concat()).ok();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[test]
fn each_kind_of_row_has_its_documented_columns() {
    let place = spotter();
    for (what, header, rows) in
        [("calls", CALL, 156), ("tools", TOOL, 188), ("turns", TURN, 0), ("sessions", SESSION, 3)]
    {
        let found = csv(&place, &["--what", what]);
        assert_eq!(found[0].join(","), header, "{what}");
        let count = place.run(&["usage", "counts"]).json()["total"][what].as_u64().unwrap();
        assert_eq!(found.len() as u64 - 1, count, "{what}");
        assert!(rows == 0 || found.len() - 1 == rows, "{what}");
    }
    assert_eq!(csv(&place, &[]), csv(&place, &["--what", "calls"]), "calls, unless others are asked for");
}

/// Lines had these fields before there were other formats; programs read them.
#[test]
fn lines_keep_their_fields() {
    let place = spotter();
    append(&place, &[call("acme", "search", "mini", 0)]);
    let turn = json!({"session_id": "s", "turn_id": "t", "started_at": "2026-03-01T12:00:00Z"});
    place.run_with(&["append"], &said("turn.started", &turn)).ok();
    let rows = place.run(&["usage", "export"]).json_lines();
    for (kind, columns) in [("call", CALL), ("tool", TOOL), ("turn", TURN), ("session", SESSION)] {
        let row = rows.iter().find(|row| row["type"] == kind).expect(kind);
        // Durations are in milliseconds; money is a decimal text, and only that.
        let name = |name: &str| name.strip_suffix("_us").map_or(name.to_owned(), |name| format!("{name}_ms"));
        let mut expected: Vec<String> = columns.split(',').filter(|name| *name != "pico_usd").map(name).collect();
        expected.extend(["schema".into(), "type".into()]);
        expected.sort_unstable();
        assert_eq!(row.as_object().unwrap().keys().collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>(), "{kind}");
    }
    let tools = place.run(&["usage", "export", "--what", "tools"]).json_lines();
    assert_eq!(tools, rows.into_iter().filter(|row| row["type"] == "tool").collect::<Vec<_>>());
}

#[test]
fn csv_is_exact_quotes_what_has_to_be_and_leaves_empty_what_is_not_known() {
    let place = Place::new();
    let cost = json!({"pico_usd": 1_500_000_000_001_i64, "source": "provider"});
    append(
        &place,
        &[
            with(
                call("Zürich, \"a\"", "search", "mini", 0),
                &json!({"cost": cost, "duration_ms": 0.25, "web_searches": 3}),
            ),
            with(call("line\nbreak", "search", "no-such-model", 1), &json!({"cost": null, "duration_ms": null})),
        ],
    );
    let text = place.run(&["usage", "export", "--format", "csv"]).ok();
    assert!(text.contains(r#","Zürich, ""a""",search,"#), "{text}");
    let rows = csv(&place, &[]);
    let of = |row: usize, name: &str| rows[row][rows[0].iter().position(|column| column == name).unwrap()].as_str();
    let names = ["tenant", "started_at", "leads", "duration_us", "cost_usd", "pico_usd", "cost_source", "web_searches"];
    assert_eq!(
        names.map(|name| of(1, name)),
        [
            "Zürich, \"a\"",
            "2026-03-01T12:00:00.000000Z",
            "true",
            "250",
            "1.500000000001",
            "1500000000001",
            "provider",
            "3"
        ],
    );
    assert_eq!(
        names.map(|name| of(2, name)),
        ["line\nbreak", "2026-03-01T12:01:00.000000Z", "true", "", "", "", "", ""]
    );
    assert_eq!(rows.len(), 3);
}

#[test]
fn filters_select_what_is_exported() {
    let place = four();
    assert_eq!(csv(&place, &["--tenant", "acme", "--status", "ok"]).len(), 1 + 2);
    assert_eq!(csv(&place, &["--since", "2026-03-01T13:30:00Z"]).len(), 1 + 2);
}

#[test]
fn an_export_of_nothing_is_a_file_of_its_format() {
    let place = four();
    let nothing = ["--tenant", "nobody"];
    assert_eq!(place.run(&[&["usage", "export"], nothing.as_slice()].concat()).ok(), "");
    assert_eq!(csv(&place, &nothing), [CALL.split(',').collect::<Vec<_>>()]);
}
