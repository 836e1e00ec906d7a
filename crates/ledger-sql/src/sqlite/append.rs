//! Judging and storing batches, within the lane's transaction.

use ledger_core::{AppendOutcome, Batch, Digested, Error, Offset, Position, Result};
use rusqlite::Connection;

use super::error::{is_known_id, reading};
use super::store;
use crate::head::HeadRow;

/// Where events are looked for before they are stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ids {
    /// Of each batch only the first one: a runtime's events are new but for retries, and a retry begins with what is
    /// known. The unique index finds the rest.
    ExpectedNew,
    /// All of them.
    LookedUp,
}

/// Why a transaction for a group of batches was given up.
pub(super) enum Stop {
    /// An event that was expected to be new is not; everything is to be looked up.
    KnownId,
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(failure: Error) -> Self {
        Self::Failed(failure)
    }
}

/// Judges one batch and stores it. The outer error is a failure of the store, which ends the whole transaction; the inner
/// one refuses this batch.
pub(super) fn append(
    connection: &Connection,
    head: &mut HeadRow,
    batch: &Batch,
    ids: Ids,
) -> Result<Result<AppendOutcome>, Stop> {
    // Whether a condition is judged depends on which events are new.
    let ids = if batch.condition().is_some() { Ids::LookedUp } else { ids };
    let mut known = Vec::with_capacity(batch.events().len());
    for (n, event) in batch.events().iter().enumerate() {
        if n > 0 && ids == Ids::ExpectedNew {
            known.push(None);
            continue;
        }
        match place(connection, event)? {
            Ok(None) => known.push(None),
            _ if ids == Ids::ExpectedNew => return Err(Stop::KnownId),
            Ok(place) => known.push(place),
            Err(conflict) => return Ok(Err(conflict)),
        }
    }
    let new = known.iter().filter(|place| place.is_none()).count();
    if let Some(condition) = batch.condition()
        && new > 0
    {
        if let Err(refused) = condition.check(head.extent) {
            return Ok(Err(refused));
        }
        if let Some(offset) = store::violation(connection, condition)? {
            return Ok(Ok(AppendOutcome::ConditionFailed { offset }));
        }
    }
    if let Err(full) = head.extent.check_room(new) {
        // Perhaps not all of them are new.
        return if ids == Ids::ExpectedNew { Err(Stop::KnownId) } else { Ok(Err(full)) };
    }
    let mut positions = Vec::with_capacity(known.len());
    for (event, place) in batch.events().iter().zip(known) {
        positions.push(match place {
            Some(offset) => Position::Duplicate(offset),
            None => {
                let offset = head.extent.last.after();
                let stored = store::insert(connection, offset, head.latest, &event.digest(), event.event());
                stored.map_err(|error| if is_known_id(&error) { Stop::KnownId } else { reading(error).into() })?;
                head.extent.last = offset;
                Position::New(offset)
            }
        });
    }
    Ok(Ok(batch.appended(positions)))
}

/// Where the event stands already; the inner error when its id names another event.
fn place(connection: &Connection, event: &Digested) -> Result<Result<Option<Offset>>> {
    Ok(store::known(connection, &event.event().id)?.map(|known| known.place(event)).transpose())
}
