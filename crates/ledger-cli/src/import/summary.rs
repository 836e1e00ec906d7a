//! What came of an import: an account of every line.

use ledger_import::incremental::Pass;
use ledger_import::{Report, Source};
use serde::Serialize;

use crate::cli::Format;
use crate::failure::Outcome;
use crate::output;

/// Bad lines that are shown; the summary counts all.
const BAD_LINES_SHOWN: usize = 10;

pub(super) fn show_bad(report: &Report) {
    for bad in report.bad.iter().take(BAD_LINES_SHOWN) {
        // Line 0 is the file or folder as a whole.
        let line = if bad.line == 0 { String::new() } else { format!(":{}", bad.line) };
        eprintln!("agent-ledger: {}{line}: {}", bad.path.display(), bad.reason);
    }
    let more = (report.bad_lines + report.unreadable).saturating_sub(BAD_LINES_SHOWN as u64);
    if more > 0 {
        eprintln!("agent-ledger: and {more} more");
    }
}

#[derive(Serialize)]
struct Summary<'a> {
    source: &'a str,
    files: u64,
    from_start: u64,
    unchanged: u64,
    rewritten: u64,
    bytes: u64,
    lines: u64,
    usage: u64,
    superseding: u64,
    duplicate: u64,
    not_usage: u64,
    bad: u64,
    unreadable: u64,
    pending: u64,
    refused: u64,
    calls: u64,
    tools: u64,
    turns: u64,
    sessions: u64,
    appended: u64,
    known: u64,
}

pub(super) fn show(source: &Source, pass: &Pass, format: Format) -> Outcome {
    let Pass { report, stored, .. } = pass;
    let summary = Summary {
        source: source.name(),
        files: report.files,
        from_start: pass.from_start,
        unchanged: pass.unchanged,
        rewritten: pass.rewritten,
        bytes: report.bytes,
        lines: report.lines,
        usage: report.usage,
        superseding: report.superseding,
        duplicate: report.duplicates,
        not_usage: report.other,
        bad: report.bad_lines,
        unreadable: report.unreadable,
        pending: report.pending,
        refused: report.refused,
        calls: report.calls,
        tools: report.tools,
        turns: report.turns,
        sessions: report.sessions,
        appended: stored.appended,
        known: stored.duplicates,
    };
    match format {
        Format::Json => output::json(&summary),
        Format::Text => text(&summary),
    }
}

fn text(summary: &Summary<'_>) -> Outcome {
    let Summary {
        files,
        unchanged,
        rewritten,
        lines,
        usage,
        superseding,
        duplicate,
        not_usage,
        bad,
        pending,
        refused,
        ..
    } = summary;
    let mut fields = vec![
        ("source", summary.source.to_owned()),
        ("files", format!("{files} with something new ({rewritten} rewritten), {unchanged} without")),
        (
            "lines",
            format!(
                "{lines}: {usage} calls, {superseding} larger observations of calls, {duplicate} repeats of calls, {not_usage} without usage, {bad} bad, {pending} unfinished"
            ),
        ),
        ("calls", summary.calls.to_string()),
        ("tools", summary.tools.to_string()),
        ("turns", summary.turns.to_string()),
        ("sessions", summary.sessions.to_string()),
        ("events", format!("{} appended, {} known already", summary.appended, summary.known)),
    ];
    if *refused > 0 {
        fields.push(("refused", format!("{refused} facts that no ledger takes")));
    }
    output::fields(&fields)
}
