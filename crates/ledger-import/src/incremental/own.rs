//! What one import keeps.

use std::path::Path;

use super::keep::{Change, Keep, Part};
use super::saved::name_of;
use crate::Options;
use crate::error::{Error, Result};
use crate::format::Format;

/// What one import keeps, apart from others.
pub(super) struct Own<'a> {
    keep: Box<dyn Keep + 'a>,
    owner: String,
}

impl<'a> Own<'a> {
    pub(super) fn new<F: Format>(format: &F, options: &Options, keep: Box<dyn Keep + 'a>) -> Self {
        // Another tenant or origin makes other events; another version of the parser, others too.
        let origin = options.origin.as_deref().unwrap_or_default();
        let owner = name_of(Path::new(&[format.source(), &format.version(), origin, &options.tenant].join("\u{1f}")));
        Self { keep, owner }
    }

    /// As [`Keep::all`].
    pub(super) async fn all(&mut self, part: Part) -> Result<Vec<(String, Vec<u8>)>> {
        self.keep.all(&self.owner, part).await.map_err(Error::Keep)
    }

    /// As [`Keep::one`].
    pub(super) async fn one(&mut self, name: &str, part: Part) -> Result<Option<Vec<u8>>> {
        self.keep.one(&self.owner, name, part).await.map_err(Error::Keep)
    }

    /// As [`Keep::put`].
    pub(super) async fn put(&mut self, changes: Vec<Change>) -> Result<()> {
        self.keep.put(&self.owner, changes).await.map_err(Error::Keep)
    }

    /// As [`Keep::clear`].
    pub(super) async fn clear(&mut self) -> Result<()> {
        self.keep.clear(&self.owner).await.map_err(Error::Keep)
    }
}
