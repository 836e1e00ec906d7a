//! The head row: what every engine's lane locks, reads and moves on.

use ledger_core::{Extent, LedgerId, Timestamp};

/// Which ledger, and where its lane stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeadRow {
    pub(crate) ledger_id: LedgerId,
    pub(crate) extent: Extent,
    /// When the last event was recorded.
    pub(crate) latest: Timestamp,
}
