//! A row of [`SESSIONS`](super::tables::SESSIONS).

use ledger_core::Event;
use ledger_events::SessionStarted;

use super::workspace::WorkspaceLabels;
use crate::name::name;
use crate::store::Cell;

/// A session that some event names.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Session {
    pub(super) id: String,
    /// The event that told what it is; of several the one with the smallest id.
    event_id: Option<String>,
    parent: Option<String>,
    pub(super) workspace: String,
    agent: Option<String>,
    provider: Option<String>,
    model: Option<String>,
    first_at: i64,
    last_at: i64,
}

impl Session {
    /// One of which nothing is known but that something happened in it.
    pub(super) fn seen(id: String, first_at: i64, last_at: i64) -> Self {
        let (parent, agent, provider, model) = (None, None, None, None);
        Self { id, event_id: None, parent, workspace: String::new(), agent, provider, model, first_at, last_at }
    }

    /// What an event says of it, and what its workspace is called.
    pub(super) fn started(event: &Event, said: SessionStarted, labels: &WorkspaceLabels) -> (Self, Option<String>) {
        let SessionStarted { session_id, parent_session_id, workspace, agent, provider, model } = said;
        let (workspace, label) = workspace.map(|path| labels.of(&path)).unzip();
        let (at, some) = (event.created_at.as_micros(), |text: Option<String>| text.map(name));
        let session = Self {
            event_id: Some(event.id.to_string()),
            parent: some(parent_session_id),
            workspace: workspace.unwrap_or_default(),
            agent: some(agent),
            provider: some(provider),
            model: some(model),
            ..Self::seen(name(session_id), at, at)
        };
        (session, label)
    }

    /// Takes in what another event tells of it, in any order.
    pub(super) fn merge(self, other: Self) -> Self {
        let (first_at, last_at) = (self.first_at.min(other.first_at), self.last_at.max(other.last_at));
        let counts = match (&self.event_id, &other.event_id) {
            (Some(own), Some(others)) if others < own => other,
            (None, Some(_)) => other,
            _ => self,
        };
        Self { first_at, last_at, ..counts }
    }

    pub(super) fn cells(self) -> Vec<Cell> {
        let Self { id, event_id, parent, workspace, agent, provider, model, first_at, last_at } = self;
        vec![
            id.into(),
            event_id.into(),
            parent.into(),
            workspace.into(),
            agent.into(),
            provider.into(),
            model.into(),
            first_at.into(),
            last_at.into(),
        ]
    }

    pub(super) fn from_cells(cells: Vec<Cell>) -> Self {
        let mut cells = cells.into_iter();
        let mut next = || cells.next().unwrap_or(Cell::NoInt);
        Self {
            id: next().text(),
            event_id: next().maybe_text(),
            parent: next().maybe_text(),
            workspace: next().text(),
            agent: next().maybe_text(),
            provider: next().maybe_text(),
            model: next().maybe_text(),
            first_at: next().int(),
            last_at: next().int(),
        }
    }
}
