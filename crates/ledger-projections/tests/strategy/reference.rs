//! The cases of the strategy log that ours succeeds, with their numbers.

use ledger_events::StrategyExecution;
use ledger_projections::strategy::{Count, ListLimit, Top};
use ledger_projections::{Error, StrategyFilter, StrategyReader, Window};

use crate::support::{all, databases, execution, failed, millis, minute, readers, top, window};

/// The reference's fixture: nine executions of s1, a minute apart, and one of s2.
fn fixture() -> Vec<StrategyExecution> {
    let cases = [Some("A"), Some("A"), Some("B"), None, Some("A"), Some("A")];
    let ok = (1_i32..).zip(cases).map(|(n, case)| StrategyExecution {
        duration_ms: millis(f64::from(n) * 10.0),
        points: Some(f64::from(n)),
        case_name: case.map(Into::into),
        ..execution()
    });
    let failures =
        [("error", "DSL_DIV_BY_ZERO", 5.0), ("error", "DSL_FIELD_MISSING", 7.0), ("timeout", "DSL_TIMEOUT", 999.0)];
    let failures =
        failures.map(|(status, code, took)| StrategyExecution { duration_ms: millis(took), ..failed(status, code) });
    let s1 = (0..).zip(ok.chain(failures));
    let s1 = s1.map(|(n, execution)| StrategyExecution { executed_at: minute(n), ..execution });
    s1.chain([StrategyExecution { strategy_id: "s2".into(), ..execution() }]).collect()
}

fn s1() -> StrategyFilter {
    StrategyFilter::strategy("s1")
}

/// The rows of each status that has any.
fn statuses(outcomes: &ledger_projections::strategy::Outcomes) -> Vec<(&str, i64)> {
    let found = outcomes.statuses.iter().filter(|(_, count)| count.rows > 0);
    found.map(|(status, count)| (status.as_str(), count.rows)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_by_status_error_and_case_are_those_of_the_reference() {
    let (_folder, readers) = readers(&fixture()).await;
    for reader in readers {
        let stats = reader.stats(&s1(), top()).await.unwrap().answer;
        assert_eq!(statuses(&stats.outcomes), [("error", 2), ("ok", 6), ("timeout", 1)]);
        assert_eq!(stats.outcomes.statuses["limit"], Count::default());
        let errors: Vec<_> = stats.errors.iter().map(|error| (error.error_code.as_str(), error.count.rows)).collect();
        assert_eq!(errors, [("DSL_DIV_BY_ZERO", 1), ("DSL_FIELD_MISSING", 1), ("DSL_TIMEOUT", 1)]);
        let cases: Vec<_> = stats.cases.iter().map(|case| (case.case_name.as_deref(), case.count.rows)).collect();
        assert_eq!(cases, [(None, 4), (Some("A"), 4), (Some("B"), 1)]);
        assert_eq!(reader.errors(&s1(), top()).await.unwrap().answer, stats.errors);
        assert_eq!(reader.cases(&s1(), top()).await.unwrap().answer, stats.cases);
        assert_eq!(reader.cases(&s1(), Top::new(1).unwrap()).await.unwrap().answer, stats.cases[..1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn summaries_are_those_of_the_reference() {
    let (_folder, readers) = readers(&fixture()).await;
    for reader in readers {
        let stats = reader.stats(&s1(), top()).await.unwrap().answer;
        assert_eq!((stats.duration_ms.n, stats.duration_ms.min, stats.duration_ms.max), (9, Some(5.0), Some(999.0)));
        assert_eq!(stats.duration_histogram.iter().map(|bucket| bucket.count.rows).sum::<i64>(), 9);
        assert_eq!((stats.points.n, stats.points.sum, stats.points.avg), (6, 21.0, Some(3.5)));
        assert_eq!((stats.points.min, stats.points.max), (Some(1.0), Some(6.0)));
        assert_eq!(stats.points.histogram.len(), 10);
        assert_eq!((stats.nodes.n, stats.nodes.avg, stats.nodes.max), (0, None, None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_and_a_strategy_leave_the_rest_out() {
    let (_folder, readers) = readers(&fixture()).await;
    for reader in readers {
        let since = Window::new(Some(minute(6)), None).unwrap();
        let stats = reader.stats(&s1().within(since), top()).await.unwrap().answer;
        assert_eq!(statuses(&stats.outcomes), [("error", 2), ("timeout", 1)]);
        let other = reader.stats(&StrategyFilter::strategy("s2"), top()).await.unwrap().answer;
        assert_eq!(statuses(&other.outcomes), [("ok", 1)]);
        let both = StrategyFilter { strategies: vec!["s1".into(), "s2".into()], ..all() };
        assert_eq!(reader.stats(&both, top()).await.unwrap().answer.outcomes.total.rows, 10);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn percentiles_are_those_of_the_reference() {
    let took = |strategy: &str, took: &[f64]| {
        let run =
            |took: &f64| StrategyExecution { strategy_id: strategy.into(), duration_ms: millis(*took), ..execution() };
        took.iter().map(run).collect::<Vec<_>>()
    };
    let runs = [
        took("five", &[10.0, 20.0, 30.0, 40.0, 50.0]),
        took("one", &[42.0]),
        took("buckets", &[1.0, 3.0, 8.0, 30.0, 60.0, 9_999.0]),
    ];
    let (_folder, readers) = readers(&runs.concat()).await;
    for reader in readers {
        let of = async |strategy: &str| reader.stats(&StrategyFilter::strategy(strategy), top()).await.unwrap().answer;
        let five = of("five").await.duration_ms;
        assert_eq!((five.p50, five.p95, five.avg), (Some(30.0), Some(48.0), Some(30.0)));
        let one = of("one").await.duration_ms;
        assert_eq!([one.p5, one.p50, one.p95, one.p99], [Some(42.0); 4]);
        let buckets: Vec<_> = of("buckets").await.duration_histogram.iter().map(|bucket| bucket.count.rows).collect();
        assert_eq!(buckets, [2, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_nothing_counts_are_zero_and_statistics_are_null() {
    let (_folder, readers) = readers(&fixture()).await;
    for reader in readers {
        let stats = reader.stats(&StrategyFilter::strategy("nobody"), top()).await.unwrap().answer;
        assert_eq!(stats.outcomes.total, Count::default());
        assert_eq!(stats.duration_histogram.len(), 13);
        let json = serde_json::to_value(&stats).unwrap();
        assert_eq!(json["total"], serde_json::json!({"rows": 0, "executions": 0.0}));
        assert_eq!(json["statuses"]["ok"]["rows"], 0);
        for undefined in [
            &json["success_rate"],
            &json["error_rate"],
            &json["duration_ms"]["avg"],
            &json["duration_ms"]["min"],
            &json["duration_ms"]["p95"],
            &json["nodes"]["avg"],
            &json["points"]["avg"],
        ] {
            assert!(undefined.is_null(), "{json}");
        }
        assert_eq!(json["points"]["histogram"], serde_json::json!([]));
        let compared = reader.compare(&s1(), &StrategyFilter::strategy("nobody"), top()).await.unwrap().answer;
        let delta = compared.delta;
        assert_eq!([delta.success_rate, delta.p95_ms, delta.avg_ms, delta.points_avg], [None; 4]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_has_more_than_another_is_that_of_the_reference() {
    let runs = |strategy: &str, ok: usize, took: f64, points: f64| {
        let run = |n: usize| {
            let outcome = if n < ok {
                StrategyExecution { points: Some(points), ..execution() }
            } else {
                failed("error", "DSL_X")
            };
            StrategyExecution { strategy_id: strategy.into(), duration_ms: millis(took), ..outcome }
        };
        (0..10).map(run).collect::<Vec<_>>()
    };
    let (_folder, readers) = readers(&[runs("a", 8, 100.0, 2.0), runs("b", 9, 80.0, 3.0)].concat()).await;
    for reader in readers {
        let (a, b) = (StrategyFilter::strategy("a"), StrategyFilter::strategy("b"));
        let compared = reader.compare(&a, &b, top()).await.unwrap().answer;
        let delta = compared.delta;
        assert!((delta.success_rate.unwrap() - 0.10).abs() < 1e-12);
        assert!((delta.error_rate.unwrap() + 0.10).abs() < 1e-12);
        assert_eq!((delta.avg_ms, delta.p95_ms, delta.points_avg), (Some(-20.0), Some(-20.0), Some(1.0)));
        assert_eq!(compared.a, reader.stats(&a, top()).await.unwrap().answer);
        assert_eq!(compared.b, reader.stats(&b, top()).await.unwrap().answer);
        // Two windows of one strategy are compared in the same way.
        let (early, late) = (a.clone().within(window(0, 1)), a.within(window(1, 2)));
        let windows = reader.compare(&early, &late, top()).await.unwrap().answer;
        assert_eq!((windows.a.outcomes.total.rows, windows.b.outcomes.total.rows), (10, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_has_fifty_executions_and_never_more_than_two_hundred() {
    let runs: Vec<_> = (0..210).map(|_| execution()).collect();
    let (_folder, readers) = readers(&runs).await;
    for reader in readers {
        for (limit, expected) in [(ListLimit::default(), 50), (ListLimit::new(200).unwrap(), 200)] {
            let page = reader.list(&all(), limit, None).await.unwrap().answer;
            assert_eq!(page.rows.len(), expected);
        }
        assert!(reader.list(&all(), ListLimit::default(), Some("not a cursor")).await.is_err());
    }
    assert!(ListLimit::new(0).is_err());
    assert!(ListLimit::new(201).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_no_log_that_is_what_is_said() {
    let (_folder, databases) = databases();
    for database in databases {
        let refused = StrategyReader::new(database).stats(&all(), top()).await.unwrap_err();
        assert!(matches!(&refused, Error::NotThere { projection, .. } if projection == "strategy"), "{refused:?}");
    }
}
