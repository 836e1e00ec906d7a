//! The bundled prices, against amounts that were computed by hand.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use ledger_core::Timestamp;
use ledger_events::{LlmCall, MAX_TOKENS, Tokens};
use ledger_prices::{PriceBook, Request, Unpriced};

const USUAL: &str = "2026-11-01T12:00:00Z";

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn price(provider: &str, model: &str, time: &str, tokens: Tokens) -> Result<i64, Unpriced> {
    PriceBook::bundled().price(&Request::new(provider, model, at(time), &tokens))
}

fn tokens(input: u64, output: u64) -> Tokens {
    Tokens { input, output, ..Tokens::default() }
}

#[test]
fn o3_costs_a_fifth_from_10_june_2025_on() {
    // 1000 x $10/M + 100 x $40/M = $0.014; 1000 x $2/M + 100 x $8/M = $0.0028.
    let (before, after) = (14_000_000_000, 2_800_000_000);
    assert_eq!(price("openai", "o3", "2025-06-09T23:59:59.999999Z", tokens(1_000, 100)), Ok(before));
    assert_eq!(price("openai", "o3", "2025-06-10T00:00:00Z", tokens(1_000, 100)), Ok(after));
    // The dated id, an hour later in Berlin, when it was still the 9th in UTC.
    assert_eq!(price("openai", "o3-2025-04-16", "2025-06-10T01:00:00+02:00", tokens(1_000, 100)), Ok(before));
}

#[test]
fn above_its_threshold_all_of_a_request_costs_more() {
    // gpt-5.5: $5 and $30, above 272,000 tokens of input $10 and $45.
    let large = Tokens { input: 100_000, cache_read: 200_000, output: 1_000, ..Tokens::default() };
    // 100k x $10/M + 200k x $1/M + 1k x $45/M = 1 + 0.2 + 0.045 = $1.245; flat it would be 0.5 + 0.1 + 0.03 = $0.63.
    assert_eq!(price("openai", "gpt-5.5", USUAL, large), Ok(1_245_000_000_000));
    // At the threshold it is not above: 272k x $5/M = $1.36. One more token: 272,001 x $10/M = $2.72001.
    assert_eq!(price("openai", "gpt-5.5", USUAL, tokens(272_000, 0)), Ok(1_360_000_000_000));
    assert_eq!(price("openai", "gpt-5.5", USUAL, tokens(272_001, 0)), Ok(2_720_010_000_000));
}

#[test]
fn long_context_of_claude_4_6_costs_more_only_until_13_march_2026() {
    let large = tokens(300_000, 10_000);
    for (model, before, after) in [
        // 300k x $10/M + 10k x $37.5/M = 3 + 0.375; 300k x $5/M + 10k x $25/M = 1.5 + 0.25.
        ("claude-opus-4-6", 3_375_000_000_000, 1_750_000_000_000),
        // 300k x $6/M + 10k x $22.5/M = 1.8 + 0.225; 300k x $3/M + 10k x $15/M = 0.9 + 0.15.
        ("claude-sonnet-4-6", 2_025_000_000_000, 1_050_000_000_000),
    ] {
        assert_eq!(price("anthropic", model, "2026-03-12T23:59:59Z", large), Ok(before), "{model}");
        assert_eq!(price("anthropic", model, "2026-03-13T00:00:00Z", large), Ok(after), "{model}");
    }
}

#[test]
fn an_hour_in_the_cache_costs_more_than_five_minutes() {
    let write = |model: &str, provider: &str, tokens: Tokens| price(provider, model, USUAL, tokens);
    let (minutes, hour) =
        (Tokens { cache_write_5m: 100_000, ..tokens(0, 0) }, Tokens { cache_write_1h: 100_000, ..tokens(0, 0) });
    // Sonnet 4.5: 100k x $3.75/M, 100k x $6/M.
    assert_eq!(write("claude-sonnet-4-5-20250929", "anthropic", minutes), Ok(375_000_000_000));
    assert_eq!(write("claude-sonnet-4-5-20250929", "anthropic", hour), Ok(600_000_000_000));
    // Of a length that is not known: as of five minutes.
    let unknown = Tokens { cache_write: 100_000, ..tokens(0, 0) };
    assert_eq!(write("claude-sonnet-4-5-20250929", "anthropic", unknown), Ok(375_000_000_000));
    // Where the data has no price for an hour: twice the input, as Anthropic says. Vertex, Opus 4.6: 100k x 2 x $5/M.
    assert_eq!(write("claude-opus-4-6", "google-vertex", hour), Ok(1_000_000_000_000));
    // Which is Anthropic's rule, and nobody else's.
    assert_eq!(write("gpt-5.5", "openai", hour), Err(Unpriced::NoRate { bucket: "cache_write_1h" }));
    // What is written in the long context of Sonnet 4.5 costs twice as much: 210k x $12/M.
    let long = Tokens { cache_write_1h: 210_000, ..tokens(0, 0) };
    assert_eq!(write("claude-sonnet-4-5", "anthropic", long), Ok(2_520_000_000_000));
}

#[test]
fn searches_of_the_web_are_paid_by_the_thousand() {
    let tokens = tokens(1_000, 0);
    let call = Request { web_searches: 3, ..Request::new("anthropic", "claude-sonnet-4-5", at(USUAL), &tokens) };
    // 3 x $10/1000 + 1000 x $3/M.
    assert_eq!(PriceBook::bundled().price(&call), Ok(33_000_000_000));
    let call = Request {
        web_searches: 1,
        ..Request::new("bedrock", "anthropic.claude-3-haiku-20240307-v1:0", at(USUAL), &tokens)
    };
    assert_eq!(PriceBook::bundled().price(&call), Err(Unpriced::NoRate { bucket: "web_searches" }));
}

#[test]
fn a_request_may_cost_something_by_itself() {
    // Perplexity's sonar: 1000 x $1/M + 100 x $1/M + $12/1000.
    assert_eq!(price("perplexity", "sonar", USUAL, tokens(1_000, 100)), Ok(13_100_000_000));
}

#[test]
fn ids_of_clouds_and_ids_with_dates_are_the_models_that_they_name() {
    let all = tokens(1_000_000, 0);
    for (provider, model, pico) in [
        ("anthropic", "claude-3-5-haiku-20241022", 800_000_000_000),
        ("anthropic", "CLAUDE-3-5-HAIKU-LATEST", 800_000_000_000),
        ("bedrock", "us.anthropic.claude-3-haiku-20240307-v1:0", 250_000_000_000),
        ("aws.bedrock", "anthropic.claude-3-haiku-20240307-v1:0", 250_000_000_000),
        ("gcp.vertex_ai", "claude-3-5-haiku@20241022", 800_000_000_000),
        ("azure", "o3", 2_000_000_000_000),
        ("", "claude-3-5-haiku-latest", 800_000_000_000),
        ("litellm", "anthropic/claude-3-5-haiku-latest", 800_000_000_000),
    ] {
        assert_eq!(price(provider, model, USUAL, all), Ok(pico), "{provider} {model}");
    }
}

#[test]
fn what_nobody_knows_is_never_0() {
    let some = tokens(1, 1);
    let unknown = Unpriced::UnknownModel { model: "claude-of-tomorrow".into() };
    assert_eq!(price("anthropic", "claude-of-tomorrow", USUAL, some), Err(unknown));
    assert_eq!(price("acme", "o3", USUAL, some), Err(Unpriced::UnknownProvider { provider: "acme".into() }));
    assert_eq!(price("openai", "", USUAL, some), Err(Unpriced::NoModel));
    let embedding = price("openai", "text-embedding-3-small", USUAL, tokens(1_000_000, 1));
    assert_eq!(embedding, Err(Unpriced::NoRate { bucket: "output" }));
    assert_eq!(price("openai", "text-embedding-3-small", USUAL, tokens(1_000_000, 0)), Ok(20_000_000_000));
}

#[test]
fn tiers_have_their_own_prices_from_when_they_are_known() {
    let million = tokens(1_000_000, 0);
    let call = |model: &'static str, provider: &'static str, time: &str, tier: &'static str| {
        PriceBook::bundled()
            .price(&Request { service_tier: Some(tier), ..Request::new(provider, model, at(time), &million) })
    };
    for (tier, pico) in [
        ("standard", 2_000_000_000_000),
        ("default", 2_000_000_000_000),
        ("flex", 1_000_000_000_000),
        ("priority", 3_500_000_000_000),
        ("batch", 1_000_000_000_000),
    ] {
        assert_eq!(call("o3", "openai", USUAL, tier), Ok(pico), "{tier}");
    }
    // Sonnet 4.6 in a batch: half of $3.
    assert_eq!(call("claude-sonnet-4-6", "anthropic", USUAL, "batch"), Ok(1_500_000_000_000));
    let no = |tier: &str| Err(Unpriced::NoTier { tier: tier.into() });
    assert_eq!(call("o3", "openai", "2026-10-11T23:59:59Z", "flex"), no("flex"), "not known before 12 October 2026");
    assert_eq!(call("claude-sonnet-4-6", "anthropic", USUAL, "priority"), no("priority"));
    assert_eq!(call("o3", "openai", USUAL, "scale"), no("scale"));
    assert_eq!(call("gpt-5.5", "azure", USUAL, "flex"), no("flex"), "a tier is of the provider that sells it");
}

#[test]
fn speeds_and_places_that_are_not_known_have_no_price() {
    let million = tokens(1_000_000, 0);
    let claude = Request::new("anthropic", "claude-opus-4-6", at(USUAL), &million);
    let book = PriceBook::bundled();
    assert_eq!(
        book.price(&Request { speed: Some("standard"), inference_geo: Some("global"), ..claude }),
        Ok(5_000_000_000_000)
    );
    let no_speed = book.price(&Request { speed: Some("fast"), ..claude });
    assert_eq!(no_speed, Err(Unpriced::NoSpeed { speed: "fast".into() }));
    assert_eq!(book.price(&Request { inference_geo: Some("us"), ..claude }), Err(Unpriced::NoGeo { geo: "us".into() }));
    // OpenAI sells speed as a tier: o3, $3.5/M.
    let o3 = Request { speed: Some("fast"), ..Request::new("openai", "o3", at(USUAL), &million) };
    assert_eq!(book.price(&o3), Ok(3_500_000_000_000));
}

#[test]
fn one_token_is_not_lost() {
    // gpt-4.1-nano: $0.10/M; 0.1 millionths of a dollar.
    assert_eq!(price("openai", "gpt-4.1-nano", USUAL, tokens(1, 0)), Ok(100_000));
}

#[test]
fn what_does_not_fit_is_said_and_nothing_panics() {
    // 2^53 x $5/M = $45,035,996,273.7: more than nine million dollars.
    assert_eq!(price("anthropic", "claude-opus-4-7", USUAL, tokens(MAX_TOKENS, 0)), Err(Unpriced::TooMuch));
    let all = Tokens {
        input: u64::MAX,
        cache_read: u64::MAX,
        cache_write_5m: u64::MAX,
        cache_write_1h: u64::MAX,
        cache_write: u64::MAX,
        output: u64::MAX,
        reasoning: Some(u64::MAX),
    };
    assert_eq!(price("anthropic", "claude-opus-4-7", USUAL, all), Err(Unpriced::TooMuch));
    // 2^63 - 1 is 9,223,372,036,854,775,807: at $10/M, or 10^7 pico-USD for each, 922,337,203,685 tokens fit.
    let most = tokens(922_337_203_685, 0);
    assert_eq!(price("openai", "o3", "2025-01-01T00:00:00Z", most), Ok(9_223_372_036_850_000_000));
    assert_eq!(price("openai", "o3", "2025-01-01T00:00:00Z", tokens(922_337_203_686, 0)), Err(Unpriced::TooMuch));
}

#[test]
fn a_call_of_the_log_is_priced_as_it_says() {
    let mut call = LlmCall::new("chat", "openai", at(USUAL));
    call.model = Some("o3".into());
    call.service_tier = Some("flex".into());
    call.tokens = tokens(1_000, 0);
    assert_eq!(PriceBook::bundled().price(&Request::from(&call)), Ok(1_000_000_000));
}

#[test]
fn names_of_providers_are_those_of_opentelemetry_too() {
    // grok-4: $3/M.
    assert_eq!(price("x_ai", "grok-4", USUAL, tokens(1_000_000, 0)), Ok(3_000_000_000_000));
    assert_eq!(
        price("x_ai", "grok-4", USUAL, tokens(1_000_000, 0)),
        price("x-ai", "grok-4", USUAL, tokens(1_000_000, 0))
    );
    // What OpenAI sells at half the price for `flex` is not what Azure sells.
    let (tokens, book) = (tokens(1_000_000, 0), PriceBook::bundled());
    let flex = |provider| {
        let request = Request { service_tier: Some("flex"), ..Request::new(provider, "o3", at(USUAL), &tokens) };
        book.price(&request)
    };
    assert_eq!(flex("openai"), Ok(1_000_000_000_000));
    assert_eq!(flex("azure.ai.openai"), Err(Unpriced::NoTier { tier: "flex".into() }));
    let auto = Request { service_tier: Some("auto"), ..Request::new("openai", "o3", at(USUAL), &tokens) };
    assert_eq!(book.price(&auto), Ok(2_000_000_000_000));
}

#[test]
fn a_request_that_used_nothing_costs_nothing() {
    assert_eq!(price("perplexity", "sonar", USUAL, Tokens::default()), Ok(0));
}
