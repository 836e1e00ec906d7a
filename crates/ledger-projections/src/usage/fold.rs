//! How the events of a page change the tables.
//!
//! Whatever the order in which events are read, and however often one fact is told, the tables end up the same: rows are
//! merged by the rule of [`ledger_events::observations`], and sums change by what their rows change.

use std::collections::{BTreeMap, BTreeSet};

use super::call::Call;
use super::page::{Page, merge};
use super::session::Session;
use super::span::Span;
use super::sums::Sums;
use super::tables::{CALLS, PASSED_OVER, REPLACED, SESSIONS, TOOLS, TURNS, WORKSPACES};
use crate::Result;
use crate::store::{Cell, Column, Table, Tables};

/// Rows as they were and as they are to be, by key; `None` where there is none.
type Changes<R> = BTreeMap<String, (Option<R>, Option<R>)>;

/// Takes a page in.
pub(super) async fn fold(tables: &mut Tables<'_>, page: Page) -> Result<()> {
    let Page { calls, replaced, tools, turns, sessions, labels, passed_over } = page;
    let labels = labels.into_iter().map(|(workspace, label)| vec![workspace.into(), label.into()]);
    tables.put(&WORKSPACES, labels.collect()).await?;
    let sessions = Sessions::fold(tables, sessions).await?;
    fold_calls(tables, calls, replaced.into_keys().collect(), &sessions).await?;
    fold_spans(tables, &TOOLS, tools, &sessions).await?;
    fold_spans(tables, &TURNS, turns, &sessions).await?;
    count_passed_over(tables, passed_over).await
}

/// The sessions of a page as they are now.
struct Sessions {
    all: BTreeMap<String, Session>,
    /// Those whose rows were stored with another workspace.
    moved: Vec<Vec<Cell>>,
}

impl Sessions {
    async fn fold(tables: &mut Tables<'_>, seen: BTreeMap<String, Session>) -> Result<Self> {
        let old = tables.get(&SESSIONS, &keys(seen.keys())).await?;
        let old: BTreeMap<String, Session> =
            old.into_iter().map(Session::from_cells).map(|session| (session.id.clone(), session)).collect();
        let mut all = old.clone();
        for (id, session) in seen {
            merge(&mut all, id, session, Session::merge);
        }
        let is_moved = |(id, old): &(&String, &Session)| all.get(*id).is_some_and(|new| new.workspace != old.workspace);
        let moved = keys(old.iter().filter(is_moved).map(|(id, _)| id));
        let changed = all.values().filter(|session| old.get(&session.id) != Some(session));
        tables.put(&SESSIONS, changed.cloned().map(Session::cells).collect()).await?;
        Ok(Self { all, moved })
    }

    fn workspace(&self, session_id: &str) -> Option<String> {
        self.all.get(session_id).map(|session| session.workspace.clone())
    }
}

async fn fold_calls(
    tables: &mut Tables<'_>,
    observed: BTreeMap<String, Call>,
    replaced: Vec<String>,
    sessions: &Sessions,
) -> Result<()> {
    let known: BTreeSet<&String> = observed.keys().chain(&replaced).collect();
    let old = tables.get(&CALLS, &keys(known)).await?;
    let mut changes = changes(old.into_iter().map(Call::from_cells), |call| &call.key);
    let moved = tables.find(&CALLS, &[column(&CALLS, "session_id")], &sessions.moved).await?;
    for call in moved.into_iter().map(Call::from_cells) {
        changes.entry(call.key.clone()).or_insert_with(|| (Some(call.clone()), Some(call)));
    }
    let gone = gone(tables, &observed, replaced).await?;
    for (key, call) in observed {
        let new = &mut changes.entry(key).or_default().1;
        if new.as_ref().is_none_or(|old| call.is_better_than(old)) {
            *new = Some(call);
        }
    }
    for (key, (_, new)) in &mut changes {
        if gone.contains(key) {
            *new = None;
        }
        if let Some(call) = new {
            let session = call.session_id.as_deref();
            if let Some(workspace) = session.and_then(|session| sessions.workspace(session)) {
                call.workspace = workspace;
            }
        }
    }
    find_leaders(tables, &mut changes).await?;
    changes.retain(|_, (old, new)| old != new);
    Sums::of_calls(signed(&changes)).save(tables).await?;
    save(tables, &CALLS, changes, Call::cells).await
}

/// Of the keys that are observed, or were to this day, those that do not count; notes which are new among them.
async fn gone(
    tables: &mut Tables<'_>,
    observed: &BTreeMap<String, Call>,
    replaced: Vec<String>,
) -> Result<BTreeSet<String>> {
    let known = tables.get(&REPLACED, &keys(observed.keys())).await?;
    tables.put(&REPLACED, keys(&replaced)).await?;
    Ok(known.iter().filter_map(|row| row.first()).map(Cell::text).chain(replaced).collect())
}

/// Says which call is the first of its invocation, for all invocations that a changed call is or was of.
async fn find_leaders(tables: &mut Tables<'_>, changes: &mut Changes<Call>) -> Result<()> {
    let both = changes.values().flat_map(|(old, new)| [old.as_ref(), new.as_ref()]).flatten();
    let invocations: BTreeSet<[&str; 3]> = both.filter_map(Call::invocation).collect();
    let by = ["tenant", "operation", "call_id"].map(|name| column(&CALLS, name));
    let wanted: Vec<Vec<Cell>> = invocations.into_iter().map(|names| names.map(Cell::from).to_vec()).collect();
    for call in tables.find(&CALLS, &by, &wanted).await?.into_iter().map(Call::from_cells) {
        changes.entry(call.key.clone()).or_insert_with(|| (Some(call.clone()), Some(call)));
    }
    let mut calls: Vec<&mut Call> = changes.values_mut().filter_map(|(_, new)| new.as_mut()).collect();
    calls.sort_by(|one, other| one.invocation().cmp(&other.invocation()));
    let is_same = |one: &&mut Call, other: &&mut Call| one.call_id.is_some() && one.invocation() == other.invocation();
    for calls in calls.chunk_by_mut(is_same) {
        lead(calls, tables.kept_from().as_micros());
    }
    Ok(())
}

/// Says which of the calls of an invocation is the first.
fn lead(calls: &mut [&mut Call], kept_from: i64) {
    // A leader that was removed goes on leading: it is in the sums.
    let removed = calls.iter().map(|call| call.invoked_at).filter(|at| *at < kept_from).min();
    let Some(first) = calls.iter().map(|call| (call.started_at, call.key.clone())).min() else { return };
    for call in calls {
        call.invoked_at = removed.unwrap_or(first.0);
        call.leads = removed.is_none() && call.key == first.1;
    }
}

async fn fold_spans(
    tables: &mut Tables<'_>,
    table: &Table,
    observed: BTreeMap<String, Span>,
    sessions: &Sessions,
) -> Result<()> {
    let old = tables.get(table, &keys(observed.keys())).await?;
    let mut changes = changes(old.into_iter().map(Span::from_cells), |span| &span.key);
    let moved = tables.find(table, &[column(table, "session_id")], &sessions.moved).await?;
    for span in moved.into_iter().map(Span::from_cells) {
        changes.entry(span.key.clone()).or_insert_with(|| (Some(span.clone()), Some(span)));
    }
    for (key, span) in observed {
        let new = &mut changes.entry(key).or_default().1;
        *new = Some(match new.take() {
            Some(old) => old.merge(span),
            None => span,
        });
    }
    for span in changes.values_mut().filter_map(|(_, new)| new.as_mut()) {
        if let Some(workspace) = sessions.workspace(&span.session_id) {
            span.workspace = workspace;
        }
    }
    changes.retain(|_, (old, new)| old != new);
    Sums::of_spans(signed(&changes)).save(tables).await?;
    save(tables, table, changes, Span::cells).await
}

/// What is taken out of sums and what is added.
fn signed<R>(changes: &Changes<R>) -> impl Iterator<Item = (i64, &R)> {
    let both = changes.values().flat_map(|(old, new)| [(-1, old.as_ref()), (1, new.as_ref())]);
    both.filter_map(|(sign, row)| Some((sign, row?)))
}

/// Stores what has changed.
async fn save<R>(
    tables: &mut Tables<'_>,
    table: &Table,
    changes: Changes<R>,
    cells: impl Fn(R) -> Vec<Cell>,
) -> Result<()> {
    let mut rows = Vec::with_capacity(changes.len());
    let mut deleted = Vec::new();
    for (key, (_, new)) in changes {
        match new {
            Some(new) => rows.push(cells(new)),
            None => deleted.push(vec![key.into()]),
        }
    }
    tables.delete(table, &deleted).await?;
    tables.put(table, rows).await
}

async fn count_passed_over(
    tables: &mut Tables<'_>,
    passed_over: BTreeMap<(&'static str, &'static str), i64>,
) -> Result<()> {
    let key = |(reason, kind): &(&str, &str)| -> Vec<Cell> { vec![(*reason).into(), (*kind).into()] };
    let known = tables.get(&PASSED_OVER, &passed_over.keys().map(key).collect::<Vec<_>>()).await?;
    let rows = passed_over.into_iter().map(|(name, events)| {
        let key = key(&name);
        let before = known.iter().find(|row| row.starts_with(&key)).and_then(|row| row.last()).map_or(0, Cell::int);
        key.into_iter().chain([Cell::Int(before + events)]).collect()
    });
    let rows = rows.collect();
    tables.put(&PASSED_OVER, rows).await
}

fn changes<R: Clone>(old: impl Iterator<Item = R>, key: impl Fn(&R) -> &String) -> Changes<R> {
    old.map(|row| (key(&row).clone(), (Some(row.clone()), Some(row)))).collect()
}

fn keys<'k>(keys: impl IntoIterator<Item = &'k String>) -> Vec<Vec<Cell>> {
    keys.into_iter().map(|key| vec![key.as_str().into()]).collect()
}

fn column(table: &Table, name: &str) -> Column {
    let found = table.columns.iter().find(|column| column.name == name);
    found.copied().unwrap_or(Column::new("", crate::store::Type::Name))
}
