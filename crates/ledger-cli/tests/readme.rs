//! The README's tour of the command line, line by line as a new user would type it.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;
use std::process::Command;

use common::{Answer, BINARY, Place};

#[test]
fn the_tour_does_what_it_says() {
    let readme = include_str!("../../../README.md");
    let (_, tour) = readme.split_once("<!-- tour: tests run these lines -->\n```sh\n").expect("the tour");
    let (tour, _) = tour.split_once("```").unwrap();
    let place = Place::new();
    let path = format!("{}:{}", Path::new(BINARY).parent().unwrap().display(), std::env::var("PATH").unwrap());
    let run = |script: &str| {
        let mut bash = Command::new("bash");
        bash.args(["-euo", "pipefail", "-c", script]).current_dir(place.path(""));
        Answer::of(bash.env("PATH", &path).env_remove("AGENT_LEDGER_URL").output().unwrap())
    };
    for line in tour.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let answer = run(line);
        assert_eq!((answer.code, answer.err.as_str()), (Some(0), ""), "{line}\n{answer:?}");
    }
    let events = run("agent-ledger --ledger restored.db tail").json_lines();
    assert_eq!(events.len(), 3, "the repeat was known, the last one met its condition");
}
