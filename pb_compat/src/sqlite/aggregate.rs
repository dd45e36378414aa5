//! `total()` and `group_concat()`.

use super::arguments::Arguments;
use super::json_aggregate::{append, no_aggregate};
use crate::server_text::Utf8;
use pb_compat_core::sqlite::Sum;
use pgrx::datum::Internal;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// The aggregate's state, if there is one yet, and the memory that it lives in.
///
/// # Safety
///
/// `fcinfo` is that of the running call of a function whose first parameter is `internal`.
unsafe fn state<T>(
    fcinfo: pg_sys::FunctionCallInfo,
) -> Result<(Option<*mut T>, pg_sys::MemoryContext), ErrorReport> {
    let mut context = std::ptr::null_mut();
    // SAFETY: as the caller promises. Outside of an aggregate, where SQL could pass no pointer anyway, it is refused.
    unsafe {
        if pg_sys::AggCheckCallContext(fcinfo, &mut context) == 0 {
            return Err(no_aggregate());
        }
        let argument = (*fcinfo).args.as_slice(1)[0];
        Ok(((!argument.isnull).then(|| argument.value.cast_mut_ptr()), context))
    }
}

fn internal<T>(state: *mut T) -> Internal {
    Internal::from(Some(pg_sys::Datum::from(state)))
}

/// The transition of `total("any")`.
#[pg_extern(sql = false)]
fn sqlite_total_step(fcinfo: pg_sys::FunctionCallInfo) -> Result<Internal, ErrorReport> {
    // SAFETY: the server calls this function, with its own call information. The state is what it made for this group.
    unsafe {
        let (state, context) = state::<Sum>(fcinfo)?;
        let state = state.unwrap_or_else(|| {
            let state = pg_sys::MemoryContextAlloc(context, size_of::<Sum>()).cast::<Sum>();
            state.write(Sum::default());
            state
        });
        (*state).add(&Arguments::of(fcinfo).get(1));
        Ok(internal(state))
    }
}

/// The result of `total("any")`: 0 of no rows.
#[pg_extern(sql = false)]
fn sqlite_total_final(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<f64>, ErrorReport> {
    // SAFETY: see sqlite_total_step.
    unsafe { Ok(state::<Sum>(fcinfo)?.0.map_or(Some(0.0), |state| (*state).total())) }
}

/// The transition of `group_concat("any" [, "any"])`: a separator stands before each value but the first.
#[pg_extern(sql = false)]
fn sqlite_group_concat_step(
    fcinfo: pg_sys::FunctionCallInfo,
) -> Result<Option<Internal>, ErrorReport> {
    // SAFETY: see sqlite_total_step; the state is a StringInfo, which grows in its own memory context.
    unsafe {
        let (state, context) = state::<pg_sys::StringInfoData>(fcinfo)?;
        let arguments = Arguments::of(fcinfo);
        let Some(text) = arguments.get(1).into_text() else { return Ok(state.map(internal)) };
        let state = match state {
            Some(state) => {
                if arguments.len() > 2 {
                    let separator = arguments.get(2).into_text().unwrap_or_default();
                    append(state, separator.as_bytes());
                } else {
                    append(state, b",");
                }
                state
            }
            None => {
                let before = pg_sys::MemoryContextSwitchTo(context);
                let state = pg_sys::makeStringInfo();
                pg_sys::MemoryContextSwitchTo(before);
                state
            }
        };
        append(state, text.as_bytes());
        Ok(Some(internal(state)))
    }
}

/// The result of `group_concat("any" [, "any"])`: NULL of no values. The state stays as it is, since a window function
/// asks for it once a row.
#[pg_extern(sql = false)]
fn sqlite_group_concat_final(
    fcinfo: pg_sys::FunctionCallInfo,
) -> Result<Option<Utf8<'static>>, ErrorReport> {
    // SAFETY: see sqlite_group_concat_step; what was appended is UTF-8.
    unsafe {
        Ok(state::<pg_sys::StringInfoData>(fcinfo)?.0.map(|state| {
            let length = usize::try_from((*state).len).unwrap_or(0);
            Utf8(String::from_utf8_lossy(std::slice::from_raw_parts((*state).data.cast(), length)))
        }))
    }
}
