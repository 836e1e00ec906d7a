//! `budget`: what may be spent, which stands in the ledger, and what is used of it.

mod check;

use std::collections::BTreeMap;

use agent_ledger::{Actor, EventKind, Filter, Ledger, LedgerExt as _, Offset, Read, RunId};
use futures_util::TryStreamExt as _;
use ledger_events::{BudgetPeriod, BudgetRemoved, BudgetSet, EventPayload, event, read};
use ledger_projections::PicoUsd;
use serde::Serialize;

use crate::cli::{BudgetCommand, BudgetRemoveArgs, BudgetSetArgs, Format, PeriodArg, WhoseArgs};
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::place::Place;
use crate::print::{grouped, printable};

/// The run that events about budgets are of.
const RUN: &str = "budgets";

/// Who says them.
const ACTOR: &str = "agent-ledger";

pub(crate) async fn run(place: &Place, command: BudgetCommand) -> Outcome {
    match command {
        BudgetCommand::Set(args) => set(place, args).await,
        BudgetCommand::List(args) => list(place, Format::or_default(args.format)).await,
        BudgetCommand::Remove(args) => remove(place, args).await,
        BudgetCommand::Check(args) => check::run(place, args).await,
    }
}

/// A budget as programs get it.
#[derive(Serialize)]
struct Shown<'b> {
    offset: Offset,
    #[serde(flatten)]
    budget: &'b BudgetSet,
    limit_usd: Option<PicoUsd>,
}

impl<'b> Shown<'b> {
    fn new(offset: Offset, budget: &'b BudgetSet) -> Self {
        let limit_usd = budget.pico_usd.map(|pico| PicoUsd(pico.into()));
        Self { offset, budget, limit_usd }
    }
}

async fn set(place: &Place, args: BudgetSetArgs) -> Outcome {
    let BudgetSetArgs {
        name,
        usd,
        tokens,
        per,
        tz,
        warn_at,
        whose: WhoseArgs { tenants, operations, providers, models, workspaces },
        format,
    } = args;
    let period = match per {
        PeriodArg::Day => BudgetPeriod::Day,
        PeriodArg::Week => BudgetPeriod::Week,
        PeriodArg::Month => BudgetPeriod::Month,
        PeriodArg::Block => BudgetPeriod::Block,
    };
    let budget = BudgetSet {
        name,
        period,
        timezone: tz.to_string(),
        pico_usd: usd,
        tokens,
        warn_at_percent: warn_at,
        tenants,
        operations,
        providers,
        models,
        workspaces,
    };
    let offset = say(crate::open(&place.ledger).await?.as_ref(), &budget).await?;
    match Format::or_default(format.format) {
        Format::Json => output::json(&Shown::new(offset, &budget)),
        Format::Text => output::line(format_args!("{}: {}", printable(&budget.name), described(&budget))),
    }
}

async fn remove(place: &Place, args: BudgetRemoveArgs) -> Outcome {
    let ledger = crate::existing(&place.ledger).await?;
    let BudgetRemoveArgs { name, format } = args;
    if !budgets(ledger.as_ref()).await?.contains_key(&name) {
        return Err(unknown(&name));
    }
    let removed = BudgetRemoved { name };
    let offset = say(ledger.as_ref(), &removed).await?;
    match Format::or_default(format.format) {
        Format::Json => output::json(&serde_json::json!({"removed": removed.name, "offset": offset})),
        Format::Text => output::line(format_args!("{}: removed", printable(&removed.name))),
    }
}

async fn list(place: &Place, format: Format) -> Outcome {
    let budgets = budgets(crate::existing(&place.ledger).await?.as_ref()).await?;
    match format {
        Format::Json => budgets.values().try_for_each(|(offset, budget)| output::json(&Shown::new(*offset, budget))),
        Format::Text => budgets.values().try_for_each(|(_, budget)| {
            output::line(format_args!("{}: {}", printable(&budget.name), described(budget)))
        }),
    }
}

fn unknown(name: &str) -> Failure {
    Failure::other(format!("there is no budget {name:?}; `agent-ledger budget list` lists them"))
}

async fn say<P: EventPayload>(ledger: &dyn Ledger, payload: &P) -> Result<Offset, Failure> {
    payload.check().map_err(|error| Failure::usage(format!("the budget's {error}")))?;
    let event = event(RunId::new(RUN)?, Actor::new(ACTOR)?, payload)?;
    Ok(ledger.append_one(event).await?.offset())
}

/// The budgets that there are, by name, and where each was set: of one name the last word counts.
async fn budgets(ledger: &dyn Ledger) -> Result<BTreeMap<String, (Offset, BudgetSet)>, Failure> {
    let filter = Filter::any().kind(EventKind::new(BudgetSet::KIND)?).kind(EventKind::new(BudgetRemoved::KIND)?);
    let mut pages = ledger.tail_pages(Read::after(Offset::ZERO).matching(filter)?);
    let mut budgets = BTreeMap::new();
    while let Some(page) = pages.try_next().await? {
        for recorded in &page.events {
            if let Some(Ok(budget)) = read::<BudgetSet>(&recorded.event)
                && budget.check().is_ok()
            {
                budgets.insert(budget.name.clone(), (recorded.offset, budget));
            } else if let Some(Ok(removed)) = read::<BudgetRemoved>(&recorded.event) {
                budgets.remove(&removed.name);
            }
        }
    }
    Ok(budgets)
}

/// In words: `50.00 usd and 1,000 tokens a month of Europe/Berlin, warns at 80 %; of model gpt`.
fn described(budget: &BudgetSet) -> String {
    let usd = budget.pico_usd.map(|pico| format!("{} usd", PicoUsd(pico.into())));
    let tokens = budget.tokens.map(|tokens| format!("{} tokens", grouped(tokens)));
    let limits: Vec<String> = usd.into_iter().chain(tokens).collect();
    let of = [
        ("tenant", &budget.tenants),
        ("operation", &budget.operations),
        ("provider", &budget.providers),
        ("model", &budget.models),
        ("workspace", &budget.workspaces),
    ];
    let of: Vec<String> = of
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(what, names)| printable(&format!("{what} {}", names.join(" or "))))
        .collect();
    let of = if of.is_empty() { String::new() } else { format!("; of {}", of.join(", ")) };
    let (limits, period) = (limits.join(" and "), &budget.period);
    format!("{limits} a {period} of {}, warns at {} %{of}", budget.timezone, budget.warn_at_percent)
}
