//! Ids as names: they end up in columns and keys, so each of them is a name as the ledger understands it.

use ledger_core::ModelId;

use super::line::{Line, Message};
use crate::words::checked_name;

/// Checks that every id of the line makes a name.
pub(super) fn check_ids(line: &Line) -> Result<(), String> {
    let repeated = line.data.as_ref().and_then(|progress| progress.message.0.as_ref());
    let inner = repeated.and_then(|repeated| repeated.message.0.as_ref());
    let ids = [
        ("uuid", line.uuid.as_deref()),
        ("promptId", line.prompt_id.as_deref()),
        ("requestId", line.request_id.as_deref()),
        ("uuid", repeated.and_then(|repeated| repeated.uuid.as_deref())),
        ("requestId", repeated.and_then(|repeated| repeated.request_id.as_deref())),
    ];
    ids.into_iter().try_for_each(|(field, id)| checked_name(field, id).map(drop))?;
    line.message.0.as_ref().into_iter().chain(inner).try_for_each(check_message_ids)
}

fn check_message_ids(message: &Message) -> Result<(), String> {
    checked_name("message.id", message.id.as_deref())?;
    if let Some(model) = message.model.as_deref() {
        ModelId::new(model).map_err(|invalid| invalid.to_string())?;
    }
    Ok(())
}
