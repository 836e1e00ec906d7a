//! What docs/import.md says works.

use ledger_events::{CallStatus, CostSource};

use crate::support::{calls, import};

const DOCUMENT: &str = include_str!("../../../../docs/import.md");

/// The first block of `language` in the document.
fn block(language: &str) -> &'static str {
    let (_, after) = DOCUMENT.split_once(&format!("```{language}\n")).unwrap();
    after.split_once("```").unwrap().0
}

#[test]
fn the_mapping_of_the_document_reads_its_log() {
    let import = import(block("toml"), block("json"));
    assert_eq!((import.report.bad_lines, import.report.other), (0, 0), "{:?}", import.report.bad);
    let calls = calls(&import.events);
    let [went_well, failed] = &calls[..] else { panic!("{calls:?}") };
    let tokens = went_well.tokens;
    assert_eq!((tokens.input, tokens.cache_read, tokens.output), (3_044, 1_024, 212));
    assert_eq!((went_well.tenant_id.as_str(), went_well.model.as_deref()), ("search", Some("gpt-5.5")));
    let cost = went_well.cost.as_ref().unwrap();
    assert_eq!((cost.pico_usd, &cost.source), (10_512_000_000, &CostSource::Provider));
    assert_eq!(went_well.duration_ms.unwrap().get(), 2_350.0);
    assert_eq!((&failed.status, failed.error_class.as_deref()), (&CallStatus::Limit, Some("RateLimitError")));
}
