//! Which runs a ledger holds.

use serde::{Deserialize, Serialize};

use crate::limits::MAX_RUNS;
use crate::{Invalid, Offset, Result, RunId};

/// A run, as the events of a ledger show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Which run.
    pub run_id: RunId,
    /// Where its first event stands.
    pub first: Offset,
    /// Where its last event stands.
    pub last: Offset,
    /// How many events it has.
    pub events: u64,
}

/// Which runs: those whose first event stands after a position, in the order of their first events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunQuery {
    after: Offset,
    limit: usize,
}

impl RunQuery {
    /// At most `limit` runs, from the first one that starts after `after`. To go on, ask after the `first` of the last
    /// run of the answer.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) when `limit` is 0 or above [`MAX_RUNS`].
    pub fn new(after: Offset, limit: usize) -> Result<Self> {
        if limit == 0 || limit > MAX_RUNS {
            return Err(Invalid::new("limit", format!("{limit} is not between 1 and {MAX_RUNS}")).into());
        }
        Ok(Self { after, limit })
    }

    /// Only runs that start after this position.
    #[must_use]
    pub const fn after(self) -> Offset {
        self.after
    }

    /// How many at most.
    #[must_use]
    pub const fn limit(self) -> usize {
        self.limit
    }
}
