//! Work that is done by processes of its own: this test program, started again for one test.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use async_trait::async_trait;
use ledger_conformance::Backend;
use ledger_conformance::clients::Clients;
use ledger_conformance::events::{event, payload, run};
use ledger_conformance::history::History;
use ledger_core::{AppendCondition, AppendOutcome, Filter, Ledger, LedgerExt};
use ledger_sql::ServerOptions;
use serde::{Deserialize, Serialize};

use crate::support::{open, options};

/// What a worker finds its work in.
const WORK: &str = "LEDGER_TEST_WORK";

/// Before what a worker reports, among what its test runner prints.
const REPORT: &str = "report: ";

#[derive(Serialize, Deserialize)]
pub(crate) enum Work {
    /// Opens the ledger; reports which one it is.
    Open { url: String },
    /// Appends so often under the condition that nobody has written since it looked; each event says where it looked.
    Decide { url: String, worker: usize, decisions: usize },
    /// Appends events with ids `{name}-0`, `{name}-1`, ... until it is killed; reports the offset of each.
    Append { url: String, name: String },
    /// Lets clients loose; reports when they have written, and in the end leaves what they saw in the file.
    Clients { url: String, seed: u64, process: usize, seen: PathBuf },
}

/// A worker at work.
pub(crate) struct Worker {
    process: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    /// Starts one. It begins when all are told to, so that they begin at once.
    pub(crate) fn start(work: &Work) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "worker::works", "--ignored", "--nocapture"])
            .env(WORK, serde_json::to_string(work).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (process.stdin.take(), process.stdout.take().unwrap());
        let mut worker = Self { process, stdin, lines: BufReader::new(stdout).lines() };
        assert_eq!(worker.report(), "ready");
        worker
    }

    pub(crate) fn begin(&mut self) {
        drop(self.stdin.take());
    }

    /// Its next report.
    pub(crate) fn report(&mut self) -> String {
        let mut lines = self.lines.by_ref().map(Result::unwrap);
        lines.find_map(|line| line.split_once(REPORT).map(|(_, report)| report.to_owned())).expect("a worker reports")
    }

    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(crate) fn end(mut self) {
        assert!(self.lines.all(|line| line.is_ok()) && self.process.wait().unwrap().success(), "a worker failed");
    }
}

fn report(what: &str) {
    println!("{REPORT}{what}");
    std::io::stdout().flush().unwrap();
}

/// Starts one for each work, lets all begin, and waits for them.
pub(crate) fn all(work: impl IntoIterator<Item = Work>) -> Vec<Worker> {
    let mut workers: Vec<Worker> = work.into_iter().map(|work| Worker::start(&work)).collect();
    workers.iter_mut().for_each(Worker::begin);
    workers
}

/// By a clock of the whole machine that never goes back.
pub(crate) fn history() -> Arc<History> {
    Arc::new(History::with_clock(|| {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        u64::try_from(now.tv_sec * 1_000_000_000 + now.tv_nsec).unwrap()
    }))
}

/// The same ledger for everybody who opens it.
pub(crate) struct Place(pub(crate) ServerOptions);

#[async_trait]
impl Backend for Place {
    async fn open(&self) -> Arc<dyn Ledger> {
        open(&self.0).await
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by other tests, in processes of its own"]
async fn works() {
    // Nobody has work for it when all tests are run that are ignored elsewhere.
    let Ok(work) = std::env::var(WORK) else { return };
    let work: Work = serde_json::from_str(&work).unwrap();
    report("ready");
    std::io::stdin().lines().for_each(drop);
    match work {
        Work::Open { url } => report(&open(&options(&url)).await.head().await.unwrap().ledger_id.to_string()),
        Work::Decide { url, worker, decisions } => decide(open(&options(&url)).await.as_ref(), worker, decisions).await,
        Work::Append { url, name } => {
            let ledger = open(&options(&url)).await;
            for n in 0.. {
                let position = ledger.append_one(event(&format!("{name}-{n}"))).await.unwrap();
                report(&position.offset().to_string());
            }
        }
        Work::Clients { url, seed, process, seen } => {
            let history = history();
            let mut clients = Clients::start(&Place(options(&url)), &history, seed, process, 1).await;
            clients.have_written().await;
            report("written");
            clients.have_read().await;
            std::fs::write(seen, serde_json::to_vec(&history.take()).unwrap()).unwrap();
        }
    }
}

async fn decide(ledger: &dyn Ledger, worker: usize, decisions: usize) {
    for n in 0..decisions {
        loop {
            let after = ledger.head().await.unwrap().extent.last;
            let mut decision = event(&format!("w{worker}-{n}"));
            decision.payload = payload(&format!(r#"{{"after":{after}}}"#));
            let condition = AppendCondition { fail_if: Filter::any().run(run("run")), after };
            if let AppendOutcome::Appended(_) = ledger.append_if(vec![decision], condition).await.unwrap() {
                break;
            }
        }
    }
}
