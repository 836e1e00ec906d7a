//! A ledger as large as one that somebody uses: the same answers, byte by byte, on every engine.

use std::time::Instant;

use ledger_projections::Zone;
use ledger_projections::usage::{Dimension, Limit, Per, Sort, ToolsQuery, UsageQuery, UsageReader};

use crate::answers::text;
use crate::generate::events;
use crate::setting::{all, append, catch_up, databases, ledger, local};

const EVENTS: usize = 100_000;

async fn documents(reader: &UsageReader) -> Vec<String> {
    let (query, limit) = (all(), Limit::new(1_000).unwrap());
    let (tenant, operation) = (Dimension::Tenant, Some(Dimension::Operation));
    let per_invocation = UsageQuery { per: Per::Invocation, ..all() };
    let day = local("Asia/Kathmandu", "day");
    let tools = ToolsQuery::default();
    vec![
        text(reader.stats(&query).await.unwrap().document(Zone::UTC)),
        text(reader.by(&query, tenant, operation, Sort::Cost, limit).await.unwrap().document(Zone::UTC)),
        text(reader.by(&per_invocation, Dimension::Model, None, Sort::P95, limit).await.unwrap().document(Zone::UTC)),
        text(reader.series(&query, day).await.unwrap().document(day.zone)),
        text(reader.tools(&tools).await.unwrap().document(Zone::UTC)),
        text(reader.errors(&query, limit).await.unwrap().document(Zone::UTC)),
        text(reader.counts(&query).await.unwrap().document(Zone::UTC)),
    ]
}

/// Its times are told, so that it can be seen when they grow:
/// `cargo test -p ledger-projections --test usage -- --ignored --nocapture large::`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes without optimisation"]
async fn a_hundred_thousand_events_give_the_same_answers_on_every_engine() {
    let ledger = ledger(Vec::new()).await;
    append(&ledger, events(51, EVENTS)).await;
    let (_folder, databases) = databases();
    let mut expected: Option<Vec<String>> = None;
    for database in &databases {
        let begun = Instant::now();
        catch_up(database, &ledger, 5_000).await;
        let folded = begun.elapsed();
        let found = documents(&UsageReader::new(database.clone())).await;
        println!("{EVENTS} events folded in {folded:?}, asked in {:?}: {database:?}", begun.elapsed() - folded);
        for (found, expected) in found.iter().zip(expected.get_or_insert_with(|| found.clone())) {
            assert!(found == expected, "{database:?}: {found}\nand not\n{expected}");
        }
    }
}
