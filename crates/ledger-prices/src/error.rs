//! Why prices cannot be used.

use thiserror::Error;

/// Prices that cannot be read: what, and why, in one sentence.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PriceError {
    /// It is not the JSON of `genai-prices`.
    #[error("this is not the price data of genai-prices (a JSON array of providers): {why}")]
    NotGenai {
        /// What is wrong with it.
        why: String,
    },
    /// It is not the JSON of LiteLLM.
    #[error("this is not LiteLLM's price data (a JSON object of models with input_cost_per_token): {why}")]
    NotLiteLlm {
        /// What is wrong with it.
        why: String,
    },
    /// It is not a file of one's own prices.
    #[error("these are not prices of one's own ([[price]] tables in TOML, or {{\"price\": [...]}} in JSON): {why}")]
    NotOwn {
        /// What is wrong with it.
        why: String,
    },
    /// It is neither.
    #[error("this is neither the price data of genai-prices (a JSON array) nor LiteLLM's (a JSON object): {why}")]
    NotData {
        /// What is wrong with it.
        why: String,
    },
}
