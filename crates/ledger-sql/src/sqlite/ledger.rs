//! The handle on a ledger file.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use ledger_core::{
    AppendOutcome, Batch, Checkpoint, CheckpointMove, Durability, Error, Head, Ledger, Page, Progress, Read,
    RecordedBatch, Result, Run, RunQuery, Verification, Wakeup,
};
use rusqlite::Connection;

use super::error::{blocking, file, reading};
use super::file::{FileId, Role, prepare, sync_log};
use super::lane::SqliteLane;
use super::options::SqliteOptions;
use super::readers::Readers;
use super::store;
use super::verify::verify_events;
use super::watch::Watch;
use crate::committer::Committer;
use crate::settings::Mode;

/// A ledger in one SQLite file. Clones share the connections.
///
/// A snapshot opens too, to be read. Opening and reading need a tokio runtime, on whose blocking threads they run. When
/// the last clone is dropped it waits until what is queued is committed; where that must not block, [`close`](Self::close)
/// it instead.
#[derive(Clone)]
pub struct SqliteLedger(Arc<Shared>);

struct Shared {
    options: SqliteOptions,
    role: Role,
    watch: Watch,
    readers: Arc<Readers>,
    /// `None` when the file is only read. Closed last, since only a connection that writes clears the -wal file away.
    committer: Option<Committer<SqliteLane>>,
}

impl SqliteLedger {
    /// Opens the ledger that `options` name; creates it, or brings an older schema up to date, if the mode allows.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotALedger`], [`Error::SchemaTooNew`], [`Error::ReadOnly`] when the file or folder
    /// cannot be written, [`Error::Unavailable`] when other processes kept it locked.
    pub async fn open(options: SqliteOptions) -> Result<Self> {
        blocking(move || Self::open_now(options)).await
    }

    fn open_now(options: SqliteOptions) -> Result<Self> {
        // The path means the same file wherever the process goes, and never one of SQLite's special names.
        let path = std::path::absolute(options.path()).map_err(|error| file(options.path(), error))?;
        let options = SqliteOptions { path, ..options };
        let role = prepare(&options)?;
        let named = FileId::of(options.path())?;
        // SQLite keeps its other files beside the file that a link leads to.
        let path = options.path().canonicalize().map_err(|error| file(options.path(), error))?;
        let options = SqliteOptions { path, ..options };
        // What `prepare` has recovered from the log of a process that died.
        sync_log(options.path())?;
        let watch = Watch::start(&options, named.clone())?;
        let committer = if role == Role::Live && options.mode != Mode::ReadOnly {
            let signal = Arc::clone(watch.signal());
            Some(Committer::start(SqliteLane::open(options.clone(), named.clone())?, move || signal.notify())?)
        } else {
            None
        };
        tracing::debug!(path = %options.path().display(), writable = committer.is_some(), "opened");
        let readers = Arc::new(Readers::new(options.clone(), named));
        Ok(Self(Arc::new(Shared { options, role, watch, readers, committer })))
    }

    /// Drops this handle without blocking: when it is the last one, returns when everything queued is committed and the
    /// file is closed.
    ///
    /// # Errors
    /// None of the ledger's own: what could not be committed was answered where it was appended.
    pub async fn close(self) -> Result<()> {
        if Arc::strong_count(&self.0) == 1 {
            // A read whose caller went away still has its connection.
            self.0.readers.all_done().await;
        }
        blocking(move || {
            drop(self);
            Ok(())
        })
        .await
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.options.path()
    }

    pub(super) fn role(&self) -> Role {
        self.0.role
    }

    /// Runs `work` on a connection that reads, in one read transaction.
    pub(super) async fn reading<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.0.readers.read(work).await
    }

    /// Checks every event, but not what SQLite can check of itself.
    pub(super) async fn verify_events(&self, progress: Progress<'_>) -> Result<Verification> {
        verify_events(&self.0.readers, progress).await
    }

    fn committer(&self) -> Result<&Committer<SqliteLane>> {
        self.0.committer.as_ref().ok_or_else(|| Error::ReadOnly {
            reason: match self.0.role {
                Role::Snapshot => "it is a snapshot; restore it into a new ledger to append".into(),
                Role::Live => "it was opened to be read only".into(),
            },
        })
    }
}

#[async_trait]
impl Ledger for SqliteLedger {
    async fn append(&self, batch: Batch) -> Result<AppendOutcome> {
        self.committer()?.append(batch).await
    }

    async fn read(&self, read: &Read) -> Result<Page> {
        let (read, verification) = (read.clone(), self.0.options.verification);
        self.reading(move |connection| store::page(connection, &read, verification)).await
    }

    async fn head(&self) -> Result<Head> {
        let head = self.reading(store::head).await?;
        let durability = match self.0.role {
            Role::Live => self.0.options.durability,
            Role::Snapshot => Durability::Synced,
        };
        Ok(Head { ledger_id: head.ledger_id, extent: head.extent, durability, engine: "sqlite".into() })
    }

    async fn runs(&self, query: RunQuery) -> Result<Vec<Run>> {
        self.reading(move |connection| store::runs(connection, query)).await
    }

    async fn checkpoints(&self) -> Result<Vec<Checkpoint>> {
        self.reading(store::checkpoints).await
    }

    async fn save_checkpoint(&self, checkpoint: Checkpoint, how: CheckpointMove) -> Result<Checkpoint> {
        self.committer()?.run(move |lane| lane.save_checkpoint(checkpoint, how)).await
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

    async fn verify(&self, progress: Progress<'_>) -> Result<Verification> {
        let report = self.verify_events(progress).await?;
        if report.fault.is_some() {
            return Ok(report);
        }
        match self.reading(check_storage).await {
            Ok(()) => Ok(report),
            Err(fault @ Error::Corrupt { .. }) => Ok(report.with_fault(&fault)),
            Err(error) => Err(error),
        }
    }
}

/// Has SQLite check its pages and indexes.
fn check_storage(connection: &Connection) -> Result<()> {
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(reading)?;
    if found == "ok" { Ok(()) } else { Err(Error::corrupt(None, format!("SQLite finds {found}"))) }
}
