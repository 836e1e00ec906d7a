//! Importers of what agents log about themselves.
//!
//! An [`Importer`] reads logs as a whole and gives events, without touching a ledger; [`store`] appends them.
//! [`incremental`] reads what is new of logs and appends that. The ids of the events follow from what they say, so importing
//! the same logs again, in any order, on any machine, adds nothing.
//!
//! Importers read the shape of a conversation, never its content: whatever could carry prompts, answers, tool arguments
//! or tool output is skipped by the parser and never reaches a variable.
//!
//! ```
//! use ledger_import::{Importer, Options, Source, samples};
//!
//! let mut importer = Importer::new(&Source::Claude, Options::default())?;
//! for (path, bytes) in samples::SPOTTER {
//!     importer.read(path.as_ref(), *bytes)?;
//! }
//! let import = importer.finish();
//! assert_eq!(import.report.calls, 156);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod claude;
mod codex;
mod emission;
mod ending;
mod error;
mod find;
mod format;
mod identity;
mod importer;
pub mod incremental;
mod input;
mod lines;
mod loose;
mod mapping;
mod otlp;
mod report;
mod revision;
mod roder;
pub mod samples;
mod source;
mod store;
mod told;
mod words;

pub use error::{Error, Result};
pub use find::Found;
pub use format::Options;
pub use identity::NAMESPACE;
pub use importer::Importer;
pub use lines::MAX_LINE_BYTES;
pub use mapping::Mapping;
pub use report::{BadLine, Import, MAX_BAD_LINES, Report};
pub use source::Source;
pub use store::{STORE_BATCH_EVENTS, Stored, store};
