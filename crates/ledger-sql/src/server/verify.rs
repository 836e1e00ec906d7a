//! Checking every event of a ledger on a server.

use std::ops::ControlFlow;

use ledger_core::{Error, Extent, LedgerId, Offset, Progress, Result, Verification};

use super::engine::{DbRow, Engine};
use super::failure::Failure;
use super::link::{Link, column_error};
use super::questions;
use super::readers::Readers;
use super::statements::range;
use crate::verify::{Checked, Checker, Report, headless, parts};

/// Events that are checked at a time: so few that a server gives them within the time of one statement.
const PART_EVENTS: usize = 1_000;

/// Checks each event that the ledger holds now.
pub(super) async fn verify_events<E: Engine>(
    readers: &Readers<E>,
    ledger_id: LedgerId,
    progress: Progress<'_>,
) -> Result<Verification> {
    let extent = match readers.ask(|link| Box::pin(questions::head(link))).await {
        Ok(head) if head.ledger_id != ledger_id => return Err(questions::replaced(ledger_id)),
        Ok(head) => head.extent,
        Err(fault @ Error::Corrupt { .. }) => return Ok(headless(&fault)),
        Err(error) => return Err(error),
    };
    let mut report = Report::of(extent);
    for part in parts(extent, PART_EVENTS) {
        match report.add(readers.ask(move |link| Box::pin(check(link, extent, part))).await?) {
            Ok(events) => progress(events, extent.events()),
            Err(report) => return Ok(report),
        }
    }
    Ok(report.done())
}

async fn check<E: Engine>(link: &mut Link<E>, extent: Extent, part: (Offset, Offset)) -> Result<Checked, Failure> {
    let mut checker = Checker::new(extent, part);
    let mut each = |row: &DbRow<E>| {
        checker.row(&E::event(row).map_err(column_error)?)?;
        Ok(ControlFlow::Continue(()))
    };
    let scanned = match link.scan(range::<E>(part.0, part.1), &mut each).await {
        Ok(()) => Ok(()),
        Err(Failure::Said(error)) => Err(error),
        Err(failure) => return Err(failure),
    };
    // After the scan, so that it holds whatever the scan saw.
    let now = questions::head(link).await?.extent;
    let head = match questions::checked_head(link).await {
        Err(Failure::Said(fault @ Error::Corrupt { .. })) if checker.is_last() => Err(fault),
        Err(Failure::Said(Error::Corrupt { .. })) | Ok(_) => Ok(()),
        Err(failure) => return Err(failure),
    };
    Ok(checker.finish(scanned, now, head)?)
}
