//! Turns and sessions.

use ledger_events::{LlmCall, Millis, SessionStarted, TurnCompleted, TurnStarted, TurnStatus};
use serde_json::{Value, json};

use crate::support::{all, assistant, at, file, import, import_lines, only, user, with};

fn stopped(line: Value, reason: &str) -> Value {
    with(line, &[("/message/stop_reason", json!(reason))])
}

#[test]
fn a_turn_without_an_end_is_only_started() {
    let import = import_lines(&[user("u", None, 0), assistant("a", "u", 1, "msg_1", 5)]);
    assert_eq!(only::<TurnStarted>(&import).turn_id, "u");
    assert!(all::<TurnCompleted>(&import).is_empty());
}

#[test]
fn a_prompt_that_nothing_answers_is_no_turn_but_ends_the_one_before() {
    let lines = [user("u", None, 0), assistant("a", "u", 1, "msg_1", 5), user("exit", Some("a"), 9)];
    let import = import_lines(&lines);
    assert_eq!(all::<TurnStarted>(&import).len(), 1);
    let turn = only::<TurnCompleted>(&import);
    assert_eq!(
        (turn.status, turn.completed_at.to_string()),
        (TurnStatus::Completed, "2026-01-01T00:00:01.000000Z".into())
    );
}

#[test]
fn a_last_word_ends_a_turn() {
    for (reason, status) in [
        ("end_turn", TurnStatus::Completed),
        ("stop_sequence", TurnStatus::Completed),
        ("refusal", TurnStatus::Completed),
        ("max_tokens", TurnStatus::Partial),
    ] {
        let lines = [user("u", None, 0), stopped(assistant("a", "u", 3, "msg_1", 5), reason)];
        let turn = only::<TurnCompleted>(&import_lines(&lines));
        assert_eq!((turn.status, turn.duration_ms), (status, Millis::new(3_000.0).ok()), "{reason}");
    }
    let lines = [user("u", None, 0), stopped(assistant("a", "u", 3, "msg_1", 5), "tool_use")];
    assert!(all::<TurnCompleted>(&import_lines(&lines)).is_empty());
}

#[test]
fn a_turn_takes_as_long_as_the_agent_measured() {
    let measured = json!({
        "type": "system", "subtype": "turn_duration", "durationMs": 2_750, "uuid": "d", "parentUuid": "a",
        "sessionId": "s", "timestamp": at(4),
    });
    let turn =
        only::<TurnCompleted>(&import_lines(&[user("u", None, 0), assistant("a", "u", 3, "msg_1", 5), measured]));
    assert_eq!((turn.status, turn.duration_ms), (TurnStatus::Completed, Millis::new(2_750.0).ok()));
}

#[test]
fn an_error_fails_a_turn() {
    let changes = [("/isApiErrorMessage", json!(true)), ("/error", json!("server_error"))];
    let turn =
        only::<TurnCompleted>(&import_lines(&[user("u", None, 0), with(assistant("a", "u", 3, "msg_1", 5), &changes)]));
    assert_eq!((turn.status, turn.error_class.as_deref()), (TurnStatus::Failed, Some("server_error")));
}

#[test]
fn a_turn_with_more_to_do_was_interrupted() {
    let tool = json!([{"type": "tool_use", "id": "toolu_1", "name": "Bash"}]);
    let asking = with(assistant("a", "u", 1, "msg_1", 5), &[("/message/content", tool)]);
    let lines = [user("u", None, 0), asking, user("v", Some("a"), 9), assistant("b", "v", 10, "msg_2", 5)];
    let import = import_lines(&lines);
    assert_eq!(only::<TurnCompleted>(&import).status, TurnStatus::Interrupted);
    assert_eq!(all::<TurnStarted>(&import).len(), 2);
    let turns: Vec<_> = import.events.iter().filter(|e| e.kind.as_str() == "llm.called").map(|e| e.turn).collect();
    assert_eq!(turns, [1, 2]);
}

#[test]
fn a_prompt_that_is_answered_late_shifts_no_other() {
    let lines = [user("u", None, 0), user("v", Some("u"), 9), assistant("b", "v", 10, "msg_2", 5)];
    let late = [&lines[..], &[assistant("a", "u", 20, "msg_1", 5)]].concat();
    for lines in [&lines[..], &late] {
        let import = import_lines(lines);
        let event = import.events.iter().find(|event| event.payload.as_str().contains("msg_2")).unwrap();
        assert_eq!(event.turn, 2);
    }
}

#[test]
fn a_subagent_that_goes_by_the_prompt_of_its_session_has_turns_of_its_own() {
    let prompt = |line| with(line, &[("/promptId", json!("p1"))]);
    let agent = |line| with(line, &[("/isSidechain", json!(true)), ("/agentId", json!("a1"))]);
    let lines = [prompt(user("u", None, 0)), assistant("a", "u", 1, "msg_1", 5)];
    let sub = [agent(prompt(user("p", None, 2))), agent(assistant("b", "p", 3, "msg_2", 5))];
    let turns = all::<TurnStarted>(&import(&[file("s.jsonl", &lines), file("s/subagents/agent-a1.jsonl", &sub)]));
    let keys: Vec<_> = turns.iter().filter_map(|turn| turn.turn_key.as_deref()).collect();
    assert_eq!(keys, ["p1", "p1/a1"]);
    assert!(turns.iter().all(|turn| turn.turn_id == "p1"));
}

#[test]
fn remarks_summaries_and_results_are_no_prompts() {
    let remark = with(user("m", Some("a"), 2), &[("/isMeta", json!(true))]);
    let summary = with(user("c", None, 3), &[("/isCompactSummary", json!(true)), ("/logicalParentUuid", json!("m"))]);
    let lines =
        [user("u", None, 0), assistant("a", "u", 1, "msg_1", 5), remark, summary, assistant("b", "c", 4, "msg_2", 5)];
    let import = import_lines(&lines);
    assert_eq!(only::<TurnStarted>(&import).turn_id, "u");
    assert!(all::<LlmCall>(&import).iter().all(|call| call.turn_id.as_deref() == Some("u")));
}

#[test]
fn lines_with_one_prompt_id_are_one_turn() {
    let prompt = |line| with(line, &[("/promptId", json!("p1"))]);
    let lines = [prompt(user("u", None, 0)), prompt(user("v", Some("u"), 1)), assistant("a", "v", 2, "msg_1", 5)];
    let turn = only::<TurnStarted>(&import_lines(&lines));
    assert_eq!((turn.turn_id.as_str(), turn.started_at.to_string()), ("p1", "2026-01-01T00:00:00.000000Z".into()));
}

#[test]
fn a_subagent_is_a_session_within_the_session() {
    let sidechain = [("/isSidechain", json!(true)), ("/sessionId", Value::Null)];
    let lines = [with(user("p", None, 1), &sidechain), with(assistant("a", "p", 2, "msg_1", 5), &sidechain)];
    let import = import(&[file("projects/x/s/subagents/agent-a1.jsonl", &lines)]);
    let session = only::<SessionStarted>(&import);
    assert_eq!((session.session_id.as_str(), session.parent_session_id.as_deref()), ("s/a1", Some("s")));
    assert_eq!((session.workspace.as_deref(), session.agent.as_deref()), (Some("/work"), Some("claude-code")));
    assert!(import.events.iter().all(|event| event.run_id.as_str() == "claude:s"));
    assert!(import.events.iter().all(|event| event.actor.as_str() == "claude-code/a1"));
}

#[test]
fn the_prompt_of_a_subagent_does_not_end_the_turn_that_it_works_for() {
    let lines = [user("u", None, 0), assistant("a", "u", 1, "msg_1", 5)];
    let agent = [("/isSidechain", json!(true)), ("/agentId", json!("a1"))];
    let subagent = [with(user("p", Some("a"), 2), &agent), with(assistant("b", "p", 3, "msg_2", 5), &agent)];
    let import = import(&[file("s.jsonl", &lines), file("s/subagents/agent-a1.jsonl", &subagent)]);
    assert_eq!(all::<TurnStarted>(&import).len(), 2);
    assert!(all::<TurnCompleted>(&import).is_empty());
}
