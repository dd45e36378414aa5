//! `shard_router.adopt_table`: a filled table becomes a sharded one, its rows with it.
//!
//! One transaction does it all, so nothing is half done at any time: `replace` makes the sharded table, and here the old one
//! steps aside, gives its rows and goes.

use crate::create::{Request, columns};
use crate::error::Error;
use crate::session::{qualify, quote, run};
use crate::template::{IdentitySequence, Index, Template};
use pg_ext_core::identity::RunAs;
use pg_ext_core::spi;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use std::ffi::CStr;

/// Turns a table with rows into a sharded one of the same name. The SQL declaration pins `search_path`.
#[pg_extern(sql = false)]
fn adopt_table(
    tbl: Option<pg_sys::Oid>,
    shard_key: Option<&CStr>,
    shards: Option<i32>,
    strategy: Option<&str>,
    entity: Option<&CStr>,
    owner_name: Option<&CStr>,
) -> Result<pg_sys::Oid, ErrorReport> {
    Request {
        table: tbl,
        key: shard_key.map(|key| vec![key.to_string_lossy().into_owned()]),
        shards,
        strategy,
        entity,
        owner_name,
        with_rows: true,
    }
    .perform()
}

/// The same for a key of several columns.
#[pg_extern(sql = false)]
fn adopt_table_by_columns(
    tbl: Option<pg_sys::Oid>,
    shard_key: Option<Vec<Option<String>>>,
    shards: Option<i32>,
    strategy: Option<&str>,
    entity: Option<&CStr>,
    owner_name: Option<&CStr>,
) -> Result<pg_sys::Oid, ErrorReport> {
    Request {
        table: tbl,
        key: columns(shard_key)?,
        shards,
        strategy,
        entity,
        owner_name,
        with_rows: true,
    }
    .perform()
}

/// A transaction that keeps one snapshot throughout would not see rows that were committed while it waited for the table's
/// lock, and would lose them.
pub fn require_fresh_snapshots() -> Result<(), ErrorReport> {
    // SAFETY: a plain read of the backend's own setting.
    if unsafe { pg_sys::XactIsoLevel } >= pg_sys::XACT_REPEATABLE_READ as i32 {
        return Err(Error::OldSnapshot.into());
    }
    Ok(())
}

/// The old table, under another name, with nothing left whose name the new one needs.
pub struct Rows {
    name: String,
    /// Quoted; generated columns are computed anew.
    columns: Vec<String>,
    owner: pg_sys::Oid,
}

/// Takes the table's name away, and the names of all that belongs to it and to its schema.
pub fn set_aside(
    template: &Template,
    indexes: &[Index],
    identities: &[IdentitySequence],
) -> Result<Rows, ErrorReport> {
    let aside = format!("shard_router_{}_rows", template.oid.to_u32());
    let name = qualify(&template.schema, &aside);
    run(&format!("ALTER TABLE {} RENAME TO {}", template.name, quote(&aside)))?;
    for index in indexes {
        if index.constraint {
            run(&format!("ALTER TABLE {name} DROP CONSTRAINT {}", index.name))?;
        } else {
            run(&format!("DROP INDEX {}.{}", quote(&template.schema), index.name))?;
        }
    }
    for identity in identities {
        run(&format!("ALTER TABLE {name} ALTER COLUMN {} DROP IDENTITY", identity.column))?;
    }
    for statistics in spi::select(
        "SELECT format('%I.%I', n.nspname, x.stxname)
           FROM pg_statistic_ext AS x JOIN pg_namespace AS n ON n.oid = x.stxnamespace WHERE x.stxrelid = $1",
        &[template.oid.into()],
        |row| Ok(row.get::<String>(1)?.unwrap_or_default()),
    )? {
        run(&format!("DROP STATISTICS {statistics}"))?;
    }
    // The owner is to read every row, whatever was taken from it and whatever the policies say. Nobody else gets at the
    // table: its lock is held until it is gone.
    run(&format!("ALTER TABLE {name} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY"))?;
    run(&format!("GRANT SELECT ON {name} TO {}", quote(&template.owner)))?;
    let columns = spi::select(
        "SELECT quote_ident(a.attname) FROM pg_attribute AS a
          WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum",
        &[template.oid.into()],
        |row| Ok(row.get::<String>(1)?.unwrap_or_default()),
    )?;
    let owner = spi::select_first(
        "SELECT c.relowner FROM pg_class AS c WHERE c.oid = $1",
        &[template.oid.into()],
        |row| row.get::<pg_sys::Oid>(1),
    )?
    .flatten()
    .ok_or(Error::NoSuchTable { oid: template.oid.to_u32() })?;
    Ok(Rows { name, columns, owner })
}

impl Rows {
    /// Moves every row into the table and drops what is left.
    pub fn move_to(self, table: &str) -> Result<(), ErrorReport> {
        let columns = self.columns.join(", ");
        {
            // Checks and generated columns call the owner's functions: with the owner's rights, as a CREATE INDEX on the
            // owner's table would.
            let _owner = RunAs::owner(self.owner);
            run(&format!(
                "INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM ONLY {}",
                self.name
            ))?;
        }
        run(&format!("DROP TABLE {}", self.name))
    }
}
