//! Records calls of models.

use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use ledger_core::{Actor, Ledger, ModelId, RunId};
use tokio::runtime::TryCurrentError;
use tokio::time::error::Elapsed;

use super::class::{UNCLASSIFIED, class};
use super::counts::Counts;
use super::in_flight::{InFlight, Request};
use super::origin::Origin;
use super::queue::{DEFAULT_QUEUE_LENGTH, Queue, Rank, Room};
use super::scope::Scope;
use crate::{CallStatus, LlmCall};

/// How a [`UsageRecorder`] records.
#[derive(Clone)]
pub struct UsageOptions {
    origin: Origin,
    queue_length: NonZeroUsize,
}

impl UsageOptions {
    /// Events of this run, by this actor, where a scope does not name others.
    #[must_use]
    pub const fn new(run_id: RunId, actor: Actor) -> Self {
        Self { origin: Origin { run_id, actor }, queue_length: DEFAULT_QUEUE_LENGTH }
    }

    /// How many records may wait to be stored; further ones are dropped.
    #[must_use]
    pub fn queue_length(self, queue_length: NonZeroUsize) -> Self {
        Self { queue_length, ..self }
    }
}

/// Records calls of models as `llm.called`: who they are for is said by the [`Scope`], what they are by the caller.
///
/// Clones are handles on the same recorder. What becomes of records is said in the [module](super).
#[derive(Clone)]
pub struct UsageRecorder(Arc<Shared>);

struct Shared {
    origin: Origin,
    queue: Queue,
}

impl UsageRecorder {
    /// Starts the background task on the current tokio runtime, which must have its timer enabled.
    ///
    /// # Errors
    /// [`TryCurrentError`] outside of a tokio runtime.
    pub fn start(ledger: Arc<dyn Ledger>, options: UsageOptions) -> Result<Self, TryCurrentError> {
        let UsageOptions { origin, queue_length } = options;
        let queue = Queue::start(ledger, Room { common: queue_length.get(), reserved: 0 })?;
        Ok(Self(Arc::new(Shared { origin, queue })))
    }

    /// Waits for `future`, a call of a model, and records how it ended; gives back what the future gave, whatever
    /// becomes of the record.
    ///
    /// `describe` says what the outcome means, see [`InFlight::finish`]. A future that is dropped before it is done is
    /// recorded as `cancelled`; one that is never polled was not a call. Without a scope, neither around the future nor
    /// around the place where it was made, the call is made all the same, and [`Counts::without_scope`] rises.
    pub fn track<F, D>(&self, request: Request, future: F, describe: D) -> impl Future<Output = F::Output> + use<F, D>
    where
        F: Future,
        D: FnOnce(&F::Output, &mut LlmCall),
    {
        let (recorder, made_in) = (self.clone(), Scope::current());
        async move {
            let call = recorder.begin_in(Scope::current().or(made_in), request);
            let outcome = future.await;
            call.finish(|call| describe(&outcome, call));
            outcome
        }
    }

    /// As [`Self::track`], for at most `limit`: beyond it the call is given up, and recorded as a `timeout` of the class
    /// `deadline_exceeded`.
    pub fn track_within<F, D>(
        &self,
        limit: Duration,
        request: Request,
        future: F,
        describe: D,
    ) -> impl Future<Output = Result<F::Output, Elapsed>> + use<F, D>
    where
        F: Future,
        D: FnOnce(&F::Output, &mut LlmCall),
    {
        // The time starts when the future does, not when it is made.
        let limited = async move { tokio::time::timeout(limit, future).await };
        self.track(request, limited, |outcome, call| match outcome {
            Ok(outcome) => describe(outcome, call),
            Err(_) => call.fail(CallStatus::Timeout, "deadline_exceeded"),
        })
    }

    /// Begins a call in the current scope, to be finished by hand.
    pub fn begin(&self, request: Request) -> InFlight {
        self.begin_in(Scope::current(), request)
    }

    fn begin_in(&self, scope: Option<Scope>, request: Request) -> InFlight {
        if scope.is_none() {
            self.0.queue.tally().without_scope();
        }
        InFlight::begin(self.clone(), scope, request)
    }

    /// Records a call that was measured elsewhere, as it stands; a scope may name run, actor and session of the event.
    pub fn record(&self, call: LlmCall) {
        self.offer(call, Scope::current().as_ref());
    }

    /// Records a call that is over, or that it could not be described.
    pub(super) fn settle(&self, call: Option<LlmCall>, scope: &Scope) {
        match call {
            Some(call) => self.offer(call, Some(scope)),
            None => self.0.queue.tally().dropped_undescribed(),
        }
    }

    fn offer(&self, mut call: LlmCall, scope: Option<&Scope>) {
        classify(&mut call);
        let Shared { origin, queue } = self.0.as_ref();
        match origin.event(scope, &call) {
            Ok(mut event) => {
                // A name that an event cannot have is still in the payload.
                event.model_id = call.model.and_then(|model| ModelId::new(model).ok());
                queue.offer(event, Rank::Common);
            }
            Err(invalid) => queue.tally().dropped_invalid(&invalid),
        }
    }

    /// Waits until everything that was recorded before is in the ledger, or dropped.
    pub async fn flush(&self) {
        self.0.queue.flush().await;
    }

    /// Ends the recorder, for all handles, once everything that was recorded before is in the ledger, or dropped. What is
    /// recorded later is dropped and counted. Closing again waits for the same end.
    pub async fn close(&self) {
        self.0.queue.close().await;
    }

    /// What became of the records so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.0.queue.counts()
    }
}

/// Makes status and class agree, since a call that is described badly was paid for all the same.
fn classify(call: &mut LlmCall) {
    call.error_class = call.error_class.take().map(class);
    match (&call.status, &call.error_class) {
        (CallStatus::Ok, Some(_)) => call.status = CallStatus::Error,
        (CallStatus::Error | CallStatus::Timeout | CallStatus::Limit, None) => {
            call.error_class = Some(UNCLASSIFIED.into());
        }
        _ => {}
    }
}
