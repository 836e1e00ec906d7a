//! What a projection is.

use std::sync::Arc;

use async_trait::async_trait;
use ledger_core::{RecordedEvent, Timestamp};

use crate::Result;
use crate::store::{Table, Tables};

/// A fold of the log into tables.
#[async_trait]
pub trait Projection: Send + Sync {
    /// Its name: `[a-z_]+`, short.
    fn name(&self) -> &'static str;

    /// Raised with every change of its tables or of what it folds; then a new generation is filled beside the one that is
    /// read, which it takes over from when it has caught up.
    fn version(&self) -> u32;

    /// What else decides how it folds, such as options; when it changes, that is as a change of version.
    fn settings(&self) -> String {
        String::new()
    }

    /// Its tables.
    fn tables(&self) -> &'static [Table];

    /// Tables that belong to no generation: what they hold outlasts rebuilds and new versions, and every generation sees
    /// the same; see [`Tables::lasting`]. They have no further indexes, and their columns never change.
    fn lasting(&self) -> &'static [Table] {
        &[]
    }

    /// Takes the next events in, in the transaction that also moves the checkpoint on. What an event says must not matter
    /// beyond the tables: the transaction may be rolled back and done again.
    ///
    /// # Errors
    /// Those of the database. Events that are not understood are not errors: they are passed over.
    async fn apply(&self, tables: &mut Tables<'_>, events: &[Arc<RecordedEvent>]) -> Result<()>;

    /// Removes the rows of before a time, in a transaction that also notes that. What is still told of them afterwards is
    /// the projection's to say; so is from which time on it takes events in, see [`Tables::kept_from`].
    ///
    /// # Errors
    /// Those of the database.
    async fn remove_before(&self, tables: &mut Tables<'_>, before: Timestamp) -> Result<u64>;
}
