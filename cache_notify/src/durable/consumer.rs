//! Consumers: each has a slot of logical replication, and a row in `cache_notify.registered_consumers` by which it is known
//! that it should have one.
//!
//! A slot is not transactional, exists once in the whole server, and may vanish: on a standby that is promoted, in a
//! database that is restored or copied, when it holds too much of the write-ahead log. A row without a usable slot is a
//! consumer that missed something, and it is told so until it is added anew.

use super::publication;
use crate::error::Error;
use crate::guc;
use pg_ext_core::spi::{select, select_first, write};
use pg_ext_core::subtransaction;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::{CaughtError, ErrorReport, ErrorReportable};
use pgrx::prelude::*;
use std::panic::AssertUnwindSafe;

/// How exact `confirmed_at` is: a consumer that polls all the time shall not write all the time.
const CONFIRMED_AT_SECONDS: i32 = 10;
/// Beyond that we write a record from which on reading can begin. The server does it every 15 seconds: more often, a consumer
/// that keeps up neither keeps nor reads more of the write-ahead log than it must.
const READ_AGAIN: u64 = 1024 * 1024;
/// A slot's name has at most NAMEDATALEN - 1 bytes, of which `cache_notify_4294967295_` takes 24, and a number after the
/// consumer's name the last ones.
const NAME_LIMIT: usize = 32;
const NUMBERS: u32 = 1_000_000;

/// A consumer and its slot, both there.
#[derive(Debug, Clone)]
pub struct Consumer {
    pub name: String,
    pub slot: String,
    /// What ends here or before is done with.
    pub confirmed: u64,
    /// How many bytes before that each call reads again.
    read_again: u64,
    /// `confirmed_at` is due to be written.
    is_due: bool,
}

fn check_name(name: &str) -> Result<(), Error> {
    let is_valid = (1..=NAME_LIMIT).contains(&name.len())
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    if is_valid {
        Ok(())
    } else {
        Err(Error::InvalidConsumerName { name: name.to_owned(), limit: NAME_LIMIT })
    }
}

/// How the slots of this database's consumers begin: a slot's name exists once in the whole server.
fn slot_prefix() -> String {
    // SAFETY: reads a variable that is set when a session begins.
    let database = unsafe { pg_sys::MyDatabaseId };
    format!("cache_notify_{}_", database.to_u32())
}

/// The slot for a consumer that had `last`: never the same one. A slot stays when its transaction is rolled back, and must
/// not pass for the one that the consumer had before.
fn next_slot(prefix: &str, name: &str, last: Option<&str>) -> String {
    let number = last
        .and_then(|slot| slot.rsplit_once('_'))
        .and_then(|(_, number)| number.parse::<u32>().ok())
        .map_or(1, |number| (number + 1) % NUMBERS);
    format!("{prefix}{name}_{number}")
}

/// The consumer's name in that of its slot.
fn name_in(slot: &str, prefix: &str) -> String {
    let name = slot.strip_prefix(prefix).unwrap_or(slot);
    name.rsplit_once('_').map_or(name, |(name, _)| name).to_owned()
}

/// As the server writes a pg_lsn.
pub fn lsn(position: u64) -> String {
    format!("{:X}/{:X}", position >> 32, position & 0xFFFF_FFFF)
}

/// The end of the write-ahead log that is safe on disk, which is as far as decoding reads.
pub fn flushed() -> u64 {
    // SAFETY: reads shared memory.
    unsafe {
        #[cfg(feature = "pg14")]
        return pg_sys::GetFlushRecPtr();
        #[cfg(not(feature = "pg14"))]
        return pg_sys::GetFlushRecPtr(std::ptr::null_mut());
    }
}

/// What there is under a name.
enum Look {
    Ready(Consumer),
    /// Registered, and its slot cannot serve it.
    Lost {
        slot: String,
    },
    /// Its slot is being made at this moment.
    InUse,
    Unknown,
}

fn look(name: &str) -> Result<Look, ErrorReport> {
    check_name(name)?;
    let found = select_first(
        "SELECT r.slot::text, v.status = 'ok', (v.position - '0/0')::bigint, v.kept_bytes - v.lag_bytes,
                r.confirmed_at < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $2)
         FROM cache_notify.consumers v JOIN cache_notify.registered_consumers r USING (name)
         WHERE v.name = $1",
        &[name.into(), CONFIRMED_AT_SECONDS.into()],
        |row| {
            let number = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
            let slot = row.get::<String>(1)?.unwrap_or_default();
            if row.get::<bool>(2)? != Some(true) {
                return Ok(Look::Lost { slot });
            }
            let Some(confirmed) = number(row.get(3)?) else { return Ok(Look::InUse) };
            Ok(Look::Ready(Consumer {
                name: name.to_owned(),
                slot,
                confirmed,
                read_again: number(row.get(4)?).unwrap_or(0),
                is_due: row.get(5)?.unwrap_or(true),
            }))
        },
    )?;
    Ok(found.unwrap_or(Look::Unknown))
}

/// Finds a consumer that can be read. 42704 where there is none of this name, 55000 where it has missed something.
pub fn find(name: &str) -> Result<Consumer, ErrorReport> {
    let name_of_it = || name.to_owned();
    match look(name)? {
        Look::Ready(consumer) => Ok(consumer),
        Look::Lost { .. } => Err(Error::ConsumerLost { name: name_of_it() }.into()),
        Look::InUse => Err(Error::ConsumerInUse { name: name_of_it() }.into()),
        Look::Unknown => Err(Error::NoConsumer { name: name_of_it() }.into()),
    }
}

impl Consumer {
    /// Moves the slot on. What lies before `position` is done with, whatever becomes of the present transaction.
    pub fn advance(&mut self, position: u64) -> Result<(), ErrorReport> {
        release_slot();
        let advanced = subtransaction::run(|| {
            select(
                "SELECT FROM pg_catalog.pg_replication_slot_advance($1, $2::pg_catalog.pg_lsn)",
                &[self.slot.as_str().into(), lsn(position).into()],
                |_| Ok(()),
            )
            .unwrap_or_report();
        });
        if let Err(caught) = advanced {
            release_slot();
            if caught.sqlstate == "55006" {
                return Err(Error::ConsumerInUse { name: self.name.clone() }.into());
            }
            // Another session may have moved it past that place; if not, there is nothing left to move.
            if find(&self.name)?.confirmed < position {
                return Err(Error::ConsumerLost { name: self.name.clone() }.into());
            }
        }
        self.read_again += position.saturating_sub(self.confirmed);
        self.confirmed = position;
        if self.read_again > READ_AGAIN {
            // SAFETY: what pg_log_standby_snapshot does, where there is that function.
            unsafe { pg_sys::LogStandbySnapshot() };
        }
        Ok(())
    }

    /// Runs what uses the slot, and tells errors in our words.
    pub fn guarded<T>(
        &self,
        work: impl FnOnce() -> Result<T, ErrorReport>,
    ) -> Result<T, ErrorReport> {
        guarded(&self.name, work)
    }

    /// Notes that the consumer is alive, where that was not noted lately.
    pub fn note_alive(&self) -> Result<(), ErrorReport> {
        // SAFETY: reads the state of the transaction. In a read-only one nothing can be noted, and above READ COMMITTED a
        // row that another session noted would be an error.
        let can_note = unsafe {
            !pg_sys::XactReadOnly && pg_sys::XactIsoLevel < pg_sys::XACT_REPEATABLE_READ as i32
        };
        if self.is_due && can_note {
            // A session that noted it and has not committed is no reason to wait.
            write(
                "UPDATE cache_notify.registered_consumers SET confirmed_at = pg_catalog.clock_timestamp()
                 WHERE name = (SELECT name FROM cache_notify.registered_consumers WHERE name = $1
                               FOR UPDATE SKIP LOCKED)",
                &[self.name.as_str().into()],
            )?;
        }
        Ok(())
    }
}

/// Runs what uses a slot of ours, and tells errors in our words.
fn guarded<T>(name: &str, work: impl FnOnce() -> Result<T, ErrorReport>) -> Result<T, ErrorReport> {
    release_slot();
    let name = AssertUnwindSafe(name.to_owned());
    PgTryBuilder::new(AssertUnwindSafe(work))
        .catch_others(move |cause| {
            // An error that is caught further out leaves the session alive, and the slot must not stay with it.
            release_slot();
            let name = name.0.clone();
            match code(&cause) {
                PgSqlErrorCode::ERRCODE_OBJECT_IN_USE => Err(Error::ConsumerInUse { name }.into()),
                // The slot or its publication is gone, or what it should read is.
                PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT
                | PgSqlErrorCode::ERRCODE_UNDEFINED_FILE
                | PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE => {
                    Err(Error::ConsumerLost { name }.into())
                }
                _ => cause.rethrow(),
            }
        })
        .execute()
}

fn code(cause: &CaughtError) -> PgSqlErrorCode {
    let (CaughtError::PostgresError(error)
    | CaughtError::ErrorReport(error)
    | CaughtError::RustPanic { ereport: error, .. }) = cause;
    error.sql_error_code()
}

/// Lets go of the slot that an error left with this session. Between two calls of ours a session has none.
fn release_slot() {
    // SAFETY: reads a variable of this process; the slot it points to is ours to release.
    unsafe {
        if !pg_sys::MyReplicationSlot.is_null() {
            pg_sys::ReplicationSlotRelease();
        }
    }
}

/// Keeps others from adding or dropping consumers, and sees what they did before.
fn lock_registry() -> Result<(), ErrorReport> {
    let table = select_first(
        "SELECT 'cache_notify.registered_consumers'::pg_catalog.regclass::pg_catalog.oid",
        &[],
        |row| row.get::<pg_sys::Oid>(1),
    )?;
    // SAFETY: takes a lock until the transaction ends. It gives the transaction no id, with which no slot could be made.
    unsafe {
        pg_sys::LockRelationOid(
            table.flatten().unwrap_or(pg_sys::InvalidOid),
            pg_sys::ShareRowExclusiveLock as pg_sys::LOCKMODE,
        );
    }
    Ok(())
}

/// Runs `work` with a snapshot taken now: that of the statement may be older than a lock that had to be waited for.
fn with_latest_snapshot<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: pushed here and popped below; after an error the transaction's abort pops it.
    unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot()) };
    let value = work();
    // SAFETY: see above.
    unsafe { pg_sys::PopActiveSnapshot() };
    value
}

fn prevent_in_recovery(function: &std::ffi::CStr) {
    // SAFETY: raises or returns; the name is NUL-terminated and outlives the call.
    unsafe {
        pg_sys::PreventCommandIfReadOnly(function.as_ptr());
        pg_sys::PreventCommandDuringRecovery(function.as_ptr());
    }
}

fn not_null<T>(name: &'static str, value: Option<T>) -> Result<T, Error> {
    value.ok_or(Error::NullValue { name })
}

fn drop_slot(name: &str, slot: &str) -> Result<(), ErrorReport> {
    guarded(name, || {
        select("SELECT FROM pg_catalog.pg_drop_replication_slot($1)", &[slot.into()], |_| Ok(()))
            .map(drop)
    })
}

/// Only one of this database: a row may be a copy of another database's.
fn drop_slot_if_exists(name: &str, slot: &str) -> Result<(), ErrorReport> {
    let found = select_first(
        "SELECT FROM pg_catalog.pg_replication_slots
         WHERE slot_name = $1 AND database = pg_catalog.current_database()",
        &[slot.into()],
        |_| Ok(()),
    )?;
    match found {
        Some(()) => drop_slot(name, slot),
        None => Ok(()),
    }
}

/// `cache_notify.add_consumer`. The position is a pg_lsn, which the server passes as it passes a bigint.
#[pg_extern(sql = false)]
fn add_consumer(name: Option<&str>) -> Result<i64, ErrorReport> {
    let name = not_null("name", name)?;
    check_name(name)?;
    prevent_in_recovery(c"cache_notify.add_consumer()");
    if !super::is_available() {
        return Err(Error::ConsumerWalLevel.into());
    }
    lock_registry()?;
    enforce_max_lag()?;
    let last = match with_latest_snapshot(|| look(name))? {
        Look::Ready(_) => return Err(Error::ConsumerExists { name: name.to_owned() }.into()),
        Look::InUse => return Err(Error::ConsumerInUse { name: name.to_owned() }.into()),
        Look::Lost { slot } => Some(slot),
        Look::Unknown => None,
    };
    if let Some(last) = &last {
        drop_slot_if_exists(name, last)?;
    }
    with_latest_snapshot(drop_orphans)?;
    let slot = next_slot(&slot_prefix(), name, last.as_deref());
    // The slot comes first: the server makes none in a transaction that has written.
    let start = select_first(
        "SELECT (lsn - '0/0')::bigint FROM pg_catalog.pg_create_logical_replication_slot($1, 'pgoutput')",
        &[slot.as_str().into()],
        |row| row.get::<i64>(1),
    )?;
    publication::adopt()?;
    write(
        "INSERT INTO cache_notify.registered_consumers (name, slot, origin)
         VALUES ($1, $2, cache_notify.wal_origin())
         ON CONFLICT (name) DO UPDATE
             SET slot = excluded.slot, origin = excluded.origin,
                 added_at = excluded.added_at, confirmed_at = excluded.confirmed_at",
        &[name.into(), slot.as_str().into()],
    )?;
    Ok(start.flatten().unwrap_or(0))
}

/// `cache_notify.drop_consumer`.
#[pg_extern(sql = false)]
fn drop_consumer(name: Option<&str>) -> Result<(), ErrorReport> {
    let name = not_null("name", name)?;
    check_name(name)?;
    prevent_in_recovery(c"cache_notify.drop_consumer()");
    lock_registry()?;
    let slot = match with_latest_snapshot(|| look(name))? {
        Look::Ready(Consumer { slot, .. }) | Look::Lost { slot } => slot,
        Look::InUse => return Err(Error::ConsumerInUse { name: name.to_owned() }.into()),
        Look::Unknown => return Err(Error::NoConsumer { name: name.to_owned() }.into()),
    };
    write("DELETE FROM cache_notify.registered_consumers WHERE name = $1", &[name.into()])?;
    drop_slot_if_exists(name, &slot)
}

/// `cache_notify.confirm`. Position as in [`add_consumer`].
#[pg_extern(sql = false)]
fn confirm(consumer: Option<&str>, position: Option<i64>) -> Result<(), ErrorReport> {
    let name = not_null("consumer", consumer)?;
    let position = not_null("position", position)?.cast_unsigned();
    // SAFETY: raises or returns; the name is NUL-terminated.
    unsafe { pg_sys::PreventCommandDuringRecovery(c"cache_notify.confirm()".as_ptr()) };
    enforce_max_lag()?;
    let mut consumer = find(name)?;
    if position > flushed() {
        return Err(Error::FuturePosition { position: lsn(position) }.into());
    }
    if position > consumer.confirmed {
        consumer.advance(position)?;
    }
    consumer.note_alive()
}

/// Drops the slots of this database that keep more of the write-ahead log than `cache_notify.max_lag` allows. Their consumers
/// are told at their next call. One that is being read is left for the next time.
pub fn enforce_max_lag() -> Result<(), ErrorReport> {
    let Some(limit) = guc::max_lag() else { return Ok(()) };
    let prefix = slot_prefix();
    let lagging = select(
        "SELECT s.slot_name::text,
                pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), s.restart_lsn)::bigint
         FROM pg_catalog.pg_replication_slots s
         WHERE pg_catalog.starts_with(s.slot_name, $1) AND NOT s.active
           AND pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), s.restart_lsn) > $2",
        &[prefix.as_str().into(), limit.into()],
        |row| {
            Ok((row.get::<String>(1)?.unwrap_or_default(), row.get::<i64>(2)?.unwrap_or_default()))
        },
    )?;
    for (slot, kept) in lagging {
        let name = name_in(&slot, &prefix);
        let dropped = subtransaction::run(|| drop_slot(&name, &slot).unwrap_or_report());
        // Somebody reads it again, or has dropped it.
        if dropped.is_err() {
            release_slot();
            continue;
        }
        pgrx::log!(
            "dropped consumer \"{name}\" of cache_notify, which kept {} MB of the write-ahead log, more than \
             cache_notify.max_lag",
            kept >> 20
        );
    }
    Ok(())
}

/// For the launcher, which is connected to no database: those in which a consumer keeps more than `cache_notify.max_lag`
/// allows. `None` where there can be no consumers.
pub fn lagging_databases() -> Option<Vec<u32>> {
    if !super::is_available() {
        return None;
    }
    let limit = guc::max_lag().and_then(|limit| u64::try_from(limit).ok()).unwrap_or(u64::MAX);
    let mut lagging = Vec::new();
    // SAFETY: the slots are an array of max_replication_slots in shared memory, which lives as long as the server. They are
    // read without a lock, so that a slot which is being made or dropped may look odd; a look at a wrong database follows at
    // the worst, in which the slots are read again.
    unsafe {
        let slots = (*pg_sys::ReplicationSlotCtl).replication_slots.as_ptr();
        let here = pg_sys::GetXLogInsertRecPtr();
        for i in 0..usize::try_from(pg_sys::max_replication_slots).unwrap_or(0) {
            let slot = slots.add(i);
            if !(&raw const (*slot).in_use).read_volatile() {
                continue;
            }
            let data = (&raw const (*slot).data).read_volatile();
            let database = data.database.to_u32();
            let prefix = format!("cache_notify_{database}_");
            let name = data.name.data.map(|byte| byte as u8);
            if database == 0 || !name.starts_with(prefix.as_bytes()) {
                continue;
            }
            let kept = here.saturating_sub(data.restart_lsn);
            if data.restart_lsn != 0 && kept > limit && !lagging.contains(&database) {
                lagging.push(database);
            }
        }
    }
    Some(lagging)
}

/// Drops slots of this database that belong to no consumer: of an `add_consumer` that was rolled back, or of the extension
/// before it was dropped. The registry is locked.
fn drop_orphans() -> Result<(), ErrorReport> {
    let orphans = select(
        "SELECT s.slot_name::text FROM pg_catalog.pg_replication_slots s
         WHERE pg_catalog.starts_with(s.slot_name, $1) AND NOT s.active
           AND s.slot_name NOT IN (SELECT slot FROM cache_notify.registered_consumers)",
        &[slot_prefix().into()],
        |row| row.get::<String>(1),
    )?;
    for slot in orphans.into_iter().flatten() {
        let dropped = subtransaction::run(|| drop_slot(&slot, &slot).unwrap_or_report());
        if dropped.is_err() {
            release_slot();
        }
    }
    Ok(())
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn positions_are_written_as_the_server_does() {
        assert_eq!(lsn(0), "0/0");
        assert_eq!(lsn(0x16_B374_D848), "16/B374D848");
        assert_eq!(lsn(u64::MAX), "FFFFFFFF/FFFFFFFF");
    }

    #[test]
    fn a_slot_is_never_the_one_before() {
        let prefix = "cache_notify_5_";
        let first = next_slot(prefix, "a_1", None);
        assert_eq!(first, "cache_notify_5_a_1_1");
        let second = next_slot(prefix, "a_1", Some(&first));
        assert_eq!(second, "cache_notify_5_a_1_2");
        assert_eq!(next_slot(prefix, "a", Some("cache_notify_5_a_999999")), "cache_notify_5_a_0");
        assert_eq!(name_in(&second, prefix), "a_1");
        let longest =
            next_slot("cache_notify_4294967295_", &"x".repeat(NAME_LIMIT), Some("_999998"));
        assert_eq!(longest.len(), 63);
    }
}
