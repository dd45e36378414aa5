//! Statements that end their transaction and begin another one, such as DETACH PARTITION CONCURRENTLY.
//!
//! They refuse to run inside a function, a subtransaction or SPI. A background worker runs them the way a session runs
//! what its client sends: through a portal at the top level, in a transaction that holds nothing else.

use crate::identity::Role;
use crate::subtransaction::{Caught, caught};
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::ffi::{CString, c_void};
use std::panic::AssertUnwindSafe;

/// Runs one utility statement as `role`, in a security-restricted operation, in transactions of its own. For background
/// workers, outside of a transaction.
///
/// `first` runs with the worker's own rights at the start of the first transaction: what it writes is committed together
/// with what the statement does up to its first commit. Restricted is what comes before that; afterwards the statement
/// goes on with the worker's rights, so it must be one that runs no code of `role` from there on.
pub fn run(sql: &str, role: pg_sys::Oid, first: impl FnOnce()) -> Result<(), Caught> {
    let sql = CString::new(sql).unwrap_or_default();
    // SAFETY: we are outside of a transaction; the callback is taken back below.
    unsafe { pg_sys::RegisterXactCallback(Some(step_down), std::ptr::null_mut()) };
    let outcome = PgTryBuilder::new(AssertUnwindSafe(|| {
        // SAFETY: begins a transaction as the server's own workers do.
        unsafe {
            pg_sys::SetCurrentStatementStartTimestamp();
            pg_sys::StartTransactionCommand();
            pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
        }
        first();
        // SAFETY: pops what was pushed above; the text outlives the statement. From here on the current memory context
        // is one that outlives the transactions: an error is copied into it after they have ended.
        unsafe {
            pg_sys::PopActiveSnapshot();
            pg_sys::MemoryContextSwitchTo(pg_sys::TopMemoryContext);
            // step_down leaves the role; an error leaves it by the end of the transaction.
            std::mem::forget(Role::restricted(role));
            execute(&sql);
            pg_sys::CommitTransactionCommand();
        }
        Ok(())
    }))
    .catch_others(Err)
    .execute();
    // SAFETY: a transaction that an error left open is ended, whichever of the statement's it was.
    unsafe {
        if outcome.is_err() {
            pg_sys::AbortCurrentTransaction();
        }
        pg_sys::UnregisterXactCallback(Some(step_down), std::ptr::null_mut());
    }
    outcome.map_err(|cause| caught(&cause))
}

/// Runs `work` in a transaction of its own and commits it. For background workers, outside of a transaction. An error, be it
/// in `work` or in the commit, rolls back and is the result.
pub fn transaction(work: impl FnOnce()) -> Result<(), Caught> {
    let outcome = PgTryBuilder::new(AssertUnwindSafe(|| {
        // SAFETY: begins and ends a transaction as the server's own workers do.
        unsafe {
            pg_sys::SetCurrentStatementStartTimestamp();
            pg_sys::StartTransactionCommand();
            pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
        }
        work();
        // SAFETY: see above.
        unsafe {
            pg_sys::PopActiveSnapshot();
            pg_sys::CommitTransactionCommand();
        }
        Ok(())
    }))
    .catch_others(Err)
    .execute();
    if outcome.is_err() {
        // SAFETY: the error has been copied out; what it left open is ended.
        unsafe { pg_sys::AbortCurrentTransaction() };
    }
    outcome.map_err(|cause| caught(&cause))
}

/// Gives the role back when a transaction has committed: the server expects none to begin in a restricted operation.
#[pg_guard]
unsafe extern "C-unwind" fn step_down(event: pg_sys::XactEvent::Type, _argument: *mut c_void) {
    if event == pg_sys::XactEvent::XACT_EVENT_COMMIT {
        // SAFETY: plain writes of the backend's own identity.
        unsafe { pg_sys::SetUserIdAndSecContext(pg_sys::GetSessionUserId(), 0) };
    }
}

/// Runs a statement through a portal, which keeps its parse tree across the transactions.
///
/// # Safety
/// In a transaction at the top level; `sql` is one utility statement.
unsafe fn execute(sql: &std::ffi::CStr) {
    // SAFETY: the portal, and with it everything allocated in its context, lives until PortalDrop, or until the end of
    // the transaction after an error. A raw parse tree as it is, is what the server itself plans a utility statement to.
    unsafe {
        let portal = pg_sys::CreateNewPortal();
        (*portal).visible = false;
        let before = pg_sys::MemoryContextSwitchTo((*portal).portalContext);
        let text = pg_sys::pstrdup(sql.as_ptr());
        let parsed = pg_sys::pg_parse_query(text);
        let statement = (*(*(*parsed).elements).ptr_value.cast::<pg_sys::RawStmt>()).stmt;
        let planned =
            PgBox::<pg_sys::PlannedStmt>::alloc_node(pg_sys::NodeTag::T_PlannedStmt).into_pg();
        (*planned).commandType = pg_sys::CmdType::CMD_UTILITY;
        (*planned).canSetTag = true;
        (*planned).utilityStmt = statement;
        let statements = pg_sys::lappend(std::ptr::null_mut(), planned.cast());
        pg_sys::PortalDefineQuery(
            portal,
            std::ptr::null(),
            text,
            pg_sys::CreateCommandTag(statement),
            statements,
            std::ptr::null_mut(),
        );
        pg_sys::MemoryContextSwitchTo(before);
        pg_sys::PortalStart(portal, std::ptr::null_mut(), 0, std::ptr::null_mut());
        let (all, nowhere, nothing) =
            (std::ffi::c_long::MAX, pg_sys::None_Receiver, std::ptr::null_mut());
        #[cfg(not(feature = "pg18"))]
        pg_sys::PortalRun(portal, all, true, true, nowhere, nowhere, nothing);
        #[cfg(feature = "pg18")]
        pg_sys::PortalRun(portal, all, true, nowhere, nowhere, nothing);
        pg_sys::PortalDrop(portal, false);
    }
}
