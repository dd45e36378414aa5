//! How far the partitions of each policy reach, for the views `status`, `health` and `metrics`.

use crate::front::front;
use crate::key::Bound;
use crate::partition::partitions_of;
use crate::plan::{key_ends, missing};
use crate::registry::{self, Partition, Policy, Stored, latest};
use pg_ext_core::identity::{RunAs, may_act_for, set};
use pg_ext_core::spi::select_first;
use pg_ext_core::subtransaction;
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;

/// Rows of a default partition are counted up to here: there should be none, and whether there are a million or two
/// makes no difference to what is to be done.
const MAX_COUNTED: i64 = 10_000;

/// Who looks at a status should not wait for it: a default partition that is locked is not counted.
const PATIENCE: &str = "100ms";

struct Extent {
    partitions: i32,
    ahead: i32,
    missing: i32,
    key_ends: bool,
}

/// `maintenance.partition_status`: of the tables that the caller may maintain, or all for members of pg_monitor.
#[pg_extern(sql = false)]
#[allow(clippy::type_complexity)]
fn partition_status() -> Result<
    TableIterator<
        'static,
        (
            name!(parent, Oid),
            name!(partitions, Option<i32>),
            name!(ahead, Option<i32>),
            name!(missing, Option<i32>),
            name!(default_rows, Option<i64>),
            name!(key_ends, Option<bool>),
        ),
    >,
    ErrorReport,
> {
    let mut stored = registry::stored(None)?;
    if !may_act_for(pg_sys::Oid::from(pg_sys::ROLE_PG_MONITOR)) {
        stored.retain(|stored| stored.table.check_owner().is_ok());
    }
    let mut rows = Vec::with_capacity(stored.len());
    for stored in stored {
        pgrx::check_for_interrupts!();
        // A policy that does not fit its table any more has a row of nulls; `health` says why.
        let (extent, default_rows) =
            match subtransaction::run(|| extent(&stored).unwrap_or_report()) {
                Ok((extent, rest)) => (Some(extent), rest.map_or(Some(0), |p| count(&p))),
                Err(_) => (None, None),
            };
        let extent = extent.as_ref();
        rows.push((
            stored.table.oid,
            extent.map(|e| e.partitions),
            extent.map(|e| e.ahead),
            extent.map(|e| e.missing),
            default_rows,
            extent.map(|e| e.key_ends),
        ));
    }
    Ok(TableIterator::new(rows))
}

/// How far the partitions of a policy reach, and its default partition.
fn extent(stored: &Stored) -> Result<(Extent, Option<Partition>), ErrorReport> {
    let policy = Policy::new(stored.table.clone(), &stored.settings)?;
    let partitions = partitions_of(&policy)?;
    let front = front(&policy, &partitions)?;
    let here = policy.key.locate(front.create, &policy.zone).map_err(crate::error::Error::from)?;
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let ahead = |p: &&Partition| p.range().is_some_and(|range| range.lower > here);
    let extent = Extent {
        partitions: count(partitions.len()),
        ahead: count(partitions.iter().filter(ahead).count()),
        missing: count(missing(&policy, &partitions, front)?.len()),
        key_ends: key_ends(&policy, front)?,
    };
    Ok((extent, partitions.into_iter().find(|p| p.bound == Some(Bound::Default))))
}

/// The rows of a default partition, up to [`MAX_COUNTED`], as its owner sees them: he need not be the table's. None if that
/// cannot be told now.
fn count(partition: &Partition) -> Option<i64> {
    let sql = format!(
        "SELECT pg_catalog.count(*) FROM (SELECT FROM {} LIMIT {MAX_COUNTED}) r",
        partition.qualified()
    );
    let counted = subtransaction::run(|| {
        let owner = registry::table(partition.oid).unwrap_or_report().owner;
        let _owner = RunAs::owner(owner);
        set("lock_timeout", PATIENCE);
        latest(|| select_first(&sql, &[], |row| row.get::<i64>(1))).unwrap_or_report()
    });
    counted.ok().flatten().flatten()
}
