//! Functions on text and blobs.

use super::arguments::Arguments;
use super::json::{pause, report};
use crate::error::Error;
use crate::server_text::Utf8;
use pb_compat_core::sqlite::{self, LIMIT, Value, like, printf, text};
use pb_compat_core::uuid::{Randomness, SystemRandomness};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use std::borrow::Cow;

/// Text, or NULL, or an error.
type Text = Result<Option<Utf8<'static>>, ErrorReport>;
type Blob = Result<Option<Vec<u8>>, ErrorReport>;

/// Runs a function of the pure part over the arguments, whatever their types.
///
/// # Safety
///
/// `fcinfo` is that of the running call.
pub unsafe fn call<T>(
    fcinfo: pg_sys::FunctionCallInfo,
    function: impl FnOnce(&Arguments<'static>) -> Result<T, sqlite::Error>,
) -> Result<T, ErrorReport> {
    // SAFETY: as the caller promises; results are copied before the call ends.
    let arguments = unsafe { Arguments::of(fcinfo) };
    function(&arguments).map_err(report)
}

/// [`call`] for a function of one text; NULL for NULL.
///
/// # Safety
///
/// `fcinfo` is that of the running call.
unsafe fn of_text<T>(
    fcinfo: pg_sys::FunctionCallInfo,
    function: impl FnOnce(Cow<'static, str>) -> Result<T, sqlite::Error>,
) -> Result<Option<T>, ErrorReport> {
    // SAFETY: as the caller promises.
    unsafe { call(fcinfo, |values| values.get(0).into_text().map(function).transpose()) }
}

fn utf8(text: impl Into<Cow<'static, str>>) -> Utf8<'static> {
    Utf8(text.into())
}

/// Applies a function that gives a part of its argument, without a copy where the argument is not one itself.
fn part(
    text: Cow<'static, str>,
    function: impl for<'a> FnOnce(&'a str) -> &'a str,
) -> Cow<'static, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(function(text)),
        Cow::Owned(text) => Cow::Owned(function(&text).to_owned()),
    }
}

/// `typeof("any")`: the storage class that the value has in SQLite.
#[pg_extern(sql = false)]
fn sqlite_typeof(fcinfo: pg_sys::FunctionCallInfo) -> Utf8<'static> {
    // SAFETY: the server calls this function, with its own call information.
    let arguments = unsafe { Arguments::of(fcinfo) };
    Utf8(arguments.get(0).class().into())
}

/// Whether a value counts as true in a condition.
#[pg_extern(sql = false)]
fn sqlite_truth(fcinfo: pg_sys::FunctionCallInfo) -> Option<bool> {
    // SAFETY: the server calls this function, with its own call information.
    let arguments = unsafe { Arguments::of(fcinfo) };
    arguments.get(0).truth()
}

/// `hex("any")`: the bytes in hexadecimal; of NULL, none.
#[pg_extern(sql = false)]
fn sqlite_hex(fcinfo: pg_sys::FunctionCallInfo) -> Text {
    // SAFETY: the server calls this function, with its own call information.
    unsafe {
        call(fcinfo, |values| {
            text::hex(&values.get(0).to_bytes().unwrap_or_default()).map(utf8).map(Some)
        })
    }
}

/// `unhex("any" [, "any"])`.
#[pg_extern(sql = false)]
fn sqlite_unhex(fcinfo: pg_sys::FunctionCallInfo) -> Blob {
    // SAFETY: the server calls this function, with its own call information.
    unsafe {
        call(fcinfo, |values| {
            let ignored =
                if values.len() > 1 { values.get(1).into_text() } else { Some(Cow::Borrowed("")) };
            let (Some(digits), Some(ignored)) = (values.get(0).into_text(), ignored) else {
                return Ok(None);
            };
            Ok(text::unhex(&digits, &ignored))
        })
    }
}

/// A blob's size as a count of bytes.
fn size(bytes: i64) -> Result<usize, sqlite::Error> {
    usize::try_from(bytes).ok().filter(|size| *size <= LIMIT).ok_or(sqlite::Error::TooBig)
}

/// `randomblob("any")`: at least one byte.
#[pg_extern(sql = false)]
fn sqlite_randomblob(fcinfo: pg_sys::FunctionCallInfo) -> Blob {
    // SAFETY: the server calls this function, with its own call information.
    let size = unsafe { call(fcinfo, |values| size(values.get(0).as_integer().max(1)))? };
    let mut bytes = vec![0; size];
    for part in bytes.chunks_mut(1 << 20) {
        SystemRandomness.fill(part).map_err(Error::from)?;
        pause();
    }
    Ok(Some(bytes))
}

/// `zeroblob("any")`.
#[pg_extern(sql = false)]
fn sqlite_zeroblob(fcinfo: pg_sys::FunctionCallInfo) -> Blob {
    // SAFETY: the server calls this function, with its own call information.
    let size = unsafe { call(fcinfo, |values| size(values.get(0).as_integer().max(0)))? };
    Ok(Some(vec![0; size]))
}

/// `random()`: any integer but the smallest, which has no positive counterpart.
#[pg_extern(sql = false)]
fn sqlite_random() -> Result<i64, ErrorReport> {
    let mut bytes = [0; 8];
    SystemRandomness.fill(&mut bytes).map_err(Error::from)?;
    let random = i64::from_ne_bytes(bytes);
    Ok(if random < 0 { -(random & i64::MAX) } else { random })
}

/// `instr("any", "any")`.
#[pg_extern(sql = false)]
fn sqlite_instr(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<i32>, ErrorReport> {
    // SAFETY: the server calls this function, with its own call information.
    unsafe {
        call(fcinfo, |values| {
            Ok(text::instr(&values.get(0), &values.get(1)).map(|position| position as i32))
        })
    }
}

/// Start and length of `substr()`.
fn bounds(values: &Arguments) -> (i64, Option<i64>) {
    (values.get(1).as_integer(), (values.len() > 2).then(|| values.get(2).as_integer()))
}

/// `substr("any", "any" [, "any"])`: characters of a text.
#[pg_extern(sql = false)]
fn sqlite_substr(fcinfo: pg_sys::FunctionCallInfo) -> Text {
    // SAFETY: the server calls this function, with its own call information.
    unsafe {
        call(fcinfo, |values| {
            let (start, length) = bounds(values);
            Ok(values
                .get(0)
                .into_text()
                .map(|value| utf8(part(value, |value| text::substr(value, start, length)))))
        })
    }
}

/// `substr(bytea, "any" [, "any"])`: bytes of a blob.
#[pg_extern(sql = false)]
fn sqlite_substr_bytes(fcinfo: pg_sys::FunctionCallInfo) -> Blob {
    // SAFETY: the server calls this function, with its own call information.
    unsafe {
        call(fcinfo, |values| {
            let (start, length) = bounds(values);
            let value = values.get(0);
            Ok(value
                .to_bytes()
                .and_then(|bytes| text::substr_bytes(&bytes, start, length).map(<[u8]>::to_vec)))
        })
    }
}

/// `lower("any")`: A to Z alone.
#[pg_extern(sql = false)]
fn sqlite_lower(fcinfo: pg_sys::FunctionCallInfo) -> Text {
    // SAFETY: the server calls this function, with its own call information.
    unsafe { of_text(fcinfo, |text| Ok(utf8(text.to_ascii_lowercase()))) }
}

/// `upper("any")`: a to z alone.
#[pg_extern(sql = false)]
fn sqlite_upper(fcinfo: pg_sys::FunctionCallInfo) -> Text {
    // SAFETY: the server calls this function, with its own call information.
    unsafe { of_text(fcinfo, |text| Ok(utf8(text.to_ascii_uppercase()))) }
}

/// `length("any")`: characters, or bytes of a blob.
#[pg_extern(sql = false)]
fn sqlite_length(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<i32>, ErrorReport> {
    // SAFETY: the server calls this function, with its own call information.
    unsafe { call(fcinfo, |values| Ok(text::length(&values.get(0)).map(|length| length as i32))) }
}

/// `octet_length("any")`: bytes.
#[pg_extern(sql = false)]
fn sqlite_octet_length(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<i32>, ErrorReport> {
    // SAFETY: the server calls this function, with its own call information.
    unsafe {
        call(fcinfo, |values| Ok(text::octet_length(&values.get(0)).map(|length| length as i32)))
    }
}

/// `replace("any", "any", "any")`: what replaces nothing may be NULL.
#[pg_extern(sql = false)]
fn sqlite_replace(fcinfo: pg_sys::FunctionCallInfo) -> Text {
    // SAFETY: the server calls this function, with its own call information.
    unsafe {
        call(fcinfo, |values| {
            let (Some(value), Some(from)) = (values.get(0).into_text(), values.get(1).into_text())
            else {
                return Ok(None);
            };
            if from.is_empty() {
                return Ok(Some(utf8(value)));
            }
            let Some(to) = values.get(2).into_text() else { return Ok(None) };
            let replaced = match text::replace(&value, &from, &to, &mut pause)? {
                Cow::Borrowed(_) => None,
                Cow::Owned(replaced) => Some(Cow::Owned(replaced)),
            };
            Ok(Some(utf8(replaced.unwrap_or(value))))
        })
    }
}

/// # Safety
///
/// `fcinfo` is that of the running call.
unsafe fn trim(
    fcinfo: pg_sys::FunctionCallInfo,
    function: impl for<'a> Fn(&'a str, &str) -> &'a str,
) -> Text {
    // SAFETY: as the caller promises.
    unsafe {
        call(fcinfo, |values| {
            let set =
                if values.len() > 1 { values.get(1).into_text() } else { Some(Cow::Borrowed(" ")) };
            let (Some(value), Some(set)) = (values.get(0).into_text(), set) else {
                return Ok(None);
            };
            Ok(Some(utf8(part(value, |value| function(value, &set)))))
        })
    }
}

/// `trim("any" [, "any"])`.
#[pg_extern(sql = false)]
fn sqlite_trim(fcinfo: pg_sys::FunctionCallInfo) -> Text {
    // SAFETY: the server calls this function, with its own call information.
    unsafe { trim(fcinfo, |value, set| text::trim_end(text::trim_start(value, set), set)) }
}

/// `ltrim("any" [, "any"])`.
#[pg_extern(sql = false)]
fn sqlite_ltrim(fcinfo: pg_sys::FunctionCallInfo) -> Text {
    // SAFETY: the server calls this function, with its own call information.
    unsafe { trim(fcinfo, text::trim_start) }
}

/// `rtrim("any" [, "any"])`.
#[pg_extern(sql = false)]
fn sqlite_rtrim(fcinfo: pg_sys::FunctionCallInfo) -> Text {
    // SAFETY: the server calls this function, with its own call information.
    unsafe { trim(fcinfo, text::trim_end) }
}

/// `printf(text [, VARIADIC "any"])`.
#[pg_extern(sql = false)]
fn sqlite_printf(fcinfo: pg_sys::FunctionCallInfo) -> Text {
    // SAFETY: the server calls this function, with its own call information.
    unsafe {
        call(fcinfo, |values| match values.get(0).into_text() {
            None => Ok(None),
            Some(format) => Ok(printf::printf(&format, values.iter().skip(1))?.map(utf8)),
        })
    }
}

/// `quote("any")`: never NULL.
#[pg_extern(sql = false)]
fn sqlite_quote(fcinfo: pg_sys::FunctionCallInfo) -> Text {
    // SAFETY: the server calls this function, with its own call information.
    unsafe { call(fcinfo, |values| printf::quote(&values.get(0)).map(utf8).map(Some)) }
}

/// `unistr_quote("any")`: never NULL.
#[pg_extern(sql = false)]
fn sqlite_unistr_quote(fcinfo: pg_sys::FunctionCallInfo) -> Text {
    // SAFETY: the server calls this function, with its own call information.
    unsafe { call(fcinfo, |values| printf::unistr_quote(&values.get(0)).map(utf8).map(Some)) }
}

/// `unistr("any")`.
#[pg_extern(sql = false)]
fn sqlite_unistr(fcinfo: pg_sys::FunctionCallInfo) -> Text {
    // SAFETY: the server calls this function, with its own call information.
    unsafe { of_text(fcinfo, |text| text::unistr(&text).map(utf8)) }
}

/// `char(VARIADIC "any")`.
#[pg_extern(sql = false)]
fn sqlite_char(fcinfo: pg_sys::FunctionCallInfo) -> Text {
    // SAFETY: the server calls this function, with its own call information.
    unsafe {
        call(fcinfo, |values| {
            Ok(Some(utf8(text::char(values.iter().map(|value| value.as_integer())))))
        })
    }
}

/// `unicode("any")`: the number of the first character; NULL where there is none.
#[pg_extern(sql = false)]
fn sqlite_unicode(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<i32>, ErrorReport> {
    // SAFETY: the server calls this function, with its own call information.
    unsafe { call(fcinfo, |values| Ok(text::unicode(&values.get(0)).map(u32::cast_signed))) }
}

/// `concat(VARIADIC "any")`.
#[pg_extern(sql = false)]
fn sqlite_concat(fcinfo: pg_sys::FunctionCallInfo) -> Text {
    // SAFETY: the server calls this function, with its own call information.
    unsafe { call(fcinfo, |values| text::concat("", values.iter()).map(utf8).map(Some)) }
}

/// `concat_ws("any", VARIADIC "any")`.
#[pg_extern(sql = false)]
fn sqlite_concat_ws(fcinfo: pg_sys::FunctionCallInfo) -> Text {
    // SAFETY: the server calls this function, with its own call information.
    unsafe {
        call(fcinfo, |values| match values.get(0).into_text() {
            None => Ok(None),
            Some(separator) => text::concat(&separator, values.iter().skip(1)).map(utf8).map(Some),
        })
    }
}

/// # Safety
///
/// `fcinfo` is that of the running call.
unsafe fn matches(
    fcinfo: pg_sys::FunctionCallInfo,
    function: impl FnOnce(&str, &str, Option<&str>) -> Result<bool, sqlite::Error>,
) -> Result<Option<bool>, ErrorReport> {
    // SAFETY: as the caller promises.
    unsafe {
        call(fcinfo, |values| {
            let escape = if values.len() > 2 { values.get(2) } else { Value::Null };
            let escape = escape.to_text();
            if values.len() > 2 && escape.is_none() {
                return Ok(None);
            }
            match (values.get(0).into_text(), values.get(1).into_text()) {
                (Some(pattern), Some(text)) => {
                    function(&pattern, &text, escape.as_deref()).map(Some)
                }
                _ => Ok(None),
            }
        })
    }
}

/// `glob(pattern, text)`.
#[pg_extern(sql = false)]
fn sqlite_glob(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<bool>, ErrorReport> {
    // SAFETY: the server calls this function, with its own call information.
    unsafe { matches(fcinfo, |pattern, text, _| like::glob(pattern, text, &mut pause)) }
}

/// `like(pattern, text [, escape])`.
#[pg_extern(sql = false)]
fn sqlite_like(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<bool>, ErrorReport> {
    // SAFETY: the server calls this function, with its own call information.
    unsafe {
        matches(fcinfo, |pattern, text, escape| {
            let escape = escape.map(like::escape_character).transpose()?;
            like::like(pattern, text, escape, &mut pause)
        })
    }
}
