//! The README's tour of the command line, line by line as a new user would type it.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;
use std::process::Command;

use common::{Answer, BINARY, Place};
use ledger_servers::Postgres;

/// The lines of a part of the README.
fn part(name: &str) -> &'static str {
    let readme = include_str!("../../../README.md");
    let (_, part) = readme.split_once(&format!("<!-- {name}: tests run these lines -->\n```sh\n")).expect("the part");
    part.split_once("```").unwrap().0
}

fn bash(place: &Place, script: &str) -> Answer {
    let path = format!("{}:{}", Path::new(BINARY).parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", script]).current_dir(place.path(""));
    Answer::of(bash.env("PATH", &path).env_remove("AGENT_LEDGER_URL").output().unwrap())
}

/// On a server that was just started, which listens elsewhere than the one of the README.
#[test]
fn sharing_a_ledger_on_postgres_does_what_it_says() {
    let server = Postgres::start();
    let place = Place::new();
    let lines = part("share").replace("127.0.0.1", &format!("127.0.0.1:{}", server.port()));
    let said = bash(&place, &lines).ok();
    assert!(said.contains("synced") && said.contains("round trip"), "{said}");
    let events = bash(&place, "agent-ledger --ledger team.db tail").json_lines();
    assert_eq!(events.len(), 1);
}

#[test]
fn the_tour_does_what_it_says() {
    let place = Place::new();
    let run = |script: &str| bash(&place, script);
    for line in part("tour").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let answer = run(line);
        assert_eq!((answer.code, answer.err.as_str()), (Some(0), ""), "{line}\n{answer:?}");
    }
    let events = run("agent-ledger --ledger restored.db tail").json_lines();
    assert_eq!(events.len(), 3, "the repeat was known, the last one met its condition");
}
