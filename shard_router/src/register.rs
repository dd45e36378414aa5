//! `shard_router.register_table` and `shard_router.unregister_table`: a table that is partitioned by hash already gets its
//! functions, or loses them, and stays what it is.

use crate::create::name;
use crate::error::Error;
use crate::registry::{self, Entry};
use crate::session::{qualify, run, with_catalogs};
use crate::{functions, names, shard, template};
use pg_ext_core::spi;
use pgrx::iter::SetOfIterator;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use std::ffi::CStr;

/// Registers a table whatever its partitions are called and whatever their moduli are. The SQL declaration pins
/// `search_path`.
#[pg_extern(sql = false)]
fn register_table(
    parent: Option<pg_sys::Oid>,
    entity: Option<&CStr>,
    owner_name: Option<&CStr>,
) -> Result<SetOfIterator<'static, pg_sys::Oid>, ErrorReport> {
    let oid = parent.ok_or(Error::NullArgument { argument: "parent" })?;
    lock(oid)?;
    let (relname, key) = with_catalogs(|| inspect(oid))?;
    let entry = Entry {
        entity: name(entity, "entity", || names::entity(&relname))?,
        owner_name: name(owner_name, "owner", || names::owner(&key))?,
        prefix: with_catalogs(|| prefix(oid))?.unwrap_or(relname),
    };
    registry::register(oid, &entry)?;
    Ok(SetOfIterator::new(functions::generate(oid)?))
}

/// Forgets a table and drops its functions.
#[pg_extern(sql = false)]
fn unregister_table(parent: Option<pg_sys::Oid>) -> Result<(), ErrorReport> {
    let oid = parent.ok_or(Error::NullArgument { argument: "parent" })?;
    lock(oid)?;
    if registry::find(oid)?.is_none() {
        return Err(Error::NotSharded { table: shard::relation_name(oid)? }.into());
    }
    // As the session's user, who owns them or is refused.
    for function in functions::generated(oid)? {
        run(&format!("DROP FUNCTION {function}"))?;
    }
    registry::forget(oid)
}

/// Keeps other sessions from changing the table's partitions or its registration meanwhile, and no reader or writer.
fn lock(oid: pg_sys::Oid) -> Result<(), ErrorReport> {
    let name_before = template::require_owner(oid)?;
    // SAFETY: takes a lock until the transaction ends, on a relation of the caller's own.
    unsafe {
        pg_sys::LockRelationOid(oid, pg_sys::ShareUpdateExclusiveLock as pg_sys::LOCKMODE);
    }
    with_catalogs(|| {
        if shard::find_name(oid)?.is_none() {
            return Err(Error::Vanished { table: name_before }.into());
        }
        template::require_owner(oid).map(drop)
    })
}

/// The table's own name and its key's columns; an error if it is nothing that can be registered.
fn inspect(oid: pg_sys::Oid) -> Result<(String, Vec<String>), ErrorReport> {
    let found = spi::select_first(
        "SELECT n.nspname::text, c.relname::text, c.relkind::text, p.partstrat::text, c.relispartition, c.relpersistence::text,
                coalesce(0 = ANY (p.partattrs::int2[]), false),
                ARRAY(SELECT a.attname::text FROM unnest(p.partattrs::int2[]) WITH ORDINALITY AS k(attnum, n)
                        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.attnum ORDER BY k.n)
           FROM pg_class AS c
           JOIN pg_namespace AS n ON n.oid = c.relnamespace
           LEFT JOIN pg_partitioned_table AS p ON p.partrelid = c.oid
          WHERE c.oid = $1",
        &[oid.into()],
        |row| {
            Ok((
                row.get::<String>(1)?.unwrap_or_default(),
                row.get::<String>(2)?.unwrap_or_default(),
                row.get::<String>(3)?.unwrap_or_default(),
                row.get::<String>(4)?.unwrap_or_default(),
                row.get::<bool>(5)?.unwrap_or_default(),
                row.get::<String>(6)?.unwrap_or_default(),
                row.get::<bool>(7)?.unwrap_or_default(),
                row.get::<Vec<String>>(8)?.unwrap_or_default(),
            ))
        },
    )?;
    let Some((schema, relname, kind, strategy, is_partition, persistence, expression, key)) = found
    else {
        return Err(Error::NoSuchTable { oid: oid.to_u32() }.into());
    };
    let table = qualify(&schema, &relname);
    let unsupported = |what: &str, hint: &str| -> ErrorReport {
        Error::Unsupported { table: table.clone(), what: what.into(), hint: hint.into() }.into()
    };
    if registry::find(oid)?.is_some() {
        return Err(Error::AlreadySharded { table }.into());
    }
    match kind.as_str() {
        "p" => {}
        "r" => {
            return Err(unsupported(
                "it is not partitioned",
                "Call shard_router.create_sharded_table for an empty table, adopt_table for one with rows.",
            ));
        }
        _ => return Err(Error::NotATable { table }.into()),
    }
    if strategy != "h" {
        return Err(unsupported(
            "it is not partitioned by hash",
            "Only PARTITION BY HASH spreads rows over shards.",
        ));
    }
    if is_partition {
        return Err(unsupported(
            "it is a partition itself",
            "Register the table that it is a partition of.",
        ));
    }
    if persistence == "t" {
        return Err(unsupported("it is temporary", "Use a permanent table."));
    }
    if expression {
        return Err(unsupported(
            "an expression is part of its partition key",
            "The functions take columns: partition by columns alone.",
        ));
    }
    let leaving = spi::select_first(
        "SELECT c.oid::regclass::text
           FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
          WHERE i.inhparent = $1 AND i.inhdetachpending",
        &[oid.into()],
        |row| row.get::<String>(1),
    )?
    .flatten();
    if let Some(partition) = leaving {
        return Err(unsupported(
            &format!("partition {partition} is being detached"),
            "Finish with ALTER TABLE .. DETACH PARTITION .. FINALIZE.",
        ));
    }
    Ok((relname, key))
}

/// What all partitions' names have before `_<remainder>`, if that is how they are named.
fn prefix(oid: pg_sys::Oid) -> Result<Option<String>, ErrorReport> {
    let prefixes = spi::select(
        r"SELECT DISTINCT CASE WHEN right(c.relname, length(b.r) + 1) = '_' || b.r
                              THEN left(c.relname, -length(b.r) - 1) END
           FROM pg_inherits AS i
           JOIN pg_class AS c ON c.oid = i.inhrelid
          CROSS JOIN LATERAL (SELECT substring(pg_get_expr(c.relpartbound, c.oid) FROM 'remainder (\d+)')) AS b(r)
          WHERE i.inhparent = $1",
        &[oid.into()],
        |row| row.get::<String>(1),
    )?;
    Ok(match prefixes.as_slice() {
        [Some(only)] if !only.is_empty() => Some(only.clone()),
        _ => None,
    })
}
