//! A policy's period and the calendar grid it spans. Free of the server.
//!
//! All positions are microseconds since 2000-01-01 00:00 UTC, PostgreSQL's epoch. A key without a time zone (date,
//! timestamp) uses the same numbers for its wall-clock value, on a grid in UTC.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};
use thiserror::Error;

pub const DAY: i64 = 86_400_000_000;
const MINUTE: i64 = 60_000_000;
/// 2000-01-01 as microseconds since 1970-01-01.
pub const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

/// The length of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// Whole months, counted from January of year 0, so that quarters and years fall where a calendar has them.
    Months(i32),
    /// Whole days, counted from Monday 2001-01-01, so that seven of them make an ISO week.
    Days(i32),
    /// Less than a day, counted on the wall clock from each midnight.
    Micros(i64),
    /// So many ids, counted from zero. No time at all: positions are the ids.
    Ids(i64),
}

/// Why an interval is no period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PeriodError {
    #[error("period must be greater than zero")]
    NotPositive,
    #[error("period mixes months, days and time")]
    Mixed,
    #[error("period of less than a day must be whole minutes that divide a day evenly")]
    Uneven,
    #[error("period is longer than 100 years")]
    TooLong,
}

impl Period {
    /// From the three fields of a PostgreSQL interval. 24 hours count as one day.
    pub fn from_interval(months: i32, days: i32, micros: i64) -> Result<Self, PeriodError> {
        let period = match (months, days, micros) {
            (m, d, u) if m < 0 || d < 0 || u < 0 => return Err(PeriodError::NotPositive),
            (0, 0, 0) => return Err(PeriodError::NotPositive),
            (m, 0, 0) => Self::Months(m),
            (0, d, 0) => Self::Days(d),
            (0, 0, u) if u % DAY == 0 => {
                Self::Days(i32::try_from(u / DAY).map_err(|_| PeriodError::TooLong)?)
            }
            (0, 0, u) if u % MINUTE == 0 && DAY % u == 0 => Self::Micros(u),
            (0, 0, _) => return Err(PeriodError::Uneven),
            _ => return Err(PeriodError::Mixed),
        };
        match period {
            Self::Months(m) if m > 1200 => Err(PeriodError::TooLong),
            Self::Days(d) if d > 36_525 => Err(PeriodError::TooLong),
            _ => Ok(period),
        }
    }
}

impl Period {
    pub fn from_ids(ids: i64) -> Result<Self, PeriodError> {
        if ids > 0 { Ok(Self::Ids(ids)) } else { Err(PeriodError::NotPositive) }
    }
}

/// How far behind something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// As an interval states it.
    Time { months: i32, days: i32, micros: i64 },
    /// So many ids.
    Ids(i64),
}

/// The boundaries of a period in a time zone.
#[derive(Debug, Clone)]
pub struct Grid {
    pub period: Period,
    pub zone: TimeZone,
}

/// A position that no calendar date of years 1 to 9999 stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("partition bound is outside of the years 1 to 9999")]
pub struct OutOfCalendar;

/// The wall clock at `position` in `zone`.
pub fn civil(position: i64, zone: &TimeZone) -> Result<DateTime, OutOfCalendar> {
    let civil = zone.to_datetime(timestamp(position)?);
    if (1..=9999).contains(&civil.year()) { Ok(civil) } else { Err(OutOfCalendar) }
}

/// A position as an instant.
pub fn timestamp(position: i64) -> Result<Timestamp, OutOfCalendar> {
    position
        .checked_add(POSTGRES_EPOCH)
        .and_then(|unix| Timestamp::from_microsecond(unix).ok())
        .ok_or(OutOfCalendar)
}

/// An instant as a position.
pub fn position(instant: Timestamp) -> i64 {
    instant.as_microsecond() - POSTGRES_EPOCH
}

/// The wall clock `civil` as a position in `zone`: the first of two where a clock goes back, the first instant after the
/// gap where it goes forward.
pub fn resolve(civil: DateTime, zone: &TimeZone) -> Result<i64, OutOfCalendar> {
    zone.to_ambiguous_timestamp(civil).compatible().map(position).map_err(|_| OutOfCalendar)
}

impl Grid {
    /// The last boundary at or before `at`.
    pub fn floor(&self, at: i64) -> Result<i64, OutOfCalendar> {
        if let Period::Ids(n) = self.period {
            return Ok(at.saturating_sub(at.rem_euclid(n)));
        }
        let date = civil(at, &self.zone)?.date();
        match self.period {
            Period::Months(n) => {
                let months = i32::from(date.year()) * 12 + i32::from(date.month()) - 1;
                self.first_of_month(months - months.rem_euclid(n))
            }
            Period::Days(n) => {
                let days = days_from_monday(date);
                self.midnight(days - days.rem_euclid(n))
            }
            Period::Micros(step) => {
                // A clock that goes back over midnight shows yesterday's date after today's first boundary.
                for day in [date, date.yesterday().map_err(|_| OutOfCalendar)?] {
                    if let Some(found) =
                        self.boundaries_of(day, step)?.into_iter().rev().find(|b| *b <= at)
                    {
                        return Ok(found);
                    }
                }
                Err(OutOfCalendar)
            }
            Period::Ids(_) => Err(OutOfCalendar),
        }
    }

    /// The first boundary after `at`.
    pub fn next(&self, at: i64) -> Result<i64, OutOfCalendar> {
        if let Period::Ids(n) = self.period {
            // Beyond the last id there is nothing to find.
            return Ok(at.saturating_add(n - at.rem_euclid(n)));
        }
        let date = civil(at, &self.zone)?.date();
        // More than one step only where a zone skips a whole calendar day, as Samoa did in 2011.
        match self.period {
            Period::Months(n) => {
                let mut months = i32::from(date.year()) * 12 + i32::from(date.month()) - 1;
                months -= months.rem_euclid(n);
                loop {
                    months += n;
                    let bound = self.first_of_month(months)?;
                    if bound > at {
                        return Ok(bound);
                    }
                }
            }
            Period::Days(n) => {
                let mut days = days_from_monday(date);
                days -= days.rem_euclid(n);
                loop {
                    days += n;
                    let bound = self.midnight(days)?;
                    if bound > at {
                        return Ok(bound);
                    }
                }
            }
            Period::Micros(step) => {
                let mut day = date;
                loop {
                    if let Some(found) =
                        self.boundaries_of(day, step)?.into_iter().find(|b| *b > at)
                    {
                        return Ok(found);
                    }
                    day = day.tomorrow().map_err(|_| OutOfCalendar)?;
                }
            }
            Period::Ids(_) => Err(OutOfCalendar),
        }
    }

    /// `at` less an age, on the wall clock of the grid's zone: months first, then days, then the time, as PostgreSQL does.
    pub fn before(&self, at: i64, age: Age) -> Result<i64, OutOfCalendar> {
        let (months, days, micros) = match age {
            Age::Time { months, days, micros } => (months, days, micros),
            Age::Ids(n) => return at.checked_sub(n).ok_or(OutOfCalendar),
        };
        let civil = civil(at, &self.zone)?;
        let earlier = civil
            .checked_sub(months.months())
            .and_then(|c| c.checked_sub(days.days()))
            .map_err(|_| OutOfCalendar)?;
        resolve(earlier, &self.zone)?.checked_sub(micros).ok_or(OutOfCalendar)
    }

    fn first_of_month(&self, months: i32) -> Result<i64, OutOfCalendar> {
        let year = i16::try_from(months.div_euclid(12)).map_err(|_| OutOfCalendar)?;
        let month = i8::try_from(months.rem_euclid(12) + 1).map_err(|_| OutOfCalendar)?;
        let date = Date::new(year, month, 1).map_err(|_| OutOfCalendar)?;
        resolve(date.to_datetime(Time::midnight()), &self.zone)
    }

    fn midnight(&self, days: i32) -> Result<i64, OutOfCalendar> {
        let date = MONDAY.checked_add(days.days()).map_err(|_| OutOfCalendar)?;
        resolve(date.to_datetime(Time::midnight()), &self.zone)
    }

    /// Every instant of `date` at which the wall clock shows a multiple of `step`, twice where it shows it twice, and the
    /// day's first instant.
    fn boundaries_of(&self, date: Date, step: i64) -> Result<Vec<i64>, OutOfCalendar> {
        let midnight = date.to_datetime(Time::midnight());
        let mut found = vec![resolve(midnight, &self.zone)?];
        for k in 0..DAY / step {
            let wall =
                midnight.checked_add((k * step).microseconds()).map_err(|_| OutOfCalendar)?;
            let ambiguous = self.zone.to_ambiguous_timestamp(wall);
            let offsets = match ambiguous.offset() {
                AmbiguousOffset::Unambiguous { offset } => [Some(offset), None],
                AmbiguousOffset::Gap { .. } => [None, None],
                AmbiguousOffset::Fold { before, after } => [Some(before), Some(after)],
            };
            for offset in offsets.into_iter().flatten() {
                found.push(position(offset.to_timestamp(wall).map_err(|_| OutOfCalendar)?));
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}

const MONDAY: Date = jiff::civil::date(2001, 1, 1);

fn days_from_monday(date: Date) -> i32 {
    (date - MONDAY).get_days()
}

#[cfg(test)]
mod unit {
    use super::*;

    const ZONES: [&str; 7] = [
        "UTC",
        "America/New_York",
        "Europe/Berlin",
        "Australia/Lord_Howe",
        // The clock goes back over midnight, goes forward at midnight, skips a calendar day.
        "America/Sao_Paulo",
        "America/Havana",
        "Pacific/Apia",
    ];

    /// Days around the changes of all these zones.
    const CHANGES: [(&str, &str); 8] = [
        ("2011-12-29T00:00:00Z", "2012-01-01T00:00:00Z"),
        ("2015-02-21T12:00:00Z", "2015-02-23T00:00:00Z"),
        ("2015-03-07T12:00:00Z", "2015-03-09T12:00:00Z"),
        ("2015-03-28T12:00:00Z", "2015-03-30T00:00:00Z"),
        ("2015-04-04T00:00:00Z", "2015-04-06T00:00:00Z"),
        ("2015-09-26T00:00:00Z", "2015-09-28T00:00:00Z"),
        ("2015-10-03T00:00:00Z", "2015-10-05T00:00:00Z"),
        ("2015-10-17T12:00:00Z", "2015-11-02T12:00:00Z"),
    ];

    fn grid(period: Period, zone: &str) -> Grid {
        Grid { period, zone: TimeZone::get(zone).unwrap() }
    }

    fn at(text: &str) -> i64 {
        position(text.parse().unwrap())
    }

    #[test]
    fn intervals_become_periods_or_say_why_not() {
        assert_eq!(Period::from_interval(12, 0, 0), Ok(Period::Months(12)));
        assert_eq!(Period::from_interval(0, 7, 0), Ok(Period::Days(7)));
        assert_eq!(Period::from_interval(0, 0, DAY), Ok(Period::Days(1)));
        assert_eq!(Period::from_interval(0, 0, 15 * MINUTE), Ok(Period::Micros(15 * MINUTE)));
        assert_eq!(Period::from_interval(0, 0, 0), Err(PeriodError::NotPositive));
        assert_eq!(Period::from_interval(0, -1, 0), Err(PeriodError::NotPositive));
        assert_eq!(Period::from_interval(1, -1, 0), Err(PeriodError::NotPositive));
        assert_eq!(Period::from_interval(1, 1, 0), Err(PeriodError::Mixed));
        assert_eq!(Period::from_interval(0, 1, MINUTE), Err(PeriodError::Mixed));
        assert_eq!(Period::from_interval(0, 0, 7 * MINUTE), Err(PeriodError::Uneven));
        assert_eq!(Period::from_interval(0, 0, 1), Err(PeriodError::Uneven));
        assert_eq!(Period::from_interval(1201, 0, 0), Err(PeriodError::TooLong));
        assert_eq!(Period::from_interval(0, 0, i64::MAX), Err(PeriodError::Uneven));
    }

    /// The cells of every grid tile the line: each boundary is its own floor, so is every instant up to the next one, and
    /// the next boundary is later. Walked over 2011 to 2016: leap years, month ends and all changes of the clock.
    #[test]
    fn cells_tile_the_line_over_every_change_of_the_clock() {
        let periods = [
            Period::Months(1),
            Period::Months(3),
            Period::Months(12),
            Period::Days(1),
            Period::Days(7),
            Period::Days(10),
            Period::Micros(30 * MINUTE),
            Period::Micros(360 * MINUTE),
        ];
        for zone in ZONES {
            for period in periods {
                let grid = grid(period, zone);
                // Below a day only the days around the changes are walked.
                let spans = if matches!(period, Period::Micros(_)) {
                    CHANGES.to_vec()
                } else {
                    vec![("2011-06-01T00:00:00Z", "2016-06-01T00:00:00Z")]
                };
                for (from, to) in spans {
                    let mut lower = grid.floor(at(from)).unwrap();
                    assert!(lower <= at(from));
                    while lower < at(to) {
                        let upper = grid.next(lower).unwrap();
                        assert!(upper > lower, "{zone} {period:?}");
                        for inside in [lower, lower + (upper - lower) / 2, upper - 1] {
                            assert_eq!(grid.floor(inside).unwrap(), lower, "{zone} {period:?}");
                            assert_eq!(grid.next(inside).unwrap(), upper, "{zone} {period:?}");
                        }
                        lower = upper;
                    }
                }
            }
        }
    }

    /// Lengths of the days of the changes, from the published rules of the zones.
    #[test]
    fn days_are_as_long_as_the_zone_says() {
        for (zone, noon, minutes) in [
            ("America/New_York", "2015-03-08T17:00:00Z", 23 * 60),
            ("America/New_York", "2015-11-01T17:00:00Z", 25 * 60),
            ("Europe/Berlin", "2015-03-29T11:00:00Z", 23 * 60),
            ("Europe/Berlin", "2015-10-25T11:00:00Z", 25 * 60),
            ("Australia/Lord_Howe", "2015-10-04T01:00:00Z", 23 * 60 + 30),
            ("Australia/Lord_Howe", "2015-04-05T01:00:00Z", 24 * 60 + 30),
            ("UTC", "2015-03-29T11:00:00Z", 24 * 60),
        ] {
            let grid = grid(Period::Days(1), zone);
            let lower = grid.floor(at(noon)).unwrap();
            assert_eq!(grid.next(lower).unwrap() - lower, minutes * MINUTE, "{zone} {noon}");
        }
    }

    #[test]
    fn the_repeated_hour_has_a_cell_of_its_own() {
        let grid = grid(Period::Micros(60 * MINUTE), "America/New_York");
        let mut bound = grid.floor(at("2015-11-01T04:30:00Z")).unwrap();
        let mut hours = vec![];
        for _ in 0..4 {
            hours.push(bound);
            bound = grid.next(bound).unwrap();
        }
        assert_eq!(hours, ["04", "05", "06", "07"].map(|h| at(&format!("2015-11-01T{h}:00:00Z"))));
    }

    #[test]
    fn weeks_start_on_monday_and_months_on_the_first() {
        let weeks = grid(Period::Days(7), "UTC");
        assert_eq!(weeks.floor(at("2015-05-20T12:00:00Z")).unwrap(), at("2015-05-18T00:00:00Z"));
        let quarters = grid(Period::Months(3), "UTC");
        assert_eq!(quarters.floor(at("2015-05-20T12:00:00Z")).unwrap(), at("2015-04-01T00:00:00Z"));
        assert_eq!(quarters.next(at("2015-05-20T12:00:00Z")).unwrap(), at("2015-07-01T00:00:00Z"));
        let leap = grid(Period::Days(1), "UTC");
        assert_eq!(leap.next(at("2016-02-28T10:00:00Z")).unwrap(), at("2016-02-29T00:00:00Z"));
    }

    #[test]
    fn ages_are_taken_off_the_wall_clock() {
        let grid = grid(Period::Days(1), "America/New_York");
        let age = |months, days, micros| Age::Time { months, days, micros };
        // Noon less a day is noon, though the day had 23 hours.
        assert_eq!(
            grid.before(at("2015-03-08T16:00:00Z"), age(0, 1, 0)).unwrap(),
            at("2015-03-07T17:00:00Z")
        );
        assert_eq!(
            grid.before(at("2015-03-31T16:00:00Z"), age(1, 0, 0)).unwrap(),
            at("2015-02-28T17:00:00Z")
        );
        assert_eq!(
            grid.before(at("2015-03-08T16:00:00Z"), age(0, 0, DAY)).unwrap(),
            at("2015-03-07T16:00:00Z")
        );
    }

    #[test]
    fn positions_without_a_date_are_refused() {
        let grid = grid(Period::Days(1), "UTC");
        assert_eq!(grid.floor(i64::MAX), Err(OutOfCalendar));
        assert_eq!(grid.floor(i64::MIN), Err(OutOfCalendar));
        assert_eq!(grid.next(at("9999-12-30T00:00:00Z") + 2 * DAY - 1), Err(OutOfCalendar));
    }

    #[test]
    fn ids_are_counted_from_zero_up_to_the_ends_of_the_type() {
        let grid = grid(Period::Ids(1000), "UTC");
        for (at, lower, upper) in [
            (0, 0, 1000),
            (999, 0, 1000),
            (1000, 1000, 2000),
            (-1, -1000, 0),
            (i64::MAX, i64::MAX - i64::MAX % 1000, i64::MAX),
            (i64::MIN, i64::MIN, i64::MIN + 808),
        ] {
            assert_eq!((grid.floor(at), grid.next(at)), (Ok(lower), Ok(upper)), "{at}");
        }
        assert_eq!(grid.before(10, Age::Ids(30)), Ok(-20));
        assert_eq!(grid.before(i64::MIN, Age::Ids(1)), Err(OutOfCalendar));
    }
}
