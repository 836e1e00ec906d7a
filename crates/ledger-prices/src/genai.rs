//! The data of `genai-prices`: its rates as decimal text; which of them a call has, as that crate chooses.
//!
//! Names are matched by the crate's own [`Calculator`], over the same data. Its amounts are `f64` and are used by nobody but
//! the test that compares them with ours.

use std::collections::HashMap;

use genai_prices::{Calculator, PriceRequest, Usage};
use parking_lot::Mutex;

use crate::genai_data::{self, Model};
use crate::rates::{ONE, Rates};
use crate::{Request, Unpriced};

/// How many names are remembered; more than a ledger has.
const REMEMBERED: usize = 10_000;

/// Prices by provider and model.
pub(crate) struct Genai {
    calculator: Calculator,
    providers: HashMap<String, Provider>,
    /// What was found for a provider and a model, since looking is slow.
    found: Mutex<HashMap<String, HashMap<String, Option<Found>>>>,
}

struct Provider {
    /// Providers whose models it serves too.
    fallbacks: Vec<String>,
    models: HashMap<String, Model>,
}

/// Whose model it is, and under which id.
#[derive(Clone)]
struct Found {
    selected: String,
    owner: String,
    model: String,
}

/// What the data calls a provider that has another name in OpenTelemetry's conventions. The crate finds some of these by
/// parts of the name, and then takes what Azure sells for what OpenAI sells.
fn known_as(provider: &str) -> &str {
    match provider {
        "azure.ai.openai" | "azure.ai.inference" | "az.ai.openai" | "az.ai.inference" => "azure",
        "x_ai" => "x-ai",
        "mistral_ai" => "mistral",
        other => other,
    }
}

impl Genai {
    pub(crate) fn from_json(data: &[u8]) -> Result<Self, String> {
        let calculator = Calculator::from_json(data).map_err(|error| error.to_string())?;
        let mut providers = HashMap::new();
        for (id, fallbacks, models) in genai_data::providers(data)? {
            let models = models.into_iter().map(|model| (model.id.clone(), model)).collect();
            providers.insert(id, Provider { fallbacks, models });
        }
        Ok(Self { calculator, providers, found: Mutex::default() })
    }

    /// What a call costs.
    pub(crate) fn price(&self, request: &Request<'_>) -> Result<i64, Unpriced> {
        self.rates(request)?.cost(request, ONE)
    }

    /// The rates of a call: of its model, at its time, with its tier.
    pub(crate) fn rates(&self, request: &Request<'_>) -> Result<Rates, Unpriced> {
        let found = self.find(request)?;
        let unknown = || Unpriced::UnknownModel { model: request.model.into() };
        let owner = self.providers.get(&found.owner).ok_or_else(unknown)?;
        let model = owner.models.get(&found.model).ok_or_else(unknown)?;
        if let Some(geo) = request.geo() {
            return Err(Unpriced::NoGeo { geo: geo.into() });
        }
        // Tiers are of the provider that sells them.
        let sells_tiers = found.owner == found.selected;
        let rates = model.rates(request, sells_tiers)?;
        Ok(if found.model.contains("claude") { rates.with_an_hour_at_twice_the_input() } else { rates })
    }

    /// The provider and the model that a call's names stand for.
    pub(crate) fn names(&self, request: &Request<'_>) -> Result<(String, String), Unpriced> {
        self.find(request).map(|found| (found.selected, found.model))
    }

    /// The id of the provider that a name stands for.
    pub(crate) fn provider(&self, name: &str) -> Option<&str> {
        self.calculator.find_provider(Some(known_as(name)), None).ok().flatten().map(|provider| provider.id())
    }

    /// All ids, in the order of the alphabet.
    pub(crate) fn all(&self) -> Vec<(&str, &str)> {
        let each = self
            .providers
            .iter()
            .flat_map(|(id, provider)| provider.models.keys().map(move |model| (id.as_str(), model.as_str())));
        let mut all: Vec<_> = each.collect();
        all.sort_unstable();
        all
    }

    fn find(&self, request: &Request<'_>) -> Result<Found, Unpriced> {
        let Request { provider, model, .. } = *request;
        if model.is_empty() {
            return Err(Unpriced::NoModel);
        }
        let unknown = || match self.provider(provider) {
            None if !provider.is_empty() => Unpriced::UnknownProvider { provider: provider.into() },
            _ => Unpriced::UnknownModel { model: model.into() },
        };
        let known = self.found.lock().get(provider).and_then(|models| models.get(model)).cloned();
        if let Some(known) = known {
            return known.ok_or_else(unknown);
        }
        let found = self.look(provider, model);
        let mut memory = self.found.lock();
        if memory.values().map(HashMap::len).sum::<usize>() >= REMEMBERED {
            memory.clear();
        }
        memory.entry(provider.into()).or_default().insert(model.into(), found.clone());
        drop(memory);
        found.ok_or_else(unknown)
    }

    /// Asks the crate, which names the provider that sells the model; whose it is then is found as the crate does.
    fn look(&self, provider: &str, model: &str) -> Option<Found> {
        let usage = Usage::new();
        let mut asked = PriceRequest::new(model, &usage).with_timestamp(std::time::UNIX_EPOCH);
        if !provider.is_empty() {
            asked = asked.with_provider_id(known_as(provider));
        }
        let answer = self.calculator.calculate(&asked).ok()?;
        let selected = self.providers.get(&answer.provider_id)?;
        let owners = [&answer.provider_id].into_iter().chain(&selected.fallbacks);
        let has =
            |owner: &&String| self.providers.get(*owner).is_some_and(|all| all.models.contains_key(&answer.model_id));
        let owner = owners.into_iter().find(has)?.clone();
        Some(Found { selected: answer.provider_id, owner, model: answer.model_id })
    }
}
