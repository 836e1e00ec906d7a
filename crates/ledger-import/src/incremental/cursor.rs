//! How far a file was read, and whether what was read is still there.

use std::fs::{File, Metadata};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::NAMESPACE;

/// How much of the beginning, and of what is before the place that was read to, is hashed.
const HASHED: u64 = 4096;

/// How far a file was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    seen: Seen,
    /// Bytes that need not be read again.
    pub(super) offset: u64,
    /// Lines before that.
    pub(super) lines: u64,
    /// Hashes of the first bytes, and of the last ones, of those.
    head: Uuid,
    before: Uuid,
}

/// What tells without opening a file whether it has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    device: u64,
    inode: u64,
    size: u64,
    modified_ns: u64,
}

impl Seen {
    pub(super) fn of(metadata: &Metadata) -> Self {
        let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified_ns = since.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or(0);
        let (device, inode) = identity(metadata);
        Self { device, inode, size: metadata.len(), modified_ns }
    }

    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    pub(super) const fn modified_ns(&self) -> u64 {
        self.modified_ns
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identity(_metadata: &Metadata) -> (u64, u64) {
    (0, 0)
}

/// A file, opened where it is to be read from.
pub(super) struct Opened {
    pub(super) file: File,
    /// Bytes and lines that were read before; 0 when it is to be read from its beginning.
    pub(super) offset: u64,
    pub(super) lines: u64,
    /// Whether something was read that is not there any more.
    pub(super) is_rewritten: bool,
}

impl Cursor {
    /// Whether nothing has happened to the file, as far as can be told without opening it.
    pub(super) fn is_unchanged(&self, seen: &Seen) -> bool {
        self.seen == *seen
    }

    /// Opens a file at its beginning.
    pub(super) fn open(path: &Path) -> io::Result<Opened> {
        Ok(Opened { file: File::open(path)?, offset: 0, lines: 0, is_rewritten: false })
    }

    /// Opens a file that was read up to here.
    pub(super) fn reopen(&self, path: &Path) -> io::Result<Opened> {
        let mut file = File::open(path)?;
        let is_same = file.metadata()?.len() >= self.offset
            && hash(&mut file, 0, self.offset.min(HASHED))? == self.head
            && hash_before(&mut file, self.offset)? == self.before;
        let (offset, lines) = if is_same { (self.offset, self.lines) } else { (0, 0) };
        file.seek(SeekFrom::Start(offset))?;
        Ok(Opened { file, offset, lines, is_rewritten: !is_same })
    }

    /// After `file` was read up to `offset`; `seen` is how it looked before.
    pub(super) fn at(file: &mut File, seen: Seen, offset: u64, lines: u64) -> io::Result<Self> {
        let head = hash(file, 0, offset.min(HASHED))?;
        Ok(Self { seen, offset, lines, head, before: hash_before(file, offset)? })
    }
}

fn hash_before(file: &mut File, offset: u64) -> io::Result<Uuid> {
    let length = offset.min(HASHED);
    hash(file, offset - length, length)
}

fn hash(file: &mut File, from: u64, length: u64) -> io::Result<Uuid> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.take(length).read_to_end(&mut bytes)?;
    Ok(Uuid::new_v5(&NAMESPACE, &bytes))
}
