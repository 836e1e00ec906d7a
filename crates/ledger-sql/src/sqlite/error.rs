//! What SQLite says, as the library's errors.

use std::path::Path;
use std::sync::Arc;

use ledger_core::{Error, Result};
use rusqlite::ErrorCode;
use rusqlite::ffi;

/// EMFILE and ENFILE, which have no `ErrorKind`.
const TOO_MANY_FILES: i32 = 24;
const TOO_MANY_FILES_IN_SYSTEM: i32 = 23;

/// A driver's error that several waiters may get.
type Shared = Arc<rusqlite::Error>;

/// Turns the driver's error into one that a caller can act on. Nothing was committed.
pub(super) fn not_committed(error: &Shared) -> Error {
    let source = || Box::new(Arc::clone(error));
    match code(error) {
        Some((ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _)) => {
            Error::unavailable("other processes kept the file locked for all of the busy timeout", source())
        }
        // A write that the system refuses for a quota or a file-size limit is IOERR_WRITE, not FULL.
        Some((ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_WRITE)) => Error::StorageFull(source()),
        Some((ErrorCode::DatabaseCorrupt, _)) => Error::corrupt(None, format!("SQLite says: {error}")),
        Some((ErrorCode::NotADatabase, _)) => Error::corrupt(None, "the file is not an SQLite database any more"),
        Some((ErrorCode::ConstraintViolation, _)) => {
            Error::corrupt(None, format!("the head and the events disagree: {error}"))
        }
        Some((ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen, _)) => Error::ReadOnly {
            reason: format!(
                "SQLite cannot write the file or the -wal and -shm files beside it ({error}); check the permissions \
                 of the file and its folder"
            ),
        },
        _ if is_damaged_value(error) => Error::corrupt(None, format!("a stored value is damaged: {error}")),
        _ => Error::Backend(source()),
    }
}

/// Whether a column holds what nobody could have stored there.
fn is_damaged_value(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error};
    matches!(error, FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) | Utf8Error(..))
}

/// Turns the error of a commit into one that says whether anything was committed.
pub(super) fn during_commit(error: &Shared) -> Error {
    match code(error) {
        // Refused before the commit record was written.
        Some((ErrorCode::DatabaseBusy | ErrorCode::DiskFull, _)) => not_committed(error),
        _ => Error::OutcomeUnknown(Box::new(Arc::clone(error))),
    }
}

/// Whether the system refused to write, for want of space or for another reason: SQLite does not say which.
pub(super) fn is_refused_write(error: &rusqlite::Error) -> bool {
    matches!(code(error), Some((_, ffi::SQLITE_IOERR_WRITE)))
}

fn code(error: &rusqlite::Error) -> Option<(ErrorCode, i32)> {
    error.sqlite_error().map(|error| (error.code, error.extended_code))
}

/// The error of something that only reads, or is rolled back.
pub(super) fn reading(error: rusqlite::Error) -> Error {
    not_committed(&Arc::new(error))
}

/// Whether somebody else holds the lock.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(code(error), Some((ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _)))
}

/// Whether an event was refused because its id stands in the ledger already.
pub(super) fn is_known_id(error: &rusqlite::Error) -> bool {
    matches!(code(error), Some((_, ffi::SQLITE_CONSTRAINT_UNIQUE)))
}

/// Whether the file is no database at all.
pub(super) fn is_not_a_database(error: &rusqlite::Error) -> bool {
    matches!(code(error), Some((ErrorCode::NotADatabase, _)))
}

/// Whether SQLite could not open a file.
pub(super) fn is_not_opened(error: &rusqlite::Error) -> bool {
    matches!(code(error), Some((ErrorCode::CannotOpen, _)))
}

/// What the file system says of `path`.
pub(super) fn file(path: &Path, error: std::io::Error) -> Error {
    use std::io::ErrorKind;
    let path = path.display();
    match error.kind() {
        ErrorKind::NotFound => Error::NotFound { what: format!("folder for {path}; create it first") },
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Error::ReadOnly { reason: format!("{path} cannot be written ({error}); check its permissions") }
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Error::StorageFull(Box::new(error))
        }
        _ if matches!(error.raw_os_error(), Some(TOO_MANY_FILES | TOO_MANY_FILES_IN_SYSTEM)) => {
            Error::unavailable("too many files are open", error)
        }
        ErrorKind::AlreadyExists => Error::Refused(format!("{path} exists already")),
        _ => Error::Backend(Box::new(error)),
    }
}

/// Runs blocking work of the driver away from the async threads.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::Backend(Box::new(error))),
    }
}
