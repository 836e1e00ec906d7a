//! A standby that takes over.

use std::time::Duration;

use ledger_conformance::events::event;
use ledger_core::{Durability, Error, LedgerExt};
use ledger_servers::{MariaDb, Postgres, Proxy};

use crate::crew::{Crew, check_log};
use crate::support::{assert_retryable, eventually, open, options, try_open};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_acknowledged_is_lost_when_a_standby_takes_over() {
    let primary = Postgres::start();
    let standby = primary.standby("second");
    let proxy = Proxy::to(primary.port());
    let url = primary.fresh();
    let short =
        options(&proxy.through(&url)).timeout(Duration::from_millis(500)).connect_timeout(Duration::from_millis(500));

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
    // The commit that waits is ended: now its event is there for everybody, on one disk only.
    tokio::task::block_in_place(|| {
        let waiting = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        assert_ne!(primary.sql(waiting), "0");
    });
    eventually("the event can be seen", async || other.head().await.unwrap().extent.events() == 2).await;
    let unknown = other.append_one(event("second")).await.unwrap_err();
    assert!(matches!(unknown, Error::OutcomeUnknown(_)), "{unknown:?}");
    standby.start_again();
    ledger.append_one(event("second")).await.unwrap();

    // The primary is lost in the middle of its work, and the same address leads to the standby, at first as it is.
    let handles = [ledger, other];
    let mut crew = Crew::start(&handles);
    tokio::time::sleep(Duration::from_secs(1)).await;
    tokio::task::block_in_place(|| primary.stop_now());
    proxy.lead_to(standby.port());
    tokio::time::sleep(Duration::from_secs(1)).await;
    tokio::task::block_in_place(|| standby.promote());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let acknowledged = crew.stop_writing().await;
    assert!(acknowledged.len() > 30, "hardly anything was written");
    assert_eq!(handles[0].head().await.unwrap().durability, Durability::Synced);
    check_log(handles[0].as_ref(), &acknowledged).await;
    crew.check_followers(handles[0].as_ref()).await;
    handles[1].append_one(event("after")).await.unwrap();
}

/// A primary that takes no writes for a while, and stays up, as in a planned change of primaries: whoever was told so asks
/// again, where the address leads now.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_writer_goes_on_when_a_primary_takes_writes_again() {
    let server = MariaDb::start();
    let url = server.fresh();
    let name = url.rsplit('/').next().unwrap();
    // A user that may not write to a server that takes no writes.
    let user = format!("CREATE USER {name}@127.0.0.1; GRANT ALL ON {name}.* TO {name}@127.0.0.1");
    server.sql(None, &user);
    let options = options(&url).user(name);
    let patient = open(&options).await;
    let hasty = open(&options.connect_timeout(Duration::from_millis(200))).await;
    patient.append_one(event("first")).await.unwrap();
    hasty.append_one(event("second")).await.unwrap();
    server.sql(None, "SET GLOBAL read_only = 1");
    let refused = hasty.append_one(event("third")).await.unwrap_err();
    assert!(matches!(refused, Error::Unavailable { .. }), "{refused:?}");
    let waiting = tokio::spawn(async move { patient.append_one(event("fourth")).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished());
    server.sql(None, "SET GLOBAL read_only = 0");
    assert_eq!(waiting.await.unwrap().unwrap().offset().get(), 3);
    hasty.append_one(event("third")).await.unwrap();
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
