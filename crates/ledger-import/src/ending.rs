//! How calls end: what classes of errors and HTTP statuses mean, in all formats.

use ledger_events::CallStatus;

use crate::words::UNKNOWN;

/// What kind of end `class` and `http_status` of a call that failed tell of. A provider that is overloaded (529) is an
/// error of the provider; a limit is what the caller has used up: its rate, its quota or its money.
pub(crate) fn status_of_failure(class: &str, http_status: Option<u16>) -> CallStatus {
    let class: String = class.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| class.contains(word));
    if matches!(http_status, Some(402 | 429)) || says(&["ratelimit", "billingerror", "quota", "resourceexhausted"]) {
        CallStatus::Limit
    } else if matches!(http_status, Some(408 | 504)) || says(&["timeout", "timedout", "deadlineexceeded"]) {
        CallStatus::Timeout
    } else {
        CallStatus::Error
    }
}

/// The class of a failure that has none: its HTTP status, if that says that it failed.
pub(crate) fn class_of_failure(class: Option<String>, http_status: Option<u16>) -> String {
    let of_http = || http_status.filter(|status| *status >= 400).map(|status| format!("http_{status}"));
    class.or_else(of_http).unwrap_or_else(|| UNKNOWN.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_codes_tell_limits_and_timeouts_from_errors() {
        for (class, http_status, expected) in [
            ("rate_limit_error", None, CallStatus::Limit),
            ("openai.RateLimitError", None, CallStatus::Limit),
            ("insufficient_quota", None, CallStatus::Limit),
            ("429", Some(429), CallStatus::Limit),
            ("DeadlineExceeded", None, CallStatus::Timeout),
            ("ReadTimeout", None, CallStatus::Timeout),
            ("http_408", Some(408), CallStatus::Timeout),
            ("http_504", Some(504), CallStatus::Timeout),
            ("http_529", Some(529), CallStatus::Error),
            ("provider", None, CallStatus::Error),
        ] {
            assert_eq!(status_of_failure(class, http_status), expected, "{class}");
        }
    }
}
