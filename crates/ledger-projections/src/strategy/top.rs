//! What happened most often.

use std::collections::BTreeMap;

use ledger_core::Invalid;
use serde::Serialize;

use super::weighed::{Count, Weighed};

/// How many of the most frequent values an answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Top(usize);

impl Top {
    /// The most: an answer that a person reads.
    pub const MAX: usize = 50;

    /// So many: 1 to [`MAX`](Self::MAX).
    ///
    /// # Errors
    /// [`Invalid`] for 0 or more than that.
    pub fn new(values: usize) -> Result<Self, Invalid> {
        match values {
            1..=Self::MAX => Ok(Self(values)),
            _ => Err(Invalid::new("limit", format!("{values} is not between 1 and {}", Self::MAX))),
        }
    }
}

impl Default for Top {
    /// 10.
    fn default() -> Self {
        Self(10)
    }
}

/// How often executions failed with a code.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ErrorCount {
    /// The code.
    pub error_code: String,
    /// How often.
    #[serde(flatten)]
    pub count: Count,
}

/// How often a rule matched.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaseCount {
    /// The rule; `None` (`null`): no rule matched.
    pub case_name: Option<String>,
    /// How often.
    #[serde(flatten)]
    pub count: Count,
}

/// How often there was each value.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    by_value: BTreeMap<Option<String>, Weighed>,
}

impl Tally {
    pub(super) fn add(&mut self, value: Option<String>, weight: f64) {
        self.by_value.entry(value).or_default().add(weight, 0);
    }

    /// Codes by how many executions they stand for, then by code.
    pub(super) fn errors(&self, top: Top) -> Vec<ErrorCount> {
        let codes = self.counts().into_iter().filter_map(|(code, count)| Some((code?, count)));
        codes.take(top.0).map(|(error_code, count)| ErrorCount { error_code, count }).collect()
    }

    /// Rules by how many executions they stand for, then by name, none before all names.
    pub(super) fn cases(&self, top: Top) -> Vec<CaseCount> {
        self.counts().into_iter().take(top.0).map(|(case_name, count)| CaseCount { case_name, count }).collect()
    }

    fn counts(&self) -> Vec<(Option<String>, Count)> {
        let mut counts: Vec<_> = self.by_value.iter().map(|(value, one)| (value.clone(), one.count())).collect();
        // Stable: those that are as frequent stay in their order.
        counts.sort_by(|(_, a), (_, b)| b.executions.total_cmp(&a.executions));
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_as_frequent_is_in_order_and_no_rule_is_a_value() {
        let mut tally = Tally::default();
        for (value, weight) in [(Some("B"), 1.0), (Some("A"), 1.0), (None, 20.0), (Some("C"), 2.0), (Some("D"), 1.0)] {
            tally.add(value.map(Into::into), weight);
        }
        let codes: Vec<_> = tally.errors(Top::new(3).unwrap()).into_iter().map(|error| error.error_code).collect();
        assert_eq!(codes, ["C", "A", "B"]);
        let cases: Vec<_> = tally.cases(Top::new(2).unwrap()).into_iter().map(|case| case.case_name).collect();
        assert_eq!(cases, [None, Some("C".into())]);
    }

    #[test]
    fn nothing_and_too_many_are_refused() {
        assert!(Top::new(0).is_err());
        assert!(Top::new(51).is_err());
        assert_eq!(Top::new(10).unwrap(), Top::default());
    }
}
