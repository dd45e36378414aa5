//! The tables that a moved shard is made of: one on the node and the foreign table that stands for it, or a plain one for a
//! shard that comes back.

use super::remote::Remote;
use crate::bounds::Bound;
use crate::operation::Problem;
use crate::session::{literal, qualify, quote, with_catalogs};
use pg_ext_core::spi;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;

/// The comment of a table on a node that is being filled. One that is left of a move that was undone or lost is known by it.
const MARK: &str = "shard_router: being filled";

/// The node that holds a foreign table, and the table's schema and name there.
pub fn place(relation: pg_sys::Oid) -> Result<Option<(String, String, String)>, ErrorReport> {
    spi::select_first(
        "SELECT s.srvname::pg_catalog.text,
                coalesce((SELECT o.option_value FROM pg_catalog.pg_options_to_table(f.ftoptions) AS o
                           WHERE o.option_name OPERATOR(pg_catalog.=) 'schema_name'), n.nspname::pg_catalog.text),
                coalesce((SELECT o.option_value FROM pg_catalog.pg_options_to_table(f.ftoptions) AS o
                           WHERE o.option_name OPERATOR(pg_catalog.=) 'table_name'), c.relname::pg_catalog.text)
           FROM pg_catalog.pg_foreign_table AS f
           JOIN pg_catalog.pg_foreign_server AS s ON s.oid OPERATOR(pg_catalog.=) f.ftserver
           JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) f.ftrelid
           JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
          WHERE f.ftrelid OPERATOR(pg_catalog.=) $1",
        &[relation.into()],
        |row| {
            Ok((
                row.get::<String>(1)?.unwrap_or_default(),
                row.get::<String>(2)?.unwrap_or_default(),
                row.get::<String>(3)?.unwrap_or_default(),
            ))
        },
    )
}

/// The columns of the table as CREATE TABLE takes them, with what each row has to fulfil, and without defaults: those are given
/// here, where the sequences are.
fn columns(table: pg_sys::Oid, defaults: bool) -> Result<Vec<String>, ErrorReport> {
    with_catalogs(|| {
        spi::select(
            "SELECT format('%I %s%s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
                           CASE WHEN a.attcollation <> t.typcollation THEN ' COLLATE ' || a.attcollation::regcollation ELSE '' END,
                           CASE WHEN a.attgenerated = 's' THEN format(' GENERATED ALWAYS AS (%s) STORED', pg_get_expr(d.adbin, d.adrelid))
                                WHEN a.attgenerated = 'v' THEN format(' GENERATED ALWAYS AS (%s) VIRTUAL', pg_get_expr(d.adbin, d.adrelid))
                                WHEN $2 AND d.oid IS NOT NULL THEN ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid) ELSE '' END,
                           CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END)
               FROM pg_attribute AS a
               JOIN pg_type AS t ON t.oid = a.atttypid
               LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
              WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            &[table.into(), defaults.into()],
            |row| Ok(row.get::<String>(1)?.unwrap_or_default()),
        )
    })
}

fn checks(table: pg_sys::Oid) -> Result<Vec<String>, ErrorReport> {
    with_catalogs(|| {
        spi::select(
            "SELECT format('CONSTRAINT %I %s', k.conname, regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', ''))
               FROM pg_constraint AS k WHERE k.conrelid = $1 AND k.contype = 'c' ORDER BY k.conname",
            &[table.into()],
            |row| Ok(row.get::<String>(1)?.unwrap_or_default()),
        )
    })
}

/// Statements that give `target` the table's indexes and the keys that it has left to its shards.
pub fn indexes(table: pg_sys::Oid, target: &str) -> Result<Vec<String>, ErrorReport> {
    with_catalogs(|| {
        spi::select(
            "SELECT CASE WHEN k.is_constraint THEN format('ALTER TABLE %s ADD %s', $2, k.definition)
                         ELSE format('CREATE UNIQUE INDEX ON %s %s', $2, k.definition) END
               FROM shard_router.local_keys AS k WHERE k.tbl::oid = $1
             UNION ALL
             SELECT format('CREATE INDEX ON %s %s', $2,
                           substr(d.def, strpos(d.def, ' ON ONLY ' || i.indrelid::regclass::text || ' USING ')
                                         + length(' ON ONLY ' || i.indrelid::regclass::text || ' ')))
               FROM pg_index AS i CROSS JOIN LATERAL pg_get_indexdef(i.indexrelid) AS d (def)
              WHERE i.indrelid = $1 AND NOT i.indisunique",
            &[table.into(), target.into()],
            |row| Ok(row.get::<String>(1)?.unwrap_or_default()),
        )
    })
}

/// Makes the empty table on the node, with the shard's bound as a constraint: no row can be there that belongs elsewhere.
pub fn create_on_node(
    remote: &Remote,
    table: pg_sys::Oid,
    schema: &str,
    relname: &str,
    bound: Bound,
    shard_key: &str,
    is_modulo: bool,
) -> Result<(), ErrorReport> {
    let target = qualify(schema, relname);
    let mark = literal(MARK);
    let name = literal(&target);
    if remote.ask(&format!(
        "SELECT pg_catalog.to_regclass({name}) IS NOT NULL
            AND pg_catalog.obj_description(pg_catalog.to_regclass({name}), 'pg_class') IS DISTINCT FROM {mark}"
    ))? {
        return Err(Problem::NameTaken { relation: target }.into());
    }
    let rule = if is_modulo {
        format!("{shard_key} OPERATOR(pg_catalog.%) {}", bound.modulus)
    } else {
        if !remote.ask(
            "SELECT pg_catalog.to_regprocedure('shard_router.hash_key(anyelement,integer)') IS NOT NULL",
        )? {
            return Err(Problem::NoExtension {
                extension: "shard_router".into(),
                place: " on the node".into(),
            }
            .into());
        }
        format!("shard_router.hash_key({shard_key}, {})", bound.modulus)
    };
    let mut parts = columns(table, false)?;
    parts.extend(checks(table)?);
    parts.push(format!(
        "CONSTRAINT shard_router_bound CHECK ({rule} OPERATOR(pg_catalog.=) {})",
        bound.remainder
    ));
    let mut statements = vec![
        "SET client_min_messages = warning".to_owned(),
        "SET search_path = pg_catalog, pg_temp".to_owned(),
        format!("CREATE SCHEMA IF NOT EXISTS {}", quote(schema)),
        format!("DROP TABLE IF EXISTS {target}"),
        format!("CREATE TABLE {target} ({})", parts.join(", ")),
        format!("COMMENT ON TABLE {target} IS {mark}"),
    ];
    statements.extend(indexes(table, &target)?);
    remote.execute(&statements.join("; "))
}

/// The statement that makes the foreign table for it.
pub fn create_foreign(
    table: pg_sys::Oid,
    foreign: &str,
    node: &str,
    schema: &str,
    relname: &str,
) -> Result<String, ErrorReport> {
    let mut parts = columns(table, true)?;
    parts.extend(checks(table)?);
    Ok(format!(
        "CREATE FOREIGN TABLE {foreign} ({}) SERVER {} OPTIONS (schema_name {}, table_name {})",
        parts.join(", "),
        quote(node),
        literal(schema),
        literal(relname)
    ))
}

/// Drops the table on the node if it is one that is being filled, or if `whatever`.
pub fn drop_on_node(
    remote: &Remote,
    schema: &str,
    relname: &str,
    whatever: bool,
) -> Result<(), ErrorReport> {
    let target = qualify(schema, relname);
    let name = literal(&target);
    if whatever
        || remote.ask(&format!(
            "SELECT coalesce(pg_catalog.obj_description(pg_catalog.to_regclass({name}), 'pg_class') OPERATOR(pg_catalog.=) {}, false)",
            literal(MARK)
        ))?
    {
        remote.execute(&format!("DROP TABLE IF EXISTS {target}"))?;
    }
    Ok(())
}

/// The table on the node is a shard now.
pub fn unmark(remote: &Remote, schema: &str, relname: &str) -> Result<(), ErrorReport> {
    remote.execute(&format!("COMMENT ON TABLE {} IS NULL", qualify(schema, relname)))
}
