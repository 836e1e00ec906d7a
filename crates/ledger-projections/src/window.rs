//! Which time an answer is about.

use std::time::Duration;

use chrono::NaiveDate;
use ledger_core::{Invalid, Timestamp};
use serde::Serialize;

use crate::Zone;

/// From `since` on, up to but not including `until`, so that windows that follow each other share nothing and leave
/// nothing out. Without a bound, all there is on that side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Window {
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Window {
    /// All time.
    pub const ALL: Self = Self { since: None, until: None };

    /// From `since` up to, but not including, `until`.
    ///
    /// # Errors
    /// [`Invalid`] when it ends before it has begun.
    pub fn new(since: Option<Timestamp>, until: Option<Timestamp>) -> Result<Self, Invalid> {
        match (since, until) {
            (Some(since), Some(until)) if until <= since => {
                Err(Invalid::new("until", format!("is {until}, which is not after since, {since}")))
            }
            _ => Ok(Self { since, until }),
        }
    }

    /// Where it begins, which is in it.
    #[must_use]
    pub const fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// Where it ends, which is not in it.
    #[must_use]
    pub const fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// From `since` on.
    pub(crate) const fn starting(since: Option<Timestamp>) -> Self {
        Self { since, until: None }
    }

    /// The part that is not before `time`; `None` when nothing is.
    pub(crate) fn from(self, time: Timestamp) -> Option<Self> {
        let since = self.since.map_or(time, |since| since.max(time));
        Self::new(Some(since), self.until).ok()
    }

    /// The part that is before `time`; `None` when nothing is.
    pub(crate) fn before(self, time: Timestamp) -> Option<Self> {
        let until = self.until.map_or(time, |until| until.min(time));
        Self::new(self.since, Some(until)).ok()
    }
}

/// The point in time that a person means: RFC 3339 with an offset (`2026-01-31T12:00:00Z`), a date (`2026-01-31`: its
/// first moment in `zone`), or an age (`7d`, `24h`, `90m`: so long before `now`).
///
/// # Errors
/// [`Invalid`] when it is none of these; so is a time without an offset, which names no point in time.
pub fn moment(text: &str, zone: Zone, now: Timestamp) -> Result<Timestamp, Invalid> {
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return zone.first_moment(date);
    }
    if let Some(age) = age(text) {
        let micros = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
        return Timestamp::from_micros(now.as_micros().saturating_sub(micros));
    }
    Timestamp::parse(text).map_err(|_| {
        let known = "a time with its offset (2026-01-31T12:00:00Z), a date (2026-01-31) or an age (7d, 24h, 90m)";
        Invalid::new("time", format!("{text:?} is not {known}"))
    })
}

fn age(text: &str) -> Option<Duration> {
    let (count, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "d" => 86_400,
        "h" => 3_600,
        "m" => 60,
        _ => return None,
    };
    let is_number = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    let count: u64 = is_number.then(|| count.parse().ok()).flatten()?;
    count.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn people_say_times_dates_and_ages() {
        let now = at("2026-03-10T12:00:00Z");
        let kathmandu: Zone = "Asia/Kathmandu".parse().unwrap();
        for (text, zone, expected) in [
            ("2026-03-01T00:00:00+05:00", Zone::UTC, "2026-02-28T19:00:00Z"),
            ("2026-03-01", Zone::UTC, "2026-03-01T00:00:00Z"),
            ("2026-03-01", kathmandu, "2026-02-28T18:15:00Z"),
            ("7d", kathmandu, "2026-03-03T12:00:00Z"),
            ("24h", Zone::UTC, "2026-03-09T12:00:00Z"),
            ("90m", Zone::UTC, "2026-03-10T10:30:00Z"),
        ] {
            assert_eq!(moment(text, zone, now).unwrap(), at(expected), "{text}");
        }
    }

    #[test]
    fn what_names_no_point_in_time_is_refused() {
        let now = at("2026-03-10T12:00:00Z");
        for text in [
            "2026-03-01T00:00:00",
            "2026-13-01",
            "7w",
            "d",
            "",
            "-7d",
            "+7d",
            "yesterday",
            "1.5h",
            "99999999999999999999d",
            "\u{e9}",
        ] {
            assert!(moment(text, Zone::UTC, now).is_err(), "{text}");
        }
        assert!(moment("9999999999d", Zone::UTC, now).is_err());
    }

    #[test]
    fn a_window_ends_after_it_has_begun() {
        let (a, b) = (at("2026-03-01T00:00:00Z"), at("2026-03-02T00:00:00Z"));
        assert!(Window::new(Some(a), Some(b)).is_ok());
        assert!(Window::new(Some(a), Some(a)).is_err());
        assert!(Window::new(Some(b), Some(a)).is_err());
        let window = Window::new(Some(a), Some(b)).unwrap();
        assert_eq!((window.before(a), window.from(b)), (None, None));
        assert_eq!(window.from(a), Some(window));
    }
}
