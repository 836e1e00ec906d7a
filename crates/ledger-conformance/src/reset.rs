//! P2 after the one destructive operation.

use futures_util::StreamExt;
use ledger_core::{AppendCondition, Epoch, Error, Extent, Filter, Head, LedgerExt, LedgerId, Offset, Position, Read};

use crate::Backend;
use crate::events::{event, events, ids, log, offset, run};

/// Empty, in a new epoch, and no offset is used twice.
pub async fn a_reset_ledger_is_empty_and_goes_on_where_it_was(backend: &dyn Backend) {
    let (ledger, other) = (backend.open().await, backend.open().await);
    ledger.append_all(events("e", 5)).await.unwrap();
    assert_eq!(other.append_one(event("other")).await.unwrap(), Position::New(offset(6)));
    let before = ledger.head().await.unwrap();
    let after = ledger.reset(&before).await.unwrap();
    assert_eq!(after.ledger_id, before.ledger_id);
    assert_eq!(after.extent, Extent { epoch: Epoch::new(2), first: offset(7), last: offset(6) });
    for handle in [&ledger, &other] {
        assert!(log(handle.as_ref()).await.is_empty());
        assert_eq!(handle.head().await.unwrap(), after);
    }
    assert_eq!(other.append_one(event("next")).await.unwrap(), Position::New(offset(7)));
    assert_eq!(ids(&log(ledger.as_ref()).await), ["next"]);
}

/// Through a handle that knew the old ids as well.
pub async fn ids_may_be_used_again_after_a_reset(backend: &dyn Backend) {
    let (ledger, other) = (backend.open().await, backend.open().await);
    ledger.append_one(event("e")).await.unwrap();
    other.append_one(event("e")).await.unwrap();
    ledger.reset(&ledger.head().await.unwrap()).await.unwrap();
    assert_eq!(other.append_one(event("e").with_turn(9)).await.unwrap(), Position::New(offset(2)));
    assert_eq!(log(ledger.as_ref()).await.len(), 1);
}

/// Whoever destroys a ledger says which.
pub async fn a_reset_needs_the_ledgers_name(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.append_one(event("e")).await.unwrap();
    let seen = ledger.head().await.unwrap();
    let other = Head { ledger_id: LedgerId::random(), ..seen.clone() };
    let error = ledger.reset(&other).await.unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
    assert_eq!(log(ledger.as_ref()).await.len(), 1);
    // A repeat, after an answer that was lost, destroys nothing more.
    ledger.reset(&seen).await.unwrap();
    ledger.append_one(event("new")).await.unwrap();
    let error = ledger.reset(&seen).await.unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
    assert_eq!(log(ledger.as_ref()).await.len(), 1);
}

/// A reader whose position lies before the new beginning has missed events, and hears so; one that starts from the
/// beginning gets what there is.
pub async fn a_reader_of_the_old_epoch_is_told(backend: &dyn Backend) {
    let (ledger, reader) = (backend.open().await, backend.open().await);
    ledger.append_all(events("e", 5)).await.unwrap();
    let page = reader.read(&Read::after(Offset::ZERO)).await.unwrap();
    ledger.reset(&ledger.head().await.unwrap()).await.unwrap();
    ledger.append_all(events("new", 2)).await.unwrap();
    for read in [Read::after(offset(3)), Read::after(Offset::ZERO).resume(&page)] {
        let error = reader.read(&read).await.unwrap_err();
        assert!(matches!(error, Error::Reset { first, .. } if first == offset(6)), "{error:?}");
    }
    assert_eq!(ids(&reader.read(&Read::after(Offset::ZERO)).await.unwrap().events), ["new-0", "new-1"]);
    assert_eq!(ids(&reader.read(&Read::before(Offset::MAX)).await.unwrap().events), ["new-1", "new-0"]);
}

/// A follower that had seen everything still must not go on as if nothing had happened.
pub async fn a_follower_of_the_old_epoch_is_told(backend: &dyn Backend) {
    let (ledger, reader) = (backend.open().await, backend.open().await);
    ledger.append_one(event("e")).await.unwrap();
    let mut follower = reader.follow(Read::after(Offset::ZERO));
    assert_eq!(follower.next().await.unwrap().unwrap().offset, offset(1));
    let reset = async {
        ledger.reset(&ledger.head().await.unwrap()).await.unwrap();
        ledger.append_one(event("new")).await.unwrap();
    };
    let (seen, ()) = tokio::join!(follower.next(), reset);
    let error = seen.unwrap().unwrap_err();
    assert!(matches!(error, Error::Reset { epoch, .. } if epoch == Epoch::new(2)), "{error:?}");
}

/// An appender that decided on what it had read before cannot have its condition judged.
pub async fn a_condition_of_the_old_epoch_is_refused(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.append_all(events("e", 5)).await.unwrap();
    ledger.reset(&ledger.head().await.unwrap()).await.unwrap();
    let condition = |after| AppendCondition { fail_if: Filter::any().run(run("x")), after: offset(after) };
    let error = ledger.append_if(vec![event("a")], condition(3)).await.unwrap_err();
    assert!(matches!(error, Error::Reset { .. }), "{error:?}");
    let _ = ledger.append_if(vec![event("a")], condition(5)).await.unwrap();
    let _ = ledger.append_if(vec![event("b")], condition(0)).await.unwrap();
}
