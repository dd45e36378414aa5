//! Snapshots that statements of ours share, or that are newer than the one of the statement that called us.

use crate::error::Error;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use std::ffi::{CString, c_int};

/// A snapshot that several statements share.
pub struct Snapshot(pg_sys::Snapshot);

impl Snapshot {
    /// As new as can be: of everything that is committed now.
    pub fn take() -> Self {
        // SAFETY: registered here and unregistered in `drop`; after an error the end of the (sub)transaction does it.
        Self(unsafe { pg_sys::RegisterSnapshot(pg_sys::GetTransactionSnapshot()) })
    }

    /// Makes it the one that reads use, until the guard goes.
    pub fn activate(self) -> Active {
        // SAFETY: pushed here and popped in `drop`.
        unsafe { pg_sys::PushActiveSnapshot(self.0) };
        Active(self)
    }

    /// Lets the reads in `work` use it.
    pub fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        // SAFETY: pushed and popped in pairs; an error inside ends the (sub)transaction, which pops it.
        unsafe {
            pg_sys::PushActiveSnapshot(self.0);
            let value = work();
            pg_sys::PopActiveSnapshot();
            value
        }
    }

    /// Runs a statement that sees the snapshot and what this transaction has done; the number of rows.
    pub fn execute(&self, sql: &str) -> Result<u64, ErrorReport> {
        let failed = |code: c_int| -> ErrorReport {
            Error::Internal { what: format!("SPI's code {code}") }.into()
        };
        let text = CString::new(sql).map_err(|_| failed(0))?;
        // SAFETY: SPI is connected around the calls and the text is NUL-terminated; the statement has no parameters.
        unsafe {
            pg_sys::SPI_connect();
            let plan = pg_sys::SPI_prepare(text.as_ptr(), 0, std::ptr::null_mut());
            if plan.is_null() {
                return Err(failed(pg_sys::SPI_result));
            }
            let code = pg_sys::SPI_execute_snapshot(
                plan,
                std::ptr::null_mut(),
                std::ptr::null(),
                self.0,
                std::ptr::null_mut(),
                false,
                true,
                0,
            );
            if code < 0 {
                return Err(failed(code));
            }
            let rows = pg_sys::SPI_processed;
            pg_sys::SPI_finish();
            Ok(rows)
        }
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: registered in `take`.
            unsafe { pg_sys::UnregisterSnapshot(self.0) };
        }
    }
}

/// A snapshot that is the active one.
pub struct Active(#[expect(dead_code, reason = "kept for its drop")] Snapshot);

impl Drop for Active {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: pushed in `activate`; guards are dropped in reverse order.
            unsafe { pg_sys::PopActiveSnapshot() };
        }
    }
}
