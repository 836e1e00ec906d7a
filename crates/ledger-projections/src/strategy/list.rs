//! The executions themselves, newest first.

use std::collections::BTreeMap;

use ledger_core::{EventId, Invalid, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::filter::StrategyFilter;
use super::log::{EXECUTIONS, SUBJECTS};
use crate::Result;
use crate::store::{Row, Snapshot};

/// How many executions a page has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListLimit(usize);

impl ListLimit {
    /// The most: traces may be long.
    pub const MAX: usize = 200;

    /// So many: 1 to [`MAX`](Self::MAX).
    ///
    /// # Errors
    /// [`Invalid`] for 0 or more than that.
    pub fn new(rows: usize) -> Result<Self, Invalid> {
        match rows {
            1..=Self::MAX => Ok(Self(rows)),
            _ => Err(Invalid::new("limit", format!("{rows} is not between 1 and {}", Self::MAX))),
        }
    }
}

impl Default for ListLimit {
    /// 50.
    fn default() -> Self {
        Self(50)
    }
}

/// A page of executions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Executions {
    /// The executions: the newest first, and of those of one moment the one with the greatest event id.
    pub rows: Vec<StrategyRow>,
    /// Asks for the next page, if there is one; only this crate understands it.
    pub next: Option<String>,
}

/// An execution.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StrategyRow {
    /// The event that told of it.
    pub event_id: String,
    /// The strategy.
    pub strategy_id: String,
    /// The version that ran.
    pub strategy_version: String,
    /// What kind of strategy it is.
    pub strategy_type: Option<String>,
    /// Whose strategy it is.
    pub tenant_id: Option<String>,
    /// Whom or what it was about, by role.
    pub subject_ids: BTreeMap<String, String>,
    /// How it ended.
    pub status: String,
    /// What kind of error ended it.
    pub error_code: Option<String>,
    /// The rule that matched; `None`: no rule did.
    pub case_name: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
    /// How many nodes of the strategy ran.
    pub nodes_executed: Option<i64>,
    /// What it gave.
    pub points: Option<f64>,
    /// When it ran.
    pub executed_at: Timestamp,
    /// How many executions it stands for.
    pub sample_weight: f64,
    /// Its steps, if the log keeps them.
    pub trace: Option<Value>,
    /// Remarks, if the log keeps them.
    pub notes: Option<String>,
}

/// Where a page ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cursor {
    executed_at: Timestamp,
    event_id: EventId,
}

impl Cursor {
    fn of(row: &StrategyRow) -> String {
        format!("{}.{}", row.executed_at.as_micros(), row.event_id)
    }

    pub(super) fn parse(text: &str) -> Result<Self, Invalid> {
        let parts = text.split_once('.').and_then(|(time, id)| {
            let executed_at = Timestamp::from_micros(time.parse().ok()?).ok()?;
            Some(Self { executed_at, event_id: EventId::new(id).ok()? })
        });
        parts.ok_or_else(|| Invalid::new("cursor", "is not one that a page ended with"))
    }
}

pub(super) async fn list(
    snapshot: &Snapshot,
    filter: &StrategyFilter,
    limit: ListLimit,
    after: Option<&Cursor>,
) -> Result<Executions> {
    let mut sql = snapshot.sql();
    sql.push(
        "SELECT event_id, strategy_id, strategy_version, strategy_type, tenant_id, status, error_code, case_name, \
         duration_us, nodes_executed, points, executed_at, sample_weight, trace, notes FROM ",
    );
    filter.condition(sql.table(&EXECUTIONS));
    if let Some(Cursor { executed_at, event_id }) = after {
        sql.after_row("executed_at", "event_id", (executed_at.as_micros(), event_id.as_str()));
    }
    sql.push(format!(" ORDER BY executed_at DESC, event_id DESC LIMIT {}", limit.0 + 1));
    let mut rows = snapshot.rows(sql).await?.iter().map(row).collect::<Result<Vec<_>>>()?;
    let more = rows.len() > limit.0;
    rows.truncate(limit.0);
    add_subjects(snapshot, &mut rows).await?;
    let next = rows.last().filter(|_| more).map(Cursor::of);
    Ok(Executions { rows, next })
}

async fn add_subjects(snapshot: &Snapshot, rows: &mut [StrategyRow]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut sql = snapshot.sql();
    sql.push("SELECT event_id, role, subject_id FROM ").table(&SUBJECTS).push(" WHERE event_id IN ");
    sql.bind_all(rows.iter().map(|row| row.event_id.as_str()));
    let mut by_event: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for subject in snapshot.rows(sql).await? {
        by_event.entry(subject.text(0)?).or_default().insert(subject.text(1)?, subject.text(2)?);
    }
    for row in rows {
        row.subject_ids = by_event.remove(&row.event_id).unwrap_or_default();
    }
    Ok(())
}

fn row(row: &Row) -> Result<StrategyRow> {
    Ok(StrategyRow {
        event_id: row.text(0)?,
        strategy_id: row.text(1)?,
        strategy_version: row.text(2)?,
        strategy_type: row.maybe_text(3)?,
        tenant_id: row.maybe_text(4)?,
        subject_ids: BTreeMap::new(),
        status: row.text(5)?,
        error_code: row.maybe_text(6)?,
        case_name: row.maybe_text(7)?,
        duration_ms: row.int(8)? as f64 / 1_000.0,
        nodes_executed: row.maybe_int(9)?,
        points: row.maybe_real(10)?,
        executed_at: Timestamp::from_micros(row.int(11)?)?,
        sample_weight: row.maybe_real(12)?.unwrap_or(1.0),
        trace: row.maybe_text(13)?.and_then(|trace| serde_json::from_str(&trace).ok()),
        notes: row.maybe_text(14)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_understood_and_anything_else_is_refused() {
        let cursor = Cursor::parse("-1.a.b c").unwrap();
        assert_eq!((cursor.executed_at.as_micros(), cursor.event_id.as_str()), (-1, "a.b c"));
        let long = format!("1.{}", "a".repeat(129));
        for bad in ["", "1", "1.", ".a", "x.a", "1.a\n", "99999999999999999999.a", "253402300800000000.a", &long] {
            assert!(Cursor::parse(bad).is_err(), "{bad}");
        }
    }
}
