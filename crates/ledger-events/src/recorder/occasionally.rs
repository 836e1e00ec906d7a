//! Log lines that a flood of their cause does not turn into a flood.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Least time between two lines of one kind.
const PAUSE: Duration = Duration::from_secs(10);

/// Says something at once the first time, then at most once per [`PAUSE`], with how often it happened since.
#[derive(Default)]
pub(super) struct Occasionally(Mutex<State>);

#[derive(Default)]
struct State {
    said: Option<Instant>,
    unsaid: u64,
}

impl Occasionally {
    /// It happened `times` more; `say` is told how often it did since it was last said.
    pub(super) fn say(&self, times: u64, say: impl FnOnce(u64)) {
        if let Some(times) = self.due(times, Instant::now()) {
            say(times);
        }
    }

    fn due(&self, times: u64, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.unsaid += times;
        if state.said.is_some_and(|said| now.duration_since(said) < PAUSE) {
            return None;
        }
        state.said = Some(now);
        Some(std::mem::take(&mut state.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_said_and_then_one_per_pause_with_their_number() {
        let (line, start) = (Occasionally::default(), Instant::now());
        assert_eq!(line.due(1, start), Some(1));
        assert_eq!(line.due(2, start), None);
        assert_eq!(line.due(3, start + PAUSE / 2), None);
        assert_eq!(line.due(4, start + PAUSE), Some(9));
        assert_eq!(line.due(1, start + PAUSE), None);
    }
}
