//! What became of the records: as numbers, and now and then as a line in the log.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ledger_core::{Error, Invalid};

use super::occasionally::Occasionally;

/// What became of the records of one recorder since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that are in the ledger.
    pub recorded: u64,
    /// Appends that were made again, because the ledger was not available or did not say what became of them.
    pub retried: u64,
    /// Records that are lost: the queue was full, the ledger did not take them, they were not valid, or the recorder
    /// was closed. Alarm on this one. A record whose last append was never answered is counted here, and may be in the
    /// ledger all the same.
    pub dropped: u64,
    /// Calls that were not recorded because they ran outside of every scope.
    pub without_scope: u64,
    /// Successes that sampling left out, which is no loss: others stand for them.
    pub sampled_out: u64,
}

/// The counters of one recorder. Nothing that it logs says what a record says.
#[derive(Default)]
pub(super) struct Tally {
    recorded: AtomicU64,
    retried: AtomicU64,
    dropped: AtomicU64,
    without_scope: AtomicU64,
    sampled_out: AtomicU64,
    full: Occasionally,
    closed: Occasionally,
    invalid: Occasionally,
    unscoped: Occasionally,
    refused: Occasionally,
}

impl Tally {
    pub(super) fn counts(&self) -> Counts {
        Counts {
            recorded: self.recorded.load(Relaxed),
            retried: self.retried.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            without_scope: self.without_scope.load(Relaxed),
            sampled_out: self.sampled_out.load(Relaxed),
        }
    }

    pub(super) fn recorded(&self) {
        self.recorded.fetch_add(1, Relaxed);
    }

    pub(super) fn retried(&self) {
        self.retried.fetch_add(1, Relaxed);
    }

    pub(super) fn dropped(&self) {
        self.dropped.fetch_add(1, Relaxed);
    }

    pub(super) fn sampled_out(&self) {
        self.sampled_out.fetch_add(1, Relaxed);
    }

    pub(super) fn without_scope(&self) {
        self.without_scope.fetch_add(1, Relaxed);
        self.unscoped.say(1, |calls| {
            tracing::error!(calls, "not recorded: a call ran outside of every scope, so nobody knows whose it is");
        });
    }

    pub(super) fn dropped_invalid(&self, invalid: &Invalid) {
        self.dropped();
        // Only the field: the reason may quote the value.
        let field = invalid.field();
        self.invalid.say(1, |records| tracing::error!(records, field, "dropped: a record is not valid"));
    }

    pub(super) fn dropped_undescribed(&self) {
        self.dropped();
        self.invalid.say(1, |records| tracing::error!(records, "dropped: what describes a call panicked"));
    }

    pub(super) fn dropped_full(&self) {
        self.dropped();
        self.full.say(1, |records| tracing::warn!(records, "dropped: the recorder's queue is full"));
    }

    /// Only says so; the record's slot counts it.
    pub(super) fn say_closed(&self) {
        self.closed.say(1, |records| tracing::warn!(records, "dropped: the recorder is closed"));
    }

    /// Only says so; the records' slots count them.
    pub(super) fn say_not_stored(&self, records: u64, error: &Error) {
        self.refused.say(records, |records| tracing::error!(records, %error, "dropped: the ledger did not take them"));
    }
}
