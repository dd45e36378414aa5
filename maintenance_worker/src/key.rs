//! Partition key types: from a bound in the catalog to a position on the line, and back to a literal.

use crate::coverage::Range;
use crate::period::{DAY, Grid, OutOfCalendar, POSTGRES_EPOCH, Period, civil, resolve, timestamp};
use jiff::tz::TimeZone;
use pgrx::pg_sys;
use std::ffi::CStr;

/// The word for no upper bound.
pub const MAXVALUE: &str = "MAXVALUE";

/// What a partition key column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Date,
    Timestamp,
    TimestampTz,
    /// UUIDs of version 7: milliseconds since 1970 in front.
    Uuid,
    /// An integer that counts time since 1970.
    Epoch(Unit, Width),
    /// An integer that counts rows. Its positions are the numbers themselves.
    Ids(Width),
}

/// What an integer that holds a time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Milliseconds,
}

impl Unit {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "s" => Some(Self::Seconds),
            "ms" => Some(Self::Milliseconds),
            _ => None,
        }
    }

    fn micros(self) -> i64 {
        match self {
            Self::Seconds => 1_000_000,
            Self::Milliseconds => 1_000,
        }
    }
}

/// The bytes of an integer type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    Two,
    Four,
    Eight,
}

impl Width {
    pub fn of_type(oid: pg_sys::Oid) -> Option<Self> {
        match oid {
            pg_sys::INT2OID => Some(Self::Two),
            pg_sys::INT4OID => Some(Self::Four),
            pg_sys::INT8OID => Some(Self::Eight),
            _ => None,
        }
    }

    /// From the lowest value to the one after the highest.
    fn span(self) -> Range {
        match self {
            Self::Two => Range { lower: i16::MIN.into(), upper: i64::from(i16::MAX) + 1 },
            Self::Four => Range { lower: i32::MIN.into(), upper: i64::from(i32::MAX) + 1 },
            Self::Eight => Range { lower: i64::MIN, upper: i64::MAX },
        }
    }

    fn read(self, datum: pg_sys::Datum) -> i64 {
        match self {
            Self::Two => i64::from(datum.value() as i16),
            Self::Four => i64::from(datum.value() as i32),
            Self::Eight => datum.value() as i64,
        }
    }
}

impl Key {
    /// What a column holds whose type says it all.
    pub fn from_type(oid: pg_sys::Oid) -> Option<Self> {
        match oid {
            pg_sys::DATEOID => Some(Self::Date),
            pg_sys::TIMESTAMPOID => Some(Self::Timestamp),
            pg_sys::TIMESTAMPTZOID => Some(Self::TimestampTz),
            pg_sys::UUIDOID => Some(Self::Uuid),
            _ => None,
        }
    }

    /// The positions that a lower bound of this key can have. Nothing of the type lies at the end or after it.
    pub fn span(self) -> Range {
        match self {
            Self::Date | Self::Timestamp | Self::TimestampTz => {
                Range { lower: i64::MIN, upper: i64::MAX }
            }
            Self::Uuid => {
                Range { lower: -POSTGRES_EPOCH, upper: (1 << 48) * 1_000 - POSTGRES_EPOCH }
            }
            Self::Epoch(unit, width) => {
                let span = width.span();
                Range { lower: from_epoch(span.lower, unit), upper: from_epoch(span.upper, unit) }
            }
            Self::Ids(width) => width.span(),
        }
    }

    /// The grid of a policy. A key without a time zone holds the zone's wall clock, on which no day is longer than another.
    pub fn grid(self, period: Period, zone: &TimeZone) -> Grid {
        let zone = match self {
            Self::TimestampTz | Self::Uuid | Self::Epoch(..) => zone.clone(),
            Self::Date | Self::Timestamp | Self::Ids(_) => TimeZone::UTC,
        };
        Grid { period, zone }
    }

    /// Where the instant `at` (microseconds since 2000-01-01 UTC) lies on the line of this key. An id is where it is.
    pub fn locate(self, at: i64, zone: &TimeZone) -> Result<i64, OutOfCalendar> {
        match self {
            Self::Ids(_) => Ok(at),
            Self::TimestampTz | Self::Uuid | Self::Epoch(..) => {
                timestamp(at)?;
                Ok(at)
            }
            Self::Date | Self::Timestamp => resolve(civil(at, zone)?, &TimeZone::UTC),
        }
    }

    /// The bound as it is written after FROM and TO, but for the quotes. Up to the end of the type means up to and with
    /// its last value.
    pub fn bound(self, at: i64, grid: &Grid) -> Result<String, OutOfCalendar> {
        if at >= self.span().upper { Ok(MAXVALUE.into()) } else { self.literal(at, grid) }
    }

    /// The bound as a literal that means the same under every TimeZone and DateStyle.
    pub fn literal(self, at: i64, grid: &Grid) -> Result<String, OutOfCalendar> {
        match self {
            Self::Ids(_) => return Ok(at.to_string()),
            Self::Epoch(unit, _) => return Ok(to_epoch(at, unit)?.to_string()),
            Self::Uuid => {
                let milliseconds = to_epoch(at, Unit::Milliseconds)?;
                let text = uuid_text((milliseconds as u128) << 80);
                return if (0..1 << 48).contains(&milliseconds) {
                    Ok(text)
                } else {
                    Err(OutOfCalendar)
                };
            }
            Self::Date | Self::Timestamp | Self::TimestampTz => {}
        }
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

    /// # Safety
    /// `datum` must be a value of the key's type.
    unsafe fn position_of(self, datum: pg_sys::Datum) -> i64 {
        match self {
            Self::Date => match datum.value() as i32 {
                i32::MIN => i64::MIN,
                i32::MAX => i64::MAX,
                days => i64::from(days) * DAY,
            },
            // The infinities are i64::MIN and i64::MAX already.
            Self::Timestamp | Self::TimestampTz => datum.value() as i64,
            // SAFETY: as the caller promises.
            Self::Uuid => uuid_position(unsafe { uuid_of(datum) }),
            Self::Epoch(unit, width) => from_epoch(width.read(datum), unit),
            Self::Ids(width) => width.read(datum),
        }
    }
}

/// # Safety
/// `datum` must be a uuid.
unsafe fn uuid_of(datum: pg_sys::Datum) -> u128 {
    // SAFETY: a uuid is passed as a pointer to its sixteen bytes.
    let bytes = unsafe { datum.cast_mut_ptr::<[u8; 16]>().read_unaligned() };
    u128::from_be_bytes(bytes)
}

/// The millisecond that stands in front of a UUID.
fn uuid_position(uuid: u128) -> i64 {
    from_epoch((uuid >> 80) as i64, Unit::Milliseconds)
}

pub fn uuid_text(uuid: u128) -> String {
    let hex = format!("{uuid:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// What counts units since 1970, as a position. What no position can express lies beyond all of them.
fn from_epoch(value: i64, unit: Unit) -> i64 {
    let position = i128::from(value) * i128::from(unit.micros()) - i128::from(POSTGRES_EPOCH);
    i64::try_from(position).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

fn to_epoch(at: i64, unit: Unit) -> Result<i64, OutOfCalendar> {
    timestamp(at)?;
    Ok((at + POSTGRES_EPOCH).div_euclid(unit.micros()))
}

/// The bound of a partition as the catalog stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    Default,
    Range(Range),
}

/// The bounds of a partition by UUIDs to the last bit, of which a position tells the millisecond alone. What is not
/// our own may have bounds with something after that, and a partition beside it has to start exactly there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exact {
    pub lower: Option<u128>,
    pub upper: Option<u128>,
}

impl Exact {
    /// Whether UUIDs of version 7 of the upper bound's own millisecond lie below it.
    pub fn reaches_into_upper(self) -> bool {
        const FIRST_OF_VERSION_7: u128 = 0x7000_8000_0000_0000_0000;
        self.upper.is_some_and(|upper| upper & ((1 << 80) - 1) > FIRST_OF_VERSION_7)
    }
}

/// Reads `pg_class.relpartbound` of a partition of a table that is RANGE-partitioned by one column of type `key`.
///
/// The node is read instead of its text form: no output function, no setting of the session has a say in it.
pub fn read_bound(relpartbound: &CStr, key: Key) -> Option<(Bound, Exact)> {
    // SAFETY: the string is the server's own serialisation of a PartitionBoundSpec; the node types are checked where the
    // strategy does not settle them.
    unsafe {
        let spec = pg_sys::stringToNode(relpartbound.as_ptr()).cast::<pg_sys::PartitionBoundSpec>();
        if !pgrx::is_a(spec.cast(), pg_sys::NodeTag::T_PartitionBoundSpec) {
            return None;
        }
        let spec = &*spec;
        if spec.is_default {
            return Some((Bound::Default, Exact::default()));
        }
        if spec.strategy as u8 != b'r' {
            return None;
        }
        let (lower, exact_lower) = read_datum(spec.lowerdatums, key)?;
        let (upper, exact_upper) = read_datum(spec.upperdatums, key)?;
        let exact = Exact { lower: exact_lower, upper: exact_upper };
        Some((Bound::Range(Range { lower, upper }), exact))
    }
}

/// # Safety
/// `datums` must be a List of PartitionRangeDatum whose values are of type `key`.
unsafe fn read_datum(datums: *mut pg_sys::List, key: Key) -> Option<(i64, Option<u128>)> {
    use pg_sys::PartitionRangeDatumKind::*;
    // SAFETY: as the caller promises; a value of kind VALUE is a Const once the bound is stored.
    unsafe {
        let list = datums.as_ref().filter(|list| list.length == 1)?;
        let datum = &*(*list.elements).ptr_value.cast::<pg_sys::PartitionRangeDatum>();
        match datum.kind {
            PARTITION_RANGE_DATUM_MINVALUE => Some((i64::MIN, None)),
            PARTITION_RANGE_DATUM_MAXVALUE => Some((i64::MAX, None)),
            _ if pgrx::is_a(datum.value, pg_sys::NodeTag::T_Const) => {
                let value = (*datum.value.cast::<pg_sys::Const>()).constvalue;
                let exact = (key == Key::Uuid).then(|| uuid_of(value));
                Some((key.position_of(value), exact))
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

    #[test]
    fn uuids_and_epoch_times_start_at_the_bound_s_instant() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let instant = position("2015-05-17T22:00:00Z".parse().unwrap());
        let literal = |key: Key| {
            let grid = key.grid(Period::Days(1), &zone);
            key.literal(grid.floor(key.locate(instant + 1, &zone).unwrap()).unwrap(), &grid)
        };
        // `date -d 2015-05-17T22:00:00Z +%s`, and that number of milliseconds in hexadecimal.
        let seconds = 1_431_900_000;
        for width in [Width::Four, Width::Eight] {
            assert_eq!(literal(Key::Epoch(Unit::Seconds, width)).unwrap(), "1431900000");
        }
        let milliseconds = Key::Epoch(Unit::Milliseconds, Width::Eight);
        assert_eq!(literal(milliseconds).unwrap(), "1431900000000");
        let hex = format!("{:012x}", seconds * 1000i64);
        assert_eq!(
            literal(Key::Uuid).unwrap(),
            format!("{}-{}-0000-0000-000000000000", &hex[..8], &hex[8..])
        );
    }

    #[test]
    fn what_lies_beyond_a_key_is_cut_off() {
        let grid = Key::Ids(Width::Two).grid(Period::Ids(1000), &TimeZone::UTC);
        assert_eq!(Key::Ids(Width::Two).bound(32_000, &grid).unwrap(), "32000");
        assert_eq!(Key::Ids(Width::Two).bound(33_000, &grid).unwrap(), "MAXVALUE");
        assert_eq!(Key::Ids(Width::Eight).bound(i64::MAX, &grid).unwrap(), "MAXVALUE");
        let grid = Key::Uuid.grid(Period::Days(1), &TimeZone::UTC);
        let at = |text: &str| position(text.parse().unwrap());
        assert_eq!(Key::Uuid.bound(at("1969-12-31T00:00:00Z"), &grid), Err(OutOfCalendar));
        assert_eq!(from_epoch(i64::MAX, Unit::Seconds), i64::MAX);
        assert_eq!(from_epoch(i64::MIN, Unit::Milliseconds), i64::MIN);
    }

    #[test]
    fn a_uuid_after_the_first_of_its_millisecond_is_told() {
        let upper = |rest: u128| Exact { lower: None, upper: Some(7 << 80 | rest) };
        assert!(!upper(0).reaches_into_upper());
        assert!(!upper(0x7000_8000_0000_0000_0000).reaches_into_upper());
        assert!(upper(0x7000_8000_0000_0000_0001).reaches_into_upper());
        assert_eq!(uuid_text(0x12 << 80 | 0xab), "00000000-0012-0000-0000-0000000000ab");
    }
}
