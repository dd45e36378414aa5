//! `shard_router.split_shards`, `advance_operation` and `cancel_operation`.

use super::definition::{ShardInfo, key_of, owner_of, partitions};
use super::state::{Command, Operation};
use super::{Problem, steps};
use crate::error::Error;
use crate::names::{self, MAX_NAME};
use crate::session::{literal, qualify, with_catalogs};
use crate::shard::relation_name;
use crate::{registry, template};
use pg_ext_core::identity::RunAs;
use pg_ext_core::spi;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// The largest factor, and the most shards that a table may have in the end, as for create_sharded_table.
const MAX_FACTOR: i64 = 64;
const MAX_SHARDS: i64 = 1024;

/// First part of `split_shards`: enters the operation, or takes an interrupted one up again.
#[pg_extern(sql = false)]
fn begin_split(tbl: Option<pg_sys::Oid>, factor: Option<i32>) -> Result<(), ErrorReport> {
    let table = tbl.ok_or(Error::NullArgument { argument: "tbl" })?;
    let given = factor.ok_or(Error::NullArgument { argument: "factor" })?;
    let out_of_range = |name, least, most, given| Error::OutOfRange { name, least, most, given };
    let factor = u32::try_from(given)
        .ok()
        .filter(|factor| (2..=MAX_FACTOR).contains(&i64::from(*factor)))
        .ok_or_else(|| out_of_range("factor", 2, MAX_FACTOR, given.into()))?;
    let name = require_sharded(table)?;
    if let Some(found) = Operation::find(table)? {
        if found.command == Command::Split && found.factor == factor {
            return found.claim();
        }
        return Err(unfinished(&found)?);
    }
    // SAFETY: takes a lock until the transaction ends, on a relation of the caller's own.
    unsafe { pg_sys::LockRelationOid(table, pg_sys::ShareUpdateExclusiveLock as pg_sys::LOCKMODE) };
    let pending = with_catalogs(|| -> Result<_, ErrorReport> {
        let partitions = partitions(table)?;
        let count = partitions.len() as i64 * i64::from(factor);
        if count > MAX_SHARDS {
            return Err(out_of_range("number of shards", 1, MAX_SHARDS, count).into());
        }
        // All that can be told now is told before anything is done.
        for (shard, _) in &partitions {
            let Some(info) = ShardInfo::find(table, *shard)? else { continue };
            if info.is_foreign {
                return Err(Problem::Unsupported {
                    shard: info.name,
                    what: "it is on a node".into(),
                    hint: "Move it back with shard_router.move_shard first.".into(),
                }
                .into());
            }
            info.refuse_what_would_be_lost()?;
            key_of(info.oid, &info.name)?;
            for (name, _) in new_names(&info, factor)?.into_iter().skip(1) {
                if name.len() > MAX_NAME {
                    return Err(Error::NameTooLong { name }.into());
                }
                let relation = qualify(&info.schema, &name);
                let taken = spi::select_first(
                    "SELECT pg_catalog.to_regclass($1) IS NOT NULL",
                    &[relation.as_str().into()],
                    |row| row.get::<bool>(1),
                )?;
                if taken.flatten().unwrap_or_default() {
                    return Err(Problem::NameTaken { relation }.into());
                }
            }
        }
        Ok(partitions.into_iter().map(|(oid, _)| oid).collect::<Vec<_>>())
    })?;
    if pending.is_empty() {
        return Err(Problem::Nothing { table: name }.into());
    }
    Operation::begin(table, Command::Split, factor, None, &pending)
}

/// Names and bounds of the shards that a shard becomes. The first one has its name.
pub fn new_names(
    info: &ShardInfo,
    factor: u32,
) -> Result<Vec<(String, crate::bounds::Bound)>, ErrorReport> {
    let prefix = registry::find(info.table_oid)?
        .map(|entry| entry.prefix)
        .ok_or_else(|| Error::NotSharded { table: info.table.clone() })?;
    Ok(info
        .bound
        .split(factor)
        .into_iter()
        .map(|bound| {
            let name = if bound.remainder == info.bound.remainder {
                info.relname.clone()
            } else {
                names::shard(&prefix, bound.remainder as usize)
            };
            (name, bound)
        })
        .collect())
}

/// The name of a sharded table of the caller's own.
pub fn require_sharded(table: pg_sys::Oid) -> Result<String, ErrorReport> {
    let name = template::require_owner(table)?;
    if registry::find(table)?.is_none() {
        return Err(Error::NotSharded { table: name }.into());
    }
    // SAFETY: a plain read of the transaction's isolation level.
    if unsafe { pg_sys::XactIsoLevel } != pg_sys::XACT_READ_COMMITTED as i32 {
        return Err(Problem::Isolation.into());
    }
    Ok(name)
}

/// The error for a table of which another operation is unfinished.
pub fn unfinished(operation: &Operation) -> Result<ErrorReport, ErrorReport> {
    let table = relation_name(operation.table)?;
    let call = match operation.command {
        Command::Split => {
            format!("CALL shard_router.split_shards({}, {})", literal(&table), operation.factor)
        }
        Command::Move => format!(
            "CALL shard_router.move_shard({}, {}, {})",
            literal(&table),
            operation.remainder,
            operation.node.as_deref().map_or_else(|| "NULL".to_owned(), literal)
        ),
    };
    let what = operation.command.name().to_owned();
    Ok(Problem::Unfinished { what, table, call }.into())
}

/// One step of the operation that the present statement drives: the seconds to wait before the next, or none at the end.
#[pg_extern(sql = false)]
fn advance_operation(tbl: Option<pg_sys::Oid>) -> Result<Option<f64>, ErrorReport> {
    let table = tbl.ok_or(Error::NullArgument { argument: "tbl" })?;
    require_sharded(table)?;
    // The table before its shards, as every statement on it locks them.
    // SAFETY: takes a lock until the transaction ends, on a relation of the caller's own.
    unsafe { pg_sys::LockRelationOid(table, pg_sys::AccessShareLock as pg_sys::LOCKMODE) };
    let Some(operation) = Operation::find(table)? else {
        return Err(Problem::Nothing { table: relation_name(table)? }.into());
    };
    if !operation.driven_here {
        return Err(Problem::NotDriver.into());
    }
    let _owner = RunAs::owner(owner_of(table)?);
    steps::advance(&operation)
}

/// Undoes an interrupted operation: the shard at hand stays as it was before. One that has been exchanged already stays
/// exchanged.
#[pg_extern(sql = false)]
fn cancel_operation(tbl: Option<pg_sys::Oid>) -> Result<(), ErrorReport> {
    let table = tbl.ok_or(Error::NullArgument { argument: "tbl" })?;
    let name = template::require_owner(table)?;
    // SAFETY: as above.
    unsafe { pg_sys::LockRelationOid(table, pg_sys::AccessShareLock as pg_sys::LOCKMODE) };
    let Some(operation) = Operation::find(table)? else {
        return Err(Problem::Nothing { table: name }.into());
    };
    operation.claim()?;
    let _owner = RunAs::owner(owner_of(table)?);
    steps::cancel(&operation)
}
