//! What can come of talking to a server.

use std::fmt;
use std::io;

use ledger_core::Error;
use sqlx::error::DatabaseError;

/// Why something did not work, as far as it matters for what to do next.
#[derive(Debug)]
pub enum Failure {
    /// The connection is gone or silent; whether the last statement was done is not known.
    Lost(Error),
    /// A commit was sent, and not answered, for this reason.
    Unknown(Error),
    /// An id is in the ledger already; the statement did nothing.
    KnownId,
    /// The statement did nothing, and may succeed if the whole transaction is tried again.
    Again(Error),
    /// The server takes no writes: it is not the primary, or is not any more. The statement did nothing.
    Demoted(Error),
    /// Anything else; the statement did nothing.
    Said(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Said(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unknown(error) => Self::OutcomeUnknown(Box::new(error)),
            Failure::Lost(error) | Failure::Again(error) | Failure::Demoted(error) | Failure::Said(error) => error,
            Failure::KnownId => Error::corrupt(None, "an id is known to the index of ids, but to no event"),
        }
    }
}

/// What a server's refusal means; an engine says which of its codes mean what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The server is ending this connection, or takes no more of them for now.
    Gone,
    /// A unique index has the value already.
    KnownId,
    /// A deadlock, or something else that only a repeat can settle.
    Again,
    /// Something was waited for, and not had.
    Busy,
    /// The server took longer than it may.
    Slow,
    /// No room.
    Full,
    /// This login may not do that.
    Denied,
    /// The server takes no writes.
    ReadOnly,
    /// There is no such table, schema or database.
    Missing,
    /// The server found its own files damaged, or a guard of the ledger's tables spoke.
    Damaged,
    Other,
}

/// What a server said, without the values that it may have quoted.
struct ServerSaid {
    code: String,
    message: String,
}

impl fmt::Display for ServerSaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl fmt::Debug for ServerSaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ServerSaid {}

/// The failure that an error of the driver is.
pub(super) fn judge(error: sqlx::Error, verdict: impl Fn(&dyn DatabaseError) -> (Verdict, String)) -> Failure {
    match error {
        sqlx::Error::Database(said) => {
            let (verdict, message) = verdict(said.as_ref());
            let code = said.code().map(|code| code.into_owned()).unwrap_or_default();
            said_by_server(verdict, ServerSaid { code, message })
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            // Without the driver's words, which may quote the value.
            Failure::Said(Error::corrupt(None, "a stored value has another type, or is not UTF-8"))
        }
        sqlx::Error::Encode(error) => Failure::Said(Error::Backend(error)),
        sqlx::Error::Io(error) => Failure::Lost(Error::unavailable(io_reason(&error), error)),
        sqlx::Error::Protocol(what) => Failure::Lost(Error::unavailable("the server's answer made no sense", what)),
        error @ (sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed) => {
            Failure::Lost(Error::unavailable("no connection could be had", error))
        }
        other => Failure::Said(Error::Backend(Box::new(other))),
    }
}

fn said_by_server(verdict: Verdict, said: ServerSaid) -> Failure {
    let error = match verdict {
        Verdict::Gone => {
            return Failure::Lost(Error::unavailable("the server ended the connection, or takes none", said));
        }
        Verdict::KnownId => return Failure::KnownId,
        Verdict::Again => {
            return Failure::Again(Error::unavailable("the server chose another transaction over this one", said));
        }
        Verdict::Busy => Error::unavailable("other writers kept the ledger locked for all of the busy timeout", said),
        Verdict::Slow => {
            Error::unavailable("the server did not finish in time; timeout= sets how long it may take", said)
        }
        Verdict::Full => Error::StorageFull(Box::new(said)),
        Verdict::Denied => Error::AccessDenied { reason: said.to_string() },
        Verdict::ReadOnly => {
            return Failure::Demoted(Error::ReadOnly { reason: format!("the server takes no writes: {said}") });
        }
        Verdict::Missing => {
            Error::NotFound { what: format!("ledger: {said}; create what is missing, or name another") }
        }
        Verdict::Damaged => Error::corrupt(None, format!("the server says: {said}")),
        Verdict::Other => Error::Backend(Box::new(said)),
    };
    Failure::Said(error)
}

fn io_reason(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "nothing listens at the server's address",
        io::ErrorKind::TimedOut => "the server did not answer in time",
        io::ErrorKind::NotFound => "there is no socket at the server's address",
        _ => "the connection to the server failed",
    }
}

/// The server did not answer in time.
pub(super) fn silent(what: &str, waited: std::time::Duration) -> Failure {
    Failure::Lost(Error::unavailable(format!("{what} within {waited:?}"), "no answer"))
}

/// What is lost where a commit had been sent, or refused in words that are not known here: nobody knows.
pub(super) fn unanswered(failure: Failure) -> Failure {
    match failure {
        Failure::Lost(error) | Failure::Said(error @ Error::Backend(_)) => Failure::Unknown(error),
        other => other,
    }
}
