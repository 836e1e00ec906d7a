//! A row of [`CALLS`].

use ledger_core::{Event, Timestamp};
use ledger_events::{LlmCall, Observation as _, Tokens, is_code};

use super::amount::{self, TooMuch, micros};
use super::pricing::Pricing;
use crate::name::name;
use crate::store::Cell;

/// A call as it stands in its table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub(super) key: String,
    pub(super) event_id: String,
    pub(super) revision: i64,
    pub(super) tenant: String,
    pub(super) operation: String,
    pub(super) call_id: Option<String>,
    pub(super) session_id: Option<String>,
    pub(super) turn_id: Option<String>,
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) workspace: String,
    pub(super) started_at: i64,
    pub(super) invoked_at: i64,
    pub(super) leads: bool,
    pub(super) status: String,
    error_class: Option<String>,
    http_status: Option<i64>,
    attempt: Option<i64>,
    pub(super) duration_us: Option<i64>,
    ttft_us: Option<i64>,
    /// `input`, `cache_read`, `cache_write_5m`, `cache_write_1h`, `cache_write`, `output`.
    pub(super) tokens: [i64; 6],
    pub(super) reasoning: Option<i64>,
    pub(super) input_total: i64,
    pub(super) pico_usd: Option<i64>,
    cost_source: Option<String>,
    price_version: Option<String>,
    service_tier: Option<String>,
    speed: Option<String>,
    inference_geo: Option<String>,
    web_searches: Option<i64>,
}

/// What an event says of a call: the call, and the keys of what does not count because of it.
pub(super) struct Observed {
    pub(super) call: Call,
    pub(super) replaces: Vec<String>,
}

impl Call {
    pub(super) fn observe(event: &Event, said: LlmCall, pricing: &Pricing) -> Result<Observed, TooMuch> {
        let cost = pricing.cost(&said);
        let replaces = said.replaces_keys().iter().cloned().map(name).collect();
        let key = said.key().map_or_else(|| name(event.id.as_str()), |key| name(key.into_owned()));
        let LlmCall {
            call_key: _,
            replaces_keys: _,
            tenant_id,
            operation,
            call_id,
            session_id,
            turn_id,
            provider,
            model,
            started_at,
            duration_ms,
            ttft_ms,
            tokens,
            cost: _,
            status,
            error_class,
            http_status,
            attempt,
            service_tier,
            speed,
            inference_geo,
            web_searches,
            source: _,
            revision,
        } = said;
        let some_name = |text: Option<String>| text.map(name);
        let input_total = amount::tokens(tokens.input_total())?;
        let Tokens { input, cache_read, cache_write_5m, cache_write_1h, cache_write, output, reasoning } = tokens;
        let counts = [input, cache_read, cache_write_5m, cache_write_1h, cache_write, output];
        let mut tokens = [0; 6];
        for (token, count) in tokens.iter_mut().zip(counts) {
            *token = amount::tokens(count)?;
        }
        let (pico_usd, source, price_version) = match cost {
            Some(cost) if cost.pico_usd < 0 => return Err(TooMuch),
            Some(cost) => (Some(cost.pico_usd), Some(cost.source), cost.price_version),
            None => (None, None, None),
        };
        let call = Self {
            key,
            event_id: event.id.to_string(),
            revision: amount::revision(revision),
            tenant: name(tenant_id),
            operation: name(operation),
            call_id: some_name(call_id),
            session_id: some_name(session_id),
            turn_id: some_name(turn_id),
            provider: name(provider),
            model: name(model.unwrap_or_default()),
            workspace: String::new(),
            started_at: started_at.as_micros(),
            invoked_at: started_at.as_micros(),
            leads: true,
            status: name(status.as_str()),
            error_class: some_name(error_class),
            http_status: http_status.map(i64::from),
            attempt: attempt.map(i64::from),
            duration_us: duration_ms.map(micros).transpose()?,
            ttft_us: ttft_ms.map(micros).transpose()?,
            tokens,
            reasoning: reasoning.map(amount::tokens).transpose()?,
            input_total,
            pico_usd,
            cost_source: source.map(|source| name(source.as_str())),
            price_version: some_name(price_version),
            service_tier: service_tier.filter(|code| is_code(code)),
            speed: speed.filter(|code| is_code(code)),
            inference_geo: inference_geo.filter(|code| is_code(code)),
            web_searches: web_searches.map(amount::tokens).transpose()?,
        };
        Ok(Observed { call, replaces })
    }

    /// Whether it counts instead of `other`, another observation of the same call.
    pub(super) fn is_better_than(&self, other: &Self) -> bool {
        amount::is_better((self.revision, &self.event_id), (other.revision, &other.event_id))
    }

    pub(super) fn is_of_before(&self, time: Timestamp) -> bool {
        self.started_at < time.as_micros()
    }

    /// The invocation that it is a call of, unless it is one by itself.
    pub(super) fn invocation(&self) -> Option<[&str; 3]> {
        self.call_id.as_deref().map(|call_id| [self.tenant.as_str(), self.operation.as_str(), call_id])
    }

    pub(super) fn cells(self) -> Vec<Cell> {
        let [input, cache_read, cache_write_5m, cache_write_1h, cache_write, output] = self.tokens;
        vec![
            self.key.into(),
            self.event_id.into(),
            self.revision.into(),
            self.tenant.into(),
            self.operation.into(),
            self.call_id.into(),
            self.session_id.into(),
            self.turn_id.into(),
            self.provider.into(),
            self.model.into(),
            self.workspace.into(),
            self.started_at.into(),
            self.invoked_at.into(),
            self.leads.into(),
            self.status.into(),
            self.error_class.into(),
            self.http_status.into(),
            self.attempt.into(),
            self.duration_us.into(),
            self.ttft_us.into(),
            input.into(),
            cache_read.into(),
            cache_write_5m.into(),
            cache_write_1h.into(),
            cache_write.into(),
            output.into(),
            self.reasoning.into(),
            self.input_total.into(),
            self.pico_usd.into(),
            self.cost_source.into(),
            self.price_version.into(),
            self.service_tier.into(),
            self.speed.into(),
            self.inference_geo.into(),
            self.web_searches.into(),
        ]
    }

    pub(super) fn from_cells(cells: Vec<Cell>) -> Self {
        let mut cells = cells.into_iter();
        let mut next = || cells.next().unwrap_or(Cell::NoInt);
        Self {
            key: next().text(),
            event_id: next().text(),
            revision: next().int(),
            tenant: next().text(),
            operation: next().text(),
            call_id: next().maybe_text(),
            session_id: next().maybe_text(),
            turn_id: next().maybe_text(),
            provider: next().text(),
            model: next().text(),
            workspace: next().text(),
            started_at: next().int(),
            invoked_at: next().int(),
            leads: next().int() != 0,
            status: next().text(),
            error_class: next().maybe_text(),
            http_status: next().maybe_int(),
            attempt: next().maybe_int(),
            duration_us: next().maybe_int(),
            ttft_us: next().maybe_int(),
            tokens: std::array::from_fn(|_| next().int()),
            reasoning: next().maybe_int(),
            input_total: next().int(),
            pico_usd: next().maybe_int(),
            cost_source: next().maybe_text(),
            price_version: next().maybe_text(),
            service_tier: next().maybe_text(),
            speed: next().maybe_text(),
            inference_geo: next().maybe_text(),
            web_searches: next().maybe_int(),
        }
    }
}
