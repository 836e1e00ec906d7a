//! What the engines on servers share: one implementation, over what an [`Engine`] does its own way.
//!
//! * The one who writes is the committer's thread, with a connection and a runtime of its own (`lane`): no caller can cancel
//!   it. Every answer has a deadline (`link`), and a commit that was not answered is settled by doing it again, since ids
//!   are known.
//! * Reads are statements without a transaction, so that a reader that goes away leaves nothing open (`readers`); what
//!   makes their answers prefixes of the ledger stands in `bounded`.
//!   A connection is used again only after an answer that was read to its end.

mod append;
#[cfg(feature = "mysql")]
mod bounded;
mod doctor;
mod driver;
mod engine;
#[cfg(feature = "entra")]
mod entra;
mod failure;
mod lane;
mod ledger;
mod link;
mod migrate;
mod options;
mod pages;
mod questions;
mod readers;
mod secret;
mod statements;
mod tls;
mod token;
mod url;
mod verify;
mod watch;

#[cfg(feature = "entra")]
pub use entra::EntraTokens;
pub use ledger::ServerLedger;
pub use options::{ServerKind, ServerOptions, Tls};
pub use secret::Secret;
pub use token::{REFRESH_MARGIN, Token, TokenProvider};

#[cfg(feature = "mysql")]
pub(crate) use bounded::page_after_head;
pub(crate) use driver::{bind, rows, scan, script};
pub(crate) use engine::{Answer, Bell, Each, EachPageRow, Engine, Kept, NewRow, Statement};
#[cfg(feature = "postgres")]
pub(crate) use engine::{HeadColumns, PageRow};
pub(crate) use failure::Verdict;
pub(crate) use link::column_error as stored;
#[cfg(feature = "postgres")]
pub(crate) use migrate::SCHEMA_VERSION;
pub(crate) use options::Place;
#[cfg(feature = "postgres")]
pub(crate) use pages::page_by_scan;
pub(crate) use questions::version;
