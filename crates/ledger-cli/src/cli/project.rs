//! What can be said of projections.

use agent_ledger::Timestamp;
use clap::{Args, ValueEnum};
use ledger_projections::{Zone, moment};

use super::{FormatArgs, TableFormat};

/// A projection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Which {
    /// Who spent how much, on what, how slow, how often failing
    Usage,
    /// What strategies did
    Strategy,
}

/// How workspaces appear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Labels {
    /// By their whole path
    FullPath,
    /// By a hash; its key is AGENT_LEDGER_WORKSPACE_KEY
    Hashed,
    /// By the last part of their path; two of one name stay two, by a hash with that key
    BaseName,
}

#[derive(Args)]
pub(crate) struct ProjectArgs {
    /// Which projection; else all of them
    pub(crate) which: Option<Which>,
    /// Go on with what is appended later
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Make the tables anew from the whole ledger; readers see the old ones until the new ones have caught up
    #[arg(long)]
    pub(crate) rebuild: bool,
    /// Remove rows older than so many days, whose sums stay; 0 removes none
    #[arg(long, value_name = "DAYS")]
    pub(crate) retention_days: Option<u32>,
    /// Remove rows of before this day (a time, a date, or an age such as 90d), whose sums stay
    #[arg(long, value_name = "WHEN", value_parser = when, conflicts_with = "retention_days")]
    pub(crate) remove_before: Option<Timestamp>,
    /// How workspaces appear; tables that were made otherwise are made anew [default: AGENT_LEDGER_WORKSPACES, else as
    /// they are there, else full-path]
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) workspaces: Option<Labels>,
    /// Keep traces and notes of executions of strategies, which are free text; the log is made anew
    #[arg(long)]
    pub(crate) traces: bool,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

fn when(text: &str) -> Result<Timestamp, String> {
    moment(text, Zone::UTC, Timestamp::now()).map_err(|error| error.to_string())
}

#[derive(Args)]
pub(crate) struct CatchUpArgs {
    /// Answer from what is there, without folding in what is new in the ledger
    #[arg(long)]
    pub(crate) no_catch_up: bool,
    /// How workspaces appear, which must be as they are there; `project` changes it [default: AGENT_LEDGER_WORKSPACES,
    /// else as they are there, else full-path]
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) workspaces: Option<Labels>,
}

#[derive(Args)]
pub(crate) struct QueryArgs {
    /// One statement over the views that docs/usage.md lists, such as SELECT count(*) FROM usage_calls
    pub(crate) sql: String,
    #[command(flatten)]
    pub(crate) catch_up: CatchUpArgs,
    /// JSON objects or CSV for programs, text for people; text on a terminal, JSON elsewhere
    #[arg(long, value_enum)]
    pub(crate) format: Option<TableFormat>,
}
