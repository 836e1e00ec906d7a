//! Whether a ledger holds what was appended, part by part: digest, seal, dense offsets, times that do not decrease.

use ledger_core::{Error, Extent, Offset, Result, Timestamp, Verification};

use crate::row::Row;

/// The ledger's extent, cut into parts of so many events. The first one begins at 0 and the last one reaches to the end of the offsets, since
/// nothing may stand outside.
pub(crate) fn parts(extent: Extent, events: usize) -> impl Iterator<Item = (Offset, Offset)> {
    let mut next = Some(Offset::ZERO);
    std::iter::from_fn(move || {
        let first = next?;
        let last = first.max(extent.first).checked_add(events.saturating_sub(1)).filter(|last| *last < extent.last);
        next = last.map(Offset::after);
        Some((first, last.unwrap_or(Offset::MAX)))
    })
}

/// What was found in one part.
pub(crate) struct Checked {
    events: u64,
    earliest: Timestamp,
    latest: Timestamp,
    fault: Option<Error>,
}

/// Checks the rows of one part, in their order.
pub(crate) struct Checker {
    extent: Extent,
    last: Offset,
    end: Offset,
    expected: Offset,
    /// Appended since the verification began: it belongs to the next one.
    beyond: Option<Offset>,
    checked: Checked,
}

impl Checker {
    pub(crate) fn new(extent: Extent, (first, last): (Offset, Offset)) -> Self {
        Self {
            extent,
            last,
            end: if last == Offset::MAX { extent.last } else { last },
            expected: first.max(extent.first),
            beyond: None,
            checked: Checked { events: 0, earliest: Timestamp::MIN, latest: Timestamp::MIN, fault: None },
        }
    }

    /// Whether this is the part that ends where the head says, so that the head is to be judged as well.
    pub(crate) fn is_last(&self) -> bool {
        self.last == Offset::MAX
    }

    pub(crate) fn row(&mut self, row: &Row<'_>) -> Result<()> {
        let offset = row.offset()?;
        if offset < self.extent.first {
            return Err(outside(offset));
        }
        if offset > self.end {
            self.beyond = Some(offset);
            return Ok(());
        }
        if offset != self.expected {
            let expected = self.expected;
            return Err(Error::corrupt(expected, format!("the event is missing; the next one is {offset}")));
        }
        row.verify()?;
        let recorded_at = row.recorded_at()?;
        if recorded_at < self.checked.latest {
            return Err(Error::corrupt(offset, "the event was recorded before the one before it"));
        }
        if self.checked.events == 0 {
            self.checked.earliest = recorded_at;
        }
        self.checked.latest = recorded_at;
        self.checked.events += 1;
        self.expected = offset.after();
        Ok(())
    }

    /// What was found, where the scan ended like `scanned`, the ledger holds `now` at that moment or later, and its head was
    /// judged as `head`.
    pub(crate) fn finish(self, scanned: Result<()>, now: Extent, head: Result<()>) -> Result<Checked> {
        if now.epoch != self.extent.epoch {
            return Err(Error::Reset { epoch: now.epoch, first: now.first });
        }
        let complete = || match self.expected {
            expected if expected <= self.end => Err(Error::corrupt(expected, "the event is missing at the end")),
            _ => Ok(()),
        };
        let inside = || match self.beyond {
            Some(offset) if offset > now.last => Err(outside(offset)),
            _ => Ok(()),
        };
        match scanned.and_then(|()| complete()).and_then(|()| inside()).and(head) {
            Ok(()) => Ok(self.checked),
            Err(fault @ Error::Corrupt { .. }) => Ok(Checked { fault: Some(fault), ..self.checked }),
            Err(error) => Err(error),
        }
    }
}

fn outside(offset: Offset) -> Error {
    Error::corrupt(offset, "the event lies outside what the ledger says it holds")
}

/// The report that grows with each part, in their order.
pub(crate) struct Report {
    report: Verification,
    latest: Timestamp,
}

impl Report {
    pub(crate) fn of(extent: Extent) -> Self {
        let report = Verification { events: 0, first: extent.first, last: extent.last, fault: None };
        Self { report, latest: Timestamp::MIN }
    }

    /// Takes up a part; how many events are sound so far, or the report when there is a fault.
    pub(crate) fn add(&mut self, part: Checked) -> Result<u64, Verification> {
        self.report.events += part.events;
        let early = part.events > 0 && part.earliest < self.latest;
        let fault = part
            .fault
            .or_else(|| early.then(|| Error::corrupt(None, "an event was recorded before one with a lower offset")));
        if part.events > 0 {
            self.latest = part.latest;
        }
        match fault {
            None => Ok(self.report.events),
            Some(fault) => Err(self.report.clone().with_fault(&fault)),
        }
    }

    pub(crate) fn done(self) -> Verification {
        self.report
    }
}

/// The report on a ledger whose head cannot be read.
pub(crate) fn headless(fault: &Error) -> Verification {
    Verification { events: 0, first: Offset::ZERO, last: Offset::ZERO, fault: None }.with_fault(fault)
}
