//! The launcher: one process for the whole server, connected to no database, which starts a publisher where one is needed.

use crate::{durable, guc, publisher, shared};
use pg_ext_core::databases;
use pg_ext_core::worker::{install_signal_handlers, wait};
use pgrx::bgworkers::{
    BackgroundWorker, BackgroundWorkerBuilder, BackgroundWorkerStatus, BgWorkerStartTime,
    DynamicBackgroundWorker,
};
use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;
use std::collections::HashMap;
use std::time::{Duration, Instant};

pub const LIBRARY: &str = "cache_notify";
/// Databases visited at the same time after the start of the server.
const VISITS: usize = 2;
/// Before something that did not work is tried again.
const RETRY: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_secs(300);
/// How often it is looked whether a consumer of delivery `durable` keeps too much of the write-ahead log.
const CONSUMERS: Duration = Duration::from_secs(10);

/// Registers the launcher with the postmaster. From _PG_init, while preloaded libraries are loaded.
pub fn register() {
    BackgroundWorkerBuilder::new("cache_notify launcher")
        .set_type("cache_notify launcher")
        .set_library(LIBRARY)
        .set_function("cache_notify_launcher_main")
        // A shared catalog is all it reads.
        .enable_spi_access()
        .set_start_time(BgWorkerStartTime::RecoveryFinished)
        .set_restart_time(Some(RETRY))
        .load();
}

/// A publisher that was started, and when.
struct Started {
    worker: Option<DynamicBackgroundWorker>,
    at: Instant,
}

/// Entry point of the launcher.
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn cache_notify_launcher_main(_argument: pg_sys::Datum) {
    install_signal_handlers();
    BackgroundWorker::connect_worker_to_spi(None, None);
    // SAFETY: the function stays valid as long as the library, which is never unloaded.
    unsafe { pg_sys::before_shmem_exit(Some(at_exit), pg_sys::Datum::from(0)) };
    let mut is_visited = true;
    if let Some(mut ring) = shared::lock() {
        ring.head.launcher = shared::this_process();
        is_visited = ring.head.visited;
    }
    // Databases to visit, once it is known which there are.
    let (mut visits, mut visiting): (Vec<Oid>, Vec<Oid>) = (vec![], vec![]);
    let mut is_listed = is_visited;
    let mut started: HashMap<Oid, Started> = HashMap::new();
    let mut out_of_slots = OutOfSlots(false);
    loop {
        // Serves interrupts and a SIGHUP.
        wait(Duration::ZERO);
        if !guc::publisher() {
            wait(IDLE);
            continue;
        }
        if !is_listed {
            let databases = BackgroundWorker::transaction(databases::connectable);
            visits = databases.into_iter().map(|(oid, _)| oid).collect();
            is_listed = true;
        }
        for publisher in started.values_mut() {
            let has_ended = publisher
                .worker
                .as_ref()
                .is_some_and(|worker| matches!(worker.pid(), Err(BackgroundWorkerStatus::Stopped)));
            if has_ended {
                publisher.worker = None;
            }
        }
        let may_have_consumers = call_for_lagging();
        let (wanted, mut must_retry) = wanted();
        forget_dropped(&wanted, &started);
        let running = started.values().filter(|publisher| publisher.worker.is_some()).count();
        let free = VISITS.saturating_sub(running).min(visits.len());
        let due: Vec<Oid> =
            wanted.iter().copied().chain(visits.iter().copied().take(free)).collect();
        for oid in due {
            let last = started.get(&oid);
            if last.is_some_and(|last| last.worker.is_some()) {
                continue;
            }
            // One that ends at once would otherwise be started again and again.
            if last.is_some_and(|last| last.at.elapsed() < RETRY) {
                must_retry = true;
                continue;
            }
            let worker = publisher::start(oid);
            must_retry |= worker.is_none();
            out_of_slots.note(worker.is_none());
            if worker.is_some() && visits.contains(&oid) {
                visits.retain(|visit| *visit != oid);
                visiting.push(oid);
            }
            started.insert(oid, Started { worker, at: Instant::now() });
        }
        if !is_visited && let Some(mut ring) = shared::lock() {
            // A visit is over when the listeners were told, or there is nobody to tell them.
            visiting.retain(|oid| {
                let place = ring.database(oid.to_u32());
                let is_told = place.is_some_and(|place| ring.is_greeted(place));
                !is_told && started.get(oid).is_some_and(|visit| visit.worker.is_some())
            });
            is_visited = visits.is_empty() && visiting.is_empty();
            ring.head.visited = is_visited;
            must_retry |= !is_visited;
        }
        // A worker that starts or ends wakes us, and so does a writer who finds no publisher.
        wait(if must_retry {
            RETRY
        } else if may_have_consumers {
            CONSUMERS
        } else {
            IDLE
        });
    }
}

/// Whether the server has no place for another worker. Said once, not at each try.
struct OutOfSlots(bool);

impl OutOfSlots {
    fn note(&mut self, is_so: bool) {
        if self.0 == is_so {
            return;
        }
        self.0 = is_so;
        if let Some(mut ring) = shared::lock() {
            ring.head.no_worker_since = if is_so { shared::now() } else { 0 };
        }
        if is_so {
            ereport!(
                PgLogLevel::WARNING,
                PgSqlErrorCode::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
                "no slot is free for a cache_notify publisher; it is tried again",
                "Increase max_worker_processes."
            );
        } else {
            log!("cache_notify publishers start again");
        }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn at_exit(_code: std::ffi::c_int, _argument: pg_sys::Datum) {
    if let Some(mut ring) = shared::lock() {
        ring.head.launcher = Default::default();
    }
}

/// Has publishers drop the consumers that keep too much. False where there can be no consumers.
fn call_for_lagging() -> bool {
    let Some(lagging) = durable::lagging_databases() else { return false };
    for oid in lagging {
        let woken = shared::lock().and_then(|mut ring| {
            let place = ring.enroll(oid)?;
            ring.databases.get_mut(usize::from(place))?.called = true;
            ring.wake(place)
        });
        shared::wake(woken);
    }
    true
}

/// Databases with work and without publisher; and whether there are others that must wait.
fn wanted() -> (Vec<Oid>, bool) {
    let Some(ring) = shared::lock() else { return (vec![], false) };
    let now = shared::now();
    let mut must_wait = false;
    let mut wanted = Vec::new();
    for (place, database) in ring.databases.iter().enumerate() {
        let has_work = u16::try_from(place).is_ok_and(|place| ring.has_work(place));
        if database.oid == 0 || database.publisher.pid != 0 || !has_work {
            continue;
        }
        if database.closed_until > now {
            must_wait = true;
        } else {
            wanted.push(Oid::from(database.oid));
        }
    }
    (wanted, must_wait)
}

/// A database for which a publisher was started, and which has work again and no publisher, may be gone.
fn forget_dropped(wanted: &[Oid], started: &HashMap<Oid, Started>) {
    for oid in wanted {
        let was_tried = started.get(oid).is_some_and(|started| started.worker.is_none());
        if was_tried
            && !BackgroundWorker::transaction(|| databases::exists(*oid))
            && let Some(mut ring) = shared::lock()
            && let Some(place) = ring.database(oid.to_u32())
        {
            ring.forget(place);
        }
    }
}
