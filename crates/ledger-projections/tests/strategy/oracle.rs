//! What statistics should say, computed in another way: every execution is there as often as its weight says.

use std::collections::BTreeMap;

use ledger_events::{StrategyExecution, StrategyStatus};

/// The executions that rows stand for.
pub(crate) struct Oracle(Vec<StrategyExecution>);

impl Oracle {
    /// Of rows whose weights are whole.
    pub(crate) fn new<'e>(rows: impl IntoIterator<Item = &'e StrategyExecution>) -> Self {
        let repeated = rows.into_iter().flat_map(|row| {
            let times = (1_i32..).take_while(|n| f64::from(*n) <= row.sample_weight).count();
            std::iter::repeat_n(row.clone(), times)
        });
        Self(repeated.collect())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn rate(&self, statuses: &[&str]) -> f64 {
        let those = self.0.iter().filter(|run| statuses.contains(&run.status.as_str())).count();
        those as f64 / self.len() as f64
    }

    fn durations(&self) -> Vec<f64> {
        let mut durations: Vec<_> = self.0.iter().map(|run| (run.duration_ms.get() * 1_000.0).round()).collect();
        durations.sort_by(f64::total_cmp);
        durations
    }

    pub(crate) fn avg_duration(&self) -> f64 {
        self.durations().iter().sum::<f64>() / self.len() as f64 / 1_000.0
    }

    /// As NumPy's default.
    pub(crate) fn cont(&self, q: f64) -> f64 {
        let (durations, k) = (self.durations(), (self.len() - 1) as f64 * q);
        let at = |position: f64| *durations.iter().zip(0_i32..).find(|(_, n)| f64::from(*n) >= position).unwrap().0;
        let (low, high) = (at(k.floor()), at(k.ceil()));
        (low + (high - low) * (k - k.floor())) / 1_000.0
    }

    /// The nearest rank, in hundredths.
    pub(crate) fn disc(&self, percent: usize) -> f64 {
        self.durations()[(self.len() * percent).div_ceil(100) - 1] / 1_000.0
    }

    pub(crate) fn points(&self) -> Vec<f64> {
        self.0.iter().filter(|run| run.status == StrategyStatus::Ok).filter_map(|run| run.points).collect()
    }

    /// How often there is each value, the most frequent first.
    pub(crate) fn tally(&self, value: impl Fn(&StrategyExecution) -> Option<String>) -> Vec<(Option<String>, usize)> {
        let mut counts: BTreeMap<Option<String>, usize> = BTreeMap::new();
        self.0.iter().for_each(|run| *counts.entry(value(run)).or_default() += 1);
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(value, count)| (std::cmp::Reverse(*count), value.clone()));
        counts
    }

    pub(crate) fn between(&self, above: f64, up_to: f64) -> usize {
        self.0.iter().map(|run| run.duration_ms.get()).filter(|took| *took > above && *took <= up_to).count()
    }
}
