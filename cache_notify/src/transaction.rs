//! From a trigger to the transaction's end: keeps the pending keys and sends them at commit.

use crate::error::Error;
use crate::options::Delivery;
use crate::payload::Payload;
use crate::pending::Pending;
use crate::{durable, guc, outbox};
use pg_ext_core::SqlError;
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
    /// They went into a transaction that is being prepared.
    prepared: bool,
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

/// So many NOTIFYs between two looks whether the transaction is to be cancelled.
const BATCH: usize = 1024;

/// Messages of one batch, as NOTIFY takes them.
#[derive(Default)]
pub struct Notifications {
    text: Vec<u8>,
    /// Where channel and payload begin in `text`.
    starts: Vec<(usize, usize)>,
}

impl Notifications {
    pub fn clear(&mut self) {
        self.text.clear();
        self.starts.clear();
    }

    pub fn push(&mut self, channel: &[u8], payload: &[u8]) {
        let start = self.text.len();
        self.text.extend_from_slice(channel);
        self.text.push(0);
        self.starts.push((start, self.text.len()));
        self.text.extend_from_slice(payload);
        self.text.push(0);
    }

    /// The same for messages of a transaction's own.
    fn notify(&mut self) {
        if !self.starts.is_empty() {
            self.send();
            outbox::count_notified(self.starts.len());
            self.clear();
        }
    }

    /// NOTIFY for each, in the present transaction.
    pub fn send(&self) {
        // SAFETY: as in `notify`; nothing in the closure needs dropping, should an error jump out of it.
        unsafe {
            pg_sys::ffi::pg_guard_ffi_boundary(|| {
                for (channel, payload) in &self.starts {
                    let text = self.text.as_ptr().cast::<c_char>();
                    Async_Notify(text.add(*channel), text.add(*payload));
                }
            });
        }
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
    // (22023, 54000) into the unwinding that Rust frames need.
    unsafe {
        pg_sys::ffi::pg_guard_ffi_boundary(|| Async_Notify(channel.as_ptr(), payload.as_ptr()));
    }
    outbox::count_notified(1);
}

/// Hands everything over to the deliveries: to NOTIFY, which sends it when the transaction commits, to the outbox, which
/// goes into shared memory then, and to the write-ahead log.
fn send() {
    let (pending, is_prepared) = STATE.with_borrow_mut(|state| {
        state.sent = true;
        (std::mem::take(&mut state.pending), state.prepared)
    });
    if pending.is_empty() {
        return;
    }
    let mut messages = 0_u32;
    let mut notifications = Notifications::default();
    pending.messages(guc::node_id, |target, payload| {
        match target.delivery {
            Delivery::Notify => {
                notifications.push(&target.channel, payload);
                if notifications.starts.len() >= BATCH {
                    notifications.notify();
                }
            }
            Delivery::Async => outbox::add(&target.channel, payload),
            Delivery::Durable => {
                let is_json = target.payload == Payload::Json;
                durable::add(&target.channel, payload, is_json, is_prepared);
            }
        }
        messages += 1;
        if messages.is_multiple_of(1024) {
            pgrx::check_for_interrupts!();
        }
    });
    notifications.notify();
    durable::write(is_prepared);
}

/// At PRE_COMMIT deferred triggers have fired and PreCommit_Notify is still to come (xact.c, CommitTransaction).
/// At PRE_PREPARE the notification makes the server refuse PREPARE TRANSACTION, as it does after any NOTIFY. What waits for
/// shared memory is refused as well: whoever commits the prepared transaction is another session, and knows nothing of it.
#[pg_guard]
unsafe extern "C-unwind" fn at_transaction_end(event: pg_sys::XactEvent::Type, _arg: *mut c_void) {
    match event {
        pg_sys::XactEvent::XACT_EVENT_PRE_COMMIT | pg_sys::XactEvent::XACT_EVENT_PRE_PREPARE => {
            let is_prepared = event == pg_sys::XactEvent::XACT_EVENT_PRE_PREPARE;
            STATE.with_borrow_mut(|state| state.prepared = is_prepared);
            send();
            if is_prepared && !outbox::is_empty() {
                Error::Prepare.report().report(PgLogLevel::ERROR);
            }
        }
        pg_sys::XactEvent::XACT_EVENT_COMMIT
        | pg_sys::XactEvent::XACT_EVENT_ABORT
        | pg_sys::XactEvent::XACT_EVENT_PREPARE => {
            STATE.with_borrow_mut(|state| {
                state.sent = false;
                state.prepared = false;
                if !state.pending.is_empty() {
                    state.pending = Pending::default();
                }
            });
            outbox::end(event == pg_sys::XactEvent::XACT_EVENT_COMMIT);
            durable::end();
        }
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

/// For tests, whose transactions never commit: takes out what the present one would send by now, without the channels.
#[cfg(feature = "pg_test")]
pub fn take_messages() -> Vec<String> {
    let pending = with_pending(std::mem::take);
    let mut messages = Vec::new();
    pending.messages(guc::node_id, |_, payload| {
        messages.push(String::from_utf8_lossy(payload).into_owned());
    });
    messages
}

#[cfg(feature = "pg_test")]
#[pgrx::pg_schema]
mod tests {
    use super::take_messages;
    use pgrx::prelude::*;

    fn run(sql: &str) -> Vec<String> {
        Spi::run(sql).unwrap();
        take_messages()
    }

    fn setup() {
        // Temporary: tests run side by side, and would wait for each other over a name.
        run("CREATE TEMP TABLE orders (id int PRIMARY KEY, note text);
             SELECT cache_notify.attach('orders', max_keys => 3)");
    }

    #[pg_test]
    fn a_transaction_sends_each_key_once_in_order() {
        setup();
        assert_eq!(
            run("INSERT INTO orders VALUES (2), (1);
                 UPDATE orders SET note = 'x';
                 DELETE FROM orders WHERE id = 2;
                 INSERT INTO orders VALUES (3)"),
            ["orders:2", "orders:1", "orders:3"]
        );
    }

    #[pg_test]
    fn a_caught_error_takes_back_what_its_block_wrote() {
        setup();
        assert_eq!(
            run("DO $$ BEGIN
                     INSERT INTO orders VALUES (1);
                     BEGIN
                         INSERT INTO orders VALUES (2);
                         INSERT INTO orders VALUES (1);
                     EXCEPTION WHEN unique_violation THEN
                         INSERT INTO orders VALUES (3);
                     END;
                 END $$"),
            ["orders:1", "orders:3"]
        );
    }

    #[pg_test]
    fn a_block_without_error_belongs_to_the_block_around_it() {
        setup();
        assert_eq!(
            run("DO $$ BEGIN
                     BEGIN
                         BEGIN INSERT INTO orders VALUES (1); EXCEPTION WHEN others THEN END;
                         RAISE EXCEPTION 'back';
                     EXCEPTION WHEN raise_exception THEN END;
                     BEGIN
                         BEGIN INSERT INTO orders VALUES (2); EXCEPTION WHEN others THEN END;
                     EXCEPTION WHEN others THEN END;
                 END $$"),
            ["orders:2"]
        );
    }

    #[pg_test]
    fn a_key_written_before_a_block_survives_its_rollback() {
        setup();
        assert_eq!(
            run("DO $$ BEGIN
                     INSERT INTO orders VALUES (1);
                     BEGIN
                         UPDATE orders SET note = 'x' WHERE id = 1;
                         RAISE EXCEPTION 'back';
                     EXCEPTION WHEN raise_exception THEN END;
                 END $$"),
            ["orders:1"]
        );
    }

    #[pg_test]
    fn a_star_goes_with_the_block_that_caused_it() {
        setup();
        let block = |end: &str| {
            run(&format!(
                "DO $$ BEGIN
                     INSERT INTO orders VALUES (1);
                     BEGIN
                         INSERT INTO orders SELECT generate_series(2, 9);
                         {end}
                     EXCEPTION WHEN raise_exception THEN END;
                 END $$; DELETE FROM orders"
            ))
        };
        // The DELETE itself touches the one row that is left, a key that is known.
        assert_eq!(block("RAISE EXCEPTION 'back';"), ["orders:1"]);
        assert_eq!(block(""), ["orders:*"]);
    }

    #[pg_test]
    fn a_truncate_that_is_taken_back_sends_nothing() {
        setup();
        assert_eq!(
            run(
                "DO $$ BEGIN TRUNCATE orders; RAISE EXCEPTION 'back'; EXCEPTION WHEN raise_exception THEN END $$"
            ),
            [""; 0]
        );
    }

    #[pg_test]
    fn an_error_in_the_trigger_leaves_the_transaction_usable() {
        setup();
        run("SELECT cache_notify.attach('orders', key_columns => '{note}');
             ALTER TABLE orders RENAME COLUMN note TO remark");
        for _ in 0..100 {
            assert_eq!(
                run(
                    "DO $$ BEGIN INSERT INTO orders VALUES (1); RAISE EXCEPTION 'unreachable'; EXCEPTION WHEN undefined_column THEN END $$"
                ),
                [""; 0]
            );
        }
        run("SELECT cache_notify.attach('orders')");
        assert_eq!(run("INSERT INTO orders VALUES (1)"), ["orders:1"]);
    }
}
