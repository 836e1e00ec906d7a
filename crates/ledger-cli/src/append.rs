//! `append`: JSON Lines into the ledger, batch by batch.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use agent_ledger::limits::MAX_PAYLOAD_BYTES;
use agent_ledger::{AppendCondition, AppendOutcome, Batch, Event, Filter, Ledger, LedgerExt, Offset, Position, RunId};
use serde::Serialize;

use crate::cli::AppendArgs;
use crate::failure::{Failure, Outcome};
use crate::output;

/// Longest line, in bytes: the largest payload, and room for the rest of the envelope.
const MAX_LINE_BYTES: usize = MAX_PAYLOAD_BYTES + 256 * 1024;

/// Longest complaint about a line, in characters: parsers like to repeat what they read.
const MAX_COMPLAINT_CHARS: usize = 200;

/// What was stored.
#[derive(Default, Serialize)]
struct Summary {
    appended: u64,
    duplicates: u64,
    /// The first and the last new event.
    first: Option<Offset>,
    last: Option<Offset>,
}

impl Summary {
    fn add(&mut self, positions: &[Position]) {
        for position in positions {
            if position.is_new() {
                self.appended += 1;
                self.first = self.first.or(Some(position.offset()));
                self.last = Some(position.offset());
            } else {
                self.duplicates += 1;
            }
        }
    }
}

pub(crate) async fn run(url: &str, args: AppendArgs) -> Outcome {
    // Before a ledger is created for nothing.
    let mut lines = Lines::open(&args.file)?;
    let first = lines.events(args.batch)?;
    let ledger = crate::open(url).await?;
    let mut total = Summary::default();
    let result = append_all(ledger.as_ref(), &args, first, &mut lines, &mut total).await;
    // What is stored stays stored, whatever came after it; and what went wrong is said, whoever reads the summary.
    let printed = if !args.acks && (result.is_ok() || total.appended + total.duplicates > 0) {
        output::json(&total)
    } else {
        Ok(())
    };
    result.and(printed)
}

async fn append_all(
    ledger: &dyn Ledger,
    args: &AppendArgs,
    first: Vec<Event>,
    lines: &mut Lines,
    total: &mut Summary,
) -> Outcome {
    let mut after = args.fail_if_run_after;
    let (mut from, mut events) = (1, first);
    while !events.is_empty() {
        let last_line = lines.number;
        let stop = |failure: Failure| {
            let of = if from == last_line { format!("line {from}") } else { format!("lines {from} to {last_line}") };
            stopped(failure.within(of), from)
        };
        let positions = append(ledger, events, after).await.map_err(stop)?;
        // The events just stored are this appender's own: they do not stand in the way of its next batch.
        let reached = positions.iter().map(|position| position.offset()).max();
        after = after.map(|after| reached.map_or(after, |reached| after.max(reached)));
        let mut batch = Summary::default();
        batch.add(&positions);
        if args.acks && output::json(&batch).is_err() {
            // Unlike a reader, an appender that stops early has not done what it was asked to.
            return Err(Failure::other(format!(
                "stored up to line {last_line}, but nobody takes the answers any more"
            )));
        }
        total.add(&positions);
        from = last_line + 1;
        events = lines.events(args.batch).map_err(|failure| stopped(failure, from))?;
    }
    Ok(())
}

fn stopped(failure: Failure, from: u64) -> Failure {
    if from == 1 { failure } else { failure.within(format_args!("stored up to line {}, nothing after it", from - 1)) }
}

async fn append(ledger: &dyn Ledger, events: Vec<Event>, after: Option<Offset>) -> Result<Vec<Position>, Failure> {
    let condition = after.map(|after| AppendCondition { fail_if: runs(&events), after });
    let mut batch = Batch::new(events)?;
    if let Some(condition) = condition {
        batch = batch.with_condition(condition)?;
    }
    match ledger.append_until_known(batch).await? {
        AppendOutcome::Appended(positions) => Ok(positions),
        AppendOutcome::ConditionFailed { offset } => Err(Failure::data(format!(
            "not appended: the run has an event at offset {offset}; read on from there, then decide again"
        ))),
    }
}

fn runs(events: &[Event]) -> Filter {
    let runs: std::collections::BTreeSet<&RunId> = events.iter().map(|event| &event.run_id).collect();
    runs.into_iter().cloned().fold(Filter::any(), Filter::run)
}

fn event(text: &[u8]) -> Result<Event, String> {
    if !text.starts_with(b"{") {
        return Err("is not a JSON object".into());
    }
    serde_json::from_slice(text).map_err(|error| {
        // The parser counts lines within this one.
        let complaint = error.to_string().replace(" at line 1 column ", " at column ");
        complaint.chars().take(MAX_COMPLAINT_CHARS).collect()
    })
}

/// Lines with their numbers, none of them longer than [`MAX_LINE_BYTES`] in memory.
struct Lines {
    reader: Box<dyn BufRead>,
    number: u64,
    line: Vec<u8>,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, Failure> {
        let reader: Box<dyn BufRead> = if path == Path::new("-") {
            Box::new(io::stdin().lock())
        } else {
            let file = File::open(path)
                .map_err(|error| Failure::other(format!("{} cannot be read: {error}", path.display())))?;
            Box::new(BufReader::with_capacity(64 * 1024, file))
        };
        Ok(Self { reader, number: 0, line: Vec::new() })
    }

    /// The next events, at most `count`; none at the end.
    fn events(&mut self, count: usize) -> Result<Vec<Event>, Failure> {
        let mut events = Vec::new();
        while events.len() < count && self.advance()? {
            let text = self.line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.line).trim_ascii();
            if text.is_empty() {
                continue;
            }
            events.push(event(text).map_err(|complaint| Failure::data(format!("line {}: {complaint}", self.number)))?);
        }
        Ok(events)
    }

    fn advance(&mut self) -> Result<bool, Failure> {
        self.line.clear();
        let read = self
            .reader
            .by_ref()
            .take(MAX_LINE_BYTES as u64 + 1)
            .read_until(b'\n', &mut self.line)
            .map_err(|error| Failure::other(format!("the input cannot be read: {error}")))?;
        self.number += 1;
        if read > MAX_LINE_BYTES {
            return Err(Failure::data(format!("line {}: is longer than {MAX_LINE_BYTES} bytes", self.number)));
        }
        if read == 0 {
            self.number -= 1;
        }
        Ok(read > 0)
    }
}
