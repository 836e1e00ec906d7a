//! Reports by day, week, month and model, and blocks: of odd zones, from sums alone, against numbers that were counted
//! by hand or from the events.

use std::collections::BTreeMap;

use chrono::{Datelike as _, Days};
use chrono_tz::Tz;
use ledger_core::{Event, Timestamp};
use ledger_events::LlmCall;
use ledger_projections::usage::{
    Blocks, BlocksQuery, ReportBy, ReportQuery, Shown, TokenLimit, UsageFilter, UsageQuery, UsageReader, UsageRow,
};
use ledger_projections::{Buckets, PicoUsd, Weekday, Width};

use crate::answers::{everything, within};
use crate::facts::Facts;
use crate::figures::metrics;
use crate::generate::events;
use crate::setting::{all, at, call, catch_up, databases, ledger, local, readers, said, session, window};

fn by_time(query: UsageQuery, buckets: Buckets) -> ReportQuery {
    ReportQuery { query, by: ReportBy::Time(buckets), by_workspace: false, by_model: true }
}

/// A call of a model at a time: 10 tokens in, 5 out, a dollar and a half.
fn then(time: &str, model: &str) -> LlmCall {
    let mut call = call("a", "analyze", 0, 100.0, (10, 5), 1.5);
    (call.started_at, call.model) = (at(time), Some(model.into()));
    call
}

fn key<'r>(row: &'r UsageRow, name: &str) -> &'r str {
    row.key.iter().find(|(column, _)| *column == name).and_then(|(_, value)| value.as_deref()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_those_of_the_calendar_of_every_zone() {
    let events = events(11, 2_000);
    let facts = Facts::of(&events);
    let (_folder, databases) = databases();
    for database in &databases {
        catch_up(database, &ledger(events.clone()).await, 1_000).await;
        let reader = UsageReader::new(database.clone());
        let cut = within(&everything(), "2025-10-25T12:07:00Z", "2026-03-30T05:05:05Z");
        for zone in ["Asia/Kathmandu", "America/St_Johns", "Europe/Berlin", "UTC"] {
            let tz: Tz = zone.parse().unwrap();
            for (width, first) in [
                (Width::Day, None),
                (Width::WEEK, Some(Weekday::Mon)),
                (Width::Week(Weekday::Sun), Some(Weekday::Sun)),
                (Width::Month, None),
            ] {
                for filter in [everything(), cut.clone()] {
                    let query = UsageQuery::from(filter);
                    let mut expected: BTreeMap<String, Vec<_>> = BTreeMap::new();
                    for call in facts.calls_of(&query) {
                        let date = call.said.started_at.to_chrono().with_timezone(&tz).date_naive();
                        let label = match (width, first) {
                            (_, Some(first)) => (date - Days::new(date.weekday().days_since(first).into())).to_string(),
                            (Width::Month, _) => date.format("%Y-%m").to_string(),
                            _ => date.to_string(),
                        };
                        expected.entry(label).or_default().push(call);
                    }
                    let report = by_time(query.clone(), Buckets { width, ..local(zone, "day") });
                    let answer = reader.report(&report).await.unwrap();
                    let labels: Vec<&str> = answer.rows.iter().map(|row| row.key[0].1.as_deref().unwrap()).collect();
                    assert_eq!(labels, expected.keys().collect::<Vec<_>>(), "{zone} {width:?}");
                    let mut cost = PicoUsd::default();
                    for row in &answer.rows {
                        let expected = metrics(&expected[row.key[0].1.as_deref().unwrap()], &query);
                        let found = &row.metrics;
                        let inner = row.breakdown.as_deref().unwrap();
                        assert_eq!((found.calls, found.failed), (expected.calls, expected.failed));
                        assert_eq!((found.cost, found.tokens), (expected.cost, expected.tokens));
                        assert_eq!(inner.iter().map(|row| row.metrics.calls).sum::<i64>(), found.calls);
                        let tokens = |row: &UsageRow| row.metrics.tokens.total();
                        assert_eq!(inner.iter().map(tokens).sum::<i64>(), found.tokens.total());
                        cost += found.cost;
                    }
                    let stats = reader.stats(&query).await.unwrap();
                    assert_eq!(
                        (answer.total.metrics.calls, cost),
                        (stats.total.metrics.calls, stats.total.metrics.cost)
                    );
                    assert_eq!(answer.unpriced, stats.unpriced);
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_in_kathmandu_begins_at_a_quarter_past_six() {
    let times = ["2026-03-01T18:14:59.999999Z", "2026-03-01T18:15:00Z", "2026-03-02T18:14:59Z"];
    let calls = times.map(|time| said(&then(time, "gpt"))).to_vec();
    let (_folder, readers) = readers(calls).await;
    for reader in readers {
        let answer = reader.report(&by_time(all(), local("Asia/Kathmandu", "day"))).await.unwrap();
        let rows: Vec<(&str, &str, i64)> =
            answer.rows.iter().map(|row| (key(row, "day"), key(row, "start"), row.metrics.calls)).collect();
        let expected =
            [("2026-03-01", "2026-02-28T18:15:00.000000Z", 1), ("2026-03-02", "2026-03-01T18:15:00.000000Z", 2)];
        assert_eq!(rows, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn models_and_workspaces_are_told_apart() {
    let within = |session: &str, call: LlmCall| LlmCall { session_id: Some(session.into()), ..call };
    let mut events = vec![said(&session("s", "/one")), said(&session("t", "/two"))];
    for (session, time, model) in [
        ("s", "2026-03-01T10:00:00Z", "gpt"),
        ("s", "2026-03-01T11:00:00Z", "mini"),
        ("s", "2026-03-02T11:00:00Z", "mini"),
        ("t", "2026-03-01T12:00:00Z", "mini"),
    ] {
        events.push(said(&within(session, then(time, model))));
    }
    let (_folder, readers) = readers(events).await;
    for reader in readers {
        let mut report = by_time(all(), local("UTC", "day"));
        report.by_workspace = true;
        let days = reader.report(&report).await.unwrap();
        let rows: Vec<(&str, &str, i64)> =
            days.rows.iter().map(|row| (key(row, "day"), key(row, "workspace_label"), row.metrics.calls)).collect();
        assert_eq!(rows, [("2026-03-01", "/one", 2), ("2026-03-01", "/two", 1), ("2026-03-02", "/one", 1)]);
        let models = ReportQuery { query: all(), by: ReportBy::Models, by_workspace: false, by_model: false };
        let models = reader.report(&models).await.unwrap();
        let rows: Vec<(&str, i64, String)> = models
            .rows
            .iter()
            .map(|row| (key(row, "model"), row.metrics.calls, row.metrics.cost.to_string()))
            .collect();
        assert_eq!(rows, [("mini", 3, "4.50".into()), ("gpt", 1, "1.50".into())]);
        let sessions = reader.sessions(&all(), true, Default::default(), None).await.unwrap();
        let s = sessions.rows.iter().find(|row| row.session == "s").unwrap();
        let inner = s.breakdown.as_deref().unwrap();
        let inner: Vec<(&str, i64)> = inner.iter().map(|row| (key(row, "model"), row.metrics.calls)).collect();
        assert_eq!((s.calls, inner), (3, vec![("mini", 2), ("gpt", 1)]));
    }
}

/// Calls of 9:20, 9:50, 13:59 (one block), 14:00 (the next, which is active at 16:00), and of eleven hours before.
fn busy() -> Vec<Event> {
    let times = ["2026-03-01T22:10:30Z", "2026-03-02T09:20:00Z", "2026-03-02T09:50:00Z", "2026-03-02T13:59:59Z"];
    let times = times.into_iter().chain(["2026-03-02T14:00:00Z", "2026-03-02T15:40:00Z"]);
    times.enumerate().map(|(n, time)| said(&then(time, if n == 2 { "mini" } else { "gpt" }))).collect()
}

fn blocks(shown: Shown, now: &str) -> BlocksQuery {
    let limit = Some(TokenLimit::Max);
    BlocksQuery { query: all(), length: Default::default(), shown, limit, by_model: false, now: at(now) }
}

async fn ask(reader: &UsageReader, query: &BlocksQuery) -> Blocks {
    reader.blocks(query).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_and_the_gaps_between_them_are_those_of_five_hours() {
    let (_folder, readers) = readers(busy()).await;
    for reader in readers {
        let answer = ask(&reader, &blocks(Shown::All, "2026-03-02T16:00:00Z")).await;
        let rows: Vec<(Timestamp, Timestamp, bool, bool, i64)> = answer
            .rows
            .iter()
            .map(|block| (block.start, block.end, block.is_gap, block.is_active, block.calls))
            .collect();
        let expected = [
            (at("2026-03-01T22:00:00Z"), at("2026-03-02T03:00:00Z"), false, false, 1),
            // Five hours after the last call, up to the next one.
            (at("2026-03-02T03:10:30Z"), at("2026-03-02T09:20:00Z"), true, false, 0),
            (at("2026-03-02T09:00:00Z"), at("2026-03-02T14:00:00Z"), false, false, 3),
            (at("2026-03-02T14:00:00Z"), at("2026-03-02T19:00:00Z"), false, true, 2),
        ];
        assert_eq!(rows, expected);
        assert_eq!(
            (answer.rows[2].first_at, answer.rows[2].last_at),
            (Some(at("2026-03-02T09:20:00Z")), Some(at("2026-03-02T13:59:59Z")))
        );
        assert_eq!(
            (answer.rows[2].models.clone(), answer.rows[2].cost_usd.to_string()),
            (vec!["gpt".into(), "mini".into()], "4.50".into())
        );
        assert_eq!((answer.total.calls, answer.total.tokens.total()), (6, 90));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_active_block_says_how_fast_it_is_used_up_and_where_that_leads() {
    let (_folder, readers) = readers(busy()).await;
    for reader in readers {
        let answer = ask(&reader, &blocks(Shown::Active, "2026-03-02T16:00:00Z")).await;
        let [block] = answer.rows.as_slice() else { panic!("{answer:?}") };
        // 30 tokens and 3 dollars in the 100 minutes between its calls; 180 minutes are left.
        let rate = block.burn_rate.unwrap();
        assert!((rate.tokens_per_minute - 0.3).abs() < 1e-12 && (rate.usd_per_hour - 1.8).abs() < 1e-12, "{rate:?}");
        let projected = block.projection.unwrap();
        assert_eq!((projected.tokens, projected.remaining_minutes), (84, 180));
        assert!((projected.usd - 8.40).abs() < 1e-9, "{projected:?}");
        // The greatest one that is over has 45 tokens.
        let limit = block.limit.unwrap();
        assert_eq!((limit.tokens, limit.status), (45, "exceeds"));
        // Of one moment, there is no rate; before it begins and when it is over, it is not active.
        for (now, active) in [("2026-03-02T13:59:59Z", 1), ("2026-03-02T18:59:59Z", 1), ("2026-03-02T19:00:00Z", 0)] {
            assert_eq!(ask(&reader, &blocks(Shown::Active, now)).await.rows.len(), active, "{now}");
        }
    }
}

/// What is read to answer for some blocks does not change where they begin.
#[tokio::test(flavor = "multi_thread")]
async fn some_blocks_are_the_same_as_among_all() {
    let events = events(12, 1_500);
    let (_folder, databases) = databases();
    let database = &databases[0];
    catch_up(database, &ledger(events).await, 1_000).await;
    let reader = UsageReader::new(database.clone());
    let mut query = BlocksQuery { limit: None, ..blocks(Shown::All, "2026-03-29T01:30:00Z") };
    let all = ask(&reader, &query).await.rows;
    assert!(all.len() > 20, "{}", all.len());
    let starts: Vec<Timestamp> = all.iter().filter(|block| !block.is_gap).map(|block| block.start).collect();
    for start in starts.iter().step_by(5) {
        query.query = UsageFilter::within(window(*start, at("2100-01-01T00:00:00Z"))).into();
        let expected: Vec<_> =
            all.iter().filter(|block| block.start >= *start).skip_while(|block| block.is_gap).cloned().collect();
        assert!(ask(&reader, &query).await.rows == expected, "{start}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_shows_today_the_active_block_and_a_session() {
    let mut events = busy();
    let unpriced = LlmCall { cost: None, session_id: Some("s".into()), ..then("2026-03-02T15:00:00Z", "new") };
    events.push(said(&unpriced));
    let (_folder, readers) = readers(events).await;
    for reader in readers {
        let now = at("2026-03-02T16:00:00Z");
        let glance = reader.glance("UTC".parse().unwrap(), now, Some("s")).await.unwrap();
        assert_eq!((glance.today.calls, glance.today.cost_usd.to_string().as_str()), (6, "7.50"));
        assert_eq!((glance.today.tokens.total(), glance.today.unpriced_tokens), (90, 15));
        let block = glance.block.unwrap();
        let among_all =
            ask(&reader, &BlocksQuery { limit: None, ..blocks(Shown::Active, "2026-03-02T16:00:00Z") }).await;
        assert_eq!(among_all.rows, std::slice::from_ref(&block));
        assert_eq!((block.calls, block.unpriced_calls, block.projection.unwrap().remaining_minutes), (3, 1, 180));
        let session = glance.session.unwrap();
        assert_eq!((session.calls, session.unpriced_calls), (1, 1));
        // In Kathmandu it is 21:45, and its day began at 18:15 of the day before, UTC.
        let there = reader.glance("Asia/Kathmandu".parse().unwrap(), now, None).await.unwrap();
        assert_eq!((there.today.calls, there.session), (7, None));
        let later = reader.glance("UTC".parse().unwrap(), at("2026-03-02T19:00:00Z"), None).await.unwrap();
        assert_eq!(later.block, None);
    }
}
