//! The contract of agent-ledger: what an event is, what a [`Ledger`] promises, and which errors it gives.
//!
//! Nothing here does I/O, names a database, or needs an async runtime. Backends implement [`Ledger`]; everything else
//! (recorders, importers, projections, tools) works with any `dyn Ledger` through [`LedgerExt`].
//!
//! Everything an event is made of is valid by construction: a value of type [`EventId`], [`Payload`] or [`Timestamp`]
//! is one that every backend can keep and give back exactly, so no backend validates again.

mod append;
mod cached;
mod checkpoint;
mod digest;
mod error;
mod event;
mod ext;
mod filter;
mod head;
mod ledger;
pub mod limits;
mod merge;
mod metadata;
mod name;
mod offset;
mod payload;
mod read;
mod run;
mod timestamp;
mod verify;
mod wakeup;

pub use append::{AppendCondition, AppendOutcome, Batch, Digested, Position, RecordedBatch};
pub use cached::Cached;
pub use checkpoint::{Checkpoint, CheckpointMove};
pub use digest::{Digest, EventFields};
pub use error::{Error, Invalid, Result};
pub use event::{Event, RecordedEvent, SchemaVersion};
pub use ext::{EventStream, LedgerExt, PageStream};
pub use filter::Filter;
pub use head::{Durability, Epoch, Extent, Head, LedgerId};
pub use ledger::Ledger;
pub use merge::{Conflict, MAX_NAMED_CONFLICTS, MergeError, Merged, merge};
pub use metadata::Metadata;
pub use name::{Actor, ConsumerName, EventId, EventKind, ModelId, ModelProfile, RunId, SessionId};
pub use offset::Offset;
pub use payload::Payload;
pub use read::{Direction, Page, PageSize, Read};
pub use run::{Run, RunQuery};
pub use timestamp::Timestamp;
pub use verify::{Progress, Verification, verify_by_reading};
pub use wakeup::{Signal, Wakeup};
