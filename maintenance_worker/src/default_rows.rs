//! Rows of the default partition that belong to a partition which is to be made: moved into it while it is attached.
//!
//! All of it is one transaction, the copies as well as the deletions: every snapshot, however old, sees a row in exactly one
//! of the two places, and a crash leaves nothing behind. Most rows are moved in batches before any table is locked. A writer
//! that wants one of them meanwhile has to wait for this transaction; that is looked for after every batch, and the
//! transaction then gives way. Only the rows that came in last are moved under the lock, which both tables need: a
//! reader must not plan its query before the partition is attached and run it on the default partition afterwards.

use crate::error::Error;
use crate::key::{Bound, MAXVALUE};
use crate::plan::Step;
use crate::registry::{Partition, Policy, latest};
use pg_ext_core::identity::{RunAs, may_act_for, set};
use pg_ext_core::spi::{report, select, select_first, write};
use pg_ext_core::subtransaction;
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::pg_sys::{self, ItemPointerData};
use pgrx::prelude::*;
use pgrx::spi::quote_identifier;
use std::time::Instant;

/// Blocks that one statement looks through: some milliseconds of work.
const BATCH: i64 = 16;
/// So few blocks are left to the time under the lock.
const FEW: i64 = 8;
/// More than so many, and it is better to go round again.
const MANY: i64 = 32;
/// How often the lock is tried for.
const ATTEMPTS: u32 = 3;
/// How long others may pass between two attempts, in looks at who waits, and the time between two of these in seconds.
const LOOKS: u32 = 10;
const PAUSE: f64 = 0.01;

/// How long a plan waits for a look into the default partition.
const PATIENCE: &str = "100ms";

/// What has to be known to move rows into one partition.
struct Move<'a> {
    policy: &'a Policy,
    step: &'a Step,
    default: pg_sys::Oid,
    /// Schema-qualified and quoted.
    default_name: String,
    columns: Vec<String>,
}

/// Whether an error says that the default partition holds rows of the range of a partition that was to be attached.
pub fn in_the_way(step: &Step, sqlstate: &str) -> bool {
    step.attach.is_some() && sqlstate == "23514"
}

/// Makes the partition of a step, moves its rows out of the default partition and attaches it. How many rows that were.
///
/// As the table's owner, in a subtransaction.
pub fn create(policy: &Policy, step: &Step, partitions: &[Partition]) -> Result<i64, ErrorReport> {
    // Nothing here is worth a compilation, least of all while others wait; and whoever may not see every row of a table
    // must not move the ones he sees.
    set("jit", "off");
    set("row_security", "off");
    let Some(movement) = Move::find(policy, step, partitions, pg_sys::RowExclusiveLock)? else {
        // Nothing that could be moved: the error of the attachment is the one to report.
        write(&step.ddl, &[])?;
        return Ok(0);
    };
    movement.create()?;
    if movement.is_locked()? {
        return movement.exchange(0, true, policy.lock_timeout_ms);
    }
    let mut moved = 0;
    // The first block that may hold rows of the range.
    let mut from = 0;
    for attempt in 1.. {
        let batches;
        (batches, from) = movement.move_most(from)?;
        moved += batches;
        let last = attempt == ATTEMPTS;
        // SAFETY: reads a setting.
        let deadlock = i64::from(unsafe { pg_sys::DeadlockTimeout });
        // Whoever waits for a row that is moved already notices a deadlock no earlier than this ends.
        let timeout = if moved > 0 { (deadlock / 2).max(1) } else { i64::MAX };
        let timeout = policy.lock_timeout_ms.min(timeout);
        let tried =
            subtransaction::run(|| movement.exchange(from, last, timeout).unwrap_or_report());
        match tried {
            Ok(rest) => {
                moved += rest;
                break;
            }
            Err(error) if !last && error.sqlstate == "55P03" => {
                for _ in 0..LOOKS {
                    movement.give_way()?;
                    write("SELECT pg_catalog.pg_sleep($1)", &[PAUSE.into()])?;
                }
                movement.give_way()?;
            }
            // Rows where there was room in the middle of the table.
            Err(error) if !last && error.sqlstate == "23514" && from > 0 => from = 0,
            Err(error) => error.raise(),
        }
    }
    Ok(moved)
}

impl<'a> Move<'a> {
    /// None where there is no default partition of a kind whose rows can be moved.
    fn find(
        policy: &'a Policy,
        step: &'a Step,
        partitions: &[Partition],
        lock: u32,
    ) -> Result<Option<Self>, ErrorReport> {
        let Some(default) = partitions.iter().find(|p| p.bound == Some(Bound::Default)) else {
            return Ok(None);
        };
        // Statements name it, and the deletion is by its OID: from here on it is not renamed, detached or dropped.
        // SAFETY: in a transaction, whose end releases the lock.
        unsafe { pg_sys::LockRelationOid(default.oid, lock as pg_sys::LOCKMODE) };
        // What is published would reach the subscribers by half: the new partition is not yet part of its table.
        let found = latest(|| {
            select_first(
                "SELECT c.relkind::text, m.amname::text, c.relowner,
                     pg_catalog.current_setting('wal_level') = 'logical' AND EXISTS (
                         SELECT FROM pg_catalog.pg_partition_ancestors(c.oid) a
                         JOIN pg_catalog.pg_class r ON r.oid = a.relid
                         JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
                         JOIN pg_catalog.pg_publication_tables t ON t.schemaname = n.nspname AND t.tablename = r.relname)
                 FROM pg_catalog.pg_class c
                 JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
                 JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid
                 LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
                 WHERE c.oid = $1 AND i.inhparent = $2 AND pg_catalog.format('%I.%I', s.nspname, c.relname) = $3",
                &[default.oid.into(), policy.table.oid.into(), default.qualified().into()],
                |row| {
                    Ok((
                        row.get::<String>(1)?,
                        row.get::<String>(2)?,
                        row.get::<pg_sys::Oid>(3)?,
                        row.get::<bool>(4)?,
                    ))
                },
            )
        })?;
        let Some((kind, method, owner, published)) = found else { return Ok(None) };
        if kind.as_deref() != Some("r") || method.as_deref() != Some("heap") {
            return Ok(None);
        }
        if !owner.is_some_and(may_act_for) {
            return Err(Error::NotOwner(default.name.clone()).into());
        }
        if published == Some(true) {
            return Err(Error::PublishedRows(default.name.clone()).into());
        }
        // A generated column is computed anew.
        let columns = latest(|| {
            select(
                "SELECT a.attname::text FROM pg_catalog.pg_attribute a
                 WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
                 ORDER BY a.attnum",
                &[policy.table.oid.into()],
                |row| Ok(quote_identifier(row.get::<String>(1)?.unwrap_or_default())),
            )
        })?;
        Ok(Some(Self {
            policy,
            step,
            default: default.oid,
            default_name: default.qualified(),
            columns,
        }))
    }

    /// The name of a CHECK constraint that spares ATTACH the look at the moved rows.
    fn bound(&self) -> String {
        format!("maintenance_bound_{}", self.policy.table.oid.to_u32())
    }

    /// Rows of the range, by the columns of `alias`.
    fn condition(&self, alias: &str) -> String {
        let key = self.policy.table.key_reference(alias);
        let value = |literal: &Option<String>| {
            format!(
                "{}::{}",
                pgrx::spi::quote_literal(literal.as_deref().unwrap_or_default()),
                self.policy.table.key_type_name()
            )
        };
        let from = format!("{key} >= {}", value(&self.step.lower));
        if self.step.upper.as_deref() == Some(MAXVALUE) {
            return from;
        }
        format!("{from} AND {key} < {}", value(&self.step.upper))
    }

    /// The statements before the rows are moved.
    fn before(&self) -> String {
        let Step { partition, ddl, attach, .. } = self.step;
        let create = attach.as_deref().and_then(|attach| ddl.strip_suffix(attach)).unwrap_or(ddl);
        format!(
            "{create}ALTER TABLE {partition} ADD CONSTRAINT {} CHECK ({} IS NOT NULL AND {})",
            self.bound(),
            self.policy.table.key_reference(""),
            self.condition("")
        )
    }

    fn lock(&self) -> [String; 2] {
        // The parent first, as every query does it.
        [&self.policy.table.qualified(), &self.default_name]
            .map(|table| format!("LOCK TABLE ONLY {table} IN ACCESS EXCLUSIVE MODE"))
    }

    /// The statements after the rows were moved.
    fn after(&self) -> String {
        format!(
            "{};\nALTER TABLE {} DROP CONSTRAINT {}",
            self.step.attach.as_deref().unwrap_or_default(),
            self.step.partition,
            self.bound()
        )
    }

    fn create(&self) -> Result<(), ErrorReport> {
        write(&self.before(), &[]).map(drop)
    }

    /// Moves what it finds from block `from` on, up to the last few blocks. How many rows, and the block to go on from.
    fn move_most(&self, mut from: i64) -> Result<(i64, i64), ErrorReport> {
        let mut moved = 0;
        loop {
            let blocks = self.blocks()?;
            if blocks - from <= FEW {
                return Ok((moved, from));
            }
            // The newest rows are the likeliest to be changed, and stay anybody's up to the end.
            let to = (blocks - FEW).min(from + BATCH);
            moved += self.move_rows(from, to)?;
            from = to;
            self.give_way()?;
        }
    }

    /// Moves the rest under the lock and attaches the partition. All locks together are waited for up to `timeout`
    /// milliseconds, since whoever waits behind the first one waits for the others as well.
    fn exchange(&self, from: i64, everything: bool, timeout: i64) -> Result<i64, ErrorReport> {
        let began = Instant::now();
        let limit = || {
            let passed = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
            set("lock_timeout", &timeout.saturating_sub(passed).max(1).to_string());
        };
        for lock in self.lock() {
            limit();
            write(&lock, &[])?;
        }
        let blocks = self.blocks()?;
        if blocks - from > MANY && !everything {
            return Err(Error::RowsInUse(self.default_name.clone()).into());
        }
        let moved = self.move_rows(if everything { 0 } else { from }, blocks)?;
        limit();
        write(&self.after(), &[])?;
        Ok(moved)
    }

    fn blocks(&self) -> Result<i64, ErrorReport> {
        let blocks = select_first(
            "SELECT pg_catalog.pg_relation_size($1) / pg_catalog.current_setting('block_size')::int8",
            &[self.default.into()],
            |row| row.get::<i64>(1),
        )?;
        Ok(blocks.flatten().unwrap_or(0))
    }

    /// Moves the rows of the range out of some blocks, but for those that somebody is just changing.
    ///
    /// The server copies them; they are deleted below the level of SQL, so that no trigger fires and no foreign key that
    /// points at them acts: for the table as a whole, nothing happens to them.
    fn move_rows(&self, from: i64, to: i64) -> Result<i64, ErrorReport> {
        pgrx::check_for_interrupts!();
        let aliases: Vec<String> = (1..=self.columns.len()).map(|n| format!("c{n}")).collect();
        let aliases = aliases.join(", ");
        let sql = format!(
            "WITH found (tid, {aliases}) AS MATERIALIZED (
                 SELECT d.ctid, {} FROM ONLY {} AS d
                 WHERE d.ctid >= '({from},0)'::pg_catalog.tid AND d.ctid < '({to},0)'::pg_catalog.tid AND {}
                 FOR UPDATE SKIP LOCKED),
             copied AS (INSERT INTO {} ({}) SELECT {aliases} FROM found)
             SELECT tid FROM found",
            self.columns.iter().map(|c| format!("d.{c}")).collect::<Vec<_>>().join(", "),
            self.default_name,
            self.condition("d"),
            self.step.partition,
            self.columns.join(", "),
        );
        let rows: Vec<ItemPointerData> = Spi::connect_mut(|client| {
            let mut rows = vec![];
            for row in client.update(&sql, None, &[])? {
                rows.extend(row.get::<ItemPointerData>(1)?);
            }
            Ok(rows)
        })
        .map_err(report)?;
        // SAFETY: the table is opened with a lock that stays until the transaction ends. Each row was locked by the statement
        // above, so it is alive and nobody else's; the server raises an error otherwise.
        unsafe {
            let table =
                pg_sys::table_open(self.default, pg_sys::RowExclusiveLock as pg_sys::LOCKMODE);
            for mut row in rows.iter().copied() {
                pg_sys::simple_heap_delete(table, &mut row);
            }
            pg_sys::table_close(table, pg_sys::NoLock as pg_sys::LOCKMODE);
            pg_sys::CommandCounterIncrement();
        }
        Ok(rows.len() as i64)
    }

    /// Whether the caller has locked the table already: then nobody can want its rows.
    fn is_locked(&self) -> Result<bool, ErrorReport> {
        let locked = select_first(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_locks l
                 WHERE l.granted AND l.pid = pg_catalog.pg_backend_pid() AND l.mode = 'AccessExclusiveLock'
                   AND l.locktype = 'relation' AND l.relation = $1
                   AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d
                                     WHERE d.datname = pg_catalog.current_database()))",
            &[self.policy.table.oid.into()],
            |row| row.get::<bool>(1),
        )?;
        Ok(locked.flatten() == Some(true))
    }

    /// Raises an error if anybody waits for a row that is being moved, or for the default partition. What the caller's
    /// transaction has locked before is not ours to give away.
    fn give_way(&self) -> Result<(), ErrorReport> {
        // SAFETY: in a subtransaction that has written.
        let own = unsafe { pg_sys::GetCurrentTransactionId() }.into_inner();
        let waiting = select_first(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_locks l
                 WHERE NOT l.granted AND l.pid <> pg_catalog.pg_backend_pid()
                   AND (l.transactionid = $1::pg_catalog.xid OR l.locktype = 'relation' AND l.relation = $2)
                   AND pg_catalog.pg_backend_pid() = ANY (pg_catalog.pg_blocking_pids(l.pid)))",
            &[own.to_string().into(), self.default.into()],
            |row| row.get::<bool>(1),
        )?;
        if waiting.flatten() == Some(true) {
            return Err(Error::RowsInUse(self.default_name.clone()).into());
        }
        Ok(())
    }
}

/// Adds to the steps of a plan what moves rows out of the default partition, where there are any.
pub fn explain(policy: &Policy, steps: &mut [Step], partitions: &[Partition]) {
    if !partitions.iter().any(|p| p.bound == Some(Bound::Default)) {
        return;
    }
    for step in steps.iter_mut().filter(|step| step.attach.is_some()) {
        // What cannot be read, cannot be moved: the run reports it.
        let ddl = subtransaction::run(|| {
            let _owner = RunAs::owner(policy.table.owner);
            set("row_security", "off");
            set("lock_timeout", PATIENCE);
            let lock = pg_sys::AccessShareLock;
            let movement = Move::find(policy, step, partitions, lock).unwrap_or_report()?;
            let sql = format!(
                "SELECT EXISTS (SELECT FROM ONLY {} AS d WHERE {})",
                movement.default_name,
                movement.condition("d")
            );
            let any = select_first(&sql, &[], |row| row.get::<bool>(1)).unwrap_or_report();
            (any.flatten() == Some(true)).then(|| {
                let columns = movement.columns.join(", ");
                format!(
                    "{};\n{};\nWITH moved AS (DELETE FROM ONLY {} WHERE {} RETURNING {columns})\n\
                     INSERT INTO {} ({columns}) SELECT {columns} FROM moved;\n{}",
                    movement.before(),
                    movement.lock().join(";\n"),
                    movement.default_name,
                    movement.condition(""),
                    step.partition,
                    movement.after()
                )
            })
        });
        if let Ok(Some(ddl)) = ddl {
            step.ddl = ddl;
        }
    }
}
