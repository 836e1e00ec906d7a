//! A ledger that fails, or changes, when it is told to.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use agent_ledger::{AppendOutcome, Batch, Error, Ledger, Page, Read, Result};
use async_trait::async_trait;
use ledger_conformance::intercept::{Intercept, Intercepted};

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
pub(crate) struct Script {
    appends: Mutex<Vec<Append>>,
    reads: AtomicUsize,
    on_read: Option<OnRead>,
}

pub(crate) type Scripted = Intercepted<Script>;

pub(crate) fn appending(ledger: &Shared, mut appends: Vec<Append>) -> Scripted {
    appends.reverse();
    let script = Script { appends: Mutex::new(appends), reads: AtomicUsize::new(0), on_read: None };
    Intercepted::new(ledger.clone(), script)
}

/// Gives `on_read` the number of each read, from 0 up, and its page.
pub(crate) fn reading(
    ledger: &Shared,
    on_read: impl Fn(usize, Page) -> Result<Page> + Send + Sync + 'static,
) -> Scripted {
    let on_read: Option<OnRead> = Some(Box::new(on_read));
    Intercepted::new(ledger.clone(), Script { appends: Mutex::default(), reads: AtomicUsize::new(0), on_read })
}

#[async_trait]
impl Intercept for Script {
    async fn append(&self, ledger: &dyn Ledger, batch: Batch) -> Result<AppendOutcome> {
        let next = self.appends.lock().unwrap().pop().unwrap_or(Append::Works);
        match next {
            Append::Works => ledger.append(batch).await,
            Append::Refused => Err(Error::unavailable("the disk is gone", "scripted")),
            Append::Lost => Err(Error::OutcomeUnknown("scripted".into())),
            Append::Unanswered => {
                let _ = ledger.append(batch).await?;
                Err(Error::OutcomeUnknown("scripted".into()))
            }
        }
    }

    async fn read(&self, ledger: &dyn Ledger, read: &Read) -> Result<Page> {
        let page = ledger.read(read).await?;
        match &self.on_read {
            Some(on_read) => on_read(self.reads.fetch_add(1, SeqCst), page),
            None => Ok(page),
        }
    }
}
