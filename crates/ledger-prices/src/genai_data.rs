//! The JSON of `genai-prices`, format v2, as far as tokens, searches and requests are concerned. What else it prices, such as
//! seconds of audio, no event tells of.

use std::collections::BTreeMap;

use ledger_core::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::decimal::Rate;
use crate::rates::{Rates, Tiered};
use crate::{Request, Unpriced};

const MICROS_OF_A_DAY: i64 = 86_400_000_000;

/// What a model costs, when, and with what.
pub(crate) struct Model {
    pub(crate) id: String,
    /// The last that is in force counts; when none is, the first.
    standard: Vec<(When, Rates)>,
    variants: Vec<Variant>,
}

/// Rates of requests of a special kind; what they do not say is as usual.
struct Variant {
    of: BTreeMap<String, String>,
    when: When,
    rates: Rates,
}

/// When prices are in force.
enum When {
    Always,
    From(Timestamp),
    /// Microseconds of the UTC day; may go past midnight.
    TimeOfDay(i64, i64),
}

impl When {
    fn holds(&self, at: Timestamp) -> bool {
        match self {
            Self::Always => true,
            Self::From(start) => at >= *start,
            Self::TimeOfDay(start, end) => {
                let time = at.as_micros().rem_euclid(MICROS_OF_A_DAY);
                if end < start { time >= *start || time < *end } else { time >= *start && time < *end }
            }
        }
    }
}

impl Model {
    /// The rates of a call at its time; with its tier, of which the first variant that says something counts.
    pub(crate) fn rates(&self, request: &Request<'_>, sells_tiers: bool) -> Result<Rates, Unpriced> {
        let in_force = self.standard.iter().rev().find(|(when, _)| when.holds(request.at));
        let standard =
            in_force.or(self.standard.first()).map(|(_, rates)| rates).ok_or(Unpriced::NoRate { bucket: "input" })?;
        let tier =
            request.tier().map(|tier| if tier == "batch" { ("processing", tier) } else { ("service_tier", tier) });
        let speed = request.speed().map(|speed| ("service_tier", speed));
        let holding: Vec<&Variant> = self
            .variants
            .iter()
            .filter(|variant| sells_tiers && variant.when.holds(request.at))
            .filter(|variant| variant.of.iter().all(|(key, value)| [tier, speed].contains(&Some((key, value)))))
            .collect();
        let is_sold = |wanted: Option<(&str, &str)>| {
            wanted.is_none_or(|(key, value)| {
                holding.iter().any(|variant| variant.of.get(key).is_some_and(|has| has == value))
            })
        };
        match (request.tier(), request.speed()) {
            (Some(named), _) if !is_sold(tier) => return Err(Unpriced::NoTier { tier: named.into() }),
            (_, Some(named)) if !is_sold(speed) => return Err(Unpriced::NoSpeed { speed: named.into() }),
            _ => {}
        }
        let special = holding.iter().fold(Rates::default(), |rates, variant| rates.or(&variant.rates));
        Ok(special.or(standard).with_unpriced_parts_as_their_whole())
    }
}

impl Rates {
    /// What has no rate of its own costs what the rest does that it is a part of: the crate's rule, in whose data such
    /// a rate is left out where it is no other.
    fn with_unpriced_parts_as_their_whole(mut self) -> Self {
        self.cache_read = self.cache_read.or_else(|| self.input.clone());
        self.cache_write_5m = self.cache_write_5m.or_else(|| self.input.clone());
        self
    }
}

/// The id of a provider, whose models it serves besides, and its own.
type Read = (String, Vec<String>, Vec<Model>);

pub(crate) fn providers(data: &[u8]) -> Result<Vec<Read>, String> {
    let providers: Vec<ProviderText<'_>> = serde_json::from_slice(data).map_err(|error| error.to_string())?;
    let read = |provider: ProviderText<'_>| {
        let models = provider.models.into_iter().map(|model| model.read()).collect::<Result<_, String>>()?;
        Ok((provider.id, provider.fallback_model_providers.unwrap_or_default(), models))
    };
    providers.into_iter().map(read).collect()
}

#[derive(Deserialize)]
struct ProviderText<'a> {
    id: String,
    fallback_model_providers: Option<Vec<String>>,
    #[serde(borrow, default)]
    models: Vec<ModelText<'a>>,
}

#[derive(Deserialize)]
struct ModelText<'a> {
    id: String,
    #[serde(borrow)]
    prices: &'a RawValue,
    #[serde(borrow)]
    price_variants: Option<Vec<VariantText<'a>>>,
}

/// Numbers by the names of what they are prices of.
type PricesText<'a> = BTreeMap<String, &'a RawValue>;

#[derive(Deserialize)]
struct DatedText<'a> {
    constraint: Option<WhenText>,
    #[serde(borrow)]
    prices: PricesText<'a>,
}

#[derive(Deserialize)]
struct VariantText<'a> {
    when: BTreeMap<String, String>,
    constraint: Option<WhenText>,
    #[serde(borrow)]
    prices: PricesText<'a>,
}

#[derive(Deserialize)]
struct WhenText {
    start_date: Option<String>,
    start_time: Option<String>,
    end_time: Option<String>,
}

#[derive(Deserialize)]
struct TieredText<'a> {
    #[serde(borrow)]
    base: &'a RawValue,
    #[serde(borrow)]
    tiers: Vec<TierText<'a>>,
}

#[derive(Deserialize)]
struct TierText<'a> {
    start: u64,
    #[serde(borrow)]
    price: &'a RawValue,
}

impl ModelText<'_> {
    fn read(self) -> Result<Model, String> {
        let Self { id, prices, price_variants } = self;
        let of = |error: String| format!("model {id:?}: {error}");
        let standard = if prices.get().starts_with('[') {
            let dated: Vec<DatedText<'_>> =
                serde_json::from_str(prices.get()).map_err(|error| of(error.to_string()))?;
            let read = |dated: DatedText<'_>| Ok((when(dated.constraint)?, rates(&dated.prices)?));
            dated.into_iter().map(read).collect::<Result<_, String>>().map_err(of)?
        } else {
            let prices: PricesText<'_> = serde_json::from_str(prices.get()).map_err(|error| of(error.to_string()))?;
            vec![(When::Always, rates(&prices).map_err(of)?)]
        };
        let variants = price_variants.unwrap_or_default().into_iter().map(|variant| {
            let VariantText { when: kinds, constraint, prices } = variant;
            Ok(Variant { of: kinds, when: when(constraint)?, rates: rates(&prices)? })
        });
        let variants = variants.collect::<Result<_, String>>().map_err(of)?;
        Ok(Model { id, standard, variants })
    }
}

fn when(text: Option<WhenText>) -> Result<When, String> {
    match text {
        None => Ok(When::Always),
        Some(WhenText { start_date: Some(date), .. }) => crate::date(&date).map(When::From),
        Some(WhenText { start_time: Some(start), end_time: Some(end), .. }) => {
            Ok(When::TimeOfDay(time_of_day(&start)?, time_of_day(&end)?))
        }
        Some(_) => Err("a constraint is neither of a date nor of a time of the day".into()),
    }
}

/// `07:30:00Z`, or with an offset, as microseconds of the UTC day.
fn time_of_day(text: &str) -> Result<i64, String> {
    let time =
        Timestamp::parse(&format!("2000-01-02T{text}")).map_err(|_| format!("{text:?} is no time of the day"))?;
    Ok(time.as_micros().rem_euclid(MICROS_OF_A_DAY))
}

fn rates(prices: &PricesText<'_>) -> Result<Rates, String> {
    let read = |name: &str, rate: fn(&str) -> Option<Rate>| -> Result<Option<Tiered>, String> {
        let Some(text) = prices.get(name).map(|value| value.get()).filter(|text| *text != "null") else {
            return Ok(None);
        };
        let number = |text: &str| rate(text).ok_or_else(|| format!("{name} is {text}, which is no price"));
        if !text.starts_with('{') {
            return Ok(Some(Tiered::flat(number(text)?)));
        }
        let tiered: TieredText<'_> = serde_json::from_str(text).map_err(|error| format!("{name}: {error}"))?;
        let tiers = tiered.tiers.iter().map(|tier| Ok((tier.start, number(tier.price.get())?)));
        Ok(Some(Tiered::new(number(tiered.base.get())?, tiers.collect::<Result<_, String>>()?)))
    };
    let per_million = |name: &str| read(name, Rate::per_million);
    let per_thousand = |name: &str| read(name, Rate::per_thousand);
    Ok(Rates {
        input: per_million("input_mtok")?,
        cache_read: per_million("cache_read_mtok")?,
        cache_write_5m: per_million("cache_write_mtok")?,
        cache_write_1h: per_million("cache_write_1h_mtok")?,
        output: per_million("output_mtok")?,
        reasoning: per_million("output_reasoning_mtok")?,
        request: per_thousand("requests_kcount")?,
        web_search: per_thousand("web_searches_kcount")?,
    })
}
