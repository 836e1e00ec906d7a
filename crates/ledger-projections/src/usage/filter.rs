//! Which calls, tools, turns and sessions an answer is about.

use super::tables::{CALLS, TOOLS, WORKSPACES};
use crate::Window;
use crate::store::Sql;

/// Which calls, tools, turns and sessions an answer is about: those that have one of the values of every list that is not
/// empty.
///
/// A call has the tools of its turn, and a tool or turn has the tenants, operations, providers and models of its calls:
/// every list means something for every question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageFilter {
    /// When it started.
    pub window: Window,
    /// Who pays.
    pub tenants: Vec<String>,
    /// What the application was doing.
    pub operations: Vec<String>,
    /// The provider of the model.
    pub providers: Vec<String>,
    /// The model; an empty name is one that is not known.
    pub models: Vec<String>,
    /// The session.
    pub sessions: Vec<String>,
    /// The turn.
    pub turns: Vec<String>,
    /// The name of a tool.
    pub tools: Vec<String>,
    /// The workspace, by its key or its label.
    pub workspaces: Vec<String>,
    /// How it ended: of calls `ok`, `error`, ...; of tools `success`, ...; of turns `completed`, ....
    pub statuses: Vec<String>,
}

impl UsageFilter {
    /// Everything in a window.
    #[must_use]
    pub fn within(window: Window) -> Self {
        Self { window, ..Self::default() }
    }

    /// Whether sums by tenant, operation, provider, model, workspace and status are enough to answer it.
    pub(super) fn is_of_sums(&self) -> bool {
        self.sessions.is_empty() && self.turns.is_empty() && self.tools.is_empty()
    }

    /// Whether it asks anything of calls that tools and turns do not have themselves.
    fn is_of_calls(&self) -> bool {
        [&self.tenants, &self.operations, &self.providers, &self.models].iter().any(|names| !names.is_empty())
    }

    /// That a call, `c`, is one of these, in a window of its own.
    pub(super) fn calls(&self, sql: &mut Sql, time: &str, window: Window) {
        self.names(sql, "c.");
        sql.one_of("c.session_id", &self.sessions);
        sql.one_of("c.turn_id", &self.turns);
        sql.one_of("c.status", &self.statuses);
        sql.within(time, window);
        if !self.tools.is_empty() {
            sql.push(" AND EXISTS (SELECT 1 FROM ").table(&TOOLS).push(" t WHERE t.session_id = c.session_id");
            sql.push(SAME_TURN);
            sql.one_of("t.tool_name", &self.tools);
            sql.push(")");
        }
    }

    /// That sums, or the distribution of a day, are of these calls.
    pub(super) fn sums(&self, sql: &mut Sql, status: Option<&str>) {
        self.names(sql, "");
        if let Some(status) = status {
            sql.one_of(status, &self.statuses);
        }
    }

    /// That a call of a tool, or a turn, `t`, is one of these.
    pub(super) fn spans(&self, sql: &mut Sql, is_tool: bool, window: Window) {
        workspaces(sql, "t.", &self.workspaces);
        sql.one_of("t.session_id", &self.sessions);
        sql.one_of("t.turn_id", &self.turns);
        sql.one_of("t.status", &self.statuses);
        sql.within("t.started_at", window);
        if is_tool {
            sql.one_of("t.tool_name", &self.tools);
        } else if !self.tools.is_empty() {
            sql.push(" AND EXISTS (SELECT 1 FROM ").table(&TOOLS);
            sql.push(" o WHERE o.session_id = t.session_id AND (o.turn_id = t.turn_id OR o.turn_id IS NULL)");
            sql.one_of("o.tool_name", &self.tools);
            sql.push(")");
        }
        if self.is_of_calls() {
            sql.push(" AND EXISTS (SELECT 1 FROM ").table(&CALLS).push(" c WHERE c.session_id = t.session_id");
            sql.push(SAME_TURN);
            self.names(sql, "c.");
            sql.push(")");
        }
    }

    /// That a tool or turn whose rows are removed is one of these; only workspaces, tools and statuses are kept of those.
    pub(super) fn span_sums(&self, sql: &mut Sql, has_status: bool) {
        workspaces(sql, "", &self.workspaces);
        sql.one_of("tool_name", &self.tools);
        if has_status {
            sql.one_of("status", &self.statuses);
        }
    }

    /// Whether what is kept of removed tools and turns is enough to answer it.
    pub(super) fn is_of_span_sums(&self) -> bool {
        self.sessions.is_empty() && self.turns.is_empty() && !self.is_of_calls()
    }

    /// Whether it asks nothing but what a session has by itself.
    pub(super) fn is_of_sessions(&self) -> bool {
        !self.is_of_calls() && self.turns.is_empty() && self.tools.is_empty() && self.statuses.is_empty()
    }

    /// That a session, `s`, is one of these, by what it has itself.
    pub(super) fn sessions(&self, sql: &mut Sql) {
        workspaces(sql, "s.", &self.workspaces);
        sql.one_of("s.session_id", &self.sessions);
        sql.within("s.first_at", self.window);
    }

    fn names(&self, sql: &mut Sql, prefix: &str) {
        sql.one_of(&format!("{prefix}tenant"), &self.tenants);
        sql.one_of(&format!("{prefix}operation"), &self.operations);
        sql.one_of(&format!("{prefix}provider"), &self.providers);
        sql.one_of(&format!("{prefix}model"), &self.models);
        workspaces(sql, prefix, &self.workspaces);
    }
}

/// A turn of a call `c` and a tool or turn `t` is the same, unless one of them does not know its turn.
const SAME_TURN: &str = " AND (t.turn_id = c.turn_id OR t.turn_id IS NULL OR c.turn_id IS NULL)";

fn workspaces(sql: &mut Sql, prefix: &str, values: &[String]) {
    if !values.is_empty() {
        sql.push(format!(" AND {prefix}workspace IN (SELECT w.workspace FROM ")).table(&WORKSPACES);
        sql.push(" w WHERE w.workspace IN ").bind_names(values);
        sql.push(" OR w.label IN ").bind_names(values).push(")");
    }
}
