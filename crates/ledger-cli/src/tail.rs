//! `tail`: events from an offset on, and what comes later.

use std::io::{self, BufWriter, Write};

use agent_ledger::limits::DEFAULT_PAGE_EVENTS;
use agent_ledger::{Ledger, LedgerExt, Offset, PageSize, Read};
use futures_util::TryStreamExt;

use crate::cli::{Format, TailArgs};
use crate::failure::{Failure, Outcome};
use crate::output;

pub(crate) async fn run(ledger: &dyn Ledger, args: TailArgs) -> Outcome {
    let TailArgs { from, limit, follow, reverse, filter, format } = args;
    let read =
        if reverse { Read::before(from.unwrap_or(Offset::MAX)) } else { Read::after(from.unwrap_or(Offset::ZERO)) };
    let page = limit.unwrap_or(DEFAULT_PAGE_EVENTS).clamp(1, DEFAULT_PAGE_EVENTS);
    let read = read.limit(PageSize::new(page)?).matching(filter.filter()).map_err(|e| Failure::usage(e.to_string()))?;
    let pages = if follow { ledger.follow_pages(read) } else { ledger.tail_pages(read) };
    print(pages, limit.unwrap_or(usize::MAX), format).await.map(drop)
}

/// Prints up to `limit` events, and lets each page go as soon as it is there. Returns how many it printed.
pub(crate) async fn print(
    mut pages: agent_ledger::PageStream<'_>,
    limit: usize,
    format: Format,
) -> Result<usize, Failure> {
    let mut printed = 0;
    while printed < limit {
        let Some(page) = pages.try_next().await? else { break };
        let mut out = BufWriter::new(io::stdout().lock());
        for event in page.events.iter().take(limit - printed) {
            output::event(&mut out, event, format)?;
            printed += 1;
        }
        out.flush()?;
    }
    Ok(printed)
}
