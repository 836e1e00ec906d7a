//! How calls fail: the class or code, never the message.

use ledger_events::CallStatus;
use serde::{Deserialize, Serialize};

use super::line::Line;
use crate::ending::status_of_failure;

/// That a call failed, and how.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) class: String,
    pub(super) http_status: Option<u16>,
}

impl Failure {
    /// A failure of which the log gives no class.
    pub(super) fn unknown() -> Self {
        Self { class: "api_error".into(), http_status: None }
    }

    /// How the call of `line` failed, if it did.
    pub(super) fn of(line: &Line) -> Option<Self> {
        if !line.is_api_error_message.is_true() {
            return None;
        }
        let error = line.error.as_ref();
        let status = line.api_error_status.0.or(error.and_then(|error| error.status));
        let http_status = status.and_then(|status| u16::try_from(status).ok());
        let class = error.and_then(|error| error.class.clone());
        let class = class.or_else(|| http_status.map(|status| format!("http_{status}")));
        Some(Self { class: class.unwrap_or_else(|| Self::unknown().class), http_status })
    }

    /// What kind of end it is.
    pub(super) fn status(&self) -> CallStatus {
        status_of_failure(&self.class, self.http_status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_codes_tell_limits_and_timeouts_from_errors() {
        let status = |class: &str, http_status| Failure { class: class.into(), http_status }.status();
        assert_eq!(status("rate_limit", None), CallStatus::Limit);
        assert_eq!(status("http_429", Some(429)), CallStatus::Limit);
        assert_eq!(status("billing_error", None), CallStatus::Limit);
        assert_eq!(status("http_408", Some(408)), CallStatus::Timeout);
        assert_eq!(status("http_504", Some(504)), CallStatus::Timeout);
        assert_eq!(status("http_529", Some(529)), CallStatus::Error);
        assert_eq!(status("api_error", None), CallStatus::Error);
    }
}
