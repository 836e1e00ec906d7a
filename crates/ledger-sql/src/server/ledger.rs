//! The handle on a ledger on a server.

use std::sync::Arc;

use async_trait::async_trait;
use ledger_core::{
    AppendOutcome, Batch, Checkpoint, CheckpointMove, Error, Head, Ledger, LedgerId, Page, Progress, Read,
    RecordedBatch, Result, Run, RunQuery, Verification, Wakeup,
};

use super::engine::Engine;
use super::lane::ServerLane;
use super::link::Connector;
use super::options::ServerOptions;
use super::readers::Readers;
use super::verify::verify_events;
use super::watch::Watch;
use super::{migrate, questions};
use crate::committer::Committer;
use crate::settings::Mode;

/// A ledger in a database on a server. Clones share the connections.
///
/// Reading needs a tokio runtime with time and network enabled. Appending does not: it is done on a thread of this handle,
/// with a runtime of its own. When the last clone is dropped it waits until what is queued is committed or given up; where
/// that must not block, [`close`](Self::close) it instead.
///
/// An append whose answer was lost is settled before the caller hears: it is done again, and events that the first attempt
/// stored are found by their ids. They are then reported as duplicates, since nothing tells them from a duplicate.
pub struct ServerLedger<E: Engine>(Arc<Shared<E>>);

impl<E: Engine> Clone for ServerLedger<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

struct Shared<E: Engine> {
    connector: Arc<Connector>,
    ledger_id: LedgerId,
    readers: Readers<E>,
    /// `None` when the ledger is only read.
    committer: Option<Committer<ServerLane<E>>>,
    watch: Watch,
}

impl<E: Engine> ServerLedger<E> {
    /// Opens the ledger that `options` name; creates its tables, if they are missing and the mode allows.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the server cannot be reached, [`Error::AccessDenied`] when it refuses the user, or the
    /// connection could not be protected as it must be; [`Error::NotFound`], [`Error::NotALedger`],
    /// [`Error::SchemaTooNew`]; [`Error::Refused`] when the server is set to lose acknowledged events,
    /// [`Error::ReadOnly`] when it takes no writes.
    pub async fn open(options: ServerOptions) -> Result<Self> {
        let connector = connector::<E>(options)?;
        let options = &connector.options;
        let mut link = connector.connect::<E>().await?;
        let writes = options.mode != Mode::ReadOnly;
        if writes {
            questions::check_settings(&mut link, options).await?;
        }
        let ledger_id = migrate::prepare(&mut link, options).await?;
        let watch = Watch::start::<E>(Arc::clone(&connector), ledger_id)?;
        let committer = if writes {
            let lane = ServerLane::new(Arc::clone(&connector), ledger_id)?;
            let announce = watch.announcer();
            Some(Committer::start(lane, move || announce.announce())?)
        } else {
            None
        };
        tracing::debug!(engine = E::NAME, %ledger_id, writable = writes, "opened");
        let readers = Readers::new(Arc::clone(&connector), link);
        Ok(Self(Arc::new(Shared { connector, ledger_id, readers, committer, watch })))
    }

    /// Drops this handle without blocking: when it is the last one, returns when everything queued is committed or given
    /// up and the connections are closed.
    ///
    /// # Errors
    /// None of the ledger's own: what could not be committed was answered where it was appended.
    pub async fn close(self) -> Result<()> {
        if Arc::strong_count(&self.0) == 1 {
            self.0.readers.close().await;
        }
        match tokio::task::spawn_blocking(move || drop(self)).await {
            Ok(()) => Ok(()),
            Err(error) => Err(Error::Backend(Box::new(error))),
        }
    }

    fn committer(&self) -> Result<&Committer<ServerLane<E>>> {
        let reason = || Error::ReadOnly { reason: "it was opened to be read only".into() };
        self.0.committer.as_ref().ok_or_else(reason)
    }
}

/// What opens connections to the server that `options` name.
pub(super) fn connector<E: Engine>(options: ServerOptions) -> Result<Arc<Connector>> {
    if options.kind() != E::KIND {
        return Err(Error::Refused(format!("the options are for another server than {}", E::NAME)));
    }
    Ok(Arc::new(Connector { options }))
}

#[async_trait]
impl<E: Engine> Ledger for ServerLedger<E> {
    async fn append(&self, batch: Batch) -> Result<AppendOutcome> {
        self.committer()?.append(batch).await
    }

    async fn read(&self, read: &Read) -> Result<Page> {
        let (ledger_id, verification) = (self.0.ledger_id, self.0.connector.options.verification);
        let read = Arc::new(read.clone());
        self.0
            .readers
            .ask(move |link| Box::pin(questions::page(link, ledger_id, Arc::clone(&read), verification)))
            .await
    }

    async fn head(&self) -> Result<Head> {
        let (head, kept) = self.0.readers.ask(|link| Box::pin(questions::head_and_kept(link))).await?;
        if head.ledger_id != self.0.ledger_id {
            return Err(questions::replaced(self.0.ledger_id));
        }
        Ok(Head { ledger_id: head.ledger_id, extent: head.extent, durability: kept.level, engine: E::NAME.into() })
    }

    async fn runs(&self, query: RunQuery) -> Result<Vec<Run>> {
        let ledger_id = self.0.ledger_id;
        self.0.readers.ask(move |link| Box::pin(questions::runs(link, ledger_id, query))).await
    }

    async fn checkpoints(&self) -> Result<Vec<Checkpoint>> {
        let ledger_id = self.0.ledger_id;
        self.0.readers.ask(move |link| Box::pin(questions::checkpoints_of(link, ledger_id))).await
    }

    async fn save_checkpoint(&self, checkpoint: Checkpoint, how: CheckpointMove) -> Result<Checkpoint> {
        self.committer()?.run(move |lane| lane.save_checkpoint(&checkpoint, how)).await
    }

    async fn restore(&self, batch: RecordedBatch) -> Result<()> {
        self.committer()?.run(move |lane| lane.restore(&batch)).await
    }

    async fn reset(&self, seen: &Head) -> Result<Head> {
        let seen = seen.clone();
        self.committer()?.run(move |lane| lane.reset(&seen)).await?;
        self.head().await
    }

    fn wakeup(&self) -> Wakeup {
        self.0.watch.listen()
    }

    /// Checks every event. What the server's own indexes hide no reader sees: have it check them (`amcheck`,
    /// `CHECK TABLE`).
    async fn verify(&self, progress: Progress<'_>) -> Result<Verification> {
        verify_events(&self.0.readers, self.0.ledger_id, progress).await
    }
}
