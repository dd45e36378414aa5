//! Settings.

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use std::ffi::CString;

static NODE_ID: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c""));

pub fn register() {
    GucRegistry::define_string_guc(
        c"cache_notify.node_id",
        c"Name of this client in the events it causes.",
        c"A client sets it for its session, so that it can tell its own events from those of others.",
        &NODE_ID,
        GucContext::Userset,
        GucFlags::default(),
    );
    pg_ext_core::guc::reserve_prefix(c"cache_notify");
}

/// The present value, empty where nothing was set.
pub fn node_id() -> Vec<u8> {
    NODE_ID.get().map(CString::into_bytes).unwrap_or_default()
}
