//! What a call of a model costs, in whole pico-USD.
//!
//! Prices are decimal text until they are whole numbers of 10^-18 dollars; a call's cost is computed exactly from those and
//! rounded once, half to even. What is not known is [`Unpriced`], never 0. See `docs/adr/0013-prices.md`.
//!
//! ```
//! use ledger_core::Timestamp;
//! use ledger_events::Tokens;
//! use ledger_prices::{PriceBook, Request};
//!
//! let tokens = Tokens { input: 1_000, output: 100, ..Tokens::default() };
//! let before = Timestamp::parse("2025-06-09T12:00:00Z")?;
//! // $10 and $40 per million tokens: $0.01 + $0.004.
//! assert_eq!(PriceBook::bundled().price(&Request::new("openai", "o3", before, &tokens)), Ok(14_000_000_000));
//! # Ok::<(), ledger_core::Invalid>(())
//! ```

mod book;
mod decimal;
mod entry;
mod error;
mod genai;
mod genai_data;
mod litellm;
mod own;
mod rates;
mod request;

use ledger_core::Timestamp;
use sha2::{Digest as _, Sha256};

pub use book::{BUNDLED_DATE, PriceBook, Quote, UnitPrice};
pub use decimal::Rate;
pub use error::PriceError;
pub use request::{Request, Unpriced};

/// What a file of price data is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataKind {
    /// Of `genai-prices`.
    Genai,
    /// Of LiteLLM.
    LiteLlm,
}

/// Which data it is, after it was read all through.
///
/// # Errors
/// [`PriceError`] when it is neither, or damaged.
pub fn recognize(data: &[u8]) -> Result<DataKind, PriceError> {
    let first = data.iter().find(|byte| !byte.is_ascii_whitespace());
    match first {
        Some(b'[') => PriceBook::from_genai_json(data).map(|_| DataKind::Genai),
        Some(b'{') => litellm::LiteLlm::from_json(data).map(|_| DataKind::LiteLlm),
        Some(_) => Err(PriceError::NotData { why: "it is no JSON".into() }),
        None => Err(PriceError::NotData { why: "it is empty".into() }),
    }
}

/// The first moment of a date, UTC, or a time with its offset.
fn date(text: &str) -> Result<Timestamp, String> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    Timestamp::parse(&whole).map_err(|_| format!("{text:?} is no date such as 2026-01-31, and no time with its offset"))
}

/// Enough of SHA-256 to tell files apart.
fn short_hash(data: &[u8]) -> String {
    let digest = Sha256::digest(data);
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
