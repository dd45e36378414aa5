//! Dates and timestamps of PostgreSQL's, as SQLite has times: to the millisecond.

use pb_compat_core::sqlite::datetime::Instant;
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// Days from 1970-01-01 to 2000-01-01, which PostgreSQL counts from.
const EPOCH_DAYS: i64 = 10_957;
const DAY: i64 = 86_400_000;

/// `None` for values of another type. Raises 22008 for an infinite one.
///
/// # Safety
///
/// `datum` is a value of type `oid`, not null.
pub unsafe fn instant(datum: pg_sys::Datum, oid: pg_sys::Oid) -> Option<Instant> {
    let milliseconds = match oid {
        pg_sys::DATEOID => {
            let days = datum.value() as i32;
            if days == i32::MIN || days == i32::MAX {
                refuse_infinite();
            }
            i64::from(days) * DAY
        }
        pg_sys::TIMESTAMPOID | pg_sys::TIMESTAMPTZOID => {
            let microseconds = datum.value().cast_signed() as i64;
            if microseconds == i64::MIN || microseconds == i64::MAX {
                refuse_infinite();
            }
            microseconds.div_euclid(1000)
        }
        // What has no base type is its own.
        _ if oid.to_u32() < pg_sys::FirstGenbkiObjectId => return None,
        _ => {
            // SAFETY: a catalog lookup by a type's oid; a domain's value is one of its base type.
            return unsafe {
                let base = pg_sys::getBaseType(oid);
                if base == oid { None } else { instant(datum, base) }
            };
        }
    };
    Some(Instant {
        milliseconds: milliseconds + EPOCH_DAYS * DAY,
        is_utc: oid == pg_sys::TIMESTAMPTZOID,
    })
}

/// The text that the value counts as: `YYYY-MM-DD`, `YYYY-MM-DD HH:MM:SS.SSS`, and with a `Z` a time in UTC.
///
/// # Safety
///
/// `datum` is a `date`, `timestamp` or `timestamptz` by its `oid`, not null.
pub unsafe fn text(datum: pg_sys::Datum, oid: pg_sys::Oid) -> String {
    // SAFETY: as the caller promises.
    let Some(instant) = (unsafe { instant(datum, oid) }) else { return String::new() };
    if oid == pg_sys::DATEOID { instant.date_text() } else { instant.datetime_text() }
}

fn refuse_infinite() -> ! {
    ErrorReport::new(
        PgSqlErrorCode::ERRCODE_DATETIME_FIELD_OVERFLOW,
        "an infinite date or timestamp has no storage class of SQLite",
        function_name!(),
    )
    .set_hint("Replace it by NULL or a finite one, or cast it to text.")
    .report(PgLogLevel::ERROR);
    unreachable!("an ERROR does not return")
}
