//! Ledgers in one embedded SQLite file.
//!
//! Any number of handles in any number of processes may share a file. Each handle has one connection that writes, on the
//! committer's thread, and a few that read. The file is in WAL mode, so readers and the writer do not wait for each
//! other; `BEGIN IMMEDIATE` is the lane.

mod append;
mod doctor;
mod error;
mod file;
mod lane;
mod ledger;
mod migrate;
mod options;
mod pages;
mod readers;
mod restore;
mod snapshot;
mod snapshot_file;
mod store;
mod target;
mod verify;
mod watch;

pub use ledger::SqliteLedger;
pub use options::SqliteOptions;
pub use restore::{Restored, restore};
pub use snapshot::{SnapshotKind, Snapshotted, snapshot};

/// The tables of a ledger file, for tests of statements.
#[cfg(test)]
pub(crate) fn create_tables(connection: &rusqlite::Connection) {
    migrate::create(connection, &migrate::Identity::fresh()).unwrap();
}
