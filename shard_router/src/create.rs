//! `shard_router.create_sharded_table`

use crate::error::Error;
use crate::key::{Strategy, type_name};
use crate::names::{self, MAX_NAME};
use crate::registry::{self, Entry};
use crate::session::{literal, qualify, quote, run, with_catalogs};
use crate::template::{self, Template};
use crate::{functions, shard};
use pg_ext_core::spi;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// More shards than that on one server serve nobody: each is a table with its indexes and files.
const MAX_SHARDS: i32 = 1024;

/// Turns an empty table into a sharded one of the same name. The SQL declaration pins `search_path`.
#[pg_extern(sql = false)]
fn create_sharded_table(
    template: Option<pg_sys::Oid>,
    shard_key: Option<&std::ffi::CStr>,
    shards: Option<i32>,
    strategy: Option<&str>,
    entity: Option<&std::ffi::CStr>,
    owner_name: Option<&std::ffi::CStr>,
) -> Result<pg_sys::Oid, ErrorReport> {
    let oid = template.ok_or(Error::NullArgument { argument: "template" })?;
    let key = shard_key.ok_or(Error::NullArgument { argument: "shard_key" })?.to_string_lossy();
    let count = shards.ok_or(Error::NullArgument { argument: "shards" })?;
    let strategy = Strategy::parse(strategy.ok_or(Error::NullArgument { argument: "strategy" })?)?;
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
    let (template, (key_sql, key_type, key_nullable)) =
        with_catalogs(|| -> Result<_, ErrorReport> {
            if shard::find_name(oid)?.is_none() {
                return Err(Error::Vanished { table: name_before }.into());
            }
            template::require_owner(oid)?;
            let template = Template::inspect(oid)?;
            let column = template::key_column(&template, &key)?;
            Ok((template, column))
        })?;
    if !strategy.accepts(key_type) {
        return Err(Error::KeyType {
            found: type_name(key_type),
            table: Some(template.name),
            expected: strategy.types().into(),
        }
        .into());
    }
    template.require_empty()?;

    let entry = Entry {
        entity: name(entity, "entity", || names::entity(&template.relname))?,
        owner_name: name(owner_name, "owner", || names::owner(&key))?,
        prefix: template.relname.clone(),
    };
    let shards: Vec<String> =
        (0..count as usize).map(|number| names::shard(&entry.prefix, number)).collect();
    if let Some(long) = shards.iter().find(|name| name.len() > MAX_NAME) {
        return Err(Error::NameTooLong { name: long.clone() }.into());
    }

    let table = replace(&template, &key_sql, key_type, strategy, &shards)?;
    if key_nullable {
        notice!("column {key_sql} of table {} is now NOT NULL", template.name);
    }
    registry::register(table, &entry)?;
    functions::generate(table)?;
    Ok(table)
}

/// A name that was given, or else the regular one.
fn name(
    given: Option<&std::ffi::CStr>,
    what: &'static str,
    regular: impl FnOnce() -> String,
) -> Result<String, Error> {
    match given.map(|name| name.to_string_lossy().into_owned()) {
        Some(name) if name.is_empty() => Err(Error::EmptyName { what }),
        Some(name) => Ok(name),
        None => Ok(regular()),
    }
}

/// Puts a partitioned table with the shards in the template's place and returns its OID.
fn replace(
    template: &Template,
    key: &str,
    key_type: pg_sys::Oid,
    strategy: Strategy,
    shards: &[String],
) -> Result<pg_sys::Oid, ErrorReport> {
    // Whatever names the template is read before it goes.
    let (indexes, rest, settings, serials, identities) =
        with_catalogs(|| -> Result<_, ErrorReport> {
            Ok((
                template.indexes(key)?,
                template.rest()?,
                template.settings()?,
                template.serial_sequences()?,
                template.identity_sequences()?,
            ))
        })?;

    let operator_class = match (strategy, key_type) {
        (Strategy::Hash, _) => "",
        (Strategy::Modulo, pg_sys::INT2OID) => " shard_router.int2_modulo_ops",
        (Strategy::Modulo, pg_sys::INT4OID) => " shard_router.int4_modulo_ops",
        (Strategy::Modulo, _) => " shard_router.int8_modulo_ops",
    };
    // The OID makes the name this session's alone: it holds the template's lock.
    let interim = qualify(&template.schema, &format!("shard_router_{}", template.oid.to_u32()));
    run(&format!(
        "CREATE TABLE {interim} (LIKE {} INCLUDING ALL EXCLUDING INDEXES EXCLUDING STATISTICS) PARTITION BY HASH ({key}{operator_class})",
        template.name
    ))?;
    run(&format!("ALTER TABLE {interim} ALTER COLUMN {key} SET NOT NULL"))?;
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
    run(&format!("DROP TABLE {}", template.name))?;
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

    // Before the shards, which so get their indexes as partitions do.
    for (widened, statement) in indexes {
        if let Some(index) = widened {
            notice!(
                "{index} now includes the shard key {key}: it is unique within a shard only as far as the key is part of it"
            );
        }
        run(&statement)?;
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
