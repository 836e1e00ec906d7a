//! `budget check`: what is used of each budget, and where that leads.

use agent_ledger::Timestamp;
use ledger_events::{BudgetPeriod, BudgetSet};
use ledger_projections::usage::{BlockLength, Spent, UsageFilter, UsageReader};
use ledger_projections::{Buckets, PicoUsd, Width, Window, Zone};
use serde::Serialize;

use super::{budgets, unknown};
use crate::cli::{BudgetCheckArgs, Format, Which};
use crate::failure::{Failure, Outcome};
use crate::place::Place;
use crate::print::{grouped, printable};
use crate::{output, project};

/// How a budget stands, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// Less is used than a warning is given at.
    Within,
    /// At least so much.
    Warning,
    /// Tokens of the period have no price: how much money is used is not known, and may be over.
    Unknown,
    /// More is used than there is.
    Over,
}

impl Status {
    const fn word(self) -> &'static str {
        match self {
            Self::Within => "within",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Over => "over",
        }
    }
}

/// How a budget stands.
#[derive(Serialize)]
struct Standing {
    name: String,
    status: Status,
    period: BudgetPeriod,
    timezone: String,
    /// The period, which `until` is not in; `None` of a block that has not begun.
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    calls: i64,
    limit_usd: Option<PicoUsd>,
    used_usd: PicoUsd,
    forecast_usd: Option<PicoUsd>,
    limit_tokens: Option<i64>,
    used_tokens: i64,
    forecast_tokens: Option<i64>,
    warn_at_percent: u8,
    unpriced_calls: i64,
    unpriced_tokens: i64,
}

pub(super) async fn run(place: &Place, args: BudgetCheckArgs) -> Outcome {
    let BudgetCheckArgs { names, at, catch_up, format } = args;
    let mut found = budgets(crate::existing(&place.ledger).await?.as_ref()).await?;
    if let Some(name) = names.iter().find(|name| !found.contains_key(*name)) {
        return Err(unknown(name));
    }
    if found.is_empty() {
        return Err(Failure::other(
            "there are no budgets; set one with: agent-ledger budget set NAME --usd 50 --per day",
        ));
    }
    found.retain(|name, _| names.is_empty() || names.contains(name));
    let reader = UsageReader::new(project::caught_up(place, &[Which::Usage], &catch_up).await?);
    let mut standings = Vec::new();
    for (_, budget) in found.into_values() {
        standings.push(standing(&reader, budget, at).await?);
    }
    let worst = standings.iter().map(|standing| standing.status).max().unwrap_or(Status::Within);
    match Format::or_default(format.format) {
        Format::Json => {
            #[derive(Serialize)]
            struct Checked {
                schema: u32,
                status: Status,
                budgets: Vec<Standing>,
            }
            output::json(&Checked { schema: ledger_projections::usage::SCHEMA, status: worst, budgets: standings })?;
        }
        Format::Text => {
            for standing in &standings {
                output::line(text(standing)?)?;
            }
        }
    }
    match worst {
        Status::Within => Ok(()),
        Status::Over => Err(Failure::budget(5, "a budget is over")),
        Status::Warning => Err(Failure::budget(6, "a budget is close to its end")),
        Status::Unknown => {
            Err(Failure::budget(7, "whether a budget is kept is not known, as tokens of its period have no price"))
        }
    }
}

async fn standing(reader: &UsageReader, budget: BudgetSet, at: Option<Timestamp>) -> Result<Standing, Failure> {
    let now = at.unwrap_or_else(Timestamp::now);
    let zone: Zone = budget.timezone.parse().map_err(|error| of(&budget, &error))?;
    let width = match &budget.period {
        BudgetPeriod::Day => Some(Width::Day),
        BudgetPeriod::Week => Some(Width::WEEK),
        BudgetPeriod::Month => Some(Width::Month),
        BudgetPeriod::Block => None,
        BudgetPeriod::Other(_) => return Err(of(&budget, &"its period is not one that this version knows")),
    };
    let mut filter = UsageFilter {
        tenants: budget.tenants.clone(),
        operations: budget.operations.clone(),
        providers: budget.providers.clone(),
        models: budget.models.clone(),
        workspaces: budget.workspaces.clone(),
        ..UsageFilter::default()
    };
    let period = match width {
        Some(width) => Some(Buckets { zone, width }.around(now)?),
        None => {
            let block = reader.active_block(&filter, BlockLength::FIVE_HOURS, now).await?;
            block.map(|block| (block.start, block.end))
        }
    };
    let mut spent = Spent::default();
    if let Some((since, until)) = period {
        // As it was then: what came later is not in it.
        let until = at.map_or(until, |at| at.min(until));
        if since < until {
            filter.window = Window::new(Some(since), Some(until))?;
            spent = reader.spent(&filter).await?;
        }
    }
    Ok(Standing::new(budget, period, &spent, now))
}

fn of(budget: &BudgetSet, error: &dyn std::fmt::Display) -> Failure {
    Failure::other(format!("the budget {:?} cannot be checked: {error}", budget.name))
}

impl Standing {
    fn new(budget: BudgetSet, period: Option<(Timestamp, Timestamp)>, spent: &Spent, now: Timestamp) -> Self {
        let limit = budget.pico_usd.map(i128::from);
        let used = spent.cost_usd.0;
        let tokens = spent.tokens.total();
        let parts = [(limit, used), (budget.tokens.map(i128::from), i128::from(tokens))];
        let is_over = |(limit, used): (Option<i128>, i128)| limit.is_some_and(|limit| used > limit);
        let warn_at = i128::from(budget.warn_at_percent);
        let is_close = |(limit, used): (Option<i128>, i128)| limit.is_some_and(|limit| used * 100 >= limit * warn_at);
        let status = if parts.into_iter().any(is_over) {
            Status::Over
        } else if limit.is_some() && spent.unpriced_tokens > 0 {
            Status::Unknown
        } else if parts.into_iter().any(is_close) {
            Status::Warning
        } else {
            Status::Within
        };
        let forecast = |used: i128| period.and_then(|period| forecast(used, period, now));
        Self {
            status,
            since: period.map(|(since, _)| since),
            until: period.map(|(_, until)| until),
            calls: spent.calls,
            limit_usd: limit.map(PicoUsd),
            used_usd: spent.cost_usd,
            forecast_usd: forecast(used).map(PicoUsd),
            limit_tokens: budget.tokens,
            used_tokens: tokens,
            forecast_tokens: forecast(tokens.into()).and_then(|tokens| i64::try_from(tokens).ok()),
            warn_at_percent: budget.warn_at_percent,
            unpriced_calls: spent.unpriced_calls,
            unpriced_tokens: spent.unpriced_tokens,
            name: budget.name,
            period: budget.period,
            timezone: budget.timezone,
        }
    }
}

/// What it comes to at the end of the period if it goes on as it did from its beginning; `None` at the beginning.
fn forecast(used: i128, (since, until): (Timestamp, Timestamp), now: Timestamp) -> Option<i128> {
    let (whole, past) = (until.micros_since(since), now.micros_since(since));
    (past > 0).then(|| used * i128::from(whole) / i128::from(past.min(whole)))
}

fn text(standing: &Standing) -> Result<String, Failure> {
    let zone: Zone = standing.timezone.parse()?;
    let mut parts = Vec::new();
    let cents = |usd: PicoUsd| format!("{:.2}", usd.to_f64());
    if let Some(limit) = standing.limit_usd {
        let forecast = standing.forecast_usd.map(|usd| format!(", {} at its end", cents(usd))).unwrap_or_default();
        parts.push(format!("{} of {limit} usd{forecast}", standing.used_usd));
    }
    if let Some(limit) = standing.limit_tokens {
        let forecast = standing.forecast_tokens.map(|tokens| format!(", {} at its end", grouped(tokens)));
        let forecast = forecast.unwrap_or_default();
        parts.push(format!("{} of {} tokens{forecast}", grouped(standing.used_tokens), grouped(limit)));
    }
    if standing.unpriced_tokens > 0 {
        parts.push(format!("{} tokens have no price", grouped(standing.unpriced_tokens)));
    }
    let period = match (standing.since, standing.until) {
        (Some(since), Some(until)) => format!("{} to before {}, {zone}", zone.show(since), zone.show(until)),
        _ => "no block is active".into(),
    };
    let (name, word) = (printable(&standing.name), standing.status.word());
    Ok(format!("{name}: {word}; {}; {period}", parts.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    fn a_forecast_goes_on_at_the_pace_so_far() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let day = (at("2026-03-01T00:00:00Z"), at("2026-03-02T00:00:00Z"));
        assert_eq!(forecast(30, day, at("2026-03-01T06:00:00Z")), Some(120));
        assert_eq!(forecast(30, day, at("2026-03-01T00:00:00Z")), None);
        assert_eq!(forecast(30, day, at("2026-03-03T00:00:00Z")), Some(30));
    }
}
