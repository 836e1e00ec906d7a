//! What the units of one call cost, and the one place where that is rounded.

use ledger_events::Tokens;

use crate::decimal::{Rate, half_even};
use crate::{Request, Unpriced};

/// A factor of one, in millionths.
pub(crate) const ONE: u128 = 1_000_000;

/// What a unit costs: by how much input the whole request has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tiered {
    pub(crate) base: Rate,
    /// Above so many tokens of input, all units of the request cost this; the least threshold first.
    pub(crate) above: Vec<(u64, Rate)>,
}

impl Tiered {
    pub(crate) const fn flat(base: Rate) -> Self {
        Self { base, above: Vec::new() }
    }

    pub(crate) fn new(base: Rate, mut above: Vec<(u64, Rate)>) -> Self {
        above.sort_unstable();
        Self { base, above }
    }

    fn of(&self, input_total: u64) -> Rate {
        let reached = self.above.iter().rev().find(|(threshold, _)| input_total > *threshold);
        reached.map_or(self.base, |(_, rate)| *rate)
    }

    fn times(&self, factor: u128) -> Self {
        let above = self.above.iter().map(|(threshold, rate)| (*threshold, rate.times(factor)));
        Self { base: self.base.times(factor), above: above.collect() }
    }
}

/// What each kind of unit costs; `None` where that is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rates {
    pub(crate) input: Option<Tiered>,
    pub(crate) cache_read: Option<Tiered>,
    pub(crate) cache_write_5m: Option<Tiered>,
    pub(crate) cache_write_1h: Option<Tiered>,
    pub(crate) output: Option<Tiered>,
    /// Of the part of the output that is reasoning, where it costs something else.
    pub(crate) reasoning: Option<Tiered>,
    /// Of each request; where there is none, it costs nothing.
    pub(crate) request: Option<Tiered>,
    pub(crate) web_search: Option<Tiered>,
}

impl Rates {
    /// These, and where they do not say anything, those.
    pub(crate) fn or(self, those: &Self) -> Self {
        let Self { input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, request, web_search } = self;
        Self {
            input: input.or_else(|| those.input.clone()),
            cache_read: cache_read.or_else(|| those.cache_read.clone()),
            cache_write_5m: cache_write_5m.or_else(|| those.cache_write_5m.clone()),
            cache_write_1h: cache_write_1h.or_else(|| those.cache_write_1h.clone()),
            output: output.or_else(|| those.output.clone()),
            reasoning: reasoning.or_else(|| those.reasoning.clone()),
            request: request.or_else(|| those.request.clone()),
            web_search: web_search.or_else(|| those.web_search.clone()),
        }
    }

    /// An hour in the cache costs twice the input, which is Anthropic's public rule, where nothing else is said.
    pub(crate) fn with_an_hour_at_twice_the_input(mut self) -> Self {
        self.cache_write_1h = self.cache_write_1h.or_else(|| self.input.as_ref().map(|input| input.times(2)));
        self
    }

    /// What a call costs in pico-USD; `token_factor`, in millionths, multiplies what its tokens cost.
    pub(crate) fn cost(&self, request: &Request<'_>, token_factor: u128) -> Result<i64, Unpriced> {
        let Tokens { input, cache_read, cache_write_5m, cache_write_1h, cache_write, output, reasoning } =
            *request.tokens;
        let input_total = request.tokens.input_total();
        // How much of the output is reasoning only matters where it costs something else.
        let reasoning = if self.reasoning.is_some() { reasoning.unwrap_or_default().min(output) } else { 0 };
        let sum = |parts: &[(&'static str, u64, &Option<Tiered>)]| -> Result<u128, Unpriced> {
            let mut sum: u128 = 0;
            for (bucket, units, rate) in parts.iter().filter(|(_, units, _)| *units > 0) {
                let rate = rate.as_ref().ok_or(Unpriced::NoRate { bucket })?.of(input_total);
                let cost = rate.0.checked_mul(u128::from(*units)).ok_or(Unpriced::TooMuch)?;
                sum = sum.checked_add(cost).ok_or(Unpriced::TooMuch)?;
            }
            Ok(sum)
        };
        let tokens = sum(&[
            ("input", input, &self.input),
            ("cache_read", cache_read, &self.cache_read),
            // How long it was to be kept is not known: the shorter time is what providers do unless told otherwise.
            ("cache_write_5m", cache_write_5m.saturating_add(cache_write), &self.cache_write_5m),
            ("cache_write_1h", cache_write_1h, &self.cache_write_1h),
            ("output", output - reasoning, &self.output),
            ("reasoning", reasoning, &self.reasoning),
        ])?;
        // A request that failed before it used anything is not paid for.
        let is_paid = self.request.is_some() && (request.tokens.total() > 0 || request.web_searches > 0);
        let others = sum(&[
            ("web_searches", request.web_searches, &self.web_search),
            ("request", u64::from(is_paid), &self.request),
        ])?;
        let tokens = tokens.checked_mul(token_factor).ok_or(Unpriced::TooMuch)?;
        let all = others.checked_mul(ONE).and_then(|others| others.checked_add(tokens)).ok_or(Unpriced::TooMuch)?;
        // From 10^-18 dollars, per million units, times millionths, to 10^-12 dollars: rounded once, here.
        i64::try_from(half_even(all, 1_000_000 * ONE * ONE)).map_err(|_| Unpriced::TooMuch)
    }
}
