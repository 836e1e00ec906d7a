//! Prices of one's own: what a contract says, or what a list does not have yet.

use std::collections::BTreeMap;

use ledger_core::Timestamp;
use serde::Deserialize;

use crate::decimal::{Rate, scaled};
use crate::entry::Entry;
use crate::rates::{Rates, Tiered};
use crate::{PriceError, Request, short_hash};

/// A user's prices. An entry counts for calls of exactly its model, of its provider if it names one, that started within its
/// dates; of several, the last in the file.
#[derive(Clone, Debug)]
pub(crate) struct Own {
    entries: Vec<OwnEntry>,
    pub(crate) hash: String,
}

#[derive(Clone, Debug)]
struct OwnEntry {
    model: String,
    provider: Option<String>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    entry: Entry,
}

impl Own {
    /// From TOML, or JSON of the same shape.
    pub(crate) fn parse(text: &str) -> Result<Self, PriceError> {
        let wrong = |why: String| PriceError::NotOwn { why };
        let file: FileText = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?
        } else {
            toml::from_str(text).map_err(|error| wrong(toml_sentence(&error, text)))?
        };
        let entries = file.price.into_iter().map(|entry| {
            let model = entry.model.clone();
            entry.read().map_err(|why| wrong(format!("model {model:?}: {why}")))
        });
        Ok(Self { entries: entries.collect::<Result<_, _>>()?, hash: short_hash(text.as_bytes()) })
    }

    pub(crate) fn find(&self, request: &Request<'_>) -> Option<&Entry> {
        let is_of = |own: &&OwnEntry| {
            own.model == request.model
                && own.provider.as_ref().is_none_or(|provider| provider.eq_ignore_ascii_case(request.provider))
                && own.from.is_none_or(|from| request.at >= from)
                && own.until.is_none_or(|until| request.at < until)
        };
        self.entries.iter().rev().find(is_of).map(|own| &own.entry)
    }

    /// Models and providers that it has prices of.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|own| (own.provider.as_deref().unwrap_or_default(), own.model.as_str()))
    }
}

/// What is wrong, and in which line.
fn toml_sentence(error: &toml::de::Error, text: &str) -> String {
    let line = error.span().and_then(|span| text.get(..span.start)).map(|before| before.lines().count().max(1));
    let said = error.message().replace('\n', " ");
    line.map_or(said.clone(), |line| format!("line {line}: {said}"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    #[serde(default)]
    price: Vec<EntryText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryText {
    model: String,
    provider: Option<String>,
    from: Option<String>,
    until: Option<String>,
    input: Option<String>,
    cache_read: Option<String>,
    cache_write_5m: Option<String>,
    cache_write_1h: Option<String>,
    output: Option<String>,
    web_search: Option<String>,
    #[serde(default)]
    above: Vec<AboveText>,
    #[serde(default)]
    tier: BTreeMap<String, PartText>,
    #[serde(default)]
    speed: BTreeMap<String, PartText>,
    #[serde(default)]
    geo: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartText {
    input: Option<String>,
    cache_read: Option<String>,
    cache_write_5m: Option<String>,
    cache_write_1h: Option<String>,
    output: Option<String>,
    web_search: Option<String>,
    #[serde(default)]
    above: Vec<AboveText>,
}

/// What tokens cost when the request has more than so many tokens of input.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AboveText {
    input_tokens: u64,
    input: Option<String>,
    cache_read: Option<String>,
    cache_write_5m: Option<String>,
    cache_write_1h: Option<String>,
    output: Option<String>,
}

impl EntryText {
    fn read(self) -> Result<OwnEntry, String> {
        let Self { model, provider, from, until, tier, speed, geo, above, web_search, .. } = self;
        let (input, cache_read, output) = (self.input, self.cache_read, self.output);
        let (cache_write_5m, cache_write_1h) = (self.cache_write_5m, self.cache_write_1h);
        let usual = PartText { input, cache_read, cache_write_5m, cache_write_1h, output, web_search, above };
        let parts = |parts: BTreeMap<String, PartText>| {
            parts.into_iter().map(|(name, part)| Ok((name, part.read()?))).collect::<Result<BTreeMap<_, _>, String>>()
        };
        let geos = geo.into_iter().map(|(name, factor)| {
            let millionths = scaled(&factor, 6)
                .ok_or_else(|| format!("geo.{name} is {factor:?}, which is no factor such as \"1.1\""))?;
            Ok((name, millionths))
        });
        let entry = Entry {
            rates: usual.read()?,
            tiers: parts(tier)?,
            speeds: parts(speed)?,
            geos: geos.collect::<Result<_, String>>()?,
        };
        let time = |text: Option<String>| text.map(|text| crate::date(&text)).transpose();
        let (from, until) = (time(from)?, time(until)?);
        if let (Some(from), Some(until)) = (from, until)
            && from >= until
        {
            return Err("its until is not after its from".into());
        }
        Ok(OwnEntry { model, provider, from, until, entry })
    }
}

impl PartText {
    fn read(self) -> Result<Rates, String> {
        let Self { input, cache_read, cache_write_5m, cache_write_1h, output, web_search, above } = self;
        let tiered = |name: &str, base: Option<String>, of: fn(&AboveText) -> &Option<String>| {
            let number = |text: &String| {
                let wrong = || format!("{name} is {text:?}, which is no price per million tokens such as \"0.30\"");
                Rate::per_million(text).ok_or_else(wrong)
            };
            let above = above.iter().filter_map(|above| of(above).as_ref().map(|text| (above.input_tokens, text)));
            let above = above.map(|(tokens, text)| Ok((tokens, number(text)?))).collect::<Result<Vec<_>, String>>()?;
            match base {
                Some(base) => Ok(Some(Tiered::new(number(&base)?, above))),
                None if above.is_empty() => Ok(None),
                None => Err(format!("{name} has a price above a threshold and none below it")),
            }
        };
        let search = |text: String| {
            let wrong = || format!("web_search is {text:?}, which is no price per thousand searches such as \"10\"");
            Rate::per_thousand(&text).map(Tiered::flat).ok_or_else(wrong)
        };
        Ok(Rates {
            input: tiered("input", input, |above| &above.input)?,
            cache_read: tiered("cache_read", cache_read, |above| &above.cache_read)?,
            cache_write_5m: tiered("cache_write_5m", cache_write_5m, |above| &above.cache_write_5m)?,
            cache_write_1h: tiered("cache_write_1h", cache_write_1h, |above| &above.cache_write_1h)?,
            output: tiered("output", output, |above| &above.output)?,
            reasoning: None,
            request: None,
            web_search: web_search.map(search).transpose()?,
        })
    }
}
