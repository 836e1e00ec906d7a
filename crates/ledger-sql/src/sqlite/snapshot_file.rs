//! A snapshot file while it is written: beside its target, known to nobody else, so without a journal and without syncs
//! until it is complete.
//!
//! A snapshot has no write-ahead log, so it is one file that can be copied and that can be read from a read-only place.

use std::path::Path;
use std::sync::Arc;

use ledger_core::{Checkpoint, Head, Offset, PageSize, Read, RecordedBatch, RecordedEvent, Result};
use rusqlite::{Connection, OpenFlags};

use super::error::reading;
use super::file::pragma;
use super::lane::store_recorded;
use super::migrate::{Identity, migrate};
use super::store;
use crate::head::HeadRow;
use crate::row::ReadVerification;

pub(super) struct SnapshotFile {
    connection: Connection,
    head: HeadRow,
}

impl SnapshotFile {
    /// Makes the empty file at `path` a snapshot of the ledger with this head, without its events.
    pub(super) fn create(path: &Path, head: &Head) -> Result<Self> {
        let mut connection = open(path)?;
        let (epoch, first) = (head.extent.epoch, head.extent.first);
        migrate(&mut connection, &Identity { ledger_id: head.ledger_id, epoch, first, role: "snapshot" })?;
        Self::begin(connection)
    }

    /// Opens a copy of an older snapshot to add to it.
    pub(super) fn open(path: &Path) -> Result<Self> {
        Self::begin(open(path)?)
    }

    fn begin(connection: Connection) -> Result<Self> {
        connection.execute_batch("BEGIN IMMEDIATE").map_err(reading)?;
        let head = store::head(&connection)?;
        Ok(Self { connection, head })
    }

    pub(super) fn head(&self) -> HeadRow {
        self.head
    }

    /// The last event that it holds.
    pub(super) fn last_event(&self) -> Result<Option<Arc<RecordedEvent>>> {
        let last = Read::before(Offset::MAX).limit(PageSize::new(1)?);
        Ok(store::page(&self.connection, &last, ReadVerification::On)?.events.pop())
    }

    pub(super) fn add(&mut self, batch: &RecordedBatch) -> Result<()> {
        batch.check_follows(self.head.extent, self.head.latest)?;
        self.head = store_recorded(&self.connection, self.head, batch)?;
        Ok(())
    }

    /// Completes the file; it is not durable yet.
    pub(super) fn finish(self, checkpoints: &[Checkpoint]) -> Result<()> {
        store::save_head(&self.connection, &self.head).map_err(reading)?;
        for checkpoint in checkpoints {
            store::save_checkpoint(&self.connection, checkpoint).map_err(reading)?;
        }
        self.connection.execute_batch("COMMIT").map_err(reading)?;
        self.connection.close().map_err(|(_, error)| reading(error))
    }
}

/// Opens a file that can be thrown away when anything fails.
pub(super) fn open(path: &Path) -> Result<Connection> {
    // Not created here: who made the file made it private, and removes it.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(reading)?;
    pragma(&connection, "journal_mode", "OFF")?;
    pragma(&connection, "synchronous", "OFF")?;
    Ok(connection)
}
