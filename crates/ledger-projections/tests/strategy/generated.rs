//! A ledger of 5,000 executions: the same answers on every engine, and those of an independent computation.

use ledger_core::Event;
use ledger_events::StrategyExecution;
use ledger_projections::strategy::{ListLimit, StrategyStats, Top};
use ledger_projections::{Buckets, Percentile, Projector, StrategyFilter, StrategyLog, StrategyReader, Window};

use crate::oracle::Oracle;
use crate::support::{
    all, databases, events, execution, failed, ledger, millis, minute, page, readers, rows, top, window,
};

const COUNT: i64 = 5_000;

/// Numbers that look random, always the same.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: i32) -> i32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i32::try_from((self.0 >> 33) % u64::try_from(limit).unwrap()).unwrap()
    }
}

/// Over 40 days; what went well was kept with one of these weights.
fn generated(weights: &[f64]) -> Vec<StrategyExecution> {
    let mut numbers = Numbers(42);
    let mut generate = |_| {
        let outcome = match numbers.below(20) {
            0 => failed("error", ["DSL_A", "DSL_B", "dsl_a"][usize::try_from(numbers.below(3)).unwrap()]),
            1 => failed("timeout", "DSL_TIMEOUT"),
            2 => failed("limit", "DSL_LIMIT"),
            3 => StrategyExecution { status: "skipped".into(), ..execution() },
            _ => StrategyExecution {
                points: (numbers.below(4) > 0).then(|| f64::from(numbers.below(1_000)) / 7.0),
                case_name: (numbers.below(5) > 0).then(|| format!("case {}", numbers.below(30))),
                sample_weight: weights[usize::try_from(numbers.below(3)).unwrap() % weights.len()],
                ..execution()
            },
        };
        let scale = [1.0, 10.0, 1_000.0][usize::try_from(numbers.below(3)).unwrap()];
        StrategyExecution {
            strategy_id: format!("s{}", numbers.below(3)),
            strategy_version: format!("{}", numbers.below(4)),
            tenant_id: (numbers.below(3) > 0).then(|| format!("t{}", numbers.below(3))),
            duration_ms: millis(f64::from(numbers.below(8_000)) / 1_000.0 * scale),
            nodes_executed: (numbers.below(2) > 0).then(|| u64::try_from(numbers.below(900)).unwrap()),
            subject_ids: [("user".into(), format!("u{}", numbers.below(50)))].into(),
            executed_at: minute(i64::from(numbers.below(40 * 24 * 60))),
            ..outcome
        }
    };
    (0..COUNT).map(&mut generate).collect()
}

/// Every question, as its answer in JSON.
async fn answers(reader: &StrategyReader) -> Vec<String> {
    let (strategy, window) = (StrategyFilter::strategy("s1"), window(7 * 24 * 60, 21 * 24 * 60 + 7));
    let versions = StrategyFilter { versions: vec!["1".into(), "2".into()], tenants: vec!["t1".into()], ..all() };
    let mut answers = Vec::new();
    macro_rules! add {
        ($answer:expr) => {
            answers.push(serde_json::to_string(&$answer.await.unwrap()).unwrap())
        };
    }
    for filter in [all(), strategy.clone(), strategy.within(window), versions.within(window)] {
        for reader in [reader.clone(), reader.clone().with_percentile(Percentile::Disc)] {
            add!(reader.stats(&filter, Top::new(50).unwrap()));
            add!(reader.compare(&filter, &StrategyFilter::strategy("s2"), top()));
            add!(reader.versions(&filter));
            for (zone, width) in [("UTC", "week"), ("Asia/Kathmandu", "day"), ("America/St_Johns", "6h")] {
                let buckets = Buckets { zone: zone.parse().unwrap(), width: width.parse().unwrap() };
                add!(reader.series(&filter.clone().within(window), buckets));
            }
        }
        add!(reader.errors(&filter, top()));
        add!(reader.cases(&filter, Top::new(7).unwrap()));
        let page = reader.list(&filter, ListLimit::new(200).unwrap(), None).await.unwrap();
        add!(reader.list(&filter, ListLimit::default(), page.answer.next.as_deref()));
        answers.push(serde_json::to_string(&page).unwrap());
    }
    answers
}

/// The same events in another order.
fn shuffled(mut events: Vec<Event>, seed: u64) -> Vec<Event> {
    let mut numbers = Numbers(seed);
    for n in (1..events.len()).rev() {
        events.swap(n, usize::try_from(numbers.below(i32::try_from(n + 1).unwrap())).unwrap());
    }
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_the_same_bytes_on_every_engine_for_any_order_of_events_and_any_page_size() {
    let (_folder, databases) = databases();
    let events = events(&generated(&[1.0 / 0.05, 1.0 / 0.3, 1.0 / 0.7]));
    let (mut expected_rows, mut expected) = (None, None);
    for (seed, size) in [(1, 1_000), (2, 333)] {
        let ledger = ledger(shuffled(events.clone(), seed)).await;
        for database in &databases {
            let mut projector = Projector::new(StrategyLog::default(), database.clone()).with_page_size(page(size));
            projector.rebuild(&ledger, &|_, _| ()).await.unwrap();
            let rows = rows(database).await;
            assert!(*expected_rows.get_or_insert_with(|| rows.clone()) == rows, "{database:?} {seed}");
            let answers = answers(&StrategyReader::new(database.clone())).await;
            for (answer, expected) in answers.iter().zip(expected.get_or_insert_with(|| answers.clone())) {
                assert_eq!(answer, expected, "{database:?} {seed}");
            }
        }
    }
    assert!(expected.unwrap().iter().all(|answer| answer.len() > 100));
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_are_those_of_an_independent_computation() {
    let runs = generated(&[20.0, 4.0, 1.0]);
    let (_folder, readers) = readers(&runs).await;
    let window = window(24 * 60, 30 * 24 * 60);
    for reader in readers {
        for (filter, oracle) in [
            (all(), Oracle::new(&runs)),
            (StrategyFilter::strategy("s1"), Oracle::new(runs.iter().filter(|run| run.strategy_id == "s1"))),
            (all().within(window), Oracle::new(runs.iter().filter(|run| is_in(window, run)))),
        ] {
            let stats = reader.stats(&filter, Top::new(50).unwrap()).await.unwrap().answer;
            compare(&stats, &oracle);
            let disc = reader.clone().with_percentile(Percentile::Disc).stats(&filter, top()).await.unwrap().answer;
            let duration = disc.duration_ms;
            let found = [duration.p5, duration.p50, duration.p95, duration.p99].map(Option::unwrap);
            assert_eq!(found, [5, 50, 95, 99].map(|percent| oracle.disc(percent)));
        }
    }
}

fn is_in(window: Window, run: &StrategyExecution) -> bool {
    Some(run.executed_at) >= window.since() && Some(run.executed_at) < window.until()
}

fn compare(stats: &StrategyStats, oracle: &Oracle) {
    let same = |found: Option<f64>, expected: f64| {
        let found = found.unwrap();
        assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{found} is not {expected}");
    };
    same(Some(stats.outcomes.total.executions), oracle.len() as f64);
    same(stats.outcomes.success_rate, oracle.rate(&["ok"]));
    same(stats.outcomes.error_rate, oracle.rate(&["error", "timeout", "limit"]));
    same(stats.outcomes.other_rate, oracle.rate(&["skipped"]));
    let duration = &stats.duration_ms;
    same(duration.avg, oracle.avg_duration());
    for (found, q) in [(duration.p5, 0.05), (duration.p50, 0.5), (duration.p95, 0.95), (duration.p99, 0.99)] {
        same(found, oracle.cont(q));
    }
    let mut above = -1.0;
    for bucket in &stats.duration_histogram {
        let up_to = bucket.upper_ms.map_or(f64::INFINITY, |upper| f64::from(i32::try_from(upper).unwrap()));
        same(Some(bucket.count.executions), oracle.between(above, up_to) as f64);
        above = up_to;
    }
    let points = oracle.points();
    same(Some(stats.points.sum), points.iter().sum());
    same(stats.points.avg, points.iter().sum::<f64>() / points.len() as f64);
    for (n, bin) in (0..).zip(&stats.points.histogram) {
        let is_in = |points: &f64| *points >= bin.from && (*points < bin.to || (n == 9 && *points == bin.to));
        same(Some(bin.count.executions), points.iter().filter(|points| is_in(points)).count() as f64);
    }
    let cases: Vec<_> = stats.cases.iter().map(|case| case.case_name.clone()).collect();
    let expected = oracle.tally(|run| run.case_name.clone());
    assert_eq!(cases, expected.iter().map(|(case, _)| case.clone()).collect::<Vec<_>>());
    let codes: Vec<_> = stats.errors.iter().map(|error| Some(error.error_code.clone())).collect();
    let expected = oracle.tally(|run| run.error_code.clone());
    let expected: Vec<_> = expected.into_iter().map(|(code, _)| code).filter(Option::is_some).collect();
    assert_eq!(codes, expected);
}
