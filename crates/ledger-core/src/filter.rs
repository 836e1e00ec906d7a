//! Which events a reader or a condition means.

use serde::{Deserialize, Serialize};

use crate::limits::MAX_FILTER_VALUES;
use crate::{Actor, Event, EventId, EventKind, Invalid, ModelId, RunId, SessionId};

/// Which events: in each dimension that has values, one of them; in a dimension without values, any.
///
/// Empty means every event. At most [`MAX_FILTER_VALUES`] values in all, checked where a filter is used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    ids: Vec<EventId>,
    runs: Vec<RunId>,
    kinds: Vec<EventKind>,
    actors: Vec<Actor>,
    sessions: Vec<SessionId>,
    models: Vec<ModelId>,
}

macro_rules! dimension {
    ($field:ident, $type:ty, $or:ident, $what:literal) => {
        #[doc = concat!("Also events whose ", $what, " is `value`; the first call narrows, further ones widen.")]
        #[must_use]
        pub fn $or(mut self, value: $type) -> Self {
            if !self.$field.contains(&value) {
                self.$field.push(value);
            }
            self
        }

        #[doc = concat!("The values that an event's ", $what, " may have; empty for any.")]
        #[must_use]
        pub fn $field(&self) -> &[$type] {
            &self.$field
        }
    };
}

impl Filter {
    /// Every event.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    dimension!(ids, EventId, id, "id");
    dimension!(runs, RunId, run, "run");
    dimension!(kinds, EventKind, kind, "kind");
    dimension!(actors, Actor, actor, "actor");
    dimension!(sessions, SessionId, session, "session");
    dimension!(models, ModelId, model, "concrete model");

    /// Whether every event matches.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self == &Self::default()
    }

    /// Whether `event` matches.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        fn in_dimension<T: PartialEq>(values: &[T], value: Option<&T>) -> bool {
            values.is_empty() || value.is_some_and(|value| values.contains(value))
        }
        let Self { ids, runs, kinds, actors, sessions, models } = self;
        in_dimension(ids, Some(&event.id))
            && in_dimension(runs, Some(&event.run_id))
            && in_dimension(kinds, Some(&event.kind))
            && in_dimension(actors, Some(&event.actor))
            && in_dimension(sessions, event.session_id.as_ref())
            && in_dimension(models, event.model_id.as_ref())
    }

    pub(crate) fn check(&self) -> Result<(), Invalid> {
        let Self { ids, runs, kinds, actors, sessions, models } = self;
        let values = ids.len() + runs.len() + kinds.len() + actors.len() + sessions.len() + models.len();
        if values > MAX_FILTER_VALUES {
            return Err(Invalid::new(
                "filter",
                format!("has {values} values; at most {MAX_FILTER_VALUES} are allowed"),
            ));
        }
        Ok(())
    }
}
