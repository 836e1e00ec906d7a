//! LiteLLM's table of prices: wide, and only of today.

use std::collections::{BTreeMap, HashMap};

use serde_json::value::RawValue;

use crate::decimal::Rate;
use crate::entry::Entry;
use crate::rates::{Rates, Tiered};
use crate::{PriceError, Request};

/// What tells tiers apart in the names of its fields.
const TIERS: [(&str, &str); 3] = [("_priority", "priority"), ("_flex", "flex"), ("_batches", "batch")];

/// Prices by the id of the model, or `provider/model`.
#[derive(Clone, Debug)]
pub(crate) struct LiteLlm {
    models: HashMap<String, (String, Entry)>,
}

impl LiteLlm {
    pub(crate) fn from_json(data: &[u8]) -> Result<Self, PriceError> {
        let wrong = |why: String| PriceError::NotLiteLlm { why };
        let table: HashMap<String, BTreeMap<String, &RawValue>> =
            serde_json::from_slice(data).map_err(|error| wrong(error.to_string()))?;
        let mut models = HashMap::new();
        for (model, fields) in table.iter().filter(|(model, _)| *model != "sample_spec") {
            let entry = entry(fields).map_err(|why| wrong(format!("model {model:?}: {why}")))?;
            // What it has no prices of tokens of, such as models of images, no event tells of.
            if entry.rates.input.is_some() || entry.rates.output.is_some() {
                let provider = fields.get("litellm_provider").map(|text| text.get().trim_matches('"').to_owned());
                models.insert(model.clone(), (provider.unwrap_or_default(), entry));
            }
        }
        if models.is_empty() {
            return Err(wrong("it has no model with input_cost_per_token".into()));
        }
        Ok(Self { models })
    }

    /// The entry of exactly this model, whose provider is the same; `id` gives the one id of a provider's many names.
    pub(crate) fn find<'p>(&self, request: &Request<'_>, id: impl Fn(&str) -> Option<&'p str>) -> Option<&Entry> {
        let Request { provider, model, .. } = *request;
        let is_same = |other: &str| {
            provider.is_empty()
                || provider.eq_ignore_ascii_case(other)
                || id(provider).is_some_and(|provider| id(other) == Some(provider))
        };
        let plain = self.models.get(model).filter(|(other, _)| is_same(other));
        plain.or_else(|| self.models.get(&format!("{provider}/{model}"))).map(|(_, entry)| entry)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.models.iter().map(|(model, (provider, _))| (provider.as_str(), model.as_str()))
    }
}

/// By tier ("" is the usual one) and kind of unit: the base, and what it costs above thresholds.
type Found = BTreeMap<(&'static str, &'static str), (Option<Rate>, Vec<(u64, Rate)>)>;

fn entry(fields: &BTreeMap<String, &RawValue>) -> Result<Entry, String> {
    let mut found = Found::new();
    for (name, value) in fields {
        let (Some((bucket, tier, above)), text) = (field(name), value.get()) else { continue };
        if text == "null" {
            continue;
        }
        let rate =
            Rate::per_one(text.trim_matches('"')).ok_or_else(|| format!("{name} is {text}, which is no price"))?;
        let place = found.entry((tier, bucket)).or_default();
        match above {
            None => place.0 = Some(rate),
            Some(tokens) => place.1.push((tokens, rate)),
        }
    }
    let rates = |tier: &'static str| {
        let of = |bucket: &'static str| {
            let (base, above) = found.get(&(tier, bucket))?;
            base.map(|base| Tiered::new(base, above.clone()))
        };
        Rates {
            input: of("input"),
            cache_read: of("cache_read"),
            cache_write_5m: of("cache_write_5m"),
            cache_write_1h: of("cache_write_1h"),
            output: of("output"),
            reasoning: of("reasoning"),
            request: None,
            web_search: None,
        }
    };
    let tiers = TIERS.iter().filter(|(_, tier)| found.keys().any(|(of, _)| of == tier));
    let tiers = tiers.map(|(_, tier)| ((*tier).to_owned(), rates(tier))).collect();
    let usual = Rates { web_search: web_search(fields)?, ..rates("") };
    Ok(Entry { rates: usual, tiers, ..Entry::default() })
}

/// What a field is the price of: the kind of unit, the tier, and above how many tokens of input.
fn field(name: &str) -> Option<(&'static str, &'static str, Option<u64>)> {
    let tiered = TIERS.iter().find_map(|(suffix, tier)| Some((name.strip_suffix(suffix)?, *tier)));
    let (name, tier) = tiered.unwrap_or((name, ""));
    let above = name.strip_suffix("k_tokens").and_then(|name| name.rsplit_once("_above_"));
    let (name, above) = match above {
        Some((name, thousands)) => (name, Some(thousands.parse::<u64>().ok()?.checked_mul(1_000)?)),
        None => (name, None),
    };
    let bucket = match name {
        "input_cost_per_token" => "input",
        "cache_read_input_token_cost" => "cache_read",
        "cache_creation_input_token_cost" => "cache_write_5m",
        "cache_creation_input_token_cost_above_1hr" => "cache_write_1h",
        "output_cost_per_token" => "output",
        "output_cost_per_reasoning_token" => "reasoning",
        _ => return None,
    };
    Some((bucket, tier, above))
}

/// Dollars for one search, with as much context as is usual.
fn web_search(fields: &BTreeMap<String, &RawValue>) -> Result<Option<Tiered>, String> {
    let Some(text) = fields.get("search_context_cost_per_query") else { return Ok(None) };
    let sizes: Option<BTreeMap<String, &RawValue>> =
        serde_json::from_str(text.get()).map_err(|error| format!("search_context_cost_per_query: {error}"))?;
    let Some(rate) = sizes.as_ref().and_then(|sizes| sizes.get("search_context_size_medium")) else { return Ok(None) };
    let wrong = || format!("search_context_size_medium is {}, which is no price", rate.get());
    Rate::per_one(rate.get()).map(|rate| Some(Tiered::flat(rate))).ok_or_else(wrong)
}
