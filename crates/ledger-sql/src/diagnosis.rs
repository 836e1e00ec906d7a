//! What is found out about a ledger and about what keeps it, and what is to be done.

use std::fmt;
use std::time::Duration;

use ledger_core::{Durability, Head};
use serde::Serialize;

/// How often a round trip is timed.
pub(crate) const ROUND_TRIPS: usize = 9;

/// What was found out about a ledger and about what keeps it. Nothing was changed to find it out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// Where the ledger is, or would be: a file, or a place on a server, without user and password.
    pub place: String,
    /// What keeps it, as [`Head::engine`] says.
    pub engine: &'static str,
    /// Which version of that.
    pub version: Option<String>,
    /// What part it plays.
    pub role: Role,
    /// How the connection is encrypted, such as `TLSv1.3`, or `off`; `None` when there is none, or it is not known.
    pub tls: Option<String>,
    /// How long a server takes to answer a question that needs no work, or a file to give its head; the median of some.
    pub round_trip_us: Option<u64>,
    /// What an event survives that is acknowledged through the same URL.
    pub durability: Durability,
    /// Which settings make it so, and what would make it stronger.
    pub durability_why: String,
    /// The version of the ledger's tables; `None` when there are none.
    pub schema_found: Option<i64>,
    /// The newest version that this build knows; `None` where there are no tables.
    pub schema_known: Option<i64>,
    /// The ledger and where it ends; `None` when there is none, or none that this build can read.
    pub head: Option<Head>,
    /// Whether this login, or this process, may append; `None` when that is not known.
    pub may_append: Option<bool>,
    /// Whether this login may change or delete events (on MySQL: change), were it not for the guards; `None` when that is not known.
    pub may_change_events: Option<bool>,
    /// The triggers and constraints that keep the log append-only, and that are not there; `None` when that is not known.
    pub guards_missing: Option<Vec<&'static str>>,
    /// What is special to a ledger in a file.
    pub file: Option<LedgerFile>,
    /// What to do about it.
    pub findings: Vec<Finding>,
}

/// What part a store plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It takes events.
    Primary,
    /// A server that follows another one, or is set to be read only.
    Standby,
    /// A copy at one offset, to be read.
    Snapshot,
}

/// What is special to a ledger in an SQLite file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LedgerFile {
    /// `wal`, or what it is in a snapshot.
    pub journal_mode: String,
    /// How appends through the same URL are synced: `full`, `normal`.
    pub synchronous: &'static str,
    /// The size of the file.
    pub bytes: u64,
    /// The size of the log beside it; 0 when nobody has the ledger open.
    pub wal_bytes: u64,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What it is and what to do, in one sentence.
    pub text: String,
}

/// How much a finding matters. From the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Note,
    /// There is no ledger yet.
    Missing,
    /// Events are at risk, or the ledger cannot be used as it was asked for.
    Fix,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Primary => "primary",
            Self::Standby => "standby",
            Self::Snapshot => "snapshot",
        })
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Missing => "missing",
            Self::Fix => "fix",
        })
    }
}

impl Diagnosis {
    /// Of something at `place` of which nothing is known yet.
    #[must_use]
    pub fn new(place: String, engine: &'static str) -> Self {
        Self {
            place,
            engine,
            version: None,
            role: Role::Primary,
            tls: None,
            round_trip_us: None,
            durability: Durability::Volatile,
            durability_why: String::new(),
            schema_found: None,
            schema_known: None,
            head: None,
            may_append: None,
            may_change_events: None,
            guards_missing: None,
            file: None,
            findings: Vec::new(),
        }
    }

    /// Adds a finding.
    pub fn find(&mut self, severity: Severity, text: impl Into<String>) {
        self.findings.push(Finding { severity, text: text.into() });
    }

    /// The worst that was found.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// Takes note of the version of the tables; false when this build cannot read them.
    pub(crate) fn schema(&mut self, found: i64, known: i64) -> bool {
        self.schema_found = Some(found);
        if found > known {
            let text = format!("the tables have schema version {found}, and this program knows {known}: upgrade it");
            self.find(Severity::Fix, text);
        } else if found < known {
            let text = format!("the tables have schema version {found}: append once to bring them to {known}");
            self.find(Severity::Note, text);
        }
        found <= known
    }

    /// Takes note of why there is no head.
    pub(crate) fn damaged(&mut self, error: &ledger_core::Error) {
        let text = format!("{error}; run `agent-ledger verify`, and restore a snapshot into a new ledger");
        self.find(Severity::Fix, text);
    }

    /// Takes note of which of `wanted` are among `found`.
    pub(crate) fn guards(&mut self, wanted: &[&'static str], found: &[String]) {
        let is_missing = |name: &&&str| !found.iter().any(|found| found == **name);
        let missing: Vec<&'static str> = wanted.iter().filter(is_missing).copied().collect();
        if !missing.is_empty() {
            let text = format!(
                "any program can change or delete events, since these guards are missing: {}; run `agent-ledger verify`, \
                 then restore a snapshot into a new ledger, which has all of them",
                missing.join(", ")
            );
            self.find(Severity::Fix, text);
        }
        self.guards_missing = Some(missing);
    }
}

/// The middle one, in microseconds.
pub(crate) fn median(mut times: [Duration; ROUND_TRIPS]) -> u64 {
    times.sort_unstable();
    u64::try_from(times[ROUND_TRIPS / 2].as_micros()).unwrap_or(u64::MAX)
}
