//! Logs of any shape.

use ledger_events::LlmCall;
use ledger_import::{Mapping, Source};

use crate::home::{Home, assert_same, latest, whole_of};

const MAPPING: &str = r#"
name = "gateway"
[call]
key = "/id"
provider = "openai"
started_at = "/at"
tokens = { input = "/in" }
"#;

fn source(mapping: &str) -> Source {
    Source::Mapped(Mapping::parse(mapping).unwrap())
}

/// Calls that are observed several times, as they grow.
fn log(ids: std::ops::Range<u64>) -> String {
    let lines = ids.flat_map(|id| [1, 3, 2].map(|part| (id, part)));
    lines
        .map(|(id, part)| format!("{{\"id\":{id},\"at\":\"2026-01-01T12:00:00Z\",\"in\":{}}}\n", part * (id + 1)))
        .collect()
}

async fn total(home: &Home) -> u64 {
    latest::<LlmCall>(&home.events().await).values().map(|call| call.tokens.total()).sum()
}

/// Three times 1 + 2 + … + n.
const fn expected(n: u64) -> u64 {
    3 * n * (n + 1) / 2
}

#[tokio::test]
async fn a_log_that_grows_by_chunks_of_any_size_ends_as_if_read_whole() {
    let log = log(0..40);
    for step in [13, 100, 5_000] {
        let mut home = Home::new();
        for end in (step..log.len() + step).step_by(step) {
            home.write("log.jsonl", &log.as_bytes()[..end.min(log.len())]);
            home.import_of(&source(MAPPING)).await;
        }
        let whole = whole_of(&source(MAPPING), &[("log.jsonl".to_owned(), log.clone().into_bytes())]);
        assert_same(&home.events().await, &whole);
        assert_eq!(total(&home).await, expected(40));
    }
}

#[tokio::test]
async fn rotated_files_that_overlap_count_once_in_any_order() {
    let files = [("a.jsonl", log(0..20)), ("b.jsonl", log(10..30))];
    for order in [[0, 1], [1, 0]] {
        let mut home = Home::new();
        for file in order {
            let (path, text) = &files[file];
            home.write(path, text.as_bytes());
            home.import_of(&source(MAPPING)).await;
        }
        assert_eq!(total(&home).await, expected(30));
        let again = home.import_of(&source(MAPPING)).await;
        assert_eq!((again.unchanged, again.stored.appended), (2, 0));
    }
}

/// Files become one family in the middle of it, and are told with what was said of each before.
#[tokio::test]
async fn overlapping_files_that_grow_in_the_same_passes_end_as_if_read_whole() {
    let files = [("a.jsonl", log(0..30)), ("b.jsonl", log(15..45)), ("c.jsonl", log(40..60))];
    for steps in [[1, 1, 1], [4, 7, 5], [9, 2, 13]] {
        let mut home = Home::new();
        for pass in 1..=13 {
            for ((path, text), steps) in files.iter().zip(steps) {
                home.write(path, &text.as_bytes()[..text.len() * pass.min(steps) / steps]);
            }
            home.import_of(&source(MAPPING)).await;
        }
        let files = files.clone().map(|(path, text)| (path.to_owned(), text.into_bytes()));
        assert_same(&home.events().await, &whole_of(&source(MAPPING), &files));
        assert_eq!(total(&home).await, expected(60));
    }
}

/// A mapping that took the wrong count for the input is corrected; its edition says that it is the better one.
#[tokio::test]
async fn a_greater_edition_corrects_what_another_mapping_said() {
    let wrong = MAPPING.replace("/in", "/all");
    let log = "{\"id\":1,\"at\":\"2026-01-01T12:00:00Z\",\"all\":900,\"in\":30}\n";
    let corrected = [MAPPING.to_owned(), format!("edition = 1\n{MAPPING}"), format!("edition = 255\n{wrong}")];
    let mut home = Home::new();
    home.write("log.jsonl", log.as_bytes());
    home.import_of(&source(&wrong)).await;
    for (mapping, expected) in corrected.iter().zip([900, 30, 900]) {
        home.import_of(&source(mapping)).await;
        assert_eq!(total(&home).await, expected);
    }
}

/// What was said is not made again whenever the log grows.
#[tokio::test]
async fn only_what_is_new_is_told() {
    let mut home = Home::new();
    home.write("log.jsonl", log(0..20).as_bytes());
    home.import_of(&source(MAPPING)).await;
    home.write("log.jsonl", log(0..21).as_bytes());
    let pass = home.import_of(&source(MAPPING)).await;
    assert_eq!((pass.stored.appended, pass.stored.duplicates), (1, 0));
    home.keep = ledger_import::incremental::MemoryKeep::default();
    let again = home.import_of(&source(MAPPING)).await;
    assert_eq!((again.stored.appended, again.stored.duplicates), (0, 21));
}

#[tokio::test]
async fn another_mapping_reads_again() {
    let mut home = Home::new();
    home.write("log.jsonl", log(0..5).as_bytes());
    home.import_of(&source(MAPPING)).await;
    let pass = home.import_of(&source(&MAPPING.replace("\"openai\"", "[\"/provider\", \"openai\"]"))).await;
    assert_eq!((pass.report.files, pass.stored.appended, pass.stored.duplicates), (1, 0, 5));
}
