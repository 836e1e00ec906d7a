//! What an importer of one format of logs consists of.

use std::path::{Path, PathBuf};

use ledger_core::{Event, Invalid, Metadata};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::NAMESPACE;
use crate::told::{Mark, Told};

/// How to import.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who pays for the calls.
    pub tenant: String,
    /// The machine that the logs are of, for the metadata. It is a part of what an event says: the same log
    /// imported with two origins gives two events per fact, which projections count once.
    pub origin: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { tenant: "local".to_owned(), origin: None }
    }
}

impl Options {
    /// Checks them.
    ///
    /// # Errors
    /// [`Invalid`] when the tenant is empty, or the origin cannot be metadata.
    pub fn check(&self) -> Result<(), Invalid> {
        if self.tenant.trim().is_empty() {
            return Err(Invalid::new("tenant", "is empty; somebody pays"));
        }
        if let Some(origin) = &self.origin {
            Metadata::new().with("origin", origin)?;
        }
        Ok(())
    }
}

/// One format of logs: files of JSON objects, one per line.
///
/// Reading goes line by line into facts; what the facts say is emitted as events, as often as more lines come. The same
/// lines give the same events, whatever was read at once, in whatever order of files.
pub(crate) trait Format: Send + Sync + 'static {
    /// A line, as far as it is of interest.
    type Line: DeserializeOwned;
    /// What lines say, put together.
    type Facts: Default + Serialize + DeserializeOwned + Send;

    /// Its name: in `llm.called`, in the metadata, on the command line.
    fn source(&self) -> &str;

    /// Raised whenever the same lines give other events, or the facts are kept in another form; then everything is read
    /// again.
    fn version(&self) -> String;

    /// Whether a file below a directory that is imported is a log; files that somebody names are, whatever this says.
    fn is_log(&self, path: &Path) -> bool {
        path.extension().is_some_and(|extension| extension == "jsonl")
    }

    /// The place of files that belong together whatever they say; that of a file alone by default.
    fn family(&self, path: &Path) -> PathBuf {
        path.to_owned()
    }

    /// Whether a file is one JSON document over many lines, in place of lines that are documents.
    fn is_document(&self, _path: &Path) -> bool {
        false
    }

    /// Adds what a line of `file` says. Lines of one file come in their order, unless it is read again from its
    /// beginning; [`restart`](Self::restart) is called before that.
    ///
    /// # Errors
    /// The reason why the line cannot be used; never what it says.
    fn add(&self, facts: &mut Self::Facts, file: &Path, line: &Self::Line) -> Result<Fate, String>;

    /// Expects `file` from its beginning, because it was replaced, or somebody changed it. What is known of the lines that
    /// it had may stay.
    fn restart(&self, _facts: &mut Self::Facts, _file: &Path) {}

    /// What the facts have in common with those of other files that they belong together with, such as copies. Two
    /// families with one of them in common become one. Those of facts that absorbed others are none but those of both.
    fn links(&self, _facts: &Self::Facts) -> Vec<Link> {
        Vec::new()
    }

    /// Adds the facts of another family. Where both have read the same file, these have read further.
    fn absorb(&self, facts: &mut Self::Facts, other: Self::Facts);

    /// Says everything; of facts that were kept and have grown, what may be new is enough.
    fn emit(&self, facts: Self::Facts, options: &Options) -> Emitted;

    /// Says what was not told before, and notes that it is. A format that can do so finds that out before it makes events.
    fn emit_new(&self, facts: Self::Facts, options: &Options, told: &mut Told) -> Emitted {
        let mut emitted = self.emit(facts, options);
        emitted.events.retain(|event| told.add(Mark::of_id(&event.id)));
        emitted
    }
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It made a call known.
    Call,
    /// It observed a known call, larger than before.
    Larger,
    /// It observed a known call again.
    Repeat,
    /// It does not observe a call.
    Other,
}

/// A name that families may have in common, in 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Link(pub(crate) u64);

impl Link {
    /// Of a name of any kind that means the same in all files of a format.
    pub(crate) fn of(name: &str) -> Self {
        Self::of_id(Uuid::try_parse(name).unwrap_or_else(|_| Uuid::new_v5(&NAMESPACE, name.as_bytes())))
    }

    pub(crate) fn of_id(id: Uuid) -> Self {
        let (high, low) = id.as_u64_pair();
        Self(high.rotate_left(1) ^ low)
    }
}

/// What facts say as events, in no order.
#[derive(Debug, Default)]
pub(crate) struct Emitted {
    /// The events.
    pub(crate) events: Vec<Event>,
    /// How many facts no ledger takes.
    pub(crate) refused: u64,
}

impl Emitted {
    /// Adds an event, or counts that there is none.
    pub(crate) fn add(&mut self, event: Result<Event, Invalid>) {
        match event {
            Ok(event) => self.events.push(event),
            Err(_) => self.refused += 1,
        }
    }
}
