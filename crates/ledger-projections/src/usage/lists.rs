//! Lists, newest first, a page at a time: sessions and turns.

use std::collections::BTreeMap;

use ledger_core::{Invalid, Timestamp};
use serde::Serialize;

use super::answer::{Basis, Unpriced, UsageRow};
use super::dimension::{Dimension, Part, models};
use super::figures::forget_shape;
use super::query::{Limit, Per, Sort, UsageQuery};
use super::reader::{labels, rows, sort_rows};
use super::source::{self, Groups};
use super::tables::{CALLS, SESSIONS, TOOLS, TURNS};
use super::{Metrics, TokenSums, Usage, UsageFilter, UsageReader};
use crate::name::known;
use crate::store::{Row, Snapshot, Sql};
use crate::{PicoUsd, Result, Window};

/// Where a page of a list ended, for the next one: an opaque text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    at: i64,
    key: String,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.at, self.key)
    }
}

impl std::str::FromStr for Cursor {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let parsed = text.split_once('/').and_then(|(at, key)| Some((at.parse().ok()?, key.to_owned())));
        let (at, key) = parsed.ok_or_else(|| {
            Invalid::new("cursor", format!("{text:?} is not one that a list gave; begin without one"))
        })?;
        Ok(Self { at, key })
    }
}

impl Serialize for Cursor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<R> {
    /// What it rests on.
    pub basis: Basis,
    /// The rows, newest first.
    pub rows: Vec<R>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
    /// Calls without a price, of the page's rows; `None` where the list does not say.
    pub unpriced: Option<Unpriced>,
}

/// A session, with what the query selects of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names of the columns")]
pub struct SessionRow {
    pub session: String,
    pub parent: Option<String>,
    pub agent: Option<String>,
    pub workspace: Option<String>,
    pub workspace_label: Option<String>,
    /// When the first thing of it happened, whatever the query selects.
    pub first_at: Timestamp,
    /// When the last thing of it happened, likewise.
    pub last_at: Timestamp,
    pub calls: i64,
    pub failed: i64,
    pub cost_usd: PicoUsd,
    pub cost_ok_usd: PicoUsd,
    pub tokens: TokenSums,
    pub turns: i64,
    pub tools: i64,
    /// Its figures by model, the most expensive first, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breakdown: Option<Vec<UsageRow>>,
}

/// A turn, with what its calls came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names of the columns")]
pub struct TurnRow {
    pub session: String,
    pub turn: Option<String>,
    pub workspace: Option<String>,
    pub started_at: Timestamp,
    pub completed_at: Option<Timestamp>,
    pub status: String,
    pub error_class: Option<String>,
    pub duration_ms: Option<f64>,
    pub calls: i64,
    pub failed: i64,
    pub cost_usd: PicoUsd,
    pub cost_ok_usd: PicoUsd,
    pub tokens: TokenSums,
}

impl UsageReader {
    /// Sessions in which something happened that the query selects, those that began last first; with `by_model`, each
    /// has a breakdown by model.
    ///
    /// # Errors
    /// As [`stats`](Self::stats).
    pub async fn sessions(
        &self,
        query: &UsageQuery,
        by_model: bool,
        limit: Limit,
        after: Option<&Cursor>,
    ) -> Result<Page<SessionRow>> {
        let usage = Usage::new();
        self.database
            .answer(&usage, |snapshot| async move {
                let basis = Basis::new(&snapshot, query);
                let mut sql = snapshot.sql();
                sql.push("SELECT s.session_id, s.first_at, s.parent_session_id, s.agent, s.workspace, s.last_at FROM ");
                sql.table(&SESSIONS).push(" s WHERE ");
                happened_in(&mut sql, &query.filter);
                page(&mut sql, "s.first_at", "s.session_id", limit, after);
                let found = snapshot.rows(sql).await?;
                let (found, next) = cut(found, limit, |row| Ok(Cursor { at: row.int(1)?, key: row.text(0)? }))?;
                let ids = found.iter().map(|row| row.text(0)).collect::<Result<Vec<_>>>()?;
                let workspaces = found.iter().map(|row| row.text(4)).collect::<Result<Vec<_>>>()?;
                let labels = labels(&snapshot, &workspaces).await?;
                let of_page = UsageQuery { filter: of_sessions(&query.filter, ids), ..query.clone() };
                let (mut by_model_of, unpriced) = per_model(&snapshot, &of_page).await?;
                let turns = per_session(&snapshot, &of_page, false).await?;
                let tools = per_session(&snapshot, &of_page, true).await?;
                let rows = found.iter().map(|row| {
                    let session = row.text(0)?;
                    let of_models = by_model_of.remove(&session).unwrap_or_default();
                    let mut of_session = Metrics::default();
                    of_models.iter().for_each(|row| of_session.add(&row.metrics));
                    let Metrics { calls, failed, cost, cost_ok, tokens, .. } = of_session;
                    let workspace = known(row.text(4)?);
                    Ok(SessionRow {
                        parent: row.maybe_text(2)?,
                        agent: row.maybe_text(3)?,
                        workspace_label: workspace.as_ref().and_then(|workspace| labels.get(workspace).cloned()),
                        workspace,
                        first_at: Timestamp::from_micros(row.int(1)?)?,
                        last_at: Timestamp::from_micros(row.int(5)?)?,
                        calls,
                        failed,
                        cost_usd: cost,
                        cost_ok_usd: cost_ok,
                        tokens,
                        turns: turns.get(&session).copied().unwrap_or_default(),
                        tools: tools.get(&session).copied().unwrap_or_default(),
                        breakdown: by_model.then_some(of_models),
                        session,
                    })
                });
                let rows = rows.collect::<Result<_>>()?;
                Ok(Page { basis, rows, next, unpriced: Some(unpriced) })
            })
            .await
    }

    /// Turns, those that began last first.
    ///
    /// # Errors
    /// As [`stats`](Self::stats).
    pub async fn turns(&self, query: &UsageQuery, limit: Limit, after: Option<&Cursor>) -> Result<Page<TurnRow>> {
        let usage = Usage::new();
        self.database
            .answer(&usage, |snapshot| async move {
                let basis = Basis::new(&snapshot, query);
                let mut sql = snapshot.sql();
                sql.push("SELECT t.turn_key, t.started_at, t.session_id, t.turn_id, t.workspace, t.completed_at,");
                sql.push(" t.status, t.error_class, t.duration_us FROM ").table(&TURNS).push(" t WHERE 1 = 1");
                query.filter.spans(&mut sql, false, query.filter.window);
                page(&mut sql, "t.started_at", "t.turn_key", limit, after);
                let found = snapshot.rows(sql).await?;
                let (found, next) = cut(found, limit, |row| Ok(Cursor { at: row.int(1)?, key: row.text(0)? }))?;
                let ids = found.iter().map(|row| row.text(2)).collect::<Result<Vec<_>>>()?;
                // A turn has all its calls, whenever they started and however they ended.
                let filter = UsageFilter { window: Window::ALL, statuses: Vec::new(), ..query.filter.clone() };
                let of_page = UsageQuery { filter: of_sessions(&filter, ids), ..query.clone() };
                let calls = of_calls(&snapshot, &of_page, Dimension::Turn.parts()).await?;
                let rows = found.iter().map(|row| {
                    let (session, turn) = (row.text(2)?, row.maybe_text(3)?);
                    let of_turn = metrics(&calls, &[&session, turn.as_deref().unwrap_or_default()]);
                    let Metrics { calls, failed, cost, cost_ok, tokens, .. } = of_turn;
                    let completed_at = row.maybe_int(5)?.map(Timestamp::from_micros).transpose()?;
                    Ok(TurnRow {
                        session,
                        turn,
                        workspace: known(row.text(4)?),
                        started_at: Timestamp::from_micros(row.int(1)?)?,
                        completed_at,
                        status: row.text(6)?,
                        error_class: row.maybe_text(7)?,
                        duration_ms: row.maybe_int(8)?.map(|micros| micros as f64 / 1_000.0),
                        calls,
                        failed,
                        cost_usd: cost,
                        cost_ok_usd: cost_ok,
                        tokens,
                    })
                });
                let rows = rows.collect::<Result<_>>()?;
                Ok(Page { basis, rows, next, unpriced: None })
            })
            .await
    }
}

/// That something happened in the session `s` that the filter selects.
pub(super) fn happened_in(sql: &mut Sql, filter: &UsageFilter) {
    sql.push("(EXISTS (SELECT 1 FROM ").table(&CALLS).push(" c WHERE c.session_id = s.session_id");
    filter.calls(sql, "c.started_at", filter.window);
    for (table, is_tool) in [(&TOOLS, true), (&TURNS, false)] {
        sql.push(") OR EXISTS (SELECT 1 FROM ").table(table).push(" t WHERE t.session_id = s.session_id");
        filter.spans(sql, is_tool, filter.window);
    }
    sql.push(")");
    if filter.is_of_sessions() {
        sql.push(" OR (1 = 1");
        filter.sessions(sql);
        sql.push(")");
    }
    sql.push(")");
}

/// The rest of a statement that selects a page, and one row more if there is one.
fn page(sql: &mut Sql, time: &str, key: &str, limit: Limit, after: Option<&Cursor>) {
    if let Some(Cursor { at, key: last }) = after {
        sql.after_row(time, key, (*at, last));
    }
    sql.push(format!(" ORDER BY {time} DESC, {key} DESC LIMIT {}", limit.get() + 1));
}

/// A page without the row too many that tells that there is another page, and where that begins.
fn cut(
    mut rows: Vec<Row>,
    limit: Limit,
    cursor: impl Fn(&Row) -> Result<Cursor>,
) -> Result<(Vec<Row>, Option<Cursor>)> {
    let has_more = rows.len() > limit.get();
    rows.truncate(limit.get());
    let next = rows.last().filter(|_| has_more).map(cursor).transpose()?;
    Ok((rows, next))
}

fn of_sessions(filter: &UsageFilter, sessions: Vec<String>) -> UsageFilter {
    UsageFilter { sessions, ..filter.clone() }
}

async fn of_calls(snapshot: &Snapshot, query: &UsageQuery, parts: &[Part]) -> Result<Groups> {
    if query.filter.sessions.is_empty() {
        return Ok(Groups::new());
    }
    source::of_rows(snapshot, query, query.filter.window, parts).await
}

/// The figures of each session by model, and calls without a price of all of them.
async fn per_model(snapshot: &Snapshot, query: &UsageQuery) -> Result<(BTreeMap<String, Vec<UsageRow>>, Unpriced)> {
    let by_model = models();
    let parts: Vec<Part> = Dimension::Session.parts().iter().chain(&by_model).copied().collect();
    let mut per_session: BTreeMap<String, Groups> = BTreeMap::new();
    let mut of_all = Groups::new();
    for (mut key, mut metrics) in of_calls(snapshot, query, &parts).await? {
        forget_shape(&mut metrics);
        let model = key.split_off(1);
        source::add(&mut of_all, Groups::from([(model.clone(), metrics.clone())]));
        per_session.entry(key.concat()).or_default().insert(model, metrics);
    }
    let rows = per_session.into_iter().map(|(session, groups)| {
        let mut rows = rows(&by_model, groups);
        sort_rows(&mut rows, Sort::Cost, Per::Call);
        (session, rows)
    });
    Ok((rows.collect(), Unpriced::new(&of_all)))
}

async fn per_session(snapshot: &Snapshot, query: &UsageQuery, is_tool: bool) -> Result<BTreeMap<String, i64>> {
    if query.filter.sessions.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut sql = snapshot.sql();
    let table = if is_tool { &TOOLS } else { &TURNS };
    sql.push("SELECT t.session_id, COUNT(*) FROM ").table(table).push(" t WHERE 1 = 1");
    query.filter.spans(&mut sql, is_tool, query.filter.window);
    sql.push(" GROUP BY t.session_id");
    snapshot.rows(sql).await?.iter().map(|row| Ok((row.text(0)?, row.int(1)?))).collect()
}

fn metrics(groups: &Groups, key: &[&str]) -> Metrics {
    let key: Vec<String> = key.iter().map(|part| (*part).to_owned()).collect();
    groups.get(&key).cloned().unwrap_or_default()
}
