//! What is known of all families.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use ledger_core::{EventId, Ledger, LedgerExt as _, Offset};

use super::index::Index;
use super::keep::Part;
use super::own::Own;
use super::saved::{BOUND, Bound, Cursors};
use crate::error::Result;

/// What is known of all families.
#[derive(Default)]
pub(super) struct Known {
    pub(super) families: BTreeMap<String, Cursors>,
    /// Which family has a file.
    pub(super) by_path: HashMap<PathBuf, String>,
    /// Known when anything was read.
    pub(super) index: Option<Index>,
    /// The last event of all that is kept.
    pub(super) last: Option<(Offset, EventId)>,
}

impl Known {
    /// What is kept, if it is of `ledger` as it is.
    pub(super) async fn load(ledger: &dyn Ledger, own: &mut Own<'_>) -> Result<Self> {
        let head = ledger.head().await?;
        let bound = own.one(BOUND, Part::Cursors).await?;
        let bound: Option<Bound> = bound.and_then(|bytes| postcard::from_bytes(&bytes).ok());
        let is_ours = match &bound {
            Some(Bound { ledger: id, epoch, last }) if (*id, *epoch) == (head.ledger_id, head.extent.epoch) => {
                match last {
                    // A ledger that was restored to an older state lacks what was made last.
                    Some((offset, id)) => ledger.event_at(*offset).await?.is_some_and(|event| event.event.id == *id),
                    None => true,
                }
            }
            _ => false,
        };
        let Some(Bound { last, .. }) = bound.filter(|_| is_ours) else {
            own.clear().await?;
            return Ok(Self::default());
        };
        let mut known = Self { last, ..Self::default() };
        for (name, bytes) in own.all(Part::Cursors).await? {
            if name != BOUND
                && let Ok(cursors) = postcard::from_bytes::<Cursors>(&bytes)
            {
                known.add(name, cursors);
            }
        }
        Ok(known)
    }

    /// Adds a family, or what is known of it now.
    pub(super) fn add(&mut self, name: String, cursors: Cursors) {
        for path in cursors.files.keys() {
            self.by_path.insert(path.clone(), name.clone());
        }
        self.families.insert(name, cursors);
    }
}
