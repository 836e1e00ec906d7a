//! Rows as events.

use std::sync::Arc;

use ledger_core::{
    Actor, Digest, Error, Event, EventFields, EventId, EventKind, Metadata, ModelId, ModelProfile, Offset, Payload,
    RecordedEvent, Result, RunId, SchemaVersion, SessionId, Timestamp,
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

/// A row of the log as an engine finds it, in the order of [`Events::COLUMNS`](crate::schema::Events::COLUMNS).
#[allow(unreachable_pub, reason = "the engines' trait, which nobody outside can name, speaks of it")]
pub struct Row<'a> {
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

impl Row<'_> {
    /// Checks that the row holds what was appended, where and when it was stored, without making an event of it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not.
    pub(crate) fn verify(&self) -> Result<()> {
        let offset = self.offset()?;
        let check = || -> Result<(), String> {
            let digest = self.digest()?;
            let metadata = metadata(self.metadata)?;
            let fields = EventFields {
                id: self.id,
                run_id: self.run_id,
                turn: self.turn()?,
                kind: self.kind,
                actor: self.actor,
                payload: self.payload,
                created_at: time(self.created_at)?,
                schema_version: self.schema_version()?.get(),
                session_id: self.session_id,
                model_profile: self.model_profile,
                model_id: self.model_id,
                metadata: &metadata,
            };
            if Digest::of_fields(fields) != digest {
                return Err("the event does not match its digest".into());
            }
            if seal(offset, time(self.recorded_at)?, &digest) != self.seal {
                return Err("the event was not stored at this offset and time".into());
            }
            Ok(())
        };
        check().map_err(|what| Error::corrupt(offset, what))
    }

    /// Whether the row holds this event, at its offset and time.
    pub(crate) fn is(&self, recorded: &RecordedEvent) -> bool {
        self.offset == recorded.offset.as_i64()
            && self.recorded_at == recorded.recorded_at.as_micros()
            && self.digest == recorded.digest.as_bytes()
    }

    pub(crate) fn offset(&self) -> Result<Offset> {
        Offset::from_i64(self.offset).map_err(|error| Error::corrupt(None, error.to_string()))
    }

    pub(crate) fn recorded_at(&self) -> Result<Timestamp> {
        let offset = self.offset()?;
        time(self.recorded_at).map_err(|what| Error::corrupt(offset, what))
    }

    fn digest(&self) -> Result<Digest, String> {
        let bytes: [u8; 32] = self.digest.try_into().map_err(|_| "the digest does not have 32 bytes")?;
        Ok(Digest::from_bytes(bytes))
    }

    fn turn(&self) -> Result<u32, String> {
        u32::try_from(self.turn).map_err(|_| "turn is out of range".into())
    }

    fn schema_version(&self) -> Result<SchemaVersion, String> {
        let version = u32::try_from(self.schema_version).map_err(|_| "schema_version is out of range")?;
        SchemaVersion::new(version).map_err(|error| error.to_string())
    }
}

/// Makes events of rows. Neighbours mostly share run, kind, actor, session and model, so their texts are shared too.
pub(crate) struct Decoder {
    verification: ReadVerification,
    run_id: Arc<str>,
    kind: Arc<str>,
    actor: Arc<str>,
    session_id: Arc<str>,
    model_profile: Arc<str>,
    model_id: Arc<str>,
}

impl Decoder {
    pub(crate) fn new(verification: ReadVerification) -> Self {
        let empty: Arc<str> = Arc::from("");
        Self {
            verification,
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
        if self.verification == ReadVerification::On {
            row.verify()?;
        }
        let offset = row.offset()?;
        self.event(offset, row).map_err(|what| Error::corrupt(offset, what))
    }

    fn event(&mut self, offset: Offset, row: &Row<'_>) -> Result<RecordedEvent, String> {
        let event = Event {
            id: EventId::from_stored(row.id),
            run_id: RunId::from_stored(shared(&mut self.run_id, row.run_id)),
            turn: row.turn()?,
            kind: EventKind::from_stored(shared(&mut self.kind, row.kind)),
            actor: Actor::from_stored(shared(&mut self.actor, row.actor)),
            payload: Payload::from_stored(row.payload),
            created_at: time(row.created_at)?,
            schema_version: row.schema_version()?,
            session_id: row.session_id.map(|text| SessionId::from_stored(shared(&mut self.session_id, text))),
            model_profile: row
                .model_profile
                .map(|text| ModelProfile::from_stored(shared(&mut self.model_profile, text))),
            model_id: row.model_id.map(|text| ModelId::from_stored(shared(&mut self.model_id, text))),
            metadata: metadata(row.metadata)?,
        };
        Ok(RecordedEvent { offset, recorded_at: time(row.recorded_at)?, digest: row.digest()?, event })
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
    // Without the parser's words, which may quote the value.
    serde_json::from_str(json)
        .map_err(|error| format!("metadata is not what it must be, from column {} on", error.column()))
}
