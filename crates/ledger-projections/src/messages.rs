//! What was said to models and by them, where somebody asked for that.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use ledger_core::limits::MAX_PAYLOAD_BYTES;
use ledger_core::{RecordedEvent, Timestamp};
use ledger_events::{LlmMessage, read};

use crate::name::name;
use crate::store::{Cell, Column, Table, Tables, Type};
use crate::{Projection, Result};

const MESSAGES: Table = Table {
    name: "llm_messages",
    columns: &[
        Column::new("call_key", Type::Name),
        Column::new("sequence_number", Type::Int),
        Column::new("role", Type::Name),
        Column::optional("session_id", Type::Name),
        Column::new("content", Type::Text),
        Column::new("event_id", Type::Name),
        Column::new("created_at", Type::Int),
    ],
    key: 2,
    indexes: &[&["session_id", "created_at"], &["created_at"]],
};

/// Where [`Table::columns`] has the event id.
const EVENT_ID: usize = 5;

/// The projection of `llm.message`: each message of a call, by `call_key` and `sequence_number`, in `llm_messages`.
///
/// Its table is the only one of all projections that holds content. So it is off: nothing runs it unless it is asked for
/// by name, and nobody writes such events unless asked to. Of several observations of a message the one with the smallest
/// event id counts, in whatever order they are read. Rows are removed by the time at which their event was made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Messages;

#[async_trait]
impl Projection for Messages {
    fn name(&self) -> &'static str {
        "messages"
    }

    fn version(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static [Table] {
        &[MESSAGES]
    }

    async fn apply(&self, tables: &mut Tables<'_>, events: &[Arc<RecordedEvent>]) -> Result<()> {
        let kept_from = tables.kept_from();
        let observed = events.iter().filter(|recorded| recorded.event.created_at >= kept_from);
        let mut best = BTreeMap::new();
        observed.filter_map(|recorded| row(recorded)).for_each(|row| take(&mut best, row));
        let keys: Vec<Vec<Cell>> =
            best.keys().map(|(call_key, number)| vec![call_key.as_str().into(), (*number).into()]).collect();
        tables.get(&MESSAGES, &keys).await?.into_iter().for_each(|row| take(&mut best, row));
        tables.put(&MESSAGES, best.into_values().collect()).await
    }

    async fn remove_before(&self, tables: &mut Tables<'_>, before: Timestamp) -> Result<u64> {
        let mut sql = tables.sql();
        sql.push("DELETE FROM ").table(&MESSAGES).push(" WHERE created_at < ").bind(before.as_micros());
        tables.execute(sql).await
    }
}

/// Rows by call and number.
type Best = BTreeMap<(String, i64), Vec<Cell>>;

/// Takes a row, unless a better observation of its message is there.
fn take(best: &mut Best, row: Vec<Cell>) {
    let [call_key, number, ..] = row.as_slice() else { return };
    let key = (call_key.text(), number.int());
    let id = |row: &[Cell]| row.get(EVENT_ID).map(Cell::text);
    if best.get(&key).is_none_or(|other| id(&row) < id(other)) {
        best.insert(key, row);
    }
}

/// `None` for what is no message that can be kept.
fn row(recorded: &RecordedEvent) -> Option<Vec<Cell>> {
    let LlmMessage { call_key, session_id, role, content, sequence_number } = read(&recorded.event)?.ok()?;
    Some(vec![
        name(&call_key).into(),
        i64::try_from(sequence_number).ok()?.into(),
        name(role.as_str()).into(),
        session_id.as_deref().map(name).into(),
        serde_json::to_string(&content).ok().filter(|content| content.len() <= MAX_PAYLOAD_BYTES)?.into(),
        recorded.event.id.as_str().into(),
        recorded.event.created_at.as_micros().into(),
    ])
}
