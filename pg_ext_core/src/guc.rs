//! Settings.

use pgrx::pg_sys;
use std::ffi::CStr;

/// Reserves `prefix` for this extension, so that a misspelt `prefix.setting` is an error instead of a silent placeholder.
/// Call it after the last setting is defined. Before PostgreSQL 15 the server can only warn.
pub fn reserve_prefix(prefix: &CStr) {
    // SAFETY: called from _PG_init with a NUL-terminated string that the server copies.
    unsafe {
        #[cfg(feature = "pg14")]
        pg_sys::EmitWarningsOnPlaceholders(prefix.as_ptr());
        #[cfg(not(feature = "pg14"))]
        pg_sys::MarkGUCPrefixReserved(prefix.as_ptr());
    }
}
