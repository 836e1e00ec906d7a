//! Checking every event of a file, on several connections at once.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use ledger_core::{Error, Extent, Offset, Progress, Result, Verification};
use rusqlite::Connection;

use super::readers::Readers;
use super::store;
use crate::verify::{Checked, Checker, Report, headless, parts};

/// Events that are checked at a time.
const PART_EVENTS: usize = 20_000;

/// Most connections that check at once.
const MOST_WORKERS: usize = 4;

/// Checks each event that the ledger holds now, in parts, whose answers are taken in order, so that the fault is the
/// first one.
pub(super) async fn verify_events(readers: &Arc<Readers>, progress: Progress<'_>) -> Result<Verification> {
    let extent = match readers.read(store::head).await {
        Ok(head) => head.extent,
        Err(fault @ Error::Corrupt { .. }) => return Ok(headless(&fault)),
        Err(error) => return Err(error),
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS);
    let mut report = Report::of(extent);
    let parts = stream::iter(parts(extent, PART_EVENTS))
        .map(|part| readers.read(move |connection| check(connection, extent, part)));
    let mut parts = parts.buffered(workers);
    while let Some(part) = parts.try_next().await? {
        match report.add(part) {
            Ok(events) => progress(events, extent.events()),
            Err(report) => return Ok(report),
        }
    }
    Ok(report.done())
}

fn check(connection: &Connection, extent: Extent, part: (Offset, Offset)) -> Result<Checked> {
    let now = store::head(connection)?.extent;
    let mut checker = Checker::new(extent, part);
    let scanned = store::scan(connection, part.0, part.1, |row| checker.row(row));
    let head = if checker.is_last() { store::checked_head(connection).map(drop) } else { Ok(()) };
    checker.finish(scanned, now, head)
}
