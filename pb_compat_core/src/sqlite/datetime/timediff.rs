//! The time between two times, in years, months, days and parts of a day.

use super::Moment;
use super::calendar::{Clock, Date, UNIX_EPOCH};
use super::format::{push_digits, push_seconds};

/// 0000-01-01 00:00, which the days and the time of day are counted from.
const YEAR_ZERO: i64 = UNIX_EPOCH - 719_528 * super::calendar::DAY;

/// What `datetime(from, ..)` takes as a modifier to give `to`.
pub fn timediff(to: &Moment, from: &Moment) -> String {
    let goal = to.julian.unwrap_or(0);
    let is_forward = goal >= from.julian.unwrap_or(0);
    let (to_date, from_date) =
        (to.date.unwrap_or(Date::DEFAULT), from.date.unwrap_or(Date::DEFAULT));
    let (mut years, mut months) = (to_date.year - from_date.year, to_date.month - from_date.month);
    if !is_forward {
        (years, months) = (-years, -months);
    }
    if months < 0 {
        years -= 1;
        months += 12;
    }
    // The start moved to the month of the end, then back by single months until it no longer lies behind the end.
    let step = if is_forward { -1 } else { 1 };
    let mut near = *from;
    if (to_date.year, to_date.month) != (from_date.year, from_date.month) {
        near.date = Some(Date { year: to_date.year, month: to_date.month, ..from_date });
        near.julian = None;
        near.compute_julian();
    }
    while is_behind(near.julian.unwrap_or(0), goal, is_forward) {
        months -= 1;
        if months < 0 {
            months = 11;
            years -= 1;
        }
        if let Some(date) = &mut near.date {
            date.month += step;
            date.carry_months();
        }
        near.julian = None;
        near.compute_julian();
    }
    let difference = (goal - near.julian.unwrap_or(0)).abs();
    let mut rest = Moment { julian: Some(YEAR_ZERO + difference), ..Moment::default() };
    rest.compute_fields();
    let date = rest.date.unwrap_or(Date::DEFAULT);
    let clock = rest.clock.unwrap_or(Clock::MIDNIGHT);
    let mut text = String::with_capacity(24);
    text.push(if is_forward { '+' } else { '-' });
    push_digits(&mut text, years.into(), 4, '0');
    text.push('-');
    push_digits(&mut text, months.into(), 2, '0');
    text.push('-');
    push_digits(&mut text, (date.day - 1).into(), 2, '0');
    text.push(' ');
    push_digits(&mut text, clock.hour.into(), 2, '0');
    text.push(':');
    push_digits(&mut text, clock.minute.into(), 2, '0');
    text.push(':');
    push_seconds(&mut text, clock.second);
    text
}

/// Whether the start, moved near the end, lies beyond it.
const fn is_behind(near: i64, goal: i64, is_forward: bool) -> bool {
    if is_forward { goal < near } else { goal > near }
}
