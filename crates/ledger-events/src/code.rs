//! Codes, which cannot be messages.

/// Longest code, in bytes.
const MAX_CODE_BYTES: usize = 64;

/// Whether a text is a code such as `standard` or `us-east-1`: at most 64 bytes of ASCII letters, digits, `_`, `-` and `.`.
/// What is none may be anything, content too, and is not to be kept.
#[must_use]
pub fn is_code(text: &str) -> bool {
    let of_a_code = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    text.len() <= MAX_CODE_BYTES && text.bytes().all(of_a_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_no_spaces_and_are_short() {
        for code in ["standard", "us-east-1", "fast_2.0"] {
            assert!(is_code(code), "{code}");
        }
        for other in ["two words", "a\nb", "\"quoted\"", "\u{e9}", &"x".repeat(MAX_CODE_BYTES + 1)] {
            assert!(!is_code(other), "{other:?}");
        }
    }
}
