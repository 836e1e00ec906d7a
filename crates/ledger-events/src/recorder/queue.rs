//! The bounded queue between those who record and the one who writes. Nobody who records ever waits.

use std::num::NonZeroUsize;
use std::sync::Arc;

use ledger_core::{Event, Ledger};
use tokio::runtime::{Handle, TryCurrentError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use super::counts::{Counts, Tally};
use super::writer::Writer;

/// Records that may wait unless the options say otherwise: at about a kilobyte each, a megabyte.
pub const DEFAULT_QUEUE_LENGTH: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();

/// Which part of the queue a record may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    /// All but what is reserved.
    Common,
    /// All of it.
    Preferred,
}

/// How many records may wait at most, those that are being stored included.
#[derive(Clone, Copy)]
pub(super) struct Room {
    pub(super) common: usize,
    pub(super) reserved: usize,
}

/// The recording end. When it is dropped, the writer stores what waits, then ends.
pub(super) struct Queue {
    // Without a bound of its own, so that a flush needs no room; permits bound the records.
    jobs: mpsc::UnboundedSender<Job>,
    common: Arc<Semaphore>,
    reserved: Arc<Semaphore>,
    tally: Arc<Tally>,
    writer_ended: watch::Receiver<()>,
}

pub(super) enum Job {
    Record(Record),
    /// Answered when everything before it is stored or dropped.
    Flush(oneshot::Sender<()>),
    /// Nothing after it is taken.
    Close,
}

pub(super) struct Record {
    pub(super) event: Event,
    pub(super) slot: Slot,
}

/// A place in the queue, which counts what becomes of its record however that ends: without [`Slot::stored`], it is lost.
pub(super) struct Slot {
    tally: Arc<Tally>,
    stored: bool,
    _permit: OwnedSemaphorePermit,
}

impl Queue {
    /// Starts the writer on the current runtime.
    pub(super) fn start(ledger: Arc<dyn Ledger>, room: Room) -> Result<Self, TryCurrentError> {
        let runtime = Handle::try_current()?;
        let tally = Arc::new(Tally::default());
        let (jobs, waiting) = mpsc::unbounded_channel();
        let (ended, writer_ended) = watch::channel(());
        runtime.spawn(Writer::new(ledger, waiting, Arc::clone(&tally), ended).run());
        Ok(Self { jobs, common: semaphore(room.common), reserved: semaphore(room.reserved), tally, writer_ended })
    }

    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(super) fn counts(&self) -> Counts {
        self.tally.counts()
    }

    /// Queues `event` if there is room.
    pub(super) fn offer(&self, event: Event, rank: Rank) {
        let Some(permit) = self.permit(rank) else {
            return self.tally.dropped_full();
        };
        let slot = Slot { tally: Arc::clone(&self.tally), stored: false, _permit: permit };
        if self.jobs.send(Job::Record(Record { event, slot })).is_err() {
            self.tally.say_closed();
        }
    }

    fn permit(&self, rank: Rank) -> Option<OwnedSemaphorePermit> {
        let common = Arc::clone(&self.common).try_acquire_owned().ok();
        match rank {
            Rank::Common => common,
            Rank::Preferred => common.or_else(|| Arc::clone(&self.reserved).try_acquire_owned().ok()),
        }
    }

    /// Waits until everything that was offered before is stored or dropped.
    pub(super) async fn flush(&self) {
        let (answer, answered) = oneshot::channel();
        if self.jobs.send(Job::Flush(answer)).is_ok() {
            // An answer that does not come: the writer ended, and with it everything that waited.
            let _ = answered.await;
        } else {
            self.end().await;
        }
    }

    /// Lets nothing more in, and waits until everything that was offered before is stored or dropped.
    pub(super) async fn close(&self) {
        // Fails when somebody else closed it.
        let _ = self.jobs.send(Job::Close);
        self.end().await;
    }

    async fn end(&self) {
        // Nothing is ever sent: this waits until the writer drops its end.
        let _ = self.writer_ended.clone().changed().await;
    }
}

/// More permits than a semaphore takes are as good as no bound.
fn semaphore(permits: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)))
}

impl Slot {
    /// The record is in the ledger.
    pub(super) fn stored(mut self) {
        self.stored = true;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.stored {
            self.tally.recorded();
        } else {
            self.tally.dropped();
        }
    }
}
