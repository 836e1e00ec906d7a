//! The beginning of a session: one conversation with an agent, with one history.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{EventPayload, Observation};

/// `session.started`. A repeat has the same `session_id`; see [`Latest`](crate::Latest) for which one counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionStarted {
    /// The session.
    pub session_id: String,
    /// The session that started this one, such as that of the agent whose subagent this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_session_id: Option<String>,
    /// The directory or project that it works in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The program that runs it, such as `claude-code`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The provider that it starts with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The model that it starts with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

impl SessionStarted {
    /// A session of which nothing else is known.
    pub fn new(session_id: impl Into<String>) -> Self {
        Self {
            session_id: session_id.into(),
            parent_session_id: None,
            workspace: None,
            agent: None,
            provider: None,
            model: None,
        }
    }
}

impl EventPayload for SessionStarted {
    const KIND: &'static str = "session.started";
}

impl Observation for SessionStarted {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(&self.session_id))
    }

    fn revision(&self) -> Option<u64> {
        None
    }
}
