//! Files are new, whole and durable; what is not for people is not shown to them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::common::calls::four;
use crate::common::{Answer, BINARY, Place, spotter};

/// What is in a place besides its ledger, by name.
fn files(place: &Place) -> Vec<String> {
    let entries = fs::read_dir(place.path("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.filter(|name| !name.starts_with("ledger.")).collect();
    names.sort_unstable();
    names
}

fn printed(place: &Place, args: &[&str]) -> Vec<u8> {
    let Output { status, stdout, .. } = place.command(args).output().unwrap();
    assert!(status.success());
    stdout
}

#[test]
fn a_file_has_what_standard_output_would() {
    let place = spotter();
    for format in ["jsonl", "csv", "parquet", "arrow"] {
        let Some(begins) = begins(format) else { continue };
        let args = ["usage", "export", "--format", format];
        let bytes = printed(&place, &args);
        let ends = if matches!(format, "jsonl" | "csv") { b"\n" } else { begins };
        assert!(bytes.starts_with(begins) && bytes.ends_with(ends), "{format}");
        let said = place.run(&[args.as_slice(), &["--output", "all"]].concat());
        assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(0), "", ""));
        assert!(fs::read(place.path("all")).unwrap() == bytes, "{format}");
        assert_eq!(files(&place), ["all"]);
        fs::remove_file(place.path("all")).unwrap();
    }
}

#[test]
fn a_file_that_exists_is_only_replaced_when_that_is_said() {
    let place = four();
    fs::write(place.path("calls.csv"), "mine").unwrap();
    let args = ["usage", "export", "--format", "csv", "--output", "calls.csv"];
    let said = place.run(&args).failed(1);
    assert_eq!(said, "agent-ledger: calls.csv exists; name a new file, or say --force to replace it\n");
    assert_eq!(fs::read_to_string(place.path("calls.csv")).unwrap(), "mine");
    place.run(&[args.as_slice(), &["--force"]].concat()).ok();
    assert_eq!(fs::read(place.path("calls.csv")).unwrap(), printed(&place, &["usage", "export", "--format", "csv"]));
    assert_eq!(files(&place), ["calls.csv"]);
    place.run(&["usage", "export", "--output", "new.jsonl", "--force"]).ok();
    assert_eq!(place.run(&["usage", "export", "--force"]).code, Some(2), "there is nothing to replace");
}

#[test]
fn what_a_link_names_is_replaced_and_a_folder_is_not() {
    let place = four();
    fs::write(place.path("calls.csv"), "old").unwrap();
    std::os::unix::fs::symlink("calls.csv", place.path("latest.csv")).unwrap();
    let to = |name| ["usage", "export", "--format", "csv", "--force", "--output", name];
    place.run(&to("latest.csv")).ok();
    assert!(place.path("latest.csv").is_symlink());
    assert!(fs::read_to_string(place.path("calls.csv")).unwrap().starts_with("call_key,"));
    fs::create_dir(place.path("folder")).unwrap();
    assert!(place.run(&to("folder")).failed(1).contains("folder is not a file; name a new one"));
    assert!(place.run(&to("nowhere/calls.csv")).failed(1).contains("nowhere/calls.csv could not be written: "));
    assert_eq!(files(&place), ["calls.csv", "folder", "latest.csv"]);
}

/// Kills the export at each call that writes, syncs or names, one after the other.
fn killed_at_each_call(old: Option<&str>) {
    let place = spotter();
    let args = ["usage", "export", "--format", "csv", "--no-catch-up", "--output", "calls.csv", "--force"];
    place.run(&["project", "usage"]).ok();
    let whole = printed(&place, &args[..5]);
    let mut partial = 0;
    for n in 1.. {
        if let Some(old) = old {
            fs::write(place.path("calls.csv"), old).unwrap();
        }
        let code = killed(&place, n, &args[..if old.is_some() { 8 } else { 7 }]);
        let found = fs::read(place.path("calls.csv")).ok();
        let is_old = found.as_deref() == old.map(str::as_bytes);
        assert!(is_old || found.as_ref() == Some(&whole), "killed at call {n}: neither as it was, nor whole");
        let names = files(&place);
        partial += usize::from(names.iter().any(|name| name.ends_with(".partial")));
        names.iter().for_each(|name| fs::remove_file(place.path(name)).unwrap());
        if code == Some(0) {
            assert!(!is_old && names == ["calls.csv"], "{names:?}");
            break;
        }
    }
    assert!(partial >= 5, "it was killed while it wrote: {partial}");
}

fn killed(place: &Place, n: usize, args: &[&str]) -> Option<i32> {
    let calls = "write,fsync,link,linkat,rename,renameat,renameat2,unlink";
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")]);
    strace.args(["-e", &format!("inject={calls}:signal=KILL:when={n}")]).current_dir(place.path(""));
    strace.arg(BINARY).arg("--ledger").arg(place.ledger()).args(args).stdin(Stdio::null());
    strace.output().expect("strace is missing; install it with: apt-get install strace").status.code()
}

#[test]
fn a_killed_export_leaves_no_file_of_its_name() {
    killed_at_each_call(None);
}

#[test]
fn a_killed_export_leaves_the_file_that_it_was_to_replace() {
    killed_at_each_call(Some("old"));
}

/// What a file of a format begins and ends with.
fn begins(format: &str) -> Option<&'static [u8]> {
    match format {
        "jsonl" => Some(b"{"),
        "csv" => Some(b"call_key,"),
        "parquet" if cfg!(feature = "arrow") => Some(b"PAR1"),
        "arrow" if cfg!(feature = "arrow") => Some(b"ARROW1"),
        _ => None,
    }
}

fn bash(place: &Place, script: &str) -> Answer {
    let path = format!("{}:{}", Path::new(BINARY).parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut bash = Command::new("bash");
    bash.args(["-o", "pipefail", "-c", script]).env("PATH", path).env("AGENT_LEDGER_URL", place.ledger());
    Answer::of(bash.current_dir(place.path("")).stdin(Stdio::null()).output().unwrap())
}

#[test]
fn a_full_disk_is_told_and_a_reader_that_has_seen_enough_is_no_failure() {
    let place = spotter();
    for format in ["jsonl", "csv", "parquet", "arrow"] {
        if begins(format).is_none() {
            continue;
        }
        let full = bash(&place, &format!("agent-ledger usage export --format {format} > /dev/full")).failed(1);
        assert!(full.contains("the output could not be written: No space left on device"), "{format}: {full}");
        let mut command = place.command(&["usage", "export", "--format", format]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let answer = Answer::of(child.wait_with_output().unwrap());
        assert_eq!((answer.code, answer.err.as_str()), (Some(0), ""), "{format}");
    }
}

#[cfg(feature = "arrow")]
#[test]
fn a_terminal_is_shown_no_file_that_is_not_for_people() {
    let place = four();
    for format in ["parquet", "arrow"] {
        let said = bash(&place, &format!("script -qec 'agent-ledger usage export --format {format}' /dev/null"));
        assert_eq!(said.code, Some(2));
        let sentence =
            "agent-ledger: such a file is not for a terminal; name it with --output, or send it to a program or a file";
        assert_eq!(said.out.trim_end(), sentence, "{format}");
    }
    let shown = bash(&place, "script -qec 'agent-ledger usage export --format csv' /dev/null").ok();
    assert!(shown.contains("call_key,tenant,"), "{shown}");
}
