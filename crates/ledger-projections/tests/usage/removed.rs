//! What an answer says about removed rows, and how near its percentiles are.

use ledger_projections::usage::{
    Basis, Dimension, Limit, Metrics, Per, SKETCH_ERROR, Sort, ToolRow, ToolsAnswer, ToolsQuery, UsageAnswer,
    UsageFilter, UsageQuery, UsageReader,
};
use ledger_projections::{Distribution, Percentile, Window};

use crate::answers::everything;
use crate::generate::events;
use crate::retention::{KEPT_FROM, REMOVED, projected, remove};
use crate::setting::{all, at, local, window};

/// Over removed and kept rows, over removed ones, and over all.
fn windows() -> [Window; 3] {
    let since = at("2025-11-01T00:00:00Z");
    [window(since, at("2026-02-01T07:21:00Z")), window(since, at("2025-12-15T00:00:00Z")), Window::ALL]
}

fn kept() -> UsageFilter {
    UsageFilter::within(Window::new(Some(at(KEPT_FROM)), None).unwrap())
}

async fn by(reader: &UsageReader, query: &UsageQuery, dimension: Dimension) -> UsageAnswer {
    reader.by(query, dimension, None, Sort::Name, Limit::new(1_000).unwrap()).await.unwrap()
}

async fn tools(reader: &UsageReader, query: &UsageQuery) -> ToolsAnswer {
    reader.tools(&ToolsQuery { query: query.clone(), ..ToolsQuery::default() }).await.unwrap()
}

/// That percentiles are as near to exact ones as is promised, and all else is the same.
#[track_caller]
fn assert_near(found: &Distribution, exact: &Distribution, what: &str) {
    let rest = |distribution: &Distribution| Distribution { percentiles: [None; 4], ..*distribution };
    assert_eq!(rest(found), rest(exact), "{what}");
    for (found, exact) in found.percentiles.into_iter().zip(exact.percentiles) {
        let is_near = match (found, exact) {
            (Some(found), Some(exact)) => (found - exact).abs() <= SKETCH_ERROR * exact + 1e-9,
            (found, exact) => found == exact,
        };
        assert!(is_near, "{what}: {found:?} is not near {exact:?}");
    }
}

fn shapes(metrics: &Metrics) -> [&Distribution; 3] {
    [&metrics.duration, &metrics.input_tokens, &metrics.output_tokens]
}

#[track_caller]
fn assert_sketched(basis: &Basis) {
    assert_eq!((basis.percentiles.method, basis.percentiles.relative_error), ("three_digits", SKETCH_ERROR));
    assert_eq!((basis.rows_removed_before, basis.notes.len()), (Some(at(KEPT_FROM)), 0), "{:?}", basis.notes);
}

#[tokio::test(flavor = "multi_thread")]
async fn percentiles_that_removed_rows_take_part_in_are_near_the_exact_ones_and_say_so() {
    let (_folder, databases, _) = projected(events(31, 900)).await;
    let dimensions = [Dimension::Operation, Dimension::Status, Dimension::Workspace];
    let queries = windows().into_iter().zip([Percentile::Cont, Percentile::Disc, Percentile::Cont]);
    let queries: Vec<_> =
        queries.map(|(window, percentile)| UsageQuery { percentile, ..UsageFilter::within(window).into() }).collect();
    for database in &databases {
        let reader = UsageReader::new(database.clone());
        let mut exact = Vec::new();
        for query in &queries {
            for dimension in dimensions {
                exact.push(by(&reader, query, dimension).await);
            }
            exact.iter().for_each(|answer| assert_eq!(answer.basis.percentiles.method, "exact"));
        }
        assert!(remove(database, REMOVED).await > 100);
        let mut exact = exact.into_iter();
        for query in &queries {
            for dimension in dimensions {
                let (found, exact) = (by(&reader, query, dimension).await, exact.next().unwrap());
                assert_sketched(&found.basis);
                assert_eq!(found.rows.len(), exact.rows.len());
                let rows = |answer: &UsageAnswer| [answer.rows.clone(), vec![answer.total.clone()]].concat();
                for (found, exact) in rows(&found).iter().zip(&rows(&exact)) {
                    let what = format!("{database:?} {query:?} {:?}", exact.key);
                    assert_eq!(found.key, exact.key, "{what}");
                    for (found, exact) in shapes(&found.metrics).into_iter().zip(shapes(&exact.metrics)) {
                        assert_near(found, exact, &what);
                    }
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn percentiles_of_tools_are_near_the_exact_ones_too() {
    let (_folder, databases, _) = projected(events(32, 900)).await;
    for database in &databases {
        let reader = UsageReader::new(database.clone());
        let queries = windows().map(|window| UsageQuery::from(UsageFilter::within(window)));
        let mut exact = Vec::new();
        for query in &queries {
            exact.push(tools(&reader, query).await);
        }
        assert!(remove(database, REMOVED).await > 100);
        for (query, exact) in queries.iter().zip(exact) {
            let found = tools(&reader, query).await;
            assert_sketched(&found.basis);
            let counts = |row: &ToolRow| (row.tool.clone(), row.calls, row.errors, row.running);
            assert_eq!(found.rows.len(), exact.rows.len());
            for (found, exact) in found.rows.iter().chain([&found.total]).zip(exact.rows.iter().chain([&exact.total])) {
                assert_eq!(counts(found), counts(exact));
                assert_near(&found.duration, &exact.duration, &format!("{database:?} {query:?} {:?}", exact.tool));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_about_kept_rows_only_stay_exact() {
    let (_folder, databases, _) = projected(events(33, 600)).await;
    for database in &databases {
        let reader = UsageReader::new(database.clone());
        let query = UsageQuery::from(kept());
        let dimensions = [Dimension::Tenant, Dimension::Session, Dimension::Turn];
        let mut before = Vec::new();
        for dimension in dimensions {
            before.push(by(&reader, &query, dimension).await);
        }
        let tools_before = tools(&reader, &query).await;
        remove(database, REMOVED).await;
        for (dimension, before) in dimensions.into_iter().zip(before) {
            let after = by(&reader, &query, dimension).await;
            assert_eq!((&after.basis.percentiles.method, after.basis.notes.len()), (&"exact", 0));
            assert_eq!((after.rows, after.total, after.unpriced), (before.rows, before.total, before.unpriced));
        }
        let after = tools(&reader, &query).await;
        assert_eq!((after.rows, after.total), (tools_before.rows, tools_before.total));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_removed_day_has_no_percentiles_and_a_note() {
    let (_folder, databases, _) = projected(events(34, 600)).await;
    let query = UsageQuery::from(UsageFilter::within(window(at("2025-11-01T10:15:00Z"), at("2026-02-01T00:00:00Z"))));
    let odd = UsageQuery::from(UsageFilter::within(window(at("2025-11-01T10:16:00Z"), at("2026-02-01T00:00:00Z"))));
    for database in &databases {
        let reader = UsageReader::new(database.clone());
        let before = reader.stats(&query).await.unwrap().total.metrics;
        remove(database, REMOVED).await;
        let stats = reader.stats(&query).await.unwrap();
        for (found, before) in shapes(&stats.total.metrics).into_iter().zip(shapes(&before)) {
            let expected = Distribution { min: None, max: None, percentiles: [None; 4], ..*before };
            assert_eq!(*found, expected);
        }
        assert_eq!(stats.basis.notes.len(), 1);
        assert!(stats.basis.notes[0].contains("percentiles and extremes of parts of days are not kept"));
        let notes = reader.stats(&odd).await.unwrap().basis.notes;
        assert!(notes.contains(&"of removed rows, a quarter of an hour counts where it begins".into()), "{notes:?}");
        let tools = tools(&reader, &query).await;
        assert_eq!((tools.total.duration.percentiles, tools.total.duration.max), ([None; 4], None));
        assert!(
            tools.basis.notes.iter().any(|note| note.contains("are kept for whole days")),
            "{:?}",
            tools.basis.notes
        );
    }
}

/// Questions that what is kept of removed rows does not answer.
fn unanswerable() -> Vec<UsageQuery> {
    let names = || vec!["s1".to_owned(), "t1".into(), "read".into()];
    vec![
        UsageFilter { sessions: names(), ..everything() }.into(),
        UsageFilter { turns: names(), ..everything() }.into(),
        UsageFilter { tools: names(), ..everything() }.into(),
        UsageQuery { per: Per::Invocation, ..all() },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_removed_rows_cannot_answer_leaves_them_out_and_says_so() {
    let (_folder, databases, _) = projected(events(35, 900)).await;
    let within_kept = |query: &UsageQuery| {
        let filter = UsageFilter { window: kept().window, ..query.filter.clone() };
        UsageQuery { filter, ..query.clone() }
    };
    for database in &databases {
        let reader = UsageReader::new(database.clone());
        // What was called by a tool that is removed is not found by it any more.
        let mut before = Vec::new();
        for query in unanswerable().iter().filter(|query| query.filter.tools.is_empty()) {
            before.push(reader.stats(&within_kept(query)).await.unwrap().total);
        }
        remove(database, REMOVED).await;
        for query in &unanswerable() {
            let stats = reader.stats(query).await.unwrap();
            assert!(stats.total.metrics.calls > 0, "{query:?}");
            assert_eq!(stats.total, reader.stats(&within_kept(query)).await.unwrap().total, "{query:?}");
            let notes = &stats.basis.notes;
            assert!(notes.len() == 1 && notes[0].starts_with("removed rows are not in this answer"), "{notes:?}");
            assert_eq!(stats.basis.percentiles.method, "exact");
            if query.per == Per::Call {
                let series = reader.series(query, local("UTC", "week")).await.unwrap();
                assert_eq!((series.total.calls, series.basis.notes.len()), (stats.total.metrics.calls, 1));
            }
            if query.filter.tools.is_empty() {
                assert_eq!(stats.total, before.remove(0), "{query:?}");
            }
        }
        let by_session = by(&reader, &all(), Dimension::Session).await;
        assert!(by_session.basis.notes[0].starts_with("removed rows are not in this answer"));
        let of_session = UsageFilter { sessions: vec!["s1".into()], ..everything() };
        let tools = tools(&reader, &of_session.into()).await;
        assert!(tools.basis.notes[0].contains("of tools and turns, sums by tool, workspace and status are kept"));
        let errors = reader.errors(&all(), Limit::default()).await.unwrap();
        assert!(errors.rows.iter().map(|row| row.calls).sum::<i64>() < errors.failed);
        assert!(errors.basis.notes.iter().any(|note| note.contains("classes of errors are not kept")));
    }
}
