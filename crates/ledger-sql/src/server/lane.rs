//! The one who writes: a connection of its own, and the head row as the lane.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join;
use ledger_core::{
    AppendOutcome, Batch, Checkpoint, CheckpointMove, Error, Extent, Head, LedgerId, Offset, RecordedBatch,
    RecordedEvent, Result, Timestamp,
};
use tokio::runtime::Runtime;

use super::append;
use super::engine::{Engine, NewRow};
use super::failure::{Failure, unanswered};
use super::link::{Connector, Link, int, text};
use super::migrate::check_version;
use super::options::LONGEST;
use super::questions;
use super::statements::{delete_all, save_all_and_commit, save_and_commit};
use crate::committer::{Lane, Outcomes};
use crate::head::HeadRow;

/// Between two attempts while the server is away, at first and at most.
const FIRST_WAIT: Duration = Duration::from_millis(10);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The committer's side: a runtime that nobody else can stop or fill, and what runs on it.
pub(super) struct ServerLane<E: Engine> {
    runtime: Runtime,
    writer: Writer<E>,
}

pub(super) struct Writer<E: Engine> {
    connector: Arc<Connector>,
    ledger_id: LedgerId,
    /// `None` at first, and after a failure that leaves the state of the connection in doubt.
    link: Option<Link<E>>,
}

/// The lane, and what the server's clock said when it was had.
#[derive(Clone, Copy)]
pub(super) struct Locked {
    pub(super) head: HeadRow,
    pub(super) now: Timestamp,
}

/// How a transaction ends.
pub(super) enum End {
    /// With the head as it is now: something was stored, or was found to be there.
    Commit(HeadRow),
    /// The same, and more than the end has moved.
    CommitAll(HeadRow),
    /// Nothing was done.
    Nothing,
}

impl<E: Engine> ServerLane<E> {
    pub(super) fn new(connector: Arc<Connector>, ledger_id: LedgerId) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::unavailable("the committer's runtime could not be started", error))?;
        Ok(Self { runtime, writer: Writer { connector, ledger_id, link: None } })
    }

    pub(super) fn save_checkpoint(&mut self, checkpoint: &Checkpoint, how: CheckpointMove) -> Result<Checkpoint> {
        self.runtime.block_on(self.writer.save_checkpoint(checkpoint, how))
    }

    pub(super) fn restore(&mut self, batch: &RecordedBatch) -> Result<()> {
        self.runtime.block_on(self.writer.restore(batch))
    }

    pub(super) fn reset(&mut self, seen: &Head) -> Result<()> {
        self.runtime.block_on(self.writer.reset(seen))
    }
}

impl<E: Engine> Lane for ServerLane<E> {
    const WAITS: bool = true;

    fn append(&mut self, batches: &[Batch], meanwhile: impl FnOnce()) -> Outcomes {
        // In this order: first the statement is sent.
        let both = join(self.writer.append(batches), async { meanwhile() });
        self.runtime.block_on(both).0
    }
}

impl<E: Engine> Writer<E> {
    async fn append(&mut self, batches: &[Batch]) -> Outcomes {
        let unknown = match self.append_new(batches).await {
            Ok(Some(outcomes)) => return Ok(outcomes),
            Ok(None) | Err(Failure::KnownId | Failure::Again(_) | Failure::Demoted(_)) => false,
            // The statement was its own transaction; whether it was committed the ids will tell.
            Err(Failure::Lost(error)) => {
                tracing::info!(%error, "an append was not answered; looking for its events");
                true
            }
            Err(failure) => return Err(failure.into()),
        };
        self.settled(unknown, async |link, locked| append::append(link, locked, batches).await).await
    }

    /// The fast path: everything is expected to be new, and nothing asks for a condition.
    async fn append_new(&mut self, batches: &[Batch]) -> Result<Option<Vec<Result<AppendOutcome>>>, Failure> {
        if batches.iter().any(|batch| batch.condition().is_some()) {
            return Ok(None);
        }
        // A new connection takes the slow path once, which looks at the ledger as it is.
        let Some(mut link) = self.link.take() else { return Ok(None) };
        let stored = link.append_new(self.ledger_id, batches).await;
        if !matches!(stored, Err(Failure::Lost(_) | Failure::Demoted(_))) {
            self.link = Some(link);
        }
        match stored? {
            None => Ok(None),
            Some(first) => append::positions(first, batches).map(Some),
        }
    }

    /// Saves a checkpoint, if the ledger has its event.
    async fn save_checkpoint(&mut self, checkpoint: &Checkpoint, how: CheckpointMove) -> Result<Checkpoint> {
        self.settled(false, async |link, Locked { head, now }| {
            let found = questions::id_at(link, checkpoint.offset).await?;
            if !checkpoint.fits(head.extent, found.as_ref()) {
                let Checkpoint { consumer, offset, .. } = checkpoint.clone();
                return Err(Error::CheckpointLost { consumer, offset }.into());
            }
            let saved = questions::checkpoints(link).await?;
            let saved = saved.into_iter().find(|saved| saved.consumer == checkpoint.consumer);
            match saved {
                // Written all the same, so that it is synced and replicated before it is said to stand.
                Some(ahead) if checkpoint.is_behind(&ahead, how) => Ok((ahead, End::Commit(head))),
                _ => {
                    let checkpoint = Checkpoint { updated_at: now, ..checkpoint.clone() };
                    questions::save_checkpoint(link, &checkpoint).await?;
                    Ok((checkpoint, End::Commit(head)))
                }
            }
        })
        .await
    }

    /// Takes over recorded events as they are.
    async fn restore(&mut self, batch: &RecordedBatch) -> Result<()> {
        self.settled(false, async |link, Locked { head, .. }| {
            if questions::holds(link, head, batch).await? {
                return Ok(((), End::Commit(head)));
            }
            batch.check_follows(head.extent, head.latest)?;
            let ids: Vec<&str> = batch.events().iter().map(|event| event.event.id.as_str()).collect();
            let known = link.known(&ids).await?;
            if let Some((id, known)) = known.into_iter().next() {
                return Err(Error::IdConflict { id, stored: Some(known.offset) }.into());
            }
            let rows: Vec<NewRow<'_>> = batch.events().iter().map(|event| recorded_row(event)).collect();
            link.insert(&rows).await?;
            let first = if head.extent.is_empty() { batch.first() } else { head.extent.first };
            let extent = Extent { first, last: batch.last(), ..head.extent };
            let latest = rows.last().map_or(head.latest, |row| row.recorded_at);
            Ok(((), End::CommitAll(HeadRow { extent, latest, ..head })))
        })
        .await
    }

    /// Deletes every event and begins a new epoch. Not done again when its commit is not answered: a second time it would
    /// be refused, and the caller could not tell why.
    async fn reset(&mut self, seen: &Head) -> Result<()> {
        let timeout = self.connector.deadline();
        self.attempt(&mut async |link, Locked { head, .. }| {
            seen.check_seen(head.ledger_id, head.extent)?;
            let Extent { epoch, first, last } = head.extent;
            let extent = Extent { epoch: epoch.next(), first: last.after(), last };
            let detail = format!("deleted offsets {first} to {last}; epoch {}", extent.epoch);
            // It takes as long as there are events.
            link.wait_up_to(LONGEST);
            let deleted = link.script(format!("{}; {}", E::WITHOUT_TIMEOUT, delete_all::<E>(&detail))).await;
            link.wait_up_to(timeout);
            deleted?;
            Ok(((), End::CommitAll(HeadRow { extent, ..head })))
        })
        .await?;
        tracing::warn!(ledger_id = %seen.ledger_id, "every event was deleted");
        Ok(())
    }

    /// Runs `work` in a transaction that has the lane; again while the server is away or a commit is not answered, up to
    /// the time that is set for connecting. `unknown` says that an earlier attempt may have been committed.
    async fn settled<T>(
        &mut self,
        mut unknown: bool,
        mut work: impl AsyncFnMut(&mut Link<E>, Locked) -> Result<(T, End), Failure>,
    ) -> Result<T> {
        let deadline = Instant::now() + self.connector.options.connect_timeout;
        let mut wait = FIRST_WAIT;
        loop {
            let failure = match self.attempt(&mut work).await {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            tracing::debug!(?failure, unknown, "not committed, or not answered");
            unknown |= matches!(failure, Failure::Unknown(_));
            let again = !matches!(failure, Failure::KnownId | Failure::Said(_));
            if !again || Instant::now() + wait > deadline {
                let error = match failure {
                    // It took writes when the ledger was opened: another one may be about to take its place.
                    Failure::Demoted(error) => Error::unavailable("the server takes no writes any more", error),
                    failure => failure.into(),
                };
                return Err(if unknown && !matches!(error, Error::OutcomeUnknown(_)) {
                    Error::OutcomeUnknown(Box::new(error))
                } else {
                    error
                });
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Runs `work` in a transaction of its own, which is durable when this returns `Ok`.
    async fn attempt<T>(
        &mut self,
        work: &mut impl AsyncFnMut(&mut Link<E>, Locked) -> Result<(T, End), Failure>,
    ) -> Result<T, Failure> {
        let mut link = match self.link.take() {
            Some(link) => link,
            None => self.connect().await?,
        };
        let worked = match lock(&mut link, self.ledger_id).await {
            Ok(locked) => work(&mut link, locked).await,
            Err(failure) => Err(failure),
        };
        let (value, last) = match worked {
            Ok((value, End::Commit(head))) => (value, save_and_commit::<E>(&head)),
            Ok((value, End::CommitAll(head))) => (value, save_all_and_commit::<E>(&head)),
            Ok((value, End::Nothing)) => {
                self.roll_back(link).await;
                return Ok(value);
            }
            // Nobody knows what the connection is good for; where it leads now, another server may be.
            Err(failure @ (Failure::Lost(_) | Failure::Demoted(_))) => return Err(failure),
            Err(failure) => {
                self.roll_back(link).await;
                return Err(failure);
            }
        };
        // A connection on which this fails is dropped, and with it whatever is left of the transaction.
        link.script(last).await.map_err(unanswered)?;
        self.link = Some(link);
        Ok(value)
    }

    /// Keeps the connection if that works; one that is dropped is rolled back by the server.
    async fn roll_back(&mut self, mut link: Link<E>) {
        if link.script("ROLLBACK".into()).await.is_ok() {
            self.link = Some(link);
        }
    }

    /// A connection that writes: to this ledger, on a server that keeps what it must keep.
    async fn connect(&self) -> Result<Link<E>, Failure> {
        let mut link = self.connector.connect::<E>().await?;
        questions::check_settings(&mut link, &self.connector.options).await?;
        questions::checked_head(&mut link).await?;
        Ok(link)
    }
}

/// Begins a transaction, gets the lane, and reads where it stands.
async fn lock<E: Engine>(link: &mut Link<E>, ledger_id: LedgerId) -> Result<Locked, Failure> {
    let rows = link.script(E::LOCK_HEAD.into()).await?;
    let row = rows.first().ok_or_else(|| Error::corrupt(None, "the head row is missing"))?;
    let found = questions::ledger_id(&text::<E>(row, 0)?)?;
    if found != ledger_id {
        return Err(questions::replaced(ledger_id).into());
    }
    check_version(int::<E>(row, 1)?)?;
    let extent = questions::extent(int::<E>(row, 2)?, int::<E>(row, 3)?, int::<E>(row, 4)?)?;
    let end = if extent.is_empty() { Offset::ZERO } else { extent.last };
    if rows.get(1).map(|row| int::<E>(row, 0)).transpose()? != Some(end.as_i64()) {
        return Err(Error::corrupt(None, "the head and the last event disagree").into());
    }
    let (latest, now) = (questions::time(int::<E>(row, 5)?)?, questions::time(int::<E>(row, 6)?)?);
    Ok(Locked { head: HeadRow { ledger_id, extent, latest }, now })
}

fn recorded_row(recorded: &RecordedEvent) -> NewRow<'_> {
    let RecordedEvent { offset, recorded_at, digest, event } = recorded;
    NewRow { offset: *offset, recorded_at: *recorded_at, digest: *digest, event }
}
