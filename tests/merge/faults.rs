//! Merges that were cut off, and ledgers that change meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use agent_ledger::{Error, Event, LedgerExt, MergeError, merge as merge_};
use futures_util::FutureExt;
use ledger_conformance::events::{event, events, full, payload};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::scripted::{Append, appending, reading};
use crate::setting::{ENGINES, Engine, Place, log, merge, of, set};

/// Any of its appends fails in any way, or it is dropped at any point, again and again, until one goes through.
#[tokio::test(flavor = "multi_thread")]
async fn a_merge_that_was_cut_off_is_completed_by_repeating_it() {
    let mut rng = StdRng::seed_from_u64(ledger_conformance::seed());
    let place = Place::new();
    for engine in ENGINES {
        let (ours, theirs) = (events("ours", 300), events("theirs", 4_500));
        let (ledger, other) = (place.with(engine, &ours).await, place.with(Engine::Memory, &theirs).await);
        let expected = of(ours.iter().chain(&theirs));
        let (mut failed, mut attempts) = (0, 0);
        loop {
            attempts += 1;
            let ways = [Append::Works, Append::Works, Append::Refused, Append::Lost, Append::Unanswered];
            let mut script: Vec<Append> = (0..5).map(|_| *ways.choose(&mut rng).unwrap()).collect();
            if attempts == 1 {
                script[1] = Append::Refused;
            }
            let scripted = appending(&ledger, script.clone());
            let reached = AtomicU64::new(0);
            let progress = |done, all| {
                assert_eq!(all, 4_500);
                reached.store(done, SeqCst);
            };
            let merged = merge_(&scripted, other.as_ref(), &progress).await;
            let stored = set(ledger.as_ref()).await;
            // What it said was done is there.
            let done = usize::try_from(reached.load(SeqCst)).unwrap();
            assert!(theirs[..done].iter().all(|event| stored.contains_key(event.id.as_str())), "{engine:?} {script:?}");
            match merged {
                Ok(merged) => {
                    assert_eq!((done, merged.events, merged.appended + merged.known), (4_500, 4_500, 4_500));
                    break;
                }
                Err(MergeError::This(Error::Unavailable { .. } | Error::OutcomeUnknown(_))) => failed += 1,
                Err(error) => panic!("{engine:?} {error}"),
            }
            // Dropped once it has stored something, or before.
            let mut begun = Box::pin(merge_(ledger.as_ref(), other.as_ref(), &|_, _| ()));
            for _ in 0..rng.random_range(0..20) {
                if begun.as_mut().now_or_never().is_some() {
                    break;
                }
            }
        }
        assert!(failed > 0);
        assert_eq!(set(ledger.as_ref()).await, expected, "{engine:?}");
        assert_eq!(merge(&ledger, &other).await.appended, 0, "{engine:?}");
    }
}

/// An append whose outcome is not known is sent again, and ends in one copy.
#[tokio::test]
async fn appends_that_were_not_answered_are_sent_again() {
    let place = Place::new();
    let other = place.with(Engine::Memory, &events("e", 3)).await;
    for lost in [vec![Append::Unanswered; 3], vec![Append::Lost; 3]] {
        let ledger = place.ledger(Engine::Memory).await;
        let merged = merge_(&appending(&ledger, lost), other.as_ref(), &|_, _| ()).await.unwrap();
        assert_eq!(merged.appended + merged.known, 3);
        assert_eq!(set(ledger.as_ref()).await.len(), 3);
    }
    let ledger = place.ledger(Engine::Memory).await;
    let lost = appending(&ledger, vec![Append::Unanswered; 4]);
    let error = merge_(&lost, other.as_ref(), &|_, _| ()).await.unwrap_err();
    assert!(matches!(error, MergeError::This(Error::OutcomeUnknown(_))), "{error}");
}

/// What the other ledger gets after the merge began is left for the next one, so a merge ends.
#[tokio::test]
async fn what_is_appended_to_the_other_ledger_meanwhile_is_left_for_the_next_merge() {
    let place = Place::new();
    let (ledger, other) = (place.ledger(Engine::Memory).await, place.with(Engine::Memory, &events("e", 1_500)).await);
    let busy = other.clone();
    let growing = reading(&other, move |n, page| {
        busy.append_all(events(&format!("late {n}"), 100)).now_or_never().unwrap().unwrap();
        Ok(page)
    });
    let merged = merge_(ledger.as_ref(), &growing, &|_, _| ()).await.unwrap();
    assert_eq!((merged.events, merged.appended), (1_500, 1_500));
    assert_eq!(merge(&ledger, &other).await.appended, 200);
    assert_eq!(set(ledger.as_ref()).await, set(other.as_ref()).await);
}

#[tokio::test]
async fn a_ledger_that_is_reset_meanwhile_ends_the_merge() {
    let place = Place::new();
    let (ledger, other) = (place.ledger(Engine::Memory).await, place.with(Engine::Memory, &events("e", 1_500)).await);
    let busy = other.clone();
    let reset = reading(&other, move |_, page| {
        let head = busy.head().now_or_never().unwrap().unwrap();
        busy.reset(&head).now_or_never().unwrap().unwrap();
        Ok(page)
    });
    let error = merge_(ledger.as_ref(), &reset, &|_, _| ()).await.unwrap_err();
    assert!(matches!(error, MergeError::Other(Error::Reset { .. })), "{error}");
    assert_eq!(set(ledger.as_ref()).await.len(), 1_000, "what was read before");
}

/// Damage is not carried on, and it is said whose it is.
#[tokio::test]
async fn an_event_that_is_not_what_was_appended_is_not_taken_over() {
    let place = Place::new();
    let (ledger, other) = (place.ledger(Engine::Memory).await, place.with(Engine::Memory, &events("e", 3)).await);
    let damaged = reading(&other, |_, mut page| {
        let mut edited = (*page.events[1]).clone();
        edited.event.payload = payload(r#"{"n":2}"#);
        page.events[1] = Arc::new(edited);
        Ok(page)
    });
    let error = merge_(ledger.as_ref(), &damaged, &|_, _| ()).await.unwrap_err();
    assert!(error.to_string().starts_with("the other ledger: the ledger is damaged at offset 2"), "{error}");
    assert!(log(ledger.as_ref()).await.is_empty());
}

/// Somebody else appends here, among others the same events, and one of its own with an id of the other ledger.
#[tokio::test(flavor = "multi_thread")]
async fn a_merge_goes_on_beside_others_who_append() {
    let place = Place::new();
    for engine in ENGINES {
        let theirs: Vec<Event> = (0..3_000).map(|n| event(&format!("e {n}"))).collect();
        let (ledger, other) = (place.ledger(engine).await, place.with(Engine::Memory, &theirs).await);
        let busy = {
            let (ledger, theirs) = (ledger.clone(), theirs.clone());
            tokio::spawn(async move {
                ledger.append_one(full("e 2999")).await.unwrap();
                for batch in theirs[..2_000].chunks(97) {
                    ledger.append_all(batch.to_vec()).await.unwrap();
                }
            })
        };
        tokio::task::yield_now().await;
        while ledger.head().await.unwrap().extent.is_empty() {
            tokio::task::yield_now().await;
        }
        let merged = merge(&ledger, &other).await;
        busy.await.unwrap();
        assert_eq!((merged.appended + merged.known, merged.conflicts), (2_999, 1), "{engine:?}");
        assert_eq!(set(ledger.as_ref()).await.len(), 3_000, "{engine:?}");
    }
}
