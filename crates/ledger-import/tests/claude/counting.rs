//! What other counters of tokens got wrong, each under the name of the complaint.

use ledger_events::{LlmCall, Tokens, ToolCompleted};
use serde_json::{Value, json};

use crate::support::{all, assistant, at, file, import, import_lines, only, user, with};

/// ccusage#389, ccstatusline#549.
#[test]
fn several_lines_per_message_are_one_call() {
    let lines = [
        user("u", None, 0),
        assistant("a", "u", 1, "msg_1", 9),
        assistant("b", "a", 2, "msg_1", 9),
        assistant("c", "b", 3, "msg_1", 9),
    ];
    let import = import_lines(&lines);
    assert_eq!(only::<LlmCall>(&import).tokens.total(), 19);
    assert_eq!((import.report.usage, import.report.duplicates, import.report.other), (1, 2, 1));
}

/// TokenTracker#104, tokenjam#300.
#[test]
fn streaming_partials_with_growing_output_count_at_their_largest() {
    let outputs = [0, 1, 436, 8];
    let lines: Vec<Value> = outputs
        .iter()
        .zip(1..)
        .map(|(output, second)| assistant(&format!("a{second}"), "u", second, "msg_1", *output))
        .collect();
    let call = only::<LlmCall>(&import_lines(&lines));
    assert_eq!(call.tokens.output, 436);
    assert!(call.revision > only::<LlmCall>(&import_lines(&lines[..2])).revision);
    assert_eq!(call.started_at.to_string(), "2026-01-01T00:00:01.000000Z");
}

#[test]
fn of_equal_observations_the_last_counts() {
    let tier = |line, tier: &str| with(line, &[("/message/usage/service_tier", json!(tier))]);
    let lines =
        [tier(assistant("b", "u", 2, "msg_1", 5), "priority"), tier(assistant("a", "u", 1, "msg_1", 5), "standard")];
    assert_eq!(only::<LlmCall>(&import_lines(&lines)).service_tier.as_deref(), Some("priority"));
}

#[test]
fn each_counter_counts_at_its_largest() {
    let usage = |input, output, cache_read| json!({"input_tokens": input, "output_tokens": output, "cache_read_input_tokens": cache_read});
    let line = |uuid, second, usage| with(assistant(uuid, "u", second, "msg_1", 0), &[("/message/usage", usage)]);
    let lines = [line("a", 1, usage(700, 1, 0)), line("b", 2, usage(3, 90, 20)), line("c", 3, usage(3, 80, 900))];
    let tokens = Tokens { input: 700, output: 90, cache_read: 900, ..Tokens::default() };
    assert_eq!(only::<LlmCall>(&import_lines(&lines)).tokens, tokens);
}

#[test]
fn a_line_without_the_split_of_a_cache_does_not_count_it_twice() {
    let usage = |short: u64, long: u64| {
        json!({
            "cache_creation_input_tokens": 500,
            "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
        })
    };
    let line = |uuid, usage| with(assistant(uuid, "u", 1, "msg_1", 0), &[("/message/usage", usage)]);
    let lines = [line("a", json!({"cache_creation_input_tokens": 500})), line("b", usage(100, 400))];
    let tokens = Tokens { cache_write_5m: 100, cache_write_1h: 400, ..Tokens::default() };
    assert_eq!(only::<LlmCall>(&import_lines(&lines)).tokens, tokens);
}

/// ccusage#976, TokenTracker#65.
#[test]
fn missing_request_ids_do_not_double() {
    let bare = |line| with(line, &[("/requestId", Value::Null)]);
    let lines = [
        bare(assistant("a", "u", 1, "msg_1", 1)),
        assistant("b", "a", 2, "msg_1", 8),
        bare(assistant("c", "b", 3, "msg_1", 9)),
    ];
    assert_eq!(only::<LlmCall>(&import_lines(&lines)).tokens.output, 9);
}

#[test]
fn requests_separate_only_within_the_main_conversation() {
    let request = |line, request: &str| with(line, &[("/requestId", json!(request))]);
    let main = [request(assistant("a", "u", 1, "msg_1", 1), "r1"), request(assistant("b", "u", 2, "msg_1", 2), "r2")];
    assert_eq!(all::<LlmCall>(&import_lines(&main)).len(), 2);
    let side = main.map(|line| with(line, &[("/isSidechain", json!(true))]));
    assert_eq!(all::<LlmCall>(&import_lines(&side)).len(), 1);
}

#[test]
fn without_a_message_id_each_line_is_a_call() {
    let bare = |line| with(line, &[("/message/id", Value::Null)]);
    let lines = [bare(assistant("a", "u", 1, "", 1)), bare(assistant("b", "u", 2, "", 2))];
    let keys: Vec<_> = all::<LlmCall>(&import_lines(&lines)).into_iter().filter_map(|call| call.call_key).collect();
    assert_eq!(keys, ["a", "b"]);
}

/// ccusage#1762, tokenjam#294: the copies keep ids and times, under a new session.
#[test]
fn resume_copies_under_a_new_session_belong_to_the_first() {
    let original = [user("u", None, 0), assistant("a", "u", 1, "msg_1", 5)];
    let mut resumed: Vec<Value> = original.to_vec();
    resumed.extend([user("v", Some("a"), 60), assistant("b", "v", 61, "msg_2", 7)]);
    // The name of the copy sorts first, so that nothing but the rule makes the original win.
    let resumed: Vec<Value> = resumed.into_iter().map(|line| with(line, &[("/sessionId", json!("copy"))])).collect();
    for files in [
        [file("s.jsonl", &original), file("copy.jsonl", &resumed)],
        [file("copy.jsonl", &resumed), file("s.jsonl", &original)],
    ] {
        let calls = all::<LlmCall>(&import(&files));
        let sessions: Vec<_> = calls.iter().map(|call| call.session_id.as_deref()).collect();
        assert_eq!(sessions, [Some("s"), Some("copy")]);
    }
}

#[test]
fn forks_say_where_they_copied_from() {
    let fork = [("/sessionId", json!("fork")), ("/forkedFrom", json!({"sessionId": "s", "messageUuid": "x"}))];
    let call = only::<LlmCall>(&import_lines(&[with(assistant("a", "u", 1, "msg_1", 5), &fork)]));
    assert_eq!(call.session_id.as_deref(), Some("s"));
}

/// The parent's transcript repeats what its subagents say.
#[test]
fn progress_repeats_of_subagents_count_once() {
    let answer = with(
        assistant("a", "p", 2, "msg_1", 5),
        &[
            ("/isSidechain", json!(true)),
            ("/agentId", json!("a1")),
            ("/message/content", json!([{"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}])),
        ],
    );
    let repeated = json!({
        "type": "assistant", "uuid": "a", "timestamp": at(2), "requestId": "req_1",
        "message": with(answer.clone(), &[("/message/usage/output_tokens", json!(2))])["message"],
    });
    let result = json!({
        "type": "user", "uuid": "r", "timestamp": at(4),
        "message": {"content": [{"type": "tool_result", "tool_use_id": "toolu_1", "is_error": true}]},
    });
    let progress = |uuid: &str, message: &Value| {
        json!({
            "type": "progress", "uuid": uuid, "parentUuid": "u", "sessionId": "s", "timestamp": at(5),
            "data": {"type": "agent_progress", "agentId": "a1", "message": message},
        })
    };
    let parent = file("s.jsonl", &[user("u", None, 0), progress("x", &repeated), progress("y", &result)]);
    let subagent = file("s/subagents/agent-a1.jsonl", &[answer]);

    let both = import(&[parent.clone(), subagent]);
    let call = only::<LlmCall>(&both);
    assert_eq!((call.tokens.output, call.session_id.as_deref()), (5, Some("s/a1")));
    assert_eq!(call.operation, "subagent");
    assert_eq!(only::<ToolCompleted>(&both).session_id, "s/a1");

    // The transcript of a subagent may be gone; then its repeats are all there is.
    let call = only::<LlmCall>(&import(&[parent]));
    assert_eq!((call.tokens.output, call.session_id.as_deref()), (2, Some("s/a1")));
}

#[test]
fn caches_are_counted_beside_input_and_split_only_if_the_parts_add_up() {
    let cached = |total: Value, short: u64, long: u64| {
        let usage = json!({
            "input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 30, "cache_creation_input_tokens": total,
            "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
        });
        only::<LlmCall>(&import_lines(&[with(assistant("a", "u", 1, "msg_1", 0), &[("/message/usage", usage)])])).tokens
    };
    let tokens = |short, long| Tokens {
        input: 1,
        cache_read: 30,
        cache_write_5m: short,
        cache_write_1h: long,
        output: 2,
        ..Tokens::default()
    };
    assert_eq!(cached(json!(500), 100, 400), tokens(100, 400));
    assert_eq!(cached(json!(500), 100, 300), tokens(500, 0));
    assert_eq!(cached(Value::Null, 100, 400), tokens(100, 400));
}
