//! P1, P2, P4, P5: what an append stores, and what it refuses.

use std::sync::Arc;
use std::task::{Context, Waker};

use ledger_core::limits::{MAX_BATCH_BYTES, MAX_BATCH_EVENTS, MAX_PAYLOAD_BYTES};
use ledger_core::{Batch, Error, Ledger, LedgerExt, Metadata, Payload, Position, SchemaVersion, Timestamp};

use crate::Backend;
use crate::events::{actor, event, events, full, id, ids, kind, log, model, offset, offsets, payload, run, session};

/// An acknowledged event is read back as it was appended, through the same handle and through another one.
pub async fn an_acknowledged_event_is_read_by_every_handle(backend: &dyn Backend) {
    let (writer, reader) = (backend.open().await, backend.open().await);
    let position = writer.append_one(full("e")).await.unwrap();
    assert_eq!(position, Position::New(offset(1)));
    for ledger in [&writer, &reader, &backend.open().await] {
        let log = log(ledger.as_ref()).await;
        assert_eq!(log.len(), 1);
        assert_eq!(log[0].event, full("e"));
        log[0].verify().unwrap();
    }
}

/// New events of one append take consecutive offsets.
pub async fn new_events_take_consecutive_offsets_in_the_order_of_the_append(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let positions = ledger.append_all(events("e", 5)).await.unwrap();
    assert_eq!(positions, (1..=5).map(|n| Position::New(offset(n))).collect::<Vec<_>>());
    assert_eq!(ids(&log(ledger.as_ref()).await), ["e-0", "e-1", "e-2", "e-3", "e-4"]);
}

/// If append A returned before B was called, A's offset is lower, whichever handles they used.
pub async fn a_later_append_has_higher_offsets(backend: &dyn Backend) {
    let (one, other) = (backend.open().await, backend.open().await);
    for n in 0..20_u64 {
        let ledger = if n % 2 == 0 { &one } else { &other };
        let position = ledger.append_one(event(&format!("e-{n}"))).await.unwrap();
        assert_eq!(position, Position::New(offset(n + 1)));
    }
}

/// Same id, same content: the event is stored once, and the answer says where.
pub async fn the_same_event_again_is_a_duplicate_at_its_first_offset(backend: &dyn Backend) {
    let (one, other) = (backend.open().await, backend.open().await);
    one.append_one(event("before")).await.unwrap();
    assert_eq!(one.append_one(full("e")).await.unwrap(), Position::New(offset(2)));
    one.append_one(event("after")).await.unwrap();
    for ledger in [one, other] {
        assert_eq!(ledger.append_one(full("e")).await.unwrap(), Position::Duplicate(offset(2)));
        assert_eq!(offsets(&log(ledger.as_ref()).await), [1, 2, 3]);
    }
}

/// A retry that made the event anew, with another time of creation, is still the same event; the first time stays.
pub async fn the_time_of_creation_is_not_content(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let first = full("e");
    let again = full("e").with_created_at(Timestamp::parse("2030-01-01T00:00:00Z").unwrap());
    ledger.append_one(first.clone()).await.unwrap();
    assert_eq!(ledger.append_one(again).await.unwrap(), Position::Duplicate(offset(1)));
    assert_eq!(log(ledger.as_ref()).await[0].event, first);
}

/// An event twice in one append is one event.
pub async fn an_event_twice_in_one_append_is_stored_once(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let positions = ledger.append_all(vec![event("a"), event("b"), event("a")]).await.unwrap();
    assert_eq!(positions, [Position::New(offset(1)), Position::New(offset(2)), Position::Duplicate(offset(1))]);
    assert_eq!(ids(&log(ledger.as_ref()).await), ["a", "b"]);
}

/// Same id, other content: the append is refused with the stored offset, and nothing of it is stored.
pub async fn a_conflicting_id_stores_nothing(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.append_all(vec![event("x"), event("known")]).await.unwrap();
    let conflict = event("known").with_turn(99);
    let error = ledger.append_all(vec![event("new-1"), conflict, event("new-2")]).await.unwrap_err();
    assert!(
        matches!(&error, Error::IdConflict { id: found, stored } if *found == id("known") && *stored == Some(offset(2))),
        "{error:?}"
    );
    assert!(!error.is_retryable());
    assert_eq!(ids(&log(ledger.as_ref()).await), ["x", "known"]);
    assert_eq!(ledger.append_one(event("next")).await.unwrap(), Position::New(offset(3)));
}

/// One id with two contents in one append refuses it.
pub async fn a_conflict_within_one_append_stores_nothing(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let error = ledger.append_all(vec![event("a"), event("a").with_turn(9)]).await.unwrap_err();
    assert!(matches!(error, Error::IdConflict { stored: None, .. }), "{error:?}");
    assert!(log(ledger.as_ref()).await.is_empty());
}

/// Every field but the time of creation is content.
pub async fn every_other_content_is_a_conflict(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.append_one(full("e")).await.unwrap();
    let mut others = vec![full("e"); 10];
    others[0].run_id = run("other");
    others[1].turn = 8;
    others[2].kind = kind("llm.failed");
    others[3].actor = actor("bob");
    others[4].payload = payload(r#"{"z":1,"a":[1,2,{"b":null}]}"#);
    others[5].schema_version = SchemaVersion::new(4).unwrap();
    others[6].session_id = None;
    others[7].model_profile = None;
    others[8].model_id = Some(model("model-2"));
    others[9].metadata = Metadata::new();
    for other in others {
        let error = ledger.append_one(other).await.unwrap_err();
        assert!(matches!(error, Error::IdConflict { .. }), "{error:?}");
    }
    assert_eq!(log(ledger.as_ref()).await.len(), 1);
    assert_eq!(session("session"), full("e").session_id.unwrap());
}

/// Known and new events in one append: the new ones take consecutive offsets.
pub async fn a_mixed_append_stores_only_what_is_new(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.append_all(events("e", 3)).await.unwrap();
    let positions = ledger.append_all(vec![event("a"), event("e-1"), event("b"), event("e-0")]).await.unwrap();
    let expected = [
        Position::New(offset(4)),
        Position::Duplicate(offset(2)),
        Position::New(offset(5)),
        Position::Duplicate(offset(1)),
    ];
    assert_eq!(positions, expected);
    assert_eq!(ids(&log(ledger.as_ref()).await), ["e-0", "e-1", "e-2", "a", "b"]);
}

/// Nothing to append is a mistake of the caller.
pub async fn an_append_without_events_is_refused(backend: &dyn Backend) {
    let ledger = backend.open().await;
    assert!(matches!(ledger.append_all(Vec::new()).await.unwrap_err(), Error::Invalid(_)));
    assert_eq!(ledger.extend(Vec::new()).await.unwrap(), []);
}

/// More than the limits allow is refused whole.
pub async fn an_append_above_the_limits_is_refused(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let error = ledger.append_all(events("e", MAX_BATCH_EVENTS + 1)).await.unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error:?}");
    let large = Payload::from_json(format!("{{\"x\":\"{}\"}}", "x".repeat(MAX_PAYLOAD_BYTES - 8))).unwrap();
    let mut too_large = events("e", MAX_BATCH_BYTES / MAX_PAYLOAD_BYTES + 1);
    too_large.iter_mut().for_each(|event| event.payload = large.clone());
    let error = ledger.append_all(too_large).await.unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error:?}");
    assert!(log(ledger.as_ref()).await.is_empty());
}

/// No batch size up to the limit meets a limit of the engine.
pub async fn appends_of_any_size_up_to_the_limit_are_stored_whole(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let mut total = 0;
    for size in [1, 2, 99, 100, 101, 999, 1_000, 1_001, 2_520, 2_521, 5_461, MAX_BATCH_EVENTS] {
        let positions = ledger.append_all(events(&format!("s{size}"), size)).await.unwrap();
        assert_eq!(positions.first().map(|p| p.offset()), Some(offset(total + 1)));
        total += size as u64;
        assert_eq!(positions.last().map(|p| p.offset()), Some(offset(total)));
    }
    assert_eq!(log(ledger.as_ref()).await.len() as u64, total);
}

/// A caller that polls an append a few times and drops it leaves all of it or nothing, and harms no later append.
pub async fn a_dropped_append_is_whole_or_absent(backend: &dyn Backend) {
    let ledger = backend.open().await;
    for polls in 1..=64_usize {
        let batch = Batch::new(events(&format!("dropped-{polls}"), 3)).unwrap();
        let mut append = ledger.append(batch);
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..polls {
            if append.as_mut().poll(&mut context).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(append);
        ledger.append_one(event(&format!("after-{polls}"))).await.unwrap();
    }
    for n in 0..1_000 {
        ledger.append_one(event(&format!("later-{n}"))).await.unwrap();
    }
    let log = log(ledger.as_ref()).await;
    assert_eq!(offsets(&log), (1..=log.len() as u64).collect::<Vec<_>>());
    let count = |prefix: &str| ids(&log).iter().filter(|id| id.starts_with(prefix)).count();
    for polls in 1..=64 {
        assert!([0, 3].contains(&count(&format!("dropped-{polls}-"))), "after {polls} polls");
    }
    assert_eq!(count("after-"), 64);
    assert_eq!(count("later-"), 1_000);
}

/// `recorded_at` is the store's clock, and never goes back from one offset to the next.
pub async fn recorded_times_never_decrease(backend: &dyn Backend) {
    let before = Timestamp::now();
    let handles: [Arc<dyn Ledger>; 2] = [backend.open().await, backend.open().await];
    for n in 0..50 {
        handles[n % 2].append_one(event(&format!("e-{n}"))).await.unwrap();
    }
    let times: Vec<_> = log(handles[0].as_ref()).await.iter().map(|recorded| recorded.recorded_at).collect();
    assert!(times.is_sorted());
    assert!(times[0].micros_since(before) > -1_000_000 && times[49] <= Timestamp::now());
}
