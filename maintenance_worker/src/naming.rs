//! Names of new partitions. Free of the server.

use crate::period::{OutOfCalendar, Period, civil, timestamp};
use jiff::tz::{AmbiguousOffset, TimeZone};
use std::collections::HashSet;

/// The longest identifier, in bytes (NAMEDATALEN - 1).
const MAX_BYTES: usize = 63;

/// How much of a lower bound its stamp shows, coarse to fine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stamp {
    Year,
    Month,
    Day,
    Minute,
    Second,
    Microsecond,
}

/// The name of the partition of `parent` that starts at `lower`: `<parent>_YYYY`, `_YYYYMM`, `_YYYYMMDD` or
/// `_YYYYMMDD_HH24MI`, as coarse as the period allows.
///
/// A finer stamp is used where the bound is off the grid or `taken` holds the coarse name (the rest of a period that is
/// partly covered by hand). Where a clock goes back, the UTC offset tells the two hours apart. Ids are named by their
/// number.
pub fn partition_name(
    parent: &str,
    period: Period,
    lower: i64,
    zone: &TimeZone,
    taken: &HashSet<String>,
) -> Result<String, OutOfCalendar> {
    if let Period::Ids(_) = period {
        return Ok(id_name(parent, lower, taken));
    }
    let wall = civil(lower, zone)?;
    let (date, time) = (wall.date(), wall.time());
    let coarse = match period {
        Period::Months(n) if n % 12 == 0 => Stamp::Year,
        Period::Months(_) => Stamp::Month,
        Period::Days(_) => Stamp::Day,
        Period::Micros(_) | Period::Ids(_) => Stamp::Minute,
    };
    let exact = if time.subsec_nanosecond() != 0 {
        Stamp::Microsecond
    } else if time.second() != 0 {
        Stamp::Second
    } else if time.hour() != 0 || time.minute() != 0 {
        Stamp::Minute
    } else if date.day() != 1 {
        Stamp::Day
    } else if date.month() != 1 {
        Stamp::Month
    } else {
        Stamp::Year
    };
    // A zone may skip midnight: the first instant of such a day still gets the day's name.
    let first_of_day =
        crate::period::resolve(date.to_datetime(jiff::civil::Time::midnight()), zone)? == lower;
    let exact = if first_of_day { exact.min(Stamp::Day) } else { exact };
    let offset = match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Fold { .. } => {
            let seconds = zone.to_offset(timestamp(lower)?).seconds();
            let sign = if seconds < 0 { 'm' } else { 'p' };
            let minutes = seconds.unsigned_abs() / 60;
            format!("_{sign}{:02}{:02}", minutes / 60, minutes % 60)
        }
        _ => String::new(),
    };
    let (y, m, d) = (date.year(), date.month(), date.day());
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    let mut name = String::new();
    for stamp in
        [Stamp::Year, Stamp::Month, Stamp::Day, Stamp::Minute, Stamp::Second, Stamp::Microsecond]
    {
        if stamp < coarse.max(exact) {
            continue;
        }
        let suffix = match stamp {
            Stamp::Year => format!("_{y:04}"),
            Stamp::Month => format!("_{y:04}{m:02}"),
            Stamp::Day => format!("_{y:04}{m:02}{d:02}"),
            Stamp::Minute => format!("_{y:04}{m:02}{d:02}_{hour:02}{minute:02}{offset}"),
            Stamp::Second => {
                format!("_{y:04}{m:02}{d:02}_{hour:02}{minute:02}{second:02}{offset}")
            }
            Stamp::Microsecond => {
                let micros = time.subsec_nanosecond() / 1000;
                format!("_{y:04}{m:02}{d:02}_{hour:02}{minute:02}{second:02}{micros:06}{offset}")
            }
        };
        name = fit(parent, &suffix);
        if !taken.contains(&name) {
            break;
        }
    }
    Ok(name)
}

/// `<parent>_<lower>`, with an `m` before a number below zero, and a count behind it where that name is taken.
fn id_name(parent: &str, lower: i64, taken: &HashSet<String>) -> String {
    let sign = if lower < 0 { "m" } else { "" };
    let stem = format!("_{sign}{}", lower.unsigned_abs());
    let mut name = fit(parent, &stem);
    let mut count = 2;
    while taken.contains(&name) {
        name = fit(parent, &format!("{stem}_{count}"));
        count += 1;
    }
    name
}

/// `base` and `suffix` in 63 bytes. Where `base` must be cut, a hash of all of it keeps two long names that share their
/// beginning apart.
fn fit(base: &str, suffix: &str) -> String {
    if base.len() + suffix.len() <= MAX_BYTES {
        return format!("{base}{suffix}");
    }
    let hash = format!("_{:08x}", fnv1a(base.as_bytes()));
    let cut = base.floor_char_boundary(MAX_BYTES - suffix.len() - hash.len());
    format!("{}{hash}{suffix}", &base[..cut])
}

/// FNV-1a, 32 bits: a hash that stays the same over releases, which the standard library's does not promise.
pub fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod unit {
    use super::*;

    fn name(parent: &str, period: Period, lower: &str, zone: &str, taken: &[&str]) -> String {
        partition_name(
            parent,
            period,
            crate::period::position(lower.parse().unwrap()),
            &TimeZone::get(zone).unwrap(),
            &taken.iter().map(|t| t.to_string()).collect(),
        )
        .unwrap()
    }

    #[test]
    fn names_are_as_coarse_as_the_period() {
        let day = "2015-01-01T00:00:00Z";
        assert_eq!(name("t", Period::Months(12), day, "UTC", &[]), "t_2015");
        assert_eq!(name("t", Period::Months(1), day, "UTC", &[]), "t_201501");
        assert_eq!(name("t", Period::Days(1), day, "UTC", &[]), "t_20150101");
        assert_eq!(name("t", Period::Micros(3_600_000_000), day, "UTC", &[]), "t_20150101_0000");
    }

    #[test]
    fn names_follow_the_policy_s_zone() {
        let lower = "2015-05-01T04:00:00Z";
        assert_eq!(name("t", Period::Days(1), lower, "America/New_York", &[]), "t_20150501");
        // Havana's clock goes from 00:00 to 01:00.
        assert_eq!(
            name("t", Period::Days(1), "2015-03-08T05:00:00Z", "America/Havana", &[]),
            "t_20150308"
        );
    }

    #[test]
    fn a_bound_off_the_grid_or_a_taken_name_gets_a_finer_stamp() {
        assert_eq!(name("t", Period::Months(1), "2015-05-20T00:00:00Z", "UTC", &[]), "t_20150520");
        assert_eq!(
            name("t", Period::Days(1), "2015-05-20T06:30:00Z", "UTC", &[]),
            "t_20150520_0630"
        );
        assert_eq!(
            name("t", Period::Days(1), "2015-05-20T06:30:07.5Z", "UTC", &[]),
            "t_20150520_063007500000"
        );
        assert_eq!(
            name("t", Period::Days(1), "2015-05-20T00:00:00Z", "UTC", &["t_20150520"]),
            "t_20150520_0000"
        );
    }

    #[test]
    fn the_two_hours_of_a_clock_that_goes_back_have_two_names() {
        let hour = Period::Micros(3_600_000_000);
        assert_eq!(
            name("t", hour, "2015-11-01T05:00:00Z", "America/New_York", &[]),
            "t_20151101_0100_m0400"
        );
        assert_eq!(
            name("t", hour, "2015-11-01T06:00:00Z", "America/New_York", &[]),
            "t_20151101_0100_m0500"
        );
    }

    #[test]
    fn long_names_fit_and_stay_apart() {
        let (a, b) = ("x".repeat(63), format!("{}y", "x".repeat(62)));
        let lower = "2015-05-20T00:00:00Z";
        let (first, second) = (
            name(&a, Period::Days(1), lower, "UTC", &[]),
            name(&b, Period::Days(1), lower, "UTC", &[]),
        );
        assert_eq!((first.len(), second.len()), (63, 63));
        assert_ne!(first, second);
        // A character is never cut in two.
        let wide = name(&"é".repeat(31), Period::Days(1), lower, "UTC", &[]);
        assert!(wide.len() <= 63 && wide.ends_with("_20150520"), "{wide}");
    }

    #[test]
    fn ids_are_named_by_their_number() {
        let name = |lower, taken: &[&str]| {
            let taken = taken.iter().map(|t| t.to_string()).collect();
            partition_name("t", Period::Ids(10), lower, &TimeZone::UTC, &taken).unwrap()
        };
        assert_eq!(name(0, &[]), "t_0");
        assert_eq!(name(-20, &[]), "t_m20");
        assert_eq!(name(i64::MIN, &[]), "t_m9223372036854775808");
        assert_eq!(name(20, &["t_20", "t_20_2"]), "t_20_3");
        let long = |parent: &str| {
            let lower = i64::MIN;
            partition_name(parent, Period::Ids(10), lower, &TimeZone::UTC, &HashSet::new()).unwrap()
        };
        let (a, b) = (long(&"x".repeat(63)), long(&format!("{}y", "x".repeat(62))));
        assert_eq!((a.len(), b.len()), (63, 63));
        assert_ne!(a, b);
    }
}
