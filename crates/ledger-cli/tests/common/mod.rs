//! Running the command line.

#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod calls;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use agent_ledger::{Ledger, LedgerExt, Mode, Offset, Read, RecordedEvent, SqliteLedger, SqliteOptions};
use futures_util::TryStreamExt;
use rusqlite::Connection;
use tempfile::TempDir;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_agent-ledger");

/// What the environment may say, and in tests does not.
pub(crate) const SETTINGS: [&str; 7] = [
    "AGENT_LEDGER_URL",
    "AGENT_LEDGER_PROJECTIONS",
    "AGENT_LEDGER_CONFIG",
    "AGENT_LEDGER_PRICES",
    "AGENT_LEDGER_WORKSPACES",
    "AGENT_LEDGER_WORKSPACE_KEY",
    "RUST_LOG",
];

/// A folder with a ledger in it.
pub(crate) struct Place {
    folder: TempDir,
    ledger: PathBuf,
    /// What is said of the ledger besides its path.
    settings: &'static str,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("ledger.db");
        Self { folder, ledger, settings: "" }
    }

    /// A folder of its own, for the ledger of another place.
    pub(crate) fn sharing(other: &Self) -> Self {
        Self { ledger: other.ledger(), settings: other.settings, ..Self::new() }
    }

    /// Processes wait long for each other: on a machine that is busy, one of many may not have its turn for a while.
    pub(crate) fn patient(self) -> Self {
        Self { settings: "?busy_timeout=60s", ..self }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.ledger.clone()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        for name in SETTINGS {
            command.env_remove(name);
        }
        // Prices that the one who runs the tests has are not those of the tests.
        command.env("AGENT_LEDGER_CONFIG", self.path("config"));
        command.current_dir(self.folder.path());
        let scheme = if self.settings.is_empty() { "" } else { "sqlite:" };
        command.arg("--ledger").arg(format!("{scheme}{}{}", self.ledger().display(), self.settings)).args(args);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Answer {
        Answer::of(self.command(args).stdin(Stdio::null()).output().unwrap())
    }

    pub(crate) fn run_with(&self, args: &[&str], input: &str) -> Answer {
        let mut child = self.start(args);
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        let writer = std::thread::spawn(move || {
            // The program may stop before it has read everything.
            let _ = stdin.write_all(input.as_bytes());
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        Answer::of(output)
    }

    pub(crate) fn start(&self, args: &[&str]) -> Child {
        self.command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

/// What a command printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Answer {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What it printed, after it succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// What it said, after it failed with this code; one sentence for a person.
    #[track_caller]
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.err.trim_end().lines().count(), 1, "{self:?}");
        assert!(self.err.starts_with("agent-ledger: "), "{self:?}");
        self.err
    }

    #[track_caller]
    pub(crate) fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.ok()).unwrap()
    }

    #[track_caller]
    pub(crate) fn json_lines(self) -> Vec<serde_json::Value> {
        self.ok().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A line that `append` takes.
pub(crate) fn line(id: &str) -> String {
    format!(r#"{{"id":"{id}","run_id":"run","turn":1,"kind":"agent.spoke","actor":"ann","payload":{{"n":1}}}}"#)
}

pub(crate) fn lines(prefix: &str, count: usize) -> String {
    (0..count).map(|n| line(&format!("{prefix}-{n}")) + "\n").collect()
}

/// Real transcripts.
pub(crate) fn testdata(set: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../ledger-import/testdata/claude").join(set);
    path.to_str().unwrap().to_owned()
}

/// A ledger with a real session: 156 calls.
pub(crate) fn spotter() -> Place {
    let place = Place::new();
    place.run(&["import", "claude", &testdata("spotter")]).ok();
    place
}

/// Runs async work to its end.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Everything that the ledger at `path` holds, after every check that there is.
pub(crate) fn sound_log(path: &Path) -> Vec<Arc<RecordedEvent>> {
    let log = block_on(async {
        let ledger = SqliteLedger::open(SqliteOptions::new(path).mode(Mode::Existing)).await.unwrap();
        let report = ledger.verify(&|_, _| ()).await.unwrap();
        assert_eq!(report.fault, None);
        ledger.tail(Read::after(Offset::ZERO)).try_collect::<Vec<_>>().await.unwrap()
    });
    let offsets: Vec<u64> = log.iter().map(|event| event.offset.get()).collect();
    assert_eq!(offsets, (1..=log.len() as u64).collect::<Vec<_>>(), "no gap");
    let mut ids: Vec<&str> = log.iter().map(|event| event.event.id.as_str()).collect();
    ids.sort_unstable();
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "every id once");
    let check: String = Connection::open(path).unwrap().query_row("PRAGMA quick_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    log
}

/// How often a randomised test runs: `LEDGER_ROUNDS`, else `rounds`.
pub(crate) fn rounds(rounds: usize) -> usize {
    std::env::var("LEDGER_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(rounds)
}
