//! What lines say, put together: of each fact, what the best observations of it say.

use std::collections::{BTreeMap, BTreeSet};

use ledger_core::Timestamp;
use ledger_events::{EventPayload, LlmCall, Observation, ToolCompleted};
use serde::{Deserialize, Serialize};

use crate::format::{Fate, Link};

/// Bits of the revision of an observation, from the highest of the 53 that are exact in JSON: 8 of the edition, 33 of
/// tokens, and these of whatever else is known.
const DETAIL_BITS: u32 = 12;
const EDITION_BITS: u32 = 8;
const EDITION_SHIFT: u32 = 53 - EDITION_BITS;
const MAX_DETAIL: u64 = (1 << DETAIL_BITS) - 1;
const MAX_TOKENS: u64 = (1 << (EDITION_SHIFT - DETAIL_BITS)) - 1;

/// All facts.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(super) calls: Best,
    pub(super) tools: Best,
}

/// Of each key, the observations with the highest revision.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Best {
    known: BTreeMap<String, Known>,
    /// The keys that were observed since these were last read from where they are kept. All else was said when it was.
    #[serde(skip)]
    touched: BTreeSet<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Known {
    revision: u64,
    said: BTreeSet<Said>,
}

/// What an observation says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Said {
    /// As JSON, which is what the ledger takes.
    pub(super) payload: String,
    pub(super) ended_at: Timestamp,
    /// Whether cached tokens were told beside the input.
    pub(super) exclusive: bool,
}

/// An observation of a fact.
pub(super) struct Observed<P> {
    payload: P,
    ended_at: Timestamp,
    exclusive: bool,
}

impl<P: EventPayload> Observed<P> {
    /// # Errors
    /// When no ledger takes it.
    pub(super) fn new(payload: P, ended_at: Timestamp, exclusive: bool) -> Result<Self, String> {
        payload.check().map_err(|_| "says what cannot be, such as an error of a call that went well".to_owned())?;
        Ok(Self { payload, ended_at, exclusive })
    }
}

/// A fact that is observed more or less completely.
pub(super) trait Revised: Observation {
    /// Says how much the observation knows, by a mapping of some edition.
    fn revise(&mut self, edition: u8);
}

impl Revised for LlmCall {
    fn revise(&mut self, edition: u8) {
        let known = [
            self.session_id.is_some(),
            self.turn_id.is_some(),
            self.model.is_some(),
            self.duration_ms.is_some(),
            self.ttft_ms.is_some(),
            self.cost.is_some(),
            self.error_class.is_some(),
            self.http_status.is_some(),
            self.service_tier.is_some(),
            self.web_searches.is_some(),
        ];
        let detail: u64 = known.into_iter().map(u64::from).sum();
        self.revision = Some(revision(edition, self.tokens.total(), detail));
    }
}

impl Revised for ToolCompleted {
    fn revise(&mut self, edition: u8) {
        let known = [self.turn_id.is_some(), self.duration_ms.is_some(), self.error_class.is_some()];
        self.revision = Some(revision(edition, 0, known.into_iter().map(u64::from).sum()));
    }
}

fn revision(edition: u8, tokens: u64, detail: u64) -> u64 {
    (u64::from(edition) << EDITION_SHIFT) + (tokens.min(MAX_TOKENS) << DETAIL_BITS) + detail.min(MAX_DETAIL)
}

impl Best {
    /// Adds an observation by a mapping of some edition, and says what became of its line.
    pub(super) fn add<P: Revised>(&mut self, edition: u8, observed: Observed<P>) -> Fate {
        let Observed { mut payload, ended_at, exclusive } = observed;
        payload.revise(edition);
        let (Some(key), Ok(json)) = (payload.key(), serde_json::to_string(&payload)) else { return Fate::Other };
        let revision = payload.revision().unwrap_or(0);
        let said = BTreeSet::from([Said { payload: json, ended_at, exclusive }]);
        let fate = match self.known.get(key.as_ref()) {
            None => Fate::Call,
            Some(known) if revision > known.revision => Fate::Larger,
            Some(_) => Fate::Repeat,
        };
        if self.known.get(key.as_ref()).is_none_or(|known| revision >= known.revision) {
            self.touched.insert(key.clone().into_owned());
        }
        self.known.entry(key.into_owned()).or_default().add(Known { revision, said });
        fate
    }

    fn absorb(&mut self, other: Self) {
        let Self { known, touched } = other;
        self.touched.extend(touched);
        for (key, known) in known {
            self.known.entry(key).or_default().add(known);
        }
    }

    /// Each key of which there may be something new to say, with what is said of it. Several observations may know as much;
    /// which one counts is for all who read them to say, so all are told.
    pub(super) fn touched(&self) -> impl Iterator<Item = (&str, &Said)> {
        let touched = self.touched.iter().filter_map(|key| self.known.get_key_value(key));
        touched.flat_map(|(key, known)| known.said.iter().map(move |said| (key.as_str(), said)))
    }
}

impl Known {
    fn add(&mut self, other: Self) {
        if other.revision > self.revision || self.said.is_empty() {
            *self = other;
        } else if other.revision == self.revision {
            self.said.extend(other.said);
        }
    }
}

impl Facts {
    /// The keys: whatever files have one in common belong together.
    pub(super) fn links(&self) -> Vec<Link> {
        let (calls, tools) = (self.calls.known.keys(), self.tools.known.keys());
        calls
            .map(|key| Link::of(&format!("call {key}")))
            .chain(tools.map(|key| Link::of(&format!("tool {key}"))))
            .collect()
    }

    pub(super) fn absorb(&mut self, other: Self) {
        let Self { calls, tools } = other;
        self.calls.absorb(calls);
        self.tools.absorb(tools);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edition_counts_before_tokens_and_tokens_before_whatever_else_is_known() {
        assert!(revision(1, 0, 0) > revision(0, u64::MAX, u64::MAX));
        assert!(revision(0, 2, 0) > revision(0, 1, u64::MAX));
        assert!(revision(0, 1, 1) > revision(0, 1, 0));
        assert_eq!(revision(0, 3, 2), 3 * 4_096 + 2);
        assert_eq!(revision(255, u64::MAX, u64::MAX), (1 << 53) - 1);
    }
}
