//! What calls cost of which no event says it: the same on every engine, by the prices that the tables were made with.

use std::sync::Arc;

use ledger_core::{Event, Ledger, LedgerExt as _, Offset, Read};
use ledger_events::{LlmCall, Tokens};
use ledger_prices::PriceBook;
use ledger_projections::store::Cell;
use ledger_projections::usage::{Usage, UsageReader};
use ledger_projections::{Database, Projection as _, Projector};

use crate::setting::{all, at, call, databases, ledger, said};

const OWN: &str = "[[price]]\nmodel = \"o3\"\ninput = \"1\"\noutput = \"1\"\n\n[[price]]\nmodel = \"mystery\"\ninput = \"0.5\"\noutput = \"1\"\n";

fn unpriced(model: &str, time: &str, tokens: Tokens) -> LlmCall {
    LlmCall { model: Some(model.into()), tokens, ..LlmCall::new("chat", "openai", at(time)) }
}

fn tokens(input: u64, output: u64) -> Tokens {
    Tokens { input, output, ..Tokens::default() }
}

/// Before and after o3 became cheaper; one whose cost is told; one that nobody knows; one of an unusual tier, with a search.
fn events() -> Vec<Event> {
    let told = call("local", "chat", 0, 1.0, (1_000, 100), 0.5);
    let mut flex = unpriced("o3", "2026-11-01T00:00:00Z", tokens(2_000, 0));
    flex.service_tier = Some("flex".into());
    flex.speed = Some("standard".into());
    flex.inference_geo = Some("global".into());
    flex.web_searches = Some(2);
    vec![
        said(&unpriced("o3", "2025-06-09T23:00:00Z", tokens(1_000, 100))),
        said(&unpriced("o3", "2025-06-10T00:00:00Z", tokens(1_000, 100))),
        said(&LlmCall { model: Some("o3".into()), ..told }),
        said(&unpriced("mystery", "2026-01-01T00:00:00Z", tokens(70, 7))),
        said(&flex),
    ]
}

async fn project(database: &Database, ledger: &dyn Ledger, usage: Usage) {
    Projector::new(usage, database.clone()).catch_up(ledger, &|_, _| ()).await.unwrap();
}

fn bundled() -> Usage {
    Usage::new().with_prices(Arc::new(PriceBook::bundled()))
}

fn own() -> Usage {
    Usage::new().with_prices(Arc::new(PriceBook::bundled().with_own(OWN).unwrap()))
}

async fn rows(database: &Database) -> Vec<(Option<i64>, Option<String>, Option<String>)> {
    let sql = "SELECT pico_usd, cost_source, price_version FROM usage_calls ORDER BY started_at";
    let int = |cell: &Cell| if let Cell::Int(int) = cell { Some(*int) } else { None };
    let text = |cell: &Cell| if let Cell::Text(text) = cell { Some(text.clone()) } else { None };
    let rows = database.query(sql).await.unwrap().rows;
    rows.iter().map(|row| (int(&row[0]), text(&row[1]), text(&row[2]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_costs_what_its_event_says_else_what_its_model_cost_when_it_started() {
    let ledger = ledger(events()).await;
    let (_folder, databases) = databases();
    for database in &databases {
        project(database, &ledger, bundled()).await;
        let priced = |pico: i64| (Some(pico), Some("priced".into()), Some("genai-prices 0.2.1".into()));
        assert_eq!(
            rows(database).await,
            [
                // 1000 x $10/M + 100 x $40/M, and 1000 x $2/M + 100 x $8/M.
                priced(14_000_000_000),
                priced(2_800_000_000),
                (None, None, None),
                (Some(500_000_000_000), Some("provider".into()), None),
                // 2000 x $1/M + 2 x $10/1000.
                priced(22_000_000_000),
            ]
        );
        let answer = UsageReader::new(database.clone()).stats(&all()).await.unwrap();
        // 0.014 + 0.0028 + 0.5 + 0.022.
        assert_eq!(answer.total.metrics.cost.to_string(), "0.5388");
        assert_eq!((answer.unpriced.calls, answer.unpriced.tokens), (1, 77));
        assert_eq!(answer.unpriced.models[0].model.as_deref(), Some("mystery"));
        assert_eq!(answer.basis.prices.as_deref(), Some("genai-prices 0.2.1"));
        let sql = "SELECT service_tier, speed, inference_geo, web_searches FROM usage_calls WHERE web_searches > 0";
        let found = database.query(sql).await.unwrap().rows;
        let text = |text: &str| Cell::Text(text.into());
        assert_eq!(found, [[text("flex"), text("standard"), text("global"), Cell::Int(2)]]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_prices_make_the_tables_anew_and_leave_the_log_alone() {
    let ledger = ledger(events()).await;
    let log = ledger.read(&Read::after(Offset::ZERO)).await.unwrap().events;
    let (_folder, databases) = databases();
    for database in &databases {
        let cost = || async {
            let answer = UsageReader::new(database.clone()).stats(&all()).await.unwrap();
            (answer.total.metrics.cost.to_string(), answer.unpriced.calls)
        };
        project(database, &ledger, Usage::new()).await;
        assert_eq!(cost().await, ("0.50".into(), 4), "without prices only what events say");
        project(database, &ledger, bundled()).await;
        assert_eq!(cost().await, ("0.5388".into(), 1));
        project(database, &ledger, own()).await;
        // 2 x 1100 x $1/M + $0.5 + 70 x $0.5/M + 7 x $1/M; flex has no price in the own ones any more.
        assert_eq!(cost().await, ("0.502242".into(), 1));
        project(database, &ledger, bundled()).await;
        assert_eq!(cost().await, ("0.5388".into(), 1), "as before");
        assert_eq!(rows(database).await.len(), 5);
    }
    assert_eq!(ledger.read(&Read::after(Offset::ZERO)).await.unwrap().events, log);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_on_with_tables_of_other_prices_prices_only_what_is_new() {
    let ledger = ledger(events()).await;
    let (_folder, databases) = databases();
    for database in &databases[..1] {
        project(database, &ledger, bundled()).await;
        ledger.append_all(vec![said(&unpriced("mystery", "2026-12-01T00:00:00Z", tokens(100, 0)))]).await.unwrap();
        let going_on = own().going_on_with_prices_of("genai-prices 0.2.1");
        assert_eq!(going_on.settings(), bundled().settings());
        project(database, &ledger, going_on).await;
        let rows = rows(database).await;
        assert_eq!((rows[0].0, rows[5].0), (Some(14_000_000_000), Some(50_000_000)), "100 x $0.5/M");
        assert!(rows[5].2.as_ref().unwrap().starts_with("genai-prices 0.2.1 + own "), "{rows:?}");
    }
}

#[test]
fn settings_name_the_prices() {
    assert_eq!(Usage::prices_of(&bundled().settings()), Some("genai-prices 0.2.1"));
    assert_eq!(Usage::prices_of(&Usage::new().settings()), None);
}
