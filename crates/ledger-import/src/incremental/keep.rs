//! Where an importer keeps how far it got.

use std::collections::BTreeMap;
use std::error::Error;

use async_trait::async_trait;

/// Whatever went wrong in a [`Keep`].
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What is kept of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Which files it has, and how far they were read; some hundred bytes.
    Cursors,
    /// What it may have in common with other families; eight bytes per line.
    Links,
    /// What the lines said; some dozens of bytes per line.
    Facts,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Cursors, Self::Links, Self::Facts];

    /// A number for it.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Cursors => 0,
            Self::Links => 1,
            Self::Facts => 2,
        }
    }
}

/// A change of what is kept under a name.
#[derive(Clone, Debug)]
pub struct Change {
    /// The name, at most 64 bytes.
    pub name: String,
    /// All parts; `None` removes them.
    pub parts: Option<[Vec<u8>; 3]>,
}

/// Where an importer keeps how far it got. Losing it costs time, nothing else.
#[async_trait]
pub trait Keep: Send {
    /// One part of everything that `owner` keeps, by name.
    ///
    /// # Errors
    /// Those of the store.
    async fn all(&mut self, owner: &str, part: Part) -> Result<Vec<(String, Vec<u8>)>, BoxError>;

    /// One part of what is kept under a name.
    ///
    /// # Errors
    /// Those of the store.
    async fn one(&mut self, owner: &str, name: &str, part: Part) -> Result<Option<Vec<u8>>, BoxError>;

    /// Makes all changes, or none.
    ///
    /// # Errors
    /// Those of the store.
    async fn put(&mut self, owner: &str, changes: Vec<Change>) -> Result<(), BoxError>;

    /// Forgets everything that `owner` keeps.
    ///
    /// # Errors
    /// Those of the store.
    async fn clear(&mut self, owner: &str) -> Result<(), BoxError>;
}

#[async_trait]
impl<K: Keep + ?Sized> Keep for &mut K {
    async fn all(&mut self, owner: &str, part: Part) -> Result<Vec<(String, Vec<u8>)>, BoxError> {
        (**self).all(owner, part).await
    }

    async fn one(&mut self, owner: &str, name: &str, part: Part) -> Result<Option<Vec<u8>>, BoxError> {
        (**self).one(owner, name, part).await
    }

    async fn put(&mut self, owner: &str, changes: Vec<Change>) -> Result<(), BoxError> {
        (**self).put(owner, changes).await
    }

    async fn clear(&mut self, owner: &str) -> Result<(), BoxError> {
        (**self).clear(owner).await
    }
}

/// Keeps things as long as the program runs.
#[derive(Clone, Debug, Default)]
pub struct MemoryKeep {
    kept: BTreeMap<(String, String), [Vec<u8>; 3]>,
}

#[async_trait]
impl Keep for MemoryKeep {
    async fn all(&mut self, owner: &str, part: Part) -> Result<Vec<(String, Vec<u8>)>, BoxError> {
        let of_owner = self.kept.iter().filter(|((kept, _), _)| kept == owner);
        Ok(of_owner.map(|((_, name), parts)| (name.clone(), parts[usize::from(part.number())].clone())).collect())
    }

    async fn one(&mut self, owner: &str, name: &str, part: Part) -> Result<Option<Vec<u8>>, BoxError> {
        let kept = self.kept.get(&(owner.to_owned(), name.to_owned()));
        Ok(kept.map(|parts| parts[usize::from(part.number())].clone()))
    }

    async fn put(&mut self, owner: &str, changes: Vec<Change>) -> Result<(), BoxError> {
        for Change { name, parts } in changes {
            let name = (owner.to_owned(), name);
            match parts {
                Some(parts) => drop(self.kept.insert(name, parts)),
                None => drop(self.kept.remove(&name)),
            }
        }
        Ok(())
    }

    async fn clear(&mut self, owner: &str) -> Result<(), BoxError> {
        self.kept.retain(|(kept, _), _| kept != owner);
        Ok(())
    }
}
