//! A row of [`TOOLS`](super::tables::TOOLS) or [`TURNS`](super::tables::TURNS): something that begins and ends, of which
//! either may be told first, and more than once.

use ledger_core::{Event, Timestamp};
use ledger_events::{Millis, Observation as _, ToolCompleted, ToolStarted, TurnCompleted, TurnStarted};

use super::amount::{self, TooMuch, micros};
use super::tables::TOOLS;
use crate::name::name;
use crate::store::Cell;

/// The status of what has not ended yet, as far as is known.
pub(super) const RUNNING: &str = "running";

/// A call of a tool or a turn, as it stands in its table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) key: String,
    pub(super) session_id: String,
    turn_id: Option<String>,
    /// The tool; `None` for a turn.
    pub(super) tool_name: Option<String>,
    pub(super) workspace: String,
    pub(super) started_at: i64,
    completed_at: Option<i64>,
    measured_us: Option<i64>,
    pub(super) status: String,
    error_class: Option<String>,
    start: Option<Seen>,
    end: Option<Seen>,
}

/// Which event told it.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    revision: i64,
    event_id: String,
}

impl Seen {
    fn new(event: &Event, revision: Option<u64>) -> Self {
        Self { revision: amount::revision(revision), event_id: event.id.to_string() }
    }

    fn is_better_than(&self, other: Option<&Self>) -> bool {
        other.is_none_or(|other| amount::is_better((self.revision, &self.event_id), (other.revision, &other.event_id)))
    }
}

impl Span {
    pub(super) fn of_tool_started(event: &Event, said: ToolStarted) -> Self {
        let key = said.key().map(|key| name(key.into_owned())).unwrap_or_default();
        let ToolStarted { tool_key: _, session_id, turn_id, tool_call_id: _, tool_name, started_at, revision } = said;
        Self {
            turn_id: turn_id.map(name),
            tool_name: Some(name(tool_name)),
            ..Self::started(key, session_id, started_at, Seen::new(event, revision))
        }
    }

    pub(super) fn of_tool_completed(event: &Event, said: ToolCompleted) -> Result<Self, TooMuch> {
        let key = said.key().map(|key| name(key.into_owned())).unwrap_or_default();
        let ToolCompleted {
            tool_key: _,
            session_id,
            turn_id,
            tool_call_id: _,
            tool_name,
            started_at,
            completed_at,
            duration_ms,
            status,
            error_class,
            revision,
        } = said;
        let seen = Seen::new(event, revision);
        let span = Self::ended(key, session_id, (started_at, completed_at), duration_ms, status.as_str(), seen);
        Ok(Self {
            turn_id: turn_id.map(name),
            tool_name: Some(name(tool_name)),
            error_class: error_class.map(name),
            ..span?
        })
    }

    pub(super) fn of_turn_started(event: &Event, said: TurnStarted) -> Self {
        let key = said.key().map(|key| name(key.into_owned())).unwrap_or_default();
        let TurnStarted { turn_key: _, session_id, turn_id, started_at, revision } = said;
        Self { turn_id: Some(name(turn_id)), ..Self::started(key, session_id, started_at, Seen::new(event, revision)) }
    }

    pub(super) fn of_turn_completed(event: &Event, said: TurnCompleted) -> Result<Self, TooMuch> {
        let key = said.key().map(|key| name(key.into_owned())).unwrap_or_default();
        let TurnCompleted {
            turn_key: _,
            session_id,
            turn_id,
            started_at,
            completed_at,
            status,
            error_class,
            duration_ms,
            revision,
        } = said;
        let seen = Seen::new(event, revision);
        let span = Self::ended(key, session_id, (started_at, completed_at), duration_ms, status.as_str(), seen);
        Ok(Self { turn_id: Some(name(turn_id)), error_class: error_class.map(name), ..span? })
    }

    fn started(key: String, session_id: String, started_at: Timestamp, seen: Seen) -> Self {
        Self {
            key,
            session_id: name(session_id),
            turn_id: None,
            tool_name: None,
            workspace: String::new(),
            started_at: started_at.as_micros(),
            completed_at: None,
            measured_us: None,
            status: RUNNING.into(),
            error_class: None,
            start: Some(seen),
            end: None,
        }
    }

    fn ended(
        key: String,
        session_id: String,
        (started_at, completed_at): (Timestamp, Timestamp),
        measured: Option<Millis>,
        status: &str,
        seen: Seen,
    ) -> Result<Self, TooMuch> {
        Ok(Self {
            key,
            session_id: name(session_id),
            turn_id: None,
            tool_name: None,
            workspace: String::new(),
            started_at: started_at.as_micros(),
            completed_at: Some(completed_at.as_micros()),
            measured_us: measured.map(micros).transpose()?,
            status: name(status),
            error_class: None,
            start: None,
            end: Some(seen),
        })
    }

    /// How long it took: what its clock measured, else what lies between its ends, if both are known.
    pub(super) fn duration_us(&self) -> Option<i64> {
        let between = || self.completed_at.and_then(|end| amount::duration(end.saturating_sub(self.started_at)));
        self.measured_us.or_else(between)
    }

    /// When it ended, else when it began.
    pub(super) fn last_at(&self) -> i64 {
        self.completed_at.map_or(self.started_at, |end| end.max(self.started_at))
    }

    pub(super) fn is_of_before(&self, time: Timestamp) -> bool {
        self.started_at < time.as_micros()
    }

    /// Takes in what another event tells of it, in any order: the best observation of the end counts, and of the
    /// beginning while no end is known; but it started when the earliest of all says.
    pub(super) fn merge(self, other: Self) -> Self {
        let started_at = self.started_at.min(other.started_at);
        let other_starts = other.start.as_ref().is_some_and(|start| start.is_better_than(self.start.as_ref()));
        let other_ends = other.end.as_ref().is_some_and(|end| end.is_better_than(self.end.as_ref()));
        let start = if other_starts { other.start.clone() } else { self.start.clone() };
        let is_over = self.end.is_some() || other.end.is_some();
        let counts = if (is_over && other_ends) || (!is_over && other_starts) { other } else { self };
        Self { started_at, start, ..counts }
    }

    pub(super) fn cells(self) -> Vec<Cell> {
        let duration_us = self.duration_us();
        let seen = |seen: Option<Seen>| seen.map_or((None, None), |seen| (Some(seen.revision), Some(seen.event_id)));
        let (start, end) = (seen(self.start), seen(self.end));
        let mut cells: Vec<Cell> = vec![self.key.into(), self.session_id.into(), self.turn_id.into()];
        cells.extend(self.tool_name.map(Cell::from));
        cells.extend([
            self.workspace.into(),
            self.started_at.into(),
            self.completed_at.into(),
            duration_us.into(),
            self.measured_us.into(),
            self.status.into(),
            self.error_class.into(),
            start.0.into(),
            start.1.into(),
            end.0.into(),
            end.1.into(),
        ]);
        cells
    }

    pub(super) fn from_cells(cells: Vec<Cell>) -> Self {
        let is_tool = cells.len() == TOOLS.columns.len();
        let mut cells = cells.into_iter();
        let mut next = || cells.next().unwrap_or(Cell::NoInt);
        let (key, session_id, turn_id) = (next().text(), next().text(), next().maybe_text());
        let tool_name = is_tool.then(|| next().text());
        let (workspace, started_at, completed_at) = (next().text(), next().int(), next().maybe_int());
        let _duration_us = next();
        let (measured_us, status, error_class) = (next().maybe_int(), next().text(), next().maybe_text());
        let mut seen = || {
            let (revision, event_id) = (next().maybe_int(), next().text());
            revision.map(|revision| Seen { revision, event_id })
        };
        let start = seen();
        let end = seen();
        Self {
            key,
            session_id,
            turn_id,
            tool_name,
            workspace,
            started_at,
            completed_at,
            measured_us,
            status,
            error_class,
            start,
            end,
        }
    }
}
