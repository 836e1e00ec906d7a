//! Whether a ledger holds recorded events already, as a restore finds out that is done again.

use std::sync::Arc;

use ledger_core::{Extent, RecordedBatch, RecordedEvent};

use crate::row::Row;

/// The events of a batch, as the rows from its first to its last offset are to have them.
pub(crate) struct Expected<'b> {
    rest: std::slice::Iter<'b, Arc<RecordedEvent>>,
    so_far: bool,
}

impl<'b> Expected<'b> {
    /// `None` when a ledger of this extent cannot hold them all.
    pub(crate) fn within(extent: Extent, batch: &'b RecordedBatch) -> Option<Self> {
        let may_hold = batch.first() >= extent.first && batch.last() <= extent.last;
        may_hold.then(|| Self { rest: batch.events().iter(), so_far: true })
    }

    /// Takes the next row.
    pub(crate) fn row(&mut self, row: &Row<'_>) {
        self.so_far &= self.rest.next().is_some_and(|recorded| row.is(recorded));
    }

    /// Whether the rows were these events, and all of them.
    pub(crate) fn are_held(mut self) -> bool {
        self.so_far && self.rest.next().is_none()
    }
}
