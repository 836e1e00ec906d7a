#![allow(clippy::unwrap_used, missing_docs)]
use ledger_events::{Latest, LlmCall};
use ledger_import::{Import, Importer, Options, Source};
fn import(files: &[(&str, &str)]) -> Import {
    let mut i = Importer::new(&Source::Roder, Options::default()).unwrap();
    for (p, t) in files {
        i.read(p.as_ref(), t.as_bytes()).unwrap();
    }
    i.finish()
}
fn line(n: u32, event: &str) -> String {
    format!(
        "{{\"event_id\":\"e{n}\",\"seq\":{n},\"timestamp\":\"2026-01-01T00:00:{n:02}Z\",\"thread_id\":\"t\",\"turn_id\":\"u\",\"event\":{event}}}\n"
    )
}
fn log() -> Vec<String> {
    ["{\"TurnStarted\":{}}",
     "{\"InferenceStarted\":{\"model\":{\"provider\":\"anthropic\",\"model\":\"m\"}}}",
     "{\"InferenceEventReceived\":{\"event\":{\"MessageDelta\":{\"text\":\"canary-7f\"}}}}",
     "{\"InferenceEventReceived\":{\"event\":{\"Usage\":{\"prompt_tokens\":100,\"completion_tokens\":7,\"total_tokens\":107,\"cached_prompt_tokens\":60,\"cache_creation_prompt_tokens\":30}}}}",
     "{\"InferenceEventReceived\":{\"event\":{\"Completed\":{\"stop_reason\":\"end_turn\",\"provider_response_id\":\"r1\"}}}}",
     "{\"ToolCallStarted\":{\"tool_id\":\"c1\",\"tool_name\":\"bash\",\"display_payload\":\"canary-7f\"}}",
     "{\"ToolCallCompleted\":{\"tool_id\":\"c1\",\"is_error\":true,\"output\":\"canary-7f\"}}",
     "{\"TurnCompleted\":{\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":7,\"total_tokens\":107,\"cached_prompt_tokens\":60,\"cache_creation_prompt_tokens\":30}}}"]
    .iter().zip(1..).map(|(e, n)| line(n, e)).collect()
}
fn calls(events: &[ledger_core::Event]) -> Vec<LlmCall> {
    let mut l = Latest::<LlmCall>::default();
    events.iter().for_each(|e| l.observe_event(e).unwrap());
    l.values().cloned().collect()
}
#[test]
fn basics() {
    let all = log().concat();
    let i = import(&[("threads/t/events.jsonl", &all)]);
    let c = calls(&i.events);
    assert_eq!(c.len(), 1);
    let t = c[0].tokens;
    assert_eq!((t.input, t.cache_read, t.cache_write, t.output), (10, 60, 30, 7));
    assert_eq!(c[0].duration_ms.unwrap().get(), 3000.0);
    assert_eq!((i.report.tools, i.report.turns, i.report.bad_lines), (1, 1, 0));
    assert!(!serde_json::to_string(&i.events).unwrap().contains("canary-7f"));
}
#[test]
fn fork_copy_counts_once_in_both_orders() {
    let parent = import(&[("threads/t/events.jsonl", &log().concat())]).events;
    let l = log();
    let fork = import(&[("threads/f/events.jsonl", &[l[0].clone(), l[7].clone()].concat())]).events;
    for order in [[&*parent, &*fork].concat(), [&*fork, &*parent].concat()] {
        let c = calls(&order);
        assert_eq!((c.len(), c[0].tokens.total()), (1, 107));
    }
    assert_eq!(calls(&fork)[0].tokens.total(), 107);
}
#[test]
fn interrupted_turn_counts_and_pretty_metadata_is_a_fallback() {
    let mut l = log();
    l.truncate(4);
    l.remove(1);
    l.push(line(9, "{\"TurnInterrupted\":{}}"));
    let meta = "{\n  \"thread_id\": \"t\",\n  \"title\": \"canary-7f\",\n  \"workspace\": \"/w\",\n  \"provider\": \"openai\",\n  \"model\": \"gpt\",\n  \"created_at\": \"2026-01-01T00:00:00Z\",\n  \"updated_at\": \"2026-01-01T00:00:00Z\"\n}\n";
    let i = import(&[("threads/t/metadata.json", meta), ("threads/t/events.jsonl", &l.concat())]);
    let c = calls(&i.events);
    assert_eq!(
        (c.len(), c[0].tokens.total(), c[0].status.as_str(), c[0].provider.as_str(), c[0].model.as_deref()),
        (1, 107, "cancelled", "openai", Some("gpt"))
    );
    assert_eq!(i.report.bad_lines, 0);
}
#[test]
fn any_cut_ends_with_the_same_totals() {
    let l = log();
    let mut events = Vec::new();
    for n in 0..=l.len() {
        events.extend(import(&[("threads/t/events.jsonl", &l[..n].concat())]).events);
    }
    for _ in 0..2 {
        let c = calls(&events);
        assert_eq!((c.len(), c[0].tokens.total(), c[0].call_id.as_deref()), (1, 107, Some("r1")));
        events.reverse();
    }
}
