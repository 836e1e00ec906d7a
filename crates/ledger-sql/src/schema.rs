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

/// The head row, as far as every page tells it.
#[cfg(feature = "_server")]
#[derive(Clone, Copy, Iden)]
pub(crate) enum Head {
    #[iden = "ledger_head"]
    Table,
    Lane,
    LedgerId,
    Epoch,
    First,
    Next,
}

#[cfg(feature = "_server")]
impl Head {
    /// What a page tells.
    pub(crate) const COLUMNS: [Self; 4] = [Self::LedgerId, Self::Epoch, Self::First, Self::Next];
}

/// How far consumers got.
#[cfg(feature = "_server")]
#[derive(Clone, Copy, Iden)]
pub(crate) enum Checkpoints {
    #[iden = "ledger_checkpoints"]
    Table,
    Consumer,
    Offset,
    EventId,
    UpdatedAt,
}
