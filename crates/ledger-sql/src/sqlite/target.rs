//! Where a snapshot goes: written beside it, and named when it is complete.

use std::fs::File;
use std::path::{Path, PathBuf};

use ledger_core::{Error, Result};
use tempfile::TempPath;

use super::error::file;
use super::file::FileId;

/// Where a snapshot goes.
pub(super) struct Target {
    pub(super) path: PathBuf,
    folder: PathBuf,
    /// The file that stands there.
    pub(super) older: Option<FileId>,
}

impl Target {
    pub(super) fn at(path: &Path) -> Result<Self> {
        let older = path.symlink_metadata().is_ok();
        // What a link names is brought up to date, not replaced by a file.
        let path = if older { path.canonicalize() } else { std::path::absolute(path) }
            .map_err(|error| Error::Refused(format!("{} leads nowhere ({error}); name a new file", path.display())))?;
        let folder = path.parent().unwrap_or(&path).to_owned();
        let older = older.then(|| FileId::of(&path)).transpose()?;
        Ok(Self { path, folder, older })
    }

    /// A private file beside the target.
    pub(super) fn partial(&self) -> Result<TempPath> {
        let partial = tempfile::Builder::new().prefix(".ledger-snapshot-").suffix(".partial").tempfile_in(&self.folder);
        Ok(partial.map_err(|error| file(&self.folder, error))?.into_temp_path())
    }

    /// Gives the complete file its name, durably.
    pub(super) fn publish(&self, partial: TempPath) -> Result<()> {
        let named = match self.older {
            // Fails if somebody else has made the target meanwhile.
            None => partial.persist_noclobber(&self.path),
            Some(older) if FileId::of(&self.path)? == older => partial.persist(&self.path),
            Some(_) => return Err(Error::unavailable("the snapshot was changed meanwhile", "another file")),
        };
        named.map_err(|error| file(&self.path, error.error))?;
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(|error| file(&self.folder, error))
    }
}
