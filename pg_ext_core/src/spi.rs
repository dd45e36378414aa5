//! Reads through SPI.
//!
//! pgrx's `Spi::get_one` and `Spi::run` assign a transaction id, which fails on a standby and makes a read look like a
//! write; these only read.

use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi::{SpiHeapTupleData, SpiResult};

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
    Spi::connect(|client| {
        client.select(sql, Some(1), args)?.next().map(&mut row).transpose()
    })
    .map_err(report)
}

/// An error of the SPI machinery itself (a wrong column number or type: our mistake), as opposed to one that a query
/// raised, which never comes back as a value.
pub fn report(error: pgrx::spi::SpiError) -> ErrorReport {
    ErrorReport::new(PgSqlErrorCode::ERRCODE_INTERNAL_ERROR, error.to_string(), "")
}
