//! Partition key types: from a bound in the catalog to a position on the line, and back to a literal.

use crate::coverage::Range;
use crate::period::{DAY, Grid, OutOfCalendar, Period, civil, resolve, timestamp};
use jiff::tz::TimeZone;
use pgrx::pg_sys;
use std::ffi::CStr;

/// The type of a partition key column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Date,
    Timestamp,
    TimestampTz,
}

impl Key {
    pub fn from_type(oid: pg_sys::Oid) -> Option<Self> {
        match oid {
            pg_sys::DATEOID => Some(Self::Date),
            pg_sys::TIMESTAMPOID => Some(Self::Timestamp),
            pg_sys::TIMESTAMPTZOID => Some(Self::TimestampTz),
            _ => None,
        }
    }

    /// The grid of a policy. A key without a time zone holds the zone's wall clock, on which no day is longer than another.
    pub fn grid(self, period: Period, zone: &TimeZone) -> Grid {
        let zone = match self {
            Self::TimestampTz => zone.clone(),
            Self::Date | Self::Timestamp => TimeZone::UTC,
        };
        Grid { period, zone }
    }

    /// Where the instant `at` (microseconds since 2000-01-01 UTC) lies on the line of this key.
    pub fn locate(self, at: i64, zone: &TimeZone) -> Result<i64, OutOfCalendar> {
        match self {
            Self::TimestampTz => {
                timestamp(at)?;
                Ok(at)
            }
            Self::Date | Self::Timestamp => resolve(civil(at, zone)?, &TimeZone::UTC),
        }
    }

    /// The bound as a literal that means the same under every TimeZone and DateStyle.
    pub fn literal(self, at: i64, grid: &Grid) -> Result<String, OutOfCalendar> {
        let wall = civil(at, &grid.zone)?;
        let (date, time) = (wall.date(), wall.time());
        let day = format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day());
        if self == Self::Date {
            return Ok(day);
        }
        let mut text =
            format!("{day} {:02}:{:02}:{:02}", time.hour(), time.minute(), time.second());
        let micros = time.subsec_nanosecond() / 1000;
        if micros != 0 {
            text.push_str(&format!(".{micros:06}"));
        }
        if self == Self::TimestampTz {
            let seconds = grid.zone.to_offset(timestamp(at)?).seconds();
            let sign = if seconds < 0 { '-' } else { '+' };
            let s = seconds.unsigned_abs();
            text.push_str(&format!("{sign}{:02}:{:02}", s / 3600, s / 60 % 60));
            // Before standard time, offsets had seconds.
            if !s.is_multiple_of(60) {
                text.push_str(&format!(":{:02}", s % 60));
            }
        }
        Ok(text)
    }

    fn position_of(self, datum: pg_sys::Datum) -> i64 {
        match self {
            Self::Date => match datum.value() as i32 {
                i32::MIN => i64::MIN,
                i32::MAX => i64::MAX,
                days => i64::from(days) * DAY,
            },
            // The infinities are i64::MIN and i64::MAX already.
            Self::Timestamp | Self::TimestampTz => datum.value() as i64,
        }
    }
}

/// The bound of a partition as the catalog stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    Default,
    Range(Range),
}

/// Reads `pg_class.relpartbound` of a partition of a table that is RANGE-partitioned by one column of type `key`.
///
/// The node is read instead of its text form: no output function, no setting of the session has a say in it.
pub fn read_bound(relpartbound: &CStr, key: Key) -> Option<Bound> {
    // SAFETY: the string is the server's own serialisation of a PartitionBoundSpec; the node types are checked where the
    // strategy does not settle them.
    unsafe {
        let spec = pg_sys::stringToNode(relpartbound.as_ptr()).cast::<pg_sys::PartitionBoundSpec>();
        if !pgrx::is_a(spec.cast(), pg_sys::NodeTag::T_PartitionBoundSpec) {
            return None;
        }
        let spec = &*spec;
        if spec.is_default {
            return Some(Bound::Default);
        }
        if spec.strategy as u8 != b'r' {
            return None;
        }
        Some(Bound::Range(Range {
            lower: read_datum(spec.lowerdatums, key)?,
            upper: read_datum(spec.upperdatums, key)?,
        }))
    }
}

/// # Safety
/// `datums` must be a List of PartitionRangeDatum whose values are of type `key`.
unsafe fn read_datum(datums: *mut pg_sys::List, key: Key) -> Option<i64> {
    use pg_sys::PartitionRangeDatumKind::*;
    // SAFETY: as the caller promises; a value of kind VALUE is a Const once the bound is stored.
    unsafe {
        let list = datums.as_ref().filter(|list| list.length == 1)?;
        let datum = &*(*list.elements).ptr_value.cast::<pg_sys::PartitionRangeDatum>();
        match datum.kind {
            PARTITION_RANGE_DATUM_MINVALUE => Some(i64::MIN),
            PARTITION_RANGE_DATUM_MAXVALUE => Some(i64::MAX),
            _ if pgrx::is_a(datum.value, pg_sys::NodeTag::T_Const) => {
                Some(key.position_of((*datum.value.cast::<pg_sys::Const>()).constvalue))
            }
            _ => None,
        }
    }
}

/// The server's clock, as a position. Not the transaction's start: a worker's pass or a long transaction of a user
/// must not lag behind.
pub fn now() -> i64 {
    // SAFETY: reads the clock.
    unsafe { pg_sys::GetCurrentTimestamp() }
}

#[cfg(test)]
mod unit {
    use super::*;
    use crate::period::position;

    #[test]
    fn literals_state_their_offset() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let at = |text: &str| position(text.parse().unwrap());
        let grid = Key::TimestampTz.grid(Period::Days(1), &zone);
        let literal = |text: &str| Key::TimestampTz.literal(at(text), &grid).unwrap();
        assert_eq!(literal("2015-07-01T04:00:00Z"), "2015-07-01 00:00:00-04:00");
        assert_eq!(literal("2015-01-01T05:00:00.25Z"), "2015-01-01 00:00:00.250000-05:00");
        assert_eq!(literal("1850-01-01T04:56:02Z"), "1850-01-01 00:00:00-04:56:02");
        let grid = Key::Date.grid(Period::Days(1), &zone);
        assert_eq!(Key::Date.literal(at("2015-07-01T00:00:00Z"), &grid).unwrap(), "2015-07-01");
    }

    #[test]
    fn keys_without_a_zone_hold_the_wall_clock() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let at = |text: &str| position(text.parse().unwrap());
        let instant = at("2015-07-01T02:00:00Z");
        assert_eq!(Key::Date.locate(instant, &zone).unwrap(), at("2015-06-30T22:00:00Z"));
        assert_eq!(Key::TimestampTz.locate(instant, &zone).unwrap(), instant);
    }
}
