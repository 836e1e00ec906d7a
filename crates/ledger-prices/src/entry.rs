//! What an entry of a table of prices says: usual rates, and those of tiers, speeds and places.

use std::collections::BTreeMap;

use crate::rates::{ONE, Rates};
use crate::{Request, Unpriced};

/// The rates of one model, for as long as they do not change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) rates: Rates,
    /// What they do not say is as usual.
    pub(crate) tiers: BTreeMap<String, Rates>,
    pub(crate) speeds: BTreeMap<String, Rates>,
    /// What tokens cost there, in millionths of what they cost usually.
    pub(crate) geos: BTreeMap<String, u128>,
}

impl Entry {
    pub(crate) fn price(&self, request: &Request<'_>) -> Result<i64, Unpriced> {
        let factor = match request.geo() {
            None => ONE,
            Some(geo) => *self.geos.get(geo).ok_or_else(|| Unpriced::NoGeo { geo: geo.into() })?,
        };
        self.rates(request)?.cost(request, factor)
    }

    pub(crate) fn rates(&self, request: &Request<'_>) -> Result<Rates, Unpriced> {
        let mut rates = Rates::default();
        if let Some(speed) = request.speed() {
            let special = self.speeds.get(speed).ok_or_else(|| Unpriced::NoSpeed { speed: speed.into() })?;
            rates = rates.or(special);
        }
        if let Some(tier) = request.tier() {
            let special = self.tiers.get(tier).ok_or_else(|| Unpriced::NoTier { tier: tier.into() })?;
            rates = rates.or(special);
        }
        Ok(rates.or(&self.rates))
    }
}
