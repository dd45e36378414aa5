//! `shard_router.insert_many`: many rows in one INSERT, from a JSON array or from a cursor.
//!
//! The statement names the table, and the server routes the rows: each shard is opened once and takes its rows in one go
//! (a foreign one in its server's batches), triggers and row security are the table's, and an error undoes it all. As in
//! [`crate::entry`], a call has two parts: ordinary Rust that prepares, and plain frames that run statements, so that their
//! errors reach the client whole.

use crate::entry::{check, entry_point, unguarded};
use crate::error::Error;
use crate::route;
use crate::session::{quote, with_catalogs};
use crate::shard::Table;
use pg_ext_core::spi;
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::pg_sys::submodules::panic::pgrx_extern_c_guard;
use pgrx::prelude::*;
use std::ffi::{CStr, CString, c_char, c_long};
use std::rc::Rc;

entry_point!(pg_finfo_insert_many_json);
entry_point!(pg_finfo_insert_many_cursor);

/// The name that the rows of a cursor have in the statement.
const ROWS: &CStr = c"shard_router rows";

/// As many rows are fetched from a cursor at once.
const BATCH: c_long = 1000;

/// An INSERT and its parameters; plain data in the call's memory context.
#[derive(Clone, Copy)]
struct Statement {
    sql: *const c_char,
    parameters: pg_sys::ParamListInfo,
}

/// The statements of a call; plain data.
#[derive(Clone, Copy)]
struct JsonCall {
    statements: *const Statement,
    count: usize,
}

/// A cursor and the statement that takes its rows; plain data.
#[derive(Clone, Copy)]
struct CursorCall {
    portal: pg_sys::Portal,
    sql: *const c_char,
    max_kilobytes: i32,
}

/// `insert_many(tbl regclass, rows jsonb)`
///
/// # Safety
/// Called by the server only.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn insert_many_json(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: the outermost Rust frame of a call by the server, with nothing to drop.
    let call = unsafe { pgrx_extern_c_guard(|| json_call(fcinfo).unwrap_or_report()) };
    // SAFETY: only plain data is alive from here on; SPI is connected and finished in pairs, unless an error ends the
    // transaction, which cleans up after it. The statements live in the call's memory context, outside of SPI's.
    unsafe {
        let mut inserted = 0;
        unguarded::SPI_connect();
        for at in 0..call.count {
            let statement = *call.statements.add(at);
            let mut options: pg_sys::SPIExecuteOptions = std::mem::zeroed();
            options.params = statement.parameters;
            check(unguarded::SPI_execute_extended(statement.sql, &options));
            inserted += pg_sys::SPI_processed;
        }
        unguarded::SPI_finish();
        pg_sys::Datum::from(inserted.cast_signed())
    }
}

/// `insert_many(tbl regclass, rows refcursor)`
///
/// # Safety
/// Called by the server only.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn insert_many_cursor(
    fcinfo: pg_sys::FunctionCallInfo,
) -> pg_sys::Datum {
    // SAFETY: the outermost Rust frame of a call by the server, with nothing to drop.
    let call = unsafe { pgrx_extern_c_guard(|| cursor_call(fcinfo).unwrap_or_report()) };
    // SAFETY: only plain data is alive from here on. The rows are copied into a tuplestore, which spills to disk, and with
    // a copy of their descriptor they stay valid whatever becomes of the cursor. The store lives in SPI's memory context and
    // is ended before that goes.
    unsafe {
        unguarded::SPI_connect();
        let desc = unguarded::CreateTupleDescCopy((*call.portal).tupDesc);
        let store = unguarded::tuplestore_begin_heap(false, false, call.max_kilobytes);
        let mut rows = 0;
        loop {
            unguarded::SPI_cursor_fetch(call.portal, true, BATCH);
            let fetched = pg_sys::SPI_processed as usize;
            if fetched == 0 {
                break;
            }
            let table = pg_sys::SPI_tuptable;
            for at in 0..fetched {
                unguarded::tuplestore_puttuple(store, *(*table).vals.add(at));
            }
            unguarded::SPI_freetuptable(table);
            rows += fetched;
        }
        let mut relation: pg_sys::EphemeralNamedRelationData = std::mem::zeroed();
        relation.md.name = ROWS.as_ptr().cast_mut();
        relation.md.tupdesc = desc;
        relation.md.enrtype = pg_sys::EphemeralNameRelationType::ENR_NAMED_TUPLESTORE;
        relation.md.enrtuples = rows as f64;
        relation.reldata = store.cast();
        check(unguarded::SPI_register_relation(&raw mut relation));
        let options: pg_sys::SPIExecuteOptions = std::mem::zeroed();
        check(unguarded::SPI_execute_extended(call.sql, &options));
        let inserted = pg_sys::SPI_processed;
        unguarded::tuplestore_end(store);
        unguarded::SPI_finish();
        pg_sys::Datum::from(inserted.cast_signed())
    }
}

/// The table of a call and its second argument.
///
/// # Safety
/// `fcinfo` must be the call's own, of a function with two arguments, the first of them a regclass.
unsafe fn target(
    fcinfo: pg_sys::FunctionCallInfo,
) -> Result<(Rc<Table>, pg_sys::Datum), ErrorReport> {
    // SAFETY: as the caller promises.
    let arguments = unsafe { (*fcinfo).args.as_slice(2) };
    for (argument, name) in arguments.iter().zip(["tbl", "rows"]) {
        if argument.isnull {
            return Err(Error::NullArgument { argument: name }.into());
        }
    }
    // SAFETY: not null, and an OID.
    let oid =
        unsafe { pg_sys::Oid::from_datum(arguments[0].value, false) }.unwrap_or(pg_sys::InvalidOid);
    // SAFETY: the name is NUL-terminated.
    unsafe { pg_sys::PreventCommandDuringRecovery(c"INSERT".as_ptr()) };
    // Only a sharded table is locked, and behind the lock its columns are those that the statement will find.
    route::table(oid)?;
    // SAFETY: takes a lock until the transaction ends, as an INSERT does.
    unsafe { pg_sys::LockRelationOid(oid, pg_sys::RowExclusiveLock as pg_sys::LOCKMODE) };
    Ok((route::table(oid)?, arguments[1].value))
}

/// Refuses columns that the table does not have, and a list that lacks the key: a row without it has no shard.
fn check_columns(table: &Table, columns: &[String]) -> Result<(), Error> {
    if let Some(stranger) =
        columns.iter().find(|name| !table.columns.iter().any(|column| column.name == **name))
    {
        return Err(Error::NoSuchColumn { column: stranger.clone(), table: table.name.clone() });
    }
    if table.key_names().any(|key| !columns.iter().any(|name| name == key)) {
        return Err(Error::NullKey);
    }
    Ok(())
}

/// First part of an insert from JSON.
///
/// # Safety
/// As for [`target`]; the second argument is a jsonb.
unsafe fn json_call(fcinfo: pg_sys::FunctionCallInfo) -> Result<JsonCall, ErrorReport> {
    // SAFETY: as the caller promises.
    let (table, rows) = unsafe { target(fcinfo)? };
    // SAFETY: a datum of that type, which outlives the call.
    let json = || unsafe { DatumWithOid::new(rows, pg_sys::JSONBOID) };
    let sets = with_catalogs(|| -> Result<_, ErrorReport> {
        let kind =
            spi::select_first("SELECT jsonb_typeof($1)", &[json()], |row| row.get::<String>(1))?;
        if kind.flatten().as_deref() != Some("array") {
            return Err(Error::NotObjects.into());
        }
        // Rows that name the same columns go in one statement; a column that a row does not name gets its default.
        spi::select(
            "SELECT CASE WHEN jsonb_typeof(e) = 'object' THEN ARRAY(SELECT jsonb_object_keys(e)) END, min(n)
               FROM jsonb_array_elements($1) WITH ORDINALITY AS r(e, n) GROUP BY 1 ORDER BY 2",
            &[json()],
            |row| row.get::<Vec<String>>(1),
        )
    })?;
    let types = column_types(&table)?;
    let mut statements = Vec::with_capacity(sets.len());
    let only = sets.len() == 1;
    for set in sets {
        let columns = set.ok_or(Error::NotObjects)?;
        check_columns(&table, &columns)?;
        let names: Vec<_> = columns.iter().map(|column| quote(column)).collect();
        let typed: Vec<_> = columns
            .iter()
            .map(|column| {
                let (_, type_name) =
                    types.iter().find(|(name, _)| name == column).ok_or_else(|| {
                        Error::NoSuchColumn { column: column.clone(), table: table.name.clone() }
                    })?;
                Ok(format!("{} {type_name}", quote(column)))
            })
            .collect::<Result<_, Error>>()?;
        let source = if only {
            "$1"
        } else {
            "(SELECT pg_catalog.jsonb_agg(e.value) FROM pg_catalog.jsonb_array_elements($1) AS e
               WHERE ARRAY(SELECT pg_catalog.jsonb_object_keys(e.value)) OPERATOR(pg_catalog.=) $2)"
        };
        let sql = format!(
            "INSERT INTO {} ({}) SELECT {} FROM pg_catalog.jsonb_to_recordset({source}) AS r({})",
            table.name,
            names.join(", "),
            names.iter().map(|name| format!("r.{name}")).collect::<Vec<_>>().join(", "),
            typed.join(", ")
        );
        let keys = columns.into_datum().ok_or(Error::NotObjects)?;
        let values = [(rows, pg_sys::JSONBOID), (keys, pg_sys::TEXTARRAYOID)];
        // SAFETY: as many parameters are allocated as are filled.
        let parameters = unsafe {
            let parameters = pg_sys::makeParamList(values.len() as i32);
            for (at, (value, type_oid)) in values.into_iter().enumerate() {
                let parameter = (*parameters).params.as_mut_ptr().add(at);
                (*parameter).value = value;
                (*parameter).isnull = false;
                (*parameter).pflags = pg_sys::PARAM_FLAG_CONST as u16;
                (*parameter).ptype = type_oid;
            }
            parameters
        };
        statements.push(Statement { sql: plain_text(&sql)?, parameters });
    }
    // SAFETY: palloc'd for as many statements as are copied there.
    let copy = unsafe {
        let copy: *mut Statement =
            pg_sys::palloc(std::mem::size_of::<Statement>() * statements.len().max(1)).cast();
        std::ptr::copy_nonoverlapping(statements.as_ptr(), copy, statements.len());
        copy
    };
    Ok(JsonCall { statements: copy, count: statements.len() })
}

/// The table's columns and their types as SQL text that means the same under any `search_path`.
fn column_types(table: &Table) -> Result<Vec<(String, String)>, ErrorReport> {
    let columns = with_catalogs(|| {
        spi::select(
            "SELECT a.attname::text, a.atttypid, a.atttypmod FROM pg_attribute AS a
              WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped",
            &[table.oid.into()],
            |row| {
                Ok((
                    row.get::<String>(1)?.unwrap_or_default(),
                    row.get::<pg_sys::Oid>(2)?.unwrap_or(pg_sys::InvalidOid),
                    row.get::<i32>(3)?.unwrap_or(-1),
                ))
            },
        )
    })?;
    let flags = (pg_sys::FORMAT_TYPE_TYPEMOD_GIVEN | pg_sys::FORMAT_TYPE_FORCE_QUALIFY) as u16;
    // SAFETY: gives a palloc'd string for any type.
    let name = |type_oid, typmod| unsafe {
        let text = pg_sys::format_type_extended(type_oid, typmod, flags);
        CStr::from_ptr(text).to_string_lossy().into_owned()
    };
    Ok(columns
        .into_iter()
        .map(|(column, type_oid, typmod)| (column, name(type_oid, typmod)))
        .collect())
}

/// First part of an insert from a cursor.
///
/// # Safety
/// As for [`target`]; the second argument is a refcursor, which is stored as a text.
unsafe fn cursor_call(fcinfo: pg_sys::FunctionCallInfo) -> Result<CursorCall, ErrorReport> {
    // SAFETY: as the caller promises.
    let (table, name) = unsafe { target(fcinfo)? };
    // SAFETY: not null, and laid out as a text.
    let name = unsafe { String::from_datum(name, false) }.unwrap_or_default();
    let text = CString::new(name.as_str()).map_err(|_| Error::NoCursor { name: name.clone() })?;
    // SAFETY: looks a portal up by a NUL-terminated name; a portal that returns rows has a descriptor.
    let (portal, columns) = unsafe {
        let portal = pg_sys::SPI_cursor_find(text.as_ptr());
        if portal.is_null() || (*portal).tupDesc.is_null() {
            return Err(Error::NoCursor { name }.into());
        }
        let desc = pgrx::PgTupleDesc::from_pg_unchecked((*portal).tupDesc);
        let columns: Vec<String> = desc
            .iter()
            .map(|column| {
                CStr::from_ptr(column.attname.data.as_ptr()).to_string_lossy().into_owned()
            })
            .collect();
        (portal, columns)
    };
    check_columns(&table, &columns)?;
    let names = columns.iter().map(|column| quote(column)).collect::<Vec<_>>().join(", ");
    let rows = quote(&ROWS.to_string_lossy());
    let sql = format!("INSERT INTO {} ({names}) SELECT {names} FROM {rows}", table.name);
    Ok(CursorCall {
        portal,
        sql: plain_text(&sql)?,
        // SAFETY: a plain read of a setting.
        max_kilobytes: unsafe { pg_sys::work_mem },
    })
}

/// A copy in the call's memory context.
fn plain_text(sql: &str) -> Result<*const c_char, ErrorReport> {
    let text =
        CString::new(sql).map_err(|_| Error::Internal { what: format!("the statement {sql}") })?;
    // SAFETY: copies a NUL-terminated string.
    Ok(unsafe { pg_sys::pstrdup(text.as_ptr()) })
}

#[cfg(feature = "pg_test")]
#[pg_schema]
mod tests {
    use pgrx::prelude::*;

    #[pg_test]
    fn an_error_keeps_its_constraint_and_undoes_all_rows() {
        Spi::run(
            "SET client_min_messages = warning;
             CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY, user_id int, status text CONSTRAINT short CHECK (length(status) < 9));
             SELECT shard_router.create_sharded_table('orders', 'user_id', 4, 'modulo');
             CREATE FUNCTION failing() RETURNS text LANGUAGE plpgsql AS $$
             DECLARE c text; t text;
             BEGIN
                 PERFORM shard_router.insert_many('orders',
                     (SELECT jsonb_agg(jsonb_build_object('user_id', u, 'status', CASE u WHEN 99 THEN 'far too long' END))
                        FROM generate_series(0, 99) AS u));
                 RETURN 'no error';
             EXCEPTION WHEN check_violation THEN
                 GET STACKED DIAGNOSTICS c = CONSTRAINT_NAME, t = TABLE_NAME;
                 RETURN c || ' of ' || t;
             END $$",
        )
        .unwrap();
        for _ in 0..3 {
            assert_eq!(
                Spi::get_one::<String>("SELECT failing()").unwrap().as_deref(),
                Some("short of orders_3")
            );
        }
        assert_eq!(Spi::get_one::<i64>("SELECT count(*) FROM orders").unwrap(), Some(0));
    }

    #[pg_test]
    fn a_trigger_may_close_the_cursor_that_is_read() {
        Spi::run(
            "SET client_min_messages = warning;
             CREATE TABLE orders (user_id int, status text);
             SELECT shard_router.create_sharded_table('orders', 'user_id', 4, 'modulo');
             CREATE FUNCTION shut() RETURNS trigger LANGUAGE plpgsql AS $$
             DECLARE c refcursor = 'c';
             BEGIN
                 IF EXISTS (SELECT FROM pg_cursors WHERE name = 'c') THEN CLOSE c; END IF;
                 RETURN NEW;
             END $$;
             CREATE TRIGGER shut BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION shut();
             CREATE FUNCTION fill() RETURNS bigint LANGUAGE plpgsql AS $$
             DECLARE c refcursor = 'c';
             BEGIN
                 OPEN c FOR SELECT u AS user_id, repeat('x', 100) AS status FROM generate_series(1, 5000) AS u;
                 RETURN shard_router.insert_many('orders', c);
             END $$",
        )
        .unwrap();
        assert_eq!(Spi::get_one::<i64>("SELECT fill()").unwrap(), Some(5000));
        assert_eq!(Spi::get_one::<i64>("SELECT count(*) FROM orders").unwrap(), Some(5000));
    }
}
