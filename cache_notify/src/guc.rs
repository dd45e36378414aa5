//! Settings.

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use std::ffi::CString;
use std::time::Duration;

static NODE_ID: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c""));
static RING_SIZE: GucSetting<i32> = GucSetting::<i32>::new(4096);
static PUBLISHER: GucSetting<bool> = GucSetting::<bool>::new(true);
static BATCH_DELAY: GucSetting<i32> = GucSetting::<i32>::new(2);

/// In MB; 0 is no limit.
static MAX_LAG: GucSetting<i32> = GucSetting::<i32>::new(1024);

/// Defines every setting. `is_preloading`: while the server starts, the only time at which it takes those that need a
/// restart.
pub fn register(is_preloading: bool) {
    GucRegistry::define_string_guc(
        c"cache_notify.node_id",
        c"Name of this client in the events it causes.",
        c"A client sets it for its session, so that it can tell its own events from those of others.",
        &NODE_ID,
        GucContext::Userset,
        GucFlags::default(),
    );
    if is_preloading {
        GucRegistry::define_int_guc(
            c"cache_notify.ring_size",
            c"Shared memory for messages of delivery async that wait for the publisher.",
            c"What has no room becomes a message to drop everything.",
            &RING_SIZE,
            64,
            1024 * 1024,
            GucContext::Postmaster,
            GucFlags::UNIT_KB,
        );
    }
    GucRegistry::define_bool_guc(
        c"cache_notify.publisher",
        c"Starts publishers, which send the messages of deliveries async and durable.",
        c"",
        &PUBLISHER,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"cache_notify.batch_delay",
        c"How long a publisher waits after a batch, so that the next one holds more.",
        c"",
        &BATCH_DELAY,
        0,
        10_000,
        GucContext::Sighup,
        GucFlags::UNIT_MS,
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

/// In bytes, a multiple of 1024.
pub fn ring_size() -> usize {
    RING_SIZE.get().unsigned_abs() as usize * 1024
}

pub fn publisher() -> bool {
    PUBLISHER.get()
}

pub fn batch_delay() -> Duration {
    Duration::from_millis(BATCH_DELAY.get().unsigned_abs().into())
}

/// In bytes; `None`: no limit.
pub fn max_lag() -> Option<i64> {
    Some(i64::from(MAX_LAG.get()) << 20).filter(|&bytes| bytes > 0)
}
