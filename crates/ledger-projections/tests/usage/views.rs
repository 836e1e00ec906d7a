//! What an answer is made of while pages are folded in one after the other, as fast as the server can.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ledger_projections::Database;
use ledger_projections::store::Cell;
use ledger_projections::usage::{Limit, UsageReader};
use ledger_servers::MariaDb;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, Connection, Executor};
use tokio::task::JoinSet;

use crate::setting::{all, ledger, project, said, session};

/// Pages that are folded in.
const PAGES: usize = 8_000;

/// As many projectors take turns.
const PROJECTORS: usize = 8;

/// Transactions that stay open. MariaDB asks one after the other whether they have committed when a snapshot begins; the
/// more there are, the more may happen meanwhile.
const OPEN: usize = 1_000;

/// The newest sessions that an answer is to have, all of them.
const NEWEST: usize = 8;

/// What a projector does with a page of one event: the checkpoint is locked, a row is stored, the checkpoint is moved on.
/// Session `n` is the event with offset `n`.
const FOLD: &str = "CREATE PROCEDURE fold(last BIGINT) BEGIN
    DECLARE place BIGINT DEFAULT 0;
    WHILE place < last DO
        START TRANSACTION;
        SELECT `offset` + 1 INTO place FROM ledger_projections WHERE projection = 'usage' AND generation = 1 FOR UPDATE;
        INSERT INTO usage_sessions_1 (session_id, workspace, first_at, last_at) VALUES (place, '', place, place);
        UPDATE ledger_projections SET `offset` = place, updated_at = updated_at + 1
            WHERE projection = 'usage' AND generation = 1;
        COMMIT;
    END WHILE; END";

/// Also where the server shows a commit and not the one before it, as MariaDB does.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_has_every_page_up_to_its_checkpoint() {
    // Its commits need not be on disk: they are to be many. Its transactions see what others commit, unless they say more.
    let options = [("innodb-flush-log-at-trx-commit", "0"), ("transaction-isolation", "READ-COMMITTED")];
    let server = Arc::new(MariaDb::start_with(&options));
    let url = server.fresh();
    let name = url.rsplit('/').next().unwrap().to_owned();
    let database = Database::from_url(&url).unwrap();
    project(&database, &ledger(vec![said(&session("1", ""))]).await).await;
    let driver: MySqlConnectOptions = server.url().parse().unwrap();
    leave_open(&driver).await;
    let mut connection = MySqlConnection::connect_with(&driver.database(&name)).await.unwrap();
    connection.execute("UPDATE usage_sessions_1 SET first_at = 1, last_at = 1").await.unwrap();
    connection.execute(FOLD).await.unwrap();
    connection.close().await.unwrap();

    let (done, mut readers) = (Arc::new(AtomicBool::new(false)), JoinSet::new());
    readers.spawn(read_sessions(database.clone(), Arc::clone(&done)));
    for _ in 0..2 {
        readers.spawn(ask(database.clone(), Arc::clone(&done)));
    }
    let mut projectors = JoinSet::new();
    for _ in 0..PROJECTORS {
        let (server, name) = (Arc::clone(&server), name.clone());
        projectors.spawn_blocking(move || server.sql(Some(&name), &format!("CALL fold({PAGES})")));
    }
    while let Some(folded) = projectors.join_next().await {
        folded.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    while let Some(read) = readers.join_next().await {
        println!("{} answers", read.unwrap());
    }
}

/// Prepared transactions stay when their connections end.
async fn leave_open(options: &MySqlConnectOptions) {
    let mut connection = MySqlConnection::connect_with(options).await.unwrap();
    connection.execute("CREATE DATABASE other; CREATE TABLE other.rows (n BIGINT PRIMARY KEY)").await.unwrap();
    connection.close().await.unwrap();
    // Without statements that set sessions up, which would take as long as the rest.
    let bare = options.clone().set_names(false).timezone(None).pipes_as_concat(false).no_engine_substitution(false);
    for n in 0..OPEN {
        let mut connection = MySqlConnection::connect_with(&bare).await.unwrap();
        let prepared = format!("XA START '{n}'; INSERT INTO other.rows VALUES ({n}); XA END '{n}'; XA PREPARE '{n}'");
        connection.execute(AssertSqlSafe(prepared)).await.unwrap();
        connection.close().await.unwrap();
    }
}

/// Asks for the newest sessions again and again; how often.
async fn read_sessions(database: Database, done: Arc<AtomicBool>) -> usize {
    let (reader, mut answers) = (UsageReader::new(database), 0);
    while !done.load(Ordering::SeqCst) {
        let page = reader.sessions(&all(), false, Limit::new(NEWEST).unwrap(), None).await.unwrap();
        let newest: Vec<usize> = page.rows.iter().map(|row| row.session.parse().unwrap()).collect();
        assert_are_newest(&newest, page.basis.offset.get() as usize);
        answers += 1;
    }
    answers
}

/// The same in SQL.
async fn ask(database: Database, done: Arc<AtomicBool>) -> usize {
    let sql = format!(
        "SELECT CAST(session_id AS CHAR), (SELECT `offset` FROM ledger_projections WHERE live = 1) FROM usage_sessions
         ORDER BY first_at DESC LIMIT {NEWEST}"
    );
    let mut answers = 0;
    while !done.load(Ordering::SeqCst) {
        let rows = database.query(&sql).await.unwrap().rows;
        let newest: Vec<usize> = rows.iter().map(|row| row[0].text().parse().unwrap()).collect();
        assert_are_newest(&newest, rows.first().map_or(0, |row| Cell::int(&row[1])) as usize);
        answers += 1;
    }
    answers
}

fn assert_are_newest(sessions: &[usize], last: usize) {
    assert!(sessions.iter().copied().eq((1..=last).rev().take(NEWEST)), "up to {last} there are only {sessions:?}");
}
