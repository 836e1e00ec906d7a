//! Killed or failed at every system call that writes: whole or absent, and never lost once acknowledged.
//!
//! `strace` (Debian: apt-get install strace) injects the faults; `cargo xtask test` installs it.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Answer, BINARY, Place, lines, sound_log};

const EVENTS: usize = 4;

/// Runs the program under strace, which does `fault` at the `n`th call of `syscalls` (errors: from the `n`th on) by any one thread, to the files that
/// `only` names or to any.
fn inject(
    place: &Place,
    syscalls: &str,
    fault: &str,
    n: usize,
    only: Option<&Path>,
    args: &[impl AsRef<OsStr>],
) -> Answer {
    let mut strace = strace(syscalls, Path::new("/dev/null"), only);
    // An error stays: the program would get over a single one, and does.
    let from = if fault.starts_with("error") { "+" } else { "" };
    strace.args(["-e", &format!("inject={syscalls}:{fault}:when={n}{from}")]);
    strace.arg(BINARY).arg("--ledger").arg(place.ledger()).args(args);
    Answer::of(strace.stdin(Stdio::null()).output().unwrap())
}

fn strace(syscalls: &str, output: &Path, only: Option<&Path>) -> Command {
    let found = Command::new("strace").arg("-V").output();
    assert!(found.is_ok(), "strace is missing; install it with: apt-get install strace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-e", &format!("trace={syscalls}")]).arg("-o").arg(output);
    if let Some(only) = only {
        strace.arg("-P").arg(only);
    }
    strace
}

/// How many events the answers say are durable.
fn acknowledged(answer: &Answer) -> usize {
    answer.out.lines().filter(|line| line.contains("\"appended\":1")).count()
}

/// A ledger with one event in it, and events to append one by one.
fn prepared() -> (Place, [String; 5]) {
    let place = Place::new();
    place.run_with(&["append"], &lines("before", 1)).ok();
    let input = place.path("events.jsonl");
    std::fs::write(&input, lines("e", EVENTS)).unwrap();
    let args = ["append".into(), input.to_str().unwrap().into(), "--batch".into(), "1".into(), "--acks".into()];
    (place, args)
}

/// Injects at the first, second, third ... call that an append makes on its log, until it makes no such call any more,
/// and checks what each leaves.
fn append_under_faults(syscalls: &str, fault: &str) {
    let mut seen = BTreeSet::new();
    for n in 1.. {
        let (place, args) = prepared();
        let log = place.path("ledger.db-wal");
        let answer = inject(&place, syscalls, fault, n, Some(&log), &args);
        let durable = acknowledged(&answer);
        match answer.code {
            Some(0) => assert_eq!(durable, EVENTS, "success is never said too early: {answer:?}"),
            Some(code) => assert!([1, 4].contains(&code), "after fault {n}: {answer:?}"),
            None => {}
        }
        seen.insert(durable);
        // A retry with the same ids completes it, in exactly one copy.
        let again = place.run(&args.each_ref().map(String::as_str));
        assert_eq!(again.code, Some(0), "after fault {n}: {again:?}");
        let known = again.out.lines().filter(|line| line.contains("\"duplicates\":1")).count();
        assert!(known >= durable, "{durable} were acknowledged, {known} were there after fault {n}");
        let log = sound_log(&place.ledger());
        let ids: Vec<&str> = log.iter().map(|event| event.event.id.as_str()).collect();
        assert_eq!(ids, ["before-0", "e-0", "e-1", "e-2", "e-3"], "after fault {n}");
        if answer.code == Some(0) {
            break;
        }
    }
    // Otherwise the faults did not reach the commits.
    assert!((1..EVENTS).all(|durable| seen.contains(&durable)), "acknowledged before a fault: {seen:?}");
}

#[test]
fn killed_at_every_write_of_an_append() {
    append_under_faults("pwrite64", "signal=SIGKILL");
}

#[test]
fn killed_at_every_sync_of_an_append() {
    append_under_faults("fsync,fdatasync", "signal=SIGKILL");
}

#[test]
fn an_input_output_error_at_every_write_of_an_append() {
    append_under_faults("pwrite64", "error=EIO");
}

#[test]
fn an_input_output_error_at_every_sync_of_an_append() {
    append_under_faults("fsync,fdatasync", "error=EIO");
}

#[test]
fn a_full_disk_at_every_write_of_an_append() {
    append_under_faults("pwrite64", "error=ENOSPC");
}

/// A ledger is there or not, and can be created then, wherever its creator dies.
#[test]
fn killed_at_every_write_of_the_creation() {
    for syscalls in ["pwrite64", "fsync,fdatasync"] {
        for n in 1.. {
            let place = Place::new();
            let input = place.path("events.jsonl");
            std::fs::write(&input, lines("e", EVENTS)).unwrap();
            let args = ["append", input.to_str().unwrap()];
            let answer = inject(&place, syscalls, "signal=SIGKILL", n, None, &args);
            let stored = place.run(&args).json();
            assert_eq!(stored["appended"].as_u64().unwrap() + stored["duplicates"].as_u64().unwrap(), EVENTS as u64);
            assert_eq!(sound_log(&place.ledger()).len(), EVENTS);
            if answer.code == Some(0) {
                break;
            }
        }
    }
}

/// What an append repeats may have been recovered from a log that nobody had synced: it is synced before it is said to be
/// there.
#[test]
fn a_duplicate_is_synced_before_it_is_acknowledged() {
    let (place, args) = prepared();
    place.run(&args.each_ref().map(String::as_str)).ok();
    let trace = place.path("trace");
    let mut strace = strace("fsync,fdatasync,write", &trace, None);
    let output = strace.arg(BINARY).arg("--ledger").arg(place.ledger()).args(&args).output().unwrap();
    let answers = Answer::of(output).ok();
    assert_eq!(answers.lines().filter(|line| line.contains("\"duplicates\":1")).count(), EVENTS);
    let calls = std::fs::read_to_string(trace).unwrap();
    let mut synced = false;
    let mut answered = 0;
    for call in calls.lines() {
        if call.contains("sync(") {
            synced = true;
        } else if call.contains("duplicates") {
            assert!(synced, "answer {answered} came without a sync:\n{calls}");
            synced = false;
            answered += 1;
        }
    }
    assert_eq!(answered, EVENTS);
}

/// The same for a checkpoint that stands further on already: what is only read is not synced.
#[test]
fn a_checkpoint_that_stays_is_written_before_it_is_answered() {
    let (place, args) = prepared();
    place.run(&args.each_ref().map(String::as_str)).ok();
    place.run(&["checkpoint", "set", "me", "3"]).ok();
    let (trace, log) = (place.path("trace"), place.path("ledger.db-wal"));
    let mut strace = strace("pwrite64", &trace, Some(&log));
    strace.arg(BINARY).arg("--ledger").arg(place.ledger()).args(["checkpoint", "set", "me", "2"]);
    assert!(Answer::of(strace.output().unwrap()).failed(3).contains("stands at 3"));
    assert!(std::fs::read_to_string(trace).unwrap().contains("pwrite64"), "nothing was written");
}

/// A new snapshot is there complete or not at all, wherever the process dies.
#[test]
fn a_snapshot_killed_anywhere_is_complete_or_absent() {
    let place = Place::new();
    place.run_with(&["append"], &lines("e", 50)).ok();
    let target = place.path("snapshot.db");
    for syscalls in ["pwrite64", "fsync,fdatasync", "link,linkat,rename,renameat,renameat2", "unlink,unlinkat"] {
        for n in 1.. {
            let answer = inject(&place, syscalls, "signal=SIGKILL", n, None, &["snapshot", target.to_str().unwrap()]);
            if target.exists() {
                assert_eq!(copied(&target), 50);
            } else {
                assert_ne!(answer.code, Some(0));
            }
            let unharmed = answer.code == Some(0);
            let _ = std::fs::remove_file(&target);
            if unharmed {
                break;
            }
        }
    }
    assert_eq!(sound_log(&place.ledger()).len(), 50);
}

/// An older snapshot that is brought up to date is the old one or the new one, wherever the process dies, and can be read
/// as it stands.
#[test]
fn an_update_of_a_snapshot_killed_anywhere_leaves_the_old_one_or_the_new_one() {
    let place = Place::new();
    place.run_with(&["append"], &lines("e", 50)).ok();
    let (old, target) = (place.path("old.db"), place.path("snapshot.db"));
    place.run(&["snapshot", old.to_str().unwrap()]).ok();
    place.run_with(&["append"], &lines("f", 50)).ok();
    for syscalls in ["pwrite64", "fsync,fdatasync", "link,linkat,rename,renameat,renameat2"] {
        for n in 1.. {
            std::fs::copy(&old, &target).unwrap();
            let answer = inject(&place, syscalls, "signal=SIGKILL", n, None, &["snapshot", target.to_str().unwrap()]);
            let events = copied(&target);
            assert!([50, 100].contains(&events), "{events}");
            if answer.code == Some(0) {
                assert_eq!(events, 100);
                break;
            }
        }
    }
}

fn copied(path: &Path) -> usize {
    let url = format!("sqlite:{}?mode=ro", path.display());
    let answer = Command::new(BINARY).args(["--ledger", &url, "verify"]).output().unwrap();
    let answer = Answer::of(answer).json();
    usize::try_from(answer["events"].as_u64().unwrap()).unwrap()
}

/// A file-size limit is a storage that is full: said so, nothing lost, and appends go on when there is room.
#[test]
fn a_file_size_limit_is_a_full_storage() {
    let place = Place::new();
    let input = place.path("events.jsonl");
    std::fs::write(&input, lines("e", 3_000)).unwrap();
    let script = format!(
        "trap '' XFSZ; ulimit -f 300; exec {BINARY} --ledger {} append {} --batch 10 --acks",
        place.ledger().display(),
        input.display()
    );
    let answer = Answer::of(Command::new("bash").args(["-c", &script]).output().unwrap());
    assert_eq!(answer.code, Some(4), "{answer:?}");
    assert!(answer.err.contains("takes no more bytes"), "{answer:?}");
    let durable = answer.out.lines().count() * 10;
    assert!(durable > 0 && durable < 3_000);
    assert!(sound_log(&place.ledger()).len() >= durable);
    let rest = place.run(&["append", input.to_str().unwrap()]).json();
    assert!(rest["duplicates"].as_u64().unwrap() >= durable as u64);
    assert_eq!(sound_log(&place.ledger()).len(), 3_000);
}
