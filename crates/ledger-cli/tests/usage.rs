//! `usage`: the fields of every answer are an interface, in JSON and in CSV; people are told what an answer is about.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::calls::{append, call, four, said, shape, with};
use common::{Place, spotter};
use serde_json::{Value, json};

const DISTRIBUTION: &str = "{avg max min n p5 p50 p95 p99 total}";
const TOKENS: &str = "{cache_read cache_write cache_write_1h cache_write_5m input output reasoning total}";

/// Fields that every answer has, around those that it has besides.
fn document(rows: &str, besides: &str) -> String {
    let mut fields: Vec<String> = ["counting", "offset", "per", "percentiles{definition method relative_error}"]
        .into_iter()
        .chain(["prices", "schema", "timezone", "window{since until}"])
        .map(str::to_owned)
        .chain([format!("rows[{rows}]")])
        .chain(besides.split(", ").filter(|field| !field.is_empty()).map(str::to_owned))
        .collect();
    fields.sort_unstable();
    format!("{{{}}}", fields.join(" "))
}

fn figures(before: &str, between: &str, after: &str) -> String {
    let tokens = format!("tokens{TOKENS}");
    let (duration, input) = (format!("duration_ms{DISTRIBUTION}"), format!("input_tokens{DISTRIBUTION}"));
    let output = format!("output_tokens{DISTRIBUTION}");
    let parts = [before, "calls cost_ok_usd cost_usd", &duration, "failed", &input, "invocations", between, &output];
    let parts = parts.into_iter().chain([after, &tokens]).filter(|part| !part.is_empty());
    format!("{{{}}}", parts.collect::<Vec<_>>().join(" "))
}

#[test]
fn json_answers_have_their_documented_fields() {
    let place = spotter();
    let total = figures("", "", "");
    let unpriced = "unpriced{calls models[] tokens}";
    let figures_document = |row: &str, total: &str| document(row, &format!("of_rows, total{total}, {unpriced}"));
    let series = format!(
        "{{bucket calls cost_ok_usd cost_usd duration_ms{{avg n total}} failed invocations start tokens{TOKENS}}}"
    );
    let tool = format!("calls duration_ms{DISTRIBUTION} error_rate errors running");
    let session = format!(
        "{{agent calls cost_ok_usd cost_usd failed first_at last_at parent session tokens{TOKENS} tools turns workspace workspace_label}}"
    );
    let turn = format!(
        "{{calls completed_at cost_ok_usd cost_usd duration_ms error_class failed session started_at status tokens{TOKENS} turn workspace}}"
    );
    let cases = [
        ("stats", figures_document(&figures("", "", "tenant"), &total)),
        ("by model", figures_document(&figures("", "model", ""), &total)),
        ("by day", figures_document(&figures("", "", "start").replace(" duration_ms", " day duration_ms"), &total)),
        ("series", document(&series, &format!("total{total}"))),
        (
            "tools --registered Nothing",
            document(&format!("{{{tool} tool}}"), &format!("never_used[], of_rows, total{{{tool}}}")),
        ),
        ("sessions --limit 1", document(&session, &format!("next, {unpriced}"))),
        ("turns --limit 1", document(&turn, "next")),
        ("errors", document("", "notes[], of_rows, total{calls error_rate failed}")),
        ("counts", document("", "total{calls invocations passed_over{} sessions tools turns}")),
    ];
    for (command, expected) in cases {
        let args: Vec<&str> = ["usage"].into_iter().chain(command.split(' ')).collect();
        let answer = place.run(&args).json();
        assert_eq!(shape(&answer), expected, "{command}");
    }
    let unpriced = &four().run(&["usage", "stats"]).json()["unpriced"];
    assert_eq!(shape(unpriced), "{calls models[{calls model provider tokens}] tokens}");
    let errors = four().run(&["usage", "errors"]).json();
    assert_eq!(shape(&errors["rows"]), "[{calls cost_usd error_class first_at last_at status}]");
    let both = place.run(&["usage", "stats", "--breakdown", "model"]).json();
    assert!(both["rows"][0]["breakdown"][0]["model"].is_string() && both["total"]["breakdown"].is_array(), "{both}");
}

#[test]
fn a_real_session_gives_its_figures() {
    let place = spotter();
    let stats = place.run(&["usage", "stats"]).json();
    let total = &stats["total"];
    assert_eq!((&total["calls"], &stats["unpriced"]["calls"]), (&json!(156), &json!(0)));
    let tokens = &total["tokens"];
    let written = ["cache_write", "cache_write_5m", "cache_write_1h"];
    let written: i64 = written.iter().map(|bucket| tokens[bucket].as_i64().unwrap()).sum();
    assert_eq!((&tokens["input"], &tokens["output"]), (&json!(198), &json!(38_908)));
    assert_eq!((written, &tokens["cache_read"]), (394_137, &json!(14_972_534)));
    for by in ["model", "session", "turn", "workspace", "status", "hour", "month"] {
        let answer = place.run(&["usage", "by", by, "--tz", "Asia/Kathmandu"]).json();
        let calls: i64 = answer["rows"].as_array().unwrap().iter().map(|row| row["calls"].as_i64().unwrap()).sum();
        assert_eq!((calls, &answer["total"]["calls"]), (156, &json!(156)), "{by}");
        assert_eq!(answer["timezone"], "Asia/Kathmandu");
    }
}

#[test]
fn csv_has_one_header_and_no_total() {
    let place = four();
    let lines = |args: &[&str]| -> Vec<String> {
        let args: Vec<&str> = ["usage"].iter().chain(args).chain(&["--format", "csv"]).copied().collect();
        place.run(&args).ok().lines().map(str::to_owned).collect()
    };
    let by_model = lines(&["by", "model", "--sort", "name"]);
    assert_eq!(
        by_model[0],
        "model,calls,failed,invocations,cost_usd,cost_ok_usd,duration_ms.n,duration_ms.total,duration_ms.avg,\
         duration_ms.min,duration_ms.p5,duration_ms.p50,duration_ms.p95,duration_ms.p99,duration_ms.max,tokens.input,\
         tokens.cache_read,tokens.cache_write_5m,tokens.cache_write_1h,tokens.cache_write,tokens.output,\
         tokens.reasoning,tokens.total,input_tokens.n,input_tokens.total,input_tokens.avg,input_tokens.min,\
         input_tokens.p5,input_tokens.p50,input_tokens.p95,input_tokens.p99,input_tokens.max,output_tokens.n,\
         output_tokens.total,output_tokens.avg,output_tokens.min,output_tokens.p5,output_tokens.p50,\
         output_tokens.p95,output_tokens.p99,output_tokens.max"
    );
    assert!(by_model[1].starts_with("gpt,2,0,2,1.50,1.50,2,200.0,100.0,"), "{by_model:?}");
    assert!(by_model[2].starts_with("mini,2,1,2,3.00,1.50,1,"), "{by_model:?}");
    assert_eq!(by_model.len(), 3);
    let both = lines(&["by", "model", "--breakdown", "operation", "--sort", "name"]);
    assert!(both[0].starts_with("model,operation,calls,"), "{both:?}");
    assert_eq!(both.len(), 4, "gpt twice, mini once: {both:?}");
    for (args, header) in [
        (&["by", "turn"][..], "session,turn,calls,"),
        (&["by", "workspace"], "workspace,workspace_label,calls,"),
        (&["by", "day"], "day,start,calls,"),
        (&["series"], "bucket,start,calls,failed,invocations,cost_usd,cost_ok_usd,duration_ms.n,duration_ms.total,"),
        (&["tools"], "tool,calls,errors,error_rate,running,duration_ms.n,"),
        (&["sessions"], "session,parent,agent,workspace,workspace_label,first_at,last_at,calls,failed,cost_usd,"),
        (&["turns"], "session,turn,workspace,started_at,completed_at,status,error_class,duration_ms,calls,"),
        (&["errors"], "status,error_class,calls,cost_usd,first_at,last_at"),
        (&["counts"], "calls,invocations,tools,turns,sessions"),
    ] {
        assert!(lines(args)[0].starts_with(header), "{args:?}: {:?}", lines(args));
    }
    assert_eq!(lines(&["counts"])[1], "4,4,0,0,1");
    assert_eq!(lines(&["stats", "--tenant", "acme"]).len(), 2, "what is not told apart is a row of its own");
}

#[test]
fn people_are_told_the_zone_the_window_and_the_total() {
    let place = four();
    let text = |args: &str| {
        let args: Vec<&str> = ["usage"].into_iter().chain(args.split(' ')).chain(["--format", "text"]).collect();
        place.run(&args).ok()
    };
    let stats = text("stats --since 2026-03-01 --tz Europe/Berlin");
    let lines: Vec<&str> = stats.lines().collect();
    assert_eq!(
        lines[0],
        "usage by tenant; since 2026-03-01T00:00:00+01:00; Europe/Berlin; up to offset 4; prices genai-prices 0.2.1"
    );
    assert!(lines[1].starts_with(" TENANT  CALLS  FAILED  COST USD  INPUT"), "{stats}");
    assert!(lines[2].starts_with(" acme        3       1      4.50     30"), "{stats}");
    assert!(lines[4].starts_with(" total       4       1      4.50     40"), "{stats}");
    assert_eq!(lines[5], "15 tokens of 1 calls are unpriced, in no sum of money: gpt (openai): 1 calls, 15 tokens");
    assert!(text("by model --limit 1").contains("1 more; --limit"));
    assert!(text("by operation --breakdown model").contains("\n   mini "));
    assert!(text("errors").contains("1 of 4 calls did not end well: 25.0 %"));
    assert!(text("stats --per invocation --successful-only").starts_with("usage by tenant per invocation, tokens"));
    assert!(text("tools --registered grep,ls").contains("never used: grep, ls"));
    assert!(text("series --width hour --until 2026-03-01T14:00:00Z").contains("2026-03-01T13:00+00:00"));
}

#[test]
fn every_filter_reaches_the_question() {
    let place = four();
    append(&place, &[call("zeta", "plan", "gpt", 10)]);
    let tool = json!({"session_id": "s", "turn_id": "t", "tool_call_id": "1", "tool_name": "grep",
                      "started_at": "2026-03-01T12:30:01Z"});
    place.run_with(&["append"], &said("tool.started", &tool)).ok();
    let calls = |args: &[&str]| {
        let args: Vec<&str> = ["usage", "by", "model"].iter().chain(args).copied().collect();
        place.run(&args).json()["total"]["calls"].as_i64().unwrap()
    };
    for (args, expected) in [
        (&[][..], 5),
        (&["--tenant", "acme"], 3),
        (&["--tenant", "acme", "--tenant", "zeta"], 5),
        (&["--operation", "search"], 3),
        (&["--provider", "nobody"], 0),
        (&["--model", "mini"], 2),
        (&["--session", "s"], 1),
        (&["--turn", "t"], 1),
        (&["--tool", "grep"], 1),
        (&["--workspace", "/nowhere"], 0),
        (&["--status", "error"], 1),
        (&["--since", "2026-03-01T12:30:00Z"], 3),
        (&["--until", "2026-03-01T12:30:00Z"], 2),
        (&["--since", "2026-03-02"], 0),
        (&["--since", "2026-03-01", "--tz", "America/New_York", "--until", "2026-03-02"], 5),
        (&["--since", "1h"], 0),
    ] {
        assert_eq!(calls(args), expected, "{args:?}");
    }
    let query = |args: &[&str]| place.run(&[&["usage", "stats"], args].concat()).json();
    assert_eq!(query(&["--successful-only"])["total"]["cost_usd"], "4.50");
    assert_eq!(query(&[])["total"]["cost_usd"], "6.00");
    assert_eq!(query(&["--per", "invocation"])["per"], "invocation");
    assert_eq!(query(&["--percentile", "disc"])["percentiles"]["definition"], "disc");
    let first = |sort: &str| place.run(&["usage", "by", "model", "--sort", sort]).json()["rows"][0]["model"].clone();
    assert_eq!((first("name"), first("failed")), (json!("gpt"), json!("mini")));
}

#[test]
fn lists_go_on_where_they_ended() {
    let place = spotter();
    let first = place.run(&["usage", "turns", "--limit", "2"]).json();
    let next = first["next"].as_str().unwrap();
    let second = place.run(&["usage", "turns", "--limit", "1000", "--after", next]).json();
    let all = place.run(&["usage", "turns", "--limit", "1000"]).json();
    let rows = |page: &Value| page["rows"].as_array().unwrap().clone();
    assert_eq!([rows(&first), rows(&second)].concat(), rows(&all));
    assert!(second.get("next").is_none());
}

#[test]
fn an_empty_answer_says_why() {
    let empty = Place::new();
    empty.run_with(&["append"], &common::lines("e", 3)).ok();
    let note = |answer: &Value| answer["notes"][0].as_str().unwrap().to_owned();
    let said = note(&empty.run(&["usage", "by", "model"]).json());
    assert_eq!(said, "there are no calls of models in the ledger, up to offset 3");
    let place = four();
    let said = note(&place.run(&["usage", "stats", "--since", "2027-01-01"]).json());
    assert_eq!(said, "there are no calls of models in this window; outside of it there are 4");
    let said = note(&place.run(&["usage", "sessions", "--tenant", "nobody"]).json());
    assert!(said.contains("no calls, tools or turns with these filters; without them there are 4"), "{said}");
    let text = place.run(&["usage", "tools", "--format", "text"]).ok();
    assert!(text.contains("note: there are no calls of tools in the ledger"), "{text}");
    let csv = place.run(&["usage", "series", "--model", "x", "--format", "csv"]);
    assert!(csv.err.contains("with these filters"), "{csv:?}");
    // What is not understood is not nothing.
    let broken = with(call("acme", "search", "gpt", 0), &json!({"tokens": {"input": -1}}));
    empty.run_with(&["append"], &said_by(&broken)).ok();
    let said = note(&empty.run(&["usage", "counts"]).json());
    assert!(said.ends_with("; 1 events were passed over"), "{said}");
}

fn said_by(call: &Value) -> String {
    said("llm.called", call)
}

#[test]
fn every_row_is_exported() {
    let place = spotter();
    let rows = place.run(&["usage", "export"]).json_lines();
    let count = |kind: &str| rows.iter().filter(|row| row["type"] == kind).count();
    assert_eq!((count("call"), count("tool"), count("session")), (156, 188, 3));
    assert!(rows.iter().all(|row| row["schema"] == 1));
    let call = rows.iter().find(|row| row["type"] == "call").unwrap();
    assert!(call["started_at"].as_str().unwrap().ends_with('Z') && call["duration_ms"].is_number(), "{call}");
    let failed = place.run(&["usage", "export", "--status", "error"]).json_lines();
    assert!(!failed.is_empty() && failed.iter().all(|row| row["type"] != "call"), "{failed:?}");
}
