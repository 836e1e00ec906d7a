//! `prices list`: what models cost.

use std::collections::BTreeSet;

use agent_ledger::Timestamp;
use ledger_events::Tokens;
use ledger_prices::{PriceBook, Quote, Request, UnitPrice, Unpriced};
use serde_json::{Map, Value, json};

use super::files;
use crate::cli::{Format, PricesListArgs};
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::place::Place;

/// Nothing, of which everything costs 0.
const NONE: Tokens = Tokens {
    input: 0,
    cache_read: 0,
    cache_write_5m: 0,
    cache_write_1h: 0,
    cache_write: 0,
    output: 0,
    reasoning: None,
};

pub(super) fn run(place: &Place, args: PricesListArgs) -> Outcome {
    let PricesListArgs { model, provider, at, format } = args;
    let (book, at) = (files::book(place)?, at.unwrap_or_else(Timestamp::now));
    let quotes = quotes(&book, model.as_deref(), provider.as_deref(), at).map_err(|error| not_there(&error))?;
    match Format::or_default(format.format) {
        Format::Json => quotes.iter().try_for_each(|quote| output::json(&object(quote))),
        Format::Text => {
            output::line(format_args!("prices {} at {at}, US dollars per million tokens", book.version()))?;
            let header =
                ["PROVIDER", "MODEL", "INPUT", "CACHE READ", "WRITE 5M", "WRITE 1H", "OUTPUT", "1000 SEARCHES"];
            let header = header.iter().chain(&["INPUT ABOVE", "FROM"]).map(|title| (*title).to_owned()).collect();
            let right = (0..10).map(|column| (2..8).contains(&column)).collect();
            output::aligned(header, quotes.iter().map(line), right)
        }
    }
}

fn not_there(error: &Unpriced) -> Failure {
    Failure::other(format!("{error}; agent-ledger prices list shows what there is"))
}

fn quotes(
    book: &PriceBook,
    model: Option<&str>,
    provider: Option<&str>,
    at: Timestamp,
) -> Result<Vec<Quote>, Unpriced> {
    let quote = |provider: &str, model: &str| book.quote(&Request::new(provider, model, at, &NONE));
    if let (Some(model), Some(provider)) = (model, provider) {
        return Ok(vec![quote(provider, model)?]);
    }
    let all = book.all()?;
    let quotes: Vec<Quote> = match model {
        Some(model) => {
            let providers: BTreeSet<&str> = all.iter().map(|(provider, _)| provider.as_str()).collect();
            providers.into_iter().filter_map(|provider| quote(provider, model).ok()).collect()
        }
        None => {
            let is_wanted = |of: &str| provider.is_none_or(|wanted| wanted.eq_ignore_ascii_case(of));
            let wanted = all.iter().filter(|(provider, _)| is_wanted(provider));
            wanted.filter_map(|(provider, model)| quote(provider, model).ok()).collect()
        }
    };
    match (quotes.is_empty(), model, provider) {
        (true, Some(model), _) => Err(Unpriced::UnknownModel { model: model.into() }),
        (true, _, Some(provider)) => Err(Unpriced::UnknownProvider { provider: provider.into() }),
        _ => Ok(quotes),
    }
}

fn rate(price: &UnitPrice) -> String {
    let is_of_tokens = !["web_search", "request"].contains(&price.unit);
    if is_of_tokens { price.rate.to_string() } else { price.rate.per_thousand_text() }
}

/// As programs get it.
fn object(quote: &Quote) -> Value {
    let named = |unit: &str| match unit {
        "web_search" => "thousand_web_searches".to_owned(),
        "request" => "thousand_requests".to_owned(),
        unit => unit.to_owned(),
    };
    let usd: Map<String, Value> = quote.prices.iter().map(|price| (named(price.unit), rate(price).into())).collect();
    let above = quote.prices.iter().flat_map(|price| {
        price
            .above
            .iter()
            .map(|(tokens, rate)| json!({"input_tokens": tokens, "unit": price.unit, "usd": rate.to_string()}))
    });
    json!({"provider": quote.provider, "model": quote.model, "source": quote.source, "usd": usd,
           "above": above.collect::<Vec<_>>()})
}

fn line(quote: &Quote) -> Vec<String> {
    let of = |unit: &str| quote.prices.iter().find(|price| price.unit == unit);
    let shown = |unit: &str| of(unit).map_or_else(|| "-".to_owned(), rate);
    let units = ["input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "web_search"];
    let above = of("input").into_iter().flat_map(|price| &price.above);
    let above: Vec<String> = above.map(|(tokens, rate)| format!("{rate} above {tokens}")).collect();
    let names = [quote.provider.clone(), quote.model.clone()];
    names.into_iter().chain(units.map(shown)).chain([above.join(", "), quote.source.to_owned()]).collect()
}
