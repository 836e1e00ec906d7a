//! Records executions of strategies: every failure, and a sample of the successes.

use std::num::NonZeroUsize;
use std::sync::Arc;

use ledger_core::{Actor, Ledger, RunId};
use tokio::runtime::TryCurrentError;

use super::class::class;
use super::counts::Counts;
use super::origin::Origin;
use super::queue::{DEFAULT_QUEUE_LENGTH, Queue, Rank, Room};
use super::sample::{SampleRate, Sampler};
use super::scope::Scope;
use crate::{StrategyExecution, StrategyStatus};

/// Entries of a trace that are kept unless the options say otherwise.
pub const DEFAULT_TRACE_LIMIT: usize = 200;

/// One place in so many is for failures alone, so that a flood of successes cannot displace them.
const PLACES_PER_RESERVED: usize = 10;

/// How a [`StrategyRecorder`] records.
#[derive(Clone)]
pub struct StrategyOptions {
    origin: Origin,
    queue_length: NonZeroUsize,
    sample_rate: SampleRate,
    seed: Option<u64>,
    trace_limit: usize,
}

impl StrategyOptions {
    /// Events of this run, by this actor, where a scope does not name others.
    #[must_use]
    pub const fn new(run_id: RunId, actor: Actor) -> Self {
        Self {
            origin: Origin { run_id, actor },
            queue_length: DEFAULT_QUEUE_LENGTH,
            sample_rate: SampleRate::DEFAULT,
            seed: None,
            trace_limit: DEFAULT_TRACE_LIMIT,
        }
    }

    /// How many records may wait to be stored; further ones are dropped. A tenth of it, rounded down, is for failures
    /// alone: when the queue is nearly full, successes are dropped and failures are not.
    #[must_use]
    pub fn queue_length(self, queue_length: NonZeroUsize) -> Self {
        Self { queue_length, ..self }
    }

    /// Which share of the successes is kept.
    #[must_use]
    pub fn sample_rate(self, sample_rate: SampleRate) -> Self {
        Self { sample_rate, ..self }
    }

    /// Draws the same sample again, for tests.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// How many entries of a trace are kept; with 0, traces are left out.
    #[must_use]
    pub fn trace_limit(self, trace_limit: usize) -> Self {
        Self { trace_limit, ..self }
    }
}

/// Records executions of strategies as `strategy.executed`.
///
/// What did not go well is always kept. Of what did, a sample is, and each stands for `1/rate` executions
/// ([`StrategyExecution::sample_weight`]), so that weighted statistics are right.
///
/// Clones are handles on the same recorder. What becomes of records is said in the [module](super).
#[derive(Clone)]
pub struct StrategyRecorder(Option<Arc<Shared>>);

struct Shared {
    origin: Origin,
    queue: Queue,
    sampler: Sampler,
    trace_limit: usize,
}

impl StrategyRecorder {
    /// Starts the background task on the current tokio runtime, which must have its timer enabled.
    ///
    /// # Errors
    /// [`TryCurrentError`] outside of a tokio runtime.
    pub fn start(ledger: Arc<dyn Ledger>, options: StrategyOptions) -> Result<Self, TryCurrentError> {
        let StrategyOptions { origin, queue_length, sample_rate, seed, trace_limit } = options;
        let reserved = queue_length.get() / PLACES_PER_RESERVED;
        let queue = Queue::start(ledger, Room { common: queue_length.get() - reserved, reserved })?;
        let sampler = Sampler::new(sample_rate, seed);
        Ok(Self(Some(Arc::new(Shared { origin, queue, sampler, trace_limit }))))
    }

    /// A recorder that ignores everything, failures too, and needs neither ledger nor runtime: where it is switched off.
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }

    /// Records `execution` if it did not go well, or the sample falls on it; returns at once.
    ///
    /// The weight is set here, times the one that is given, for executions that were sampled before. A trace is cut to
    /// the limit, which `notes` then tell. Points are left out unless it went well and they are a finite number; an error
    /// code with spaces or quotes in it is a message, and becomes `unclassified`.
    pub fn record(&self, mut execution: StrategyExecution) {
        let Some(Shared { origin, queue, sampler, trace_limit }) = self.0.as_deref() else { return };
        let rank = if execution.status == StrategyStatus::Ok { Rank::Common } else { Rank::Preferred };
        if rank == Rank::Common {
            let Some(weight) = sampler.weight() else {
                return queue.tally().sampled_out();
            };
            execution.sample_weight *= weight;
        }
        cut_trace(&mut execution, *trace_limit);
        execution.points = execution.points.filter(|points| points.is_finite() && rank == Rank::Common);
        execution.error_code = execution.error_code.map(class);
        match origin.event(Scope::current().as_ref(), &execution) {
            Ok(event) => queue.offer(event, rank),
            Err(invalid) => queue.tally().dropped_invalid(&invalid),
        }
    }

    /// Waits until everything that was recorded before is in the ledger, or dropped.
    pub async fn flush(&self) {
        if let Some(shared) = &self.0 {
            shared.queue.flush().await;
        }
    }

    /// Ends the recorder, for all handles, once everything that was recorded before is in the ledger, or dropped. What is
    /// recorded later is dropped and counted. Closing again waits for the same end.
    pub async fn close(&self) {
        if let Some(shared) = &self.0 {
            shared.queue.close().await;
        }
    }

    /// What became of the records so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.0.as_ref().map(|shared| shared.queue.counts()).unwrap_or_default()
    }
}

fn cut_trace(execution: &mut StrategyExecution, limit: usize) {
    if limit == 0 {
        execution.trace = None;
    }
    let Some(trace) = execution.trace.as_mut().filter(|trace| trace.len() > limit) else { return };
    let note = format!("trace truncated: {} -> {limit} entries", trace.len());
    trace.truncate(limit);
    execution.notes = Some(match execution.notes.take() {
        Some(notes) => format!("{notes}; {note}"),
        None => note,
    });
}
