//! `import claude` and `demo`, on real transcripts: the figures come from the ledger.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Place, sound_log, testdata};
use ledger_events::LlmCall;

/// Calls, input, output, cache writes, cache reads.
fn sums(place: &Place) -> [u64; 5] {
    let mut sums = [0; 5];
    for event in sound_log(&place.ledger()) {
        if event.event.kind.as_str() == "llm.called" {
            let call: LlmCall = event.event.payload.parse().unwrap();
            let tokens = &call.tokens;
            let written = tokens.cache_write + tokens.cache_write_5m + tokens.cache_write_1h;
            let one = [1, tokens.input, tokens.output, written, tokens.cache_read];
            sums.iter_mut().zip(one).for_each(|(sum, one)| *sum += one);
        }
    }
    sums
}

#[test]
fn a_real_session_gives_its_calls_and_importing_twice_adds_nothing() {
    let place = Place::new();
    let first = place.run(&["import", "claude", &testdata("spotter")]).json();
    assert_eq!((&first["calls"], &first["known"]), (&156.into(), &0.into()));
    assert_eq!(sums(&place), [156, 198, 38_908, 394_137, 14_972_534]);
    let again = place.run(&["import", "claude", &testdata("spotter")]).json();
    assert_eq!((&again["appended"], &again["known"]), (&0.into(), &first["appended"]));
    assert_eq!(sums(&place), [156, 198, 38_908, 394_137, 14_972_534]);
    let lines = |field: &str| first[field].as_u64().unwrap();
    assert_eq!(
        lines("lines"),
        lines("usage") + lines("duplicate") + lines("not_usage") + lines("bad") + lines("pending"),
        "every line is accounted for"
    );
}

#[test]
fn another_real_session_gives_its_calls() {
    let place = Place::new();
    place.run(&["import", "claude", &testdata("agtrace"), "--format", "text"]).ok();
    assert_eq!(sums(&place), [6, 74, 844, 5_158, 93_553]);
}

#[test]
fn bad_lines_and_missing_files_are_said() {
    let place = Place::new();
    let answer = |content: &str| {
        std::fs::write(place.path("t.jsonl"), content).unwrap();
        place.run(&["import", "claude", "t.jsonl"])
    };
    let none = answer("not json\n{\"type\":\"user\"");
    assert!(none.err.contains("t.jsonl:1:") && none.err.contains("none of 2 lines"), "{none:?}");
    assert_eq!(none.code, Some(3));
    let real = std::fs::read_to_string(testdata("agtrace/7f2abd2d-7cfc-4447-9ddd-3ca8d14e02e9.jsonl")).unwrap();
    let some = answer(&format!("not json\n{real}{{\"type\":\"user\""));
    assert!(some.err.contains("t.jsonl:1:"), "{some:?}");
    let summary = some.json();
    assert_eq!((&summary["bad"], &summary["pending"], &summary["calls"]), (&1.into(), &1.into(), &6.into()));
    assert!(place.run(&["import", "claude", "nowhere.jsonl"]).failed(1).contains("nowhere.jsonl"));
    std::fs::create_dir(place.path("empty")).unwrap();
    assert!(place.run(&["import", "claude", "empty"]).failed(1).contains("no transcripts"));
}

#[test]
fn the_demo_does_the_main_job_and_can_be_run_again() {
    let place = Place::new();
    let first = place.run(&["demo", "here"]).ok();
    for told in [
        "usage by model; all time; UTC; up to offset 356",
        "total                         156       0  12.2257312    198  14,972,534      394,137  38,908",
        "the busiest tools",
        "Bash      79       5  6.3 %",
        "usage series --width 15m",
        "checkpoint demo stands at offset 100",
        "live event 2",
        "each is what was appended",
    ] {
        assert!(first.contains(told), "{told:?} is missing in {first}");
    }
    let again = place.run(&["demo", "here"]).ok();
    assert!(again.contains("3 of them added now"), "{again}");
    let other = Place::new();
    std::fs::write(other.path("file"), "").unwrap();
    other.run(&["demo", "file"]).failed(1);
}
