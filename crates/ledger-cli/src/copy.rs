//! `snapshot`, `restore`, `verify`: whole ledgers.

use agent_ledger::{Ledger, SnapshotKind, Snapshotted};

use crate::cli::{Format, RestoreArgs, SnapshotArgs};
use crate::failure::{Failure, Outcome};
use crate::{output, progress};

pub(crate) async fn snapshot(ledger: &dyn Ledger, args: SnapshotArgs) -> Outcome {
    let bar = progress::events("snapshot");
    let taken = agent_ledger::snapshot(ledger, &args.dest, &progress::reporter(&bar)).await;
    bar.finish_and_clear();
    let taken = taken?;
    match Format::or_default(args.format.format) {
        Format::Json => output::json(&taken),
        Format::Text => {
            let Snapshotted { first, last, added, .. } = taken;
            let done = match taken.kind {
                SnapshotKind::Created => "created",
                SnapshotKind::Updated => "brought up to date",
            };
            output::line(format_args!(
                "{}: {done}, offsets {first} to {last}, {added} events added, verified",
                args.dest.display()
            ))
        }
    }
}

pub(crate) async fn restore(ledger: &dyn Ledger, args: RestoreArgs) -> Outcome {
    let bar = progress::events("restore");
    let restored = agent_ledger::restore(&args.src, ledger, &progress::reporter(&bar)).await;
    bar.finish_and_clear();
    let restored = restored?;
    match Format::or_default(args.format.format) {
        Format::Json => output::json(&restored),
        Format::Text => output::line(format_args!(
            "restored {} events; offsets {} to {}",
            restored.added, restored.first, restored.last
        )),
    }
}

pub(crate) async fn verify(ledger: &dyn Ledger, format: Option<Format>) -> Outcome {
    let bar = progress::events("verify");
    let report = ledger.verify(&progress::reporter(&bar)).await;
    bar.finish_and_clear();
    let report = report?;
    match Format::or_default(format) {
        Format::Json => output::json(&report)?,
        Format::Text => output::line(format_args!(
            "{} events are sound, offsets {} to {}",
            report.events, report.first, report.last
        ))?,
    }
    match report.fault {
        None => Ok(()),
        Some(fault) => Err(Failure::data(format!("{fault}; restore from a snapshot"))),
    }
}
