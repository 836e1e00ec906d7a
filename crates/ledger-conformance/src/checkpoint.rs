//! How far a consumer got, and whether the ledger is still the one that it read.

use std::sync::Arc;

use futures_util::TryStreamExt;
use ledger_core::{Checkpoint, CheckpointMove, ConsumerName, Error, Ledger, LedgerExt, Offset, Read};

use crate::Backend;
use crate::events::{event, events, id, log, offset};

fn consumer(name: &str) -> ConsumerName {
    ConsumerName::new(name).expect("a name")
}

async fn filled(backend: &dyn Backend) -> Arc<dyn Ledger> {
    let ledger = backend.open().await;
    ledger.append_all(events("e", 5)).await.unwrap();
    ledger
}

async fn at(ledger: &dyn Ledger, name: &str, position: u64) -> Checkpoint {
    Checkpoint::at(consumer(name), &ledger.event_at(offset(position)).await.unwrap().unwrap())
}

/// A checkpoint is kept by name, with the id of its event.
pub async fn a_checkpoint_is_kept(backend: &dyn Backend) {
    let ledger = filled(backend).await;
    for (name, position) in [("b", 3), ("a", 2), ("B", 4)] {
        let checkpoint = at(ledger.as_ref(), name, position).await;
        ledger.save_checkpoint(checkpoint, CheckpointMove::Forward).await.unwrap();
    }
    let kept = backend.open().await.checkpoints().await.unwrap();
    let kept: Vec<_> = kept.into_iter().map(|c| (c.consumer.to_string(), c.offset.get(), c.event_id)).collect();
    let expected = |name: &str, position, event: &str| (name.to_owned(), position, Some(id(event)));
    assert_eq!(kept, [expected("B", 4, "e-3"), expected("a", 2, "e-1"), expected("b", 3, "e-2")]);
}

/// The slower of two instances does not take the faster one back.
pub async fn a_checkpoint_only_moves_on(backend: &dyn Backend) {
    let ledger = filled(backend).await;
    for (position, expected) in [(3, 3), (2, 3), (3, 3), (5, 5)] {
        let checkpoint = at(ledger.as_ref(), "c", position).await;
        let saved = ledger.save_checkpoint(checkpoint, CheckpointMove::Forward).await.unwrap();
        assert_eq!(saved.offset, offset(expected));
        assert_eq!(ledger.checkpoint(&consumer("c")).await.unwrap().unwrap(), saved);
    }
}

/// Unless somebody says so.
pub async fn a_person_may_move_a_checkpoint_back(backend: &dyn Backend) {
    let ledger = filled(backend).await;
    for position in [4, 2] {
        let checkpoint = at(ledger.as_ref(), "c", position).await;
        let saved = ledger.save_checkpoint(checkpoint, CheckpointMove::Anywhere).await.unwrap();
        assert_eq!(saved.offset, offset(position));
    }
    let start = Checkpoint::start(consumer("c"));
    ledger.save_checkpoint(start, CheckpointMove::Anywhere).await.unwrap();
    assert_eq!(ledger.resume(&consumer("c")).await.unwrap(), Offset::ZERO);
}

/// A checkpoint whose event is not there is of another ledger.
pub async fn a_checkpoint_on_another_event_is_refused(backend: &dyn Backend) {
    let ledger = filled(backend).await;
    let good = at(ledger.as_ref(), "c", 3).await;
    let bad = [
        Checkpoint { offset: offset(4), ..good.clone() },
        Checkpoint { offset: offset(6), ..good.clone() },
        Checkpoint { offset: Offset::MAX, ..good.clone() },
        Checkpoint { event_id: None, ..good.clone() },
        Checkpoint { offset: Offset::ZERO, ..good.clone() },
    ];
    for checkpoint in bad {
        for how in [CheckpointMove::Forward, CheckpointMove::Anywhere] {
            let error = ledger.save_checkpoint(checkpoint.clone(), how).await.unwrap_err();
            assert!(matches!(error, Error::CheckpointLost { .. }), "{error:?}");
        }
    }
    assert_eq!(ledger.checkpoints().await.unwrap(), []);
}

/// A consumer that crashed goes on after the last event that it was done with.
pub async fn a_consumer_resumes_where_it_was(backend: &dyn Backend) {
    let ledger = filled(backend).await;
    let name = consumer("c");
    assert_eq!(ledger.resume(&name).await.unwrap(), Offset::ZERO);
    let third = Arc::clone(&log(ledger.as_ref()).await[2]);
    ledger.reached(name.clone(), &third).await.unwrap();
    let reopened = backend.open().await;
    let from = reopened.resume(&name).await.unwrap();
    let rest: Vec<_> = reopened.tail(Read::after(from)).try_collect().await.unwrap();
    assert_eq!(rest.iter().map(|event| event.offset.get()).collect::<Vec<_>>(), [4, 5]);
}

/// A consumer of a ledger that lost its events is told, and does not go on silently.
pub async fn a_consumer_of_a_reset_ledger_is_told(backend: &dyn Backend) {
    let ledger = filled(backend).await;
    let name = consumer("c");
    let last = Arc::clone(&log(ledger.as_ref()).await[4]);
    ledger.reached(name.clone(), &last).await.unwrap();
    ledger.reset(&ledger.head().await.unwrap()).await.unwrap();
    ledger.append_one(event("new")).await.unwrap();
    let error = ledger.resume(&name).await.unwrap_err();
    assert!(matches!(error, Error::CheckpointLost { offset: at, .. } if at == offset(5)), "{error:?}");
}
