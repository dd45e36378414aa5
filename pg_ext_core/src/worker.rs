//! Background workers that stop, reload and wait the way the server's own do.

use pgrx::pg_sys;
use std::ffi::c_int;
use std::time::Duration;

// pgrx wraps these in Rust functions, which cannot be signal handlers.
unsafe extern "C-unwind" {
    fn die(signal: c_int);
    fn SignalHandlerForConfigReload(signal: c_int);
}

/// Installs the server's own SIGTERM and SIGHUP handlers, then unblocks signals. First thing in a worker's main function.
///
/// pgrx's SIGTERM handler only sets a flag, so a query that runs in the worker would delay a fast shutdown by as long as
/// it lasts. With the server's handler the next CHECK_FOR_INTERRUPTS ends the worker.
pub fn install_signal_handlers() {
    // SAFETY: a background worker starts with signals blocked and installs its handlers before it unblocks them; both
    // handlers are the server's and async-signal-safe.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        {
            pg_sys::pqsignal(libc_signal::SIGTERM, Some(die));
            pg_sys::pqsignal(libc_signal::SIGHUP, Some(SignalHandlerForConfigReload));
        }
        #[cfg(feature = "pg18")]
        {
            pg_sys::pqsignal_be(libc_signal::SIGTERM, Some(die));
            pg_sys::pqsignal_be(libc_signal::SIGHUP, Some(SignalHandlerForConfigReload));
        }
        pg_sys::BackgroundWorkerUnblockSignals();
    }
}

/// The two signal numbers, the same on every system that PostgreSQL runs on.
mod libc_signal {
    pub const SIGHUP: std::ffi::c_int = 1;
    pub const SIGTERM: std::ffi::c_int = 15;
}

/// Sleeps until the timeout or until the latch is set, whichever comes first, then serves interrupts and a SIGHUP.
/// Does not return when the worker was asked to end or the postmaster died.
///
/// The timeout runs on the monotonic clock, so a step of the wall clock neither shortens nor prolongs it.
pub fn wait(timeout: Duration) {
    let millis = std::ffi::c_long::try_from(timeout.as_millis()).unwrap_or(std::ffi::c_long::MAX);
    // SAFETY: MyLatch is this process's own latch, set up before a worker's main function is called.
    unsafe {
        pg_sys::WaitLatch(
            pg_sys::MyLatch,
            (pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH) as c_int,
            millis,
            pg_sys::PG_WAIT_EXTENSION,
        );
        pg_sys::ResetLatch(pg_sys::MyLatch);
    }
    pgrx::check_for_interrupts!();
    reload_settings();
}

/// Reads the configuration files again if a SIGHUP has come since the last call. Outside a transaction only.
pub fn reload_settings() {
    // SAFETY: ConfigReloadPending is the flag that SignalHandlerForConfigReload sets; we run in the main thread.
    unsafe {
        if pg_sys::ConfigReloadPending != 0 {
            pg_sys::ConfigReloadPending = 0;
            pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP);
        }
    }
}
