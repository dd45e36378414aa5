//! Delivery `durable`: the keys of a transaction in the write-ahead log, together with its commit.

use crate::error::Error;
use pg_ext_core::subtransaction::Caught;
use pgrx::pg_sys;

/// Whether the server keeps what this delivery needs.
pub fn check_available() -> Result<(), Error> {
    // SAFETY: reads a setting of the server.
    if unsafe { pg_sys::wal_level } < pg_sys::WalLevel::WAL_LEVEL_LOGICAL as i32 {
        return Err(Error::WalLevel);
    }
    Ok(())
}

/// Takes one message of the present transaction, before its commit. May raise an error, which fails the transaction.
pub fn add(channel: &[u8], payload: &[u8]) {
    // Until the write-ahead log carries them, as NOTIFY does: nothing is lost that `notify` would not lose.
    crate::transaction::notify(channel, payload);
}

/// After the last [`add`], still before the commit: writes what was taken.
pub fn write() {}

/// In the publisher, when a session called for it (`publisher::call`).
pub fn publish() -> Result<(), Caught> {
    Ok(())
}

/// The transaction is over, one way or the other.
pub fn end() {}
