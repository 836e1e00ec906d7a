//! Any ledger to one portable file at exactly one offset, and back.

use std::any::Any;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ledger_core::limits::{MAX_BATCH_EVENTS, MAX_PAGE_EVENTS};
use ledger_core::{
    CheckpointMove, Epoch, Error, Head, Ledger, LedgerExt, LedgerId, Offset, Page, PageSize, Progress, Read,
    RecordedBatch, RecordedEvent, Result,
};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use serde::Serialize;

use super::error::{blocking, file, reading};
use super::file::{Role, pragma};
use super::ledger::SqliteLedger;
use super::options::{Mode, SqliteOptions};
use super::snapshot_file::SnapshotFile;
use super::store;
use super::verify::verify_events;

/// Pages that the online backup copies between two reports of progress.
const BACKUP_PAGES: std::ffi::c_int = 4_096;

/// What became of a snapshot's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotKind {
    /// There was none.
    Created,
    /// An older snapshot of the same ledger was brought up to date.
    Updated,
}

/// A snapshot that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Snapshotted {
    /// Of which ledger.
    pub ledger_id: LedgerId,
    /// In which of its epochs.
    pub epoch: Epoch,
    /// The first offset that it holds.
    pub first: Offset,
    /// The last offset that it holds.
    pub last: Offset,
    /// How many events were added to the file.
    pub added: u64,
    /// New, or brought up to date.
    pub kind: SnapshotKind,
}

/// A snapshot that was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Into which ledger.
    pub ledger_id: LedgerId,
    /// The first offset that it holds.
    pub first: Offset,
    /// The last offset that it holds.
    pub last: Offset,
    /// How many events were added; fewer than there are when an interrupted restore went on.
    pub added: u64,
}

/// Copies `ledger`, as it is at one moment, to the file at `target`, while appends go on.
///
/// The file has the same ids, offsets, times and digests, is itself a ledger to be read, and carries the checkpoints. It
/// is written beside the target, verified, synced and then named, so that it is there complete or not at all. A target
/// that is an older snapshot of the same ledger is brought up to date by adding what is new, in one transaction.
///
/// # Errors
/// [`Error::Refused`] or [`Error::NotALedger`] when the target is anything but an older snapshot of this ledger; it is
/// left untouched. [`Error::Corrupt`] when the ledger is damaged; there is no new snapshot then.
pub async fn snapshot(ledger: &dyn Ledger, target: &Path, progress: Progress<'_>) -> Result<Snapshotted> {
    let head = ledger.head().await?;
    if target.symlink_metadata().is_ok() {
        return update(ledger, &head, target, progress).await;
    }
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let partial = tempfile::Builder::new()
        .prefix(".ledger-snapshot-")
        .suffix(".partial")
        .tempfile_in(&folder)
        .map_err(|error| file(&folder, error))?
        .into_temp_path();
    let any: &dyn Any = ledger;
    match any.downcast_ref::<SqliteLedger>() {
        Some(source) => back_up(source, partial.to_path_buf(), progress).await?,
        None => write_new(ledger, &head, partial.to_path_buf(), progress).await?,
    }
    tracing::debug!("copied");
    let head = check(&partial).await?;
    tracing::debug!("verified and synced");
    let target = target.to_owned();
    blocking(move || {
        // Fails if somebody else has made the target meanwhile.
        partial.persist_noclobber(&target).map_err(|error| file(&target, error.error))?;
        File::open(&folder).and_then(|folder| folder.sync_all()).map_err(|error| file(&folder, error))
    })
    .await?;
    let extent = head.extent;
    Ok(Snapshotted {
        ledger_id: head.ledger_id,
        epoch: extent.epoch,
        first: extent.first,
        last: extent.last,
        added: extent.events(),
        kind: SnapshotKind::Created,
    })
}

/// SQLite to SQLite: page by page, within one read transaction of the source.
async fn back_up(source: &SqliteLedger, partial: PathBuf, progress: Progress<'_>) -> Result<()> {
    let (report, mut reports) = tokio::sync::mpsc::unbounded_channel();
    let copy = source.reading(move |source| {
        let report = |done, all| {
            let _ = report.send((done, all));
        };
        copy_pages(source, &partial, &report)
    });
    let show = async {
        while let Some((done, all)) = reports.recv().await {
            progress(done, all);
        }
    };
    // The channel closes when the copy is done.
    let (copied, ()) = futures_util::join!(copy, show);
    copied
}

fn copy_pages(source: &Connection, partial: &Path, report: &dyn Fn(u64, u64)) -> Result<()> {
    // Begins the snapshot that every page is read from.
    let head = store::head(source)?;
    let mut target = Connection::open(partial).map_err(reading)?;
    pragma(&target, "journal_mode", "OFF")?;
    pragma(&target, "synchronous", "OFF")?;
    let backup = Backup::new(source, &mut target).map_err(reading)?;
    loop {
        let step = backup.step(BACKUP_PAGES).map_err(reading)?;
        let pages = backup.progress();
        let (all, left) = (i64::from(pages.pagecount), i64::from(pages.remaining));
        let share =
            u128::from(all.abs_diff(left)) * u128::from(head.extent.events()) / u128::from(all.unsigned_abs().max(1));
        report(u64::try_from(share).unwrap_or(u64::MAX), head.extent.events());
        match step {
            StepResult::Done => break,
            StepResult::More => {}
            _ => return Err(Error::unavailable("the ledger file is locked", "online backup")),
        }
    }
    drop(backup);
    // The copy has the source's journal mode; a snapshot is one file.
    pragma(&target, "journal_mode", "DELETE")?;
    pragma(&target, "journal_mode", "OFF")?;
    target.execute("UPDATE ledger_head SET role = 'snapshot'", []).map_err(reading)?;
    target.close().map_err(|(_, error)| reading(error))
}

/// Any ledger to a new file, event by event.
async fn write_new(ledger: &dyn Ledger, head: &Head, partial: PathBuf, progress: Progress<'_>) -> Result<()> {
    let (ledger_id, epoch) = (head.ledger_id, head.extent.epoch);
    let snapshot = blocking(move || SnapshotFile::create(&partial, ledger_id, epoch)).await?;
    pump(ledger, head, snapshot, progress).await.map(drop)
}

/// An older snapshot of the same ledger, brought up to date.
async fn update(ledger: &dyn Ledger, head: &Head, target: &Path, progress: Progress<'_>) -> Result<Snapshotted> {
    let path = target.to_owned();
    let snapshot = blocking(move || SnapshotFile::open(&path)).await?;
    let older = snapshot.head();
    check_older(ledger, head, target, snapshot.head()).await?;
    let newer = pump(ledger, head, snapshot, progress).await?;
    Ok(Snapshotted {
        ledger_id: newer.ledger_id,
        epoch: newer.extent.epoch,
        first: newer.extent.first,
        last: newer.extent.last,
        added: newer.extent.events() - older.extent.events(),
        kind: SnapshotKind::Updated,
    })
}

/// Refuses to touch what is not a prefix of this ledger.
async fn check_older(ledger: &dyn Ledger, head: &Head, target: &Path, older: store::HeadRow) -> Result<()> {
    let refuse = |why: String| Err(Error::Refused(format!("{} {why}; name a new file", target.display())));
    if older.ledger_id != head.ledger_id {
        return refuse(format!("is a snapshot of another ledger ({})", older.ledger_id));
    }
    if older.extent.epoch != head.extent.epoch {
        return refuse(format!("is a snapshot of epoch {}, before the ledger was reset", older.extent.epoch));
    }
    if older.extent.is_empty() {
        return Ok(());
    }
    let snapshot = SqliteLedger::open(SqliteOptions::new(target).mode(Mode::ReadOnly)).await?;
    let last = older.extent.last;
    let (theirs, ours) = (snapshot.event_at(last).await?, ledger.event_at(last).await?);
    if theirs.is_none() || theirs != ours {
        return refuse(format!("holds other events than this ledger at offset {last}"));
    }
    Ok(())
}

/// Adds to `snapshot` what the ledger held at `head` and it does not, and commits.
async fn pump(
    ledger: &dyn Ledger,
    head: &Head,
    mut snapshot: SnapshotFile,
    progress: Progress<'_>,
) -> Result<store::HeadRow> {
    let mut source = Pages::new(ledger, snapshot.head().extent.last, head)?;
    let mut page = source.next().await?;
    while let Some(events) = page {
        let last = events.last().map_or(Offset::ZERO, |event| event.offset);
        let write = blocking(move || {
            snapshot.add(&RecordedBatch::new(events)?)?;
            Ok(snapshot)
        });
        // The next page is read while this one is written.
        let (written, next) = futures_util::join!(write, source.next());
        snapshot = written?;
        progress(last.get().saturating_sub(head.extent.first.before().get()), head.extent.events());
        page = next?;
    }
    let checkpoints = ledger.checkpoints().await?;
    blocking(move || snapshot.finish(&checkpoints)).await
}

/// Makes the file durable, and sure that it is a sound ledger.
async fn check(partial: &Path) -> Result<Head> {
    let path = partial.to_owned();
    let sync = blocking(move || {
        let synced = File::open(&path).and_then(|file| file.sync_all()).map_err(|error| file(&path, error));
        tracing::debug!("synced");
        synced
    });
    let verify = async {
        let snapshot = SqliteLedger::open(SqliteOptions::new(partial).mode(Mode::ReadOnly)).await?;
        if snapshot.role() != Role::Snapshot {
            return Err(Error::corrupt(None, "the copy is not marked as a snapshot"));
        }
        verify_events(&snapshot, &|_, _| ()).await?.into_result()?;
        snapshot.head().await
    };
    let (synced, head) = futures_util::join!(sync, verify);
    synced?;
    head
}

/// Copies the ledger file at `source`, a snapshot or a live one, into `ledger`: a new one of any engine, or one that
/// holds the beginning of the same events, as an interrupted restore leaves it. Offsets, times and digests are kept, and
/// so are checkpoints; the ledger keeps its own identity.
///
/// # Errors
/// [`Error::Refused`] when the ledger holds anything else; it is left untouched. [`Error::Corrupt`] when the source is
/// damaged: what stands before the damage has been restored.
pub async fn restore(source: &Path, ledger: &dyn Ledger, progress: Progress<'_>) -> Result<Restored> {
    let source =
        SqliteLedger::open(SqliteOptions::new(source).mode(Mode::ReadOnly)).await.map_err(|error| match error {
            Error::NotFound { .. } => Error::NotFound { what: format!("snapshot at {}", source.display()) },
            error => error,
        })?;
    let from = source.head().await?;
    let before = ledger.head().await?;
    check_prefix(&source, &from, ledger, &before).await?;
    let at = if before.extent.is_empty() { from.extent.first.before() } else { before.extent.last };
    let mut pages = Pages::new(&source, at, &from)?;
    let mut page = pages.next().await?;
    while let Some(events) = page {
        let batch = RecordedBatch::new(events)?;
        let last = batch.last();
        let (restored, next) = futures_util::join!(ledger.restore(batch), pages.next());
        restored?;
        progress(last.get().saturating_sub(from.extent.first.before().get()), from.extent.events());
        page = next?;
    }
    for checkpoint in source.checkpoints().await? {
        if checkpoint.offset <= from.extent.last && ledger.event_at(checkpoint.offset).await?.is_some() {
            ledger.save_checkpoint(checkpoint, CheckpointMove::Forward).await?;
        }
    }
    let after = ledger.head().await?;
    Ok(Restored {
        ledger_id: after.ledger_id,
        first: after.extent.first,
        last: after.extent.last,
        added: after.extent.events() - before.extent.events(),
    })
}

/// Refuses a ledger that holds anything but the beginning of the source.
async fn check_prefix(source: &SqliteLedger, from: &Head, ledger: &dyn Ledger, to: &Head) -> Result<()> {
    if to.extent.is_empty() {
        return Ok(());
    }
    let last = to.extent.last;
    let (theirs, ours) = (source.event_at(last).await?, ledger.event_at(last).await?);
    if to.extent.first == from.extent.first && theirs.is_some() && theirs == ours {
        return Ok(());
    }
    Err(Error::Refused("the ledger holds other events already; restore into a new ledger".into()))
}

/// The events after an offset up to what a ledger held at one moment.
struct Pages<'a> {
    ledger: &'a dyn Ledger,
    read: Read,
    last: Offset,
}

impl<'a> Pages<'a> {
    fn new(ledger: &'a dyn Ledger, after: Offset, head: &Head) -> Result<Self> {
        // A position before the first event is the beginning, also of a ledger that was reset.
        let after = if after < head.extent.first { Offset::ZERO } else { after };
        let limit = PageSize::new(MAX_PAGE_EVENTS.min(MAX_BATCH_EVENTS).min(2_000))?;
        let read = Read::after(after).in_epoch(head.extent.epoch).limit(limit);
        Ok(Self { ledger, read, last: head.extent.last })
    }

    async fn next(&mut self) -> Result<Option<Vec<Arc<RecordedEvent>>>> {
        if self.read.cursor() >= self.last {
            return Ok(None);
        }
        let page: Page = self.ledger.read(&self.read).await?;
        self.read = self.read.clone().resume(&page);
        let mut events = page.events;
        events.retain(|event| event.offset <= self.last);
        Ok((!events.is_empty()).then_some(events))
    }
}
