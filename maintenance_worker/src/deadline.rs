//! `max_runtime`: a limit on how long one run of a policy may take.
//!
//! The server's own statement_timeout counts from the client's statement and is not looked at in a background worker, so
//! this is a timer of our own that cancels what the run is doing.

use pg_ext_core::subtransaction::Caught;
use pgrx::pg_sys;
use std::ffi::{c_int, c_uint};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

// Not among pgrx's bindings; the same in all versions (utils/timeout.h).
unsafe extern "C-unwind" {
    fn RegisterTimeout(id: c_uint, handler: extern "C" fn()) -> c_uint;
    fn enable_timeout_after(id: c_uint, milliseconds: c_int);
    fn disable_timeout(id: c_uint, keep_indicator: bool);
}

/// Asks RegisterTimeout for a number that is free: USER_TIMEOUT, or more, in every version.
const ANY_TIMEOUT: c_uint = 16;

static TIMEOUT: OnceLock<c_uint> = OnceLock::new();
/// The time is over.
static EXPIRED: AtomicBool = AtomicBool::new(false);
/// Something runs that is to be canceled then.
static WATCHING: AtomicBool = AtomicBool::new(false);

extern "C" fn expire() {
    EXPIRED.store(true, Relaxed);
    if WATCHING.load(Relaxed) {
        // SAFETY: flags that signal handlers are there to set.
        unsafe {
            pg_sys::QueryCancelPending = 1;
            pg_sys::InterruptPending = 1;
        }
    }
}

/// The time that a run has, from now on. One at a time.
pub struct Deadline {
    limited: bool,
}

impl Deadline {
    pub fn start(milliseconds: Option<i32>) -> Self {
        EXPIRED.store(false, Relaxed);
        if let Some(milliseconds) = milliseconds {
            // SAFETY: in a backend, whose timeouts are set up. The handler is of the type asked for, and its number is
            // asked for once.
            unsafe {
                let id = *TIMEOUT.get_or_init(|| RegisterTimeout(ANY_TIMEOUT, expire));
                enable_timeout_after(id, milliseconds);
            }
        }
        Self { limited: milliseconds.is_some() }
    }

    /// Whether the time is over: a cancel request then means the work that was watched, not the whole session's.
    pub fn expired() -> bool {
        EXPIRED.load(Relaxed)
    }

    /// Does one piece of the run, or nothing if the time is over already. `work` catches its errors itself.
    pub fn watch<T>(&self, work: impl FnOnce() -> Result<T, Caught>) -> Result<T, Caught> {
        if Self::expired() {
            return Err(too_long());
        }
        WATCHING.store(self.limited, Relaxed);
        let result = work();
        WATCHING.store(false, Relaxed);
        if !Self::expired() {
            return result;
        }
        // SAFETY: takes back the request of `expire`, if it came too late to cancel anything.
        unsafe { pg_sys::QueryCancelPending = 0 };
        result.map_err(|error| if error.sqlstate == "57014" { too_long() } else { error })
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        WATCHING.store(false, Relaxed);
        EXPIRED.store(false, Relaxed);
        if let Some(id) = TIMEOUT.get().filter(|_| self.limited) {
            // SAFETY: a timeout that `start` registered; to disable one that has fired does nothing.
            unsafe { disable_timeout(*id, false) };
        }
    }
}

fn too_long() -> Caught {
    Caught {
        sqlstate: "57014".into(),
        message: "canceled because of max_runtime".into(),
        detail: None,
        hint: Some("It is tried again later. Raise max_runtime if it needs more time.".into()),
    }
}
