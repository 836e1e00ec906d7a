//! `import`: what agents logged about themselves.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use ledger_import::{Found, Import, Importer, Options, Report, Source, Stored, store};
use serde::Serialize;

use crate::cli::{Format, ImportArgs, ImportCommand};
use crate::failure::{Failure, Outcome};
use crate::{output, progress};

/// Bad lines that are shown; the summary counts all.
const BAD_LINES_SHOWN: usize = 10;

pub(crate) async fn run(url: &str, command: ImportCommand) -> Outcome {
    let ImportCommand::Claude(args) = command;
    let format = Format::or_default(args.format.format);
    let found = Source::Claude
        .find(&args.paths)
        .map_err(|error| Failure::other(format!("the transcripts cannot be listed: {error}")))?;
    if found.files.is_empty() && found.unreadable.is_empty() {
        return Err(Failure::other("no transcripts were found; name a file or a folder that holds some"));
    }
    let Import { events, report } = read(&found, args)?;
    show_bad(&report);
    if events.is_empty() && report.lines > 0 {
        return Err(Failure::data(format!("none of {} lines is Claude Code's; name its transcripts", report.lines)));
    }
    let ledger = crate::open(url).await?;
    let bar = progress::events("append");
    bar.set_length(events.len() as u64);
    let stored = store(ledger.as_ref(), events, |stored| bar.set_position(stored.appended + stored.duplicates)).await;
    bar.finish_and_clear();
    summary(&report, stored?, format)
}

fn read(found: &Found, args: ImportArgs) -> Result<Import, Failure> {
    let options = Options { tenant: args.tenant, origin: args.origin };
    let mut importer = Importer::new(&Source::Claude, options).map_err(|error| Failure::usage(error.to_string()))?;
    let size = |path: &PathBuf| path.metadata().map(|metadata| metadata.len()).unwrap_or_default();
    let bar = progress::bytes("read", found.files.iter().map(size).sum());
    for (path, error) in &found.unreadable {
        importer.add_unreadable(path, error);
    }
    for path in &found.files {
        // A transcript may go away at any time; the others are imported all the same.
        let read = File::open(path)
            .and_then(|file| importer.read(path, BufReader::with_capacity(1 << 20, bar.wrap_read(file))));
        if let Err(error) = read {
            importer.add_unreadable(path, &error);
        }
    }
    bar.finish_and_clear();
    Ok(importer.finish())
}

fn show_bad(report: &Report) {
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

/// Accounts for every line.
#[derive(Serialize)]
struct Summary {
    files: u64,
    bytes: u64,
    lines: u64,
    usage: u64,
    duplicate: u64,
    not_usage: u64,
    bad: u64,
    unreadable: u64,
    pending: u64,
    calls: u64,
    tools: u64,
    turns: u64,
    sessions: u64,
    appended: u64,
    known: u64,
}

fn summary(report: &Report, stored: Stored, format: Format) -> Outcome {
    let summary = Summary {
        files: report.files,
        bytes: report.bytes,
        lines: report.lines,
        usage: report.usage,
        duplicate: report.duplicates,
        not_usage: report.other,
        bad: report.bad_lines,
        unreadable: report.unreadable,
        pending: report.pending,
        calls: report.calls,
        tools: report.tools,
        turns: report.turns,
        sessions: report.sessions,
        appended: stored.appended,
        known: stored.duplicates,
    };
    let unreadable = summary.unreadable;
    let printed = match format {
        Format::Json => output::json(&summary),
        Format::Text => {
            let Summary { files, lines, usage, duplicate, not_usage, bad, pending, .. } = summary;
            output::fields(&[
                ("files", files.to_string()),
                (
                    "lines",
                    format!(
                        "{lines}: {usage} calls, {duplicate} repeats of calls, {not_usage} without usage, {bad} bad, {pending} unfinished"
                    ),
                ),
                ("calls", summary.calls.to_string()),
                ("tools", summary.tools.to_string()),
                ("turns", summary.turns.to_string()),
                ("sessions", summary.sessions.to_string()),
                ("events", format!("{} appended, {} known already", summary.appended, summary.known)),
            ])
        }
    };
    if unreadable > 0 {
        return Err(Failure::other(format!(
            "{unreadable} files or folders could not be read; the others are imported"
        )));
    }
    printed
}
