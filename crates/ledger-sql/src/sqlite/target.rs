//! Where a snapshot goes: written beside it, and named when it is complete.

use std::fs::File;
use std::path::{Path, PathBuf};

use ledger_core::{Error, Extent, LedgerId, Result};
use tempfile::TempPath;

use super::error::file;
use super::file::{COMPANIONS, Role, companions, folder, open_to_read, prepare};
use super::options::SqliteOptions;
use super::store;
use crate::head::HeadRow;
use crate::settings::Mode;

pub(super) struct Target {
    pub(super) path: PathBuf,
    /// Whether a snapshot stands there.
    pub(super) taken: bool,
}

impl Target {
    /// The place at `path`, if it is free or an older snapshot.
    pub(super) fn at(path: &Path) -> Result<Self> {
        let taken = path.symlink_metadata().is_ok();
        // What a link names is brought up to date, not replaced by a file.
        let path = if taken { path.canonicalize() } else { std::path::absolute(path) }
            .map_err(|error| refuse(path, &format!("leads nowhere ({error})")))?;
        if taken {
            snapshot_head(&path)?;
        }
        check_companions(&path)?;
        Ok(Self { path, taken })
    }

    /// A private file beside the target.
    pub(super) fn partial(&self) -> Result<TempPath> {
        let folder = folder(&self.path);
        let partial = tempfile::Builder::new().prefix(".ledger-snapshot-").suffix(".partial").tempfile_in(folder);
        Ok(partial.map_err(|error| file(&self.path, error))?.into_temp_path())
    }

    /// Gives the complete file its name, durably.
    pub(super) fn publish(&self, partial: TempPath, ledger_id: LedgerId, extent: Extent) -> Result<()> {
        let folder = File::open(folder(&self.path)).map_err(|error| file(&self.path, error))?;
        // One snapshot at a time is named in this folder, so that an older one never takes the place of a newer one. Where
        // folders cannot be locked the check stands alone.
        let _ = folder.lock();
        check_companions(&self.path)?;
        let named = if self.taken {
            let now = snapshot_head(&self.path)?;
            if now.ledger_id != ledger_id || now.extent.epoch != extent.epoch || now.extent.last > extent.last {
                return Err(Error::unavailable("the snapshot was changed meanwhile", "another snapshot"));
            }
            partial.persist(&self.path)
        } else {
            // Fails if somebody else has made the target meanwhile.
            partial.persist_noclobber(&self.path)
        };
        named.map_err(|error| file(&self.path, error.error))?;
        folder.sync_all().map_err(|error| file(&self.path, error))
    }
}

/// The head of the snapshot at `path`.
fn snapshot_head(path: &Path) -> Result<HeadRow> {
    let options = SqliteOptions::new(path).mode(Mode::ReadOnly);
    match prepare(&options) {
        Ok(Role::Snapshot) => store::head(&open_to_read(&options)?),
        Ok(Role::Live) => Err(refuse(path, "is a live ledger, not a snapshot")),
        Err(Error::NotFound { .. }) => Err(refuse(path, "is empty")),
        Err(error) => Err(error),
    }
}

/// Refuses a place where SQLite would take other files for a part of the snapshot, or the snapshot for a part of another
/// file.
fn check_companions(path: &Path) -> Result<()> {
    let name = path.as_os_str().to_string_lossy();
    if COMPANIONS.iter().any(|ending| name.ends_with(ending)) {
        return Err(refuse(path, "has a name that SQLite gives to its own files"));
    }
    match companions(path).iter().find(|companion| companion.symlink_metadata().is_ok()) {
        None => Ok(()),
        Some(companion) => {
            Err(refuse(path, &format!("has {} beside it, which another database left", companion.display())))
        }
    }
}

pub(super) fn refuse(path: &Path, why: &str) -> Error {
    Error::Refused(format!("{} {why}; name a new file", path.display()))
}
