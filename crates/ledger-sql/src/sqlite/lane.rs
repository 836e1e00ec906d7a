//! The one who writes: a connection, and `BEGIN IMMEDIATE` as the lane.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ledger_core::{
    AppendOutcome, Batch, Checkpoint, CheckpointMove, Error, Extent, Head, RecordedBatch, RecordedEvent, Result,
    Timestamp,
};
use rusqlite::Connection;

use super::append::{Ids, Stop, append};
use super::error::{during_commit, is_busy, is_known_id, is_refused_write, not_committed, reading};
use super::file::{FileId, open_to_write};
use super::migrate::{APPEND_ONLY, version};
use super::options::SqliteOptions;
use super::store;
use crate::committer::{Lane, Outcomes};
use crate::head::HeadRow;
use crate::held::Expected;

/// Sleep between two attempts to get the lane, at first and at most: another process holds it for about one commit.
const FIRST_WAIT: Duration = Duration::from_micros(200);
const LONGEST_WAIT: Duration = Duration::from_millis(5);

/// How long to wait for readers before a new write-ahead log can begin.
const LOG_WAIT: Duration = Duration::from_secs(1);

pub(super) struct SqliteLane {
    options: SqliteOptions,
    file: FileId,
    /// `None` after a failure that leaves the state of the connection in doubt.
    connection: Option<Connection>,
}

impl SqliteLane {
    pub(super) fn open(options: SqliteOptions, file: FileId) -> Result<Self> {
        let connection = Some(open_to_write(&options)?);
        Ok(Self { options, file, connection })
    }

    /// Saves a checkpoint, if the ledger has its event.
    pub(super) fn save_checkpoint(&mut self, checkpoint: Checkpoint, how: CheckpointMove) -> Result<Checkpoint> {
        self.transaction(|connection, head| {
            let found = store::id_at(connection, checkpoint.offset)?;
            if !checkpoint.fits(head.extent, found.as_ref()) {
                return Err(Error::CheckpointLost { consumer: checkpoint.consumer, offset: checkpoint.offset });
            }
            let saved = store::checkpoints(connection)?.into_iter().find(|saved| saved.consumer == checkpoint.consumer);
            match saved {
                Some(ahead) if checkpoint.is_behind(&ahead, how) => {
                    // Written all the same, so that it is synced before it is said to stand.
                    store::save_head(connection, &head).map_err(reading)?;
                    Ok(ahead)
                }
                _ => {
                    let checkpoint = Checkpoint { updated_at: Timestamp::now(), ..checkpoint };
                    store::save_checkpoint(connection, &checkpoint).map_err(reading)?;
                    Ok(checkpoint)
                }
            }
        })
    }

    /// Takes over recorded events as they are.
    pub(super) fn restore(&mut self, batch: &RecordedBatch) -> Result<()> {
        self.transaction(|connection, head| {
            if holds(connection, head, batch)? {
                // Written all the same, so that it is synced before it is said to be there.
                return store::save_head(connection, &head).map_err(reading);
            }
            batch.check_follows(head.extent, head.latest)?;
            let head = store_recorded(connection, head, batch)?;
            store::save_head(connection, &head).map_err(reading)
        })
    }

    /// Deletes every event and begins a new epoch.
    pub(super) fn reset(&mut self, seen: &Head) -> Result<()> {
        self.transaction(|connection, head| {
            seen.check_seen(head.ledger_id, head.extent)?;
            let Extent { epoch, first, last } = head.extent;
            let extent = Extent { epoch: epoch.next(), first: last.after(), last };
            let detail = format!("deleted offsets {first} to {last}; epoch {}", extent.epoch);
            let reset = || -> rusqlite::Result<()> {
                // Deleted means overwritten, so that no copy of the file carries it on.
                connection.execute_batch(
                    "PRAGMA secure_delete = ON; DROP TRIGGER IF EXISTS events_are_never_changed; \
                     DROP TRIGGER IF EXISTS events_are_never_deleted; DELETE FROM events; PRAGMA secure_delete = OFF;",
                )?;
                connection.execute_batch(APPEND_ONLY)?;
                store::trace(connection, "reset", &detail)?;
                store::save_head(connection, &HeadRow { extent, ..head })
            };
            reset().map_err(reading)
        })?;
        tracing::warn!(ledger_id = %seen.ledger_id, "every event was deleted");
        // The log still has the old pages. Readers may keep it in use; then the next checkpoint overwrites it.
        let _ = self.begin_new_log();
        Ok(())
    }

    /// Runs `work` in a transaction of its own, which is durable when this returns `Ok`.
    fn transaction<T, E: From<Error>>(
        &mut self,
        work: impl FnOnce(&Connection, HeadRow) -> Result<T, E>,
    ) -> Result<T, E> {
        self.file.check()?;
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => open_to_write(&self.options)?,
        };
        begin(&connection, self.options.busy_timeout)?;
        // Version and head may have changed since: other processes write too.
        let head = version(&connection).and_then(|_| store::checked_head(&connection));
        let worked = head.map_err(E::from).and_then(|head| work(&connection, head));
        let result = match worked {
            Ok(value) => match connection.execute_batch("COMMIT") {
                Ok(()) => Ok(value),
                // The connection is closed, which rolls back what is left of the transaction.
                Err(error) => {
                    drop(connection);
                    return Err(self.judge_commit(error).into());
                }
            },
            Err(error) => {
                if connection.execute_batch("ROLLBACK").is_err() && !connection.is_autocommit() {
                    return Err(error);
                }
                Err(error)
            }
        };
        self.connection = Some(connection);
        result
    }

    /// Whether a commit that failed has stored anything.
    fn judge_commit(&self, error: rusqlite::Error) -> Error {
        let error = Arc::new(error);
        // A commit whose write was refused is not visible, but its frames may stand in the log behind the last commit,
        // where a recovery after a crash could find them. With a new log there is nothing to find.
        if is_refused_write(&error) && self.begin_new_log().is_ok() {
            return not_committed(&error);
        }
        during_commit(&error)
    }

    /// Moves every commit from the write-ahead log to the database, and cuts the log to nothing.
    fn begin_new_log(&self) -> Result<()> {
        let connection = open_to_write(&self.options)?;
        connection.busy_timeout(LOG_WAIT).map_err(reading)?;
        let busy: i64 =
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(reading)?;
        if busy == 0 { Ok(()) } else { Err(Error::Refused("the log is in use".into())) }
    }
}

impl Lane for SqliteLane {
    const WAITS: bool = false;

    fn append(&mut self, batches: &[Batch], meanwhile: impl FnOnce()) -> Outcomes {
        meanwhile();
        match self.append_group(batches, Ids::ExpectedNew) {
            Err(Stop::KnownId) => {}
            Err(Stop::Failed(failure)) => return Err(failure),
            Ok(outcomes) => return Ok(outcomes),
        }
        self.append_group(batches, Ids::LookedUp).map_err(|stop| match stop {
            Stop::Failed(failure) => failure,
            Stop::KnownId => Error::corrupt(None, "an id is known to the index of ids, but to no event"),
        })
    }
}

impl SqliteLane {
    fn append_group(&mut self, batches: &[Batch], ids: Ids) -> Result<Vec<Result<AppendOutcome>>, Stop> {
        self.transaction(|connection, before| {
            let mut head = HeadRow { latest: before.latest.max(Timestamp::now()), ..before };
            let mut outcomes = Vec::with_capacity(batches.len());
            for batch in batches {
                outcomes.push(append(connection, &mut head, batch, ids)?);
            }
            // Also for duplicates: only a commit that writes is synced, and what they repeat may not be yet.
            if outcomes.iter().any(|outcome| matches!(outcome, Ok(AppendOutcome::Appended(_)))) {
                if head.extent == before.extent {
                    head.latest = before.latest;
                }
                store::save_head(connection, &head).map_err(reading)?;
            }
            Ok(outcomes)
        })
    }
}

/// Gets the lane, waiting up to `timeout` for other processes.
fn begin(connection: &Connection, timeout: Duration) -> Result<()> {
    let deadline = Instant::now() + timeout;
    let mut wait = FIRST_WAIT;
    loop {
        match connection.execute_batch("BEGIN IMMEDIATE") {
            Ok(()) => return Ok(()),
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                std::thread::sleep(wait);
                wait = (wait * 2).min(LONGEST_WAIT);
            }
            Err(error) => return Err(not_committed(&Arc::new(error))),
        }
    }
}

/// Whether all of these events stand where they say, as they are.
fn holds(connection: &Connection, head: HeadRow, batch: &RecordedBatch) -> Result<bool> {
    let Some(mut expected) = Expected::within(head.extent, batch) else { return Ok(false) };
    store::scan(connection, batch.first(), batch.last(), |row| {
        expected.row(row);
        Ok(())
    })?;
    Ok(expected.are_held())
}

/// Stores recorded events as they are; the head that they lead to.
pub(super) fn store_recorded(connection: &Connection, head: HeadRow, batch: &RecordedBatch) -> Result<HeadRow> {
    let mut head = head;
    if head.extent.is_empty() {
        head.extent.first = batch.first();
    }
    for recorded in batch.events() {
        let RecordedEvent { offset, recorded_at, digest, event } = recorded.as_ref();
        match store::insert(connection, *offset, *recorded_at, digest, event) {
            Err(error) if is_known_id(&error) => {
                let stored = store::known(connection, &event.id)?.map(|known| known.offset);
                return Err(Error::IdConflict { id: event.id.clone(), stored });
            }
            stored => stored.map_err(reading)?,
        }
        head.extent.last = recorded.offset;
        head.latest = recorded.recorded_at;
    }
    Ok(head)
}

#[cfg(test)]
mod tests {
    use ledger_core::{Actor, Event, EventKind, Payload, RunId};

    use super::*;
    use crate::sqlite::file::prepare;

    fn batch(bytes: usize) -> Batch {
        let payload = Payload::from_json(format!(r#"{{"x":"{}"}}"#, "x".repeat(bytes))).unwrap();
        let (run, kind) = (RunId::new("run").unwrap(), EventKind::new("a.b").unwrap());
        Batch::new(vec![Event::new(run, kind, Actor::new("ann").unwrap(), payload)]).unwrap()
    }

    #[test]
    fn a_full_disk_is_said_and_appends_go_on_when_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions::new(folder.path().join("ledger.db"));
        prepare(&options).unwrap();
        let file = FileId::of(options.path()).unwrap();
        let mut lane = SqliteLane::open(options, file).unwrap();
        let limit = |lane: &SqliteLane, pages: i64| {
            lane.connection.as_ref().unwrap().pragma_update(None, "max_page_count", pages).unwrap();
        };
        let positions = |answers: Vec<Result<AppendOutcome>>| match answers.into_iter().next() {
            Some(Ok(AppendOutcome::Appended(positions))) => positions,
            other => panic!("{other:?}"),
        };
        assert_eq!(positions(lane.append(&[batch(10)], || ()).unwrap())[0].offset().get(), 1);
        limit(&lane, 40);
        let error = lane.append(&[batch(10), batch(200_000)], || ()).unwrap_err();
        assert!(matches!(error, Error::StorageFull(_)) && error.is_retryable(), "{error:?}");
        limit(&lane, 1_000_000);
        let answers = lane.append(&[batch(200_000)], || ()).unwrap();
        assert_eq!(positions(answers)[0].offset().get(), 2, "nothing of the failed group was stored");
    }
}
