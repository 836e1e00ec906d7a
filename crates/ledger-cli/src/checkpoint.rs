//! `checkpoint`: how far consumers got.

use agent_ledger::{Checkpoint, CheckpointMove, ConsumerName, Ledger, LedgerExt, Offset};

use crate::cli::{CheckpointCommand, Format};
use crate::failure::{Failure, Outcome};
use crate::output;

pub(crate) async fn run(ledger: &dyn Ledger, command: CheckpointCommand) -> Outcome {
    match command {
        CheckpointCommand::Get { name, format } => get(ledger, name, format.format).await,
        CheckpointCommand::Set { name, offset, rewind, format } => {
            set(ledger, name, offset, rewind, format.format).await
        }
        CheckpointCommand::List(format) => list(ledger, format.format).await,
    }
}

async fn get(ledger: &dyn Ledger, name: ConsumerName, format: Option<Format>) -> Outcome {
    let checkpoint = ledger
        .checkpoint(&name)
        .await?
        .ok_or_else(|| Failure::other(format!("consumer {name:?} has no checkpoint; it starts at 0")))?;
    ledger.resume(&name).await?;
    print(&checkpoint, format)
}

async fn set(ledger: &dyn Ledger, name: ConsumerName, offset: Offset, rewind: bool, format: Option<Format>) -> Outcome {
    let wanted = if offset == Offset::ZERO {
        Checkpoint::start(name)
    } else {
        let event = ledger
            .event_at(offset)
            .await?
            .ok_or_else(|| Failure::data(format!("the ledger has no event at offset {offset}")))?;
        Checkpoint::at(name, &event)
    };
    let how = if rewind { CheckpointMove::Anywhere } else { CheckpointMove::Forward };
    let saved = ledger.save_checkpoint(wanted, how).await?;
    if saved.offset != offset {
        return Err(Failure::data(format!(
            "{:?} stands at {} already; add --rewind to take it back",
            saved.consumer, saved.offset
        )));
    }
    print(&saved, format)
}

async fn list(ledger: &dyn Ledger, format: Option<Format>) -> Outcome {
    let checkpoints = ledger.checkpoints().await?;
    match Format::or_default(format) {
        Format::Json => checkpoints.iter().try_for_each(output::json),
        Format::Text => output::table(["CONSUMER", "OFFSET", "EVENT", "UPDATED"], checkpoints.iter().map(row)),
    }
}

fn print(checkpoint: &Checkpoint, format: Option<Format>) -> Outcome {
    match Format::or_default(format) {
        Format::Json => output::json(checkpoint),
        Format::Text => output::table(["CONSUMER", "OFFSET", "EVENT", "UPDATED"], [row(checkpoint)]),
    }
}

fn row(checkpoint: &Checkpoint) -> [String; 4] {
    let Checkpoint { consumer, offset, event_id, updated_at } = checkpoint;
    let event = event_id.as_ref().map_or_else(|| "-".into(), ToString::to_string);
    [consumer.to_string(), offset.to_string(), event, updated_at.to_string()]
}
