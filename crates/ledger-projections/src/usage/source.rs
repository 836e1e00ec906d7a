//! Where figures come from: rows of calls, or sums of quarters of an hour.

use std::collections::BTreeMap;

use super::dimension::Part;
use super::metrics::Metrics;
use super::query::{Counting, Per, UsageQuery};
use super::tables::{CALLS, CELLS};
use crate::store::{Row, Snapshot, Sql};
use crate::{Result, Window};

/// Figures by the values of some columns.
pub(super) type Groups = BTreeMap<Vec<String>, Metrics>;

/// The buckets of tokens, as columns of calls and of sums.
const BUCKETS: [&str; 7] =
    ["input", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write", "output", "reasoning"];

/// The columns that values of distributions are in: of calls and invocations, not of sums.
pub(super) const VALUES: [&str; 3] = ["duration_us", "input_total", "output_total"];

/// The columns that figures are told apart by, with a comma after each.
pub(super) fn names(parts: &[Part]) -> String {
    names_of(parts.len())
}

pub(super) fn names_of(columns: usize) -> String {
    (0..columns).map(|n| format!("d{n}, ")).collect()
}

/// ` GROUP BY` the columns, if there are any.
pub(super) fn grouped_by(columns: usize) -> String {
    match names_of(columns).strip_suffix(", ") {
        Some(names) => format!(" GROUP BY {names}"),
        None => String::new(),
    }
}

/// The values of the first columns.
pub(super) fn key(row: &Row, columns: usize) -> Result<Vec<String>> {
    (0..columns).map(|n| row.name(n)).collect()
}

/// Figures over the rows of calls in a window; of distributions all but percentiles.
pub(super) async fn of_rows(snapshot: &Snapshot, query: &UsageQuery, window: Window, parts: &[Part]) -> Result<Groups> {
    let mut sql = snapshot.sql();
    let sums = ["calls", "1 - ok", "leads", "unpriced", "unpriced_tokens", "micro", "rest", "micro_ok", "rest_ok"];
    let sums: Vec<String> = sums.into_iter().chain(BUCKETS).map(|value| sql.sum(value)).collect();
    sql.push("SELECT ").push(names(parts)).push(sums.join(", "));
    for value in VALUES {
        let ok = format!("CASE WHEN ok = 1 THEN {value} END");
        let total = sql.sum(&ok);
        sql.push(format!(", COUNT({ok}), {total}, MIN({ok}), MAX({ok})"));
    }
    sql.push(" FROM (");
    rows(&mut sql, query, window, parts);
    sql.push(") AS source").push(grouped_by(parts.len()));
    read(snapshot, sql, parts).await
}

/// The rows of calls or invocations in a window: `d0`, ..., `ok`, and what is summed over.
pub(super) fn rows(sql: &mut Sql, query: &UsageQuery, window: Window, parts: &[Part]) {
    match query.per {
        Per::Call => {
            calls(sql, query, parts);
            sql.push(" FROM ").table(&CALLS).push(" c WHERE 1 = 1");
            query.filter.calls(sql, "c.started_at", window);
        }
        Per::Invocation => {
            let sums = ["calls", "unpriced", "unpriced_tokens", "micro", "rest", "micro_ok", "rest_ok"];
            let sums = sums.into_iter().chain(BUCKETS).chain(["input_total", "output_total"]);
            let sums: Vec<String> = sums.map(|value| format!("{} AS {value}", sql.sum(value))).collect();
            let duration = sql.sum("duration_us");
            sql.push("SELECT ").push(names(parts)).push("MAX(ok) AS ok, 1 AS leads, ").push(sums.join(", "));
            sql.push(format!(", CASE WHEN COUNT(duration_us) > 0 THEN {duration} END AS duration_us FROM ("));
            calls(sql, query, parts);
            // A call that is of no invocation is one by itself.
            sql.push(", c.tenant AS g0, c.operation AS g1, COALESCE(c.call_id, '') AS g2,");
            sql.push(" CASE WHEN c.call_id IS NULL THEN c.call_key ELSE '' END AS g3 FROM ");
            sql.table(&CALLS).push(" c WHERE 1 = 1");
            query.filter.calls(sql, "c.invoked_at", window);
            // No call starts before the first of its invocation; there is an index for this.
            sql.within("c.started_at", Window::starting(window.since()));
            sql.push(") AS of_invocation GROUP BY ").push(names(parts)).push("g0, g1, g2, g3");
        }
    }
}

/// The columns of calls, without where they come from.
fn calls(sql: &mut Sql, query: &UsageQuery, parts: &[Part]) {
    const OK: &str = "c.status = 'ok'";
    let counted = |value: &str| match query.counting {
        Counting::All => value.to_owned(),
        Counting::Successful => format!("CASE WHEN {OK} THEN {value} ELSE 0 END"),
    };
    let cost = "COALESCE(c.pico_usd, 0)";
    let (micro, rest) = (sql.quotient(cost, "1000000"), format!("{cost} % 1000000"));
    sql.push("SELECT ");
    for (n, part) in parts.iter().enumerate() {
        sql.push(format!("{} AS d{n}, ", part.of_calls));
    }
    sql.push(format!("1 AS calls, CASE WHEN {OK} THEN 1 ELSE 0 END AS ok, c.leads AS leads"));
    sql.push(", CASE WHEN c.pico_usd IS NULL THEN 1 ELSE 0 END AS unpriced");
    sql.push(", CASE WHEN c.pico_usd IS NULL THEN c.input_total + c.output ELSE 0 END AS unpriced_tokens");
    sql.push(format!(", {} AS micro, {} AS rest", counted(&micro), counted(&rest)));
    sql.push(format!(", CASE WHEN {OK} THEN {micro} ELSE 0 END AS micro_ok"));
    sql.push(format!(", CASE WHEN {OK} THEN {rest} ELSE 0 END AS rest_ok"));
    for bucket in BUCKETS {
        sql.push(format!(", {} AS {bucket}", counted(&format!("COALESCE(c.{bucket}, 0)"))));
    }
    sql.push(", c.input_total AS input_total, c.output AS output_total, c.duration_us AS duration_us");
}

/// Figures over the sums of a window; of distributions only how many values there are, and their sum.
///
/// A quarter of an hour is in the window when its beginning is.
pub(super) async fn of_sums(snapshot: &Snapshot, query: &UsageQuery, window: Window, parts: &[Part]) -> Result<Groups> {
    const OK: &str = "status = 'ok'";
    let ok = |value: &str| format!("CASE WHEN {OK} THEN {value} ELSE 0 END");
    let counted = |value: &str| match query.counting {
        Counting::All => value.to_owned(),
        Counting::Successful => ok(value),
    };
    let mut sql = snapshot.sql();
    let mut values = vec!["calls".to_owned(), format!("calls - {}", ok("calls"))];
    values.extend(["invocations", "unpriced", "unpriced_tokens"].map(str::to_owned));
    values.extend([counted("micro_usd"), counted("rest_pico_usd"), ok("micro_usd"), ok("rest_pico_usd")]);
    values.extend(BUCKETS.map(counted));
    let sums: Vec<String> = values.iter().map(|value| sql.sum(value)).collect();
    let columns = parts.iter().enumerate().map(|(n, part)| format!("{} AS d{n}, ", part.of_sums.unwrap_or("''")));
    sql.push("SELECT ").push(columns.collect::<String>()).push(sums.join(", "));
    for (n, total) in [("timed", "duration_us"), ("calls", "input_total"), ("calls", "output")] {
        let (n, total) = (sql.sum(&ok(n)), sql.sum(&ok(total)));
        // Minima and maxima of nothing, of the right type.
        sql.push(format!(
            ", {n}, {total}, MIN(CASE WHEN calls < 0 THEN calls END), MIN(CASE WHEN calls < 0 THEN calls END)"
        ));
    }
    sql.push(" FROM ").table(&CELLS).push(" WHERE 1 = 1");
    sql.within("slot", window);
    query.filter.sums(&mut sql, Some("status"));
    sql.push(grouped_by(parts.len()));
    read(snapshot, sql, parts).await
}

async fn read(snapshot: &Snapshot, sql: Sql, parts: &[Part]) -> Result<Groups> {
    let rows = snapshot.rows(sql).await?;
    let mut groups = Groups::new();
    for row in &rows {
        let metrics = Metrics::read(row, parts.len())?;
        // Over nothing there is one row, without columns to group by.
        if metrics.calls > 0 {
            groups.insert(key(row, parts.len())?, metrics);
        }
    }
    Ok(groups)
}

/// Adds the figures of one source to those of another.
pub(super) fn add(groups: &mut Groups, others: Groups) {
    for (key, metrics) in others {
        groups.entry(key).or_default().add(&metrics);
    }
}
