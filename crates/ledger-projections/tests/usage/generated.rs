//! A ledger of anything: the same answers on every engine, in any order, by any pages, and as computed without a database.

use ledger_projections::usage::{Counting, Dimension, Limit, Per, Sort, UsageFilter, UsageQuery, UsageReader};
use ledger_projections::{Database, Percentile};

use crate::answers::{Answers, DIMENSIONS, answers, everything, within};
use crate::facts::Facts;
use crate::figures::{assert_same, metrics, values};
use crate::generate::{events, shuffled};
use crate::setting::{all, append, at, catch_up, databases, ledger, projector, window};

/// How many events there are in the ledgers that are asked everything.
const MANY: usize = 1_000;

async fn asked(database: &Database, filter: &UsageFilter) -> Answers {
    answers(&UsageReader::new(database.clone()), filter).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_the_same_on_every_engine_in_any_order_and_by_pages_of_any_size() {
    let events = events(1, MANY);
    let window = within(&everything(), "2025-10-25T03:07:00Z", "2026-03-30T00:00:00Z");
    let (_folder, databases) = databases();
    let mut expected: Option<[Answers; 2]> = None;
    for (n, (database, page)) in databases.iter().zip([1_000, 7, 100]).enumerate() {
        let ledger = ledger(if n == 0 { events.clone() } else { shuffled(n as u64, &events) }).await;
        catch_up(database, &ledger, page).await;
        let found = [asked(database, &everything()).await, asked(database, &window).await];
        let expected = expected.get_or_insert_with(|| found.each_ref().map(|answers| Answers(answers.0.clone())));
        for (expected, found) in expected.iter().zip(&found) {
            expected.assert_are(found, &format!("{database:?}, {page} events a page"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_folded_bit_by_bit_is_what_a_rebuild_gives() {
    let events = events(2, 1_500);
    let (_folder, databases) = databases();
    let mut expected: Option<Answers> = None;
    for database in &databases {
        let ledger = ledger(Vec::new()).await;
        for (n, part) in events.chunks(300).enumerate() {
            append(&ledger, part.to_vec()).await;
            catch_up(database, &ledger, [1_000, 7, 50, 13, 299][n]).await;
        }
        let incremental = asked(database, &everything()).await;
        for page in [1_000, 7] {
            projector(database, page).rebuild(&ledger, &|_, _| ()).await.unwrap();
            incremental.assert_are(&asked(database, &everything()).await, &format!("{database:?} rebuilt by {page}"));
        }
        expected
            .get_or_insert_with(|| Answers(incremental.0.clone()))
            .assert_are(&incremental, &format!("{database:?}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_order_of_events_gives_the_same_answers() {
    let events = events(3, 600);
    let folder = tempfile::tempdir().unwrap();
    let mut expected: Option<Answers> = None;
    for seed in 0..12 {
        let database = Database::sqlite(&folder.path().join(format!("{seed}.db"))).unwrap();
        catch_up(&database, &ledger(shuffled(seed, &events)).await, [1, 7, 1_000][seed as usize % 3]).await;
        let answers = asked(&database, &everything()).await;
        expected.get_or_insert_with(|| Answers(answers.0.clone())).assert_are(&answers, &format!("order {seed}"));
    }
}

fn queries() -> Vec<UsageQuery> {
    let mut queries = Vec::new();
    for per in [Per::Call, Per::Invocation] {
        for (counting, percentile) in [(Counting::All, Percentile::Cont), (Counting::Successful, Percentile::Disc)] {
            for filter in [everything(), within(&everything(), "2025-12-01T00:00:01Z", "2026-02-01T00:00:00Z")] {
                queries.push(UsageQuery { filter, per, counting, percentile });
            }
        }
    }
    queries
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_those_that_are_computed_without_a_database() {
    let events = events(4, MANY);
    let facts = Facts::of(&events);
    let (_folder, databases) = databases();
    for database in &databases {
        catch_up(database, &ledger(events.clone()).await, 1_000).await;
        let reader = UsageReader::new(database.clone());
        for query in queries() {
            let calls = facts.calls_of(&query);
            let what = format!("{query:?}");
            let stats = reader.stats(&query).await.unwrap();
            assert_same(&stats.total.metrics, &metrics(&calls, &query), &what);
            for dimension in DIMENSIONS {
                let by = reader.by(&query, dimension, None, Sort::Name, Limit::new(1_000).unwrap()).await.unwrap();
                assert_eq!(by.total.metrics, stats.total.metrics);
                let mut groups = std::collections::BTreeMap::<_, Vec<_>>::new();
                for call in &calls {
                    groups.entry(values(call, dimension)).or_default().push(*call);
                }
                assert_eq!(by.rows.len(), groups.len(), "{what} {dimension:?}");
                for (row, (name, calls)) in by.rows.iter().zip(groups) {
                    let found: Vec<Option<String>> = row.key.iter().map(|(_, value)| value.clone()).collect();
                    assert_eq!(found[..name.len()], name, "{what} {dimension:?}");
                    assert_same(&row.metrics, &metrics(&calls, &query), &format!("{what} {name:?}"));
                }
            }
        }
        let counts = reader.counts(&all()).await.unwrap();
        let expected = [facts.tools.len(), facts.turns.len(), facts.sessions.len()].map(|n| n as i64);
        assert_eq!([counts.tools, counts.turns, counts.sessions], expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_that_follow_each_other_add_up_to_the_whole() {
    let events = events(5, MANY);
    let (_folder, databases) = databases();
    for database in &databases {
        catch_up(database, &ledger(events.clone()).await, 1_000).await;
        let reader = UsageReader::new(database.clone());
        let bounds = ["0001-01-01T00:00:00Z", "2025-11-03T10:07:31.5Z", "2025-11-03T10:15:00Z", "2026-01-01T00:00:00Z"];
        let bounds: Vec<_> =
            bounds.into_iter().chain(["2026-02-11T00:00:00.000001Z", "9999-12-31T00:00:00Z"]).collect();
        for per in [Per::Call, Per::Invocation] {
            let mut sum = ledger_projections::usage::Metrics::default();
            for pair in bounds.windows(2) {
                let filter = UsageFilter::within(window(at(pair[0]), at(pair[1])));
                let part = reader.stats(&UsageQuery { per, ..filter.into() }).await.unwrap().total.metrics;
                sum.calls += part.calls;
                sum.failed += part.failed;
                sum.invocations += part.invocations;
                sum.cost += part.cost;
                sum.cost_ok += part.cost_ok;
                sum.unpriced_calls += part.unpriced_calls;
                sum.duration.n += part.duration.n;
                sum.duration.total += part.duration.total;
                sum.tokens.input += part.tokens.total();
            }
            let whole = reader.stats(&UsageQuery { per, ..all() }).await.unwrap().total.metrics;
            assert_eq!((sum.calls, sum.failed, sum.invocations), (whole.calls, whole.failed, whole.invocations));
            assert_eq!((sum.cost, sum.cost_ok, sum.unpriced_calls), (whole.cost, whole.cost_ok, whole.unpriced_calls));
            assert_eq!((sum.duration.n, sum.duration.total), (whole.duration.n, whole.duration.total));
            assert_eq!(sum.tokens.input, whole.tokens.total());
        }
    }
}

/// Its time is told, so that it can be seen when it grows.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_ledger_gives_the_same_figures_on_every_engine() {
    let events = events(6, LARGE);
    let facts = Facts::of(&events);
    let (query, expected) = (all(), metrics(&facts.calls_of(&all()), &all()));
    let ledger = ledger(events).await;
    let (_folder, databases) = databases();
    let mut documents: Option<Vec<String>> = None;
    for database in &databases {
        let begun = std::time::Instant::now();
        catch_up(database, &ledger, 1_000).await;
        let folded = begun.elapsed();
        let reader = UsageReader::new(database.clone());
        let stats = reader.stats(&query).await.unwrap();
        assert_same(&stats.total.metrics, &expected, "the total");
        let (tenant, operation) = (Dimension::Tenant, Some(Dimension::Operation));
        let by = reader.by(&query, tenant, operation, Sort::Cost, Limit::default()).await.unwrap();
        let day = crate::setting::local("Asia/Kathmandu", "day");
        let series = reader.series(&query, day).await.unwrap();
        let found = vec![
            crate::answers::text(stats.document(day.zone)),
            crate::answers::text(by.document(day.zone)),
            crate::answers::text(series.document(day.zone)),
        ];
        assert!(documents.get_or_insert_with(|| found.clone()) == &found, "{database:?}");
        println!("{LARGE} events folded in {folded:?}, asked in {:?}: {database:?}", begun.elapsed() - folded);
    }
}

/// As many as three engines fold within a minute without optimisation.
const LARGE: usize = 20_000;
