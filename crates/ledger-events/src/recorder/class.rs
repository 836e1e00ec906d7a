//! Keeps messages out of where a class belongs.

/// Stands for an error that has no class, or one that is not a class.
pub(super) const UNCLASSIFIED: &str = "unclassified";

/// Longest class, in bytes: longer ones are texts.
const MAX_CLASS_BYTES: usize = 128;

/// `text` if it is a class or code, such as `overloaded`, `DIV_BY_ZERO`, `429` or `std::io::Error`; else
/// [`UNCLASSIFIED`]. A message has spaces or quotes in it, and may quote what must not stand in a ledger.
pub(super) fn class(text: String) -> String {
    let of_a_class = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:/".contains(&byte);
    if !text.is_empty() && text.len() <= MAX_CLASS_BYTES && text.bytes().all(of_a_class) {
        text
    } else {
        UNCLASSIFIED.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_kept_and_messages_are_not() {
        for kept in ["overloaded", "DIV_BY_ZERO", "429", "std::io::Error", "rate-limit.tokens", "http/529"] {
            assert_eq!(class(kept.into()), kept);
        }
        for message in ["", "no key sk-1 in \"prompt\"", "line\nline", "é", &"x".repeat(MAX_CLASS_BYTES + 1)] {
            assert_eq!(class(message.into()), UNCLASSIFIED, "{message:?}");
        }
    }
}
