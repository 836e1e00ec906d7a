//! A user's own prices, LiteLLM's, another version of the bundled ones, and files that are none of these.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use ledger_core::Timestamp;
use ledger_events::Tokens;
use ledger_prices::{DataKind, PriceBook, PriceError, Request, Unpriced, recognize};

const OWN: &str = r#"
# The contract of 2026.
[[price]]
model = "o3"
provider = "openai"
from = "2026-01-01"
until = "2026-07-01"
input = "1.50"
cache_read = "0.15"
cache_write_5m = "2"
cache_write_1h = "3"
output = "6"
web_search = "8"
above = [{ input_tokens = 100000, input = "3", output = "9" }]
tier.batch = { input = "0.75", output = "3" }
tier.flex = { input = "1", above = [{ input_tokens = 100000, input = "2" }] }
speed.fast = { input = "9", output = "45" }
geo.us = "1.1"

[[price]]
model = "in-house"
input = "0.0000005"
"#;

const LITELLM: &[u8] = include_bytes!("../testdata/litellm.json");

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn tokens(input: u64, output: u64) -> Tokens {
    Tokens { input, output, ..Tokens::default() }
}

#[test]
fn a_users_own_prices_count_within_their_dates() {
    let book = PriceBook::bundled().with_own(OWN).unwrap();
    let million = tokens(10_000, 0);
    let price = |model, provider, time: &str| book.price(&Request::new(provider, model, at(time), &million));
    // 10k x $1.50/M; else 10k x $2/M, as the list says.
    assert_eq!(price("o3", "openai", "2026-01-01T00:00:00Z"), Ok(15_000_000_000));
    assert_eq!(price("o3", "OpenAI", "2026-06-30T23:59:59.999999Z"), Ok(15_000_000_000));
    assert_eq!(price("o3", "openai", "2025-12-31T23:59:59Z"), Ok(20_000_000_000));
    assert_eq!(price("o3", "openai", "2026-07-01T00:00:00Z"), Ok(20_000_000_000));
    assert_eq!(price("o3", "azure", "2026-02-01T00:00:00Z"), Ok(20_000_000_000), "another provider");
    assert_eq!(price("o3-2025-04-16", "openai", "2026-02-01T00:00:00Z"), Ok(20_000_000_000), "another id");
}

#[test]
fn a_users_own_prices_say_all_that_prices_depend_on() {
    let book = PriceBook::bundled().with_own(OWN).unwrap();
    let all = Tokens {
        input: 1_000,
        cache_read: 2_000,
        cache_write_5m: 300,
        cache_write_1h: 40,
        cache_write: 5,
        output: 600,
        reasoning: None,
    };
    let usual = Request::new("openai", "o3", at("2026-02-01T00:00:00Z"), &all);
    // In millionths of a dollar: 1000 x 1.5 + 2000 x 0.15 + 305 x 2 + 40 x 3 + 600 x 6 = 6130.
    assert_eq!(book.price(&usual), Ok(6_130_000_000));
    // And 2 x $8/1000 = 16,000 millionths.
    assert_eq!(book.price(&Request { web_searches: 2, ..usual }), Ok(22_130_000_000));
    // 1000 x 0.75 + 300 + 610 + 120 + 600 x 3 = 3580: what a tier does not say is as usual.
    assert_eq!(book.price(&Request { service_tier: Some("batch"), ..usual }), Ok(3_580_000_000));
    // 1000 x 9 + 300 + 610 + 120 + 600 x 45 = 37,030.
    assert_eq!(book.price(&Request { speed: Some("fast"), ..usual }), Ok(37_030_000_000));
    // 6130 x 1.1 + 16,000: the place is of tokens, not of searches.
    assert_eq!(book.price(&Request { inference_geo: Some("us"), web_searches: 2, ..usual }), Ok(22_743_000_000));
    for (call, unpriced) in [
        (Request { service_tier: Some("priority"), ..usual }, Unpriced::NoTier { tier: "priority".into() }),
        (Request { speed: Some("slow"), ..usual }, Unpriced::NoSpeed { speed: "slow".into() }),
        (Request { inference_geo: Some("eu"), ..usual }, Unpriced::NoGeo { geo: "eu".into() }),
    ] {
        assert_eq!(book.price(&call), Err(unpriced));
    }
    // Above 100,000 tokens of input, all of it: 99,001 x 3 + 1000 x 0.15 + 600 x 9 = 302,553; flex: 99,001 x 2 + 150 + 600 x 9.
    let long = Tokens { input: 99_001, cache_read: 1_000, output: 600, ..Tokens::default() };
    let long = Request { tokens: &long, ..usual };
    assert_eq!(book.price(&long), Ok(302_553_000_000));
    assert_eq!(book.price(&Request { service_tier: Some("flex"), ..long }), Ok(203_552_000_000));
    let input = tokens(1, 1);
    let in_house = Request::new("", "in-house", at("2026-02-01T00:00:00Z"), &input);
    assert_eq!(book.price(&in_house), Err(Unpriced::NoRate { bucket: "output" }));
}

#[test]
fn a_call_is_rounded_once_half_to_even() {
    let book = PriceBook::bundled().with_own(OWN).unwrap();
    let price = |input| book.price(&Request::new("x", "in-house", at("2026-02-01T00:00:00Z"), &tokens(input, 0)));
    // $0.0000005 per million is half a pico-USD for each token.
    assert_eq!([1, 2, 3, 4, 5, 7].map(|input| price(input).unwrap()), [0, 1, 2, 2, 2, 4]);
    // The parts of a call are added before that: 0.5 + 0.5 is 1, not 0 + 0.
    let own = "[[price]]\nmodel = \"m\"\ninput = \"0.0000005\"\noutput = \"0.0000005\"\n";
    let book = PriceBook::bundled().with_own(own).unwrap();
    assert_eq!(book.price(&Request::new("x", "m", at("2026-02-01T00:00:00Z"), &tokens(1, 1))), Ok(1));
}

#[test]
fn of_several_entries_the_last_that_fits_counts_and_json_is_as_good() {
    let own = r#"{"price": [
        {"model": "m", "input": "1"}, {"model": "m", "from": "2026-02-01T12:00:00+01:00", "input": "2"}]}"#;
    let book = PriceBook::bundled().with_own(own).unwrap();
    let million = tokens(1_000_000, 0);
    let price = |time: &str| book.price(&Request::new("any", "m", at(time), &million));
    assert_eq!(price("2026-02-01T10:59:59Z"), Ok(1_000_000_000_000));
    assert_eq!(price("2026-02-01T11:00:00Z"), Ok(2_000_000_000_000));
}

#[test]
fn litellms_prices_are_for_models_that_the_dated_ones_do_not_know() {
    let book = PriceBook::bundled().with_litellm_json(LITELLM).unwrap();
    let time = at("2026-11-01T00:00:00Z");
    let large = Tokens {
        input: 150_000,
        cache_read: 60_000,
        cache_write_5m: 1_000,
        cache_write_1h: 2_000,
        output: 100,
        ..Tokens::default()
    };
    let call = Request::new("anthropic", "sonnet-of-tests", time, &large);
    // Above 200k, in millionths: 150,000 x 6 + 60,000 x 0.6 + 1000 x 7.5 + 2000 x 12 + 100 x 22.5 = 969,750.
    assert_eq!(book.price(&call), Ok(969_750_000_000));
    let small = Tokens { input: 1_000, cache_read: 0, cache_write_5m: 0, ..large };
    // 1000 x 3 + 2000 x 6 + 100 x 15 = 16,500; in a batch 1000 x 1.5 + 2000 x 6 + 100 x 7.5 = 14,250; and $0.01 for a search.
    let small = Request { tokens: &small, ..call };
    assert_eq!(book.price(&small), Ok(16_500_000_000));
    assert_eq!(book.price(&Request { service_tier: Some("batch"), ..small }), Ok(14_250_000_000));
    assert_eq!(book.price(&Request { web_searches: 1, ..small }), Ok(26_500_000_000));
    assert_eq!(
        book.price(&Request { service_tier: Some("flex"), ..small }),
        Err(Unpriced::NoTier { tier: "flex".into() })
    );
    // By its provider's other name, by provider/model, and not of another provider.
    let input = tokens(1_000, 0);
    let price = |provider, model| book.price(&Request::new(provider, model, time, &input));
    assert_eq!(price("aws.bedrock", "nova-of-tests"), Ok(300_000_000));
    assert_eq!(price("acme", "in-house"), Ok(1_000_000_000));
    assert_eq!(price("openai", "sonnet-of-tests"), Err(Unpriced::UnknownModel { model: "sonnet-of-tests".into() }));
    // What the dated prices know is theirs: o3 is $2 and not the $7 of this file.
    assert_eq!(price("openai", "o3"), Ok(2_000_000_000));
}

#[test]
fn versions_tell_prices_apart() {
    let data = include_bytes!("../data/genai-prices-0.2.1.json");
    let bundled = PriceBook::bundled();
    assert_eq!(bundled.version(), "genai-prices 0.2.1");
    let own = |text: &str| PriceBook::bundled().with_own(text).unwrap().version();
    // The first four bytes of what sha256sum says.
    assert_eq!(own("[[price]]\nmodel = \"m\"\ninput = \"1\"\n"), "genai-prices 0.2.1 + own 5c36651d");
    assert_ne!(own("[[price]]\nmodel = \"m\"\ninput = \"1\"\n"), own("[[price]]\nmodel = \"m\"\ninput = \"2\"\n"));
    let given = PriceBook::from_genai_json(data).unwrap().with_litellm_json(LITELLM).unwrap().version();
    assert!(given.starts_with("genai ") && given.contains(" + litellm "), "{given}");
}

#[test]
fn another_version_of_the_data_takes_the_place_of_the_bundled_one() {
    let data = br#"[{"id": "acme", "name": "Acme", "api_pattern": "acme", "models": [
        {"id": "m", "match": {"starts_with": "m-"}, "prices": [{"prices": {"input_mtok": 3}},
         {"constraint": {"start_time": "22:00:00Z", "end_time": "04:00:00Z"}, "prices": {"input_mtok": 1.5}}]}]}]"#;
    assert_eq!(recognize(data).unwrap(), DataKind::Genai);
    let (book, input) = (PriceBook::from_genai_json(data).unwrap(), tokens(1_000_000, 0));
    let price = |provider, model, time: &str| book.price(&Request::new(provider, model, at(time), &input));
    for (time, pico) in [("21:59:59", 3), ("22:00:00", 1), ("03:59:59", 1), ("04:00:00", 3)] {
        let half = if pico == 1 { 500_000_000_000 } else { 0 };
        assert_eq!(price("acme", "m-1", &format!("2026-01-01T{time}Z")), Ok(pico * 1_000_000_000_000 + half), "{time}");
    }
    assert_eq!(
        price("openai", "o3", "2026-01-01T00:00:00Z"),
        Err(Unpriced::UnknownProvider { provider: "openai".into() })
    );
}

#[test]
fn files_that_are_no_prices_are_refused_in_one_sentence() {
    for text in [
        "",
        "  ",
        "<html>",
        "[",
        "{",
        "[1]",
        "{}",
        r#"{"m": 3}"#,
        r#"{"m": {"litellm_provider": "x"}}"#,
        r#"{"m": {"input_cost_per_token": -1}}"#,
        r#"[{"id": "a", "name": "A", "api_pattern": "a", "models": [{"id": "m", "match": {"equals": "m"}, "prices": {"input_mtok": "x"}}]}]"#,
    ] {
        let error = recognize(text.as_bytes()).unwrap_err().to_string();
        assert!(!error.contains('\n') && error.starts_with("this is "), "{text}: {error}");
    }
    assert_eq!(recognize(LITELLM).unwrap(), DataKind::LiteLlm);
    for (text, why) in [
        ("[[price]]\ninput = \"1\"", "model"),
        ("[[price]]\nmodel = \"m\"\ninput = 1.5", "line 3"),
        ("[[price]]\nmodel = \"m\"\ninptu = \"1\"", "inptu"),
        ("[[price]]\nmodel = \"m\"\ninput = \"$1\"", "such as \"0.30\""),
        ("[[price]]\nmodel = \"m\"\nfrom = \"yesterday\"", "2026-01-31"),
        ("[[price]]\nmodel = \"m\"\nfrom = \"2026-02-01\"\nuntil = \"2026-02-01\"", "not after"),
        ("[[price]]\nmodel = \"m\"\nabove = [{ input_tokens = 5, input = \"1\" }]", "none below"),
        ("[[price]]\nmodel = \"m\"\ngeo.us = \"much\"", "factor"),
        ("{\"price\": 3}", "price"),
        ("not = [ toml", "line 1"),
    ] {
        let error = PriceBook::bundled().with_own(text).unwrap_err();
        assert!(matches!(error, PriceError::NotOwn { .. }));
        let error = error.to_string();
        assert!(error.contains(why) && !error.contains('\n'), "{text}: {error}");
    }
}

#[test]
fn prices_are_quoted_as_text() {
    let none = Tokens::default();
    let quote =
        PriceBook::bundled().quote(&Request::new("openai", "gpt-5.5", at("2026-11-01T00:00:00Z"), &none)).unwrap();
    assert_eq!((quote.source, quote.provider.as_str(), quote.model.as_str()), ("genai-prices", "openai", "gpt-5.5"));
    let input = &quote.prices[0];
    assert_eq!((input.unit, input.rate.to_string().as_str()), ("input", "5.00"));
    assert_eq!((input.above[0].0, input.above[0].1.to_string().as_str()), (272_000, "10.00"));
    let search = quote.prices.iter().find(|price| price.unit == "web_search").unwrap();
    assert_eq!(search.rate.per_thousand_text(), "10.00");
}
