//! Many processes on one ledger.

use ledger_conformance::clients::end;
use ledger_conformance::events::log;
use ledger_servers::{MariaDb, Postgres};

use crate::support::{open, options};
use crate::worker::{Work, Worker, all, history};

/// As many decisions as if each process had been alone.
#[tokio::test(flavor = "multi_thread")]
async fn decisions_of_forty_processes_stand_when_judged_again() {
    for url in [Postgres::shared().fresh(), MariaDb::shared().fresh()] {
        let ledger = open(&options(&url)).await;
        let work = (0..40).map(|worker| Work::Decide { url: url.clone(), worker, decisions: 10 });
        all(work).into_iter().for_each(Worker::end);
        let log = log(ledger.as_ref()).await;
        assert_eq!(log.len(), 400);
        for recorded in log {
            let payload: serde_json::Value = recorded.event.payload.parse().unwrap();
            assert_eq!(payload["after"].as_u64().unwrap() + 1, recorded.offset.get(), "somebody wrote in between");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_of_eight_processes_is_linear_on_postgres() {
    check_history(Postgres::shared().fresh()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_of_eight_processes_is_linear_on_mariadb() {
    check_history(MariaDb::shared().fresh()).await;
}

/// Eight writers and a follower in each of eight processes.
async fn check_history(url: String) {
    let ledger = open(&options(&url)).await;
    let (folder, history, seed) = (tempfile::tempdir().unwrap(), history(), ledger_conformance::seed());
    let file = |process: usize| folder.path().join(process.to_string());
    let work = (0..8).map(|process| Work::Clients { url: url.clone(), seed, process, seen: file(process) });
    let mut workers = all(work);
    for worker in &mut workers {
        assert_eq!(worker.report(), "written");
    }
    end(ledger.as_ref(), &history).await;
    workers.into_iter().for_each(Worker::end);
    for process in 0..8 {
        history.add(serde_json::from_slice(&std::fs::read(file(process)).unwrap()).unwrap());
    }
    let log = log(ledger.as_ref()).await;
    println!("{} events", log.len());
    history.check(&log).unwrap();
}

/// They make one ledger.
#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_that_begin_at_once_make_one_ledger() {
    for url in [Postgres::shared().fresh(), MariaDb::shared().fresh()] {
        let mut workers = all((0..8).map(|_| Work::Open { url: url.clone() }));
        let made: Vec<String> = workers.iter_mut().map(Worker::report).collect();
        workers.into_iter().for_each(Worker::end);
        let ledger = open(&options(&url)).await.head().await.unwrap().ledger_id.to_string();
        assert!(made.iter().all(|made| *made == ledger), "{made:?}");
    }
}
