//! The policies of partitioned tables: what a user registered, together with what the catalog says about the table.

use crate::coverage::Range;
use crate::error::Error;
use crate::key::{Bound, Exact, Key, Unit, Width, read_bound};
use crate::period::{Age, Grid, Period};
use crate::zone;
use jiff::tz::TimeZone;
use pg_ext_core::identity::RunAs;
use pg_ext_core::spi::{select_kept, write_kept};
use pgrx::datum::{DatumWithOid, Interval};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::pg_sys::{self, Oid};
use pgrx::spi::{SpiHeapTupleData, SpiResult, quote_identifier};
use std::collections::HashMap;
use std::ffi::CString;

/// The role that reads and writes the extension's tables. They belong to whichever superuser created the extension; this
/// one always exists and always may.
const REGISTRAR: Oid = pg_sys::Oid::from_u32(pg_sys::BOOTSTRAP_SUPERUSERID);

/// Runs a statement on the extension's own tables, to which no user has rights of his own. The number of rows it returned.
pub fn write(sql: &str, args: &[DatumWithOid]) -> Result<u64, ErrorReport> {
    let _guard = RunAs::role(REGISTRAR);
    write_kept(sql, args)
}

/// Reads the extension's own tables. `$1`.. in `args`.
pub fn read<T>(
    sql: &str,
    args: &[DatumWithOid],
    row: impl FnMut(SpiHeapTupleData) -> SpiResult<T>,
) -> Result<Vec<T>, ErrorReport> {
    let _guard = RunAs::role(REGISTRAR);
    latest(|| select_kept(sql, args, row))
}

/// Runs a read with a snapshot of this moment: after a wait for a lock, or late in a long statement, that of the
/// calling statement is old.
pub fn latest<T>(read: impl FnOnce() -> Result<T, ErrorReport>) -> Result<T, ErrorReport> {
    // SAFETY: in a transaction; the snapshot is popped again below, or by the end of the (sub)transaction on an error.
    unsafe {
        pg_sys::CommandCounterIncrement();
        pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot());
    }
    let value = read();
    if value.is_ok() {
        // SAFETY: pops what was pushed above.
        unsafe { pg_sys::PopActiveSnapshot() };
    }
    value
}

/// A relation as the catalog knows it.
#[derive(Debug, Clone)]
pub struct Table {
    pub oid: Oid,
    pub schema: String,
    pub name: String,
    pub owner: Oid,
    relkind: String,
    persistence: String,
    strategy: Option<String>,
    key_columns: i16,
    key_column: Option<String>,
    key_type: Oid,
    key_type_name: Option<String>,
}

impl Table {
    /// Schema-qualified and quoted.
    pub fn qualified(&self) -> String {
        qualified(&self.schema, &self.name)
    }

    /// The key column, quoted, of a table called `alias`, or on its own.
    pub fn key_reference(&self, alias: &str) -> String {
        let column = quote_identifier(self.key_column.as_deref().unwrap_or_default());
        if alias.is_empty() { column } else { format!("{alias}.{column}") }
    }

    /// The type of the key as the server writes it under a `search_path` of the system catalogs.
    pub fn key_type_name(&self) -> &str {
        self.key_type_name.as_deref().unwrap_or_default()
    }

    /// A table that no server has, for tests of what is planned.
    #[cfg(test)]
    pub fn imagined(name: &str) -> Self {
        Self {
            oid: pg_sys::InvalidOid,
            schema: "public".into(),
            name: name.into(),
            owner: pg_sys::InvalidOid,
            relkind: "p".into(),
            persistence: "p".into(),
            strategy: Some("r".into()),
            key_columns: 1,
            key_column: Some("key".into()),
            key_type: pg_sys::InvalidOid,
            key_type_name: None,
        }
    }

    /// What the key column holds, if policies can maintain this table. An integer says that not by itself: with an
    /// `epoch` it holds the time in that unit, in a policy `by_ids` it counts rows.
    pub fn key(&self, epoch: Option<&str>, by_ids: bool) -> Result<Key, Error> {
        let name = || self.name.clone();
        if self.relkind != "p" {
            return Err(Error::NotPartitioned(name()));
        }
        if self.persistence == "t" {
            return Err(Error::Temporary(name()));
        }
        if self.strategy.as_deref() != Some("r") {
            return Err(Error::NotRange(name()));
        }
        let column = match &self.key_column {
            Some(column) if self.key_columns == 1 => column.clone(),
            _ => return Err(Error::KeyNotOneColumn(name())),
        };
        let type_name = self.key_type_name.clone().unwrap_or_default();
        let unit = match epoch {
            Some(text) => Some(Unit::parse(text).ok_or_else(|| Error::Epoch(text.to_owned()))?),
            None => None,
        };
        match (Width::of_type(self.key_type), unit, by_ids) {
            (Some(width), None, true) => Ok(Key::Ids(width)),
            (Some(_), Some(_), true) => Err(Error::EpochOfIds),
            (Some(Width::Eight), Some(unit), false) => Ok(Key::Epoch(unit, Width::Eight)),
            (Some(Width::Four), Some(Unit::Seconds), false) => {
                Ok(Key::Epoch(Unit::Seconds, Width::Four))
            }
            (Some(_), Some(_), false) => Err(Error::EpochTooShort { column, type_name }),
            (Some(_), None, false) => Err(Error::EpochMissing(column)),
            (None, unit, by_ids) => match Key::from_type(self.key_type) {
                None => Err(Error::KeyType { column, type_name }),
                Some(_) if by_ids => Err(Error::NotIds { column, type_name }),
                Some(_) if unit.is_some() => Err(Error::NotEpoch { column, type_name }),
                Some(key) => Ok(key),
            },
        }
    }

    pub fn is_unlogged(&self) -> bool {
        self.persistence == "u"
    }

    pub fn has_integer_key(&self) -> bool {
        Width::of_type(self.key_type).is_some()
    }

    /// Raises 42501 unless the current user may act for the owner.
    pub fn check_owner(&self) -> Result<(), Error> {
        if pg_ext_core::identity::may_act_for(self.owner) {
            Ok(())
        } else {
            Err(Error::NotOwner(self.name.clone()))
        }
    }
}

pub fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", quote_identifier(schema), quote_identifier(name))
}

const TABLE_COLUMNS: &str = "c.oid, n.nspname::text, c.relname::text, c.relowner, c.relkind::text,
    c.relpersistence::text, k.partstrat::text, k.partnatts, a.attname::text, a.atttypid,
    a.atttypid::pg_catalog.regtype::text";
const TABLE_JOINS: &str = "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_partitioned_table k ON k.partrelid = c.oid
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.partattrs[0] AND a.attnum > 0";
/// How many columns TABLE_COLUMNS has.
const AFTER_TABLE: usize = 11;

fn table_of(row: &SpiHeapTupleData) -> SpiResult<Table> {
    Ok(Table {
        oid: row.get(1)?.unwrap_or(pg_sys::InvalidOid),
        schema: row.get(2)?.unwrap_or_default(),
        name: row.get(3)?.unwrap_or_default(),
        owner: row.get(4)?.unwrap_or(pg_sys::InvalidOid),
        relkind: row.get(5)?.unwrap_or_default(),
        persistence: row.get(6)?.unwrap_or_default(),
        strategy: row.get(7)?,
        key_columns: row.get(8)?.unwrap_or(0),
        key_column: row.get(9)?,
        key_type: row.get(10)?.unwrap_or(pg_sys::InvalidOid),
        key_type_name: row.get(11)?,
    })
}

/// Looks a relation up for which the caller has the OID.
pub fn table(oid: Oid) -> Result<Table, ErrorReport> {
    let sql =
        format!("SELECT {TABLE_COLUMNS} FROM pg_catalog.pg_class c {TABLE_JOINS} WHERE c.oid = $1");
    let found = latest(|| select_kept(&sql, &[oid.into()], |row| table_of(&row)))?;
    found.into_iter().next().ok_or_else(|| Error::NoRelation(oid.to_u32()).into())
}

/// What happens to a partition that is wholly older than the retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnExpiry {
    Drop,
    Detach,
}

impl OnExpiry {
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "drop" => Ok(Self::Drop),
            "detach" => Ok(Self::Detach),
            other => Err(Error::OnExpiry(other.to_owned())),
        }
    }
}

/// The columns of a policy as they are stored.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Either this or `id_period`.
    pub period: Option<Interval>,
    pub id_period: Option<i64>,
    pub premake: i32,
    pub retention: Option<Interval>,
    pub id_retention: Option<i64>,
    pub on_expiry: String,
    pub unlogged: Option<bool>,
    pub time_zone: String,
    pub lock_timeout: Interval,
    pub epoch: Option<String>,
    pub max_runtime: Option<Interval>,
}

impl Settings {
    /// What the functions take where nothing is said.
    pub fn by_default() -> Self {
        Self {
            period: None,
            id_period: None,
            premake: 7,
            retention: None,
            id_retention: None,
            on_expiry: "drop".into(),
            unlogged: None,
            time_zone: "UTC".into(),
            lock_timeout: Interval::from_micros(1_000_000),
            epoch: None,
            max_runtime: None,
        }
    }
}

/// A policy, checked and ready to plan with.
#[derive(Debug, Clone)]
pub struct Policy {
    pub table: Table,
    pub key: Key,
    pub grid: Grid,
    pub zone: TimeZone,
    pub premake: i32,
    pub retention: Option<Age>,
    pub on_expiry: OnExpiry,
    pub unlogged: bool,
    pub lock_timeout_ms: i64,
    pub max_runtime_ms: Option<i32>,
}

impl Policy {
    /// Checks the settings against the table.
    pub fn new(table: Table, settings: &Settings) -> Result<Self, Error> {
        let key = table.key(settings.epoch.as_deref(), settings.id_period.is_some())?;
        let interval = |i: &Interval| (i.months(), i.days(), i.micros());
        let period = match (&settings.period, settings.id_period) {
            (_, Some(ids)) => Period::from_ids(ids)?,
            (Some(period), None) => {
                let (months, days, micros) = interval(period);
                Period::from_interval(months, days, micros)?
            }
            (None, None) => return Err(Error::NullArgument("period")),
        };
        if key == Key::Date && matches!(period, Period::Micros(_)) {
            return Err(Error::PeriodBelowDay);
        }
        if !(0..=10_000).contains(&settings.premake) {
            return Err(Error::Premake(settings.premake));
        }
        let retention = match (&settings.retention, settings.id_retention) {
            (None, None) => None,
            (Some(retention), None) if !matches!(key, Key::Ids(_)) => {
                let (months, days, micros) = interval(retention);
                let positive = months >= 0 && days >= 0 && micros >= 0;
                if !positive || (months, days, micros) == (0, 0, 0) {
                    return Err(Error::Retention);
                }
                Some(Age::Time { months, days, micros })
            }
            (None, Some(ids)) if matches!(key, Key::Ids(_)) => {
                if ids <= 0 {
                    return Err(Error::Retention);
                }
                Some(Age::Ids(ids))
            }
            _ => return Err(Error::RetentionOfOtherKind),
        };
        let lock_timeout_ms = match interval(&settings.lock_timeout) {
            (0, 0, micros) if (1_000..=3_600_000_000).contains(&micros) => micros / 1_000,
            _ => return Err(Error::LockTimeout),
        };
        let zone = zone::load(&settings.time_zone)?;
        Ok(Self {
            key,
            grid: key.grid(period, &zone),
            zone,
            premake: settings.premake,
            retention,
            on_expiry: OnExpiry::parse(&settings.on_expiry)?,
            unlogged: settings.unlogged.unwrap_or(table.is_unlogged()),
            lock_timeout_ms,
            max_runtime_ms: settings.max_runtime.as_ref().map(max_runtime).transpose()?,
            table,
        })
    }
}

/// How long one run of a policy may take, in milliseconds.
pub fn max_runtime(interval: &Interval) -> Result<i32, Error> {
    // More than an hour is usual for a view, more than a day is not.
    const LONGEST: i64 = 7 * 86_400_000;
    let milliseconds = match (interval.months(), interval.days(), interval.micros()) {
        (0, days @ 0..=7, micros) => i64::from(days) * 86_400_000 + micros / 1_000,
        _ => 0,
    };
    match i32::try_from(milliseconds) {
        Ok(milliseconds) if (1..=LONGEST).contains(&i64::from(milliseconds)) => Ok(milliseconds),
        _ => Err(Error::MaxRuntime),
    }
}

/// A stored policy: its settings, and whether a failed run is waiting for its next try.
pub struct Stored {
    pub table: Table,
    pub settings: Settings,
    pub failures: i32,
    pub waiting: bool,
    /// What failed was an expiry, which keeps no partition from being made.
    pub expiry_alone: bool,
}

/// Whether there is any policy in this database.
pub fn any_policy() -> Result<bool, ErrorReport> {
    let found = read(
        "SELECT EXISTS (SELECT FROM maintenance.partition_policies) OR EXISTS (SELECT FROM maintenance.refresh_policies)",
        &[],
        |row| row.get::<bool>(1),
    )?;
    Ok(found.first() == Some(&Some(true)))
}

/// The stored policy of one table, or all of them.
pub fn stored(parent: Option<Oid>) -> Result<Vec<Stored>, ErrorReport> {
    let sql = format!(
        "SELECT {TABLE_COLUMNS}, p.period, p.premake, p.retention, p.on_expiry, p.unlogged, p.time_zone, p.lock_timeout,
             p.id_period, p.id_retention, p.epoch, p.max_runtime,
             COALESCE(s.failures, 0), COALESCE(s.retry_at > pg_catalog.clock_timestamp() AND s.last_run <= pg_catalog.clock_timestamp(), false),
             COALESCE(s.expiry_alone, false)
         FROM maintenance.partition_policies p
         JOIN pg_catalog.pg_class c ON c.oid = p.parent {TABLE_JOINS}
         LEFT JOIN maintenance.state s ON s.kind = 'partition' AND s.relation = p.parent
         WHERE {}
         ORDER BY n.nspname, c.relname",
        // Two texts: a plan that is kept for both would read all policies for one.
        if parent.is_some() { "p.parent = $1" } else { "$1 IS NULL" }
    );
    let zero = || Interval::from_micros(0);
    read(&sql, &[parent.into()], |row| {
        const N: usize = AFTER_TABLE;
        Ok(Stored {
            table: table_of(&row)?,
            settings: Settings {
                period: row.get(N + 1)?,
                premake: row.get(N + 2)?.unwrap_or(0),
                retention: row.get(N + 3)?,
                on_expiry: row.get(N + 4)?.unwrap_or_default(),
                unlogged: row.get(N + 5)?,
                time_zone: row.get(N + 6)?.unwrap_or_default(),
                lock_timeout: row.get(N + 7)?.unwrap_or_else(zero),
                id_period: row.get(N + 8)?,
                id_retention: row.get(N + 9)?,
                epoch: row.get(N + 10)?,
                max_runtime: row.get(N + 11)?,
            },
            failures: row.get(N + 12)?.unwrap_or(0),
            waiting: row.get(N + 13)?.unwrap_or(false),
            expiry_alone: row.get(N + 14)?.unwrap_or(false),
        })
    })
}

/// A partition of a maintained table.
#[derive(Debug, Clone)]
pub struct Partition {
    pub oid: Oid,
    pub schema: String,
    pub name: String,
    pub foreign: bool,
    /// None where the catalog holds what we cannot read: then the table is left alone.
    pub bound: Option<Bound>,
    /// Of a key of UUIDs.
    pub exact: Exact,
    pub detach_pending: bool,
}

impl Partition {
    pub fn qualified(&self) -> String {
        qualified(&self.schema, &self.name)
    }

    pub fn range(&self) -> Option<Range> {
        match self.bound {
            Some(Bound::Range(range)) => Some(range),
            _ => None,
        }
    }

    /// Whether all rows that it may hold lie before `cutoff`.
    pub fn is_before(&self, cutoff: i64) -> bool {
        self.range().is_some_and(|range| {
            if self.exact.reaches_into_upper() {
                range.upper < cutoff
            } else {
                range.upper <= cutoff
            }
        })
    }
}

/// The partitions of every one of `parents`, in one query.
pub fn partitions(
    parents: &HashMap<Oid, Key>,
) -> Result<HashMap<Oid, Vec<Partition>>, ErrorReport> {
    let oids: Vec<Oid> = parents.keys().copied().collect();
    let rows = latest(|| {
        select_kept(
            // OFFSET keeps the planner from reading all of pg_class, which may be far larger than what is asked for.
            "SELECT i.inhparent, n.nspname::text, c.relname, c.is_foreign, c.bound, i.inhdetachpending, i.inhrelid
             FROM pg_catalog.pg_inherits i
             CROSS JOIN LATERAL (
                 SELECT c.relnamespace, c.relname::text, c.relkind = 'f', c.relpartbound::text
                 FROM pg_catalog.pg_class c
                 WHERE c.oid = i.inhrelid AND c.relispartition
                 OFFSET 0
             ) c (relnamespace, relname, is_foreign, bound)
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE i.inhparent = ANY ($1)",
            &[oids.into()],
            |row| {
                let parent = row.get::<Oid>(1)?.unwrap_or(pg_sys::InvalidOid);
                let bound = row
                    .get::<String>(5)?
                    .and_then(|text| CString::new(text).ok())
                    .and_then(|text| read_bound(&text, *parents.get(&parent)?));
                let (bound, exact) = bound.map_or((None, Exact::default()), |(b, e)| (Some(b), e));
                let partition = Partition {
                    oid: row.get(7)?.unwrap_or(pg_sys::InvalidOid),
                    schema: row.get(2)?.unwrap_or_default(),
                    name: row.get(3)?.unwrap_or_default(),
                    foreign: row.get(4)?.unwrap_or(false),
                    bound,
                    exact,
                    detach_pending: row.get(6)?.unwrap_or(false),
                };
                Ok((parent, partition))
            },
        )
    })?;
    let mut found: HashMap<Oid, Vec<Partition>> = HashMap::new();
    for (parent, partition) in rows {
        found.entry(parent).or_default().push(partition);
    }
    for partitions in found.values_mut() {
        partitions.sort_by_key(|p| p.range().map(|r| r.lower));
    }
    Ok(found)
}

/// A table that the worker began to detach in order to drop it.
#[derive(Debug, Clone)]
pub struct Leftover {
    pub oid: Oid,
    /// As it was called then: schema-qualified and quoted.
    pub name: String,
    pub foreign: bool,
    /// No longer a partition, and still under that name and that owner: to be dropped.
    pub detached: bool,
}

/// The leftovers of every one of `parents`, in one query.
pub fn leftovers(parents: &[Oid]) -> Result<HashMap<Oid, Vec<Leftover>>, ErrorReport> {
    let rows = read(
        "SELECT e.parent, e.partition, e.name, c.relkind = 'f',
             NOT c.relispartition AND c.relowner = p.relowner
                 AND e.name = pg_catalog.format('%I.%I', n.nspname, c.relname)
         FROM maintenance.expiring e
         JOIN pg_catalog.pg_class p ON p.oid = e.parent
         JOIN pg_catalog.pg_class c ON c.oid = e.partition
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE e.parent = ANY ($1)
         ORDER BY e.name",
        &[parents.to_vec().into()],
        |row| {
            let leftover = Leftover {
                oid: row.get(2)?.unwrap_or(pg_sys::InvalidOid),
                name: row.get(3)?.unwrap_or_default(),
                foreign: row.get(4)?.unwrap_or(false),
                detached: row.get(5)?.unwrap_or(false),
            };
            Ok((row.get::<Oid>(1)?.unwrap_or(pg_sys::InvalidOid), leftover))
        },
    )?;
    let mut found: HashMap<Oid, Vec<Leftover>> = HashMap::new();
    for (parent, leftover) in rows {
        found.entry(parent).or_default().push(leftover);
    }
    Ok(found)
}

/// Remembers that a partition is being detached in order to be dropped.
pub fn remember_expiring(parent: Oid, partition: Oid, name: &str) -> Result<(), ErrorReport> {
    write(
        "INSERT INTO maintenance.expiring (partition, parent, name) VALUES ($1, $2, $3)
         ON CONFLICT (partition) DO UPDATE SET parent = excluded.parent, name = excluded.name",
        &[partition.into(), parent.into(), name.into()],
    )?;
    Ok(())
}

/// The partition is dropped, or stays after all.
pub fn forget_expiring(partition: Oid) -> Result<(), ErrorReport> {
    write("DELETE FROM maintenance.expiring WHERE partition = $1", &[partition.into()]).map(drop)
}

/// None of a table's partitions is to be dropped without a policy that says so again.
pub fn forget_all_expiring(parent: Oid) -> Result<(), ErrorReport> {
    write("DELETE FROM maintenance.expiring WHERE parent = $1", &[parent.into()]).map(drop)
}

/// What a new partition takes from its parent beyond what LIKE copies, as DDL around the partition's name.
#[derive(Debug, Clone, Default)]
pub struct Template {
    /// Access method and tablespace clauses.
    pub options: String,
    /// Statements after CREATE TABLE; the first `%s` of each stands for the partition.
    pub after_create: Vec<String>,
    /// The replica identity is an index, whose counterpart is known only after ATTACH.
    pub replica_index: bool,
}

/// The templates of `parents`, in one query.
pub fn templates(parents: &[Oid]) -> Result<HashMap<Oid, Template>, ErrorReport> {
    let rows = latest(|| {
        select_kept(
            "SELECT c.oid, m.amname::text, t.spcname::text, c.relrowsecurity, c.relforcerowsecurity,
                 c.relreplident::text,
                 ARRAY(SELECT pg_catalog.format('GRANT %s ON TABLE %%s TO %s%s',
                           pg_catalog.string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type),
                           CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(r.rolname) END,
                           CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
                       FROM pg_catalog.aclexplode(c.relacl) x
                       LEFT JOIN pg_catalog.pg_roles r ON r.oid = x.grantee
                       WHERE x.grantee <> c.relowner AND (x.grantee = 0 OR r.oid IS NOT NULL)
                       GROUP BY x.grantee, r.rolname, x.is_grantable
                       ORDER BY x.grantee = 0 DESC, r.rolname, x.is_grantable)
             FROM pg_catalog.pg_class c
             LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
             LEFT JOIN pg_catalog.pg_tablespace t ON t.oid = c.reltablespace
             WHERE c.oid = ANY ($1)",
            &[parents.to_vec().into()],
            |row| {
                let mut template = Template::default();
                if let Some(method) = row.get::<String>(2)? {
                    template.options += &format!(" USING {}", quote_identifier(method));
                }
                if let Some(space) = row.get::<String>(3)? {
                    template.options += &format!(" TABLESPACE {}", quote_identifier(space));
                }
                template.after_create = row.get::<Vec<String>>(7)?.unwrap_or_default();
                if row.get::<bool>(4)?.unwrap_or(false) {
                    // The parent's policies hold for queries through the parent only. Without this, the copied grants
                    // would open the rows to a direct query of the partition.
                    template.after_create.push("ALTER TABLE %s ENABLE ROW LEVEL SECURITY".into());
                }
                if row.get::<bool>(5)?.unwrap_or(false) {
                    template.after_create.push("ALTER TABLE %s FORCE ROW LEVEL SECURITY".into());
                }
                match row.get::<String>(6)?.as_deref() {
                    Some("f") => {
                        template.after_create.push("ALTER TABLE %s REPLICA IDENTITY FULL".into());
                    }
                    Some("n") => {
                        template
                            .after_create
                            .push("ALTER TABLE %s REPLICA IDENTITY NOTHING".into());
                    }
                    Some("i") => template.replica_index = true,
                    _ => {}
                }
                Ok((row.get::<Oid>(1)?.unwrap_or(pg_sys::InvalidOid), template))
            },
        )
    })?;
    Ok(rows.into_iter().collect())
}

/// Deletes policies, state and everything else of relations that are gone.
pub fn forget_dropped() -> Result<(), ErrorReport> {
    // Dropped by hand, attached again, or renamed by somebody who wants to keep it.
    let settled = "NOT EXISTS (
        SELECT FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid
        WHERE c.oid = e.partition AND e.name = pg_catalog.format('%I.%I', n.nspname, c.relname)
          AND (NOT c.relispartition OR i.inhdetachpending))";
    let unnamed = "pg_catalog.to_regclass(t.relation) IS NULL";
    // Not EXISTS, which the planner may turn into a join with all of pg_class.
    let gone = "(SELECT c.oid FROM pg_catalog.pg_class c WHERE c.oid =";
    let dropped = read(
        &format!(
            "SELECT EXISTS (SELECT FROM maintenance.partition_policies p WHERE {gone} p.parent) IS NULL)
                 OR EXISTS (SELECT FROM maintenance.refresh_policies p WHERE {gone} p.matview) IS NULL)
                 OR EXISTS (SELECT FROM maintenance.state s WHERE {gone} s.relation) IS NULL)
                 OR EXISTS (SELECT FROM maintenance.totals t WHERE {unnamed})
                 OR EXISTS (SELECT FROM maintenance.expiring e WHERE {settled} OR {gone} e.parent) IS NULL)"
        ),
        &[],
        |row| row.get::<bool>(1),
    )?;
    if dropped.first() != Some(&Some(true)) {
        return Ok(());
    }
    write(
        &format!("DELETE FROM maintenance.partition_policies p WHERE {gone} p.parent) IS NULL"),
        &[],
    )?;
    write(
        &format!("DELETE FROM maintenance.refresh_policies p WHERE {gone} p.matview) IS NULL"),
        &[],
    )?;
    write(&format!("DELETE FROM maintenance.state s WHERE {gone} s.relation) IS NULL"), &[])?;
    write(&format!("DELETE FROM maintenance.totals t WHERE {unnamed}"), &[])?;
    write(
        &format!("DELETE FROM maintenance.expiring e WHERE {settled} OR {gone} e.parent) IS NULL"),
        &[],
    )?;
    Ok(())
}
