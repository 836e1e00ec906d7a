//! Every filter means something for every question: each answer is compared with one that is computed without a database.

use std::collections::BTreeMap;

use ledger_projections::Percentile;
use ledger_projections::usage::{
    Dimension, Limit, Per, Sort, ToolSort, ToolsQuery, UsageFilter, UsageQuery, UsageReader,
};

use crate::answers::{everything, export, within};
use crate::facts::{Facts, Span};
use crate::figures::{assert_same, assert_same_shape, distribution, metrics, values};
use crate::generate::events;
use crate::setting::{catch_up, databases, ledger, local};

/// One for each field, and some that have several.
fn filters() -> Vec<UsageFilter> {
    let some = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let all = everything();
    vec![
        within(&all, "2025-11-01T00:00:00Z", "2026-01-15T10:01:00Z"),
        UsageFilter { tenants: some(&["t1", "t2 "]), ..all.clone() },
        UsageFilter { operations: some(&["analyze"]), ..all.clone() },
        UsageFilter { providers: some(&["openai", "nobody"]), ..all.clone() },
        UsageFilter { models: some(&["large", ""]), ..all.clone() },
        UsageFilter { sessions: some(&["s1", "s2", "s3"]), ..all.clone() },
        UsageFilter { turns: some(&["t1"]), ..all.clone() },
        UsageFilter { tools: some(&["read", "search"]), ..all.clone() },
        UsageFilter { workspaces: some(&["/home/a/demo"]), ..all.clone() },
        UsageFilter { statuses: some(&["ok", "success", "running"]), ..all.clone() },
        UsageFilter { statuses: some(&["error", "failed", "paused"]), ..all.clone() },
        UsageFilter { tenants: some(&["t0"]), models: some(&["small"]), tools: some(&["write"]), ..all.clone() },
        UsageFilter { tenants: some(&["it's \"quoted\" %_\\"]), ..all.clone() },
        UsageFilter {
            workspaces: some(&["/home/b/demo", r"C:\work\demo"]),
            statuses: some(&["ok", "error", "completed", "success"]),
            ..within(&all, "2025-12-01T00:00:00Z", "2026-02-01T00:00:00Z")
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_filter_is_honoured_by_every_question() {
    let events = events(7, 1_500);
    let facts = Facts::of(&events);
    let (_folder, databases) = databases();
    for database in &databases {
        catch_up(database, &ledger(events.clone()).await, 1_000).await;
        let reader = UsageReader::new(database.clone());
        for filter in filters() {
            let what = format!("{filter:?} in {database:?}");
            figures(&reader, &facts, &filter, &what).await;
            over_time(&reader, &facts, &filter, &what).await;
            tools(&reader, &facts, &filter, &what).await;
            lists(&reader, &facts, &filter, &what).await;
            errors_and_counts(&reader, &facts, &filter, &what).await;
            exported(&reader, &facts, &filter, &what).await;
        }
    }
}

async fn figures(reader: &UsageReader, facts: &Facts, filter: &UsageFilter, what: &str) {
    for per in [Per::Call, Per::Invocation] {
        let query = UsageQuery { per, ..filter.clone().into() };
        let calls = facts.calls_of(&query);
        let (dimension, inner) = (Dimension::Workspace, Some(Dimension::Status));
        let by = reader.by(&query, dimension, inner, Sort::Cost, Limit::default()).await.unwrap();
        assert_same(&by.total.metrics, &metrics(&calls, &query), what);
        assert_eq!(reader.stats(&query).await.unwrap().total.metrics, by.total.metrics, "{what}");
        let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for call in &calls {
            groups.entry((values(call, dimension), values(call, Dimension::Status))).or_default().push(*call);
        }
        let mut found = 0;
        for row in &by.rows {
            for inner in row.breakdown.as_ref().unwrap() {
                let name = (vec![row.key[0].1.clone()], vec![inner.key[0].1.clone()]);
                assert_same(&inner.metrics, &metrics(&groups[&name], &query), what);
                found += 1;
            }
        }
        assert_eq!(found, groups.len(), "{what}");
    }
}

async fn over_time(reader: &UsageReader, facts: &Facts, filter: &UsageFilter, what: &str) {
    let query = UsageQuery::from(filter.clone());
    let calls = facts.calls_of(&query);
    let series = reader.series(&query, local("UTC", "month")).await.unwrap();
    let by_time = reader.by_time(&query, local("UTC", "month")).await.unwrap();
    assert_eq!(series.total.calls as usize, calls.len(), "{what}");
    assert_same(&by_time.total.metrics, &metrics(&calls, &query), what);
    let mut months: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for call in calls {
        months.entry(call.said.started_at.to_string()[..7].to_owned()).or_default().push(call);
    }
    for row in series.rows.iter().filter(|row| row.metrics.calls > 0) {
        let expected = metrics(&months[&row.bucket.label], &query);
        let found = &row.metrics;
        assert_eq!(
            (found.calls, found.failed, found.invocations),
            (expected.calls, expected.failed, expected.invocations)
        );
        assert_eq!(
            (found.cost, found.cost_ok, found.tokens),
            (expected.cost, expected.cost_ok, expected.tokens),
            "{what}"
        );
        assert_eq!((found.duration.n, found.duration.total), (expected.duration.n, expected.duration.total), "{what}");
    }
    assert_eq!(by_time.rows.len(), months.len(), "{what}");
    for row in by_time.rows {
        assert_same(&row.metrics, &metrics(&months[row.key[0].1.as_ref().unwrap()], &query), what);
    }
}

async fn tools(reader: &UsageReader, facts: &Facts, filter: &UsageFilter, what: &str) {
    let query = UsageQuery { percentile: Percentile::Disc, ..filter.clone().into() };
    let question = ToolsQuery { query, sort: ToolSort::Name, ..ToolsQuery::default() };
    let tools = reader.tools(&question).await.unwrap();
    let mut by_name: BTreeMap<&str, Vec<&Span>> = BTreeMap::new();
    for span in facts.spans_of(filter, true) {
        by_name.entry(&span.tool).or_default().push(span);
    }
    assert_eq!(tools.rows.len(), by_name.len(), "{what}");
    for (row, (name, spans)) in tools.rows.iter().zip(by_name) {
        let with = |status: &str| spans.iter().filter(|span| span.status == status).count() as i64;
        assert_eq!((row.tool.as_deref(), row.calls as usize), (Some(name), spans.len()), "{what}");
        assert_eq!((row.errors, row.running), (with("error"), with("running")), "{what}");
        let expected = distribution(spans.iter().filter_map(|span| span.duration_us).collect(), Percentile::Disc);
        assert_eq!((row.duration.n, row.duration.total), (expected.n, expected.total), "{what}");
        assert_eq!((row.duration.min, row.duration.max), (expected.min, expected.max), "{what}");
        assert_same_shape(&row.duration, &expected, what);
    }
}

async fn lists(reader: &UsageReader, facts: &Facts, filter: &UsageFilter, what: &str) {
    let query = UsageQuery::from(filter.clone());
    let page = reader.sessions(&query, false, Limit::new(1_000).unwrap(), None).await.unwrap();
    let found: Vec<&str> = page.rows.iter().map(|row| row.session.as_str()).collect();
    assert_eq!(found, facts.sessions_of(filter), "{what}");
    let calls = facts.calls_of(&query);
    let (tools, turns) = (facts.spans_of(filter, true), facts.spans_of(filter, false));
    for row in &page.rows {
        let own: Vec<_> =
            calls.iter().filter(|call| call.said.session_id.as_ref() == Some(&row.session)).copied().collect();
        let expected = metrics(&own, &query);
        assert_eq!((row.calls, row.failed, row.cost_usd), (expected.calls, expected.failed, expected.cost), "{what}");
        let count = |spans: &[&Span]| spans.iter().filter(|span| span.session == row.session).count() as i64;
        assert_eq!((row.tools, row.turns), (count(&tools), count(&turns)), "{what}");
        let session = &facts.sessions[&row.session];
        assert_eq!((row.first_at.as_micros(), row.last_at.as_micros()), (session.first_at, session.last_at), "{what}");
    }
    let page = reader.turns(&query, Limit::new(1_000).unwrap(), None).await.unwrap();
    assert_eq!(page.rows.len(), turns.len(), "{what}");
    let named = |span: &Span| (span.started_at, span.session.clone(), span.turn.clone(), span.status.clone());
    let mut expected: Vec<_> = turns.into_iter().map(named).collect();
    let mut found: Vec<_> =
        page.rows.into_iter().map(|row| (row.started_at.as_micros(), row.session, row.turn, row.status)).collect();
    assert!(found.is_sorted_by_key(|turn| std::cmp::Reverse(turn.0)), "{what}");
    expected.sort();
    found.sort();
    assert_eq!(found, expected, "{what}");
}

async fn errors_and_counts(reader: &UsageReader, facts: &Facts, filter: &UsageFilter, what: &str) {
    let query = UsageQuery::from(filter.clone());
    let calls = facts.calls_of(&query);
    let errors = reader.errors(&query, Limit::default()).await.unwrap();
    let mut classes: BTreeMap<(String, Option<String>), i64> = BTreeMap::new();
    for call in calls.iter().filter(|call| call.said.status.as_str() != "ok") {
        *classes.entry((call.said.status.to_string(), call.said.error_class.clone())).or_default() += 1;
    }
    let found = errors.rows.into_iter().map(|row| ((row.status, row.error_class), row.calls)).collect();
    assert_eq!((classes.values().sum::<i64>(), classes), (errors.failed, found), "{what}");
    let counts = reader.counts(&query).await.unwrap();
    let expected = [calls.len(), facts.spans_of(filter, true).len(), facts.spans_of(filter, false).len()];
    assert_eq!([counts.calls, counts.tools, counts.turns].map(|n| n as usize), expected, "{what}");
    assert_eq!(counts.invocations, metrics(&calls, &query).invocations, "{what}");
}

async fn exported(reader: &UsageReader, facts: &Facts, filter: &UsageFilter, what: &str) {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for object in export(reader, filter).await {
        *found.entry(object["type"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let expected = [
        ("call", facts.calls_of(&filter.clone().into()).len()),
        ("tool", facts.spans_of(filter, true).len()),
        ("turn", facts.spans_of(filter, false).len()),
        ("session", facts.sessions_of(filter).len()),
    ];
    let expected = expected.into_iter().filter(|(_, n)| *n > 0).map(|(name, n)| (name.to_owned(), n));
    assert_eq!(found, expected.collect(), "{what}");
}
