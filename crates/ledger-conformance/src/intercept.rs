//! A ledger that somebody stands in front of, for tests of whoever uses ledgers: what becomes of failures?

use std::ops::Deref;
use std::sync::Arc;

use async_trait::async_trait;
use ledger_core::{
    AppendOutcome, Batch, Checkpoint, CheckpointMove, Head, Ledger, Page, Progress, Read, RecordedBatch, Result, Run,
    RunQuery, Verification, Wakeup,
};

/// Who stands in front of a ledger. What is not overridden reaches it as it is.
#[async_trait]
pub trait Intercept: Send + Sync + 'static {
    /// An append of `batch` to `ledger`.
    ///
    /// # Errors
    /// Whatever the test wants.
    async fn append(&self, ledger: &dyn Ledger, batch: Batch) -> Result<AppendOutcome> {
        ledger.append(batch).await
    }

    /// A read of `ledger`.
    ///
    /// # Errors
    /// Whatever the test wants.
    async fn read(&self, ledger: &dyn Ledger, read: &Read) -> Result<Page> {
        ledger.read(read).await
    }
}

/// A ledger with somebody in front of it, whose methods it has.
pub struct Intercepted<I> {
    ledger: Arc<dyn Ledger>,
    by: I,
}

impl<I: Intercept> Intercepted<I> {
    /// `ledger`, with `by` in front of it.
    pub const fn new(ledger: Arc<dyn Ledger>, by: I) -> Self {
        Self { ledger, by }
    }
}

impl<I> Deref for Intercepted<I> {
    type Target = I;

    fn deref(&self) -> &I {
        &self.by
    }
}

#[async_trait]
impl<I: Intercept> Ledger for Intercepted<I> {
    async fn append(&self, batch: Batch) -> Result<AppendOutcome> {
        self.by.append(self.ledger.as_ref(), batch).await
    }

    async fn read(&self, read: &Read) -> Result<Page> {
        self.by.read(self.ledger.as_ref(), read).await
    }

    async fn head(&self) -> Result<Head> {
        self.ledger.head().await
    }

    async fn runs(&self, query: RunQuery) -> Result<Vec<Run>> {
        self.ledger.runs(query).await
    }

    async fn checkpoints(&self) -> Result<Vec<Checkpoint>> {
        self.ledger.checkpoints().await
    }

    async fn save_checkpoint(&self, checkpoint: Checkpoint, how: CheckpointMove) -> Result<Checkpoint> {
        self.ledger.save_checkpoint(checkpoint, how).await
    }

    async fn restore(&self, batch: RecordedBatch) -> Result<()> {
        self.ledger.restore(batch).await
    }

    async fn reset(&self, seen: &Head) -> Result<Head> {
        self.ledger.reset(seen).await
    }

    fn wakeup(&self) -> Wakeup {
        self.ledger.wakeup()
    }

    async fn verify(&self, progress: Progress<'_>) -> Result<Verification> {
        self.ledger.verify(progress).await
    }
}
