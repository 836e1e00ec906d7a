//! What can go wrong with a projection.

use std::error::Error as StdError;

use ledger_core::{Invalid, Offset};

/// What this crate's operations return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong with a projection. Messages name no password and no text of an event.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What was asked for is not something that can be asked for. Mend it.
    #[error(transparent)]
    Invalid(#[from] Invalid),

    /// The ledger could not be read.
    #[error(transparent)]
    Ledger(#[from] ledger_core::Error),

    /// The projection's database cannot be reached, or is busy. Nothing was changed; try again later.
    #[error("the database of projections is not available: {reason}; try again")]
    Unavailable {
        /// What happened.
        reason: String,
        /// The driver's words.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },

    /// The projection stands at an event that this ledger does not have: it belongs to another ledger, or this one was
    /// reset or restored to an older state.
    #[error(
        "the {projection} projection is of another ledger, or of this one before it was reset: it stands at offset {offset}, where another event is now; rebuild it, or name another database"
    )]
    CheckpointLost {
        /// Which projection.
        projection: String,
        /// Where it stands.
        offset: Offset,
    },

    /// The tables that were being filled are gone: others took their place. Catch up again.
    #[error("the {projection} projection was replaced by another one while it was filled; catch up again")]
    Replaced {
        /// Which projection.
        projection: String,
    },

    /// There is nothing to read yet.
    #[error("there is no {projection} projection in {place}; catch it up first")]
    NotThere {
        /// Which projection.
        projection: String,
        /// Where it was looked for.
        place: String,
    },

    /// The database refused something that it should not; its tables are damaged, or not ours.
    #[error("the database of projections failed: {0}")]
    Database(#[source] Box<dyn StdError + Send + Sync>),
}

impl Error {
    /// Whether the same may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::Ledger(error) => error.is_retryable(),
            _ => false,
        }
    }

    /// Whether a table that was there is gone, or another one than it was: Postgres' `undefined_table`, MySQL's
    /// `ER_NO_SUCH_TABLE` and `ER_TABLE_DEF_CHANGED`.
    pub(crate) fn is_of_replaced_tables(&self) -> bool {
        let Self::Database(source) = self else { return false };
        let Some(sqlx::Error::Database(said)) = source.downcast_ref() else { return false };
        matches!(said.code().as_deref(), Some("42P01" | "42S02" | "1146" | "1412"))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let reason = match &error {
            sqlx::Error::Io(_) => "the connection failed",
            sqlx::Error::Protocol(_) => "its answer made no sense",
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                "no connection could be had"
            }
            sqlx::Error::Database(said) if may_be_tried_again(said.as_ref()) => "it is busy, or is stopping",
            _ => return Self::Database(Box::new(error)),
        };
        Self::Unavailable { reason: reason.into(), source: Box::new(error) }
    }
}

/// By the codes of SQLite (busy, locked), Postgres (classes 08, 53, 57P, 40, lock not available) and MySQL (lock wait,
/// deadlock, shutdown, too many connections).
fn may_be_tried_again(said: &dyn sqlx::error::DatabaseError) -> bool {
    let code = said.code().unwrap_or_default();
    ["08", "53", "57P", "40001", "40P01", "55P03"].iter().any(|class| code.starts_with(class) && code.len() == 5)
        || matches!(code.as_ref(), "5" | "6" | "261" | "517" | "1205" | "1213" | "1053" | "1040")
}
