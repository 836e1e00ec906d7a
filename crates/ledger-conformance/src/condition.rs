//! P6: a condition is judged in the same step as the insert.

use ledger_core::{AppendCondition, AppendOutcome, Error, Filter, LedgerExt, Offset, Position};

use crate::Backend;
use crate::events::{actor, event, full, id, ids, kind, log, model, offset, run, session};

fn unless(fail_if: Filter, after: u64) -> AppendCondition {
    AppendCondition { fail_if, after: offset(after) }
}

fn appended(at: u64) -> AppendOutcome {
    AppendOutcome::Appended(vec![Position::New(offset(at))])
}

/// Nobody wrote such an event: stored.
pub async fn an_append_whose_condition_holds_is_stored(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let condition = unless(Filter::any(), 0);
    assert_eq!(ledger.append_if(vec![event("a")], condition).await.unwrap(), appended(1));
    let condition = unless(Filter::any().run(run("other")), 0);
    assert_eq!(ledger.append_if(vec![event("b")], condition).await.unwrap(), appended(2));
}

/// Somebody did: nothing is stored, and the first such event is named.
pub async fn an_append_whose_condition_fails_stores_nothing_and_names_the_event(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.append_all(vec![event("a"), full("b"), full("c")]).await.unwrap();
    let condition = unless(Filter::any().kind(kind("llm.called")), 0);
    let outcome = ledger.append_if(vec![event("d"), event("e")], condition).await.unwrap();
    assert_eq!(outcome, AppendOutcome::ConditionFailed { offset: offset(2) });
    assert_eq!(ids(&log(ledger.as_ref()).await), ["a", "b", "c"]);
    assert_eq!(ledger.append_one(event("d")).await.unwrap(), Position::New(offset(4)));
}

/// What the appender had seen does not count.
pub async fn a_condition_looks_only_after_its_offset(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.append_all(vec![event("a"), event("b")]).await.unwrap();
    let fails = ledger.append_if(vec![event("c")], unless(Filter::any(), 1)).await.unwrap();
    assert_eq!(fails, AppendOutcome::ConditionFailed { offset: offset(2) });
    assert_eq!(ledger.append_if(vec![event("c")], unless(Filter::any(), 2)).await.unwrap(), appended(3));
}

/// A condition may name whatever a filter can.
pub async fn every_dimension_of_a_filter_is_judged(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.append_one(full("known")).await.unwrap();
    let any = Filter::any;
    let matching = [
        any().id(id("known")),
        any().run(run("run")),
        any().kind(kind("llm.called")),
        any().actor(actor("ann")),
        any().session(session("session")),
        any().model(model("model-1")),
        any().run(run("x")).run(run("run")).kind(kind("llm.called")),
    ];
    for filter in matching {
        let outcome = ledger.append_if(vec![event("new")], unless(filter.clone(), 0)).await.unwrap();
        assert_eq!(outcome, AppendOutcome::ConditionFailed { offset: offset(1) }, "{filter:?}");
    }
    let other = [
        any().id(id("unknown")),
        any().run(run("RUN")),
        any().kind(kind("llm.called")).actor(actor("bob")),
        any().session(session("session ")),
        any().model(model("model-2")),
    ];
    for (n, filter) in other.into_iter().enumerate() {
        let outcome = ledger.append_if(vec![event(&format!("new-{n}"))], unless(filter.clone(), 0)).await.unwrap();
        assert_eq!(outcome, appended(n as u64 + 2), "{filter:?}");
    }
}

/// The retry of an append whose answer was lost succeeds, although its own events now stand in its way.
pub async fn a_retry_is_answered_as_duplicate_before_its_condition_is_judged(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let condition = unless(Filter::any().run(run("run")), 0);
    let batch = || vec![event("a"), event("b")];
    let _ = ledger.append_if(batch(), condition.clone()).await.unwrap();
    let again = ledger.append_if(batch(), condition.clone()).await.unwrap();
    let known = vec![Position::Duplicate(offset(1)), Position::Duplicate(offset(2))];
    assert_eq!(again, AppendOutcome::Appended(known));
    let conflict = ledger.append_if(vec![event("a").with_turn(5)], condition).await.unwrap_err();
    assert!(matches!(conflict, Error::IdConflict { .. }), "{conflict:?}");
}

/// An appender that has seen more than there is looked at another ledger.
pub async fn a_condition_beyond_the_end_is_refused(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.append_one(event("a")).await.unwrap();
    for after in [offset(2), Offset::MAX] {
        let condition = AppendCondition { fail_if: Filter::any().run(run("x")), after };
        let error = ledger.append_if(vec![event("b")], condition).await.unwrap_err();
        assert!(matches!(error, Error::Beyond { last, .. } if last == offset(1)), "{error:?}");
    }
    assert_eq!(log(ledger.as_ref()).await.len(), 1);
}

/// Optimistic concurrency: of any number of writers that saw the same state, one wins.
pub async fn of_racing_appends_with_one_condition_exactly_one_succeeds(backend: &dyn Backend) {
    let ledger = backend.open().await;
    for round in 0..20 {
        let after = ledger.head().await.unwrap().extent.last;
        let mut racers = Vec::new();
        for racer in 0..8 {
            let handle = if racer % 2 == 0 { ledger.clone() } else { backend.open().await };
            racers.push(tokio::spawn(async move {
                let condition = AppendCondition { fail_if: Filter::any().run(run("run")), after };
                let outcome = handle.append_if(vec![event(&format!("{round}-{racer}"))], condition).await.unwrap();
                matches!(outcome, AppendOutcome::Appended(_))
            }));
        }
        let mut winners = 0;
        for racer in racers {
            winners += usize::from(racer.await.unwrap());
        }
        assert_eq!(winners, 1, "in round {round}");
    }
    assert_eq!(log(ledger.as_ref()).await.len(), 20);
}
