//! Every model of the bundled data costs what the crate's own calculator says, which computes with floating point.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::cast_precision_loss, reason = "far below 2^53")]

use std::time::{Duration, UNIX_EPOCH};

use genai_prices::{Calculator, PriceRequest, Usage, UsageKey};
use ledger_core::Timestamp;
use ledger_events::Tokens;
use ledger_prices::{PriceBook, Request, Unpriced};
use serde_json::Value;

const DATA: &[u8] = include_bytes!("../data/genai-prices-0.2.1.json");

/// Dates before, between and after changes of prices, and times of the day.
const TIMES: [&str; 5] = [
    "2024-01-01T00:30:00Z",
    "2025-06-10T12:00:00Z",
    "2026-03-12T17:00:00Z",
    "2026-11-01T00:10:00Z",
    "2027-06-01T20:00:00Z",
];

fn theirs(
    calculator: &Calculator,
    provider: &str,
    model: &str,
    time: Timestamp,
    tokens: &Tokens,
    context: &[(&str, &str)],
) -> Option<f64> {
    let mut usage = Usage::from([
        (UsageKey::INPUT_TOKENS, tokens.input_total() as f64),
        (UsageKey::CACHE_READ_TOKENS, tokens.cache_read as f64),
        (UsageKey::CACHE_WRITE_TOKENS, tokens.cache_write_total() as f64),
        (UsageKey::OUTPUT_TOKENS, tokens.output as f64),
        (UsageKey::WEB_SEARCHES, 0.0),
    ]);
    usage.insert(UsageKey::CACHE_WRITE_1H_TOKENS, tokens.cache_write_1h as f64);
    usage.insert(UsageKey::OUTPUT_REASONING_TOKENS, tokens.reasoning.unwrap_or_default() as f64);
    let since = Duration::from_micros(u64::try_from(time.as_micros()).unwrap());
    let mut request = PriceRequest::new(model, &usage).with_provider_id(provider).with_timestamp(UNIX_EPOCH + since);
    for (key, value) in context {
        request = request.with_price_context(key, value);
    }
    calculator.calculate(&request).ok().map(|price| price.total_price)
}

fn is_near(pico: i64, dollars: f64) -> bool {
    (pico as f64 - dollars * 1e12).abs() <= 1.0
}

/// Every provider with every model that it sells, also of others.
fn all() -> Vec<(String, String, bool)> {
    let data: Value = serde_json::from_slice(DATA).unwrap();
    let providers = data.as_array().unwrap();
    let models = |provider: &Value| provider["models"].as_array().unwrap().clone();
    let mut all = Vec::new();
    for provider in providers {
        let fallbacks = provider["fallback_model_providers"].as_array().cloned().unwrap_or_default();
        let others = providers.iter().filter(|other| fallbacks.contains(&other["id"]));
        for model in models(provider).into_iter().chain(others.flat_map(models)) {
            // Where every one of its own prices has one: where there is none, ours follows Anthropic's rule, theirs does not.
            let prices = model.to_string();
            let hours = prices.matches("\"cache_write_1h_mtok\"").count();
            let is_priced = hours > 0 && hours == prices.matches("\"cache_write_mtok\"").count();
            let has_hour = is_priced && models(provider).contains(&model);
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            all.push((text(&provider["id"]), text(&model["id"]), has_hour));
        }
    }
    all
}

#[test]
fn every_model_costs_what_the_crate_computes_to_one_pico_dollar() {
    let (calculator, book) = (Calculator::from_json(DATA).unwrap(), PriceBook::bundled());
    let (mut compared, mut without) = (0, 0);
    let sizes = [(1, 0, 0, 0, 1), (1_234, 567, 89, 0, 1_011), (90_001, 150_003, 70_007, 5_009, 31_013)];
    for (provider, model, has_hour) in all() {
        for (time, (input, cache_read, cache_write_5m, hour, output)) in
            TIMES.iter().flat_map(|time| sizes.map(|size| (time, size)))
        {
            let cache_write_1h = if has_hour { hour } else { 0 };
            let reasoning = Some(output / 2);
            let tokens =
                Tokens { input, cache_read, cache_write_5m, cache_write_1h, cache_write: 0, output, reasoning };
            let time = Timestamp::parse(time).unwrap();
            match book.price(&Request::new(&provider, &model, time, &tokens)) {
                Ok(ours) => {
                    let theirs = theirs(&calculator, &provider, &model, time, &tokens, &[]).unwrap();
                    assert!(is_near(ours, theirs), "{provider} {model} {time} {tokens:?}: {ours} and {theirs}");
                    compared += 1;
                }
                // Models of images, sounds and vectors, whose tokens of one kind or the other nobody has a price of.
                Err(Unpriced::NoRate { .. }) => without += 1,
                // Ids that no rule of their own matches.
                Err(error) => {
                    assert_eq!(
                        theirs(&calculator, &provider, &model, time, &tokens, &[]),
                        None,
                        "{provider} {model}: {error}"
                    );
                }
            }
        }
    }
    assert!(compared > 30_000 && without < compared / 5, "{compared} compared, {without} without a price");
}

#[test]
fn every_tier_costs_what_the_crate_computes_to_one_pico_dollar() {
    let (calculator, book) = (Calculator::from_json(DATA).unwrap(), PriceBook::bundled());
    let tokens = Tokens { input: 250_000, cache_read: 30_000, output: 7_777, ..Tokens::default() };
    let mut compared = 0;
    for (provider, model, _) in all() {
        for (tier, context) in [
            ("flex", ("service_tier", "flex")),
            ("priority", ("service_tier", "priority")),
            ("fast", ("service_tier", "fast")),
            ("batch", ("processing", "batch")),
        ] {
            for time in TIMES {
                let time = Timestamp::parse(time).unwrap();
                let request = Request { service_tier: Some(tier), ..Request::new(&provider, &model, time, &tokens) };
                let theirs = |context: &[(&str, &str)]| theirs(&calculator, &provider, &model, time, &tokens, context);
                match book.price(&request) {
                    Ok(ours) => {
                        let theirs = theirs(&[context]).unwrap();
                        assert!(is_near(ours, theirs), "{provider} {model} {tier} {time}: {ours} and {theirs}");
                        compared += 1;
                    }
                    // Where the crate estimates by usual prices, we say that nobody knows.
                    Err(Unpriced::NoTier { .. }) => {
                        assert_eq!(theirs(&[context]), theirs(&[]), "{provider} {model} {tier}")
                    }
                    Err(_) => {}
                }
            }
        }
    }
    assert!(compared > 200, "{compared} compared");
}
