//! What one call cost.

use ledger_core::Invalid;
use serde::{Deserialize, Serialize};

use crate::open_enum::open_enum;

/// What one call cost, in whole millionths of a millionth of a US dollar: prices per million tokens stay exact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// The amount; never negative. Signed so that every backend can sum it in a 64-bit column.
    pub pico_usd: i64,
    /// Who said so.
    pub source: CostSource,
    /// Which prices were used, when the call was priced here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_version: Option<String>,
}

impl Cost {
    /// Checks that the amount is not negative.
    ///
    /// # Errors
    /// [`Invalid`] when it is.
    pub fn check(&self) -> Result<(), Invalid> {
        if self.pico_usd < 0 {
            return Err(Invalid::new("cost.pico_usd", format!("is {}; a call never costs less than 0", self.pico_usd)));
        }
        Ok(())
    }
}

open_enum! {
    /// Who said what a call cost.
    CostSource {
        /// The provider, or the agent that called it.
        Provider = "provider",
        /// Computed from tokens and a list of prices.
        Priced = "priced",
    }
}
