//! Opening a ledger file: is it one, may it be written, how is it kept durable.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ledger_core::{Durability, Error, Result};
use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags};

use super::error::{self, reading};
use super::migrate::{APPLICATION_ID, Identity, migrate, version};
use super::options::SqliteOptions;
use crate::settings::Mode;

/// SQLite before this one can corrupt a WAL file that two processes write.
const OLDEST_SQLITE: i32 = 3_051_003;

/// How long to sleep before asking again for a lock that SQLite does not wait for itself.
const LOCK_POLL: Duration = Duration::from_millis(2);

/// How the names of the files that SQLite keeps beside a database end.
pub(super) const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Kept in memory per connection, in KiB.
const CACHE_KIB: i64 = 16 * 1024;

/// What a ledger file is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A ledger that takes events.
    Live,
    /// A copy at one offset, to be read.
    Snapshot,
}

/// Which file a path names, so that a handle notices when its path comes to name another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileId {
    path: PathBuf,
    #[cfg(unix)]
    device: u64,
    #[cfg(unix)]
    inode: u64,
}

impl FileId {
    pub(super) fn of(path: &Path) -> Result<Self> {
        let metadata = path.metadata().map_err(|error| error::file(path, error))?;
        Ok(Self {
            path: path.to_owned(),
            #[cfg(unix)]
            device: std::os::unix::fs::MetadataExt::dev(&metadata),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(&metadata),
        })
    }

    /// Refuses to go on with a file that its path does not name any more: what is appended to it nobody would find.
    pub(super) fn check(&self) -> Result<()> {
        let path = &self.path;
        match Self::of(path) {
            Ok(found) if found == *self => Ok(()),
            Ok(_) | Err(Error::NotFound { .. }) => Err(Error::NotFound {
                what: format!(
                    "such ledger at {} any more: the file was moved or replaced; open it again",
                    path.display()
                ),
            }),
            Err(error) => Err(error),
        }
    }
}

/// Makes sure that there is a ledger file of this build's schema, and says what it is for.
pub(super) fn prepare(options: &SqliteOptions) -> Result<Role> {
    check_sqlite()?;
    match options.mode {
        Mode::Create => create(&options.path)?,
        Mode::Existing | Mode::ReadOnly => must_exist(&options.path)?,
    }
    let reads_only = options.mode == Mode::ReadOnly;
    let mut connection =
        if reads_only { open_to_read(options)? } else { open(options, OpenFlags::SQLITE_OPEN_READ_WRITE)? };
    let role = match identify(&connection, options)? {
        0 if options.mode == Mode::Create => Role::Live,
        0 => return Err(not_found(&options.path)),
        _ => role(&connection)?,
    };
    if role == Role::Live && !reads_only {
        into_wal(&connection, options.busy_timeout)?;
        migrate(&mut connection, &Identity::fresh())?;
    }
    Ok(role)
}

/// A connection that writes, and that waits for no lock by itself.
pub(super) fn open_to_write(options: &SqliteOptions) -> Result<Connection> {
    let connection = open(options, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let synchronous = if options.durability == Durability::Synced { "FULL" } else { "NORMAL" };
    pragma(&connection, "synchronous", synchronous)?;
    // On macOS fsync alone leaves data in the drive's cache.
    pragma(&connection, "fullfsync", "ON")?;
    pragma(&connection, "checkpoint_fullfsync", "ON")?;
    connection.busy_timeout(Duration::ZERO).map_err(reading)?;
    Ok(connection)
}

/// A connection that reads.
pub(super) fn open_to_read(options: &SqliteOptions) -> Result<Connection> {
    open(options, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

pub(super) fn pragma(connection: &Connection, name: &str, value: impl rusqlite::ToSql) -> Result<()> {
    connection.pragma_update(None, name, value).map_err(reading)
}

pub(super) fn check_sqlite() -> Result<()> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(Error::Refused(format!(
            "this program is linked to SQLite {}, which can corrupt a file that two processes write; link 3.51.3 or newer",
            rusqlite::version()
        )));
    }
    Ok(())
}

/// Creates an empty file that only its owner may read; SQLite gives the files beside it the same permissions.
fn create(path: &Path) -> Result<()> {
    // Closing a descriptor drops the locks that the whole process holds on the file, so nobody else in this process may
    // begin to use the file before its creator's descriptor is closed.
    static CREATING: Mutex<()> = Mutex::new(());
    let _creating = CREATING.lock();
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => must_exist(path),
        Err(error) => Err(error::file(path, error)),
    }
}

pub(super) fn must_exist(path: &Path) -> Result<()> {
    match path.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err(not_a_ledger(path, "it is not a file; name a file")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(not_found(path)),
        Err(error) => Err(error::file(path, error)),
    }
}

pub(super) fn open(options: &SqliteOptions, access: OpenFlags) -> Result<Connection> {
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(&options.path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(options.busy_timeout)?;
        connection.set_prepared_statement_cache_capacity(32);
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        connection.pragma_update(None, "cell_size_check", "ON")?;
        connection.pragma_update(None, "trusted_schema", "OFF")?;
        Ok(connection)
    };
    open().map_err(|error| match error {
        error if error::is_not_a_database(&error) => {
            not_a_ledger(&options.path, "it is not an SQLite file; name another file")
        }
        // SQLite does not say why. Never by opening the file: closing it again would drop the locks that this process
        // holds on it. Its folder tells whether anything can be opened at all.
        error if error::is_not_opened(&error) => match std::fs::File::open(folder(&options.path)) {
            Err(why) => error::file(&options.path, why),
            Ok(_) => reading(error),
        },
        error => reading(error),
    })
}

/// The folder that a file is in.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The files that SQLite may keep beside the database at `path`.
pub(super) fn companions(path: &Path) -> [PathBuf; 3] {
    COMPANIONS.map(|ending| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    })
}

/// Makes durable what the write-ahead log holds now. A process that died between writing a commit and syncing it leaves
/// one that SQLite recovers, and that would be served, and answered as known, without being on disk.
pub(super) fn sync_log(path: &Path) -> Result<()> {
    let [log, ..] = &companions(path);
    match OpenOptions::new().read(true).open(log) {
        Ok(file) => file.sync_all().map_err(|error| error::file(log, error)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error::file(log, error)),
    }
}

/// The schema version of the file, 0 for an empty one, before anything is written to it.
pub(super) fn identify(connection: &Connection, options: &SqliteOptions) -> Result<i64> {
    // One moment: another process may be creating the tables.
    let moment = connection.unchecked_transaction().map_err(reading)?;
    let application: i64 = moment.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(reading)?;
    let objects: i64 = moment.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(reading)?;
    match (application, objects) {
        (APPLICATION_ID, _) => version(&moment),
        (0, 0) => Ok(0),
        _ => Err(not_a_ledger(&options.path, "it is another program's SQLite database; name another file")),
    }
}

pub(super) fn role(connection: &Connection) -> Result<Role> {
    let role: String = connection.query_row("SELECT role FROM ledger_head", [], |row| row.get(0)).map_err(reading)?;
    Ok(if role == "snapshot" { Role::Snapshot } else { Role::Live })
}

pub(super) fn not_found(path: &Path) -> Error {
    let path = path.display();
    Error::NotFound { what: format!("ledger at {path}; append to it or restore a snapshot into it to create one") }
}

fn not_a_ledger(path: &Path, reason: &str) -> Error {
    Error::NotALedger { what: path.display().to_string(), reason: reason.into() }
}

/// Write-ahead logging, in which readers and a writer do not wait for each other. SQLite does not wait for the lock that
/// the change needs, so this does.
fn into_wal(connection: &Connection, timeout: Duration) -> Result<()> {
    let deadline = Instant::now() + timeout;
    loop {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                return Err(Error::Refused(format!(
                    "the file system does not support shared memory (journal mode stays {mode}); use a local disk"
                )));
            }
            Err(error) if error::is_busy(&error) && Instant::now() < deadline => std::thread::sleep(LOCK_POLL),
            Err(error) => return Err(reading(error)),
        }
    }
}
