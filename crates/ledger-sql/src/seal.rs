//! What binds a row to its place.
//!
//! A digest covers what was appended, and nothing that the store adds. So that a row which moved to another offset, or
//! whose `recorded_at` changed, is found as well, each row carries the first 8 bytes (big-endian, signed) of SHA-256
//! over `offset` (8 bytes), `recorded_at` (8 bytes, microseconds) and the digest (32 bytes), integers big-endian.

use ledger_core::{Digest, Offset, Timestamp};
use sha2::{Digest as _, Sha256};

/// The seal of the row that holds an event with this digest.
pub(crate) fn seal(offset: Offset, recorded_at: Timestamp, digest: &Digest) -> i64 {
    let mut hasher = Sha256::new();
    hasher.update(offset.as_i64().to_be_bytes());
    hasher.update(recorded_at.as_micros().to_be_bytes());
    hasher.update(digest.as_bytes());
    let hash: [u8; 32] = hasher.finalize().into();
    let [a, b, c, d, e, f, g, h, ..] = hash;
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// A seal from a column of bytes; 0, which no event has but by chance, when they are not eight.
#[cfg(feature = "postgres")]
pub(crate) fn seal_from_bytes(bytes: &[u8]) -> i64 {
    bytes.try_into().map_or(0, i64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seal_is_pinned() {
        // python3: struct.unpack(">q", hashlib.sha256(struct.pack(">qq", 7, 1000) + bytes(32)).digest()[:8])
        let digest = Digest::from_bytes([0; 32]);
        let (offset, time) = (Offset::new(7).unwrap(), Timestamp::from_micros(1_000).unwrap());
        assert_eq!(seal(offset, time, &digest), 6361533580035116801);
    }
}
