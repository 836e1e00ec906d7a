//! P1 to P7 and P12 with many clients at once, each with a handle of its own.

use std::sync::Arc;

use futures_util::StreamExt;
use ledger_core::{AppendCondition, AppendOutcome, Filter, Ledger, LedgerExt, Offset, Read, RecordedEvent};

use crate::Backend;
use crate::clients::run_clients;
use crate::events::{event, events, log, offset, offsets};

const FOLLOWERS: usize = 4;

/// Writers append batches, duplicates, conflicts and conditions; readers page and follow; every question and answer is
/// judged against the final log.
pub async fn a_history_of_many_clients_is_linear(backend: &dyn Backend) {
    let history = run_clients(backend, crate::seed()).await;
    history.check(&log(backend.open().await.as_ref()).await).unwrap();
}

/// No loss, no gap, no error.
pub async fn writers_on_many_handles_lose_nothing(backend: &dyn Backend) {
    let mut writers = Vec::new();
    for client in 0..12 {
        let ledger = backend.open().await;
        writers.push(tokio::spawn(async move {
            for n in 0..25 {
                ledger.append_one(event(&format!("w{client}-{n}"))).await.unwrap();
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let log = log(backend.open().await.as_ref()).await;
    assert_eq!(offsets(&log), (1..=300).collect::<Vec<_>>());
}

/// All followers see the same events in the same order, while writers are at work.
pub async fn followers_on_many_handles_see_one_log(backend: &dyn Backend) {
    const EVENTS: usize = 400;
    let mut followers = Vec::new();
    for _ in 0..FOLLOWERS {
        let ledger = backend.open().await;
        followers.push(tokio::spawn(async move {
            let follower = ledger.follow(Read::after(Offset::ZERO)).take(EVENTS);
            follower.map(|event| event.unwrap()).collect::<Vec<Arc<RecordedEvent>>>().await
        }));
    }
    let mut writers = Vec::new();
    for client in 0..4 {
        let ledger = backend.open().await;
        writers.push(tokio::spawn(async move {
            for n in 0..EVENTS / 4 / 2 {
                ledger.append_all(events(&format!("w{client}-{n}"), 2)).await.unwrap();
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let log = log(backend.open().await.as_ref()).await;
    assert_eq!(log.len(), EVENTS);
    for follower in followers {
        assert_eq!(follower.await.unwrap(), log);
    }
}

/// Many clients withdraw from one account, each under the condition that the balance is what it read. Judged again from
/// the log, no decision was wrong.
pub async fn decisions_made_under_conditions_stand_when_judged_again(backend: &dyn Backend) {
    let deposit = event("deposit").with_turn(100);
    backend.open().await.append_one(deposit).await.unwrap();
    let mut clients = Vec::new();
    for client in 0..10 {
        let ledger = backend.open().await;
        clients.push(tokio::spawn(async move {
            for n in 0..10 {
                withdraw(ledger.as_ref(), &format!("withdrawal-{client}-{n}")).await;
            }
        }));
    }
    for client in clients {
        client.await.unwrap();
    }
    let log = log(backend.open().await.as_ref()).await;
    let balances = log.iter().skip(1).scan(100, |balance, recorded| {
        *balance -= recorded.event.turn as i64;
        Some(*balance)
    });
    assert!(balances.clone().all(|balance| balance >= 0), "the account was overdrawn");
    assert_eq!(balances.last(), Some(2), "every withdrawal that fitted was made");
}

/// Takes 7, if the balance allows, as often as others come in between.
async fn withdraw(ledger: &dyn Ledger, id: &str) {
    loop {
        let seen = log(ledger).await;
        let taken: u32 = seen.iter().skip(1).map(|recorded| recorded.event.turn).sum();
        if taken + 7 > 100 {
            return;
        }
        let condition = AppendCondition { fail_if: Filter::any(), after: offset(seen.len() as u64) };
        let outcome = ledger.append_if(vec![event(id).with_turn(7)], condition).await.unwrap();
        if matches!(outcome, AppendOutcome::Appended(_)) {
            return;
        }
    }
}
