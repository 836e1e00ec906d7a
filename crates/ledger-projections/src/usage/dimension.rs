//! By what figures can be told apart.

use std::str::FromStr;

use ledger_core::Invalid;

/// By what figures are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// Who pays.
    Tenant,
    /// What the application was doing.
    Operation,
    /// The provider of the model.
    Provider,
    /// The model.
    Model,
    /// The session.
    Session,
    /// The turn, within its session.
    Turn,
    /// The workspace: by its key, whatever its label.
    Workspace,
    /// How it ended.
    Status,
}

/// A column that figures are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Its name in answers.
    pub(super) name: &'static str,
    /// The column of a call, `c`.
    pub(super) of_calls: &'static str,
    /// The column of sums, where there is one.
    pub(super) of_sums: Option<&'static str>,
    /// The column of the distributions of days, likewise.
    pub(super) of_days: Option<&'static str>,
}

impl Part {
    const fn kept(name: &'static str, of_calls: &'static str, column: &'static str) -> Self {
        Self { name, of_calls, of_sums: Some(column), of_days: Some(column) }
    }

    const fn of_rows(name: &'static str, of_calls: &'static str) -> Self {
        Self { name, of_calls, of_sums: None, of_days: None }
    }
}

impl Dimension {
    pub(super) const fn parts(self) -> &'static [Part] {
        const SESSION: Part = Part::of_rows("session", "COALESCE(c.session_id, '')");
        match self {
            Self::Tenant => const { &[Part::kept("tenant", "c.tenant", "tenant")] },
            Self::Operation => const { &[Part::kept("operation", "c.operation", "operation")] },
            Self::Provider => const { &[Part::kept("provider", "c.provider", "provider")] },
            Self::Model => const { &[Part::kept("model", "c.model", "model")] },
            Self::Session => &[SESSION],
            Self::Turn => const { &[SESSION, Part::of_rows("turn", "COALESCE(c.turn_id, '')")] },
            Self::Workspace => const { &[Part::kept("workspace", "c.workspace", "workspace")] },
            Self::Status => {
                &[Part { name: "status", of_calls: "c.status", of_sums: Some("status"), of_days: Some("'ok'") }]
            }
        }
    }
}

/// The columns of a provider's model.
pub(super) fn models() -> Vec<Part> {
    [Dimension::Provider, Dimension::Model].into_iter().flat_map(Dimension::parts).copied().collect()
}

impl FromStr for Dimension {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Ok(match text {
            "tenant" => Self::Tenant,
            "operation" => Self::Operation,
            "provider" => Self::Provider,
            "model" => Self::Model,
            "session" => Self::Session,
            "turn" => Self::Turn,
            "workspace" => Self::Workspace,
            "status" => Self::Status,
            _ => {
                let known = "tenant, operation, provider, model, session, turn, workspace or status";
                return Err(Invalid::new("dimension", format!("{text:?} is not one of {known}")));
            }
        })
    }
}
