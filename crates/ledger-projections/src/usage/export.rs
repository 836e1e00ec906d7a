//! Every row that a filter selects, for other programs.

use std::sync::atomic::{AtomicBool, Ordering};

use ledger_core::Timestamp;
use serde_json::{Map, Value};

use super::filter::UsageFilter;
use super::tables::{CALLS, SESSIONS, TOOLS, TURNS};
use super::{Usage, UsageReader};
use crate::store::{Row, Table, Type};
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
        let usage = Usage::new();
        let has_begun = AtomicBool::new(false);
        self.database
            .answer(&usage, async |snapshot| {
                if has_begun.swap(true, Ordering::Relaxed) {
                    // The tables were replaced half-way; what was given cannot be taken back.
                    return Err(Error::Replaced { projection: usage.name().into() });
                }
                for (name, table) in [("call", &CALLS), ("tool", &TOOLS), ("turn", &TURNS), ("session", &SESSIONS)] {
                    let mut sql = snapshot.sql();
                    let prefix = match name {
                        "call" => "c",
                        "session" => "s",
                        _ => "t",
                    };
                    let columns = table.columns.iter().map(|column| format!("{prefix}.{}", column.name));
                    sql.push("SELECT ").push(columns.collect::<Vec<_>>().join(", ")).push(" FROM ").table(table);
                    sql.push(format!(" {prefix} WHERE 1 = 1"));
                    match name {
                        "call" => filter.calls(&mut sql, "c.started_at", filter.window),
                        "tool" | "turn" => filter.spans(&mut sql, name == "tool", filter.window),
                        _ => {
                            sql.push(" AND (");
                            super::lists::happened_in(&mut sql, filter);
                            sql.push(")");
                        }
                    }
                    let (time, key) = match name {
                        "session" => ("first_at", "session_id"),
                        _ => ("started_at", table.key_columns().first().map_or("", |column| column.name)),
                    };
                    sql.push(format!(" ORDER BY {prefix}.{time}, {prefix}.{key}"));
                    let mut goes_on = true;
                    let each = snapshot.each(sql, |row| {
                        goes_on = goes_on && take(exported(name, table, &row)?);
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
