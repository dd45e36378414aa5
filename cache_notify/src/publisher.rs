//! The publisher: a process in a database that sends what the ring holds for it, many transactions in one NOTIFY transaction.
//!
//! It begins when there is something to send, and ends when there has been nothing for a while. What it has taken stays in
//! the ring until its own transaction has committed, so one that is ended in between leaves everything to the next.

use crate::options::{Delivery, Options};
use crate::ring::Batch;
use crate::transaction::Notifications;
use crate::{durable, guc, launcher, shared};
use pg_ext_core::spi::select;
use pg_ext_core::subtransaction::Caught;
use pg_ext_core::toplevel;
use pg_ext_core::worker::{install_signal_handlers, wait};
use pgrx::bgworkers::{BackgroundWorker, BackgroundWorkerBuilder, DynamicBackgroundWorker};
use pgrx::pg_sys::panic::ErrorReportable;
use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;
use std::cell::Cell;
use std::ffi::CStr;
use std::time::{Duration, Instant};

/// The message that says: whatever you have from this channel, drop it.
pub const DROP_EVERYTHING: &[u8] = b"*";

/// How long a publisher without work stays; where others find no worker slot, less.
const IDLE: Duration = Duration::from_secs(60);
const IDLE_IN_DEMAND: Duration = Duration::from_secs(1);
/// How often one that waits looks whether it is in demand.
const LOOK_AROUND: Duration = Duration::from_secs(3);
/// Bytes of messages in one transaction: the server sends it to listeners as a whole.
const BATCH: usize = 128 * 1024;
/// A batch of so many messages means that the next one may wait longer: at such a rate each wake-up of publisher and listeners
/// costs the writers more than the messages do.
const MANY: u64 = 32;
const LONGER: u32 = 4;
/// ERRCODE_PROGRAM_LIMIT_EXCEEDED, of a NOTIFY for which the queue has no room.
const QUEUE_FULL: &str = "54000";
/// After an error, such as a full notification queue.
const RETRY: Duration = Duration::from_millis(250);
/// How often an error that stays is logged.
const COMPLAIN: Duration = Duration::from_secs(60);

/// What a publisher pins for its session, whatever the server or the database says.
const SETTINGS: &[(&CStr, &CStr)] = &[
    (c"search_path", c"pg_catalog, pg_temp"),
    // A notification need not survive a crash: the one after it says drop everything.
    (c"synchronous_commit", c"off"),
    (c"statement_timeout", c"0"),
    (c"lock_timeout", c"0"),
    (c"idle_in_transaction_session_timeout", c"0"),
    (c"default_transaction_isolation", c"read committed"),
    (c"default_transaction_read_only", c"off"),
    (c"default_transaction_deferrable", c"off"),
    #[cfg(any(feature = "pg17", feature = "pg18"))]
    (c"transaction_timeout", c"0"),
];

thread_local! {
    /// The place of this publisher's database, as long as it is registered.
    static PLACE: Cell<Option<u16>> = const { Cell::new(None) };
}

/// Starts a publisher for a database. None where no worker slot is free.
pub fn start(database: Oid) -> Option<DynamicBackgroundWorker> {
    BackgroundWorkerBuilder::new("cache_notify publisher")
        .set_type("cache_notify publisher")
        .set_library(launcher::LIBRARY)
        .set_function("cache_notify_publisher_main")
        .set_argument(database.into_datum())
        .enable_spi_access()
        // SAFETY: reads this process's own id.
        .set_notify_pid(unsafe { pg_sys::MyProcPid })
        .load_dynamic()
        .ok()
}

/// Has the publisher of this session's database look for work that is not in the ring, now or when it begins. After a commit:
/// raises no error.
pub fn call() {
    let woken = shared::lock().and_then(|mut ring| {
        let place = ring.enroll(shared::my_database())?;
        ring.databases.get_mut(usize::from(place))?.called = true;
        ring.wake(place)
    });
    shared::wake(woken);
}

/// Entry point of a publisher; the argument is the database's OID.
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn cache_notify_publisher_main(argument: pg_sys::Datum) {
    install_signal_handlers();
    BackgroundWorker::connect_worker_to_spi_by_oid(Some(Oid::from(argument.value() as u32)), None);
    for (name, value) in SETTINGS {
        // SAFETY: both strings outlive the call, which copies them.
        unsafe {
            pg_sys::SetConfigOption(
                name.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_SUSET,
                pg_sys::GucSource::PGC_S_OVERRIDE,
            );
        }
    }
    // SAFETY: this process's own entry in pg_stat_activity.
    unsafe { pg_sys::pgstat_report_appname(c"cache_notify publisher".as_ptr()) };
    if let Some(place) = enter() {
        Publisher::new(place).run();
        leave();
    }
}

/// Takes the database's place, unless another publisher has it or there is nothing to do for one.
fn enter() -> Option<u16> {
    let mut has_extension = false;
    let looked = toplevel::transaction(|| {
        // SAFETY: reads the catalog in a transaction.
        has_extension = unsafe {
            pg_sys::get_extension_oid(c"cache_notify".as_ptr(), true) != pg_sys::InvalidOid
        };
    });
    if let Err(error) = looked {
        complain(&error);
        return None;
    }
    // SAFETY: the function stays valid as long as the library, which is never unloaded.
    unsafe { pg_sys::before_shmem_exit(Some(at_exit), pg_sys::Datum::from(0)) };
    let mut ring = shared::lock()?;
    let oid = shared::my_database();
    // Databases without the extension get no place of their own.
    let place = if has_extension { ring.enroll(oid) } else { ring.database(oid) }?;
    let database = ring.databases.get_mut(usize::from(place))?;
    if database.publisher.pid != 0 || database.closed_until > shared::now() {
        return None;
    }
    database.publisher = shared::this_process();
    database.sleeping = false;
    database.requested = false;
    PLACE.set(Some(place));
    Some(place)
}

#[pg_guard]
unsafe extern "C-unwind" fn at_exit(_code: std::ffi::c_int, _argument: pg_sys::Datum) {
    leave();
}

/// Gives the database's place up. What is left to do is the next publisher's.
fn leave() {
    let woken = PLACE.take().and_then(|place| {
        let mut ring = shared::lock()?;
        let database = ring.databases.get_mut(usize::from(place))?;
        database.publisher = Default::default();
        database.sleeping = false;
        ring.has_work(place).then(|| ring.wake(place)).flatten()
    });
    shared::wake(woken);
}

/// What a look at the ring found.
enum Look {
    /// Something to send, or to pass over.
    Batch,
    /// Nothing; the next writer wakes us. How long to stay.
    Nothing(Duration),
    /// It is time to go.
    Leave,
}

struct Publisher {
    place: u16,
    batch: Batch,
    notifications: Notifications,
    /// Messages of the last batch.
    sent: u64,
    /// Since when there has been nothing to do; as old as can be where there never was anything.
    idle_since: Option<Instant>,
    complained: Option<Instant>,
    /// Something that is not in the ring is to be done.
    called: bool,
}

impl Publisher {
    fn new(place: u16) -> Publisher {
        Publisher {
            place,
            batch: Batch::default(),
            notifications: Notifications::default(),
            sent: 0,
            idle_since: None,
            complained: None,
            called: false,
        }
    }

    fn run(&mut self) {
        if self.is_new_here() && !self.greet() {
            return;
        }
        let mut is_last_look = true;
        loop {
            // Serves interrupts and a SIGHUP.
            wait(Duration::ZERO);
            let pause = match self.look(is_last_look) {
                Look::Batch if !self.publish() => RETRY,
                Look::Batch if self.batch.has_more => Duration::ZERO,
                Look::Batch if self.sent >= MANY => guc::batch_delay() * LONGER,
                Look::Batch => guc::batch_delay(),
                Look::Nothing(_) if self.called => Duration::ZERO,
                Look::Nothing(stay) => {
                    let since = *self.idle_since.get_or_insert_with(Instant::now);
                    wait(stay.saturating_sub(since.elapsed()).min(LOOK_AROUND));
                    is_last_look = since.elapsed() >= stay;
                    continue;
                }
                Look::Leave => return,
            };
            let pause = if self.answer_call() { pause } else { RETRY };
            wait(pause);
            self.idle_since = None;
            is_last_look = false;
        }
    }

    /// Does what somebody called for. False where that failed: it is still to be done.
    fn answer_call(&mut self) -> bool {
        if !std::mem::take(&mut self.called) {
            return true;
        }
        let Err(error) = durable::publish() else { return true };
        self.failed(&error);
        if let Some(mut ring) = shared::lock()
            && let Some(database) = ring.databases.get_mut(usize::from(self.place))
        {
            database.called = true;
        }
        false
    }

    /// Takes the next batch out of the ring. Whether there is nothing, and that we sleep then, is one look: a writer that
    /// comes after it sees us asleep.
    fn look(&mut self, is_last: bool) -> Look {
        let Some(mut ring) = shared::lock() else { return Look::Leave };
        let place = usize::from(self.place);
        let Some(database) = ring.databases.get_mut(place) else { return Look::Leave };
        database.sleeping = false;
        if !guc::publisher() || database.closed_until > 0 && database.closed_until > shared::now() {
            return Look::Leave;
        }
        self.called = std::mem::take(&mut database.called);
        ring.take(self.place, BATCH, &mut self.batch);
        if !self.batch.is_nothing() {
            return Look::Batch;
        }
        if is_last && !self.called {
            // Under the same lock: whoever writes next asks for a new publisher.
            if let Some(database) = ring.databases.get_mut(place) {
                database.publisher = Default::default();
            }
            PLACE.take();
            return Look::Leave;
        }
        let is_in_demand = ring.head.no_worker_since != 0;
        if let Some(database) = ring.databases.get_mut(place) {
            database.sleeping = !self.called;
        }
        Look::Nothing(if is_in_demand { IDLE_IN_DEMAND } else { IDLE })
    }

    /// Sends the batch. False where that failed: it stays in the ring.
    fn publish(&mut self) -> bool {
        let (mut sent, mut coalesced) = (0, 0);
        if !self.batch.is_empty() {
            let (batch, notifications) = (&self.batch, &mut self.notifications);
            notifications.clear();
            (sent, coalesced) = batch.messages(DROP_EVERYTHING, |channel, payload| {
                notifications.push(channel, payload);
            });
            if let Err(error) = toplevel::transaction(|| self.notifications.send()) {
                self.failed(&error);
                return false;
            }
        }
        self.sent = sent;
        if let Some(mut ring) = shared::lock() {
            ring.confirm(&self.batch);
            if sent > 0
                && let Some(database) = ring.databases.get_mut(usize::from(self.place))
            {
                let counters = &mut database.counters;
                counters.messages += sent;
                counters.coalesced += coalesced;
                counters.batches += 1;
                counters.last_publish = shared::now();
            }
        }
        if self.complained.take().is_some() {
            log!("cache_notify publisher works again");
        }
        true
    }

    fn is_new_here(&self) -> bool {
        shared::lock().is_some_and(|ring| !ring.is_greeted(self.place))
    }

    /// Tells every channel that anybody may listen on to drop everything: an earlier ring, which a restart of the server took
    /// along, may have held messages. False where that failed and we had to go.
    fn greet(&mut self) -> bool {
        loop {
            let told = toplevel::transaction(|| {
                self.notifications.clear();
                for channel in channels().unwrap_or_report() {
                    self.notifications.push(&channel, DROP_EVERYTHING);
                }
                self.notifications.send();
            });
            let error = told.err();
            if let Some(mut ring) = shared::lock()
                && error.is_none()
                && let Some(database) = ring.databases.get_mut(usize::from(self.place))
            {
                database.greeted = true;
                return true;
            }
            if let Some(error) = error {
                self.failed(&error);
            }
            wait(RETRY);
            if !guc::publisher() {
                return false;
            }
        }
    }

    fn failed(&mut self, error: &Caught) {
        if error.sqlstate == QUEUE_FULL {
            make_room();
        }
        if let Some(mut ring) = shared::lock()
            && let Some(database) = ring.databases.get_mut(usize::from(self.place))
        {
            database.counters.errors += 1;
            database.counters.last_error = shared::now();
        }
        if self.complained.is_none_or(|at| at.elapsed() >= COMPLAIN) {
            self.complained = Some(Instant::now());
            complain(error);
        }
    }
}

/// Frees what every listener has read of the notification queue. The server does that when a NOTIFY commits, which none can
/// while the queue is full, and when it is asked how full the queue is.
fn make_room() {
    let asked = toplevel::transaction(|| {
        select("SELECT pg_catalog.pg_notification_queue_usage()", &[], |row| row.get::<f64>(1))
            .map(drop)
            .unwrap_or_report();
    });
    if let Err(error) = asked {
        complain(&error);
    }
}

fn complain(error: &Caught) {
    let Caught { sqlstate, message, .. } = error;
    let text = format!("cache_notify publisher failed, it tries again: {sqlstate} {message}");
    warning!("{text}");
}

/// The channels that deliveries `async` and `durable` may use in this database, as far as the catalog knows them.
///
/// Reads nothing but the server's own catalogs: this process has all rights, and nobody else's code may run in it.
fn channels() -> Result<Vec<Vec<u8>>, pgrx::pg_sys::panic::ErrorReport> {
    let arguments = select(
        "SELECT DISTINCT t.tgargs FROM pg_catalog.pg_trigger t
         JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
         JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
         WHERE n.nspname = 'cache_notify' AND p.proname = 'invalidate_cache'",
        &[],
        |row| row.get::<Vec<u8>>(1),
    )?;
    let mut channels = vec![crate::event::DEFAULT_CHANNEL.to_vec()];
    for arguments in arguments.into_iter().flatten() {
        let parsed = Options::parse_stored(&arguments);
        if let Ok(options) = parsed
            && options.delivery != Delivery::Notify
            && !channels.contains(&options.channel)
        {
            channels.push(options.channel);
        }
    }
    Ok(channels)
}
