//! Killed or failed at every system call that writes: whole or absent, and never lost once acknowledged.
//!
//! `strace` (Debian: apt-get install strace) injects the faults; `cargo xtask test` installs it.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Answer, BINARY, Place, lines, sound_log};

const EVENTS: usize = 4;

/// Runs the program under strace, which does `fault` at the `n`th call of `syscalls`.
fn inject(place: &Place, syscalls: &str, fault: &str, n: usize, args: &[impl AsRef<OsStr>]) -> Answer {
    let output = strace()
        .args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={syscalls}")])
        .args(["-e", &format!("inject={syscalls}:{fault}:when={n}")])
        .arg(BINARY)
        .args(["--ledger", place.ledger().to_str().unwrap()])
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Answer::of(output)
}

fn strace() -> Command {
    let found = Command::new("strace").arg("-V").output();
    assert!(found.is_ok(), "strace is missing; install it with: apt-get install strace");
    Command::new("strace")
}

/// How many events the answers say are durable.
fn acknowledged(answer: &Answer) -> usize {
    answer.out.lines().filter(|line| line.contains("\"appended\":1")).count()
}

/// Injects at the first, second, third ... call until the program makes no such call any more, and checks what each
/// leaves.
fn append_under_faults(syscalls: &str, fault: &str) {
    let calls = count_calls(syscalls);
    assert!(calls > EVENTS, "{calls} calls of {syscalls}");
    for n in 1..=calls {
        let place = Place::new();
        let answer = inject(&place, syscalls, fault, n, &append_args(&place));
        let durable = acknowledged(&answer);
        match answer.code {
            // Some faults do no harm, such as an error in a checkpoint that the next one makes good.
            Some(0) => assert_eq!(durable, EVENTS, "success is never said too early: {answer:?}"),
            Some(code) => assert!([1, 4].contains(&code), "after fault {n}: {answer:?}"),
            None => {}
        }
        // A retry with the same ids completes it, in exactly one copy.
        let again = place.run(&strs(&append_args(&place)));
        assert_eq!(again.code, Some(0), "after fault {n}: {again:?}");
        let known = again.out.lines().filter(|line| line.contains("\"duplicates\":1")).count();
        assert!(known >= durable, "{durable} were acknowledged, {known} were there after fault {n}");
        let log = sound_log(&place.ledger());
        let ids: Vec<&str> = log.iter().map(|event| event.event.id.as_str()).collect();
        assert_eq!(ids, ["e-0", "e-1", "e-2", "e-3"], "after fault {n}");
    }
}

fn append_args(place: &Place) -> [String; 5] {
    let input = place.path("events.jsonl");
    std::fs::write(&input, lines("e", EVENTS)).unwrap();
    ["append".into(), input.to_str().unwrap().into(), "--batch".into(), "1".into(), "--acks".into()]
}

fn strs(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}

/// How often an unharmed append makes these calls.
fn count_calls(syscalls: &str) -> usize {
    let place = Place::new();
    let trace = place.path("trace");
    let output = strace()
        .args(["-f", "-qq", "-o", trace.to_str().unwrap(), "-e", &format!("trace={syscalls}")])
        .arg(BINARY)
        .args(["--ledger", place.ledger().to_str().unwrap()])
        .args(append_args(&place))
        .output()
        .unwrap();
    assert!(output.status.success());
    std::fs::read_to_string(trace).unwrap().lines().filter(|line| line.contains('(')).count()
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

/// A new snapshot is there complete or not at all, wherever the process dies.
#[test]
fn a_snapshot_killed_anywhere_is_complete_or_absent() {
    let place = Place::new();
    place.run_with(&["append"], &lines("e", 50)).ok();
    let target = place.path("snapshot.db");
    for syscalls in ["pwrite64", "fsync,fdatasync", "link,linkat,rename,renameat,renameat2", "unlink,unlinkat"] {
        for n in 1.. {
            let answer = inject(&place, syscalls, "signal=SIGKILL", n, &["snapshot", target.to_str().unwrap()]);
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

/// An older snapshot that is brought up to date is the old one or the new one, wherever the process dies.
#[test]
fn an_update_of_a_snapshot_killed_anywhere_leaves_the_old_one_or_the_new_one() {
    let place = Place::new();
    place.run_with(&["append"], &lines("e", 50)).ok();
    let (old, target) = (place.path("old.db"), place.path("snapshot.db"));
    place.run(&["snapshot", old.to_str().unwrap()]).ok();
    place.run_with(&["append"], &lines("f", 50)).ok();
    for syscalls in ["pwrite64", "fsync,fdatasync", "unlink,unlinkat"] {
        for n in 1.. {
            let journal = place.path("snapshot.db-journal");
            let _ = std::fs::remove_file(&journal);
            std::fs::copy(&old, &target).unwrap();
            let answer = inject(&place, syscalls, "signal=SIGKILL", n, &["snapshot", target.to_str().unwrap()]);
            // A writer that opens it rolls back what was cut off.
            let again = place.run(&["snapshot", target.to_str().unwrap()]);
            assert_eq!(again.code, Some(0), "{again:?}");
            assert_eq!(copied(&target), 100);
            if answer.code == Some(0) {
                break;
            }
        }
    }
}

fn copied(path: &Path) -> usize {
    let answer = Command::new(BINARY).arg("--ledger").arg(path).arg("verify").output().unwrap();
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
