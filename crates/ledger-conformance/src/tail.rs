//! Tail and follow: one primitive, read after an offset.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt};
use ledger_core::{Filter, LedgerExt, Offset, PageSize, Read, RecordedEvent};

use crate::Backend;
use crate::events::{event, events, ids, kind, offset, offsets};

/// A tail catches up, then ends.
pub async fn a_tail_ends_at_the_end(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.append_all(events("e", 7)).await.unwrap();
    let read = Read::after(offset(2)).limit(PageSize::new(2).unwrap());
    let seen: Vec<_> = ledger.tail(read).try_collect().await.unwrap();
    assert_eq!(offsets(&seen), [3, 4, 5, 6, 7]);
    let backward: Vec<_> = ledger.tail(Read::before(offset(4))).try_collect().await.unwrap();
    assert_eq!(offsets(&backward), [3, 2, 1]);
}

async fn next(stream: &mut ledger_core::EventStream<'_>) -> Arc<RecordedEvent> {
    stream.next().await.expect("a follower never ends").expect("an event")
}

/// A follower gets what is there, then what comes.
pub async fn a_follower_gets_what_is_appended_later(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.append_all(events("before", 3)).await.unwrap();
    let mut follower = ledger.follow(Read::after(offset(1)));
    assert_eq!(next(&mut follower).await.offset, offset(2));
    assert_eq!(next(&mut follower).await.offset, offset(3));
    for n in 4..50_u64 {
        let append = ledger.append_one(event(&format!("live-{n}")));
        let (seen, appended) = tokio::join!(next(&mut follower), append);
        assert_eq!((seen.offset, appended.unwrap().offset()), (offset(n), offset(n)));
    }
}

/// A follower on one handle wakes up for appends of another.
pub async fn a_follower_sees_appends_of_another_handle(backend: &dyn Backend) {
    let (reader, writer) = (backend.open().await, backend.open().await);
    let mut follower = reader.follow(Read::after(Offset::ZERO));
    for n in 1..20_u64 {
        let append = writer.append_one(event(&format!("e-{n}")));
        let (seen, appended) = tokio::join!(next(&mut follower), append);
        assert_eq!(seen.offset, appended.unwrap().offset());
    }
}

/// What does not match is passed over, also when it comes later.
pub async fn a_follower_with_a_filter_gets_only_what_matches(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let filter = Filter::any().kind(kind("wanted.event"));
    let mut follower = ledger.follow(Read::after(Offset::ZERO).matching(filter).unwrap());
    let writer = async {
        for n in 0..60 {
            let mut event = event(&format!("e-{n}"));
            if n % 3 == 0 {
                event.kind = kind("wanted.event");
            }
            ledger.append_one(event).await.unwrap();
        }
    };
    let reader = async {
        let mut seen = Vec::new();
        while seen.len() < 20 {
            seen.push(next(&mut follower).await);
        }
        ids(&seen)
    };
    let ((), seen) = tokio::join!(writer, reader);
    let expected: Vec<String> = (0..60).filter(|n| n % 3 == 0).map(|n| format!("e-{n}")).collect();
    assert_eq!(seen, expected);
}

/// A wake-up that was made before a read is told of everything that the read did not see.
pub async fn a_wakeup_made_before_a_read_misses_nothing(backend: &dyn Backend) {
    let (reader, writer) = (backend.open().await, backend.open().await);
    for n in 0..50 {
        let mut wakeup = reader.wakeup();
        let before = reader.head().await.unwrap().extent.last;
        let handle = if n % 2 == 0 { &reader } else { &writer };
        handle.append_one(event(&format!("e-{n}"))).await.unwrap();
        wakeup.wait().await.unwrap();
        assert!(reader.head().await.unwrap().extent.last > before);
    }
}
