//! Judging and storing batches, within the lane's transaction.

use std::collections::HashMap;

use ledger_core::{AppendOutcome, Batch, Digested, Error, EventId, Offset, Position, Result};

use super::engine::{Engine, NewRow};
use super::failure::Failure;
use super::lane::{End, Locked};
use super::link::Link;
use super::questions;
use super::statements::violation;
use crate::head::HeadRow;
use crate::known::Known;

/// Where new events stand that were stored from `first` on.
pub(super) fn positions(first: i64, batches: &[Batch]) -> Result<Vec<Result<AppendOutcome>>, Failure> {
    let mut next = Offset::from_i64(first).map_err(|error| Error::corrupt(None, error.to_string()))?;
    let position = |next: &mut Offset| {
        let position = Position::New(*next);
        *next = next.after();
        position
    };
    let outcomes = batches.iter().map(|batch| {
        let positions = batch.events().iter().map(|_| position(&mut next)).collect();
        Ok(batch.appended(positions))
    });
    Ok(outcomes.collect())
}

/// Judges each batch and stores it, or refuses it.
pub(super) async fn append<E: Engine>(
    link: &mut Link<E>,
    locked: Locked,
    batches: &[Batch],
) -> Result<(Vec<Result<AppendOutcome>>, End), Failure> {
    let ids: Vec<&str> = batches.iter().flat_map(Batch::events).map(|event| event.event().id.as_str()).collect();
    // A statement of its own, after the lock: in the same one it would miss what the last lane holder wrote.
    let known = link.known(&ids).await?;
    let before = locked.head;
    let head = HeadRow { latest: locked.now.max(before.latest), ..before };
    let mut group = Group { head, known, pending: Vec::new() };
    let mut outcomes = Vec::with_capacity(batches.len());
    for batch in batches {
        outcomes.push(group.append(link, batch).await?);
    }
    group.store(link).await?;
    // Also for duplicates: only a commit that writes is synced and replicated, and what they repeat may not be yet.
    let appended = outcomes.iter().any(|outcome| matches!(outcome, Ok(AppendOutcome::Appended(_))));
    let end = match group.head {
        _ if !appended => End::Nothing,
        head if head.extent == before.extent => End::Commit(before),
        head => End::Commit(head),
    };
    Ok((outcomes, end))
}

/// What is known while the batches of one transaction are judged.
struct Group<'b> {
    head: HeadRow,
    known: HashMap<EventId, Known>,
    /// Events that have their places and are not in the table yet.
    pending: Vec<NewRow<'b>>,
}

impl<'b> Group<'b> {
    /// The outer error is a failure of the server, which ends the whole transaction; the inner one refuses this batch.
    async fn append<E: Engine>(
        &mut self,
        link: &mut Link<E>,
        batch: &'b Batch,
    ) -> Result<Result<AppendOutcome>, Failure> {
        let places: Result<Vec<Option<Offset>>> = batch.events().iter().map(|event| self.place(event)).collect();
        let places = match places {
            Ok(places) => places,
            Err(conflict) => return Ok(Err(conflict)),
        };
        let new = places.iter().filter(|place| place.is_none()).count();
        if let Some(condition) = batch.condition()
            && new > 0
        {
            if let Err(refused) = condition.check(self.head.extent) {
                return Ok(Err(refused));
            }
            // It must see what this transaction has stored.
            self.store(link).await?;
            if let Some(offset) = questions::offset(link, violation::<E>(condition)).await? {
                return Ok(Ok(AppendOutcome::ConditionFailed { offset }));
            }
        }
        if let Err(full) = self.head.extent.check_room(new) {
            return Ok(Err(full));
        }
        let positions = batch.events().iter().zip(places).map(|(event, place)| match place {
            Some(offset) => Position::Duplicate(offset),
            None => Position::New(self.push(event)),
        });
        Ok(Ok(batch.appended(positions.collect())))
    }

    /// Where the event stands already.
    fn place(&self, event: &Digested) -> Result<Option<Offset>> {
        self.known.get(&event.event().id).map(|known| known.place(event)).transpose()
    }

    fn push(&mut self, event: &'b Digested) -> Offset {
        let offset = self.head.extent.last.after();
        self.known.insert(event.event().id.clone(), Known::new(offset, event));
        self.pending.push(NewRow {
            offset,
            recorded_at: self.head.latest,
            digest: event.digest(),
            event: event.event(),
        });
        self.head.extent.last = offset;
        offset
    }

    async fn store<E: Engine>(&mut self, link: &mut Link<E>) -> Result<(), Failure> {
        link.insert(&std::mem::take(&mut self.pending)).await
    }
}
