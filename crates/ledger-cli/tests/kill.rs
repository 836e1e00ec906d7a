//! P1 under kill -9: nothing acknowledged is lost.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::time::Duration;

use common::{Place, line, rounds, sound_log};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A child appends and reports what is durable; the parent kills it at a random moment, again and again, on one file.
#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let mut rng = StdRng::seed_from_u64(ledger_conformance::seed());
    let place = Place::new();
    let mut acknowledged: Vec<(String, u64)> = Vec::new();
    for round in 0..rounds(100) {
        let batch = rng.random_range(1..20);
        let mut child = place.start(&["append", "--acks", "--batch", &batch.to_string()]);
        let mut stdin = child.stdin.take().unwrap();
        let feeder = std::thread::spawn(move || {
            for n in 0.. {
                if writeln!(stdin, "{}", line(&format!("{round}-{n}"))).is_err() {
                    return;
                }
            }
        });
        let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
        // Sometimes at once, mostly after a few acknowledgements, and then at any point of the next commit.
        let patience = if rng.random_bool(0.1) { 0 } else { rng.random_range(1..40) };
        let mut seen = Vec::new();
        for _ in 0..patience {
            seen.push(answers.next().unwrap().unwrap());
        }
        std::thread::sleep(Duration::from_micros(rng.random_range(0..3_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said before it died counts as well.
        seen.extend(answers.map_while(Result::ok).filter(|answer| answer.ends_with('}')));
        feeder.join().unwrap();
        let mut n = 0;
        for answer in seen {
            let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
            let first = answer["first"].as_u64().unwrap();
            for at in 0..answer["appended"].as_u64().unwrap() {
                acknowledged.push((format!("{round}-{n}"), first + at));
                n += 1;
            }
        }
        if place.ledger().exists() && (round % 10 == 0 || round + 1 == rounds(100)) {
            let log = sound_log(&place.ledger());
            for (id, offset) in &acknowledged {
                let place = usize::try_from(offset - 1).unwrap();
                assert_eq!(log[place].event.id.as_str(), id, "in round {round}");
            }
        }
    }
    assert!(acknowledged.len() > 100);
    println!("{} acknowledged events", acknowledged.len());
}
