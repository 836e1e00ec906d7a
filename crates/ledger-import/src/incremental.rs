//! Importing what is new: files grow, are replaced, move away.
//!
//! What was read of a file is known by its cursor: how far, and hashes that tell whether what is before is
//! still the same. What the lines said is kept as facts, family by family, so that a line that joins lines read weeks ago
//! does so without reading those again. Both advance only after the events are durable in the ledger; a crash before that
//! reads the same bytes again, which gives the same events. Nothing that is kept is needed: without it, everything is
//! read again, and adds nothing.

mod appending;
mod cursor;
mod index;
mod keep;
mod known;
mod outcome;
mod own;
mod parallel;
mod pass;
mod reading;
mod saved;
#[cfg(test)]
mod tests;
mod unite;

pub use keep::{BoxError, Change, Keep, MemoryKeep, Part};
pub use outcome::{Pass, Step};
pub use pass::IncrementalImport;
pub(crate) use pass::{Import, Passes};
