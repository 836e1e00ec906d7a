//! What comes of a pass, and how far it is.

use crate::Stored;
use crate::report::Report;

/// What came of looking at all files once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pass {
    /// What was read, and what became of it.
    pub report: Report,
    /// What became of the events.
    pub stored: Stored,
    /// Files that were read from their beginning.
    pub from_start: u64,
    /// Files in which there was nothing new.
    pub unchanged: u64,
    /// Files of which something had been read that is not there any more; they were read from their beginning.
    pub rewritten: u64,
}

/// How far a pass is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many bytes are to be read.
    ToRead(u64),
    /// So many more were read.
    Read(u64),
    /// So many more events are in the ledger.
    Appended(u64),
}

impl Pass {
    pub(super) fn add(&mut self, other: Self) {
        let Self { report, stored, from_start, unchanged, rewritten } = other;
        self.report.add(report);
        self.stored.appended += stored.appended;
        self.stored.duplicates += stored.duplicates;
        self.from_start += from_start;
        self.unchanged += unchanged;
        self.rewritten += rewritten;
    }
}
