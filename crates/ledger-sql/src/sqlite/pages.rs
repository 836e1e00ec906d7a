//! A ledger as it was at one moment, page by page: what snapshots and restores copy.

use std::sync::Arc;

use ledger_core::{Head, Ledger, Offset, PageSize, Read, RecordedEvent, Result};

/// Events of one page, and of one transaction of whoever takes them.
const PAGE_EVENTS: usize = 2_000;

/// The events after an offset up to what a ledger held at one moment.
pub(super) struct Pages<'a> {
    ledger: &'a dyn Ledger,
    read: Read,
    last: Offset,
}

impl<'a> Pages<'a> {
    pub(super) fn new(ledger: &'a dyn Ledger, after: Offset, head: &Head) -> Result<Self> {
        // A position before the first event is the beginning, also of a ledger that was reset.
        let after = if after < head.extent.first { Offset::ZERO } else { after };
        let read = Read::after(after).in_epoch(head.extent.epoch).limit(PageSize::new(PAGE_EVENTS)?);
        Ok(Self { ledger, read, last: head.extent.last })
    }

    pub(super) async fn next(&mut self) -> Result<Option<Vec<Arc<RecordedEvent>>>> {
        if self.read.cursor() >= self.last {
            return Ok(None);
        }
        let page = self.ledger.read(&self.read).await?;
        self.read = self.read.clone().resume(&page);
        let mut events = page.events;
        events.retain(|event| event.offset <= self.last);
        Ok((!events.is_empty()).then_some(events))
    }
}
