//! Comforts over any ledger.

use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use futures_core::Stream;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::limits::{MAX_BATCH_BYTES, MAX_BATCH_EVENTS, MAX_RUNS};
use crate::{
    AppendCondition, AppendOutcome, Batch, Checkpoint, CheckpointMove, ConsumerName, Error, Event, EventId, Filter,
    Ledger, Offset, Page, PageSize, Position, Read, RecordedEvent, Result, Run, RunId, RunQuery, Wakeup,
};

/// Events, ending with the first error.
pub type EventStream<'a> = Pin<Box<dyn Stream<Item = Result<Arc<RecordedEvent>>> + Send + 'a>>;

/// Pages that are not empty, ending with the first error.
pub type PageStream<'a> = Pin<Box<dyn Stream<Item = Result<Page>> + Send + 'a>>;

/// How often an append whose outcome is not known is sent again.
const RETRIES: usize = 3;

/// What callers of a ledger want to say in one call; every ledger has it.
#[async_trait]
pub trait LedgerExt: Ledger {
    /// Appends one event.
    ///
    /// # Errors
    /// Those of [`Ledger::append`].
    async fn append_one(&self, event: Event) -> Result<Position> {
        let positions = self.append_all(vec![event]).await?;
        positions.into_iter().next().ok_or_else(|| Error::corrupt(None, "an append of one event gave no position"))
    }

    /// Appends all of `events` in one step, or none.
    ///
    /// # Errors
    /// Those of [`Batch::new`] and [`Ledger::append`].
    async fn append_all(&self, events: Vec<Event>) -> Result<Vec<Position>> {
        match self.append(Batch::new(events)?).await? {
            AppendOutcome::Appended(positions) => Ok(positions),
            AppendOutcome::ConditionFailed { offset } => Err(Error::corrupt(offset, "a condition failed without one")),
        }
    }

    /// Appends all of `events` in one step if `condition` holds, or none.
    ///
    /// # Errors
    /// Those of [`Batch::new`], [`Batch::with_condition`] and [`Ledger::append`].
    async fn append_if(&self, events: Vec<Event>, condition: AppendCondition) -> Result<AppendOutcome> {
        self.append(Batch::new(events)?.with_condition(condition)?).await
    }

    /// Appends `batch`, and again, up to three more times, as long as nobody knows whether it was stored: the same ids end
    /// in one copy. An append that was settled so may report its own events as duplicates.
    ///
    /// # Errors
    /// Those of [`Ledger::append`].
    async fn append_until_known(&self, batch: Batch) -> Result<AppendOutcome> {
        let mut outcome = self.append(batch.clone()).await;
        for _ in 0..RETRIES {
            if !matches!(outcome, Err(Error::OutcomeUnknown(_))) {
                break;
            }
            outcome = self.append(batch.clone()).await;
        }
        outcome
    }

    /// Appends any number of events, in as many steps as their number and size need.
    ///
    /// # Errors
    /// Those of [`Ledger::append`]; steps before the one that failed are stored, and appending everything again with
    /// the same ids completes it.
    async fn extend<I>(&self, events: I) -> Result<Vec<Position>>
    where
        I: IntoIterator<Item = Event> + Send,
        I::IntoIter: Send,
    {
        let mut positions = Vec::new();
        let (mut step, mut bytes) = (Vec::new(), 0_usize);
        for event in events {
            let size = event.size();
            if step.len() == MAX_BATCH_EVENTS || bytes + size > MAX_BATCH_BYTES {
                positions.extend(self.append_all(std::mem::take(&mut step)).await?);
                bytes = 0;
            }
            bytes += size;
            step.push(event);
        }
        if !step.is_empty() {
            positions.extend(self.append_all(step).await?);
        }
        Ok(positions)
    }

    /// What `read` finds, page by page, up to the ledger's end; then ends.
    fn tail_pages(&self, read: Read) -> PageStream<'_> {
        let pages = stream::try_unfold(Some(read), move |read| async move {
            let Some(read) = read else { return Ok(None) };
            let page = self.read(&read).await?;
            let next = (!page.exhausted).then(|| read.resume(&page));
            Ok(Some((page, next)))
        });
        pages.try_filter(|page| std::future::ready(!page.events.is_empty())).boxed()
    }

    /// What `read` finds, event by event, up to the ledger's end; then ends.
    fn tail(&self, read: Read) -> EventStream<'_> {
        events(self.tail_pages(read))
    }

    /// What `read` finds, page by page, now and for as long as the stream is polled; ends only with an error.
    ///
    /// The same read as [`Self::tail_pages`]: when a page reaches the end, waits for the ledger's wake-up and reads again.
    /// A read backward gives nothing more once it has reached the beginning.
    fn follow_pages(&self, read: Read) -> PageStream<'_> {
        let start = Following { read, wakeup: self.wakeup(), caught_up: false };
        let pages = stream::try_unfold(start, move |mut state| async move {
            if state.caught_up {
                state.wakeup.wait().await?;
            }
            let page = self.read(&state.read).await?;
            let next = Following { read: state.read.resume(&page), caught_up: page.exhausted, ..state };
            Ok(Some((page, next)))
        });
        pages.try_filter(|page| std::future::ready(!page.events.is_empty())).boxed()
    }

    /// What `read` finds, event by event, now and for as long as the stream is polled; ends only with an error.
    fn follow(&self, read: Read) -> EventStream<'_> {
        events(self.follow_pages(read))
    }

    /// All events of a run, in order.
    fn events_for_run(&self, run: RunId) -> EventStream<'_> {
        match Read::after(Offset::ZERO).matching(Filter::any().run(run)) {
            Ok(read) => self.tail(read),
            Err(error) => stream::once(std::future::ready(Err(error))).boxed(),
        }
    }

    /// Every run, in the order of their first events.
    ///
    /// # Errors
    /// Those of [`Ledger::runs`].
    async fn all_runs(&self) -> Result<Vec<Run>> {
        let mut runs: Vec<Run> = Vec::new();
        loop {
            let after = runs.last().map_or(Offset::ZERO, |run| run.first);
            let more = self.runs(RunQuery::new(after, MAX_RUNS)?).await?;
            let done = more.len() < MAX_RUNS;
            runs.extend(more);
            if done {
                return Ok(runs);
            }
        }
    }

    /// The event with this id.
    ///
    /// # Errors
    /// Those of [`Ledger::read`].
    async fn find(&self, id: EventId) -> Result<Option<Arc<RecordedEvent>>> {
        let page = self.read(&Read::after(Offset::ZERO).matching(Filter::any().id(id))?).await?;
        Ok(page.events.into_iter().next())
    }

    /// The event at this offset.
    ///
    /// # Errors
    /// Those of [`Ledger::read`].
    async fn event_at(&self, offset: Offset) -> Result<Option<Arc<RecordedEvent>>> {
        // Backward, since a position before a reset is simply not there.
        let page = self.read(&Read::before(offset.after()).limit(PageSize::new(1)?)).await?;
        Ok(page.events.into_iter().find(|event| event.offset == offset))
    }

    /// The checkpoint of `consumer`, where there is one.
    ///
    /// # Errors
    /// Those of [`Ledger::checkpoints`].
    async fn checkpoint(&self, consumer: &ConsumerName) -> Result<Option<Checkpoint>> {
        Ok(self.checkpoints().await?.into_iter().find(|checkpoint| checkpoint.consumer == *consumer))
    }

    /// Where `consumer` goes on: after the event of its checkpoint, or at the beginning when it has none.
    ///
    /// # Errors
    /// [`Error::CheckpointLost`] when the ledger does not have that event there any more, or never had.
    async fn resume(&self, consumer: &ConsumerName) -> Result<Offset> {
        let Some(checkpoint) = self.checkpoint(consumer).await? else {
            return Ok(Offset::ZERO);
        };
        let found = self.event_at(checkpoint.offset).await?;
        let extent = self.head().await?.extent;
        if checkpoint.fits(extent, found.as_ref().map(|event| &event.event.id)) {
            return Ok(checkpoint.offset);
        }
        Err(Error::CheckpointLost { consumer: checkpoint.consumer, offset: checkpoint.offset })
    }

    /// Saves that `consumer` is done with everything up to `event`; stays where it is if it was further on.
    ///
    /// # Errors
    /// Those of [`Ledger::save_checkpoint`].
    async fn reached(&self, consumer: ConsumerName, event: &RecordedEvent) -> Result<Checkpoint> {
        self.save_checkpoint(Checkpoint::at(consumer, event), CheckpointMove::Forward).await
    }
}

impl<L: Ledger + ?Sized> LedgerExt for L {}

struct Following {
    read: Read,
    wakeup: Wakeup,
    caught_up: bool,
}

fn events(pages: PageStream<'_>) -> EventStream<'_> {
    pages.map_ok(|page| stream::iter(page.events.into_iter().map(Ok))).try_flatten().boxed()
}
