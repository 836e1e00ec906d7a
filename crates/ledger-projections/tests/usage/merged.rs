//! Ledgers that are merged tell the same, whichever is merged into which.

use ledger_core::{Event, merge};
use ledger_memory::MemoryLedger;
use ledger_projections::Database;
use ledger_projections::usage::UsageReader;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use crate::answers::{Answers, answers, everything};
use crate::generate::events;
use crate::setting::{catch_up, ledger};

/// Some of these events, in an order of its own.
fn part(rng: &mut StdRng, events: &[Event]) -> Vec<Event> {
    let share = rng.random_range(0.3..1.0);
    let mut part: Vec<Event> = events.iter().filter(|_| rng.random_bool(share)).cloned().collect();
    part.shuffle(rng);
    part
}

async fn merged(into: &[Event], from: &[Event]) -> MemoryLedger {
    let (into, from) = (ledger(into.to_vec()).await, ledger(from.to_vec()).await);
    let merged = merge(&into, &from, &|_, _| ()).await.unwrap();
    assert!(merged.appended > 0 && merged.known > 0 && merged.conflicts == 0, "{merged:?}");
    into
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_ledger_is_merged_into_the_other_every_answer_is_the_same_and_that_of_all_events() {
    let mut rng = StdRng::seed_from_u64(ledger_conformance::seed());
    let folder = tempfile::tempdir().unwrap();
    for round in 0..2 {
        let all = events(rng.random(), 250);
        let (one, mut other) = (part(&mut rng, &all), part(&mut rng, &all));
        // Each event is in one of them at least.
        let is_missing =
            |event: &&Event| ![&one, &other].iter().any(|part| part.iter().any(|known| known.id == event.id));
        let missing: Vec<Event> = all.iter().filter(is_missing).cloned().collect();
        other.extend(missing);
        let mut expected: Option<Answers> = None;
        let ledgers = [ledger(all.clone()).await, merged(&one, &other).await, merged(&other, &one).await];
        for (n, ledger) in ledgers.iter().enumerate() {
            let database = Database::sqlite(&folder.path().join(format!("{round}-{n}.db"))).unwrap();
            catch_up(&database, ledger, 100).await;
            let answers = answers(&UsageReader::new(database), &everything()).await;
            expected.get_or_insert_with(|| Answers(answers.0.clone())).assert_are(&answers, &format!("{round} {n}"));
        }
    }
}
