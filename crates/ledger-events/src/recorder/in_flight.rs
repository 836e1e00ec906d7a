//! A call that is not over yet.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use ledger_core::Timestamp;
use tokio::time::Instant;

use super::scope::Scope;
use super::usage::UsageRecorder;
use crate::{CallStatus, LlmCall, Millis};

/// What is known of a call before it is answered; all that is known of one that never is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    provider: String,
    model: Option<String>,
    attempt: Option<u32>,
}

impl Request {
    /// A call of this provider.
    pub fn to(provider: impl Into<String>) -> Self {
        Self { provider: provider.into(), model: None, attempt: None }
    }

    /// The model that is asked for; the answer may name another.
    #[must_use]
    pub fn model(self, model: impl Into<String>) -> Self {
        Self { model: Some(model.into()), ..self }
    }

    /// Which attempt this is, from 1 up, where a retry is a call of its own.
    #[must_use]
    pub fn attempt(self, attempt: u32) -> Self {
        Self { attempt: Some(attempt), ..self }
    }
}

/// A call that was begun and is to be finished: for streams, and wherever one future is not the whole call.
///
/// Dropped without [`InFlight::finish`], it is recorded as `cancelled`; by a panic, as an `error` of the class `panic`.
#[must_use = "a call that is dropped is recorded as cancelled"]
pub struct InFlight {
    recorder: UsageRecorder,
    /// `None` once it is over, and where nothing is recorded.
    open: Option<Open>,
}

struct Open {
    scope: Scope,
    request: Request,
    started_at: Timestamp,
    clock: Instant,
    ttft: Option<Duration>,
}

impl InFlight {
    /// Begins now. Without a scope nothing will be recorded.
    pub(super) fn begin(recorder: UsageRecorder, scope: Option<Scope>, request: Request) -> Self {
        let open =
            scope.map(|scope| Open { scope, request, started_at: Timestamp::now(), clock: Instant::now(), ttft: None });
        Self { recorder, open }
    }

    /// The first token came. Only the first time counts.
    pub fn first_token(&mut self) {
        if let Some(open) = &mut self.open {
            open.ttft.get_or_insert_with(|| open.clock.elapsed());
        }
    }

    /// The call is over. `describe` is given what is known so far, of a call that went well, and says the rest: tokens,
    /// cost, the model that answered, and for a failure [`LlmCall::fail`].
    ///
    /// An error class with spaces or quotes in it is a message, and becomes `unclassified`; a failure without a class
    /// does too. If `describe` panics, the record is dropped.
    pub fn finish(mut self, describe: impl FnOnce(&mut LlmCall)) {
        let Some((scope, mut call)) = self.end() else { return };
        let described = catch_unwind(AssertUnwindSafe(|| describe(&mut call)));
        self.recorder.settle(described.is_ok().then_some(call), &scope);
    }

    fn end(&mut self) -> Option<(Scope, LlmCall)> {
        let Open { scope, request: Request { provider, model, attempt }, started_at, clock, ttft } =
            self.open.take()?;
        let call = LlmCall {
            tenant_id: scope.tenant_id.clone(),
            call_id: Some(scope.call_id.clone()),
            session_id: scope.session_id.as_ref().map(ToString::to_string),
            turn_id: scope.turn_id.clone(),
            model,
            attempt,
            duration_ms: Some(clock.elapsed().into()),
            ttft_ms: ttft.map(Millis::from),
            ..LlmCall::new(scope.operation.clone(), provider, started_at)
        };
        Some((scope, call))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let Some((scope, mut call)) = self.end() else { return };
        if std::thread::panicking() {
            call.fail(CallStatus::Error, "panic");
        } else {
            call.status = CallStatus::Cancelled;
        }
        self.recorder.settle(Some(call), &scope);
    }
}
