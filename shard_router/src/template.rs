//! Reads a table's definition, as statements that give another table of the same name what `LIKE` leaves out, and says what
//! would be lost.
//!
//! Everything here runs with `search_path` pinned, so the server prints names with their schemas.

use crate::error::Error;
use crate::names::widen;
use crate::session::{qualify, quote};
use pg_ext_core::spi;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;

/// A table about to be sharded.
pub struct Template {
    pub oid: pg_sys::Oid,
    pub schema: String,
    pub relname: String,
    /// Schema-qualified and quoted.
    pub name: String,
    pub owner: String,
    /// `WITH (..)` of its storage parameters and `TABLESPACE`, both for the shards, which are what is stored.
    pub storage: String,
    pub access_method: String,
}

/// The state of an identity column's sequence.
pub struct IdentitySequence {
    /// The column, quoted.
    pub column: String,
    /// Its own name, quoted, without a schema.
    pub name: String,
    pub last_value: i64,
    pub is_called: bool,
    /// Each right, and whom it is granted to, as SQL text.
    pub grants: Vec<(String, String)>,
}

/// An index of the table.
pub struct Index {
    /// Its own name, quoted, without a schema.
    pub name: String,
    /// What makes it anew, on a table of the same name.
    pub statement: String,
    /// It belongs to a constraint of the same name.
    pub constraint: bool,
    /// The columns of the shard key that it lacked, as SQL text.
    pub added: Option<String>,
}

/// The relation's name; 42501 unless the current user owns it, 42P01 if there is none.
pub fn require_owner(oid: pg_sys::Oid) -> Result<String, ErrorReport> {
    let name = crate::shard::relation_name(oid)?;
    let owns = spi::select_first(
        "SELECT pg_catalog.pg_has_role(c.relowner, 'USAGE') FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) $1",
        &[oid.into()],
        |row| row.get::<bool>(1),
    )?
    .flatten()
    .unwrap_or_default();
    if owns { Ok(name) } else { Err(Error::NotOwner { table: name }.into()) }
}

impl Template {
    /// Looks at the table, which the caller has locked, and refuses what cannot be sharded.
    pub fn inspect(oid: pg_sys::Oid) -> Result<Self, ErrorReport> {
        let found = spi::select_first(
            "SELECT n.nspname::text, c.relname::text, r.rolname::text, c.relkind::text,
                    coalesce(' WITH (' || (SELECT string_agg(quote_ident(o.option_name) || '=' || quote_literal(o.option_value), ', ')
                                             FROM pg_options_to_table(c.reloptions) AS o) || ')', '')
                    || coalesce(' TABLESPACE ' || quote_ident(s.spcname), ''),
                    am.amname::text
               FROM pg_class AS c
               JOIN pg_namespace AS n ON n.oid = c.relnamespace
               JOIN pg_roles AS r ON r.oid = c.relowner
               LEFT JOIN pg_tablespace AS s ON s.oid = c.reltablespace
               LEFT JOIN pg_am AS am ON am.oid = c.relam
              WHERE c.oid = $1",
            &[oid.into()],
            |row| {
                Ok((
                    Self {
                        oid,
                        schema: row.get(1)?.unwrap_or_default(),
                        relname: row.get(2)?.unwrap_or_default(),
                        name: String::new(),
                        owner: row.get(3)?.unwrap_or_default(),
                        storage: row.get(5)?.unwrap_or_default(),
                        access_method: row.get(6)?.unwrap_or_default(),
                    },
                    row.get::<String>(4)?.unwrap_or_default(),
                ))
            },
        )?;
        let Some((mut template, kind)) = found else {
            return Err(Error::NoSuchTable { oid: oid.to_u32() }.into());
        };
        template.name = qualify(&template.schema, &template.relname);
        if kind == "p" && crate::registry::find(oid)?.is_some() {
            return Err(Error::AlreadySharded { table: template.name }.into());
        }
        if kind != "r" && kind != "p" {
            return Err(Error::NotATable { table: template.name }.into());
        }
        template.refuse_what_would_be_lost()?;
        Ok(template)
    }

    fn refuse_what_would_be_lost(&self) -> Result<(), ErrorReport> {
        let obstacle = spi::select_first(
            "WITH t AS (SELECT * FROM pg_class WHERE oid = $1)
             SELECT 'it is partitioned already', 'Create a plain table and shard that.' FROM t WHERE relkind = 'p'
             UNION ALL
             SELECT 'it is temporary or unlogged', 'Use a permanent table.' FROM t WHERE relpersistence <> 'p'
             UNION ALL
             SELECT 'it is of type ' || reloftype::regtype, 'Use ALTER TABLE .. NOT OF first.' FROM t WHERE reloftype <> 0
             UNION ALL
             SELECT 'it takes part in inheritance with ' || CASE i.inhrelid WHEN $1 THEN i.inhparent ELSE i.inhrelid END::regclass,
                    'Use ALTER TABLE .. NO INHERIT first.'
               FROM pg_inherits AS i WHERE $1 IN (i.inhrelid, i.inhparent)
             UNION ALL
             SELECT 'it belongs to extension ' || e.extname, 'Shard a table of your own.'
               FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
              WHERE d.classid = 'pg_class'::regclass AND d.objid = $1 AND d.deptype = 'e'
             UNION ALL
             SELECT 'it has rule ' || quote_ident(r.rulename), 'Drop the rule; a trigger is carried over.'
               FROM pg_rewrite AS r WHERE r.ev_class = $1
             UNION ALL
             SELECT 'it is in publication ' || quote_ident(p.pubname), 'Take it out, and put the sharded table in afterwards.'
               FROM pg_publication_rel AS r JOIN pg_publication AS p ON p.oid = r.prpubid WHERE r.prrelid = $1
             UNION ALL
             SELECT format('foreign key %I of table %s points at it', k.conname, k.conrelid::regclass),
                    'Drop that constraint; a unique key of a sharded table includes the shard key.'
               FROM pg_constraint AS k WHERE k.confrelid = $1 AND k.contype = 'f'
             UNION ALL
             SELECT 'it has exclusion constraint ' || quote_ident(k.conname), 'Drop that constraint.'
               FROM pg_constraint AS k WHERE k.conrelid = $1 AND k.contype = 'x'
             UNION ALL
             SELECT format('check constraint %I is NO INHERIT', k.conname), 'Make it an ordinary check constraint.'
               FROM pg_constraint AS k WHERE k.conrelid = $1 AND k.contype = 'c' AND k.connoinherit
             UNION ALL
             SELECT 'its replica identity is an index', 'Use REPLICA IDENTITY DEFAULT or FULL.' FROM t WHERE relreplident = 'i'
             UNION ALL
             SELECT 'it has a security label of provider ' || l.provider, 'Remove the label, and set it on the sharded table.'
               FROM pg_seclabel AS l WHERE l.classoid = 'pg_class'::regclass AND l.objoid = $1
             UNION ALL
             SELECT pg_describe_object(d.classid, d.objid, d.objsubid) || ' depends on it',
                    'Drop it, and create it again on the sharded table.'
               FROM pg_depend AS d, t
              WHERE d.deptype = 'n'
                AND (d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid
                     OR d.refclassid = 'pg_type'::regclass
                        AND d.refobjid IN (t.reltype, (SELECT y.typarray FROM pg_type AS y WHERE y.oid = t.reltype)))
                AND NOT CASE d.classid
                        WHEN 'pg_class'::regclass THEN d.objid = t.oid
                             OR EXISTS (SELECT FROM pg_index AS x WHERE x.indexrelid = d.objid AND x.indrelid = t.oid)
                        WHEN 'pg_constraint'::regclass THEN EXISTS (SELECT FROM pg_constraint AS x WHERE x.oid = d.objid AND x.conrelid = t.oid)
                        WHEN 'pg_trigger'::regclass THEN EXISTS (SELECT FROM pg_trigger AS x WHERE x.oid = d.objid AND x.tgrelid = t.oid)
                        WHEN 'pg_policy'::regclass THEN EXISTS (SELECT FROM pg_policy AS x WHERE x.oid = d.objid AND x.polrelid = t.oid)
                        WHEN 'pg_attrdef'::regclass THEN EXISTS (SELECT FROM pg_attrdef AS x WHERE x.oid = d.objid AND x.adrelid = t.oid)
                        WHEN 'pg_statistic_ext'::regclass THEN EXISTS (SELECT FROM pg_statistic_ext AS x WHERE x.oid = d.objid AND x.stxrelid = t.oid)
                        ELSE false END
             LIMIT 1",
            &[self.oid.into()],
            |row| Ok(row.get::<String>(1)?.zip(row.get::<String>(2)?)),
        )?;
        match obstacle.flatten() {
            Some((what, hint)) => {
                Err(Error::Unsupported { table: self.name.clone(), what, hint }.into())
            }
            None => Ok(()),
        }
    }

    /// 55000 if the table has a row, whoever may see it. The caller holds a lock that keeps writers out.
    pub fn require_empty(&self) -> Result<(), ErrorReport> {
        // The latest snapshot: one of an older transaction would miss rows that were committed since. A scan of this kind
        // applies neither rights nor row security.
        // SAFETY: the relation exists and is locked; opened and closed in pairs, as are snapshot and scan.
        let filled = unsafe {
            let relation = pg_sys::relation_open(self.oid, pg_sys::NoLock as i32);
            let snapshot = pg_sys::RegisterSnapshot(pg_sys::GetLatestSnapshot());
            let scan = pg_sys::systable_beginscan(
                relation,
                pg_sys::InvalidOid,
                false,
                snapshot,
                0,
                std::ptr::null_mut(),
            );
            let filled = !pg_sys::systable_getnext(scan).is_null();
            pg_sys::systable_endscan(scan);
            pg_sys::UnregisterSnapshot(snapshot);
            pg_sys::relation_close(relation, pg_sys::NoLock as i32);
            filled
        };
        if filled { Err(Error::NotEmpty { table: self.name.clone() }.into()) } else { Ok(()) }
    }

    /// The serial sequences that the table owns, as `(sequence, column)`, both as SQL text.
    pub fn serial_sequences(&self) -> Result<Vec<(String, String)>, ErrorReport> {
        self.pairs(
            "SELECT d.objid::regclass::text, quote_ident(a.attname)
               FROM pg_depend AS d
               JOIN pg_class AS q ON q.oid = d.objid AND q.relkind = 'S'
               JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
              WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
                AND d.refobjid = $1 AND d.deptype = 'a'",
        )
    }

    /// The sequences of the identity columns: what brings the new table's own to where they stand.
    pub fn identity_sequences(&self) -> Result<Vec<IdentitySequence>, ErrorReport> {
        let sequences = self.pairs(
            "SELECT quote_ident(a.attname), d.objid::regclass::text
               FROM pg_depend AS d
               JOIN pg_class AS q ON q.oid = d.objid AND q.relkind = 'S'
               JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
              WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
                AND d.refobjid = $1 AND d.deptype = 'i'",
        )?;
        sequences
            .into_iter()
            .map(|(column, sequence)| {
                let (last_value, is_called, name) = spi::select_first(
                    &format!(
                        "SELECT q.last_value, q.is_called, quote_ident(c.relname)
                           FROM {sequence} AS q, pg_class AS c WHERE c.oid = $1::regclass"
                    ),
                    &[sequence.as_str().into()],
                    |row| {
                        Ok((
                            row.get::<i64>(1)?.unwrap_or_default(),
                            row.get::<bool>(2)?.unwrap_or_default(),
                            row.get::<String>(3)?.unwrap_or_default(),
                        ))
                    },
                )?
                .ok_or_else(|| Error::Internal { what: format!("the sequence {sequence}") })?;
                let grants = spi::select(
                    "SELECT a.privilege_type,
                            CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
                            || CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
                       FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a
                      WHERE c.oid = $1::regclass AND a.grantee <> c.relowner",
                    &[sequence.as_str().into()],
                    |row| {
                        Ok((
                            row.get::<String>(1)?.unwrap_or_default(),
                            row.get::<String>(2)?.unwrap_or_default(),
                        ))
                    },
                )?;
                Ok(IdentitySequence { column, name, last_value, is_called, grants })
            })
            .collect()
    }

    /// Primary key, unique constraints and indexes, each with the statement that makes it anew. `key` names the shard key's
    /// columns, quoted; those that a unique one lacks are added.
    pub fn indexes(&self, key: &[String]) -> Result<Vec<Index>, ErrorReport> {
        let rows = spi::select(
            "SELECT quote_ident(c.relname),
                    CASE WHEN k.oid IS NULL THEN pg_get_indexdef(i.indexrelid)
                         ELSE format('ALTER TABLE %s ADD CONSTRAINT %I %s', i.indrelid::regclass, k.conname, pg_get_constraintdef(k.oid)) END,
                    coalesce(pg_get_constraintdef(k.oid), ''),
                    (SELECT string_agg(k.name, ', ' ORDER BY k.n) FROM unnest($2) WITH ORDINALITY AS k(name, n)
                      WHERE i.indisunique AND NOT EXISTS (
                            SELECT FROM pg_attribute AS a
                             WHERE a.attrelid = i.indrelid AND quote_ident(a.attname) = k.name
                               AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1])))
               FROM pg_index AS i
               JOIN pg_class AS c ON c.oid = i.indexrelid
               LEFT JOIN pg_constraint AS k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u')
              WHERE i.indrelid = $1
              ORDER BY i.indisprimary DESC, c.relname",
            &[self.oid.into(), key.to_vec().into()],
            |row| {
                Ok((
                    row.get::<String>(1)?.unwrap_or_default(),
                    row.get::<String>(2)?.unwrap_or_default(),
                    row.get::<String>(3)?.unwrap_or_default(),
                    row.get::<String>(4)?,
                ))
            },
        )?;
        rows.into_iter()
            .map(|(name, statement, constraint, lacking)| {
                let Some(key) = lacking else {
                    return Ok(Index {
                        name,
                        statement,
                        constraint: !constraint.is_empty(),
                        added: None,
                    });
                };
                // Names before the list are quoted where they hold a parenthesis, so the list is found in both.
                let widened = if constraint.is_empty() {
                    widen(&statement, &key)
                } else {
                    widen(&constraint, &key).map(|wide| statement.replace(&constraint, &wide))
                };
                let statement = widened
                    .ok_or_else(|| Error::Internal { what: format!("the definition of {name}") })?;
                Ok(Index { name, statement, constraint: !constraint.is_empty(), added: Some(key) })
            })
            .collect()
    }

    /// Statements that make the rest, in the order in which they work: extended statistics, column settings, foreign keys,
    /// triggers, policies, rights and comments.
    pub fn rest(&self) -> Result<Vec<String>, ErrorReport> {
        spi::select(
            "WITH t AS (SELECT c.*, c.oid::regclass AS tbl FROM pg_class AS c WHERE c.oid = $1), s(o, n, s) AS (
             SELECT 1, x.stxname::text, pg_get_statisticsobjdef(x.oid) FROM pg_statistic_ext AS x, t WHERE x.stxrelid = t.oid
             UNION ALL
             SELECT 2, a.attname::text, format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS %s', t.tbl, a.attname, a.attstattarget)
               FROM pg_attribute AS a, t
              WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attstattarget >= 0
             UNION ALL
             SELECT 3, k.conname::text, format('ALTER TABLE %s ADD CONSTRAINT %I %s', t.tbl, k.conname,
                       regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', ''))
               FROM pg_constraint AS k, t WHERE k.conrelid = t.oid AND k.contype = 'f'
             UNION ALL
             SELECT 4, g.tgname::text, pg_get_triggerdef(g.oid) FROM pg_trigger AS g, t WHERE g.tgrelid = t.oid AND NOT g.tgisinternal
             UNION ALL
             SELECT 5, g.tgname::text, format('ALTER TABLE %s %s TRIGGER %I', t.tbl,
                       CASE g.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE REPLICA' END, g.tgname)
               FROM pg_trigger AS g, t WHERE g.tgrelid = t.oid AND NOT g.tgisinternal AND g.tgenabled <> 'O'
             UNION ALL
             SELECT 6, p.polname::text, format('CREATE POLICY %I ON %s AS %s FOR %s TO %s%s%s', p.polname, t.tbl,
                       CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                       CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                       (SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE r::regrole::text END, ', ') FROM unnest(p.polroles) AS r),
                       ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
                       ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
               FROM pg_policy AS p, t WHERE p.polrelid = t.oid
             UNION ALL
             SELECT 7, '', format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t.tbl) FROM t WHERE t.relrowsecurity
             UNION ALL
             SELECT 7, '', format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t.tbl) FROM t WHERE t.relforcerowsecurity
             UNION ALL
             SELECT 8, '', format('REVOKE ALL ON TABLE %s FROM %I', t.tbl, r.rolname) FROM t JOIN pg_roles AS r ON r.oid = t.relowner
              WHERE t.relacl IS NOT NULL
             UNION ALL
             SELECT 9, '', format('GRANT %s ON TABLE %s TO %s%s', a.privilege_type, t.tbl,
                       CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END,
                       CASE WHEN a.is_grantable AND a.grantee <> 0 THEN ' WITH GRANT OPTION' ELSE '' END)
               FROM t CROSS JOIN LATERAL aclexplode(t.relacl) AS a
             UNION ALL
             SELECT 9, '', format('GRANT %s (%I) ON TABLE %s TO %s%s', a.privilege_type, c.attname, t.tbl,
                       CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END,
                       CASE WHEN a.is_grantable AND a.grantee <> 0 THEN ' WITH GRANT OPTION' ELSE '' END)
               FROM t JOIN pg_attribute AS c ON c.attrelid = t.oid AND c.attnum > 0 AND NOT c.attisdropped
              CROSS JOIN LATERAL aclexplode(c.attacl) AS a
             UNION ALL
             SELECT 10, '', format('COMMENT ON TABLE %s IS %L', t.tbl, d.description)
               FROM t JOIN pg_description AS d ON d.classoid = 'pg_class'::regclass AND d.objoid = t.oid AND d.objsubid = 0
             UNION ALL
             SELECT 10, '', format('COMMENT ON INDEX %s IS %L', i.indexrelid::regclass, d.description)
               FROM t JOIN pg_index AS i ON i.indrelid = t.oid
               JOIN pg_description AS d ON d.classoid = 'pg_class'::regclass AND d.objoid = i.indexrelid AND d.objsubid = 0
             UNION ALL
             SELECT 10, '', format('COMMENT ON CONSTRAINT %I ON %s IS %L', k.conname, t.tbl, d.description)
               FROM t JOIN pg_constraint AS k ON k.conrelid = t.oid AND k.contype IN ('p', 'u', 'f')
               JOIN pg_description AS d ON d.classoid = 'pg_constraint'::regclass AND d.objoid = k.oid
             UNION ALL
             SELECT 10, '', format('COMMENT ON TRIGGER %I ON %s IS %L', g.tgname, t.tbl, d.description)
               FROM t JOIN pg_trigger AS g ON g.tgrelid = t.oid
               JOIN pg_description AS d ON d.classoid = 'pg_trigger'::regclass AND d.objoid = g.oid
             UNION ALL
             SELECT 10, '', format('COMMENT ON POLICY %I ON %s IS %L', p.polname, t.tbl, d.description)
               FROM t JOIN pg_policy AS p ON p.polrelid = t.oid
               JOIN pg_description AS d ON d.classoid = 'pg_policy'::regclass AND d.objoid = p.oid
             UNION ALL
             SELECT 10, '', format('COMMENT ON STATISTICS %I.%I IS %L', n.nspname, x.stxname, d.description)
               FROM t JOIN pg_statistic_ext AS x ON x.stxrelid = t.oid JOIN pg_namespace AS n ON n.oid = x.stxnamespace
               JOIN pg_description AS d ON d.classoid = 'pg_statistic_ext'::regclass AND d.objoid = x.oid)
             SELECT s FROM s ORDER BY o, n",
            &[self.oid.into()],
            |row| Ok(row.get::<String>(1)?.unwrap_or_default()),
        )
    }

    /// What `ALTER TABLE` says of the table alone, so that each shard has to be told as well.
    pub fn settings(&self) -> Result<Vec<String>, ErrorReport> {
        spi::select(
            "SELECT format('ALTER COLUMN %I SET (%I=%L)', a.attname, o.option_name, o.option_value)
               FROM pg_attribute AS a CROSS JOIN LATERAL pg_options_to_table(a.attoptions) AS o
              WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
                AND o.option_name IN ('n_distinct', 'n_distinct_inherited')
             UNION ALL
             SELECT 'REPLICA IDENTITY ' || CASE c.relreplident WHEN 'f' THEN 'FULL' ELSE 'NOTHING' END
               FROM pg_class AS c WHERE c.oid = $1 AND c.relreplident IN ('f', 'n')",
            &[self.oid.into()],
            |row| Ok(row.get::<String>(1)?.unwrap_or_default()),
        )
    }

    fn pairs(&self, sql: &str) -> Result<Vec<(String, String)>, ErrorReport> {
        spi::select(sql, &[self.oid.into()], |row| {
            Ok((
                row.get::<String>(1)?.unwrap_or_default(),
                row.get::<String>(2)?.unwrap_or_default(),
            ))
        })
    }
}

/// A column that is to be part of the shard key.
pub struct KeyColumn {
    /// Quoted.
    pub name: String,
    pub type_oid: pg_sys::Oid,
    pub nullable: bool,
}

/// The column of that name; 42703 if there is none.
pub fn key_column(template: &Template, name: &str) -> Result<KeyColumn, ErrorReport> {
    let column = spi::select_first(
        "SELECT a.atttypid, a.attnotnull FROM pg_attribute AS a
          WHERE a.attrelid = $1 AND a.attname = $2 AND a.attnum > 0 AND NOT a.attisdropped",
        &[template.oid.into(), name.into()],
        |row| {
            Ok((
                row.get::<pg_sys::Oid>(1)?.unwrap_or(pg_sys::InvalidOid),
                row.get::<bool>(2)?.unwrap_or_default(),
            ))
        },
    )?;
    let Some((type_oid, not_null)) = column else {
        return Err(
            Error::NoSuchColumn { column: name.to_owned(), table: template.name.clone() }.into()
        );
    };
    Ok(KeyColumn { name: quote(name), type_oid, nullable: !not_null })
}
