//! How executions ended.

use std::collections::BTreeMap;

use serde::Serialize;

use super::weighed::{Count, Weighed, ratio};

const OK: &str = "ok";
const FAILURES: [&str; 3] = ["error", "timeout", "limit"];

/// How executions ended. Rates are parts of the executions that rows stand for, and together 1; of nothing there are none.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Outcomes {
    /// By status: `ok`, `error`, `timeout` and `limit` always, others where there are any.
    pub statuses: BTreeMap<String, Count>,
    /// Those whose status is none of the four.
    pub other: Count,
    /// All.
    pub total: Count,
    /// Which part went well.
    pub success_rate: Option<f64>,
    /// Which part failed, took too long or ran into a limit.
    pub error_rate: Option<f64>,
    /// Which part ended in a way that this version does not know.
    pub other_rate: Option<f64>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Statuses {
    by_status: BTreeMap<String, Weighed>,
}

impl Statuses {
    pub(super) fn add(&mut self, status: &str, weight: f64) {
        if let Some(weighed) = self.by_status.get_mut(status) {
            return weighed.add(weight, 0);
        }
        self.by_status.entry(status.to_owned()).or_default().add(weight, 0);
    }

    pub(super) fn outcomes(&self) -> Outcomes {
        let of = |is_asked_for: &dyn Fn(&str) -> bool| {
            let mut sum = Weighed::default();
            let asked_for = self.by_status.iter().filter(|(status, _)| is_asked_for(status));
            asked_for.for_each(|(_, weighed)| sum.add_all(weighed));
            sum.count()
        };
        let known = [OK].into_iter().chain(FAILURES).map(|status| (status.to_owned(), Count::default()));
        let found = self.by_status.iter().map(|(status, weighed)| (status.clone(), weighed.count()));
        let total = of(&|_| true);
        let other = of(&|status| status != OK && !FAILURES.contains(&status));
        let rate = |count: Count| ratio(count.executions, total.executions);
        Outcomes {
            statuses: known.chain(found).collect(),
            other,
            total,
            success_rate: rate(of(&|status| status == OK)),
            error_rate: rate(of(&|status| FAILURES.contains(&status))),
            other_rate: rate(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_has_a_key_of_its_own_and_a_rate_of_its_own() {
        let mut statuses = Statuses::default();
        for (status, weight) in [("ok", 20.0), ("ok", 20.0), ("error", 1.0), ("skipped", 5.0), ("paused", 4.0)] {
            statuses.add(status, weight);
        }
        let outcomes = statuses.outcomes();
        assert_eq!(
            outcomes.statuses.keys().collect::<Vec<_>>(),
            ["error", "limit", "ok", "paused", "skipped", "timeout"]
        );
        assert_eq!(outcomes.other, Count { rows: 2, executions: 9.0 });
        assert_eq!(outcomes.total, Count { rows: 5, executions: 50.0 });
        let rates = [outcomes.success_rate, outcomes.error_rate, outcomes.other_rate];
        assert_eq!(rates, [Some(0.8), Some(0.02), Some(0.18)]);
    }

    #[test]
    fn of_nothing_there_are_counts_and_no_rates() {
        let outcomes = Statuses::default().outcomes();
        assert_eq!(outcomes.statuses.len(), 4);
        assert_eq!((outcomes.total, outcomes.success_rate, outcomes.error_rate), (Count::default(), None, None));
    }
}
