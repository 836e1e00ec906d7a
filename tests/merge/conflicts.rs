//! Ids that name two events.

use agent_ledger::{Event, MAX_NAMED_CONFLICTS};
use ledger_conformance::events::{event, full};

use crate::setting::{ENGINES, Engine, Place, log, merge, set};

/// Every one is counted and the first ones are named; all other events are merged, also those after it; and what stands
/// here stays as it is.
#[tokio::test(flavor = "multi_thread")]
async fn an_id_with_other_content_is_left_out_and_named_and_all_others_are_merged() {
    let place = Place::new();
    for engine in ENGINES {
        // Of 2,600 events there, 250 have ids of other ones here, and 1,000 are here too.
        let id = |n: u64| format!("event {n:04}");
        let theirs: Vec<Event> = (0..2_600).map(|n| event(&id(n))).collect();
        let other_content = |n: u64| n % 10 == 3 && n < 2_500;
        let ours: Vec<Event> = (1_350..2_600)
            .filter(|n| !other_content(*n))
            .map(|n| event(&id(n)))
            .chain((0..2_600).filter(|n| other_content(*n)).map(|n| full(&id(n))))
            .collect();
        let (here, conflicting) = (ours.len() as u64, (0..2_600).filter(|n| other_content(*n)).count() as u64);
        assert_eq!((here, conflicting), (1_385, 250));
        let (ledger, other) = (place.with(engine, &ours).await, place.with(Engine::Memory, &theirs).await);
        let before = log(ledger.as_ref()).await;
        let merged = merge(&ledger, &other).await;
        let known = here - conflicting;
        let counts = (merged.events, merged.appended, merged.known, merged.conflicts);
        assert_eq!(counts, (2_600, 2_600 - 250 - known, known, 250), "{engine:?}");
        assert_eq!(merged.conflicting.len(), MAX_NAMED_CONFLICTS);
        for (n, conflict) in merged.conflicting.iter().enumerate() {
            let number = n as u64 * 10 + 3;
            assert_eq!((conflict.id.to_string(), conflict.offset.get()), (id(number), number + 1), "{engine:?}");
            let stored = &before[usize::try_from(conflict.stored.get() - 1).unwrap()];
            assert_eq!(stored.event.id, conflict.id, "{engine:?}");
        }
        let all = set(ledger.as_ref()).await;
        assert_eq!(all.len(), 2_600);
        assert_eq!(log(ledger.as_ref()).await[..before.len()], before, "{engine:?}");
        let again = merge(&ledger, &other).await;
        assert_eq!((again.appended, again.known, again.conflicts), (0, 2_350, 250), "{engine:?}");
    }
}

#[tokio::test]
async fn a_page_of_nothing_but_conflicts_stores_nothing() {
    let place = Place::new();
    let (ours, theirs): (Vec<Event>, Vec<Event>) =
        (0..1_500).map(|n| (event(&n.to_string()), full(&n.to_string()))).unzip();
    let (ledger, other) = (place.with(Engine::Sqlite, &ours).await, place.with(Engine::Sqlite, &theirs).await);
    let before = log(ledger.as_ref()).await;
    let merged = merge(&ledger, &other).await;
    assert_eq!((merged.events, merged.appended, merged.known, merged.conflicts), (1_500, 0, 0, 1_500));
    assert_eq!(log(ledger.as_ref()).await, before);
}
