//! Recent events in memory, around any ledger.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::limits::MAX_PAGE_BYTES;
use crate::{
    AppendOutcome, Batch, Checkpoint, CheckpointMove, Direction, Epoch, Extent, Head, Ledger, Offset, Page, Progress,
    Read, RecordedBatch, RecordedEvent, Result, Run, RunQuery, Verification, Wakeup,
};

/// What an event takes in memory beside its texts, in bytes, roughly.
const EVENT_OVERHEAD_BYTES: usize = 384;

/// A ledger with a window of its most recently read events in memory.
///
/// Since offsets are dense and events never change, the window cannot be stale. Only the head can, and the head is
/// always asked of the ledger behind. Everything but reads goes straight through.
pub struct Cached<L: ?Sized> {
    window: Mutex<Window>,
    inner: Arc<L>,
}

impl<L: Ledger + ?Sized> Cached<L> {
    /// Around `inner`, keeping up to about `bytes` bytes of events.
    #[must_use]
    pub fn new(inner: Arc<L>, bytes: usize) -> Self {
        let window = Window { epoch: Epoch::FIRST, events: VecDeque::new(), bytes: 0, capacity: bytes };
        Self { window: Mutex::new(window), inner }
    }

    /// The ledger behind.
    #[must_use]
    pub fn inner(&self) -> &Arc<L> {
        &self.inner
    }
}

/// Consecutive events of one epoch, the newest at the back.
struct Window {
    epoch: Epoch,
    events: VecDeque<Arc<RecordedEvent>>,
    bytes: usize,
    capacity: usize,
}

impl Window {
    fn first(&self) -> Option<Offset> {
        self.events.front().map(|event| event.offset)
    }

    fn last(&self) -> Option<Offset> {
        self.events.back().map(|event| event.offset)
    }

    /// Answers `read` if the window has all that the ledger would have considered.
    fn answer(&self, read: &Read, extent: Extent) -> Option<Result<Page>> {
        if extent.epoch != self.epoch || extent.is_empty() {
            return None;
        }
        let (first, last) = (self.first()?, self.last()?);
        // How many events of the window lie before the reader's position.
        let index = |offset: Offset| usize::try_from(offset.get().saturating_sub(first.get())).unwrap_or(usize::MAX);
        match read.direction() {
            Direction::Forward => {
                let from = read.cursor().after().max(extent.first);
                if from < first || from > last {
                    return None;
                }
                // Another reader may have added what came after our head.
                let held = self.events.iter().skip(index(from)).take_while(|event| event.offset <= extent.last);
                collect(read, extent, held, last >= extent.last)
            }
            Direction::Backward => {
                let from = read.cursor().before().min(extent.last);
                if from < first || from > last {
                    return None;
                }
                let held = self.events.iter().take(index(from) + 1).rev();
                collect(read, extent, held, first == extent.first)
            }
        }
    }

    /// Adds what was read, if it continues the window; a gap begins the window anew, older events are left out.
    fn add(&mut self, page: &Page) {
        if page.extent.epoch != self.epoch {
            self.events.clear();
            self.bytes = 0;
            self.epoch = page.extent.epoch;
        }
        for event in &page.events {
            match self.last() {
                Some(last) if event.offset <= last => continue,
                Some(last) if event.offset != last.after() => {
                    self.events.clear();
                    self.bytes = 0;
                }
                _ => {}
            }
            self.bytes += size(event);
            self.events.push_back(Arc::clone(event));
        }
        while self.bytes > self.capacity {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= size(&oldest);
        }
    }
}

/// A page from the events that the window holds in the reader's direction; `complete` says that there are no others.
fn collect<'a>(
    read: &Read,
    extent: Extent,
    held: impl Iterator<Item = &'a Arc<RecordedEvent>>,
    complete: bool,
) -> Option<Result<Page>> {
    let limit = read.page_size().get();
    let mut events = Vec::new();
    let mut bytes = 0;
    let mut more = !complete;
    for event in held.filter(|event| read.filter().matches(&event.event)) {
        if events.len() == limit || bytes >= MAX_PAGE_BYTES {
            more = true;
            break;
        }
        bytes += event.event.size();
        events.push(Arc::clone(event));
    }
    // A page that stops where the window does, short of its limit, would have the reader ask again for the rest.
    let full = events.len() == limit || bytes >= MAX_PAGE_BYTES;
    (full || complete).then(|| Page::new(read, events, more, extent))
}

fn size(event: &RecordedEvent) -> usize {
    event.event.size() + EVENT_OVERHEAD_BYTES
}

#[async_trait]
impl<L: Ledger + ?Sized> Ledger for Cached<L> {
    async fn read(&self, read: &Read) -> Result<Page> {
        let extent = self.inner.head().await?.extent;
        read.check(extent)?;
        if read.direction() == Direction::Forward && read.cursor() == extent.last {
            return Page::new(read, Vec::new(), false, extent);
        }
        if let Some(page) = self.window.lock().answer(read, extent) {
            return page;
        }
        let page = self.inner.read(read).await?;
        if read.direction() == Direction::Forward && read.filter().is_any() {
            self.window.lock().add(&page);
        }
        Ok(page)
    }

    async fn append(&self, batch: Batch) -> Result<AppendOutcome> {
        self.inner.append(batch).await
    }

    async fn head(&self) -> Result<Head> {
        self.inner.head().await
    }

    async fn runs(&self, query: RunQuery) -> Result<Vec<Run>> {
        self.inner.runs(query).await
    }

    async fn checkpoints(&self) -> Result<Vec<Checkpoint>> {
        self.inner.checkpoints().await
    }

    async fn save_checkpoint(&self, checkpoint: Checkpoint, how: CheckpointMove) -> Result<Checkpoint> {
        self.inner.save_checkpoint(checkpoint, how).await
    }

    async fn restore(&self, batch: RecordedBatch) -> Result<()> {
        self.inner.restore(batch).await
    }

    async fn reset(&self, seen: &Head) -> Result<Head> {
        self.inner.reset(seen).await
    }

    fn wakeup(&self) -> Wakeup {
        self.inner.wakeup()
    }

    async fn verify(&self, progress: Progress<'_>) -> Result<Verification> {
        self.inner.verify(progress).await
    }
}
