//! The Gregorian calendar, extended to all years, and milliseconds since the start of the Julian period
//! (noon of -4713-11-24).

/// Milliseconds of a day.
pub const DAY: i64 = 86_400_000;
/// From one noon, where Julian days begin, to midnight.
pub const HALF_DAY: i64 = DAY / 2;
/// 1970-01-01 00:00.
pub const UNIX_EPOCH: i64 = 210_866_760_000_000;
/// 9999-12-31 23:59:59.999; with zero, the bounds of what is a time.
const LAST: i64 = 464_269_060_799_999;

/// A day. The day of month may lie past the end of its month: it then means one of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    pub year: i32,
    pub month: i32,
    pub day: i32,
}

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clock {
    pub hour: i32,
    pub minute: i32,
    pub second: f64,
}

impl Clock {
    pub const MIDNIGHT: Self = Self { hour: 0, minute: 0, second: 0.0 };

    pub fn milliseconds(self) -> i64 {
        (i64::from(self.hour) * 3_600_000 + i64::from(self.minute) * 60_000)
            .wrapping_add(truncate(self.second * 1000.0 + 0.5))
    }
}

pub const fn is_time(milliseconds: i64) -> bool {
    milliseconds >= 0 && milliseconds <= LAST
}

/// As x86 converts: what does not fit, and what is no number, becomes the smallest integer, which no time is.
pub fn truncate(real: f64) -> i64 {
    const END: f64 = 9_223_372_036_854_775_808.0;
    if (-END..END).contains(&real) { real as i64 } else { i64::MIN }
}

impl Date {
    /// What a time without a date counts from.
    pub const DEFAULT: Self = Self { year: 2000, month: 1, day: 1 };

    /// Its midnight. The month is one of the twelve.
    pub fn midnight(self) -> i64 {
        // Years that begin in March have the leap day at their end; 400 of them have 146,097 days.
        let (year, month) = if self.month > 2 {
            (self.year, self.month - 3)
        } else {
            (self.year - 1, self.month + 9)
        };
        let century = year.div_euclid(100);
        let days = 146_097 * i64::from(century.div_euclid(4))
            + i64::from(36_524 * century.rem_euclid(4))
            + i64::from(1461 * year.rem_euclid(100) / 4)
            + i64::from((153 * month + 2) / 5)
            + i64::from(self.day - 1);
        // From 0000-03-01 to 1970-01-01.
        (days - 719_468) * DAY + UNIX_EPOCH
    }

    /// The date of a time.
    pub fn of(milliseconds: i64) -> Self {
        let days = (milliseconds - UNIX_EPOCH).div_euclid(DAY) + 719_468;
        let (cycle, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        // The last day of a cycle belongs to its fourth century, the last of four years to the fourth of them.
        let century = (day / 36_524).min(3);
        let day = day - century * 36_524;
        let four = day / 1461;
        let day = day - four * 1461;
        let year = (day / 365).min(3);
        let day = day - year * 365;
        let month = (5 * day + 2) / 153;
        let year = cycle * 400 + century * 100 + four * 4 + year;
        Self {
            year: (year + i64::from(month > 9)) as i32,
            month: (if month < 10 { month + 3 } else { month - 9 }) as i32,
            day: (day - (153 * month + 2) / 5 + 1) as i32,
        }
    }

    /// How many days past the end of its month this is.
    pub const fn surplus(self) -> i32 {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        let length = match self.month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if self.day > length { self.day - length } else { 0 }
    }

    /// Brings the month back to the twelve.
    pub const fn carry_months(&mut self) {
        let months = self.month - 1;
        self.year += months.div_euclid(12);
        self.month = months.rem_euclid(12) + 1;
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn every_day_there_and_back() {
        let mut previous = Date { year: -4713, month: 11, day: 23 };
        for day in 0..=LAST / DAY {
            let midnight = day * DAY - HALF_DAY;
            let date = Date::of(midnight);
            assert_eq!(date.midnight(), midnight, "{date:?}");
            assert_eq!(Date::of(midnight + DAY - 1), date);
            let next = Date { day: previous.day + 1, ..previous };
            let first = if previous.month == 12 {
                Date { year: previous.year + 1, month: 1, day: 1 }
            } else {
                Date { month: previous.month + 1, day: 1, ..previous }
            };
            assert_eq!(date, if next.surplus() > 0 { first } else { next });
            assert_eq!(next.midnight(), midnight);
            previous = date;
        }
        assert_eq!(previous, Date { year: 9999, month: 12, day: 31 });
    }

    #[test]
    fn months_are_carried() {
        for (year, month, carried) in [
            (2024, 13, (2025, 1)),
            (2024, 0, (2023, 12)),
            (2024, -11, (2023, 1)),
            (1, -12, (-1, 12)),
        ] {
            let mut date = Date { year, month, day: 1 };
            date.carry_months();
            assert_eq!((date.year, date.month), carried);
        }
    }
}
