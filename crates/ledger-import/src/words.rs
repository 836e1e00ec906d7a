//! Texts of a log that may be kept: names, words, classes. What is longer, or looks like a sentence, is content.

use ledger_core::SessionId;
use ledger_events::is_code;

/// Stands for what nobody names, where there must be a name.
pub(crate) const UNKNOWN: &str = "unknown";

/// `text` if it is a name as a ledger understands it: an id, a model, a tool.
pub(crate) fn name(text: Option<&str>) -> Option<String> {
    text.filter(|text| SessionId::new(text).is_ok()).map(str::to_owned)
}

/// The name in `field`, if there is one.
///
/// # Errors
/// When what stands there is no name; all names have one rule, that of the session says it.
pub(crate) fn checked_name(field: &str, text: Option<&str>) -> Result<Option<String>, String> {
    let Some(text) = text else { return Ok(None) };
    SessionId::new(text).map(|_| Some(text.to_owned())).map_err(|invalid| {
        let invalid = invalid.to_string();
        format!("{field} {}", invalid.strip_prefix("session_id ").unwrap_or(&invalid))
    })
}

/// `text` if it is a code such as `standard`, `rate_limit` or `TimeoutError`, and cannot be a sentence.
pub(crate) fn word(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty() && is_code(text)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_no_words() {
        assert_eq!(word(Some("openai.RateLimitError")).as_deref(), Some("openai.RateLimitError"));
        for text in ["", "no way", "a\nb", "naïve", &"x".repeat(65)] {
            assert_eq!(word(Some(text)), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_told_without_being_said() {
        assert_eq!(checked_name("turn_id", Some("t")), Ok(Some("t".into())));
        assert_eq!(checked_name("turn_id", None), Ok(None));
        let long = "secret ".repeat(30);
        let reason = checked_name("turn_id", Some(&long)).unwrap_err();
        assert!(reason.starts_with("turn_id ") && !reason.contains("secret"), "{reason}");
    }
}
