//! What can be asked about strategies.

use clap::{Args, Subcommand};
use ledger_projections::Width;
use ledger_projections::strategy::{ListLimit, Top};

use super::{PercentileArg, TableFormatArgs, WhenArgs};

#[derive(Subcommand)]
pub(crate) enum StrategyCommand {
    /// List executions, the newest first
    List(StrategyListArgs),
    /// Print how executions ended, how long they took, what they gave, and the most frequent errors and cases
    Stats(StrategyStatsArgs),
    /// Print how executions went over time, without gaps
    Series(StrategySeriesArgs),
    /// Print how executions of each version of each strategy went
    Versions(StrategyFiguresArgs),
    /// Print the rules that matched most often, with none as a value of its own
    Cases(StrategyTopArgs),
    /// Print the most frequent error codes
    Errors(StrategyTopArgs),
    /// Print the statistics of two strategies, or of one in two windows, and what the second has more than the first
    Compare(StrategyCompareArgs),
    /// Delete all executions that were about somebody, for ever: they are not folded in again, whatever is rebuilt
    Erase(StrategyEraseArgs),
}

#[derive(Args)]
pub(crate) struct StrategySelectArgs {
    /// Only of this strategy; may be repeated, as the others below
    #[arg(id = "strategies", long = "strategy", value_name = "STRATEGY")]
    pub(crate) strategies: Vec<String>,
    #[command(flatten)]
    pub(crate) others: StrategyOthersArgs,
    #[command(flatten)]
    pub(crate) format: TableFormatArgs,
}

#[derive(Args)]
pub(crate) struct StrategyOthersArgs {
    /// Only of this version of a strategy
    #[arg(long = "strategy-version", value_name = "VERSION")]
    pub(crate) versions: Vec<String>,
    /// Only of this tenant
    #[arg(long = "tenant", value_name = "TENANT")]
    pub(crate) tenants: Vec<String>,
    /// Only what ended so: ok, error, timeout, limit
    #[arg(long = "status", value_name = "STATUS")]
    pub(crate) statuses: Vec<String>,
    #[command(flatten)]
    pub(crate) when: WhenArgs,
    /// Answer from what is there, without folding in what is new in the ledger
    #[arg(long)]
    pub(crate) no_catch_up: bool,
}

#[derive(Args)]
pub(crate) struct StrategyListArgs {
    /// Go on where an earlier page ended, which said so
    #[arg(long, value_name = "CURSOR", allow_hyphen_values = true)]
    pub(crate) after: Option<String>,
    /// At most so many rows, 200 at the most
    #[arg(long, value_name = "N", value_parser = list_limit, default_value = "50")]
    pub(crate) limit: ListLimit,
    #[command(flatten)]
    pub(crate) select: StrategySelectArgs,
}

#[derive(Args)]
pub(crate) struct StrategyFiguresArgs {
    #[command(flatten)]
    pub(crate) percentile: PercentileArg,
    #[command(flatten)]
    pub(crate) select: StrategySelectArgs,
}

#[derive(Args)]
pub(crate) struct StrategyStatsArgs {
    /// So many of the most frequent errors and cases, 50 at the most
    #[arg(long, value_name = "N", value_parser = top, default_value = "10")]
    pub(crate) limit: Top,
    #[command(flatten)]
    pub(crate) figures: StrategyFiguresArgs,
}

#[derive(Args)]
pub(crate) struct StrategyTopArgs {
    /// At most so many rows, 50 at the most
    #[arg(long, value_name = "N", value_parser = top, default_value = "10")]
    pub(crate) limit: Top,
    #[command(flatten)]
    pub(crate) select: StrategySelectArgs,
}

#[derive(Args)]
pub(crate) struct StrategySeriesArgs {
    /// How wide the buckets are: 15m, 30m, hour, 2h, 3h, 4h, 6h, 8h, 12h, day, week or month
    #[arg(long, default_value = "day")]
    pub(crate) width: Width,
    #[command(flatten)]
    pub(crate) figures: StrategyFiguresArgs,
}

#[derive(Args)]
pub(crate) struct StrategyCompareArgs {
    /// The first strategy
    pub(crate) a: String,
    /// The second one; else the first again, in the other window
    pub(crate) b: Option<String>,
    /// Where the window of the second begins, if it is another one than that of the first
    #[arg(long, value_name = "WHEN")]
    pub(crate) b_since: Option<String>,
    /// Where the window of the second ends
    #[arg(long, value_name = "WHEN")]
    pub(crate) b_until: Option<String>,
    #[command(flatten)]
    pub(crate) percentile: PercentileArg,
    #[command(flatten)]
    pub(crate) others: StrategyOthersArgs,
    #[command(flatten)]
    pub(crate) format: TableFormatArgs,
}

#[derive(Args)]
pub(crate) struct StrategyEraseArgs {
    /// What they are to executions, such as user
    pub(crate) role: String,
    /// Who
    pub(crate) subject: String,
    /// Yes, delete all that is about them
    #[arg(long, required = true)]
    yes: bool,
}

fn list_limit(text: &str) -> Result<ListLimit, String> {
    let rows = text.parse().map_err(|_| format!("{text:?} is not a number of rows"))?;
    ListLimit::new(rows).map_err(|error| error.to_string())
}

fn top(text: &str) -> Result<Top, String> {
    let rows = text.parse().map_err(|_| format!("{text:?} is not a number of rows"))?;
    Top::new(rows).map_err(|error| error.to_string())
}
