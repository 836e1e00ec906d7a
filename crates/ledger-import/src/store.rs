//! Appending what was imported.

use ledger_core::{Event, Ledger, LedgerExt, Result};

/// Events of one append: each append is one transaction, and a progress bar moves with each.
pub const STORE_BATCH_EVENTS: usize = 1_000;

/// What became of imported events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Events that are new in the ledger.
    pub appended: u64,
    /// Events that the ledger had.
    pub duplicates: u64,
}

/// Appends `events` in batches, and calls `progress` with what is stored so far after each.
///
/// # Errors
/// Those of [`Ledger::append`]. Batches before the one that failed are stored; storing everything again completes it.
pub async fn store(ledger: &dyn Ledger, events: Vec<Event>, mut progress: impl FnMut(Stored) + Send) -> Result<Stored> {
    let mut stored = Stored::default();
    let mut events = events.into_iter();
    loop {
        let batch: Vec<Event> = events.by_ref().take(STORE_BATCH_EVENTS).collect();
        if batch.is_empty() {
            return Ok(stored);
        }
        for position in ledger.append_all(batch).await? {
            *(if position.is_new() { &mut stored.appended } else { &mut stored.duplicates }) += 1;
        }
        progress(stored);
    }
}
