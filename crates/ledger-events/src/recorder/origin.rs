//! Where a recorder's events come from.

use ledger_core::{Actor, Event, Invalid, RunId};

use super::scope::Scope;
use crate::{EventPayload, event};

/// The run and actor of events whose scope does not name others.
#[derive(Clone)]
pub(super) struct Origin {
    pub(super) run_id: RunId,
    pub(super) actor: Actor,
}

impl Origin {
    /// An event that says `payload`. Its id is made here, once, so that an append that is made again stores it once.
    pub(super) fn event<P: EventPayload>(&self, scope: Option<&Scope>, payload: &P) -> Result<Event, Invalid> {
        let run_id = scope.and_then(|scope| scope.run_id.as_ref()).unwrap_or(&self.run_id);
        let actor = scope.and_then(|scope| scope.actor.as_ref()).unwrap_or(&self.actor);
        let event = event(run_id.clone(), actor.clone(), payload)?;
        Ok(match scope.and_then(|scope| scope.session_id.clone()) {
            Some(session_id) => event.with_session(session_id),
            None => event,
        })
    }
}
