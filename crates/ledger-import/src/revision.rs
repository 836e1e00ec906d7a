//! How much an observation of a call knows: the larger one counts; of equally large ones, the one that knows more.

/// Bits of what is known of a call beside its tokens.
pub(crate) const DETAIL_BITS: u32 = 20;
/// Most that these bits tell apart.
pub(crate) const MAX_DETAIL: u64 = (1 << DETAIL_BITS) - 1;
/// Most tokens that a revision tells apart; more than any context takes. All revisions stay below 2^53, up to which every
/// JSON reader keeps integers exact.
const MAX_TOKENS: u64 = (1 << (53 - DETAIL_BITS)) - 1;

/// Of an observation of so many tokens.
pub(crate) fn revision(tokens: u64, detail: u64) -> u64 {
    (tokens.min(MAX_TOKENS) << DETAIL_BITS) + detail.min(MAX_DETAIL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_count_before_whatever_else_is_known_and_every_revision_is_exact_in_json() {
        assert!(revision(2, 0) > revision(1, u64::MAX));
        assert!(revision(1, 1) > revision(1, 0));
        assert_eq!(revision(u64::MAX, u64::MAX), (1 << 53) - 1);
    }
}
