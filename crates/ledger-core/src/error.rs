//! The one error of the library, with the variants that a caller acts on.

use std::error::Error as StdError;
use std::sync::Arc;

use crate::{ConsumerName, Epoch, EventId, Offset};

/// What a ledger's operations return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Where an error came from.
type Source = Box<dyn StdError + Send + Sync>;

/// A value that no backend accepts: which field, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct Invalid {
    field: &'static str,
    reason: String,
}

impl Invalid {
    /// `field` is refused for `reason`, which reads on after the field's name: "is empty".
    pub fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field, reason: reason.into() }
    }

    /// The field that was refused.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }
}

/// What can go wrong with a ledger. Sources are kept; messages name no payload and no password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input is refused on every backend; nothing was stored. Mend it; a retry gives the same answer.
    #[error(transparent)]
    Invalid(#[from] Invalid),

    /// An event of this append has the id of another event with other content; nothing of the append was stored.
    #[error("{id:?} already names an event with other content{}", at(.stored))]
    IdConflict {
        /// The id that names two events.
        id: EventId,
        /// Where the other event stands; `None` when it is in the same append.
        stored: Option<Offset>,
    },

    /// The connection or disk failed during the commit: it is stored, or not. The same call again settles it: an append
    /// with the same ids ends in exactly one copy, a restore takes up what stands there, a checkpoint is saved again, and
    /// a reset of a ledger that was reset is refused.
    #[error("whether it was stored is not known; do it again: what is stored already is recognised")]
    OutcomeUnknown(#[source] Source),

    /// The store cannot be reached or is busy. Nothing was stored; try again later.
    #[error("the ledger is not available: {reason}; try again")]
    Unavailable {
        /// What was not available, and how long was waited.
        reason: String,
        /// What the driver said.
        #[source]
        source: Option<Source>,
    },

    /// The disk, quota or file-size limit takes no more bytes. Nothing was stored; free space, then try again.
    #[error("the storage takes no more bytes; free some space, then try again")]
    StorageFull(#[source] Source),

    /// What is stored is not what was appended. `verify` finds the extent; restore from a snapshot.
    #[error("the ledger is damaged{}: {what}", at(.offset))]
    Corrupt {
        /// The first event concerned, where one can be named.
        offset: Option<Offset>,
        /// What was found.
        what: String,
    },

    /// The store was written by a newer version of this library, and was left untouched. Upgrade this program.
    #[error(
        "the ledger has schema version {found}, and this program knows versions up to {supported}; upgrade the program"
    )]
    SchemaTooNew {
        /// The version of the store.
        found: i64,
        /// The newest version that this build knows.
        supported: i64,
    },

    /// What the URL names is not a ledger, and was left untouched.
    #[error("{what} is not a ledger: {reason}")]
    NotALedger {
        /// The file or database.
        what: String,
        /// How one can tell, and what to do.
        reason: String,
    },

    /// There is no ledger, snapshot or folder where one was to be.
    #[error("there is no {what}")]
    NotFound {
        /// What is missing, and what to do.
        what: String,
    },

    /// The ledger can be read but not written: a snapshot, a file or directory without write permission.
    #[error("the ledger is read-only: {reason}")]
    ReadOnly {
        /// Why, and what to do.
        reason: String,
    },

    /// The server does not let this user in, or not do that; or it could not show who it is. Mend the settings or rights.
    #[error("access denied: {reason}")]
    AccessDenied {
        /// What was refused, and what to do.
        reason: String,
    },

    /// The ledger was reset since the reader or appender looked: events that it counts on are gone.
    #[error("the ledger was reset (epoch {epoch}); its events start at offset {first}; start again from 0")]
    Reset {
        /// The ledger's epoch now.
        epoch: Epoch,
        /// The first offset that the ledger holds or will hold.
        first: Offset,
    },

    /// A reader or appender counts on an offset that this ledger has not given out: it looked at another ledger, or this
    /// one was restored to an older state.
    #[error(
        "offset {offset} lies beyond the ledger's end ({last}); the ledger is another one, or an older state of it"
    )]
    Beyond {
        /// What the caller counts on.
        offset: Offset,
        /// Where the ledger ends.
        last: Offset,
    },

    /// The ledger does not hold the event that a consumer had reached: it was reset, or restored to an older state.
    #[error(
        "checkpoint {consumer:?} stands at offset {offset} on an event that this ledger does not have there; \
         rebuild what the consumer made, then set the checkpoint anew"
    )]
    CheckpointLost {
        /// Whose checkpoint.
        consumer: ConsumerName,
        /// Where it stands.
        offset: Offset,
    },

    /// A snapshot or restore would destroy something, or does not fit; nothing was changed.
    #[error("refused: {0}")]
    Refused(String),

    /// The ledger was closed, or its writer ended.
    #[error("the ledger is closed; open it again")]
    Closed,

    /// Anything else that the backend reports.
    #[error("the backend failed: {0}")]
    Backend(#[source] Source),
}

fn at(offset: &Option<Offset>) -> String {
    offset.map(|offset| format!(" at offset {offset}")).unwrap_or_default()
}

impl Error {
    /// Whether the same call may succeed later without any change by the caller.
    ///
    /// True for [`Error::Unavailable`], [`Error::OutcomeUnknown`] and [`Error::StorageFull`].
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::OutcomeUnknown(_) | Self::StorageFull(_))
    }

    /// The same failure for another caller that waited for the same thing; its source is this error.
    #[must_use]
    pub fn share(self: &Arc<Self>) -> Self {
        let source = || -> Source { Box::new(Arc::clone(self)) };
        match self.as_ref() {
            Self::Invalid(invalid) => Self::Invalid(invalid.clone()),
            Self::IdConflict { id, stored } => Self::IdConflict { id: id.clone(), stored: *stored },
            Self::OutcomeUnknown(_) => Self::OutcomeUnknown(source()),
            Self::Unavailable { reason, .. } => Self::Unavailable { reason: reason.clone(), source: Some(source()) },
            Self::StorageFull(_) => Self::StorageFull(source()),
            Self::Corrupt { offset, what } => Self::Corrupt { offset: *offset, what: what.clone() },
            Self::SchemaTooNew { found, supported } => Self::SchemaTooNew { found: *found, supported: *supported },
            Self::NotALedger { what, reason } => Self::NotALedger { what: what.clone(), reason: reason.clone() },
            Self::NotFound { what } => Self::NotFound { what: what.clone() },
            Self::ReadOnly { reason } => Self::ReadOnly { reason: reason.clone() },
            Self::AccessDenied { reason } => Self::AccessDenied { reason: reason.clone() },
            Self::Reset { epoch, first } => Self::Reset { epoch: *epoch, first: *first },
            Self::Beyond { offset, last } => Self::Beyond { offset: *offset, last: *last },
            Self::CheckpointLost { consumer, offset } => {
                Self::CheckpointLost { consumer: consumer.clone(), offset: *offset }
            }
            Self::Refused(reason) => Self::Refused(reason.clone()),
            Self::Closed => Self::Closed,
            Self::Backend(_) => Self::Backend(source()),
        }
    }

    /// [`Error::Corrupt`] at `offset`.
    pub fn corrupt(offset: impl Into<Option<Offset>>, what: impl Into<String>) -> Self {
        Self::Corrupt { offset: offset.into(), what: what.into() }
    }

    /// [`Error::Unavailable`] for `reason`.
    pub fn unavailable(reason: impl Into<String>, source: impl Into<Source>) -> Self {
        Self::Unavailable { reason: reason.into(), source: Some(source.into()) }
    }
}
