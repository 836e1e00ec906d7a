//! Threads of roder: lines, and a document that is written anew.

use std::fs;

use ledger_events::LlmCall;
use ledger_import::Source;
use serde_json::{Value, json};

use crate::home::{Home, assert_same, latest, whole_of};

const EVENTS: &str = "threads/t/events.jsonl";
const METADATA: &str = "threads/t/metadata.json";

fn events() -> String {
    let event = |n: u32, variant: &str, body: Value| {
        json!({
            "event_id": format!("e{n}"), "seq": n, "timestamp": format!("2026-01-01T00:00:{n:02}Z"), "thread_id": "t",
            "turn_id": format!("u{}", n / 10), "event": {variant: body},
        })
    };
    let used = |prompt: u64| json!({"event": {"Usage": {"prompt_tokens": prompt, "completion_tokens": 1}}});
    let turn = |n: u32| {
        [
            event(n, "TurnStarted", json!({})),
            event(n + 1, "InferenceStarted", json!({})),
            event(n + 2, "InferenceEventReceived", used(u64::from(n))),
            event(n + 3, "InferenceStarted", json!({})),
            event(n + 4, "InferenceEventReceived", used(1_000)),
            event(n + 5, "TurnInterrupted", json!({})),
        ]
    };
    [10, 20, 30].into_iter().flat_map(turn).map(|line| format!("{line}\n")).collect()
}

fn metadata(model: &str, updated_at: &str) -> String {
    let value = json!({"thread_id": "t", "provider": "openai", "model": model, "updated_at": updated_at});
    serde_json::to_string_pretty(&value).unwrap()
}

/// 10 + 20 + 30, three times 1,000, and an answer of 1 for each of the six.
const TOKENS: u64 = 60 + 3_000 + 6;

async fn calls(home: &Home) -> (usize, u64, Vec<Option<String>>) {
    let calls = latest::<LlmCall>(&home.events().await);
    let tokens = calls.values().map(|call| call.tokens.total()).sum();
    (calls.values().count(), tokens, calls.values().map(|call| call.model.clone()).collect())
}

#[tokio::test]
async fn a_thread_that_grows_by_chunks_of_any_size_ends_as_if_read_whole() {
    let events = events();
    for step in [7, 100, 1_000] {
        let mut home = Home::new();
        for end in (step..events.len() + step).step_by(step) {
            home.write(EVENTS, &events.as_bytes()[..end.min(events.len())]);
            home.import_of(&Source::Roder).await;
        }
        assert_same(
            &home.events().await,
            &whole_of(&Source::Roder, &[(EVENTS.to_owned(), events.clone().into_bytes())]),
        );
        assert_eq!(calls(&home).await.1, TOKENS);
        let again = home.import_of(&Source::Roder).await;
        assert_eq!((again.unchanged, again.stored.appended), (1, 0));
    }
}

#[tokio::test]
async fn a_document_that_was_written_anew_is_read_anew() {
    let mut home = Home::new();
    home.write(EVENTS, events().as_bytes());
    home.write(METADATA, b"{\n  \"thread_id\":");
    let pass = home.import_of(&Source::Roder).await;
    assert_eq!((pass.report.pending, calls(&home).await.2), (1, vec![None; 6]));
    // Calls do not change their model when the thread does.
    for (model, updated_at) in [("gpt-5", "2026-01-01T00:00:00Z"), ("gpt-5.5", "2026-01-02T00:00:00Z")] {
        home.write(METADATA, metadata(model, updated_at).as_bytes());
        let pass = home.import_of(&Source::Roder).await;
        assert_eq!((pass.report.files, pass.rewritten, pass.report.bad_lines), (1, 0, 0));
        assert_eq!(calls(&home).await, (6, TOKENS, vec![Some("gpt-5".to_owned()); 6]));
    }
}

#[tokio::test]
async fn a_thread_that_was_archived_counts_once() {
    let mut home = Home::new();
    home.write(EVENTS, events().as_bytes());
    home.write(METADATA, metadata("gpt-5", "2026-01-01T00:00:00Z").as_bytes());
    home.import_of(&Source::Roder).await;
    fs::rename(home.path("threads"), home.path("archived_threads")).unwrap();
    let pass = home.import_of(&Source::Roder).await;
    assert_eq!((pass.report.files, pass.stored.appended), (2, 0));
    assert_eq!(calls(&home).await.1, TOKENS);
}
