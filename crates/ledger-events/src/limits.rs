//! How much of an allowance is used up.

use ledger_core::{Invalid, Timestamp};
use serde::{Deserialize, Serialize};

use crate::EventPayload;

/// `limits.observed`: a reading of one of the provider's windows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LimitsObserved {
    /// The provider.
    pub provider: String,
    /// How long the window is.
    pub window_minutes: u64,
    /// How much of it is used up; may exceed 100.
    pub used_percent: f64,
    /// When it starts anew.
    pub resets_at: Timestamp,
}

impl EventPayload for LimitsObserved {
    const KIND: &'static str = "limits.observed";

    fn check(&self) -> Result<(), Invalid> {
        if self.used_percent.is_finite() && self.used_percent >= 0.0 {
            return Ok(());
        }
        Err(Invalid::new("used_percent", format!("is {}; it is finite and not negative", self.used_percent)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_a_share_of_a_window() {
        let text =
            r#"{"provider":"openai","window_minutes":300,"used_percent":12.5,"resets_at":"2026-01-01T00:00:00Z"}"#;
        let reading: LimitsObserved = serde_json::from_str(text).unwrap();
        reading.check().unwrap();
        assert!(LimitsObserved { used_percent: -0.5, ..reading }.check().is_err());
    }
}
