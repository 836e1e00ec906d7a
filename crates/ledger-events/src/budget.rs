//! What may be spent. The event with the greatest offset counts, of those that name a budget.

use ledger_core::Invalid;
use serde::{Deserialize, Serialize};

use crate::EventPayload;
use crate::open_enum::open_enum;

open_enum! {
    /// How long a budget lasts before it begins anew.
    BudgetPeriod {
        /// A day of its zone.
        Day = "day",
        /// A week of its zone, from Monday on.
        Week = "week",
        /// A month of its zone.
        Month = "month",
        /// A billing window of five hours, which begins at the full hour (UTC) of its first call.
        Block = "block",
    }
}

/// `budget.set`: a budget, in place of the one that had its name before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetSet {
    /// What it is called.
    pub name: String,
    /// How long it lasts.
    pub period: BudgetPeriod,
    /// The zone whose clocks say when a period begins: a name of the IANA database.
    pub timezone: String,
    /// How much money, in whole millionths of a millionth of a US dollar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pico_usd: Option<i64>,
    /// How many tokens, input and output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<i64>,
    /// From how many percent of it on a warning is given.
    pub warn_at_percent: u8,
    /// Of which tenants; none: of all. So are the others below.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<String>,
    /// Of which operations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<String>,
    /// Of which providers of models.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<String>,
    /// Of which models.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// Of which workspaces, by their keys or labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workspaces: Vec<String>,
}

impl EventPayload for BudgetSet {
    const KIND: &'static str = "budget.set";

    fn check(&self) -> Result<(), Invalid> {
        check_name(&self.name)?;
        let limits = [("pico_usd", self.pico_usd), ("tokens", self.tokens)];
        if limits.iter().all(|(_, limit)| limit.is_none()) {
            return Err(Invalid::new("pico_usd", "is missing, and tokens too; a budget has at least one of both"));
        }
        for (name, limit) in limits {
            if let Some(limit) = limit.filter(|limit| *limit <= 0) {
                return Err(Invalid::new(name, format!("is {limit}; a budget is more than 0")));
            }
        }
        if !(1..=100).contains(&self.warn_at_percent) {
            return Err(Invalid::new("warn_at_percent", format!("is {}; it is 1 to 100", self.warn_at_percent)));
        }
        Ok(())
    }
}

/// `budget.removed`: there is no budget of this name any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetRemoved {
    /// Which.
    pub name: String,
}

impl EventPayload for BudgetRemoved {
    const KIND: &'static str = "budget.removed";

    fn check(&self) -> Result<(), Invalid> {
        check_name(&self.name)
    }
}

fn check_name(name: &str) -> Result<(), Invalid> {
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        return Err(Invalid::new("name", format!("{name:?} is empty or has control characters")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_has_a_name_and_a_limit_of_money_or_tokens() {
        let text =
            r#"{"name":"team","period":"month","timezone":"UTC","pico_usd":50000000000000,"warn_at_percent":80}"#;
        let budget: BudgetSet = serde_json::from_str(text).unwrap();
        budget.check().unwrap();
        assert_eq!(serde_json::to_string(&budget).unwrap(), text);
        let tokens = BudgetSet { pico_usd: None, tokens: Some(1_000), ..budget.clone() };
        tokens.check().unwrap();
        for wrong in [
            BudgetSet { name: " ".into(), ..budget.clone() },
            BudgetSet { pico_usd: None, ..budget.clone() },
            BudgetSet { pico_usd: Some(0), ..budget.clone() },
            BudgetSet { tokens: Some(-1), ..budget.clone() },
            BudgetSet { warn_at_percent: 0, ..budget.clone() },
            BudgetSet { warn_at_percent: 101, ..budget },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
        assert!(BudgetRemoved { name: String::new() }.check().is_err());
    }
}
