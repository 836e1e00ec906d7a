//! Days, weeks, months and hours in any time zone.

use std::fmt;
use std::str::FromStr;

use chrono::{
    Datelike as _, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, Offset as _, TimeZone as _, Timelike as _,
    Weekday,
};
use chrono_tz::Tz;
use ledger_core::{Invalid, Timestamp};

use crate::Window;

/// Times are counted in quarters of an hour, UTC: every zone's hours and days begin at one.
pub(crate) const QUARTER: i64 = 900_000_000;

/// Microseconds of a day of UTC.
pub(crate) const DAY: i64 = 86_400_000_000;

/// Where the unit of UTC begins that a time is in, all in microseconds.
pub(crate) const fn floor(micros: i64, unit: i64) -> i64 {
    micros - micros.rem_euclid(unit)
}

/// Most buckets of one answer.
pub const MAX_BUCKETS: usize = 10_000;

/// A time zone of the IANA database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(Tz);

impl Zone {
    /// UTC.
    pub const UTC: Self = Self(Tz::UTC);

    /// The first moment of a date; where clocks skip midnight, the moment when they do.
    pub(crate) fn first_moment(self, date: NaiveDate) -> Result<Timestamp, Invalid> {
        let midnight = date.and_time(NaiveTime::MIN);
        // No clock was ever put forward by more than a day.
        let found = (0..=96).find_map(|quarters| {
            let local = midnight.checked_add_signed(chrono::Duration::minutes(15 * quarters))?;
            self.0.from_local_datetime(&local).earliest()
        });
        let found = found.ok_or_else(|| Invalid::new("date", format!("{date} lies outside the years 1 to 9999")))?;
        Timestamp::from_micros(found.timestamp_micros())
    }

    /// A time as the clocks of the zone show it, with their offset: `2026-03-01T13:00:00+01:00`.
    #[must_use]
    pub fn show(self, time: Timestamp) -> String {
        time.to_chrono().with_timezone(&self.0).format("%Y-%m-%dT%H:%M:%S%.f%:z").to_string()
    }

    fn local(self, time: Timestamp) -> NaiveDateTime {
        time.to_chrono().with_timezone(&self.0).naive_local()
    }

    /// Microseconds that local clocks are ahead of UTC.
    fn ahead(self, time: Timestamp) -> i64 {
        let offset = self.0.offset_from_utc_datetime(&time.to_chrono().naive_utc());
        i64::from(offset.fix().local_minus_utc()) * 1_000_000
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl FromStr for Zone {
    type Err = Invalid;

    fn from_str(name: &str) -> Result<Self, Invalid> {
        let unknown = || {
            let reason = format!("{name:?} is not a zone of the IANA database, such as Europe/Berlin or UTC");
            Invalid::new("zone", reason)
        };
        name.parse().map(Self).map_err(|_| unknown())
    }
}

/// How wide the buckets of a series are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// So many minutes, from midnight on: 15, 30, 60, 120, 180, 240, 360, 480 or 720.
    Minutes(u16),
    /// Days of the zone, which have 23 to 25 hours.
    Day,
    /// Weeks, and the day that they begin on.
    Week(Weekday),
    /// Months.
    Month,
}

impl Width {
    /// Hours.
    pub const HOUR: Self = Self::Minutes(60);

    /// Weeks that begin on Monday.
    pub const WEEK: Self = Self::Week(Weekday::Mon);
}

impl FromStr for Width {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Ok(match text {
            "15m" => Self::Minutes(15),
            "30m" => Self::Minutes(30),
            "hour" | "1h" => Self::HOUR,
            "2h" => Self::Minutes(120),
            "3h" => Self::Minutes(180),
            "4h" => Self::Minutes(240),
            "6h" => Self::Minutes(360),
            "8h" => Self::Minutes(480),
            "12h" => Self::Minutes(720),
            "day" | "1d" => Self::Day,
            "week" => Self::WEEK,
            "month" => Self::Month,
            _ => {
                let known = "15m, 30m, hour, 2h, 3h, 4h, 6h, 8h, 12h, day, week or month";
                return Err(Invalid::new("width", format!("{text:?} is not one of {known}")));
            }
        })
    }
}

/// Buckets of time, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buckets {
    /// The zone whose clocks say where they begin.
    pub zone: Zone,
    /// How wide they are.
    pub width: Width,
}

impl Buckets {
    /// The bucket that a time is in, as its beginning and its end.
    ///
    /// # Errors
    /// [`Invalid`] at the ends of the years 1 to 9999.
    pub fn around(&self, time: Timestamp) -> Result<(Timestamp, Timestamp), Invalid> {
        let date = self.zone.local(time).date();
        let first = match self.width {
            Width::Minutes(minutes) => return self.within_a_day(time, minutes),
            Width::Day => Some(date),
            Width::Week(first) => date.checked_sub_days(Days::new(date.weekday().days_since(first).into())),
            Width::Month => date.with_day(1),
        };
        let next = first.and_then(|first| match self.width {
            Width::Month => first.checked_add_months(Months::new(1)),
            Width::Week(_) => first.checked_add_days(Days::new(7)),
            Width::Day | Width::Minutes(_) => first.checked_add_days(Days::new(1)),
        });
        let outside = || Invalid::new("time", format!("{time} lies at the end of the calendar"));
        let (first, next) = first.zip(next).ok_or_else(outside)?;
        Ok((self.zone.first_moment(first)?, self.zone.first_moment(next)?))
    }

    /// Where clocks are changed within it, a bucket is cut into two there: what it is called is one thing only.
    fn within_a_day(&self, time: Timestamp, minutes: u16) -> Result<(Timestamp, Timestamp), Invalid> {
        let (ahead, width) = (self.zone.ahead(time), i64::from(minutes) * 60_000_000);
        let local = self.zone.local(time);
        let past_midnight =
            i64::from(local.num_seconds_from_midnight()) * 1_000_000 + i64::from(local.nanosecond() / 1_000);
        let begin = time.as_micros() - past_midnight % width;
        let at = |micros: i64| Timestamp::from_micros(micros);
        let is_same = |micros: i64| at(micros).is_ok_and(|time| self.zone.ahead(time) == ahead);
        let quarter = floor(time.as_micros(), QUARTER);
        let mut first = quarter;
        while first > begin && is_same(first - QUARTER) {
            first -= QUARTER;
        }
        let mut end = quarter + QUARTER;
        while end < begin + width && is_same(end) {
            end += QUARTER;
        }
        Ok((at(first.max(begin))?, at(end.min(begin + width))?))
    }

    /// The buckets of a window that has both bounds, in order, each cut to the window.
    ///
    /// # Errors
    /// [`Invalid`] when a bound is missing, or there would be more than [`MAX_BUCKETS`].
    pub fn of(&self, window: Window) -> Result<Vec<Bucket>, Invalid> {
        let (Some(since), Some(until)) = (window.since(), window.until()) else {
            return Err(Invalid::new("window", "has no beginning or no end; a series needs both"));
        };
        let mut buckets = Vec::new();
        let mut time = since;
        while time < until {
            if buckets.len() == MAX_BUCKETS {
                let reason =
                    format!("has more than {MAX_BUCKETS} buckets of this width; take a shorter window or wider ones");
                return Err(Invalid::new("window", reason));
            }
            let (start, end) = self.around(time)?;
            buckets.push(Bucket {
                start,
                label: self.label(start),
                window: Window::new(Some(time), Some(end.min(until)))?,
            });
            time = end;
        }
        Ok(buckets)
    }

    /// What a bucket is called: its date, its month, or its local time with the offset.
    pub(crate) fn label(&self, start: Timestamp) -> String {
        let local = start.to_chrono().with_timezone(&self.zone.0);
        let format = match self.width {
            Width::Minutes(_) => "%Y-%m-%dT%H:%M%:z",
            Width::Day | Width::Week(_) => "%Y-%m-%d",
            Width::Month => "%Y-%m",
        };
        local.format(format).to_string()
    }
}

/// One of several buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// When it begins, also where the window begins later.
    pub start: Timestamp,
    /// What it is called: a date (of a week: its first day), a month, or a local time with its offset.
    pub label: String,
    /// The part of the window that is in it.
    pub window: Window,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn buckets(zone: &str, width: &str, since: &str, until: &str) -> Vec<Bucket> {
        let window = Window::new(Some(at(since)), Some(at(until))).unwrap();
        let buckets = Buckets { zone: zone.parse().unwrap(), width: width.parse().unwrap() }.of(window).unwrap();
        for pair in buckets.windows(2) {
            assert_eq!(pair[0].window.until(), pair[1].window.since());
            assert!(pair[0].start < pair[1].start);
        }
        assert_eq!(buckets.first().unwrap().window.since(), window.since());
        assert_eq!(buckets.last().unwrap().window.until(), window.until());
        buckets
    }

    fn hours(bucket: &Bucket) -> i64 {
        bucket.window.until().unwrap().micros_since(bucket.window.since().unwrap()) / 3_600_000_000
    }

    #[test]
    fn days_have_as_many_hours_as_the_clocks_of_the_zone_say() {
        let spring = buckets("Europe/Berlin", "day", "2026-03-27T23:00:00Z", "2026-03-30T22:00:00Z");
        assert_eq!(spring.iter().map(hours).collect::<Vec<_>>(), [24, 23, 24]);
        let autumn = buckets("America/St_Johns", "day", "2026-10-31T02:30:00Z", "2026-11-03T03:30:00Z");
        assert_eq!(autumn.iter().map(hours).collect::<Vec<_>>(), [24, 25, 24]);
        let kathmandu = buckets("Asia/Kathmandu", "day", "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z");
        assert_eq!(
            kathmandu.iter().map(|bucket| bucket.label.as_str()).collect::<Vec<_>>(),
            ["2026-01-01", "2026-01-02", "2026-01-03"]
        );
        assert_eq!(kathmandu[1].start, at("2026-01-01T18:15:00Z"));
    }

    #[test]
    fn a_day_whose_midnight_is_skipped_begins_when_the_clocks_do() {
        // Cuba puts its clocks forward at midnight.
        let havana = buckets("America/Havana", "day", "2026-03-07T12:00:00Z", "2026-03-09T12:00:00Z");
        assert_eq!(havana[1].start, at("2026-03-08T05:00:00Z"));
        assert_eq!(hours(&havana[1]), 23);
    }

    #[test]
    fn hours_that_are_shown_twice_are_two() {
        let hours = buckets("Europe/Berlin", "hour", "2026-10-25T00:00:00Z", "2026-10-25T03:00:00Z");
        let labels: Vec<_> = hours.iter().map(|bucket| bucket.label.as_str()).collect();
        assert_eq!(labels, ["2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00", "2026-10-25T03:00+01:00"]);
        // Clocks of Lord Howe Island are put back by half an hour.
        let half = buckets("Australia/Lord_Howe", "hour", "2026-04-04T14:00:00Z", "2026-04-04T17:00:00Z");
        let labels: Vec<_> = half.iter().map(|bucket| bucket.label.as_str()).collect();
        assert_eq!(
            labels,
            ["2026-04-05T01:00+11:00", "2026-04-05T01:30+10:30", "2026-04-05T02:00+10:30", "2026-04-05T03:00+10:30"]
        );
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        let weeks = buckets("UTC", "week", "2026-01-01T00:00:00Z", "2026-01-12T00:00:00Z");
        assert_eq!(weeks.iter().map(|bucket| bucket.label.as_str()).collect::<Vec<_>>(), ["2025-12-29", "2026-01-05"]);
        let months = buckets("America/New_York", "month", "2025-12-31T00:00:00Z", "2026-02-01T06:00:00Z");
        assert_eq!(
            months.iter().map(|bucket| bucket.label.as_str()).collect::<Vec<_>>(),
            ["2025-12", "2026-01", "2026-02"]
        );
        let window = Window::new(Some(at("2026-01-01T00:00:00Z")), Some(at("2026-01-12T00:00:00Z"))).unwrap();
        let sundays = Buckets { zone: Zone::UTC, width: Width::Week(Weekday::Sun) }.of(window).unwrap();
        let labels: Vec<_> = sundays.iter().map(|bucket| bucket.label.as_str()).collect();
        assert_eq!(labels, ["2025-12-28", "2026-01-04", "2026-01-11"]);
    }

    #[test]
    fn every_quarter_of_an_hour_is_in_one_bucket_of_every_width_and_zone() {
        for zone in
            ["UTC", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo"]
        {
            for width in ["15m", "30m", "hour", "3h", "12h", "day", "week", "month"] {
                let all = buckets(zone, width, "2026-03-01T00:00:00Z", "2026-04-20T00:00:00Z");
                let inner = |bucket: &&Bucket| bucket.window.since() == Some(bucket.start);
                assert!(
                    all.iter().filter(inner).all(|bucket| bucket.start.as_micros() % QUARTER == 0),
                    "{zone} {width}"
                );
            }
        }
    }

    #[test]
    fn times_are_shown_as_the_clocks_do() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        assert_eq!(berlin.show(at("2026-03-01T12:00:00Z")), "2026-03-01T13:00:00+01:00");
        assert_eq!(Zone::UTC.show(at("2026-03-01T12:00:00.25Z")), "2026-03-01T12:00:00.250+00:00");
    }

    #[test]
    fn what_there_is_not_is_refused() {
        assert!("Mars/Olympus".parse::<Zone>().is_err());
        assert!("fortnight".parse::<Width>().is_err());
        let buckets = Buckets { zone: Zone::UTC, width: Width::Minutes(15) };
        assert!(buckets.of(Window::ALL).is_err());
        assert!(
            buckets
                .of(Window::new(Some(at("2026-01-01T00:00:00Z")), Some(at("2027-01-01T00:00:00Z"))).unwrap())
                .is_err()
        );
    }
}
