//! # Observations
//!
//! A log is copied, resumed, backed up, read while it grows, and read on two machines; so one fact may be observed by
//! several events. A payload that may be a repeat says which fact it observes (its key: `call_key`, `tool_key`,
//! `turn_key`, `session_id`) and how much its observer knew (`revision`). For all of them one rule holds, within each kind:
//!
//! 1. Per key the highest revision counts; no revision is revision 0.
//! 2. At equal revisions the smallest event id counts, so that every machine chooses the same.
//! 3. What was observed under a key that another observation replaces (`replaces_keys`) does not count.
//! 4. Sums count each key once.
//!
//! The order in which events are read does not matter. [`Latest`] is this rule in code.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use ledger_core::{Event, EventId, Invalid};

use crate::{EventPayload, read};

/// A payload that observes a fact which other events may observe too.
pub trait Observation: EventPayload {
    /// Which fact it is, among those of its kind; `None` when the event is the fact.
    fn key(&self) -> Option<Cow<'_, str>>;

    /// How much the observer knew.
    fn revision(&self) -> Option<u64>;

    /// Less exact keys of the same fact; what was observed under them does not count.
    fn replaces_keys(&self) -> &[String] {
        &[]
    }
}

/// The one observation per key that counts, by the rule of [`Observation`]s:
/// the highest revision, and of equal ones the smallest event id.
///
/// ```
/// use ledger_core::EventId;
/// use ledger_events::Latest;
///
/// let mut outputs = Latest::default();
/// outputs.observe("msg_1", Some(8), &EventId::new("b")?, 8);
/// outputs.observe("msg_1", Some(436), &EventId::new("c")?, 436);
/// outputs.observe("msg_1", Some(8), &EventId::new("a")?, 8);
/// assert_eq!(outputs.values().sum::<i32>(), 436);
/// # Ok::<(), ledger_core::Invalid>(())
/// ```
#[derive(Clone, Debug)]
pub struct Latest<T> {
    kept: BTreeMap<String, Kept<T>>,
    replaced: BTreeSet<String>,
}

#[derive(Clone, Debug)]
struct Kept<T> {
    revision: u64,
    id: EventId,
    value: T,
}

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self { kept: BTreeMap::new(), replaced: BTreeSet::new() }
    }
}

impl<T> Latest<T> {
    /// Takes `value`, observed by the event `id`, unless a better observation of `key` is known.
    pub fn observe(&mut self, key: impl Into<String>, revision: Option<u64>, id: &EventId, value: T) {
        let (key, revision) = (key.into(), revision.unwrap_or(0));
        let is_better = |kept: &Kept<T>| revision > kept.revision || (revision == kept.revision && *id < kept.id);
        if self.kept.get(&key).is_none_or(is_better) {
            self.kept.insert(key, Kept { revision, id: id.clone(), value });
        }
    }

    /// Does not count what was or will be observed under `key`: its fact is known under a better key.
    pub fn replace(&mut self, key: impl Into<String>) {
        self.replaced.insert(key.into());
    }

    /// What counts under `key`.
    #[must_use]
    pub fn of(&self, key: &str) -> Option<&T> {
        self.kept.get(key).filter(|_| !self.replaced.contains(key)).map(|kept| &kept.value)
    }

    /// What counts, with its keys, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        let counts = self.kept.iter().filter(|(key, _)| !self.replaced.contains(*key));
        counts.map(|(key, kept)| (key.as_str(), &kept.value))
    }

    /// What counts, one value per key, by key.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.iter().map(|(_, value)| value)
    }
}

impl<P: Observation> Latest<P> {
    /// Takes what `event` says, if it is of the kind of `P`.
    ///
    /// # Errors
    /// [`Invalid`] when the payload does not have the shape of its kind; nothing was taken.
    pub fn observe_event(&mut self, event: &Event) -> Result<(), Invalid> {
        let Some(payload) = read::<P>(event) else { return Ok(()) };
        let payload = payload?;
        payload.replaces_keys().iter().for_each(|replaced| self.replace(replaced));
        let key = payload.key().map_or_else(|| event.id.to_string(), Cow::into_owned);
        self.observe(key, payload.revision(), &event.id, payload);
        Ok(())
    }
}

/// The key of what only has names within its session; the separator is in no name.
pub(crate) fn within_session(names: &[&str]) -> Cow<'static, str> {
    Cow::Owned(names.join("\u{1f}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LlmCall, ToolCompleted, event};
    use ledger_core::{Actor, RunId, Timestamp};

    fn id(text: &str) -> EventId {
        EventId::new(text).unwrap()
    }

    #[test]
    fn the_highest_revision_wins_then_the_smallest_id_in_any_order() {
        let mut observations = [(Some(1), "z", 1), (Some(2), "c", 2), (Some(2), "b", 3), (None, "a", 4)];
        for _ in 0..observations.len() {
            observations.rotate_left(1);
            let mut latest = Latest::default();
            observations.iter().for_each(|(revision, event, value)| latest.observe("k", *revision, &id(event), *value));
            assert_eq!(latest.values().collect::<Vec<_>>(), [&3]);
        }
    }

    #[test]
    fn no_revision_is_revision_0() {
        let mut latest = Latest::default();
        latest.observe("k", Some(0), &id("b"), 1);
        latest.observe("k", None, &id("a"), 2);
        assert_eq!(latest.of("k"), Some(&2));
    }

    #[test]
    fn what_is_replaced_does_not_count_in_any_order() {
        let start = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        let call = |key: &str, replaces: Option<&str>| {
            let call = LlmCall::new("chat", "anthropic", start);
            let call = LlmCall {
                call_key: Some(key.into()),
                replaces_keys: replaces.map(Into::into).into_iter().collect(),
                ..call
            };
            event(RunId::new("r").unwrap(), Actor::new("a").unwrap(), &call).unwrap()
        };
        let mut events = [call("m", None), call("m:r1", Some("m")), call("m:r2", Some("m"))];
        for _ in 0..events.len() {
            events.rotate_left(1);
            let mut latest = Latest::<LlmCall>::default();
            events.iter().for_each(|event| latest.observe_event(event).unwrap());
            assert_eq!(latest.iter().map(|(key, _)| key).collect::<Vec<_>>(), ["m:r1", "m:r2"]);
            assert!(latest.of("m").is_none());
        }
    }

    #[test]
    fn calls_without_a_key_are_all_counted_and_other_kinds_are_none() {
        let start = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        let call = || {
            let call = LlmCall::new("chat", "anthropic", start);
            event(RunId::new("r").unwrap(), Actor::new("a").unwrap(), &call).unwrap()
        };
        let events = [call(), call()];
        let (mut calls, mut tools) = (Latest::<LlmCall>::default(), Latest::<ToolCompleted>::default());
        for event in events.iter().chain(&events) {
            calls.observe_event(event).unwrap();
            tools.observe_event(event).unwrap();
        }
        assert_eq!((calls.values().count(), tools.values().count()), (2, 0));
    }

    #[test]
    fn without_a_tool_key_names_within_the_session_are_the_key() {
        let tool = |text: &str| serde_json::from_str::<ToolCompleted>(text).unwrap();
        let bare = r#"{"session_id":"s","turn_id":"t","tool_call_id":"c","tool_name":"n","status":"success",
                       "started_at":"2026-01-01T00:00:00Z","completed_at":"2026-01-01T00:00:00Z"}"#;
        assert_eq!(tool(bare).key().as_deref(), Some("s\u{1f}t\u{1f}c"));
        let keyed = bare.replacen('{', r#"{"tool_key":"k","revision":3,"#, 1);
        assert_eq!((tool(&keyed).key().as_deref(), tool(&keyed).revision()), (Some("k"), Some(3)));
    }
}
