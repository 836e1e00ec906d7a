//! What cannot be asked is wrong usage, in a sentence that says what can.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::Place;
use common::calls::four;

#[test]
fn what_cannot_be_asked_is_wrong_usage() {
    let place = four();
    for (args, reason) in [
        ("stats --since 2026-03-01T00:00:00", "is not a time with its offset"),
        ("stats --since yesterday", "--since: the time"),
        ("stats --until 7w", "--until: the time"),
        ("stats --since 2026-03-02 --until 2026-03-01", "which is not after since"),
        ("stats --since 2026-03-01 --until 2026-03-01", "which is not after since"),
        ("stats --tz Mars/Olympus", "is not a zone of the IANA database"),
        ("by model --limit 1001", "1 to 1000 rows can be asked for"),
        ("by model --limit 0", "1 to 1000 rows can be asked for"),
        ("by model --sort colour", "failure_rate"),
        ("tools --sort colour", "underused"),
        ("by colour", "hour, day, week or month"),
        ("by model --breakdown colour", "is not one of tenant"),
        ("by model --breakdown model", "name something else"),
        ("by day --sort calls", "leave --breakdown, --sort and --limit out"),
        ("series --width fortnight", "15m, 30m"),
        ("series --width 15m --since 2020-01-01", "more than 10000 buckets"),
        ("stats --percentile mean", "neither cont nor disc"),
        ("turns --after nonsense", "begin without one"),
        ("stats --per week", "possible values: call, invocation"),
        ("stats --format xml", "possible values: json, csv, text"),
        ("stats --workspaces hashed", "needs a key"),
        ("stats --workspaces base-name", "needs a key"),
    ] {
        let args: Vec<&str> = ["usage"].into_iter().chain(args.split(' ')).collect();
        let answer = place.run(&args);
        assert_eq!(answer.code, Some(2), "{args:?}: {answer:?}");
        assert!(answer.err.contains(reason), "{args:?}: {answer:?}");
    }
}

#[test]
fn what_is_not_there_is_said_and_not_made() {
    let place = Place::new();
    assert!(place.run(&["usage", "stats"]).failed(1).contains("there is no"));
    let place = four();
    let said = place.run(&["usage", "stats", "--no-catch-up"]).failed(1);
    assert!(said.contains("there is no usage projection in") && said.contains("ledger.projections.db"), "{said}");
    assert!(place.run(&["query", "SELECT 1", "--no-catch-up"]).failed(1).contains("catch it up first"));
    assert!(!place.path("ledger.projections.db").exists());
    place.run(&["usage", "tools", "--registered-file", "nowhere"]).failed(1);
}
