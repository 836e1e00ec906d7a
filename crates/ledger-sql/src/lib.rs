//! SQL backends of agent-ledger.
//!
//! What all engines share stands in this folder: the tables, filters as SQL, rows as events, the group committer. An
//! engine's own folder lists only what it does its own way: [`sqlite`], `postgres`, `mysql`; what the engines on servers
//! share stands in `server`. Snapshots of any ledger are files of SQLite.

#[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
compile_error!("ledger-sql needs an engine: enable one of its features `sqlite`, `postgres` and `mysql`");

mod committer;
mod diagnosis;
mod head;
mod held;
mod known;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
mod row;
mod schema;
mod seal;
mod select;
#[cfg(feature = "_server")]
mod server;
mod settings;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod verify;

pub use diagnosis::{Diagnosis, Finding, LedgerFile, Role, Severity};
#[cfg(feature = "mysql")]
pub use mysql::{MySql, MySqlLedger};
#[cfg(feature = "postgres")]
pub use postgres::{Postgres, PostgresLedger};
pub use row::ReadVerification;
#[cfg(all(feature = "_server", feature = "entra"))]
pub use server::EntraTokens;
#[cfg(feature = "_server")]
pub use server::{REFRESH_MARGIN, Secret, ServerKind, ServerLedger, ServerOptions, Tls, Token, TokenProvider};
pub use settings::Mode;
#[cfg(feature = "sqlite")]
pub use sqlite::{Restored, SnapshotKind, Snapshotted, SqliteLedger, SqliteOptions, restore, snapshot};
