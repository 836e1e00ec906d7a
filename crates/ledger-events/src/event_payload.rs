//! From a typed payload to an event, and back.

use ledger_core::{Actor, Event, EventKind, Invalid, Payload, RunId};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What events of one kind say.
pub trait EventPayload: Serialize + DeserializeOwned {
    /// The kind of these events, such as `llm.called`.
    const KIND: &'static str;

    /// Checks what the types of the fields alone cannot promise; [`event`] refuses what fails here.
    ///
    /// # Errors
    /// [`Invalid`] with the field that is wrong.
    fn check(&self) -> Result<(), Invalid> {
        Ok(())
    }
}

/// An event that says `payload`: of turn 0, with a fresh id, created now.
///
/// # Errors
/// [`Invalid`] when the payload fails its check or is too large.
pub fn event<P: EventPayload>(run_id: RunId, actor: Actor, payload: &P) -> Result<Event, Invalid> {
    payload.check()?;
    Ok(Event::new(run_id, EventKind::new(P::KIND)?, actor, Payload::of(payload)?))
}

/// What `event` says, if it is of the kind of `P`.
///
/// The inner error tells that the payload does not have the shape of its kind. A reader skips and counts such events:
/// whoever wrote them did not use this crate.
pub fn read<P: EventPayload>(event: &Event) -> Option<Result<P, Invalid>> {
    (event.kind.as_str() == P::KIND).then(|| event.payload.parse())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LimitsObserved, SessionStarted};

    fn names() -> (RunId, Actor) {
        (RunId::new("r").unwrap(), Actor::new("a").unwrap())
    }

    #[test]
    fn what_was_said_is_read_back_from_events_of_its_kind_only() {
        let (run, actor) = names();
        let started = SessionStarted { agent: Some("claude-code".into()), ..SessionStarted::new("s") };
        let event = event(run, actor, &started).unwrap();
        assert_eq!(event.kind.as_str(), "session.started");
        assert_eq!(event.payload.as_str(), r#"{"session_id":"s","agent":"claude-code"}"#);
        assert_eq!(read::<SessionStarted>(&event), Some(Ok(started)));
        assert_eq!(read::<LimitsObserved>(&event), None);
    }

    #[test]
    fn a_payload_of_another_shape_is_an_error_and_unknown_fields_are_not() {
        let (run, actor) = names();
        let kind = EventKind::new("session.started").unwrap();
        let with = |text| Event::new(run.clone(), kind.clone(), actor.clone(), Payload::from_json(text).unwrap());
        assert!(read::<SessionStarted>(&with("{}")).unwrap().is_err());
        let later = read::<SessionStarted>(&with(r#"{"session_id":"s","mood":"good","model":null}"#));
        assert_eq!(later, Some(Ok(SessionStarted::new("s"))));
    }
}
