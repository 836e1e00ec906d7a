//! How much an observation knows: of two observations of one fact, the one with the higher revision counts.
//!
//! Each revision is made of what only grows while more lines of the fact are read, so that an older backup, imported
//! after the file itself, does not win. All stay below 2^53, up to which every JSON reader keeps integers exact.

use ledger_core::Timestamp;

use super::ancestors::Asked;
use super::call::Call;
use super::turns::End;
use crate::revision::{DETAIL_BITS, MAX_DETAIL, revision};

/// Above any span of time of a turn in microseconds, which is 142 years at most.
const MEASURED: u64 = 1 << 52;

/// The larger one counts; of equally large ones, the one that saw more of the answer: until later, or more facts.
pub(super) fn of_call(call: &Call, asked: Asked, has_turn: bool) -> u64 {
    let Call { message: _, sightings, first, last, used, described: _, stop, cost, error } = call;
    let Asked { time, attempts } = asked;
    let known = [
        stop.is_some(),
        cost.is_some(),
        error.is_some(),
        used.web_searches.is_some(),
        time.is_some(),
        attempts.is_some(),
        has_turn,
    ];
    let detail =
        micros(first.time, *last) / 1_000 + known.into_iter().map(u64::from).sum::<u64>() + of_start(sightings.count());
    revision(used.tokens().total(), detail)
}

/// A duration that was measured counts before one that is estimated, then a turn that is known before one that is not.
pub(super) fn of_tool(is_measured: bool, has_turn: bool, copies: usize) -> u64 {
    let known = 2 * u64::from(is_measured) + u64::from(has_turn);
    (known << DETAIL_BITS) + of_start(copies).min(MAX_DETAIL)
}

/// A turn that was measured counts before one that was not, then the one that was seen until later.
pub(super) fn of_turn(start: Timestamp, end: &End, copies: usize) -> u64 {
    let span = micros(start, end.at).saturating_add(of_start(copies)).min(MEASURED - 1);
    let measured = if end.measured.is_some() { MEASURED } else { 0 };
    measured + span
}

/// Whoever saw more copies of a fact knows better where it is from.
pub(super) fn of_start(copies: usize) -> u64 {
    u64::try_from(copies).unwrap_or(u64::MAX)
}

fn micros(start: Timestamp, end: Timestamp) -> u64 {
    u64::try_from(end.micros_since(start)).unwrap_or(0)
}
