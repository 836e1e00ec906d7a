//! How far imports got, kept in the database of projections.

use async_trait::async_trait;
use ledger_import::incremental::{BoxError, Change, Keep, Part};
use ledger_projections::Kept;

#[derive(Clone)]
pub(super) struct InDatabase(pub(super) Kept);

#[async_trait]
impl Keep for InDatabase {
    async fn all(&mut self, owner: &str, part: Part) -> Result<Vec<(String, Vec<u8>)>, BoxError> {
        Ok(self.0.all(owner, part.number()).await?)
    }

    async fn one(&mut self, owner: &str, name: &str, part: Part) -> Result<Option<Vec<u8>>, BoxError> {
        Ok(self.0.one(owner, name, part.number()).await?)
    }

    async fn put(&mut self, owner: &str, changes: Vec<Change>) -> Result<(), BoxError> {
        let parts = |parts: [Vec<u8>; 3]| Part::ALL.map(Part::number).into_iter().zip(parts).collect();
        let changes =
            changes.into_iter().map(|Change { name, parts: bytes }| (name, bytes.map_or_else(Vec::new, parts)));
        Ok(self.0.put(owner, changes.collect()).await?)
    }

    async fn clear(&mut self, owner: &str) -> Result<(), BoxError> {
        Ok(self.0.clear(owner).await?)
    }
}
