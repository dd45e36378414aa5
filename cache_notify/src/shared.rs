//! The shared memory of delivery `async`, and the lock on it. There is some only where the library was preloaded.

use crate::guc;
use crate::ring::{CHANNELS, Channel, DATABASES, Database, Head, Process, Ring};
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::ffi::CStr;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

const NAME: &CStr = c"cache_notify";
/// AddinShmemInitLock of lwlocknames.txt, the same in every supported version.
const ADDIN_SHMEM_INIT_LOCK: usize = 21;

static BASE: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());
static LOCK: AtomicPtr<pg_sys::LWLock> = AtomicPtr::new(std::ptr::null_mut());
static CAPACITY: AtomicUsize = AtomicUsize::new(0);
static mut PREVIOUS_STARTUP: pg_sys::shmem_startup_hook_type = None;
#[cfg(not(feature = "pg14"))]
static mut PREVIOUS_REQUEST: pg_sys::shmem_request_hook_type = None;

/// Asks for the memory. From _PG_init, while preloaded libraries are loaded.
pub fn register() {
    // SAFETY: hooks are set by the postmaster before there is any other process; those that were there are called by ours.
    unsafe {
        #[cfg(feature = "pg14")]
        request();
        #[cfg(not(feature = "pg14"))]
        {
            PREVIOUS_REQUEST = pg_sys::shmem_request_hook;
            pg_sys::shmem_request_hook = Some(at_request);
        }
        PREVIOUS_STARTUP = pg_sys::shmem_startup_hook;
        pg_sys::shmem_startup_hook = Some(at_startup);
    }
}

#[cfg(not(feature = "pg14"))]
#[pg_guard]
unsafe extern "C-unwind" fn at_request() {
    // SAFETY: set in `register`, by this process or the one that it was forked from.
    unsafe {
        if let Some(previous) = PREVIOUS_REQUEST {
            pg_sys::ffi::pg_guard_ffi_boundary(|| previous());
        }
    }
    request();
}

fn request() {
    // SAFETY: called while the server lets libraries ask, with a string that it copies.
    unsafe {
        pg_sys::RequestAddinShmemSpace(size());
        pg_sys::RequestNamedLWLockTranche(NAME.as_ptr(), 1);
    }
}

fn size() -> usize {
    bytes_offset() + guc::ring_size()
}

const fn databases_offset() -> usize {
    size_of::<Head>().next_multiple_of(align_of::<Database>())
}

const fn channels_offset() -> usize {
    (databases_offset() + DATABASES * size_of::<Database>()).next_multiple_of(align_of::<Channel>())
}

const fn bytes_offset() -> usize {
    // Records begin with a number of eight bytes.
    (channels_offset() + CHANNELS * size_of::<Channel>()).next_multiple_of(64)
}

/// Runs in the postmaster when the memory has been made, also anew after a crash.
#[pg_guard]
unsafe extern "C-unwind" fn at_startup() {
    // SAFETY: the memory is asked for and set up under the lock that the server has for it. What is made of it is of types
    // for which all zero is a valid value.
    unsafe {
        if let Some(previous) = PREVIOUS_STARTUP {
            pg_sys::ffi::pg_guard_ffi_boundary(|| previous());
        }
        let lock = &raw mut (*pg_sys::MainLWLockArray.add(ADDIN_SHMEM_INIT_LOCK)).lock;
        pg_sys::LWLockAcquire(lock, pg_sys::LWLockMode::LW_EXCLUSIVE);
        let mut found = false;
        let base = pg_sys::ShmemInitStruct(NAME.as_ptr(), size(), &mut found).cast::<u8>();
        BASE.store(base, Ordering::Relaxed);
        CAPACITY.store(guc::ring_size(), Ordering::Relaxed);
        let own = &raw mut (*pg_sys::GetNamedLWLockTranche(NAME.as_ptr())).lock;
        LOCK.store(own, Ordering::Relaxed);
        if !found {
            base.write_bytes(0, size());
            ring_at(base).start(pg_sys::GetCurrentTimestamp());
        }
        pg_sys::LWLockRelease(lock);
    }
}

/// # Safety
/// `base` must be the memory, set up or all zero, and nobody else may use it as long as the result lives.
unsafe fn ring_at(base: *mut u8) -> Ring<'static> {
    // SAFETY: as the caller promises; the parts do not overlap and lie within what was asked for.
    unsafe {
        Ring::new(
            &mut *base.cast::<Head>(),
            std::slice::from_raw_parts_mut(
                base.add(databases_offset()).cast::<Database>(),
                DATABASES,
            ),
            std::slice::from_raw_parts_mut(base.add(channels_offset()).cast::<Channel>(), CHANNELS),
            std::slice::from_raw_parts_mut(
                base.add(bytes_offset()),
                CAPACITY.load(Ordering::Relaxed),
            ),
        )
    }
}

/// Whether there is a ring.
pub fn is_available() -> bool {
    !BASE.load(Ordering::Relaxed).is_null()
}

/// The ring, as long as it lives, for nobody else. Nothing that can raise an error or take long may be done meanwhile.
pub struct Locked {
    ring: Ring<'static>,
}

impl Deref for Locked {
    type Target = Ring<'static>;

    fn deref(&self) -> &Self::Target {
        &self.ring
    }
}

impl DerefMut for Locked {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.ring
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // SAFETY: the lock that `lock` took. After an error the server has released it, and the count of what holds
        // interrupts off with it.
        unsafe {
            if pg_sys::InterruptHoldoffCount > 0 {
                pg_sys::LWLockRelease(LOCK.load(Ordering::Relaxed));
            }
        }
    }
}

/// Takes the lock. None where the library was not preloaded.
pub fn lock() -> Option<Locked> {
    let base = BASE.load(Ordering::Relaxed);
    if base.is_null() {
        return None;
    }
    // SAFETY: the lock was made together with the memory, and who holds it may use that.
    unsafe {
        pg_sys::LWLockAcquire(LOCK.load(Ordering::Relaxed), pg_sys::LWLockMode::LW_EXCLUSIVE);
        Some(Locked { ring: ring_at(base) })
    }
}

/// This process, as the others wake it.
pub fn this_process() -> Process {
    // SAFETY: reads this process's own id and latch, which lies in shared memory once the process is connected to it.
    unsafe { Process { pid: pg_sys::MyProcPid, latch: pg_sys::MyLatch as usize } }
}

/// Wakes a process, after the lock has been released. One that has ended meanwhile has left its latch to another, which
/// looks around and sleeps on.
pub fn wake(process: Option<Process>) {
    if let Some(process) = process
        && process.latch != 0
    {
        // SAFETY: the latch of a server process, in shared memory for as long as the server runs.
        unsafe { pg_sys::SetLatch(process.latch as *mut pg_sys::Latch) };
    }
}

/// The database that this process is connected to.
pub fn my_database() -> u32 {
    // SAFETY: reads a variable of the process.
    unsafe { pg_sys::MyDatabaseId }.to_u32()
}

/// Now, in the server's microseconds.
pub fn now() -> i64 {
    // SAFETY: reads the clock.
    unsafe { pg_sys::GetCurrentTimestamp() }
}
