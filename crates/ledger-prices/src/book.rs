//! The prices that a program uses, from up to three places.

use std::sync::{Arc, LazyLock};

use crate::genai::Genai;
use crate::litellm::LiteLlm;
use crate::own::Own;
use crate::rates::Rates;
use crate::{PriceError, Rate, Request, Unpriced, short_hash};

/// What comes with the program; see `data/`.
const BUNDLED: &[u8] = include_bytes!("../data/genai-prices-0.2.1.json");

/// What it is, and when it was published.
const BUNDLED_VERSION: &str = "genai-prices 0.2.1";

/// The day on which the bundled prices were published.
pub const BUNDLED_DATE: &str = "2026-10-30";

/// Reading it takes tens of milliseconds, and not everybody prices.
static READ: LazyLock<Result<Genai, String>> = LazyLock::new(|| Genai::from_json(BUNDLED));

/// Prices of models. A user's own come first, for exactly the models that they name; then those of `genai-prices`, which are
/// dated; then, for models that those do not know, LiteLLM's.
#[derive(Clone)]
pub struct PriceBook {
    genai: Base,
    litellm: Option<(Arc<LiteLlm>, String)>,
    own: Option<Arc<Own>>,
}

#[derive(Clone)]
enum Base {
    Bundled,
    Given(Arc<Genai>, String),
}

impl PriceBook {
    /// The prices that come with the program. They are read when something is priced for the first time.
    #[must_use]
    pub const fn bundled() -> Self {
        Self { genai: Base::Bundled, litellm: None, own: None }
    }

    /// In place of the bundled ones, those of another version of the data of `genai-prices`, format v2.
    ///
    /// # Errors
    /// [`PriceError::NotGenai`] when it is something else.
    pub fn from_genai_json(data: &[u8]) -> Result<Self, PriceError> {
        let genai = Genai::from_json(data).map_err(|why| PriceError::NotGenai { why })?;
        Ok(Self { genai: Base::Given(Arc::new(genai), short_hash(data)), litellm: None, own: None })
    }

    /// Takes LiteLLM's `model_prices_and_context_window.json` for models that the others do not know: it is only of today,
    /// and what a call of last year cost is not in it.
    ///
    /// # Errors
    /// [`PriceError::NotLiteLlm`] when it is something else.
    pub fn with_litellm_json(self, data: &[u8]) -> Result<Self, PriceError> {
        Ok(Self { litellm: Some((Arc::new(LiteLlm::from_json(data)?), short_hash(data))), ..self })
    }

    /// Puts a user's own prices over the others: TOML, or JSON of the same shape, as `docs/prices.md` describes it.
    ///
    /// # Errors
    /// [`PriceError::NotOwn`], with the line, when it is something else.
    pub fn with_own(self, text: &str) -> Result<Self, PriceError> {
        Ok(Self { own: Some(Arc::new(Own::parse(text)?)), ..self })
    }

    /// Which prices these are, in few words; equal ones have equal versions, and other ones others.
    #[must_use]
    pub fn version(&self) -> String {
        let mut version = match &self.genai {
            Base::Bundled => BUNDLED_VERSION.to_owned(),
            Base::Given(_, hash) => format!("genai {hash}"),
        };
        if let Some((_, hash)) = &self.litellm {
            version.push_str(&format!(" + litellm {hash}"));
        }
        if let Some(own) = &self.own {
            version.push_str(&format!(" + own {}", own.hash));
        }
        version
    }

    /// What a call cost, in whole pico-USD (10^-12 dollars): computed exactly, then rounded once, to the nearest, of two to
    /// the even one.
    ///
    /// # Errors
    /// [`Unpriced`] says why that is not known.
    pub fn price(&self, request: &Request<'_>) -> Result<i64, Unpriced> {
        if request.model.is_empty() {
            return Err(Unpriced::NoModel);
        }
        if let Some(entry) = self.own.as_ref().and_then(|own| own.find(request)) {
            return entry.price(request);
        }
        let genai = self.genai()?;
        match (genai.price(request), &self.litellm) {
            (Err(unknown @ (Unpriced::UnknownProvider { .. } | Unpriced::UnknownModel { .. })), Some((litellm, _))) => {
                litellm.find(request, |name| genai.provider(name)).ok_or(unknown)?.price(request)
            }
            (priced, _) => priced,
        }
    }

    /// What a call is priced by, without its tokens.
    ///
    /// # Errors
    /// As [`price`](Self::price).
    pub fn quote(&self, request: &Request<'_>) -> Result<Quote, Unpriced> {
        let own = |source, rates: &Rates| Quote::new(source, request.provider, request.model, rates);
        if let Some(entry) = self.own.as_ref().and_then(|prices| prices.find(request)) {
            return Ok(own("own", &entry.rates(request)?));
        }
        let genai = self.genai()?;
        match (genai.rates(request), &self.litellm) {
            (Ok(rates), _) => {
                let (provider, model) = genai.names(request)?;
                Ok(Quote::new("genai-prices", &provider, &model, &rates))
            }
            (Err(unknown @ (Unpriced::UnknownProvider { .. } | Unpriced::UnknownModel { .. })), Some((litellm, _))) => {
                let entry = litellm.find(request, |name| genai.provider(name)).ok_or(unknown)?;
                Ok(own("litellm", &entry.rates(request)?))
            }
            (Err(error), _) => Err(error),
        }
    }

    /// All that there are prices of: provider and model, each once, in the order of the alphabet.
    ///
    /// # Errors
    /// [`Unpriced::NoPrices`].
    pub fn all(&self) -> Result<Vec<(String, String)>, Unpriced> {
        let genai = self.genai()?;
        let owned = |(provider, model): (&str, &str)| (provider.to_owned(), model.to_owned());
        let mut all: Vec<_> = genai.all().into_iter().map(owned).collect();
        all.extend(self.own.iter().flat_map(|own| own.all()).map(owned));
        all.extend(self.litellm.iter().flat_map(|(litellm, _)| litellm.all()).map(owned));
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }

    fn genai(&self) -> Result<&Genai, Unpriced> {
        match &self.genai {
            Base::Given(genai, _) => Ok(genai),
            Base::Bundled => READ.as_ref().map_err(|_| Unpriced::NoPrices),
        }
    }
}

impl std::fmt::Debug for PriceBook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PriceBook").field(&self.version()).finish()
    }
}

/// What the units of a model cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Whose prices these are: `own`, `genai-prices`, `litellm`.
    pub source: &'static str,
    /// The provider, by its id in these prices.
    pub provider: String,
    /// The model, by its id in these prices.
    pub model: String,
    /// Each kind of unit that has a price, in a fixed order.
    pub prices: Vec<UnitPrice>,
}

/// What one kind of unit costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitPrice {
    /// `input`, `cache_read`, `cache_write_5m`, `cache_write_1h`, `output`, `reasoning`, `request`, `web_search`.
    pub unit: &'static str,
    /// The price.
    pub rate: Rate,
    /// The price of all units of a request with more than so many tokens of input.
    pub above: Vec<(u64, Rate)>,
}

impl Quote {
    fn new(source: &'static str, provider: &str, model: &str, rates: &Rates) -> Self {
        let Rates { input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, request, web_search } = rates;
        let all = [
            ("input", input),
            ("cache_read", cache_read),
            ("cache_write_5m", cache_write_5m),
            ("cache_write_1h", cache_write_1h),
            ("output", output),
            ("reasoning", reasoning),
            ("request", request),
            ("web_search", web_search),
        ];
        let prices = all.into_iter().filter_map(|(unit, rate)| {
            let rate = rate.as_ref()?;
            Some(UnitPrice { unit, rate: rate.base, above: rate.above.clone() })
        });
        Self { source, provider: provider.into(), model: model.into(), prices: prices.collect() }
    }
}
