//! Delivery `durable`: the messages of a transaction in the write-ahead log, together with its commit.
//!
//! They are transactional logical messages (the C side of pg_logical_emit_message). Consumers read them through slots of
//! logical replication: in the order of commits, of committed transactions only, and as long as the slot exists, all of them.

mod changes;
mod consumer;
mod pgoutput;
mod prepared;
mod publication;
mod wire;

pub use consumer::lagging_databases;

use crate::error::Error;
use crate::{outbox, payload};
use pg_ext_core::subtransaction::Caught;
use pg_ext_core::toplevel;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReportable;
use std::cell::RefCell;
use std::ffi::{CString, c_char};
use wire::Encoder;

// replication/message.h; pgrx has no binding for it.
unsafe extern "C-unwind" {
    fn LogLogicalMessage(
        prefix: *const c_char,
        message: *const c_char,
        size: usize,
        transactional: bool,
        #[cfg(not(any(feature = "pg14", feature = "pg15", feature = "pg16")))] flush: bool,
    ) -> pg_sys::XLogRecPtr;
}

thread_local! {
    /// What the present transaction has yet to write.
    static OUTGOING: RefCell<Encoder> = RefCell::default();
}

fn is_available() -> bool {
    // SAFETY: reads a setting of the server.
    unsafe { pg_sys::wal_level >= pg_sys::WalLevel::WAL_LEVEL_LOGICAL as i32 }
}

/// Whether the server keeps what this delivery needs.
pub fn check_available() -> Result<(), Error> {
    if is_available() { Ok(()) } else { Err(Error::WalLevel) }
}

/// Takes one message of the present transaction, before its commit or before it is prepared. May raise an error, which fails
/// the transaction.
///
/// `is_json`: the payload is an object that takes the transaction's id, and its position when it is read.
///
/// Those who listen hear through the ring. Without one they do not: then consumers are the only ones to be told.
///
/// Where wal_level was lowered since the table was attached there can be no consumer: the server does not start with a slot
/// that it could not serve. Those who listen go on hearing.
pub fn add(channel: &[u8], payload: &[u8], is_json: bool, is_prepared: bool) {
    if !is_available() {
        outbox::add(channel, payload);
        return;
    }
    // SAFETY: we are in a transaction; one that wrote no rows, and only publishes an event, gets its id here.
    let xid = unsafe { pg_sys::GetTopFullTransactionId() }.value;
    let is_full = OUTGOING.with_borrow_mut(|outgoing| {
        outgoing.push(xid, channel, payload, is_json);
        outgoing.is_full()
    });
    if is_full {
        write(is_prepared);
    }
    if outbox::is_available() && !is_prepared {
        if is_json {
            outbox::add(channel, &payload::with_version(payload, xid, None));
        } else {
            outbox::add(channel, payload);
        }
    }
}

/// After the last [`add`], still before the commit: writes what was taken.
pub fn write(is_prepared: bool) {
    OUTGOING.with_borrow_mut(|outgoing| {
        if outgoing.is_empty() {
            return;
        }
        if is_prepared && outbox::is_available() {
            prepared::keep(outgoing.bytes());
        }
        let prefix = CString::new(wire::PREFIX).unwrap_or_default();
        let bytes = outgoing.bytes();
        // SAFETY: we are in a transaction; the prefix ends with a NUL byte, the message has the length given, and both are
        // copied. The guard turns an error into the unwinding that Rust frames need.
        unsafe {
            pg_sys::ffi::pg_guard_ffi_boundary(|| {
                LogLogicalMessage(
                    prefix.as_ptr(),
                    bytes.as_ptr().cast(),
                    bytes.len(),
                    true,
                    // The commit flushes it.
                    #[cfg(not(any(feature = "pg14", feature = "pg15", feature = "pg16")))]
                    false,
                )
            });
        }
        outgoing.clear();
    });
}

/// In the publisher, when a session or the launcher called for it.
pub fn publish() -> Result<(), Caught> {
    toplevel::transaction(|| prepared::publish().unwrap_or_report())?;
    toplevel::transaction(|| consumer::enforce_max_lag().unwrap_or_report())
}

/// The transaction is over, one way or the other.
pub fn end() {
    OUTGOING.with_borrow_mut(Encoder::clear);
}
