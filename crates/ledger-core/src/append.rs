//! What goes into a ledger in one step, and what comes of it.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::limits::{MAX_BATCH_BYTES, MAX_BATCH_EVENTS};
use crate::{Digest, Error, Event, EventId, Extent, Filter, Invalid, Offset, RecordedEvent, Result, Timestamp};

/// Where one event of an append stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// This append stored it.
    New(Offset),
    /// The ledger had it, or it stood in this append before; this is where.
    Duplicate(Offset),
}

impl Position {
    /// Where the event stands.
    #[must_use]
    pub const fn offset(self) -> Offset {
        match self {
            Self::New(offset) | Self::Duplicate(offset) => offset,
        }
    }

    /// Whether this append stored it.
    #[must_use]
    pub const fn is_new(self) -> bool {
        matches!(self, Self::New(_))
    }
}

/// What came of an append that did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum AppendOutcome {
    /// Every event is in the ledger, in the order of the append: new ones at consecutive offsets, known ones where they
    /// were.
    Appended(Vec<Position>),
    /// An event that matches the condition stands at `offset`. Nothing was stored.
    ConditionFailed {
        /// The first such event.
        offset: Offset,
    },
}

/// "Nobody wrote such an event since I looked."
///
/// Judged in the same atomic step as the insert, so that of two racing appends with the same condition one succeeds.
/// Gives optimistic concurrency per run, per session, or for whatever a [`Filter`] can name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppendCondition {
    /// The events that must not have been written...
    pub fail_if: Filter,
    /// ... after this position, which the appender had read up to.
    pub after: Offset,
}

impl AppendCondition {
    /// Refuses what a ledger of this extent cannot judge; every backend asks, under the lock, before it judges.
    ///
    /// # Errors
    /// [`Error::Beyond`] when `after` lies beyond the ledger's end; [`Error::Reset`] when events after `after` are gone.
    pub fn check(&self, extent: Extent) -> Result<()> {
        if self.after > extent.last {
            return Err(Error::Beyond { offset: self.after, last: extent.last });
        }
        if extent.has_lost(self.after) {
            return Err(Error::Reset { epoch: extent.epoch, first: extent.first });
        }
        Ok(())
    }
}

/// An event and its digest.
#[derive(Clone, Debug)]
pub struct Digested {
    event: Event,
    digest: Digest,
}

impl Digested {
    /// The event.
    #[must_use]
    pub const fn event(&self) -> &Event {
        &self.event
    }

    /// Its digest.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Whether a stored event, of which `created_at` and `digest` are known, has the same content as this one. The time
    /// of creation is not content: a retry may have made the event anew.
    #[must_use]
    pub fn is_same_as(&self, created_at: Timestamp, digest: Digest) -> bool {
        self.digest == digest || Digest::with_created_at(&self.event, created_at) == digest
    }

    /// The event as a ledger holds it.
    #[must_use]
    pub fn record(self, offset: Offset, recorded_at: Timestamp) -> RecordedEvent {
        let Self { event, digest } = self;
        RecordedEvent { offset, recorded_at, digest, event }
    }
}

/// The events of one append, checked and digested: at most [`MAX_BATCH_EVENTS`], with at most [`MAX_BATCH_BYTES`]
/// bytes.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Distinct ids, in the order of their first appearance.
    events: Vec<Digested>,
    /// For every event as given: which of `events` it is. `None` when that is just the order of `events`.
    repeats: Option<Vec<usize>>,
    condition: Option<AppendCondition>,
    bytes: usize,
}

impl Batch {
    /// All of `events`, or none.
    ///
    /// An event that stands twice in `events` with the same content is appended once.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there are no events, too many, or too many bytes; [`Error::IdConflict`] when one id stands
    /// for two contents.
    pub fn new(events: Vec<Event>) -> Result<Self> {
        let bytes = events.iter().map(Event::size).sum();
        check_size(events.len(), bytes)?;
        let mut places: HashMap<EventId, usize> = HashMap::with_capacity(events.len());
        let mut distinct: Vec<Digested> = Vec::with_capacity(events.len());
        let mut order = Vec::with_capacity(events.len());
        for event in events {
            let digested = Digested { digest: Digest::of(&event), event };
            match places.entry(digested.event.id.clone()) {
                Entry::Vacant(place) => {
                    place.insert(distinct.len());
                    order.push(distinct.len());
                    distinct.push(digested);
                }
                Entry::Occupied(place) => {
                    let first = &distinct[*place.get()];
                    if !digested.is_same_as(first.event.created_at, first.digest) {
                        return Err(Error::IdConflict { id: digested.event.id, stored: None });
                    }
                    order.push(*place.get());
                }
            }
        }
        let repeats = (order.len() > distinct.len()).then_some(order);
        Ok(Self { events: distinct, repeats, condition: None, bytes })
    }

    /// Only if `condition` holds.
    ///
    /// # Errors
    /// [`Error::Invalid`] when its filter has too many values.
    pub fn with_condition(self, condition: AppendCondition) -> Result<Self> {
        condition.fail_if.check()?;
        Ok(Self { condition: Some(condition), ..self })
    }

    /// The distinct events, in the order in which they are to be stored.
    #[must_use]
    pub fn events(&self) -> &[Digested] {
        &self.events
    }

    /// The condition, where there is one.
    #[must_use]
    pub const fn condition(&self) -> Option<&AppendCondition> {
        self.condition.as_ref()
    }

    /// The bytes of all events, as [`Event::size`] counts.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The outcome for the caller, from a position for each of [`Self::events`].
    pub fn appended(&self, positions: Vec<Position>) -> AppendOutcome {
        let Some(order) = &self.repeats else {
            return AppendOutcome::Appended(positions);
        };
        let mut seen = vec![false; positions.len()];
        let expand = |&place: &usize| {
            let repeated = std::mem::replace(&mut seen[place], true);
            if repeated { Position::Duplicate(positions[place].offset()) } else { positions[place] }
        };
        AppendOutcome::Appended(order.iter().map(expand).collect())
    }
}

/// Consecutive recorded events whose digests match, to be taken over by another ledger as they are.
#[derive(Clone, Debug)]
pub struct RecordedBatch(Vec<Arc<RecordedEvent>>);

impl RecordedBatch {
    /// All of `events`, or none.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there are none or too many, or their offsets are not consecutive or their times decrease;
    /// [`Error::IdConflict`] when an id stands twice; [`Error::Corrupt`] when a digest does not match.
    pub fn new(events: Vec<Arc<RecordedEvent>>) -> Result<Self> {
        check_size(events.len(), events.iter().map(|recorded| recorded.event.size()).sum())?;
        events.iter().try_for_each(|recorded| recorded.verify())?;
        let consecutive = events
            .windows(2)
            .all(|pair| pair[1].offset.before() == pair[0].offset && pair[0].recorded_at <= pair[1].recorded_at);
        if !consecutive || events[0].offset == Offset::ZERO {
            return Err(Invalid::new("events", "are not consecutive recorded events").into());
        }
        let mut ids = HashSet::with_capacity(events.len());
        if let Some(twice) = events.iter().find(|recorded| !ids.insert(&recorded.event.id)) {
            return Err(Error::IdConflict { id: twice.event.id.clone(), stored: None });
        }
        Ok(Self(events))
    }

    /// The events, in order; at least one.
    #[must_use]
    pub fn events(&self) -> &[Arc<RecordedEvent>] {
        &self.0
    }

    /// Refuses what cannot follow a ledger of this extent whose last event was recorded at `latest`; every backend asks
    /// before it takes the events over.
    ///
    /// # Errors
    /// [`Error::Refused`] when the events do not follow the last one directly, in offset and in time, or an empty ledger
    /// has used their offsets already.
    pub fn check_follows(&self, extent: Extent, latest: Timestamp) -> Result<()> {
        let next = extent.last.after();
        let refuse = |why: String| {
            let (first, last) = (self.first(), self.last());
            Err(Error::Refused(format!("events {first} to {last} {why}; restore into a new ledger")))
        };
        if self.first() != next && (!extent.is_empty() || self.first() < next) {
            return refuse(format!("do not follow the ledger's last offset {}", extent.last));
        }
        if self.0.first().is_some_and(|event| event.recorded_at < latest) {
            return refuse("were recorded before the ledger's last event".into());
        }
        if self.last() == Offset::MAX {
            return refuse("leave no offset for another event".into());
        }
        Ok(())
    }

    /// The offset of the first event.
    #[must_use]
    pub fn first(&self) -> Offset {
        self.0.first().map_or(Offset::ZERO, |event| event.offset)
    }

    /// The offset of the last event.
    #[must_use]
    pub fn last(&self) -> Offset {
        self.0.last().map_or(Offset::ZERO, |event| event.offset)
    }
}

fn check_size(events: usize, bytes: usize) -> Result<(), Invalid> {
    if events == 0 {
        return Err(Invalid::new("append", "has no events"));
    }
    if events > MAX_BATCH_EVENTS {
        return Err(Invalid::new("append", format!("has {events} events; at most {MAX_BATCH_EVENTS} are allowed")));
    }
    if bytes > MAX_BATCH_BYTES {
        return Err(Invalid::new("append", format!("has {bytes} bytes; at most {MAX_BATCH_BYTES} are allowed")));
    }
    Ok(())
}
