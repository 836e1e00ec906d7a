//! How much an observation knows: of two observations of one fact, the one with the higher revision counts.
//!
//! Each revision is made of what only grows while more is read. All stay below 2^53, up to which every JSON reader keeps
//! integers exact.

use super::found::{Call, End, Tool};

/// Bits of what is known beside how much of the thread was read before.
const DETAIL_BITS: u32 = 4;
const MAX_POSITION: u64 = (1 << 40) - 1;
/// Above any position with its detail.
const OWN: u64 = 1 << 45;
/// Above any span of time of a turn in microseconds, which is 142 years at most.
const MEASURED: u64 = 1 << 52;

impl Call<'_> {
    /// The thread's own file counts before a copy of its history; then whoever has read more of the thread before the
    /// call, since what a call used is the difference of two totals; then whoever knows more about it.
    pub(super) fn revision(&self) -> u64 {
        let Self { turn, model, started, ttft, is_own, position, .. } = self;
        let known = [turn.is_some(), model.is_some(), started.is_some(), ttft.is_some()];
        let detail: u64 = known.into_iter().map(u64::from).sum();
        let position = u64::try_from(*position).unwrap_or(MAX_POSITION).min(MAX_POSITION);
        (if *is_own { OWN } else { 0 }) + (position << DETAIL_BITS) + detail
    }
}

impl Tool<'_> {
    /// How it went counts before how long it took, then the turn.
    pub(super) fn revision(&self) -> u64 {
        let Self { turn, duration, is_ok, .. } = self;
        4 * u64::from(is_ok.is_some()) + 2 * u64::from(duration.is_some()) + u64::from(turn.is_some())
    }
}

impl End {
    /// A turn that was measured counts before one that was not, then the one that was seen until later.
    pub(super) fn revision(&self, span_micros: i64) -> u64 {
        let span = u64::try_from(span_micros).unwrap_or(0).min(MEASURED - 1);
        if self.measured.is_some() { MEASURED + span } else { span }
    }
}
