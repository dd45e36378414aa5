//! Where a table stands now: the clock, or the highest id in use.

use crate::coverage::Range;
use crate::error::Error;
use crate::key::{Key, now};
use crate::registry::{self, Partition, Policy, latest};
use pg_ext_core::identity::{RunAs, set};
use pg_ext_core::spi::{select_first, select_kept};
use pg_ext_core::subtransaction::{self, Caught};
use pgrx::pg_sys::Oid;
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};

/// The position that new partitions and that expiries are reckoned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Front {
    pub create: i64,
    pub expire: i64,
}

impl Front {
    /// The clock, for keys that hold a time.
    pub fn at(instant: i64) -> Self {
        Self { create: instant, expire: instant }
    }
}

/// Where the table of `policy` stands, or why that cannot be told.
pub fn try_front(policy: &Policy, partitions: &[Partition]) -> Result<Front, Caught> {
    match policy.key {
        Key::Ids(_) => subtransaction::run(|| front(policy, partitions).unwrap_or_report()),
        _ => Ok(Front::at(now())),
    }
}

/// Where the table of `policy` stands. For ids this reads the table as its owner, and can fail as any query can.
///
/// Ids begin at the highest one that is stored in a partition, taken down to the start of its period. A row in the
/// default partition does not count: it may be a slip, and nothing may expire because of it. New partitions are made
/// ahead of the sequence that numbers the rows as well, where there is one: a table may be empty, and ids may
/// be handed out and not be committed yet.
pub fn front(policy: &Policy, partitions: &[Partition]) -> Result<Front, ErrorReport> {
    if !matches!(policy.key, Key::Ids(_)) {
        return Ok(Front::at(now()));
    }
    let stored = highest(policy, partitions)?;
    let handed_out = sequence(policy)?;
    let start = || partitions.iter().find_map(|p| p.range()).map(|r| r.lower.max(0));
    let create = stored.max(handed_out).or_else(start).unwrap_or(0);
    Ok(Front { create, expire: stored.unwrap_or(i64::MIN) })
}

/// How many partitions are looked at in one query.
const TOGETHER: usize = 16;

/// The highest stored id. Within a partition of one period the first one of it stands for all: no index is needed to
/// know that a partition is not empty.
fn highest(policy: &Policy, partitions: &[Partition]) -> Result<Option<i64>, ErrorReport> {
    let _owner = RunAs::owner(policy.table.owner);
    set("lock_timeout", &policy.lock_timeout_ms.to_string());
    let newest: Vec<(Oid, Range)> = partitions
        .iter()
        .rev()
        .filter(|p| !p.detach_pending && !p.foreign)
        .filter_map(|p| Some((p.oid, p.range()?)))
        .collect();
    for some in newest.chunks(TOGETHER) {
        pgrx::check_for_interrupts!();
        let filled = filled(some.iter().map(|(oid, _)| *oid).collect())?;
        for (_, range) in some.iter().filter(|(oid, _)| filled.contains(oid)) {
            if let Some(found) = highest_in(policy, *range)? {
                return Ok(Some(found));
            }
        }
    }
    Ok(None)
}

/// Those that may have rows. Most of what is kept ready has not even a block yet, which is cheaper to see than to query.
fn filled(partitions: Vec<Oid>) -> Result<Vec<Oid>, ErrorReport> {
    let rows = latest(|| {
        select_kept(
            "SELECT c.oid FROM pg_catalog.pg_class c
             WHERE c.oid = ANY ($1) AND (c.relkind <> 'r' OR pg_catalog.pg_relation_size(c.oid) > 0)",
            &[partitions.into()],
            |row| row.get::<Oid>(1),
        )
    })?;
    Ok(rows.into_iter().flatten().collect())
}

/// The highest id within a partition's range, or the first one of it if it is a single period and not empty.
fn highest_in(policy: &Policy, range: Range) -> Result<Option<i64>, ErrorReport> {
    // Through the parent, which is the owner's for sure.
    let parent = policy.table.qualified();
    let column = policy.table.key_reference("");
    let mut rows = format!("FROM {parent} WHERE {column} >= '{}'::pg_catalog.int8", range.lower);
    if range.upper != i64::MAX {
        rows += &format!(" AND {column} < '{}'::pg_catalog.int8", range.upper);
    }
    let one_period = policy.grid.next(range.lower).map_err(Error::from)? >= range.upper;
    let sql = if one_period {
        format!("SELECT '{}'::pg_catalog.int8 WHERE EXISTS (SELECT {rows})", range.lower)
    } else {
        format!("SELECT pg_catalog.max({column})::pg_catalog.int8 {rows}")
    };
    Ok(latest(|| select_first(&sql, &[], |row| row.get::<i64>(1)))?.flatten())
}

/// The last number of the sequence that belongs to the key column, or its first where none was taken yet.
fn sequence(policy: &Policy) -> Result<Option<i64>, ErrorReport> {
    let rows = registry::read(
        "SELECT COALESCE(pg_catalog.pg_sequence_last_value(s.seqrelid), s.seqstart)
         FROM pg_catalog.pg_partitioned_table k
         JOIN pg_catalog.pg_depend d ON d.refobjid = k.partrelid AND d.refobjsubid = k.partattrs[0]
         JOIN pg_catalog.pg_sequence s ON s.seqrelid = d.objid
         WHERE k.partrelid = $1 AND s.seqincrement > 0 AND d.deptype IN ('a', 'i')
           AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
           AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass",
        &[policy.table.oid.into()],
        |row| row.get::<i64>(1),
    )?;
    Ok(rows.into_iter().flatten().max())
}
