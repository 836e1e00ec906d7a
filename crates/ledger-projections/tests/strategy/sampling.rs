//! The defects of the strategy log that ours succeeds, which ours does not have.

use std::collections::BTreeSet;
use std::sync::Arc;

use ledger_core::{LedgerExt as _, Timestamp};
use ledger_events::StrategyExecution;
use ledger_memory::MemoryLedger;
use ledger_projections::strategy::ListLimit;
use ledger_projections::{Buckets, Error, Projector, StrategyFilter, StrategyLog, StrategyReader, Width, Zone};

use crate::support::{
    about, all, catch_up, databases, event, events, execution, failed, ids, ledger, millis, minute, page, readers,
    rows, top, window,
};

/// B3.1: of 10,000 executions 9,900 went well, of which 5 % were kept.
#[tokio::test(flavor = "multi_thread")]
async fn sampling_does_not_change_rates_means_and_percentiles() {
    let kept = |n: i64| StrategyExecution {
        sample_weight: 20.0,
        points: Some(2.0),
        case_name: Some("A".into()),
        duration_ms: millis(if n % 10 == 0 { 30.0 } else { 10.0 }),
        ..execution()
    };
    let failures = (0..100).map(|_| StrategyExecution { duration_ms: millis(500.0), ..failed("error", "DSL_X") });
    let runs: Vec<_> = (0..495).map(kept).chain(failures).collect();
    let (_folder, readers) = readers(&runs).await;
    for reader in readers {
        let stats = reader.stats(&all(), top()).await.unwrap().answer;
        assert_eq!((stats.outcomes.total.rows, stats.outcomes.total.executions), (595, 10_000.0));
        assert_eq!(stats.outcomes.success_rate, Some(0.99));
        assert_eq!(stats.outcomes.error_rate, Some(0.01));
        // 50 of the 495 took 30 ms, 445 took 10 ms.
        let avg = (50.0 * 20.0 * 30.0 + 445.0 * 20.0 * 10.0 + 100.0 * 500.0) / 10_000.0;
        assert_eq!(stats.duration_ms.avg, Some(avg));
        assert_eq!((stats.duration_ms.n, stats.duration_ms.executions), (595, 10_000.0));
        assert_eq!((stats.duration_ms.p50, stats.duration_ms.p95), (Some(10.0), Some(30.0)));
        // The 9,900th of 10,000 took 30 ms, the next one 500 ms.
        assert!((stats.duration_ms.p99.unwrap() - (30.0 + 470.0 * 0.01)).abs() < 1e-9);
        assert_eq!((stats.points.n, stats.points.executions, stats.points.sum), (495, 9_900.0, 19_800.0));
        let case = &stats.cases[0];
        assert_eq!((case.case_name.as_deref(), case.count.rows, case.count.executions), (Some("A"), 495, 9_900.0));
        assert_eq!(stats.duration_histogram[1].count.executions, 8_900.0);
    }
}

/// B3.2: a slow beginning of the window counts, however many executions came later.
#[tokio::test(flavor = "multi_thread")]
async fn percentiles_are_of_the_whole_window_not_of_the_newest_rows() {
    let run = |n: i64| StrategyExecution {
        executed_at: minute(n),
        duration_ms: millis(if n < 1_000 { 200.0 } else { 10.0 }),
        ..execution()
    };
    let (_folder, readers) = readers(&(0..10_000).map(run).collect::<Vec<_>>()).await;
    for reader in readers {
        let duration = reader.stats(&all(), top()).await.unwrap().answer.duration_ms;
        assert_eq!((duration.n, duration.p50, duration.p95), (10_000, Some(10.0), Some(200.0)));
    }
}

/// B3.4: the order is total, so that pages leave nothing out and show nothing twice.
#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_also_where_many_ran_at_one_moment() {
    let run = |n: i64| StrategyExecution { executed_at: minute(n / 7), subject_ids: about("user", "u"), ..execution() };
    let (_folder, readers) = readers(&(0..100).map(run).collect::<Vec<_>>()).await;
    for reader in readers {
        for limit in [1, 7, 33, 100] {
            let (mut seen, mut cursor) = (Vec::new(), None);
            loop {
                let limit = ListLimit::new(limit).unwrap();
                let page = reader.list(&all(), limit, cursor.as_deref()).await.unwrap().answer;
                assert!(page.rows.iter().all(|row| row.subject_ids == about("user", "u")));
                seen.extend(page.rows.into_iter().map(|row| (row.executed_at, row.event_id)));
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(seen.len(), 100, "{limit}");
            assert!(seen.is_sorted_by(|a, b| a > b), "{limit}");
        }
    }
}

/// B3.5: the end of a window is not in it.
#[tokio::test(flavor = "multi_thread")]
async fn windows_that_follow_each_other_add_up_to_the_whole() {
    let run = |n: i64| StrategyExecution { executed_at: minute(n % 60), ..execution() };
    let (_folder, readers) = readers(&(0..300).map(run).collect::<Vec<_>>()).await;
    for reader in readers {
        let total = async |since, until| {
            let stats = reader.stats(&all().within(window(since, until)), top()).await.unwrap();
            stats.answer.outcomes.total.rows
        };
        assert_eq!(total(0, 20).await + total(20, 21).await + total(21, 60).await, 300);
        assert_eq!(total(20, 21).await, 5);
        let buckets = Buckets { zone: Zone::UTC, width: Width::Minutes(15) };
        let series = reader.series(&all().within(window(0, 75)), buckets).await.unwrap().answer;
        let rows: Vec<_> = series.iter().map(|bucket| bucket.outcomes.total.rows).collect();
        assert_eq!(rows, [75, 75, 75, 75, 0], "empty ones are there too");
        assert_eq!((series[4].outcomes.success_rate, series[4].duration_ms.p95), (None, None));
        assert!(matches!(reader.series(&all(), buckets).await, Err(Error::Invalid(_))));
    }
}

/// B3.6: all parts of an answer are of one moment, whatever is folded in meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_parts_of_an_answer_agree_while_events_come_in() {
    let (_folder, databases) = databases();
    for database in databases {
        let ledger = Arc::new(MemoryLedger::new());
        let runs: Vec<_> = (0..600).map(|_| execution()).collect();
        let all_events = events(&runs);
        ledger.append_all(all_events[..10].to_vec()).await.unwrap();
        catch_up(StrategyLog::default(), &database, ledger.as_ref()).await;
        let writing = tokio::spawn({
            let (ledger, database) = (Arc::clone(&ledger), database.clone());
            async move {
                let mut projector = Projector::new(StrategyLog::default(), database).with_page_size(page(10));
                for events in all_events[10..].chunks(10) {
                    ledger.append_all(events.to_vec()).await.unwrap();
                    projector.catch_up(ledger.as_ref(), &|_, _| ()).await.unwrap();
                }
                projector.rebuild(ledger.as_ref(), &|_, _| ()).await.unwrap();
            }
        });
        let reading = tokio::spawn(async move {
            let reader = StrategyReader::new(database);
            let mut last = 0;
            while last < 600 {
                let compared = reader.compare(&all(), &all(), top()).await.unwrap();
                let (a, b) = (compared.answer.a, compared.answer.b);
                assert_eq!(a, b);
                let rows = u64::try_from(a.outcomes.total.rows).unwrap();
                assert_eq!(rows, compared.offset.get());
                assert_eq!((a.duration_ms.n, a.cases[0].count.rows), (a.outcomes.total.rows, a.outcomes.total.rows));
                assert!(rows >= last);
                last = rows;
            }
        });
        writing.await.unwrap();
        reading.await.unwrap();
    }
}

/// B3.7: rates are parts of a whole; the mean of points is over those that have points.
#[tokio::test(flavor = "multi_thread")]
async fn rates_add_up_to_one_also_with_statuses_that_nobody_knows() {
    let ok = StrategyExecution { points: Some(4.0), sample_weight: 1.0 / 0.3, ..execution() };
    let skipped = StrategyExecution { status: "skipped".into(), ..execution() };
    let runs = [ok, skipped, failed("error", "E"), failed("timeout", "T"), failed("limit", "L")];
    let (_folder, readers) = readers(&runs).await;
    for reader in readers {
        let stats = reader.stats(&all(), top()).await.unwrap().answer;
        let outcomes = &stats.outcomes;
        let rates = [outcomes.success_rate, outcomes.error_rate, outcomes.other_rate].map(Option::unwrap);
        assert!((rates.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!((outcomes.other.rows, outcomes.statuses["skipped"].rows), (1, 1));
        assert_eq!(stats.points.avg, Some(4.0));
        let skipped = StrategyFilter { statuses: vec!["skipped".into()], ..all() };
        assert_eq!(reader.stats(&skipped, top()).await.unwrap().answer.outcomes.total.rows, 1);
    }
}

/// B3.8: every question can be asked of versions and tenants.
#[tokio::test(flavor = "multi_thread")]
async fn every_answer_honours_every_part_of_a_filter() {
    let run = |n: i64| StrategyExecution {
        strategy_id: format!("s{}", n % 2),
        strategy_version: format!("{}", n % 3),
        tenant_id: (n % 5 > 0).then(|| format!("t{}", n % 5)),
        ..if n % 7 == 0 { failed("error", "E") } else { execution() }
    };
    let (_folder, readers) = readers(&(0..420).map(run).collect::<Vec<_>>()).await;
    let filter = |strategies: &[&str], tenants: &[&str], versions: &[&str], statuses: &[&str]| {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        StrategyFilter {
            strategies: owned(strategies),
            tenants: owned(tenants),
            versions: owned(versions),
            statuses: owned(statuses),
            window: window(0, 15),
        }
    };
    let cases = [
        (filter(&[], &[], &[], &[]), 420),
        (filter(&["s1"], &[], &[], &[]), 210),
        (filter(&[], &["t1", "t2"], &[], &[]), 168),
        (filter(&[], &[], &["2"], &[]), 140),
        (filter(&[], &[], &[], &["error"]), 60),
        (filter(&["s0"], &["t1"], &["0", "1"], &["ok"]), 24),
        (filter(&["s0"], &["T1"], &[], &[]), 0),
    ];
    for reader in readers {
        for (filter, expected) in &cases {
            let stats = reader.stats(filter, top()).await.unwrap().answer;
            assert_eq!(stats.outcomes.total.rows, *expected, "{filter:?}");
            assert_eq!(stats.cases.iter().map(|case| case.count.rows).sum::<i64>(), *expected);
            assert_eq!(reader.cases(filter, top()).await.unwrap().answer, stats.cases);
            assert_eq!(reader.errors(filter, top()).await.unwrap().answer, stats.errors);
            let versions = reader.versions(filter).await.unwrap().answer;
            assert_eq!(versions.iter().map(|version| version.outcomes.total.rows).sum::<i64>(), *expected);
            let keys: BTreeSet<_> =
                versions.iter().map(|version| (&version.strategy_id, &version.strategy_version)).collect();
            assert_eq!(keys.len(), versions.len());
            let series = reader.series(filter, Buckets { zone: Zone::UTC, width: Width::HOUR }).await.unwrap().answer;
            assert_eq!(series.iter().map(|bucket| bucket.outcomes.total.rows).sum::<i64>(), *expected);
            let list = reader.list(filter, ListLimit::new(200).unwrap(), None).await.unwrap().answer;
            assert_eq!(i64::try_from(list.rows.len()).unwrap(), (*expected).min(200));
            assert_eq!(reader.compare(filter, filter, top()).await.unwrap().answer.a, stats);
        }
    }
}

/// B3.10: what counts is when it ran, not when it was told.
#[tokio::test(flavor = "multi_thread")]
async fn an_execution_that_is_told_late_is_in_the_window_in_which_it_ran() {
    let runs = [StrategyExecution { executed_at: minute(50), ..execution() }, execution()];
    let (_folder, readers) = readers(&runs).await;
    for reader in readers {
        let early = reader.stats(&all().within(window(0, 1)), top()).await.unwrap().answer;
        assert_eq!(early.outcomes.total.rows, 1);
        let list = reader.list(&all(), ListLimit::default(), None).await.unwrap().answer;
        assert_eq!(list.rows.iter().map(|row| row.executed_at).collect::<Vec<_>>(), [minute(50), minute(0)]);
    }
}

/// Days are removed whole; so many after the first one.
fn day(days: i64) -> Timestamp {
    let midnight = Timestamp::parse("2026-03-01T00:00:00Z").unwrap();
    Timestamp::from_micros(midnight.as_micros() + days * 86_400_000_000).unwrap()
}

/// B3.12: what is removed stays removed, whatever is told again or rebuilt.
#[tokio::test(flavor = "multi_thread")]
async fn retention_removes_executions_and_their_subjects_for_good() {
    let (_folder, databases) = databases();
    let run = |n: i64| StrategyExecution { executed_at: day(n), subject_ids: about("user", "u"), ..execution() };
    let ledger = ledger(events(&(0..20).map(run).collect::<Vec<_>>())).await;
    for database in &databases {
        catch_up(StrategyLog::default(), database, &ledger).await;
        let mut projector = Projector::new(StrategyLog::default(), database.clone());
        assert_eq!(projector.remove_before(day(15)).await.unwrap(), 15);
        assert_eq!(projector.remove_before(day(15)).await.unwrap(), 0);
        assert_eq!(projector.remove_before(day(3)).await.unwrap(), 0);
        let kept = rows(database).await;
        assert_eq!(kept.len(), 10, "five executions, and their subjects");
        projector.rebuild(&ledger, &|_, _| ()).await.unwrap();
        assert_eq!(rows(database).await, kept);
        let stats = StrategyReader::new(database.clone()).stats(&all(), top()).await.unwrap();
        assert_eq!((stats.kept_from, stats.answer.outcomes.total.rows), (Some(day(15)), 5));
    }
    let late = StrategyExecution { executed_at: day(14), ..execution() };
    let late = event("late", "strategy.executed", &serde_json::to_string(&late).unwrap());
    ledger.append_all(vec![late]).await.unwrap();
    for database in &databases {
        catch_up(StrategyLog::default(), database, &ledger).await;
        assert_eq!(ids(database).await, ["e-000015", "e-000016", "e-000017", "e-000018", "e-000019"]);
    }
}
