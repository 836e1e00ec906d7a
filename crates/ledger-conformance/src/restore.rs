//! P11 from the receiving side: recorded events taken over as they are; and P9, looking at every one.

use std::sync::Arc;

use ledger_core::{Digest, Error, LedgerExt, Offset, Position, RecordedBatch, RecordedEvent, Timestamp};
use parking_lot::Mutex;

use crate::Backend;
use crate::events::{event, events, full, log, offset};

/// Recorded events from `first` on, as another ledger would have them.
fn recorded(first: u64, count: u64) -> Vec<Arc<RecordedEvent>> {
    let recorded_at = Timestamp::parse("2020-01-01T00:00:00Z").expect("a time");
    let record = |n: u64| {
        let event = full(&format!("r-{n}"));
        RecordedEvent { offset: offset(n), recorded_at, digest: Digest::of(&event), event }
    };
    (first..first + count).map(record).map(Arc::new).collect()
}

fn batch(events: Vec<Arc<RecordedEvent>>) -> RecordedBatch {
    RecordedBatch::new(events).expect("a batch")
}

/// Offsets, times, digests and content are those of the source, also when the source did not begin at 1.
pub async fn a_restored_ledger_is_equal_digest_for_digest(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let source = recorded(11, 250);
    ledger.restore(batch(source.clone())).await.unwrap();
    assert_eq!(log(ledger.as_ref()).await, source);
    let extent = backend.open().await.head().await.unwrap().extent;
    assert_eq!((extent.first, extent.last), (offset(11), offset(260)));
}

/// Batch by batch; the ledger's end says where to go on.
pub async fn an_interrupted_restore_can_go_on(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let source = recorded(1, 30);
    ledger.restore(batch(source[..10].to_vec())).await.unwrap();
    let ledger = backend.open().await;
    let last = ledger.head().await.unwrap().extent.last;
    assert_eq!(last, offset(10));
    ledger.restore(batch(source[10..].to_vec())).await.unwrap();
    assert_eq!(log(ledger.as_ref()).await, source);
}

/// A restored ledger is a ledger: known ids are duplicates, new events follow.
pub async fn appends_go_on_after_a_restore(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.restore(batch(recorded(5, 3))).await.unwrap();
    let positions = ledger.append_all(vec![full("r-6"), event("new")]).await.unwrap();
    assert_eq!(positions, [Position::Duplicate(offset(6)), Position::New(offset(8))]);
    assert!(log(ledger.as_ref()).await.is_sorted_by_key(|recorded| recorded.recorded_at));
}

/// Neither a gap nor an overlap, nor an offset that was used before, nor an id that is known.
pub async fn restore_refuses_what_does_not_follow(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.restore(batch(recorded(1, 3))).await.unwrap();
    for wrong in [recorded(3, 2), recorded(5, 1)] {
        let error = ledger.restore(batch(wrong)).await.unwrap_err();
        assert!(matches!(error, Error::Refused(_)), "{error:?}");
    }
    let mut known = recorded(4, 2);
    known[1] = Arc::new(RecordedEvent { offset: offset(5), ..recorded(2, 1)[0].as_ref().clone() });
    let error = ledger.restore(batch(known)).await.unwrap_err();
    assert!(matches!(error, Error::IdConflict { .. }), "{error:?}");
    assert_eq!(log(ledger.as_ref()).await, recorded(1, 3));
    ledger.reset(&ledger.head().await.unwrap()).await.unwrap();
    let error = ledger.restore(batch(recorded(1, 3))).await.unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
}

/// What does not match its digest does not come in.
pub async fn restore_refuses_damaged_events(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let mut source = recorded(1, 3);
    let damaged = RecordedEvent { event: source[1].event.clone().with_turn(8), ..source[1].as_ref().clone() };
    source[1] = Arc::new(damaged);
    let error = RecordedBatch::new(source).unwrap_err();
    assert!(matches!(error, Error::Corrupt { offset: Some(at), .. } if at == offset(2)), "{error:?}");
    assert!(RecordedBatch::new(Vec::new()).is_err());
    let gap = [recorded(1, 1), recorded(3, 1)].concat();
    assert!(RecordedBatch::new(gap).is_err());
    let twice = vec![
        recorded(1, 1)[0].clone(),
        Arc::new(RecordedEvent { offset: offset(2), ..recorded(1, 1)[0].as_ref().clone() }),
    ];
    assert!(matches!(RecordedBatch::new(twice), Err(Error::IdConflict { .. })));
    assert_eq!(ledger.head().await.unwrap().extent.last, Offset::ZERO);
}

/// After an answer that was lost, the same events again are recognised.
pub async fn a_repeated_restore_changes_nothing(backend: &dyn Backend) {
    let ledger = backend.open().await;
    for _ in 0..2 {
        ledger.restore(batch(recorded(5, 3))).await.unwrap();
    }
    ledger.restore(batch(recorded(6, 1))).await.unwrap();
    let later = Timestamp::parse("2021-01-01T00:00:00Z").unwrap();
    let other = RecordedEvent { recorded_at: later, ..recorded(6, 1)[0].as_ref().clone() };
    let error = ledger.restore(batch(vec![Arc::new(other)])).await.unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "recorded at another time: {error:?}");
    assert_eq!(log(ledger.as_ref()).await, recorded(5, 3));
}

/// Near the end of the offsets an append is stored whole or refused whole.
pub async fn the_last_offset_is_never_given_out(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let near = i64::MAX as u64 - 2;
    ledger.restore(batch(recorded(near, 1))).await.unwrap();
    let error = ledger.append_all(events("e", 2)).await.unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
    assert_eq!(log(ledger.as_ref()).await.len(), 1);
    let positions = ledger.append_all(vec![event("last"), full(&format!("r-{near}"))]).await.unwrap();
    assert_eq!(positions, [Position::New(offset(near + 1)), Position::Duplicate(offset(near))]);
    assert!(ledger.append_one(event("none")).await.is_err());
    assert_eq!(ledger.append_one(event("last")).await.unwrap(), Position::Duplicate(offset(near + 1)));
    assert!(ledger.restore(batch(recorded(i64::MAX as u64, 1))).await.is_err());
}

/// A sound ledger has no fault; progress ends at all of it.
pub async fn verify_counts_every_event(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let progress = Mutex::new((0, 0));
    let report = ledger.verify(&|done, all| *progress.lock() = (done, all)).await.unwrap();
    assert_eq!((report.events, &report.fault), (0, &None));
    ledger.extend(events("e", 2_500)).await.unwrap();
    let report = ledger.verify(&|done, all| *progress.lock() = (done, all)).await.unwrap();
    assert_eq!((report.events, report.first, report.last), (2_500, offset(1), offset(2_500)));
    assert_eq!(report.fault, None);
    assert_eq!(*progress.lock(), (2_500, 2_500));
}
