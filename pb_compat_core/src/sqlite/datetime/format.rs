//! Times as text and as numbers.

use super::calendar::{Clock, DAY, Date, HALF_DAY, UNIX_EPOCH};
use super::{Host, Instant, Moment};
use crate::sqlite::Error;
use crate::sqlite::decimal::{Decimal, Rounding};
use crate::sqlite::number;

/// The longest text that SQLite makes.
const LIMIT: usize = 1_000_000_000;
/// How many conversions of a format there are between two looks whether to stop.
const CONVERSIONS_PER_PAUSE: usize = 4096;

/// Of a time that has been read completely: all of its fields are known.
impl Moment {
    fn milliseconds(&self) -> i64 {
        self.julian.unwrap_or(0)
    }

    fn fields(&self) -> (Date, Clock) {
        (self.date.unwrap_or(Date::DEFAULT), self.clock.unwrap_or(Clock::MIDNIGHT))
    }

    pub fn julian_day(&self) -> f64 {
        self.milliseconds() as f64 / DAY as f64
    }

    /// Whole seconds since 1970.
    pub fn unix_seconds(&self) -> i64 {
        if self.subsecond {
            self.unix_milliseconds() / 1000
        } else {
            self.milliseconds() / 1000 - UNIX_EPOCH / 1000
        }
    }

    /// Seconds since 1970, with their fraction where `subsec` asked for it.
    pub fn unix_seconds_real(&self) -> f64 {
        if self.subsecond {
            self.unix_milliseconds() as f64 / 1000.0
        } else {
            self.unix_seconds() as f64
        }
    }

    const fn unix_milliseconds(&self) -> i64 {
        match self.julian {
            Some(julian) => julian - UNIX_EPOCH,
            None => 0,
        }
    }

    pub fn date_text(&self) -> String {
        let mut text = String::with_capacity(11);
        self.push_date(&mut text);
        text
    }

    pub fn time_text(&self) -> String {
        let mut text = String::with_capacity(12);
        self.push_time(&mut text);
        text
    }

    pub fn datetime_text(&self) -> String {
        let mut text = String::with_capacity(24);
        self.push_date(&mut text);
        text.push(' ');
        self.push_time(&mut text);
        text
    }

    fn push_date(&self, text: &mut String) {
        let (date, _) = self.fields();
        if date.year < 0 {
            text.push('-');
        }
        push_pair(text, date.year.abs() / 100);
        push_pair(text, date.year.abs());
        text.push('-');
        push_pair(text, date.month);
        text.push('-');
        push_pair(text, date.day);
    }

    fn push_time(&self, text: &mut String) {
        let (_, clock) = self.fields();
        push_pair(text, clock.hour);
        text.push(':');
        push_pair(text, clock.minute);
        text.push(':');
        if self.subsecond {
            let milliseconds = (clock.second * 1000.0 + 0.5) as i32;
            push_pair(text, milliseconds / 1000);
            text.push('.');
            push_digit(text, milliseconds / 100);
            push_pair(text, milliseconds);
        } else {
            push_pair(text, clock.second as i32);
        }
    }

    /// `strftime()`: `None` where the format has a conversion that there is not.
    pub fn format(&self, format: &str, host: &mut impl Host) -> Result<Option<String>, Error> {
        let mut text = String::with_capacity(format.len() + 16);
        let mut rest = format;
        for count in 1.. {
            let Some(percent) = rest.bytes().position(|byte| byte == b'%') else { break };
            text.push_str(&rest[..percent]);
            let Some(conversion) = rest.as_bytes().get(percent + 1) else { return Ok(None) };
            if !self.push_conversion(&mut text, *conversion) {
                return Ok(None);
            }
            // The conversion is one of ASCII's characters.
            rest = &rest[percent + 2..];
            if text.len() > LIMIT {
                return Err(Error::TooBig);
            }
            if count % CONVERSIONS_PER_PAUSE == 0 {
                host.pause();
            }
        }
        text.push_str(rest);
        if text.len() > LIMIT { Err(Error::TooBig) } else { Ok(Some(text)) }
    }

    fn push_conversion(&self, text: &mut String, conversion: u8) -> bool {
        let (date, clock) = self.fields();
        let second = clock.second as i32;
        let hour_of_12 = match clock.hour {
            0 | 12 => 12,
            hour if hour > 12 => hour - 12,
            hour => hour,
        };
        match conversion {
            b'%' => text.push('%'),
            b'd' => push_number(text, date.day, 2, '0'),
            b'e' => push_number(text, date.day, 2, ' '),
            b'f' => push_seconds(text, clock.second),
            b'F' => {
                push_number(text, date.year, 4, '0');
                text.push('-');
                push_number(text, date.month, 2, '0');
                text.push('-');
                push_number(text, date.day, 2, '0');
            }
            b'g' => push_number(text, self.thursday().0 % 100, 2, '0'),
            b'G' => push_number(text, self.thursday().0, 4, '0'),
            b'H' => push_number(text, clock.hour, 2, '0'),
            b'I' => push_number(text, hour_of_12, 2, '0'),
            b'j' => push_number(text, self.day_of_year() + 1, 3, '0'),
            b'J' => push_julian_day(text, self.julian_day()),
            b'k' => push_number(text, clock.hour, 2, ' '),
            b'l' => push_number(text, hour_of_12, 2, ' '),
            b'm' => push_number(text, date.month, 2, '0'),
            b'M' => push_number(text, clock.minute, 2, '0'),
            b'p' => text.push_str(if clock.hour >= 12 { "PM" } else { "AM" }),
            b'P' => text.push_str(if clock.hour >= 12 { "pm" } else { "am" }),
            b'R' => {
                push_number(text, clock.hour, 2, '0');
                text.push(':');
                push_number(text, clock.minute, 2, '0');
            }
            b's' if self.subsecond => {
                let milliseconds = self.unix_milliseconds();
                if milliseconds < 0 {
                    text.push('-');
                }
                push_thousandths(text, milliseconds.unsigned_abs(), 1);
            }
            b's' => push_digits(text, self.unix_seconds(), 1, '0'),
            b'S' => push_number(text, second, 2, '0'),
            b'T' => {
                push_number(text, clock.hour, 2, '0');
                text.push(':');
                push_number(text, clock.minute, 2, '0');
                text.push(':');
                push_number(text, second, 2, '0');
            }
            b'u' => push_digit(text, if self.weekday() == 0 { 7 } else { self.weekday() }),
            b'U' => push_number(text, (self.day_of_year() - self.weekday() + 7) / 7, 2, '0'),
            b'V' => push_number(text, self.thursday().1 / 7 + 1, 2, '0'),
            b'w' => push_digit(text, self.weekday()),
            b'W' => {
                let monday = (self.weekday() + 6) % 7;
                push_number(text, (self.day_of_year() - monday + 7) / 7, 2, '0');
            }
            b'Y' => push_number(text, date.year, 4, '0'),
            _ => return false,
        }
        true
    }

    /// The day of the year; January 1 is 0.
    fn day_of_year(&self) -> i32 {
        let (date, clock) = self.fields();
        let first = Date { month: 1, day: 1, ..date }.midnight().wrapping_add(clock.milliseconds());
        (self.milliseconds().wrapping_sub(first).wrapping_add(HALF_DAY) / DAY) as i32
    }

    /// Sunday is 0.
    fn weekday(&self) -> i32 {
        ((self.milliseconds() + 3 * HALF_DAY) / DAY % 7) as i32
    }

    /// Year, and day of that year, of the Thursday in the same week: what week it is of which year by ISO 8601.
    fn thursday(&self) -> (i32, i32) {
        let mut moment = *self;
        let monday = (self.weekday() + 6) % 7;
        moment.julian = Some(self.milliseconds() + i64::from(3 - monday) * DAY);
        moment.date = None;
        moment.compute_fields();
        (moment.fields().0.year, moment.day_of_year())
    }
}

impl Instant {
    /// `YYYY-MM-DD`, of any year.
    pub fn date_text(self) -> String {
        let mut text = String::with_capacity(10);
        self.push_date(&mut text);
        text
    }

    /// `YYYY-MM-DD HH:MM:SS.SSS`, with a `Z` in UTC.
    pub fn datetime_text(self) -> String {
        let mut text = String::with_capacity(24);
        self.push_date(&mut text);
        let time = self.milliseconds.rem_euclid(DAY) as u64;
        let minutes = (time / 60_000) as i32;
        text.push(' ');
        push_pair(&mut text, minutes / 60);
        text.push(':');
        push_pair(&mut text, minutes % 60);
        text.push(':');
        push_thousandths(&mut text, time % 60_000, 2);
        if self.is_utc {
            text.push('Z');
        }
        text
    }

    fn push_date(self, text: &mut String) {
        let date = Date::of(self.milliseconds + UNIX_EPOCH);
        if date.year < 0 {
            text.push('-');
        }
        push_number(text, date.year.abs(), 4, '0');
        text.push('-');
        push_pair(text, date.month);
        text.push('-');
        push_pair(text, date.day);
    }
}

fn push_digit(text: &mut String, number: i32) {
    text.push(char::from(b'0' + (number % 10).unsigned_abs() as u8));
}

/// The last two digits.
fn push_pair(text: &mut String, number: i32) {
    push_digit(text, number / 10);
    push_digit(text, number);
}

fn push_number(text: &mut String, number: i32, width: usize, pad: char) {
    // What nearly all numbers are.
    if width == 2 && pad == '0' && (0..100).contains(&number) {
        push_pair(text, number);
    } else {
        push_digits(text, number.into(), width, pad);
    }
}

/// As C's `%*d` and `%0*d`.
pub(super) fn push_digits(text: &mut String, number: i64, width: usize, pad: char) {
    let mut buffer = [0; 20];
    let mut first = buffer.len();
    let mut rest = number.unsigned_abs();
    while rest > 0 || first == buffer.len() {
        first -= 1;
        buffer[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let is_negative = number < 0;
    let length = buffer.len() - first + usize::from(is_negative);
    if is_negative && pad == '0' {
        text.push('-');
    }
    text.extend(std::iter::repeat_n(pad, width.saturating_sub(length)));
    if is_negative && pad != '0' {
        text.push('-');
    }
    text.extend(buffer[first..].iter().copied().map(char::from));
}

/// A number of thousandths as `x.xxx`, with so many digits before the point at least.
fn push_thousandths(text: &mut String, thousandths: u64, width: usize) {
    push_digits(text, (thousandths / 1000) as i64, width, '0');
    text.push('.');
    push_digits(text, (thousandths % 1000) as i64, 3, '0');
}

/// As SQLite's `%06.3f`.
pub(super) fn push_seconds(text: &mut String, seconds: f64) {
    let thousandths = (seconds * 1000.0).round();
    if (0.0..60_000.0).contains(&thousandths) && thousandths / 1000.0 == seconds {
        return push_thousandths(text, thousandths as u64, 2);
    }
    let decimal = Decimal::new(seconds, Rounding::Places(3), 16);
    let digit = |position: i32| {
        // Positions count from the decimal point.
        usize::try_from(position + decimal.point)
            .ok()
            .and_then(|at| decimal.digits().get(at))
            .map_or(0, |digit| u64::from(digit - b'0'))
    };
    if decimal.negative {
        text.push('-');
    }
    let thousandths =
        (-(decimal.point.max(0))..3).fold(0, |number, position| number * 10 + digit(position));
    push_thousandths(text, thousandths, 2 - usize::from(decimal.negative));
}

/// As SQLite's `%.16g`; a Julian day within its years has at most seven digits before the point.
fn push_julian_day(text: &mut String, day: f64) {
    number::push_decimal(text, &Decimal::new(day, Rounding::Significant(16), 16), 16, "");
}
