//! Any ledger to one portable file at exactly one offset.

use std::any::Any;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ledger_core::{
    Checkpoint, Epoch, Error, Head, Ledger, LedgerExt, LedgerId, Offset, Progress, RecordedBatch, RecordedEvent, Result,
};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use serde::Serialize;

use super::error::{blocking, file, reading};
use super::file::{Role, pragma};
use super::ledger::SqliteLedger;
use super::options::SqliteOptions;
use super::pages::Pages;
use super::snapshot_file::{self, SnapshotFile};
use super::store;
use super::target::{Target, refuse};
use crate::head::HeadRow;
use crate::settings::Mode;

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

/// Copies `ledger`, as it is at one moment, to the file at `target`, while appends go on.
///
/// The file has the same ids, offsets, times and digests, is itself a ledger to be read, and carries the checkpoints. It
/// is written beside the target, every event of it verified, synced and then named, so that it is there complete or not
/// at all; a process that is killed leaves `.ledger-snapshot-*` files behind, which can be deleted. A target that is an
/// older snapshot of the same ledger is brought up to date: copied, and only what is new is added, before the copy takes
/// its place.
///
/// # Errors
/// [`Error::Refused`] or [`Error::NotALedger`] when the target is anything but an older snapshot of this ledger; it is
/// left untouched. [`Error::Corrupt`] when an event of the ledger or of the older snapshot is damaged; nothing is changed
/// then. (Indexes are not looked at here, but by [`Ledger::verify`]; a restored ledger has new ones.)
/// [`Error::Unavailable`] when somebody else changed the target meanwhile.
pub async fn snapshot(ledger: &dyn Ledger, target: &Path, progress: Progress<'_>) -> Result<Snapshotted> {
    let path = target.to_owned();
    let target = blocking(move || Target::at(&path)).await?;
    // Before the head, so that none of them stands beyond it.
    let checkpoints = ledger.checkpoints().await?;
    let head = ledger.head().await?;
    let partial = target.partial()?;
    let (kind, before) = if target.taken {
        let older = bring_up_to_date(ledger, &head, checkpoints, &target.path, partial.to_path_buf(), progress).await?;
        (SnapshotKind::Updated, older.extent.events())
    } else {
        let any: &dyn Any = ledger;
        match any.downcast_ref::<SqliteLedger>() {
            Some(source) => back_up(source, partial.to_path_buf(), progress).await?,
            None => write_new(ledger, &head, checkpoints, partial.to_path_buf(), progress).await?,
        }
        (SnapshotKind::Created, 0)
    };
    tracing::debug!("copied");
    let taken = check(&partial).await?;
    tracing::debug!("verified and synced");
    let (ledger_id, extent) = (taken.ledger_id, taken.extent);
    blocking(move || target.publish(partial, ledger_id, extent)).await?;
    Ok(Snapshotted {
        ledger_id,
        epoch: extent.epoch,
        first: extent.first,
        last: extent.last,
        added: extent.events() - before,
        kind,
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
    let mut target = snapshot_file::open(partial)?;
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
async fn write_new(
    ledger: &dyn Ledger,
    head: &Head,
    checkpoints: Vec<Checkpoint>,
    partial: PathBuf,
    progress: Progress<'_>,
) -> Result<()> {
    let empty = head.clone();
    let snapshot = blocking(move || SnapshotFile::create(&partial, &empty)).await?;
    pump(ledger, head, snapshot, checkpoints, progress).await
}

/// A copy of an older snapshot, and what is new since. Returns the head of the older one.
async fn bring_up_to_date(
    ledger: &dyn Ledger,
    head: &Head,
    checkpoints: Vec<Checkpoint>,
    target: &Path,
    partial: PathBuf,
    progress: Progress<'_>,
) -> Result<HeadRow> {
    let older = target.to_owned();
    // From here on the copy is looked at, which nobody else can change.
    let (snapshot, last) = blocking(move || {
        std::fs::copy(&older, &partial).map_err(|error| file(&older, error))?;
        let snapshot = SnapshotFile::open(&partial)?;
        let last = snapshot.last_event()?;
        Ok((snapshot, last))
    })
    .await?;
    let older = snapshot.head();
    check_older(ledger, head, target, older, last).await?;
    pump(ledger, head, snapshot, checkpoints, progress).await?;
    Ok(older)
}

/// Refuses to replace what is not a prefix of this ledger.
async fn check_older(
    ledger: &dyn Ledger,
    head: &Head,
    target: &Path,
    older: HeadRow,
    last_event: Option<Arc<RecordedEvent>>,
) -> Result<()> {
    let last = older.extent.last;
    if older.ledger_id != head.ledger_id {
        return Err(refuse(target, &format!("is a snapshot of another ledger ({})", older.ledger_id)));
    }
    if older.extent.epoch != head.extent.epoch {
        return Err(refuse(target, &format!("is a snapshot of epoch {}, not of this one", older.extent.epoch)));
    }
    if last > head.extent.last {
        return Err(refuse(target, &format!("holds events up to offset {last}, beyond this ledger's")));
    }
    if !older.extent.is_empty() && last_event != ledger.event_at(last).await? {
        return Err(refuse(target, &format!("holds other events than this ledger at offset {last}")));
    }
    Ok(())
}

/// Adds to `snapshot` what the ledger held at `head` and it does not, and completes it.
async fn pump(
    ledger: &dyn Ledger,
    head: &Head,
    mut snapshot: SnapshotFile,
    checkpoints: Vec<Checkpoint>,
    progress: Progress<'_>,
) -> Result<()> {
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
        snapshot.verify_events(&|_, _| ()).await?.into_result()?;
        snapshot.head().await
    };
    let (synced, head) = futures_util::join!(sync, verify);
    synced?;
    head
}
