//! What can be asked about usage.

use std::path::PathBuf;
use std::str::FromStr;

use agent_ledger::Invalid;
use clap::{Args, Subcommand, ValueEnum};
use ledger_projections::usage::{Cursor, Dimension, Limit, Sort, ToolSort};
use ledger_projections::{Percentile, Width, Zone};

use super::CatchUpArgs;
use super::report::{BlocksArgs, ModelsArgs, ReportArgs, SessionsArgs, StatuslineArgs, WeeklyArgs};

#[derive(Subcommand)]
pub(crate) enum UsageCommand {
    /// Print the figures of each tenant and of all; of the tenants that are named, those of all
    Stats(StatsArgs),
    /// Print the figures by tenant, operation, provider, model, session, turn, workspace, status, or by time
    By(ByArgs),
    /// Print counts and sums over time, without gaps
    Series(SeriesArgs),
    /// Print how often tools were called, how often in vain, and how long that took
    Tools(ToolsArgs),
    /// Print tokens and money by day, from sums
    Daily(ReportArgs),
    /// Print tokens and money by week, from sums
    Weekly(WeeklyArgs),
    /// Print tokens and money by month, from sums
    Monthly(ReportArgs),
    /// Print tokens and money by model, from sums
    Models(ModelsArgs),
    /// List sessions, those that began last first
    #[command(visible_alias = "session")]
    Sessions(SessionsArgs),
    /// Print tokens and money by billing windows of five hours, and where the active one leads
    Blocks(BlocksArgs),
    /// Print one short line for a prompt: today, the active block, the session that is named or that standard input
    /// names; - where there is nothing, and never fails
    Statusline(StatuslineArgs),
    /// List turns, those that began last first
    Turns(ListArgs),
    /// Print calls that did not end well, by how they ended and why
    Errors(ErrorsArgs),
    /// Print how much there is of everything
    Counts(AskArgs),
    /// Write every call, tool, turn and session that is selected, for other programs
    Export(ExportArgs),
}

/// Which time.
#[derive(Args)]
pub(crate) struct WhenArgs {
    /// From then on: a time with its offset (2026-01-31T12:00:00Z), a date (in the zone), or an age (7d, 24h, 90m)
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,
    /// Up to then, without it
    #[arg(long, value_name = "WHEN")]
    pub(crate) until: Option<String>,
    /// The time zone of dates, and of what is shown to people: a name of the IANA database
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub(crate) tz: Zone,
}

/// Whose calls.
#[derive(Args)]
pub(crate) struct WhoseArgs {
    /// Only of this tenant; may be repeated, as the others below
    #[arg(long = "tenant", value_name = "TENANT")]
    pub(crate) tenants: Vec<String>,
    /// Only of this operation of the application
    #[arg(long = "operation", value_name = "OPERATION")]
    pub(crate) operations: Vec<String>,
    /// Only of this provider of models
    #[arg(long = "provider", value_name = "PROVIDER")]
    pub(crate) providers: Vec<String>,
    /// Only of this model; empty: of models that are not known
    #[arg(long = "model", value_name = "MODEL")]
    pub(crate) models: Vec<String>,
    /// Only of this workspace, by its key or its label
    #[arg(id = "workspace", long = "workspace", visible_alias = "project", value_name = "WORKSPACE")]
    pub(crate) workspaces: Vec<String>,
}

#[derive(Args)]
pub(crate) struct SelectArgs {
    #[command(flatten)]
    pub(crate) whose: WhoseArgs,
    /// Only of this session
    #[arg(long = "session", value_name = "SESSION")]
    pub(crate) sessions: Vec<String>,
    /// Only of this turn
    #[arg(long = "turn", value_name = "TURN")]
    pub(crate) turns: Vec<String>,
    /// Only of this tool, and of turns that called it
    #[arg(long = "tool", value_name = "TOOL")]
    pub(crate) tools: Vec<String>,
    /// Only what ended so: calls ok, error, timeout, cancelled; tools success, error, running; turns completed, failed
    #[arg(long = "status", value_name = "STATUS")]
    pub(crate) statuses: Vec<String>,
    #[command(flatten)]
    pub(crate) when: WhenArgs,
    #[command(flatten)]
    pub(crate) catch_up: CatchUpArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    /// For programs
    Json,
    /// For spreadsheets: one header row, no totals
    Csv,
    /// For people
    #[value(alias = "table")]
    Text,
}

#[derive(Args)]
pub(crate) struct TableFormatArgs {
    /// JSON or CSV for programs, text for people; text on a terminal, JSON elsewhere
    #[arg(long, value_enum)]
    pub(crate) format: Option<TableFormat>,
}

/// What all questions but the export have in common.
#[derive(Args)]
pub(crate) struct AskArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) format: TableFormatArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PerArg {
    /// Each call of a model
    Call,
    /// Each invocation of the application: its calls together
    Invocation,
}

#[derive(Args)]
pub(crate) struct PercentileArg {
    /// How percentiles between two values are found: on the line between them (cont), or the nearest rank (disc)
    #[arg(long, value_name = "HOW", default_value = "cont")]
    pub(crate) percentile: Percentile,
}

#[derive(Args)]
pub(crate) struct FiguresArgs {
    /// What one value of a distribution is
    #[arg(long, value_enum, default_value_t = PerArg::Call)]
    pub(crate) per: PerArg,
    /// Sum tokens and money of successful calls only; distributions are always of those
    #[arg(long)]
    pub(crate) successful_only: bool,
    #[command(flatten)]
    pub(crate) percentile: PercentileArg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StatsBy {
    Tenant,
    Operation,
}

#[derive(Args)]
pub(crate) struct StatsArgs {
    /// A row for each of these; else for each tenant, unless some are named
    #[arg(long, value_enum)]
    pub(crate) by: Option<StatsBy>,
    /// The figures of each row, told apart by something else
    #[arg(long, value_name = "DIM")]
    pub(crate) breakdown: Option<Dimension>,
    /// The order: name, calls, failed, failure_rate, cost, tokens, duration or p95
    #[arg(long, default_value = "tokens")]
    pub(crate) sort: Sort,
    /// At most so many rows
    #[arg(long, value_name = "N", default_value = "50")]
    pub(crate) limit: Limit,
    #[command(flatten)]
    pub(crate) figures: FiguresArgs,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

/// By what rows are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dim {
    Of(Dimension),
    Time(Width),
}

impl FromStr for Dim {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let known = "tenant, operation, provider, model, session, turn, workspace, status, hour, day, week or month";
        let unknown = |_| Invalid::new("dimension", format!("{text:?} is not one of {known}"));
        if ["hour", "day", "week", "month"].contains(&text) {
            return text.parse().map(Self::Time);
        }
        text.parse().map(Self::Of).map_err(unknown)
    }
}

#[derive(Args)]
pub(crate) struct ByArgs {
    /// tenant, operation, provider, model, session, turn, workspace, status, hour, day, week or month
    pub(crate) dim: Dim,
    /// The figures of each row, told apart by something else; not of time
    #[arg(long, value_name = "DIM")]
    pub(crate) breakdown: Option<Dimension>,
    /// The order: name, calls, failed, failure_rate, cost, tokens, duration or p95 [default: tokens]; not of time
    #[arg(long)]
    pub(crate) sort: Option<Sort>,
    /// At most so many rows [default: 50]; not of time
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<Limit>,
    #[command(flatten)]
    pub(crate) figures: FiguresArgs,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

#[derive(Args)]
pub(crate) struct SeriesArgs {
    /// How wide the buckets are: 15m, 30m, hour, 2h, 3h, 4h, 6h, 8h, 12h, day, week or month
    #[arg(long, default_value = "day")]
    pub(crate) width: Width,
    /// Sum tokens and money of successful calls only
    #[arg(long)]
    pub(crate) successful_only: bool,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

#[derive(Args)]
pub(crate) struct ToolsArgs {
    /// Tools that there are, so that those that were never used are named
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) registered: Vec<String>,
    /// The same from a file, one name a line
    #[arg(long, value_name = "FILE")]
    pub(crate) registered_file: Option<PathBuf>,
    /// Only tools with so many calls at least
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) min_calls: u32,
    /// The order: calls, name, errors, error_rate, duration, p95 or underused
    #[arg(long, default_value = "calls")]
    pub(crate) sort: ToolSort,
    /// At most so many rows
    #[arg(long, value_name = "N", default_value = "50")]
    pub(crate) limit: Limit,
    #[command(flatten)]
    pub(crate) percentile: PercentileArg,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

#[derive(Args)]
pub(crate) struct ListArgs {
    /// Go on where an earlier page ended, which said so
    #[arg(long, value_name = "CURSOR", allow_hyphen_values = true)]
    pub(crate) after: Option<Cursor>,
    /// At most so many rows
    #[arg(long, value_name = "N", default_value = "50")]
    pub(crate) limit: Limit,
    /// Sum tokens and money of successful calls only
    #[arg(long)]
    pub(crate) successful_only: bool,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

#[derive(Args)]
pub(crate) struct ErrorsArgs {
    /// At most so many rows
    #[arg(long, value_name = "N", default_value = "50")]
    pub(crate) limit: Limit,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

/// How exported rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// JSON Lines: an object each
    Jsonl,
    /// A header row, then a row each
    Csv,
    /// For Polars, DuckDB, pandas, Spark
    #[cfg(feature = "arrow")]
    Parquet,
    /// Arrow's file format, also known as Feather
    #[cfg(feature = "arrow")]
    Arrow,
}

impl ExportFormat {
    /// Whether it is of no use to people.
    pub(crate) const fn is_binary(self) -> bool {
        match self {
            Self::Jsonl | Self::Csv => false,
            #[cfg(feature = "arrow")]
            Self::Parquet | Self::Arrow => true,
        }
    }
}

/// Which rows are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportWhat {
    Calls,
    Tools,
    Turns,
    Sessions,
}

#[derive(Args)]
pub(crate) struct ExportArgs {
    /// How rows are written
    #[arg(long, value_enum, default_value_t = ExportFormat::Jsonl)]
    pub(crate) format: ExportFormat,
    /// Which rows [default: with jsonl all of these, else calls]
    #[arg(long, value_enum)]
    pub(crate) what: Option<ExportWhat>,
    /// Into a new file, which is there whole or not at all; else to standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace the file where there is one
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) select: SelectArgs,
}
