//! A ledger as large as one that somebody uses: the same answers, byte by byte, on every engine.

use std::time::Instant;

use ledger_projections::usage::UsageReader;

use crate::answers::{Answers, answers, everything};
use crate::generate::events;
use crate::setting::{append, catch_up, databases, ledger};

const EVENTS: usize = 100_000;

/// Its times are told, so that it can be seen when they grow:
/// `cargo test -p ledger-projections --test usage -- --ignored --nocapture large::`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes without optimisation"]
async fn a_hundred_thousand_events_give_the_same_answers_on_every_engine() {
    let ledger = ledger(Vec::new()).await;
    append(&ledger, events(51, EVENTS)).await;
    let (_folder, databases) = databases();
    let mut expected: Option<Answers> = None;
    for database in &databases {
        let begun = Instant::now();
        catch_up(database, &ledger, 5_000).await;
        let folded = begun.elapsed();
        let found = answers(&UsageReader::new(database.clone()), &everything()).await;
        println!("{EVENTS} events folded in {folded:?}, asked in {:?}: {database:?}", begun.elapsed() - folded);
        expected.get_or_insert_with(|| Answers(found.0.clone())).assert_are(&found, &format!("{database:?}"));
    }
}
