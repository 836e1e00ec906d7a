//! The group committer: one thread per ledger handle, which alone owns the connection that writes.
//!
//! It takes everything that waits, stores it in one transaction, and answers every waiter. A caller that drops its future
//! cannot leave a transaction open or another waiter unanswered, and nothing is acknowledged before it is durable.

use std::sync::Arc;
use std::thread::JoinHandle;

use ledger_core::{AppendOutcome, Batch, Error, Result};
use tokio::sync::{mpsc, oneshot};

/// Appends that may wait for the committer; further callers wait for room.
const QUEUE_LENGTH: usize = 1_024;

/// Events of one transaction: beyond this, sharing a commit saves nothing and delays the first waiter.
const GROUP_EVENTS: usize = 10_000;

/// Payload bytes of one transaction.
const GROUP_BYTES: usize = 64 * 1024 * 1024;

/// What came of a group of batches: an outcome for each, or one failure for all.
pub(crate) type Outcomes = Result<Vec<Result<AppendOutcome>>>;

/// An engine's way to write, used by the committer's thread only.
pub(crate) trait Lane: Send + 'static {
    /// Whether storing is mostly waiting for somebody else, which is when others are better answered.
    const WAITS: bool;

    /// Stores each of `batches`, in this order, or refuses it; all in one transaction, which is durable when this
    /// returns. One answer for each, or one failure for all. Calls `meanwhile` once, when it first waits.
    fn append(&mut self, batches: &[Batch], meanwhile: impl FnOnce()) -> Outcomes;
}

/// The handle to a lane's thread. When it is dropped the thread finishes what is queued, then ends.
pub(crate) struct Committer<L> {
    queue: Option<mpsc::Sender<Job<L>>>,
    thread: Option<JoinHandle<()>>,
}

enum Job<L> {
    Append(Waiting),
    /// Anything else that writes, in a transaction of its own.
    Other(Box<dyn FnOnce(&mut L) + Send>),
}

struct Waiting {
    batch: Batch,
    answer: oneshot::Sender<Result<AppendOutcome>>,
}

impl<L: Lane> Committer<L> {
    /// Starts the thread of `lane`; `committed` is called after every transaction that may have changed the ledger.
    pub(crate) fn start(lane: L, committed: impl Fn() + Send + 'static) -> Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE_LENGTH);
        let thread = std::thread::Builder::new()
            .name("ledger-committer".into())
            .spawn(move || work(lane, jobs, committed))
            .map_err(|error| Error::unavailable("the committer's thread could not be started", error))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Appends `batch` with whatever else waits.
    pub(crate) async fn append(&self, batch: Batch) -> Result<AppendOutcome> {
        let (answer, answered) = oneshot::channel();
        self.send(Job::Append(Waiting { batch, answer })).await?;
        answered.await.unwrap_or_else(|_| Err(unanswered()))
    }

    /// Runs `job` on the lane, between two groups.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut L) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let job = move |lane: &mut L| {
            // The caller may have gone; the job is done all the same.
            let _ = answer.send(job(lane));
        };
        self.send(Job::Other(Box::new(job))).await?;
        answered.await.unwrap_or_else(|_| Err(unanswered()))
    }

    async fn send(&self, job: Job<L>) -> Result<()> {
        let queue = self.queue.as_ref().ok_or(Error::Closed)?;
        queue.send(job).await.map_err(|_| Error::Closed)
    }
}

/// The thread ended between taking a job and answering it.
fn unanswered() -> Error {
    Error::OutcomeUnknown("the committer ended before it answered".into())
}

impl<L> Drop for Committer<L> {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the committer's thread panicked");
        }
    }
}

fn work<L: Lane>(mut lane: L, mut jobs: mpsc::Receiver<Job<L>>, committed: impl Fn()) {
    // While others wait, the lane does not wait until everybody of the group before has been woken.
    let mut earlier: Option<Answers> = None;
    let mut next = jobs.blocking_recv();
    while let Some(job) = next {
        next = match job {
            Job::Append(first) => {
                let (group, after) = gather(first, &mut jobs);
                let done = commit(&mut lane, group, earlier.take(), &committed);
                earlier = L::WAITS.then_some(done);
                after
            }
            Job::Other(job) => {
                earlier = None;
                job(&mut lane);
                committed();
                None
            }
        };
        next = next.or_else(|| jobs.try_recv().ok());
        if next.is_none() {
            earlier = None;
            next = jobs.blocking_recv();
        }
    }
}

/// Everything that waits, up to the limits of a group, and the first job that does not belong to it.
fn gather<L>(first: Waiting, jobs: &mut mpsc::Receiver<Job<L>>) -> (Vec<Waiting>, Option<Job<L>>) {
    let (mut events, mut bytes) = (first.batch.events().len(), first.batch.bytes());
    let mut group = vec![first];
    loop {
        match jobs.try_recv() {
            Ok(Job::Append(next))
                if events + next.batch.events().len() <= GROUP_EVENTS && bytes + next.batch.bytes() <= GROUP_BYTES =>
            {
                events += next.batch.events().len();
                bytes += next.batch.bytes();
                group.push(next);
            }
            Ok(other) => return (group, Some(other)),
            Err(_) => return (group, None),
        }
    }
}

fn commit<L: Lane>(lane: &mut L, group: Vec<Waiting>, earlier: Option<Answers>, committed: &impl Fn()) -> Answers {
    let (batches, callers): (Vec<_>, Vec<_>) = group.into_iter().map(|waiting| (waiting.batch, waiting.answer)).unzip();
    let outcomes = lane.append(&batches, || drop(earlier));
    match &outcomes {
        Ok(_) => tracing::trace!(batches = batches.len(), "committed"),
        Err(failure) => tracing::warn!(batches = batches.len(), %failure, "not committed"),
    }
    committed();
    Answers { callers, outcomes }
}

/// Callers, and what they are told when this is dropped.
struct Answers {
    callers: Vec<oneshot::Sender<Result<AppendOutcome>>>,
    outcomes: Outcomes,
}

impl Drop for Answers {
    fn drop(&mut self) {
        let callers = std::mem::take(&mut self.callers);
        // A caller that has gone has its events stored all the same, so nobody minds an answer that is not taken.
        match std::mem::replace(&mut self.outcomes, Ok(Vec::new())) {
            Ok(outcomes) => {
                for (caller, outcome) in callers.into_iter().zip(outcomes) {
                    let _ = caller.send(outcome);
                }
            }
            Err(failure) => {
                let failure = Arc::new(failure);
                for caller in callers {
                    let _ = caller.send(Err(failure.share()));
                }
            }
        }
    }
}
