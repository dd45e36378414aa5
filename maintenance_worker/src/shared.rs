//! What the launcher, its workers and the sessions tell each other through shared memory: which databases have nothing to
//! maintain, and which of them have from now on.
//!
//! All of it is hints. What is lost makes a visit come later or for nothing, so nothing here waits for a lock.

use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;
use pgrx::shmem::PGRXSharedMemory;
use pgrx::{PgAtomic, pg_shmem_init};
use std::cell::Cell;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// The most workers there are at once: the upper limit of `maintenance_worker.max_workers`.
pub const MAX_WORKERS: usize = 64;

/// How many databases may wait to be noticed by the launcher.
const ROOM: usize = 64;

struct Shared {
    /// By the place of a worker: the database in which it found nothing to maintain, or 0.
    idle: [AtomicU32; MAX_WORKERS],
    /// Databases in which a policy was written since the launcher last looked; 0 in places that are free.
    changed: [AtomicU32; ROOM],
    /// There were more of them.
    all_changed: AtomicBool,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            idle: [const { AtomicU32::new(0) }; MAX_WORKERS],
            changed: [const { AtomicU32::new(0) }; ROOM],
            all_changed: AtomicBool::new(false),
        }
    }
}

// SAFETY: atomics alone.
unsafe impl PGRXSharedMemory for Shared {}

// SAFETY: nobody else names his memory so.
static SHARED: PgAtomic<Shared> = unsafe { PgAtomic::new(c"maintenance_worker") };

/// Whether there is a launcher at all: the library was preloaded.
static PRELOADED: AtomicBool = AtomicBool::new(false);

/// From _PG_init, while preloaded libraries are loaded.
pub fn request() {
    pg_shmem_init!(SHARED);
    PRELOADED.store(true, Ordering::Relaxed);
}

/// The worker at this place starts: nothing is known of its visit.
pub fn begin_visit(place: usize) {
    if let Some(idle) = SHARED.get().idle.get(place) {
        idle.store(0, Ordering::Relaxed);
    }
}

/// The worker at this place has found nothing to maintain in its database.
pub fn report_idle(place: usize, database: Oid) {
    if let Some(idle) = SHARED.get().idle.get(place) {
        idle.store(database.to_u32(), Ordering::Relaxed);
    }
}

/// Whether the worker that was at this place has found so.
pub fn was_idle(place: usize, database: Oid) -> bool {
    SHARED
        .get()
        .idle
        .get(place)
        .is_some_and(|idle| idle.load(Ordering::Relaxed) == database.to_u32())
}

/// The databases in which a policy was written since the last call; None if it may be any.
pub fn changed() -> Option<Vec<Oid>> {
    let shared = SHARED.get();
    let databases: Vec<Oid> = shared
        .changed
        .iter()
        .map(|place| Oid::from(place.swap(0, Ordering::Relaxed)))
        .filter(|oid| *oid != pg_sys::InvalidOid)
        .collect();
    (!shared.all_changed.swap(false, Ordering::Relaxed)).then_some(databases)
}

fn note_change(database: u32) {
    let shared = SHARED.get();
    for place in &shared.changed {
        let taken = place.compare_exchange(0, database, Ordering::Relaxed, Ordering::Relaxed);
        if taken.is_ok() || taken == Err(database) {
            return;
        }
    }
    shared.all_changed.store(true, Ordering::Relaxed);
}

thread_local! {
    /// The transaction has written a policy.
    static WRITTEN: Cell<bool> = const { Cell::new(false) };
    static WATCHED: Cell<bool> = const { Cell::new(false) };
}

/// What PG_FUNCTION_INFO_V1 declares in C. Written out, since the trigger reads no tuple.
#[unsafe(no_mangle)]
pub extern "C" fn pg_finfo_policies_written() -> &'static pg_sys::Pg_finfo_record {
    const RECORD: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &RECORD
}

/// `maintenance.policies_written()`: a trigger on the tables of policies, so that a restored policy counts as well. The
/// launcher hears of it when the transaction commits.
///
/// # Safety
/// Called by the server, as a function without arguments that returns `trigger`.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn policies_written(_call: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    if PRELOADED.load(Ordering::Relaxed) {
        if !WATCHED.replace(true) {
            // SAFETY: the callback stays as long as the library, which is for the session.
            unsafe { pg_sys::RegisterXactCallback(Some(transaction_ended), std::ptr::null_mut()) };
        }
        WRITTEN.set(true);
    }
    // What a statement-level AFTER trigger returns is ignored. A null pointer, not an SQL null, is the way to return no row.
    pg_sys::Datum::from(0_usize)
}

#[pg_guard]
unsafe extern "C-unwind" fn transaction_ended(
    event: pg_sys::XactEvent::Type,
    _argument: *mut c_void,
) {
    use pg_sys::XactEvent::*;
    match event {
        // A prepared transaction is likely to be committed soon, and by a session that knows nothing of this.
        XACT_EVENT_COMMIT | XACT_EVENT_PREPARE if WRITTEN.replace(false) => {
            // SAFETY: reads the database of the session.
            note_change(unsafe { pg_sys::MyDatabaseId }.to_u32());
        }
        XACT_EVENT_ABORT => WRITTEN.set(false),
        _ => {}
    }
}
