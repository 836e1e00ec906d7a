//! `import claude` and `demo`, on real transcripts: the figures come from the ledger.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::time::Duration;

use common::{Place, rounds, sound_log, testdata};
use ledger_events::{Latest, LlmCall};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Calls, input, output, cache writes, cache reads; each call once.
fn sums(place: &Place) -> [u64; 5] {
    let mut calls = Latest::<LlmCall>::default();
    sound_log(&place.ledger()).iter().for_each(|event| calls.observe_event(&event.event).unwrap());
    let mut sums = [0; 5];
    for call in calls.values() {
        let tokens = &call.tokens;
        let one = [1, tokens.input, tokens.output, tokens.cache_write_total(), tokens.cache_read];
        sums.iter_mut().zip(one).for_each(|(sum, one)| *sum += one);
    }
    sums
}

const SPOTTER: [u64; 5] = [156, 198, 38_908, 394_137, 14_972_534];
const MAIN: &str = "projects/-home-user-spotter/258c7280-ae70-4798-800f-63464d01a85d.jsonl";

/// Copies a set below a folder of the place.
fn copy(place: &Place, set: &str, to: &str) {
    let from = PathBuf::from(testdata(set));
    let mut pending = vec![from.clone()];
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let to = place.path(to).join(path.strip_prefix(&from).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(&path, to).unwrap();
    }
}

#[test]
fn a_real_session_gives_its_calls_and_importing_twice_adds_nothing() {
    let place = Place::new();
    let first = place.run(&["import", "claude", &testdata("spotter")]).json();
    assert_eq!((&first["calls"], &first["known"]), (&156.into(), &0.into()));
    assert_eq!(sums(&place), SPOTTER);
    let again = place.run(&["import", "claude", &testdata("spotter")]).json();
    assert_eq!((&again["appended"], &again["unchanged"], &again["bytes"]), (&0.into(), &3.into(), &0.into()));
    assert_eq!(sums(&place), SPOTTER);
    let whole = place.run(&["import", "claude", "--again", &testdata("spotter")]).json();
    assert_eq!((&whole["appended"], &whole["known"]), (&0.into(), &first["appended"]));
    let lines = |field: &str| first[field].as_u64().unwrap();
    let fates = ["usage", "superseding", "duplicate", "not_usage", "bad", "pending"];
    assert_eq!(lines("lines"), fates.map(lines).iter().sum::<u64>(), "every line is accounted for");
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
        place.run(&["import", "claude", "--again", "t.jsonl"])
    };
    let none = answer("not json\n{\"type\":\"user\"");
    assert!(none.err.contains("t.jsonl:1:") && none.err.contains("none of 1 lines"), "{none:?}");
    assert_eq!(none.code, Some(3));
    let real = std::fs::read_to_string(testdata("agtrace/7f2abd2d-7cfc-4447-9ddd-3ca8d14e02e9.jsonl")).unwrap();
    let some = answer(&format!("not json\n{real}{{\"type\":\"user\""));
    assert!(some.err.contains("t.jsonl:1:"), "{some:?}");
    let summary = some.json();
    assert_eq!((&summary["bad"], &summary["pending"], &summary["calls"]), (&1.into(), &1.into(), &6.into()));
    assert!(place.run(&["import", "claude", "nowhere.jsonl"]).failed(1).contains("nowhere.jsonl"));
    std::fs::create_dir(place.path("empty")).unwrap();
    assert!(place.run(&["import", "claude", "empty"]).failed(1).contains("no logs of claude"));
}

#[test]
fn whatever_this_machine_has_is_found_and_said() {
    let place = Place::new();
    copy(&place, "spotter", "config");
    let auto = |home: &str| {
        let mut command = place.command(&["import", "auto"]);
        command.env("HOME", place.path(home)).env("CLAUDE_CONFIG_DIR", place.path("config"));
        command.env_remove("CODEX_HOME").env_remove("RODER_DATA_DIR");
        command
    };
    let found = common::Answer::of(auto("nowhere").output().unwrap());
    assert!(found.err.contains("claude: 3 files in") && found.err.contains("config/projects"), "{found:?}");
    assert_eq!(found.json()["calls"], 156);
    assert_eq!(sums(&place), SPOTTER);
    let nothing = common::Answer::of(auto("nowhere").env("CLAUDE_CONFIG_DIR", place.path("none")).output().unwrap());
    assert!(nothing.failed(1).contains("none/projects"));
}

/// An event of a thread of roder.
fn roder(n: u32, variant: &str, body: &serde_json::Value) -> String {
    let event = serde_json::json!({
        "event_id": format!("e{n}"), "seq": n, "timestamp": format!("2026-01-01T00:00:0{n}Z"), "thread_id": "t",
        "turn_id": "u", "event": {variant: body},
    });
    format!("{event}\n")
}

#[test]
fn codex_and_roder_are_found_where_they_say() {
    let place = Place::new();
    copy(&place, "../codex/agtrace", "codex/sessions");
    let used = serde_json::json!({"event": {"Usage": {"prompt_tokens": 100, "completion_tokens": 7}}});
    let thread = [roder(1, "InferenceStarted", &serde_json::json!({})), roder(2, "InferenceEventReceived", &used)];
    fs::create_dir_all(place.path("roder/threads/t")).unwrap();
    fs::write(place.path("roder/threads/t/events.jsonl"), thread.concat()).unwrap();
    let mut command = place.command(&["import", "auto"]);
    command.env("HOME", place.path("nowhere")).env_remove("CLAUDE_CONFIG_DIR");
    command.env("CODEX_HOME", place.path("codex")).env("RODER_DATA_DIR", place.path("roder"));
    let found = common::Answer::of(command.output().unwrap());
    assert!(found.err.contains("codex: 1 files in") && found.err.contains("roder: 1 files in"), "{found:?}");
    assert_eq!(found.code, Some(0));
    let [_, input, output, written, read] = sums(&place);
    assert_eq!(input + output + written + read, 27_148 + 107);
}

/// What is wrong with the logs of one agent does not keep those of the others out, and is not forgotten because of them.
#[test]
fn of_all_agents_whoever_can_be_imported_is() {
    let place = Place::new();
    copy(&place, "../codex/agtrace", "codex/sessions");
    let auto = || {
        let mut command = place.command(&["import", "auto"]);
        command.env("HOME", place.path("nowhere")).env("CLAUDE_CONFIG_DIR", place.path("config"));
        command.env("CODEX_HOME", place.path("codex")).env_remove("RODER_DATA_DIR");
        common::Answer::of(command.output().unwrap())
    };
    let logs = place.path("config/projects/p");
    fs::create_dir_all(&logs).unwrap();
    fs::write(logs.join("new.jsonl"), "{\"type\":\"summary\"}\n").unwrap();
    let unused = auto();
    assert!(unused.err.contains("none of 1 lines is of claude"), "{unused:?}");
    assert_eq!((unused.code, tokens(&place)), (Some(0), 27_148));
    std::os::unix::fs::symlink("circle.jsonl", logs.join("circle.jsonl")).unwrap();
    let unreadable = auto();
    let said = ["circle.jsonl", "1 files or folders could not be read"];
    assert!(said.iter().all(|said| unreadable.err.contains(said)), "{unreadable:?}");
    assert_eq!(unreadable.code, Some(1));
}

#[test]
fn any_other_log_is_read_by_a_mapping() {
    let place = Place::new();
    let log: String = (1..=3).map(|n| format!("{{\"id\":{n},\"at\":{n},\"in\":{n}0,\"said\":\"secret\"}}\n")).collect();
    fs::write(place.path("log.jsonl"), log).unwrap();
    let import = |mapping: &str| {
        fs::write(place.path("map.toml"), mapping).unwrap();
        place.run(&["import", "jsonl", "--map", "map.toml", "log.jsonl"])
    };
    let wrong = import("name = \"gateway\"\n[call]\nkey = \"id\"\n");
    assert!(wrong.err.contains("map.toml: mapping is wrong in line 3: expected a pointer"), "{wrong:?}");
    assert_eq!(wrong.code, Some(3));
    let mapping = "name = \"gateway\"\n[call]\nkey = \"/id\"\nprovider = \"openai\"\n\
                   started_at = { at = \"/at\", unit = \"s\" }\ntokens = { input = \"/in\" }\n";
    assert_eq!(import(mapping).json()["usage"], 3);
    assert_eq!(sums(&place), [3, 60, 0, 0, 0]);
    assert_eq!(import(mapping).json()["unchanged"], 1);
    assert!(place.run(&["import", "jsonl", "--map", "nowhere.toml", "log.jsonl"]).failed(1).contains("nowhere.toml"));
    assert_eq!(place.run(&["import", "jsonl", "--map", "map.toml"]).code, Some(2));
}

#[test]
fn a_watch_goes_on_with_what_is_written_later() {
    let place = Place::new();
    let whole = fs::read(format!("{}/{MAIN}", testdata("spotter"))).unwrap();
    fs::write(place.path("t.jsonl"), &whole[..whole.len() / 2]).unwrap();
    let mut child = place.start(&["import", "claude", "--watch", "--every", "1", "t.jsonl"]);
    let mut summaries = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<serde_json::Value>(&summaries.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["from_start"], 1);
    let mut file = fs::OpenOptions::new().append(true).open(place.path("t.jsonl")).unwrap();
    file.write_all(&whole[whole.len() / 2..]).unwrap();
    let mut bytes = 0;
    while bytes < (whole.len() / 2) as u64 {
        let more = next();
        assert_eq!(more["from_start"], 0);
        bytes += more["bytes"].as_u64().unwrap();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let alone = Place::new();
    fs::write(alone.path("t.jsonl"), &whole).unwrap();
    alone.run(&["import", "claude", "t.jsonl"]).ok();
    assert_eq!(sums(&place), sums(&alone));
}

#[test]
fn a_watch_waits_for_the_first_line_that_says_something() {
    let place = Place::new();
    let whole = fs::read(format!("{}/{MAIN}", testdata("spotter"))).unwrap();
    fs::write(place.path("t.jsonl"), "{\"type\":\"summary\"}\n").unwrap();
    let mut child = place.start(&["import", "claude", "--watch", "--every", "1", "t.jsonl"]);
    let mut summaries = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<serde_json::Value>(&summaries.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["not_usage"], 1);
    fs::OpenOptions::new().append(true).open(place.path("t.jsonl")).unwrap().write_all(&whole).unwrap();
    while next()["calls"] == 0 {}
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(tokens(&place) > 0);
}

/// A real set of logs, the file of it that is cut in tests, and all its tokens.
struct Set {
    source: &'static str,
    dir: &'static str,
    grows: &'static str,
    tokens: u64,
}

const SETS: [Set; 4] = [
    Set { source: "claude", dir: "spotter", grows: MAIN, tokens: 15_405_777 },
    Set { source: "claude", dir: "agtrace", grows: "7f2abd2d-7cfc-4447-9ddd-3ca8d14e02e9.jsonl", tokens: 99_629 },
    Set {
        source: "codex",
        dir: "../codex/agtrace",
        grows: "rollout-2025-12-09T19-55-16-019b04ae-b1c6-7c72-a134-a4c2de66058c.jsonl",
        tokens: 27_148,
    },
    Set {
        source: "codex",
        dir: "../codex/codexbar",
        grows: "archived-fork-33ce-3869/codex-home/archived_sessions/child.jsonl",
        tokens: 15_309_178,
    },
];

/// All tokens of a ledger.
fn tokens(place: &Place) -> u64 {
    sums(place)[1..].iter().sum()
}

/// A log grows, and whoever imports it is killed at any moment, again and again.
#[test]
fn an_import_that_is_killed_anywhere_is_completed_by_the_next_one() {
    let mut rng = StdRng::seed_from_u64(ledger_conformance::seed());
    for Set { source, dir, grows, tokens: expected } in SETS {
        let place = Place::new();
        copy(&place, dir, "logs");
        let grows = place.path("logs").join(grows);
        let whole = fs::read(&grows).unwrap();
        let rounds = rounds(12);
        for round in 1..=rounds {
            let end = if round == rounds { whole.len() } else { rng.random_range(0..whole.len()) };
            // Sometimes longer, sometimes cut.
            fs::write(&grows, &whole[..end]).unwrap();
            let mut child = place.start(&["import", source, "logs"]);
            std::thread::sleep(Duration::from_micros(rng.random_range(0..150_000)));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        place.run(&["import", source, "logs"]).ok();
        assert_eq!(tokens(&place), expected, "{dir}");
        assert_eq!(place.run(&["import", source, "logs"]).json()["bytes"], 0);
    }
}

#[test]
fn tenants_and_origins_are_imported_apart_and_counted_once() {
    let place = Place::new();
    for origin in ["laptop", "desktop"] {
        let import = ["import", "claude", "--origin", origin, &testdata("spotter")];
        assert_ne!(place.run(&import).json()["appended"], 0);
        assert_eq!(place.run(&import).json()["unchanged"], 3);
    }
    assert_eq!(sums(&place), SPOTTER);
}

/// One machine has a part of the logs, the other one all of them, as when a home is synchronised.
#[test]
fn what_two_machines_imported_counts_once_when_it_is_merged() {
    for Set { source, dir, grows, tokens: expected } in SETS {
        for forth in [true, false] {
            let (laptop, desktop) = (Place::new(), Place::new());
            let whole = fs::read(PathBuf::from(testdata(dir)).join(grows)).unwrap();
            fs::write(laptop.path(grows.rsplit('/').next().unwrap()), &whole[..whole.len() / 2]).unwrap();
            laptop.run(&["import", source, "--origin", "laptop", "."]).ok();
            desktop.run(&["import", source, "--origin", "desktop", &testdata(dir)]).ok();
            let (into, from) = if forth { (&laptop, &desktop) } else { (&desktop, &laptop) };
            for _ in 0..2 {
                into.run(&["merge", from.ledger().to_str().unwrap()]).ok();
                assert_eq!(tokens(into), expected, "{dir}");
            }
        }
    }
}

#[test]
fn codex_counts_to_the_token() {
    let place = Place::new();
    let data = |set: &str| testdata("").replace("/claude/", "/codex/") + set;
    place.run(&["import", "codex", &data("agtrace")]).ok();
    let usage = |place: &Place| place.run(&["usage", "stats"]).json()["total"]["tokens"]["total"].clone();
    assert_eq!(usage(&place), 27_148);
    let place = Place::new();
    place.run(&["import", "codex", &data("codexbar")]).ok();
    assert_eq!(usage(&place), 15_309_178);
    assert_eq!(place.run(&["import", "codex", "--again", &data("codexbar")]).json()["appended"], 0);
}

#[test]
fn spans_of_opentelemetry_count_once_and_need_a_path() {
    let place = Place::new();
    let span = |id: u64, parent: u64, operation: &str, input: u64| {
        let text = |key: &str, value: &str| serde_json::json!({"key": key, "value": {"stringValue": value}});
        let attributes = [
            text("gen_ai.operation.name", operation),
            text("gen_ai.provider.name", "openai"),
            text("gen_ai.response.model", "gpt-4.1"),
            text("gen_ai.conversation.id", "s"),
            serde_json::json!({"key": "gen_ai.usage.input_tokens", "value": {"intValue": input}}),
        ];
        let span = serde_json::json!({
            "traceId": "5b8efff798038103d269b633813fc60c", "spanId": format!("{id:016x}"),
            "parentSpanId": format!("{parent:016x}"), "startTimeUnixNano": "1767225600000000000",
            "endTimeUnixNano": "1767225601000000000", "attributes": attributes,
        });
        format!("{}\n", serde_json::json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}))
    };
    fs::create_dir(place.path("exports")).unwrap();
    // The agent is known first, and its calls are in another file.
    fs::write(place.path("exports/otlp-1.json"), span(1, 0, "invoke_agent", 300)).unwrap();
    place.run(&["import", "otlp", "exports"]).ok();
    let total = |place: &Place| {
        let total = &place.run(&["usage", "stats"]).json()["total"];
        (total["calls"].clone(), total["tokens"]["total"].clone())
    };
    assert_eq!(total(&place), (1.into(), 300.into()));
    let lines = [span(2, 1, "chat", 100), span(3, 1, "chat", 200), "{\"resourceMetrics\":[]}\n".to_owned()];
    fs::write(place.path("exports/otlp-2.jsonl"), lines.concat()).unwrap();
    let summary = place.run(&["import", "otlp", "exports"]).json();
    let fates = ["lines", "usage", "not_usage", "bad"].map(|fate| summary[fate].as_u64().unwrap());
    assert_eq!((fates, summary["unchanged"].as_u64()), ([3, 2, 1, 0], Some(1)));
    assert_eq!(total(&place), (2.into(), 300.into()));
    assert_eq!(place.run(&["import", "otlp", "--again", "exports"]).json()["appended"], 0);
    let none = place.run(&["import", "otlp"]);
    assert!(none.code == Some(2) && none.err.contains("PATH"), "{none:?}");
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
