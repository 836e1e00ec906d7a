//! Appending what was made while more is read.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::Poll;

use futures_util::future::try_join_all;
use futures_util::poll;

use ledger_core::{Event, EventId, Ledger, LedgerExt as _, Position};

use super::keep::Change;
use super::known::Known;
use super::outcome::{Pass, Step};
use super::own::Own;
use super::reading::Tell;
use super::saved::{BOUND, Bound};
use crate::STORE_BATCH_EVENTS;
use crate::error::{Error, Result};

/// Events that are made before they are appended, and what is kept of their families saved. A crash costs the reading of
/// what they were made of.
const EVENTS_AT_ONCE: usize = 8 * STORE_BATCH_EVENTS;
/// Bytes of facts that are held for the same reason.
const BYTES_AT_ONCE: usize = 32 << 20;

/// What is to be kept of families, by name.
pub(super) type Changes = BTreeMap<String, Option<[Vec<u8>; 3]>>;

/// What was made, and is not in the ledger yet.
#[derive(Default)]
pub(super) struct Made {
    pub(super) events: Vec<Event>,
    pub(super) changes: Changes,
    pub(super) bytes: usize,
}

impl Made {
    /// Whether it is time to append it.
    pub(super) fn is_much(&self) -> bool {
        self.events.len() >= EVENTS_AT_ONCE || self.bytes >= BYTES_AT_ONCE
    }
}

/// What is being appended, if anything is.
#[derive(Default)]
pub(super) struct Appending<'a> {
    in_flight: Option<InFlight<'a>>,
}

/// The appends of several batches.
type Appends<'a> = Pin<Box<dyn Future<Output = ledger_core::Result<Vec<Vec<Position>>>> + Send + 'a>>;

/// What is being appended, and what is kept when that is durable.
struct InFlight<'a> {
    appends: Appends<'a>,
    /// What came of it, if that was known at once.
    done: Option<Vec<Vec<Position>>>,
    changes: Changes,
    /// The last event of all.
    last: Option<EventId>,
}

impl<'a> Appending<'a> {
    /// What is to be kept under a name when that is durable.
    pub(super) fn change(&self, name: &str) -> Option<&Option<[Vec<u8>; 3]>> {
        self.in_flight.as_ref()?.changes.get(name)
    }

    /// Begins to append what was made, when nothing else is being appended. Backends with threads of their own append
    /// while more is read.
    pub(super) async fn begin(&mut self, ledger: &'a dyn Ledger, made: Made) -> Result<()> {
        let Made { events, changes, bytes: _ } = made;
        let last = events.last().map(|event| event.id.clone());
        let mut events = events.into_iter();
        let mut appends = Vec::new();
        loop {
            let batch: Vec<Event> = events.by_ref().take(STORE_BATCH_EVENTS).collect();
            if batch.is_empty() {
                break;
            }
            appends.push(ledger.append_all(batch));
        }
        let mut appends: Appends<'a> = Box::pin(try_join_all(appends));
        // The first look at it is what begins it.
        let done = match poll!(&mut appends) {
            Poll::Ready(done) => Some(done?),
            Poll::Pending => None,
        };
        self.in_flight = Some(InFlight { appends, done, changes, last });
        Ok(())
    }

    /// Waits until what was made is in the ledger; then, and only then, keeps how far that got.
    pub(super) async fn finish(
        &mut self,
        ledger: &dyn Ledger,
        own: &mut Own<'_>,
        known: &mut Known,
        (pass, progress): (&mut Pass, &Tell<'_>),
    ) -> Result<()> {
        let Some(InFlight { appends, done, changes, last }) = self.in_flight.take() else { return Ok(()) };
        let positions = match done {
            Some(positions) => positions,
            None => appends.await?,
        };
        let mut count = 0;
        for position in positions.iter().flatten() {
            count += 1;
            *(if position.is_new() { &mut pass.stored.appended } else { &mut pass.stored.duplicates }) += 1;
        }
        progress(Step::Appended(count));
        if let (Some(position), Some(id)) = (positions.last().and_then(|batch| batch.last()), last)
            && known.last.as_ref().is_none_or(|(offset, _)| position.offset() > *offset)
        {
            known.last = Some((position.offset(), id));
        }
        let head = ledger.head().await?;
        let bound = Bound { ledger: head.ledger_id, epoch: head.extent.epoch, last: known.last.clone() };
        let bound = postcard::to_stdvec(&bound).map_err(|error| Error::Keep(error.into()))?;
        let mut changes: Vec<Change> = changes.into_iter().map(|(name, parts)| Change { name, parts }).collect();
        changes.push(Change { name: BOUND.to_owned(), parts: Some([bound, Vec::new(), Vec::new()]) });
        own.put(changes).await
    }
}
