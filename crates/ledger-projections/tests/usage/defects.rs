//! What the systems before ours got wrong, and this one does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ledger_events::{CallStatus, Millis, Tokens};
use ledger_projections::usage::{
    Dimension, HashKey, Limit, Sort, Usage, UsageFilter, UsageQuery, UsageReader, WorkspaceLabels,
};
use ledger_projections::{PicoUsd, Projector};

use crate::answers::{everything, export, text};
use crate::setting::{
    all, append, call, costing, databases, failed, ledger, local, noon, of, projector, raw, readers, said, session,
    within, within_turn,
};

#[tokio::test(flavor = "multi_thread")]
async fn costs_far_below_a_cent_add_up() {
    let events = (0..1_000).map(|n| said(&costing(call("a", "analyze", n, 1.0, (1, 1), 0.0), 400_000)));
    let (_folder, databases) = databases();
    let ledger = ledger(events.collect()).await;
    for database in &databases {
        projector(database, 1_000).catch_up(&ledger, &|_, _| ()).await.unwrap();
        let reader = UsageReader::new(database.clone());
        let metrics = reader.stats(&all()).await.unwrap().total.metrics;
        assert_eq!((metrics.calls, metrics.cost.to_string()), (1_000, "0.0004".into()));
        let series = reader.series(&all(), local("UTC", "day")).await.unwrap();
        assert_eq!(series.total.cost.to_string(), "0.0004");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_of_money_may_exceed_64_bits() {
    let events = (0..10).map(|n| {
        let mut call = costing(call("a", "analyze", n, 1.0, (1, 1), 0.0), i64::MAX);
        if n == 0 {
            call = failed(call, "Overloaded");
        }
        said(&of("i", call))
    });
    let (_folder, readers) = readers(events.collect()).await;
    let sum = |calls: i128| PicoUsd(i128::from(i64::MAX) * calls);
    for reader in readers {
        for per in [ledger_projections::usage::Per::Call, ledger_projections::usage::Per::Invocation] {
            let metrics = reader.stats(&UsageQuery { per, ..all() }).await.unwrap().total.metrics;
            assert_eq!((metrics.cost, metrics.cost_ok), (sum(10), sum(9)));
        }
        let total = reader.series(&all(), local("UTC", "day")).await.unwrap().total;
        assert_eq!((total.cost, total.cost_ok), (sum(10), sum(9)));
        assert_eq!(total.cost.to_string(), "92233720.36854775807");
        assert_eq!(reader.errors(&all(), Limit::default()).await.unwrap().rows[0].cost_usd, sum(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_may_exceed_32_bits_and_cached_ones_are_no_output() {
    let mut large = call("a", "analyze", 0, 1.0, (1 << 33, 1 << 34), 0.0);
    large.tokens.cache_write_5m = 1 << 35;
    let mut cached = call("b", "analyze", 0, 1.0, (10, 5), 0.0);
    cached.tokens =
        Tokens { input: 10, cache_read: 100, cache_write_1h: 7, output: 5, reasoning: Some(3), ..Tokens::default() };
    let (_folder, readers) = readers(vec![said(&large), said(&cached)]).await;
    for reader in readers {
        let all_calls = all();
        let by = reader.by(&all_calls, Dimension::Tenant, None, Sort::Name, Limit::default()).await.unwrap();
        let (a, b) = (&by.rows[0].metrics, &by.rows[1].metrics);
        assert_eq!((a.tokens.input, a.tokens.output, a.tokens.cache_write_5m), (1 << 33, 1 << 34, 1 << 35));
        assert_eq!(a.input_tokens.max, Some((1 << 33) + (1 << 35)));
        assert_eq!((b.tokens.output, b.tokens.cache_read, b.tokens.total()), (5, 100, 122));
        assert_eq!((b.input_tokens.total, b.output_tokens.total, b.tokens.reasoning), (117, 5, 3));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_statuses_kinds_and_fields_of_a_later_version_are_readable() {
    let later = r#"{"tenant_id":"a","operation":"brand_new","provider":"p","started_at":"2026-03-01T12:00:00Z",
        "status":"paused","tokens":{"input":1,"output":2,"audio":9},"mood":"good"}"#
        .replace('\n', " ");
    let later = raw("llm.called", &later);
    let (_folder, readers) = readers(vec![later, raw("llm.called_again", "{}"), raw("x.y", r#"{"a":[1]}"#)]).await;
    for reader in readers {
        let all_calls = all();
        let by = reader.by(&all_calls, Dimension::Operation, Some(Dimension::Status), Sort::Cost, Limit::default());
        let by = all_of(by.await.unwrap().rows);
        assert_eq!(by, [("brand_new".into(), vec!["paused".to_owned()])]);
        let metrics = reader.stats(&all()).await.unwrap().total.metrics;
        assert_eq!((metrics.calls, metrics.failed, metrics.tokens.total()), (1, 1, 3));
        assert!(reader.counts(&all()).await.unwrap().passed_over.is_empty());
        assert_eq!(reader.errors(&all(), Limit::default()).await.unwrap().rows[0].status, "paused");
    }
}

fn all_of(rows: Vec<ledger_projections::usage::UsageRow>) -> Vec<(String, Vec<String>)> {
    let name = |row: &ledger_projections::usage::UsageRow| row.key[0].1.clone().unwrap();
    rows.iter().map(|row| (name(row), row.breakdown.iter().flatten().map(name).collect())).collect()
}

/// Success is what the status says, not whether there is an answer; a failed call keeps its model, tokens and cost.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_answer_is_a_success_and_a_failure_keeps_what_it_cost() {
    let empty = call("a", "analyze", 0, 1.0, (5, 0), 0.5);
    let mut cancelled = call("a", "analyze", 1, 1.0, (7, 3), 0.25);
    cancelled.status = CallStatus::Cancelled;
    let (_folder, readers) = readers(vec![said(&empty), said(&cancelled)]).await;
    for reader in readers {
        let all_calls = all();
        let by = reader.by(&all_calls, Dimension::Model, None, Sort::Name, Limit::default()).await.unwrap();
        let metrics = &by.rows[0].metrics;
        assert_eq!((by.rows[0].key[0].1.as_deref(), metrics.calls, metrics.failed), (Some("gpt"), 2, 1));
        assert_eq!((metrics.cost.to_string(), metrics.cost_ok.to_string()), ("0.75".into(), "0.50".into()));
        assert_eq!((metrics.tokens.total(), metrics.output_tokens.n, metrics.output_tokens.max), (15, 1, Some(0)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_without_a_price_are_named_and_not_taken_for_free_ones() {
    let mut unpriced = call("a", "analyze", 0, 1.0, (5, 2), 0.0);
    unpriced.cost = None;
    let mut unknown = unpriced.clone();
    unknown.model = None;
    let events =
        vec![said(&unpriced), said(&unpriced), said(&unknown), said(&call("a", "analyze", 1, 1.0, (1, 1), 0.0))];
    let (_folder, readers) = readers(events).await;
    for reader in readers {
        let unpriced = reader.stats(&all()).await.unwrap().unpriced;
        assert_eq!((unpriced.calls, unpriced.tokens), (3, 21));
        let models: Vec<_> = unpriced.models.iter().map(|model| (model.model.as_deref(), model.calls)).collect();
        assert_eq!(models, [(Some("gpt"), 2), (None, 1)]);
    }
}

/// Every session has a workspace of its own, whichever was told first, and whenever.
#[tokio::test(flavor = "multi_thread")]
async fn workspaces_are_of_sessions_and_may_be_told_late() {
    let events = vec![
        said(&within_turn("s1", "t", call("a", "analyze", 0, 1.0, (1, 1), 1.0))),
        said(&within_turn("s2", "t", call("a", "analyze", 1, 1.0, (1, 1), 2.0))),
        said(&call("a", "analyze", 2, 1.0, (1, 1), 4.0)),
        said(&session("s2", "/home/me/two")),
        said(&session("s1", "/home/me/one")),
    ];
    let (_folder, readers) = readers(events).await;
    for reader in readers {
        let all_calls = all();
        let by = reader.by(&all_calls, Dimension::Workspace, None, Sort::Cost, Limit::default()).await.unwrap();
        let found: Vec<_> = by.rows.iter().map(|row| (row.key[0].1.as_deref(), row.metrics.cost.to_string())).collect();
        let expected = [(None, "4.00"), (Some("/home/me/two"), "2.00"), (Some("/home/me/one"), "1.00")];
        assert_eq!(found, expected.map(|(workspace, usd)| (workspace, usd.to_owned())));
        let one = UsageFilter { workspaces: vec!["/home/me/one".into()], ..everything() };
        let series = reader.series(&one.into(), local("UTC", "day")).await.unwrap();
        assert_eq!(series.total.cost.to_string(), "1.00", "sums of quarters of an hour moved with the session");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workspaces_of_one_name_stay_two_and_paths_stay_out() {
    let events = vec![
        said(&session("s1", "/home/secret/demo")),
        said(&session("s2", r"C:\secret\demo")),
        said(&within_turn("s1", "t", call("a", "analyze", 0, 1.0, (1, 1), 1.0))),
        said(&within_turn("s2", "t", call("a", "analyze", 0, 1.0, (1, 1), 2.0))),
    ];
    let ledger = ledger(events).await;
    let (_folder, databases) = databases();
    let key = || HashKey::new("a long and random secret");
    for database in &databases {
        for labels in [WorkspaceLabels::BaseName(key()), WorkspaceLabels::Hashed(key())] {
            let usage = Usage::with_workspaces(labels.clone());
            Projector::new(usage, database.clone()).catch_up(&ledger, &|_, _| ()).await.unwrap();
            let reader = UsageReader::new(database.clone());
            let all_calls = all();
            let by = reader.by(&all_calls, Dimension::Workspace, None, Sort::Cost, Limit::default()).await.unwrap();
            let names: Vec<_> =
                by.rows.iter().map(|row| (row.key[0].1.clone().unwrap(), row.key[1].1.clone().unwrap())).collect();
            assert_eq!(names.len(), 2);
            assert!(names.iter().all(|(key, _)| key.len() == 16) && names[0].0 != names[1].0);
            let is_base_name = matches!(labels, WorkspaceLabels::BaseName(_));
            assert!(
                names.iter().all(|(key, label)| *label == if is_base_name { "demo".to_owned() } else { key.clone() })
            );
            for (name, usd) in [(&names[0].0, "2.00"), (&names[1].0, "1.00"), (&"demo".into(), "3.00")] {
                let filter = UsageFilter { workspaces: vec![name.clone()], ..everything() };
                let cost = reader.stats(&filter.clone().into()).await.unwrap().total.metrics.cost.to_string();
                let usd = if name == "demo" && !is_base_name { "0.00" } else { usd };
                assert_eq!(cost, usd, "{name}");
            }
            let exported = format!("{:?}", export(&reader, &everything()).await);
            assert!(
                !exported.contains("secret") && !text(by.document(ledger_projections::Zone::UTC)).contains("secret")
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_any_length_and_of_any_characters_are_kept_apart() {
    let long = "x".repeat(300);
    let names = [
        "A",
        "a",
        "a ",
        " a",
        "\u{e9}",
        "e\u{301}",
        "'; DROP TABLE usage_calls; --",
        "a\u{0}b",
        "a\u{0}c",
        "\u{0}",
        "\u{1f600}",
        long.as_str(),
        &format!("{long}y"),
        "%",
        "_",
        "\\",
        "\u{fffd}",
    ];
    let mut events = Vec::new();
    for (n, name) in names.iter().enumerate() {
        let mut call = call(name, name, n as i64, 1.0, (1, 1), 0.5);
        (call.model, call.provider) = (Some((*name).into()), (*name).into());
        (call.session_id, call.turn_id, call.call_id) =
            (Some((*name).into()), Some((*name).into()), Some((*name).into()));
        call.call_key = Some((*name).into());
        events.push(said(&failed(call, name)));
        events.push(said(&session(name, name)));
    }
    let (_folder, readers) = readers(events).await;
    for reader in readers {
        for dimension in crate::answers::DIMENSIONS.into_iter().filter(|dimension| *dimension != Dimension::Status) {
            let by = reader.by(&all(), dimension, None, Sort::Name, Limit::default()).await.unwrap();
            assert_eq!(by.rows.len(), names.len(), "{dimension:?}");
        }
        for name in names {
            let filter = UsageFilter { tenants: vec![name.into()], workspaces: vec![name.into()], ..everything() };
            assert_eq!(reader.stats(&filter.into()).await.unwrap().total.metrics.calls, 1, "{name:?}");
        }
        assert_eq!(reader.errors(&all(), Limit::default()).await.unwrap().of_rows, names.len());
        assert_eq!(reader.sessions(&all(), false, Limit::default(), None).await.unwrap().rows.len(), names.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_that_nothing_has_do_not_spoil_sums() {
    let mut events = Vec::new();
    let usual = call("a", "analyze", 0, 1_000.0, (1, 1), 1.0);
    for odd in 0..3 {
        let mut call = usual.clone();
        match odd {
            0 => call.duration_ms = Some(Millis::new(f64::MAX).unwrap()),
            1 => call.tokens.output = 1 << 53,
            _ => (call.ttft_ms, call.revision) = (Some(Millis::new(1e300).unwrap()), Some(u64::MAX)),
        }
        events.push(said(&call));
    }
    events.push(said(&ledger_events::LlmCall { revision: Some(u64::MAX), ..usual }));
    let (_folder, readers) = readers(events).await;
    for reader in readers {
        let metrics = reader.stats(&all()).await.unwrap().total.metrics;
        assert_eq!((metrics.calls, metrics.duration.total), (1, 1_000_000));
        assert_eq!(reader.counts(&all()).await.unwrap().passed_over["not understood"]["llm.called"], 3);
    }
}

/// However many statements an answer takes, they see one moment: total, rows and breakdown agree while events come in.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_answer_is_of_one_moment() {
    let (_folder, databases) = databases();
    for database in &databases {
        let ledger = Arc::new(ledger(vec![said(&call("a", "analyze", 0, 1.0, (1, 1), 1.0))]).await);
        projector(database, 1).catch_up(ledger.as_ref(), &|_, _| ()).await.unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let writing = tokio::spawn({
            let (ledger, database, is_over) = (Arc::clone(&ledger), database.clone(), Arc::clone(&is_over));
            async move {
                let mut n = 0;
                while !is_over.load(Ordering::Relaxed) {
                    n += 1;
                    append(ledger.as_ref(), vec![said(&call(&format!("t{}", n % 7), "analyze", n, 1.0, (1, 1), 1.0))])
                        .await;
                    projector(&database, 1).catch_up(ledger.as_ref(), &|_, _| ()).await.unwrap();
                }
            }
        });
        let reader = UsageReader::new(database.clone());
        for _ in 0..30 {
            let query = within(-1, 100_000);
            let by = reader.by(&query, Dimension::Tenant, Some(Dimension::Operation), Sort::Cost, Limit::default());
            let by = by.await.unwrap();
            let rows: i64 = by.rows.iter().map(|row| row.metrics.calls).sum();
            let inner: i64 =
                by.rows.iter().flat_map(|row| row.breakdown.iter().flatten()).map(|row| row.metrics.calls).sum();
            let total = by.total.metrics.calls;
            assert_eq!((rows, inner, total), (total, total, by.basis.offset.as_i64()));
        }
        is_over.store(true, Ordering::Relaxed);
        writing.await.unwrap();
        let now = reader.stats(&within(-1, 100_000)).await.unwrap();
        assert_eq!(now.basis.window.since(), Some(noon(-1)));
    }
}
