//! Version 7 UUIDs: the SQL functions.

use crate::error::Error;
use ::uuid::Builder;
use pb_compat_core::uuid::{self, Generator, Parts, Step, SystemClock, SystemRandomness};
use pgrx::datum::Uuid;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use std::cell::RefCell;

/// 1970-01-01 in PostgreSQL's time, which counts microseconds from 2000-01-01.
const UNIX_EPOCH: i64 = -946_684_800_000_000;

const OUT_OF_RANGE: Error = Error::Uuid(uuid::Error::TimeOutOfRange);

thread_local! {
    /// A backend has one thread. Set up on the first call, so a preloaded library brings nothing over the fork.
    static GENERATOR: RefCell<Generator> = const { RefCell::new(Generator::new()) };
}

fn with_generator<T>(
    make: impl FnOnce(&mut Generator) -> Result<T, uuid::Error>,
) -> Result<T, Error> {
    GENERATOR.with_borrow_mut(|generator| {
        // SAFETY: the server writes it once, before any function can be called.
        generator.belong_to(unsafe { pg_sys::MyProcPid }.cast_unsigned());
        Ok(make(generator)?)
    })
}

fn next() -> Result<Parts, Error> {
    with_generator(|generator| generator.next(&mut SystemClock, &mut SystemRandomness))
}

/// A new UUID, greater than every one that this backend made before.
#[pg_extern(volatile, parallel_safe)]
fn uuid_generate_v7() -> Result<Uuid, ErrorReport> {
    Ok(Uuid::from_bytes(next()?.uuid().into_bytes()))
}

/// A new random UUID of the given millisecond.
#[pg_extern(name = "uuid_generate_v7", volatile, strict, parallel_safe)]
fn uuid_generate_v7_at(at: TimestampWithTimeZone) -> Result<Uuid, ErrorReport> {
    let millis = unix_millis(at)?;
    let uuid = with_generator(|generator| generator.at(millis, &mut SystemRandomness))?;
    Ok(Uuid::from_bytes(uuid.into_bytes()))
}

/// The time that a version 7 UUID holds, to the millisecond.
#[pg_extern(immutable, strict, parallel_safe)]
fn uuid_v7_to_timestamptz(id: Uuid) -> Result<TimestampWithTimeZone, ErrorReport> {
    let id = ::uuid::Uuid::from_bytes(*id.as_bytes());
    let parts = Parts::read(id).ok_or(Error::NotVersion7)?;
    // 48 bits of milliseconds end in 10889, which a timestamptz holds.
    let micros = parts.step.millis() as i64 * 1000 + UNIX_EPOCH;
    TimestampWithTimeZone::try_from(micros).map_err(|_| OUT_OF_RANGE.into())
}

/// A version 7 UUID of the given millisecond: with zeros behind the time, the least one there is, or with random bits.
///
/// Declared IMMUTABLE, as users of pg_uuidv7 know it and as partition pruning needs it.
#[pg_extern(immutable, strict, parallel_safe)]
fn uuid_timestamptz_to_v7(
    ts: TimestampWithTimeZone,
    zero: default!(bool, false),
) -> Result<Uuid, ErrorReport> {
    let millis = unix_millis(ts)?;
    let uuid = if zero {
        Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
    } else {
        with_generator(|generator| generator.at(millis, &mut SystemRandomness))?
    };
    Ok(Uuid::from_bytes(uuid.into_bytes()))
}

/// `uuidv7(shift)` of PostgreSQL 18: a new UUID whose time is moved. With one shift, the ids of a backend increase.
#[pg_extern(sql = false)]
fn uuid_generate_v7_shifted(shift: Interval) -> Result<Uuid, ErrorReport> {
    let Parts { step, low } = next()?;
    // 4096 steps are a millisecond, so 512 are 125 microseconds.
    let now = (step.number() * 125 / 512) as i64 + UNIX_EPOCH;
    // SAFETY: the server's function for `timestamptz + interval`, with arguments of its types.
    let shifted = unsafe {
        pgrx::direct_function_call::<i64>(
            pg_sys::timestamptz_pl_interval,
            &[now.into_datum(), shift.into_datum()],
        )
    };
    // Moving the step by the difference, not the time itself, keeps the fraction of a microsecond and with it the order.
    let moved = shifted.and_then(|shifted| {
        let difference = i128::from(shifted) - i128::from(now);
        let number = i128::from(step.number()) + (difference * 512).div_euclid(125);
        u64::try_from(number).ok().and_then(Step::new)
    });
    let step = moved.ok_or(OUT_OF_RANGE)?;
    Ok(Uuid::from_bytes(Parts { step, low }.uuid().into_bytes()))
}

/// Whole milliseconds since 1970, as a version 7 UUID can hold them.
fn unix_millis(time: TimestampWithTimeZone) -> Result<u64, Error> {
    let micros = pg_sys::TimestampTz::from(time);
    if micros == i64::MIN || micros == i64::MAX {
        return Err(OUT_OF_RANGE);
    }
    let millis = micros.checked_sub(UNIX_EPOCH).ok_or(OUT_OF_RANGE)?.div_euclid(1000);
    u64::try_from(millis).ok().filter(|millis| *millis < 1 << 48).ok_or(OUT_OF_RANGE)
}

#[cfg(feature = "pg_test")]
#[pg_schema]
mod tests {
    use pgrx::prelude::*;

    #[pg_test]
    fn a_million_ids_of_one_backend_increase() {
        let inversions = Spi::get_one::<i64>(
            "SELECT count(*) FROM (
                 SELECT id, lag(id) OVER (ORDER BY n) AS previous
                 FROM (SELECT n, uuid_generate_v7() AS id FROM generate_series(1, 1000000) AS n) AS made
             ) AS ids WHERE id <= previous",
        );
        assert_eq!(inversions, Ok(Some(0)));
    }

    #[pg_test]
    fn ids_do_not_run_ahead_of_the_clock() {
        let ahead = Spi::get_one::<bool>(
            "WITH made AS MATERIALIZED (SELECT max(uuid_generate_v7()::text)::uuid AS id FROM generate_series(1, 200000))
             SELECT uuid_v7_to_timestamptz(id) > clock_timestamp() FROM made",
        );
        assert_eq!(ahead, Ok(Some(false)));
    }

    /// Since 18 the functions are PostgreSQL's own, with errors of their own.
    #[cfg(not(feature = "pg18"))]
    #[pg_test]
    fn uuidv7_is_there_before_18_and_refuses_what_it_cannot_hold() {
        let members = Spi::get_one::<i64>(
            "SELECT count(*) FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
             JOIN pg_proc AS p ON p.oid = d.objid
             WHERE e.extname = 'pb_compat' AND d.deptype = 'e' AND p.proname = 'uuidv7'
               AND p.provolatile = 'v' AND p.proparallel = 's'",
        );
        assert_eq!(members, Ok(Some(2)));
        Spi::run(
            "CREATE FUNCTION pg_temp.state_of(shift interval) RETURNS text LANGUAGE plpgsql AS $$
             BEGIN
                 PERFORM uuidv7(shift);
                 RETURN 'none';
             EXCEPTION WHEN OTHERS THEN
                 RETURN SQLSTATE;
             END $$",
        )
        .unwrap();
        // Before 1970, after 48 bits of milliseconds, after the last timestamptz.
        for shift in ["-100 years", "9000 years", "170000000 years"] {
            let state = Spi::get_one_with_args::<String>(
                "SELECT pg_temp.state_of($1::interval)",
                &[shift.into()],
            );
            assert_eq!(state, Ok(Some("22008".into())), "{shift}");
        }
    }
}
