//! A ledger file into a new ledger of any engine.

use std::path::Path;

use ledger_core::{CheckpointMove, Error, Head, Ledger, LedgerExt, LedgerId, Offset, Progress, RecordedBatch, Result};
use serde::Serialize;

use super::ledger::SqliteLedger;
use super::options::SqliteOptions;
use super::pages::Pages;
use crate::settings::Mode;

/// A snapshot that was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Into which ledger.
    pub ledger_id: LedgerId,
    /// The first offset that it holds.
    pub first: Offset,
    /// The last offset that it holds.
    pub last: Offset,
    /// How many events were added; fewer than there are when an interrupted restore went on.
    pub added: u64,
}

/// Copies the ledger file at `source`, a snapshot or a live one, into `ledger`: a new one of any engine, or one that
/// holds the beginning of the same events, as an interrupted restore leaves it. Offsets, times and digests are kept, and
/// so are checkpoints; the ledger keeps its own identity.
///
/// # Errors
/// [`Error::Refused`] when the ledger holds anything else; it is left untouched. [`Error::Corrupt`] when the source is
/// damaged: what stands before the damage has been restored.
pub async fn restore(source: &Path, ledger: &dyn Ledger, progress: Progress<'_>) -> Result<Restored> {
    let source =
        SqliteLedger::open(SqliteOptions::new(source).mode(Mode::ReadOnly)).await.map_err(|error| match error {
            Error::NotFound { .. } => Error::NotFound { what: format!("snapshot at {}", source.display()) },
            error => error,
        })?;
    let from = source.head().await?;
    let before = ledger.head().await?;
    check_prefix(&source, &from, ledger, &before).await?;
    let at = if before.extent.is_empty() { from.extent.first.before() } else { before.extent.last };
    let mut pages = Pages::new(&source, at, &from)?;
    let mut page = pages.next().await?;
    let mut added = 0;
    while let Some(events) = page {
        added += events.len() as u64;
        let batch = RecordedBatch::new(events)?;
        let last = batch.last();
        let (restored, next) = futures_util::join!(ledger.restore(batch), pages.next());
        restored?;
        progress(last.get().saturating_sub(from.extent.first.before().get()), from.extent.events());
        page = next?;
    }
    for checkpoint in source.checkpoints().await? {
        if checkpoint.offset <= from.extent.last && ledger.event_at(checkpoint.offset).await?.is_some() {
            ledger.save_checkpoint(checkpoint, CheckpointMove::Forward).await?;
        }
    }
    let after = ledger.head().await?;
    Ok(Restored { ledger_id: after.ledger_id, first: after.extent.first, last: after.extent.last, added })
}

/// Refuses a ledger that holds anything but the beginning of the source.
async fn check_prefix(source: &SqliteLedger, from: &Head, ledger: &dyn Ledger, to: &Head) -> Result<()> {
    if to.extent.is_empty() {
        return Ok(());
    }
    let last = to.extent.last;
    let (theirs, ours) = (source.event_at(last).await?, ledger.event_at(last).await?);
    if to.extent.first == from.extent.first && theirs.is_some() && theirs == ours {
        return Ok(());
    }
    Err(Error::Refused("the ledger holds other events already; restore into a new ledger".into()))
}
