//! Exported files as Polars and DuckDB read them, beside what reports say of the same ledger.

use std::process::Command;

use serde_json::{Value, json};

use crate::common::calls::{append, call, with};
use crate::common::{Answer, Place, spotter};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/export/read.py");
const TOKENS: [&str; 7] =
    ["input", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write", "output", "reasoning"];

/// A real session; and calls that have no price, failed, or are of a tenant that needs quotes.
fn place() -> Place {
    let place = spotter();
    append(
        &place,
        &[
            with(call("acme", "search", "mini", 30), &json!({"session_id": "s", "turn_id": "t"})),
            with(call("acme", "search", "mini", 90), &json!({"status": "error", "error_class": "overloaded"})),
            with(call("zeta", "search", "no-such-model", 360), &json!({"cost": null})),
            with(
                call("Zürich, \"a\"", "search", "mini", 400),
                &json!({
                    "cost": {"pico_usd": 1, "source": "provider"}, "service_tier": "flex",
                    "tokens": {"input": 10, "output": 5, "reasoning": 2},
                }),
            ),
        ],
    );
    place
}

fn export(place: &Place, name: &str, args: &[&str]) {
    let (what, format) = name.split_once('.').unwrap();
    let what = if what == "none" { "calls" } else { what };
    place.run(&[&["usage", "export", "--format", format, "--what", what, "--output", name], args].concat()).ok();
}

/// An exact amount of dollars, in pico-USD, from a decimal text.
fn pico(usd: &str) -> i128 {
    let (whole, fraction) = usd.split_once('.').unwrap_or((usd, ""));
    format!("{whole}{fraction:0<12}").parse().unwrap()
}

#[test]
#[ignore = "needs Python with Polars and DuckDB; `cargo xtask test` installs them and runs this"]
fn polars_and_duckdb_find_what_reports_say() {
    let python = std::env::var("LEDGER_PYTHON").expect("a Python with Polars and DuckDB, from cargo xtask test");
    let place = place();
    for name in ["calls.parquet", "calls.arrow", "tools.parquet", "turns.parquet", "sessions.parquet"] {
        export(&place, name, &[]);
    }
    export(&place, "none.parquet", &["--tenant", "nobody"]);
    let found = Answer::of(Command::new(python).arg(SCRIPT).arg(place.path("")).output().unwrap()).json();
    let ask = |question: &str| place.run(&question.split(' ').collect::<Vec<_>>()).json();
    let (stats, counts) = (ask("usage stats"), ask("usage counts"));
    let times = "SELECT min(started_at) AS first, max(started_at) AS last FROM usage_calls";
    let times = place.run(&["query", times]).json();
    for (reader, calls) in found["calls"].as_object().unwrap() {
        has_types(reader, &calls["types"]);
        has_sums(reader, calls, &stats, &counts);
        assert_eq!(calls["times"], json!([times["first"], times["last"]]), "{reader}");
        has_models(reader, &calls["models"], &ask("usage models"));
        let rows = ask("usage by tenant --sort name");
        let tenants: Vec<&Value> = rows["rows"].as_array().unwrap().iter().map(|row| &row["tenant"]).collect();
        let tenants: Vec<&Value> = tenants.into_iter().filter(|tenant| !tenant.is_null()).collect();
        assert_eq!(calls["tenants"], json!(tenants), "{reader}");
    }
    let others = &found["others"];
    for what in ["tools", "turns", "sessions"] {
        let expected = &counts["total"][what];
        assert_eq!((&others[what]["polars"], &others[what]["duckdb"]), (expected, expected), "{what}");
    }
    assert_eq!(others["tools"]["errors"], ask("usage tools")["total"]["errors"]);
    assert_eq!((&others["none"]["polars"], &others["none"]["duckdb"]), (&json!(0), &json!(0)));
    let columns: Vec<&String> = found["calls"]["duckdb, parquet"]["types"].as_object().unwrap().keys().collect();
    let mut none: Vec<&str> =
        others["none"]["columns"].as_array().unwrap().iter().map(|c| c.as_str().unwrap()).collect();
    none.sort_unstable();
    assert_eq!(none, columns, "a file without rows has its columns");
}

fn has_types(reader: &str, types: &Value) {
    let (text, int, flag, time, usd) = if reader.starts_with("polars") {
        ("String", "Int64", "Boolean", "Datetime(time_unit='us', time_zone='UTC')", "Decimal(precision=38, scale=12)")
    } else {
        ("VARCHAR", "BIGINT", "BOOLEAN", "TIMESTAMP WITH TIME ZONE", "DECIMAL(38,12)")
    };
    let of = [
        (text, "call_key tenant operation call_id session_id turn_id provider model workspace status error_class"),
        (text, "cost_source price_version service_tier speed inference_geo"),
        (int, "http_status attempt duration_us ttft_us input cache_read cache_write_5m cache_write_1h cache_write"),
        (int, "output reasoning input_total pico_usd web_searches"),
        (flag, "leads"),
        (time, "started_at invoked_at"),
        (usd, "cost_usd"),
    ];
    let expected = of.iter().flat_map(|(kind, names)| names.split(' ').map(move |name| (name.to_owned(), json!(kind))));
    assert_eq!(*types, Value::Object(expected.collect()), "{reader}");
}

/// Reports have their sums from quarters of an hour, or from rows in SQL; these are of the files' rows.
fn has_sums(reader: &str, calls: &Value, stats: &Value, counts: &Value) {
    let (total, sums) = (&stats["total"], &calls["sums"]);
    assert_eq!(calls["rows"], total["calls"], "{reader}");
    assert_eq!(calls["rows"], json!(160), "{reader}");
    for name in TOKENS {
        assert_eq!(sums[name], json!(total["tokens"][name].to_string()), "{reader}: {name}");
    }
    assert_eq!(sums["reasoning"], "2");
    let usd = total["cost_usd"].as_str().unwrap();
    assert_eq!(usd.split_once('.').unwrap().1.len(), 12, "a pico-dollar is among them: {usd}");
    assert_eq!(pico(sums["cost_usd"].as_str().unwrap()), pico(usd), "{reader}");
    assert_eq!(sums["pico_usd"], json!(pico(usd).to_string()), "{reader}");
    assert_eq!(sums["leads"], json!(counts["total"]["invocations"].to_string()), "{reader}");
    let millis = total["duration_ms"]["total"].as_f64().unwrap();
    assert_eq!(calls["succeeded_us"].as_f64(), Some((millis * 1_000.0).round()), "{reader}");
    let nulls = &calls["nulls"];
    assert_eq!((&nulls["cost_usd"], &nulls["pico_usd"]), (&stats["unpriced"]["calls"], &stats["unpriced"]["calls"]));
    assert_eq!((&nulls["service_tier"], &nulls["call_key"], &nulls["input"]), (&json!(3), &json!(0), &json!(0)));
    assert_eq!(nulls["workspace"], json!(4), "{reader}: an empty name is not known");
}

fn has_models(reader: &str, found: &Value, report: &Value) {
    let of_report = report["rows"].as_array().unwrap().iter().map(|row| {
        let usd = pico(row["cost_usd"].as_str().unwrap());
        (
            row["provider"].to_string(),
            row["model"].to_string(),
            row["calls"].clone(),
            usd,
            row["tokens"]["output"].clone(),
        )
    });
    let of_file = found.as_array().unwrap().iter().map(|row| {
        (row[0].to_string(), row[1].to_string(), row[2].clone(), pico(row[3].as_str().unwrap()), row[4].clone())
    });
    let sorted = |rows: &mut dyn Iterator<Item = (String, String, Value, i128, Value)>| {
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by(|one, other| (&one.0, &one.1).cmp(&(&other.0, &other.1)));
        rows
    };
    assert_eq!(sorted(&mut of_file.into_iter()), sorted(&mut of_report.into_iter()), "{reader}");
}
