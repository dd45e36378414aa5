//! Delivery `async`: the messages of a transaction, from just before its commit to just after it.
//!
//! Before the commit they are written, as the ring has them, into memory of this process; that may fail. After the commit
//! they are copied into the ring, which cannot.

use crate::payload::LIMIT;
use crate::publisher::DROP_EVERYTHING;
use crate::ring;
use crate::shared;
use crate::transaction::notify;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::cell::RefCell;

/// Channels whose numbers a session keeps, so that most transactions need the lock only once.
const KEPT_CHANNELS: usize = 16;
/// What the records' memory may keep for the next transaction.
const KEPT_BYTES: usize = 256 * 1024;

#[derive(Default)]
struct Outbox {
    /// The place of this session's database, good as long as a channel is held.
    database: u16,
    channels: Vec<(Vec<u8>, u16)>,
    records: Vec<u8>,
    /// NOTIFYs of the present transaction, for the counters.
    notified: u64,
    is_registered: bool,
}

thread_local! {
    static OUTBOX: RefCell<Outbox> = RefCell::default();
}

/// Whether the server has what this delivery needs: the library is preloaded.
pub fn is_available() -> bool {
    shared::is_available()
}

/// Whether the present transaction has something for the ring.
pub fn is_empty() -> bool {
    OUTBOX.with_borrow(|outbox| outbox.records.is_empty())
}

/// Takes one message of the present transaction, before its commit.
///
/// NOTIFY stands in where the library is not preloaded, as after a dump was restored elsewhere, and for a channel or a
/// database that the ring has no place for: the listener hears no less.
///
/// What NOTIFY would not take must not come into the ring, where it would be in the way of all that follows. Our payloads are
/// no longer than that.
pub fn add(channel: &[u8], payload: &[u8]) {
    let payload = if payload.len() > LIMIT { DROP_EVERYTHING } else { payload };
    let taken = shared::is_available()
        && OUTBOX.with_borrow_mut(|outbox| {
            let number = outbox.number(channel);
            if let Some(number) = number {
                ring::append(&mut outbox.records, outbox.database, number, payload);
            }
            number.is_some()
        });
    if !taken {
        notify(channel, payload);
    }
}

/// Counts NOTIFYs of the present transaction.
pub fn count_notified(messages: usize) {
    OUTBOX.with_borrow_mut(|outbox| outbox.notified += messages as u64);
}

/// The transaction is over: what was taken goes out if it committed.
///
/// After a commit the row versions of the transaction are visible to all (ProcArrayEndTransaction comes before the
/// callbacks), so nobody hears of a key whose new row he cannot read. Nothing here raises an error, allocates, or waits
/// for more than the lock.
pub fn end(committed: bool) {
    let woken = OUTBOX.with_borrow_mut(|outbox| {
        let notified = std::mem::take(&mut outbox.notified);
        if outbox.records.is_empty() && notified == 0 {
            return None;
        }
        let mut woken = None;
        if committed && let Some(mut ring) = shared::lock() {
            if notified > 0 {
                ring.count_notified(shared::my_database(), notified);
            }
            // SAFETY: reads the time of the commit, which the server has taken already.
            let now = unsafe { pg_sys::GetCurrentTransactionStopTimestamp() };
            if !outbox.records.is_empty() {
                woken = ring.push(outbox.database, &outbox.records, now);
            }
        }
        outbox.records.clear();
        outbox.records.shrink_to(KEPT_BYTES);
        if outbox.channels.len() > KEPT_CHANNELS {
            outbox.unpin();
        }
        woken
    });
    shared::wake(woken);
}

impl Outbox {
    fn number(&mut self, channel: &[u8]) -> Option<u16> {
        if let Some((_, number)) = self.channels.iter().find(|(name, _)| name == channel) {
            return Some(*number);
        }
        // Before the lock is taken: this may fail for want of memory.
        let name = channel.to_vec();
        self.channels.reserve(1);
        if !self.is_registered {
            // SAFETY: the function stays valid as long as the library, which is never unloaded.
            unsafe { pg_sys::before_shmem_exit(Some(at_exit), pg_sys::Datum::from(0)) };
            self.is_registered = true;
        }
        let mut ring = shared::lock()?;
        self.database = ring.enroll(shared::my_database())?;
        let number = ring.pin(self.database, channel)?;
        self.channels.push((name, number));
        Some(number)
    }

    fn unpin(&mut self) {
        if let Some(mut ring) = shared::lock() {
            for (_, number) in self.channels.drain(..) {
                ring.unpin(number);
            }
        }
    }
}

/// The session ends. A transaction that is still open then is rolled back.
#[pg_guard]
unsafe extern "C-unwind" fn at_exit(_code: std::ffi::c_int, _argument: pg_sys::Datum) {
    OUTBOX.with_borrow_mut(|outbox| {
        outbox.records.clear();
        outbox.unpin();
    });
}
