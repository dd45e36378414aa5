//! Settings of the worker. All are read again on SIGHUP; none needs a restart.

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};
use std::ffi::CString;
use std::time::Duration;

static ENABLED: GucSetting<bool> = GucSetting::<bool>::new(true);
static NAPTIME: GucSetting<i32> = GucSetting::<i32>::new(10);
static MAX_WORKERS: GucSetting<i32> = GucSetting::<i32>::new(3);
static DATABASES: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c""));
static HISTORY_RETENTION: GucSetting<i32> = GucSetting::<i32>::new(30 * 24 * 60);
static LOG_RUNS: GucSetting<bool> = GucSetting::<bool>::new(false);

/// Defines every setting. Called from _PG_init.
pub fn define() {
    GucRegistry::define_bool_guc(
        c"maintenance_worker.enabled",
        c"Starts the maintenance worker's passes.",
        c"",
        &ENABLED,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"maintenance_worker.naptime",
        c"Time between two visits of the maintenance worker to the same database.",
        c"",
        &NAPTIME,
        1,
        86_400,
        GucContext::Sighup,
        GucFlags::UNIT_S,
    );
    GucRegistry::define_int_guc(
        c"maintenance_worker.max_workers",
        c"Databases that are maintained at the same time.",
        c"Each takes one of max_worker_processes while it is visited.",
        &MAX_WORKERS,
        1,
        crate::shared::MAX_WORKERS as i32,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_string_guc(
        c"maintenance_worker.databases",
        c"Comma-separated names of the databases to visit; empty means every one that allows connections.",
        c"",
        &DATABASES,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"maintenance_worker.history_retention",
        c"How long the maintenance worker keeps its history.",
        c"",
        &HISTORY_RETENTION,
        1,
        i32::MAX / 60,
        GucContext::Sighup,
        GucFlags::UNIT_MIN,
    );
    GucRegistry::define_bool_guc(
        c"maintenance_worker.log_runs",
        c"Logs every action of the maintenance worker, not failures and recoveries alone.",
        c"",
        &LOG_RUNS,
        GucContext::Sighup,
        GucFlags::default(),
    );
    pg_ext_core::guc::reserve_prefix(c"maintenance_worker");
}

pub fn enabled() -> bool {
    ENABLED.get()
}

pub fn naptime() -> Duration {
    Duration::from_secs(NAPTIME.get().unsigned_abs().into())
}

pub fn max_workers() -> usize {
    MAX_WORKERS.get().unsigned_abs() as usize
}

/// The databases to visit, or None for all.
pub fn databases() -> Option<Vec<String>> {
    let list = DATABASES.get()?.to_string_lossy().into_owned();
    let names: Vec<String> = list
        .split(',')
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    (!names.is_empty()).then_some(names)
}

/// In seconds.
pub fn history_retention() -> i32 {
    HISTORY_RETENTION.get().saturating_mul(60)
}

pub fn log_runs() -> bool {
    LOG_RUNS.get()
}
