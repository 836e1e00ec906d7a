//! Answers that do not come: cut off, stalled, given up by the caller, or ended by the server.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::TryStreamExt;
use ledger_conformance::events::{event, events, id, log, offset, offsets, run};
use ledger_core::{
    AppendCondition, AppendOutcome, ConsumerName, Error, Filter, Ledger, LedgerExt, Offset, PageSize, Read,
    RecordedBatch,
};
use ledger_servers::{MariaDb, Postgres, Proxy};
use ledger_sql::ServerOptions;

use crate::crew::{Crew, check_log};
use crate::support::{assert_retryable, on_mariadb, on_postgres, open, options, try_open};

/// Every how many bytes an answer is cut: `LEDGER_STEP`, else 7.
fn step() -> usize {
    std::env::var("LEDGER_STEP").ok().and_then(|text| text.parse().ok()).unwrap_or(7)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_whose_answer_is_cut_anywhere_is_stored_once_on_postgres() {
    cut_everywhere(on_postgres(), Postgres::shared().port()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_whose_answer_is_cut_anywhere_is_stored_once_on_mariadb() {
    cut_everywhere(on_mariadb(), MariaDb::shared().port()).await;
}

/// The server's answer is cut after n bytes, for n up to the length of the whole answer: with and without a condition.
async fn cut_everywhere(direct: ServerOptions, port: u16) {
    let proxy = Proxy::to(port);
    let ledger = open(&direct.port(proxy.port())).await;
    ledger.append_one(event("first")).await.unwrap();
    let mut appended = 1;
    for conditional in [false, true] {
        let before = proxy.answered();
        append(ledger.as_ref(), format!("whole-{conditional}"), conditional, appended).await;
        let whole = usize::try_from(proxy.answered() - before).unwrap();
        appended += 1;
        for bytes in (0..=whole).step_by(step()) {
            proxy.cut_answers_after(Some(bytes as u64));
            append(ledger.as_ref(), format!("cut-{conditional}-{bytes}"), conditional, appended).await;
            proxy.cut_answers_after(None);
            appended += 1;
        }
        println!("{whole} bytes");
        assert!(whole > 100);
    }
    let log = log(ledger.as_ref()).await;
    assert_eq!(offsets(&log), (1..=appended).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_else_writes_can_be_cut_anywhere_and_done_again_on_postgres() {
    cut_the_others(on_postgres, Postgres::shared().port()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_else_writes_can_be_cut_anywhere_and_done_again_on_mariadb() {
    cut_the_others(on_mariadb, MariaDb::shared().port()).await;
}

/// Checkpoints and restores are settled; a reset that was not answered says so, and is not done twice.
async fn cut_the_others(place: impl Fn() -> ServerOptions, port: u16) {
    let proxy = Proxy::to(port);
    let (source, target) = (open(&place()).await, open(&place().port(proxy.port())).await);
    source.append_all(events("e", 60)).await.unwrap();
    let recorded = log(source.as_ref()).await;
    let consumer = ConsumerName::new("consumer").unwrap();
    let mut resets = 0;
    // Each answer has less than 60 * 5 bytes before its commit is answered.
    for (n, recorded) in recorded.iter().enumerate() {
        let bytes = Some(n as u64 * 5);
        proxy.cut_answers_after(bytes);
        target.restore(RecordedBatch::new(vec![Arc::clone(recorded)]).unwrap()).await.unwrap();
        proxy.cut_answers_after(bytes);
        let saved = target.reached(consumer.clone(), recorded).await.unwrap();
        assert_eq!(saved.offset, recorded.offset);
        proxy.cut_answers_after(None);
    }
    assert_eq!(log(target.as_ref()).await, recorded);
    assert_eq!(target.resume(&consumer).await.unwrap(), offset(60));
    for bytes in (0..3_000).step_by(100) {
        target.append_one(event(&format!("again-{bytes}"))).await.unwrap();
        let before = target.head().await.unwrap();
        proxy.cut_answers_after(Some(bytes));
        match target.reset(&before).await {
            Ok(_) => resets += 1,
            Err(error) => assert_retryable(&error),
        }
        proxy.cut_answers_after(None);
        let after = target.head().await.unwrap();
        if after.extent.epoch == before.extent.epoch {
            assert_eq!(after.extent, before.extent, "half a reset");
        } else {
            assert_eq!((after.extent.epoch, after.extent.events()), (before.extent.epoch.next(), 0));
        }
    }
    assert!(resets > 0 && resets < 30, "{resets} of 30 resets were answered");
}

/// A page that is full and one that is not leave their connection to the next one.
#[tokio::test(flavor = "multi_thread")]
async fn a_tail_reads_all_its_pages_on_one_connection() {
    for (direct, port) in [(on_postgres(), Postgres::shared().port()), (on_mariadb(), MariaDb::shared().port())] {
        let proxy = Proxy::to(port);
        let ledger = open(&direct.port(proxy.port())).await;
        ledger.append_all(events("e", 500)).await.unwrap();
        let before = proxy.accepted();
        let read = Read::after(Offset::ZERO).limit(PageSize::new(50).unwrap());
        assert_eq!(ledger.tail(read).try_collect::<Vec<_>>().await.unwrap().len(), 500);
        ledger.event_at(offset(7)).await.unwrap().unwrap();
        // The one that rings may still come.
        assert!(proxy.accepted() <= before + 1, "{} connections for one tail", proxy.accepted() - before);
    }
}

/// Appends an event as number `last` + 1.
async fn append(ledger: &dyn Ledger, id: String, conditional: bool, last: u64) {
    let position = if conditional {
        let condition = AppendCondition { fail_if: Filter::any().run(run("run")), after: offset(last) };
        match ledger.append_if(vec![event(&id)], condition).await.unwrap() {
            AppendOutcome::Appended(positions) => positions[0],
            AppendOutcome::ConditionFailed { offset } => panic!("the append met itself at {offset}"),
        }
    } else {
        ledger.append_one(event(&id)).await.unwrap()
    };
    assert_eq!(position.offset(), offset(last + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_network_is_noticed_on_postgres() {
    // The one statement may have been committed.
    stall(on_postgres(), Postgres::shared().port(), |error| matches!(error, Error::OutcomeUnknown(_))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_network_is_noticed_on_mariadb() {
    // No commit was sent yet, so nothing is stored.
    stall(on_mariadb(), MariaDb::shared().port(), |error| matches!(error, Error::Unavailable { .. })).await;
}

/// Nothing is answered, and no connection ends. Callers hear so, by their own clocks.
async fn stall(direct: ServerOptions, port: u16, expected: impl Fn(&Error) -> bool) {
    let proxy = Proxy::to(port);
    let short = Duration::from_millis(300);
    let other = open(&direct).await;
    let behind = direct.port(proxy.port()).timeout(short).connect_timeout(short).readers(1);
    let ledger = open(&behind).await;
    ledger.append_one(event("first")).await.unwrap();
    proxy.swallow(true);
    let everything = Read::after(Offset::ZERO);
    let (append, read, second) =
        tokio::join!(ledger.append_one(event("second")), ledger.read(&everything), ledger.read(&everything));
    assert!(append.as_ref().is_err_and(expected), "{append:?}");
    // The server has not heard that the writer gave up, within its transaction or not; others wait no longer than that.
    let condition = AppendCondition { fail_if: Filter::any().run(run("other")), after: Offset::ZERO };
    let within = ledger.append_if(vec![event("third")], condition).await.unwrap_err();
    assert_retryable(&within);
    other.append_one(event("fourth")).await.unwrap();
    let reads = [read.unwrap_err(), second.unwrap_err()];
    assert!(reads.iter().all(|error| matches!(error, Error::Unavailable { .. })), "{reads:?}");
    assert!(reads.iter().any(|error| error.to_string().contains("connections of the pool")), "{reads:?}");
    let opened = try_open(&behind).await.err().unwrap();
    assert!(matches!(opened, Error::Unavailable { .. }), "{opened:?}");
    proxy.swallow(false);
    ledger.append_one(event("second")).await.unwrap();
    let log = log(ledger.as_ref()).await;
    assert_eq!(log.iter().filter(|recorded| recorded.event.id.as_str() == "second").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_given_up_at_any_point_leave_nothing_behind_on_postgres() {
    let url = Postgres::shared().database();
    let name = database(&url);
    give_up_everywhere(&options(&url)).await;
    let open = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND state LIKE 'idle in%'");
    assert_eq!(Postgres::shared().sql(&open), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_given_up_at_any_point_leave_nothing_behind_on_mariadb() {
    let url = MariaDb::shared().fresh();
    give_up_everywhere(&options(&url)).await;
    let name = database(&url);
    let open = format!(
        "SELECT count(*) FROM information_schema.innodb_trx JOIN information_schema.processlist \
         ON trx_mysql_thread_id = id WHERE db = '{name}'"
    );
    assert_eq!(MariaDb::shared().sql(None, &open), "0");
}

/// The name of the database in a URL without settings.
fn database(url: &str) -> &str {
    url.rsplit('/').next().and_then(|name| name.split('?').next()).unwrap()
}

/// Each call is dropped after it was polled n times, for n from 1 to 64; then everything works as before.
async fn give_up_everywhere(options: &ServerOptions) {
    let ledger = open(options).await;
    ledger.append_all(events("first", 50)).await.unwrap();
    let consumer = ConsumerName::new("consumer").unwrap();
    for polls in 1..=64 {
        give_up(polls, try_open(options)).await;
        give_up(polls, ledger.append_one(event(&format!("given-up-{polls}")))).await;
        give_up(polls, ledger.read(&Read::after(Offset::ZERO))).await;
        let filter = Filter::any().run(run("run")).run(run("other"));
        give_up(polls, ledger.read(&Read::before(Offset::MAX).matching(filter).unwrap())).await;
        give_up(polls, ledger.head()).await;
        give_up(polls, ledger.all_runs()).await;
        give_up(polls, ledger.find(id("first-7"))).await;
        let first = ledger.event_at(offset(1)).await.unwrap().unwrap();
        give_up(polls, ledger.reached(consumer.clone(), &first)).await;
        give_up(polls, ledger.checkpoints()).await;
        give_up(polls, ledger.verify(&|_, _| ())).await;
    }
    for n in 0..1_000 {
        ledger.append_one(event(&format!("after-{n}"))).await.unwrap();
    }
    let log = log(ledger.as_ref()).await;
    assert_eq!(offsets(&log), (1..=log.len() as u64).collect::<Vec<_>>());
    // What was given up by its caller was appended all the same: it was in the committer's hands.
    assert_eq!(log.len(), 50 + 64 + 1_000);
    assert_eq!(ledger.resume(&consumer).await.unwrap(), offset(1));
}

/// Polls `call` that often, and drops it.
async fn give_up(polls: usize, call: impl Future) {
    let mut call = pin!(call);
    let mut polled = 0;
    std::future::poll_fn(|context| {
        polled += 1;
        match call.as_mut().poll(context) {
            Poll::Pending if polled < polls => Poll::Pending,
            _ => Poll::Ready(()),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_the_server_ends_lose_nothing_on_postgres() {
    let url = Postgres::shared().database();
    let name = database(&url);
    let kill = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' ORDER BY random() LIMIT 1"
    );
    end_connections(&options(&url), || assert_eq!(Postgres::shared().sql(&kill), "t")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_the_server_ends_lose_nothing_on_mariadb() {
    let url = MariaDb::shared().fresh();
    let name = database(&url);
    let pick = format!("SELECT id FROM information_schema.processlist WHERE db = '{name}' ORDER BY rand() LIMIT 1");
    let kill = || {
        let id = MariaDb::shared().sql(None, &pick);
        // It may have gone meanwhile.
        let _ = MariaDb::shared().try_sql(None, &format!("KILL {id}"));
    };
    end_connections(&options(&url), kill).await;
}

/// One connection a second, for 20 seconds, while others write and follow.
async fn end_connections(options: &ServerOptions, kill: impl Fn()) {
    let handles = [open(options).await, open(options).await];
    let mut crew = Crew::start(&handles);
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        kill();
    }
    let acknowledged = crew.stop_writing().await;
    check_log(handles[0].as_ref(), &acknowledged).await;
    crew.check_followers(handles[0].as_ref()).await;
}
