//! `json_each()` and `json_tree()`.

use super::arguments::Arguments;
use super::json::{pause, report};
use crate::server_text::text_datum;
use pb_compat_core::sqlite::json::{self, Document, Key, Kind, Row, Walk};
use pb_compat_core::sqlite::{self, Value};
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// key, value, type, atom, id, parent, fullkey, path
const COLUMNS: usize = 8;

const KINDS: usize = Kind::Object as usize + 1;

/// `json_each("any"[, "any"])`.
#[pg_extern(sql = false)]
fn sqlite_json_each(fcinfo: pg_sys::FunctionCallInfo) -> Result<(), ErrorReport> {
    // SAFETY: the server calls this function, with its own call information.
    unsafe { walk(fcinfo, false) }
}

/// `json_tree("any"[, "any"])`.
#[pg_extern(sql = false)]
fn sqlite_json_tree(fcinfo: pg_sys::FunctionCallInfo) -> Result<(), ErrorReport> {
    // SAFETY: see sqlite_json_each.
    unsafe { walk(fcinfo, true) }
}

/// # Safety
///
/// `fcinfo` is that of the running call of a function that returns a set of rows with the columns above.
unsafe fn walk(fcinfo: pg_sys::FunctionCallInfo, is_tree: bool) -> Result<(), ErrorReport> {
    // SAFETY: as the caller promises.
    let (arguments, mut rows) = unsafe { (Arguments::of(fcinfo), Rows::of(fcinfo)?) };
    let document = arguments.get(0);
    let root = if arguments.len() > 1 { arguments.get(1) } else { Value::Text("$".into()) };
    fill(&mut rows, &document, &root, is_tree).map_err(report)
}

fn fill(
    rows: &mut Rows,
    document: &Value,
    root: &Value,
    is_tree: bool,
) -> Result<(), sqlite::Error> {
    let Some(document) = Document::of_value(document, pause)? else { return Ok(()) };
    let Some(root) = root.to_text() else { return Ok(()) };
    let Some(mut walk) = Walk::new(document.blob(), &root, is_tree)? else { return Ok(()) };
    while let Some(row) = walk.next_row()? {
        pause();
        rows.put(row)?;
    }
    Ok(())
}

/// Where a set-returning function leaves its rows, for the executor to read: kept in memory up to work_mem.
struct Rows {
    store: *mut pg_sys::Tuplestorestate,
    columns: pg_sys::TupleDesc,
    key: Cell,
    value: Cell,
    full_key: Cell,
    /// Many rows have the same.
    path: Cell,
    path_version: Option<u64>,
    /// The names of the kinds, once there was one of them.
    kinds: [Option<Cell>; KINDS],
}

impl Rows {
    /// # Safety
    ///
    /// `fcinfo` is that of the running call.
    unsafe fn of(fcinfo: pg_sys::FunctionCallInfo) -> Result<Self, ErrorReport> {
        // SAFETY: `resultinfo`, where it is a ReturnSetInfo, belongs to the call. What must outlive the call is made in
        // the query's memory.
        unsafe {
            let info: *mut pg_sys::ReturnSetInfo = (*fcinfo).resultinfo.cast();
            let allows_set = !info.is_null()
                && (*info).type_ == pg_sys::NodeTag::T_ReturnSetInfo
                && (*info).allowedModes as u32 & pg_sys::SetFunctionReturnMode::SFRM_Materialize
                    != 0;
            if !allows_set {
                return Err(ErrorReport::new(
                    PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                    "set-valued function called in context that cannot accept a set",
                    function_name!(),
                ));
            }
            // What the executor expects is what the function is declared to return, already looked up.
            let columns = (*info).expectedDesc;
            if columns.is_null() || (*columns).natts as usize != COLUMNS {
                return Err(ErrorReport::new(
                    PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
                    "function is not declared to return rows of eight columns",
                    function_name!(),
                ));
            }
            let query = (*(*info).econtext).ecxt_per_query_memory;
            let before = pg_sys::MemoryContextSwitchTo(query);
            let is_random = (*info).allowedModes as u32
                & pg_sys::SetFunctionReturnMode::SFRM_Materialize_Random
                != 0;
            let store = pg_sys::tuplestore_begin_heap(is_random, false, pg_sys::work_mem);
            let columns = pg_sys::CreateTupleDescCopy(columns);
            pg_sys::MemoryContextSwitchTo(before);
            (*info).returnMode = pg_sys::SetFunctionReturnMode::SFRM_Materialize;
            (*info).setResult = store;
            (*info).setDesc = columns;
            Ok(Self {
                store,
                columns,
                key: Cell::of(""),
                value: Cell::of(""),
                full_key: Cell::of(""),
                path: Cell::of(""),
                path_version: None,
                kinds: [const { None }; KINDS],
            })
        }
    }

    fn put(&mut self, mut row: Row) -> Result<(), sqlite::Error> {
        let mut values = [pg_sys::Datum::null(); COLUMNS];
        let mut nulls = [true; COLUMNS];
        let mut set = |column: usize, datum: Option<pg_sys::Datum>| {
            if let Some(datum) = datum {
                values[column] = datum;
                nulls[column] = false;
            }
        };
        let key = row.key()?;
        let value = row.value()?;
        let kind = row.kind();
        let version = row.path_version();
        if self.path_version != Some(version) {
            self.path_version = Some(version);
            self.path.set(row.path());
        }
        self.kinds[kind as usize].get_or_insert_with(|| Cell::of(kind.name()));
        match key {
            Key::None => {}
            Key::Index(index) => {
                json::with_decimal("", index, "", |digits| self.key.set(digits));
                set(0, Some(self.key.datum()));
            }
            Key::Label(label) => {
                self.key.set(&label);
                set(0, Some(self.key.datum()));
            }
        }
        let value = value.map(|value| {
            self.value.set(&value);
            self.value.datum()
        });
        set(1, value);
        set(2, self.kinds[kind as usize].as_ref().map(Cell::datum));
        set(3, value.filter(|_| !kind.is_container()));
        set(4, Some(row.id().into()));
        set(5, row.parent().map(Into::into));
        row.with_full_key(|full_key| self.full_key.set(full_key));
        set(6, Some(self.full_key.datum()));
        set(7, Some(self.path.datum()));
        // SAFETY: as many values as columns, of their types; the store copies them.
        unsafe {
            pg_sys::tuplestore_putvalues(
                self.store,
                self.columns,
                values.as_mut_ptr(),
                nulls.as_mut_ptr(),
            );
        }
        Ok(())
    }
}

/// A text datum that is made anew for each row. A call into the server has its price, and a short text, whose header is one
/// byte and needs no alignment, can do without.
struct Cell {
    short: [u8; Cell::SIZE],
    /// Where the server made the datum, because it is long or has to be converted.
    long: Option<pg_sys::Datum>,
}

impl Cell {
    /// The longest datum with a short header.
    const SIZE: usize = 0x7f;

    fn of(text: &str) -> Self {
        let mut cell = Self { short: [0; Self::SIZE], long: None };
        cell.set(text);
        cell
    }

    fn set(&mut self, text: &str) {
        if let Some(long) = self.long.take() {
            // SAFETY: made below, and the row that it was part of has been copied.
            unsafe { pg_sys::pfree(long.cast_mut_ptr()) };
        }
        let size = text.len() + 1;
        if size > Self::SIZE || !needs_no_conversion(text) {
            self.long = Some(text_datum(text));
            return;
        }
        self.short[1..size].copy_from_slice(text.as_bytes());
        // SAFETY: the header is the first byte, and the size, with the header, is what fits.
        unsafe { pgrx::set_varsize_short(self.short.as_mut_ptr().cast(), size as i32) };
    }

    /// Holds until the next text is set.
    fn datum(&self) -> pg_sys::Datum {
        self.long.unwrap_or_else(|| self.short.as_ptr().into())
    }
}

/// Whether a text is the same in the database's encoding, of which ASCII is a part. The server itself refuses a zero byte.
fn needs_no_conversion(text: &str) -> bool {
    text.is_ascii() && !text.as_bytes().contains(&0)
}
