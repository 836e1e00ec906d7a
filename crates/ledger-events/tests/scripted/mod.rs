//! A ledger that answers appends as a test says, and what recorders put into it.

#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ledger_conformance::events;
use ledger_core::{
    AppendOutcome, Batch, Checkpoint, CheckpointMove, Error, Head, Ledger, Page, Progress, Read, RecordedBatch,
    RecordedEvent, Result, Run, RunQuery, Verification, Wakeup,
};
use ledger_events::EventPayload;
use ledger_memory::MemoryLedger;

/// What one append does.
pub(crate) enum Answer {
    Refuse(Error),
    /// As when the connection breaks after the commit.
    StoreAndSay(Error),
    /// Takes so long, then stores.
    Late(Duration),
    Panic,
}

/// Gives the answers in order, one per append; afterwards it is an ordinary ledger.
pub(crate) struct Scripted {
    ledger: MemoryLedger,
    answers: Mutex<VecDeque<Answer>>,
    appends: AtomicUsize,
}

impl Scripted {
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        let answers = Mutex::new(answers.into_iter().collect());
        Arc::new(Self { ledger: MemoryLedger::new(), answers, appends: AtomicUsize::new(0) })
    }

    /// How many appends were attempted.
    pub(crate) fn appends(&self) -> usize {
        self.appends.load(SeqCst)
    }

    pub(crate) async fn log(&self) -> Vec<Arc<RecordedEvent>> {
        events::log(&self.ledger).await
    }

    /// What the ledger holds, all of which is of this kind.
    pub(crate) async fn all<P: EventPayload>(&self) -> Vec<P> {
        self.log().await.iter().map(|recorded| ledger_events::read(&recorded.event).unwrap().unwrap()).collect()
    }
}

pub(crate) fn unavailable() -> Error {
    Error::unavailable("no connection", "refused")
}

pub(crate) fn unknown() -> Error {
    Error::OutcomeUnknown("the answer was lost".into())
}

pub(crate) fn broken() -> Error {
    Error::Backend("broken".into())
}

#[async_trait]
impl Ledger for Scripted {
    async fn append(&self, batch: Batch) -> Result<AppendOutcome> {
        self.appends.fetch_add(1, SeqCst);
        let answer = self.answers.lock().unwrap().pop_front();
        match answer {
            None => {}
            Some(Answer::Refuse(error)) => return Err(error),
            Some(Answer::StoreAndSay(error)) => {
                let _ = self.ledger.append(batch).await?;
                return Err(error);
            }
            Some(Answer::Late(time)) => tokio::time::sleep(time).await,
            Some(Answer::Panic) => panic!("a backend's bug"),
        }
        self.ledger.append(batch).await
    }

    async fn read(&self, read: &Read) -> Result<Page> {
        self.ledger.read(read).await
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
