//! The shared cases of the system that this contract descends from (multi-agent-land), with their numbers.

use futures_util::TryStreamExt;
use ledger_core::{Event, Filter, LedgerExt, Offset, Read};

use crate::Backend;
use crate::events::{event, events, id, ids, kind, log, matching, offset, offsets, payload, run, session};

/// Append, then read.
pub async fn append_and_read(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let sent = event("e");
    ledger.append_one(sent.clone()).await.unwrap();
    assert_eq!(log(ledger.as_ref()).await[0].event, sent);
}

/// The same id twice is one event.
pub async fn append_is_idempotent_on_id(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.append_one(event("e")).await.unwrap();
    ledger.append_one(event("e")).await.unwrap();
    assert_eq!(log(ledger.as_ref()).await.len(), 1);
}

/// Events come in the order of their appends.
pub async fn order_is_kept(backend: &dyn Backend) {
    let ledger = backend.open().await;
    for name in ["c", "a", "b"] {
        ledger.append_one(event(name)).await.unwrap();
    }
    assert_eq!(ids(&log(ledger.as_ref()).await), ["c", "a", "b"]);
}

/// `extend` appends any iterator.
pub async fn extend_appends_all(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.extend(events("e", 3)).await.unwrap();
    assert_eq!(ids(&log(ledger.as_ref()).await), ["e-0", "e-1", "e-2"]);
}

/// `[e, e]` is one event.
pub async fn extend_drops_repeats(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.extend([event("e"), event("e")]).await.unwrap();
    assert_eq!(log(ledger.as_ref()).await.len(), 1);
}

/// After a reset there is nothing.
pub async fn reset_clears(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.extend(events("e", 3)).await.unwrap();
    ledger.reset(&ledger.head().await.unwrap()).await.unwrap();
    assert!(log(ledger.as_ref()).await.is_empty());
    assert!(ledger.all_runs().await.unwrap().is_empty());
}

/// And an id may come again.
pub async fn reset_allows_the_same_id(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.append_one(event("e")).await.unwrap();
    ledger.reset(&ledger.head().await.unwrap()).await.unwrap();
    assert!(ledger.append_one(event("e")).await.unwrap().is_new());
    assert_eq!(log(ledger.as_ref()).await.len(), 1);
}

/// `{n: 7, tags: [x]}`.
pub async fn a_payload_round_trips(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let sent = payload(r#"{"n":7,"tags":["x"]}"#);
    ledger.append_one(Event { payload: sent.clone(), ..event("e") }).await.unwrap();
    assert_eq!(log(ledger.as_ref()).await[0].event.payload, sent);
}

/// Turn 42, through another handle.
pub async fn an_event_survives_reopen(backend: &dyn Backend) {
    backend.open().await.append_one(event("e").with_turn(42)).await.unwrap();
    assert_eq!(log(backend.open().await.as_ref()).await[0].event.turn, 42);
}

/// `tail(3)` of 6 gives 3.
pub async fn tail_after_three_of_six_gives_three(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.extend(events("e", 6)).await.unwrap();
    let seen: Vec<_> = ledger.tail(Read::after(offset(3))).try_collect().await.unwrap();
    assert_eq!(offsets(&seen), [4, 5, 6]);
}

/// The latest offset is 0 before the first event and 4 after four.
pub async fn the_head_is_four_after_four(backend: &dyn Backend) {
    let ledger = backend.open().await;
    assert_eq!(ledger.head().await.unwrap().extent.last, Offset::ZERO);
    ledger.extend(events("e", 4)).await.unwrap();
    assert_eq!(ledger.head().await.unwrap().extent.last, offset(4));
}

/// Two runs, interleaved: listed in the order of their first events, each with its own ids.
pub async fn interleaved_runs_are_told_apart(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let plan = ["A", "B", "A", "A", "B"];
    let batch = plan.iter().enumerate().map(|(n, name)| Event { run_id: run(name), ..event(&format!("e-{n}")) });
    ledger.extend(batch.collect::<Vec<_>>()).await.unwrap();
    let runs: Vec<_> = ledger.all_runs().await.unwrap().into_iter().map(|run| run.run_id.to_string()).collect();
    assert_eq!(runs, ["A", "B"]);
    let oracle = |name: &str| {
        plan.iter().enumerate().filter(|(_, run)| **run == name).map(|(n, _)| format!("e-{n}")).collect::<Vec<_>>()
    };
    for name in ["A", "B"] {
        let of_run: Vec<_> = ledger.events_for_run(run(name)).try_collect().await.unwrap();
        assert_eq!(ids(&of_run), oracle(name));
    }
}

/// On every event of a session, and absent where there is none.
pub async fn sessions_are_kept(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.extend([event("a").with_session(session("sess-1")), event("b")]).await.unwrap();
    let log = log(ledger.as_ref()).await;
    assert_eq!(log[0].event.session_id, Some(session("sess-1")));
    assert_eq!(log[1].event.session_id, None);
    assert_eq!(ids(&matching(ledger.as_ref(), Filter::any().session(session("sess-1"))).await), ["a"]);
    assert!(ledger.find(id("b")).await.unwrap().is_some());
}

/// Kinds are an open set.
pub async fn custom_kinds_are_accepted(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let core = [
        "run.started",
        "run.finished",
        "world.observed",
        "agent.thought",
        "agent.spoke",
        "agent.reflected",
        "judge.verdict",
        "user.injected",
        "my.own.kind",
    ];
    let batch = core.iter().map(|name| Event { kind: kind(name), ..event(name) });
    ledger.extend(batch.collect::<Vec<_>>()).await.unwrap();
    assert_eq!(log(ledger.as_ref()).await.len(), core.len());
}
