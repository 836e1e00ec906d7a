//! Rows as events.

use std::sync::Arc;

use ledger_core::{
    Actor, Digest, Error, Event, EventId, EventKind, Metadata, ModelId, ModelProfile, Offset, Payload, RecordedEvent,
    Result, RunId, SchemaVersion, SessionId, Timestamp,
};

use crate::seal::seal;

/// Whether events are checked against their digests as they are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadVerification {
    /// Every event of every read: damage is an error. The default.
    #[default]
    On,
    /// None: faster where the storage below checks for itself. [`verify`](ledger_core::Ledger::verify) still checks all.
    Off,
}

/// What a [`Decoder`] checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// That the event is what was appended, and stands where it was stored.
    DigestAndSeal,
    /// That it stands where it was stored; somebody else checks the digest.
    Seal,
    /// Nothing.
    Nothing,
}

impl From<ReadVerification> for Check {
    fn from(verification: ReadVerification) -> Self {
        match verification {
            ReadVerification::On => Self::DigestAndSeal,
            ReadVerification::Off => Self::Nothing,
        }
    }
}

/// A row of the log as an engine finds it, in the order of [`Events::COLUMNS`](crate::schema::Events::COLUMNS).
pub(crate) struct Row<'a> {
    pub(crate) offset: i64,
    pub(crate) id: &'a str,
    pub(crate) run_id: &'a str,
    pub(crate) turn: i64,
    pub(crate) kind: &'a str,
    pub(crate) actor: &'a str,
    pub(crate) created_at: i64,
    pub(crate) recorded_at: i64,
    pub(crate) schema_version: i64,
    pub(crate) session_id: Option<&'a str>,
    pub(crate) model_profile: Option<&'a str>,
    pub(crate) model_id: Option<&'a str>,
    pub(crate) digest: &'a [u8],
    pub(crate) seal: i64,
    pub(crate) metadata: &'a str,
    pub(crate) payload: &'a str,
}

/// Makes events of rows. Neighbours mostly share run, kind, actor, session and model, so their texts are shared too.
pub(crate) struct Decoder {
    check: Check,
    run_id: Arc<str>,
    kind: Arc<str>,
    actor: Arc<str>,
    session_id: Arc<str>,
    model_profile: Arc<str>,
    model_id: Arc<str>,
}

impl Decoder {
    pub(crate) fn new(check: Check) -> Self {
        let empty: Arc<str> = Arc::from("");
        Self {
            check,
            run_id: Arc::clone(&empty),
            kind: Arc::clone(&empty),
            actor: Arc::clone(&empty),
            session_id: Arc::clone(&empty),
            model_profile: Arc::clone(&empty),
            model_id: empty,
        }
    }

    /// The event of a row.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the row cannot be what was appended.
    pub(crate) fn decode(&mut self, row: &Row<'_>) -> Result<RecordedEvent> {
        let offset = Offset::from_i64(row.offset).map_err(|error| Error::corrupt(None, error.to_string()))?;
        let recorded = self.event(offset, row).map_err(|what| Error::corrupt(offset, what))?;
        if self.check == Check::DigestAndSeal {
            recorded.verify()?;
        }
        if self.check != Check::Nothing && seal(offset, recorded.recorded_at, &recorded.digest) != row.seal {
            return Err(Error::corrupt(offset, "the event was not stored at this offset and time"));
        }
        Ok(recorded)
    }

    fn event(&mut self, offset: Offset, row: &Row<'_>) -> Result<RecordedEvent, String> {
        let digest: [u8; 32] = row.digest.try_into().map_err(|_| "the digest does not have 32 bytes")?;
        let event = Event {
            id: EventId::from_stored(row.id),
            run_id: RunId::from_stored(shared(&mut self.run_id, row.run_id)),
            turn: u32::try_from(row.turn).map_err(|_| "turn is out of range")?,
            kind: EventKind::from_stored(shared(&mut self.kind, row.kind)),
            actor: Actor::from_stored(shared(&mut self.actor, row.actor)),
            payload: Payload::from_stored(row.payload),
            created_at: time(row.created_at)?,
            schema_version: u32::try_from(row.schema_version)
                .ok()
                .and_then(|version| SchemaVersion::new(version).ok())
                .ok_or("schema_version is out of range")?,
            session_id: row.session_id.map(|text| SessionId::from_stored(shared(&mut self.session_id, text))),
            model_profile: row
                .model_profile
                .map(|text| ModelProfile::from_stored(shared(&mut self.model_profile, text))),
            model_id: row.model_id.map(|text| ModelId::from_stored(shared(&mut self.model_id, text))),
            metadata: metadata(row.metadata)?,
        };
        let recorded_at = time(row.recorded_at)?;
        Ok(RecordedEvent { offset, recorded_at, digest: Digest::from_bytes(digest), event })
    }
}

/// `text`, shared with the row before if it is the same there.
fn shared(before: &mut Arc<str>, text: &str) -> Arc<str> {
    if before.as_ref() != text {
        *before = Arc::from(text);
    }
    Arc::clone(before)
}

fn time(micros: i64) -> Result<Timestamp, String> {
    Timestamp::from_micros(micros).map_err(|error| error.to_string())
}

fn metadata(json: &str) -> Result<Metadata, String> {
    if json == "{}" {
        return Ok(Metadata::new());
    }
    serde_json::from_str(json).map_err(|error| format!("metadata cannot be read: {error}"))
}
