//! A standby that takes over.

use std::time::Duration;

use ledger_conformance::events::event;
use ledger_core::{Durability, Error, LedgerExt};
use ledger_servers::Postgres;

use crate::crew::{Crew, check_log};
use crate::support::{assert_retryable, open, options, try_open};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_acknowledged_is_lost_when_a_standby_takes_over() {
    let primary = Postgres::start();
    let standby = primary.standby("second");
    let url = primary.fresh();
    let short = options(&url).timeout(Duration::from_millis(500)).connect_timeout(Duration::from_millis(500));

    // Nobody waits for the standby yet: the head says so, and whoever needs more is refused.
    let ledger = open(&short).await;
    assert_eq!(ledger.head().await.unwrap().durability, Durability::Synced);
    let refused = try_open(&short.clone().durability(Durability::Replicated)).await.err().unwrap();
    assert!(matches!(&refused, Error::Refused(why) if why.contains("synchronous_standby_names")), "{refused:?}");
    primary.configure(&[("synchronous_standby_names", "second")]);
    assert_eq!(ledger.head().await.unwrap().durability, Durability::Replicated);
    ledger.append_one(event("first")).await.unwrap();

    // While the standby is away nothing is acknowledged: not the first time, and not as a duplicate.
    standby.stop();
    let unknown = ledger.append_one(event("second")).await.unwrap_err();
    assert!(matches!(unknown, Error::OutcomeUnknown(_)), "{unknown:?}");
    let other = open(&short).await;
    for ledger in [&ledger, &other] {
        assert_retryable(&ledger.append_one(event("second")).await.unwrap_err());
    }
    standby.start_again();
    ledger.append_one(event("second")).await.unwrap();

    // The primary is lost in the middle of its work.
    let mut crew = Crew::start(&[ledger, other]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    tokio::task::block_in_place(|| primary.stop_now());
    let acknowledged = crew.stop_writing().await;
    assert!(acknowledged.len() > 30, "hardly anything was written");
    standby.promote();
    let promoted = open(&short.port(standby.port())).await;
    assert_eq!(promoted.head().await.unwrap().durability, Durability::Synced);
    check_log(promoted.as_ref(), &acknowledged).await;
    promoted.append_one(event("after")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_read_and_not_written() {
    let primary = Postgres::start();
    let url = primary.fresh();
    let ledger = open(&options(&url)).await;
    ledger.append_one(event("first")).await.unwrap();
    let standby = primary.standby("second");
    let there = options(&url).port(standby.port());
    let refused = try_open(&there).await.err().unwrap();
    assert!(matches!(refused, Error::ReadOnly { .. }), "{refused:?}");
    let copy = open(&there.mode(ledger_sql::Mode::ReadOnly)).await;
    let refused = copy.append_one(event("second")).await.unwrap_err();
    assert!(matches!(refused, Error::ReadOnly { .. }), "{refused:?}");
    // A follower on the standby sees what the primary stores.
    let mut news = copy.wakeup();
    ledger.append_one(event("second")).await.unwrap();
    while copy.head().await.unwrap().extent.events() < 2 {
        news.wait().await.unwrap();
    }
}
