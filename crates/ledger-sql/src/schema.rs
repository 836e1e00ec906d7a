//! The names of tables and columns, the same on every engine.

use sea_query::Iden;

/// The log.
#[derive(Clone, Copy, Iden)]
pub(crate) enum Events {
    Table,
    Offset,
    Id,
    RunId,
    Turn,
    Kind,
    Actor,
    CreatedAt,
    RecordedAt,
    SchemaVersion,
    SessionId,
    ModelProfile,
    ModelId,
    Digest,
    Seal,
    Metadata,
    Payload,
}

impl Events {
    /// All columns, in the order in which rows are written and read. The payload comes last: what stands before it is
    /// reached without reading through it.
    pub(crate) const COLUMNS: [Self; 16] = [
        Self::Offset,
        Self::Id,
        Self::RunId,
        Self::Turn,
        Self::Kind,
        Self::Actor,
        Self::CreatedAt,
        Self::RecordedAt,
        Self::SchemaVersion,
        Self::SessionId,
        Self::ModelProfile,
        Self::ModelId,
        Self::Digest,
        Self::Seal,
        Self::Metadata,
        Self::Payload,
    ];
}
