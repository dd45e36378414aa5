//! Prepared transactions, for those who listen. The write-ahead log carries a transaction's messages over to COMMIT PREPARED;
//! the ring cannot, since another session carries that out, maybe after a restart. So the messages wait in a table, whose rows
//! appear with the transaction.

use super::wire;
use crate::payload;
use crate::transaction::Notifications;
use pg_ext_core::identity::RunAs;
use pg_ext_core::spi::{report, select_first, write};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::prelude::*;

/// Keeps a message of the transaction that is about to be prepared.
pub fn keep(message: &[u8]) {
    // SAFETY: the transaction has not ended; what is pushed is popped below, or after an error by the transaction's abort.
    unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot()) };
    let owner = select_first(
        "SELECT extowner FROM pg_catalog.pg_extension WHERE extname = 'cache_notify'",
        &[],
        |row| row.get::<pg_sys::Oid>(1),
    )
    .unwrap_or_report()
    .flatten();
    // The writer may not write the table: this one statement runs with the rights of the extension's owner.
    let _owner = owner.map(RunAs::role);
    let insert = "INSERT INTO cache_notify.prepared_messages (message) VALUES ($1)";
    write(insert, &[message.into()]).unwrap_or_report();
    // SAFETY: see above.
    unsafe { pg_sys::PopActiveSnapshot() };
}

/// In the publisher: sends what has been committed since the last time.
pub fn publish() -> Result<(), ErrorReport> {
    // SAFETY: reads the catalog in a transaction; the name is NUL-terminated.
    let extension = unsafe { pg_sys::get_extension_oid(c"cache_notify".as_ptr(), true) };
    if extension == pg_sys::InvalidOid {
        return Ok(());
    }
    let messages = Spi::connect_mut(|client| {
        client
            .update("DELETE FROM cache_notify.prepared_messages RETURNING message", None, &[])?
            .map(|row| row.get::<Vec<u8>>(1))
            .collect::<Result<Vec<_>, _>>()
    })
    .map_err(report)?;
    let mut notifications = Notifications::default();
    for message in messages.iter().flatten() {
        let Ok((xid, entries)) = wire::decode(message) else { continue };
        for entry in entries {
            if entry.is_json {
                let payload = payload::with_version(entry.payload, xid, None);
                notifications.push(entry.channel, &payload);
            } else {
                notifications.push(entry.channel, entry.payload);
            }
        }
    }
    notifications.send();
    Ok(())
}
