//! The projection.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ledger_core::limits::MAX_PAYLOAD_BYTES;
use ledger_core::{RecordedEvent, Timestamp};
use ledger_events::{Millis, StrategyExecution, StrategyStatus, read};

use super::erasure::{ERASED, Erased};
use crate::name::name;
use crate::store::{Cell, Column, Table, Tables, Type};
use crate::{Projection, Result};

pub(super) const EXECUTIONS: Table = Table {
    name: "strategy_executions",
    columns: &[
        Column::new("event_id", Type::Name),
        Column::new("strategy_id", Type::Name),
        Column::new("strategy_version", Type::Name),
        Column::optional("strategy_type", Type::Name),
        Column::optional("tenant_id", Type::Name),
        Column::new("status", Type::Name),
        Column::optional("error_code", Type::Name),
        Column::optional("case_name", Type::Name),
        Column::new("duration_us", Type::Int),
        Column::optional("nodes_executed", Type::Int),
        Column::optional("points", Type::Real),
        Column::new("executed_at", Type::Int),
        Column::new("sample_weight", Type::Real),
        Column::optional("trace", Type::Text),
        Column::optional("notes", Type::Text),
    ],
    key: 1,
    indexes: &[&["strategy_id", "executed_at", "event_id"], &["executed_at", "event_id"]],
};

pub(super) const SUBJECTS: Table = Table {
    name: "strategy_subjects",
    columns: &[
        Column::new("event_id", Type::Name),
        Column::new("role", Type::Name),
        Column::new("subject_id", Type::Name),
    ],
    key: 2,
    indexes: &[&["role", "subject_id"]],
};

/// Longest duration, in microseconds: 285 years, up to which a float counts each of them.
const LONGEST: i64 = (1 << 53) - 1;

/// The projection of `strategy.executed`: a row for each execution, by event id, in `strategy_executions`, and whom it
/// was about in `strategy_subjects`.
///
/// It keeps names, codes and numbers, and no free text: `trace` and `notes` stay empty, unless they are asked for with
/// [`with_traces`](Self::with_traces), because both may hold anything that whoever wrote the strategy put there. Statuses
/// and fields that this version does not know are kept and ignored. Passed over are payloads of another shape, those with
/// a weight that no execution has (below 1), and executions of an erased subject; points count only where the status is
/// `ok`. Names longer than 255 bytes are cut, and stay different.
#[derive(Clone, Copy, Debug, Default)]
pub struct StrategyLog {
    traces: bool,
}

impl StrategyLog {
    /// Keeps `trace` and `notes` too, so that one can see weeks later which rule did what. They are whatever the strategies
    /// wrote; who turns this on answers for what is in them. Turning it on or off fills the tables anew.
    #[must_use]
    pub const fn with_traces(self) -> Self {
        Self { traces: true }
    }

    fn row(&self, event_id: &str, execution: &StrategyExecution) -> Vec<Cell> {
        let StrategyExecution {
            strategy_id,
            strategy_version,
            strategy_type,
            tenant_id,
            subject_ids: _,
            status,
            error_code,
            case_name,
            duration_ms,
            nodes_executed,
            points,
            executed_at,
            sample_weight,
            trace,
            notes,
        } = execution;
        let optional = |text: &Option<String>| Cell::from(text.as_deref().map(name));
        // Adding 0 makes -0 the 0 that SQLite would make of it.
        let points = points.filter(|_| *status == StrategyStatus::Ok).map_or(Cell::NoReal, |n| Cell::Real(n + 0.0));
        let trace = trace.as_ref().filter(|_| self.traces).and_then(|trace| serde_json::to_string(trace).ok());
        // Numbers may be longer in it than in the event; a server would refuse the statement.
        let trace = trace.filter(|trace| trace.len() <= MAX_PAYLOAD_BYTES);
        let notes = notes.as_ref().filter(|_| self.traces).map(|notes| notes.replace('\0', "\u{fffd}"));
        vec![
            event_id.into(),
            name(strategy_id).into(),
            name(strategy_version).into(),
            optional(strategy_type),
            optional(tenant_id),
            name(status.as_str()).into(),
            optional(error_code),
            optional(case_name),
            micros(*duration_ms).into(),
            nodes_executed.and_then(|nodes| i64::try_from(nodes).ok()).into(),
            points,
            executed_at.as_micros().into(),
            Cell::Real(*sample_weight),
            trace.into(),
            notes.into(),
        ]
    }
}

#[async_trait]
impl Projection for StrategyLog {
    fn name(&self) -> &'static str {
        "strategy"
    }

    fn version(&self) -> u32 {
        1
    }

    fn settings(&self) -> String {
        if self.traces { "traces".into() } else { String::new() }
    }

    fn tables(&self) -> &'static [Table] {
        &[EXECUTIONS, SUBJECTS]
    }

    fn lasting(&self) -> &'static [Table] {
        &[ERASED]
    }

    async fn apply(&self, tables: &mut Tables<'_>, events: &[Arc<RecordedEvent>]) -> Result<()> {
        let kept_from = tables.kept_from();
        let executions: Vec<(&str, StrategyExecution)> = events
            .iter()
            .filter_map(|recorded| Some((recorded.event.id.as_str(), read(&recorded.event)?.ok()?)))
            .filter(|(_, execution)| is_countable(execution) && execution.executed_at >= kept_from)
            .collect();
        let subjects = executions.iter().flat_map(|(_, execution)| &execution.subject_ids).collect();
        let erased = Erased::among(tables, subjects).await?;
        let (mut rows, mut about) = (Vec::new(), Vec::new());
        for (id, execution) in &executions {
            if erased.has_any_of(&execution.subject_ids) {
                continue;
            }
            rows.push(self.row(id, execution));
            // Roles that are the same once they are names are one.
            let named: BTreeMap<_, _> =
                execution.subject_ids.iter().map(|(role, subject)| (name(role), name(subject))).collect();
            about.extend(named.into_iter().map(|(role, subject)| vec![(*id).into(), role.into(), subject.into()]));
        }
        tables.put(&EXECUTIONS, rows).await?;
        tables.put(&SUBJECTS, about).await
    }

    async fn remove_before(&self, tables: &mut Tables<'_>, before: Timestamp) -> Result<u64> {
        let mut subjects = tables.sql();
        subjects.push("DELETE FROM ").table(&SUBJECTS).push(" WHERE event_id IN (SELECT event_id FROM ");
        subjects.table(&EXECUTIONS).push(" WHERE executed_at < ").bind(before.as_micros()).push(")");
        tables.execute(subjects).await?;
        let mut executions = tables.sql();
        executions.push("DELETE FROM ").table(&EXECUTIONS).push(" WHERE executed_at < ").bind(before.as_micros());
        tables.execute(executions).await
    }
}

/// Whether statistics can use it.
fn is_countable(execution: &StrategyExecution) -> bool {
    execution.sample_weight.is_finite() && execution.sample_weight >= 1.0
}

/// The nearest whole microsecond.
fn micros(duration: Millis) -> i64 {
    let nanos = Duration::try_from_secs_f64(duration.get() / 1_000.0).map_or(u128::MAX, |duration| duration.as_nanos());
    i64::try_from(nanos.saturating_add(500) / 1_000).unwrap_or(LONGEST).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_whole_microseconds() {
        for (millis, expected) in [(0.0, 0), (0.25, 250), (0.0014, 1), (0.0016, 2), (60_000.001, 60_000_001)] {
            assert_eq!(micros(Millis::new(millis).unwrap()), expected, "{millis}");
        }
        assert_eq!(micros(Millis::new(1e300).unwrap()), LONGEST);
    }
}
