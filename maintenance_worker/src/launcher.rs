//! The launcher: one process for the whole server, connected to no database, which has each database visited in turn.

use crate::{guc, shared};
use pg_ext_core::worker::{install_signal_handlers, reload_settings, wait};
use pgrx::bgworkers::{BackgroundWorker, BackgroundWorkerBuilder, BgWorkerStartTime};
use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;
use std::collections::{HashMap, HashSet};
use std::ffi::CStr;
use std::time::{Duration, Instant};

const LIBRARY: &str = "maintenance_worker";

/// A database without policies is visited only once in so many naptimes, and within the next one after it gets a policy.
const IDLE_NAPTIMES: u32 = 60;

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
    worker: Option<Worker>,
}

/// A worker that was started and has not been seen to end.
struct Worker {
    handle: *mut pg_sys::BackgroundWorkerHandle,
    /// Where it reports to: see [`shared`]. No other running worker has the same.
    place: usize,
    started: Instant,
    /// A policy was written in its database meanwhile, maybe too late for it.
    overtaken: bool,
}

impl Worker {
    fn has_ended(&self) -> bool {
        let mut pid = 0;
        // SAFETY: the handle is valid until it is dropped.
        let status = unsafe { pg_sys::GetBackgroundWorkerPid(self.handle, &mut pid) };
        status == pg_sys::BgwHandleStatus::BGWH_STOPPED
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // SAFETY: the server allocated it for us and keeps no reference. It would otherwise stay as long as the launcher.
        unsafe { pg_sys::pfree(self.handle.cast()) };
    }
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
    let mut before = guc::naptime();
    loop {
        reload_settings();
        let naptime = guc::naptime();
        if naptime < before {
            // What was put off by the old one has waited long enough.
            let soon = Instant::now() + naptime;
            databases.values_mut().for_each(|database| database.due = database.due.min(soon));
        }
        before = naptime;
        if !guc::enabled() {
            listed = None;
            wait(naptime);
            continue;
        }
        // Before reaping: what comes in later is for the next round.
        hurry(&mut databases, naptime);
        // Reaping first: a worker that has ended frees its place for the next one.
        for (oid, database) in &mut databases {
            let Some(worker) = database.worker.take_if(|worker| worker.has_ended()) else {
                continue;
            };
            if !worker.overtaken && shared::was_idle(worker.place, *oid) {
                database.due = worker.started + naptime * IDLE_NAPTIMES;
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
            match start_worker(oid, free_place(&databases)) {
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

/// Has databases in which a policy was written visited now, if they are not visited within a naptime anyway.
fn hurry(databases: &mut HashMap<Oid, Database>, naptime: Duration) {
    let changed = shared::changed();
    let now = Instant::now();
    let wanted = |oid: &Oid| changed.as_ref().is_none_or(|changed| changed.contains(oid));
    for (_, database) in databases.iter_mut().filter(|(oid, _)| wanted(oid)) {
        if database.due > now + naptime {
            database.due = now;
        }
        if let Some(worker) = &mut database.worker {
            worker.overtaken = true;
        }
    }
}

/// The first place at which no worker runs.
fn free_place(databases: &HashMap<Oid, Database>) -> usize {
    let taken: HashSet<usize> =
        databases.values().filter_map(|d| d.worker.as_ref().map(|worker| worker.place)).collect();
    (0..).find(|place| !taken.contains(place)).unwrap_or_default()
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
fn relist(databases: &mut HashMap<Oid, Database>, naptime: Duration) {
    let wanted = guc::databases();
    let listed: HashSet<Oid> = BackgroundWorker::transaction(list_databases)
        .into_iter()
        .filter(|(_, name)| wanted.as_ref().is_none_or(|wanted| wanted.contains(name)))
        .map(|(oid, _)| oid)
        .collect();
    databases.retain(|oid, database| listed.contains(oid) || database.worker.is_some());
    let mut new: Vec<Oid> = listed.into_iter().filter(|oid| !databases.contains_key(oid)).collect();
    new.sort_unstable_by_key(|oid| oid.to_u32());
    let step = naptime / u32::try_from(new.len().max(1)).unwrap_or(u32::MAX);
    let mut due = Instant::now();
    for oid in new {
        databases.insert(oid, Database { due, worker: None });
        due += step;
    }
}

/// The databases that allow connections. Templates are left out: a visit would make CREATE DATABASE wait.
fn list_databases() -> Vec<(Oid, String)> {
    let mut found = vec![];
    // SAFETY: in a transaction with a snapshot; a scan of a shared catalog, which needs no database, the way the autovacuum
    // launcher does it. The tuple is copied from before the next one is fetched.
    unsafe {
        let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        let relation = pg_sys::table_open(pg_sys::DatabaseRelationId, lock);
        let scan = pg_sys::systable_beginscan(
            relation,
            pg_sys::InvalidOid,
            false,
            std::ptr::null_mut(),
            0,
            std::ptr::null_mut(),
        );
        loop {
            let tuple = pg_sys::systable_getnext(scan);
            if tuple.is_null() {
                break;
            }
            let header = (*tuple).t_data;
            let row = &*header
                .cast::<u8>()
                .add((*header).t_hoff.into())
                .cast::<pg_sys::FormData_pg_database>();
            // A limit of -2 marks a database whose DROP was interrupted: nobody can connect to it.
            if row.datallowconn && !row.datistemplate && row.datconnlimit != -2 {
                let name = CStr::from_ptr(row.datname.data.as_ptr());
                found.push((row.oid, name.to_string_lossy().into_owned()));
            }
        }
        pg_sys::systable_endscan(scan);
        pg_sys::table_close(relation, lock);
    }
    found
}

fn start_worker(database: Oid, place: usize) -> Option<Worker> {
    shared::begin_visit(place);
    let builder = BackgroundWorkerBuilder::new("maintenance_worker")
        .set_type("maintenance_worker")
        .set_library(LIBRARY)
        .set_function("maintenance_worker_database_main")
        .set_argument(argument(database, place).into_datum())
        .enable_spi_access()
        // SAFETY: reads this process's own id.
        .set_notify_pid(unsafe { pg_sys::MyProcPid });
    let mut worker: pg_sys::BackgroundWorker = (&builder).into();
    let mut handle = std::ptr::null_mut();
    // SAFETY: both outlive the call, which copies the one and fills in the other if it succeeds.
    let registered = unsafe { pg_sys::RegisterDynamicBackgroundWorker(&mut worker, &mut handle) };
    registered.then(|| Worker { handle, place, started: Instant::now(), overtaken: false })
}

/// What a worker is told: its database and its place.
fn argument(database: Oid, place: usize) -> i64 {
    (place as i64) << 32 | i64::from(database.to_u32())
}

/// The same taken apart.
pub fn database_and_place(argument: pg_sys::Datum) -> (Oid, usize) {
    let argument = argument.value() as u64;
    (Oid::from(argument as u32), (argument >> 32) as usize)
}
