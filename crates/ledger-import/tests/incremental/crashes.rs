//! Imports that end in the middle.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use ledger_conformance::intercept::{Intercept, Intercepted};
use ledger_core::{AppendOutcome, Batch, Error, Ledger, Result};
use ledger_import::incremental::{BoxError, Change, Keep, MemoryKeep, Part};
use ledger_memory::MemoryLedger;

use crate::home::{Home, assert_same, events, import, spotter, whole};

/// Takes so many appends, and then none.
struct Full {
    left: AtomicUsize,
    /// Whether the first that is refused is stored all the same.
    stores: bool,
}

#[async_trait]
impl Intercept for Full {
    async fn append(&self, ledger: &dyn Ledger, batch: Batch) -> Result<AppendOutcome> {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            if self.stores {
                let _ = ledger.append(batch).await?;
            }
            return Err(Error::Refused("is full".to_owned()));
        }
        self.left.store(left - 1, Ordering::Relaxed);
        ledger.append(batch).await
    }
}

/// A keep that keeps nothing new.
struct Forgetful(MemoryKeep);

#[async_trait]
impl Keep for Forgetful {
    async fn all(&mut self, owner: &str, part: Part) -> Result<Vec<(String, Vec<u8>)>, BoxError> {
        self.0.all(owner, part).await
    }

    async fn one(&mut self, owner: &str, name: &str, part: Part) -> Result<Option<Vec<u8>>, BoxError> {
        self.0.one(owner, name, part).await
    }

    async fn put(&mut self, _owner: &str, _changes: Vec<Change>) -> Result<(), BoxError> {
        Err("the disk is full".into())
    }

    async fn clear(&mut self, _owner: &str) -> Result<(), BoxError> {
        Ok(())
    }
}

#[tokio::test]
async fn nothing_is_kept_of_what_the_ledger_did_not_take() {
    for stores in [false, true] {
        let mut home = Home::new();
        let files = spotter();
        let half: Vec<_> = files.iter().map(|(path, bytes)| (path, &bytes[..bytes.len() / 2])).collect();
        half.iter().for_each(|(path, bytes)| home.write(path, bytes));
        let ledger = Arc::new(MemoryLedger::new());
        let with = |left| Intercepted::new(ledger.clone(), Full { left: AtomicUsize::new(left), stores });
        assert!(import(home.dir.path(), &with(0), Box::new(&mut home.keep)).await.is_err());
        files.iter().for_each(|(path, bytes)| home.write(path, bytes));
        let pass = import(home.dir.path(), &with(usize::MAX), Box::new(&mut home.keep)).await.unwrap();
        assert_eq!(pass.report.files, 3, "all is read again");
        let pass = import(home.dir.path(), &with(0), Box::new(&mut home.keep)).await.unwrap();
        assert_eq!(pass.unchanged, 3);
        assert_same(&events(ledger.as_ref()).await, &whole(&files));
    }
}

#[tokio::test]
async fn what_the_keep_did_not_take_is_read_again_and_adds_nothing() {
    let mut home = Home::spotter();
    let forgetful = Forgetful(home.keep.clone());
    let error = import(home.dir.path(), &home.ledger, Box::new(forgetful)).await.unwrap_err();
    assert_eq!(error.to_string(), "how far the import got cannot be kept or read: the disk is full");
    let before = home.events().await.len();
    let pass = home.import().await;
    assert_eq!((pass.report.files, pass.stored.appended), (3, 0));
    assert_eq!(home.events().await.len(), before);
    assert_same(&home.events().await, &whole(&spotter()));
}
