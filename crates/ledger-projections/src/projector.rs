//! The runner: reads a ledger, folds pages, and moves the checkpoint with the state.

use std::sync::Arc;

use ledger_core::{Extent, Ledger, LedgerExt, Offset, PageSize, Read, RecordedEvent, Timestamp};

use crate::calendar::{DAY, floor};
use crate::store::{Connection, Database, Generation, Generations, Tables};
use crate::{Error, Projection, Result};

/// Events of one transaction, unless told otherwise.
const PAGE: usize = 5_000;

/// How far a projection is behind its ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// The last event that is folded in.
    pub offset: Offset,
    /// The last event of the ledger.
    pub last: Offset,
    /// How many events lie between.
    pub events: u64,
}

/// Where the tables of a projection stand: those that readers see, or before there are any, those that are being filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The last event that is folded in.
    pub offset: Offset,
    /// The version of the projection that made them: [`Projection::version`].
    pub version: u32,
    /// The settings that they were made with: [`Projection::settings`].
    pub settings: String,
    /// Rows of before this time are removed, and what is folded in of before it is passed over; `None` when none are.
    pub rows_removed_before: Option<Timestamp>,
}

/// Keeps one projection of one ledger up to date, in a database of projections.
///
/// Any number of processes may run one for the same projection: each page is folded once, by whoever comes first.
pub struct Projector<P> {
    projection: P,
    database: Database,
    connection: Option<Connection>,
    page: PageSize,
}

impl<P: Projection> Projector<P> {
    /// A runner of `projection` in `database`. Nothing is opened or made yet.
    pub fn new(projection: P, database: Database) -> Self {
        let page = PageSize::new(PAGE).unwrap_or_default();
        Self { projection, database, connection: None, page }
    }

    /// Folds so many events in one transaction.
    #[must_use]
    pub fn with_page_size(self, page: PageSize) -> Self {
        Self { page, ..self }
    }

    /// The projection.
    pub const fn projection(&self) -> &P {
        &self.projection
    }

    /// Folds in what the ledger holds now, and returns when the end is reached; `progress` gets how many events are done
    /// of how many. Makes the tables, if there are none of this version, and fills them beside those that are live.
    ///
    /// # Errors
    /// [`Error::CheckpointLost`] when the projection is of another ledger; those of ledger and database. What was folded in
    /// before stays, and the next call goes on there.
    pub async fn catch_up(&mut self, ledger: &dyn Ledger, progress: Progress<'_>) -> Result<Lag> {
        let generation = self.current(ledger).await?;
        self.check(ledger, &generation).await?;
        self.fill(ledger, generation, progress).await
    }

    /// Catches up, and goes on with what is appended later. Returns only with an error.
    ///
    /// # Errors
    /// As [`catch_up`](Self::catch_up).
    pub async fn follow(&mut self, ledger: &dyn Ledger) -> Result<()> {
        loop {
            let mut news = ledger.wakeup();
            let lag = self.catch_up(ledger, &|_, _| ()).await?;
            if lag.events == 0 {
                news.wait().await?;
            }
        }
    }

    /// Fills new tables from the whole ledger beside those that are live, which it replaces when it has caught up; readers
    /// see the old ones until then.
    ///
    /// # Errors
    /// As [`catch_up`](Self::catch_up).
    pub async fn rebuild(&mut self, ledger: &dyn Ledger, progress: Progress<'_>) -> Result<Lag> {
        let generation = self.create(ledger, true).await?;
        self.fill(ledger, generation, progress).await
    }

    /// How far the projection that readers see is behind the ledger; all of it, when there is none.
    ///
    /// # Errors
    /// Those of ledger and database.
    pub async fn lag(&mut self, ledger: &dyn Ledger) -> Result<Lag> {
        let extent = ledger.head().await?.extent;
        let mut connection = self.connect().await?;
        let live = Generations::new(&mut connection, &self.projection).live().await?;
        self.connection = Some(connection);
        Ok(lag(live.map_or(Offset::ZERO, |live| live.offset), extent))
    }

    /// Where the tables stand; `None` before any were made.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn standing(&mut self) -> Result<Option<Standing>> {
        if self.connection.is_none() && self.database.is_missing() {
            return Ok(None);
        }
        let mut connection = self.connect().await?;
        let all = Generations::new(&mut connection, &self.projection).all().await?;
        self.connection = Some(connection);
        let newest = all.iter().find(|generation| generation.is_live).or(all.last());
        Ok(newest.map(|generation| Standing {
            offset: generation.offset,
            version: generation.version,
            settings: generation.settings.clone(),
            rows_removed_before: (generation.kept_from > Timestamp::MIN).then_some(generation.kept_from),
        }))
    }

    /// Removes the rows of before the beginning of the UTC day that `time` is in, and says how many; whatever is folded
    /// in from then on of before that time is passed over. A rebuild folds everything in and removes them again before
    /// it takes over: rows do not come back, but sums then have what was told of that time after it was removed.
    /// Nothing happens when rows of before a later time are removed already, or there is no projection.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn remove_before(&mut self, time: Timestamp) -> Result<u64> {
        let before = Timestamp::from_micros(floor(time.as_micros(), DAY)).unwrap_or(Timestamp::MIN);
        let mut connection = self.connect().await?;
        let live = Generations::new(&mut connection, &self.projection).live().await?;
        self.connection = Some(connection);
        match live {
            Some(live) => Ok(self.remove(live.number, before).await?.1),
            None => Ok(0),
        }
    }

    /// Removes from a generation what was removed from the live one, which it is about to replace.
    async fn remove_again(&mut self, generation: Generation) -> Result<Generation> {
        let mut connection = self.connect().await?;
        let live = Generations::new(&mut connection, &self.projection).live().await?;
        self.connection = Some(connection);
        match live {
            Some(live) => Ok(self.remove(generation.number, live.kept_from).await?.0),
            None => Ok(generation),
        }
    }

    async fn remove(&mut self, number: i64, before: Timestamp) -> Result<(Generation, u64)> {
        let mut connection = self.connect().await?;
        connection.begin().await?;
        let Some(locked) = Generations::new(&mut connection, &self.projection).lock(number).await? else {
            return Err(Error::Replaced { projection: self.projection.name().into() });
        };
        let mut removed = 0;
        let kept_from = before.max(locked.kept_from);
        if before > locked.kept_from {
            let mut tables = Tables::new(&mut connection, number, locked.kept_from);
            removed = self.projection.remove_before(&mut tables, before).await?;
        }
        let kept = Generation { kept_from, ..locked };
        Generations::new(&mut connection, &self.projection).save(&kept).await?;
        connection.commit().await?;
        self.connection = Some(connection);
        Ok((kept, removed))
    }

    /// The generation to go on with: the newest of this version, else a new one.
    async fn current(&mut self, ledger: &dyn Ledger) -> Result<Generation> {
        let mut connection = self.connect().await?;
        let all = Generations::new(&mut connection, &self.projection).all().await?;
        self.connection = Some(connection);
        match all.into_iter().rev().find(|generation| generation.is_of(&self.projection)) {
            Some(generation) => Ok(generation),
            None => self.create(ledger, false).await,
        }
    }

    async fn create(&mut self, ledger: &dyn Ledger, anew: bool) -> Result<Generation> {
        let head = ledger.head().await?;
        let mut connection = self.connect().await?;
        self.database.create_schema(&mut connection).await?;
        let mut generations = Generations::new(&mut connection, &self.projection);
        let generation = generations.create(head.ledger_id, head.extent.epoch.get(), anew).await?;
        self.connection = Some(connection);
        Ok(generation)
    }

    async fn fill(&mut self, ledger: &dyn Ledger, generation: Generation, progress: Progress<'_>) -> Result<Lag> {
        let mut generation = generation;
        loop {
            let page = ledger.read(&Read::after(generation.offset).limit(self.page)).await;
            let page = page.map_err(|error| self.read_failed(error, &generation))?;
            let first = page.extent.first;
            if !page.events.is_empty() {
                generation = self.fold(generation, &page.events).await?;
            }
            let done = generation.offset.get().saturating_sub(first.before().get());
            progress(done, page.extent.events());
            if page.exhausted {
                if !generation.is_live {
                    generation = self.remove_again(generation).await?;
                    let mut connection = self.connect().await?;
                    generation =
                        Generations::new(&mut connection, &self.projection).make_live(generation.number).await?;
                    self.connection = Some(connection);
                }
                return Ok(lag(generation.offset, page.extent));
            }
        }
    }

    /// Folds a page in, with its checkpoint; where the generation stands afterwards, which is further on when another
    /// process was faster.
    async fn fold(&mut self, expected: Generation, events: &[Arc<RecordedEvent>]) -> Result<Generation> {
        let mut connection = self.connect().await?;
        connection.begin().await?;
        let locked = Generations::new(&mut connection, &self.projection).lock(expected.number).await?;
        let Some(locked) = locked else {
            return Err(Error::Replaced { projection: self.projection.name().into() });
        };
        if locked.offset != expected.offset || locked.event_id != expected.event_id {
            connection.roll_back().await?;
            self.connection = Some(connection);
            return Ok(locked);
        }
        let mut tables = Tables::new(&mut connection, locked.number, locked.kept_from);
        self.projection.apply(&mut tables, events).await?;
        let last = events.last();
        let folded = Generation {
            offset: last.map_or(locked.offset, |last| last.offset),
            event_id: last.map_or(locked.event_id, |last| Some(last.event.id.clone())),
            ..locked
        };
        Generations::new(&mut connection, &self.projection).save(&folded).await?;
        connection.commit().await?;
        // A connection on which something failed is dropped, and with it its transaction.
        self.connection = Some(connection);
        Ok(folded)
    }

    /// Refuses a generation that is of another ledger, or of this one as it is not any more.
    async fn check(&mut self, ledger: &dyn Ledger, generation: &Generation) -> Result<()> {
        // Read after the generation, which another process may have taken further than an earlier head.
        let head = ledger.head().await?;
        let lost = || Error::CheckpointLost { projection: self.projection.name().into(), offset: generation.offset };
        if generation.ledger_id != head.ledger_id || generation.epoch != head.extent.epoch.get() {
            return Err(lost());
        }
        if generation.offset == Offset::ZERO {
            return Ok(());
        }
        if generation.offset > head.extent.last {
            return Err(lost());
        }
        let found = ledger.event_at(generation.offset).await?;
        if found.map(|recorded| recorded.event.id.clone()) == generation.event_id { Ok(()) } else { Err(lost()) }
    }

    fn read_failed(&self, error: ledger_core::Error, generation: &Generation) -> Error {
        match error {
            ledger_core::Error::Reset { .. } | ledger_core::Error::Beyond { .. } => {
                Error::CheckpointLost { projection: self.projection.name().into(), offset: generation.offset }
            }
            error => error.into(),
        }
    }

    async fn connect(&mut self) -> Result<Connection> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => self.database.connect().await,
        }
    }
}

/// Is told how many events are done, and of how many.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) + Send + Sync);

/// Offsets of before the first event are of events that were deleted: they will never come.
fn lag(offset: Offset, extent: Extent) -> Lag {
    let Extent { first, last, .. } = extent;
    Lag { offset, last, events: last.get().saturating_sub(offset.max(first.before()).get()) }
}
