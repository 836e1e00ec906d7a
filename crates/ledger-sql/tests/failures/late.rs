//! A commit that comes late.

use std::sync::Arc;
use std::time::Duration;

use ledger_conformance::events::{event, log, offset};
use ledger_core::LedgerExt;
use ledger_servers::Postgres;

use crate::crew::{Crew, check_log};
use crate::support::{eventually, open, options};

/// How many sessions have, or wait for, the lock that makes the one commit late.
fn sessions(granted: bool) -> String {
    Postgres::shared().sql(&format!(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 4701 AND granted = {granted}"
    ))
}

/// A commit that is slow holds up everybody after it, so no follower passes it.
#[tokio::test(flavor = "multi_thread")]
async fn a_follower_never_passes_a_commit_that_is_late() {
    let url = Postgres::shared().fresh();
    let schema = url.rsplit('=').next().unwrap();
    let ledger = open(&options(&url)).await;
    ledger.append_one(event("first")).await.unwrap();
    // The one event has its row and its offset; then its commit waits for a lock that the test has.
    Postgres::shared().sql(&format!(
        "SET search_path = {schema};
         CREATE FUNCTION wait_for_the_test() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             PERFORM pg_advisory_xact_lock(4701, 1); RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER one_is_late AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW WHEN (new.id = 'late') EXECUTE FUNCTION wait_for_the_test()"
    ));
    let lock = "SELECT pg_advisory_lock(4701, 1); SELECT pg_sleep(3)";
    let holder = tokio::task::spawn_blocking(|| Postgres::shared().sql(lock));
    eventually("the test has the lock", async || sessions(true) == "1").await;
    let late = tokio::spawn({
        let ledger = Arc::clone(&ledger);
        async move { ledger.append_one(event("late")).await }
    });
    eventually("the commit waits", async || sessions(false) == "1").await;
    let others = [open(&options(&url)).await, open(&options(&url)).await];
    let mut crew = Crew::start(&others);
    while !holder.is_finished() {
        // Whatever stands there beside the first event came after the late one.
        let log = log(others[0].as_ref()).await;
        assert!(log.get(1).is_none_or(|second| second.event.id.as_str() == "late"), "the late commit was passed");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(late.await.unwrap().unwrap().offset(), offset(2));
    eventually("others go on", async || log(ledger.as_ref()).await.len() > 20).await;
    let acknowledged = crew.stop_writing().await;
    check_log(ledger.as_ref(), &acknowledged).await;
    crew.check_followers(ledger.as_ref()).await;
}
