//! Work that may fail without taking the transaction along.

use crate::error::{SqlError, sqlstate_code, sqlstate_text};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::{CaughtError, ErrorReport, ErrorReportWithLevel};
use pgrx::prelude::*;
use std::panic::AssertUnwindSafe;

/// An error that a subtransaction caught.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caught {
    /// Five characters, such as `42P01`.
    pub sqlstate: String,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
}

impl Caught {
    /// An error of ours that need not be raised to be told of.
    pub fn of(error: &impl SqlError) -> Self {
        Self {
            sqlstate: sqlstate_text(error.sqlstate()),
            message: error.to_string(),
            detail: error.detail(),
            hint: error.hint(),
        }
    }

    /// Raises the error again.
    pub fn raise(self) -> ! {
        let mut report = ErrorReport::new(sqlstate_code(&self.sqlstate), self.message, "");
        if let Some(detail) = self.detail {
            report = report.set_detail(detail);
        }
        if let Some(hint) = self.hint {
            report = report.set_hint(hint);
        }
        report.report(PgLogLevel::ERROR);
        unreachable!("an error does not return")
    }
}

/// Runs `work` in a subtransaction of its own: it commits when `work` returns, and an error inside undoes all that `work`
/// did, releases its locks and comes back as a value.
///
/// A cancel request or a shutdown is no failure of `work`, so it goes on to the caller.
pub fn run<T>(work: impl FnOnce() -> T) -> Result<T, Caught> {
    attempt(work, || false)
}

/// Like [`run`], but a cancel request counts as a failure of `work` too: for a background worker, in which somebody who
/// cancels means the piece of work at hand.
pub fn run_cancelable<T>(work: impl FnOnce() -> T) -> Result<T, Caught> {
    attempt(work, || true)
}

/// Like [`run`], but asks once a cancel request has come whether it means `work`.
pub fn run_cancelable_if<T>(
    work: impl FnOnce() -> T,
    means_work: impl FnOnce() -> bool,
) -> Result<T, Caught> {
    attempt(work, means_work)
}

fn attempt<T>(
    work: impl FnOnce() -> T,
    cancel_is_failure: impl FnOnce() -> bool,
) -> Result<T, Caught> {
    // SAFETY: we are in a transaction (every caller runs in one), and the context and owner are put back below, as
    // BeginInternalSubTransaction and its two ends ask for (the way of plpgsql's EXCEPTION blocks).
    let (context, owner) = unsafe {
        let saved = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(saved.0);
        saved
    };
    let outcome = PgTryBuilder::new(AssertUnwindSafe(|| {
        let value = work();
        // SAFETY: ends the subtransaction begun above.
        unsafe { pg_sys::ReleaseCurrentSubTransaction() };
        Ok(value)
    }))
    .catch_others(Err)
    .execute();
    // SAFETY: where `work` raised, its subtransaction is still the current one and the error has been copied out; context
    // and owner were current when it began and outlive it.
    unsafe {
        pg_sys::MemoryContextSwitchTo(context);
        if outcome.is_err() {
            pg_sys::RollbackAndReleaseCurrentSubTransaction();
            pg_sys::MemoryContextSwitchTo(context);
        }
        pg_sys::CurrentResourceOwner = owner;
    }
    outcome.or_else(|cause| match code(&cause) {
        // Only now that the subtransaction has ended: an error that passes through it unended would leave the session in it,
        // aborted and waiting for a ROLLBACK that nobody knows of.
        PgSqlErrorCode::ERRCODE_ADMIN_SHUTDOWN => cause.rethrow(),
        PgSqlErrorCode::ERRCODE_QUERY_CANCELED if !cancel_is_failure() => cause.rethrow(),
        _ => Err(caught(&cause)),
    })
}

fn report_of(cause: &CaughtError) -> &ErrorReportWithLevel {
    let (CaughtError::PostgresError(error)
    | CaughtError::ErrorReport(error)
    | CaughtError::RustPanic { ereport: error, .. }) = cause;
    error
}

fn code(cause: &CaughtError) -> PgSqlErrorCode {
    report_of(cause).sql_error_code()
}

pub(crate) fn caught(cause: &CaughtError) -> Caught {
    let error = report_of(cause);
    Caught {
        sqlstate: sqlstate_text(error.sql_error_code()),
        message: error.message().to_owned(),
        detail: error.detail().map(str::to_owned),
        hint: error.hint().map(str::to_owned),
    }
}
