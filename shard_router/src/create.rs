//! `shard_router.create_sharded_table` and `shard_router.adopt_table`: a plain table becomes a sharded one of the same name.

use crate::error::Error;
use crate::key::{Strategy, type_name};
use crate::names::{self, MAX_NAME};
use crate::registry::{self, Entry};
use crate::session::{literal, qualify, quote, run, with_catalogs};
use crate::template::{self, KeyColumn, Template};
use crate::{adopt, functions, shard};
use pg_ext_core::spi;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use std::ffi::CStr;

/// More shards than that on one server serve nobody: each is a table with its indexes and files.
const MAX_SHARDS: i32 = 1024;

/// What is asked for, as the SQL functions take it.
pub struct Request<'a> {
    pub table: Option<pg_sys::Oid>,
    pub key: Option<Vec<String>>,
    pub shards: Option<i32>,
    pub strategy: Option<&'a str>,
    pub entity: Option<&'a CStr>,
    pub owner_name: Option<&'a CStr>,
    /// Whether the table may have rows, which then move to the shards.
    pub with_rows: bool,
}

/// Turns an empty table into a sharded one of the same name. The SQL declaration pins `search_path`.
#[pg_extern(sql = false)]
fn create_sharded_table(
    template: Option<pg_sys::Oid>,
    shard_key: Option<&CStr>,
    shards: Option<i32>,
    strategy: Option<&str>,
    entity: Option<&CStr>,
    owner_name: Option<&CStr>,
) -> Result<pg_sys::Oid, ErrorReport> {
    Request {
        table: template,
        key: shard_key.map(|key| vec![key.to_string_lossy().into_owned()]),
        shards,
        strategy,
        entity,
        owner_name,
        with_rows: false,
    }
    .perform()
}

/// The same for a key of several columns.
#[pg_extern(sql = false)]
fn create_sharded_table_by_columns(
    template: Option<pg_sys::Oid>,
    shard_key: Option<Vec<Option<String>>>,
    shards: Option<i32>,
    strategy: Option<&str>,
    entity: Option<&CStr>,
    owner_name: Option<&CStr>,
) -> Result<pg_sys::Oid, ErrorReport> {
    Request {
        table: template,
        key: columns(shard_key)?,
        shards,
        strategy,
        entity,
        owner_name,
        with_rows: false,
    }
    .perform()
}

/// The columns of a key that was given as an array.
pub fn columns(key: Option<Vec<Option<String>>>) -> Result<Option<Vec<String>>, Error> {
    let Some(key) = key else { return Ok(None) };
    if key.is_empty() {
        return Err(Error::EmptyName { what: "shard key" });
    }
    let key: Vec<String> = key
        .into_iter()
        .collect::<Option<_>>()
        .ok_or(Error::NullArgument { argument: "a column of shard_key" })?;
    match key.iter().enumerate().find(|(at, column)| key[..*at].contains(column)) {
        Some((_, column)) => Err(Error::TwiceInKey { column: column.clone() }),
        None => Ok(Some(key)),
    }
}

impl Request<'_> {
    pub fn perform(self) -> Result<pg_sys::Oid, ErrorReport> {
        let argument = if self.with_rows { "tbl" } else { "template" };
        let oid = self.table.ok_or(Error::NullArgument { argument })?;
        let key = self.key.ok_or(Error::NullArgument { argument: "shard_key" })?;
        let count = self.shards.ok_or(Error::NullArgument { argument: "shards" })?;
        let strategy =
            Strategy::parse(self.strategy.ok_or(Error::NullArgument { argument: "strategy" })?)?;
        if !(1..=MAX_SHARDS).contains(&count) {
            return Err(Error::OutOfRange {
                name: "shards",
                least: 1,
                most: MAX_SHARDS.into(),
                given: count.into(),
            }
            .into());
        }

        // Asked before the lock, so that nobody can lock a stranger's table, and again behind it.
        let name_before = template::require_owner(oid)?;
        // SAFETY: takes a lock until the transaction ends; any OID may be locked.
        unsafe { pg_sys::LockRelationOid(oid, pg_sys::AccessExclusiveLock as pg_sys::LOCKMODE) };
        let (template, columns) = with_catalogs(|| -> Result<_, ErrorReport> {
            if shard::find_name(oid)?.is_none() {
                return Err(Error::Vanished { table: name_before }.into());
            }
            template::require_owner(oid)?;
            let template = Template::inspect(oid)?;
            let columns = key
                .iter()
                .map(|name| template::key_column(&template, name))
                .collect::<Result<Vec<_>, _>>()?;
            Ok((template, columns))
        })?;
        check_key(&template, &columns, strategy)?;
        if self.with_rows {
            adopt::require_fresh_snapshots()?;
        } else {
            template.require_empty()?;
        }

        let entry = Entry {
            entity: name(self.entity, "entity", || names::entity(&template.relname))?,
            owner_name: name(self.owner_name, "owner", || names::owner(&key))?,
            prefix: template.relname.clone(),
        };
        let shards: Vec<String> =
            (0..count as usize).map(|number| names::shard(&entry.prefix, number)).collect();
        if let Some(long) = shards.iter().find(|name| name.len() > MAX_NAME) {
            return Err(Error::NameTooLong { name: long.clone() }.into());
        }

        let table = replace(&template, &columns, strategy, &shards, self.with_rows)?;
        for column in columns.iter().filter(|column| column.nullable) {
            notice!("column {} of table {} is now NOT NULL", column.name, template.name);
        }
        registry::register(table, &entry)?;
        functions::generate(table)?;
        Ok(table)
    }
}

/// Refuses what cannot be a key by that strategy.
fn check_key(
    template: &Template,
    columns: &[KeyColumn],
    strategy: Strategy,
) -> Result<(), ErrorReport> {
    if strategy == Strategy::Modulo && columns.len() != 1 {
        return Err(Error::ModuloColumns { given: columns.len() }.into());
    }
    if let Some(other) = columns.iter().find(|column| !strategy.accepts(column.type_oid)) {
        return Err(Error::KeyType {
            found: type_name(other.type_oid),
            table: Some(template.name.clone()),
            expected: strategy.types().into(),
        }
        .into());
    }
    Ok(())
}

/// A name that was given, or else the regular one.
pub fn name(
    given: Option<&CStr>,
    what: &'static str,
    regular: impl FnOnce() -> String,
) -> Result<String, Error> {
    match given.map(|name| name.to_string_lossy().into_owned()) {
        Some(name) if name.is_empty() => Err(Error::EmptyName { what }),
        Some(name) => Ok(name),
        None => Ok(regular()),
    }
}

/// The operator class that a key column is partitioned by, where it is not the type's own.
fn operator_class(strategy: Strategy, type_oid: pg_sys::Oid) -> &'static str {
    match (strategy, type_oid) {
        (Strategy::Hash, _) => "",
        (Strategy::Modulo, pg_sys::INT2OID) => " shard_router.int2_modulo_ops",
        (Strategy::Modulo, pg_sys::INT4OID) => " shard_router.int4_modulo_ops",
        (Strategy::Modulo, _) => " shard_router.int8_modulo_ops",
    }
}

/// Puts a partitioned table with the shards in the template's place, with its rows if it has any, and returns its OID.
fn replace(
    template: &Template,
    key: &[KeyColumn],
    strategy: Strategy,
    shards: &[String],
    with_rows: bool,
) -> Result<pg_sys::Oid, ErrorReport> {
    let names: Vec<String> = key.iter().map(|column| column.name.clone()).collect();
    // Whatever names the template is read before it goes.
    let (indexes, rest, settings, serials, identities) =
        with_catalogs(|| -> Result<_, ErrorReport> {
            Ok((
                template.indexes(&names)?,
                template.rest()?,
                template.settings()?,
                template.serial_sequences()?,
                template.identity_sequences()?,
            ))
        })?;

    let partition_key: Vec<String> = key
        .iter()
        .map(|column| format!("{}{}", column.name, operator_class(strategy, column.type_oid)))
        .collect();
    // The OID makes the name this session's alone: it holds the template's lock.
    let interim = qualify(&template.schema, &format!("shard_router_{}", template.oid.to_u32()));
    run(&format!(
        "CREATE TABLE {interim} (LIKE {} INCLUDING ALL EXCLUDING INDEXES EXCLUDING STATISTICS) PARTITION BY HASH ({})",
        template.name,
        partition_key.join(", ")
    ))?;
    for column in &names {
        run(&format!("ALTER TABLE {interim} ALTER COLUMN {column} SET NOT NULL"))?;
    }
    // Default privileges are for new tables; this one is to have those of the template.
    for revoke in spi::select(
        "SELECT format('REVOKE ALL ON TABLE %s FROM %s', c.oid::regclass,
                       CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
           FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a
          WHERE c.oid = $1::regclass AND a.grantee <> c.relowner",
        &[interim.as_str().into()],
        |row| Ok(row.get::<String>(1)?.unwrap_or_default()),
    )? {
        run(&revoke)?;
    }
    run(&format!("ALTER TABLE {interim} OWNER TO {}", quote(&template.owner)))?;
    // A sequence goes with the table that owns it.
    for (sequence, column) in serials {
        run(&format!("ALTER SEQUENCE {sequence} OWNED BY {interim}.{column}"))?;
    }
    let rows = if with_rows {
        Some(adopt::set_aside(template, &indexes, &identities)?)
    } else {
        run(&format!("DROP TABLE {}", template.name))?;
        None
    };
    run(&format!("ALTER TABLE {interim} RENAME TO {}", quote(&template.relname)))?;
    for identity in identities {
        let sequence = spi::select_first(
            "SELECT pg_get_serial_sequence($1, a.attname) FROM pg_attribute AS a
              WHERE a.attrelid = $1::regclass AND quote_ident(a.attname) = $2",
            &[template.name.as_str().into(), identity.column.into()],
            |row| row.get::<String>(1),
        )?
        .flatten()
        .ok_or_else(|| Error::Internal { what: "an identity column's sequence".into() })?;
        run(&format!(
            "SELECT setval({}, {}, {})",
            literal(&sequence),
            identity.last_value,
            identity.is_called
        ))?;
        for (right, grantee) in identity.grants {
            run(&format!("GRANT {right} ON SEQUENCE {sequence} TO {grantee}"))?;
        }
        run(&format!("ALTER SEQUENCE {sequence} RENAME TO {}", identity.name))?;
    }

    for (remainder, name) in shards.iter().enumerate() {
        run(&format!(
            "CREATE TABLE {} PARTITION OF {} FOR VALUES WITH (MODULUS {}, REMAINDER {remainder}) USING {}{}",
            qualify(&template.schema, name),
            template.name,
            shards.len(),
            quote(&template.access_method),
            template.storage
        ))?;
        run(&format!(
            "ALTER TABLE {} OWNER TO {}",
            qualify(&template.schema, name),
            quote(&template.owner)
        ))?;
    }
    // Before the indexes, which are built faster over rows, and before the triggers, which have seen the rows already.
    if let Some(rows) = rows {
        rows.move_to(&template.name)?;
    }
    for index in indexes {
        if index.added.is_some() {
            notice!(
                "{} now includes the shard key {}: it is unique within a shard only as far as the key is part of it",
                index.name,
                names.join(", ")
            );
        }
        run(&index.statement)?;
    }
    rest.iter().try_for_each(|statement| run(statement))?;
    for setting in settings {
        run(&format!("ALTER TABLE ONLY {} {setting}", template.name))?;
        for name in shards {
            run(&format!("ALTER TABLE {} {setting}", qualify(&template.schema, name)))?;
        }
    }
    spi::select_first("SELECT $1::regclass::oid", &[template.name.as_str().into()], |row| {
        row.get::<pg_sys::Oid>(1)
    })?
    .flatten()
    .ok_or_else(|| Error::NoSuchTable { oid: template.oid.to_u32() }.into())
}
