//! What a shard is made of, as far as a table that takes its place has to have it.
//!
//! Everything here runs with `search_path` pinned, so the server prints names with their schemas.

use super::Problem;
use crate::bounds::Bound;
use crate::error::Error;
use crate::session::qualify;
use pg_ext_core::spi;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;

/// A shard of a table.
pub struct ShardInfo {
    pub oid: pg_sys::Oid,
    pub schema: String,
    pub relname: String,
    /// Schema-qualified and quoted.
    pub name: String,
    pub bound: Bound,
    /// The table's columns that can be written, quoted: all but the generated ones.
    pub columns: Vec<String>,
    /// The columns of the partition key, quoted.
    pub shard_key: Vec<String>,
    /// The partitioned table, schema-qualified and quoted.
    pub table: String,
    pub table_oid: pg_sys::Oid,
    pub is_foreign: bool,
    prefix_words: String,
    suffix: String,
}

/// A column by which rows are found.
pub struct KeyColumn {
    /// Quoted.
    pub name: String,
    /// `OPERATOR(..)`
    pub equals: String,
    /// Its type as SQL text.
    pub type_name: String,
}

/// The table's owner, whose rights the work on its shards needs.
pub fn owner_of(table: pg_sys::Oid) -> Result<pg_sys::Oid, ErrorReport> {
    spi::select_first(
        "SELECT relowner FROM pg_catalog.pg_class WHERE oid OPERATOR(pg_catalog.=) $1",
        &[table.into()],
        |row| row.get::<pg_sys::Oid>(1),
    )?
    .flatten()
    .ok_or_else(|| Error::NoSuchTable { oid: table.to_u32() }.into())
}

/// The partitions of a table, those with the largest modulus first: splitting in that order keeps each modulus a factor of the
/// next larger one.
pub fn partitions(table: pg_sys::Oid) -> Result<Vec<(pg_sys::Oid, Bound)>, ErrorReport> {
    let found = spi::select(
        "SELECT c.oid, pg_catalog.pg_get_expr(c.relpartbound, c.oid)
           FROM pg_catalog.pg_inherits AS i JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) i.inhrelid
          WHERE i.inhparent OPERATOR(pg_catalog.=) $1 AND c.relispartition AND NOT i.inhdetachpending",
        &[table.into()],
        |row| {
            Ok((
                row.get::<pg_sys::Oid>(1)?.unwrap_or(pg_sys::InvalidOid),
                row.get::<String>(2)?.unwrap_or_default(),
            ))
        },
    )?;
    let mut partitions = found
        .into_iter()
        .map(|(oid, bound)| {
            let bound = Bound::parse(&bound)
                .ok_or_else(|| Error::Internal { what: format!("the bound {bound}") })?;
            Ok((oid, bound))
        })
        .collect::<Result<Vec<_>, Error>>()?;
    partitions.sort_by_key(|(_, bound)| (std::cmp::Reverse(bound.modulus), bound.remainder));
    Ok(partitions)
}

impl ShardInfo {
    /// None if it is no shard of the table (any more).
    pub fn find(table: pg_sys::Oid, shard: pg_sys::Oid) -> Result<Option<Self>, ErrorReport> {
        let found = spi::select_first(
            "SELECT n.nspname::text, c.relname::text, pg_get_expr(c.relpartbound, c.oid), p.oid::regclass::text, c.relowner,
                    c.relkind::text,
                    CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED ' ELSE '' END,
                    coalesce(' USING ' || quote_ident(am.amname), '')
                    || coalesce(' WITH (' || (
                           SELECT string_agg(x.kind || quote_ident(o.option_name) || '=' || quote_literal(o.option_value), ', ')
                             FROM (SELECT '' AS kind, c.reloptions
                                   UNION ALL SELECT 'toast.', t.reloptions FROM pg_class AS t WHERE t.oid = c.reltoastrelid) AS x
                            CROSS JOIN LATERAL pg_options_to_table(x.reloptions) AS o) || ')', '')
                    || coalesce(' TABLESPACE ' || quote_ident(s.spcname), ''),
                    ARRAY(SELECT quote_ident(a.attname) FROM pg_attribute AS a
                           WHERE a.attrelid = p.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
                           ORDER BY a.attnum),
                    ARRAY(SELECT quote_ident(a.attname)
                            FROM unnest(k.partattrs::int2[]) WITH ORDINALITY AS u (attnum, place)
                            JOIN pg_attribute AS a ON a.attrelid = p.oid AND a.attnum = u.attnum ORDER BY u.place)
               FROM pg_inherits AS i
               JOIN pg_class AS c ON c.oid = i.inhrelid
               JOIN pg_class AS p ON p.oid = i.inhparent
               JOIN pg_partitioned_table AS k ON k.partrelid = p.oid
               JOIN pg_namespace AS n ON n.oid = c.relnamespace
               LEFT JOIN pg_tablespace AS s ON s.oid = c.reltablespace
               LEFT JOIN pg_am AS am ON am.oid = c.relam
              WHERE i.inhparent = $1 AND i.inhrelid = $2 AND c.relispartition AND NOT i.inhdetachpending",
            &[table.into(), shard.into()],
            |row| {
                let schema = row.get::<String>(1)?.unwrap_or_default();
                let relname = row.get::<String>(2)?.unwrap_or_default();
                Ok((
                    row.get::<String>(3)?.unwrap_or_default(),
                    row.get::<String>(6)?.unwrap_or_default(),
                    Self {
                        oid: shard,
                        name: qualify(&schema, &relname),
                        schema,
                        relname,
                        bound: Bound { modulus: 1, remainder: 0 },
                        table: row.get(4)?.unwrap_or_default(),
                        table_oid: table,
                        is_foreign: false,
                        prefix_words: row.get(7)?.unwrap_or_default(),
                        suffix: row.get(8)?.unwrap_or_default(),
                        columns: row.get(9)?.unwrap_or_default(),
                        shard_key: row.get(10)?.unwrap_or_default(),
                    },
                ))
            },
        )?;
        let Some((bound, kind, mut info)) = found else { return Ok(None) };
        info.bound = Bound::parse(&bound).ok_or_else(|| Error::Internal {
            what: format!("the bound {bound} of {}", info.name),
        })?;
        info.is_foreign = kind == "f";
        if kind == "p" {
            return Err(Problem::Unsupported {
                shard: info.name,
                what: "it is partitioned itself".into(),
                hint: "Only plain tables are split and moved.".into(),
            }
            .into());
        }
        Ok(Some(info))
    }

    /// Refuses what a table in its place would lack.
    pub fn refuse_what_would_be_lost(&self) -> Result<(), ErrorReport> {
        let obstacle = spi::select_first(
            "SELECT format('foreign key %I of table %s points at %s', k.conname, k.conrelid::regclass, k.confrelid::regclass),
                    'Drop that constraint first.'
               FROM pg_constraint AS k WHERE k.confrelid IN ($1, $2) AND k.contype = 'f'
             UNION ALL
             SELECT 'it has trigger ' || quote_ident(g.tgname) || ' of its own', 'Make the trigger on the table, or drop it.'
               FROM pg_trigger AS g WHERE g.tgrelid = $2 AND NOT g.tgisinternal AND g.tgparentid = 0
                AND g.tgname NOT IN ('shard_router_capture', 'shard_router_no_truncate', 'shard_router_node')
             UNION ALL
             SELECT 'it has rule ' || quote_ident(r.rulename), 'Drop the rule.' FROM pg_rewrite AS r WHERE r.ev_class = $2
             UNION ALL
             SELECT 'it has row security of its own', 'Keep row security on the table, and drop the shard''s.'
               FROM pg_class AS c WHERE c.oid = $2
                AND (c.relrowsecurity OR EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid))
             UNION ALL
             SELECT 'its replica identity is an index', 'Use REPLICA IDENTITY DEFAULT or FULL.'
               FROM pg_class AS c WHERE c.oid = $2 AND c.relreplident = 'i'
             UNION ALL
             SELECT 'it is in publication ' || quote_ident(p.pubname), 'Publish the table instead of its shards.'
               FROM pg_publication_rel AS r JOIN pg_publication AS p ON p.oid = r.prpubid WHERE r.prrelid = $2
             UNION ALL
             SELECT 'its partition key has expressions', 'Only columns can be a shard key.'
               FROM pg_partitioned_table AS k WHERE k.partrelid = $1 AND 0 = ANY (k.partattrs::int2[])
             UNION ALL
             SELECT pg_describe_object(d.classid, d.objid, d.objsubid) || ' depends on it', 'Drop it, or make it depend on the table.'
               FROM pg_depend AS d
              WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $2 AND d.deptype = 'n'
                AND d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass, 'pg_policy'::regclass)
             LIMIT 1",
            &[self.table_oid.into(), self.oid.into()],
            |row| Ok(row.get::<String>(1)?.zip(row.get::<String>(2)?)),
        )?;
        match obstacle.flatten() {
            Some((what, hint)) => {
                Err(Problem::Unsupported { shard: self.name.clone(), what, hint }.into())
            }
            None => Ok(()),
        }
    }

    /// The condition that holds for rows of a bound. With the table by name, so that a dump can be restored, it comes out
    /// as the very expression by which the server checks a partition: ATTACH then looks at no row.
    pub fn condition(&self, bound: Bound, alias: &str) -> String {
        let keys: Vec<_> = self.shard_key.iter().map(|key| format!("{alias}{key}")).collect();
        format!(
            "pg_catalog.satisfies_hash_partition({}::pg_catalog.regclass::pg_catalog.oid, {}, {}, {})",
            crate::session::literal(&self.table),
            bound.modulus,
            bound.remainder,
            keys.join(", ")
        )
    }

    /// The statement that makes an empty table like it, for rows of `bound`.
    #[must_use]
    pub fn create_target(&self, target: &str, bound: Bound) -> String {
        format!(
            "CREATE {}TABLE {target} (LIKE {} INCLUDING ALL EXCLUDING IDENTITY, CONSTRAINT shard_router_bound CHECK ({})){}",
            self.prefix_words,
            self.name,
            self.condition(bound, ""),
            self.suffix
        )
    }

    /// Statements that give a target what `LIKE` leaves out and the table does not bring along.
    pub fn settings(&self, target: &str) -> Result<Vec<String>, ErrorReport> {
        spi::select(
            "WITH c AS (SELECT * FROM pg_class WHERE oid = $1), s (o, s) AS (
             SELECT 1, format('REVOKE ALL ON TABLE %s FROM %s', $2, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
               FROM pg_class AS t CROSS JOIN LATERAL aclexplode(t.relacl) AS a WHERE t.oid = $2::regclass AND a.grantee <> t.relowner
             UNION ALL
             SELECT 2, format('GRANT %s ON TABLE %s TO %s%s', a.privilege_type, $2,
                       CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END,
                       CASE WHEN a.is_grantable AND a.grantee <> 0 THEN ' WITH GRANT OPTION' ELSE '' END)
               FROM c CROSS JOIN LATERAL aclexplode(c.relacl) AS a
             UNION ALL
             SELECT 2, format('GRANT %s (%I) ON TABLE %s TO %s%s', a.privilege_type, t.attname, $2,
                       CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END,
                       CASE WHEN a.is_grantable AND a.grantee <> 0 THEN ' WITH GRANT OPTION' ELSE '' END)
               FROM pg_attribute AS t CROSS JOIN LATERAL aclexplode(t.attacl) AS a
              WHERE t.attrelid = $1 AND t.attnum > 0 AND NOT t.attisdropped
             UNION ALL
             SELECT 3, format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS %s', $2, a.attname, a.attstattarget)
               FROM pg_attribute AS a WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND a.attstattarget >= 0
             UNION ALL
             SELECT 3, format('ALTER TABLE %s ALTER COLUMN %I SET (%I=%L)', $2, a.attname, o.option_name, o.option_value)
               FROM pg_attribute AS a CROSS JOIN LATERAL pg_options_to_table(a.attoptions) AS o
              WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND o.option_name IN ('n_distinct', 'n_distinct_inherited')
             UNION ALL
             SELECT 3, format('ALTER TABLE %s REPLICA IDENTITY %s', $2, CASE c.relreplident WHEN 'f' THEN 'FULL' ELSE 'NOTHING' END)
               FROM c WHERE c.relreplident IN ('f', 'n')
             UNION ALL
             SELECT 4, format('COMMENT ON TABLE %s IS %L', $2, d.description)
               FROM pg_description AS d WHERE d.classoid = 'pg_class'::regclass AND d.objoid = $1 AND d.objsubid = 0)
             SELECT s FROM s ORDER BY o",
            &[self.oid.into(), target.into()],
            |row| Ok(row.get::<String>(1)?.unwrap_or_default()),
        )
    }
}

/// The columns by which its rows are found: of the primary key, else of a unique index of NOT NULL columns; 55000
/// without one.
pub fn key_of(relation: pg_sys::Oid, name: &str) -> Result<Vec<KeyColumn>, ErrorReport> {
    let key = spi::select(
            "SELECT quote_ident(a.attname), format('OPERATOR(%I.%s)', n.nspname, o.oprname), format_type(a.atttypid, a.atttypmod)
               FROM (SELECT i.* FROM pg_index AS i
                      WHERE i.indrelid = $1 AND i.indisunique AND i.indimmediate AND i.indisvalid
                        AND i.indpred IS NULL AND i.indexprs IS NULL
                        AND NOT EXISTS (SELECT FROM pg_attribute AS a
                                         WHERE a.attrelid = $1 AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]) AND NOT a.attnotnull)
                      ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1) AS i
              CROSS JOIN LATERAL generate_series(0, i.indnkeyatts - 1) AS place
               JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[place]
               JOIN pg_opclass AS c ON c.oid = i.indclass[place]
               JOIN pg_amop AS m ON m.amopfamily = c.opcfamily AND m.amoplefttype = c.opcintype
                                AND m.amoprighttype = c.opcintype AND m.amopstrategy = 3
               JOIN pg_operator AS o ON o.oid = m.amopopr
               JOIN pg_namespace AS n ON n.oid = o.oprnamespace
              ORDER BY place",
            &[relation.into()],
            |row| {
                Ok(KeyColumn {
                    name: row.get(1)?.unwrap_or_default(),
                    equals: row.get(2)?.unwrap_or_default(),
                    type_name: row.get(3)?.unwrap_or_default(),
                })
            },
        )?;
    if key.is_empty() {
        return Err(Problem::NoKey { shard: name.to_owned() }.into());
    }
    Ok(key)
}

/// Why a target no longer has what the shard has, if so: somebody has altered the table meanwhile.
pub fn difference(shard: pg_sys::Oid, target: pg_sys::Oid) -> Result<Option<String>, ErrorReport> {
    Ok(spi::select_first(
        "WITH a AS (SELECT attname, atttypid, atttypmod, attcollation, attnotnull, attgenerated, attrelid
                      FROM pg_attribute WHERE attrelid IN ($1, $2) AND attnum > 0 AND NOT attisdropped)
         SELECT format('column %I', (array_agg(attname))[1]) AS what
           FROM a GROUP BY attname, atttypid, atttypmod, attcollation, attnotnull, attgenerated
         HAVING count(*) <> 2
         UNION ALL
         SELECT 'an index' FROM pg_class AS c
          WHERE c.oid = $2 AND c.relkind = 'r' AND EXISTS (SELECT FROM pg_class AS s WHERE s.oid = $1 AND s.relkind = 'r')
            AND (SELECT count(*) FROM pg_index WHERE indrelid = $1) <> (SELECT count(*) FROM pg_index WHERE indrelid = $2)
         UNION ALL
         SELECT 'constraint ' || quote_ident(k.conname) FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = $2 AND c.relkind = 'r'
          WHERE k.conrelid = $1 AND k.contype = 'c'
            AND NOT EXISTS (SELECT FROM pg_constraint AS t WHERE t.conrelid = $2 AND t.contype = 'c' AND t.conname = k.conname)
         LIMIT 1",
        &[shard.into(), target.into()],
        |row| row.get::<String>(1),
    )?
    .flatten())
}
