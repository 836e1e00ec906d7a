//! What stays when rows are removed.

use ledger_core::Event;
use ledger_events::{LlmCall, ToolStatus};
use ledger_memory::MemoryLedger;
use ledger_projections::usage::{
    Counting, Dimension, Limit, Metrics, Sort, ToolRow, ToolsQuery, UsageFilter, UsageQuery, UsageReader,
};
use ledger_projections::{Database, Distribution, Window};
use tempfile::TempDir;

use crate::answers::{Answers, answers, everything};
use crate::generate::events;
use crate::setting::{
    all, append, at, call, catch_up, databases, ledger, local, projector, said, session, tool_completed,
    turn_completed, window, within_turn,
};

/// Rows of before the day of this are removed.
pub(crate) const REMOVED: &str = "2026-01-10T13:07:00Z";
pub(crate) const KEPT_FROM: &str = "2026-01-10T00:00:00Z";

/// The same ledger in each database.
pub(crate) async fn projected(events: Vec<Event>) -> (TempDir, Vec<Database>, MemoryLedger) {
    let (folder, databases) = databases();
    let ledger = ledger(events).await;
    for database in &databases {
        catch_up(database, &ledger, 1_000).await;
    }
    (folder, databases, ledger)
}

pub(crate) async fn remove(database: &Database, time: &str) -> u64 {
    projector(database, 1_000).remove_before(at(time)).await.unwrap()
}

fn without_shape(distribution: &Distribution) -> Distribution {
    Distribution { min: None, max: None, percentiles: [None; 4], ..*distribution }
}

fn sums(metrics: &Metrics) -> Metrics {
    let (duration, input_tokens) = (without_shape(&metrics.duration), without_shape(&metrics.input_tokens));
    Metrics { duration, input_tokens, output_tokens: without_shape(&metrics.output_tokens), ..metrics.clone() }
}

fn of_tool(row: &ToolRow) -> ToolRow {
    ToolRow { duration: without_shape(&row.duration), ..row.clone() }
}

/// Some filters that what is kept of removed rows can answer.
fn filters(window: Window) -> [UsageFilter; 4] {
    let filter = UsageFilter::within(window);
    [
        filter.clone(),
        UsageFilter { tenants: vec!["t0".into(), "T2".into()], models: vec!["large".into()], ..filter.clone() },
        UsageFilter { workspaces: vec!["/home/a/demo".into()], ..filter.clone() },
        UsageFilter { statuses: vec!["error".into()], ..filter },
    ]
}

/// Every sum there is to be had.
async fn totals(reader: &UsageReader, window: Window) -> Answers {
    let mut totals = Answers::default();
    let mut add = |question: &str, found: String| totals.0.push((format!("{question} in {window:?}"), found));
    for (filter, counting) in filters(window).into_iter().zip([Counting::All, Counting::Successful].repeat(2)) {
        let query = UsageQuery { filter, counting, ..all() };
        let dimensions = [Dimension::Tenant, Dimension::Operation, Dimension::Model, Dimension::Workspace];
        for dimension in dimensions {
            let inner = Some(Dimension::Status);
            let by = reader.by(&query, dimension, inner, Sort::Name, Limit::new(1_000).unwrap()).await.unwrap();
            let rows = by.rows.iter().chain([&by.total]);
            let inner = rows.clone().flat_map(|row| row.breakdown.iter().flatten());
            let rows: Vec<_> = rows.chain(inner).map(|row| (&row.key, sums(&row.metrics))).collect();
            add(&format!("by {dimension:?} {query:?}"), format!("{rows:?} {:?}", by.unpriced));
        }
        let series = reader.series(&query, local("Asia/Kathmandu", "day")).await.unwrap();
        let rows: Vec<_> = series.rows.iter().filter(|row| row.metrics.calls > 0).collect();
        add(&format!("series {query:?}"), format!("{rows:?} {:?}", series.total));
    }
    for filter in filters(window).into_iter().filter(|filter| filter.tenants.is_empty()) {
        let tools = reader.tools(&ToolsQuery { query: filter.into(), ..ToolsQuery::default() }).await.unwrap();
        let rows: Vec<_> = tools.rows.iter().chain([&tools.total]).map(of_tool).collect();
        add("tools", format!("{rows:?}"));
    }
    let counts = reader.counts(&UsageFilter::within(window).into()).await.unwrap();
    add("counts", format!("{:?}", (counts.calls, counts.invocations, counts.tools, counts.turns)));
    totals
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sum_over_whole_days_or_quarters_outlives_the_rows() {
    let (_folder, databases, _) = projected(events(21, 600)).await;
    let quarters = window(at("2025-11-01T10:15:00Z"), at("2026-02-01T07:45:00Z"));
    let days = window(at("2025-11-01T00:00:00Z"), at("2025-12-15T00:00:00Z"));
    for database in &databases {
        let reader = UsageReader::new(database.clone());
        let of_all = totals(&reader, Window::ALL).await;
        for (window, removed) in [(quarters, "2025-11-20T00:00:00Z"), (days, REMOVED)] {
            let before = totals(&reader, window).await;
            assert!(remove(database, removed).await > 50);
            before.assert_are(&totals(&reader, window).await, &format!("{database:?}"));
        }
        of_all.assert_are(&totals(&reader, Window::ALL).await, &format!("{database:?}"));
    }
}

async fn rows(database: &Database) -> i64 {
    let mut rows = 0;
    for table in ["usage_calls", "usage_tools", "usage_turns", "usage_sessions"] {
        rows += database.query(&format!("SELECT COUNT(*) FROM {table}")).await.unwrap().rows[0][0].int();
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_removed_once_and_nothing_is_that_is_not_old() {
    let (_folder, databases, _) = projected(events(22, 400)).await;
    for database in &databases {
        let before = rows(database).await;
        assert_eq!(remove(database, "2025-10-20T23:59:59Z").await, 0, "the day that has just begun");
        assert_eq!(rows(database).await, before);
        let removed = remove(database, REMOVED).await;
        assert_eq!(i64::try_from(removed).unwrap(), before - rows(database).await);
        for again in [REMOVED, KEPT_FROM, "2026-01-10T23:59:59Z", "2025-12-01T00:00:00Z"] {
            assert_eq!(remove(database, again).await, 0, "{again}");
        }
        let standing = projector(database, 1).standing().await.unwrap().unwrap();
        assert_eq!(standing.rows_removed_before, Some(at(KEPT_FROM)));
        for table in ["usage_calls", "usage_tools", "usage_turns"] {
            let kept = at(KEPT_FROM).as_micros();
            let old = format!("SELECT COUNT(*) FROM {table} WHERE started_at < {kept}");
            assert_eq!(database.query(&old).await.unwrap().rows[0][0].int(), 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_later_of_removed_time_is_passed_over_and_counted() {
    let usual = |second: i64| within_turn("s", "t", call("a", "analyze", second, 5.0, (1, 1), 1.0));
    let keyed = |call: LlmCall, revision| LlmCall { call_key: Some("k".into()), revision: Some(revision), ..call };
    let start = vec![said(&keyed(usual(0), 1)), said(&tool_completed("c", "read", (0, 9), ToolStatus::Success))];
    let (_folder, databases, ledger) = projected(start).await;
    let mut before = Vec::new();
    for database in &databases {
        assert_eq!(remove(database, "2026-03-02T12:00:00Z").await, 3);
        before.push(totals(&UsageReader::new(database.clone()), Window::ALL).await);
    }
    let late = vec![
        said(&keyed(LlmCall { operation: "summarize".into(), ..usual(1) }, 2)),
        said(&usual(2)),
        said(&tool_completed("c", "read", (0, 99), ToolStatus::Error)),
        said(&turn_completed("s", "t", (0, 9), ledger_events::TurnStatus::Completed)),
    ];
    append(&ledger, late).await;
    for (database, before) in databases.iter().zip(&before) {
        catch_up(database, &ledger, 1).await;
        let reader = UsageReader::new(database.clone());
        before.assert_are(&totals(&reader, Window::ALL).await, &format!("{database:?}"));
        assert_eq!(rows(database).await, 0);
        let passed_over = reader.counts(&all()).await.unwrap().passed_over;
        let passed_over: Vec<_> =
            passed_over["older than what is kept"].iter().map(|(kind, n)| (&**kind, *n)).collect();
        assert_eq!(passed_over, [("llm.called", 2), ("tool.completed", 1), ("turn.completed", 1)]);
    }
    append(&ledger, vec![said(&usual(86_400))]).await;
    for database in &databases {
        catch_up(database, &ledger, 1).await;
        let counts = UsageReader::new(database.clone()).counts(&all()).await.unwrap();
        assert_eq!((counts.calls, counts.sessions), (2, 1), "what is not old is taken in");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_stays_while_anything_of_it_does() {
    let day = 86_400;
    let of = |session: &str, second| said(&within_turn(session, "t", call("a", "analyze", second, 1.0, (1, 1), 1.0)));
    let told = |id: &str| said(&session(id, "/home/me")).with_created_at(at("2026-03-01T11:00:00Z"));
    let events =
        vec![told("old"), of("old", 0), told("both"), of("both", 0), of("both", day), told("new"), of("new", day)];
    let (_folder, databases, _) = projected(events).await;
    for database in &databases {
        let removed = remove(database, "2026-03-02T00:00:00Z").await;
        assert_eq!(removed, 3, "two calls and a session");
        let sessions =
            UsageReader::new(database.clone()).sessions(&all(), false, Limit::default(), None).await.unwrap();
        let found: Vec<_> = sessions.rows.iter().map(|row| (&*row.session, row.calls, row.first_at)).collect();
        let first = at("2026-03-01T11:00:00Z");
        assert_eq!(found, [("new", 1, first), ("both", 1, first)], "and when it began is still known");
        assert!(sessions.rows.iter().all(|row| row.workspace.as_deref() == Some("/home/me")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_brings_no_removed_rows_back_and_changes_no_answer() {
    let (_folder, databases, ledger) = projected(events(23, 200)).await;
    for database in &databases {
        remove(database, "2025-12-01T00:00:00Z").await;
        remove(database, REMOVED).await;
        let reader = UsageReader::new(database.clone());
        let (before, kept) = (answers(&reader, &everything()).await, rows(database).await);
        projector(database, 13).rebuild(&ledger, &|_, _| ()).await.unwrap();
        assert_eq!(rows(database).await, kept);
        before.assert_are(&answers(&reader, &everything()).await, &format!("{database:?}"));
        assert_eq!(remove(database, REMOVED).await, 0);
    }
}

/// The system before ours never removed what had no time, and lost what it removed from its sums.
#[tokio::test(flavor = "multi_thread")]
async fn calls_of_odd_times_are_removed_like_others_and_stay_in_the_sums() {
    let times = ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z"];
    let edges = ["2026-01-09T23:59:59.999999Z", KEPT_FROM, "9999-12-30T00:00:00Z"];
    let timed = |time: &str| LlmCall { started_at: at(time), ..call("a", "analyze", 0, 5.0, (1, 1), 1.0) };
    let (_folder, databases, _) = projected(times.iter().chain(&edges).map(|time| said(&timed(time))).collect()).await;
    for database in &databases {
        let reader = UsageReader::new(database.clone());
        let calls = async || {
            let mut calls = Vec::new();
            for until in ["1970-01-01T00:00:00Z", "1970-01-02T00:00:00Z", KEPT_FROM, "9999-12-31T00:00:00Z"] {
                let before = UsageFilter::within(Window::new(None, Some(at(until))).unwrap());
                let total = reader.stats(&before.into()).await.unwrap().total.metrics;
                assert_eq!(total.duration.percentiles, [Some(5_000.0); 4], "{until}");
                calls.push(total.calls);
            }
            calls
        };
        assert_eq!(calls().await, [2, 3, 4, 6]);
        assert_eq!(remove(database, REMOVED).await, 4);
        assert_eq!(calls().await, [2, 3, 4, 6]);
        assert_eq!(rows(database).await, 2);
    }
}
