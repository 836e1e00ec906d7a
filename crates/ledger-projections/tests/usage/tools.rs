//! Tools, turns, sessions and errors: the cases of the local analytics before ours, with its numbers.

use ledger_events::{Millis, SessionStarted, ToolCompleted, ToolStatus, TurnStatus};
use ledger_projections::usage::{Dimension, Limit, Sort, ToolRow, ToolSort, ToolsQuery, UsageQuery};
use ledger_projections::{Percentile, Zone};

use crate::setting::{
    all, at, call, failed, json, local, readers, said, session, tool_completed, tool_started, turn_completed, window,
    within_turn,
};

fn of_tool(n: i64, tool: &str, millis: f64, status: ToolStatus) -> ToolCompleted {
    let completed = tool_completed(&format!("{tool}{n}"), tool, (n, n), status);
    ToolCompleted { duration_ms: Some(Millis::new(millis).unwrap()), ..completed }
}

fn names(rows: &[ToolRow]) -> Vec<&str> {
    rows.iter().map(|row| row.tool.as_deref().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn percentiles_of_tools_are_the_nearest_rank_when_asked_for() {
    let mut events: Vec<_> = (1..=100).map(|n| said(&of_tool(n, "a", n as f64, ToolStatus::Success))).collect();
    events.extend((1..=20).map(|n| said(&of_tool(n, "b", n as f64, ToolStatus::Success))));
    events.push(said(&of_tool(7, "c", 7.0, ToolStatus::Success)));
    events.push(said(&tool_started("d", "d", 0)));
    let (_folder, readers) = readers(events).await;
    for reader in readers {
        let query = UsageQuery { percentile: Percentile::Disc, ..all() };
        let tools = reader.tools(&ToolsQuery { query, sort: ToolSort::Name, ..ToolsQuery::default() }).await.unwrap();
        let millis = |row: &ToolRow| row.duration.percentiles.map(|value| value.map(|micros| micros / 1_000.0));
        assert_eq!(millis(&tools.rows[0])[1..], [50.0, 95.0, 99.0].map(Some));
        assert_eq!(millis(&tools.rows[1])[1..3], [10.0, 19.0].map(Some));
        assert_eq!(millis(&tools.rows[2]), [Some(7.0); 4]);
        assert_eq!((millis(&tools.rows[3]), tools.rows[3].running), ([None; 4], 1));
        assert_eq!((tools.total.calls, tools.total.duration.n), (122, 121));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_counted_and_rated_and_tools_without_calls_are_named() {
    let mut events: Vec<_> = (0..100)
        .map(|n| said(&of_tool(n, "busy", 1.0, if n < 5 { ToolStatus::Error } else { ToolStatus::Success })))
        .collect();
    events.extend((0..2).map(|n| said(&of_tool(n, "broken", 900.0, ToolStatus::Error))));
    let (_folder, readers) = readers(events).await;
    for reader in readers {
        for (sort, first) in [
            ("calls", "busy"),
            ("name", "broken"),
            ("errors", "busy"),
            ("error_rate", "broken"),
            ("duration", "broken"),
            ("p95", "broken"),
            ("underused", "broken"),
        ] {
            let registered = vec!["busy".into(), "idle".into()];
            let question = ToolsQuery { sort: sort.parse().unwrap(), registered, ..ToolsQuery::default() };
            let tools = reader.tools(&question).await.unwrap();
            assert_eq!(names(&tools.rows)[0], first, "{sort}");
            assert_eq!(tools.never_used, ["idle"]);
            let row = |name| tools.rows.iter().find(|row| row.tool.as_deref() == Some(name)).unwrap();
            assert_eq!((row("busy").errors, row("busy").error_rate()), (5, Some(0.05)));
            assert_eq!((row("broken").errors, row("broken").error_rate()), (2, Some(1.0)));
            let often = ToolsQuery { min_calls: 3, ..question };
            assert_eq!(names(&reader.tools(&often).await.unwrap().rows), ["busy"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_tools_are_put_in_order_before_fifty_are_taken() {
    let mut events = Vec::new();
    for n in 0..60 {
        let calls = 60 - n;
        let status = |m| if n == 59 || m == 0 && n == 58 { ToolStatus::Error } else { ToolStatus::Success };
        events.extend((0..calls).map(|m| said(&of_tool(m, &format!("tool{n:02}"), 1.0, status(m)))));
    }
    let (_folder, readers) = readers(events).await;
    for reader in readers {
        for (sort, first) in
            [(ToolSort::ErrorRate, "tool59"), (ToolSort::Underused, "tool59"), (ToolSort::Calls, "tool00")]
        {
            let tools = reader.tools(&ToolsQuery { sort, ..ToolsQuery::default() }).await.unwrap();
            assert_eq!((names(&tools.rows)[0], tools.rows.len(), tools.of_rows), (first, 50, 60), "{sort:?}");
            assert_eq!(tools.total.calls, 60 * 61 / 2);
        }
        let registered = (0..61).map(|n| format!("tool{n:02}")).collect();
        let limit = Limit::new(1).unwrap();
        let tools = reader.tools(&ToolsQuery { registered, limit, ..ToolsQuery::default() }).await.unwrap();
        assert_eq!(tools.never_used, ["tool60"], "those beyond the limit were used");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_by_day_and_by_model() {
    let mut calls = vec![];
    for (at_time, tokens) in
        [("2026-03-01T10:00:00Z", (60, 40)), ("2026-03-01T23:59:59Z", (30, 20)), ("2026-03-02T00:00:00Z", (20, 10))]
    {
        let mut call = call("a", "analyze", 0, 1.0, tokens, 0.0);
        call.started_at = at(at_time);
        calls.push(said(&call));
    }
    let (_folder, readers) = readers(calls).await;
    for reader in readers {
        let by_day = reader.by_time(&all(), local("UTC", "day")).await.unwrap();
        let days: Vec<_> =
            by_day.rows.iter().map(|row| (row.key[0].1.clone().unwrap(), row.metrics.tokens.total())).collect();
        assert_eq!(days, [("2026-03-01".to_owned(), 150), ("2026-03-02".to_owned(), 30)]);
        let series = reader.series(&all(), local("UTC", "day")).await.unwrap();
        assert_eq!(series.rows.iter().map(|row| row.metrics.tokens.total()).collect::<Vec<_>>(), [150, 30]);
        let by_model = reader.by(&all(), Dimension::Model, None, Sort::Tokens, Limit::default()).await.unwrap();
        assert_eq!(by_model.rows[0].metrics.tokens.total(), 180);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_has_its_calls_turns_tools_and_workspace() {
    let events = vec![
        said(&within_turn("s", "t", call("a", "analyze", 10, 2_000.0, (10, 5), 0.5))),
        said(&within_turn("s", "t", failed(call("a", "analyze", 11, 1.0, (1, 0), 0.25), "Overloaded"))),
        said(&turn_completed("s", "t", (0, 60_000), TurnStatus::Completed)),
        said(&tool_completed("c", "read", (5_000, 6_000), ToolStatus::Success)),
        said(&SessionStarted {
            agent: Some("claude-code".into()),
            parent_session_id: Some("p".into()),
            ..session("s", "/home/me/demo")
        })
        .with_created_at(crate::setting::noon(-60)),
        said(&within_turn("other", "t", call("a", "analyze", -5, 1.0, (1, 1), 1.0))),
    ];
    let (_folder, readers) = readers(events).await;
    for reader in readers {
        let page = reader.sessions(&all(), false, Limit::default(), None).await.unwrap();
        let sessions: Vec<&str> = page.rows.iter().map(|row| row.session.as_str()).collect();
        assert_eq!(sessions, ["other", "s"], "those that began last come first");
        let row = &page.rows[1];
        assert_eq!((row.calls, row.failed, row.turns, row.tools), (2, 1, 1, 1));
        assert_eq!((row.cost_usd.to_string(), row.cost_ok_usd.to_string()), ("0.75".into(), "0.50".into()));
        assert_eq!(
            (row.tokens.total(), row.agent.as_deref(), row.parent.as_deref()),
            (16, Some("claude-code"), Some("p"))
        );
        assert_eq!(row.workspace.as_deref(), Some("/home/me/demo"));
        assert_eq!((row.first_at, row.last_at), (crate::setting::noon(-60), crate::setting::noon(60)));
        let turns = reader.turns(&all(), Limit::default(), None).await.unwrap().rows;
        assert_eq!((turns.len(), turns[0].calls, turns[0].failed), (1, 2, 1));
        assert_eq!((turns[0].duration_ms, turns[0].status.as_str()), (Some(60_000.0), "completed"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_by_status_and_class_the_most_frequent_first() {
    let mut events = vec![said(&call("a", "analyze", 0, 1.0, (1, 1), 1.0))];
    for n in 1..=3 {
        events.push(said(&failed(call("a", "analyze", n, 1.0, (1, 1), 0.5), "Overloaded")));
    }
    events.push(said(&failed(call("b", "analyze", 9, 1.0, (1, 1), 0.0), "Network")));
    let mut cancelled = call("b", "analyze", 9, 1.0, (1, 1), 0.125);
    cancelled.status = ledger_events::CallStatus::Cancelled;
    events.push(said(&cancelled));
    let (_folder, readers) = readers(events).await;
    for reader in readers {
        let errors = reader.errors(&all(), Limit::default()).await.unwrap();
        let rows: Vec<_> =
            errors.rows.iter().map(|row| (row.status.as_str(), row.error_class.as_deref(), row.calls)).collect();
        assert_eq!(rows, [("error", Some("Overloaded"), 3), ("cancelled", None, 1), ("error", Some("Network"), 1)]);
        assert_eq!((errors.calls, errors.failed, errors.rows[0].cost_usd.to_string()), (6, 5, "1.50".into()));
        assert_eq!(errors.rows[1].cost_usd.to_string(), "0.125", "what was cancelled is billed all the same");
        let one = reader.errors(&all(), Limit::new(1).unwrap()).await.unwrap();
        assert_eq!((one.rows.len(), one.of_rows, one.failed), (1, 3, 5));
        let document = json(errors.document(Zone::UTC));
        assert_eq!(document["total"], serde_json::json!({"calls": 6, "failed": 5, "error_rate": 5.0 / 6.0}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_in_pages_that_leave_nothing_out_and_repeat_nothing() {
    let mut events = Vec::new();
    for n in 0..25 {
        // Several that began at the same moment.
        let completed = turn_completed(&format!("s{n:02}"), "t", (n / 10 * 1_000, 60_000), TurnStatus::Completed);
        events.push(said(&completed));
    }
    let (_folder, readers) = readers(events).await;
    for reader in readers {
        for limit in [1, 4, 25, 26] {
            let limit = Limit::new(limit).unwrap();
            let (mut sessions, mut turns) = (Vec::new(), Vec::new());
            let mut after = None;
            loop {
                let page = reader.sessions(&all(), false, limit, after.as_ref()).await.unwrap();
                sessions.extend(page.rows.into_iter().map(|row| row.session));
                // As a text, as programs hand it on.
                after = page.next.map(|next| next.to_string().parse().unwrap());
                if after.is_none() {
                    break;
                }
            }
            loop {
                let page = reader.turns(&all(), limit, after.as_ref()).await.unwrap();
                turns.extend(page.rows.into_iter().map(|row| row.session));
                after = page.next.map(|next| next.to_string().parse().unwrap());
                if after.is_none() {
                    break;
                }
            }
            let expected: Vec<String> = (0..25).rev().map(|n| format!("s{n:02}")).collect();
            assert_eq!((sessions, turns), (expected.clone(), expected), "{limit:?}");
        }
        let later =
            ledger_projections::usage::UsageFilter::within(window(crate::setting::noon(1), crate::setting::noon(2)));
        let turns = reader.turns(&later.into(), Limit::default(), None).await.unwrap();
        assert_eq!(turns.rows.len(), 10);
    }
}
