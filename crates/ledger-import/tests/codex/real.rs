//! Real rollouts, against numbers of others.

use std::path::{Path, PathBuf};

use ledger_events::{LimitsObserved, LlmCall, SessionStarted, ToolCompleted, ToolStatus, TurnStarted};
use ledger_import::Source;

use crate::support::{File, Totals, all, import, in_both_orders, latest, totals};

fn testdata(set: &str) -> Vec<File> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/codex").join(set);
    let paths = Source::Codex.find(&[dir]).unwrap().files;
    paths.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

const AGTRACE: Totals = Totals { calls: 7, input: 26_740, cached: 22_912, output: 408, reasoning: 128 };
/// What the last totals of the child say.
const FAMILY: (u64, u64, u64, u64) = (15_253_283, 13_549_696, 55_895, 25_017);
/// What those of the parent say.
const PARENT: (u64, u64, u64, u64) = (13_359_699, 12_149_120, 38_414, 14_160);

fn sums(totals: Totals) -> (u64, u64, u64, u64) {
    (totals.input, totals.cached, totals.output, totals.reasoning)
}

#[test]
fn agtrace_is_13_snapshots_of_7_calls() {
    let import = import(&testdata("agtrace"));
    assert_eq!(totals(&import.events), AGTRACE);
    assert_eq!(AGTRACE.input + AGTRACE.output, 27_148);
    let report = &import.report;
    assert_eq!((report.usage, report.duplicates, report.calls), (7, 6, 7));
    assert_eq!((report.bad_lines, report.pending, report.refused), (0, 0, 0));
    assert_eq!(report.lines, report.usage + report.superseding + report.duplicates + report.other);
}

#[test]
fn agtrace_is_joined_into_tools_turns_and_a_session() {
    let import = import(&testdata("agtrace"));
    let tools = all::<ToolCompleted>(&import);
    assert_eq!(tools.len(), 5);
    assert!(tools.iter().all(|tool| tool.status == ToolStatus::from("unknown") && tool.duration_ms.is_some()));
    assert_eq!(all::<TurnStarted>(&import).len(), 2);
    let calls = all::<LlmCall>(&import);
    assert!(calls.iter().all(|call| call.model.as_deref() == Some("gpt-5.1-codex-max") && call.turn_id.is_some()));
    let sessions = all::<SessionStarted>(&import);
    assert_eq!(sessions[0].session_id, "019b04ae-b1c6-7c72-a134-a4c2de66058c");
    assert_eq!(sessions[0].workspace.as_deref(), Some("/Users/test_user/agent-sample"));
    assert!(all::<LimitsObserved>(&import).iter().any(|limit| limit.window_minutes == 10_080));
}

#[test]
fn a_fork_and_its_parent_are_15_309_178_tokens_in_any_order() {
    let mut files = testdata("codexbar");
    let forward = import(&files);
    assert_eq!(sums(totals(&forward.events)), FAMILY);
    assert_eq!(FAMILY.0 + FAMILY.2, 15_309_178);
    files.reverse();
    let backward = import(&files);
    assert_eq!(forward.events, backward.events);
    assert_eq!(forward.report, backward.report);
}

#[test]
fn a_fork_without_its_parent_is_its_own_part_and_the_parent_adds_the_rest() {
    let files = testdata("codexbar");
    let is_child = |(path, _): &&File| path.ends_with("child.jsonl");
    let child: Vec<_> = files.iter().filter(is_child).cloned().collect();
    let parent: Vec<_> = files.iter().filter(|file| !is_child(file)).cloned().collect();
    let (child, parent, both) = (import(&child), import(&parent), import(&files));
    assert_eq!(sums(totals(&parent.events)), PARENT);
    let own = sums(totals(&child.events));
    assert_eq!(own.0 + own.2, 15_309_178 - 13_398_113);
    for events in [in_both_orders(&child, &parent), in_both_orders(&child, &both), in_both_orders(&parent, &both)] {
        events.iter().for_each(|events| assert_eq!(sums(totals(events)), FAMILY));
    }
}

#[test]
fn a_rollout_that_is_cut_anywhere_counts_what_is_there_and_never_more_in_the_end() {
    let files = testdata("codexbar");
    let child = files.iter().find(|(path, _)| path.ends_with("child.jsonl")).unwrap();
    let others: Vec<_> = files.iter().filter(|file| *file != child).cloned().collect();
    let whole = import(&files);
    for cut in (0..child.1.len()).step_by(5_003) {
        let part = import(&[&others[..], &[(child.0.clone(), child.1[..cut].to_vec())]].concat());
        let alone = import(&[(child.0.clone(), child.1[..cut].to_vec())]);
        for earlier in [part, alone] {
            for events in in_both_orders(&earlier, &whole) {
                assert_eq!(sums(totals(&events)), FAMILY, "cut at {cut}");
            }
        }
    }
}

#[test]
fn a_rollout_that_was_archived_is_the_same() {
    let files = testdata("agtrace");
    let mut importer = files.clone();
    importer.push((PathBuf::from("/elsewhere/archived_sessions/rollout-x.jsonl"), files[0].1.clone()));
    let (first, second) = (import(&files), import(&importer));
    assert_eq!(first.events, second.events);
    // The older one may be a part of it.
    importer[1].1.truncate(9_000);
    assert_eq!(import(&importer).events, first.events);
    assert_eq!(latest::<LlmCall>(&first.events).iter().count(), 7);
}
