//! One execution of a strategy: which rules ran, for whom, with what result.

use std::collections::BTreeMap;

use ledger_core::{Invalid, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::open_enum::open_enum;
use crate::{EventPayload, Millis};

/// `strategy.executed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StrategyExecution {
    /// The strategy.
    pub strategy_id: String,
    /// The version that ran. Read from a number as well.
    #[serde(deserialize_with = "text_or_number")]
    pub strategy_version: String,
    /// What kind of strategy it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy_type: Option<String>,
    /// Whose strategy it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// Whom or what it was about, such as `user` or `game`, each with its id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub subject_ids: BTreeMap<String, String>,
    /// How it ended.
    pub status: StrategyStatus,
    /// What kind of error ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The rule that matched; absent when none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case_name: Option<String>,
    /// How long it took.
    pub duration_ms: Millis,
    /// How many nodes of the strategy ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes_executed: Option<u64>,
    /// The result; absent unless it went well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<f64>,
    /// When it ran.
    pub executed_at: Timestamp,
    /// How many executions this one stands for: 1 for what is always kept, 1/rate for what sampling kept.
    #[serde(default = "one")]
    pub sample_weight: f64,
    /// Steps of the execution; whoever records bounds their number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<Vec<Value>>,
    /// Remarks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

impl EventPayload for StrategyExecution {
    const KIND: &'static str = "strategy.executed";

    fn check(&self) -> Result<(), Invalid> {
        if !(self.sample_weight.is_finite() && self.sample_weight >= 1.0) {
            let reason = format!("is {}; an execution stands for at least itself", self.sample_weight);
            return Err(Invalid::new("sample_weight", reason));
        }
        if self.points.is_some_and(|points| !points.is_finite()) {
            return Err(Invalid::new("points", "is not a finite number"));
        }
        if self.points.is_some() && self.status != StrategyStatus::Ok {
            return Err(Invalid::new("points", format!("is present on an execution with status {}", self.status)));
        }
        Ok(())
    }
}

open_enum! {
    /// How an execution of a strategy ended.
    StrategyStatus {
        /// It gave a result.
        Ok = "ok",
        /// It failed.
        Error = "error",
        /// It took too long.
        Timeout = "timeout",
        /// It ran into a limit of nodes or depth.
        Limit = "limit",
    }
}

const fn one() -> f64 {
    1.0
}

fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(serde::de::Error::custom("strategy_version is neither a text nor a number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn execution() -> StrategyExecution {
        let text = r#"{"strategy_id":"s","strategy_version":3,"status":"ok","duration_ms":0.25,"points":4,
                       "executed_at":"2026-01-01T00:00:00Z","subject_ids":{"user":"u"}}"#;
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn an_execution_stands_for_itself_unless_it_says_otherwise() {
        let execution = execution();
        assert_eq!(execution.sample_weight, 1.0);
        assert_eq!(execution.strategy_version, "3");
        assert_eq!(execution.duration_ms.get(), 0.25);
        execution.check().unwrap();
    }

    #[test]
    fn what_statistics_could_not_use_is_refused() {
        for sample_weight in [0.0, 0.5, -1.0, f64::NAN, f64::INFINITY] {
            assert!(StrategyExecution { sample_weight, ..execution() }.check().is_err(), "{sample_weight}");
        }
        assert!(StrategyExecution { status: StrategyStatus::Timeout, ..execution() }.check().is_err());
        assert!(StrategyExecution { points: Some(f64::NAN), ..execution() }.check().is_err());
    }
}
