//! Ledgers of several machines come together.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{Answer, BINARY, Place, SETTINGS, line, lines, rounds, sound_log, testdata};
use ledger_servers::{MariaDb, Postgres};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

/// A machine with transcripts of these sets.
fn machine(sets: &[&str]) -> Place {
    let place = Place::new();
    let sets: Vec<String> = sets.iter().map(|set| testdata(set)).collect();
    place.run(&[&["import", "claude"], sets.iter().map(String::as_str).collect::<Vec<_>>().as_slice()].concat()).ok();
    place
}

/// Of a ledger anywhere.
fn run(ledger: &str, args: &[&str]) -> Answer {
    let mut command = Command::new(BINARY);
    SETTINGS.iter().for_each(|name| {
        command.env_remove(name);
    });
    Answer::of(command.arg("--ledger").arg(ledger).args(args).stdin(Stdio::null()).output().unwrap())
}

fn merged(into: &Place, from: &Place) -> Value {
    into.run(&["merge", from.ledger().to_str().unwrap()]).json()
}

/// What a ledger holds, wherever it stands there.
fn set(place: &Place) -> BTreeMap<String, Value> {
    let events = place.run(&["tail"]).json_lines().into_iter().map(|mut event| {
        let fields = event.as_object_mut().unwrap();
        assert!(fields.remove("offset").is_some() && fields.remove("recorded_at").is_some());
        (event["id"].as_str().unwrap().to_owned(), event)
    });
    events.collect()
}

/// What every projection says, without where the projections stand.
fn answers(place: &Place) -> Vec<Value> {
    let questions: [&[&str]; 9] = [
        &["usage", "stats", "--breakdown", "operation"],
        &["usage", "by", "model", "--per", "invocation"],
        &["usage", "by", "day"],
        &["usage", "tools"],
        &["usage", "sessions"],
        &["usage", "turns"],
        &["usage", "counts"],
        &["usage", "export"],
        &["strategy", "stats"],
    ];
    let mut answers: Vec<Value> = Vec::new();
    for question in questions {
        for mut answer in place.run(question).json_lines() {
            answer.as_object_mut().unwrap().remove("offset");
            answers.push(answer);
        }
    }
    answers
}

#[test]
fn two_machines_come_to_one_ledger_whichever_is_merged_into_which() {
    let (agtrace, spotter) = (["agtrace"], ["spotter", "agtrace"]);
    let (one, other) = (machine(&agtrace), machine(&spotter));
    let executed = r#"{"strategy_id":"s1","strategy_version":"1","subject_ids":{},"status":"ok","duration_ms":1.5,
        "executed_at":"2026-01-01T00:00:00Z","sample_weight":1.0}"#;
    let extra = format!(
        r#"{{"id":"x","run_id":"r","turn":0,"kind":"strategy.executed","actor":"a","created_at":"2026-01-01T00:00:00Z",
        "payload":{executed},"metadata":{{"key":"value"}}}}"#
    );
    one.run_with(&["append"], &extra.replace('\n', "")).ok();
    let first = merged(&one, &other);
    let (of_agtrace, of_both) = (set(&machine(&agtrace)).len(), set(&machine(&spotter)).len());
    assert!(of_agtrace > 10 && of_both > of_agtrace);
    let counts =
        |answer: &Value| ["events", "appended", "known", "conflicts"].map(|field| answer[field].as_u64().unwrap());
    let [events, common] = [of_both as u64, of_agtrace as u64];
    assert_eq!(counts(&first), [events, events - common, common, 0]);

    let back = [machine(&spotter), machine(&agtrace)];
    back[1].run_with(&["append"], &extra.replace('\n', "")).ok();
    assert_eq!(counts(&merged(&back[0], &back[1])), [common + 1, 1, common, 0]);
    assert_eq!(set(&one), set(&back[0]));
    assert_eq!(set(&one).len(), of_both + 1);
    let (found, expected) = (answers(&back[0]), answers(&one));
    assert!(expected.len() > 300, "{}", expected.len());
    assert_eq!(found, expected);
    assert_eq!(counts(&merged(&one, &other)), [events, 0, events, 0]);
    sound_log(&one.ledger());
}

#[test]
fn the_other_ledger_may_be_a_snapshot_or_on_any_server_and_is_only_read() {
    let other = machine(&["agtrace"]);
    let (expected, snapshot) = (set(&other), other.path("copy.db"));
    other.run(&["snapshot", snapshot.to_str().unwrap()]).ok();
    let servers = [Postgres::shared().fresh(), MariaDb::shared().fresh()];
    let filled = servers.each_ref().map(|url| {
        // A server is a target as well as a file is.
        let answer = run(url, &["merge", other.ledger().to_str().unwrap()]).json();
        assert_eq!(answer["appended"], expected.len());
        url.clone()
    });
    let files = [other.ledger(), snapshot.clone()].map(|path| path.to_str().unwrap().to_owned());
    let before = files.each_ref().map(|path| std::fs::read(path).unwrap());
    for url in files.iter().cloned().chain([format!("sqlite:{}?mode=rwc", files[0])]).chain(filled) {
        let place = Place::new();
        let head = || run(&url, &["head"]).json();
        let head_before = head();
        let answer = place.run(&["merge", &url]).json();
        assert_eq!((&answer["appended"], &answer["known"]), (&json!(expected.len()), &json!(0)), "{url}");
        assert_eq!(answer["other_id"], head_before["ledger_id"], "{url}");
        assert_eq!(set(&place), expected, "{url}");
        assert_eq!(head(), head_before, "{url}");
        assert!(before == files.each_ref().map(|path| std::fs::read(path).unwrap()), "{url}");
    }
}

#[test]
fn ids_with_other_content_are_named_and_everything_else_is_merged() {
    let (one, other) = (Place::new(), Place::new());
    one.run_with(&["append"], &[line("a"), line("b"), line("c"), line("d"), line("e")].join("\n")).ok();
    let edited = |id: &str| line(id).replace(r#""n":1"#, r#""n":2"#);
    let theirs = [line("new 1"), edited("e"), edited("d"), edited("c"), edited("a"), line("b"), line("new 2")];
    other.run_with(&["append"], &theirs.join("\n")).ok();
    let answer = one.run(&["merge", other.ledger().to_str().unwrap()]);
    let summary: Value = serde_json::from_str(&answer.out).unwrap();
    let conflict = |id: &str, offset: u64, stored: u64| json!({"id": id, "offset": offset, "stored": stored});
    assert_eq!(
        summary["conflicting"],
        json!([conflict("e", 2, 5), conflict("d", 3, 4), conflict("c", 4, 3), conflict("a", 5, 1)])
    );
    let counts =
        ["events", "appended", "known", "conflicts", "first", "last"].map(|field| summary[field].as_u64().unwrap());
    assert_eq!(counts, [7, 2, 1, 4, 6, 7]);
    let said = answer.failed(3);
    assert_eq!(
        said,
        "agent-ledger: 4 events were left out, because their ids name events with other content here: \"e\" (at offset 2 \
         there, 5 here), \"d\" (at offset 3 there, 4 here), \"c\" (at offset 4 there, 3 here) and 1 more; all others are merged\n"
    );
    assert_eq!(set(&one).len(), 7);
    let text = one.run(&["merge", other.ledger().to_str().unwrap(), "--format", "text"]);
    assert!(text.out.contains("7 events, 0 of them new here; 3 known; 4 in conflict\n"), "{}", text.out);
    assert!(text.out.ends_with("in conflict: \"a\", at offset 5 there and 1 here\n"), "{}", text.out);
}

#[test]
fn a_summary_for_people_is_one_line() {
    let (one, other) = (Place::new(), Place::new());
    one.run_with(&["append"], &lines("e", 3)).ok();
    other.run_with(&["append"], &lines("e", 1_203)).ok();
    let id = other.run(&["head"]).json()["ledger_id"].as_str().unwrap().to_owned();
    let said = one.run(&["merge", other.ledger().to_str().unwrap(), "--format", "text"]).ok();
    let expected = "1,203 events, 1,200 of them new here, at offsets 4 to 1203; 3 known; 0 in conflict";
    assert_eq!(said, format!("merged ledger {id}: {expected}\n"));
}

#[test]
fn what_cannot_be_merged_is_said_and_nothing_is_made() {
    let (place, there) = (Place::new(), machine(&["agtrace"]));
    let missing = place.path("missing.db");
    let said = place.run(&["merge", missing.to_str().unwrap()]).failed(1);
    assert!(said.starts_with("agent-ledger: the other ledger: there is no "), "{said}");
    assert!(!missing.exists() && !place.ledger().exists());
    let said = place.run(&["merge", place.ledger().to_str().unwrap()]).failed(1);
    assert!(said.starts_with("agent-ledger: the other ledger: there is no "), "{said}");
    assert!(!place.ledger().exists());
    place.run(&["merge", "redis://me:hunter2@host/0"]).failed(2);
    assert!(!place.ledger().exists());
    std::fs::write(place.path("text"), "no ledger").unwrap();
    place.run(&["merge", place.path("text").to_str().unwrap()]).failed(3);
    assert!(!place.ledger().exists());

    let own = there.ledger();
    let said = there.run(&["merge", own.to_str().unwrap()]).failed(3);
    assert!(said.contains("both sides are ledger ") && said.contains("restored into a new ledger"), "{said}");
    let copy = there.path("copy.db");
    there.run(&["snapshot", copy.to_str().unwrap()]).ok();
    there.run(&["merge", copy.to_str().unwrap()]).failed(3);
    // A snapshot is never written.
    let said = run(copy.to_str().unwrap(), &["merge", own.to_str().unwrap()]);
    assert_eq!(said.code, Some(3), "{said:?}");
    let another = machine(&["spotter"]);
    let said = run(copy.to_str().unwrap(), &["merge", another.ledger().to_str().unwrap()]).failed(1);
    assert!(said.contains("read-only"), "{said}");
}

/// Killed at random moments until it is done: what is there is sound, and the end is the same.
#[test]
fn a_merge_that_is_killed_is_completed_by_repeating_it() {
    let mut rng = StdRng::seed_from_u64(ledger_conformance::seed());
    let other = Place::new();
    other.run_with(&["append"], &lines("theirs", 12_000)).ok();
    let url = other.ledger().to_str().unwrap().to_owned();
    let mut stored = Vec::new();
    for round in 0..rounds(1) {
        let place = Place::new();
        place.run_with(&["append"], &lines("ours", 10)).ok();
        for _ in 0..8 {
            let mut child = place.start(&["merge", &url]);
            std::thread::sleep(Duration::from_millis(rng.random_range(5..400)));
            child.kill().unwrap();
            child.wait().unwrap();
            stored.push(sound_log(&place.ledger()).len());
        }
        let answer = place.run(&["merge", &url]).json();
        assert_eq!(answer["appended"].as_u64().unwrap() + answer["known"].as_u64().unwrap(), 12_000, "round {round}");
        let mut expected = set(&other);
        let all = set(&place);
        expected
            .extend(all.iter().filter(|(id, _)| id.starts_with("ours")).map(|(id, event)| (id.clone(), event.clone())));
        assert!(all == expected && all.len() == 12_010, "round {round}");
    }
    println!("stored when killed: {stored:?}");
}

/// A server that went away in the middle: it is said how far it got, and the same command goes on.
#[test]
fn a_merge_says_how_far_it_got() {
    let other = Place::new();
    other.run_with(&["append"], &lines("e", 2_500)).ok();
    let raw = rusqlite::Connection::open(other.ledger()).unwrap();
    let guards: Vec<String> = raw
        .prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for guard in guards {
        raw.execute_batch(&format!("DROP TRIGGER \"{guard}\"")).unwrap();
    }
    raw.execute_batch("UPDATE events SET turn = turn + 1 WHERE offset = 2200").unwrap();
    let place = Place::new();
    let said = place.run(&["merge", other.ledger().to_str().unwrap()]).failed(3);
    let whose = "merged 2199 of 2500 events, which stay: the other ledger: the ledger is damaged at offset 2200";
    assert!(said.contains(whose), "{said}");
    let stored = Answer::ok(place.run(&["tail"])).lines().count();
    assert_eq!(stored, 2_199);
}
