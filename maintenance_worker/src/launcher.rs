//! The launcher: one process for the whole server, connected to no database, which has each database visited in turn.

use crate::guc;
use pg_ext_core::databases;
use pg_ext_core::worker::{install_signal_handlers, reload_settings, wait};
use pgrx::bgworkers::{
    BackgroundWorker, BackgroundWorkerBuilder, BackgroundWorkerStatus, BgWorkerStartTime,
    DynamicBackgroundWorker,
};
use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;
use std::collections::HashMap;
use std::time::{Duration, Instant};

const LIBRARY: &str = "maintenance_worker";

/// Registers the launcher with the postmaster. From _PG_init, while preloaded libraries are loaded.
pub fn register() {
    BackgroundWorkerBuilder::new("maintenance_worker launcher")
        .set_type("maintenance_worker launcher")
        .set_library(LIBRARY)
        .set_function("maintenance_worker_launcher_main")
        // A shared catalog is all it reads.
        .enable_spi_access()
        .set_start_time(BgWorkerStartTime::RecoveryFinished)
        .set_restart_time(Some(Duration::from_secs(1)))
        .load();
}

/// What the launcher knows about a database.
struct Database {
    due: Instant,
    worker: Option<DynamicBackgroundWorker>,
}

/// Entry point of the launcher.
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn maintenance_worker_launcher_main(_argument: pg_sys::Datum) {
    install_signal_handlers();
    BackgroundWorker::connect_worker_to_spi(None, None);
    let mut databases: HashMap<Oid, Database> = HashMap::new();
    let mut listed: Option<Instant> = None;
    let mut out_of_slots = false;
    loop {
        reload_settings();
        let naptime = guc::naptime();
        if !guc::enabled() {
            listed = None;
            wait(naptime);
            continue;
        }
        // Reaping first: a worker that has ended frees its place for the next one.
        for database in databases.values_mut() {
            let ended = database
                .worker
                .as_ref()
                .is_some_and(|worker| matches!(worker.pid(), Err(BackgroundWorkerStatus::Stopped)));
            if ended {
                database.worker = None;
            }
        }
        if listed.is_none_or(|at| at.elapsed() >= naptime) {
            listed = Some(Instant::now());
            relist(&mut databases, naptime);
        }
        let mut running = databases.values().filter(|d| d.worker.is_some()).count();
        let mut waiting: Vec<Oid> = databases
            .iter()
            .filter(|(_, d)| d.worker.is_none() && d.due <= Instant::now())
            .map(|(oid, _)| *oid)
            .collect();
        // The longest overdue first, so that no database starves where places are few.
        waiting.sort_by_key(|oid| databases[oid].due);
        for oid in waiting {
            if running >= guc::max_workers() {
                break;
            }
            match start_worker(oid) {
                Some(worker) => {
                    if out_of_slots {
                        log!("maintenance worker starts again");
                        out_of_slots = false;
                    }
                    running += 1;
                    databases.insert(
                        oid,
                        Database { due: Instant::now() + naptime, worker: Some(worker) },
                    );
                }
                None => {
                    if !out_of_slots {
                        ereport!(
                            PgLogLevel::WARNING,
                            PgSqlErrorCode::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
                            "no slot is free for a maintenance worker; it is tried again",
                            "Increase max_worker_processes."
                        );
                        out_of_slots = true;
                    }
                    break;
                }
            }
        }
        wait(until_next(&databases, listed, naptime, running, out_of_slots));
    }
}

/// How long there is nothing to do, unless a worker ends before.
fn until_next(
    databases: &HashMap<Oid, Database>,
    listed: Option<Instant>,
    naptime: Duration,
    running: usize,
    out_of_slots: bool,
) -> Duration {
    if out_of_slots {
        return naptime.min(Duration::from_secs(1));
    }
    let full = running >= guc::max_workers();
    let list = listed.map_or(Duration::ZERO, |at| naptime.saturating_sub(at.elapsed()));
    databases
        .values()
        .filter(|d| d.worker.is_none() && !full)
        .map(|d| d.due.saturating_duration_since(Instant::now()))
        .fold(list, Duration::min)
        .max(Duration::from_millis(10))
}

/// Brings the list up to date. The first visits of new databases are spread over one naptime.
fn relist(known: &mut HashMap<Oid, Database>, naptime: Duration) {
    let wanted = guc::databases();
    let listed: Vec<Oid> = BackgroundWorker::transaction(databases::connectable)
        .into_iter()
        .filter(|(_, name)| wanted.as_ref().is_none_or(|wanted| wanted.contains(name)))
        .map(|(oid, _)| oid)
        .collect();
    known.retain(|oid, database| listed.contains(oid) || database.worker.is_some());
    let new: Vec<Oid> = listed.into_iter().filter(|oid| !known.contains_key(oid)).collect();
    let step = naptime / u32::try_from(new.len().max(1)).unwrap_or(u32::MAX);
    let mut due = Instant::now();
    for oid in new {
        known.insert(oid, Database { due, worker: None });
        due += step;
    }
}

fn start_worker(database: Oid) -> Option<DynamicBackgroundWorker> {
    BackgroundWorkerBuilder::new("maintenance_worker")
        .set_type("maintenance_worker")
        .set_library(LIBRARY)
        .set_function("maintenance_worker_database_main")
        .set_argument(database.into_datum())
        .enable_spi_access()
        // SAFETY: reads this process's own id.
        .set_notify_pid(unsafe { pg_sys::MyProcPid })
        .load_dynamic()
        .ok()
}
