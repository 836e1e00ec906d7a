//! What can go wrong with an import.

use ledger_core::Invalid;

use crate::incremental::BoxError;

/// What this crate's operations return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong with an import. What was appended before stays; importing again goes on from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option is not one.
    #[error(transparent)]
    Invalid(#[from] Invalid),

    /// The ledger did not take the events.
    #[error(transparent)]
    Ledger(#[from] ledger_core::Error),

    /// Another import of the same logs went on meanwhile, again and again.
    #[error("another import of the same logs goes on at the same time; import again when that is done")]
    Overtaken,

    /// How far the import got could not be kept, or read.
    #[error("how far the import got cannot be kept or read: {0}")]
    Keep(#[source] BoxError),
}
