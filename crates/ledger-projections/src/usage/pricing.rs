//! What calls cost of which no event says it.

use std::sync::Arc;

use ledger_events::{Cost, CostSource, LlmCall};
use ledger_prices::{PriceBook, Request};

/// What comes before the version of prices in the settings of tables.
const MARK: &str = ";prices=";

/// Prices, if there are any.
#[derive(Clone, Debug, Default)]
pub(super) struct Pricing {
    book: Option<(Arc<PriceBook>, String)>,
    /// The version that the tables were made with, when that is to be another one.
    made_with: Option<String>,
}

impl Pricing {
    pub(super) fn by(book: Arc<PriceBook>) -> Self {
        let version = book.version();
        Self { book: Some((book, version)), made_with: None }
    }

    pub(super) fn going_on_with(self, version: &str) -> Self {
        Self { made_with: Some(version.to_owned()), ..self }
    }

    /// What a call cost: what its event says, else its price.
    pub(super) fn cost(&self, said: &LlmCall) -> Option<Cost> {
        if said.cost.is_some() {
            return said.cost.clone();
        }
        let (book, version) = self.book.as_ref()?;
        let pico_usd = book.price(&Request::from(said)).ok()?;
        Some(Cost { pico_usd, source: CostSource::Priced, price_version: Some(version.clone()) })
    }

    /// What is added to the settings of the tables; nothing where nothing is priced.
    pub(super) fn settings(&self) -> String {
        let version = self.made_with.as_ref().or(self.book.as_ref().map(|(_, version)| version));
        version.map(|version| format!("{MARK}{version}")).unwrap_or_default()
    }
}

/// The version of prices in the settings of tables.
pub(super) fn version_in(settings: &str) -> Option<&str> {
    settings.split_once(MARK).map(|(_, version)| version)
}

/// The rest of the settings.
pub(super) fn without_version(settings: &str) -> &str {
    settings.split_once(MARK).map_or(settings, |(rest, _)| rest)
}
