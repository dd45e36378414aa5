//! The trigger of a shard on a node. Nothing commits on two nodes at once, so a transaction writes to one, unless it is told that
//! half of it may come to nothing.

use crate::guc;
use crate::operation::Problem;
use pg_ext_core::SqlError;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::cell::Cell;
use std::ffi::{CStr, c_void};

thread_local! {
    /// The server that the present transaction has written to.
    static WRITTEN: Cell<pg_sys::Oid> = const { Cell::new(pg_sys::InvalidOid) };
    static REGISTERED: Cell<bool> = const { Cell::new(false) };
}

/// What PG_FUNCTION_INFO_V1 declares in C.
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn pg_finfo_guard_node() -> &'static pg_sys::Pg_finfo_record {
    const VERSION_1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &VERSION_1
}

/// `shard_router.guard_node()`
///
/// # Safety
/// Called by the server, as a function without arguments that returns `trigger`.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn guard_node(call: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: the server passes a valid call; its context is NULL or a node, which begins with its tag, and this tag says
    // what the node is.
    let trigger = unsafe {
        let context = (*call).context;
        if context.is_null() || (*context).type_ != pg_sys::NodeTag::T_TriggerData {
            Problem::NotTrigger.report().report(PgLogLevel::ERROR);
            return pg_sys::Datum::from(0_usize);
        }
        &*context.cast::<pg_sys::TriggerData>()
    };
    // SAFETY: a trigger's relation is open while it runs.
    let relation = unsafe { (*trigger.tg_relation).rd_id };
    if let Err(problem) = note(relation) {
        problem.report().report(PgLogLevel::ERROR);
    }
    // A BEFORE ROW trigger returns the row that is to be written.
    let row = if trigger.tg_event & pg_sys::TRIGGER_EVENT_OPMASK == pg_sys::TRIGGER_EVENT_UPDATE {
        trigger.tg_newtuple
    } else {
        trigger.tg_trigtuple
    };
    pg_sys::Datum::from(row)
}

fn note(relation: pg_sys::Oid) -> Result<(), Problem> {
    // SAFETY: raises if it is no foreign table, and an ordinary one is no node's.
    let server = unsafe {
        if pg_sys::get_rel_relkind(relation) as u8 != pg_sys::RELKIND_FOREIGN_TABLE {
            return Ok(());
        }
        (*pg_sys::GetForeignTable(relation)).serverid
    };
    if !REGISTERED.replace(true) {
        // SAFETY: the callback lives in this library, which is never unloaded; registered once.
        unsafe { pg_sys::RegisterXactCallback(Some(transaction_ended), std::ptr::null_mut()) };
    }
    let before = WRITTEN.replace(server);
    if before == pg_sys::InvalidOid || before == server || guc::allow_multi_node_writes() {
        return Ok(());
    }
    WRITTEN.set(before);
    let name = |server| {
        // SAFETY: GetForeignServer returns a palloc'd server with a NUL-terminated name, or raises.
        unsafe {
            CStr::from_ptr((*pg_sys::GetForeignServer(server)).servername)
                .to_string_lossy()
                .into_owned()
        }
    };
    Err(Problem::TwoNodes { first: name(before), second: name(server) })
}

#[pg_guard]
unsafe extern "C-unwind" fn transaction_ended(event: pg_sys::XactEvent::Type, _arg: *mut c_void) {
    if matches!(
        event,
        pg_sys::XactEvent::XACT_EVENT_COMMIT
            | pg_sys::XactEvent::XACT_EVENT_ABORT
            | pg_sys::XactEvent::XACT_EVENT_PREPARE
    ) {
        WRITTEN.set(pg_sys::InvalidOid);
    }
}
