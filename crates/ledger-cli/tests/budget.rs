//! Budgets stand in the ledger, and what is used of them is checked with exit codes.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::Place;
use common::calls::{append, call, four, with};
use serde_json::{Value, json};

/// 1 March 2026: 12:00 acme, 12:30 acme, 13:30 acme, 18:00 zeta (no price); 1.50 dollars and 15 tokens each.
fn set(args: &str) -> Place {
    let place = four();
    place.run(&[vec!["budget", "set"], args.split(' ').collect()].concat()).ok();
    place
}

/// The exit code, and what is said of the first budget.
fn check(place: &Place, at: &str) -> (Option<i32>, Value) {
    let answer = place.run(&["budget", "check", "--at", at]);
    let said: Value = serde_json::from_str(&answer.out).unwrap();
    (answer.code, said["budgets"][0].clone())
}

#[test]
fn what_is_used_is_that_of_the_period_and_of_what_the_budget_names() {
    let place = set("acme --usd 10 --tokens 1000 --per day --tenant acme");
    let (code, said) = check(&place, "2026-03-01T18:00:00Z");
    assert_eq!(code, Some(0));
    assert_eq!(
        said,
        json!({
            "name": "acme", "status": "within", "period": "day", "timezone": "UTC",
            "since": "2026-03-01T00:00:00.000000Z", "until": "2026-03-02T00:00:00.000000Z", "calls": 3,
            // Three quarters of the day are over.
            "limit_usd": "10.00", "used_usd": "4.50", "forecast_usd": "6.00",
            "limit_tokens": 1000, "used_tokens": 45, "forecast_tokens": 60,
            "warn_at_percent": 80, "unpriced_calls": 0, "unpriced_tokens": 0,
        })
    );
    // The period is half open, and what came later than then is not in it.
    for (at, calls) in [("2026-03-01T12:30:00Z", 1), ("2026-03-01T12:30:00.000001Z", 2), ("2026-03-02T00:00:00Z", 0)] {
        assert_eq!(check(&place, at).1["calls"], calls, "{at}");
    }
}

#[test]
fn a_period_is_that_of_the_zone() {
    // The day of Kathmandu ends at 18:15 UTC; its month began at 18:15 UTC of 28 February.
    for (args, since, calls) in [
        ("b --tokens 99 --per day --tz Asia/Kathmandu", "2026-03-01T18:15:00.000000Z", 0),
        ("b --tokens 99 --per month --tz Asia/Kathmandu", "2026-02-28T18:15:00.000000Z", 4),
        ("b --tokens 99 --per week --tz America/New_York", "2026-02-23T05:00:00.000000Z", 4),
        ("b --tokens 99 --per block", "2026-03-01T18:00:00.000000Z", 1),
    ] {
        let (code, said) = check(&set(args), "2026-03-01T18:20:00Z");
        assert_eq!((code, &said["since"], &said["calls"]), (Some(0), &json!(since), &json!(calls)), "{args}");
    }
    let (code, said) = check(&set("b --tokens 99 --per block"), "2026-03-01T23:00:00Z");
    assert_eq!((code, &said["since"], &said["used_tokens"]), (Some(0), &Value::Null, &json!(0)));
}

#[test]
fn over_close_and_not_known_have_codes_of_their_own() {
    for (limits, at, code, status) in [
        ("--usd 4.49", "2026-03-01T17:00:00Z", 5, "over"),
        ("--usd 4.50", "2026-03-01T17:00:00Z", 6, "warning"),
        ("--usd 5.625", "2026-03-01T17:00:00Z", 6, "warning"),
        ("--usd 5.625000000001", "2026-03-01T17:00:00Z", 0, "within"),
        ("--usd 9 --warn-at 50%", "2026-03-01T17:00:00Z", 6, "warning"),
        ("--usd 9 --warn-at 51", "2026-03-01T17:00:00Z", 0, "within"),
        ("--tokens 44", "2026-03-01T17:00:00Z", 5, "over"),
        ("--usd 100 --tokens 44", "2026-03-01T17:00:00Z", 5, "over"),
        // From 18:00 on there are tokens without a price.
        ("--usd 100", "2026-03-01T19:00:00Z", 7, "unknown"),
        ("--usd 4.49", "2026-03-01T19:00:00Z", 5, "over"),
        ("--tokens 1000", "2026-03-01T19:00:00Z", 0, "within"),
    ] {
        let place = set(&format!("b --per day {limits}"));
        let (found, said) = check(&place, at);
        assert_eq!((found, said["status"].as_str()), (Some(code), Some(status)), "{limits} at {at}: {said}");
    }
    let place = set("team --usd 100 --per day --tz Europe/Berlin");
    let answer = place.run(&["budget", "check", "--at", "2026-03-01T19:00:00Z", "--format", "text"]);
    assert_eq!(answer.code, Some(7));
    assert_eq!(
        answer.out,
        "team: unknown; 4.50 of 100.00 usd, 5.40 at its end; 15 tokens have no price; 2026-03-01T00:00:00+01:00 to \
         before 2026-03-02T00:00:00+01:00, Europe/Berlin\n"
    );
    assert_eq!(
        answer.failed(7),
        "agent-ledger: whether a budget is kept is not known, as tokens of its period have no price\n"
    );
    // The worst of several is what is said of all.
    place.run(&["budget", "set", "low", "--usd", "1", "--per", "day"]).ok();
    let all = place.run(&["budget", "check", "--at", "2026-03-01T19:00:00Z"]);
    assert_eq!(all.code, Some(5));
    assert!(all.out.starts_with(r#"{"schema":1,"status":"over","budgets":[{"name":"low","status":"over""#), "{all:?}");
    assert_eq!(place.run(&["budget", "check", "team", "--at", "2026-03-01T17:00:00Z"]).code, Some(0));
}

#[test]
fn the_last_word_on_a_budget_counts_and_travels_with_the_ledger() {
    let place = set("b --usd 50 --per month --model gpt --project /home/me --warn-at 90%");
    place.run(&["budget", "set", "b", "--usd", "0.25", "--per", "week"]).ok();
    place.run(&["budget", "set", "c", "--tokens", "1000", "--per", "day", "--model", "gpt"]).ok();
    let list = place.run(&["budget", "list"]).json_lines();
    assert_eq!(list.len(), 2);
    assert_eq!(
        (&list[0]["limit_usd"], &list[0]["period"], &list[0]["models"]),
        (&json!("0.25"), &json!("week"), &Value::Null)
    );
    let text = place.run(&["budget", "list", "--format", "text"]).ok();
    assert_eq!(
        text,
        "b: 0.25 usd a week of UTC, warns at 80 %\nc: 1,000 tokens a day of UTC, warns at 80 %; of model gpt\n"
    );
    place.run(&["snapshot", place.path("copy.db").to_str().unwrap()]).ok();
    let mut there = std::process::Command::new(common::BINARY);
    let there = there.args(["--ledger", place.path("copy.db").to_str().unwrap(), "budget", "list", "--format", "text"]);
    assert_eq!(common::Answer::of(there.output().unwrap()).ok(), text);
    place.run(&["budget", "remove", "b"]).ok();
    assert_eq!(place.run(&["budget", "list"]).json_lines().len(), 1);
    let kinds: Vec<Value> =
        place.run(&["show", "budgets"]).json_lines().iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds, ["budget.set", "budget.set", "budget.set", "budget.removed"]);
    // What somebody else wrote there that is no budget is no budget.
    append(&place, &[with(call("a", "o", "m", 0), &json!({}))]);
    let odd = r#"{"run_id":"r","turn":0,"kind":"budget.set","actor":"x","payload":{"name":"odd","usd":3}}"#;
    place.run_with(&["append"], odd).ok();
    assert_eq!(place.run(&["budget", "list"]).json_lines().len(), 1);
}

#[test]
fn what_is_no_budget_is_refused() {
    let place = four();
    for (args, code, reason) in [
        ("set b --per day", 2, "--usd"),
        ("set b --usd 0 --per day", 2, "a number of US dollars"),
        ("set b --usd 5", 2, "--per"),
        ("set b --tokens 0 --per day", 2, "a budget is more than 0"),
        ("set b --usd 5 --per day --warn-at 0%", 2, "1% to 100%"),
        ("set b --usd 5 --per day --tz Mars/Olympus", 2, "IANA"),
        ("check", 1, "there are no budgets"),
        ("check b", 1, "there is no budget"),
        ("remove b", 1, "there is no budget"),
    ] {
        let args: Vec<&str> = ["budget"].into_iter().chain(args.split(' ')).collect();
        let answer = place.run(&args);
        assert_eq!(answer.code, Some(code), "{args:?}: {answer:?}");
        assert!(answer.err.contains(reason), "{args:?}: {answer:?}");
    }
    assert_eq!(place.run(&["head"]).json()["last"], 4, "nothing was stored");
}
