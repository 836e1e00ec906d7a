//! The story that the ledger is for: append, crash, go on; copy to one file; read it elsewhere.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use agent_ledger::{
    Actor, AppendCondition, AppendOutcome, ConsumerName, Event, EventId, EventKind, Filter, Ledger, LedgerExt, Offset,
    Payload, Read, RunId, open, restore, snapshot,
};
use futures_util::TryStreamExt;

fn step(n: u32) -> Event {
    let (run, kind) = (RunId::new("run-1").unwrap(), EventKind::new("agent.spoke").unwrap());
    let payload = Payload::of(&std::collections::BTreeMap::from([("step", n)])).unwrap();
    // The same step always has the same id, so a step that is repeated after a crash is stored once.
    let id = EventId::new(format!("run-1/step-{n}")).unwrap();
    Event::new(run, kind, Actor::new("ann").unwrap(), payload).with_turn(n).with_id(id)
}

#[tokio::test]
async fn a_runtime_crashes_and_goes_on_and_so_does_its_consumer() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("agent.db").display());
    let consumer = ConsumerName::new("dashboard").unwrap();

    // The runtime does three steps. The consumer is done with two of them when both die.
    let ledger = open(&url).await.unwrap();
    for n in 0..3 {
        ledger.append_one(step(n)).await.unwrap();
    }
    let seen: Vec<_> = ledger.tail(Read::after(Offset::ZERO)).try_collect().await.unwrap();
    ledger.reached(consumer.clone(), &seen[1]).await.unwrap();
    drop(ledger);

    // Another process does not know whether step 2 was stored, and does it again; then goes on.
    let ledger = open(&url).await.unwrap();
    assert!(!ledger.append_one(step(2)).await.unwrap().is_new());
    assert!(ledger.append_one(step(3)).await.unwrap().is_new());
    let from = ledger.resume(&consumer).await.unwrap();
    let rest: Vec<_> = ledger.tail(Read::after(from)).try_collect().await.unwrap();
    assert_eq!(rest.iter().map(|event| event.event.turn).collect::<Vec<_>>(), [2, 3]);
}

#[tokio::test]
async fn two_runtimes_that_resume_one_run_do_not_both_write_it() {
    let ledger = open("memory:").await.unwrap();
    ledger.append_one(step(0)).await.unwrap();
    let seen = ledger.head().await.unwrap().extent.last;
    let unless_somebody_wrote =
        AppendCondition { fail_if: Filter::any().run(RunId::new("run-1").unwrap()), after: seen };
    let first = ledger.append_if(vec![step(1)], unless_somebody_wrote.clone()).await.unwrap();
    assert!(matches!(first, AppendOutcome::Appended(_)));
    let second = ledger.append_if(vec![step(1).with_id(EventId::random())], unless_somebody_wrote).await.unwrap();
    assert_eq!(second, AppendOutcome::ConditionFailed { offset: seen.after() });
}

#[tokio::test]
async fn a_copy_is_one_file_and_a_ledger_again_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder.path().join("agent.db").to_string_lossy()).await.unwrap();
    ledger.extend((0..100).map(step)).await.unwrap();
    let file = folder.path().join("copy.db");
    snapshot(ledger.as_ref(), &file, &|_, _| ()).await.unwrap();
    let elsewhere = open("memory:").await.unwrap();
    restore(&file, elsewhere.as_ref(), &|_, _| ()).await.unwrap();
    let read = |ledger: std::sync::Arc<dyn Ledger>| async move {
        ledger.tail(Read::after(Offset::ZERO)).try_collect::<Vec<_>>().await.unwrap()
    };
    assert_eq!(read(elsewhere).await, read(ledger).await);
}
