//! Ids that follow from what an event says.

use ledger_core::{Digest, Event, EventId, Invalid, Timestamp};
use uuid::Uuid;

/// The namespace of the ids (UUID version 5) of imported events.
pub const NAMESPACE: Uuid = Uuid::from_u128(0x6f1d_8a52_0c7e_5b64_9d3f_4e21_7ab8_c095);

/// `event` with the id that follows from `key` and from all of its content but `created_at`.
///
/// The key alone would not do: a later, larger observation of the same fact is another event, and two machines that
/// observed it differently must not give one id to both. The metadata is content too, `origin` with it: two machines
/// with an `origin` each keep an event each, and projections count the two once, by their key; without an `origin`
/// there is but one event to begin with.
pub(crate) fn identified(event: Event, key: &str) -> Result<Event, Invalid> {
    let event = event.with_id(EventId::deterministic(&NAMESPACE, key.as_bytes()));
    let content = Digest::with_created_at(&event, Timestamp::from_micros(0)?);
    let name = [key.as_bytes(), content.as_bytes()].concat();
    Ok(event.with_id(EventId::deterministic(&NAMESPACE, &name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger_core::{Actor, EventKind, Metadata, Payload, RunId};

    fn event(payload: &str) -> Event {
        Event::new(
            RunId::new("r").unwrap(),
            EventKind::new("a.b").unwrap(),
            Actor::new("a").unwrap(),
            Payload::from_json(payload).unwrap(),
        )
    }

    #[test]
    fn the_same_fact_has_the_same_id_whenever_it_is_imported() {
        let first = identified(event("{}"), "k").unwrap();
        let later = event("{}").with_created_at(Timestamp::from_micros(1).unwrap());
        assert_eq!(first.id, identified(later, "k").unwrap().id);
    }

    #[test]
    fn whatever_differs_has_another_id() {
        let first = identified(event("{}"), "k").unwrap();
        let elsewhere = event("{}").with_metadata(Metadata::new().with("origin", "laptop").unwrap());
        for other in [(event("{}"), "l"), (event(r#"{"a":1}"#), "k"), (elsewhere, "k"), (event("{}").with_turn(1), "k")]
        {
            assert_ne!(first.id, identified(other.0, other.1).unwrap().id);
        }
    }
}
