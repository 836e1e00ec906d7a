//! Why an answer is empty.

use ledger_projections::usage::{Counts, UsageFilter, UsageReader};

use crate::failure::Failure;

/// What an answer is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    Call,
    Tool,
    Turn,
    /// Which has calls, tools or turns.
    Session,
}

impl Thing {
    const fn count(self, counts: &Counts) -> i64 {
        match self {
            Self::Call => counts.calls,
            Self::Tool => counts.tools,
            Self::Turn => counts.turns,
            Self::Session => counts.calls + counts.tools + counts.turns,
        }
    }

    const fn plural(self) -> &'static str {
        match self {
            Self::Call => "calls of models",
            Self::Tool => "calls of tools",
            Self::Turn => "turns",
            Self::Session => "calls, tools or turns",
        }
    }
}

/// Whether there is nothing in the ledger, nothing in the window, or nothing with these filters.
pub(super) async fn why(reader: &UsageReader, filter: &UsageFilter, thing: Thing) -> Result<String, Failure> {
    let (what, all) = (thing.plural(), reader.counts(&UsageFilter::default().into()).await?);
    let count = thing.count(&all);
    if count == 0 {
        let passed_over: i64 = all.passed_over.values().flat_map(|kinds| kinds.values()).sum();
        let passed_over =
            if passed_over > 0 { format!("; {passed_over} events were passed over") } else { String::new() };
        return Ok(format!("there are no {what} in the ledger, up to offset {}{passed_over}", all.basis.offset));
    }
    let within = thing.count(&reader.counts(&UsageFilter::within(filter.window).into()).await?);
    if within == 0 {
        return Ok(format!("there are no {what} in this window; outside of it there are {count}"));
    }
    let removed = match all.basis.rows_removed_before {
        Some(before) => format!("; rows of before {before} are removed"),
        None => String::new(),
    };
    if *filter == UsageFilter::within(filter.window) {
        return Ok(format!("of {within} {what} in this window no rows are kept{removed}"));
    }
    Ok(format!("there are no {what} with these filters; without them there are {within} in this window{removed}"))
}
