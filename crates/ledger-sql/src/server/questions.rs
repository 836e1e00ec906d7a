//! What is asked of a server, and its answers as the ledger's types.

use std::ops::ControlFlow;
use std::sync::Arc;

use ledger_core::limits::MAX_PAGE_BYTES;
use ledger_core::{
    Checkpoint, ConsumerName, Durability, Epoch, Error, EventId, Extent, Invalid, LedgerId, Offset, Page, Read,
    RecordedBatch, RecordedEvent, Result, Run, RunId, RunQuery, Timestamp,
};

use super::engine::{DbRow, Engine, HeadColumns, Kept, PageRow, Statement, Trouble};
use super::failure::Failure;
use super::link::{Link, column_error, int, text};
use super::migrate::check_version;
use super::options::ServerOptions;
use super::statements::{self, CHECKPOINTS, HEAD, HEAD_AND_LAST, plain};
use crate::head::HeadRow;
use crate::held::Expected;
use crate::row::{Decoder, ReadVerification};

/// The head as it is now.
pub(super) async fn head<E: Engine>(link: &mut Link<E>) -> Result<HeadRow, Failure> {
    one(link.rows(plain(HEAD), head_row::<E>).await?)
}

/// The head, if it is still this ledger that answers.
async fn head_of<E: Engine>(link: &mut Link<E>, ledger: LedgerId) -> Result<HeadRow, Failure> {
    let head = head(link).await?;
    if head.ledger_id == ledger { Ok(head) } else { Err(replaced(ledger).into()) }
}

/// The head, if the last event is the one that it says; for whoever goes on from there.
///
/// An answer may see a head without the events of the commit before it (`bounded`). So they disagree only
/// if they still do when the head is one that an earlier answer showed already. It comes to that: where they disagree
/// nobody can append.
pub(super) async fn checked_head<E: Engine>(link: &mut Link<E>) -> Result<HeadRow, Failure> {
    let columns = |row: &DbRow<E>| {
        let last = (int::<E>(row, 6)?, E::micros(row, 7).map_err(column_error)?);
        Ok((head_row::<E>(row)?, last))
    };
    let mut seen = None;
    loop {
        let (head, last) = one(link.rows(plain(HEAD_AND_LAST), columns).await?)?;
        let expected =
            if head.extent.is_empty() { (0, last.1) } else { (head.extent.last.as_i64(), head.latest.as_micros()) };
        if last == expected {
            return Ok(head);
        }
        if seen.replace(head) == Some(head) {
            return Err(Error::corrupt(None, "the head and the last event disagree").into());
        }
    }
}

fn head_row<E: Engine>(row: &DbRow<E>) -> Result<HeadRow> {
    check_version(int::<E>(row, 1)?)?;
    Ok(HeadRow {
        ledger_id: ledger_id(&text::<E>(row, 0)?)?,
        extent: extent(int::<E>(row, 2)?, int::<E>(row, 3)?, int::<E>(row, 4)?)?,
        latest: time(E::micros(row, 5).map_err(column_error)?)?,
    })
}

fn one<T>(rows: Vec<T>) -> Result<T, Failure> {
    rows.into_iter().next().ok_or_else(|| Error::corrupt(None, "the head row is missing").into())
}

/// How the server keeps what it acknowledges; which version it has; whether it is a standby.
pub(super) struct Settings {
    pub(super) kept: Kept,
    pub(super) version: String,
    pub(super) is_standby: bool,
    /// Why no ledger can be kept there.
    pub(super) unfit: Option<String>,
}

pub(super) async fn settings<E: Engine>(link: &mut Link<E>) -> Result<Settings, Failure> {
    let columns = |row: &DbRow<E>| (0..E::KEPT_COLUMNS + 3).map(|column| text::<E>(row, column)).collect();
    let mut columns: Vec<String> = one(link.rows(plain(E::SETTINGS), columns).await?)?;
    let is_standby = columns.pop().is_some_and(|role| role == "standby");
    let (version, encoding) = (columns.pop().unwrap_or_default(), columns.pop().unwrap_or_default());
    let unfit = if !E::is_recent(&version) {
        Some(format!("the server has version {version}; a ledger needs {}", E::KIND.needs()))
    } else if encoding != "UTF8" {
        Some(format!(
            "the database's encoding is {encoding}, which cannot hold every text: create one with ENCODING 'UTF8'"
        ))
    } else {
        None
    };
    Ok(Settings { kept: E::kept(&columns), version, is_standby, unfit })
}

/// The numbers that a version begins with.
pub(crate) fn version(text: &str) -> Vec<u32> {
    let numbers = text.split(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap_or_default();
    numbers.split('.').map_while(|number| number.parse().ok()).collect()
}

/// The head as it is now, and how what it counts is kept.
pub(super) async fn head_and_kept<E: Engine>(link: &mut Link<E>) -> Result<(HeadRow, Kept), Failure> {
    let kept = settings(link).await?.kept;
    Ok((head(link).await?, kept))
}

/// Refuses a server that takes no writes, or that is set to lose what it acknowledges.
pub(super) async fn check_settings<E: Engine>(link: &mut Link<E>, options: &ServerOptions) -> Result<(), Failure> {
    let Settings { kept, version, is_standby, unfit } = settings(link).await?;
    tracing::debug!(engine = E::NAME, version, level = %kept.level, "connected");
    if is_standby {
        let reason = "the server is a standby, or set to read only; name the primary, or open with mode=ro";
        return Err(Failure::Demoted(Error::ReadOnly { reason: reason.into() }));
    }
    if let Some(why) = unfit {
        return Err(Error::Refused(why).into());
    }
    if kept.level.is_weaker_than(options.durability) {
        return Err(too_weak(&kept, options.durability).into());
    }
    Ok(())
}

fn too_weak(kept: &Kept, wanted: Durability) -> Error {
    let Kept { level, why } = kept;
    Error::Refused(format!(
        "what this server acknowledges is only {level}, not {wanted} ({why}); or accept that with durability={level}"
    ))
}

/// The page that `read` asks for, of the ledger that it is asked of.
pub(super) async fn page<E: Engine>(
    link: &mut Link<E>,
    ledger: LedgerId,
    read: Arc<Read>,
    verification: ReadVerification,
) -> Result<Page, Failure> {
    let read = read.as_ref();
    let mut decoder = Decoder::new(verification);
    let mut events: Vec<Arc<RecordedEvent>> = Vec::new();
    let (mut found, mut bytes, mut more) = (None, 0, false);
    let mut each = |row: PageRow<'_>| {
        let row = match row {
            PageRow::Head(head) => {
                found = Some(checked(&head, ledger, read)?);
                return Ok(ControlFlow::Continue(()));
            }
            PageRow::Event(row) => row,
        };
        if events.len() == read.page_size().get() {
            more = true;
            // The statement gives one row more than a page, and this is it: reading on to the end keeps the connection.
            return Ok(ControlFlow::Continue(()));
        }
        if bytes >= MAX_PAGE_BYTES {
            more = true;
            return Ok(ControlFlow::Break(()));
        }
        match decoder.decode(&row) {
            Ok(recorded) => {
                bytes += recorded.event.size();
                events.push(Arc::new(recorded));
                Ok(ControlFlow::Continue(()))
            }
            // What stands before the damage is sound; the next page begins with the damage, and fails.
            Err(Error::Corrupt { .. }) if !events.is_empty() => {
                more = true;
                Ok(ControlFlow::Break(()))
            }
            Err(error) => Err(error),
        }
    };
    link.page(read, &mut each).await?;
    let extent = found.ok_or_else(|| Error::corrupt(None, "the head row is missing"))?;
    Ok(Page::new(read, events, more, extent)?)
}

fn checked(head: &HeadColumns, ledger: LedgerId, read: &Read) -> Result<Extent> {
    if ledger_id(&head.ledger_id)? != ledger {
        return Err(replaced(ledger));
    }
    let extent = extent(head.epoch, head.first, head.next)?;
    read.check(extent)?;
    Ok(extent)
}

/// The one offset that a statement gives, if it gives one.
pub(super) async fn offset<E: Engine>(link: &mut Link<E>, statement: Statement) -> Result<Option<Offset>, Failure> {
    let offsets = link.rows(statement, |row| Offset::from_i64(int::<E>(row, 0)?).map_err(damaged)).await?;
    Ok(offsets.into_iter().next())
}

/// Whether all of these events stand where they say, as they are.
pub(super) async fn holds<E: Engine>(
    link: &mut Link<E>,
    head: HeadRow,
    batch: &RecordedBatch,
) -> Result<bool, Failure> {
    let Some(mut expected) = Expected::within(head.extent, batch) else { return Ok(false) };
    let mut each = |row: &DbRow<E>| {
        expected.row(&E::event(row).map_err(column_error)?);
        Ok(ControlFlow::Continue(()))
    };
    link.scan(statements::range::<E>(batch.first(), batch.last()), &mut each).await?;
    Ok(expected.are_held())
}

pub(super) async fn id_at<E: Engine>(link: &mut Link<E>, offset: Offset) -> Result<Option<EventId>, Failure> {
    let statement = statements::id_at::<E>(offset);
    let ids = link.rows(statement, |row| Ok(EventId::from_stored(text::<E>(row, 0)?))).await?;
    Ok(ids.into_iter().next())
}

pub(super) async fn runs<E: Engine>(
    link: &mut Link<E>,
    ledger: LedgerId,
    query: RunQuery,
) -> Result<Vec<Run>, Failure> {
    // What stands up to this head a later statement sees whole.
    let last = head_of(link, ledger).await?.extent.last;
    let run = |row: &DbRow<E>| {
        let place = |column| Offset::from_i64(int::<E>(row, column)?).map_err(damaged);
        Ok(Run {
            run_id: RunId::from_stored(text::<E>(row, 0)?),
            first: place(1)?,
            last: place(2)?,
            events: int::<E>(row, 3)?.unsigned_abs(),
        })
    };
    link.rows(statements::runs::<E>(query, last), run).await
}

pub(super) async fn checkpoints_of<E: Engine>(
    link: &mut Link<E>,
    ledger: LedgerId,
) -> Result<Vec<Checkpoint>, Failure> {
    head_of(link, ledger).await?;
    checkpoints(link).await
}

/// For who has the lane, which is this ledger's.
pub(super) async fn checkpoints<E: Engine>(link: &mut Link<E>) -> Result<Vec<Checkpoint>, Failure> {
    let checkpoint = |row: &DbRow<E>| {
        Ok(Checkpoint {
            consumer: ConsumerName::from_stored(text::<E>(row, 0)?),
            offset: Offset::from_i64(int::<E>(row, 1)?).map_err(damaged)?,
            event_id: E::text(row, 2).map_err(column_error)?.map(EventId::from_stored),
            updated_at: time(E::micros(row, 3).map_err(column_error)?)?,
        })
    };
    link.rows(plain(CHECKPOINTS), checkpoint).await
}

pub(super) async fn save_checkpoint<E: Engine>(link: &mut Link<E>, checkpoint: &Checkpoint) -> Result<(), Failure> {
    link.rows(statements::save_checkpoint::<E>(checkpoint), |_| Ok(())).await?;
    Ok(())
}

/// Another ledger stands where this one was.
pub(super) fn replaced(ledger: LedgerId) -> Error {
    Error::NotFound { what: format!("ledger {ledger} any more: another one stands in its place; open it again") }
}

pub(super) fn ledger_id(text: &str) -> Result<LedgerId> {
    text.parse().map_err(damaged)
}

pub(super) fn extent(epoch: i64, first: i64, next: i64) -> Result<Extent> {
    let epoch = u32::try_from(epoch).map_err(|_| Error::corrupt(None, "the epoch is out of range"))?;
    Ok(Extent {
        epoch: Epoch::new(epoch),
        first: Offset::from_i64(first).map_err(damaged)?,
        last: Offset::from_i64(next).map_err(damaged)?.before(),
    })
}

pub(super) fn time(micros: i64) -> Result<Timestamp> {
    Timestamp::from_micros(micros).map_err(damaged)
}

/// A stored value that nobody could have stored.
fn damaged(error: Invalid) -> Error {
    Error::corrupt(None, format!("a stored value is damaged: {error}"))
}

impl From<Invalid> for Trouble {
    fn from(error: Invalid) -> Self {
        Self::Ledger(damaged(error))
    }
}
