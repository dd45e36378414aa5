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
    while let Some(row) = walk.row()? {
        pause();
        rows.put(row)?;
        walk.advance()?;
    }
    Ok(())
}

/// Where a set-returning function leaves its rows, for the executor to read: kept in memory up to work_mem.
struct Rows {
    store: *mut pg_sys::Tuplestorestate,
    columns: pg_sys::TupleDesc,
    /// For the datums of one row.
    scratch: pg_sys::MemoryContext,
    /// The last path, by its version: many rows have the same one.
    path: Option<(u64, pg_sys::Datum)>,
    /// The names of the kinds.
    kinds: [Option<pg_sys::Datum>; KINDS],
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
            let scratch = pg_sys::AllocSetContextCreateInternal(
                before,
                c"rows of json_each".as_ptr(),
                pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
            );
            (*info).returnMode = pg_sys::SetFunctionReturnMode::SFRM_Materialize;
            (*info).setResult = store;
            (*info).setDesc = columns;
            Ok(Self { store, columns, scratch, path: None, kinds: [None; KINDS] })
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
        let version = row.path_version();
        if let Some((_, old)) = self.path.take_if(|(known, _)| *known != version) {
            // SAFETY: made below, and the rows that it was part of have been copied.
            unsafe { pg_sys::pfree(old.cast_mut_ptr()) };
        }
        let (_, path) = *self.path.get_or_insert_with(|| (version, text_datum(row.path())));
        let kind =
            *self.kinds[row.kind() as usize].get_or_insert_with(|| text_datum(row.kind().name()));
        // SAFETY: the context is that of `self`; what is made in it is used up before it is reset.
        let before = unsafe { pg_sys::MemoryContextSwitchTo(self.scratch) };
        set(
            0,
            match key {
                Key::None => None,
                Key::Index(index) => Some(json::with_decimal(index, text_datum)),
                Key::Label(label) => Some(text_datum(&label)),
            },
        );
        let value = value.as_deref().map(text_datum);
        set(1, value);
        set(2, Some(kind));
        set(3, value.filter(|_| !row.kind().is_container()));
        set(4, Some(row.id().into()));
        set(5, row.parent().map(Into::into));
        set(6, Some(row.with_full_key(text_datum)?));
        set(7, Some(path));
        // SAFETY: as many values as columns, of their types; the store copies them.
        unsafe {
            pg_sys::MemoryContextSwitchTo(before);
            pg_sys::tuplestore_putvalues(
                self.store,
                self.columns,
                values.as_mut_ptr(),
                nulls.as_mut_ptr(),
            );
            pg_sys::MemoryContextReset(self.scratch);
        }
        Ok(())
    }
}
