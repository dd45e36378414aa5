//! What the operators behind LIKE and NOT LIKE call.

use super::arguments;
use super::json::{pause, report};
use crate::server_text::Utf8;
use pb_compat_core::sqlite::like;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// `x LIKE p ESCAPE e` reaches an operator as `x ~~ like_escape(p, e)`, in which a backslash is the escape character.
fn is_like(text: &str, pattern: &str) -> Result<bool, ErrorReport> {
    like::like(pattern, text, Some('\\'), &mut pause).map_err(report)
}

/// `text LIKE text`. The planner calls it without an expression, so it does not look for the types of its arguments.
#[pg_extern(sql = false)]
fn sqlite_text_like(text: Utf8, pattern: Utf8) -> Result<bool, ErrorReport> {
    is_like(&text.0, &pattern.0)
}

/// `text NOT LIKE text`.
#[pg_extern(sql = false)]
fn sqlite_text_not_like(text: Utf8, pattern: Utf8) -> Result<bool, ErrorReport> {
    Ok(!is_like(&text.0, &pattern.0)?)
}

/// `anynonarray LIKE text`: numbers and the like by their text.
#[pg_extern(sql = false)]
fn sqlite_value_like(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<bool>, ErrorReport> {
    // SAFETY: the server calls this function, with its own call information.
    let values = unsafe { arguments::Arguments::of(fcinfo) };
    match (values.get(0).into_text(), values.get(1).into_text()) {
        (Some(text), Some(pattern)) => is_like(&text, &pattern).map(Some),
        _ => Ok(None),
    }
}

/// `anynonarray NOT LIKE text`.
#[pg_extern(sql = false)]
fn sqlite_value_not_like(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<bool>, ErrorReport> {
    Ok(sqlite_value_like(fcinfo)?.map(|is_like| !is_like))
}
