//! A ledger in memory: the reference backend, and the file to read first.
//!
//! One lock around a vector. Whoever holds it for writing is the lane, so offsets are dense and in commit order; a read
//! sees the vector as it is. Other backends keep the same promises with more machinery.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use ledger_core::limits::MAX_PAGE_BYTES;
use ledger_core::{
    AppendCondition, AppendOutcome, Batch, Checkpoint, CheckpointMove, ConsumerName, Digested, Direction, Durability,
    Error, EventId, Extent, Head, Ledger, LedgerId, Offset, Page, Position, Progress, Read, RecordedBatch,
    RecordedEvent, Result, Run, RunId, RunQuery, Signal, Timestamp, Verification, Wakeup, verify_by_reading,
};
use parking_lot::RwLock;

/// A ledger that lives as long as its last handle. Clones are handles on the same ledger.
#[derive(Clone)]
pub struct MemoryLedger(Arc<Shared>);

struct Shared {
    ledger_id: LedgerId,
    state: RwLock<State>,
    signal: Signal,
}

struct State {
    extent: Extent,
    /// The events from `extent.first` to `extent.last`.
    events: Vec<Arc<RecordedEvent>>,
    offsets: HashMap<EventId, Offset>,
    checkpoints: BTreeMap<ConsumerName, Checkpoint>,
    /// When the last event was recorded; times of a ledger never go back, whatever the clock does.
    latest: Timestamp,
}

impl MemoryLedger {
    /// An empty ledger with an identity of its own.
    #[must_use]
    pub fn new() -> Self {
        let state = State {
            extent: Extent::EMPTY,
            events: Vec::new(),
            offsets: HashMap::new(),
            checkpoints: BTreeMap::new(),
            latest: Timestamp::MIN,
        };
        Self(Arc::new(Shared { ledger_id: LedgerId::random(), state: RwLock::new(state), signal: Signal::new() }))
    }
}

impl Default for MemoryLedger {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    fn append(&mut self, batch: &Batch) -> Result<AppendOutcome> {
        let known = batch.events().iter().map(|event| self.known(event)).collect::<Result<Vec<_>>>()?;
        if let (Some(condition), true) = (batch.condition(), known.contains(&None))
            && let Some(offset) = self.violation(condition)?
        {
            return Ok(AppendOutcome::ConditionFailed { offset });
        }
        self.extent.check_room(known.iter().filter(|known| known.is_none()).count())?;
        self.latest = self.latest.max(Timestamp::now());
        let positions = batch.events().iter().zip(known).map(|(event, known)| match known {
            Some(offset) => Position::Duplicate(offset),
            None => {
                self.push(Arc::new(event.clone().record(self.extent.last.after(), self.latest)));
                Position::New(self.extent.last)
            }
        });
        Ok(batch.appended(positions.collect()))
    }

    /// Where an event with this id stands already.
    fn known(&self, event: &Digested) -> Result<Option<Offset>> {
        let Some(&offset) = self.offsets.get(&event.event().id) else {
            return Ok(None);
        };
        let same = self.at(offset).is_some_and(|known| event.is_same_as(known.event.created_at, known.digest));
        if same {
            Ok(Some(offset))
        } else {
            Err(Error::IdConflict { id: event.event().id.clone(), stored: Some(offset) })
        }
    }

    /// The first event that `condition` forbids.
    fn violation(&self, condition: &AppendCondition) -> Result<Option<Offset>> {
        condition.check(self.extent)?;
        let from = self.index(condition.after.after());
        let forbidden = self.events.iter().skip(from).find(|recorded| condition.fail_if.matches(&recorded.event));
        Ok(forbidden.map(|recorded| recorded.offset))
    }

    fn push(&mut self, recorded: Arc<RecordedEvent>) {
        self.extent.last = recorded.offset;
        self.offsets.insert(recorded.event.id.clone(), recorded.offset);
        self.events.push(recorded);
    }

    fn restore(&mut self, batch: &RecordedBatch) -> Result<()> {
        if batch.events().iter().all(|event| self.at(event.offset) == Some(event)) {
            return Ok(());
        }
        batch.check_follows(self.extent, self.latest)?;
        if let Some(known) = batch.events().iter().find(|event| self.offsets.contains_key(&event.event.id)) {
            let id = known.event.id.clone();
            return Err(Error::IdConflict { stored: self.offsets.get(&id).copied(), id });
        }
        if self.extent.is_empty() {
            self.extent.first = batch.first();
        }
        for event in batch.events() {
            self.latest = self.latest.max(event.recorded_at);
            self.push(Arc::clone(event));
        }
        Ok(())
    }

    fn read(&self, read: &Read) -> Result<Page> {
        read.check(self.extent)?;
        let matching = |event: &&Arc<RecordedEvent>| read.filter().matches(&event.event);
        let (events, more) = match read.direction() {
            Direction::Forward => {
                take_page(read, self.events.iter().skip(self.index(read.cursor().after())).filter(matching))
            }
            Direction::Backward => {
                take_page(read, self.events.iter().take(self.index(read.cursor())).rev().filter(matching))
            }
        };
        Page::new(read, events, more, self.extent)
    }

    fn runs(&self, query: RunQuery) -> Vec<Run> {
        let mut places: HashMap<&RunId, usize> = HashMap::new();
        let mut runs: Vec<Run> = Vec::new();
        for RecordedEvent { offset, event, .. } in self.events.iter().map(AsRef::as_ref) {
            let place = *places.entry(&event.run_id).or_insert(runs.len());
            match runs.get_mut(place) {
                Some(run) => {
                    run.last = *offset;
                    run.events += 1;
                }
                None => runs.push(Run { run_id: event.run_id.clone(), first: *offset, last: *offset, events: 1 }),
            }
        }
        runs.into_iter().filter(|run| run.first > query.after()).take(query.limit()).collect()
    }

    fn save_checkpoint(&mut self, checkpoint: Checkpoint, how: CheckpointMove) -> Result<Checkpoint> {
        let found = self.at(checkpoint.offset).map(|recorded| &recorded.event.id);
        if !checkpoint.fits(self.extent, found) {
            return Err(Error::CheckpointLost { consumer: checkpoint.consumer, offset: checkpoint.offset });
        }
        match self.checkpoints.get(&checkpoint.consumer) {
            Some(ahead) if checkpoint.is_behind(ahead, how) => Ok(ahead.clone()),
            _ => {
                let saved = Checkpoint { updated_at: Timestamp::now(), ..checkpoint };
                self.checkpoints.insert(saved.consumer.clone(), saved.clone());
                Ok(saved)
            }
        }
    }

    fn reset(&mut self, seen: &Head, ledger_id: LedgerId) -> Result<()> {
        seen.check_seen(ledger_id, self.extent)?;
        let next = self.extent.last.after();
        self.extent = Extent { epoch: self.extent.epoch.next(), first: next, last: next.before() };
        self.events.clear();
        self.offsets.clear();
        Ok(())
    }

    fn at(&self, offset: Offset) -> Option<&Arc<RecordedEvent>> {
        if self.extent.holds(offset) { self.events.get(self.index(offset)) } else { None }
    }

    /// How many events stand before `offset`.
    fn index(&self, offset: Offset) -> usize {
        usize::try_from(offset.get().saturating_sub(self.extent.first.get())).unwrap_or(usize::MAX)
    }
}

/// The events of a page, and whether more follow.
fn take_page<'a>(
    read: &Read,
    mut events: impl Iterator<Item = &'a Arc<RecordedEvent>>,
) -> (Vec<Arc<RecordedEvent>>, bool) {
    let mut page = Vec::new();
    let mut bytes = 0;
    while page.len() < read.page_size().get() && bytes < MAX_PAGE_BYTES {
        let Some(event) = events.next() else { return (page, false) };
        bytes += event.event.size();
        page.push(Arc::clone(event));
    }
    (page, events.next().is_some())
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn append(&self, batch: Batch) -> Result<AppendOutcome> {
        let outcome = self.0.state.write().append(&batch)?;
        self.0.signal.notify();
        Ok(outcome)
    }

    async fn read(&self, read: &Read) -> Result<Page> {
        self.0.state.read().read(read)
    }

    async fn head(&self) -> Result<Head> {
        Ok(Head {
            ledger_id: self.0.ledger_id,
            extent: self.0.state.read().extent,
            durability: Durability::Volatile,
            engine: "memory".into(),
        })
    }

    async fn runs(&self, query: RunQuery) -> Result<Vec<Run>> {
        Ok(self.0.state.read().runs(query))
    }

    async fn checkpoints(&self) -> Result<Vec<Checkpoint>> {
        Ok(self.0.state.read().checkpoints.values().cloned().collect())
    }

    async fn save_checkpoint(&self, checkpoint: Checkpoint, how: CheckpointMove) -> Result<Checkpoint> {
        self.0.state.write().save_checkpoint(checkpoint, how)
    }

    async fn restore(&self, batch: RecordedBatch) -> Result<()> {
        self.0.state.write().restore(&batch)?;
        self.0.signal.notify();
        Ok(())
    }

    async fn reset(&self, seen: &Head) -> Result<Head> {
        self.0.state.write().reset(seen, self.0.ledger_id)?;
        self.0.signal.notify();
        self.head().await
    }

    fn wakeup(&self) -> Wakeup {
        self.0.signal.listen()
    }

    async fn verify(&self, progress: Progress<'_>) -> Result<Verification> {
        verify_by_reading(self, progress).await
    }
}
