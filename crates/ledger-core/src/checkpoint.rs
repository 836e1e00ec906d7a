//! How far a consumer got.

use serde::{Deserialize, Serialize};

use crate::{ConsumerName, EventId, Extent, Offset, RecordedEvent, Timestamp};

/// How far a consumer got: the last event that it is done with.
///
/// The event's id stands beside its offset, so that a ledger which was reset, or restored to an older state, is an error
/// to the consumer and not a silent skip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Whose checkpoint.
    pub consumer: ConsumerName,
    /// Where the event stands; [`Offset::ZERO`] before the first.
    pub offset: Offset,
    /// Which event stands there; `None` only at [`Offset::ZERO`].
    pub event_id: Option<EventId>,
    /// When it was saved, by the store's clock.
    pub updated_at: Timestamp,
}

impl Checkpoint {
    /// `consumer` is done with everything up to `event`.
    #[must_use]
    pub fn at(consumer: ConsumerName, event: &RecordedEvent) -> Self {
        Self { consumer, offset: event.offset, event_id: Some(event.event.id.clone()), updated_at: Timestamp::now() }
    }

    /// `consumer` starts, or starts again, before the first event.
    #[must_use]
    pub fn start(consumer: ConsumerName) -> Self {
        Self { consumer, offset: Offset::ZERO, event_id: None, updated_at: Timestamp::now() }
    }

    /// Whether `saved` of the same consumer stays, because it stands further on and may not be taken back.
    #[must_use]
    pub fn is_behind(&self, saved: &Self, how: CheckpointMove) -> bool {
        how == CheckpointMove::Forward && saved.offset > self.offset
    }

    /// Whether a ledger of this extent, with `found` as the id of its event at [`Self::offset`], is one in which the
    /// consumer can go on.
    #[must_use]
    pub fn fits(&self, extent: Extent, found: Option<&EventId>) -> bool {
        if self.offset == Offset::ZERO {
            return self.event_id.is_none();
        }
        extent.holds(self.offset) && found.is_some() && found == self.event_id.as_ref()
    }
}

/// Which way a checkpoint may move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointMove {
    /// Only on. A checkpoint that stands further on already stays: of two instances of one consumer, the slower one does
    /// not take the faster one back.
    Forward,
    /// Anywhere, back as well: a person's decision.
    Anywhere,
}
