//! What readers see while writers commit one after the other, as fast as the server can.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ledger_conformance::events::{events, kind};
use ledger_core::{Filter, Ledger, LedgerExt, Offset, PageSize, Read, RunQuery};
use ledger_servers::MariaDb;
use ledger_sql::{MySqlLedger, ServerOptions};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, Connection, Executor};
use tokio::task::JoinSet;

use crate::support::{on_mariadb, on_postgres, open, options};

/// Events that are written.
const EVENTS: usize = 20_000;

const WRITERS: usize = 8;

/// Transactions that stay open. MariaDB asks one after the other whether they have committed when a statement begins; the more
/// there are, the more may happen meanwhile.
const OPEN: usize = 400;

/// Copies the events of another ledger as appends store them, one in each transaction; between them are transactions of
/// appends that were known already.
const COPY: &str = "CREATE PROCEDURE copy_events(last BIGINT) BEGIN
    DECLARE place BIGINT DEFAULT 0;
    WHILE place < last DO
        START TRANSACTION;
        SELECT `next` INTO place FROM ledger_head WHERE lane = 1 FOR UPDATE;
        IF place <= last THEN
            INSERT INTO events SELECT * FROM {source}.events WHERE `offset` = place;
            UPDATE ledger_head SET `next` = place + 1, commits = commits + 1,
                recorded_at = (SELECT recorded_at FROM events WHERE `offset` = place) WHERE lane = 1;
        END IF;
        COMMIT;
        START TRANSACTION;
        SELECT `next` INTO place FROM ledger_head WHERE lane = 1 FOR UPDATE;
        UPDATE ledger_head SET commits = commits + 1 WHERE lane = 1;
        COMMIT;
    END WHILE; END";

/// Also where the server shows a commit and not the one before it, as MariaDB does.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_never_sees_a_commit_without_the_one_before_it() {
    // Its commits need not be on disk: they are to be many.
    let server = Arc::new(MariaDb::start_with(&[("innodb-flush-log-at-trx-commit", "0")]));
    let [source, copied] = [server.fresh(), server.fresh()].map(|url| (database(&url), with_any_durability(&url)));
    let ledger = MySqlLedger::open(source.1).await.unwrap();
    for part in 0..EVENTS / 1_000 {
        ledger.append_all(events(&format!("e{part}"), 1_000)).await.unwrap();
    }
    let ledger: Arc<dyn Ledger> = Arc::new(MySqlLedger::open(copied.1.clone()).await.unwrap());
    let driver: MySqlConnectOptions = server.url().parse().unwrap();
    leave_open(&driver).await;
    let mut connection = MySqlConnection::connect_with(&driver.database(&copied.0)).await.unwrap();
    connection.execute(AssertSqlSafe(COPY.replace("{source}", &source.0))).await.unwrap();
    connection.close().await.unwrap();

    let (done, mut readers) = (Arc::new(AtomicBool::new(false)), JoinSet::new());
    for filter in [Filter::any(), Filter::any().kind(kind("agent.spoke"))] {
        readers.spawn(read_pages(Arc::clone(&ledger), filter, Arc::clone(&done)));
    }
    readers.spawn(read_runs(Arc::clone(&ledger), Arc::clone(&done)));
    readers.spawn(diagnose(copied.1, Arc::clone(&done)));
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (server, database) = (Arc::clone(&server), copied.0.clone());
        writers.spawn_blocking(move || server.sql(Some(&database), &format!("CALL copy_events({EVENTS})")));
    }
    while let Some(written) = writers.join_next().await {
        written.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    while let Some(read) = readers.join_next().await {
        println!("{} answers", read.unwrap());
    }
}

/// A page that is cut where the ledger ended a moment ago is all that stood there at that moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_whole_while_the_ledger_is_reset() {
    for options in [on_postgres(), on_mariadb()] {
        let ledger = open(&options).await;
        let done = Arc::new(AtomicBool::new(false));
        let reader = tokio::spawn(read_backward(open(&options).await, Arc::clone(&done)));
        for n in 0..100 {
            ledger.append_all(events(&format!("e{n}"), 3)).await.unwrap();
            ledger.reset(&ledger.head().await.unwrap()).await.unwrap();
        }
        done.store(true, Ordering::SeqCst);
        println!("{} answers", reader.await.unwrap());
    }
}

fn database(url: &str) -> String {
    url.rsplit('/').next().unwrap().to_owned()
}

fn with_any_durability(url: &str) -> ServerOptions {
    options(&format!("{url}?durability=volatile"))
}

/// Prepared transactions stay when their connections end.
async fn leave_open(options: &MySqlConnectOptions) {
    let mut connection = MySqlConnection::connect_with(options).await.unwrap();
    connection.execute("CREATE DATABASE other; CREATE TABLE other.rows (n BIGINT PRIMARY KEY)").await.unwrap();
    connection.close().await.unwrap();
    for n in 0..OPEN {
        let mut connection = MySqlConnection::connect_with(options).await.unwrap();
        let prepared = format!("XA START '{n}'; INSERT INTO other.rows VALUES ({n}); XA END '{n}'; XA PREPARE '{n}'");
        connection.execute(AssertSqlSafe(prepared)).await.unwrap();
        connection.close().await.unwrap();
    }
}

/// Reads the newest events again and again; how often. Every event matches the filter.
async fn read_pages(ledger: Arc<dyn Ledger>, filter: Filter, done: Arc<AtomicBool>) -> usize {
    let (mut end, mut answers) = (0, 0);
    while !done.load(Ordering::SeqCst) {
        // Those that were there before are read once more with the new ones.
        let after = Offset::new(end.max(8) - 8).unwrap();
        let read = Read::after(after).limit(PageSize::new(1_000).unwrap()).matching(filter.clone()).unwrap();
        let page = ledger.read(&read).await.unwrap();
        let offsets: Vec<u64> = page.events.iter().map(|recorded| recorded.offset.get()).collect();
        end = page.resume.get();
        assert!(offsets.iter().copied().eq(after.get() + 1..=end), "up to {end} there are only {offsets:?}");
        answers += 1;
    }
    answers
}

/// Reads all that there is again and again; how often. Every event matches the filter.
async fn read_backward(ledger: Arc<dyn Ledger>, done: Arc<AtomicBool>) -> usize {
    let read = Read::before(Offset::MAX).matching(Filter::any().kind(kind("agent.spoke"))).unwrap();
    let mut answers = 0;
    while !done.load(Ordering::SeqCst) {
        let page = ledger.read(&read).await.unwrap();
        assert_eq!(page.events.len() as u64, page.extent.events(), "{:?}", page.extent);
        answers += 1;
    }
    answers
}

/// Asks for the one run again and again; how often.
async fn read_runs(ledger: Arc<dyn Ledger>, done: Arc<AtomicBool>) -> usize {
    let mut answers = 0;
    while !done.load(Ordering::SeqCst) {
        let runs = ledger.runs(RunQuery::new(Offset::ZERO, 10).unwrap()).await.unwrap();
        assert!(runs.iter().all(|run| run.events == run.last.get()), "{runs:?}");
        answers += 1;
    }
    answers
}

/// Looks again and again whether the head and the last event agree; how often.
async fn diagnose(options: ServerOptions, done: Arc<AtomicBool>) -> usize {
    let mut answers = 0;
    while !done.load(Ordering::SeqCst) {
        let found = MySqlLedger::diagnose(options.clone()).await.unwrap();
        assert!(found.head.is_some(), "{:?}", found.findings);
        answers += 1;
    }
    answers
}
