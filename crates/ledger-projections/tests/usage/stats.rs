//! Figures of tenants and operations: the cases of the system before ours, with its numbers.

use ledger_projections::Percentile;
use ledger_projections::usage::{Counting, Dimension, Limit, Sort, UsageQuery, UsageRow};

use crate::setting::{all, call, failed, local, readers, said, within};

pub(crate) fn names(rows: &[UsageRow]) -> Vec<String> {
    rows.iter().map(|row| row.key[0].1.clone().unwrap_or_default()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_calls_cost_but_are_in_no_distribution() {
    let events = vec![
        said(&call("a", "analyze", 0, 100.0, (100, 50), 1.0)),
        said(&failed(call("a", "analyze", 1, 900.0, (10, 5), 0.5), "Overloaded")),
    ];
    let (_folder, readers) = readers(events).await;
    for reader in readers {
        let total = reader.stats(&all()).await.unwrap().total.metrics;
        assert_eq!((total.calls, total.failed), (2, 1));
        assert_eq!((total.cost.to_string(), total.cost_ok.to_string()), ("1.50".into(), "1.00".into()));
        assert_eq!((total.input_tokens.total, total.output_tokens.total), (100, 50));
        assert_eq!((total.tokens.input, total.tokens.output), (110, 55));
        assert_eq!(total.duration.max, Some(100_000));
        let successful = UsageQuery { counting: Counting::Successful, ..all() };
        let total = reader.stats(&successful).await.unwrap().total.metrics;
        assert_eq!((total.calls, total.failed, total.tokens.total()), (2, 1, 150));
        assert_eq!((total.cost.to_string(), total.cost_ok.to_string()), ("1.00".into(), "1.00".into()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cost_keeps_its_six_decimals() {
    let (_folder, readers) = readers(vec![said(&call("a", "analyze", 0, 1.0, (1, 1), 12.345_678))]).await;
    for reader in readers {
        assert_eq!(reader.stats(&all()).await.unwrap().total.metrics.cost.to_string(), "12.345678");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_with_nothing_but_an_error_has_a_call_and_no_distribution() {
    let error = failed(call("a", "analyze", 0, 900.0, (0, 0), 0.0), "Overloaded");
    let (_folder, readers) = readers(vec![said(&error)]).await;
    for reader in readers {
        let answer = reader.by(&all(), Dimension::Tenant, None, Sort::Name, Limit::default()).await.unwrap();
        assert_eq!(names(&answer.rows), ["a"]);
        let metrics = &answer.rows[0].metrics;
        assert_eq!((metrics.calls, metrics.failed, metrics.cost.to_string()), (1, 1, "0.00".into()));
        assert_eq!((metrics.duration.n, metrics.duration.avg(), metrics.duration.percentiles), (0, None, [None; 4]));
        assert_eq!(answer.total.metrics, *metrics);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_are_half_open() {
    let events = [0, 3_600, 7_200, -1].map(|second| said(&call("a", "analyze", second, 1.0, (1, 1), 0.0)));
    let (_folder, readers) = readers(events.to_vec()).await;
    for reader in readers {
        assert_eq!(reader.stats(&within(0, 7_200)).await.unwrap().total.metrics.calls, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_are_in_order_and_the_total_is_of_all() {
    let events = vec![
        said(&call("b-tenant", "analyze", 0, 1.0, (1, 1), 0.4)),
        said(&call("a-tenant", "analyze", 0, 1.0, (1, 1), 0.1)),
        said(&call("a-tenant", "summarize", 0, 1.0, (1, 1), 0.2)),
    ];
    let (_folder, readers) = readers(events).await;
    for reader in readers {
        let all = all();
        let by_tenant = reader.by(&all, Dimension::Tenant, Some(Dimension::Operation), Sort::Name, Limit::default());
        let answer = by_tenant.await.unwrap();
        assert_eq!(names(&answer.rows), ["a-tenant", "b-tenant"]);
        assert_eq!(answer.total.metrics.calls, 3);
        let total = answer.total.breakdown.unwrap();
        assert_eq!(names(&total), ["analyze", "summarize"]);
        assert_eq!(total[0].metrics.calls, 2);
        assert_eq!(names(answer.rows[0].breakdown.as_ref().unwrap()), ["summarize", "analyze"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_are_by_cost_and_so_are_the_tenants_of_each_and_of_all() {
    let events = vec![
        said(&call("a-tenant", "analyze", 0, 1.0, (1, 1), 0.05)),
        said(&call("b-tenant", "analyze", 0, 1.0, (1, 1), 0.1)),
        said(&call("a-tenant", "summarize", 0, 1.0, (1, 1), 0.4)),
    ];
    let (_folder, readers) = readers(events).await;
    for reader in readers {
        let all = all();
        let by = reader.by(&all, Dimension::Operation, Some(Dimension::Tenant), Sort::Cost, Limit::default());
        let answer = by.await.unwrap();
        assert_eq!(names(&answer.rows), ["summarize", "analyze"]);
        let costs: Vec<String> = answer.rows.iter().map(|row| row.metrics.cost.to_string()).collect();
        assert_eq!(costs, ["0.40", "0.15"]);
        assert_eq!(names(answer.rows[0].breakdown.as_ref().unwrap()), ["a-tenant"]);
        assert_eq!(names(answer.rows[1].breakdown.as_ref().unwrap()), ["b-tenant", "a-tenant"]);
        assert!(answer.total.key.is_empty());
        let total = answer.total.breakdown.unwrap();
        assert_eq!(names(&total), ["a-tenant", "b-tenant"]);
        assert_eq!(total[0].metrics.cost.to_string(), "0.45");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_nothing_there_is_a_total_of_nothing_and_no_row() {
    let (_folder, readers) = readers(vec![said(&call("a", "analyze", 0, 1.0, (1, 1), 1.0))]).await;
    for reader in readers {
        let later = within(3_600, 7_200);
        let by = reader.by(&later, Dimension::Tenant, Some(Dimension::Operation), Sort::Cost, Limit::default());
        let answer = by.await.unwrap();
        assert_eq!((answer.rows.len(), answer.of_rows), (0, 0));
        assert_eq!(answer.total.metrics, ledger_projections::usage::Metrics::default());
        assert_eq!(answer.total.breakdown, Some(Vec::new()));
        let series = reader.series(&later, local("UTC", "15m")).await.unwrap();
        assert_eq!((series.rows.len(), series.total.calls), (4, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_costs_are_by_name_and_what_was_not_done_is_not_there() {
    let events = [("summarize", 0.5), ("assign_codes", 0.5), ("analyze", 0.1)]
        .map(|(operation, usd)| said(&call("a", operation, 0, 1.0, (1, 1), usd)));
    let (_folder, readers) = readers(events.to_vec()).await;
    for reader in readers {
        let by = reader.by(&all(), Dimension::Operation, None, Sort::Cost, Limit::default()).await.unwrap();
        assert_eq!(names(&by.rows), ["assign_codes", "summarize", "analyze"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn percentiles_of_1_to_100_are_as_before() {
    let events = (1..=100).map(|n| said(&call("a", "analyze", n, n as f64, (n.unsigned_abs(), 1), 0.0)));
    let (_folder, readers) = readers(events.collect()).await;
    for reader in readers {
        let cont = reader.stats(&all()).await.unwrap().total.metrics;
        assert_eq!(cont.duration.percentiles, [5_950.0, 50_500.0, 95_050.0, 99_010.0].map(Some));
        assert_eq!(cont.input_tokens.percentiles, [5.95, 50.5, 95.05, 99.01].map(Some));
        assert_eq!((cont.duration.n, cont.duration.avg()), (100, Some(50_500.0)));
        assert_eq!((cont.output_tokens.n, cont.output_tokens.percentiles), (100, [Some(1.0); 4]));
        let disc = UsageQuery { percentile: Percentile::Disc, ..all() };
        let disc = reader.stats(&disc).await.unwrap().total.metrics;
        assert_eq!(disc.input_tokens.percentiles, [5.0, 50.0, 95.0, 99.0].map(Some));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_put_in_order_by_every_figure_before_they_are_cut() {
    // name, calls, failed, cost, tokens, duration: each tenant is the first by one of them.
    let tenants = [("a", 1, 0, 0.1, 1, 1.0), ("b", 5, 0, 0.1, 1, 1.0), ("c", 4, 3, 0.1, 1, 1.0)];
    let more =
        [("d", 1, 1, 0.1, 1, 1.0), ("e", 1, 0, 9.0, 1, 1.0), ("f", 1, 0, 0.1, 99, 1.0), ("g", 1, 0, 0.1, 1, 9.0)];
    let mut events = Vec::new();
    for (tenant, calls, bad, usd, tokens, millis) in tenants.into_iter().chain(more) {
        for n in 0..calls {
            let call = call(tenant, "analyze", n, millis, (tokens, 0), usd);
            events.push(said(&if n < bad { failed(call, "Overloaded") } else { call }));
        }
    }
    let (_folder, readers) = readers(events).await;
    for reader in readers {
        for (sort, first) in [
            ("name", "a"),
            ("calls", "b"),
            ("failed", "c"),
            ("failure_rate", "d"),
            ("cost", "e"),
            ("tokens", "f"),
            ("duration", "g"),
            ("p95", "g"),
        ] {
            let limit = Limit::new(1).unwrap();
            let answer = reader.by(&all(), Dimension::Tenant, None, sort.parse().unwrap(), limit).await.unwrap();
            assert_eq!((names(&answer.rows), answer.of_rows), (vec![first.to_owned()], 7), "{sort}");
            assert_eq!(answer.total.metrics.calls, 14, "the total is of all rows");
        }
    }
}
