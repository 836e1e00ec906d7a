//! The sources that can be imported.

use std::env;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use ledger_core::Ledger;

use crate::Options;
use crate::claude;
use crate::codex;
use crate::find::Found;
use crate::format::Format;
use crate::importer::{Logs, Whole};
use crate::incremental::{Import, Keep, Passes};
use crate::mapping::Mapping;
use crate::otlp;
use crate::roder;

/// Whose logs are imported.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// Transcripts of Claude Code.
    Claude,
    /// Rollouts of Codex.
    Codex,
    /// Threads of roder.
    Roder,
    /// Spans and logs of OpenTelemetry.
    Otlp,
    /// Whatever a mapping describes.
    Mapped(Mapping),
}

impl Source {
    /// The sources that keep logs in usual places.
    pub const USUAL: [Self; 3] = [Self::Claude, Self::Codex, Self::Roder];

    /// Names that no mapping may have.
    pub(crate) const RESERVED: [&'static str; 4] = [claude::SOURCE, codex::SOURCE, roder::SOURCE, otlp::SOURCE];

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Claude => claude::SOURCE,
            Self::Codex => codex::SOURCE,
            Self::Roder => roder::SOURCE,
            Self::Otlp => otlp::SOURCE,
            Self::Mapped(mapping) => mapping.name(),
        }
    }

    /// The directories where this source keeps its logs, whether they are there or not, from the environment. None for a
    /// source that has no usual places.
    #[must_use]
    pub fn usual_places(&self) -> Vec<PathBuf> {
        let home = env::home_dir();
        match self {
            Self::Claude => claude::usual_places(env::var_os("CLAUDE_CONFIG_DIR").as_deref(), home.as_deref()),
            Self::Codex => codex::usual_places(env::var_os("CODEX_HOME").as_deref(), home.as_deref()),
            Self::Roder => roder::usual_places(env::var_os("RODER_DATA_DIR").as_deref(), home.as_deref()),
            Self::Otlp | Self::Mapped(_) => Vec::new(),
        }
    }

    /// All logs among `paths`: files as they are, directories with all that is below them; without paths, those in
    /// [the usual places](Self::usual_places).
    ///
    /// A file that is reached twice, through links or overlapping paths, is found once. What is below a directory and has
    /// not the name of a log is not found, nor is what is no regular file: reading a pipe or a device may never end.
    ///
    /// # Errors
    /// When a path of `paths` does not exist, cannot be read, or is neither a directory nor a regular file. What is below
    /// one and cannot be read is a part of what was found.
    pub fn find(&self, paths: &[PathBuf]) -> io::Result<Found> {
        let format = self.format();
        let is_log = move |path: &Path| format.is_log(path);
        if paths.is_empty() {
            return Ok(Found::below(self.usual_places(), &is_log));
        }
        Found::named(paths, &is_log)
    }

    pub(crate) fn format(&self) -> Box<dyn AnyFormat> {
        match self {
            Self::Claude => Box::new(claude::Claude),
            Self::Codex => Box::new(codex::Codex),
            Self::Roder => Box::new(roder::Roder),
            Self::Otlp => Box::new(otlp::Otlp),
            Self::Mapped(mapping) => Box::new(mapping.clone()),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A [`Format`], whatever its lines and facts are.
pub(crate) trait AnyFormat {
    /// As [`Format::is_log`].
    fn is_log(&self, path: &Path) -> bool;

    /// A reading of logs as a whole.
    fn whole(self: Box<Self>) -> Box<dyn Whole>;

    /// An import that goes on where it was left.
    fn passes<'a>(
        self: Box<Self>,
        options: Options,
        ledger: &'a dyn Ledger,
        keep: Box<dyn Keep + 'a>,
    ) -> Box<dyn Passes + 'a>;
}

impl<F: Format> AnyFormat for F {
    fn is_log(&self, path: &Path) -> bool {
        Format::is_log(self, path)
    }

    fn whole(self: Box<Self>) -> Box<dyn Whole> {
        Box::new(Logs { format: *self, facts: F::Facts::default() })
    }

    fn passes<'a>(
        self: Box<Self>,
        options: Options,
        ledger: &'a dyn Ledger,
        keep: Box<dyn Keep + 'a>,
    ) -> Box<dyn Passes + 'a> {
        Box::new(Import::new(*self, options, ledger, keep))
    }
}
