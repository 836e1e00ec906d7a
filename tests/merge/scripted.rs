//! A ledger that fails, or changes, when it is told to.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use agent_ledger::{
    AppendOutcome, Batch, Checkpoint, CheckpointMove, Error, Head, Ledger, Page, Progress, Read, RecordedBatch, Result,
    Run, RunQuery, Verification, Wakeup,
};
use async_trait::async_trait;

use crate::setting::Shared;

/// What becomes of an append.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Append {
    Works,
    /// Nothing is stored.
    Refused,
    /// Nothing is stored, and whether it was is not known.
    Lost,
    /// It is stored, and whether it was is not known.
    Unanswered,
}

type OnRead = Box<dyn Fn(usize, Page) -> Result<Page> + Send + Sync>;

/// Does what is on its list, then works.
pub(crate) struct Scripted {
    ledger: Shared,
    appends: Mutex<Vec<Append>>,
    reads: AtomicUsize,
    on_read: Option<OnRead>,
}

impl Scripted {
    pub(crate) fn appending(ledger: &Shared, mut appends: Vec<Append>) -> Self {
        appends.reverse();
        Self { ledger: ledger.clone(), appends: Mutex::new(appends), reads: AtomicUsize::new(0), on_read: None }
    }

    /// Gives `on_read` the number of each read, from 0 up, and its page.
    pub(crate) fn reading(
        ledger: &Shared,
        on_read: impl Fn(usize, Page) -> Result<Page> + Send + Sync + 'static,
    ) -> Self {
        Self { on_read: Some(Box::new(on_read)), ..Self::appending(ledger, Vec::new()) }
    }
}

#[async_trait]
impl Ledger for Scripted {
    async fn append(&self, batch: Batch) -> Result<AppendOutcome> {
        let next = self.appends.lock().unwrap().pop().unwrap_or(Append::Works);
        match next {
            Append::Works => self.ledger.append(batch).await,
            Append::Refused => Err(Error::unavailable("the disk is gone", "scripted")),
            Append::Lost => Err(Error::OutcomeUnknown("scripted".into())),
            Append::Unanswered => {
                let _ = self.ledger.append(batch).await?;
                Err(Error::OutcomeUnknown("scripted".into()))
            }
        }
    }

    async fn read(&self, read: &Read) -> Result<Page> {
        let page = self.ledger.read(read).await?;
        match &self.on_read {
            Some(on_read) => on_read(self.reads.fetch_add(1, SeqCst), page),
            None => Ok(page),
        }
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
