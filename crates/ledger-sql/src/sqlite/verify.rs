//! Checking every event of a file, on several connections at once.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use ledger_core::{Error, Extent, Offset, Progress, Result, Timestamp, Verification};
use rusqlite::Connection;

use super::readers::Readers;
use super::store;

/// Events that one connection checks at a time.
const PART_EVENTS: usize = 20_000;

/// Most connections that check at once.
const MOST_WORKERS: usize = 4;

/// Checks each event that the ledger holds now: digest, seal, dense offsets, times that do not decrease. In parts, whose
/// answers are taken in order, so that the fault is the first one.
pub(super) async fn verify_events(readers: &Arc<Readers>, progress: Progress<'_>) -> Result<Verification> {
    let extent = match readers.read(store::head).await {
        Ok(head) => head.extent,
        Err(fault @ Error::Corrupt { .. }) => {
            let nothing = Verification { events: 0, first: Offset::ZERO, last: Offset::ZERO, fault: None };
            return Ok(nothing.with_fault(&fault));
        }
        Err(error) => return Err(error),
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS);
    let mut report = Verification { events: 0, first: extent.first, last: extent.last, fault: None };
    let mut latest = Timestamp::MIN;
    let parts = stream::iter(parts(extent)).map(|part| readers.read(move |connection| check(connection, extent, part)));
    let mut parts = parts.buffered(workers);
    while let Some(checked) = parts.try_next().await? {
        report.events += checked.events;
        let fault = checked.fault.or_else(|| {
            (checked.earliest < latest)
                .then(|| Error::corrupt(None, "an event was recorded before one with a lower offset"))
        });
        if let Some(fault) = fault {
            return Ok(report.with_fault(&fault));
        }
        latest = checked.latest;
        progress(report.events, extent.events());
    }
    Ok(report)
}

struct Checked {
    events: u64,
    earliest: Timestamp,
    latest: Timestamp,
    fault: Option<Error>,
}

impl Checked {
    const NOTHING: Self = Self { events: 0, earliest: Timestamp::MIN, latest: Timestamp::MIN, fault: None };
}

/// The ledger's extent, cut into parts. The first one begins at 0 and the last one reaches to the end of the offsets, since
/// nothing may stand outside.
fn parts(extent: Extent) -> impl Iterator<Item = (Offset, Offset)> {
    let mut next = Some(Offset::ZERO);
    std::iter::from_fn(move || {
        let first = next?;
        let last = first.max(extent.first).checked_add(PART_EVENTS - 1).filter(|last| *last < extent.last);
        next = last.map(Offset::after);
        Some((first, last.unwrap_or(Offset::MAX)))
    })
}

fn check(connection: &Connection, extent: Extent, (first, last): (Offset, Offset)) -> Result<Checked> {
    let now = store::head(connection)?.extent;
    if now.epoch != extent.epoch {
        return Err(Error::Reset { epoch: now.epoch, first: now.first });
    }
    // What was appended since the verification began belongs to the next one.
    let end = if last == Offset::MAX { extent.last } else { last };
    let mut checked = Checked::NOTHING;
    let mut expected = first.max(extent.first);
    let scanned = store::scan(connection, first, last, |row| {
        let offset = row.offset()?;
        if offset > now.last || offset < now.first {
            return Err(Error::corrupt(offset, "the event lies outside what the ledger says it holds"));
        }
        if offset > end {
            return Ok(());
        }
        if offset != expected {
            return Err(Error::corrupt(expected, format!("the event is missing; the next one is {offset}")));
        }
        row.verify()?;
        let recorded_at = row.recorded_at()?;
        if recorded_at < checked.latest {
            return Err(Error::corrupt(offset, "the event was recorded before the one before it"));
        }
        if checked.events == 0 {
            checked.earliest = recorded_at;
        }
        checked.latest = recorded_at;
        checked.events += 1;
        expected = offset.after();
        Ok(())
    });
    let complete = || match expected {
        expected if expected <= end => Err(Error::corrupt(expected, "the event is missing at the end")),
        _ => Ok(()),
    };
    // The last part ends where the head says, so that is where the head is judged.
    let head = || if last == Offset::MAX { store::checked_head(connection).map(drop) } else { Ok(()) };
    match scanned.and_then(|()| complete()).and_then(|()| head()) {
        Ok(()) => Ok(checked),
        Err(fault @ Error::Corrupt { .. }) => Ok(Checked { fault: Some(fault), ..checked }),
        Err(error) => Err(error),
    }
}
