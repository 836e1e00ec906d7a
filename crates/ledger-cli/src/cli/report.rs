//! What can be asked about usage by those who know reports of days, weeks, months, sessions and blocks.

use clap::{Args, ValueEnum};
use ledger_projections::usage::{BlockLength, Cursor, Limit, TokenLimit};
use ledger_projections::{Weekday, Zone};

use super::Format;
use super::usage::{AskArgs, SelectArgs, TableFormat};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For programs
    Json,
    /// For spreadsheets: one header row, no totals
    Csv,
    /// For people
    #[value(alias = "table")]
    Text,
    /// For programs that read what `ccusage --json` prints: one object with its names of fields
    CcusageJson,
}

#[derive(Args)]
pub(crate) struct ReportFormatArgs {
    /// JSON, CSV or ccusage's JSON for programs, text for people; text on a terminal, JSON elsewhere
    #[arg(long, value_enum)]
    pub(crate) format: Option<ReportFormat>,
}

impl ReportFormatArgs {
    /// The format of this program, and whether it is to be ccusage's in place of that.
    pub(crate) fn or_default(&self) -> (TableFormat, bool) {
        match self.format {
            Some(ReportFormat::Json) => (TableFormat::Json, false),
            Some(ReportFormat::Csv) => (TableFormat::Csv, false),
            Some(ReportFormat::Text) => (TableFormat::Text, false),
            Some(ReportFormat::CcusageJson) => (TableFormat::Json, true),
            None => (TableFormat::or_default(None), false),
        }
    }
}

/// What reports have in common.
#[derive(Args)]
pub(crate) struct ReportOnArgs {
    /// Below each row, the figures of each model
    #[arg(long)]
    pub(crate) breakdown: bool,
    /// Sum tokens and money of successful calls only
    #[arg(long)]
    pub(crate) successful_only: bool,
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) format: ReportFormatArgs,
}

#[derive(Args)]
pub(crate) struct ReportArgs {
    /// Tell the rows apart by workspace
    #[arg(long, visible_alias = "instances")]
    pub(crate) by_project: bool,
    #[command(flatten)]
    pub(crate) on: ReportOnArgs,
}

#[derive(Args)]
pub(crate) struct WeeklyArgs {
    /// The day that weeks begin on
    #[arg(long, value_name = "DAY", default_value = "monday", value_parser = weekday)]
    pub(crate) start_of_week: Weekday,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

fn weekday(text: &str) -> Result<Weekday, String> {
    text.parse().map_err(|_| "it is not a day of the week, such as monday or sunday".into())
}

#[derive(Args)]
pub(crate) struct ModelsArgs {
    /// Tell the rows apart by workspace
    #[arg(long, visible_alias = "instances")]
    pub(crate) by_project: bool,
    /// Sum tokens and money of successful calls only
    #[arg(long)]
    pub(crate) successful_only: bool,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

#[derive(Args)]
pub(crate) struct SessionsArgs {
    /// Go on where an earlier page ended, which said so
    #[arg(long, value_name = "CURSOR", allow_hyphen_values = true)]
    pub(crate) after: Option<Cursor>,
    /// At most so many rows [default: 50; with --format ccusage-json, all]
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<Limit>,
    #[command(flatten)]
    pub(crate) on: ReportOnArgs,
}

#[derive(Args)]
pub(crate) struct BlocksArgs {
    /// Only the block that has begun and not ended
    #[arg(long, conflicts_with = "recent")]
    pub(crate) active: bool,
    /// Only blocks that began in the last three days
    #[arg(long)]
    pub(crate) recent: bool,
    /// How long a block is
    #[arg(long, value_name = "HOURS", default_value = "5")]
    pub(crate) session_length: BlockLength,
    /// Say how far the active block will be from so many tokens; max: as many as the greatest one that is over
    #[arg(long, short, value_name = "N|max")]
    pub(crate) token_limit: Option<TokenLimit>,
    #[command(flatten)]
    pub(crate) on: ReportOnArgs,
}

#[derive(Args)]
pub(crate) struct StatuslineArgs {
    /// Also what this session cost; else the one that standard input names
    #[arg(long, value_name = "SESSION")]
    pub(crate) session: Option<String>,
    /// The time zone of today: a name of the IANA database
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub(crate) tz: Zone,
    /// Fold in what is new in the ledger first, which may take longer; else the answer is from what is there
    #[arg(long)]
    pub(crate) catch_up: bool,
    /// One line of text for a prompt, or an object
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
}
