//! The contract of a backend.

use std::any::Any;

use async_trait::async_trait;

use crate::{
    AppendOutcome, Batch, Checkpoint, CheckpointMove, Head, Page, Progress, Read, RecordedBatch, Result, Run, RunQuery,
    Verification, Wakeup,
};

/// An append-only log of events.
///
/// Whoever implements this keeps the promises below; `ledger-conformance` tests them under the same names. Any number of
/// handles, in any number of processes, may work on one store at once. Comforts for callers are in
/// [`LedgerExt`](crate::LedgerExt).
///
/// * Offsets are dense and in commit order, and no offset is ever used twice, not even after a reset.
/// * Whatever a reader has seen up to an offset is all there is up to it, for ever.
/// * One id is one event, for ever.
/// * A dropped future leaves nothing behind but a complete append or none.
#[async_trait]
pub trait Ledger: Any + Send + Sync {
    /// Appends all events of `batch`, or none.
    ///
    /// When this returns [`AppendOutcome::Appended`], the events are durable (see [`Head::durability`]) and every later
    /// read sees them. New events take consecutive offsets, in the order of the batch. An event whose id the ledger
    /// holds already is a duplicate if its content is the same, whatever its `created_at`.
    ///
    /// A condition is judged in the same atomic step as the insert, against everything after its offset. If every event
    /// of the batch is a duplicate there is nothing to judge, so a retry after a lost answer succeeds.
    ///
    /// # Errors
    /// [`IdConflict`](crate::Error::IdConflict) when an id names another event; [`Beyond`](crate::Error::Beyond) when the
    /// condition starts beyond the ledger's end, [`Reset`](crate::Error::Reset) when it starts before a reset;
    /// [`Refused`](crate::Error::Refused) when the offsets are used up;
    /// [`OutcomeUnknown`](crate::Error::OutcomeUnknown) when the commit was not answered: append the same batch again.
    /// After any other error nothing was stored.
    async fn append(&self, batch: Batch) -> Result<AppendOutcome>;

    /// One page of events.
    ///
    /// Events and [`Page::extent`] are of the same moment. Each event is as it was appended, or the read fails.
    ///
    /// # Errors
    /// [`Corrupt`](crate::Error::Corrupt) when an event is damaged or missing; [`Reset`](crate::Error::Reset) when events
    /// after the cursor are gone, or the ledger is in another epoch than the reader; [`Beyond`](crate::Error::Beyond) when
    /// a forward read starts beyond the ledger's end.
    async fn read(&self, read: &Read) -> Result<Page>;

    /// What the ledger holds now.
    ///
    /// # Errors
    /// Only those of the store.
    async fn head(&self) -> Result<Head>;

    /// Runs in the order of their first events.
    ///
    /// # Errors
    /// Only those of the store.
    async fn runs(&self, query: RunQuery) -> Result<Vec<Run>>;

    /// The checkpoints of all consumers, by name.
    ///
    /// # Errors
    /// Only those of the store.
    async fn checkpoints(&self) -> Result<Vec<Checkpoint>>;

    /// Saves `checkpoint` durably and returns the checkpoint as it then stands: further on, if another instance of the
    /// consumer was ahead and `how` is [`CheckpointMove::Forward`]. `updated_at` is set by the store.
    ///
    /// # Errors
    /// [`CheckpointLost`](crate::Error::CheckpointLost) when the ledger does not have the checkpoint's event at its
    /// offset.
    async fn save_checkpoint(&self, checkpoint: Checkpoint, how: CheckpointMove) -> Result<Checkpoint>;

    /// Takes over recorded events with the offsets, times and digests that they have: all of `batch`, or none. Returns
    /// when they are durable.
    ///
    /// They must follow the ledger's last event directly; a ledger without events takes them from any offset that it has
    /// not used yet. Events that stand there already, digest for digest, are left as they are, so a repeat succeeds.
    ///
    /// # Errors
    /// [`Refused`](crate::Error::Refused) when they do not follow; [`IdConflict`](crate::Error::IdConflict) when an id
    /// is known.
    async fn restore(&self, batch: RecordedBatch) -> Result<()>;

    /// Deletes every event, for ever, and begins a new epoch. Offsets go on where they were; ids may be used again;
    /// checkpoints stay, and report that their events are gone.
    ///
    /// # Errors
    /// [`Refused`](crate::Error::Refused) when `seen` is the head of another ledger, or of another epoch: whoever destroys
    /// a ledger says which, and a repeat destroys nothing more.
    async fn reset(&self, seen: &Head) -> Result<Head>;

    /// A listener for appends by anybody, made before the first read of a follower.
    fn wakeup(&self) -> Wakeup;

    /// Checks every event, bypassing caches and regardless of settings that speed up reads, and whatever the store can
    /// check of itself.
    ///
    /// # Errors
    /// Those of the store. Damage is not an error but the answer: [`Verification::fault`].
    async fn verify(&self, progress: Progress<'_>) -> Result<Verification>;
}
