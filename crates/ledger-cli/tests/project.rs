//! `project` and `query`: what keeps projections, and who reads them in SQL.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::io::{BufRead, BufReader};

use common::calls::{append, call, four};
use common::{Answer, Place, spotter};
use ledger_servers::Postgres;
use serde_json::{Value, json};

fn run_with(place: &Place, environment: &[(&str, &str)], args: &[&str]) -> Answer {
    Answer::of(place.command(args).envs(environment.iter().copied()).output().unwrap())
}

#[test]
fn a_projection_says_how_far_it_is() {
    let place = four();
    let status = place.run(&["project", "usage"]).json();
    assert_eq!(
        status,
        json!({"projection": "usage", "place": place.path("ledger.projections.db"), "offset": 4, "last": 4, "lag": 0,
               "removed": null, "rows_removed_before": null})
    );
    append(&place, &[call("acme", "search", "gpt", 1)]);
    let text = place.run(&["project", "usage", "--format", "text"]).ok();
    assert!(text.contains("up to offset 5 of 5, 0 events behind"), "{text}");
}

#[test]
fn questions_catch_up_first_unless_they_are_told_not_to() {
    let place = four();
    let calls = |args: &[&str]| place.run(&[&["usage", "stats"], args].concat()).json()["total"]["calls"].clone();
    assert_eq!(calls(&[]), 4);
    append(&place, &[call("acme", "search", "gpt", 1)]);
    assert_eq!((calls(&["--no-catch-up"]), calls(&[]), calls(&["--no-catch-up"])), (json!(4), json!(5), json!(5)));
    assert_eq!(place.run(&["query", "SELECT count(*) AS n FROM usage_calls"]).json()["n"], 5);
}

#[test]
fn what_is_appended_later_is_followed() {
    let place = four();
    let mut child = place.start(&["project", "usage", "--follow"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut offset = || -> Value {
        let status: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        status["offset"].clone()
    };
    assert_eq!(offset(), 4);
    append(&place, &[call("acme", "search", "gpt", 1)]);
    assert_eq!(offset(), 5);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn rows_that_are_removed_stay_in_the_sums_and_out_of_a_rebuild() {
    let place = spotter();
    let before = place.run(&["usage", "stats"]).json();
    assert_eq!(place.run(&["project", "usage", "--retention-days", "0"]).json()["removed"], 0);
    let status = place.run(&["project", "usage", "--retention-days", "1"]).json();
    assert!(status["removed"].as_i64().unwrap() >= 156 && status["rows_removed_before"].is_string(), "{status}");
    assert_eq!(place.run(&["project", "usage", "--retention-days", "1"]).json()["removed"], 0, "once");
    let rebuilt = place.run(&["project", "usage", "--rebuild", "--format", "text"]).ok();
    assert!(rebuilt.contains("stay removed, though the ledger has them"), "{rebuilt}");
    let after = place.run(&["usage", "stats"]).json();
    assert_eq!(after["total"]["tokens"], before["total"]["tokens"]);
    assert_eq!(after["percentiles"]["method"], "three_digits");
    let text = place.run(&["usage", "stats", "--format", "text"]).ok();
    assert!(text.contains("are removed: sums over them are exact, percentiles are of three leading digits"), "{text}");
    let notes = |args: &[&str]| place.run(args).json()["notes"].to_string();
    let by_session = notes(&["usage", "by", "session"]);
    assert!(
        by_session.contains("removed rows are not in this answer") && !by_session.contains("filters"),
        "{by_session}"
    );
    let sessions = notes(&["usage", "sessions"]);
    assert!(sessions.contains("no rows are kept; rows of before") && !sessions.contains("filters"), "{sessions}");
    let kept = four();
    assert_eq!(kept.run(&["project", "usage", "--remove-before", "2026-03-01"]).json()["removed"], 0);
    kept.run(&["project", "usage", "--remove-before", "2026-03-01", "--retention-days", "1"])
        .code
        .filter(|c| *c == 2)
        .unwrap();
}

#[test]
fn a_ledger_that_was_reset_needs_a_rebuild() {
    let place = four();
    place.run(&["project", "usage"]).ok();
    place.run(&["reset", "--yes"]).ok();
    assert!(place.run(&["usage", "stats"]).failed(3).contains("rebuild it"));
    assert_eq!(place.run(&["project", "usage", "--rebuild"]).json()["lag"], 0);
    assert_eq!(place.run(&["usage", "stats"]).json()["total"]["calls"], 0);
}

/// Who asks a question does not change what is kept.
#[test]
fn workspaces_stay_as_they_were_made() {
    let place = spotter();
    let key = [("AGENT_LEDGER_WORKSPACE_KEY", "secret")];
    let path = place.run(&["usage", "by", "workspace"]).json()["rows"][0]["workspace"].as_str().unwrap().to_owned();
    assert!(path.starts_with("/home/"), "{path}");
    place.run(&["project", "usage", "--workspaces", "hashed"]).failed(2);
    run_with(&place, &key, &["project", "usage", "--workspaces", "hashed"]).ok();
    let by = |environment: &[(&str, &str)], more: &[&str]| {
        run_with(&place, environment, &[&["usage", "by", "workspace"], more].concat())
    };
    let hashed = by(&key, &[]).json()["rows"][0]["workspace"].as_str().unwrap().to_owned();
    assert_eq!((hashed.len(), hashed.contains('/')), (16, false));
    assert!(by(&[], &[]).failed(2).contains("AGENT_LEDGER_WORKSPACE_KEY"));
    assert!(by(&[("AGENT_LEDGER_WORKSPACE_KEY", "other")], &[]).failed(2).contains("another key"));
    assert!(by(&key, &["--workspaces", "full-path"]).failed(2).contains("project usage --workspaces full-path"));
    assert_eq!(by(&[], &["--no-catch-up"]).json()["rows"][0]["workspace"], hashed.as_str());
    let base = [key[0], ("AGENT_LEDGER_WORKSPACES", "base-name")];
    run_with(&place, &base, &["project", "usage"]).ok();
    let row = by(&base, &[]).json()["rows"][0].clone();
    assert_eq!(row["workspace_label"], path.rsplit('/').next().unwrap());
    assert_eq!(by(&[("AGENT_LEDGER_WORKSPACES", "none")], &[]).code, Some(2));
}

#[test]
fn a_question_in_sql_has_an_answer_in_every_format() {
    let place = four();
    let ask = |format: &str| {
        let sql = "SELECT model, count(*) AS calls, sum(pico_usd) AS cost FROM usage_calls GROUP BY model ORDER BY 1";
        place.run(&["query", sql, "--format", format]).ok()
    };
    assert_eq!(
        ask("json"),
        "{\"model\":\"gpt\",\"calls\":2,\"cost\":1500000000000}\n{\"model\":\"mini\",\"calls\":2,\"cost\":3000000000000}\n"
    );
    assert_eq!(ask("csv"), "model,calls,cost\ngpt,2,1500000000000\nmini,2,3000000000000\n");
    assert!(ask("text").starts_with(" model  calls           cost\n gpt        2  1500000000000\n"), "{}", ask("text"));
}

#[test]
fn a_question_in_sql_cannot_write() {
    let place = four();
    let tables =
        place.run(&["query", "SELECT name FROM sqlite_schema WHERE name LIKE 'usage_calls%' AND type = 'table'"]);
    let table = tables.json()["name"].as_str().unwrap().to_owned();
    let other = place.path("other.db");
    for sql in [
        format!("DELETE FROM {table}"),
        format!("UPDATE {table} SET tenant = 'x' RETURNING tenant"),
        format!("PRAGMA query_only = OFF; DELETE FROM {table}"),
        format!("SELECT 1; COMMIT; PRAGMA query_only = OFF; DELETE FROM {table}"),
        "CREATE TABLE mine (a)".into(),
        format!("VACUUM INTO '{}'", other.display()),
        "nonsense".into(),
        String::new(),
    ] {
        let answer = place.run(&["query", &sql]);
        assert_eq!(answer.code, Some(2), "{sql}: {answer:?}");
    }
    // The file was opened for reading, whatever a pragma says.
    place.run(&["query", "PRAGMA query_only = OFF"]).ok();
    let attached = format!("ATTACH '{}' AS other", other.display());
    let _ = place.run(&["query", &attached]);
    assert!(!other.exists());
    assert_eq!(place.run(&["query", "SELECT count(*) AS n FROM usage_calls"]).json()["n"], 4);
}

#[test]
fn projections_are_named_by_option_then_environment_then_beside_the_ledger() {
    let place = four();
    let at = |environment: &[(&str, &str)], args: &[&str]| {
        run_with(&place, environment, &[args, &["project", "usage"]].concat()).json()["place"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let environment = [("AGENT_LEDGER_PROJECTIONS", "sqlite:environment.db")];
    assert_eq!(at(&environment, &["--projections", "option.db"]), "option.db");
    assert_eq!(at(&environment, &[]), "environment.db");
    assert_eq!(at(&[], &[]), place.path("ledger.projections.db").to_str().unwrap());
    for url in ["", "redis://me:hunter2@x", "sqlite:", "postgres://me:hunter2@[x/db"] {
        let said = place.run(&["--projections", url, "project", "usage"]).failed(2);
        assert!(!said.contains("hunter2"), "{said}");
    }
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("postgres://me:hunter2@{nobody}/db");
    let answer = place.run(&["--projections", &url, "--log", "trace", "project", "usage"]);
    assert_eq!(answer.code, Some(4), "{answer:?}");
    assert!(answer.err.contains("try again") && !answer.err.contains("hunter2"), "{answer:?}");
}

/// The ledger in a file, its projections on a server.
#[test]
fn projections_on_postgres_answer_the_same() {
    let place = spotter();
    let url = Postgres::shared().fresh();
    for question in ["stats", "by session", "series --width hour", "tools", "sessions", "turns", "errors", "counts"] {
        let args: Vec<&str> = ["usage"].into_iter().chain(question.split(' ')).collect();
        let here = place.run(&args).ok();
        let there = place.run(&[&["--projections", &url], args.as_slice()].concat()).ok();
        assert_eq!(here, there, "{question}");
    }
    let sql = "SELECT CAST(sum(output) AS bigint) AS output FROM usage_calls";
    assert_eq!(place.run(&["--projections", &url, "query", sql]).json()["output"], 38_908);
    let said = place.run(&["--projections", &url, "query", "SELECT sum(output) FROM usage_calls"]).failed(2);
    assert!(said.contains("cast numbers to bigint"), "{said}");
    for sql in ["DELETE FROM usage_passed_over", "CREATE TABLE mine (a int)", "SELECT 1; SELECT 2"] {
        place.run(&["--projections", &url, "query", sql]).failed(2);
    }
}
