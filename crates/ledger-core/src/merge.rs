//! Every event of another ledger into this one.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::{TryStreamExt, join};
use serde::Serialize;

use crate::limits::MAX_FILTER_VALUES;
use crate::{
    AppendOutcome, Batch, Digest, Epoch, Error, EventId, Filter, Ledger, LedgerExt, LedgerId, Offset, Position,
    Progress, Read, RecordedEvent, Result,
};

/// How many conflicts are named; all of them are counted.
pub const MAX_NAMED_CONFLICTS: usize = 100;

/// What a merge did. Every event of the other ledger is new, known, or in conflict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Merged {
    /// The ledger that took the events.
    pub ledger_id: LedgerId,
    /// The ledger that they came from.
    pub other_id: LedgerId,
    /// The epoch that the other ledger was in.
    pub other_epoch: Epoch,
    /// How many events the other ledger held when the merge began.
    pub events: u64,
    /// How many of them are new here.
    pub appended: u64,
    /// How many were here already.
    pub known: u64,
    /// How many were left out, because their ids name events with other content here.
    pub conflicts: u64,
    /// Where the first of the new ones stands here.
    pub first: Option<Offset>,
    /// Where the last of the new ones stands here.
    pub last: Option<Offset>,
    /// The first [`MAX_NAMED_CONFLICTS`] conflicts.
    pub conflicting: Vec<Conflict>,
}

/// One id that names two events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// The id.
    pub id: EventId,
    /// Where its event stands in the other ledger.
    pub offset: Offset,
    /// Where its event stands here.
    pub stored: Offset,
}

/// Why a merge ended early. What was appended before stays; the same merge again completes it.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// There is nothing to merge.
    #[error(
        "both sides are ledger {0}: the same one, or copies of one; a copy that went its own way can be restored into a \
         new ledger, and that one merged"
    )]
    Same(LedgerId),
    /// The ledger that is read.
    #[error("the other ledger: {0}")]
    Other(#[source] Error),
    /// The ledger that is appended to.
    #[error(transparent)]
    This(#[from] Error),
}

/// Appends to `ledger` every event that `other` holds now; `other` is only read.
///
/// Ids, runs, times of creation, metadata and payloads stay as they are; offsets and recorded times are those of `ledger`.
/// An event that is here already is known, whatever its time of creation, so a merge that was cut off is completed by
/// repeating it, and merging either of two ledgers into the other makes the same set of events. An event whose id names
/// another one here is left out and reported, and the merge goes on: neither log can be changed, so stopping would keep
/// everything after it out for ever.
///
/// Every merge reads all of `other`. A remembered position could be wrong where a copy of a ledger went its own way, and
/// would skip events silently.
///
/// # Errors
/// [`MergeError::Same`] when both have one identity; else those of reading `other`, which ends with [`Error::Reset`] when
/// it is reset meanwhile, and of appending.
pub async fn merge(
    ledger: &dyn Ledger,
    other: &dyn Ledger,
    progress: Progress<'_>,
) -> std::result::Result<Merged, MergeError> {
    let from = other.head().await.map_err(MergeError::Other)?;
    let ledger_id = ledger.head().await?.ledger_id;
    if ledger_id == from.ledger_id {
        return Err(MergeError::Same(ledger_id));
    }
    let mut merged = Merged::nothing(ledger_id, &from);
    let mut pages =
        Pages { other, read: Read::after(Offset::ZERO).in_epoch(from.extent.epoch), last: from.extent.last };
    let mut page = pages.next().await.map_err(MergeError::Other)?;
    let mut done = 0;
    while !page.is_empty() {
        // The next page is read while this one is stored.
        let (taken, next) = join!(take(ledger, &page, &mut merged), pages.next());
        taken?;
        done += page.len() as u64;
        progress(done, merged.events);
        page = next.map_err(MergeError::Other)?;
    }
    Ok(merged)
}

impl Merged {
    fn nothing(ledger_id: LedgerId, from: &crate::Head) -> Self {
        Self {
            ledger_id,
            other_id: from.ledger_id,
            other_epoch: from.extent.epoch,
            events: from.extent.events(),
            appended: 0,
            known: 0,
            conflicts: 0,
            first: None,
            last: None,
            conflicting: Vec::new(),
        }
    }

    fn add(&mut self, positions: &[Position]) {
        for position in positions {
            if position.is_new() {
                self.appended += 1;
                self.first = self.first.or(Some(position.offset()));
                self.last = Some(position.offset());
            } else {
                self.known += 1;
            }
        }
    }

    fn leave_out(&mut self, conflict: Conflict) {
        self.conflicts += 1;
        if self.conflicting.len() < MAX_NAMED_CONFLICTS {
            self.conflicting.push(conflict);
        }
    }
}

/// What the other ledger held when the merge began.
struct Pages<'a> {
    other: &'a dyn Ledger,
    read: Read,
    last: Offset,
}

impl Pages<'_> {
    /// The next events; none at the end.
    async fn next(&mut self) -> Result<Vec<Arc<RecordedEvent>>> {
        if self.read.cursor() >= self.last {
            return Ok(Vec::new());
        }
        let page = self.other.read(&self.read).await?;
        self.read = self.read.clone().resume(&page);
        let mut events = page.events;
        events.retain(|event| event.offset <= self.last);
        // It may have been opened without checks, and what is taken over here gets a digest of its own.
        events.iter().try_for_each(|event| event.verify())?;
        Ok(events)
    }
}

/// Appends a page, without the events whose ids name others here.
async fn take(ledger: &dyn Ledger, page: &[Arc<RecordedEvent>], merged: &mut Merged) -> Result<()> {
    let mut page = page.to_vec();
    while !page.is_empty() {
        let events = page.iter().map(|recorded| recorded.event.clone()).collect();
        match append(ledger, Batch::new(events)?).await {
            Ok(positions) => {
                merged.add(&positions);
                break;
            }
            Err(conflict @ Error::IdConflict { .. }) => {
                let others = conflicts(ledger, &page).await?;
                if others.is_empty() {
                    return Err(conflict);
                }
                page.retain(|event| !others.iter().any(|other| other.offset == event.offset));
                others.into_iter().for_each(|other| merged.leave_out(other));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn append(ledger: &dyn Ledger, batch: Batch) -> Result<Vec<Position>> {
    match ledger.append_until_known(batch).await? {
        AppendOutcome::Appended(positions) => Ok(positions),
        AppendOutcome::ConditionFailed { offset } => Err(Error::corrupt(offset, "a condition failed without one")),
    }
}

/// Which events of a page have ids that name others here, in their order: all at once, since each append would only say
/// the first.
async fn conflicts(ledger: &dyn Ledger, page: &[Arc<RecordedEvent>]) -> Result<Vec<Conflict>> {
    let mut conflicts = Vec::new();
    for events in page.chunks(MAX_FILTER_VALUES) {
        let ids = events.iter().fold(Filter::any(), |ids, theirs| ids.id(theirs.event.id.clone()));
        let here: Vec<Arc<RecordedEvent>> = ledger.tail(Read::after(Offset::ZERO).matching(ids)?).try_collect().await?;
        let here: HashMap<&EventId, &RecordedEvent> = here.iter().map(|ours| (&ours.event.id, ours.as_ref())).collect();
        for theirs in events {
            if let Some(ours) = here.get(&theirs.event.id).filter(|ours| !is_same(ours, theirs)) {
                conflicts.push(Conflict { id: theirs.event.id.clone(), offset: theirs.offset, stored: ours.offset });
            }
        }
    }
    Ok(conflicts)
}

/// The time of creation is not content.
fn is_same(ours: &RecordedEvent, theirs: &RecordedEvent) -> bool {
    ours.digest == theirs.digest || Digest::with_created_at(&theirs.event, ours.event.created_at) == ours.digest
}
