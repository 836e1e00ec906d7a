//! One set of events, whichever ledger is merged into which.

use agent_ledger::{
    Checkpoint, CheckpointMove, ConsumerName, Event, LedgerExt, MergeError, Timestamp, merge as merge_, open,
    open_to_read, restore, snapshot,
};
use ledger_conformance::events::{event, full};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use crate::setting::{ENGINES, Engine, Place, any, log, merge, of, set};

/// Some of these events, in an order of its own.
fn part(rng: &mut StdRng, events: &[Event]) -> Vec<Event> {
    let share = rng.random_range(0.0..1.0);
    let mut part: Vec<Event> = events.iter().filter(|_| rng.random_bool(share)).cloned().collect();
    part.shuffle(rng);
    part
}

/// Every engine with the one that costs nothing, and some with others; each pair is asked both ways.
const PAIRS: [(Engine, Engine); 8] = [
    (Engine::Memory, Engine::Memory),
    (Engine::Memory, Engine::Memory),
    (Engine::Sqlite, Engine::Memory),
    (Engine::Sqlite, Engine::Sqlite),
    (Engine::Postgres, Engine::Memory),
    (Engine::MariaDb, Engine::Memory),
    (Engine::Postgres, Engine::Sqlite),
    (Engine::MariaDb, Engine::Postgres),
];

/// Two ledgers with events in common: each is merged into a copy of the other.
#[tokio::test(flavor = "multi_thread")]
async fn merging_either_of_two_ledgers_into_the_other_makes_the_same_set_of_events() {
    let mut rng = StdRng::seed_from_u64(ledger_conformance::seed());
    let place = Place::new();
    let mut in_common = 0;
    for (round, (one, other)) in PAIRS.into_iter().enumerate() {
        // One of them takes more than one page.
        let count = if round == 1 { 2_500 } else { rng.random_range(1..100) };
        let events: Vec<Event> = (0..count).map(|n| any(&mut rng, &format!("event {n}"))).collect();
        let (a, b) = (part(&mut rng, &events), part(&mut rng, &events));
        let expected = of(a.iter().chain(&b));
        let common = a.len() + b.len() - expected.len();
        in_common += common;
        for (engine, other, into, from) in [(one, other, &a, &b), (other, one, &b, &a)] {
            let what = format!("round {round}: {} of {other:?} into {} of {engine:?}", from.len(), into.len());
            let (into_ledger, from_ledger) = (place.with(engine, into).await, place.with(other, from).await);
            let before = log(from_ledger.as_ref()).await;
            let merged = merge(&into_ledger, &from_ledger).await;
            assert_eq!(set(into_ledger.as_ref()).await, expected, "{what}");
            let (appended, known) = ((from.len() - common) as u64, common as u64);
            assert_eq!((merged.events, merged.appended, merged.known), (from.len() as u64, appended, known), "{what}");
            assert_eq!(merged.conflicts, 0, "{what}");
            // New events follow what was there, in the order of the other ledger.
            let all = log(into_ledger.as_ref()).await;
            let ids = |events: &[Event]| events.iter().map(|event| event.id.to_string()).collect::<Vec<_>>();
            let own = of(into);
            let new = from.iter().filter(|event| !own.contains_key(event.id.as_str())).cloned().collect::<Vec<_>>();
            let found = all.iter().map(|recorded| recorded.event.clone()).collect::<Vec<_>>();
            assert_eq!(ids(&found), [ids(into), ids(&new)].concat(), "{what}");
            let (first, last) = (merged.first.map(|at| at.get()), merged.last.map(|at| at.get()));
            let place_of_new = (appended > 0).then(|| (into.len() as u64 + 1, expected.len() as u64));
            assert_eq!(first.zip(last), place_of_new, "{what}");
            // The other ledger is as it was; merging again, and back, changes nothing more here.
            assert_eq!(log(from_ledger.as_ref()).await, before, "{what}");
            let again = merge(&into_ledger, &from_ledger).await;
            assert_eq!((again.appended, again.known, again.first), (0, from.len() as u64, None), "{what}");
            merge(&from_ledger, &into_ledger).await;
            assert_eq!(set(from_ledger.as_ref()).await, expected, "{what}");
            assert_eq!(log(into_ledger.as_ref()).await, all, "{what}");
        }
    }
    assert!(in_common > 100, "{in_common}");
}

/// In any order, through ledgers in between.
#[tokio::test(flavor = "multi_thread")]
async fn three_ledgers_come_to_one_set_on_every_way() {
    let mut rng = StdRng::seed_from_u64(ledger_conformance::seed());
    let place = Place::new();
    for round in 0..5 {
        let events: Vec<Event> = (0..200).map(|n| any(&mut rng, &format!("event {n}"))).collect();
        let parts = [part(&mut rng, &events), part(&mut rng, &events), part(&mut rng, &events)];
        let expected = of(parts.iter().flatten());
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let ledgers = [
                place.with(Engine::Sqlite, &parts[order[0]]).await,
                place.with(Engine::Memory, &parts[order[1]]).await,
                place.with(Engine::Memory, &parts[order[2]]).await,
            ];
            merge(&ledgers[1], &ledgers[2]).await;
            merge(&ledgers[0], &ledgers[1]).await;
            assert_eq!(set(ledgers[0].as_ref()).await, expected, "round {round}, {order:?}");
        }
    }
}

/// A retry of a runtime may have made the event anew: it is the same event, and the time that is stored stays.
#[tokio::test]
async fn an_event_that_was_created_at_another_time_is_known() {
    let place = Place::new();
    let (early, late) = (Timestamp::from_micros(1).unwrap(), Timestamp::from_micros(2).unwrap());
    for engine in ENGINES {
        let one = place.with(engine, &[full("e").with_created_at(early)]).await;
        let other = place.with(Engine::Memory, &[full("e").with_created_at(late)]).await;
        let merged = merge(&one, &other).await;
        assert_eq!((merged.appended, merged.known, merged.conflicts), (0, 1, 0), "{engine:?}");
        assert_eq!(log(one.as_ref()).await[0].event.created_at, early, "{engine:?}");
    }
}

#[tokio::test]
async fn a_ledger_is_not_merged_with_itself_nor_with_a_copy_of_itself() {
    let place = Place::new();
    for engine in ENGINES {
        let ledger = place.with(engine, &[event("e")]).await;
        let copy = place.file();
        snapshot(ledger.as_ref(), &copy, &|_, _| ()).await.unwrap();
        let copy = open_to_read(copy.to_str().unwrap()).await.unwrap();
        for other in [&ledger, &copy] {
            let refused = merge_(ledger.as_ref(), other.as_ref(), &|_, _| ()).await.unwrap_err();
            assert!(matches!(refused, MergeError::Same(id) if id == copy_id(&copy).await), "{engine:?} {refused}");
        }
    }
}

async fn copy_id(ledger: &crate::setting::Shared) -> agent_ledger::LedgerId {
    ledger.head().await.unwrap().ledger_id
}

/// A file that was copied has the identity of the first one; restored, it has its own.
#[tokio::test]
async fn a_copy_that_went_its_own_way_is_restored_and_merged() {
    let place = Place::new();
    let (path, copied, restored) = (place.file(), place.file(), place.file());
    let ledger = open(path.to_str().unwrap()).await.unwrap();
    ledger.append_one(event("before")).await.unwrap();
    drop(ledger);
    std::fs::copy(&path, &copied).unwrap();
    let (ledger, copy) = (open(path.to_str().unwrap()).await.unwrap(), open(copied.to_str().unwrap()).await.unwrap());
    ledger.append_one(event("here")).await.unwrap();
    copy.append_one(event("there")).await.unwrap();
    assert!(matches!(merge_(ledger.as_ref(), copy.as_ref(), &|_, _| ()).await, Err(MergeError::Same(_))));
    let other = open(restored.to_str().unwrap()).await.unwrap();
    restore(&copied, other.as_ref(), &|_, _| ()).await.unwrap();
    let merged = merge(&ledger, &other).await;
    assert_eq!((merged.appended, merged.known), (1, 1));
    assert_eq!(set(ledger.as_ref()).await.into_keys().collect::<Vec<_>>(), ["before", "here", "there"]);
}

/// Offsets go on after a reset; what was merged before stays, and nothing is skipped.
#[tokio::test]
async fn a_ledger_that_was_reset_is_merged_as_it_is_now() {
    let place = Place::new();
    for engine in ENGINES {
        let other = place.with(engine, &[event("old 1"), event("old 2"), event("old 3")]).await;
        let ledger = place.ledger(Engine::Memory).await;
        merge(&ledger, &other).await;
        other.reset(&other.head().await.unwrap()).await.unwrap();
        assert_eq!(merge(&ledger, &other).await.events, 0, "{engine:?}");
        other.append_one(event("new")).await.unwrap();
        let merged = merge(&ledger, &other).await;
        assert_eq!((merged.other_epoch.get(), merged.events, merged.appended), (2, 1, 1), "{engine:?}");
        assert_eq!(set(ledger.as_ref()).await.into_keys().collect::<Vec<_>>(), ["new", "old 1", "old 2", "old 3"]);
    }
}

/// Consumers of this ledger are where they were, and those of the other one are not brought along.
#[tokio::test]
async fn checkpoints_are_left_alone() {
    let place = Place::new();
    let ledger = place.with(Engine::Sqlite, &[event("a"), event("b")]).await;
    let other = place.with(Engine::Sqlite, &[event("c"), event("a")]).await;
    for (ledger, name) in [(&ledger, "here"), (&other, "there")] {
        let at = Checkpoint::at(ConsumerName::new(name).unwrap(), &log(ledger.as_ref()).await[1]);
        ledger.save_checkpoint(at, CheckpointMove::Forward).await.unwrap();
    }
    let before = (ledger.checkpoints().await.unwrap(), other.checkpoints().await.unwrap());
    merge(&ledger, &other).await;
    assert_eq!((ledger.checkpoints().await.unwrap(), other.checkpoints().await.unwrap()), before);
}

/// As programs get it; fields may be added.
#[tokio::test]
async fn the_names_of_the_fields_stay() {
    let place = Place::new();
    let ledger = place.with(Engine::Memory, &[event("a"), event("b")]).await;
    let other = place.with(Engine::Memory, &[event("a"), full("b"), event("c")]).await;
    let merged = serde_json::to_value(merge(&ledger, &other).await).unwrap();
    let (ledger_id, other_id) = (copy_id(&ledger).await.to_string(), copy_id(&other).await.to_string());
    let expected = serde_json::json!({
        "ledger_id": ledger_id, "other_id": other_id, "other_epoch": 1, "events": 3, "appended": 1, "known": 1,
        "conflicts": 1, "first": 3, "last": 3, "conflicting": [{"id": "b", "offset": 2, "stored": 2}],
    });
    assert_eq!(merged, expected);
}
