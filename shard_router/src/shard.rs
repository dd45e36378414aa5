//! A sharded table as this session knows it: its key, its shards and what an access to a shard in the parent's stead would
//! skip.

use crate::bounds::{Bound, Layout};
use crate::error::Error;
use crate::key::{self, Given, KeyColumn, Rule, Strategy, type_name};
use crate::session::{qualify, quote, with_catalogs};
use crate::{names, route};
use pg_ext_core::spi;
use pgrx::datum::AnyElement;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use std::cell::Cell;

/// How often a table is read that others change meanwhile.
const ATTEMPTS: u32 = 100;

/// One attached partition.
pub struct Shard {
    pub oid: pg_sys::Oid,
    /// Schema-qualified and quoted.
    pub name: String,
    pub owner: pg_sys::Oid,
    /// It is an ordinary table, neither foreign nor partitioned itself.
    pub plain: bool,
    /// An INSERT into the shard does what one into the table would do to it: no rules, no statement-level triggers and no
    /// defaults of its own.
    pub insert_like_parent: bool,
    /// A SELECT from the shard sees what one from the table would see: no rules of its own.
    pub select_like_parent: bool,
    /// The transaction that made it a shard, or one long past.
    pub attached_by: u32,
}

/// A column as far as the generated functions care.
pub struct Column {
    pub name: String,
    pub type_oid: pg_sys::Oid,
    /// The sequence of an identity column.
    pub identity_sequence: Option<pg_sys::Oid>,
}

pub struct Table {
    pub oid: pg_sys::Oid,
    /// Schema-qualified and quoted.
    pub name: String,
    pub relname: String,
    pub columns: Vec<Column>,
    /// The columns of the key, in the partition key's order.
    pub key: Vec<KeyColumn>,
    pub shards: Vec<Shard>,
    layout: Layout,
    schema: String,
    prefix: String,
    /// An INSERT names nothing that only the table has: no rules and no statement-level triggers.
    pub insert_is_plain: bool,
    /// Set when the server says that something of the table or of a shard has changed.
    pub stale: Cell<bool>,
}

impl Table {
    /// Reads the table from the catalogs and the registry.
    pub fn load(oid: pg_sys::Oid) -> Result<Self, ErrorReport> {
        for _ in 0..ATTEMPTS {
            if let Some(table) = with_catalogs(|| Self::read(oid))? {
                return Ok(table);
            }
            pgrx::check_for_interrupts!();
        }
        let name = relation_name(oid)?;
        Err(Error::Internal { what: format!("a bound of a partition of {name}") }.into())
    }

    /// None if a shard was dropped while its bound was read: the server prints bounds by what is there now, not by the
    /// snapshot. The next snapshot does not have that shard.
    fn read(oid: pg_sys::Oid) -> Result<Option<Self>, ErrorReport> {
        // Rules and statement-level triggers: those of the table fire only for statements that name the table.
        let head = spi::select_first(
            "SELECT n.nspname::text, c.relname::text, s.shard_prefix::text, p.partstrat::text,
                    NOT EXISTS (SELECT FROM pg_rewrite AS r WHERE r.ev_class = c.oid)
                    AND NOT EXISTS (SELECT FROM pg_trigger AS t
                                     WHERE t.tgrelid = c.oid AND t.tgtype & 5 = 4 AND NOT t.tgisinternal)
               FROM shard_router.sharded_tables AS s
               JOIN pg_class AS c ON c.oid = s.tbl
               JOIN pg_namespace AS n ON n.oid = c.relnamespace
               JOIN pg_partitioned_table AS p ON p.partrelid = c.oid
              WHERE s.tbl = $1::oid",
            &[oid.into()],
            |row| {
                Ok((
                    row.get::<String>(1)?.unwrap_or_default(),
                    row.get::<String>(2)?.unwrap_or_default(),
                    row.get::<String>(3)?.unwrap_or_default(),
                    row.get::<String>(4)?.unwrap_or_default(),
                    row.get::<bool>(5)?.unwrap_or_default(),
                ))
            },
        )?;
        let Some((schema, relname, prefix, strategy, plain)) = head else {
            return Err(Error::NotSharded { table: relation_name(oid)? }.into());
        };
        let name = qualify(&schema, &relname);
        if strategy != "h" {
            return Err(Error::Internal { what: format!("the partition key of {name}") }.into());
        }
        let columns = spi::select(
            "SELECT a.attname::text, a.atttypid, a.attnum, q.oid
               FROM pg_attribute AS a
               LEFT JOIN (pg_depend AS d JOIN pg_class AS q ON q.oid = d.objid AND q.relkind = 'S')
                      ON d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
                     AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.deptype = 'i'
              WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            &[oid.into()],
            |row| {
                let column = Column {
                    name: row.get(1)?.unwrap_or_default(),
                    type_oid: row.get(2)?.unwrap_or(pg_sys::InvalidOid),
                    identity_sequence: row.get(4)?,
                };
                Ok((row.get::<i16>(3)?.unwrap_or_default(), column))
            },
        )?;
        let key = Self::read_key(oid, &name, &columns)?;
        let partitions = spi::select(
            "SELECT c.oid, n.nspname::text, c.relname::text, pg_get_expr(c.relpartbound, c.oid),
                    NOT EXISTS (SELECT FROM pg_rewrite AS r WHERE r.ev_class = c.oid),
                    NOT EXISTS (SELECT FROM pg_trigger AS t
                                 WHERE t.tgrelid = c.oid AND t.tgtype & 5 = 4 AND NOT t.tgisinternal)
                    AND NOT EXISTS (
                        SELECT FROM pg_attribute AS a
                          LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                          LEFT JOIN pg_attribute AS b ON b.attrelid = c.oid AND b.attname = a.attname
                          LEFT JOIN pg_attrdef AS e ON e.adrelid = b.attrelid AND e.adnum = b.attnum
                         WHERE a.attrelid = i.inhparent AND a.attnum > 0 AND NOT a.attisdropped
                           AND a.attgenerated = '' AND a.attidentity = ''
                           AND pg_get_expr(d.adbin, d.adrelid) IS DISTINCT FROM pg_get_expr(e.adbin, e.adrelid)),
                    c.relowner, c.relkind = 'r',
                    i.xmin::text::int8
               FROM pg_inherits AS i
               JOIN pg_class AS c ON c.oid = i.inhrelid
               JOIN pg_namespace AS n ON n.oid = c.relnamespace
              WHERE i.inhparent = $1 AND c.relispartition AND NOT i.inhdetachpending",
            &[oid.into()],
            |row| {
                let select_like_parent = row.get::<bool>(5)?.unwrap_or_default();
                let shard = Shard {
                    oid: row.get(1)?.unwrap_or(pg_sys::InvalidOid),
                    name: qualify(
                        &row.get::<String>(2)?.unwrap_or_default(),
                        &row.get::<String>(3)?.unwrap_or_default(),
                    ),
                    owner: row.get(7)?.unwrap_or(pg_sys::InvalidOid),
                    plain: row.get::<bool>(8)?.unwrap_or_default(),
                    insert_like_parent: select_like_parent
                        && row.get::<bool>(6)?.unwrap_or_default(),
                    select_like_parent,
                    attached_by: row
                        .get::<i64>(9)?
                        .and_then(|xid| xid.try_into().ok())
                        .unwrap_or_default(),
                };
                Ok((row.get::<String>(4)?, shard))
            },
        )?;
        let mut bounds = Vec::with_capacity(partitions.len());
        let mut shards = Vec::with_capacity(partitions.len());
        for (bound, shard) in partitions {
            let Some(bound) = bound else { return Ok(None) };
            bounds.push(Bound::parse(&bound).ok_or_else(|| Error::Internal {
                what: format!("the bound {bound} of {}", shard.name),
            })?);
            shards.push(shard);
        }
        Ok(Some(Self {
            oid,
            name,
            relname,
            columns: columns.into_iter().map(|(_, column)| column).collect(),
            key,
            layout: Layout::new(&bounds),
            shards,
            schema,
            prefix,
            insert_is_plain: plain,
            stale: Cell::new(false),
        }))
    }

    /// The partition key, from the operator classes that the server itself hashes by.
    fn read_key(
        oid: pg_sys::Oid,
        name: &str,
        columns: &[(i16, Column)],
    ) -> Result<Vec<KeyColumn>, ErrorReport> {
        let unknown = || -> ErrorReport {
            Error::Internal { what: format!("the partition key of {name}") }.into()
        };
        let parts = spi::select(
            "SELECT p.partattrs[i], p.partcollation[i],
                    o.opcfamily = (SELECT f.oid FROM pg_opfamily AS f
                                    WHERE f.opfname = 'modulo_ops' AND f.opfnamespace = 'shard_router'::regnamespace),
                    o.opcdefault, h.amproc::oid, n.nspname::text, q.oprname::text
               FROM pg_partitioned_table AS p
              CROSS JOIN generate_series(0, p.partnatts - 1) AS i
               JOIN pg_opclass AS o ON o.oid = p.partclass[i]
               JOIN pg_amproc AS h ON h.amprocfamily = o.opcfamily AND h.amprocnum = 2
                                  AND h.amproclefttype = o.opcintype AND h.amprocrighttype = o.opcintype
               JOIN pg_amop AS m ON m.amopfamily = o.opcfamily AND m.amopstrategy = 1
                                AND m.amoplefttype = o.opcintype AND m.amoprighttype = o.opcintype
               JOIN pg_operator AS q ON q.oid = m.amopopr
               JOIN pg_namespace AS n ON n.oid = q.oprnamespace
              WHERE p.partrelid = $1 ORDER BY i",
            &[oid.into()],
            |row| {
                Ok((
                    row.get::<i16>(1)?.unwrap_or_default(),
                    row.get::<pg_sys::Oid>(2)?.unwrap_or(pg_sys::InvalidOid),
                    row.get::<bool>(3)?.unwrap_or_default(),
                    row.get::<bool>(4)?.unwrap_or_default(),
                    row.get::<pg_sys::Oid>(5)?.unwrap_or(pg_sys::InvalidOid),
                    row.get::<String>(6)?.unwrap_or_default(),
                    row.get::<String>(7)?.unwrap_or_default(),
                ))
            },
        )?;
        let mut key = Vec::with_capacity(parts.len());
        for (attnum, collation, modulo, default, function, schema, operator) in parts {
            let column =
                columns.iter().position(|(number, _)| *number == attnum).ok_or_else(unknown)?;
            let type_oid = columns[column].1.type_oid;
            let rule = if modulo {
                Rule::Strategy(Strategy::Modulo)
            } else if default && Strategy::Hash.accepts(type_oid) {
                Rule::Strategy(Strategy::Hash)
            } else {
                Rule::Class { function }
            };
            let equality = format!("OPERATOR({}.{operator})", quote(&schema));
            key.push(KeyColumn { column, type_oid, collation, rule, equality });
        }
        if key.is_empty() { Err(unknown()) } else { Ok(key) }
    }

    /// What the shards' names begin with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The names of the key's columns.
    pub fn key_names(&self) -> impl Iterator<Item = &str> {
        self.key.iter().map(|part| self.columns[part.column].name.as_str())
    }

    /// Whether the column is one of the key's.
    #[must_use]
    pub fn is_key(&self, column: &str) -> bool {
        self.key_names().any(|name| name == column)
    }

    /// The key's shard: its number, and the partition, if one is attached.
    ///
    /// # Safety
    /// Each value must be a non-null datum of its type.
    pub unsafe fn locate(
        &self,
        values: impl ExactSizeIterator<Item = Given>,
    ) -> Result<(usize, Option<&Shard>), ErrorReport> {
        if values.len() != self.key.len() {
            return Err(Error::KeyCount {
                table: self.name.clone(),
                columns: self.key_names().map(quote).collect(),
                given: values.len(),
            }
            .into());
        }
        let mut row = 0;
        for (part, given) in self.key.iter().zip(values) {
            if !part.accepts(given.type_oid) {
                return Err(Error::KeyType {
                    found: type_name(given.type_oid),
                    table: Some(self.name.clone()),
                    expected: type_name(part.type_oid),
                }
                .into());
            }
            // SAFETY: as the caller promises; the type was checked above.
            row = unsafe { part.combine(row, given)? };
        }
        let (number, index) = self.layout.locate(row);
        Ok((number, index.map(|index| &self.shards[index])))
    }

    /// The same for a key that is one SQL value: a row of the key's columns, or the value of the only one.
    fn locate_element(&self, element: &AnyElement) -> Result<(usize, Option<&Shard>), ErrorReport> {
        let whole = Given { value: element.datum(), type_oid: element.oid() };
        let values = match self.key.as_slice() {
            [only] if only.accepts(whole.type_oid) => vec![whole],
            _ => key::values(element)?,
        };
        let values: Vec<_> = if values.len() == self.key.len() {
            self.key.iter().zip(values).map(|(part, given)| part.typed(given)).collect()
        } else {
            values
        };
        // SAFETY: a non-null anyelement holds a datum of its type, and so does a row.
        unsafe { self.locate(values.into_iter()) }
    }

    /// The error for a shard that nothing holds, with the name that create_sharded_table gave it.
    #[must_use]
    pub fn missing(&self, shard: usize) -> ErrorReport {
        Error::MissingShard {
            shard,
            table: self.name.clone(),
            relation: qualify(&self.schema, &names::shard(&self.prefix, shard)),
            modulus: self.layout.modulus(),
        }
        .into()
    }

    /// Whether a change of this relation is one of the table.
    #[must_use]
    pub fn concerns(&self, relation: pg_sys::Oid) -> bool {
        self.oid == relation || self.shards.iter().any(|shard| shard.oid == relation)
    }
}

/// A relation's qualified name for an error; 42P01 where there is none.
pub fn relation_name(oid: pg_sys::Oid) -> Result<String, ErrorReport> {
    find_name(oid)?.ok_or_else(|| Error::NoSuchTable { oid: oid.to_u32() }.into())
}

/// A relation's qualified name, if there is one.
pub fn find_name(oid: pg_sys::Oid) -> Result<Option<String>, ErrorReport> {
    let name = spi::select_first(
        "SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text
           FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
          WHERE c.oid OPERATOR(pg_catalog.=) $1",
        &[oid.into()],
        |row| Ok(row.get::<String>(1)?.zip(row.get::<String>(2)?)),
    )?;
    Ok(name.flatten().map(|(schema, name)| qualify(&schema, &name)))
}

/// `shard_router.shard_of`
#[pg_extern(sql = false, stable, parallel_safe)]
fn shard_of(tbl: Option<pg_sys::Oid>, key: Option<AnyElement>) -> Result<i32, ErrorReport> {
    let tbl = tbl.ok_or(Error::NullArgument { argument: "tbl" })?;
    let key = key.ok_or(Error::NullKey)?;
    let table = route::table(tbl)?;
    let (number, _) = table.locate_element(&key)?;
    Ok(i32::try_from(number).unwrap_or(i32::MAX))
}

/// `shard_router.shard_table`
#[pg_extern(sql = false, stable, parallel_safe)]
fn shard_table(
    tbl: Option<pg_sys::Oid>,
    key: Option<AnyElement>,
) -> Result<pg_sys::Oid, ErrorReport> {
    let tbl = tbl.ok_or(Error::NullArgument { argument: "tbl" })?;
    let key = key.ok_or(Error::NullKey)?;
    let table = route::table(tbl)?;
    let (number, shard) = table.locate_element(&key)?;
    Ok(shard.ok_or_else(|| table.missing(number))?.oid)
}
