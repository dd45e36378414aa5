//! Settings.

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use std::ffi::CString;

static NODE_ID: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c""));

/// In MB; 0 is no limit.
static MAX_LAG: GucSetting<i32> = GucSetting::<i32>::new(1024);

pub fn register() {
    GucRegistry::define_string_guc(
        c"cache_notify.node_id",
        c"Name of this client in the events it causes.",
        c"A client sets it for its session, so that it can tell its own events from those of others.",
        &NODE_ID,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"cache_notify.max_lag",
        c"Write-ahead log that one consumer may keep the server from removing.",
        c"A consumer beyond that is dropped and told so at its next call. 0 is no limit.",
        &MAX_LAG,
        0,
        i32::MAX,
        GucContext::Sighup,
        GucFlags::UNIT_MB,
    );
    pg_ext_core::guc::reserve_prefix(c"cache_notify");
}

/// The present value, empty where nothing was set.
pub fn node_id() -> Vec<u8> {
    NODE_ID.get().map(CString::into_bytes).unwrap_or_default()
}

/// In bytes; `None`: no limit.
pub fn max_lag() -> Option<i64> {
    Some(i64::from(MAX_LAG.get()) << 20).filter(|&bytes| bytes > 0)
}
