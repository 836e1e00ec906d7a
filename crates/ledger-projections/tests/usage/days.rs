//! Hours, days, weeks and months of any zone, across every change of clocks.

use std::collections::BTreeMap;

use chrono::{Datelike as _, Days, NaiveDate, Offset as _, Timelike as _};
use chrono_tz::Tz;
use ledger_core::Timestamp;
use ledger_projections::usage::{UsageFilter, UsageQuery, UsageReader};

use crate::answers::{everything, within};
use crate::facts::{Call, Facts};
use crate::figures::{assert_same, metrics};
use crate::generate::events;
use crate::setting::{at, call, catch_up, databases, ledger, local, micros, readers, said, window};

/// What a local calendar calls the hour, day, week or month that a time is in.
fn label(time: Timestamp, zone: Tz, width: &str) -> String {
    let local = time.to_chrono().with_timezone(&zone);
    let date: NaiveDate = local.date_naive();
    match width {
        "hour" => {
            // Back to the first quarter of it by the same clock; where that was changed within it, there are two.
            let quarter = |n: i64| micros((time.as_micros() / 900_000_000 - n) * 900_000_000).to_chrono();
            let hour = |time: chrono::DateTime<chrono::Utc>| {
                let local = time.with_timezone(&zone);
                (local.date_naive(), local.hour(), local.offset().fix())
            };
            let first = (0..4).rev().map(quarter).find(|start| hour(*start) == hour(time.to_chrono()));
            first.unwrap().with_timezone(&zone).format("%Y-%m-%dT%H:%M%:z").to_string()
        }
        "day" => date.to_string(),
        "week" => (date - Days::new(date.weekday().num_days_from_monday().into())).to_string(),
        _ => date.format("%Y-%m").to_string(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn days_of_every_zone_add_up_and_are_those_of_its_calendar() {
    let events = events(8, 3_000);
    let facts = Facts::of(&events);
    let (_folder, databases) = databases();
    for database in &databases {
        catch_up(database, &ledger(events.clone()).await, 1_000).await;
        let reader = UsageReader::new(database.clone());
        for zone in ["Asia/Kathmandu", "America/St_Johns", "Europe/Berlin", "Australia/Lord_Howe", "UTC"] {
            for width in ["hour", "day", "week", "month"] {
                series(&reader, &facts, everything(), zone, width).await;
            }
            // From the middle of a quarter of an hour to the middle of another, across a change of Europe's clocks.
            for bounds in
                [("2025-10-25T12:07:00Z", "2025-10-27T03:50:01Z"), ("2026-03-28T23:59:59Z", "2026-03-30T05:05:05Z")]
            {
                let filter = within(&everything(), bounds.0, bounds.1);
                for width in ["hour", "day"] {
                    series(&reader, &facts, filter.clone(), zone, width).await;
                    by_time(&reader, &facts, filter.clone(), zone, width).await;
                }
            }
            by_time(&reader, &facts, everything(), zone, "week").await;
        }
    }
}

fn by_label<'f>(facts: &'f Facts, query: &UsageQuery, zone: &str, width: &str) -> BTreeMap<String, Vec<&'f Call>> {
    let zone: Tz = zone.parse().unwrap();
    let mut labels: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for call in facts.calls_of(query) {
        labels.entry(label(call.said.started_at, zone, width)).or_default().push(call);
    }
    labels
}

async fn series(reader: &UsageReader, facts: &Facts, filter: UsageFilter, zone: &str, width: &str) {
    let query = UsageQuery::from(filter);
    let series = reader.series(&query, local(zone, width)).await.unwrap();
    let stats = reader.stats(&query).await.unwrap().total.metrics;
    let mut expected = by_label(facts, &query, zone, width);
    let mut sum = ledger_projections::usage::Metrics::default();
    for row in series.rows {
        let calls = expected.remove(&row.bucket.label).unwrap_or_default();
        let (expected, found) = (metrics(&calls, &query), row.metrics);
        let what = format!("{} of {zone}", row.bucket.label);
        assert_eq!(
            (found.calls, found.failed, found.invocations),
            (expected.calls, expected.failed, expected.invocations),
            "{what}"
        );
        assert_eq!(
            (found.cost, found.cost_ok, found.tokens),
            (expected.cost, expected.cost_ok, expected.tokens),
            "{what}"
        );
        assert_eq!((found.duration.n, found.duration.total), (expected.duration.n, expected.duration.total), "{what}");
        sum.calls += found.calls;
        sum.cost += found.cost;
        sum.invocations += found.invocations;
        sum.tokens.output += found.tokens.total();
    }
    assert!(expected.is_empty(), "{:?} are in no {width}", expected.keys());
    for whole in [stats, series.total] {
        assert_eq!((sum.calls, sum.cost, sum.invocations), (whole.calls, whole.cost, whole.invocations));
        assert_eq!(sum.tokens.output, whole.tokens.total());
    }
}

async fn by_time(reader: &UsageReader, facts: &Facts, filter: UsageFilter, zone: &str, width: &str) {
    let query = UsageQuery::from(filter);
    let by_time = reader.by_time(&query, local(zone, width)).await.unwrap();
    let mut expected = by_label(facts, &query, zone, width);
    for row in by_time.rows {
        let label = row.key[0].1.clone().unwrap();
        let calls = expected.remove(&label).unwrap_or_default();
        assert_same(&row.metrics, &metrics(&calls, &query), &format!("{label} of {zone}"));
    }
    assert!(expected.is_empty(), "{:?} are in no {width}", expected.keys());
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_before_1970_and_of_odd_clocks_count_once() {
    let times = ["1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z", "1971-06-01T00:29:00Z", "1971-06-01T00:31:00Z"];
    let more = ["1971-06-01T00:44:29Z", "1971-06-01T00:44:30Z", "1971-06-01T00:46:00Z", "1900-01-01T00:00:01Z"];
    let mut calls = Vec::new();
    for time in times.into_iter().chain(more) {
        let mut call = call("a", "analyze", 0, 1.0, (1, 1), 1.0);
        call.started_at = at(time);
        calls.push(said(&call));
    }
    let (_folder, readers) = readers(calls).await;
    for reader in readers {
        let days = window(at("1971-05-20T00:00:00Z"), at("1971-06-10T00:00:00Z"));
        // Liberia's clocks were 44 minutes and 30 seconds behind, where no day begins at a quarter of an hour of UTC.
        for (zone, calls) in [("Africa/Monrovia", 5), ("UTC", 5)] {
            let query = UsageFilter::within(days).into();
            for width in ["day", "hour"] {
                let series = reader.series(&query, local(zone, width)).await.unwrap();
                assert_eq!(series.total.calls, calls, "{zone} by {width}");
                assert_eq!(series.rows.iter().map(|row| row.metrics.calls).sum::<i64>(), calls);
            }
        }
        let all = reader.series(&crate::setting::all(), local("UTC", "month")).await.unwrap();
        assert_eq!((all.total.calls, all.rows.len()), (8, 71 * 12 + 6));
        let december = window(at("1969-12-01T00:00:00Z"), at("1970-01-01T00:00:00Z"));
        let stats = reader.stats(&UsageFilter::within(december).into()).await.unwrap();
        assert_eq!(stats.total.metrics.calls, 1);
    }
}
