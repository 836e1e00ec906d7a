//! Reports by day, week, month, model, session and block, and the line for a prompt; and that scripts written for ccusage
//! find their fields in them.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::calls::{append, call, four, said, shape, with};
use common::{Place, spotter};
use serde_json::{Value, json};

/// Fields that rows and totals of ccusage have in common, in the order of the alphabet.
const BREAKDOWN: &str = "{cacheCreationTokens cacheReadTokens cost inputTokens modelName outputTokens}";
const TOTALS: &str = "{cacheCreationTokens cacheReadTokens inputTokens outputTokens totalCost totalTokens}";

/// The names are those of ccusage 20.0.24's guide (github.com/ryoppippi/ccusage, `docs/guide/json-output.md`, "Daily Reports";
/// `weekly-reports.md`; `session-reports.md`; `blocks-reports.md`; all "JSON Output") and, for what the guide leaves out
/// (`modelBreakdowns`, `monthly`, `isGap`, `entries`, `projection`), of the program: `summary_json`, `totals_json`,
/// `session_summary_json` in `output.rs`, `block_json` in `blocks.rs`.
#[test]
fn fields_are_called_as_ccusage_calls_them() {
    let place = spotter();
    // One name each is put where the alphabet has it.
    let row = |date: &str, month: &str, week: &str| {
        format!(
            "{{cacheCreationTokens cacheReadTokens{date} inputTokens modelBreakdowns[{BREAKDOWN}] modelsUsed[]{month} outputTokens totalCost totalTokens{week}}}"
        )
    };
    let session = format!(
        "{{cacheCreationTokens cacheReadTokens firstActivity inputTokens lastActivity modelBreakdowns[{BREAKDOWN}] modelsUsed[] outputTokens projectPath sessionId totalCost totalTokens}}"
    );
    let block = "{actualEndTime burnRate costUSD endTime entries id isActive isGap models[] projection startTime \
                 tokenCounts{cacheCreationInputTokens cacheReadInputTokens inputTokens outputTokens} totalTokens}";
    for (command, expected) in [
        ("daily", format!("{{daily[{}] totals{TOTALS}}}", row(" date", "", ""))),
        ("weekly", format!("{{totals{TOTALS} weekly[{}]}}", row("", "", " week"))),
        ("monthly", format!("{{monthly[{}] totals{TOTALS}}}", row("", " month", ""))),
        ("session", format!("{{sessions[{session}] totals{TOTALS}}}")),
        ("blocks", format!("{{blocks[{block}]}}")),
    ] {
        let answer = place.run(&["usage", command, "--format", "ccusage-json"]).json();
        assert_eq!(shape(&answer), expected, "{command}");
    }
    let projects = place.run(&["usage", "daily", "--by-project", "--format", "ccusage-json"]).json();
    let (name, rows) = projects["projects"].as_object().unwrap().iter().next().unwrap();
    assert!(name.ends_with("spotter-gqc") && rows[0]["date"] == "2026-02-11", "{projects}");
    assert_eq!(rows[0]["project"].as_str(), Some(name.as_str()));
    let empty = place.run(&["usage", "weekly", "--since", "2027-01-01", "--format", "ccusage-json"]).json();
    assert_eq!((&empty["weekly"], &empty["totals"]["totalCost"]), (&json!([]), &json!(0.0)));
}

/// Without costs, which are those of ccusage's prices.
fn without_costs(value: &Value) -> Value {
    const COSTS: [&str; 4] = ["cost", "costUSD", "totalCost", "costPerHour"];
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| !COSTS.contains(&name.as_str()));
            kept.map(|(name, value)| (name.clone(), without_costs(value))).collect::<serde_json::Map<_, _>>().into()
        }
        Value::Array(values) => values.iter().map(without_costs).collect(),
        value => value.clone(),
    }
}

/// `testdata/ccusage/README.md` says how that was made.
#[test]
fn of_a_real_session_ccusage_prints_the_same() {
    let place = spotter();
    for (command, printed) in [
        ("daily", include_str!("../testdata/ccusage/daily.json")),
        ("weekly", include_str!("../testdata/ccusage/weekly.json")),
        ("monthly", include_str!("../testdata/ccusage/monthly.json")),
        ("session", include_str!("../testdata/ccusage/session.json")),
        ("blocks", include_str!("../testdata/ccusage/blocks.json")),
    ] {
        let theirs: Value = serde_json::from_str(printed).unwrap();
        let ours = place.run(&["usage", command, "--format", "ccusage-json"]).json();
        assert_eq!(shape(&ours), shape(&theirs), "{command}");
        if command == "session" {
            assert_eq!(without_costs(&ours["totals"]), without_costs(&theirs["totals"]));
        } else {
            assert_eq!(without_costs(&ours), without_costs(&theirs), "{command}");
        }
    }
}

/// What they say, of calls whose sums were made by hand.
#[test]
fn numbers_are_where_ccusage_has_them() {
    let place = Place::new();
    let tokens = json!({"input": 100, "output": 20, "cache_read": 1000, "cache_write_5m": 30, "cache_write_1h": 7});
    append(
        &place,
        &[
            with(call("a", "o", "opus", 0), &json!({"tokens": tokens, "session_id": "one"})),
            with(call("a", "o", "sonnet", 60), &json!({"session_id": "one"})),
            with(call("a", "o", "sonnet", 0), &json!({"session_id": "two", "started_at": "2026-03-02T01:00:00Z"})),
        ],
    );
    let ask = |command: &str| place.run(&["usage", command, "--format", "ccusage-json"]).json();
    let daily = ask("daily");
    assert_eq!(
        daily,
        json!({
            "daily": [
                {"date": "2026-03-01", "inputTokens": 110, "outputTokens": 25, "cacheCreationTokens": 37,
                 "cacheReadTokens": 1000, "totalTokens": 1172, "totalCost": 3.0, "modelsUsed": ["opus", "sonnet"],
                 "modelBreakdowns": [
                    {"modelName": "opus", "inputTokens": 100, "outputTokens": 20, "cacheCreationTokens": 37,
                     "cacheReadTokens": 1000, "cost": 1.5},
                    {"modelName": "sonnet", "inputTokens": 10, "outputTokens": 5, "cacheCreationTokens": 0,
                     "cacheReadTokens": 0, "cost": 1.5}]},
                {"date": "2026-03-02", "inputTokens": 10, "outputTokens": 5, "cacheCreationTokens": 0,
                 "cacheReadTokens": 0, "totalTokens": 15, "totalCost": 1.5, "modelsUsed": ["sonnet"],
                 "modelBreakdowns": [
                    {"modelName": "sonnet", "inputTokens": 10, "outputTokens": 5, "cacheCreationTokens": 0,
                     "cacheReadTokens": 0, "cost": 1.5}]}],
            "totals": {"inputTokens": 120, "outputTokens": 30, "cacheCreationTokens": 37, "cacheReadTokens": 1000,
                       "totalTokens": 1187, "totalCost": 4.5},
        })
    );
    // 1 March 2026 is a Sunday.
    let weeks = |first: &str| -> Vec<Value> {
        let args = ["usage", "weekly", "--start-of-week", first, "--format", "ccusage-json"];
        place.run(&args).json()["weekly"].as_array().unwrap().iter().map(|row| row["week"].clone()).collect()
    };
    assert_eq!(weeks("monday"), ["2026-02-23", "2026-03-02"]);
    assert_eq!(weeks("sunday"), ["2026-03-01"]);
    let sessions = ask("sessions");
    assert_eq!(sessions["sessions"][0]["sessionId"], "one");
    assert_eq!(sessions["sessions"][0]["lastActivity"], "2026-03-01T13:00:00.100Z");
    assert_eq!((&sessions["sessions"][0]["totalCost"], &sessions["totals"]["totalCost"]), (&json!(3.0), &json!(4.5)));
    let blocks = ask("blocks");
    let of = |n: usize, name: &str| blocks["blocks"][n][name].clone();
    assert_eq!((of(0, "id"), of(0, "entries")), (json!("2026-03-01T12:00:00.000Z"), json!(2)));
    assert_eq!(
        (of(0, "endTime"), of(0, "actualEndTime")),
        (json!("2026-03-01T17:00:00.000Z"), json!("2026-03-01T13:00:00.000Z"))
    );
    assert_eq!((of(1, "id"), of(1, "isGap")), (json!("gap-2026-03-01T18:00:00.000Z"), json!(true)));
    assert_eq!(
        (of(1, "endTime"), of(2, "startTime")),
        (json!("2026-03-02T01:00:00.000Z"), json!("2026-03-02T01:00:00.000Z"))
    );
    assert_eq!((of(0, "costUSD"), of(0, "totalTokens")), (json!(3.0), json!(1172)));
}

#[test]
fn people_are_told_the_zone_and_what_has_no_price() {
    let place = four();
    let text = |args: &str| {
        let args: Vec<&str> = ["usage"].into_iter().chain(args.split(' ')).chain(["--format", "text"]).collect();
        place.run(&args).ok()
    };
    let unpriced = "15 tokens of 1 calls are unpriced, in no sum of money: gpt (openai): 1 calls, 15 tokens";
    for (command, first) in [
        (
            "daily --tz Asia/Kathmandu",
            "usage by day; all time; Asia/Kathmandu; up to offset 4; prices genai-prices 0.2.1",
        ),
        (
            "weekly --breakdown",
            "usage by week, and each by model; all time; UTC; up to offset 4; prices genai-prices 0.2.1",
        ),
        (
            "monthly --by-project",
            "usage by month and workspace; all time; UTC; up to offset 4; prices genai-prices 0.2.1",
        ),
        ("models", "usage by model; all time; UTC; up to offset 4; prices genai-prices 0.2.1"),
        (
            "blocks",
            "blocks, which begin at full hours of UTC; all time; UTC; up to offset 4; prices genai-prices 0.2.1",
        ),
    ] {
        let said = text(command);
        assert_eq!(said.lines().next(), Some(first), "{said}");
        assert!(said.lines().any(|line| line == unpriced), "{command}: {said}");
    }
    // 12:00, 12:30 and 13:30 UTC are of the first day there; 18:00 is 23:45.
    let daily = text("daily --tz Asia/Kathmandu");
    assert!(
        daily.contains("\n 2026-03-01      4     40      20            0           0      60      4.50\n"),
        "{daily}"
    );
    assert!(text("weekly --breakdown").contains("\n   openai mini "));
    let csv = place.run(&["usage", "daily", "--breakdown", "--format", "csv"]).ok();
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].starts_with("day,start,provider,model,calls,failed,"), "{csv}");
    assert!(lines[1].starts_with("2026-03-01,2026-03-01T00:00:00.000000Z,openai,mini,2,1,2,3.00,1.50,"), "{csv}");
    let two = json!({"session_id": "s", "workspace": "/home/me/two"});
    place.run_with(&["append"], &said("session.started", &two)).ok();
    let project = place.run(&["usage", "daily", "--project", "/home/me/two"]).json();
    assert_eq!(project["total"]["calls"], 1);
}

#[test]
fn what_reports_cannot_say_is_wrong_usage() {
    let place = four();
    for (args, reason) in [
        ("weekly --start-of-week someday", "such as monday or sunday"),
        ("blocks --session-length 0", "a whole number of hours from 1 to 168"),
        ("blocks --session-length 2.5", "a whole number of hours from 1 to 168"),
        ("blocks --token-limit some", "is not a number of tokens, or max"),
        ("blocks --active --recent", "cannot be used with"),
        ("models --format ccusage-json", "possible values: json, csv, text"),
        ("daily --format xml", "ccusage-json"),
    ] {
        let args: Vec<&str> = ["usage"].into_iter().chain(args.split(' ')).collect();
        let answer = place.run(&args);
        assert_eq!(answer.code, Some(2), "{args:?}: {answer:?}");
        assert!(answer.err.contains(reason), "{args:?}: {answer:?}");
    }
}

/// A call that started some seconds ago.
fn lately(seconds: i64) -> Value {
    let micros = agent_ledger::Timestamp::now().as_micros() - seconds * 1_000_000;
    let time = agent_ledger::Timestamp::from_micros(micros).unwrap();
    with(call("a", "o", "gpt", 0), &json!({"session_id": "s", "started_at": time}))
}

#[test]
fn a_prompt_gets_one_short_line_whatever_is_wrong() {
    let nothing = Place::new();
    assert_eq!(nothing.run(&["usage", "statusline"]).ok(), "-\n");
    assert!(!nothing.ledger().exists() && !nothing.path("ledger.projections.db").exists());
    std::fs::write(nothing.path("ledger.projections.db"), "this is no database, and not a short text either").unwrap();
    assert_eq!(nothing.run(&["usage", "statusline"]).ok(), "-\n");

    let place = Place::new();
    append(&place, &[lately(0), with(lately(0), &json!({"cost": null}))]);
    assert_eq!(place.run(&["usage", "statusline"]).ok(), "-\n", "nothing is folded in yet");
    let line = place.run(&["usage", "statusline", "--catch-up"]).ok();
    assert!(line.starts_with("$1.50+? today, 30 tokens | $1.50+? block, "), "{line}");
    assert!(line.ends_with("m left\n") && line.lines().count() == 1, "{line}");
    // What is new is not in it until somebody folds it in.
    append(&place, &[lately(0)]);
    assert_eq!(place.run(&["usage", "statusline"]).ok()[..20], line[..20]);
    let said =
        r#"{"session_id":"s","model":{"id":"m","display_name":"Opus \u001b[31m4.1"},"cost":{"total_cost_usd":1}}"#;
    let with_model = place.run_with(&["usage", "statusline"], said).ok();
    assert!(with_model.starts_with("Opus \u{fffd}[31m4.1 | $1.50+? session | $1.50+? today"), "{with_model}");
    for odd in
        ["", "{", "[]", "null", "\u{0}\u{1}", r#"{"session_id":7,"model":"x"}"#, r#"{"model":{"display_name":null}}"#]
    {
        let answer = place.run_with(&["usage", "statusline"], odd);
        assert!(answer.err.is_empty(), "{odd:?}: {answer:?}");
        assert!(answer.ok().starts_with("$1.50+? today"), "{odd:?}");
    }
    let other = place.run(&["usage", "statusline", "--session", "none"]).ok();
    assert!(other.starts_with("$0.00 session | $1.50+? today"), "{other}");
    // Whoever keeps standard input open does not keep it waiting.
    let mut child = place.start(&["usage", "statusline"]);
    let open = child.stdin.take();
    let answer = common::Answer::of(child.wait_with_output().unwrap());
    drop(open);
    assert!(answer.ok().starts_with("$1.50+? today"));
    let glance = place.run(&["usage", "statusline", "--format", "json"]).json();
    assert_eq!((&glance["today"]["unpriced_calls"], &glance["today"]["cost_usd"]), (&json!(1), &json!("1.50")));
}
