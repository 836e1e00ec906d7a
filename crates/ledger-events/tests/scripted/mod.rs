//! A ledger that answers appends as a test says, and what recorders put into it.

#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ledger_conformance::events;
use ledger_conformance::intercept::{Intercept, Intercepted};
use ledger_core::{AppendOutcome, Batch, Error, Ledger, RecordedEvent, Result};
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
pub(crate) struct Script {
    ledger: Arc<MemoryLedger>,
    answers: Mutex<VecDeque<Answer>>,
    appends: AtomicUsize,
}

pub(crate) type Scripted = Intercepted<Script>;

pub(crate) fn scripted(answers: impl IntoIterator<Item = Answer>) -> Arc<Scripted> {
    let (ledger, answers) = (Arc::new(MemoryLedger::new()), Mutex::new(answers.into_iter().collect()));
    let script = Script { ledger: ledger.clone(), answers, appends: AtomicUsize::new(0) };
    Arc::new(Intercepted::new(ledger, script))
}

impl Script {
    /// How many appends were attempted.
    pub(crate) fn appends(&self) -> usize {
        self.appends.load(SeqCst)
    }

    pub(crate) async fn log(&self) -> Vec<Arc<RecordedEvent>> {
        events::log(self.ledger.as_ref()).await
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
impl Intercept for Script {
    async fn append(&self, ledger: &dyn Ledger, batch: Batch) -> Result<AppendOutcome> {
        self.appends.fetch_add(1, SeqCst);
        let answer = self.answers.lock().unwrap().pop_front();
        match answer {
            None => {}
            Some(Answer::Refuse(error)) => return Err(error),
            Some(Answer::StoreAndSay(error)) => {
                let _ = ledger.append(batch).await?;
                return Err(error);
            }
            Some(Answer::Late(time)) => tokio::time::sleep(time).await,
            Some(Answer::Panic) => panic!("a backend's bug"),
        }
        ledger.append(batch).await
    }
}
