//! Each command as a program would use it: field names and exit codes are an interface.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use common::{Answer, BINARY, Place, line, lines, sound_log};
use serde_json::{Value, json};

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn filled() -> Place {
    let place = Place::new();
    place.run_with(&["append"], &lines("e", 5)).ok();
    place
}

#[test]
fn append_says_what_it_stored() {
    let place = Place::new();
    let out = place.run_with(&["append"], &lines("e", 3)).ok();
    assert_eq!(out, "{\"appended\":3,\"duplicates\":0,\"first\":1,\"last\":3}\n");
    let out = place.run_with(&["append", "-"], &lines("e", 5)).ok();
    assert_eq!(out, "{\"appended\":2,\"duplicates\":3,\"first\":4,\"last\":5}\n");
    let out = place.run_with(&["append"], "").ok();
    assert_eq!(out, "{\"appended\":0,\"duplicates\":0,\"first\":null,\"last\":null}\n");
    std::fs::write(place.path("events.jsonl"), lines("f", 3)).unwrap();
    let acks = place.run(&["append", "events.jsonl", "--batch", "2", "--acks"]).json_lines();
    let counts: Vec<_> = acks.iter().map(|ack| ack["appended"].as_u64().unwrap()).collect();
    assert_eq!(counts, [2, 1], "a line for every batch, and no other");
}

#[test]
fn append_takes_what_people_write() {
    let place = Place::new();
    let input = format!("\u{feff}{}\r\n\r\n  {}  \n", line("a"), line("b"));
    assert_eq!(place.run_with(&["append"], &input).json()["appended"], 2);
    // Without id and time, and without a line break at the end.
    let short = r#"{"run_id":"r","turn":0,"kind":"a.b","actor":"x","payload":{}}"#;
    assert_eq!(place.run_with(&["append"], short).json()["last"], 3);
    // What another ledger printed.
    let printed = place.run(&["tail"]).ok();
    let other = Place::new();
    assert_eq!(other.run_with(&["append"], &printed).json()["appended"], 3);
    assert_eq!(place.run_with(&["append"], &printed).json()["duplicates"], 3);
}

#[test]
fn a_bad_line_stops_with_its_number_and_reason_and_stores_nothing_of_its_batch() {
    let bad = [
        ("not json", "is not a JSON object"),
        ("[1]", "is not a JSON object"),
        ("{}", "run_id"),
        (r#"{"run_id":"r","turn":-1,"kind":"a.b","actor":"x","payload":{}}"#, "-1"),
        (r#"{"run_id":"r","turn":0,"kind":"nodot","actor":"x","payload":{}}"#, "dotted segments"),
        (r#"{"run_id":"","turn":0,"kind":"a.b","actor":"x","payload":{}}"#, "run_id is empty"),
        (r#"{"run_id":"r","turn":0,"kind":"a.b","actor":"x\u0000","payload":{}}"#, "control character"),
        (r#"{"run_id":"r","turn":0,"kind":"a.b","actor":"x","payload":[]}"#, "JSON object"),
        (r#"{"run_id":"r","turn":0,"kind":"a.b","actor":"x","payload":{"n":NaN}}"#, "expected"),
        (r#"{"run_id":"r","turn":0,"kind":"a.b","actor":"x","payload":{},"more":1}"#, "more"),
        (
            r#"{"run_id":"r","turn":0,"kind":"a.b","actor":"x","payload":{},"created_at":"2026-01-01T00:00:00"}"#,
            "RFC 3339",
        ),
    ];
    for (bad, reason) in bad {
        let place = Place::new();
        let input = format!("{}{}\n{bad}\n{}", lines("e", 2), line("e-2"), line("e-3"));
        let answer = place.run_with(&["append", "--batch", "2"], &input);
        assert_eq!(answer.out, "{\"appended\":2,\"duplicates\":0,\"first\":1,\"last\":2}\n");
        let said = answer.failed(3);
        assert!(said.contains("line 4") && said.contains(reason), "{said}");
        assert!(said.contains("stored up to line 2"), "{said}");
        assert_eq!(sound_log(&place.ledger()).len(), 2);
    }
}

#[test]
fn append_takes_no_bytes_that_are_not_text() {
    let place = Place::new();
    let mut bytes = line("a").into_bytes();
    let at = bytes.iter().position(|byte| *byte == b'1').unwrap();
    bytes[at - 2] = 0xff;
    std::fs::write(place.path("bytes"), bytes).unwrap();
    place.run(&["append", "bytes"]).failed(3);
    std::fs::write(place.path("long"), "x".repeat(9 << 20)).unwrap();
    let said = place.run(&["append", "long"]).failed(3);
    assert!(said.contains("line 1: is longer than"), "{said}");
}

#[test]
fn a_conflicting_id_is_refused_with_its_offset() {
    let place = filled();
    let other = line("e-2").replace("\"turn\":1", "\"turn\":2");
    let said = place.run_with(&["append"], &format!("{}\n{other}", line("new"))).failed(3);
    assert!(said.contains("\"e-2\"") && said.contains("offset 3"), "{said}");
    assert_eq!(sound_log(&place.ledger()).len(), 5);
}

#[test]
fn an_append_can_be_made_to_fail_if_somebody_else_wrote() {
    let place = filled();
    let said = place.run_with(&["append", "--fail-if-run-after", "3"], &line("new")).failed(3);
    assert!(said.contains("offset 4"), "{said}");
    // Its own earlier batches do not stand in its way; a retry of all of it is known.
    let args = ["append", "--fail-if-run-after", "5", "--batch", "2"];
    assert_eq!(place.run_with(&args, &lines("new", 5)).json()["appended"], 5);
    assert_eq!(place.run_with(&args, &lines("new", 5)).json()["duplicates"], 5);
    place.run_with(&["append", "--fail-if-run-after", "99"], &line("x")).failed(3);
}

#[test]
fn a_recorded_event_has_its_documented_fields() {
    let place = Place::new();
    let payload = r#"{"z":1.0,  "a":[1e400,"é"]}"#;
    let event = format!(
        r#"{{"id":"e","run_id":"r","turn":2,"kind":"a.b","actor":"x","payload":{payload},"created_at":"2026-01-01T05:00:00+05:00","session_id":"s","model_profile":"p","model_id":"m","metadata":{{"k":"v"}}}}"#
    );
    place.run_with(&["append"], &event).ok();
    let out = place.run(&["tail"]).ok();
    assert!(out.contains(&format!(r#""payload":{payload},"#)), "byte for byte: {out}");
    let event: Value = serde_json::from_str(&out.replace("1e400", "1")).unwrap();
    let fields = [
        "offset",
        "recorded_at",
        "digest",
        "id",
        "run_id",
        "turn",
        "kind",
        "actor",
        "payload",
        "created_at",
        "schema_version",
        "session_id",
        "model_profile",
        "model_id",
        "metadata",
    ];
    assert_eq!(keys(&event).into_iter().collect::<BTreeSet<_>>(), fields.into_iter().collect());
    let positions: Vec<_> = fields.iter().map(|field| out.find(&format!("\"{field}\":")).unwrap()).collect();
    assert!(positions.is_sorted(), "in this order");
    assert_eq!(event["created_at"], "2026-01-01T00:00:00.000000Z");
    assert_eq!(event["metadata"], json!({"k": "v"}));
    assert_eq!(place.run(&["find", "e"]).ok(), out);
    assert_eq!(place.run(&["show", "r"]).ok(), out);
}

#[test]
fn tail_starts_ends_and_selects_where_it_is_told() {
    let place = filled();
    let other =
        line("other").replace("\"run\"", "\"run-2\"").replace("agent.spoke", "agent.thought").replace("ann", "bob");
    place.run_with(&["append"], &other.replace("}}", "},\"session_id\":\"s\",\"model_id\":\"m\"}")).ok();
    let offsets = |args: &[&str]| -> Vec<u64> {
        let mut all = vec!["tail"];
        all.extend(args);
        place.run(&all).json_lines().iter().map(|event| event["offset"].as_u64().unwrap()).collect()
    };
    assert_eq!(offsets(&[]), [1, 2, 3, 4, 5, 6]);
    assert_eq!(offsets(&["--from", "4"]), [5, 6]);
    assert_eq!(offsets(&["--limit", "2"]), [1, 2]);
    assert_eq!(offsets(&["--limit", "0"]), [0_u64; 0]);
    assert_eq!(offsets(&["--reverse", "--limit", "2"]), [6, 5]);
    assert_eq!(offsets(&["--reverse", "--from", "3"]), [2, 1]);
    assert_eq!(offsets(&["--run", "run-2"]), [6]);
    assert_eq!(offsets(&["--run", "run", "--run", "run-2", "--kind", "agent.thought"]), [6]);
    assert_eq!(offsets(&["--actor", "bob"]), [6]);
    assert_eq!(offsets(&["--session", "s"]), [6]);
    assert_eq!(offsets(&["--model", "m"]), [6]);
    assert_eq!(offsets(&["--kind", "no.such"]), [0_u64; 0]);
    let text = place.run(&["tail", "--format", "text", "--limit", "1"]).ok();
    assert!(text.contains("agent.spoke") && !text.starts_with('{'), "{text}");
}

#[test]
fn head_and_runs_have_their_documented_fields() {
    let place = filled();
    let head = place.run(&["head"]).json();
    assert_eq!(
        keys(&head).into_iter().collect::<BTreeSet<_>>(),
        ["ledger_id", "epoch", "first", "last", "durability", "engine"].into()
    );
    assert_eq!((&head["epoch"], &head["first"], &head["last"]), (&json!(1), &json!(1), &json!(5)));
    assert_eq!((&head["durability"], &head["engine"]), (&json!("synced"), &json!("sqlite")));
    let runs = place.run(&["runs"]).json();
    assert_eq!(runs, json!({"run_id": "run", "first": 1, "last": 5, "events": 5}));
    assert!(place.run(&["head", "--format", "text"]).ok().contains("durability  synced"));
    assert!(place.run(&["runs", "--format", "text"]).ok().contains("EVENTS"));
}

#[test]
fn what_is_not_there_is_said() {
    let place = filled();
    assert!(place.run(&["find", "nothing"]).failed(1).contains("nothing"));
    assert!(place.run(&["show", "nothing"]).failed(1).contains("runs"));
    assert!(place.run(&["checkpoint", "get", "nobody"]).failed(1).contains("nobody"));
    let empty = Place::new();
    for args in [&["head"][..], &["tail"], &["runs"], &["verify"], &["snapshot", "x.db"], &["reset", "--yes"]] {
        let said = empty.run(args).failed(1);
        assert!(said.contains("there is no ledger at"), "{said}");
    }
    for args in [&["append", "nowhere"][..], &["restore", "nowhere"], &["import", "claude", "nowhere"]] {
        assert!(empty.run(args).failed(1).contains("nowhere"), "{args:?}");
    }
    empty.run_with(&["append"], "not json").failed(3);
    std::fs::write(empty.path("text"), "some text").unwrap();
    empty.run(&["restore", "text"]).failed(3);
    assert!(!empty.ledger().exists(), "asking creates nothing, and neither does failing");
}

#[test]
fn checkpoints_move_on_and_back_only_when_told() {
    let place = filled();
    let set = place.run(&["checkpoint", "set", "me", "3"]).json();
    assert_eq!((&set["consumer"], &set["offset"], &set["event_id"]), (&json!("me"), &json!(3), &json!("e-2")));
    assert!(set["updated_at"].is_string());
    assert_eq!(place.run(&["checkpoint", "get", "me"]).json(), set);
    assert!(place.run(&["checkpoint", "set", "me", "2"]).failed(3).contains("--rewind"));
    assert_eq!(place.run(&["checkpoint", "set", "me", "2", "--rewind"]).json()["offset"], 2);
    assert!(place.run(&["checkpoint", "set", "me", "9"]).failed(3).contains("no event at offset 9"));
    place.run(&["checkpoint", "set", "other", "1"]).ok();
    let names: Vec<_> = place.run(&["checkpoint", "list"]).json_lines();
    assert_eq!(names.iter().map(|c| c["consumer"].as_str().unwrap()).collect::<Vec<_>>(), ["me", "other"]);
    place.run(&["reset", "--yes"]).ok();
    let said = place.run(&["checkpoint", "get", "me"]).failed(3);
    assert!(said.contains("does not have there"), "{said}");
    assert_eq!(place.run(&["checkpoint", "set", "me", "0", "--rewind"]).json()["offset"], 0);
}

#[test]
fn a_snapshot_is_a_ledger_that_sqlite_reads_and_restore_takes() {
    let place = filled();
    let taken = place.run(&["snapshot", "copy.db"]).json();
    assert_eq!((&taken["kind"], &taken["last"], &taken["added"]), (&json!("created"), &json!(5), &json!(5)));
    place.run_with(&["append"], &line("more")).ok();
    let taken = place.run(&["snapshot", "copy.db"]).json();
    assert_eq!((&taken["kind"], &taken["added"]), (&json!("updated"), &json!(1)));
    let other = Place::new();
    let copy = place.path("copy.db");
    let restored = other.run(&["restore", copy.to_str().unwrap()]).json();
    assert_eq!((&restored["last"], &restored["added"]), (&json!(6), &json!(6)));
    assert_eq!(other.run(&["tail"]).ok(), place.run(&["tail"]).ok(), "digest for digest");
    for file in [&copy, &other.ledger()] {
        let sqlite =
            Command::new("sqlite3").arg(file).arg("select count(*), max(offset) from events_readable").output();
        let sqlite = Answer::of(sqlite.expect("sqlite3 runs; install it with: apt-get install sqlite3"));
        assert_eq!(sqlite.ok(), "6|6\n");
    }
    let said = Place::sharing(&place).run(&["snapshot", place.ledger().to_str().unwrap()]).failed(3);
    assert!(said.contains("live ledger"), "{said}");
    std::fs::write(place.path("text"), "mine").unwrap();
    place.run(&["snapshot", "text"]).failed(3);
    assert_eq!(std::fs::read(place.path("text")).unwrap(), b"mine");
    place.run_with(&["append"], &line("last")).ok();
    assert!(place.run(&["restore", "copy.db"]).failed(3).contains("restore into a new ledger"));
}

#[test]
fn verify_counts_and_names_the_first_fault() {
    let place = filled();
    let report = place.run(&["verify"]).json();
    assert_eq!(report, json!({"events": 5, "first": 1, "last": 5, "fault": null}));
    let raw = rusqlite::Connection::open(place.ledger()).unwrap();
    raw.execute_batch(r#"DROP TRIGGER events_are_never_changed; UPDATE events SET turn = 7 WHERE "offset" = 3"#)
        .unwrap();
    drop(raw);
    let answer = place.run(&["verify"]);
    assert_eq!(serde_json::from_str::<Value>(&answer.out).unwrap()["events"], 2);
    assert!(answer.failed(3).contains("offset 3"));
    place.run(&["tail"]).failed(3);
}

#[test]
fn reset_needs_a_yes() {
    let place = filled();
    assert_eq!(place.run(&["reset"]).code, Some(2));
    assert_eq!(sound_log(&place.ledger()).len(), 5);
    let head = place.run(&["reset", "--yes"]).json();
    assert_eq!((&head["epoch"], &head["first"], &head["last"]), (&json!(2), &json!(6), &json!(5)));
    assert_eq!(place.run_with(&["append"], &line("e-0")).json()["first"], 6);
}

#[test]
fn wrong_usage_has_its_own_code() {
    let place = filled();
    for args in [
        &["tail", "--from", "-1"][..],
        &["tail", "--kind", "nodot"],
        &["tail", "--reverse", "--follow"],
        &["append", "--batch", "0"],
        &["append", "--batch", "10001"],
        &["nonsense"],
        &["checkpoint", "set", "me", "x"],
    ] {
        assert_eq!(place.run(args).code, Some(2), "{args:?}");
    }
    let other = |url: &str| Answer::of(Command::new(BINARY).args(["--ledger", url, "head"]).output().unwrap());
    for url in [
        "",
        "redis://x",
        "postgres://me:hunter2@host/db?colour=x",
        "sqlite:",
        "sqlite:a?x=1",
        "memory:x",
        "sqllite:x.db",
    ] {
        let said = other(url).failed(2);
        assert!(!said.contains("hunter2"), "{said}");
    }
    assert_eq!(place.run(&["--log", "==", "head"]).code, Some(2));
}

#[test]
fn a_server_that_cannot_be_reached_has_the_code_for_trying_again() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for scheme in ["postgres", "mysql"] {
        let url = format!("{scheme}://me:hunter2@{nobody}/db");
        let said =
            Answer::of(Command::new(BINARY).args(["--ledger", &url, "--log", "trace", "head"]).output().unwrap());
        assert_eq!(said.code, Some(4), "{said:?}");
        assert!(said.err.contains("try again") && !said.err.contains("hunter2"), "{said:?}");
    }
}

#[test]
fn the_ledger_is_named_by_option_then_environment_then_default() {
    let place = Place::new();
    let run = |options: &[&str], environment: Option<&str>| {
        let mut command = Command::new(BINARY);
        command.current_dir(place.path("")).env_remove("AGENT_LEDGER_URL").env("DATABASE_URL", "sqlite:wrong.db");
        if let Some(url) = environment {
            command.env("AGENT_LEDGER_URL", url);
        }
        let mut child =
            command.args(options).arg("append").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    };
    run(&["--ledger", "option.db"], Some("sqlite:environment.db"));
    run(&[], Some("sqlite:environment.db"));
    run(&[], None);
    for (name, exists) in
        [("option.db", true), ("environment.db", true), ("agent-ledger.db", true), ("wrong.db", false)]
    {
        assert_eq!(place.path(name).exists(), exists, "{name}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let place = Place::new();
    place.run_with(&["append"], &lines("e", 5_000)).ok();
    let script = format!("{BINARY} --ledger {} tail | head -n 1", place.ledger().display());
    let answer = Answer::of(Command::new("bash").args(["-o", "pipefail", "-c", &script]).output().unwrap());
    assert_eq!((answer.code, answer.err.as_str()), (Some(0), ""));
}

#[test]
fn an_appender_whose_answers_nobody_takes_says_so() {
    let place = Place::new();
    std::fs::write(place.path("events.jsonl"), lines("e", 3_000)).unwrap();
    let script = format!(
        "{BINARY} --ledger {} append {} --batch 1 --acks | head -n 1",
        place.ledger().display(),
        place.path("events.jsonl").display()
    );
    let answer = Answer::of(Command::new("bash").args(["-o", "pipefail", "-c", &script]).output().unwrap());
    assert_eq!(answer.code, Some(1));
    assert!(answer.err.contains("stored up to line"), "{answer:?}");
}

/// What went wrong is said also when nobody reads what went right.
#[test]
fn a_failure_is_a_failure_whoever_reads_the_output() {
    let place = filled();
    std::fs::write(place.path("bad.jsonl"), format!("{}not json\n", lines("f", 2))).unwrap();
    let raw = rusqlite::Connection::open(place.ledger()).unwrap();
    raw.execute_batch("DROP TRIGGER events_are_never_changed").unwrap();
    let run = |command: &str| {
        let script = format!("{BINARY} --ledger {} {command} | true", place.ledger().display());
        let mut bash = Command::new("bash");
        bash.args(["-o", "pipefail", "-c", &script]).current_dir(place.path(""));
        Answer::of(bash.output().unwrap())
    };
    assert!(run("append --batch 2 bad.jsonl").failed(3).contains("line 3"));
    raw.execute_batch("UPDATE events SET turn = 9").unwrap();
    assert!(run("verify").failed(3).contains("damaged"));
}

#[test]
fn a_folder_that_cannot_be_written_is_said() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let place = Place::new();
    // Root may write anywhere, so somebody else tries.
    let binary = place.path("agent-ledger");
    std::fs::copy(BINARY, &binary).unwrap();
    let folder = place.path("folder");
    std::fs::create_dir(&folder).unwrap();
    for (path, mode) in [(place.path(""), 0o755), (folder.clone(), 0o555)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let mut command = Command::new(&binary);
    if is_root {
        command.uid(65_534).gid(65_534);
    }
    let answer =
        command.current_dir("/").arg("--ledger").arg(folder.join("ledger.db")).arg("append").stdin(Stdio::null());
    let said = Answer::of(answer.output().unwrap()).failed(1);
    assert!(said.contains("read-only") && said.contains("permissions"), "{said}");
}

/// What an event says stands nowhere but in the ledger and where it was asked for.
#[test]
fn no_payload_reaches_a_log_or_an_error() {
    let place = Place::new();
    let canary = "CANARY-7d1f";
    let event = |id: &str, turn: u32| {
        line(id).replace("\"n\":1", &format!("\"n\":\"{canary}\"")).replace(":1,", &format!(":{turn},"))
    };
    let loud = |args: &[&str], input: &str| {
        let mut all = vec!["--log", "trace"];
        all.extend(args);
        let answer = place.run_with(&all, input);
        assert!(!answer.err.contains(canary), "{args:?}: {answer:?}");
        answer
    };
    assert!(loud(&["append"], &event("a", 1)).err.contains("committed"), "the log is on");
    assert_eq!(loud(&["append"], &event("a", 2)).code, Some(3));
    assert_eq!(loud(&["append"], &event("a", 1).replace("ann", "a\\u0000")).code, Some(3));
    assert_eq!(loud(&["append"], &event("b", 1).replace("agent.spoke", "nodot")).code, Some(3));
    assert_eq!(loud(&["append", "--fail-if-run-after", "0"], &event("c", 1)).code, Some(3));
    for args in [&["head"][..], &["runs"], &["verify"], &["snapshot", "copy.db"], &["tail"], &["find", "a"]] {
        let answer = loud(args, "");
        assert_eq!(answer.code, Some(0), "{args:?}: {answer:?}");
    }
    let raw = rusqlite::Connection::open(place.ledger()).unwrap();
    raw.execute_batch("DROP TRIGGER events_are_never_changed; UPDATE events SET turn = 7").unwrap();
    drop(raw);
    for args in [&["tail"][..], &["verify"], &["snapshot", "other.db"], &["show", "run"]] {
        assert_eq!(loud(args, "").code, Some(3));
    }
    assert_eq!(loud(&["reset", "--yes"], "").code, Some(0));
}

#[test]
fn completions_and_help_are_there() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(place.run(&["completions", shell]).ok().contains("agent-ledger"));
    }
    assert!(place.run(&["--help"]).ok().contains("Exit codes"));
}
