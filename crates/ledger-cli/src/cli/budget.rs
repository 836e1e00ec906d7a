//! What can be said of budgets.

use agent_ledger::Timestamp;
use clap::{Args, Subcommand, ValueEnum};
use ledger_projections::{Zone, moment};

use super::usage::WhoseArgs;
use super::{CatchUpArgs, FormatArgs};

#[derive(Subcommand)]
pub(crate) enum BudgetCommand {
    /// Say how much may be spent, in place of what was said of that name before
    Set(BudgetSetArgs),
    /// Print every budget
    List(FormatArgs),
    /// Have no budget of that name any more
    Remove(BudgetRemoveArgs),
    /// Print what is used of each, and where that leads; exit 5 when one is over, 6 when one is close, 7 when that is not
    /// known, as tokens have no price
    Check(BudgetCheckArgs),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PeriodArg {
    /// Days of the zone
    Day,
    /// Weeks of the zone, from Monday on
    Week,
    /// Months of the zone
    Month,
    /// Billing windows of five hours, as `usage blocks` has them
    Block,
}

#[derive(Args)]
pub(crate) struct BudgetSetArgs {
    /// What it is called
    pub(crate) name: String,
    /// So many US dollars
    #[arg(long, value_name = "USD", value_parser = pico_usd, required_unless_present = "tokens")]
    pub(crate) usd: Option<i64>,
    /// So many tokens, input and output
    #[arg(long, value_name = "N")]
    pub(crate) tokens: Option<i64>,
    /// How long it lasts before it begins anew
    #[arg(long, value_enum)]
    pub(crate) per: PeriodArg,
    /// The time zone of its days, weeks and months: a name of the IANA database
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub(crate) tz: Zone,
    /// From how much of it on a warning is given
    #[arg(long, value_name = "PERCENT", default_value = "80%", value_parser = percent)]
    pub(crate) warn_at: u8,
    #[command(flatten)]
    pub(crate) whose: WhoseArgs,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Args)]
pub(crate) struct BudgetRemoveArgs {
    /// Which
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Args)]
pub(crate) struct BudgetCheckArgs {
    /// Which; else all
    pub(crate) names: Vec<String>,
    /// As it was then: a time with its offset, a date, or an age such as 24h; else now
    #[arg(long, value_name = "WHEN", value_parser = when)]
    pub(crate) at: Option<Timestamp>,
    #[command(flatten)]
    pub(crate) catch_up: CatchUpArgs,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

fn when(text: &str) -> Result<Timestamp, String> {
    moment(text, Zone::UTC, Timestamp::now()).map_err(|error| error.to_string())
}

fn percent(text: &str) -> Result<u8, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim_end().parse().ok();
    number.filter(|percent| (1..=100).contains(percent)).ok_or_else(|| "it is 1% to 100%".into())
}

/// A decimal, exactly, as whole millionths of a millionth.
fn pico_usd(text: &str) -> Result<i64, String> {
    let wrong = || "it is a number of US dollars such as 50 or 0.25, up to a million".to_owned();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 7 || fraction.len() > 12 || !are_digits(whole) || !are_digits(fraction) {
        return Err(wrong());
    }
    let pico: i64 = format!("{whole}{fraction:0<12}").parse().map_err(|_| wrong())?;
    if (1..=1_000_000_000_000_000_000).contains(&pico) { Ok(pico) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_exact_decimals() {
        assert_eq!(pico_usd("50"), Ok(50_000_000_000_000));
        assert_eq!(pico_usd("0.25"), Ok(250_000_000_000));
        assert_eq!(pico_usd("0.000000000001"), Ok(1));
        assert_eq!(pico_usd("1000000"), Ok(1_000_000_000_000_000_000));
        for text in ["", "0", "-1", "+1", ".5", "1e3", "1,5", "0.0000000000001", "1000000.1", "99999999", "$5"] {
            assert!(pico_usd(text).is_err(), "{text}");
        }
        assert_eq!((percent("80%"), percent("95")), (Ok(80), Ok(95)));
        assert!(percent("0%").is_err() && percent("101").is_err() && percent("%").is_err());
    }
}
