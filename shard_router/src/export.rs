//! `shard_router.export_config`, and the engines that a table can be handed to.

use crate::config::{self, Layout, Place};
use crate::error::Error;
use crate::key::{Rule, Strategy};
use crate::session::with_catalogs;
use crate::shard::Table;
use crate::{names, template};
use pg_ext_core::spi;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// The configuration of another router for the table's layout. The SQL declaration pins `search_path`.
#[pg_extern(sql = false)]
fn export_config(tbl: Option<pg_sys::Oid>, format: Option<&str>) -> Result<String, ErrorReport> {
    let oid = tbl.ok_or(Error::NullArgument { argument: "tbl" })?;
    let format = format.ok_or(Error::NullArgument { argument: "format" })?;
    template::require_owner(oid)?;
    let table = Table::load(oid)?;
    match format {
        "pgdog" => {
            let data_type = pgdog_type(&table)?;
            Ok(config::pgdog(&layout(&table)?, data_type))
        }
        "shardingsphere" => shardingsphere(&table),
        other => Err(Error::UnknownFormat { given: other.to_owned() }.into()),
    }
}

fn refused(table: &Table, what: String, hint: &str) -> ErrorReport {
    Error::NotExportable { table: table.name.clone(), what, hint: hint.to_owned() }.into()
}

/// What PgDog calls the type of the key, which it must hash as the server does.
fn pgdog_type(table: &Table) -> Result<&'static str, ErrorReport> {
    let no = |what: &str, hint: &str| refused(table, what.to_owned(), hint);
    let [key] = table.key.as_slice() else {
        return Err(no("PgDog takes one key column", "Shard by one column."));
    };
    if key.rule != Rule::Strategy(Strategy::Hash) {
        return Err(no(
            "PgDog knows the strategy hash only",
            "The format shardingsphere is for the strategy modulo.",
        ));
    }
    match key.type_oid {
        pg_sys::INT2OID | pg_sys::INT4OID | pg_sys::INT8OID => Ok("bigint"),
        pg_sys::TEXTOID | pg_sys::VARCHAROID => Ok("varchar"),
        pg_sys::UUIDOID => Ok("uuid"),
        _ => Err(no(
            "PgDog hashes no keys of its type",
            "Keys for PgDog are integers, text, varchar or uuid.",
        )),
    }
}

fn shardingsphere(table: &Table) -> Result<String, ErrorReport> {
    let [key] = table.key.as_slice() else {
        return Err(refused(
            table,
            "its key has several columns".into(),
            "Shard by one integer column with the strategy modulo.",
        ));
    };
    if key.rule != Rule::Strategy(Strategy::Modulo) {
        return Err(refused(
            table,
            "ShardingSphere does not know PostgreSQL's hash".into(),
            "The strategy modulo is what both compute alike.",
        ));
    }
    let layout = layout(table)?;
    let prefix = table.prefix();
    for (remainder, place) in layout.places.iter().enumerate() {
        if place.relation != names::shard(prefix, remainder) {
            return Err(refused(
                table,
                format!("shard {remainder} is named {}", place.relation),
                "Its rule computes names: rename the shards to <prefix>_<remainder>.",
            ));
        }
    }
    if !is_plain(prefix) || !is_plain(&layout.column) {
        return Err(refused(
            table,
            "a name has other characters than letters, digits and underscores".into(),
            "Names are part of an expression there.",
        ));
    }
    Ok(config::shardingsphere(&layout, prefix))
}

fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The table's shards in order, and where they are.
fn layout(table: &Table) -> Result<Layout, ErrorReport> {
    let shards = with_catalogs(|| {
        spi::select(
            "SELECT b.bound[1]::int, b.bound[2]::int, v.srvname::text,
                    coalesce((SELECT o.option_value FROM pg_options_to_table(v.srvoptions) AS o WHERE o.option_name IN ('host', 'hostaddr') LIMIT 1), 'localhost'),
                    coalesce((SELECT o.option_value FROM pg_options_to_table(v.srvoptions) AS o WHERE o.option_name = 'port' AND o.option_value ~ '^\\d+$'),
                             CASE WHEN v.oid IS NULL THEN current_setting('port') ELSE '5432' END),
                    coalesce((SELECT o.option_value FROM pg_options_to_table(v.srvoptions) AS o WHERE o.option_name = 'dbname'), current_database()::text),
                    coalesce((SELECT o.option_value FROM pg_options_to_table(f.ftoptions) AS o WHERE o.option_name = 'table_name'), c.relname::text)
               FROM pg_inherits AS i
               JOIN pg_class AS c ON c.oid = i.inhrelid
               LEFT JOIN pg_foreign_table AS f ON f.ftrelid = c.oid
               LEFT JOIN pg_foreign_server AS v ON v.oid = f.ftserver
              CROSS JOIN LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), 'modulus (\\d+), remainder (\\d+)') AS b(bound)
              WHERE i.inhparent = $1 AND NOT i.inhdetachpending ORDER BY 2, 1",
            &[table.oid.into()],
            |row| {
                let place = Place {
                    node: row.get(3)?,
                    host: row.get(4)?.unwrap_or_default(),
                    port: row.get(5)?.unwrap_or_default(),
                    database: row.get(6)?.unwrap_or_default(),
                    relation: row.get(7)?.unwrap_or_default(),
                };
                Ok((
                    row.get::<i32>(1)?.unwrap_or_default(),
                    row.get::<i32>(2)?.unwrap_or_default(),
                    place,
                ))
            },
        )
    })?;
    let count = i32::try_from(shards.len()).unwrap_or(i32::MAX);
    if shards.iter().any(|(modulus, ..)| *modulus != count) || shards.is_empty() {
        return Err(refused(
            table,
            "its shards are not all of one modulus, or one is missing".into(),
            "Finish the split, or attach the missing shard.",
        ));
    }
    let names = with_catalogs(|| {
        spi::select_first(
            "SELECT current_database()::text, n.nspname::text, c.relname::text, session_user::text
               FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = $1",
            &[table.oid.into()],
            |row| {
                Ok([
                    row.get::<String>(1)?.unwrap_or_default(),
                    row.get::<String>(2)?.unwrap_or_default(),
                    row.get::<String>(3)?.unwrap_or_default(),
                    row.get::<String>(4)?.unwrap_or_default(),
                ])
            },
        )
    })?;
    let Some([database, schema, relname, user]) = names else {
        return Err(Error::NoSuchTable { oid: table.oid.to_u32() }.into());
    };
    Ok(Layout {
        database,
        schema,
        table: relname,
        column: table.key_names().next().unwrap_or_default().to_owned(),
        user,
        places: shards.into_iter().map(|(_, _, place)| place).collect(),
    })
}

/// `shard_router.distribute`
#[pg_extern(sql = false)]
fn distribute(tbl: Option<pg_sys::Oid>, engine: Option<&str>) -> Result<(), ErrorReport> {
    let oid = tbl.ok_or(Error::NullArgument { argument: "tbl" })?;
    let engine = engine.ok_or(Error::NullArgument { argument: "engine" })?;
    template::require_owner(oid)?;
    let table = Table::load(oid)?;
    Err(Error::NoEngine { table: table.name, engine: engine.to_owned() }.into())
}

/// `shard_router.undistribute`
#[pg_extern(sql = false)]
fn undistribute(tbl: Option<pg_sys::Oid>) -> Result<(), ErrorReport> {
    let oid = tbl.ok_or(Error::NullArgument { argument: "tbl" })?;
    template::require_owner(oid)?;
    let table = Table::load(oid)?;
    Err(Error::NotDistributed { table: table.name }.into())
}
