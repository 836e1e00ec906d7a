//! What went wrong, and how often; and how much of everything there is.

use std::collections::BTreeMap;

use ledger_core::Timestamp;
use serde::Serialize;

use super::answer::Basis;
use super::figures::sums;
use super::query::{Limit, Per, UsageQuery};
use super::spans::{self, Kind};
use super::tables::{CALLS, PASSED_OVER, SESSIONS};
use super::{Metrics, Usage, UsageReader};
use crate::store::Snapshot;
use crate::{PicoUsd, Result};

/// Calls that ended in one way that is not well.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ErrorRow {
    /// How they ended.
    pub status: String,
    /// Why; `None` when nobody said.
    pub error_class: Option<String>,
    /// How many calls.
    pub calls: i64,
    /// What they cost nevertheless.
    pub cost_usd: PicoUsd,
    /// When the first of them started.
    pub first_at: Timestamp,
    /// When the last of them started.
    pub last_at: Timestamp,
}

/// Calls that did not end well, by status and class.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorsAnswer {
    /// What it rests on.
    pub basis: Basis,
    /// The most frequent first.
    pub rows: Vec<ErrorRow>,
    /// How many there are; more than were asked for, perhaps.
    pub of_rows: usize,
    /// All calls, those that ended well as well.
    pub calls: i64,
    /// All calls that did not end well.
    pub failed: i64,
}

/// How much there is of everything that a query is about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Counts {
    /// What it rests on.
    #[serde(skip)]
    pub basis: Basis,
    /// Calls of models.
    pub calls: i64,
    /// Invocations of the application.
    pub invocations: i64,
    /// Calls of tools.
    pub tools: i64,
    /// Turns.
    pub turns: i64,
    /// Sessions that are kept, whatever the query selects.
    pub sessions: i64,
    /// Events that were passed over, by reason and kind, whatever the query selects.
    pub passed_over: BTreeMap<String, BTreeMap<String, i64>>,
}

impl UsageReader {
    /// Calls that did not end well, by status and class.
    ///
    /// # Errors
    /// As [`stats`](Self::stats).
    pub async fn errors(&self, query: &UsageQuery, limit: Limit) -> Result<ErrorsAnswer> {
        let usage = Usage::new();
        let query = &of_calls(query);
        self.database
            .answer(&usage, |snapshot| async move {
                let mut basis = Basis::new(&snapshot, query);
                let all = counted(&snapshot, query, &mut basis).await?;
                let mut rows = errors(&snapshot, query).await?;
                if rows.iter().map(|row| row.calls).sum::<i64>() < all.failed {
                    basis.note(
                        "removed rows are in the counts but not in the rows: of them, classes of errors are not kept",
                    );
                }
                rows.sort_by_key(|row| std::cmp::Reverse(row.calls));
                let of_rows = rows.len();
                rows.truncate(limit.get());
                Ok(ErrorsAnswer { basis, rows, of_rows, calls: all.calls, failed: all.failed })
            })
            .await
    }

    /// How much there is of everything.
    ///
    /// # Errors
    /// As [`stats`](Self::stats).
    pub async fn counts(&self, query: &UsageQuery) -> Result<Counts> {
        let usage = Usage::new();
        let query = &of_calls(query);
        self.database
            .answer(&usage, |snapshot| async move {
                let mut basis = Basis::new(&snapshot, query);
                let all = counted(&snapshot, query, &mut basis).await?;
                let tools = spans::count(&snapshot, query, Kind::Tool, &mut basis).await?;
                let turns = spans::count(&snapshot, query, Kind::Turn, &mut basis).await?;
                let mut sql = snapshot.sql();
                sql.push("SELECT COUNT(*) FROM ").table(&SESSIONS);
                let sessions = snapshot.rows(sql).await?.first().map_or(Ok(0), |row| row.int(0))?;
                let passed_over = passed_over(&snapshot).await?;
                let (calls, invocations) = (all.calls, all.invocations);
                Ok(Counts { basis, calls, invocations, tools, turns, sessions, passed_over })
            })
            .await
    }
}

/// The same question about calls, which is what is counted here.
fn of_calls(query: &UsageQuery) -> UsageQuery {
    UsageQuery { per: Per::Call, ..query.clone() }
}

/// All calls that are asked about, counted.
async fn counted(snapshot: &Snapshot, query: &UsageQuery, basis: &mut Basis) -> Result<Metrics> {
    let (mut all, _) = sums(snapshot, query, query.filter.window, &[], basis).await?;
    Ok(all.remove(&Vec::new()).unwrap_or_default())
}

async fn errors(snapshot: &Snapshot, query: &UsageQuery) -> Result<Vec<ErrorRow>> {
    let mut sql = snapshot.sql();
    let cost = "COALESCE(c.pico_usd, 0)";
    let (micro, rest) = (sql.sum(&sql.quotient(cost, "1000000")), sql.sum(&format!("{cost} % 1000000")));
    sql.push(format!(
        "SELECT c.status, c.error_class, COUNT(*), {micro}, {rest}, MIN(c.started_at), MAX(c.started_at)"
    ));
    sql.push(" FROM ").table(&CALLS).push(" c WHERE c.status <> 'ok'");
    query.filter.calls(&mut sql, "c.started_at", query.filter.window);
    sql.push(" GROUP BY c.status, c.error_class");
    let rows = snapshot.rows(sql).await?;
    let row = |row: &crate::store::Row| {
        Ok(ErrorRow {
            status: row.text(0)?,
            error_class: row.maybe_text(1)?,
            calls: row.int(2)?,
            cost_usd: PicoUsd::from_parts(row.int(3)?, row.int(4)?),
            first_at: Timestamp::from_micros(row.int(5)?)?,
            last_at: Timestamp::from_micros(row.int(6)?)?,
        })
    };
    let mut rows = rows.iter().map(row).collect::<Result<Vec<_>>>()?;
    rows.sort_by(|one, other| (&one.status, &one.error_class).cmp(&(&other.status, &other.error_class)));
    Ok(rows)
}

async fn passed_over(snapshot: &Snapshot) -> Result<BTreeMap<String, BTreeMap<String, i64>>> {
    let mut sql = snapshot.sql();
    sql.push("SELECT reason, kind, events FROM ").table(&PASSED_OVER);
    let mut reasons: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
    for row in snapshot.rows(sql).await? {
        reasons.entry(row.text(0)?).or_default().insert(row.text(1)?, row.int(2)?);
    }
    Ok(reasons)
}
