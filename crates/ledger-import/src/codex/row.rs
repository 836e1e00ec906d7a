//! What is kept of lines, in their order.

use ledger_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::usage::{Counters, Snapshot};
use crate::loose::LoggedMillis;

/// What one line said, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) time: Timestamp,
    pub(super) said: Said,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Said {
    Session(Box<Session>),
    /// `turn_context`.
    Context {
        turn: Option<String>,
        model: Option<String>,
    },
    /// The service tier that holds from now on.
    Tier(Option<String>),
    /// The user said something.
    Prompt,
    TurnStarted {
        turn: Option<String>,
        at: Option<Timestamp>,
    },
    TurnEnded {
        turn: Option<String>,
        is_aborted: bool,
        duration: Option<LoggedMillis>,
        ttft: Option<LoggedMillis>,
    },
    /// `token_count`; only when the totals are others than before.
    Count(Snapshot),
    /// `token_usage_record`.
    Record(Box<Record>),
    ToolAsked {
        id: String,
        tool: String,
    },
    ToolReturned {
        id: String,
        duration: Option<LoggedMillis>,
        is_ok: Option<bool>,
    },
    /// A tool that the provider itself ran.
    ToolRan {
        id: String,
        tool: String,
        is_ok: Option<bool>,
    },
    Failed {
        class: Option<String>,
        http_status: Option<u16>,
    },
    /// A call failed, and the agent tries again.
    Retried,
    Limits(Vec<Limit>),
}

/// `session_meta`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) thread: String,
    pub(super) forked_from: Option<String>,
    pub(super) parent: Option<String>,
    pub(super) is_subagent: bool,
    pub(super) created: Option<Timestamp>,
    pub(super) workspace: Option<String>,
    pub(super) version: Option<String>,
    pub(super) provider: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) thread: Option<String>,
    pub(super) turn: Option<String>,
    pub(super) response: String,
    pub(super) used: Counters,
}

/// How much of a window is used up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Limit {
    pub(super) minutes: u64,
    pub(super) used_percent: f64,
    pub(super) resets: Timestamp,
}

impl Row {
    /// The totals that it says.
    pub(super) fn snapshot(&self) -> Option<&Snapshot> {
        match &self.said {
            Said::Count(snapshot) => Some(snapshot),
            _ => None,
        }
    }
}
