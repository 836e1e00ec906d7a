//! What an import gives: events, and an account of everything that was read.

use std::path::PathBuf;

use ledger_core::Event;

/// Most bad lines and unreadable files that a report lists; it counts them all.
pub const MAX_BAD_LINES: usize = 100;

/// What came of an import.
#[derive(Clone, Debug, Default)]
pub struct Import {
    /// The events, by time and then by id, whatever the order of the files was.
    pub events: Vec<Event>,
    /// What was read, and what became of it.
    pub report: Report,
}

/// What was read, and what became of it.
///
/// Every line has one fate: `lines` is the sum of `usage`, `superseding`, `duplicates`, `other`, `bad_lines` and
/// `pending`. Blank lines are no lines; a line that holds several JSON values counts once for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Files.
    pub files: u64,
    /// Bytes of these files.
    pub bytes: u64,
    /// Lines of these files.
    pub lines: u64,
    /// Lines that made a call known.
    pub usage: u64,
    /// Lines that observed a known call larger than before: what they say supersedes what was said.
    pub superseding: u64,
    /// Lines that observed a known call again.
    pub duplicates: u64,
    /// Lines without usage.
    pub other: u64,
    /// Lines that could not be used.
    pub bad_lines: u64,
    /// Last lines that somebody is still writing.
    pub pending: u64,
    /// Files and folders that could not be read; none of their lines is counted.
    pub unreadable: u64,
    /// The first of the bad lines and of what could not be read, at most [`MAX_BAD_LINES`].
    pub bad: Vec<BadLine>,
    /// Facts that make no event that a ledger takes. Ids are checked line by line, so there are none, unless something is
    /// absurd: a tenant of megabytes, a time beyond the calendar.
    pub refused: u64,
    /// Calls of models.
    pub calls: u64,
    /// Calls of tools that ended.
    pub tools: u64,
    /// Turns.
    pub turns: u64,
    /// Sessions, those of subagents included.
    pub sessions: u64,
}

/// A line that could not be used, or a whole file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BadLine {
    /// The file.
    pub path: PathBuf,
    /// Where it stands in the file, from 1 up; 0 when the whole file, or folder, could not be read.
    pub line: u64,
    /// Why it could not be used; never what it says.
    pub reason: String,
}

impl Report {
    pub(crate) fn add_bad(&mut self, bad: BadLine) {
        self.bad_lines += 1;
        self.list(bad);
    }

    pub(crate) fn add_unreadable(&mut self, path: PathBuf, reason: String) {
        self.unreadable += 1;
        self.list(BadLine { path, line: 0, reason });
    }

    /// Adds what became of other lines.
    pub(crate) fn add(&mut self, other: Self) {
        let Self {
            files,
            bytes,
            lines,
            usage,
            superseding,
            duplicates,
            other: of_no_call,
            bad_lines,
            pending,
            unreadable,
            bad,
            refused,
            calls,
            tools,
            turns,
            sessions,
        } = other;
        for (sum, more) in [
            (&mut self.files, files),
            (&mut self.bytes, bytes),
            (&mut self.lines, lines),
            (&mut self.usage, usage),
            (&mut self.superseding, superseding),
            (&mut self.duplicates, duplicates),
            (&mut self.other, of_no_call),
            (&mut self.bad_lines, bad_lines),
            (&mut self.pending, pending),
            (&mut self.unreadable, unreadable),
            (&mut self.refused, refused),
            (&mut self.calls, calls),
            (&mut self.tools, tools),
            (&mut self.turns, turns),
            (&mut self.sessions, sessions),
        ] {
            *sum += more;
        }
        bad.into_iter().for_each(|bad| self.list(bad));
    }

    fn list(&mut self, bad: BadLine) {
        if self.bad.len() < MAX_BAD_LINES {
            self.bad.push(bad);
        }
    }
}
