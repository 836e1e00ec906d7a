//! Whose calls the current task makes, and for what.

use std::future::Future;

use ledger_core::{Actor, RunId, SessionId};

tokio::task_local! {
    static CURRENT: Scope;
}

/// Whose calls these are: everything that is tracked while [`Scope::run`] polls its future belongs to it.
///
/// A nested scope wins while it runs, and the outer one is back afterwards. Futures that are joined or selected in one
/// task share its scope. A task that is spawned does not inherit it: spawn [`Scope::inherited`], or take
/// [`Scope::current`] along and `run` there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Who pays.
    pub tenant_id: String,
    /// What the application is doing, such as `summarize`.
    pub operation: String,
    /// The invocation of the application, which may fan out into several calls.
    pub call_id: String,
    /// The session, where there is one.
    pub session_id: Option<SessionId>,
    /// The turn, within its session.
    pub turn_id: Option<String>,
    /// The run that the events belong to; the recorder's own unless said here.
    pub run_id: Option<RunId>,
    /// Who makes the calls; the recorder's own actor unless said here.
    pub actor: Option<Actor>,
}

impl Scope {
    /// Outside of sessions, with the recorder's run and actor.
    pub fn new(tenant_id: impl Into<String>, operation: impl Into<String>, call_id: impl Into<String>) -> Self {
        Self {
            tenant_id: tenant_id.into(),
            operation: operation.into(),
            call_id: call_id.into(),
            session_id: None,
            turn_id: None,
            run_id: None,
            actor: None,
        }
    }

    /// Within a session.
    #[must_use]
    pub fn with_session(self, session_id: SessionId) -> Self {
        Self { session_id: Some(session_id), ..self }
    }

    /// Within a turn of the session.
    #[must_use]
    pub fn with_turn(self, turn_id: impl Into<String>) -> Self {
        Self { turn_id: Some(turn_id.into()), ..self }
    }

    /// In another run than the recorder's.
    #[must_use]
    pub fn in_run(self, run_id: RunId) -> Self {
        Self { run_id: Some(run_id), ..self }
    }

    /// By another actor than the recorder's.
    #[must_use]
    pub fn by(self, actor: Actor) -> Self {
        Self { actor: Some(actor), ..self }
    }

    /// Runs `future` in this scope.
    pub fn run<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, future)
    }

    /// Runs `work`, which does not wait, in this scope: on a thread that may block, for one.
    pub fn run_blocking<T>(self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self, work)
    }

    /// The innermost scope that the current task runs in.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }

    /// `future` in the scope in which this is called, wherever it runs: `tokio::spawn(Scope::inherited(work))`.
    pub fn inherited<F: Future>(future: F) -> impl Future<Output = F::Output> {
        let scope = Self::current();
        async move {
            match scope {
                Some(scope) => scope.run(future).await,
                None => future.await,
            }
        }
    }
}
