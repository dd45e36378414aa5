//! What the extension remembers of a sharded table. Everybody may read it; only these functions write it.

use crate::entry::Operation;
use crate::session::{as_extension_owner, literal, run};
use pg_ext_core::spi;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;

/// A row of `shard_router.sharded_tables`.
pub struct Entry {
    pub entity: String,
    pub owner_name: String,
    pub prefix: String,
}

/// The table's entry, if it has one.
pub fn find(table: pg_sys::Oid) -> Result<Option<Entry>, ErrorReport> {
    spi::select_first(
        "SELECT entity::pg_catalog.text, owner_name::pg_catalog.text, shard_prefix::pg_catalog.text
           FROM shard_router.sharded_tables WHERE tbl OPERATOR(pg_catalog.=) $1",
        &[table.into()],
        |row| {
            Ok(Entry {
                entity: row.get(1)?.unwrap_or_default(),
                owner_name: row.get(2)?.unwrap_or_default(),
                prefix: row.get(3)?.unwrap_or_default(),
            })
        },
    )
}

/// Enters a table. What is left of a dropped one with the same OID gives way.
pub fn register(table: pg_sys::Oid, entry: &Entry) -> Result<(), ErrorReport> {
    let oid = table.to_u32();
    as_extension_owner(|| {
        for remembered in ["sharded_tables", "table_functions"] {
            run(&format!(
                "DELETE FROM shard_router.{remembered} WHERE tbl OPERATOR(pg_catalog.=) {oid}"
            ))?;
        }
        run(&format!(
            "INSERT INTO shard_router.sharded_tables (tbl, entity, owner_name, shard_prefix) VALUES ({oid}, {}, {}, {})",
            literal(&entry.entity),
            literal(&entry.owner_name),
            literal(&entry.prefix)
        ))
    })?;
    tell_sessions(table);
    Ok(())
}

/// Has every session read the table's registration anew, this one at once, the others when this transaction commits.
fn tell_sessions(table: pg_sys::Oid) {
    // SAFETY: sends an invalidation for a relation that exists and is locked.
    unsafe { pg_sys::CacheInvalidateRelcacheByRelid(table) };
}

/// Takes a table and its functions off the registry.
pub fn forget(table: pg_sys::Oid) -> Result<(), ErrorReport> {
    let oid = table.to_u32();
    as_extension_owner(|| {
        ["table_functions", "sharded_tables"].iter().try_for_each(|remembered| {
            run(&format!(
                "DELETE FROM shard_router.{remembered} WHERE tbl OPERATOR(pg_catalog.=) {oid}"
            ))
        })
    })?;
    tell_sessions(table);
    Ok(())
}

/// Enters the function that serves a table's operation, in place of the one that did, and of one of a table that was dropped
/// while event triggers were off.
pub fn register_function(
    table: pg_sys::Oid,
    operation: Operation,
    schema: &str,
    name: &str,
) -> Result<(), ErrorReport> {
    as_extension_owner(|| {
        run(&format!(
            "DELETE FROM shard_router.table_functions AS f
              WHERE f.function_schema OPERATOR(pg_catalog.=) {} AND f.function_name OPERATOR(pg_catalog.=) {}
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) f.tbl)",
            literal(schema),
            literal(name)
        ))?;
        run(&format!(
            "INSERT INTO shard_router.table_functions (tbl, kind, function_schema, function_name) VALUES ({}, {}, {}, {})
             ON CONFLICT (tbl, kind) DO UPDATE
                SET function_schema = EXCLUDED.function_schema, function_name = EXCLUDED.function_name",
            table.to_u32(),
            literal(operation.kind()),
            literal(schema),
            literal(name)
        ))
    })
}
