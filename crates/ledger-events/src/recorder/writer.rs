//! The one background task of a recorder: appends what waits in the queue, in batches.

use std::sync::Arc;
use std::time::Duration;

use ledger_core::{Event, Ledger, LedgerExt, Result};
use tokio::sync::{mpsc, oneshot, watch};

use super::counts::Tally;
use super::queue::{Job, Record, Slot};

/// Attempts at one append, where the ledger says that another may succeed.
pub const ATTEMPTS: u32 = 3;

/// Pause after the first attempt; each further one is twice as long...
pub const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// ... up to this.
pub const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Events of one append: beyond this, sharing a commit saves nothing.
const BATCH_EVENTS: usize = 500;

/// An append takes no further event once it has this many bytes, as [`Event::size`] counts; far below what a ledger
/// takes, since the last event may be large.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

pub(super) struct Writer {
    ledger: Arc<dyn Ledger>,
    jobs: mpsc::UnboundedReceiver<Job>,
    tally: Arc<Tally>,
    /// Records that were taken out of the queue and are not settled yet.
    in_hand: usize,
    // The last field, so that whoever waits for the end sees everything counted that was dropped with `jobs`.
    _ended: watch::Sender<()>,
}

/// What is stored in one append, and who waits for that.
#[derive(Default)]
struct Group {
    events: Vec<Event>,
    slots: Vec<Slot>,
    waiting: Vec<oneshot::Sender<()>>,
    bytes: usize,
}

impl Writer {
    pub(super) fn new(
        ledger: Arc<dyn Ledger>,
        jobs: mpsc::UnboundedReceiver<Job>,
        tally: Arc<Tally>,
        ended: watch::Sender<()>,
    ) -> Self {
        Self { ledger, jobs, tally, in_hand: 0, _ended: ended }
    }

    /// Ends when the queue is closed, or everybody who could record is gone; both times with nothing left in it.
    pub(super) async fn run(mut self) {
        while let Some(job) = self.jobs.recv().await {
            let Group { events, slots, waiting, .. } = self.gather(job);
            self.in_hand = events.len();
            if !events.is_empty() {
                self.store(events, slots).await;
            }
            self.in_hand = 0;
            for answer in waiting {
                // Whoever does not wait any more need not be told.
                let _ = answer.send(());
            }
        }
    }

    /// Everything that waits, up to the limits of an append.
    fn gather(&mut self, first: Job) -> Group {
        let mut group = Group::default();
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Record(Record { event, slot }) => {
                    group.bytes += event.size();
                    group.events.push(event);
                    group.slots.push(slot);
                }
                Job::Flush(answer) => group.waiting.push(answer),
                Job::Close => self.jobs.close(),
            }
            next = if group.is_full() { None } else { self.jobs.try_recv().ok() };
        }
        group
    }

    async fn store(&self, events: Vec<Event>, slots: Vec<Slot>) {
        match self.append(events).await {
            Ok(()) => slots.into_iter().for_each(Slot::stored),
            Err(error) => self.tally.say_not_stored(slots.len() as u64, &error),
        }
    }

    async fn append(&self, events: Vec<Event>) -> Result<()> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1..ATTEMPTS {
            // The ids are those of the events, so what an unanswered attempt stored is recognised by the next.
            match self.ledger.append_all(events.clone()).await {
                Err(error) if error.is_retryable() => tracing::debug!(attempt, %error, "not stored yet"),
                outcome => return outcome.map(drop),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            self.tally.retried();
        }
        self.ledger.append_all(events).await.map(drop)
    }
}

impl Group {
    fn is_full(&self) -> bool {
        self.events.len() >= BATCH_EVENTS || self.bytes >= BATCH_BYTES
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Their slots count them.
        let records = self.in_hand + self.jobs.len();
        if records > 0 {
            tracing::error!(records, "dropped: the recorder's runtime ended before they were stored");
        }
    }
}
