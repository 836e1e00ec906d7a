//! The figures of some facts, by the textbook: values in a list, and nothing clever.

use std::collections::BTreeMap;

use ledger_events::{CallStatus, LlmCall};
use ledger_projections::usage::{Counting, Dimension, Metrics, Per, UsageQuery};
use ledger_projections::{Distribution, Percentile, PicoUsd};

use crate::facts::{Call, micros_of};

/// What a call has in a dimension.
pub(crate) fn values(call: &Call, dimension: Dimension) -> Vec<Option<String>> {
    let known = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let LlmCall { tenant_id, operation, provider, model, session_id, turn_id, status, .. } = &call.said;
    match dimension {
        Dimension::Tenant => vec![known(tenant_id)],
        Dimension::Operation => vec![known(operation)],
        Dimension::Provider => vec![known(provider)],
        Dimension::Model => vec![model.clone()],
        Dimension::Session => vec![session_id.clone()],
        Dimension::Turn => vec![session_id.clone(), turn_id.clone()],
        Dimension::Workspace => vec![known(&call.workspace)],
        Dimension::Status => vec![known(status.as_str())],
    }
}

/// One call or one invocation.
#[derive(Default)]
struct One {
    ok: bool,
    duration: Option<i64>,
    input: i64,
    output: i64,
}

/// The figures of some calls.
pub(crate) fn metrics(calls: &[&Call], query: &UsageQuery) -> Metrics {
    let mut metrics = Metrics::default();
    let mut ones: BTreeMap<Vec<&str>, One> = BTreeMap::new();
    for call in calls {
        let Call { key, said, leads, .. } = call;
        let ok = said.status == CallStatus::Ok;
        let invocation = said.call_id.as_deref().filter(|_| query.per == Per::Invocation);
        let name = match invocation {
            Some(call_id) => vec![said.tenant_id.as_str(), &said.operation, call_id],
            None => vec![key.as_str()],
        };
        let one = ones.entry(name).or_default();
        one.ok |= ok;
        let int = |tokens: u64| i64::try_from(tokens).unwrap();
        one.input += int(said.tokens.input_total());
        one.output += int(said.tokens.output);
        if let Some(duration) = micros_of(said.duration_ms) {
            *one.duration.get_or_insert(0) += duration;
        }
        metrics.invocations += i64::from(*leads && query.per == Per::Call);
        let pico_usd = PicoUsd(said.cost.as_ref().map_or(0, |cost| cost.pico_usd).into());
        if ok {
            metrics.cost_ok += pico_usd;
        }
        if said.cost.is_none() {
            metrics.unpriced_calls += 1;
            metrics.unpriced_tokens += int(said.tokens.total());
        }
        if ok || query.counting == Counting::All {
            metrics.cost += pico_usd;
            metrics.tokens.input += int(said.tokens.input);
            metrics.tokens.cache_read += int(said.tokens.cache_read);
            metrics.tokens.cache_write_5m += int(said.tokens.cache_write_5m);
            metrics.tokens.cache_write_1h += int(said.tokens.cache_write_1h);
            metrics.tokens.cache_write += int(said.tokens.cache_write);
            metrics.tokens.output += int(said.tokens.output);
            metrics.tokens.reasoning += int(said.tokens.reasoning.unwrap_or_default());
        }
    }
    metrics.calls = i64::try_from(calls.len()).unwrap();
    let ones_or_calls = i64::try_from(ones.len()).unwrap();
    if query.per == Per::Invocation {
        metrics.invocations = ones_or_calls;
    }
    let good: Vec<&One> = ones.values().filter(|one| one.ok).collect();
    metrics.failed = ones_or_calls - i64::try_from(good.len()).unwrap();
    metrics.duration = distribution(good.iter().filter_map(|one| one.duration).collect(), query.percentile);
    metrics.input_tokens = distribution(good.iter().map(|one| one.input).collect(), query.percentile);
    metrics.output_tokens = distribution(good.iter().map(|one| one.output).collect(), query.percentile);
    metrics
}

/// How values are distributed, by the textbook.
pub(crate) fn distribution(mut values: Vec<i64>, percentile: Percentile) -> Distribution {
    values.sort_unstable();
    let n = values.len();
    let at = |percent: f64| {
        let last = n.checked_sub(1)?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position among few values")]
        Some(match percentile {
            Percentile::Disc => values[((percent / 100.0 * n as f64 - 1e-9).ceil() as usize).max(1) - 1] as f64,
            Percentile::Cont => {
                let way = percent / 100.0 * last as f64;
                let low = way.floor() as usize;
                let high = (low + 1).min(last);
                values[low] as f64 + (values[high] - values[low]) as f64 * (way - low as f64)
            }
        })
    };
    Distribution {
        n: i64::try_from(n).unwrap(),
        total: values.iter().sum(),
        min: values.first().copied(),
        max: values.last().copied(),
        percentiles: [5.0, 50.0, 95.0, 99.0].map(at),
    }
}

/// That two figures are the same; percentiles up to what floating point does not keep.
#[track_caller]
pub(crate) fn assert_same(found: &Metrics, expected: &Metrics, what: &str) {
    let without = |metrics: &Metrics| {
        let mut metrics = metrics.clone();
        for distribution in [&mut metrics.duration, &mut metrics.input_tokens, &mut metrics.output_tokens] {
            distribution.percentiles = [None; 4];
        }
        metrics
    };
    assert_eq!(without(found), without(expected), "{what}");
    assert_same_shape(&found.duration, &expected.duration, what);
    assert_same_shape(&found.input_tokens, &expected.input_tokens, what);
    assert_same_shape(&found.output_tokens, &expected.output_tokens, what);
}

#[track_caller]
pub(crate) fn assert_same_shape(found: &Distribution, expected: &Distribution, what: &str) {
    for (found, expected) in found.percentiles.into_iter().zip(expected.percentiles) {
        let far = match (found, expected) {
            (Some(found), Some(expected)) => (found - expected).abs() > 1e-9 * expected.abs().max(1.0),
            (found, expected) => found != expected,
        };
        assert!(!far, "{what}: a percentile is {found:?} and not {expected:?}");
    }
}
