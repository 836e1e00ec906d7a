//! `snapshot`, `restore`, `verify`: whole ledgers.

use std::path::Path;

use agent_ledger::{Ledger, Mode, SnapshotKind, Snapshotted, SqliteLedger, SqliteOptions};

use crate::cli::{Format, RestoreArgs, SnapshotArgs};
use crate::failure::{Failure, Outcome};
use crate::{output, progress};

pub(crate) async fn snapshot(ledger: &dyn Ledger, args: SnapshotArgs) -> Outcome {
    let bar = progress::events("snapshot");
    let taken = agent_ledger::snapshot(ledger, file(&args.dest), &progress::reporter(&bar)).await;
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
                "{}: {done}, offsets {first} to {last}, {added} events added, every event verified",
                file(&args.dest).display()
            ))
        }
    }
}

pub(crate) async fn restore(url: &str, args: RestoreArgs) -> Outcome {
    // Before a ledger is created for nothing.
    let source = file(&args.src);
    if !source.exists() {
        return Err(Failure::other(format!("there is no snapshot at {}", source.display())));
    }
    SqliteLedger::open(SqliteOptions::new(source).mode(Mode::ReadOnly)).await?.close().await?;
    let ledger = crate::open(url).await?;
    let bar = progress::events("restore");
    let restored = agent_ledger::restore(source, ledger.as_ref(), &progress::reporter(&bar)).await;
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

/// The file that is meant, also when it is named as a URL.
fn file(path: &Path) -> &Path {
    path.to_str().and_then(|text| text.strip_prefix("sqlite:")).map_or(path, Path::new)
}

pub(crate) async fn verify(ledger: &dyn Ledger, format: Option<Format>) -> Outcome {
    let bar = progress::events("verify");
    let report = ledger.verify(&progress::reporter(&bar)).await;
    bar.finish_and_clear();
    let report = report?;
    let printed = match Format::or_default(format) {
        Format::Json => output::json(&report),
        Format::Text => output::line(format_args!(
            "{} events are sound, of offsets {} to {}",
            report.events, report.first, report.last
        )),
    };
    // Said whoever reads the report.
    match report.fault {
        None => printed,
        Some(fault) => Err(Failure::data(format!("the ledger is damaged: {fault}; restore from a snapshot"))),
    }
}
