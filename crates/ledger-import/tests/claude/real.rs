//! Real transcripts, against the numbers of their authors.

use std::path::{Path, PathBuf};

use ledger_events::{LlmCall, SessionStarted, ToolCompleted, TurnCompleted, TurnStarted, TurnStatus};
use ledger_import::{Source, samples};

use crate::support::{Totals, all, import, totals};

pub(crate) fn spotter() -> Vec<(PathBuf, Vec<u8>)> {
    samples::SPOTTER.iter().map(|(path, bytes)| (PathBuf::from(path), bytes.to_vec())).collect()
}

fn testdata(set: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/claude").join(set);
    let paths = Source::Claude.find(&[dir]).unwrap().files;
    paths.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

pub(crate) const SPOTTER: Totals =
    Totals { calls: 156, input: 198, output: 38_908, cache_write: 394_137, cache_read: 14_972_534 };

#[test]
fn spotter_is_156_calls() {
    let import = import(&spotter());
    assert_eq!(totals(&import.events), SPOTTER);
    assert_eq!(all::<LlmCall>(&import).len(), 156);
    let report = &import.report;
    assert_eq!((report.files, report.usage, report.calls, report.sessions), (3, 156, 156, 3));
    // 305 lines of the conversation, and two that the parent's progress repeats.
    assert_eq!(report.usage + report.superseding + report.duplicates, 305 + 2);
    assert_eq!((report.bad_lines, report.pending, report.refused), (0, 0, 0));
    assert_eq!(report.lines, report.usage + report.superseding + report.duplicates + report.other);
}

#[test]
fn agtrace_is_6_calls() {
    let import = import(&testdata("agtrace"));
    let expected = Totals { calls: 6, input: 74, output: 844, cache_write: 5_158, cache_read: 93_553 };
    assert_eq!(totals(&import.events), expected);
    let report = &import.report;
    assert_eq!((report.usage, report.usage + report.superseding + report.duplicates), (6, 13));
    // Of five lines of the user, two are prompts that were answered; the others are what `/exit` leaves.
    assert_eq!(all::<TurnStarted>(&import).len(), 2);
}

#[test]
fn the_demo_has_what_the_files_have() {
    let found: Vec<_> = testdata("spotter").into_iter().map(|(_, bytes)| bytes).collect();
    let mut samples: Vec<_> = spotter().into_iter().map(|(_, bytes)| bytes).collect();
    samples.sort_by_key(|bytes| found.iter().position(|other| other == bytes));
    assert_eq!(samples, found);
}

#[test]
fn spotter_is_joined_into_tools_turns_and_sessions() {
    let import = import(&spotter());
    let tools = all::<ToolCompleted>(&import);
    assert_eq!(tools.len(), 188);
    assert!(tools.iter().all(|tool| tool.turn_id.is_some() && tool.duration_ms.is_some()));
    let statuses: Vec<_> = all::<TurnCompleted>(&import).into_iter().map(|turn| turn.status).collect();
    assert_eq!(statuses, [TurnStatus::Interrupted, TurnStatus::Completed, TurnStatus::Completed]);
    let measured = all::<TurnCompleted>(&import)[1].duration_ms.map(ledger_events::Millis::get);
    assert_eq!(measured, Some(2_729_883.0));
    assert_eq!(all::<TurnStarted>(&import).len(), 6);
    let parents = all::<SessionStarted>(&import).into_iter().filter(|session| session.parent_session_id.is_some());
    assert_eq!(parents.count(), 2);
    let calls = all::<LlmCall>(&import);
    assert!(calls.iter().all(|call| call.turn_id.is_some() && call.duration_ms.is_some()));
    assert!(import.events.iter().all(|event| event.run_id.as_str() == "claude:258c7280-ae70-4798-800f-63464d01a85d"));
    let actors: Vec<_> = import.events.iter().filter(|event| event.actor.as_str() == "claude-code/a881341").collect();
    assert!(!actors.is_empty());
}

#[test]
fn the_order_of_files_does_not_matter() {
    let forward = import(&spotter());
    let mut files = spotter();
    files.reverse();
    let backward = import(&files);
    assert_eq!(forward.events, backward.events);
    assert_eq!(forward.report, backward.report);
    let times: Vec<_> = forward.events.iter().map(|event| (event.created_at, event.id.as_str())).collect();
    assert!(times.is_sorted());
}
