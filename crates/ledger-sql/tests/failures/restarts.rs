//! Servers that stop and start again.

use std::time::Duration;

use ledger_servers::{MariaDb, Postgres};

use crate::crew::{Crew, check_log};
use crate::support::{open, options};

/// Ten orderly restarts and ten that are like a crash, while others write and follow.
async fn restart(url: &str, stop: impl Fn(), stop_now: impl Fn(), start_again: impl Fn()) {
    let handles = [open(&options(url)).await, open(&options(url)).await];
    let mut crew = Crew::start(&handles);
    for round in 0..20 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        tokio::task::block_in_place(|| {
            if round % 2 == 0 {
                stop()
            } else {
                stop_now()
            }
            start_again();
        });
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let acknowledged = crew.stop_writing().await;
    assert!(acknowledged.len() > 60, "hardly anything was written");
    check_log(handles[0].as_ref(), &acknowledged).await;
    crew.check_followers(handles[0].as_ref()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_acknowledged_is_lost_when_postgres_restarts() {
    let server = Postgres::start();
    restart(&server.fresh(), || server.stop(), || server.stop_now(), || server.start_again()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_acknowledged_is_lost_when_mariadb_restarts() {
    let server = MariaDb::start();
    restart(&server.fresh(), || server.stop(), || server.stop_now(), || server.start_again()).await;
}
