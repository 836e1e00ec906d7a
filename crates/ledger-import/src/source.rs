//! The sources that can be imported.

use std::env;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::Options;
use crate::claude;
use crate::codex;
use crate::find::{Found, IsLog};
use crate::format::Format;
use crate::importer::{Logs, Whole};
use crate::incremental::{Import, Keep, Passes};
use ledger_core::Ledger;

/// Whose logs are imported.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// Transcripts of Claude Code.
    Claude,
    /// Rollouts of Codex.
    Codex,
}

impl Source {
    /// The sources that keep logs in usual places.
    pub const USUAL: [Self; 2] = [Self::Claude, Self::Codex];

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Claude => claude::Claude.source(),
            Self::Codex => codex::Codex.source(),
        }
    }

    /// The directories where this source keeps its logs, whether they are there or not, from the environment.
    #[must_use]
    pub fn usual_places(&self) -> Vec<PathBuf> {
        let home = env::home_dir();
        match self {
            Self::Claude => claude::usual_places(env::var_os("CLAUDE_CONFIG_DIR").as_deref(), home.as_deref()),
            Self::Codex => codex::usual_places(env::var_os("CODEX_HOME").as_deref(), home.as_deref()),
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
        if paths.is_empty() {
            return Ok(Found::below(self.usual_places(), self.is_log()));
        }
        Found::named(paths, self.is_log())
    }

    fn is_log(&self) -> IsLog {
        match self {
            Self::Claude => claude::is_log,
            Self::Codex => is_jsonl,
        }
    }

    /// An import that goes on where it was left.
    pub(crate) fn passes<'a>(
        &self,
        options: Options,
        ledger: &'a dyn Ledger,
        keep: Box<dyn Keep + 'a>,
    ) -> Box<dyn Passes + 'a> {
        match self {
            Self::Claude => Box::new(Import::new(claude::Claude, options, ledger, keep)),
            Self::Codex => Box::new(Import::new(codex::Codex, options, ledger, keep)),
        }
    }

    pub(crate) fn whole(&self) -> Box<dyn Whole> {
        match self {
            Self::Claude => Box::new(logs(claude::Claude)),
            Self::Codex => Box::new(logs(codex::Codex)),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn logs<F: Format>(format: F) -> Logs<F> {
    Logs { format, facts: F::Facts::default() }
}

/// Whether a file has the extension that logs have.
pub(crate) fn is_jsonl(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "jsonl")
}
