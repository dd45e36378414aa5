//! Date and time functions: what they depend on besides their arguments, and how they read those.

use super::arguments::Arguments;
use crate::error::Error;
use crate::server_text::Utf8;
use pb_compat_core::sqlite::datetime::{self, Clock, Date, Moment, Reading, TimeValue};
use pb_compat_core::sqlite::{self, Value};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// The session: its statement's time, and its time zone.
struct Session {
    /// A function that may use neither, by its name.
    deterministic: Option<&'static str>,
}

impl Session {
    const fn allow(&self) -> Result<(), sqlite::Error> {
        match self.deterministic {
            Some(name) => Err(sqlite::Error::NonDeterministic(name)),
            None => Ok(()),
        }
    }
}

impl datetime::Host for Session {
    fn now(&mut self) -> Result<i64, sqlite::Error> {
        /// Milliseconds from 1970 to 2000, which PostgreSQL counts from.
        const EPOCH: i64 = 946_684_800_000;
        self.allow()?;
        // SAFETY: no argument; reads a variable of the backend, which parallel workers get from their leader.
        let microseconds = unsafe { pg_sys::GetCurrentStatementStartTimestamp() };
        Ok(microseconds.div_euclid(1000) + EPOCH)
    }

    fn allow_zone(&mut self) -> Result<(), sqlite::Error> {
        self.allow()
    }

    fn local(&mut self, unix_seconds: i64) -> Result<(Date, Clock), sqlite::Error> {
        // SAFETY: the zone is set while a session runs. The result is a static variable of the server's, or null.
        let local = unsafe {
            pg_sys::pg_localtime(&raw const unix_seconds, pg_sys::session_timezone).as_ref()
        };
        let local = local.ok_or(sqlite::Error::NoLocalTime)?;
        Ok((
            Date { year: local.tm_year + 1900, month: local.tm_mon + 1, day: local.tm_mday },
            Clock { hour: local.tm_hour, minute: local.tm_min, second: local.tm_sec.into() },
        ))
    }

    fn pause(&mut self) {
        pg_sys::check_for_interrupts!();
    }
}

/// Reads a time value and the modifiers behind it, from argument `first` on. Without any, it is the current time.
fn moment(
    arguments: &Arguments<'_>,
    first: usize,
    session: &mut Session,
) -> Result<Option<Moment>, sqlite::Error> {
    if arguments.len() <= first {
        return Ok(Reading::now(session)?.finish());
    }
    let Some(mut reading) = start(arguments, first, session)? else { return Ok(None) };
    for value in arguments.iter().skip(first + 1) {
        let Some(modifier) = value.to_bytes() else { return Ok(None) };
        let Some(next) = reading.modify(&modifier, session)? else { return Ok(None) };
        reading = next;
    }
    Ok(reading.finish())
}

fn start(
    arguments: &Arguments<'_>,
    index: usize,
    session: &mut Session,
) -> Result<Option<Reading>, sqlite::Error> {
    let value = match arguments.instant(index) {
        Ok(instant) => return Reading::start(TimeValue::Instant(instant), session),
        Err(value) => value,
    };
    let value = match &value {
        Value::Null => return Ok(None),
        Value::Integer(_) | Value::Real(_) | Value::Boolean(_) => {
            TimeValue::Number(value.as_real())
        }
        Value::Text(text) | Value::Json(text) => TimeValue::Text(text.as_bytes()),
        Value::Blob(bytes) => TimeValue::Text(bytes),
    };
    Reading::start(value, session)
}

/// Calls `result` with the time that all arguments from `first` on make, where they do make one.
fn compute<T>(
    fcinfo: pg_sys::FunctionCallInfo,
    deterministic: Option<&'static str>,
    result: impl FnOnce(Moment) -> T,
) -> Result<Option<T>, Error> {
    // SAFETY: the server calls the function with its own call information; nothing else is kept there.
    let arguments = unsafe { Arguments::of_expression(fcinfo) };
    let moment = moment(&arguments, 0, &mut Session { deterministic })?;
    Ok(moment.map(result))
}

type Text = Utf8<'static>;

/// Two functions of one result: the one that is called, and the one that stands for it in plans and indexes, where
/// neither the current time nor the time zone may matter.
macro_rules! functions {
    ($($name:literal: $function:ident, $immutable:ident -> $type:ident = $body:expr;)*) => {$(
        #[pg_extern(sql = false)]
        fn $function(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<$type>, ErrorReport> {
            let body: fn(_, _) -> Result<_, Error> = $body;
            Ok(body(fcinfo, None)?)
        }

        #[pg_extern(sql = false)]
        fn $immutable(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<$type>, ErrorReport> {
            let body: fn(_, _) -> Result<_, Error> = $body;
            Ok(body(fcinfo, Some($name))?)
        }
    )*};
}

functions! {
    "date": sqlite_date, sqlite_date_immutable -> Text =
        |fcinfo, name| compute(fcinfo, name, |moment| Utf8(moment.date_text().into()));
    "time": sqlite_time, sqlite_time_immutable -> Text =
        |fcinfo, name| compute(fcinfo, name, |moment| Utf8(moment.time_text().into()));
    "datetime": sqlite_datetime, sqlite_datetime_immutable -> Text =
        |fcinfo, name| compute(fcinfo, name, |moment| Utf8(moment.datetime_text().into()));
    "julianday": sqlite_julianday, sqlite_julianday_immutable -> f64 =
        |fcinfo, name| compute(fcinfo, name, |moment| moment.julian_day());
    "unixepoch": sqlite_unixepoch, sqlite_unixepoch_immutable -> i64 =
        |fcinfo, name| compute(fcinfo, name, |moment| moment.unix_seconds());
    "unixepoch_real": sqlite_unixepoch_real, sqlite_unixepoch_real_immutable -> f64 =
        |fcinfo, name| compute(fcinfo, name, |moment| moment.unix_seconds_real());
    "strftime": sqlite_strftime, sqlite_strftime_immutable -> Text = strftime;
    "timediff": sqlite_timediff, sqlite_timediff_immutable -> Text = timediff;
}

fn strftime(
    fcinfo: pg_sys::FunctionCallInfo,
    deterministic: Option<&'static str>,
) -> Result<Option<Text>, Error> {
    // SAFETY: the server calls the function with its own call information; nothing else is kept there.
    let arguments = unsafe { Arguments::of_expression(fcinfo) };
    let mut session = Session { deterministic };
    if arguments.len() == 0 {
        return Ok(None);
    }
    let format = arguments.get(0);
    let Some(format) = format.to_text() else { return Ok(None) };
    let Some(moment) = moment(&arguments, 1, &mut session)? else { return Ok(None) };
    // A blob may hold a null character, and C reads up to it.
    let format = format.split('\0').next().unwrap_or_default();
    Ok(moment.format(format, &mut session)?.map(|text| Utf8(text.into())))
}

fn timediff(
    fcinfo: pg_sys::FunctionCallInfo,
    deterministic: Option<&'static str>,
) -> Result<Option<Text>, Error> {
    // SAFETY: the server calls the function with its own call information; nothing else is kept there.
    let arguments = unsafe { Arguments::of_expression(fcinfo) };
    if arguments.len() != 2 {
        return Ok(None);
    }
    let mut session = Session { deterministic };
    let mut time = |index| -> Result<Option<Moment>, sqlite::Error> {
        Ok(start(&arguments, index, &mut session)?.and_then(Reading::finish))
    };
    let Some(to) = time(0)? else { return Ok(None) };
    let Some(from) = time(1)? else { return Ok(None) };
    Ok(Some(Utf8(datetime::timediff(&to, &from).into())))
}
