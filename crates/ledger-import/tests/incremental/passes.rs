//! Passes over files that grow say what imports of the same files as a whole would have said, one after each pass, and
//! nothing else: what an event is made of may change with any later line, of another file too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use ledger_core::Event;
use ledger_events::LlmCall;
use ledger_import::Source;
use serde_json::json;

use crate::home::{Home, latest, spotter, whole_of};

type Files = Vec<(String, Vec<u8>)>;

/// Numbers that look random, the same in every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }
}

/// Events by id, each in all of its bytes.
type Texts = BTreeMap<String, String>;

fn texts(events: &[Event]) -> Texts {
    events.iter().map(|event| (event.id.to_string(), serde_json::to_string(event).unwrap())).collect()
}

/// What was said stays as it was said first: the time of an event is no part of its id.
fn note(said: &mut Texts, events: &[Event]) {
    texts(events).into_iter().for_each(|(id, text)| _ = said.entry(id).or_insert(text));
}

/// Lets all files grow by lines, in `passes` passes, and compares what was said with what whole imports say after each.
async fn grow(source: &Source, files: &Files, passes: usize, numbers: &mut Numbers) {
    let mut home = Home::new();
    let mut said = Texts::new();
    let ends: Vec<Vec<usize>> = files.iter().map(|(_, bytes)| ends_of_lines(bytes)).collect();
    let mut reached = vec![0; files.len()];
    for pass in 1..=passes {
        for (file, ends) in ends.iter().enumerate() {
            let left = ends.len() - reached[file];
            // Some files rest, most grow by little or much; in the end all are whole.
            reached[file] += match numbers.below(4) {
                _ if pass == passes => left,
                0 => 0,
                1 => numbers.below(left.min(3) + 1),
                _ => numbers.below(left + 1),
            };
        }
        let grown = files.iter().zip(&ends).zip(&reached).filter(|(_, reached)| **reached > 0);
        let grown: Files = grown
            .map(|(((path, bytes), ends), reached)| (path.clone(), bytes[..ends[*reached - 1]].to_vec()))
            .collect();
        grown.iter().for_each(|(path, bytes)| home.write(path, bytes));
        home.import_of(source).await;
        let paths: Files =
            grown.into_iter().map(|(path, bytes)| (home.path(&path).to_str().unwrap().to_owned(), bytes)).collect();
        note(&mut said, &whole_of(source, &paths).events);
        let events = home.events().await;
        assert_eq!(events.len(), events.iter().map(|event| &event.id).collect::<BTreeSet<_>>().len());
        let told = texts(&events);
        let differ: Vec<_> = said
            .iter()
            .filter(|(id, _)| !told.contains_key(*id))
            .map(|(_, text)| ("not said", text))
            .chain(told.iter().filter(|(id, text)| said.get(*id) != Some(text)).map(|(_, text)| ("said", text)))
            .collect();
        assert!(differ.is_empty(), "pass {pass} of {passes}: {differ:#?}");
    }
}

fn ends_of_lines(bytes: &[u8]) -> Vec<usize> {
    let mut ends: Vec<usize> = (1..=bytes.len()).filter(|end| bytes[end - 1] == b'\n').collect();
    if ends.last() != Some(&bytes.len()) {
        ends.push(bytes.len());
    }
    ends
}

/// The first lines of files.
fn cut(files: Files, lines: usize) -> Files {
    let cut = |bytes: Vec<u8>| bytes.split_inclusive(|byte| *byte == b'\n').take(lines).flatten().copied().collect();
    files.into_iter().map(|(path, bytes)| (path, cut(bytes))).collect()
}

/// The session, its subagents, and a copy that resumes it and goes on otherwise.
fn claude() -> Files {
    let mut files = cut(spotter(), 120);
    let (_, bytes) = &files[0];
    let text = String::from_utf8(bytes.clone()).unwrap();
    let copied: String = text.split_inclusive('\n').take(60).collect();
    let went_on: String = text.split_inclusive('\n').skip(60).collect();
    let other =
        |text: &str| text.replace("258c7280-ae70-4798-800f-63464d01a85d", "00000000-0000-4000-8000-000000000001");
    // What goes on in the copy has ids of its own.
    let went_on = went_on.replace("\"uuid\":\"", "\"uuid\":\"x").replace("\"parentUuid\":\"", "\"parentUuid\":\"x");
    let went_on = went_on.replace("msg_", "msg_x").replace("toolu_", "toolu_x");
    let path = "projects/-home-user-spotter/00000000-0000-4000-8000-000000000001.jsonl".to_owned();
    files.push((path, (other(&copied) + &other(&went_on)).into_bytes()));
    files
}

/// The files of a real set of Codex.
fn codex(set: &str) -> Files {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/codex").join(set);
    let found = Source::Codex.find(&[dir]).unwrap();
    let name = |path: &std::path::Path| format!("sessions/{}", path.file_name().unwrap().to_str().unwrap());
    found.files.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

#[tokio::test]
async fn sessions_subagents_and_copies_of_claude_say_what_whole_imports_say() {
    let files = claude();
    for seed in 0..12 {
        grow(&Source::Claude, &files, 6, &mut Numbers(seed)).await;
    }
}

#[tokio::test]
async fn threads_and_forks_of_codex_say_what_whole_imports_say() {
    for set in ["agtrace", "codexbar"] {
        let files = codex(set);
        for seed in 0..6 {
            grow(&Source::Codex, &cut(files.clone(), 400), 6, &mut Numbers(seed)).await;
        }
    }
}

/// One line at a time: a tool that ends, a turn that ends, the next prompt.
#[tokio::test]
async fn each_line_alone_says_what_whole_imports_say() {
    let mut home = Home::new();
    let (path, bytes) = cut(spotter(), 60).remove(0);
    let mut said = Texts::new();
    for end in ends_of_lines(&bytes) {
        home.write(&path, &bytes[..end]);
        home.import().await;
        let whole = [(home.path(&path).to_str().unwrap().to_owned(), bytes[..end].to_vec())];
        note(&mut said, &whole_of(&Source::Claude, &whole).events);
        assert_eq!(texts(&home.events().await), said);
    }
}

/// Codex forgets what a file said that was rewritten; what was said of it stays, and the rest is said.
#[tokio::test]
async fn a_rollout_that_was_rewritten_says_what_the_new_one_says() {
    for rewritten in [0, 1] {
        let (mut home, mut files) = (Home::new(), codex("codexbar"));
        files.iter().for_each(|(path, bytes)| home.write(path, bytes));
        home.import_of(&Source::Codex).await;
        let mut said = texts(&whole_of(&Source::Codex, &files).events);
        let (path, bytes) = &mut files[rewritten];
        // Other lines from the second on, of which the first half is left out.
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        *bytes = lines.iter().take(1).chain(&lines[lines.len() / 2..]).copied().flatten().copied().collect();
        home.write(path, bytes);
        assert_eq!(home.import_of(&Source::Codex).await.rewritten, 1);
        note(&mut said, &whole_of(&Source::Codex, &files).events);
        assert_eq!(texts(&home.events().await), said);
    }
}

#[tokio::test]
async fn families_of_any_number_that_become_one_are_one_in_any_order() {
    let (_, bytes) = cut(spotter(), 40).remove(0);
    let text = String::from_utf8(bytes).unwrap();
    let copies: Files = (0..12)
        .map(|number| {
            let session = format!("00000000-0000-4000-8000-{number:012}");
            let copy = text.replace("258c7280-ae70-4798-800f-63464d01a85d", &session);
            (format!("projects/p/{session}.jsonl"), copy.into_bytes())
        })
        .collect();
    for seed in 0..4 {
        grow(&Source::Claude, &copies, 4, &mut Numbers(seed)).await;
    }
    let mut home = Home::new();
    copies.iter().for_each(|(path, bytes)| home.write(path, bytes));
    let pass = home.import().await;
    let whole = whole_of(&Source::Claude, &copies);
    assert_eq!(
        (pass.report.calls, pass.report.tools, pass.report.turns),
        (whole.report.calls, whole.report.tools, whole.report.turns)
    );
    assert_eq!((pass.report.sessions, pass.stored.appended), (12, whole.events.len() as u64));
}

/// Exports that share a trace, and have one each that the others have not: the first to be read does not know them.
#[tokio::test]
async fn exports_that_are_read_together_say_all_of_each() {
    let span = |trace: u64, id: u64, input: u64| {
        let attributes = json!([{"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
            {"key": "gen_ai.usage.input_tokens", "value": {"intValue": input}}]);
        let span = json!({"traceId": format!("{trace:032x}"), "spanId": format!("{id:016x}"), "name": "any",
            "startTimeUnixNano": "1767225600000000000", "endTimeUnixNano": "1767225601000000000",
            "attributes": attributes});
        format!("{}\n", json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}))
    };
    let mut home = Home::new();
    for file in 0..20 {
        let lines = span(1, 100 + file, 1) + &span(10 + file, 200 + file, 1_000);
        home.write(&format!("rotated{file:02}.jsonl"), lines.as_bytes());
    }
    home.import_of(&Source::Otlp).await;
    let events = home.events().await;
    let total: u64 = latest::<LlmCall>(&events).values().map(|call| call.tokens.total()).sum();
    assert_eq!((latest::<LlmCall>(&events).values().count(), total), (40, 20 * 1_001));
}
