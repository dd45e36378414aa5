//! `json_group_array()` and `json_group_object()`.

use super::arguments::Arguments;
use super::json::{pause, report};
use crate::server_text::Utf8;
use pb_compat_core::sqlite::json::Builder;
use pgrx::datum::Internal;
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// What is called outside of an aggregate: the functions behind it take a pointer, which SQL cannot make.
pub fn no_aggregate() -> ErrorReport {
    ErrorReport::new(
        PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        "this function works as part of an aggregate only",
        function_name!(),
    )
}

/// The aggregate's state, a StringInfo that lives as long as the group does: text without its last bracket.
///
/// # Safety
///
/// `fcinfo` is that of the running call.
unsafe fn state(
    fcinfo: pg_sys::FunctionCallInfo,
    open: u8,
) -> Result<pg_sys::StringInfo, ErrorReport> {
    let mut context = std::ptr::null_mut();
    // SAFETY: as the caller promises. The state, once there, is what this function made for the same group.
    unsafe {
        if pg_sys::AggCheckCallContext(fcinfo, &mut context) == 0 {
            return Err(no_aggregate());
        }
        let argument = (*fcinfo).args.as_slice(1)[0];
        if !argument.isnull {
            return Ok(argument.value.cast_mut_ptr());
        }
        let before = pg_sys::MemoryContextSwitchTo(context);
        let state = pg_sys::makeStringInfo();
        pg_sys::MemoryContextSwitchTo(before);
        append(state, &[open]);
        Ok(state)
    }
}

/// # Safety
///
/// `state` is a StringInfo. It grows in its own memory context.
pub unsafe fn append(state: pg_sys::StringInfo, text: &[u8]) {
    // SAFETY: pointer and length belong to one slice. Past 1 GB the server raises 54000.
    unsafe {
        let length = i32::try_from(text.len()).unwrap_or(i32::MAX);
        pg_sys::appendBinaryStringInfo(state, text.as_ptr().cast(), length);
    }
}

/// The transition of `json_group_array("any")`.
#[pg_extern(sql = false)]
fn sqlite_json_group_array_step(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal, ErrorReport> {
    // SAFETY: the server calls this function, with its own call information.
    unsafe {
        let state = state(fcinfo, b'[')?;
        let arguments = Arguments::of(fcinfo);
        let mut item = Builder::default();
        item.item(&arguments.get(1), pause).map_err(report)?;
        if (*state).len > 1 {
            append(state, b",");
        }
        append(state, item.as_bytes());
        Ok(Internal::from(Some(pg_sys::Datum::from(state))))
    }
}

/// The transition of `json_group_object("any", "any")`: a row without a label counts for nothing.
#[pg_extern(sql = false)]
fn sqlite_json_group_object_step(
    fcinfo: pg_sys::FunctionCallInfo,
) -> Result<Internal, ErrorReport> {
    // SAFETY: see sqlite_json_group_array_step.
    unsafe {
        let state = state(fcinfo, b'{')?;
        let arguments = Arguments::of(fcinfo);
        if let Some(label) = arguments.get(1).into_text() {
            let mut member = Builder::default();
            member.member(&label, &arguments.get(2), pause).map_err(report)?;
            if (*state).len > 1 {
                append(state, b",");
            }
            append(state, member.as_bytes());
        }
        Ok(Internal::from(Some(pg_sys::Datum::from(state))))
    }
}

/// The text of a state with its last bracket. The state stays as it is: a window function asks for it once a row.
///
/// # Safety
///
/// `fcinfo` is that of the running call.
unsafe fn finish(
    fcinfo: pg_sys::FunctionCallInfo,
    empty: &'static str,
) -> Result<Utf8<'static>, ErrorReport> {
    // SAFETY: as the caller promises; the state was made by `state`, from text in UTF-8.
    unsafe {
        if pg_sys::AggCheckCallContext(fcinfo, std::ptr::null_mut()) == 0 {
            return Err(no_aggregate());
        }
        let argument = (*fcinfo).args.as_slice(1)[0];
        if argument.isnull {
            return Ok(Utf8(empty.into()));
        }
        let state: pg_sys::StringInfo = argument.value.cast_mut_ptr();
        let length = usize::try_from((*state).len).unwrap_or(0);
        let text = std::slice::from_raw_parts((*state).data.cast::<u8>(), length);
        let mut text = String::from_utf8_lossy(text).into_owned();
        text.push_str(&empty[1..]);
        Ok(Utf8(text.into()))
    }
}

/// The result of `json_group_array("any")`.
#[pg_extern(sql = false)]
fn sqlite_json_group_array_final(
    fcinfo: pg_sys::FunctionCallInfo,
) -> Result<Utf8<'static>, ErrorReport> {
    // SAFETY: see sqlite_json_group_array_step.
    unsafe { finish(fcinfo, "[]") }
}

/// The result of `json_group_object("any", "any")`.
#[pg_extern(sql = false)]
fn sqlite_json_group_object_final(
    fcinfo: pg_sys::FunctionCallInfo,
) -> Result<Utf8<'static>, ErrorReport> {
    // SAFETY: see sqlite_json_group_array_step.
    unsafe { finish(fcinfo, "{}") }
}
