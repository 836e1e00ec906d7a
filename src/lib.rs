//! The flight recorder of agent runtimes: an append-only ledger of events.
//!
//! A runtime appends events; after a crash it goes on from an offset; others follow live; a ledger is copied to one
//! portable SQLite file. [`open`] gives a ledger by its URL, and everything else works on any [`Ledger`].
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use agent_ledger::{Actor, Event, EventKind, LedgerExt, Payload, RunId};
//!
//! # let folder = tempfile::tempdir()?;
//! # let url = format!("sqlite:{}", folder.path().join("agent.db").display());
//! let ledger = agent_ledger::open(&url).await?;
//! let event = Event::new(
//!     RunId::new("run-1")?,
//!     EventKind::new("agent.spoke")?,
//!     Actor::new("ann")?,
//!     Payload::from_json(r#"{"text":"hello"}"#)?,
//! );
//! let position = ledger.append_one(event.clone()).await?; // durable now
//! assert!(position.is_new());
//! let again = ledger.append_one(event).await?; // a retry is a duplicate, at the same offset
//! assert_eq!(again.offset(), position.offset());
//! # Ok(()) })
//! # }
//! ```

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod diagnose;
mod open;

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub use diagnose::diagnose;
pub use ledger_core::*;
#[cfg(feature = "recorder")]
pub use ledger_events as events;
pub use ledger_memory::MemoryLedger;
#[cfg(feature = "projections")]
pub use ledger_projections as projections;
#[cfg(all(feature = "entra", any(feature = "postgres", feature = "mysql")))]
pub use ledger_sql::EntraTokens;
#[cfg(feature = "mysql")]
pub use ledger_sql::MySqlLedger;
#[cfg(feature = "postgres")]
pub use ledger_sql::PostgresLedger;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub use ledger_sql::{Diagnosis, Finding, LedgerFile, Mode, ReadVerification, Role, Severity};
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub use ledger_sql::{REFRESH_MARGIN, Secret, ServerKind, ServerLedger, ServerOptions, Tls, Token, TokenProvider};
#[cfg(feature = "sqlite")]
pub use ledger_sql::{Restored, SnapshotKind, Snapshotted, SqliteLedger, SqliteOptions, restore, snapshot};
pub use open::{open, open_existing, open_to_read};

/// The examples of the README, compiled and run by the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
