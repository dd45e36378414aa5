//! The unique keys of a table of which a shard is on a node.
//!
//! PostgreSQL has no foreign table below a unique index: it could not see to it. The key holds nevertheless: the shard key is
//! a part of it, so equal keys are in one shard, and each shard has the index for itself. So the table's index goes and those
//! of the shards stay, and when the last shard is back they are put together again.

use crate::session::{as_extension_owner, literal, quote, run, with_catalogs};
use pg_ext_core::spi;
use pgrx::pg_sys;
use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;
use pgrx::pg_sys::panic::ErrorReport;

unsafe extern "C-unwind" {
    // What DETACH PARTITION does to the indexes of a partition (commands/defrem.h, catalog/pg_constraint.h); not among
    // pgrx's bindings.
    fn IndexSetParentIndex(partition_index: pg_sys::Relation, parent: pg_sys::Oid);
    fn ConstraintSetParentConstraint(
        child: pg_sys::Oid,
        parent: pg_sys::Oid,
        child_table: pg_sys::Oid,
    );
    fn get_relation_idx_constraint_oid(relation: pg_sys::Oid, index: pg_sys::Oid) -> pg_sys::Oid;
}

struct Key {
    index: pg_sys::Oid,
    name: String,
    definition: String,
    is_constraint: bool,
    is_primary: bool,
}

/// The unique indexes of the table itself. A definition is what follows `ADD`, or for a plain index what begins with USING.
fn of_table(table: pg_sys::Oid) -> Result<Vec<Key>, ErrorReport> {
    with_catalogs(|| {
        spi::select(
            "SELECT i.indexrelid, c.relname::text,
                    coalesce(pg_get_constraintdef(k.oid),
                             substr(pg_get_indexdef(i.indexrelid),
                                    strpos(pg_get_indexdef(i.indexrelid), ' ON ONLY ' || i.indrelid::regclass::text || ' USING ')
                                    + length(' ON ONLY ' || i.indrelid::regclass::text || ' '))),
                    k.oid IS NOT NULL, i.indisprimary
               FROM pg_index AS i
               JOIN pg_class AS c ON c.oid = i.indexrelid
               LEFT JOIN pg_constraint AS k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u')
              WHERE i.indrelid = $1 AND i.indisunique",
            &[table.into()],
            |row| {
                Ok(Key {
                    index: row.get(1)?.unwrap_or(pg_sys::InvalidOid),
                    name: row.get(2)?.unwrap_or_default(),
                    definition: row.get(3)?.unwrap_or_default(),
                    is_constraint: row.get(4)?.unwrap_or_default(),
                    is_primary: row.get(5)?.unwrap_or_default(),
                })
            },
        )
    })
}

pub fn any(table: pg_sys::Oid) -> Result<bool, ErrorReport> {
    Ok(!of_table(table)?.is_empty())
}

/// Leaves the table's unique keys to its shards. The caller has locked the table against everybody, and runs as its owner.
pub fn leave_to_shards(table: pg_sys::Oid, name: &str) -> Result<(), ErrorReport> {
    for key in of_table(table)? {
        let children = spi::select(
            "SELECT i.inhrelid, x.indrelid FROM pg_catalog.pg_inherits AS i
               JOIN pg_catalog.pg_index AS x ON x.indexrelid OPERATOR(pg_catalog.=) i.inhrelid
              WHERE i.inhparent OPERATOR(pg_catalog.=) $1",
            &[key.index.into()],
            |row| {
                Ok((
                    row.get::<pg_sys::Oid>(1)?.unwrap_or(pg_sys::InvalidOid),
                    row.get::<pg_sys::Oid>(2)?.unwrap_or(pg_sys::InvalidOid),
                ))
            },
        )?;
        as_extension_owner(|| {
            run(&format!(
                "INSERT INTO shard_router.local_keys (tbl, name, definition, is_constraint, is_primary, columns)
                 SELECT {}, {}, {}, {}, {}, ARRAY(
                        SELECT a.attname FROM pg_catalog.pg_attribute AS a WHERE a.attrelid OPERATOR(pg_catalog.=) {} ORDER BY a.attnum)
                 ON CONFLICT DO NOTHING",
                table.to_u32(),
                literal(&key.name),
                literal(&key.definition),
                key.is_constraint,
                key.is_primary,
                key.index.to_u32()
            ))
        })?;
        for (index, shard) in children {
            // SAFETY: what the server does when it detaches a partition, in the same order and under the same locks: the
            // table is locked against everybody, the shard and its index here. Guarded, since it may raise.
            unsafe {
                pg_sys::LockRelationOid(shard, pg_sys::AccessExclusiveLock as pg_sys::LOCKMODE);
                let relation =
                    pg_sys::index_open(index, pg_sys::AccessExclusiveLock as pg_sys::LOCKMODE);
                pg_guard_ffi_boundary(|| IndexSetParentIndex(relation, pg_sys::InvalidOid));
                let constraint =
                    pg_guard_ffi_boundary(|| get_relation_idx_constraint_oid(shard, index));
                if constraint != pg_sys::InvalidOid {
                    pg_guard_ffi_boundary(|| {
                        ConstraintSetParentConstraint(
                            constraint,
                            pg_sys::InvalidOid,
                            pg_sys::InvalidOid,
                        );
                    });
                }
                pg_sys::index_close(relation, pg_sys::NoLock as pg_sys::LOCKMODE);
                pg_sys::CommandCounterIncrement();
            }
        }
        if key.is_constraint {
            run(&format!("ALTER TABLE {name} DROP CONSTRAINT {}", quote(&key.name)))?;
        } else {
            let index = crate::shard::relation_name(key.index)?;
            run(&format!("DROP INDEX {index}"))?;
        }
    }
    Ok(())
}

/// Makes them the table's again, of the indexes that its shards have. The caller has locked the table.
pub fn take_back(table: pg_sys::Oid, name: &str) -> Result<(), ErrorReport> {
    let keys = spi::select(
        "SELECT k.name::pg_catalog.text, k.definition, k.is_constraint, n.nspname::pg_catalog.text
           FROM shard_router.local_keys AS k
           JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) k.tbl
           JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
          WHERE k.tbl OPERATOR(pg_catalog.=) $1 ORDER BY k.name",
        &[table.into()],
        |row| {
            Ok((
                row.get::<String>(1)?.unwrap_or_default(),
                row.get::<String>(2)?.unwrap_or_default(),
                row.get::<bool>(3)?.unwrap_or_default(),
                row.get::<String>(4)?.unwrap_or_default(),
            ))
        },
    )?;
    for (key, definition, is_constraint, schema) in keys {
        if is_constraint {
            run(&format!("ALTER TABLE ONLY {name} ADD CONSTRAINT {} {definition}", quote(&key)))?;
        } else {
            run(&format!("CREATE UNIQUE INDEX {} ON ONLY {name} {definition}", quote(&key)))?;
        }
        let index = crate::session::qualify(&schema, &key);
        let parts = with_catalogs(|| {
            spi::select(
                "SELECT DISTINCT ON (x.indrelid) x.indexrelid::regclass::text
                   FROM pg_index AS p
                   JOIN pg_inherits AS i ON i.inhparent = p.indrelid
                   JOIN pg_index AS x ON x.indrelid = i.inhrelid AND x.indisunique AND x.indisprimary = p.indisprimary
                  CROSS JOIN LATERAL regexp_replace(pg_get_indexdef(p.indexrelid), '^.*? USING ', '') AS a (def)
                  CROSS JOIN LATERAL regexp_replace(pg_get_indexdef(x.indexrelid), '^.*? USING ', '') AS b (def)
                  WHERE p.indexrelid = $1::regclass AND a.def = b.def
                    AND NOT EXISTS (SELECT FROM pg_inherits AS y WHERE y.inhrelid = x.indexrelid)
                  ORDER BY x.indrelid, x.indexrelid",
                &[index.as_str().into()],
                |row| Ok(row.get::<String>(1)?.unwrap_or_default()),
            )
        })?;
        for part in parts {
            run(&format!("ALTER INDEX {index} ATTACH PARTITION {part}"))?;
        }
    }
    as_extension_owner(|| {
        run(&format!(
            "DELETE FROM shard_router.local_keys WHERE tbl OPERATOR(pg_catalog.=) {}",
            table.to_u32()
        ))
    })
}
