//! What users of other tools complain about.

use ledger_events::LlmCall;
use serde_json::json;

use crate::support::{
    all, calls, context, count, event, file, import, import_lines, line, meta, record, totals, usage,
};

/// <https://github.com/ccusage/ccusage/issues/1288>
#[test]
fn repeated_snapshots_count_once() {
    let lines = [
        meta(0, "s", json!({})),
        context(1),
        count(5, 100, 100),
        count(6, 100, 100),
        count(9, 300, 200),
        count(10, 300, 200),
    ];
    let import = import_lines(&lines);
    assert_eq!(calls(&import.events), (2, 300));
    assert_eq!((import.report.usage, import.report.duplicates), (2, 2));
}

/// <https://github.com/ccusage/ccusage/issues/950>, 897, 1349: subagents that replay the history of their parent.
#[test]
fn subagents_that_replay_their_parent_add_only_their_own() {
    let history: Vec<_> = (1..=50).map(|n| count(n * 10, u64::from(n) * 1_000, 1_000)).collect();
    let parent = [vec![meta(0, "p", json!({})), context(1)], history.clone()].concat();
    let mut files = vec![file("p.jsonl", &parent)];
    for child in 0..10_u32 {
        let start = 600 + child;
        let name = format!("c{child}");
        let spawned = json!({"source": {"subagent": {"thread_spawn": {"parent_thread_id": "p", "depth": 1}}}});
        let replay = history.iter().map(|line| crate::support::moved(line, start));
        let own = count(start + 60, 50_000 + 100 + u64::from(child), 100 + u64::from(child));
        let lines: Vec<_> =
            [meta(start, &name, spawned), context(start)].into_iter().chain(replay).chain([own]).collect();
        files.push(file(&format!("{name}.jsonl"), &lines));
    }
    let import = import(&files);
    assert_eq!(calls(&import.events), (60, 50_000 + 1_000 + 45));
    let subagents = all::<LlmCall>(&import).into_iter().filter(|call| call.operation == "subagent").count();
    assert_eq!(subagents, 10);
    assert!(import.events.iter().all(|event| event.run_id.as_str() == "codex:p"));
}

/// <https://github.com/pacphi/agentic-kit/pull/221>
#[test]
fn counters_that_restart_lose_and_repeat_nothing() {
    let lines = [
        meta(0, "s", json!({})),
        count(5, 100, 100),
        count(9, 300, 200),
        // The same totals again, of other calls.
        count(15, 100, 100),
        count(19, 300, 200),
        // Anew, with a larger call than all before.
        count(25, 900, 900),
    ];
    assert_eq!(calls(&import_lines(&lines).events), (5, 100 + 200 + 100 + 200 + 900));
}

/// <https://github.com/getagentseal/codeburn/issues/1380>
#[test]
fn cumulative_fields_of_records_are_not_read() {
    let lines = [
        meta(0, "s", json!({})),
        record(5, "s", "resp_1", 100),
        record(6, "s", "resp_2", 50),
        record(7, "s", "resp_1", 100),
    ];
    let import = import_lines(&lines);
    assert_eq!(calls(&import.events), (2, 150));
    assert_eq!((import.report.usage, import.report.duplicates), (2, 1));
}

#[test]
fn from_the_first_record_on_the_counters_of_a_thread_are_ignored() {
    let lines = [
        meta(0, "s", json!({})),
        count(5, 100, 100),
        record(10, "s", "resp_1", 40),
        count(10, 140, 40),
        record(20, "s", "resp_2", 60),
        count(20, 200, 60),
    ];
    assert_eq!(calls(&import_lines(&lines).events), (3, 200));
}

/// <https://github.com/langfuse/codex-observability-plugin/issues/22>
#[test]
fn cached_input_is_counted_once_and_reasoning_within_the_output() {
    let used = json!({
        "input_tokens": 1_000, "cached_input_tokens": 700, "cache_write_input_tokens": 200, "output_tokens": 50,
        "reasoning_output_tokens": 30, "total_tokens": 1_050,
    });
    let payload = json!({"thread_id": "s", "response_id": "r", "usage": used});
    let import = import_lines(&[meta(0, "s", json!({})), line(1, "token_usage_record", payload)]);
    let tokens = all::<LlmCall>(&import)[0].tokens;
    assert_eq!((tokens.input, tokens.cache_read, tokens.cache_write, tokens.output), (100, 700, 200, 50));
    assert_eq!((tokens.reasoning, tokens.total()), (Some(30), 1_050));
}

#[test]
fn snapshots_without_info_and_guesses_of_a_full_context_are_no_calls() {
    let full = json!({"info": {
        "total_token_usage": {"input_tokens": 0, "cached_input_tokens": 0, "output_tokens": 0,
            "reasoning_output_tokens": 0, "total_tokens": 258_400},
        "last_token_usage": {"input_tokens": 0, "cached_input_tokens": 0, "output_tokens": 0,
            "reasoning_output_tokens": 0, "total_tokens": 258_290},
    }});
    let lines = [
        meta(0, "s", json!({})),
        event(1, "token_count", json!({"info": null, "rate_limits": null})),
        count(5, 100, 100),
        event(6, "token_count", full),
        count(9, 20, 20),
    ];
    assert_eq!(calls(&import_lines(&lines).events), (2, 120));
}

#[test]
fn a_model_that_the_log_does_not_tell_is_not_guessed() {
    let import = import_lines(&[meta(0, "s", json!({"model_provider": "azure"})), count(5, 100, 100)]);
    let call = &all::<LlmCall>(&import)[0];
    assert_eq!((call.model.as_deref(), call.provider.as_str()), (None, "azure"));
    let flagged = import.events.iter().filter(|event| format!("{:?}", event.metadata).contains("model_unknown"));
    assert_eq!(flagged.count(), 1);
}

#[test]
fn bad_counts_and_missing_times_make_bad_lines_and_harm_no_other() {
    let mut bad = count(6, 200, 100);
    bad["payload"]["info"]["total_token_usage"]["input_tokens"] = json!("many");
    let mut timeless = count(7, 200, 100);
    timeless["timestamp"] = json!(null);
    let printed = json!({"type": "turn.completed", "usage": usage(100)});
    let import = import_lines(&[
        meta(0, "s", json!({})),
        count(5, 100, 100),
        bad,
        timeless,
        printed,
        json!([]),
        count(9, 300, 100),
    ]);
    assert_eq!(import.report.bad_lines, 4);
    assert_eq!(totals(&import.events).input, 300);
    let homeless = import_lines(&[count(5, 100, 100)]);
    assert_eq!((homeless.report.bad_lines, homeless.events.len()), (1, 0));
}
