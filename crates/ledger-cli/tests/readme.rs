//! The README's tour of the command line, line by line as a new user would type it.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;
use std::process::Command;

use common::{Answer, BINARY, Place, SETTINGS, spotter, testdata};
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
    Answer::of(SETTINGS.iter().fold(&mut bash, |bash, name| bash.env_remove(name)).env("PATH", &path).output().unwrap())
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

/// Of a real session, in place of those of the reader's machine.
#[test]
fn who_spent_what_does_what_it_says() {
    let place = Place::new();
    let mut said = String::new();
    for line in part("usage").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let line = line.replace("import claude", &format!("import claude {}", testdata("spotter")));
        let answer = bash(&place, &line);
        assert_eq!((answer.code, answer.err.as_str()), (Some(0), ""), "{line}\n{answer:?}");
        said.push_str(&answer.out);
    }
    assert!(said.contains("14,972,534") && said.contains("Bash"), "{said}");
}

/// With a real session where Claude Code keeps them.
#[test]
fn seeing_what_agents_cost_does_what_it_says() {
    let place = Place::new();
    let main = "projects/-home-user-spotter/258c7280-ae70-4798-800f-63464d01a85d.jsonl";
    let at = place.path(".claude").join(main);
    std::fs::create_dir_all(at.parent().unwrap()).unwrap();
    std::fs::copy(Path::new(&testdata("spotter")).join(main), at).unwrap();
    let settings = format!(
        "export HOME='{}' AGENT_LEDGER_URL=agents.db; unset CLAUDE_CONFIG_DIR CODEX_HOME XDG_CONFIG_HOME\n",
        place.path("").display()
    );
    let said = bash(&place, &(settings + part("costs"))).ok();
    assert!(said.contains("2026-02-") && said.contains("claude-opus-4"), "{said}");
}

/// Every question of the documentation is one that there is an answer to.
#[test]
fn the_questions_in_sql_are_answered() {
    let place = spotter();
    let document = include_str!("../../../docs/usage.md");
    let questions: Vec<&str> =
        document.split("```sql\n").skip(1).map(|part| part.split_once("```").unwrap().0).collect();
    assert!(questions.len() >= 4, "{questions:?}");
    for question in questions {
        let rows = place.run(&["query", question]).json_lines();
        assert!(!rows.is_empty(), "{question}");
    }
}

/// The commands of the documentation are commands.
#[test]
fn the_commands_about_usage_and_strategies_do_what_they_say() {
    let place = spotter();
    for document in [include_str!("../../../docs/usage.md"), include_str!("../../../docs/strategy.md")] {
        let (_, part) = document.split_once("<!-- commands: tests run these lines -->\n```sh\n").expect("the part");
        for line in part.split_once("```").unwrap().0.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let line = format!("export AGENT_LEDGER_URL={}; {line}", place.ledger().display());
            let answer = bash(&place, &line);
            let err: Vec<&str> = answer.err.lines().filter(|line| !is_note(line)).collect();
            assert_eq!((answer.code, err.as_slice()), (Some(0), [].as_slice()), "{line}\n{answer:?}");
        }
    }
}

/// What is said beside the output, of a ledger that knows no strategies.
fn is_note(line: &str) -> bool {
    line.starts_with("agent-ledger: no execution") || line.starts_with("erased 0 executions")
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
