//! `merge`: every event of another ledger into this one.

use agent_ledger::{MergeError, Merged};

use crate::cli::{Format, MergeArgs};
use crate::failure::{Failure, Outcome};
use crate::print::grouped;
use crate::{output, progress};

/// How many conflicts the sentence about them names.
const NAMED: usize = 3;

pub(crate) async fn run(url: &str, args: MergeArgs) -> Outcome {
    // Before a ledger is created for nothing.
    let other = agent_ledger::open_to_read(&args.other).await.map_err(Failure::opening).map_err(of_other)?;
    let ledger = crate::open(url).await?;
    let bar = progress::events("merge");
    let merged = agent_ledger::merge(ledger.as_ref(), other.as_ref(), &progress::reporter(&bar)).await;
    let (done, all) = (bar.position(), bar.length().unwrap_or_default());
    bar.finish_and_clear();
    let merged = merged.map_err(|error| {
        let failure = match error {
            MergeError::Same(_) => return Failure::data(error.to_string()),
            MergeError::Other(error) => of_other(error.into()),
            MergeError::This(error) => error.into(),
        };
        match done {
            0 => failure,
            _ => failure.within(format_args!("merged {done} of {all} events, which stay")),
        }
    })?;
    let printed = match Format::or_default(args.format.format) {
        Format::Json => output::json(&merged),
        Format::Text => text(&merged),
    };
    // Said whoever reads the summary.
    if merged.conflicts > 0 {
        return Err(conflicts(&merged));
    }
    printed
}

fn of_other(failure: Failure) -> Failure {
    failure.within("the other ledger")
}

fn text(merged: &Merged) -> Outcome {
    let Merged { events, appended, known, conflicts, first, last, other_id, .. } = merged;
    let at = match (first, last) {
        (Some(first), Some(last)) => format!(", at offsets {first} to {last}"),
        _ => String::new(),
    };
    let [events, appended, known, left_out] =
        [events, appended, known, conflicts].map(|count| grouped(i64::try_from(*count).unwrap_or(i64::MAX)));
    output::line(format_args!(
        "merged ledger {other_id}: {events} events, {appended} of them new here{at}; {known} known; {left_out} in conflict"
    ))?;
    merged.conflicting.iter().try_for_each(|conflict| {
        output::line(format_args!(
            "in conflict: {:?}, at offset {} there and {} here",
            conflict.id, conflict.offset, conflict.stored
        ))
    })
}

fn conflicts(merged: &Merged) -> Failure {
    let named =
        merged.conflicting.iter().take(NAMED).map(|conflict| {
            format!("{:?} (at offset {} there, {} here)", conflict.id, conflict.offset, conflict.stored)
        });
    let named = named.collect::<Vec<_>>().join(", ");
    let more = merged.conflicts.saturating_sub(NAMED as u64);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    Failure::data(format!(
        "{} events were left out, because their ids name events with other content here: {named}{more}; all others are merged",
        merged.conflicts
    ))
}
