//! A time while modifiers work on it, and as it comes out.

use super::calendar::{self, Clock, DAY, Date, HALF_DAY, UNIX_EPOCH};
use super::{Host, parse};
use crate::sqlite::Error;

/// Years that a time can be given in.
const YEARS: std::ops::RangeInclusive<i32> = -4713..=9999;

/// The first argument of a date function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TimeValue<'a> {
    Number(f64),
    Text(&'a [u8]),
    Instant(Instant),
}

/// A date or timestamp of PostgreSQL's. It means what its text would: 'YYYY-MM-DD HH:MM:SS.SSS', with a 'Z' in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    /// Milliseconds since 1970.
    pub milliseconds: i64,
    /// Whether that is known to be in UTC.
    pub is_utc: bool,
}

/// A time: as milliseconds since the start of the Julian period, as date and time of day, or both.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moment {
    pub(super) julian: Option<i64>,
    pub(super) date: Option<Date>,
    pub(super) clock: Option<Clock>,
    /// Minutes that the fields are ahead of UTC.
    pub(super) zone: i32,
    /// The number that was given, until a modifier has said what it counts.
    pub(super) raw: Option<f64>,
    /// What `floor` takes away.
    pub(super) surplus_days: i32,
    pub(super) subsecond: bool,
    pub(super) is_utc: bool,
    pub(super) is_local: bool,
    /// It left the range of times on the way. Only `localtime` mends that, as in SQLite.
    pub(super) failed: bool,
}

/// A time that is being read, one argument after the other.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    moment: Moment,
    modifiers: usize,
}

impl Reading {
    /// The current time.
    pub fn now(host: &mut impl Host) -> Result<Self, Error> {
        Ok(Self { moment: Moment::current(host)?, modifiers: 0 })
    }

    /// `None` where the value is no time.
    pub fn start(value: TimeValue<'_>, host: &mut impl Host) -> Result<Option<Self>, Error> {
        let moment = match value {
            TimeValue::Number(number) => Some(Moment::number(number)),
            TimeValue::Text(text) => parse::time_value(until_null(text), host)?,
            TimeValue::Instant(instant) => Moment::instant(instant),
        };
        Ok(moment.map(|moment| Self { moment, modifiers: 0 }))
    }

    /// Applies the next modifier; `None` where it is none, or does not fit here.
    pub fn modify(mut self, modifier: &[u8], host: &mut impl Host) -> Result<Option<Self>, Error> {
        let is_first = self.modifiers == 0;
        self.modifiers += 1;
        Ok(self.moment.modify(until_null(modifier), is_first, host)?.then_some(self))
    }

    /// `None` where the time is out of range.
    pub fn finish(self) -> Option<Moment> {
        let mut moment = self.moment;
        moment.compute_julian();
        if moment.failed || !moment.julian.is_some_and(calendar::is_time) {
            return None;
        }
        if self.modifiers == 0 && moment.date.is_some_and(|date| date.day > 28) {
            // A day past the end of its month is carried over.
            moment.date = None;
        }
        moment.compute_fields();
        Some(moment)
    }
}

/// Blobs may hold null characters, and C reads up to the first.
pub(super) fn until_null(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == 0).next().unwrap_or_default()
}

impl Moment {
    pub(super) const FAILED: Self = Self {
        julian: None,
        date: None,
        clock: None,
        zone: 0,
        raw: None,
        surplus_days: 0,
        subsecond: false,
        is_utc: false,
        is_local: false,
        failed: true,
    };

    /// The current time.
    pub(super) fn current(host: &mut impl Host) -> Result<Self, Error> {
        let julian = host.now()?.saturating_add(UNIX_EPOCH);
        Ok(Self { julian: Some(julian), is_utc: true, ..Self::default() })
    }

    /// A Julian day number, unless a modifier makes something else of it.
    pub(super) fn number(number: f64) -> Self {
        const END: f64 = 5_373_484.5;
        let julian = (0.0..END).contains(&number).then_some((number * DAY as f64 + 0.5) as i64);
        Self { julian, raw: Some(number), ..Self::default() }
    }

    /// `None` outside of the years that text can have here.
    fn instant(instant: Instant) -> Option<Self> {
        let date = Date::of(instant.milliseconds.checked_add(UNIX_EPOCH)?);
        let time = instant.milliseconds.rem_euclid(DAY);
        YEARS.contains(&date.year).then(|| Self {
            date: Some(date),
            clock: Some(clock(time)),
            surplus_days: 0,
            is_utc: instant.is_utc,
            ..Self::default()
        })
    }

    /// Computes the milliseconds, unless they are known.
    pub(super) fn compute_julian(&mut self) {
        if self.julian.is_some() {
            return;
        }
        let date = self.date.unwrap_or(Date::DEFAULT);
        if !YEARS.contains(&date.year) || self.raw.is_some() {
            *self = Self::FAILED;
            return;
        }
        let mut julian = date.midnight();
        if let Some(clock) = self.clock {
            julian = julian.wrapping_add(clock.milliseconds());
            if self.zone != 0 {
                julian = julian.wrapping_sub(i64::from(self.zone) * 60_000);
                self.clear_fields();
                self.is_utc = true;
                self.is_local = false;
            }
        }
        self.julian = Some(julian);
    }

    /// Computes the date, unless it is known.
    pub(super) fn compute_date(&mut self) {
        if self.date.is_some() {
            return;
        }
        match self.julian {
            None => self.date = Some(Date::DEFAULT),
            Some(julian) if calendar::is_time(julian) => self.date = Some(Date::of(julian)),
            Some(_) => *self = Self::FAILED,
        }
    }

    /// Computes the time of day, unless it is known.
    pub(super) fn compute_clock(&mut self) {
        if self.clock.is_some() {
            return;
        }
        self.compute_julian();
        self.clock = Some(clock(self.julian.unwrap_or(0).wrapping_add(HALF_DAY) % DAY));
        self.raw = None;
    }

    pub(super) fn compute_fields(&mut self) {
        self.compute_date();
        self.compute_clock();
    }

    pub(super) const fn clear_fields(&mut self) {
        self.date = None;
        self.clock = None;
        self.zone = 0;
    }

    /// Moves the time on, whose milliseconds have been computed, and forgets the fields.
    pub(super) fn advance(&mut self, milliseconds: i64) {
        self.julian = self.julian.map(|julian| julian.wrapping_add(milliseconds));
        self.clear_fields();
    }

    /// From UTC to what clocks of the session's time zone show.
    pub(super) fn make_local(&mut self, host: &mut impl Host) -> Result<(), Error> {
        // The years for which a C library of 32 bits knows the time zones: 1970-01-01 to 2038-01-18.
        const KNOWN: std::ops::RangeInclusive<i64> = UNIX_EPOCH..=213_014_145_600_000;
        self.compute_julian();
        let julian = self.julian.unwrap_or(0);
        let mut years = 0;
        let mut known = julian;
        if !KNOWN.contains(&julian) {
            // Another year takes the place of this one, with the same leap day.
            let mut other = *self;
            other.compute_fields();
            let year = other.date.map_or(0, |date| date.year);
            years = 2000 + year % 4 - year;
            if let Some(date) = &mut other.date {
                date.year += years;
            }
            other.julian = None;
            other.compute_julian();
            known = other.julian.unwrap_or(0);
        }
        let (mut date, mut clock) = host.local(known / 1000 - UNIX_EPOCH / 1000)?;
        date.year -= years;
        clock.second += (julian % 1000) as f64 * 0.001;
        self.date = Some(date);
        self.clock = Some(clock);
        self.julian = None;
        self.raw = None;
        self.zone = 0;
        self.failed = false;
        Ok(())
    }

    /// From what clocks of the session's time zone show to UTC: the time whose local time this is, by a few guesses.
    pub(super) fn make_utc(&mut self, host: &mut impl Host) -> Result<(), Error> {
        const GUESSES: usize = 4;
        self.compute_julian();
        let local = self.julian.unwrap_or(0);
        let mut guess = local;
        let mut error = 0_i64;
        for _ in 0..GUESSES {
            guess = guess.wrapping_sub(error);
            let mut moment = Self { julian: Some(guess), ..Self::default() };
            moment.make_local(host)?;
            moment.compute_julian();
            error = moment.julian.unwrap_or(0).wrapping_sub(local);
            if error == 0 {
                break;
            }
        }
        *self = Self { julian: Some(guess), is_utc: true, ..Self::default() };
        Ok(())
    }
}

/// A time of day from its milliseconds.
fn clock(milliseconds: i64) -> Clock {
    let minutes = (milliseconds / 60_000) as i32;
    Clock {
        hour: minutes / 60,
        minute: minutes % 60,
        second: (milliseconds % 60_000) as f64 / 1000.0,
    }
}
