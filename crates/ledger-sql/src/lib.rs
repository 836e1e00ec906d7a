//! SQL backends of agent-ledger.
//!
//! What all engines share stands in this folder: the tables, filters as SQL, rows as events, the group committer. An
//! engine's own folder lists only what it does its own way. Today there is one, [`sqlite`]; snapshots of any ledger are
//! files of that engine.

#[cfg(not(feature = "sqlite"))]
compile_error!("ledger-sql needs an engine: enable its feature `sqlite`");

mod committer;
mod row;
mod schema;
mod seal;
mod select;
pub mod sqlite;

pub use sqlite::{
    Mode, ReadVerification, Restored, SnapshotKind, Snapshotted, SqliteLedger, SqliteOptions, restore, snapshot,
};
