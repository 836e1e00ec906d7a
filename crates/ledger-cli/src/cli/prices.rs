//! What can be said of prices.

use std::path::PathBuf;

use agent_ledger::Timestamp;
use clap::{Args, Subcommand};
use ledger_projections::{Zone, moment};

use super::{CatchUpArgs, FormatArgs};

#[derive(Subcommand)]
pub(crate) enum PricesCommand {
    /// Print what models cost, in US dollars per million tokens
    List(PricesListArgs),
    /// Say how old the prices are, and which models of the ledger have none
    Check(PricesCheckArgs),
    /// Take newer price data from a file, for all later commands
    Update(PricesUpdateArgs),
}

#[derive(Args)]
pub(crate) struct PricesListArgs {
    /// Only what a call of this model costs, found as calls are priced
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Only of this provider
    #[arg(long)]
    pub(crate) provider: Option<String>,
    /// As of then: a time with its offset, a date (UTC), or an age such as 90d [default: now]
    #[arg(long, value_name = "WHEN", value_parser = when)]
    pub(crate) at: Option<Timestamp>,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Args)]
pub(crate) struct PricesCheckArgs {
    #[command(flatten)]
    pub(crate) catch_up: CatchUpArgs,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Args)]
pub(crate) struct PricesUpdateArgs {
    /// The data: of genai-prices (prices/new_data/v2/data.json of its repository) or of LiteLLM
    /// (model_prices_and_context_window.json)
    #[arg(long, value_name = "FILE")]
    pub(crate) from: PathBuf,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

fn when(text: &str) -> Result<Timestamp, String> {
    moment(text, Zone::UTC, Timestamp::now()).map_err(|error| error.to_string())
}
