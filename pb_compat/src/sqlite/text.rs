//! Functions on text and blobs.

use super::arguments::Arguments;
use crate::server_text::Utf8;
use pgrx::pg_sys;
use pgrx::prelude::*;

/// `typeof("any")`: the storage class that the value has in SQLite.
#[pg_extern(sql = false)]
fn sqlite_typeof(fcinfo: pg_sys::FunctionCallInfo) -> Utf8<'static> {
    // SAFETY: the server calls this function, with its own call information.
    let arguments = unsafe { Arguments::of(fcinfo) };
    Utf8(arguments.get(0).class().into())
}
