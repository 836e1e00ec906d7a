//! A snapshot file as it is written: beside its target, or on top of an older snapshot, in one transaction.
//!
//! A snapshot has no write-ahead log, so it is one file that can be copied and that can be read from a read-only place.

use std::path::Path;

use ledger_core::{Checkpoint, Durability, Epoch, Error, LedgerId, RecordedBatch, Result};
use rusqlite::Connection;

use super::error::{is_busy, reading};
use super::file::{Role, open_to_write, pragma, prepare};
use super::lane::store_recorded;
use super::migrate::{Identity, migrate};
use super::options::{Mode, SqliteOptions};
use super::store::{self, HeadRow};

pub(super) struct SnapshotFile {
    connection: Connection,
    head: HeadRow,
}

impl SnapshotFile {
    /// Makes an empty file at `path` a snapshot of this ledger. Until [`Self::finish`] and a sync it may be anything, so
    /// `path` is not where people look.
    pub(super) fn create(path: &Path, ledger_id: LedgerId, epoch: Epoch) -> Result<Self> {
        let mut connection = Connection::open(path).map_err(reading)?;
        pragma(&connection, "journal_mode", "OFF")?;
        pragma(&connection, "synchronous", "OFF")?;
        migrate(&mut connection, &Identity { ledger_id, epoch, role: "snapshot" })?;
        Self::begin(connection)
    }

    /// Opens the snapshot at `path` to add to it. A crash before [`Self::finish`] returns leaves it as it was.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let options = SqliteOptions::new(path).mode(Mode::Existing).durability(Durability::Synced);
        let refuse =
            |what: &str| Error::Refused(format!("{} is {what}, not a snapshot; name a new file", path.display()));
        match prepare(&options) {
            Ok(Role::Snapshot) => {}
            Ok(Role::Live) => return Err(refuse("a live ledger")),
            Err(Error::NotFound { .. }) => return Err(refuse("empty or leads nowhere")),
            Err(error) => return Err(error),
        }
        let connection = open_to_write(&options)?;
        // The folder is synced after the rollback journal is gone.
        pragma(&connection, "synchronous", "EXTRA")?;
        Self::begin(connection)
    }

    fn begin(connection: Connection) -> Result<Self> {
        connection.execute_batch("BEGIN IMMEDIATE").map_err(|error| {
            if is_busy(&error) {
                Error::unavailable("the snapshot is being written or read", error)
            } else {
                reading(error)
            }
        })?;
        let head = store::head(&connection)?;
        Ok(Self { connection, head })
    }

    pub(super) fn head(&self) -> HeadRow {
        self.head
    }

    pub(super) fn add(&mut self, batch: &RecordedBatch) -> Result<()> {
        batch.check_follows(self.head.extent, self.head.latest)?;
        self.head = store_recorded(&self.connection, self.head, batch)?;
        Ok(())
    }

    /// Commits everything. Checkpoints that stand beyond the snapshot are left out.
    pub(super) fn finish(self, checkpoints: &[Checkpoint]) -> Result<HeadRow> {
        store::save_head(&self.connection, &self.head).map_err(reading)?;
        for checkpoint in checkpoints.iter().filter(|checkpoint| checkpoint.offset <= self.head.extent.last) {
            store::save_checkpoint(&self.connection, checkpoint).map_err(reading)?;
        }
        self.connection.execute_batch("COMMIT").map_err(reading)?;
        self.connection.close().map_err(|(_, error)| reading(error))?;
        Ok(self.head)
    }
}
