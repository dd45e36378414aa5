//! The row of `shard_router.operations`.

use super::Problem;
use super::snapshot::Snapshot;
use crate::session::{as_extension_owner, literal, run};
use crate::shard::relation_name;
use pg_ext_core::spi;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Split,
    Move,
}

impl Command {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Split => "split",
            Self::Move => "move",
        }
    }
}

/// What the next transaction does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Makes the targets and the log.
    Prepare,
    /// Puts the trigger on the shard.
    Capture,
    /// Copies a batch of rows.
    Copy,
    /// Copies the rows that were noted.
    Replay,
    /// Exchanges the partitions.
    Swap,
    /// Drops what is left.
    Finish,
}

impl Step {
    const ALL: [Self; 6] =
        [Self::Prepare, Self::Capture, Self::Copy, Self::Replay, Self::Swap, Self::Finish];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Capture => "capture",
            Self::Copy => "copy",
            Self::Replay => "replay",
            Self::Swap => "swap",
            Self::Finish => "finish",
        }
    }
}

pub struct Operation {
    pub table: pg_sys::Oid,
    pub command: Command,
    pub step: Step,
    pub factor: u32,
    pub node: Option<String>,
    pub pending: Vec<pg_sys::Oid>,
    pub shard: pg_sys::Oid,
    pub modulus: u32,
    pub remainder: u32,
    pub targets: Vec<pg_sys::Oid>,
    pub log: pg_sys::Oid,
    pub filenode: pg_sys::Oid,
    pub blocks_total: i64,
    pub blocks_done: i64,
    /// Whether the present statement is the one that drives it.
    pub driven_here: bool,
    /// Another backend that drives it now.
    pub running_in: Option<i32>,
}

impl Operation {
    /// The table's operation, its row locked until the transaction ends.
    pub fn find(table: pg_sys::Oid) -> Result<Option<Self>, ErrorReport> {
        as_extension_owner(|| {
            run(&format!(
                "SELECT FROM shard_router.operations WHERE tbl OPERATOR(pg_catalog.=) {} FOR UPDATE",
                table.to_u32()
            ))?;
            // Read after the lock, with a snapshot as new.
            let _now = Snapshot::take().activate();
            spi::select_first(
                "SELECT o.command, o.step, o.factor, o.node::pg_catalog.text, o.pending::oid[], o.shard::oid, o.modulus, o.remainder,
                        o.targets::oid[], o.change_log::oid, o.filenode, o.blocks_total, o.blocks_done,
                        coalesce(o.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
                                 AND o.statement_at OPERATOR(pg_catalog.=) pg_catalog.statement_timestamp(), false),
                        (SELECT a.pid FROM pg_catalog.pg_stat_activity AS a
                          WHERE a.pid OPERATOR(pg_catalog.=) o.pid AND a.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()
                            AND a.query_start OPERATOR(pg_catalog.=) o.statement_at AND a.state OPERATOR(pg_catalog.=) 'active')
                   FROM shard_router.operations AS o WHERE o.tbl OPERATOR(pg_catalog.=) $1",
                &[table.into()],
                |row| {
                    let oid = |value: Option<pg_sys::Oid>| value.unwrap_or(pg_sys::InvalidOid);
                    let number = |value: Option<i32>| value.unwrap_or_default().unsigned_abs();
                    let step = row.get::<String>(2)?.unwrap_or_default();
                    Ok(Self {
                        table,
                        command: match row.get::<String>(1)?.as_deref() {
                            Some("move") => Command::Move,
                            _ => Command::Split,
                        },
                        step: Step::ALL
                            .into_iter()
                            .find(|known| known.name() == step)
                            .unwrap_or(Step::Prepare),
                        factor: number(row.get(3)?),
                        node: row.get(4)?,
                        pending: row.get(5)?.unwrap_or_default(),
                        shard: oid(row.get(6)?),
                        modulus: number(row.get(7)?),
                        remainder: number(row.get(8)?),
                        targets: row.get(9)?.unwrap_or_default(),
                        log: oid(row.get(10)?),
                        filenode: oid(row.get(11)?),
                        blocks_total: row.get(12)?.unwrap_or_default(),
                        blocks_done: row.get(13)?.unwrap_or_default(),
                        driven_here: row.get(14)?.unwrap_or_default(),
                        running_in: row.get(15)?,
                    })
                },
            )
        })
    }

    /// Enters an operation of which the present statement is the driver.
    pub fn begin(
        table: pg_sys::Oid,
        command: Command,
        factor: u32,
        node: Option<&str>,
        pending: &[pg_sys::Oid],
    ) -> Result<(), ErrorReport> {
        as_extension_owner(|| {
            run(&format!(
                "INSERT INTO shard_router.operations (tbl, command, factor, node, pending, pid, statement_at)
                 VALUES ({}, {}, {factor}, {}, {}, pg_catalog.pg_backend_pid(), pg_catalog.statement_timestamp())",
                table.to_u32(),
                literal(command.name()),
                node.map_or_else(|| "NULL".to_owned(), literal),
                relations(pending)
            ))
        })
    }

    /// Makes the present statement the driver; 55006 if another one is at it.
    pub fn claim(&self) -> Result<(), ErrorReport> {
        if let Some(pid) = self.running_in {
            return Err(Problem::Running {
                command: self.command.name().into(),
                table: relation_name(self.table)?,
                pid,
            }
            .into());
        }
        self.set(
            "pid = pg_catalog.pg_backend_pid(), statement_at = pg_catalog.statement_timestamp()",
        )
    }

    /// Changes the row; `assignments` is SQL text of ours.
    pub fn set(&self, assignments: &str) -> Result<(), ErrorReport> {
        as_extension_owner(|| {
            run(&format!(
                "UPDATE shard_router.operations SET {assignments} WHERE tbl OPERATOR(pg_catalog.=) {}",
                self.table.to_u32()
            ))
        })
    }

    /// The step to go on with, and what else changes with it.
    pub fn go_on(&self, step: Step, assignments: &str) -> Result<(), ErrorReport> {
        let separator = if assignments.is_empty() { "" } else { ", " };
        self.set(&format!("step = {}{separator}{assignments}", literal(step.name())))
    }

    /// The shard at hand is done.
    pub fn next_shard(&self) -> Result<(), ErrorReport> {
        self.go_on(
            Step::Prepare,
            "pending = pending[2:], shard = NULL, modulus = NULL, remainder = NULL, targets = '{}', change_log = NULL,
             filenode = NULL, blocks_total = 0, blocks_done = 0, rows_total = 0, rows_copied = 0, changes_pending = 0",
        )
    }

    pub fn forget(&self) -> Result<(), ErrorReport> {
        as_extension_owner(|| {
            run(&format!(
                "DELETE FROM shard_router.operations WHERE tbl OPERATOR(pg_catalog.=) {}",
                self.table.to_u32()
            ))
        })
    }
}

/// Relations as the text of an array of them.
#[must_use]
pub fn relations(oids: &[pg_sys::Oid]) -> String {
    let list: Vec<_> = oids.iter().map(|oid| oid.to_u32().to_string()).collect();
    format!("ARRAY[{}]::pg_catalog.oid[]::pg_catalog.regclass[]", list.join(", "))
}
