//! What is special to servers: lost answers, programs that write past us, many that begin at once, copies between engines.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use futures_util::TryStreamExt;
use ledger_conformance::events::{event, events, log, offsets};
use ledger_core::{Durability, Error, Ledger, LedgerExt, Offset, Read};
use ledger_servers::{MariaDb, Postgres, Proxy};
use ledger_sql::{MySqlLedger, PostgresLedger, ServerOptions, restore, snapshot};

fn options(url: &str) -> ServerOptions {
    ServerOptions::from_url(url).unwrap()
}

async fn postgres() -> (ServerOptions, PostgresLedger) {
    let options = options(&Postgres::shared().fresh());
    let ledger = PostgresLedger::open(options.clone()).await.unwrap();
    (options, ledger)
}

/// The answer to an append is cut after n bytes, for every 7th n until it comes whole: the event is there once, and the
/// caller is told so.
#[tokio::test(flavor = "multi_thread")]
async fn an_append_whose_answer_is_cut_anywhere_ends_in_one_copy() {
    let proxy = Proxy::to(Postgres::shared().port());
    let (direct, _ledger) = postgres().await;
    let cut = PostgresLedger::open(direct.port(proxy.port())).await.unwrap();
    cut.append_one(event("first")).await.unwrap();
    let mut appended = 1;
    for bytes in (0..400).step_by(7) {
        proxy.cut_answers_after(Some(bytes));
        cut.append_one(event(&format!("cut-{bytes}"))).await.unwrap();
        proxy.cut_answers_after(None);
        appended += 1;
    }
    let log = log(&cut).await;
    assert_eq!(offsets(&log), (1..=appended).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_postgres_is_append_only_for_every_program() {
    let url = Postgres::shared().fresh();
    let schema = url.rsplit("schema=").next().unwrap();
    let ledger = PostgresLedger::open(options(&url)).await.unwrap();
    ledger.append_all(events("e", 3)).await.unwrap();
    for statement in
        ["UPDATE events SET turn = 1", "DELETE FROM events", "TRUNCATE events", "UPDATE ledger_head SET next = 1"]
    {
        // Fails here, if it is done or refused by anything but the ledger's own guards.
        Postgres::shared().sql(&format!(
            "SET search_path = \"{schema}\"; DO $$ BEGIN {statement}; RAISE EXCEPTION 'it was done'; \
             EXCEPTION WHEN SQLSTATE 'AL001' OR SQLSTATE 'AL002' THEN NULL; END $$"
        ));
    }
    assert_eq!(log(&ledger).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_begin_at_once_make_one_ledger() {
    let (on_postgres, on_mysql) = (options(&Postgres::shared().fresh()), options(&MariaDb::shared().fresh()));
    let mut ids = Vec::new();
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let options = on_postgres.clone();
        tasks.push(tokio::spawn(async move { PostgresLedger::open(options).await.unwrap().head().await.unwrap() }));
        let options = on_mysql.clone();
        tasks.push(tokio::spawn(async move { MySqlLedger::open(options).await.unwrap().head().await.unwrap() }));
    }
    for task in tasks {
        ids.push(task.await.unwrap().ledger_id.to_string());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_goes_from_engine_to_engine_and_stays_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (_, source) = postgres().await;
    source.append_all(events("e", 500)).await.unwrap();
    let target = MySqlLedger::open(options(&MariaDb::shared().fresh())).await.unwrap();
    let (one, other) = (folder.path().join("one.db"), folder.path().join("other.db"));
    snapshot(&source, &one, &|_, _| ()).await.unwrap();
    restore(&one, &target, &|_, _| ()).await.unwrap();
    snapshot(&target, &other, &|_, _| ()).await.unwrap();
    let read = |ledger: Arc<dyn Ledger>| async move {
        ledger.tail(Read::after(Offset::ZERO)).try_collect::<Vec<_>>().await.unwrap()
    };
    let file =
        |path| async move { ledger_sql::SqliteLedger::open(ledger_sql::SqliteOptions::new(path)).await.unwrap() };
    let expected = read(Arc::new(source)).await;
    assert_eq!(read(Arc::new(target)).await, expected);
    assert_eq!(read(Arc::new(file(other).await)).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_set_to_lose_events_is_refused_unless_that_is_named() {
    let server = Postgres::start_with(&[("synchronous_commit", "off")]);
    let url = server.fresh();
    let refused = PostgresLedger::open(options(&url)).await.err().unwrap();
    assert!(matches!(&refused, Error::Refused(why) if why.contains("synchronous_commit")), "{refused:?}");
    let ledger = PostgresLedger::open(options(&url).durability(Durability::Volatile)).await.unwrap();
    assert_eq!(ledger.head().await.unwrap().durability, Durability::Volatile);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_be_reached_is_not_available() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for url in [format!("postgres://me@127.0.0.1:{nobody}/x"), "postgres://me@no-such-host.invalid/x".to_owned()] {
        let error = PostgresLedger::open(options(&url)).await.err().unwrap();
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    }
    let error = MySqlLedger::open(options(&format!("mysql://me@127.0.0.1:{nobody}/x"))).await.err().unwrap();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
}
