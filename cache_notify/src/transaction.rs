//! From a trigger to the transaction's end: keeps the pending keys and sends them at commit.

use crate::guc;
use crate::pending::Pending;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::cell::RefCell;
use std::ffi::{CString, c_char, c_void};

// commands/async.h, the same in every supported version; pgrx has no binding for it.
unsafe extern "C-unwind" {
    fn Async_Notify(channel: *const c_char, payload: *const c_char);
}

#[derive(Default)]
struct State {
    pending: Pending,
    /// The keys have been sent, the transaction is not over: another library's commit callback may still write.
    sent: bool,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// Called once per process, when the library is loaded.
pub fn register() {
    // SAFETY: both callbacks stay valid as long as the library, which is never unloaded.
    unsafe {
        pg_sys::RegisterXactCallback(Some(at_transaction_end), std::ptr::null_mut());
        pg_sys::RegisterSubXactCallback(Some(at_subtransaction_end), std::ptr::null_mut());
    }
}

/// Works on the present transaction's keys. No server function may be called inside: it could come back here.
pub fn with_pending<T>(work: impl FnOnce(&mut Pending) -> T) -> T {
    STATE.with_borrow_mut(|state| work(&mut state.pending))
}

/// At the end of every trigger call: what is written after the keys were sent goes out at once.
pub fn after_trigger() {
    if STATE.with_borrow(|state| state.sent) {
        send();
    }
}

/// NOTIFY, with the limits of NOTIFY; transactional like it.
///
/// Neither argument can hold a NUL byte: both come from the server's own strings.
pub fn notify(channel: &[u8], payload: &[u8]) {
    let (Ok(channel), Ok(payload)) = (CString::new(channel), CString::new(payload)) else {
        unreachable!("a NUL byte in a value of the server");
    };
    // SAFETY: we are in a transaction; both strings are NUL-terminated and copied by the server. The guard turns an error
    // (22023, 53400) into the unwinding that Rust frames need.
    unsafe {
        pg_sys::ffi::pg_guard_ffi_boundary(|| Async_Notify(channel.as_ptr(), payload.as_ptr()));
    }
}

/// Hands everything over to NOTIFY, which sends it when the transaction commits.
fn send() {
    let pending = STATE.with_borrow_mut(|state| {
        state.sent = true;
        std::mem::take(&mut state.pending)
    });
    if pending.is_empty() {
        return;
    }
    let mut messages = 0_u32;
    pending.messages(guc::node_id, |channel, payload| {
        notify(channel, payload);
        messages += 1;
        if messages.is_multiple_of(1024) {
            pgrx::check_for_interrupts!();
        }
    });
}

/// At PRE_COMMIT deferred triggers have fired and PreCommit_Notify is still to come (xact.c, CommitTransaction).
/// At PRE_PREPARE the notification makes the server refuse PREPARE TRANSACTION, as it does after any NOTIFY.
#[pg_guard]
unsafe extern "C-unwind" fn at_transaction_end(event: pg_sys::XactEvent::Type, _arg: *mut c_void) {
    match event {
        pg_sys::XactEvent::XACT_EVENT_PRE_COMMIT | pg_sys::XactEvent::XACT_EVENT_PRE_PREPARE => {
            send();
        }
        pg_sys::XactEvent::XACT_EVENT_COMMIT
        | pg_sys::XactEvent::XACT_EVENT_ABORT
        | pg_sys::XactEvent::XACT_EVENT_PREPARE => STATE.with_borrow_mut(|state| {
            state.sent = false;
            if !state.pending.is_empty() {
                state.pending = Pending::default();
            }
        }),
        _ => {}
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn at_subtransaction_end(
    event: pg_sys::SubXactEvent::Type,
    _subid: pg_sys::SubTransactionId,
    _parent: pg_sys::SubTransactionId,
    _arg: *mut c_void,
) {
    let end = match event {
        pg_sys::SubXactEvent::SUBXACT_EVENT_COMMIT_SUB => Pending::commit_level,
        pg_sys::SubXactEvent::SUBXACT_EVENT_ABORT_SUB => Pending::abort_level,
        _ => return,
    };
    if STATE.with_borrow(|state| state.pending.is_empty()) {
        return;
    }
    // SAFETY: reads a counter; the ending subtransaction is still the current one (xact.c).
    let level = unsafe { pg_sys::GetCurrentTransactionNestLevel() };
    STATE.with_borrow_mut(|state| end(&mut state.pending, level));
}
