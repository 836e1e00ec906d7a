//! Names as they stand in tables.

use sha2::{Digest as _, Sha256};

/// Bytes of a [`Type::Name`](crate::store::Type::Name).
const MAX: usize = 255;

/// What is kept of a name that is longer, before the mark and the digest.
const KEPT: usize = 230;

/// A name as it stands in a table: as it is, or when it is too long, cut, with a digest of the whole. The same name
/// always gives the same, and different names different ones.
pub(crate) fn name(text: impl Into<String> + AsRef<str>) -> String {
    if text.as_ref().len() <= MAX {
        return text.into();
    }
    let text = text.as_ref();
    let cut = (0..=KEPT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    format!("{}\u{2026}{}", text.get(..cut).unwrap_or_default(), digest(text.as_bytes()))
}

/// 16 hexadecimal digits of a digest.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The first 8 bytes, in 16 hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_and_stay_different() {
        let long = |last: &str| name(format!("{}{last}", "\u{e9}".repeat(200)));
        assert_eq!(name("a".repeat(255)), "a".repeat(255));
        assert!(long("a").len() <= 255 && long("a").starts_with('\u{e9}'));
        assert_eq!(long("a"), long("a"));
        assert_ne!(long("a"), long("b"));
    }
}
