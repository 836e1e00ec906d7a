//! What is kept of a family.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ledger_core::{Epoch, EventId, LedgerId, Offset};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::cursor::Cursor;
use super::keep::BoxError;
use crate::NAMESPACE;
use crate::format::{Format, Link};
use crate::told::Told;

/// The name under which [`Bound`] is kept.
pub(super) const BOUND: &str = "ledger";

/// The files of a family, and how far they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursors {
    pub(super) files: BTreeMap<PathBuf, Cursor>,
}

/// What the lines of a family said, and which events were made of that.
pub(super) struct Facts<F: Format> {
    pub(super) facts: F::Facts,
    /// The events that the ledger has.
    pub(super) told: Told,
}

impl<F: Format> Default for Facts<F> {
    fn default() -> Self {
        Self { facts: F::Facts::default(), told: Told::default() }
    }
}

impl<F: Format> Facts<F> {
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, BoxError> {
        let (facts, told) = postcard::from_bytes(bytes)?;
        Ok(Self { facts, told: Told::of(told) })
    }
}

/// The name under which a family is kept; the paths of its files may be of any length.
pub(super) fn name_of(family: &Path) -> String {
    Uuid::new_v5(&NAMESPACE, family.as_os_str().as_encoded_bytes()).to_string()
}

/// Which ledger has the events of all that is kept, and the last of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bound {
    pub(super) ledger: LedgerId,
    pub(super) epoch: Epoch,
    pub(super) last: Option<(Offset, EventId)>,
}

pub(super) fn links_to_bytes(links: &[Link]) -> Vec<u8> {
    links.iter().flat_map(|link| link.0.to_le_bytes()).collect()
}

pub(super) fn links_from_bytes(bytes: &[u8]) -> impl Iterator<Item = Link> {
    bytes.as_chunks::<8>().0.iter().map(|link| Link(u64::from_le_bytes(*link)))
}
