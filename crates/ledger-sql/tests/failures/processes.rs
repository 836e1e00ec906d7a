//! Many processes on one ledger.

use std::time::Duration;

use ledger_conformance::clients::end;
use ledger_conformance::events::{event, log};
use ledger_core::LedgerExt;
use ledger_servers::{MariaDb, Postgres};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::support::{open, options};
use crate::worker::{Work, Worker, all, history};

/// As many decisions as if each process had been alone.
#[tokio::test(flavor = "multi_thread")]
async fn decisions_of_forty_processes_stand_when_judged_again() {
    for url in [Postgres::shared().fresh(), MariaDb::shared().fresh()] {
        let ledger = open(&options(&url)).await;
        let work = (0..40).map(|worker| Work::Decide { url: url.clone(), worker, decisions: 4 });
        all(work).into_iter().for_each(Worker::end);
        let log = log(ledger.as_ref()).await;
        assert_eq!(log.len(), 160);
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

/// Writers are killed at any moment, two at a time: what they had reported is there, and the others go on.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_writers_are_killed() {
    let mut rng = StdRng::seed_from_u64(ledger_conformance::seed());
    for url in [Postgres::shared().fresh(), MariaDb::shared().fresh()] {
        let ledger = open(&options(&url)).await;
        let mut acknowledged = Vec::new();
        for round in 0..10 {
            let name = |writer: usize| format!("w{round}-{writer}");
            let mut writers = all((0..2).map(|writer| Work::Append { url: url.clone(), name: name(writer) }));
            for (writer, worker) in writers.iter_mut().enumerate() {
                let reports = (0..rng.random_range(1..30)).map(|_| worker.report());
                acknowledged.extend(reports.enumerate().map(|(n, offset)| (format!("{}-{n}", name(writer)), offset)));
            }
            std::thread::sleep(Duration::from_micros(rng.random_range(0..3_000)));
            for worker in writers {
                worker.kill();
            }
        }
        let log = log(ledger.as_ref()).await;
        assert!(log.iter().enumerate().all(|(n, recorded)| recorded.offset.get() == n as u64 + 1), "the log has a gap");
        for (id, offset) in acknowledged {
            let place: usize = offset.parse().unwrap();
            assert_eq!(log[place - 1].event.id.as_str(), id);
        }
        assert_eq!(ledger.verify(&|_, _| ()).await.unwrap().fault, None);
        ledger.append_one(event("after")).await.unwrap();
    }
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
