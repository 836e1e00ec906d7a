//! What an answer is made of.

use std::collections::BTreeMap;

use ledger_core::{Offset, Timestamp};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::Usage;
use super::digits::SKETCH_ERROR;
use super::metrics::Metrics;
use super::query::{Counting, Per, UsageQuery};
use crate::name::known;
use crate::store::Snapshot;
use crate::{Percentile, Window};

/// What an answer rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Basis {
    /// The last event that is folded in.
    pub offset: Offset,
    /// The window.
    pub window: Window,
    /// What one value of a distribution is.
    pub per: Per,
    /// Whose tokens and money are summed.
    pub counting: Counting,
    /// How percentiles were found.
    pub percentiles: Method,
    /// The version of the prices that the tables were made with; `None` when they were made without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prices: Option<String>,
    /// Rows of before this time are removed: sums over them stay exact, percentiles do not. `None` when none are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_removed_before: Option<Timestamp>,
    /// What is not as one might think.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// How percentiles were found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Method {
    /// Which definition.
    pub definition: Percentile,
    /// `exact`, from every value; or `three_digits`, from the three leading digits of each.
    pub method: &'static str,
    /// How far from the exact one it may be, relative to it.
    pub relative_error: f64,
}

impl Basis {
    pub(super) fn new(snapshot: &Snapshot, query: &UsageQuery) -> Self {
        let kept_from = snapshot.kept_from();
        Self {
            offset: snapshot.offset(),
            window: query.filter.window,
            per: query.per,
            counting: query.counting,
            percentiles: Method { definition: query.percentile, method: "exact", relative_error: 0.0 },
            prices: Usage::prices_of(snapshot.settings()).map(str::to_owned),
            rows_removed_before: (kept_from > Timestamp::MIN).then_some(kept_from),
            notes: Vec::new(),
        }
    }

    pub(super) fn sketched(&mut self) {
        self.percentiles.method = "three_digits";
        self.percentiles.relative_error = SKETCH_ERROR;
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// The figures under one name, or of all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UsageRow {
    /// What tells it apart: the names of the dimension's columns, and their values; `None` is one that is not known. No
    /// columns where it is of all.
    pub key: Vec<(&'static str, Option<String>)>,
    /// The figures.
    pub metrics: Metrics,
    /// The same figures told apart by something else, the most expensive first.
    pub breakdown: Option<Vec<UsageRow>>,
}

impl Serialize for UsageRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_map(None)?;
        for (name, value) in &self.key {
            row.serialize_entry(name, value)?;
        }
        self.metrics.fields(&mut row)?;
        if let Some(breakdown) = &self.breakdown {
            row.serialize_entry("breakdown", breakdown)?;
        }
        row.end()
    }
}

/// Calls of which nobody knows what they cost: they are in every count, and in no sum of money.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Unpriced {
    /// How many calls.
    pub calls: i64,
    /// Their tokens, input and output.
    pub tokens: i64,
    /// Of which models, the most tokens first.
    pub models: Vec<UnpricedModel>,
}

/// Calls of one model of which nobody knows what they cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnpricedModel {
    /// The provider.
    pub provider: String,
    /// The model; `None` when it is not known.
    pub model: Option<String>,
    /// How many calls.
    pub calls: i64,
    /// Their tokens, input and output.
    pub tokens: i64,
}

impl Unpriced {
    pub(super) fn new(by_model: &BTreeMap<Vec<String>, Metrics>) -> Self {
        let mut unpriced = Self::default();
        for (key, metrics) in by_model.iter().filter(|(_, metrics)| metrics.unpriced_calls > 0) {
            let [provider, model] = key.as_slice() else { continue };
            let (calls, tokens) = (metrics.unpriced_calls, metrics.unpriced_tokens);
            unpriced.calls += calls;
            unpriced.tokens += tokens;
            let model = known(model.clone());
            unpriced.models.push(UnpricedModel { provider: provider.clone(), model, calls, tokens });
        }
        unpriced.models.sort_by_key(|model| std::cmp::Reverse(model.tokens));
        unpriced
    }
}

/// Figures told apart by something, and of all.
#[derive(Clone, Debug, PartialEq)]
pub struct UsageAnswer {
    /// What it rests on.
    pub basis: Basis,
    /// The rows that were asked for.
    pub rows: Vec<UsageRow>,
    /// How many rows there are; more than were asked for, perhaps.
    pub of_rows: usize,
    /// The figures of all, computed over all and not over the rows.
    pub total: UsageRow,
    /// Calls without a price.
    pub unpriced: Unpriced,
}
