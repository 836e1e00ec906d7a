//! Random operations, each answered by the ledger and by a model of it: a vector and a map.

use std::collections::BTreeMap;
use std::sync::Arc;

use ledger_core::{
    AppendCondition, AppendOutcome, Checkpoint, CheckpointMove, ConsumerName, Error, Event, EventId, Filter, Ledger,
    LedgerExt, Offset, PageSize, Position, Read, Result,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::Backend;
use crate::events::{event, id, kind, offset, run};

const STEPS: usize = 1_500;

/// Whatever the order of appends, reads, conditions, checkpoints, resets and reopens, ledger and model agree, also in
/// their errors.
pub async fn random_operations_agree_with_the_model(backend: &dyn Backend) {
    let mut rng = StdRng::seed_from_u64(crate::seed());
    let mut model = Model::default();
    let mut ledger = backend.open().await;
    for step in 0..STEPS {
        match rng.random_range(0..100) {
            0..40 => append(&mut rng, ledger.as_ref(), &mut model, step).await,
            40..85 => read(&mut rng, ledger.as_ref(), &model, step).await,
            85..90 => find(&mut rng, ledger.as_ref(), &model).await,
            90..96 => checkpoint(&mut rng, ledger.as_ref(), &mut model).await,
            96..99 => ledger = backend.open().await,
            _ => reset(ledger.as_ref(), &mut model).await,
        }
    }
    let report = ledger.verify(&|_, _| ()).await.unwrap();
    assert_eq!((report.events, report.fault), (model.events.len() as u64, None));
}

#[derive(Default)]
struct Model {
    /// Events before the first one, gone with resets.
    gone: u64,
    events: Vec<Event>,
    checkpoints: BTreeMap<ConsumerName, u64>,
}

/// What went wrong, without the words.
fn class<T>(result: Result<T>) -> Result<T, &'static str> {
    result.map_err(|error| match error {
        Error::Invalid(_) => "invalid",
        Error::IdConflict { .. } => "conflict",
        Error::Reset { .. } => "reset",
        Error::Beyond { .. } => "beyond",
        Error::CheckpointLost { .. } => "lost",
        other => panic!("unexpected: {other:?}"),
    })
}

impl Model {
    fn last(&self) -> u64 {
        self.gone + self.events.len() as u64
    }

    fn place(&self, id: &EventId) -> Option<u64> {
        self.events.iter().position(|event| event.id == *id).map(|place| self.gone + place as u64 + 1)
    }

    fn at(&self, place: u64) -> Option<&Event> {
        self.events.get(usize::try_from(place.checked_sub(self.gone + 1)?).ok()?)
    }

    fn lost(&self, after: u64) -> bool {
        after != 0 && after < self.gone
    }

    fn append(&mut self, events: &[Event], condition: Option<&AppendCondition>) -> Result<AppendOutcome, &'static str> {
        let same = |one: &Event, other: &Event| *one == other.clone().with_created_at(one.created_at);
        let mut fresh: Vec<Event> = Vec::new();
        let mut positions = Vec::new();
        for event in events {
            let earlier = fresh.iter().position(|other| other.id == event.id);
            let known = self.place(&event.id);
            let stored = known.and_then(|place| self.at(place)).or_else(|| earlier.map(|n| &fresh[n]));
            if stored.is_some_and(|stored| !same(stored, event)) {
                return Err("conflict");
            }
            let place = known.or(earlier.map(|n| self.last() + n as u64 + 1));
            positions.push(match place {
                Some(place) => Position::Duplicate(offset(place)),
                None => {
                    fresh.push(event.clone());
                    Position::New(offset(self.last() + fresh.len() as u64))
                }
            });
        }
        if let (Some(condition), false) = (condition, fresh.is_empty()) {
            let after = condition.after.get();
            if after > self.last() {
                return Err("beyond");
            }
            if self.lost(after) {
                return Err("reset");
            }
            let forbidden = (after + 1..=self.last())
                .find(|place| self.at(*place).is_some_and(|event| condition.fail_if.matches(event)));
            if let Some(place) = forbidden {
                return Ok(AppendOutcome::ConditionFailed { offset: offset(place) });
            }
        }
        self.events.extend(fresh);
        Ok(AppendOutcome::Appended(positions))
    }
}

fn random_event(rng: &mut StdRng) -> Event {
    let mut event = event(&format!("e-{}", rng.random_range(0..400)));
    // The same id mostly means the same content.
    let variant = if rng.random_bool(0.05) { 1 } else { 0 };
    event.run_id = run(&format!("run-{}", event.id.as_str().len() + variant));
    event.kind = kind(if event.id.as_str().ends_with('7') { "rare.event" } else { "usual.event" });
    event
}

fn random_filter(rng: &mut StdRng) -> Filter {
    let mut filter = Filter::any();
    if rng.random_bool(0.3) {
        filter = filter.run(run(&format!("run-{}", rng.random_range(3..7))));
    }
    if rng.random_bool(0.3) {
        filter = filter.kind(kind("rare.event"));
    }
    if rng.random_bool(0.1) {
        filter = filter.id(id("e-1")).id(id("e-17")).id(id("e-117"));
    }
    filter
}

async fn append(rng: &mut StdRng, ledger: &dyn Ledger, model: &mut Model, step: usize) {
    let events: Vec<Event> = (0..rng.random_range(1..5)).map(|_| random_event(rng)).collect();
    let condition = rng.random_bool(0.3).then(|| AppendCondition {
        fail_if: random_filter(rng),
        after: offset(rng.random_range(0..=model.last() + 1)),
    });
    let told = match condition.clone() {
        None => ledger.append_all(events.clone()).await.map(AppendOutcome::Appended),
        Some(condition) => ledger.append_if(events.clone(), condition).await,
    };
    assert_eq!(class(told), model.append(&events, condition.as_ref()), "in step {step}: {events:?} {condition:?}");
}

async fn read(rng: &mut StdRng, ledger: &dyn Ledger, model: &Model, step: usize) {
    let filter = random_filter(rng);
    let limit = rng.random_range(1..60);
    let cursor = rng.random_range(0..=model.last() + 2);
    let forward = rng.random_bool(0.7);
    let read = if forward { Read::after(offset(cursor)) } else { Read::before(offset(cursor)) };
    let read = read.limit(PageSize::new(limit).unwrap()).matching(filter.clone()).unwrap();
    let told = class(ledger.read(&read).await);
    if forward && (model.lost(cursor) || cursor > model.last()) {
        let expected = if model.lost(cursor) { "reset" } else { "beyond" };
        assert_eq!(told.map(drop), Err(expected), "in step {step}");
        return;
    }
    let page = told.unwrap();
    let places: Box<dyn Iterator<Item = u64>> =
        if forward { Box::new(cursor + 1..=model.last()) } else { Box::new((1..cursor.min(model.last() + 1)).rev()) };
    let expected: Vec<(u64, &Event)> = places
        .filter_map(|place| model.at(place).map(|event| (place, event)))
        .filter(|(_, event)| filter.matches(event))
        .collect();
    // A backend may stop at its limit without looking whether anything follows.
    assert!(!page.exhausted || expected.len() <= limit, "in step {step}: {read:?}");
    assert!(page.exhausted || page.events.len() == limit, "in step {step}: {read:?}");
    let seen: Vec<(u64, &Event)> =
        page.events.iter().map(|recorded| (recorded.offset.get(), &recorded.event)).collect();
    assert_eq!(seen, expected.into_iter().take(limit).collect::<Vec<_>>(), "in step {step}: {read:?}");
    assert_eq!((page.extent.first.get(), page.extent.last.get()), (model.gone + 1, model.last()));
}

async fn find(rng: &mut StdRng, ledger: &dyn Ledger, model: &Model) {
    let wanted = random_event(rng).id;
    let found = ledger.find(wanted.clone()).await.unwrap();
    assert_eq!(found.map(|recorded| recorded.offset.get()), model.place(&wanted));
}

async fn checkpoint(rng: &mut StdRng, ledger: &dyn Ledger, model: &mut Model) {
    let consumer = ConsumerName::new(format!("consumer-{}", rng.random_range(0..3))).unwrap();
    let place = rng.random_range(0..=model.last() + 1);
    let event_id = model.at(place).map(|event| event.id.clone());
    let checkpoint = Checkpoint { offset: offset(place), event_id, ..Checkpoint::start(consumer.clone()) };
    let how = if rng.random_bool(0.5) { CheckpointMove::Forward } else { CheckpointMove::Anywhere };
    let told = class(ledger.save_checkpoint(checkpoint, how).await);
    if place != 0 && model.at(place).is_none() {
        assert_eq!(told.map(drop), Err("lost"));
        return;
    }
    let saved = model.checkpoints.entry(consumer).or_default();
    if how == CheckpointMove::Anywhere || place > *saved {
        *saved = place;
    }
    assert_eq!(told.unwrap().offset, offset(*saved));
}

async fn reset(ledger: &dyn Ledger, model: &mut Model) {
    let head = ledger.head().await.unwrap();
    ledger.reset(&head).await.unwrap();
    model.gone = model.last();
    model.events.clear();
    assert_eq!(ledger.head().await.unwrap().extent.last, Offset::new(model.gone).unwrap());
    let _: Option<Arc<_>> = ledger.event_at(offset(1)).await.unwrap();
}
