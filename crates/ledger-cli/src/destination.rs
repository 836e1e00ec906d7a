//! Where a file's worth of output goes: standard output, or a new file that is there whole or not at all.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, PersistError};

use crate::failure::{Failure, Outcome};

/// What is written goes here; a file has no name until [`Destination::finish`].
pub(crate) enum Destination {
    Standard(BufWriter<io::Stdout>),
    File(Box<NewFile>),
}

pub(crate) struct NewFile {
    partial: BufWriter<NamedTempFile>,
    path: PathBuf,
    replaces: bool,
}

impl Destination {
    /// Standard output, or a file at `path`, which may only exist if it is to be replaced.
    pub(crate) fn new(path: Option<&Path>, replaces: bool) -> Result<Self, Failure> {
        let Some(path) = path else {
            return Ok(Self::Standard(BufWriter::new(io::stdout())));
        };
        let found = path.symlink_metadata();
        if found.is_ok() && !replaces {
            return Err(exists(path));
        }
        // What a link names is replaced, not the link; and nothing but a file is.
        let path =
            if found.is_ok() { path.canonicalize().map_err(|error| unwritten(path, &error))? } else { path.into() };
        if path.is_dir() || (path.exists() && !path.is_file()) {
            return Err(Failure::other(format!("{} is not a file; name a new one", path.display())));
        }
        let partial = partial(&path).map_err(|error| unwritten(&path, &error))?;
        Ok(Self::File(Box::new(NewFile { partial: BufWriter::new(partial), path, replaces })))
    }

    /// Says whether people would see what is written.
    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self, Self::Standard(_)) && io::IsTerminal::is_terminal(&io::stdout())
    }

    /// What it means that writing failed.
    pub(crate) fn failure(path: Option<&Path>, error: io::Error) -> Failure {
        match path {
            Some(path) => unwritten(path, &error),
            None => error.into(),
        }
    }

    /// Everything is written: it becomes durable, and the file gets its name.
    pub(crate) fn finish(self) -> Outcome {
        let NewFile { partial, path, replaces } = match self {
            Self::Standard(mut out) => return Ok(out.flush()?),
            Self::File(file) => *file,
        };
        let partial = partial.into_inner().map_err(|error| unwritten(&path, error.error()))?;
        partial.as_file().sync_all().map_err(|error| unwritten(&path, &error))?;
        let named = if replaces { partial.persist(&path) } else { partial.persist_noclobber(&path) };
        named.map_err(|PersistError { error, .. }| match error.kind() {
            io::ErrorKind::AlreadyExists => exists(&path),
            _ => unwritten(&path, &error),
        })?;
        name_durable(&path).map_err(|error| unwritten(&path, &error))
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Standard(out) => out.write(bytes),
            Self::File(file) => file.partial.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Standard(out) => out.flush(),
            Self::File(file) => file.partial.flush(),
        }
    }
}

/// A file beside the one that it becomes, which others may read as they may any new file.
fn partial(path: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".agent-ledger-export-").suffix(".partial");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder(path))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A name is in its folder, which is only a file that can be synced on some systems.
fn name_durable(path: &Path) -> io::Result<()> {
    if cfg!(unix) { std::fs::File::open(folder(path))?.sync_all() } else { Ok(()) }
}

fn exists(path: &Path) -> Failure {
    Failure::other(format!("{} exists; name a new file, or say --force to replace it", path.display()))
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    Failure::other(format!("{} could not be written: {error}", path.display()))
}
