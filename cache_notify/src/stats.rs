//! What the shared memory knows, for the views `cache_notify.stats` and `cache_notify.health`.

use crate::{guc, shared};
use pgrx::datum::TimestampWithTimeZone;
use pgrx::iter::TableIterator;
use pgrx::pg_sys;
use pgrx::prelude::*;

fn time(microseconds: i64) -> Option<TimestampWithTimeZone> {
    if microseconds == 0 {
        return None;
    }
    TimestampWithTimeZone::try_from(microseconds as pg_sys::TimestampTz).ok()
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A row for each database that has a place in the ring; none where the library is not preloaded.
#[pg_extern(sql = false)]
#[expect(clippy::type_complexity, reason = "the columns of the SQL function")]
fn ring_databases() -> TableIterator<
    'static,
    (
        name!(database, pg_sys::Oid),
        name!(notified, i64),
        name!(keys, i64),
        name!(messages, i64),
        name!(coalesced, i64),
        name!(overflows, i64),
        name!(batches, i64),
        name!(errors, i64),
        name!(waiting, i64),
        name!(waiting_bytes, i64),
        name!(waiting_since, Option<TimestampWithTimeZone>),
        name!(last_publish, Option<TimestampWithTimeZone>),
        name!(last_overflow, Option<TimestampWithTimeZone>),
        name!(last_error, Option<TimestampWithTimeZone>),
        name!(publisher_pid, Option<i32>),
        name!(publisher_state, String),
    ),
> {
    let is_on = guc::publisher();
    // Copied under the lock; made into rows after it.
    let databases: Vec<_> = shared::lock().map_or_else(Vec::new, |ring| {
        let used = ring.databases.iter().filter(|database| database.oid != 0);
        used.map(|d| {
            let state = match (d.publisher.pid, d.sleeping) {
                (0, _) if !is_on => "off",
                (0, _) if d.records() > 0 => "awaited",
                (0, _) => "none",
                (_, true) => "sleeping",
                (_, false) => "working",
            };
            (d.oid, d.counters, d.records(), d.bytes(), d.since(), d.publisher.pid, state)
        })
        .collect()
    });
    let rows: Vec<_> = databases
        .into_iter()
        .map(|(oid, counters, records, bytes, since, pid, state)| {
            (
                pg_sys::Oid::from(oid),
                count(counters.notified),
                count(counters.keys),
                count(counters.messages),
                count(counters.coalesced),
                count(counters.overflows),
                count(counters.batches),
                count(counters.errors),
                count(records),
                count(bytes),
                since.and_then(time),
                time(counters.last_publish),
                time(counters.last_overflow),
                time(counters.last_error),
                (pid != 0).then_some(pid),
                state.to_owned(),
            )
        })
        .collect();
    TableIterator::new(rows)
}

/// One row about the ring as a whole.
#[pg_extern(sql = false)]
#[expect(clippy::type_complexity, reason = "the columns of the SQL function")]
fn ring_state() -> TableIterator<
    'static,
    (
        name!(preloaded, bool),
        name!(ring_size, Option<i64>),
        name!(epoch, Option<TimestampWithTimeZone>),
        name!(launcher_pid, Option<i32>),
        name!(no_worker_since, Option<TimestampWithTimeZone>),
        name!(visited, bool),
        name!(publisher, bool),
    ),
> {
    let state = shared::lock().map(|ring| {
        let head = &ring.head;
        (ring.capacity(), head.epoch, head.launcher.pid, head.no_worker_since, head.visited)
    });
    TableIterator::once(match state {
        None => (false, None, None, None, None, false, guc::publisher()),
        Some((capacity, epoch, launcher, no_worker_since, visited)) => (
            true,
            i64::try_from(capacity).ok(),
            time(epoch),
            (launcher != 0).then_some(launcher),
            time(no_worker_since),
            visited,
            guc::publisher(),
        ),
    })
}
