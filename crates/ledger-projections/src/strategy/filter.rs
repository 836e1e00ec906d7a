//! Which executions an answer is about.

use crate::Window;
use crate::store::Sql;

/// Which executions an answer is about: those that have one of the values that are named, in each respect in which
/// any are named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StrategyFilter {
    /// Ids of strategies.
    pub strategies: Vec<String>,
    /// Tenants. Executions of nobody are in no tenant's.
    pub tenants: Vec<String>,
    /// Versions of strategies.
    pub versions: Vec<String>,
    /// Statuses, known ones or not.
    pub statuses: Vec<String>,
    /// When they ran.
    pub window: Window,
}

impl StrategyFilter {
    /// Executions of one strategy.
    #[must_use]
    pub fn strategy(id: impl Into<String>) -> Self {
        Self { strategies: vec![id.into()], ..Self::default() }
    }

    /// In this window only.
    #[must_use]
    pub fn within(self, window: Window) -> Self {
        Self { window, ..self }
    }

    /// Says so after the table's name.
    pub(super) fn condition(&self, sql: &mut Sql) {
        let Self { strategies, tenants, versions, statuses, window } = self;
        sql.push(" WHERE 1 = 1");
        let dimensions =
            [("strategy_id", strategies), ("tenant_id", tenants), ("strategy_version", versions), ("status", statuses)];
        for (column, values) in dimensions {
            sql.one_of(column, values);
        }
        sql.within("executed_at", *window);
    }
}
