//! One visit to one database: do what is due, one transaction per policy, and leave.

use crate::history::{Attempt, describe};
use crate::launcher::database_and_place;
use crate::{guc, history, partition, refresh, registry, shared};
use pg_ext_core::subtransaction;
use pg_ext_core::worker::install_signal_handlers;
use pgrx::bgworkers::BackgroundWorker;
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;
use std::ffi::{CStr, CString};

/// What the worker pins for its session, whatever the server, the database or the role says.
const SETTINGS: [(&CStr, &CStr); 5] = [
    (c"search_path", c"pg_catalog, pg_temp"),
    (c"statement_timeout", c"0"),
    (c"lock_timeout", c"0"),
    (c"idle_in_transaction_session_timeout", c"0"),
    (c"default_transaction_isolation", c"read committed"),
];

/// Entry point of a visit; the argument is what the launcher's [`database_and_place`] reads.
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn maintenance_worker_database_main(argument: pg_sys::Datum) {
    install_signal_handlers();
    let (database, place) = database_and_place(argument);
    BackgroundWorker::connect_worker_to_spi_by_oid(Some(database), None);
    for (name, value) in SETTINGS {
        pin(name, value);
    }
    // SAFETY: this process's own entry in pg_stat_activity.
    unsafe { pg_sys::pgstat_report_appname(c"maintenance_worker".as_ptr()) };
    if visit() == Some(Found::Nothing) {
        shared::report_idle(place, database);
    }
}

/// Sets one of the server's own settings for the session.
fn pin(name: &CStr, value: &CStr) {
    // SAFETY: both strings outlive the call, which copies them.
    unsafe {
        pg_sys::SetConfigOption(
            name.as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_SUSET,
            pg_sys::GucSource::PGC_S_OVERRIDE,
        );
    }
}

/// What there is to maintain in a database.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// The extension is not there, or no policy is.
    Nothing,
    Policies,
}

/// None if it cannot be told.
fn visit() -> Option<Found> {
    let (writable, there) = BackgroundWorker::transaction(|| {
        // SAFETY: reads the transaction's state and the catalog in a transaction.
        unsafe {
            let extension = pg_sys::get_extension_oid(c"maintenance_worker".as_ptr(), true);
            (!pg_sys::XactReadOnly, extension != pg_sys::InvalidOid)
        }
    });
    if !there {
        return Some(Found::Nothing);
    }
    let found = match step("looking for policies", registry::any_policy)? {
        true => Found::Policies,
        false => Found::Nothing,
    };
    if !writable {
        return Some(found);
    }
    step("looking for dropped relations", registry::forget_dropped);
    for parent in step("looking for partitions to maintain", partition::due_now).unwrap_or_default()
    {
        let name = relation_name(parent);
        let activity = format!("maintaining partitions of {name}");
        let run = step(&activity, || partition::run_one(parent)).flatten();
        run.iter().for_each(report);
        for partition in run.map(|run| run.pending).unwrap_or_default() {
            // One transaction each: its lock on the table ends with it.
            let made = step(&activity, || partition::create_pending(parent, &partition)).flatten();
            made.iter().for_each(report);
            if made.is_none_or(|run| run.attempts.iter().any(|attempt| attempt.result.is_err())) {
                break;
            }
        }
        while let Some(run) = expire(parent, &activity) {
            report(&run);
            if run.attempts.iter().any(|attempt| attempt.result.is_err()) {
                break;
            }
        }
    }
    for view in step("looking for views to refresh", refresh::due).unwrap_or_default() {
        let activity = format!("refreshing {}", relation_name(view));
        step(&activity, || refresh::run_due(view)).flatten().iter().for_each(report);
    }
    step("pruning the history", || history::prune(guc::history_retention()));
    Some(found)
}

/// Expires the next partition of a table. None if there is no more.
fn expire(parent: Oid, activity: &str) -> Option<Run> {
    let Some(detach) = step(activity, || partition::next_detach(parent))? else {
        // One transaction per expiry: its lock on the table ends with it.
        return step(activity, || partition::expire_one(parent)).flatten();
    };
    report_activity(pg_sys::BackendState::STATE_RUNNING, activity);
    // Set for the session, since the statement runs in two transactions.
    let milliseconds = CString::new(detach.lock_timeout().to_string()).unwrap_or_default();
    pin(c"lock_timeout", &milliseconds);
    let result = detach.run();
    pin(c"lock_timeout", c"0");
    step(activity, || detach.finish(result))
}

/// Runs `work` in a transaction of its own. An error that its policy does not account for is logged, and the visit goes on.
fn step<T>(activity: &str, work: impl FnOnce() -> Result<T, ErrorReport>) -> Option<T> {
    report_activity(pg_sys::BackendState::STATE_RUNNING, activity);
    let work = std::panic::AssertUnwindSafe(work);
    let result = BackgroundWorker::transaction(move || {
        let work = work;
        subtransaction::run(|| work.0().unwrap_or_report())
    });
    report_activity(pg_sys::BackendState::STATE_IDLE, "");
    result.map_err(|error| warning!("{activity}: {}", describe(&error))).ok()
}

/// Shows in pg_stat_activity what the worker does.
fn report_activity(state: pg_sys::BackendState::Type, activity: &str) {
    let text = CString::new(activity).unwrap_or_default();
    // SAFETY: the text outlives the call, which copies it.
    unsafe { pg_sys::pgstat_report_activity(state, text.as_ptr()) };
}

fn relation_name(relation: Oid) -> String {
    step("", || registry::table(relation))
        .map_or_else(|| relation.to_u32().to_string(), |table| table.qualified())
}

/// What a run of a policy did.
pub struct Run {
    pub name: String,
    /// How often in a row it had failed before.
    pub failures: i32,
    pub attempts: Vec<Attempt>,
    /// Partitions that are still to be made, together with rows of the default partition.
    pub pending: Vec<String>,
}

/// Logs changes for the worse and for the better; every action only if asked to.
fn report(run: &Run) {
    let error = run.attempts.iter().find_map(|attempt| attempt.result.as_ref().err());
    match error {
        Some(error) if run.failures == 0 => {
            log!("maintenance of {} failed: {} {}", run.name, error.sqlstate, describe(error));
        }
        None if run.failures > 0 => log!("maintenance of {} works again", run.name),
        _ => {}
    }
    if guc::log_runs() {
        for attempt in &run.attempts {
            let object = attempt.object.as_deref().unwrap_or(&run.name);
            log!("maintenance worker: {} {object}: {}", attempt.action, attempt.outcome());
        }
    }
}
