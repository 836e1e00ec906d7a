//! One page of a ledger: the only way in which events leave it.

use std::sync::Arc;

use crate::limits::{DEFAULT_PAGE_EVENTS, MAX_PAGE_EVENTS};
use crate::{Epoch, Error, Extent, Filter, Invalid, Offset, RecordedEvent, Result};

/// Which way a reader goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From older to newer.
    Forward,
    /// From newer to older.
    Backward,
}

/// How many events a page may have: 1 to [`MAX_PAGE_EVENTS`]; [`DEFAULT_PAGE_EVENTS`] by default.
///
/// A page may have fewer although more follow: it also ends when its events reach
/// [`MAX_PAGE_BYTES`](crate::limits::MAX_PAGE_BYTES), and may end before a damaged one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PageSize(usize);

impl PageSize {
    /// At most `events` events.
    ///
    /// # Errors
    /// [`Invalid`] for 0 and above [`MAX_PAGE_EVENTS`].
    pub fn new(events: usize) -> Result<Self, Invalid> {
        if events == 0 || events > MAX_PAGE_EVENTS {
            return Err(Invalid::new("limit", format!("{events} is not between 1 and {MAX_PAGE_EVENTS}")));
        }
        Ok(Self(events))
    }

    /// As a number.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self(DEFAULT_PAGE_EVENTS)
    }
}

/// What a reader asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    cursor: Offset,
    direction: Direction,
    filter: Filter,
    limit: PageSize,
    epoch: Option<Epoch>,
}

impl Read {
    /// Forward, from the first event after `offset`; after [`Offset::ZERO`] is from the beginning. An offset that the
    /// ledger has not given out yet is an error.
    #[must_use]
    pub fn after(offset: Offset) -> Self {
        Self {
            cursor: offset,
            direction: Direction::Forward,
            filter: Filter::any(),
            limit: PageSize::default(),
            epoch: None,
        }
    }

    /// Backward, from the last event before `offset`; before [`Offset::MAX`] is from the end.
    #[must_use]
    pub fn before(offset: Offset) -> Self {
        Self { direction: Direction::Backward, ..Self::after(offset) }
    }

    /// Only events that match `filter`.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the filter has too many values.
    pub fn matching(self, filter: Filter) -> Result<Self> {
        filter.check()?;
        Ok(Self { filter, ..self })
    }

    /// At most `limit` events a page.
    #[must_use]
    pub fn limit(self, limit: PageSize) -> Self {
        Self { limit, ..self }
    }

    /// Only if the ledger is still in `epoch`.
    #[must_use]
    pub fn in_epoch(self, epoch: Epoch) -> Self {
        Self { epoch: Some(epoch), ..self }
    }

    /// The same question, to be asked from where `page` ended.
    #[must_use]
    pub fn resume(self, page: &Page) -> Self {
        Self { cursor: page.resume, epoch: Some(page.extent.epoch), ..self }
    }

    /// Where to start; that position itself is left out.
    #[must_use]
    pub const fn cursor(&self) -> Offset {
        self.cursor
    }

    /// Which way to go.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        self.direction
    }

    /// Which events.
    #[must_use]
    pub const fn filter(&self) -> &Filter {
        &self.filter
    }

    /// How many events at most.
    #[must_use]
    pub const fn page_size(&self) -> PageSize {
        self.limit
    }

    /// Refuses what a ledger of this extent can no longer answer; every backend asks before it answers.
    ///
    /// # Errors
    /// [`Error::Reset`] when the ledger is in another epoch than the reader, or the events between the reader's position
    /// and the ledger's first event are gone; [`Error::Beyond`] when a forward read starts beyond the end.
    pub fn check(&self, extent: Extent) -> Result<()> {
        let other_epoch = self.epoch.is_some_and(|epoch| epoch != extent.epoch);
        let gone = self.direction == Direction::Forward && extent.has_lost(self.cursor);
        if other_epoch || gone {
            return Err(Error::Reset { epoch: extent.epoch, first: extent.first });
        }
        if self.direction == Direction::Forward && self.cursor > extent.last {
            return Err(Error::Beyond { offset: self.cursor, last: extent.last });
        }
        Ok(())
    }
}

/// What a reader gets: events in the order of the read, and where to go on.
#[derive(Clone, Debug)]
pub struct Page {
    /// The events.
    pub events: Vec<Arc<RecordedEvent>>,
    /// Where the next page starts ([`Read::resume`]): everything up to here was considered.
    pub resume: Offset,
    /// Whether everything that the ledger held in this direction was considered.
    pub exhausted: bool,
    /// What the ledger held at the moment of the read.
    pub extent: Extent,
}

impl Page {
    /// The answer to `read`, from the matching `events` that a backend found in its order; `more` says that it stopped
    /// at a limit.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the events are not all that there must be: offsets of a ledger are dense.
    pub fn new(read: &Read, events: Vec<Arc<RecordedEvent>>, more: bool, extent: Extent) -> Result<Self> {
        let last_seen = events.last().map(|event| event.offset);
        let outside = events.iter().map(|event| event.offset).find(|offset| !extent.holds(*offset));
        if let Some(offset) = outside {
            return Err(Error::corrupt(offset, "the event lies outside what the ledger says it holds"));
        }
        if read.filter.is_any() {
            check_dense(read, &events, more, extent)?;
        }
        let resume = match (read.direction, last_seen) {
            (_, Some(offset)) if more => offset,
            (Direction::Forward, _) => extent.last,
            (Direction::Backward, _) => Offset::ZERO,
        };
        Ok(Self { events, resume, exhausted: !more, extent })
    }
}

/// An unfiltered page has each offset from where the reader stood, to its own end or the ledger's.
fn check_dense(read: &Read, events: &[Arc<RecordedEvent>], more: bool, extent: Extent) -> Result<()> {
    let (mut expected, end) = match read.direction {
        Direction::Forward => (read.cursor.after().max(extent.first), extent.last.after()),
        Direction::Backward => (read.cursor.before().min(extent.last), extent.first.before()),
    };
    for event in events {
        if event.offset != expected {
            return Err(Error::corrupt(expected, format!("the event is missing; the next one is {}", event.offset)));
        }
        expected = match read.direction {
            Direction::Forward => expected.after(),
            Direction::Backward => expected.before(),
        };
    }
    let short = match read.direction {
        Direction::Forward => expected < end,
        Direction::Backward => expected > end,
    };
    if short && !more {
        return Err(Error::corrupt(expected, "the event is missing at the end"));
    }
    Ok(())
}
