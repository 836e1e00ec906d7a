//! What is kept of an event, and what is not.

use ledger_core::{Event, LedgerExt as _};
use ledger_events::StrategyExecution;
use ledger_projections::strategy::ListLimit;
use ledger_projections::{Buckets, Database, Messages, StrategyLog, StrategyReader, Width, Zone};
use serde_json::{Value, json};

use crate::support::{about, all, catch_up, databases, event, events, execution, ids, ledger, top, window};

const CANARY: &str = "canary-7f3a";

/// An execution in which every field that may hold free text holds the canary, and fields that nobody knows too.
fn with_canary() -> Event {
    let run = StrategyExecution {
        error_code: Some("DSL_X".into()),
        status: "error".into(),
        trace: Some(vec![json!({"node": CANARY}), json!(CANARY)]),
        notes: Some(format!("said {CANARY}")),
        subject_ids: about("user", "u"),
        ..execution()
    };
    let mut payload = serde_json::to_value(&run).unwrap();
    for field in ["input", "error_message", "later"] {
        payload[field] = CANARY.into();
    }
    event("with-canary", "strategy.executed", &payload.to_string())
}

/// Everything that there is in the tables of the log, and everything that it says.
async fn all_text(database: &Database) -> String {
    let mut text = String::new();
    for table in ["strategy_executions", "strategy_subjects", "strategy_erased", "ledger_projections"] {
        let rows = database.query(&format!("SELECT * FROM {table}")).await.unwrap().rows;
        rows.iter().flatten().for_each(|cell| text.push_str(&cell.text()));
    }
    let reader = StrategyReader::new(database.clone());
    let (filter, buckets) = (all().within(window(0, 10)), Buckets { zone: Zone::UTC, width: Width::HOUR });
    for answer in [
        serde_json::to_string(&reader.list(&filter, ListLimit::default(), None).await.unwrap()),
        serde_json::to_string(&reader.compare(&filter, &all(), top()).await.unwrap()),
        serde_json::to_string(&reader.series(&filter, buckets).await.unwrap()),
        serde_json::to_string(&reader.versions(&filter).await.unwrap()),
    ] {
        text.push_str(&answer.unwrap());
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn free_text_never_reaches_the_log() {
    let (_folder, databases) = databases();
    let ledger = ledger(vec![
        with_canary(),
        event("odd", "strategy.executed", &json!({"notes": CANARY, "strategy_id": 7}).to_string()),
        event(
            "message",
            "llm.message",
            &json!({"call_key": "c", "role": "user", "content": CANARY, "sequence_number": 0}).to_string(),
        ),
        event("other", "agent.spoke", &json!({"strategy_id": CANARY}).to_string()),
    ])
    .await;
    for database in &databases {
        catch_up(StrategyLog::default(), database, &ledger).await;
        catch_up(Messages, database, &ledger).await;
        let text = all_text(database).await;
        assert!(text.contains("DSL_X") && !text.contains(CANARY), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_are_kept_by_who_asks_for_them() {
    let (_folder, databases) = databases();
    let ledger = ledger(vec![with_canary()]).await;
    for database in &databases {
        catch_up(StrategyLog::default(), database, &ledger).await;
        catch_up(StrategyLog::default().with_traces(), database, &ledger).await;
        let list = StrategyReader::new(database.clone()).list(&all(), ListLimit::default(), None).await.unwrap().answer;
        let row = &list.rows[0];
        assert_eq!(row.trace, Some(json!([{"node": CANARY}, CANARY])));
        assert_eq!(row.notes.as_deref(), Some("said canary-7f3a"));
        // And are gone with who does not.
        catch_up(StrategyLog::default(), database, &ledger).await;
        assert!(!all_text(database).await.contains(CANARY));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_an_execution_is_read_back() {
    let (_folder, databases) = databases();
    let run = StrategyExecution {
        strategy_type: Some("DSL_FULL".into()),
        tenant_id: Some("realm".into()),
        subject_ids: [("user".into(), "u\u{e9}".into()), ("game".into(), "g".into())].into(),
        case_name: Some("A".into()),
        duration_ms: crate::support::millis(12.345_678),
        nodes_executed: Some(17),
        points: Some(-0.1),
        sample_weight: 1.0 / 0.3,
        ..execution()
    };
    let ledger = ledger(events(&[run])).await;
    let expected = json!({
        "event_id": "e-000000", "strategy_id": "s1", "strategy_version": "1", "strategy_type": "DSL_FULL",
        "tenant_id": "realm", "subject_ids": {"user": "u\u{e9}", "game": "g"}, "status": "ok", "error_code": null,
        "case_name": "A", "duration_ms": 12.346, "nodes_executed": 17, "points": -0.1,
        "executed_at": "2026-03-01T12:00:00.000000Z", "sample_weight": 1.0 / 0.3, "trace": null, "notes": null,
    });
    for database in &databases {
        catch_up(StrategyLog::default(), database, &ledger).await;
        let list = StrategyReader::new(database.clone()).list(&all(), ListLimit::default(), None).await.unwrap();
        assert_eq!(serde_json::to_value(&list.answer.rows[0]).unwrap(), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_understood_is_passed_over_and_what_is_new_is_tolerated() {
    let (_folder, databases) = databases();
    let good = serde_json::to_value(execution()).unwrap();
    let with = |field: &str, value: Value| {
        let mut payload = good.clone();
        payload[field] = value;
        payload.to_string()
    };
    let payloads = [
        ("bad-1", "{}".to_owned()),
        ("bad-2", with("duration_ms", json!(-1))),
        ("bad-3", with("executed_at", json!("2026-03-01T12:00:00"))),
        ("bad-4", with("sample_weight", json!(0.5))),
        ("bad-5", with("trace", json!("text"))),
        ("good-1", with("status", json!("paused"))),
        ("good-2", with("mood", json!("good"))),
        ("good-3", with("strategy_version", json!(7))),
        ("good-4", with("case_name", json!("\u{0}x".repeat(300)))),
        ("good-5", with("subject_ids", json!({"a\u{0}": "1", "a\u{fffd}": "2"}))),
        ("good-6", with("nodes_executed", json!(u64::MAX))),
        ("good-7", with("duration_ms", json!(1e300))),
        ("good-8", with("points", json!(-0.0))),
    ];
    let ledger = ledger(payloads.iter().map(|(id, payload)| event(id, "strategy.executed", payload)).collect()).await;
    let mut expected = None;
    for database in &databases {
        catch_up(StrategyLog::default(), database, &ledger).await;
        assert_eq!(ids(database).await, (1..=8).map(|n| format!("good-{n}")).collect::<Vec<_>>());
        let list = StrategyReader::new(database.clone()).list(&all(), ListLimit::default(), None).await.unwrap();
        let json = serde_json::to_string(&list).unwrap();
        assert_eq!(*expected.get_or_insert(json.clone()), json);
    }
    assert!(expected.unwrap().contains(r#""status":"paused""#));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_any_length_are_found_again_and_stay_different() {
    let (_folder, databases) = databases();
    let (one, other) = ("\u{20ac}".repeat(500), format!("{}x", "\u{20ac}".repeat(500)));
    let run = |id: &str| StrategyExecution { strategy_id: id.into(), tenant_id: Some(id.into()), ..execution() };
    let ledger = ledger(events(&[run(&one), run(&other), run(&other)])).await;
    for database in &databases {
        catch_up(StrategyLog::default(), database, &ledger).await;
        let reader = StrategyReader::new(database.clone());
        for (id, expected) in [(&one, 1), (&other, 2)] {
            let mut filter = ledger_projections::StrategyFilter::strategy(id);
            filter.tenants = vec![id.clone()];
            assert_eq!(reader.stats(&filter, top()).await.unwrap().answer.outcomes.total.rows, expected);
        }
    }
}

/// Numbers may be longer in a table than in an event: 18 characters for 4.
fn with_numbers(id: &str, count: usize) -> Event {
    let numbers = vec!["1e15"; count].join(",");
    let payload = serde_json::to_string(&execution()).unwrap();
    let payload = payload.strip_suffix('}').unwrap();
    event(id, "strategy.executed", &format!(r#"{payload},"trace":[{numbers}]}}"#))
}

#[tokio::test(flavor = "multi_thread")]
async fn large_traces_are_stored_in_as_many_statements_as_it_takes() {
    let (_folder, databases) = databases();
    let runs = (0..9).map(|n| with_numbers(&format!("e-{n}"), 300_000)).collect();
    let ledger = ledger(runs).await;
    // One that no server would take is left out, and its execution is there.
    ledger.append_all(vec![with_numbers("larger", 1_000_000)]).await.unwrap();
    for database in &databases {
        catch_up(StrategyLog::default().with_traces(), database, &ledger).await;
        let large = database.query("SELECT event_id FROM strategy_executions WHERE length(trace) > 5000000").await;
        assert_eq!((large.unwrap().rows.len(), ids(database).await.len()), (9, 10));
    }
}
