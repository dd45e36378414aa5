//! What the arguments after the first do to a time.

use super::calendar::{Clock, DAY, HALF_DAY, UNIX_EPOCH};
use super::parse::{self, at, from};
use super::{Host, Moment};
use crate::sqlite::{Error, number};

/// Units of `NNN units`: name, the largest number, and milliseconds (of a month and a year: those of their fractions).
/// The limits are what they are as single-precision reals.
const UNITS: [(&[u8], f32, Unit, f64); 6] = [
    (b"second", 4.6427e14, Unit::Time, 1.0),
    (b"minute", 7.7379e12, Unit::Time, 60.0),
    (b"hour", 1.2897e11, Unit::Time, 3600.0),
    (b"day", 5_373_485.0, Unit::Time, 86_400.0),
    (b"month", 176_546.0, Unit::Month, 2_592_000.0),
    (b"year", 14_713.0, Unit::Year, 31_536_000.0),
];

#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Time,
    Month,
    Year,
}

impl Moment {
    /// Applies a modifier; false where it is none, or does not fit here.
    pub(super) fn modify(
        &mut self,
        text: &[u8],
        is_first: bool,
        host: &mut impl Host,
    ) -> Result<bool, Error> {
        let is = |word: &[u8]| text.eq_ignore_ascii_case(word);
        Ok(match at(text, 0).to_ascii_lowercase() {
            b'a' if is(b"auto") => is_first && self.guess_number(),
            b'c' if is(b"ceiling") => {
                self.compute_julian();
                self.clear_fields();
                self.surplus_days = 0;
                true
            }
            b'f' if is(b"floor") => {
                self.compute_julian();
                self.advance(-i64::from(self.surplus_days) * DAY);
                true
            }
            b'j' if is(b"julianday") => {
                is_first && self.julian.is_some() && self.raw.take().is_some()
            }
            b'l' if is(b"localtime") => {
                host.allow_zone()?;
                if !self.is_local {
                    self.make_local(host)?;
                }
                self.is_utc = false;
                self.is_local = true;
                true
            }
            b'u' if is(b"utc") => {
                host.allow_zone()?;
                if !self.is_utc {
                    self.make_utc(host)?;
                }
                true
            }
            b'u' if is(b"unixepoch") => is_first && self.count_from_1970(),
            b'w' if starts_with(text, b"weekday ") => self.next_weekday(&text[8..]),
            b's' if starts_with(text, b"start of ") => self.start_of(&text[9..]),
            b's' if parse::is_subsecond(text) => {
                self.subsecond = true;
                true
            }
            b'+' | b'-' | b'0'..=b'9' => self.add(text),
            _ => false,
        })
    }

    /// `auto`: a number is a Julian day where it can be, else seconds since 1970.
    fn guess_number(&mut self) -> bool {
        const SECONDS: std::ops::RangeInclusive<f64> = -210_866_760_000.0..=253_402_300_799.0;
        match self.raw {
            Some(number) if self.julian.is_none() => {
                if SECONDS.contains(&number) {
                    self.set_unix(number);
                }
            }
            _ => self.raw = None,
        }
        true
    }

    fn count_from_1970(&mut self) -> bool {
        const END: f64 = 464_269_060_800_000.0;
        let Some(number) = self.raw else { return false };
        let in_range = (0.0..END).contains(&(number * 1000.0 + UNIX_EPOCH as f64));
        if in_range {
            self.set_unix(number);
        }
        in_range
    }

    fn set_unix(&mut self, seconds: f64) {
        self.clear_fields();
        self.julian = Some((seconds * 1000.0 + UNIX_EPOCH as f64 + 0.5) as i64);
        self.raw = None;
    }

    /// To the next such day of the week, where Sunday is 0; that may be the day itself.
    fn next_weekday(&mut self, text: &[u8]) -> bool {
        let Some(number) = number::numeric(text).map(number::Number::as_real) else {
            return false;
        };
        if !(0.0..7.0).contains(&number) || number.fract() != 0.0 {
            return false;
        }
        let wanted = number as i64;
        self.compute_fields();
        self.zone = 0;
        self.julian = None;
        self.compute_julian();
        let mut weekday = (self.julian.unwrap_or(0).wrapping_add(3 * HALF_DAY) / DAY) % 7;
        if weekday > wanted {
            weekday -= 7;
        }
        self.advance((wanted - weekday) * DAY);
        true
    }

    fn start_of(&mut self, unit: &[u8]) -> bool {
        if self.julian.is_none() && self.date.is_none() && self.clock.is_none() {
            return false;
        }
        self.compute_date();
        self.clock = Some(Clock::MIDNIGHT);
        self.raw = None;
        self.zone = 0;
        self.julian = None;
        let (is_month, is_year) =
            (unit.eq_ignore_ascii_case(b"month"), unit.eq_ignore_ascii_case(b"year"));
        if let Some(date) = &mut self.date {
            if is_month || is_year {
                date.day = 1;
            }
            if is_year {
                date.month = 1;
            }
        }
        is_month || is_year || unit.eq_ignore_ascii_case(b"day")
    }

    /// `NNN units`, `[+-]HH:MM[:SS[.SSS]]`, or `(+|-)YYYY-MM-DD[ HH:MM[:SS[.SSS]]]`.
    fn add(&mut self, text: &[u8]) -> bool {
        let (end, year_digits) = end_of_number(text);
        let Some(number) = number::numeric(&text[..end]).map(number::Number::as_real) else {
            return false;
        };
        match (at(text, end), year_digits) {
            (b':', _) => self.add_clock(at(text, 0), text),
            (_, Some(digits)) => self.add_date(text, digits),
            _ => self.add_units(number, parse::skip_spaces(&text[end..])),
        }
    }

    fn add_date(&mut self, text: &[u8], year_digits: usize) -> bool {
        let sign = match at(text, 0) {
            b'+' => 1,
            b'-' => -1,
            _ => return false,
        };
        let Some(span) = parse::date_digits(&text[1..], year_digits, 0..=11, 0..=30) else {
            return false;
        };
        self.compute_fields();
        self.julian = None;
        if let Some(date) = &mut self.date {
            date.year += sign * span.year;
            date.month += sign * span.month;
            date.carry_months();
            self.surplus_days = date.surplus();
        }
        self.compute_julian();
        self.advance(i64::from(sign * span.day) * DAY);
        // What follows the date: its sign has been seen.
        let rest = from(text, 7 + year_digits);
        if rest.is_empty() {
            return true;
        }
        number::is_space(rest[0])
            && parse::digits(from(rest, 1), 2, 0..=24).is_some()
            && at(rest, 3) == b':'
            && parse::digits(from(rest, 4), 2, 0..=59).is_some()
            && self.add_clock(at(text, 0), &rest[1..])
    }

    /// A sign may stand before the time of day or before a date in front of it.
    fn add_clock(&mut self, sign: u8, text: &[u8]) -> bool {
        let text = if at(text, 0).is_ascii_digit() { text } else { from(text, 1) };
        let Some(parsed) = parse::clock(text) else { return false };
        let mut time = parsed.since_midnight();
        if sign == b'-' {
            time = time.wrapping_neg();
        }
        self.compute_julian();
        self.advance(time);
        true
    }

    fn add_units(&mut self, number: f64, name: &[u8]) -> bool {
        if !(3..=10).contains(&name.len()) {
            return false;
        }
        let name = match name {
            [singular @ .., b's' | b'S'] => singular,
            _ => name,
        };
        self.compute_julian();
        self.surplus_days = 0;
        let unit = UNITS.iter().find(|(unit, limit, ..)| {
            unit.eq_ignore_ascii_case(name) && number.abs() < f64::from(*limit)
        });
        let Some((_, _, unit, seconds)) = unit else {
            self.clear_fields();
            return false;
        };
        let mut fraction = number;
        if *unit != Unit::Time {
            self.compute_fields();
            if let Some(date) = &mut self.date {
                if *unit == Unit::Month {
                    date.month += number as i32;
                    date.carry_months();
                } else {
                    date.year += number as i32;
                }
                self.surplus_days = date.surplus();
            }
            self.julian = None;
            fraction = number - f64::from(number as i32);
        }
        self.compute_julian();
        let rounding = if number < 0.0 { -0.5 } else { 0.5 };
        self.advance((fraction * 1000.0 * seconds + rounding) as i64);
        true
    }
}

fn starts_with(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// Where the number ends that a text begins with. A year ends at a hyphen after its 4 or 5 digits, whose number is
/// given then.
fn end_of_number(text: &[u8]) -> (usize, Option<usize>) {
    for end in 1..text.len() {
        match text[end] {
            b':' => return (end, None),
            byte if number::is_space(byte) => return (end, None),
            b'-' if (end == 5 || end == 6)
                && parse::digits(&text[1..], end - 1, parse::YEARS).is_some() =>
            {
                return (end, Some(end - 1));
            }
            _ => {}
        }
    }
    (text.len(), None)
}
