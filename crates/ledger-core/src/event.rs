//! The envelope that a runtime appends, and the same as a ledger holds it.

use std::num::NonZeroU32;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    Actor, Digest, Error, EventFields, EventId, EventKind, Invalid, Metadata, ModelId, ModelProfile, Offset, Payload,
    RunId, SessionId, Timestamp,
};

/// The version of an event's payload shape, from 1 up. Additions keep it; anything else raises it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct SchemaVersion(NonZeroU32);

impl SchemaVersion {
    /// Version `value`.
    ///
    /// # Errors
    /// [`Invalid`] for 0.
    pub fn new(value: u32) -> Result<Self, Invalid> {
        NonZeroU32::new(value).map(Self).ok_or_else(|| Invalid::new("schema_version", "is 0; versions start at 1"))
    }

    /// As a number, from 1 up.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl Default for SchemaVersion {
    fn default() -> Self {
        Self(NonZeroU32::MIN)
    }
}

impl<'de> Deserialize<'de> for SchemaVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(u32::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// What a runtime appends: who did what, when, in which run.
///
/// Valid by construction, since every field is. As JSON it is one flat object with these field names; unknown fields
/// are refused. When read from JSON, `id` and `created_at` may be left out (a fresh id, now), and so may everything
/// from `schema_version` on; a line that a ledger wrote (with `offset`, `recorded_at` and `digest`) is read too, and
/// its digest must match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// What makes this event this event; appending it twice stores it once.
    pub id: EventId,
    /// The run that it belongs to.
    pub run_id: RunId,
    /// Logical time within the run.
    pub turn: u32,
    /// What happened.
    pub kind: EventKind,
    /// Who made it happen.
    pub actor: Actor,
    /// What it says.
    pub payload: Payload,
    /// When the runtime made it, by its own clock; not part of what makes two events the same.
    pub created_at: Timestamp,
    /// The version of the payload's shape.
    pub schema_version: SchemaVersion,
    /// The session that it belongs to.
    pub session_id: Option<SessionId>,
    /// The route or profile that was asked for.
    pub model_profile: Option<ModelProfile>,
    /// The concrete model that ran.
    pub model_id: Option<ModelId>,
    /// Causes, correlations, traces, free keys.
    pub metadata: Metadata,
}

impl Event {
    /// An event of turn 0 with a fresh id, created now.
    #[must_use]
    pub fn new(run_id: RunId, kind: EventKind, actor: Actor, payload: Payload) -> Self {
        Self {
            id: EventId::random(),
            run_id,
            turn: 0,
            kind,
            actor,
            payload,
            created_at: Timestamp::now(),
            schema_version: SchemaVersion::default(),
            session_id: None,
            model_profile: None,
            model_id: None,
            metadata: Metadata::new(),
        }
    }

    /// What the event takes, in bytes: its payload, metadata and names. What every limit in bytes counts.
    #[must_use]
    pub fn size(&self) -> usize {
        let fields = EventFields::from(self);
        let optional = [fields.session_id, fields.model_profile, fields.model_id];
        let names =
            [fields.id, fields.run_id, fields.kind, fields.actor].into_iter().chain(optional.into_iter().flatten());
        let metadata = self.metadata.iter().map(|(key, value)| key.len() + value.len());
        fields.payload.len() + names.map(str::len).sum::<usize>() + metadata.sum::<usize>()
    }

    /// With another id: one that the same fact always gets makes a retry after a crash safe.
    #[must_use]
    pub fn with_id(self, id: EventId) -> Self {
        Self { id, ..self }
    }

    /// In another turn.
    #[must_use]
    pub fn with_turn(self, turn: u32) -> Self {
        Self { turn, ..self }
    }

    /// Created at another time.
    #[must_use]
    pub fn with_created_at(self, created_at: Timestamp) -> Self {
        Self { created_at, ..self }
    }

    /// Within a session.
    #[must_use]
    pub fn with_session(self, session_id: SessionId) -> Self {
        Self { session_id: Some(session_id), ..self }
    }

    /// With the model that ran.
    #[must_use]
    pub fn with_model(self, model_id: ModelId) -> Self {
        Self { model_id: Some(model_id), ..self }
    }

    /// With metadata.
    #[must_use]
    pub fn with_metadata(self, metadata: Metadata) -> Self {
        Self { metadata, ..self }
    }
}

/// An event as its ledger holds it. Never changes.
///
/// As JSON it is one flat object: `offset`, `recorded_at` and `digest`, then the fields of [`Event`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Where it stands.
    pub offset: Offset,
    /// When it was stored, by the store's clock; never decreases from one offset to the next.
    pub recorded_at: Timestamp,
    /// What its content was when it was appended.
    pub digest: Digest,
    /// What was appended.
    pub event: Event,
}

impl RecordedEvent {
    /// Checks that the event is what was appended.
    ///
    /// # Errors
    /// [`Error::Corrupt`] with the offset when the digest does not match.
    pub fn verify(&self) -> Result<(), Error> {
        if Digest::of(&self.event) == self.digest {
            Ok(())
        } else {
            Err(Error::corrupt(self.offset, "the event does not match its digest"))
        }
    }
}

/// Every field that a line may have, in the order in which they are written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    offset: Option<Offset>,
    recorded_at: Option<Timestamp>,
    digest: Option<Digest>,
    id: Option<EventId>,
    run_id: RunId,
    turn: u32,
    kind: EventKind,
    actor: Actor,
    payload: Payload,
    created_at: Option<Timestamp>,
    #[serde(default)]
    schema_version: SchemaVersion,
    session_id: Option<SessionId>,
    model_profile: Option<ModelProfile>,
    model_id: Option<ModelId>,
    metadata: Option<Metadata>,
}

impl Line {
    fn into_event(self) -> Event {
        Event {
            id: self.id.unwrap_or_else(EventId::random),
            run_id: self.run_id,
            turn: self.turn,
            kind: self.kind,
            actor: self.actor,
            payload: self.payload,
            created_at: self.created_at.unwrap_or_else(Timestamp::now),
            schema_version: self.schema_version,
            session_id: self.session_id,
            model_profile: self.model_profile,
            model_id: self.model_id,
            metadata: self.metadata.unwrap_or_default(),
        }
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let line = Line::deserialize(deserializer)?;
        let expected = line.digest;
        let event = line.into_event();
        match expected {
            Some(digest) if digest != Digest::of(&event) => {
                Err(serde::de::Error::custom("digest does not match the event; leave it out if the event was edited"))
            }
            _ => Ok(event),
        }
    }
}

impl Serialize for RecordedEvent {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Flat<'a> {
            offset: Offset,
            recorded_at: Timestamp,
            digest: Digest,
            #[serde(flatten)]
            event: &'a Event,
        }
        let Self { offset, recorded_at, digest, event } = self;
        Flat { offset: *offset, recorded_at: *recorded_at, digest: *digest, event }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RecordedEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let line = Line::deserialize(deserializer)?;
        let recorded = |field| D::Error::custom(format!("{field} is missing: not a recorded event"));
        Ok(Self {
            offset: line.offset.ok_or_else(|| recorded("offset"))?,
            recorded_at: line.recorded_at.ok_or_else(|| recorded("recorded_at"))?,
            digest: line.digest.ok_or_else(|| recorded("digest"))?,
            event: line.into_event(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"id":"e1","run_id":"r","turn":3,"kind":"agent.spoke","actor":"ann","payload":{"b":1.0, "a":2},"created_at":"2026-01-01T00:00:00.000001Z","schema_version":1,"session_id":null,"model_profile":null,"model_id":"m","metadata":{"k":"v"}}"#;

    #[test]
    fn an_event_is_one_flat_object_with_its_payload_byte_for_byte() {
        let event: Event = serde_json::from_str(LINE).unwrap();
        assert_eq!(serde_json::to_string(&event).unwrap(), LINE);
    }

    #[test]
    fn a_recorded_event_is_one_flat_object() {
        let event: Event = serde_json::from_str(LINE).unwrap();
        let recorded = RecordedEvent {
            offset: Offset::new(7).unwrap(),
            recorded_at: Timestamp::parse("2026-01-01T00:00:01Z").unwrap(),
            digest: Digest::of(&event),
            event,
        };
        let line = serde_json::to_string(&recorded).unwrap();
        let start = format!(
            r#"{{"offset":7,"recorded_at":"2026-01-01T00:00:01.000000Z","digest":"{}","id":"e1","#,
            recorded.digest
        );
        assert!(line.starts_with(&start), "{line}");
        assert_eq!(serde_json::from_str::<RecordedEvent>(&line).unwrap(), recorded);
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), recorded.event);
        let edited = line.replace("\"turn\":3", "\"turn\":4");
        assert!(serde_json::from_str::<Event>(&edited).unwrap_err().to_string().contains("digest does not match"));
    }

    #[test]
    fn id_and_time_may_be_left_out_and_nothing_unknown_is_let_in() {
        let short = r#"{"run_id":"r","turn":0,"kind":"a.b","actor":"x","payload":{}}"#;
        let event: Event = serde_json::from_str(short).unwrap();
        assert_eq!(event.schema_version.get(), 1);
        for bad in [
            r#"{"run_id":"r","turn":0,"kind":"a.b","actor":"x","payload":{},"extra":1}"#,
            r#"{"run_id":"r","turn":-1,"kind":"a.b","actor":"x","payload":{}}"#,
            r#"{"run_id":"r","turn":4294967296,"kind":"a.b","actor":"x","payload":{}}"#,
            r#"{"run_id":"r","turn":0.5,"kind":"a.b","actor":"x","payload":{}}"#,
            r#"{"run_id":"r","turn":0,"kind":"a.b","actor":"x","payload":[]}"#,
            r#"{"run_id":"r","turn":0,"kind":"a.b","actor":"x","payload":{},"created_at":"2026-01-01T00:00:00"}"#,
            r#"{"run_id":"r","turn":0,"kind":"a.b","actor":"x","payload":{},"schema_version":0}"#,
            r#"{"run_id":"r","kind":"a.b","actor":"x","payload":{}}"#,
        ] {
            assert!(serde_json::from_str::<Event>(bad).is_err(), "{bad}");
        }
    }
}
