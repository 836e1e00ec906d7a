//! The beginning and the end of a run.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::EventPayload;

/// `run.started`: whatever the runtime says about a new run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// The runtime's own fields.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

impl EventPayload for RunStarted {
    const KIND: &'static str = "run.started";
}

/// `run.finished`: why a run is over and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunFinished {
    /// Why it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What came of it: a word or an object, as the runtime likes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Value>,
    /// The runtime's own fields.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

impl EventPayload for RunFinished {
    const KIND: &'static str = "run.finished";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_fields_are_kept() {
        let text = r#"{"reason":"done","outcome":{"winner":"ann"},"rounds":3,"seed":[1,2]}"#;
        let finished: RunFinished = serde_json::from_str(text).unwrap();
        assert_eq!(finished.fields["rounds"], 3);
        assert_eq!(serde_json::to_string(&finished).unwrap(), text);
        let started: RunStarted = serde_json::from_str(text).unwrap();
        assert_eq!(started.fields.len(), 4);
    }
}
