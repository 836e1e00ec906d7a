//! `head`, `runs`, `show`, `find`, `reset`: what a ledger holds.

use std::io;

use agent_ledger::{Filter, Ledger, LedgerExt, Offset, Read};

use crate::cli::{FindArgs, Format, ShowArgs};
use crate::failure::{Failure, Outcome};
use crate::{output, tail};

pub(crate) async fn head(ledger: &dyn Ledger, format: Option<Format>) -> Outcome {
    let head = ledger.head().await?;
    match Format::or_default(format) {
        Format::Json => output::json(&head),
        Format::Text => output::fields(&[
            ("ledger", head.ledger_id.to_string()),
            ("epoch", head.extent.epoch.to_string()),
            ("first", head.extent.first.to_string()),
            ("last", head.extent.last.to_string()),
            ("events", head.extent.events().to_string()),
            ("durability", head.durability.to_string()),
            ("engine", head.engine.to_string()),
        ]),
    }
}

pub(crate) async fn runs(ledger: &dyn Ledger, format: Option<Format>) -> Outcome {
    let runs = ledger.all_runs().await?;
    match Format::or_default(format) {
        Format::Json => runs.iter().try_for_each(output::json),
        Format::Text => output::table(
            ["RUN", "FIRST", "LAST", "EVENTS"],
            runs.into_iter().map(|run| {
                [run.run_id.to_string(), run.first.to_string(), run.last.to_string(), run.events.to_string()]
            }),
        ),
    }
}

pub(crate) async fn show(ledger: &dyn Ledger, args: ShowArgs) -> Outcome {
    let read = Read::after(Offset::ZERO).matching(Filter::any().run(args.run.clone()))?;
    let printed = tail::print(ledger.tail_pages(read), usize::MAX, Format::or_default(args.format.format)).await?;
    if printed == 0 {
        return Err(Failure::other(format!("there is no run {:?}; `agent-ledger runs` lists them", args.run)));
    }
    Ok(())
}

pub(crate) async fn find(ledger: &dyn Ledger, args: FindArgs) -> Outcome {
    match ledger.find(args.id.clone()).await? {
        Some(event) => Ok(output::event(&mut io::stdout(), &event, Format::or_default(args.format.format))?),
        None => Err(Failure::other(format!("there is no event {:?}", args.id))),
    }
}

pub(crate) async fn reset(ledger: &dyn Ledger) -> Outcome {
    let before = ledger.head().await?;
    let after = ledger.reset(&before).await?;
    eprintln!("deleted {} events; offsets go on at {}", before.extent.events(), after.extent.first);
    output::json(&after)
}
