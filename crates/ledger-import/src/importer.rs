//! Reading logs as a whole.

use std::io::{self, BufRead};
use std::path::Path;

use ledger_core::{Event, Invalid};
use ledger_events::{EventPayload, LlmCall, SessionStarted, ToolCompleted, TurnStarted};

use crate::format::{Emitted, Fate, Format};
use crate::lines::{Fault, MAX_LINE_BYTES, Reached, for_document, for_each_value};
use crate::loose::Object;
use crate::report::{BadLine, Import, Report};
use crate::{Options, Source};

/// Makes events of logs of one source.
///
/// Give it all files that belong together, in any order, then [`finish`](Self::finish): calls, resumed sessions and
/// subagents span files.
pub struct Importer {
    logs: Box<dyn Whole>,
    options: Options,
    report: Report,
}

impl Importer {
    /// An importer that has read nothing.
    ///
    /// # Errors
    /// As of [`Options::check`].
    pub fn new(source: &Source, options: Options) -> Result<Self, Invalid> {
        options.check()?;
        Ok(Self { logs: source.format().whole(), options, report: Report::default() })
    }

    /// Reads a log. `path` is for the report, and for lines that do not say whose they are.
    ///
    /// # Errors
    /// Those of the reader; what was read before stays. Bad lines are no errors but in the report.
    pub fn read(&mut self, path: &Path, mut reader: impl BufRead) -> io::Result<()> {
        self.report.files += 1;
        let reached = self.logs.read(path, &mut reader, 0, &mut self.report)?;
        self.report.bytes += reached.bytes;
        Ok(())
    }

    /// Notes that a file or folder cannot be read, for the report.
    pub fn add_unreadable(&mut self, path: &Path, error: &io::Error) {
        self.report.add_unreadable(path.to_owned(), error.to_string());
    }

    /// Everything that the logs say.
    #[must_use]
    pub fn finish(self) -> Import {
        let Self { logs, options, mut report } = self;
        let Emitted { mut events, refused } = logs.emit(&options);
        events.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        report.refused = refused;
        report.bad.sort();
        report.count(&events);
        Import { events, report }
    }
}

/// Logs that are read as a whole, of any format.
pub(crate) trait Whole: Send {
    fn read(
        &mut self,
        path: &Path,
        reader: &mut dyn BufRead,
        lines_before: u64,
        report: &mut Report,
    ) -> io::Result<Reached>;

    fn emit(self: Box<Self>, options: &Options) -> Emitted;
}

/// A format, and what was read of it.
pub(crate) struct Logs<F: Format> {
    pub(crate) format: F,
    pub(crate) facts: F::Facts,
}

impl<F: Format> Whole for Logs<F> {
    fn read(
        &mut self,
        path: &Path,
        reader: &mut dyn BufRead,
        lines_before: u64,
        report: &mut Report,
    ) -> io::Result<Reached> {
        read(&self.format, &mut self.facts, path, reader, lines_before, report)
    }

    fn emit(self: Box<Self>, options: &Options) -> Emitted {
        self.format.emit(self.facts, options)
    }
}

/// Adds the lines of a file to facts, and what became of each to the report.
pub(crate) fn read<F: Format>(
    format: &F,
    facts: &mut F::Facts,
    path: &Path,
    reader: impl BufRead,
    lines_before: u64,
    report: &mut Report,
) -> io::Result<Reached> {
    let add = |number, value: Result<Object<F::Line>, Fault>| {
        report.lines += 1;
        let fate = match value {
            Ok(Object(Some(line))) => format.add(facts, path, &line),
            Ok(Object(None)) => Err("is not a JSON object".to_owned()),
            Err(Fault::Bad(reason)) => Err(reason),
            Err(Fault::Pending) => return report.pending += 1,
        };
        match fate {
            Ok(Fate::Call) => report.usage += 1,
            Ok(Fate::Larger) => report.superseding += 1,
            Ok(Fate::Repeat) => report.duplicates += 1,
            Ok(Fate::Other) => report.other += 1,
            Err(reason) => report.add_bad(BadLine { path: path.to_owned(), line: number, reason }),
        }
    };
    if format.is_document(path) {
        return for_document(reader, MAX_LINE_BYTES, add);
    }
    for_each_value(reader, MAX_LINE_BYTES, lines_before, add)
}

impl Report {
    /// Counts what the events say.
    pub(crate) fn count(&mut self, events: &[Event]) {
        self.calls += count::<LlmCall>(events);
        self.tools += count::<ToolCompleted>(events);
        self.turns += count::<TurnStarted>(events);
        self.sessions += count::<SessionStarted>(events);
    }
}

fn count<P: EventPayload>(events: &[Event]) -> u64 {
    events.iter().map(|event| u64::from(event.kind.as_str() == P::KIND)).sum()
}
