//! Invocations of the application, which fan out into calls: the cases of the system before ours, and its defects.

use ledger_projections::usage::{Dimension, Limit, Per, Sort, UsageFilter, UsageQuery};

use crate::setting::{all, call, failed, of, readers, said, within};

fn per_invocation(query: UsageQuery) -> UsageQuery {
    UsageQuery { per: Per::Invocation, ..query }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_calls_of_one_invocation_are_one_value() {
    let events = [200.0, 300.0, 400.0].map(|millis| said(&of("i", call("a", "analyze", 0, millis, (10, 1), 0.1))));
    let (_folder, readers) = readers(events.to_vec()).await;
    for reader in readers {
        let answer = reader.stats(&per_invocation(all())).await.unwrap();
        let duration = answer.total.metrics.duration;
        let metrics = &answer.total.metrics;
        assert_eq!((metrics.calls, metrics.invocations, duration.n), (3, 1, 1));
        assert_eq!((duration.min, duration.max, duration.avg()), (Some(900_000), Some(900_000), Some(900_000.0)));
        assert_eq!(duration.percentiles, [Some(900_000.0); 4]);
        assert_eq!(answer.total.metrics.input_tokens.max, Some(30));
        let calls = reader.stats(&all()).await.unwrap().total.metrics;
        assert_eq!((calls.calls, calls.invocations), (3, 1));
        assert_eq!((calls.duration.min, calls.duration.max), (Some(200_000), Some(400_000)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invocation_has_failed_when_all_its_calls_have() {
    let events = vec![
        said(&of("A", call("a", "analyze", 0, 1.0, (1, 1), 0.0))),
        said(&of("A", failed(call("a", "analyze", 1, 1.0, (1, 1), 0.0), "Overloaded"))),
        said(&of("B", failed(call("a", "analyze", 2, 1.0, (1, 1), 0.0), "Overloaded"))),
        said(&of("B", failed(call("a", "analyze", 3, 1.0, (1, 1), 0.0), "Overloaded"))),
    ];
    let (_folder, readers) = readers(events).await;
    for reader in readers {
        let invocations = reader.stats(&per_invocation(all())).await.unwrap().total.metrics;
        assert_eq!((invocations.calls, invocations.invocations, invocations.failed), (4, 2, 1));
        let calls = reader.stats(&all()).await.unwrap().total.metrics;
        assert_eq!((calls.calls, calls.failed, calls.invocations), (4, 3, 2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_in_no_maximum_but_in_the_cost_of_both_views() {
    let events = vec![
        said(&of("A", call("a", "analyze", 0, 500.0, (1, 1), 1.0))),
        said(&of("B", failed(call("a", "analyze", 1, 9_999.0, (1, 1), 0.25), "Overloaded"))),
    ];
    let (_folder, readers) = readers(events).await;
    for reader in readers {
        for query in [all(), per_invocation(all())] {
            let metrics = reader.stats(&query).await.unwrap().total.metrics;
            assert_eq!((metrics.duration.max, metrics.cost.to_string()), (Some(500_000), "1.25".into()));
            assert_eq!(metrics.cost_ok.to_string(), "1.00");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_views_have_the_same_tokens_and_cost_also_of_an_invocation_that_failed_in_part() {
    let events = vec![
        said(&of("A", call("a", "analyze", 0, 1.0, (10, 0), 0.1))),
        said(&of("A", failed(call("a", "analyze", 1, 1.0, (7, 0), 0.2), "Overloaded"))),
    ];
    let (_folder, readers) = readers(events).await;
    for reader in readers {
        let calls = reader.stats(&all()).await.unwrap().total.metrics;
        let invocations = reader.stats(&per_invocation(all())).await.unwrap().total.metrics;
        assert_eq!((calls.tokens, calls.cost), (invocations.tokens, invocations.cost));
        assert_eq!(calls.tokens.input, 17);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invocation_across_a_boundary_is_in_one_of_two_windows() {
    let events = [-1, 1].map(|second| said(&of("A", call("a", "analyze", second, 10.0, (1, 1), 1.0))));
    let (_folder, readers) = readers(events.to_vec()).await;
    for reader in readers {
        let mut sums = [(0, 0, 0); 2];
        for (since, until) in [(-900, 0), (0, 900)] {
            for (sum, query) in sums.iter_mut().zip([within(since, until), per_invocation(within(since, until))]) {
                let metrics = reader.stats(&query).await.unwrap().total.metrics;
                *sum = (sum.0 + metrics.calls, sum.1 + metrics.invocations, sum.2 + metrics.duration.total);
            }
        }
        assert_eq!(sums, [(2, 1, 20_000); 2]);
        let first = reader.stats(&per_invocation(within(-900, 0))).await.unwrap().total.metrics;
        assert_eq!(first.duration.max, Some(20_000), "it is whole in the window that it began in");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tenants_or_operations_with_one_call_id_are_two_invocations() {
    let events = vec![
        said(&of("same", call("a", "analyze", 0, 1.0, (1, 1), 0.0))),
        said(&of("same", call("b", "analyze", 0, 1.0, (1, 1), 0.0))),
        said(&of("same", call("b", "summarize", 0, 1.0, (1, 1), 0.0))),
        said(&call("b", "summarize", 0, 1.0, (1, 1), 0.0)),
        said(&call("b", "summarize", 0, 1.0, (1, 1), 0.0)),
    ];
    let (_folder, readers) = readers(events).await;
    for reader in readers {
        let query = per_invocation(all());
        assert_eq!(reader.stats(&query).await.unwrap().total.metrics.calls, 5);
        let by = reader.by(&query, Dimension::Tenant, None, Sort::Name, Limit::default()).await.unwrap();
        assert_eq!(by.rows.iter().map(|row| row.metrics.calls).collect::<Vec<_>>(), [1, 4]);
        assert_eq!(reader.counts(&all()).await.unwrap().invocations, 5);
    }
}

/// What is told of calls is told of calls, whatever one value of a distribution is.
#[tokio::test(flavor = "multi_thread")]
async fn errors_counts_and_series_are_of_calls_also_per_invocation() {
    let call_of_a = |second| call("a", "analyze", second, 1.0, (1, 1), 0.0);
    let events = vec![
        said(&of("A", call_of_a(0))),
        said(&of("A", failed(call_of_a(1), "Overloaded"))),
        said(&of("A", failed(call_of_a(901), "Overloaded"))),
    ];
    let (_folder, readers) = readers(events).await;
    for reader in readers {
        for window in [all(), within(0, 1_800)] {
            let per = per_invocation(window.clone());
            assert_eq!(reader.errors(&per, Limit::default()).await.unwrap().failed, 2);
            assert_eq!(
                reader.errors(&per, Limit::default()).await.unwrap(),
                reader.errors(&window, Limit::default()).await.unwrap()
            );
            assert_eq!(reader.counts(&per).await.unwrap(), reader.counts(&window).await.unwrap());
            let buckets = crate::setting::local("UTC", "15m");
            assert_eq!(reader.series(&per, buckets).await.unwrap(), reader.series(&window, buckets).await.unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_selects_other_calls_than_the_first_still_has_the_invocation() {
    let first = of("A", call("a", "analyze", 0, 100.0, (1, 1), 1.0));
    let mut second = of("A", call("a", "analyze", 1, 10.0, (2, 1), 2.0));
    second.model = Some("small".into());
    let (_folder, readers) = readers(vec![said(&second), said(&first)]).await;
    for reader in readers {
        let small: UsageQuery = UsageFilter { models: vec!["small".into()], ..UsageFilter::default() }.into();
        let invocations = reader.stats(&per_invocation(small.clone())).await.unwrap().total.metrics;
        assert_eq!((invocations.calls, invocations.duration.max), (1, Some(10_000)));
        let calls = reader.stats(&small).await.unwrap().total.metrics;
        assert_eq!((calls.calls, calls.invocations), (1, 0), "its first call is of another model");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_failure_rate_of_invocations_is_of_invocations() {
    let bad =
        |tenant, second, call_id| of(call_id, failed(call(tenant, "analyze", second, 1.0, (1, 1), 0.0), "Network"));
    let events = [bad("all", 0, "A"), bad("all", 1, "A"), bad("all", 2, "A"), bad("half", 3, "B")];
    let good = of("C", call("half", "analyze", 4, 1.0, (1, 1), 0.0));
    let (_folder, readers) = readers(events.iter().chain([&good]).map(said).collect()).await;
    for reader in readers {
        let query = per_invocation(all());
        let by = reader.by(&query, Dimension::Tenant, None, Sort::FailureRate, Limit::default()).await.unwrap();
        assert_eq!(crate::stats::names(&by.rows), ["all", "half"]);
    }
}
