//! P12: many processes on one file.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use common::{Answer, Place, line, lines, sound_log};

#[test]
fn twelve_processes_append_to_one_file_at_once() {
    let place = Place::new().patient();
    let children: Vec<_> = (0..12)
        .map(|n| {
            let mut child = place.start(&["append", "--batch", "5"]);
            let input = lines(&format!("p{n}"), 200);
            let mut stdin = child.stdin.take().unwrap();
            let feeder = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
            (child, feeder)
        })
        .collect();
    for (child, feeder) in children {
        feeder.join().unwrap();
        let answer = Answer::of(child.wait_with_output().unwrap()).json();
        assert_eq!(answer["appended"], 200);
    }
    let log = sound_log(&place.ledger());
    assert_eq!(log.len(), 12 * 200);
    for n in 0..12 {
        let prefix = format!("p{n}-");
        let own: Vec<&str> =
            log.iter().map(|event| event.event.id.as_str()).filter(|id| id.starts_with(&prefix)).collect();
        let expected: Vec<String> = (0..200).map(|n| format!("{prefix}{n}")).collect();
        assert_eq!(own, expected, "in the order in which the process appended");
    }
}

#[test]
fn a_follower_in_one_process_sees_what_others_append() {
    let place = Place::new();
    place.run_with(&["append"], &line("before")).ok();
    let mut follower = place.command(&["tail", "--follow", "--limit", "31"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut seen = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut next = || -> String {
        let event: serde_json::Value = serde_json::from_str(&seen.next().unwrap().unwrap()).unwrap();
        event["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(next(), "before");
    for n in 0..30 {
        let id = format!("live-{n}");
        place.run_with(&["append"], &line(&id)).ok();
        assert_eq!(next(), id);
    }
    assert!(follower.wait().unwrap().success());
}

#[test]
fn processes_agree_on_what_is_new() {
    let place = Place::new().patient();
    let children: Vec<_> = (0..6)
        .map(|_| {
            let mut child = place.start(&["append", "--batch", "3"]);
            let mut stdin = child.stdin.take().unwrap();
            std::thread::spawn(move || stdin.write_all(lines("same", 100).as_bytes()).unwrap());
            child
        })
        .collect();
    let answers: Vec<_> =
        children.into_iter().map(|child| Answer::of(child.wait_with_output().unwrap()).json()).collect();
    let sum = |field: &str| answers.iter().map(|answer| answer[field].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("appended"), sum("duplicates")), (100, 500));
    assert_eq!(sound_log(&place.ledger()).len(), 100);
}

/// 40 processes, each of which appends 4 times under the condition that nobody has written to the run since it looked,
/// and stores in each event the offset that it had looked up to. Judged again from the log, no decision was wrong.
#[test]
fn decisions_of_forty_processes_stand_when_judged_again() {
    let place = Place::new().patient();
    place.run_with(&["append"], &line("first")).ok();
    let workers: Vec<_> = (0..40)
        .map(|worker| {
            let own = Place::sharing(&place);
            std::thread::spawn(move || {
                for n in 0..4 {
                    loop {
                        let after = own.run(&["head"]).json()["last"].to_string();
                        let event = format!(
                            r#"{{"id":"w{worker}-{n}","run_id":"run","turn":1,"kind":"agent.decided","actor":"w{worker}","payload":{{"after":{after}}}}}"#
                        );
                        let answer = own.run_with(&["append", "--fail-if-run-after", &after], &event);
                        match answer.code {
                            Some(0) => break,
                            Some(3) => assert!(answer.err.contains("the run has an event at offset"), "{answer:?}"),
                            _ => panic!("{answer:?}"),
                        }
                    }
                }
            })
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
    let log = sound_log(&place.ledger());
    assert_eq!(log.len(), 161);
    for event in log.iter().skip(1) {
        let payload: serde_json::Value = event.event.payload.parse().unwrap();
        assert_eq!(payload["after"].as_u64().unwrap() + 1, event.offset.get(), "somebody wrote in between");
    }
}
