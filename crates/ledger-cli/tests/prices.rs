//! `prices` and `reprice`: what calls cost, by which prices, and what those do not know.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::calls::{append, call, four, shape, with};
use common::{Answer, Place, spotter};
use serde_json::{Value, json};

const OWN: &str = "[[price]]\nmodel = \"gpt\"\nprovider = \"openai\"\ninput = \"1\"\noutput = \"2\"\n";

/// A model that the bundled prices do not know.
const GENAI: &str = r#"[{"id": "openai", "name": "OpenAI", "api_pattern": "openai", "models": [
    {"id": "gpt", "match": {"equals": "gpt"}, "prices": {"input_mtok": 3, "output_mtok": 4}}]}]"#;

const LITELLM: &str =
    r#"{"gpt": {"litellm_provider": "openai", "input_cost_per_token": 5e-06, "output_cost_per_token": 6e-06}}"#;

fn total(place: &Place, args: &[&str]) -> (Value, Value, Value) {
    let answer = place.run(&[&["usage", "stats"], args].concat()).json();
    (answer["total"]["cost_usd"].clone(), answer["unpriced"]["calls"].clone(), answer["prices"].clone())
}

fn log(place: &Place) -> String {
    place.run(&["tail"]).ok()
}

/// Opus 4.6, in millionths of a dollar: 183 x 5 + 14,938,375 x 0.5 + 351,961 x 10 (an hour) + 38,905 x 25 = 11,962,337.5;
/// Sonnet 4.5: 15 x 3 + 34,159 x 0.3 + 42,176 x 6 (an hour) + 3 x 15 = 263,393.7.
#[test]
fn a_real_session_costs_what_its_tokens_cost_with_writes_of_an_hour_at_their_own_price() {
    let place = spotter();
    let by_model = place.run(&["usage", "by", "model", "--sort", "cost"]).json();
    let costs: Vec<&Value> = by_model["rows"].as_array().unwrap().iter().map(|row| &row["cost_usd"]).collect();
    assert_eq!(costs, ["11.9623375", "0.2633937"]);
    assert_eq!(by_model["total"]["cost_usd"], "12.2257312");
    assert_eq!(by_model["prices"], "genai-prices 0.2.1");
    let row = place.run(&["query", "SELECT cost_source, price_version, count(*) AS n FROM usage_calls GROUP BY 1, 2"]);
    assert_eq!(row.json(), json!({"cost_source": "priced", "price_version": "genai-prices 0.2.1", "n": 156}));
}

#[test]
fn questions_go_on_with_the_prices_of_their_tables_and_reprice_takes_those_of_now() {
    let place = four();
    assert_eq!(total(&place, &[]), (json!("4.50"), json!(1), json!("genai-prices 0.2.1")));
    let before = log(&place);
    std::fs::write(place.path("own.toml"), OWN).unwrap();
    let own = ["--prices", "own.toml"];
    let asked = place.run(&["usage", "stats", "--prices", "own.toml"]);
    assert!(asked.err.contains("agent-ledger reprice") && asked.err.contains("genai-prices 0.2.1 + own "), "{asked:?}");
    assert_eq!(asked.json()["total"]["cost_usd"], "4.50", "as the tables are");
    // What is new is priced with the prices at hand: 10 x $1/M + 5 x $2/M.
    append(&place, &[with(call("zeta", "search", "gpt", 400), &json!({"cost": null}))]);
    assert_eq!(total(&place, &own).0, "4.50002");
    let status = place.run(&["reprice", "--prices", "own.toml"]).json();
    assert_eq!((&status["projection"], &status["lag"]), (&json!("usage"), &json!(0)));
    let (cost, unpriced, prices) = total(&place, &own);
    assert_eq!((cost, unpriced), (json!("4.50004"), json!(0)));
    assert!(prices.as_str().unwrap().starts_with("genai-prices 0.2.1 + own "), "{prices}");
    assert!(log(&place).starts_with(&before), "the log is as it was");
    // `project` with other prices makes the tables anew, too: the two calls are unpriced again.
    place.run(&["project", "usage"]).ok();
    assert_eq!(total(&place, &[]), (json!("4.50"), json!(2), json!("genai-prices 0.2.1")));
}

#[test]
fn unpriced_models_are_named_with_their_tokens() {
    let place = four();
    let text = place.run(&["usage", "stats", "--format", "text"]).ok();
    assert!(
        text.contains("15 tokens of 1 calls are unpriced, in no sum of money: gpt (openai): 1 calls, 15 tokens"),
        "{text}"
    );
    let check = place.run(&["prices", "check"]).json();
    let unpriced = "unpriced[{calls model provider tokens why}]";
    let fields = format!("{{age_days data_files[] data_from note own_file prices tables {unpriced}}}");
    assert_eq!(shape(&check), fields);
    assert_eq!((&check["data_from"], &check["own_file"]), (&json!("2026-10-30T00:00:00.000000Z"), &Value::Null));
    assert_eq!(
        check["unpriced"],
        json!([{"provider": "openai", "model": "gpt", "calls": 1, "tokens": 15,
                "why": "there are no prices of the model \"gpt\""}])
    );
    let text = place.run(&["prices", "check", "--format", "text"]).ok();
    assert!(text.contains("unpriced: gpt (openai): 1 calls, 15 tokens: there are no prices of"), "{text}");
    let nowhere = Place::new().run(&["prices", "check"]).json();
    assert_eq!(nowhere["unpriced"], Value::Null);
    assert!(nowhere["note"].is_string(), "{nowhere}");
}

#[test]
fn newer_data_is_taken_from_a_file_for_all_later_commands() {
    for (name, data, kind, usd) in [("g.json", GENAI, "genai", "0.00005"), ("l.json", LITELLM, "litellm", "0.00008")] {
        let place = Place::new();
        // o3 is in the bundled prices: 10 x $2/M + 5 x $8/M.
        append(&place, &["gpt", "o3"].map(|model| with(call("a", "b", model, 0), &json!({"cost": null}))));
        std::fs::write(place.path(name), data).unwrap();
        let taken = place.run(&["prices", "update", "--from", name]).json();
        assert_eq!(shape(&taken), "{kept_at kind prices}");
        assert_eq!(taken["kind"], kind);
        assert!(taken["kept_at"].as_str().unwrap().starts_with(place.path("config").to_str().unwrap()), "{taken}");
        let stats = place.run(&["usage", "stats", "--model", "gpt"]).json();
        // 10 x $3/M + 5 x $4/M; 10 x $5/M + 5 x $6/M.
        assert_eq!((&stats["total"]["cost_usd"], &stats["prices"]), (&json!(usd), &taken["prices"]), "{kind}");
        let o3 = place.run(&["usage", "stats", "--model", "o3"]).json();
        let expected = if kind == "genai" { (json!("0.00"), 1) } else { (json!("0.00006"), 0) };
        assert_eq!((o3["total"]["cost_usd"].clone(), o3["unpriced"]["calls"].as_i64().unwrap()), expected, "{kind}");
    }
}

#[test]
fn prices_are_listed_as_of_a_day() {
    let place = Place::new();
    let o3 = |at: &str| place.run(&["prices", "list", "--model", "o3", "--provider", "openai", "--at", at]).json();
    assert_eq!(
        o3("2025-06-09"),
        json!({"provider": "openai", "model": "o3", "source": "genai-prices", "above": [],
               "usd": {"input": "10.00", "cache_read": "0.50", "cache_write_5m": "10.00", "output": "40.00",
                       "thousand_web_searches": "10.00"}})
    );
    assert_eq!(o3("2025-06-10")["usd"]["input"], "2.00");
    let long =
        place.run(&["prices", "list", "--model", "gpt-5.5", "--provider", "openai", "--at", "2026-11-01"]).json();
    assert_eq!(long["above"][0], json!({"input_tokens": 272_000, "unit": "input", "usd": "10.00"}));
    let sellers = place.run(&["prices", "list", "--model", "o3", "--at", "2026-11-01"]).json_lines();
    assert!(sellers.iter().any(|line| line["provider"] == "azure") && sellers.len() > 1, "{sellers:?}");
    assert!(place.run(&["prices", "list", "--provider", "anthropic"]).json_lines().len() >= 25);
    let text = place.run(&["prices", "list", "--model", "gpt-5.5", "--provider", "openai", "--format", "text"]).ok();
    assert!(text.starts_with("prices genai-prices 0.2.1 at ") && text.contains("10.00 above 272000"), "{text}");
    assert!(place.run(&["prices", "list", "--model", "nothing"]).failed(1).contains("no prices of the model"));
}

#[test]
fn files_that_are_no_prices_are_refused() {
    let place = four();
    std::fs::write(place.path("bad.toml"), "[[price]]\nmodel = \"m\"\ninput = 1.5\n").unwrap();
    std::fs::write(place.path("bad.json"), "<html>").unwrap();
    for command in [&["usage", "stats"][..], &["reprice"], &["project"], &["prices", "list"], &["prices", "check"]] {
        let args = [command, &["--prices", "bad.toml"]].concat();
        assert!(place.run(&args).failed(3).contains("bad.toml: "), "{command:?}");
        let named = Answer::of(place.command(command).env("AGENT_LEDGER_PRICES", "absent.toml").output().unwrap());
        assert!(named.failed(1).contains("absent.toml"), "{command:?}");
    }
    assert!(place.run(&["prices", "update", "--from", "bad.json"]).failed(3).contains("bad.json: "));
    place.run(&["prices", "update", "--from", "absent.json"]).failed(1);
    assert!(!place.path("config").exists(), "nothing was taken");
    // The file in the folder of settings counts without being named.
    std::fs::create_dir(place.path("config")).unwrap();
    std::fs::write(place.path("config").join("prices.toml"), OWN).unwrap();
    assert_eq!(total(&place, &[]).1, 0);
}
