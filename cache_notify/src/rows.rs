//! Rows as a trigger gets them, and the keys in them.
//!
//! Transition tables are read from their tuplestore, past SPI: no plan, no snapshot, and only the leading columns that a key
//! needs are taken apart.
//!
//! What the tables cost is the server's copying of both versions of each row, about a fifth of an UPDATE of narrow rows, and
//! reading them to the end or stopping at `max_keys` hardly shows beside it. What was tried instead:
//!
//! - the new rows alone, and a row-level trigger WHEN the key changes: the condition is set up anew for each statement, which
//!   costs a single-row UPDATE more than the old rows do. `UPDATE OF key` is no way out: it looks at the statement and
//!   misses keys that a BEFORE trigger changes;
//! - a WHEN condition that itself takes the key and is never true: half the cost for many rows, but it ties the trigger to
//!   its columns. Their types could not be altered, a new primary key would not be followed, and whoever writes would need
//!   EXECUTE on it;
//! - a trigger for each row: cheaper for wide rows and for one row, dearer for many narrow ones. It is there by hand.

use crate::payload::{Op, push_integer, push_key_part};
use crate::pending::Slot;
use crate::plan::{Column, Piece, Plan, Render};
use crate::transaction::with_pending;
use pg_ext_core::identity::{Settings, set};
use pgrx::pg_sys;
use std::ffi::{CStr, c_int};
use std::ptr::null_mut;

// utils/datum.h, the same in every supported version; pgrx has no binding for it.
unsafe extern "C-unwind" {
    fn datum_image_eq(
        one: pg_sys::Datum,
        two: pg_sys::Datum,
        by_value: bool,
        length: c_int,
    ) -> bool;
}

// utils/tuplestore.h, executor/tuptable.h and access/xact.h. pgrx has bindings, each with a sigsetjmp of its own; a row is
// read by several of these calls, so here they are bare, and the callers guard them together. Two raise no error at all.
unsafe extern "C-unwind" {
    fn GetCurrentTransactionNestLevel() -> c_int;
    fn tuplestore_tuple_count(store: *mut pg_sys::Tuplestorestate) -> i64;
    fn tuplestore_alloc_read_pointer(store: *mut pg_sys::Tuplestorestate, flags: c_int) -> c_int;
    fn tuplestore_select_read_pointer(store: *mut pg_sys::Tuplestorestate, pointer: c_int);
    fn tuplestore_rescan(store: *mut pg_sys::Tuplestorestate);
    fn tuplestore_gettupleslot(
        store: *mut pg_sys::Tuplestorestate,
        forward: bool,
        copy: bool,
        slot: *mut pg_sys::TupleTableSlot,
    ) -> bool;
    fn MakeSingleTupleTableSlot(
        rows: pg_sys::TupleDesc,
        operations: *const pg_sys::TupleTableSlotOps,
    ) -> *mut pg_sys::TupleTableSlot;
    fn ExecDropSingleTupleTableSlot(slot: *mut pg_sys::TupleTableSlot);
    fn slot_getsomeattrs_int(slot: *mut pg_sys::TupleTableSlot, attributes: c_int);
}

/// EXEC_FLAG_REWIND of executor/executor.h: the read pointer may be set back to the first row.
const EXEC_FLAG_REWIND: c_int = pg_sys::EXEC_FLAG_REWIND as c_int;
/// How often a long loop looks whether it is to be cancelled.
const ROWS_PER_CHECK: u32 = 1024;

/// A row in a slot of the server.
#[derive(Clone, Copy)]
pub struct Row(*mut pg_sys::TupleTableSlot);

impl Row {
    /// # Safety
    /// `slot` must hold a row of the plan's relation and must not change while the `Row` is used.
    pub unsafe fn new(slot: *mut pg_sys::TupleTableSlot, plan: &Plan) -> Row {
        // SAFETY: as the caller promises; this is slot_getsomeattrs of tuptable.h.
        unsafe {
            if usize::try_from((*slot).tts_nvalid).unwrap_or(0) < plan.attributes {
                pg_sys::slot_getsomeattrs_int(slot, plan.attributes as c_int);
            }
        }
        Row(slot)
    }

    fn value(self, column: &Column) -> Option<pg_sys::Datum> {
        // SAFETY: Row::new has read the attributes of every column in the plan.
        unsafe {
            if *(*self.0).tts_isnull.add(column.index) {
                None
            } else {
                Some(*(*self.0).tts_values.add(column.index))
            }
        }
    }

    /// Whether all `columns` hold the same in both rows, as stored (datum_image_eq: decompressed, bytes compared). Values
    /// that are equal but do not look alike, such as 1.0 and 1.00, differ: so do the texts that a cache holds.
    fn same(self, other: Row, columns: &[Column]) -> bool {
        columns.iter().all(|column| match (self.value(column), other.value(column)) {
            (None, None) => true,
            (Some(one), Some(two)) if column.by_value => one == two,
            // SAFETY: both are values of the column's type; the guard lets an error of decompression through.
            (Some(one), Some(two)) => unsafe {
                pg_sys::ffi::pg_guard_ffi_boundary(|| {
                    datum_image_eq(one, two, column.by_value, c_int::from(column.length))
                })
            },
            _ => false,
        })
    }
}

/// Turns rows into keys and hands them to the transaction.
pub struct Recorder<'a> {
    plan: &'a Plan,
    slot: Slot,
    level: i32,
    key: Vec<u8>,
    output: Output,
    _settings: Option<Settings>,
}

/// The output functions that were needed, looked up once a call.
#[derive(Default)]
struct Output {
    functions: Vec<pg_sys::FmgrInfo>,
    /// What they allocate goes here. Made when first needed, gone with the memory of the trigger call.
    scratch: Option<pg_sys::MemoryContext>,
}

impl Output {
    fn append(&mut self, out: &mut Vec<u8>, function: pg_sys::Oid, value: pg_sys::Datum) {
        // SAFETY: the function is the output function of the value's type and returns a string, which is copied before its
        // context is reset; what fmgr_info allocates lives in the context of the trigger call, as long as we do.
        unsafe {
            let scratch = *self.scratch.get_or_insert_with(|| {
                pg_sys::AllocSetContextCreateInternal(
                    pg_sys::CurrentMemoryContext,
                    c"cache_notify output".as_ptr(),
                    pg_sys::ALLOCSET_SMALL_MINSIZE as usize,
                    pg_sys::ALLOCSET_SMALL_INITSIZE as usize,
                    pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
                )
            });
            let i = match self.functions.iter().position(|known| known.fn_oid == function) {
                Some(i) => i,
                None => {
                    let mut info = pg_sys::FmgrInfo::default();
                    pg_sys::fmgr_info(function, &mut info);
                    self.functions.push(info);
                    self.functions.len() - 1
                }
            };
            let outer = pg_sys::MemoryContextSwitchTo(scratch);
            let text = pg_sys::OutputFunctionCall(&mut self.functions[i], value);
            out.extend_from_slice(CStr::from_ptr(text).to_bytes());
            pg_sys::MemoryContextSwitchTo(outer);
            pg_sys::MemoryContextReset(scratch);
        }
    }
}

impl<'a> Recorder<'a> {
    pub fn new(plan: &'a Plan) -> Recorder<'a> {
        // SAFETY: reads a counter.
        let level = unsafe { GetCurrentTransactionNestLevel() };
        let slot = with_pending(|pending| pending.slot(&plan.target, level));
        let settings = plan.needs_fixed_settings.then(fixed_settings);
        Recorder {
            plan,
            slot,
            level,
            // Most keys fit: no second allocation.
            key: Vec::with_capacity(64),
            output: Output::default(),
            _settings: settings,
        }
    }

    /// So many rows are to come.
    fn expect(&self, rows: i64) {
        let keys = usize::try_from(rows).unwrap_or(0).saturating_mul(self.plan.keys.len());
        if keys > 1 {
            with_pending(|pending| pending.expect(self.slot, keys, self.plan.max_keys));
        }
    }

    /// Whether further rows make no difference.
    pub fn is_done(&self, op: Op) -> bool {
        with_pending(|pending| pending.is_settled(self.slot, op))
    }

    /// Every row is gone: TRUNCATE.
    pub fn all(&self, op: Op) {
        with_pending(|pending| pending.add_all(self.slot, self.level, op));
    }

    /// The keys of one row.
    pub fn row(&mut self, op: Op, row: Row) {
        for pieces in &self.plan.keys {
            let mut key = std::mem::take(&mut self.key);
            key.clear();
            for piece in pieces {
                match piece {
                    Piece::Text(text) => key.extend_from_slice(text),
                    Piece::Column(column) => self.value(&mut key, row, column),
                    Piece::Composite(columns) => {
                        let mut part = Vec::new();
                        for (i, column) in columns.iter().enumerate() {
                            if i > 0 {
                                key.push(b',');
                            }
                            part.clear();
                            self.value(&mut part, row, column);
                            push_key_part(&mut key, &part);
                        }
                    }
                }
            }
            with_pending(|pending| {
                pending.add(self.slot, self.level, op, &key, self.plan.max_keys);
            });
            self.key = key;
        }
    }

    /// The keys of an updated row: those it had and those it has. A changed key counts even where `only_columns` does not
    /// name it: what a cache holds under the old key is gone.
    pub fn pair(&mut self, old: Row, new: Row) {
        if !old.same(new, &self.plan.key_columns) {
            self.row(Op::Update, old);
        } else if self.plan.only.as_ref().is_some_and(|only| old.same(new, only)) {
            return;
        }
        self.row(Op::Update, new);
    }

    /// The text of a column; of NULL, nothing.
    fn value(&mut self, out: &mut Vec<u8>, row: Row, column: &Column) {
        let Some(datum) = row.value(column) else { return };
        match column.render {
            Render::Int2 => push_integer(out, (datum.value() as i16).into()),
            Render::Int4 => push_integer(out, (datum.value() as i32).into()),
            Render::Int8 => push_integer(out, datum.value() as i64),
            Render::Text => {
                // SAFETY: a varlena of a text type; a detoasted copy is freed after its bytes have been copied.
                unsafe {
                    let stored = datum.cast_mut_ptr::<pg_sys::varlena>();
                    let plain = pg_sys::pg_detoast_datum_packed(stored);
                    out.extend_from_slice(pgrx::varlena_to_byte_slice(plain));
                    if plain != stored {
                        pg_sys::pfree(plain.cast());
                    }
                }
            }
            Render::Output { function, .. } => self.output.append(out, function, datum),
        }
    }

    /// The rows of a transition table.
    ///
    /// # Safety
    /// `table` must be a transition table of the present trigger call and `rows` the row type of the plan's relation.
    pub unsafe fn table(
        &mut self,
        op: Op,
        table: *mut pg_sys::Tuplestorestate,
        rows: pg_sys::TupleDesc,
    ) {
        // SAFETY: as the caller promises.
        let mut reader = unsafe {
            self.expect(count(table));
            Reader::new([table], rows)
        };
        while !self.is_done(op)
            && let Some([row]) = reader.next(self.plan)
        {
            self.row(op, row);
        }
    }

    /// Both transition tables of an UPDATE.
    ///
    /// The server writes a row's old and new version one after the other, also where the row moves to another partition, so
    /// the tables run in step, unless a BEFORE trigger of the new partition drops the row it should take in: then the
    /// tables differ in length and every row of both counts as changed.
    ///
    /// # Safety
    /// As for [`Recorder::table`].
    pub unsafe fn tables(
        &mut self,
        old: *mut pg_sys::Tuplestorestate,
        new: *mut pg_sys::Tuplestorestate,
        rows: pg_sys::TupleDesc,
    ) {
        // SAFETY: as the caller promises.
        unsafe {
            if count(old) != count(new) {
                self.table(Op::Update, old, rows);
                self.table(Op::Update, new, rows);
                return;
            }
            self.expect(count(new));
            let mut reader = Reader::new([old, new], rows);
            while !self.is_done(Op::Update)
                && let Some([before, after]) = reader.next(self.plan)
            {
                self.pair(before, after);
            }
        }
    }
}

/// How many rows a transition table has.
///
/// # Safety
/// `table` must be a transition table of the present trigger call.
pub unsafe fn count(table: *mut pg_sys::Tuplestorestate) -> i64 {
    // SAFETY: reads a counter.
    unsafe { tuplestore_tuple_count(table) }
}

/// A cursor over transition tables that are read in step, with a read pointer and a slot of its own for each.
struct Reader<const N: usize> {
    stores: [*mut pg_sys::Tuplestorestate; N],
    slots: [*mut pg_sys::TupleTableSlot; N],
    rows: u32,
}

impl<const N: usize> Reader<N> {
    /// # Safety
    /// `stores` must be different transition tables of the present trigger call and `rows` the row type of its relation.
    unsafe fn new(stores: [*mut pg_sys::Tuplestorestate; N], rows: pg_sys::TupleDesc) -> Reader<N> {
        let mut slots = [null_mut(); N];
        // SAFETY: as the caller promises; other triggers of the statement have pointers of their own. Nothing in the closure
        // needs dropping, should an error jump out of it.
        unsafe {
            pg_sys::ffi::pg_guard_ffi_boundary(|| {
                for (store, slot) in stores.into_iter().zip(&mut slots) {
                    let pointer = tuplestore_alloc_read_pointer(store, EXEC_FLAG_REWIND);
                    tuplestore_select_read_pointer(store, pointer);
                    tuplestore_rescan(store);
                    *slot = MakeSingleTupleTableSlot(rows, &raw const pg_sys::TTSOpsMinimalTuple);
                }
            });
        }
        Reader { stores, slots, rows: 0 }
    }

    /// The next row of each, as long as all have one.
    fn next(&mut self, plan: &Plan) -> Option<[Row; N]> {
        self.rows += 1;
        if self.rows.is_multiple_of(ROWS_PER_CHECK) {
            pgrx::check_for_interrupts!();
        }
        let (stores, slots, attributes) = (self.stores, self.slots, plan.attributes as c_int);
        // SAFETY: stores and slots are those of `new`; a row is good until the next call, which ends its use. Nothing in the
        // closure needs dropping, should an error jump out of it.
        let found = unsafe {
            pg_sys::ffi::pg_guard_ffi_boundary(|| {
                for (store, slot) in stores.into_iter().zip(slots) {
                    if !tuplestore_gettupleslot(store, true, false, slot) {
                        return false;
                    }
                    if attributes > 0 {
                        slot_getsomeattrs_int(slot, attributes);
                    }
                }
                true
            })
        };
        found.then(|| slots.map(Row))
    }
}

impl<const N: usize> Drop for Reader<N> {
    fn drop(&mut self) {
        // After an error the transaction's abort releases the slots' hold on the row type.
        if !std::thread::panicking() {
            let slots = self.slots;
            // SAFETY: the slots were made in `new` and are not used any more. Nothing in the closure needs dropping.
            unsafe {
                pg_sys::ffi::pg_guard_ffi_boundary(|| {
                    for slot in slots {
                        ExecDropSingleTupleTableSlot(slot);
                    }
                });
            }
        }
    }
}

/// Settings that decide how dates, floats and bytea look, fixed as long as the result lives: the key of a row must not
/// depend on who writes it. The way of postgres_fdw (set_transmission_modes).
fn fixed_settings() -> Settings {
    let settings = Settings::nest();
    for (name, value) in [
        ("datestyle", "ISO, YMD"),
        ("intervalstyle", "postgres"),
        ("timezone", "UTC"),
        ("extra_float_digits", "1"),
        ("bytea_output", "hex"),
    ] {
        set(name, value);
    }
    settings
}
