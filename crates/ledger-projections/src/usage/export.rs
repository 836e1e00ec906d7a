//! Every row that a filter selects, for other programs.

use std::sync::atomic::{AtomicBool, Ordering};

use ledger_core::Timestamp;
use serde_json::{Map, Value};

use super::filter::UsageFilter;
use super::lists::happened_in;
use super::tables::{CALLS, SESSIONS, TOOLS, TURNS};
use super::{Usage, UsageReader};
use crate::store::{Row, Snapshot, Sql, Table, Type};
use crate::{Error, PicoUsd, Projection as _, Result};

/// The version of exported rows: raised when a field is renamed or means something else; fields may be added.
pub const EXPORT_SCHEMA: u32 = 1;

/// Columns by which events are merged; nobody else needs them.
const INTERNAL: [&str; 7] =
    ["revision", "start_revision", "start_event_id", "end_revision", "end_event_id", "measured_us", "event_id"];

impl UsageReader {
    /// Gives `take` every call, call of a tool, turn and session that `filter` selects, one JSON object each: `schema`,
    /// `type`, and the columns of its table; times as RFC 3339, durations in milliseconds, money as decimal US dollars.
    /// `take` says whether to go on.
    ///
    /// # Errors
    /// As [`stats`](Self::stats).
    pub async fn export(&self, filter: &UsageFilter, take: &(dyn Fn(Map<String, Value>) -> bool + Sync)) -> Result<()> {
        let has_begun = &AtomicBool::new(false);
        self.database
            .answer(&Usage::new(), |snapshot| async move {
                if has_begun.swap(true, Ordering::Relaxed) {
                    // The tables were replaced half-way; what was given cannot be taken back.
                    return Err(Error::Replaced { projection: Usage::new().name().into() });
                }
                for kind in ["call", "tool", "turn", "session"] {
                    let (table, sql) = select(&snapshot, kind, filter);
                    let mut goes_on = true;
                    let each = snapshot.each_while(sql, |row| {
                        goes_on = take(exported(kind, table, &row)?);
                        Ok(goes_on)
                    });
                    each.await?;
                    if !goes_on {
                        break;
                    }
                }
                Ok(())
            })
            .await
    }
}

/// All rows of a kind that a filter selects, in the order of their times.
fn select(snapshot: &Snapshot, kind: &str, filter: &UsageFilter) -> (&'static Table, Sql) {
    let (table, prefix, time) = match kind {
        "call" => (&CALLS, "c", "started_at"),
        "tool" => (&TOOLS, "t", "started_at"),
        "turn" => (&TURNS, "t", "started_at"),
        _ => (&SESSIONS, "s", "first_at"),
    };
    let columns = table.columns.iter().map(|column| format!("{prefix}.{}", column.name));
    let columns = columns.collect::<Vec<_>>().join(", ");
    let mut sql = snapshot.sql();
    sql.push(format!("SELECT {columns} FROM ")).table(table).push(format!(" {prefix} WHERE "));
    match kind {
        "call" => filter.calls(sql.push("1 = 1"), "c.started_at", filter.window),
        "tool" | "turn" => filter.spans(sql.push("1 = 1"), kind == "tool", filter.window),
        _ => happened_in(&mut sql, filter),
    }
    let key = table.key_columns().first().map_or("", |column| column.name);
    sql.push(format!(" ORDER BY {prefix}.{time}, {prefix}.{key}"));
    (table, sql)
}

fn exported(name: &str, table: &Table, row: &Row) -> Result<Map<String, Value>> {
    let mut object = Map::new();
    object.insert("schema".into(), EXPORT_SCHEMA.into());
    object.insert("type".into(), name.into());
    for (n, column) in table.columns.iter().enumerate().filter(|(_, column)| !INTERNAL.contains(&column.name)) {
        let int = || row.maybe_int(n);
        let (field, value): (String, Value) = match (column.name, column.kind) {
            (name, _) if name.ends_with("_at") => {
                let time = int()?.map(Timestamp::from_micros).transpose()?;
                (name.into(), time.map(|time| time.to_string()).into())
            }
            (name, _) if name.ends_with("_us") => {
                let millis = int()?.map(|micros| micros as f64 / 1_000.0);
                (name.replace("_us", "_ms"), millis.into())
            }
            ("pico_usd", _) => ("cost_usd".into(), int()?.map(|pico| PicoUsd(i128::from(pico)).to_string()).into()),
            (name, Type::Flag) => (name.into(), (int()? == Some(1)).into()),
            (name, Type::Int) => (name.into(), int()?.into()),
            (name, _) => (name.into(), row.maybe_text(n)?.into()),
        };
        object.insert(field, value);
    }
    Ok(object)
}
