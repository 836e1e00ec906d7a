//! The doctor as a program and a person would ask it.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::process::Command;

use common::{Answer, BINARY, Place, lines};
use serde_json::{Value, json};

fn doctor(url: &str) -> Answer {
    Answer::of(Command::new(BINARY).args(["--ledger", url, "doctor", "--format", "json"]).output().unwrap())
}

#[test]
fn a_healthy_ledger_has_its_documented_fields() {
    let place = Place::new();
    place.run_with(&["append"], &lines("e", 5)).ok();
    let found = place.run(&["doctor"]).json();
    let fields: Vec<&String> = found.as_object().unwrap().keys().collect();
    let mut expected = vec![
        "place",
        "engine",
        "version",
        "role",
        "tls",
        "round_trip_us",
        "durability",
        "durability_why",
        "schema_found",
        "schema_known",
        "head",
        "may_append",
        "may_change_events",
        "guards_missing",
        "file",
        "findings",
    ];
    expected.sort_unstable();
    assert_eq!(fields, expected);
    assert_eq!(
        (&found["engine"], &found["durability"], &found["role"]),
        (&json!("sqlite"), &json!("synced"), &json!("primary"))
    );
    assert_eq!(found["head"], place.run(&["head"]).json());
    assert_eq!((&found["guards_missing"], &found["findings"]), (&json!([]), &json!([])));
    assert_eq!(found["file"]["journal_mode"], "wal");
}

#[test]
fn people_get_a_fact_a_line() {
    let place = Place::new();
    place.run_with(&["append"], &lines("e", 5)).ok();
    let out = place.run(&["doctor", "--format", "text"]).ok();
    let facts: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    for fact in [&["events", "5"][..], &["guards", "in", "place"], &["role", "primary"]] {
        assert!(facts.iter().any(|found| found == fact), "{out}");
    }
}

#[test]
fn a_missing_ledger_is_no_failure_of_another_kind_than_elsewhere() {
    let place = Place::new();
    let head = place.run(&["head"]).failed(1);
    let answer = place.run(&["doctor"]);
    let found: Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!((&found["head"], &found["findings"][0]["severity"]), (&Value::Null, &json!("missing")));
    assert_eq!(answer.failed(1), head);
    assert!(!place.ledger().exists());
}

#[test]
fn what_is_to_be_fixed_is_printed_and_fails() {
    let place = Place::new();
    place.run_with(&["append"], &lines("e", 5)).ok();
    let file = rusqlite::Connection::open(place.ledger()).unwrap();
    file.execute_batch("DROP TRIGGER events_are_never_changed").unwrap();
    drop(file);
    let answer = place.run(&["doctor", "--format", "text"]);
    assert!(answer.out.contains("events_are_never_changed missing\n"), "{answer:?}");
    assert!(answer.out.contains("\nfix: any program can"), "{answer:?}");
    assert!(answer.failed(3).contains("agent-ledger verify"));
}

#[test]
fn a_ledger_in_memory_has_nothing_to_diagnose() {
    let found = doctor("memory:").json();
    assert_eq!((&found["durability"], &found["head"]["last"]), (&json!("volatile"), &json!(0)));
    assert!(found["findings"][0]["text"].as_str().unwrap().contains("nothing to diagnose"));
}

#[test]
fn what_cannot_be_reached_or_is_no_url_is_told_apart() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for scheme in ["postgres", "mysql"] {
        let said = doctor(&format!("{scheme}://me:hunter2@127.0.0.1:{nobody}/x")).failed(4);
        assert!(said.contains("try again") && !said.contains("hunter2"), "{said}");
    }
    doctor("redis://me:hunter2@host/x").failed(2);
}
