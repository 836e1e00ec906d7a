//! Whether an event that is to be stored stands in the ledger already.

use ledger_core::{Digest, Digested, Error, Invalid, Offset, Result, Timestamp};

/// What is looked up of the event that the ledger holds under an id.
#[derive(Clone, Copy, Debug)]
#[allow(unreachable_pub, reason = "the engines' trait, which nobody outside can name, speaks of it")]
pub struct Known {
    pub(crate) offset: Offset,
    created_at: Timestamp,
    digest: Digest,
}

impl Known {
    /// As an engine's columns have it.
    pub(crate) fn stored(offset: i64, created_at: i64, digest: [u8; 32]) -> Result<Self, Invalid> {
        Ok(Self {
            offset: Offset::from_i64(offset)?,
            created_at: Timestamp::from_micros(created_at)?,
            digest: Digest::from_bytes(digest),
        })
    }

    /// As it is about to be stored at `offset`.
    #[cfg(feature = "_server")]
    pub(crate) fn new(offset: Offset, event: &Digested) -> Self {
        Self { offset, created_at: event.event().created_at, digest: event.digest() }
    }

    /// Where `event`, which has the same id, stands.
    ///
    /// # Errors
    /// [`Error::IdConflict`] when the id names another event.
    pub(crate) fn place(&self, event: &Digested) -> Result<Offset> {
        if event.is_same_as(self.created_at, self.digest) {
            return Ok(self.offset);
        }
        Err(Error::IdConflict { id: event.event().id.clone(), stored: Some(self.offset) })
    }
}
