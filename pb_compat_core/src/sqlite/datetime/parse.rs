//! Times as text.

use super::calendar::{Clock, DAY, Date, HALF_DAY};
use super::{Host, Moment};
use crate::sqlite::{Error, number};
use std::ops::RangeInclusive;

/// A time of day as text, perhaps with a time zone.
#[derive(Clone, Copy)]
pub struct ClockText {
    pub clock: Clock,
    /// Minutes ahead of UTC.
    zone: i32,
    is_utc: bool,
}

/// Any time: a date, a time of day, both, a number, or the current time.
pub fn time_value(text: &[u8], host: &mut impl Host) -> Result<Option<Moment>, Error> {
    if let Some(moment) = date(text) {
        return Ok(Some(moment));
    }
    if let Some(clock) = clock(text) {
        let mut moment = Moment::default();
        clock.store(&mut moment);
        return Ok(Some(moment));
    }
    if text.eq_ignore_ascii_case(b"now") {
        return Moment::current(host).map(Some);
    }
    if let Some(number) = number::numeric(text) {
        return Ok(Some(Moment::number(number.as_real())));
    }
    if is_subsecond(text) {
        let moment = Moment::current(host)?;
        return Ok(Some(Moment { subsecond: true, ..moment }));
    }
    Ok(None)
}

pub fn is_subsecond(text: &[u8]) -> bool {
    text.eq_ignore_ascii_case(b"subsec") || text.eq_ignore_ascii_case(b"subsecond")
}

/// Whether a time value is the current time.
pub fn is_current_time(text: &[u8]) -> bool {
    let text = super::moment::until_null(text);
    text.eq_ignore_ascii_case(b"now") || is_subsecond(text)
}

/// Whether a modifier depends on the session's time zone.
pub fn is_zone_modifier(text: &[u8]) -> bool {
    let text = super::moment::until_null(text);
    text.eq_ignore_ascii_case(b"localtime") || text.eq_ignore_ascii_case(b"utc")
}

/// The byte at a position; 0 past the end.
pub fn at(text: &[u8], position: usize) -> u8 {
    text.get(position).copied().unwrap_or(0)
}

/// What begins at a position; nothing past the end.
pub fn from(text: &[u8], position: usize) -> &[u8] {
    text.get(position..).unwrap_or_default()
}

pub fn skip_spaces(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|byte| number::is_space(**byte)).count();
    &text[spaces..]
}

/// A number of exactly so many digits at the start of a text.
pub fn digits(text: &[u8], count: usize, range: RangeInclusive<i32>) -> Option<i32> {
    let digits = text.get(..count)?;
    let mut value = 0;
    for digit in digits {
        value = value * 10 + i32::from(digit.is_ascii_digit().then(|| digit - b'0')?);
    }
    range.contains(&value).then_some(value)
}

/// `YYYY-MM-DD` at the start of a text, with year of so many digits.
pub fn date_digits(
    text: &[u8],
    year_digits: usize,
    months: RangeInclusive<i32>,
    days: RangeInclusive<i32>,
) -> Option<Date> {
    let year = digits(text, year_digits, YEARS)?;
    let month = digits(from(text, year_digits + 1), 2, months)?;
    let day = digits(from(text, year_digits + 4), 2, days)?;
    (at(text, year_digits) == b'-' && at(text, year_digits + 3) == b'-').then_some(Date {
        year,
        month,
        day,
    })
}

/// As many years as there are in the range of times.
pub const YEARS: RangeInclusive<i32> = 0..=14712;

/// `[-]YYYY-MM-DD`, perhaps followed by a time of day.
fn date(text: &[u8]) -> Option<Moment> {
    let (sign, text) = match text.strip_prefix(b"-") {
        Some(text) => (-1, text),
        None => (1, text),
    };
    let mut date = date_digits(text, 4, 1..=12, 1..=31)?;
    let rest = from(text, 10);
    let between = rest.iter().take_while(|byte| number::is_space(**byte) || **byte == b'T').count();
    let rest = &rest[between..];
    let mut moment = Moment::default();
    match clock(rest) {
        Some(clock) => clock.store(&mut moment),
        None if rest.is_empty() => {}
        None => return None,
    }
    date.year *= sign;
    moment.surplus_days = date.surplus();
    moment.date = Some(date);
    if moment.zone != 0 {
        moment.compute_julian();
    }
    Some(moment)
}

/// `HH:MM[:SS[.SSS]]`, perhaps followed by a time zone, and nothing else.
pub fn clock(text: &[u8]) -> Option<ClockText> {
    let hour = digits(text, 2, 0..=24)?;
    let minute = digits(from(text, 3), 2, 0..=59)?;
    if at(text, 2) != b':' {
        return None;
    }
    let mut rest = from(text, 5);
    let mut second = 0.0;
    if at(rest, 0) == b':' {
        second = digits(from(rest, 1), 2, 0..=59)?.into();
        rest = from(rest, 3);
        if at(rest, 0) == b'.' && at(rest, 1).is_ascii_digit() {
            let (fraction, length) = fraction(from(rest, 1));
            second += fraction;
            rest = from(rest, 1 + length);
        }
    }
    let (zone, is_utc) = zone(rest)?;
    Some(ClockText { clock: Clock { hour, minute, second }, zone, is_utc })
}

/// The digits of a fraction and their number. It is kept below the last millisecond, so that rounding does not make it
/// a whole second.
fn fraction(text: &[u8]) -> (f64, usize) {
    let (mut digits, mut scale) = (0.0, 1.0);
    let mut length = 0;
    for digit in text.iter().take_while(|byte| byte.is_ascii_digit()) {
        digits = digits * 10.0 + f64::from(digit - b'0');
        scale *= 10.0;
        length += 1;
    }
    let fraction: f64 = digits / scale;
    (if fraction > 0.999 { 0.999 } else { fraction }, length)
}

/// `Z`, `+HH:MM`, `-HH:MM` or nothing: minutes ahead of UTC, and whether the time is known to be in UTC.
fn zone(text: &[u8]) -> Option<(i32, bool)> {
    let text = skip_spaces(text);
    let sign = match at(text, 0) {
        0 => return Some((0, false)),
        b'Z' | b'z' => return skip_spaces(&text[1..]).is_empty().then_some((0, true)),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = digits(&text[1..], 2, 0..=14)?;
    let minutes = digits(from(text, 4), 2, 0..=59)?;
    let zone = sign * (hours * 60 + minutes);
    (at(text, 3) == b':' && skip_spaces(from(text, 6)).is_empty()).then_some((zone, zone == 0))
}

impl ClockText {
    /// In milliseconds and UTC, less than a day.
    pub fn since_midnight(self) -> i64 {
        let mut moment = Moment::default();
        self.store(&mut moment);
        moment.compute_julian();
        moment.julian.unwrap_or(0).wrapping_sub(HALF_DAY) % DAY
    }

    fn store(self, moment: &mut Moment) {
        moment.clock = Some(self.clock);
        moment.zone = self.zone;
        moment.is_utc = self.is_utc;
    }
}
