//! Reads and writes through SPI, kept apart.
//!
//! pgrx's `Spi::get_one` and `Spi::run` assign a transaction id, which makes a read look like a write, and which a standby
//! answers with an internal error. Here a read only reads, and a write says first that it is one.

use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi::{OwnedPreparedStatement, SpiClient, SpiHeapTupleData, SpiResult};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::CString;
use std::rc::Rc;

/// Every row of a query, each turned into a `T` by `row`.
///
/// The caller schema-qualifies the query and passes values as `$1`, `$2`.. in `args`.
pub fn select<T>(
    sql: &str,
    args: &[DatumWithOid],
    mut row: impl FnMut(SpiHeapTupleData) -> SpiResult<T>,
) -> Result<Vec<T>, ErrorReport> {
    Spi::connect(|client| {
        let table = client.select(sql, None, args)?;
        let mut rows = Vec::with_capacity(table.len());
        for tuple in table {
            rows.push(row(tuple)?);
        }
        Ok(rows)
    })
    .map_err(report)
}

/// The first row of a query, if there is one.
pub fn select_first<T>(
    sql: &str,
    args: &[DatumWithOid],
    mut row: impl FnMut(SpiHeapTupleData) -> SpiResult<T>,
) -> Result<Option<T>, ErrorReport> {
    Spi::connect(|client| client.select(sql, Some(1), args)?.next().map(&mut row).transpose())
        .map_err(report)
}

thread_local! {
    /// The plans of the session by their text.
    static KEPT: RefCell<HashMap<String, Rc<OwnedPreparedStatement>>> = RefCell::default();
}

/// The plan of a statement, kept for the rest of the session. The server plans it again when what it depends on changes.
fn kept(
    client: &SpiClient,
    sql: &str,
    args: &[DatumWithOid],
) -> SpiResult<Rc<OwnedPreparedStatement>> {
    if let Some(plan) = KEPT.with_borrow(|plans| plans.get(sql).cloned()) {
        return Ok(plan);
    }
    let types: Vec<PgOid> = args.iter().map(|arg| PgOid::from(arg.oid())).collect();
    let plan = Rc::new(client.prepare(sql, &types)?.keep());
    KEPT.with_borrow_mut(|plans| plans.insert(sql.to_owned(), plan.clone()));
    Ok(plan)
}

/// Like [`select`], for one of a few texts that are run again and again with arguments of the same types.
pub fn select_kept<T>(
    sql: &str,
    args: &[DatumWithOid],
    mut row: impl FnMut(SpiHeapTupleData) -> SpiResult<T>,
) -> Result<Vec<T>, ErrorReport> {
    Spi::connect(|client| {
        let table = client.select(&*kept(client, sql, args)?, None, args)?;
        let mut rows = Vec::with_capacity(table.len());
        for tuple in table {
            rows.push(row(tuple)?);
        }
        Ok(rows)
    })
    .map_err(report)
}

/// Like [`write`], for one of a few texts that are run again and again with arguments of the same types.
pub fn write_kept(sql: &str, args: &[DatumWithOid]) -> Result<u64, ErrorReport> {
    prevent_if_read_only(sql);
    Spi::connect_mut(|client| {
        let plan = kept(client, sql, args)?;
        client.update(&*plan, None, args).map(|table| table.len() as u64)
    })
    .map_err(report)
}

/// Runs a statement that changes something and returns how many rows it touched.
///
/// In a read-only transaction, which is all that a standby has, this is 25006 as for the statement itself.
pub fn write(sql: &str, args: &[DatumWithOid]) -> Result<u64, ErrorReport> {
    prevent_if_read_only(sql);
    Spi::connect_mut(|client| client.update(sql, None, args).map(|table| table.len() as u64))
        .map_err(report)
}

fn prevent_if_read_only(sql: &str) {
    let command = CString::new(command_name(sql)).unwrap_or_default();
    // SAFETY: raises or returns; the name is NUL-terminated and outlives the call.
    unsafe { pg_sys::PreventCommandIfReadOnly(command.as_ptr()) };
}

/// The command that a statement of ours starts with, as the server calls it: its keywords are in capitals.
fn command_name(sql: &str) -> String {
    let keyword = |word: &&str| {
        word.bytes().all(|byte| byte.is_ascii_uppercase()) && !matches!(*word, "FROM" | "INTO")
    };
    sql.split_whitespace().take_while(keyword).collect::<Vec<_>>().join(" ")
}

/// An error of the SPI machinery itself (a wrong column number or type: our mistake), as opposed to one that a query
/// raised, which never comes back as a value.
pub fn report(error: pgrx::spi::SpiError) -> ErrorReport {
    ErrorReport::new(PgSqlErrorCode::ERRCODE_INTERNAL_ERROR, error.to_string(), "")
}

#[cfg(test)]
mod unit {
    use super::command_name;

    #[test]
    fn a_statement_is_named_by_its_keywords() {
        assert_eq!(command_name("CREATE TABLE s.t (LIKE s.p INCLUDING ALL)"), "CREATE TABLE");
        assert_eq!(command_name("INSERT INTO s.t VALUES ($1)"), "INSERT");
        assert_eq!(command_name("REFRESH MATERIALIZED VIEW s.v"), "REFRESH MATERIALIZED VIEW");
    }
}
