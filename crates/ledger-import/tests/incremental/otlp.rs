//! Exports of OpenTelemetry: a trace is spread over lines and files, and children are told of before their parents or after.

use ledger_events::LlmCall;
use ledger_import::Source;
use serde_json::{Value, json};

use crate::home::{Home, assert_same, latest, whole_of};

fn span(trace: u64, id: u64, parent: u64, attributes: &[(&str, Value)]) -> String {
    let value = |value: &Value| match value {
        Value::String(text) => json!({"stringValue": text}),
        number => json!({"intValue": number}),
    };
    let attributes: Vec<Value> =
        attributes.iter().map(|(key, told)| json!({"key": key, "value": value(told)})).collect();
    let start = 1_767_225_600_000_000_000 + id * 1_000_000_000;
    let mut span = json!({
        "traceId": format!("{trace:032x}"), "spanId": format!("{id:016x}"), "name": "any",
        "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + 1_500_000).to_string(),
        "attributes": attributes,
    });
    if parent > 0 {
        span["parentSpanId"] = json!(format!("{parent:016x}"));
    }
    let resource = json!({"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]});
    format!("{}\n", json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}))
}

/// A request of Claude Code, in no trace.
fn record() -> String {
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let attributes = [text("session.id", "s2"), text("input_tokens", "30"), text("output_tokens", "3")];
    let record = json!({"timeUnixNano": "1767225609000000000", "attributes": attributes,
        "body": {"stringValue": "claude_code.api_request"}});
    format!("{}\n", json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}))
}

/// A workflow with two agents: the first has two calls, of which one is told of by its server too; the second has one,
/// and one that failed. All that is around repeats what is below it.
fn exports() -> Vec<String> {
    let used = |input: u64| vec![("gen_ai.usage.input_tokens", json!(input)), ("gen_ai.usage.output_tokens", json!(1))];
    let with = |input: u64, more: &[(&'static str, &str)]| {
        let more = more.iter().map(|(key, value)| (*key, json!(value)));
        used(input).into_iter().chain(more).collect::<Vec<_>>()
    };
    let (chat, agent) = (("gen_ai.operation.name", "chat"), ("gen_ai.operation.name", "invoke_agent"));
    let request = ("anthropic.request.id", "req_011CSHoEeqs5C35K2UUqR7Fy");
    let answer = ("gen_ai.response.id", "chatcmpl-BqkAdYh2LVZ1uSkVnS5gCRRk");
    vec![
        span(1, 4, 3, &with(100, &[chat])),
        span(2, 9, 0, &with(200, &[answer, chat])),
        span(1, 5, 2, &with(200, &[chat, answer, ("gen_ai.provider.name", "openai")])),
        span(1, 3, 2, &[("http.request.method", json!("POST"))]),
        span(1, 10, 2, &[("gen_ai.operation.name", json!("execute_tool")), ("gen_ai.tool.name", json!("search"))]),
        span(1, 2, 1, &with(300, &[agent, ("gen_ai.conversation.id", "s1")])),
        span(1, 8, 6, &[("gen_ai.operation.name", json!("chat")), ("error.type", json!("timeout"))]),
        span(1, 7, 6, &with(400, &[chat])),
        span(1, 6, 1, &with(400, &[agent])),
        span(1, 1, 0, &with(700, &[("session.id", "s0")])),
        // Two calls of other traces: one that nothing else is told of, and one whose parent is told of somewhere else.
        span(3, 11, 12, &with(50, &[chat])),
        span(4, 13, 0, &with(25, &[chat, ("gen_ai.response.id", "msg_01XFDUDYJgAACzvnptvVoYEL")])),
        // One request: the server knows no answer, is below an agent, and in a trace of its own.
        span(5, 14, 15, &with(60, &[chat, request])),
        span(5, 15, 0, &with(60, &[agent])),
        span(6, 16, 0, &with(60, &[chat, request, ("gen_ai.response.id", "msg_01DUDYJgAACzvnptvVoYEXF")])),
        record(),
        // An agent repeats the id of its last answer.
        span(7, 17, 0, &with(150, &[agent, ("gen_ai.response.id", "resp_68a3f1b2")])),
        span(7, 18, 17, &with(100, &[chat])),
        span(7, 19, 17, &with(50, &[chat, ("gen_ai.response.id", "resp_68a3f1b2")])),
        // A gateway without the id is between the one who asks and the one who answers.
        span(8, 20, 0, &with(70, &[chat, ("gen_ai.response.id", "resp_68a3f1b3")])),
        span(8, 21, 20, &with(70, &[chat])),
        span(8, 22, 21, &with(70, &[chat, ("gen_ai.response.id", "resp_68a3f1b3")])),
        // The same answer in a trace of its own, below an agent.
        span(9, 23, 28, &with(70, &[chat, ("gen_ai.response.id", "resp_68a3f1b3")])),
        span(9, 28, 0, &with(70, &[agent])),
        // A span is told of before it has its answer, and again when it has.
        span(10, 24, 0, &with(10, &[chat])),
        span(10, 24, 0, &with(80, &[chat, ("gen_ai.response.id", "resp_68a3f1b4")])),
        // Who asked knows the request, which has an answer elsewhere, and is above a call with tokens.
        span(11, 25, 0, &with(90, &[chat, ("anthropic.request.id", "req_011CSHoEeqs5C35K2UUqR7Fz")])),
        span(11, 26, 25, &with(90, &[chat])),
        span(
            12,
            27,
            0,
            &with(
                90,
                &[
                    chat,
                    ("anthropic.request.id", "req_011CSHoEeqs5C35K2UUqR7Fz"),
                    ("gen_ai.response.id", "msg_01DUDYJgAACzvnptvVoYEXG"),
                ],
            ),
        ),
        // A call that sums two others up has the answer of one of them.
        span(13, 29, 0, &with(300, &[chat, ("gen_ai.response.id", "resp_68a3f1b5")])),
        span(13, 30, 29, &with(100, &[chat, ("gen_ai.response.id", "resp_68a3f1b6")])),
        span(13, 31, 29, &with(200, &[chat, ("gen_ai.response.id", "resp_68a3f1b5")])),
        // A span is told of with its answer, and later with more tokens and without.
        span(14, 32, 0, &with(10, &[chat, ("gen_ai.response.id", "resp_68a3f1b7")])),
        span(14, 32, 0, &with(80, &[chat])),
    ]
}

const EXPORTS: usize = 34;
/// 100 + 200 + 400 + 50 + 25 + 60 + 100 + 50 + 70 + 80 + 90 + 100 + 200 + 80 of input, and one each of output; the record; and
/// the call that failed.
const TOTAL: (usize, u64) = (16, 1_605 + 14 + 33);

async fn total(home: &Home) -> (usize, u64) {
    let calls = latest::<LlmCall>(&home.events().await);
    (calls.values().count(), calls.values().map(|call| call.tokens.total()).sum())
}

fn file(name: &str, lines: &[String]) -> (String, Vec<u8>) {
    (name.to_owned(), lines.concat().into_bytes())
}

#[tokio::test]
async fn a_file_that_grows_by_chunks_of_any_size_ends_as_if_read_whole() {
    let (path, bytes) = file("otlp.jsonl", &exports());
    let whole = whole_of(&Source::Otlp, &[(path.clone(), bytes.clone())]);
    for step in [97, 400, 1_111] {
        let mut home = Home::new();
        for end in (step..bytes.len() + step).step_by(step) {
            home.write(&path, &bytes[..end.min(bytes.len())]);
            home.import_of(&Source::Otlp).await;
        }
        assert_same(&home.events().await, &whole);
        assert_eq!(total(&home).await, TOTAL, "{step}");
    }
}

/// Each line in a file of its own, in several orders, read one by one: whatever is above or below comes at any time.
#[tokio::test]
async fn lines_in_files_of_their_own_end_the_same_in_any_order() {
    let files: Vec<_> = exports()
        .iter()
        .enumerate()
        .map(|(number, line)| file(&format!("otlp-{number:02}.jsonl"), std::slice::from_ref(line)))
        .collect();
    let whole = whole_of(&Source::Otlp, &files);
    assert_eq!(files.len(), EXPORTS);
    // All numbers that have nothing in common with 35 give each line once.
    for factor in [1, 2, 8, 13, 17, 23, 27, 34] {
        let mut home = Home::new();
        for turn in 1..=EXPORTS {
            let (path, bytes) = &files[factor * turn % (EXPORTS + 1) - 1];
            home.write(path, bytes);
            home.import_of(&Source::Otlp).await;
        }
        assert_same(&home.events().await, &whole);
        assert_eq!(total(&home).await, TOTAL, "{factor}");
        let again = home.import_of(&Source::Otlp).await;
        assert_eq!((again.unchanged, again.stored.appended), (34, 0));
    }
}

#[tokio::test]
async fn a_parent_that_was_said_does_not_count_when_its_calls_become_known() {
    let lines = exports();
    let mut home = Home::new();
    home.write("otlp-2.jsonl", &lines[9].clone().into_bytes());
    home.import_of(&Source::Otlp).await;
    assert_eq!(total(&home).await, (1, 701));
    home.write("otlp-1.jsonl", &[lines[5].clone(), lines[8].clone()].concat().into_bytes());
    home.import_of(&Source::Otlp).await;
    assert_eq!(total(&home).await, (2, 702), "the two agents of the workflow");
    home.write("otlp-0.jsonl", &[lines[0].clone(), lines[3].clone()].concat().into_bytes());
    home.import_of(&Source::Otlp).await;
    assert_eq!(total(&home).await, (2, 502), "a call of the first agent, and the second agent");
}

#[tokio::test]
async fn two_files_in_either_order_imported_twice_are_one_ledger() {
    let lines = exports();
    let files = [file("otlp-0.jsonl", &lines[..5]), file("otlp-1.jsonl", &lines[5..])];
    let whole = whole_of(&Source::Otlp, &files);
    for order in [[0, 1], [1, 0]] {
        let mut home = Home::new();
        for number in order {
            home.write(&files[number].0, &files[number].1);
            home.import_of(&Source::Otlp).await;
        }
        assert_same(&home.events().await, &whole);
        // Whoever forgets how far it got reads everything, and adds nothing.
        home.keep = ledger_import::incremental::MemoryKeep::default();
        let again = home.import_of(&Source::Otlp).await;
        assert_eq!((again.report.files, again.stored.appended), (2, 0));
        assert_eq!(total(&home).await, TOTAL);
    }
}
