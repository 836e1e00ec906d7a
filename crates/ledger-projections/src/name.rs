//! Texts that come from outside, as columns that may be keys hold them.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Bytes that a name may have: [`Type::Name`](crate::store::Type::Name).
const MAX: usize = 255;

/// Bytes that are left of one that is longer.
const KEPT: usize = 230;

/// `text` as a name: as it is, if a column can hold it, else its beginning and a part of its hash, so that different texts
/// stay different names. A column can hold 255 bytes, and not the NUL character, which Postgres does not store.
pub(crate) fn name(text: impl Into<String> + AsRef<str>) -> String {
    if text.as_ref().len() <= MAX && !text.as_ref().contains('\0') {
        return text.into();
    }
    let text = text.as_ref();
    let stored = text.replace('\0', "\u{fffd}");
    let start = stored.get(..stored.floor_char_boundary(KEPT)).unwrap_or_default();
    format!("{start}…{}", short_hash(text))
}

/// A name that is empty where it is not known.
pub(crate) fn known(name: String) -> Option<String> {
    Some(name).filter(|name| !name.is_empty())
}

/// The SHA-256 of a text, in hexadecimal digits.
pub(crate) fn hash(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// The first 16 of those digits.
pub(crate) fn short_hash(text: &str) -> String {
    hash(text).get(..16).unwrap_or_default().to_owned()
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut digits, byte| {
        // Writing to a text does not fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_a_column_is_kept_as_it_is() {
        for text in ["", "a", "A ", "\u{e9}", "a".repeat(255).as_str()] {
            assert_eq!(name(text), text);
        }
    }

    #[test]
    fn what_is_longer_is_cut_where_a_character_ends_and_stays_different() {
        let (one, other) = ("\u{20ac}".repeat(100), format!("{}x", "\u{20ac}".repeat(100)));
        assert_eq!(name(&one), name(&one));
        assert_ne!(name(&one), name(&other));
        for text in [&one, &other] {
            assert!(name(text).len() <= MAX);
            assert!(name(text).starts_with(&"\u{20ac}".repeat(KEPT / 3)));
        }
        assert_eq!(name("a".repeat(256)), format!("{}…02d7160d77e18c64", "a".repeat(230)));
    }

    #[test]
    fn a_name_has_no_nul() {
        assert!(name("a\0b").starts_with("a\u{fffd}b…"));
        assert_ne!(name("a\0b"), name("a\u{fffd}b"));
        assert!(name("\0".repeat(255)).len() <= MAX);
    }
}
