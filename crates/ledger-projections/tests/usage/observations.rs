//! One fact that several events tell of, in any order: what the local analytics before ours got wrong.

use ledger_core::{Event, EventId};
use ledger_events::{LlmCall, Millis, ToolStatus, TurnStatus};
use ledger_projections::usage::{Limit, ToolsQuery, UsageReader};

use crate::setting::{
    all, call, ledger, noon, noon_millis, of, projector, raw, readers, said, tool_completed, tool_started,
    turn_completed, turn_started,
};

/// With ids in the order of the alphabet, so that equal revisions are told apart.
fn named(events: Vec<Event>) -> Vec<Event> {
    let id = |n: usize| EventId::new(format!("e{n:03}")).unwrap();
    events.into_iter().enumerate().map(|(n, event)| event.with_id(id(n))).collect()
}

/// The only tool: calls, errors, running, milliseconds.
async fn tool(reader: &UsageReader) -> (i64, i64, i64, Option<f64>) {
    let row = reader.tools(&ToolsQuery::default()).await.unwrap().rows.remove(0);
    (row.calls, row.errors, row.running, row.duration.percentiles[1].map(|micros| micros / 1_000.0))
}

/// The only turn: status, error class, milliseconds.
async fn turn(reader: &UsageReader) -> (String, Option<String>, Option<f64>) {
    let mut turns = reader.turns(&all(), Limit::default(), None).await.unwrap().rows;
    assert_eq!(turns.len(), 1);
    let turn = turns.remove(0);
    (turn.status, turn.error_class, turn.duration_ms)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_ends_after_it_began_took_what_lies_between_in_any_order() {
    let start = said(&tool_started("c", "read", 1_000));
    let end = said(&tool_completed("c", "read", (1_000, 1_125), ToolStatus::Success));
    // Who tells the end may know a later beginning than who tells the beginning.
    let late = said(&tool_completed("c", "read", (1_100, 1_125), ToolStatus::Success));
    for events in [vec![start.clone(), end.clone()], vec![end.clone(), start.clone()], vec![end], vec![late, start]] {
        let (_folder, readers) = readers(events).await;
        for reader in readers {
            assert_eq!(tool(&reader).await, (1, 0, 0, Some(125.0)));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_again_counts_once() {
    let end = tool_completed("c", "read", (1_000, 1_125), ToolStatus::Success);
    let mut keyed = call("a", "analyze", 0, 1.0, (10, 5), 1.0);
    keyed.call_key = Some("msg".into());
    let events = vec![
        said(&tool_started("c", "read", 1_000)),
        said(&end),
        said(&tool_started("c", "read", 1_000)),
        said(&end),
        said(&turn_completed("s", "t", (0, 10), TurnStatus::Completed)),
        said(&turn_completed("s", "t", (0, 10), TurnStatus::Completed)),
        said(&keyed),
        said(&keyed),
    ];
    let (_folder, readers) = readers(events).await;
    for reader in readers {
        assert_eq!(tool(&reader).await, (1, 0, 0, Some(125.0)));
        let counts = reader.counts(&all()).await.unwrap();
        assert_eq!((counts.calls, counts.tools, counts.turns), (1, 1, 1));
        assert_eq!(reader.stats(&all()).await.unwrap().total.metrics.tokens.total(), 15);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_never_runs_again_and_ends_in_one_way_in_any_order() {
    let completed = said(&turn_completed("s", "t", (0, 10), TurnStatus::Completed));
    let failed = said(&turn_completed("s", "t", (0, 20), TurnStatus::Failed));
    let started = said(&turn_started("s", "t", 0));
    let events = named(vec![completed, failed, started]);
    for order in [[0, 1, 2], [1, 0, 2], [2, 1, 0], [1, 2, 0]] {
        let (_folder, readers) = readers(order.map(|n| events[n].clone()).to_vec()).await;
        for reader in readers {
            assert_eq!(turn(&reader).await, ("completed".into(), None, Some(10.0)), "{order:?}");
        }
    }
    let error = said(&tool_completed("c", "read", (0, 10), ToolStatus::Error));
    let events = named(vec![error, said(&tool_completed("c", "read", (0, 10), ToolStatus::Success))]);
    for order in [[0, 1], [1, 0]] {
        let (_folder, readers) = readers(order.map(|n| events[n].clone()).to_vec()).await;
        for reader in readers {
            assert_eq!(tool(&reader).await, (1, 1, 0, Some(10.0)), "an error stays one, in any order");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_highest_revision_counts_and_then_the_smallest_id() {
    let observed = |revision, output| {
        let mut call = call("a", "analyze", 0, 1.0, (10, output), 1.0);
        (call.call_key, call.revision) = (Some("msg".into()), revision);
        said(&call)
    };
    let events = named(vec![observed(Some(2), 436), observed(Some(1), 8), observed(Some(2), 500), observed(None, 1)]);
    let turns = named(vec![
        said(&ledger_events::TurnCompleted {
            revision: Some(1),
            ..turn_completed("s", "t", (0, 10), TurnStatus::Failed)
        }),
        said(&ledger_events::TurnCompleted {
            revision: Some(2),
            ..turn_completed("s", "t", (0, 30), TurnStatus::Completed)
        }),
    ]);
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
        let calls = order.map(|n| events[n].clone());
        let (_folder, calls) = readers(calls.to_vec()).await;
        for reader in calls {
            let metrics = reader.stats(&all()).await.unwrap().total.metrics;
            assert_eq!((metrics.calls, metrics.tokens.output), (1, 436), "{order:?}");
        }
    }
    for turns in [turns.clone(), turns.iter().rev().cloned().collect()] {
        let ids = ["f1", "f2"].map(|id| EventId::new(id).unwrap());
        let turns = turns.into_iter().zip(ids).map(|(event, id)| event.with_id(id)).collect();
        let (_folder, readers) = readers(turns).await;
        for reader in readers {
            assert_eq!(turn(&reader).await, ("completed".into(), None, Some(30.0)));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_earliest_beginning_counts_whoever_tells_it() {
    let end = said(&turn_completed("s", "t", (500, 1_000), TurnStatus::Completed));
    let (first, later) = (said(&turn_started("s", "t", 200)), said(&turn_started("s", "t", 700)));
    for events in [[later.clone(), first.clone(), end.clone()], [end, first, later]] {
        let (_folder, readers) = readers(events.to_vec()).await;
        for reader in readers {
            let turns = reader.turns(&all(), Limit::default(), None).await.unwrap();
            assert_eq!(turns.rows[0].started_at, noon_millis(200));
            assert_eq!(turns.rows[0].duration_ms, Some(800.0));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_without_a_beginning_keeps_its_error_and_a_clock_that_went_back_took_no_time() {
    let mut end = tool_completed("c", "read", (1_000, 400), ToolStatus::Error);
    let (_folder, back) = readers(vec![said(&end)]).await;
    for reader in back {
        assert_eq!(tool(&reader).await, (1, 1, 0, Some(0.0)));
    }
    end.duration_ms = Some(Millis::new(7.5).unwrap());
    let (_folder, measured) = readers(vec![said(&end), said(&tool_started("c", "read", 0))]).await;
    for reader in measured {
        assert_eq!(tool(&reader).await, (1, 1, 0, Some(7.5)), "what was measured counts before what lies between");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_and_partial_turns_do_not_run_for_ever() {
    for status in [TurnStatus::Interrupted, TurnStatus::Partial, TurnStatus::Other("paused".into())] {
        let end = turn_completed("s", "t", (0, 10), status.clone());
        let (_folder, readers) = readers(vec![said(&end), said(&turn_started("s", "t", 0))]).await;
        for reader in readers {
            assert_eq!(turn(&reader).await, (status.to_string(), None, Some(10.0)));
        }
    }
}

fn keyed(key: &str, replaces: Option<&str>) -> LlmCall {
    let mut call = call("a", "analyze", 0, 1.0, (1, 1), 1.0);
    call.call_key = Some(key.into());
    call.replaces_keys = replaces.map(Into::into).into_iter().collect();
    call
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_under_a_better_key_does_not_count_in_any_order() {
    let events = [keyed("m", None), keyed("m:r1", Some("m")), keyed("m:r2", Some("m"))].map(|call| said(&call));
    for order in [[0, 1, 2], [1, 2, 0], [2, 0, 1]] {
        let events = order.map(|n| events[n].clone());
        // Within one page, and in pages of their own.
        let (_folder, databases) = crate::setting::databases();
        let ledger = ledger(events.to_vec()).await;
        for database in &databases {
            for page in [1, 3] {
                projector(database, page).rebuild(&ledger, &|_, _| ()).await.unwrap();
                let reader = UsageReader::new(database.clone());
                assert_eq!(reader.stats(&all()).await.unwrap().total.metrics.calls, 2, "{order:?} by {page}");
                assert_eq!(reader.counts(&all()).await.unwrap().calls, 2);
            }
        }
    }
}

/// The key of a call without one is the id of its event: that can be replaced as any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_a_key_can_be_known_under_a_better_one_in_any_order() {
    let bare = said(&call("a", "analyze", 0, 1.0, (1, 1), 1.0)).with_id(EventId::new("bare").unwrap());
    let better = said(&keyed("bare:r1", Some("bare")));
    let (_folder, databases) = crate::setting::databases();
    for events in [vec![bare.clone(), better.clone()], vec![better, bare]] {
        let mut latest = ledger_events::Latest::<LlmCall>::default();
        events.iter().for_each(|event| latest.observe_event(event).unwrap());
        assert_eq!(latest.values().count(), 1);
        let ledger = ledger(events).await;
        for database in &databases {
            for page in [1, 2] {
                projector(database, page).rebuild(&ledger, &|_, _| ()).await.unwrap();
                let stats = UsageReader::new(database.clone()).stats(&all()).await.unwrap();
                assert_eq!(stats.total.metrics.calls, 1, "by {page}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_call_of_an_invocation_may_be_told_last_or_taken_back() {
    let mut first = of("A", keyed("first", None));
    first.started_at = noon(-1_000);
    let second = of("A", keyed("second", None));
    let mut moved = LlmCall { revision: Some(1), ..first.clone() };
    moved.started_at = noon(1_000);
    let (_folder, databases) = crate::setting::databases();
    for database in &databases {
        let ledger = ledger(vec![said(&second), said(&first)]).await;
        projector(database, 1).rebuild(&ledger, &|_, _| ()).await.unwrap();
        let reader = UsageReader::new(database.clone());
        let invocations = async |since, until| {
            let query = crate::setting::within(since, until);
            let series = reader.series(&query, crate::setting::local("UTC", "15m")).await.unwrap().total.invocations;
            assert_eq!(reader.stats(&query).await.unwrap().total.metrics.invocations, series);
            series
        };
        assert_eq!((invocations(-1_800, -900).await, invocations(-900, 900).await), (1, 0));
        crate::setting::append(&ledger, vec![said(&moved)]).await;
        projector(database, 1).catch_up(&ledger, &|_, _| ()).await.unwrap();
        assert_eq!((invocations(-1_800, -900).await, invocations(-900, 900).await), (0, 1));
        assert_eq!(invocations(900, 1_800).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_understood_is_passed_over_and_counted() {
    let events = vec![
        raw("llm.called", "{}"),
        raw("llm.called", r#"{"tenant_id":"t"}"#),
        raw("tool.started", "{}"),
        raw("llm.invented", r#"{"tenant_id":"t"}"#),
        said(&call("a", "analyze", 0, 1.0, (1, 1), 1.0)),
    ];
    let (_folder, readers) = readers(events).await;
    for reader in readers {
        let counts = reader.counts(&all()).await.unwrap();
        assert_eq!((counts.calls, counts.tools), (1, 0));
        let passed_over = &counts.passed_over["not understood"];
        assert_eq!((passed_over["llm.called"], passed_over["tool.started"], passed_over.len()), (2, 1, 2));
    }
}
