//! What each step does. Every function here runs as the table's owner, in a transaction that the procedure commits.

use super::Problem;
use super::definition::{KeyColumn, ShardInfo, difference, key_of, owner_of};
use super::movement::{self, OnNode};
use super::snapshot::Snapshot;
use super::split::new_names;
use super::state::{Command, Operation, Step, relations};
use crate::bounds::Bound;
use crate::error::Error;
use crate::node::table::place;
use crate::session::{as_extension_owner, literal, qualify, quote, run, with_catalogs};
use crate::shard::{find_name, relation_name};
use pg_ext_core::identity::set;
use pg_ext_core::spi;
use pg_ext_core::subtransaction::{self, Caught};
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use std::ffi::c_int;
use std::time::{Duration, Instant};

/// Blocks that one transaction copies: a moment's work.
const BATCH: i64 = 128;
/// So few changes are left to the exchange of the partitions.
const FEW: u64 = 200;
/// So many have come up by the time it has its locks that it is better to go round again.
const MANY: u64 = 2000;
/// How long an attempt waits for the table, and then for each further lock. Everybody who wants the table meanwhile waits
/// behind it.
pub const TABLE_TIMEOUT: &str = "40ms";
const FURTHER_TIMEOUT: &str = "20ms";
/// How long to let others pass before the next attempt, in seconds.
pub const PAUSE: f64 = 0.2;
/// How long a cancellation tries to get its lock.
const PATIENCE: Duration = Duration::from_secs(30);

/// Names that are this session's alone as long as it holds the shard: they carry its OID.
pub fn interim(shard: pg_sys::Oid) -> String {
    format!("shard_router_{}", shard.to_u32())
}

fn log_name(shard: pg_sys::Oid) -> String {
    format!("changes_{}", shard.to_u32())
}

pub fn advance(operation: &Operation) -> Result<Option<f64>, ErrorReport> {
    // Nothing here is worth a compilation, least of all while others wait.
    set("jit", "off");
    match operation.step {
        Step::Prepare => prepare(operation),
        Step::Capture => capture(operation),
        Step::Copy => copy(operation),
        Step::Replay => replay(operation),
        Step::Swap => swap(operation),
        Step::Finish => finish(operation),
    }
}

fn prepare(operation: &Operation) -> Result<Option<f64>, ErrorReport> {
    let Some(&shard) = operation.pending.first() else {
        operation.forget()?;
        return Ok(None);
    };
    lock(operation.table, pg_sys::ShareUpdateExclusiveLock);
    let Some(info) = with_catalogs(|| ShardInfo::find(operation.table, shard))? else {
        // Somebody has dropped or detached it.
        operation.next_shard()?;
        return Ok(Some(0.0));
    };
    with_catalogs(|| info.refuse_what_would_be_lost())?;
    if operation.command == Command::Move {
        return super::movement::prepare(operation, &info);
    }
    let key = with_catalogs(|| key_of(info.oid, &info.name))?;
    let mut targets = Vec::new();
    for (index, (name, bound)) in new_names(&info, operation.factor)?.into_iter().enumerate() {
        // The first one gets the shard's name when that is free.
        let name = if index == 0 { interim(shard) } else { name };
        let target = qualify(&info.schema, &name);
        run(&info.create_target(&target, bound))?;
        for statement in with_catalogs(|| info.settings(&target))? {
            run(&statement)?;
        }
        targets.push(oid_of(&target)?);
    }
    enter_targets(operation, &info, &key, &targets)
}

/// Makes the log and enters it and the targets.
pub fn enter_targets(
    operation: &Operation,
    info: &ShardInfo,
    key: &[KeyColumn],
    targets: &[pg_sys::Oid],
) -> Result<Option<f64>, ErrorReport> {
    let shard = info.oid;
    let log = qualify("shard_router", &log_name(shard));
    let columns: Vec<_> = key.iter().map(|column| column.name.as_str()).collect();
    let owner = spi::select_first(
        "SELECT pg_catalog.quote_ident(rolname) FROM pg_catalog.pg_roles WHERE oid OPERATOR(pg_catalog.=) $1",
        &[owner_of(operation.table)?.into()],
        |row| row.get::<String>(1),
    )?
    .flatten()
    .ok_or_else(|| Error::Internal { what: "the owner".into() })?;
    as_extension_owner(|| {
        run(&format!(
            "CREATE TABLE {log} AS SELECT {} FROM ONLY {} WITH NO DATA",
            columns.join(", "),
            info.name
        ))?;
        run(&format!("GRANT SELECT, DELETE ON {log} TO {owner}"))
    })?;
    operation.go_on(
        Step::Capture,
        &format!(
            "shard = {}, modulus = {}, remainder = {}, targets = {}, change_log = {},
             rows_total = (SELECT pg_catalog.ceil(GREATEST(reltuples, 0)) FROM pg_catalog.pg_class WHERE oid OPERATOR(pg_catalog.=) {})",
            shard.to_u32(),
            info.bound.modulus,
            info.bound.remainder,
            relations(targets),
            oid_of(&log)?.to_u32(),
            shard.to_u32(),
        ),
    )?;
    Ok(Some(0.0))
}

/// Puts the trigger on the shard. Its lock waits for every writer, so that no change of one that it has not seen is under way
/// when the copy begins.
fn capture(operation: &Operation) -> Result<Option<f64>, ErrorReport> {
    let info = shard_at_hand(operation)?;
    let done = attempt(|| {
        set("lock_timeout", TABLE_TIMEOUT);
        as_extension_owner(|| {
            // ALWAYS, so that it sees what logical replication writes as well.
            for (name, when) in [
                ("shard_router_capture", "AFTER INSERT OR UPDATE OR DELETE"),
                ("shard_router_no_truncate", "BEFORE TRUNCATE"),
            ] {
                // A foreign table has no such trigger everywhere, and an option instead.
                if info.is_foreign && name == "shard_router_no_truncate" {
                    run(&format!(
                        "ALTER FOREIGN TABLE {} OPTIONS (ADD truncatable 'false')",
                        info.name
                    ))?;
                    continue;
                }
                let each = if name == "shard_router_capture" { "ROW" } else { "STATEMENT" };
                run(&format!(
                    "CREATE TRIGGER {name} {when} ON {} FOR EACH {each} EXECUTE FUNCTION shard_router.log_change({})",
                    info.name,
                    literal(&log_name(operation.shard))
                ))?;
                run(&format!("ALTER TABLE {} ENABLE ALWAYS TRIGGER {name}", info.name))?;
            }
            Ok(())
        })
    })?;
    if done.is_none() {
        return Ok(Some(PAUSE));
    }
    operation.go_on(Step::Copy, "")?;
    Ok(Some(0.0))
}

/// Copies the rows of some blocks. Rows that move from block to block meanwhile are changed rows, which the trigger notes.
fn copy(operation: &Operation) -> Result<Option<f64>, ErrorReport> {
    let info = shard_at_hand(operation)?;
    same_definition(operation)?;
    if info.is_foreign {
        // Another server's blocks are not ours to count: all at once.
        let columns = info.columns.join(", ");
        let mut copied = 0;
        for (target, _) in targets(operation)? {
            copied += spi::write(
                &format!(
                    "INSERT INTO {target} ({columns}) SELECT {columns} FROM ONLY {} ON CONFLICT DO NOTHING",
                    info.name
                ),
                &[],
            )?;
        }
        operation.go_on(Step::Replay, &format!("rows_copied = rows_copied + {copied}"))?;
        return Ok(Some(0.0));
    }
    let (filenode, blocks) = spi::select_first(
        "SELECT pg_catalog.pg_relation_filenode($1),
                pg_catalog.pg_relation_size($1) OPERATOR(pg_catalog./) pg_catalog.current_setting('block_size')::pg_catalog.int8",
        &[info.oid.into()],
        |row| {
            Ok((
                row.get::<pg_sys::Oid>(1)?.unwrap_or(pg_sys::InvalidOid),
                row.get::<i64>(2)?.unwrap_or_default(),
            ))
        },
    )?
    .ok_or_else(|| Error::Internal { what: "the shard's size".into() })?;
    // A rewrite of the table (VACUUM FULL, CLUSTER) has put every row elsewhere: once more from the start. What is copied
    // already is skipped.
    let (from, total) = if filenode == operation.filenode {
        (operation.blocks_done, operation.blocks_total)
    } else {
        (0, blocks)
    };
    let to = total.min(from + BATCH);
    let columns = info.columns.join(", ");
    let mut copied = 0;
    for (target, bound) in targets(operation)? {
        copied += spi::write(
            &format!(
                "INSERT INTO {target} ({columns}) SELECT {columns} FROM ONLY {}
                  WHERE ctid OPERATOR(pg_catalog.>=) '({from},0)'::pg_catalog.tid
                    AND ctid OPERATOR(pg_catalog.<) '({to},0)'::pg_catalog.tid{}
                 ON CONFLICT DO NOTHING",
                info.name,
                restriction(operation, &info, bound, "")
            ),
            &[],
        )?;
    }
    let counters = format!(
        "filenode = {}, blocks_total = {total}, blocks_done = {to}, rows_copied = rows_copied + {copied}",
        filenode.to_u32()
    );
    if to >= total {
        operation.go_on(Step::Replay, &counters)?;
    } else {
        operation.set(&counters)?;
    }
    Ok(Some(0.0))
}

/// Which rows of the shard are a target's; all of them if it is the only one.
fn restriction(operation: &Operation, info: &ShardInfo, bound: Bound, alias: &str) -> String {
    if operation.factor > 1 {
        format!(" AND {}", info.condition(bound, alias))
    } else {
        String::new()
    }
}

/// Copies the noted rows, as they are now.
///
/// All of it sees one snapshot: for a row that was ever noted, a target then has what the shard has, and all others have not
/// changed. So no unique key can be in the way, in whatever order rows took it from each other.
fn replay(operation: &Operation) -> Result<Option<f64>, ErrorReport> {
    let info = shard_at_hand(operation)?;
    same_definition(operation)?;
    let applied = Changes::new(operation, &info)?.apply(&Snapshot::take())?;
    let left = count_changes(operation)?;
    let counters =
        format!("changes_applied = changes_applied + {applied}, changes_pending = {left}");
    if left <= FEW {
        operation.go_on(Step::Swap, &counters)?;
    } else {
        operation.set(&counters)?;
    }
    Ok(Some(0.0))
}

/// The statements that copy the noted rows.
struct Changes {
    statements: Vec<String>,
    /// What a node does with the noted keys; where there is one.
    on_node: Option<OnNode>,
}

impl Changes {
    fn new(operation: &Operation, info: &ShardInfo) -> Result<Self, ErrorReport> {
        let key = with_catalogs(|| movement::key(operation, info))?;
        let log = relation_name(operation.log)?;
        let names: Vec<_> = key.iter().map(|column| column.name.as_str()).collect();
        let changed = format!("(SELECT DISTINCT {} FROM {log}) AS changed", names.join(", "));
        let columns = info.columns.join(", ");
        let present: Vec<_> = info.columns.iter().map(|column| format!("s.{column}")).collect();
        let targets = targets(operation)?;
        let mut statements = Vec::with_capacity(2 * targets.len() + 1);
        for (target, _) in &targets {
            statements.push(format!(
                "DELETE FROM ONLY {target} AS t USING {changed} WHERE {}",
                equal(&key, "t")
            ));
        }
        for (target, bound) in &targets {
            statements.push(format!(
                "INSERT INTO {target} ({columns}) SELECT {} FROM {changed} JOIN ONLY {} AS s ON {}{}",
                present.join(", "),
                info.name,
                equal(&key, "s"),
                restriction(operation, info, *bound, "s.")
            ));
        }
        statements.push(format!("DELETE FROM {log}"));
        let on_node = OnNode::new(operation, info, &key, &log)?;
        if let Some(on_node) = &on_node {
            on_node.replace(&mut statements);
        }
        Ok(Self { statements, on_node })
    }

    /// How many changes there were.
    fn apply(&self, snapshot: &Snapshot) -> Result<u64, ErrorReport> {
        if let Some(on_node) = &self.on_node {
            return on_node.apply(snapshot, &self.statements);
        }
        self.statements.iter().try_fold(0, |_, statement| snapshot.execute(statement))
    }
}

fn equal(key: &[KeyColumn], alias: &str) -> String {
    key.iter()
        .map(|column| format!("{alias}.{0} {1} changed.{0}", column.name, column.equals))
        .collect::<Vec<_>>()
        .join(" AND ")
}

fn count_changes(operation: &Operation) -> Result<u64, ErrorReport> {
    let log = relation_name(operation.log)?;
    let snapshot = Snapshot::take();
    // The rows themselves, not their count: only their number is asked for.
    snapshot.execute(&format!("SELECT FROM {log} LIMIT {}", MANY + 1))
}

/// Exchanges the partitions. The locks are waited for so shortly that whoever waits behind them hardly notices; if they are
/// not to be had, others pass first.
fn swap(operation: &Operation) -> Result<Option<f64>, ErrorReport> {
    let outcome = attempt(|| {
        set("lock_timeout", FURTHER_TIMEOUT);
        // These keep others from altering the two and hold up no writer, so what can be made ready is made ready now.
        lock(operation.table, pg_sys::ShareUpdateExclusiveLock);
        lock(operation.shard, pg_sys::ShareUpdateExclusiveLock);
        let info = shard_at_hand(operation)?;
        same_definition(operation)?;
        let changes = Changes::new(operation, &info)?;
        if count_changes(operation)? > MANY {
            return Ok(false);
        }
        set("lock_timeout", TABLE_TIMEOUT);
        // The table before the shard, as every statement does.
        lock(operation.table, pg_sys::AccessExclusiveLock);
        set("lock_timeout", FURTHER_TIMEOUT);
        lock(operation.shard, pg_sys::AccessExclusiveLock);
        // Few keys, found by index; without statistics the planner would not think so.
        for method in ["enable_hashjoin", "enable_mergejoin", "enable_seqscan"] {
            set(method, "off");
        }
        // Taken behind the locks: there is no change that it does not see.
        let applied = changes.apply(&Snapshot::take())?;
        exchange(operation, &info)?;
        operation.go_on(
            Step::Finish,
            &format!("changes_applied = changes_applied + {applied}, changes_pending = 0"),
        )?;
        Ok(true)
    })?;
    match outcome {
        Some(true) => Ok(Some(0.0)),
        Some(false) => {
            operation.go_on(Step::Replay, "")?;
            Ok(Some(0.0))
        }
        None => {
            operation.go_on(Step::Replay, "")?;
            Ok(Some(PAUSE))
        }
    }
}

fn exchange(operation: &Operation, info: &ShardInfo) -> Result<(), ErrorReport> {
    run(&format!("ALTER TABLE {} DETACH PARTITION {}", info.table, info.name))?;
    run(&format!(
        "ALTER TABLE {} RENAME TO {}",
        info.name,
        quote(&format!("{}_old", interim(operation.shard)))
    ))?;
    for (index, (target, bound)) in targets(operation)?.into_iter().enumerate() {
        run(&format!(
            "ALTER TABLE {} ATTACH PARTITION {target} FOR VALUES WITH (MODULUS {}, REMAINDER {})",
            info.table, bound.modulus, bound.remainder
        ))?;
        if operation.node.is_some() {
            movement::guard(&target)?;
        } else {
            run(&format!("ALTER TABLE {target} DROP CONSTRAINT shard_router_bound"))?;
        }
        if index == 0 {
            run(&format!("ALTER TABLE {target} RENAME TO {}", quote(&info.relname)))?;
        }
    }
    Ok(())
}

/// Drops the old shard, which nobody can reach any more, and what else is left.
fn finish(operation: &Operation) -> Result<Option<f64>, ErrorReport> {
    if find_name(operation.shard)?.is_some() {
        let dropped = attempt(|| {
            set("lock_timeout", TABLE_TIMEOUT);
            movement::finish(operation)?;
            drop_relation(operation.shard)
        })?;
        if dropped.is_none() {
            return Ok(Some(PAUSE));
        }
    }
    drop_log(operation)?;
    let renamed = attempt(|| {
        set("lock_timeout", TABLE_TIMEOUT);
        rename_indexes(operation)
    })?;
    if renamed.is_none() {
        return Ok(Some(PAUSE));
    }
    for (target, _) in targets(operation)? {
        run(&format!("ANALYZE {target}"))?;
    }
    if operation.command == Command::Move {
        let taken_back = attempt(|| {
            set("lock_timeout", TABLE_TIMEOUT);
            movement::take_keys_back(operation)
        })?;
        if taken_back.is_none() {
            return Ok(Some(PAUSE));
        }
    }
    operation.next_shard()?;
    Ok(Some(0.0))
}

/// Drops a table of whatever kind, if it is there.
fn drop_relation(relation: pg_sys::Oid) -> Result<(), ErrorReport> {
    let Some(name) = find_name(relation)? else { return Ok(()) };
    let kind = match place(relation)? {
        Some(_) => "FOREIGN TABLE",
        None => "TABLE",
    };
    run(&format!("DROP {kind} {name}"))
}

fn drop_log(operation: &Operation) -> Result<(), ErrorReport> {
    match find_name(operation.log)? {
        Some(log) => as_extension_owner(|| run(&format!("DROP TABLE {log}"))),
        None => Ok(()),
    }
}

/// The first target was made under another name, and its indexes were named after that. The number in it may be that of the
/// shard before a dump was restored.
fn rename_indexes(operation: &Operation) -> Result<(), ErrorReport> {
    let Some(&first) = operation.targets.first() else { return Ok(()) };
    // The old shard's indexes are gone in this very transaction.
    let _now = Snapshot::take().activate();
    let statements = spi::select(
        "SELECT format('ALTER INDEX %I.%I RENAME TO %I', n.nspname, x.relname, new.name)
           FROM pg_class AS t
           JOIN pg_namespace AS n ON n.oid = t.relnamespace
           JOIN pg_index AS i ON i.indrelid = t.oid
           JOIN pg_class AS x ON x.oid = i.indexrelid
          CROSS JOIN LATERAL (SELECT t.relname || substring(x.relname FROM '^shard_router_[0-9]+(_.*)$')) AS new (name)
          WHERE t.oid = $1 AND octet_length(new.name) < 64
            AND NOT EXISTS (SELECT FROM pg_class AS c WHERE c.relnamespace = t.relnamespace AND c.relname = new.name)",
        &[first.into()],
        |row| Ok(row.get::<String>(1)?.unwrap_or_default()),
    )?;
    statements.iter().try_for_each(|statement| run(statement))
}

/// Undoes what the operation has made for the shard at hand, and forgets it.
pub fn cancel(operation: &Operation) -> Result<(), ErrorReport> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let done = attempt(|| {
            set("lock_timeout", TABLE_TIMEOUT);
            match operation.step {
                Step::Prepare => {}
                Step::Finish => {
                    if find_name(operation.shard)?.is_some() {
                        movement::finish(operation)?;
                        drop_relation(operation.shard)?;
                    }
                    rename_indexes(operation)?;
                    drop_log(operation)?;
                }
                Step::Capture | Step::Copy | Step::Replay | Step::Swap => undo(operation)?,
            }
            operation.forget()
        })?;
        if done.is_some() {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(Problem::Locked {
                table: relation_name(operation.table)?,
                seconds: PATIENCE.as_secs() as u32,
            }
            .into());
        }
        pause(Duration::from_secs_f64(PAUSE));
    }
}

fn undo(operation: &Operation) -> Result<(), ErrorReport> {
    if let Some(shard) = find_name(operation.shard)? {
        for trigger in ["shard_router_capture", "shard_router_no_truncate"] {
            run(&format!("DROP TRIGGER IF EXISTS {trigger} ON {shard}"))?;
        }
    }
    movement::undo(operation)?;
    for &target in &operation.targets {
        drop_relation(target)?;
    }
    drop_log(operation)
}

/// The shard at hand, if it still is one.
fn shard_at_hand(operation: &Operation) -> Result<ShardInfo, ErrorReport> {
    let found = with_catalogs(|| ShardInfo::find(operation.table, operation.shard))?;
    match found {
        Some(info)
            if info.bound
                == (Bound { modulus: operation.modulus, remainder: operation.remainder }) =>
        {
            Ok(info)
        }
        _ => Err(Problem::Changed {
            table: relation_name(operation.table)?,
            what: format!("the shard with remainder {} was taken away", operation.remainder),
        }
        .into()),
    }
}

/// 55000 if somebody has altered the table since the targets were made.
fn same_definition(operation: &Operation) -> Result<(), ErrorReport> {
    for &target in &operation.targets {
        if let Some(what) = with_catalogs(|| difference(operation.shard, target))? {
            return Err(Problem::Changed { table: relation_name(operation.table)?, what }.into());
        }
    }
    Ok(())
}

/// The targets by name, each with its bound.
fn targets(operation: &Operation) -> Result<Vec<(String, Bound)>, ErrorReport> {
    let bounds = Bound { modulus: operation.modulus, remainder: operation.remainder }
        .split(operation.factor);
    let mut found = Vec::with_capacity(bounds.len());
    for (&target, bound) in operation.targets.iter().zip(bounds) {
        if let Some(name) = find_name(target)? {
            found.push((name, bound));
        }
    }
    Ok(found)
}

pub fn oid_of(relation: &str) -> Result<pg_sys::Oid, ErrorReport> {
    spi::select_first(
        "SELECT $1::pg_catalog.regclass::pg_catalog.oid",
        &[relation.into()],
        |row| row.get::<pg_sys::Oid>(1),
    )?
    .flatten()
    .ok_or_else(|| Error::Internal { what: format!("the table {relation}") }.into())
}

pub fn lock(relation: pg_sys::Oid, mode: u32) {
    // SAFETY: takes a lock until the transaction ends, on a relation of the caller's own; any OID may be locked.
    unsafe { pg_sys::LockRelationOid(relation, mode as pg_sys::LOCKMODE) };
}

/// Runs `work` in a subtransaction; none if a lock was not to be had, and then nothing is done and no lock kept.
pub fn attempt<T>(work: impl FnOnce() -> Result<T, ErrorReport>) -> Result<Option<T>, ErrorReport> {
    match subtransaction::run(|| work().unwrap_or_report()) {
        Ok(value) => Ok(Some(value)),
        // lock_not_available, deadlock_detected
        Err(caught) if matches!(caught.sqlstate.as_str(), "55P03" | "40P01") => Ok(None),
        Err(caught) => Err(raise(caught)),
    }
}

/// The server's number of an SQLSTATE, the inverse of `sqlstate_text`: six bits a character, the first one lowest.
fn packed(sqlstate: &str) -> i32 {
    sqlstate
        .bytes()
        .enumerate()
        .fold(0, |code, (i, byte)| code | (i32::from(byte.wrapping_sub(b'0') & 0x3F) << (6 * i)))
}

/// The error that a subtransaction caught, as it was.
pub fn raise(caught: Caught) -> ErrorReport {
    let mut report =
        ErrorReport::new(PgSqlErrorCode::from(packed(&caught.sqlstate)), caught.message, "");
    if let Some(detail) = caught.detail {
        report = report.set_detail(detail);
    }
    if let Some(hint) = caught.hint {
        report = report.set_hint(hint);
    }
    report
}

pub fn pause(duration: Duration) {
    // SAFETY: MyLatch is this process's own latch.
    unsafe {
        pg_sys::WaitLatch(
            pg_sys::MyLatch,
            (pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH) as c_int,
            duration.as_millis() as std::ffi::c_long,
            pg_sys::PG_WAIT_EXTENSION,
        );
        pg_sys::ResetLatch(pg_sys::MyLatch);
    }
    pgrx::check_for_interrupts!();
}

#[cfg(test)]
mod unit {
    use super::packed;
    use pg_ext_core::error::sqlstate_text;
    use pgrx::pg_sys::errcodes::PgSqlErrorCode;

    #[test]
    fn an_sqlstate_survives_the_way_through_a_subtransaction() {
        for sqlstate in ["42P01", "08001", "55P03", "XX000", "57014", "23514"] {
            assert_eq!(sqlstate_text(PgSqlErrorCode::from(packed(sqlstate))), sqlstate);
        }
    }
}
