//! Figures of tenants and operations: the cases of the system before ours, with its numbers.

use ledger_projections::usage::{Dimension, Limit, Sort, UsageRow};

use crate::setting::{all, call, failed, readers, said, within};

fn names(rows: &[UsageRow]) -> Vec<String> {
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
