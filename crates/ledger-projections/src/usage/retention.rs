//! What is kept when rows are removed: sums, which are there already, and how values are distributed.

use ledger_core::Timestamp;

use super::digits;
use super::tables::{BINS, CALLS, SESSIONS, TOOLS, TURNS};
use crate::Result;
use crate::calendar::DAY;
use crate::store::{Table, Tables};

/// Removes the rows of before the beginning of a UTC day; how many there were.
pub(super) async fn remove_before(tables: &mut Tables<'_>, before: Timestamp) -> Result<u64> {
    for (measure, value) in [("duration", "duration_us"), ("input", "input_total"), ("output", "output")] {
        let names = ["tenant", "operation", "provider", "model", "workspace", "''"];
        keep(tables, &CALLS, measure, value, names, "ok", before).await?;
    }
    keep(tables, &TOOLS, "tool", "duration_us", ["''", "''", "''", "''", "workspace", "tool_name"], "", before).await?;
    keep(tables, &TURNS, "turn", "duration_us", ["''", "''", "''", "''", "workspace", "''"], "", before).await?;
    let mut removed = 0;
    for table in [&CALLS, &TOOLS, &TURNS] {
        let mut sql = tables.sql();
        sql.push("DELETE FROM ").table(table).push(" WHERE started_at < ").bind(before.as_micros());
        removed += tables.execute(sql).await?;
    }
    // A session stays while anything of it does.
    let mut sql = tables.sql();
    sql.push("DELETE FROM ").table(&SESSIONS).push(" WHERE last_at < ").bind(before.as_micros());
    for table in [&CALLS, &TOOLS, &TURNS] {
        sql.push(" AND session_id NOT IN (SELECT session_id FROM ").table(table);
        sql.push(" WHERE session_id IS NOT NULL)");
    }
    Ok(removed + tables.execute(sql).await?)
}

/// Keeps how the values of rows that are about to be removed are distributed. Each day comes here once: what is of a day
/// that was removed is passed over from then on.
async fn keep(
    tables: &mut Tables<'_>,
    table: &Table,
    measure: &str,
    value: &str,
    names: [&str; 6],
    status: &str,
    before: Timestamp,
) -> Result<()> {
    let mut sql = tables.sql();
    let columns = BINS.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
    let names = names.join(", ");
    let day = format!("started_at - (started_at % {DAY} + {DAY}) % {DAY}");
    let bin = digits::bin_in_sql(&sql, value);
    sql.push("INSERT INTO ").table(&BINS).push(format!(" ({columns}) SELECT day, "));
    sql.push(format!(
        "'{measure}', {names_out}, bin, COUNT(*), MIN(value), MAX(value) FROM (",
        names_out = NAMES.join(", ")
    ));
    let named = names.split(", ").zip(NAMES).map(|(name, column)| format!("{name} AS {column}"));
    let named = named.collect::<Vec<_>>().join(", ");
    sql.push(format!("SELECT {day} AS day, {named}, {bin} AS bin, {value} AS value FROM ")).table(table);
    sql.push(" WHERE started_at < ").bind(before.as_micros()).push(format!(" AND {value} IS NOT NULL"));
    if !status.is_empty() {
        sql.push(" AND status = ").bind(status);
    }
    sql.push(format!(") removed GROUP BY day, {}, bin", NAMES.join(", ")));
    tables.execute(sql).await?;
    Ok(())
}

/// The names that bins are told apart by.
const NAMES: [&str; 6] = ["tenant", "operation", "provider", "model", "workspace", "tool_name"];
