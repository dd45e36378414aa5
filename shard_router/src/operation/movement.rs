//! What a move to a node, or back, does differently.

use super::Problem;
use super::definition::{KeyColumn, ShardInfo, key_of, owner_of, partitions};
use super::snapshot::Snapshot;
use super::split::{require_sharded, unfinished};
use super::state::{Command, Operation};
use super::steps::{PAUSE, TABLE_TIMEOUT, attempt, enter_targets, interim, lock, oid_of};
use crate::error::Error;
use crate::key::{Rule, Strategy};
use crate::node::remote::Remote;
use crate::node::{keys, table};
use crate::session::{as_extension_owner, literal, qualify, run, with_catalogs};
use crate::shard::{Table, find_name, relation_name};
use pg_ext_core::identity::{RunAs, set};
use pg_ext_core::{spi, subtransaction};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::prelude::*;
use std::ffi::CStr;

/// What the connection of a move is for, in its name.
const PURPOSE: &str = "move";

/// First part of `move_shard`: enters the operation, or takes an interrupted one up again.
#[pg_extern(sql = false)]
fn begin_move(
    tbl: Option<pg_sys::Oid>,
    shard: Option<i32>,
    node: Option<&CStr>,
) -> Result<(), ErrorReport> {
    let table = tbl.ok_or(Error::NullArgument { argument: "tbl" })?;
    let number = shard.ok_or(Error::NullArgument { argument: "shard" })?;
    let node = node.map(|node| node.to_string_lossy().into_owned()).filter(|node| node != "local");
    let name = require_sharded(table)?;
    if let Some(node) = &node {
        let known = spi::select_first(
            "SELECT true FROM pg_catalog.pg_foreign_server
              WHERE srvname OPERATOR(pg_catalog.=) $1 AND srvtype OPERATOR(pg_catalog.=) 'shard_router'",
            &[node.as_str().into()],
            |_| Ok(()),
        )?;
        if known.is_none() {
            return Err(Problem::NoNode { node: node.clone() }.into());
        }
        // What an earlier attempt has left open may be broken. As the owner, as all that follows.
        let _owner = RunAs::owner(owner_of(table)?);
        Remote::open(node, PURPOSE)?.close()?;
    }
    if let Some(found) = Operation::find(table)? {
        if found.command == Command::Move
            && found.node == node
            && i64::from(found.remainder) == i64::from(number)
        {
            return found.claim();
        }
        return Err(unfinished(&found)?);
    }
    lock(table, pg_sys::ShareUpdateExclusiveLock);
    let found = with_catalogs(|| partitions(table))?
        .into_iter()
        .find(|(_, bound)| i64::from(bound.remainder) == i64::from(number));
    let loaded = Table::load(table)?;
    let Some((shard, bound)) = found else {
        return Err(loaded.missing(usize::try_from(number).unwrap_or_default()));
    };
    let Some(info) = with_catalogs(|| ShardInfo::find(table, shard))? else {
        return Err(loaded.missing(usize::try_from(number).unwrap_or_default()));
    };
    let refuse = |what: &str, hint: &str| -> ErrorReport {
        Problem::Unsupported { shard: info.name.clone(), what: what.into(), hint: hint.into() }
            .into()
    };
    match (&node, info.is_foreign) {
        (None, false) => return Err(Problem::There { shard: info.name }.into()),
        (Some(_), true) => {
            return Err(refuse("it is on a node", "Move it back first, with node => 'local'."));
        }
        _ => {}
    }
    with_catalogs(|| info.refuse_what_would_be_lost())?;
    if node.is_some() {
        with_catalogs(|| key_of(info.oid, &info.name))?;
        let foreign_key = spi::select_first(
            "SELECT conname::pg_catalog.text FROM pg_catalog.pg_constraint
              WHERE conrelid OPERATOR(pg_catalog.=) $1 AND contype OPERATOR(pg_catalog.=) 'f'",
            &[table.into()],
            |row| row.get::<String>(1),
        )?
        .flatten();
        if let Some(constraint) = foreign_key {
            return Err(refuse(
                &format!("table {name} has foreign key {constraint}"),
                "A node cannot check it; drop that constraint first.",
            ));
        }
    }
    if info.shard_key.len() != 1 {
        return Err(refuse(
            "its key has several columns",
            "Only shards by one column can be moved.",
        ));
    }
    if !matches!(Table::load(table)?.key[0].rule, Rule::Strategy(_)) {
        return Err(refuse(
            "its key hashes by another operator class than those of hash and modulo",
            "A node could not check the bound of such a shard.",
        ));
    }
    Operation::begin(table, Command::Move, 1, node.as_deref(), &[shard])?;
    if let Some(operation) = Operation::find(table)? {
        operation.set(&format!("modulus = {}, remainder = {}", bound.modulus, bound.remainder))?;
    }
    Ok(())
}

/// Makes the target.
pub fn prepare(operation: &Operation, info: &ShardInfo) -> Result<Option<f64>, ErrorReport> {
    let target = qualify(&info.schema, &interim(info.oid));
    if let Some(node) = &operation.node {
        if keys::any(operation.table)? {
            // In a transaction of its own: its locks keep everybody out.
            let done = attempt(|| {
                set("lock_timeout", TABLE_TIMEOUT);
                lock(operation.table, pg_sys::AccessExclusiveLock);
                keys::leave_to_shards(operation.table, &info.table)
            })?;
            return Ok(Some(if done.is_some() { 0.0 } else { PAUSE }));
        }
        let remote = Remote::open(node, PURPOSE)?;
        let is_modulo =
            Table::load(operation.table)?.key[0].rule == Rule::Strategy(Strategy::Modulo);
        table::create_on_node(
            &remote,
            operation.table,
            &info.schema,
            &info.relname,
            info.bound,
            &info.shard_key[0],
            is_modulo,
        )?;
        run(&table::create_foreign(operation.table, &target, node, &info.schema, &info.relname)?)?;
    } else {
        run(&format!(
            "CREATE TABLE {target} (LIKE {} INCLUDING ALL EXCLUDING IDENTITY EXCLUDING INDEXES, CONSTRAINT shard_router_bound CHECK ({}))",
            info.table,
            info.condition(info.bound, "")
        ))?;
        for statement in table::indexes(operation.table, &target)? {
            run(&statement)?;
        }
    }
    let oid = oid_of(&target)?;
    let key = with_catalogs(|| {
        let (relation, name) =
            if info.is_foreign { (oid, &target) } else { (info.oid, &info.name) };
        key_of(relation, name)
    })?;
    enter_targets(operation, info, &key, &[oid])
}

/// The columns by which rows are found: a foreign table has no index that would say so, but what it moves to has.
pub fn key(operation: &Operation, info: &ShardInfo) -> Result<Vec<KeyColumn>, ErrorReport> {
    match operation.targets.first() {
        Some(&target) if info.is_foreign => key_of(target, &info.name),
        _ => key_of(info.oid, &info.name),
    }
}

/// The part of a round that a node does by itself, since postgres_fdw would go through all rows for it.
pub struct OnNode {
    remote: Remote,
    /// The table on the node.
    there: String,
    /// Reads the noted keys, an array of each column as text.
    read_keys: String,
    key: Vec<(String, String, String)>,
    /// The shard comes back; the columns to fetch, and their definitions.
    fetch: Option<(Vec<String>, Vec<String>, String)>,
}

impl OnNode {
    pub fn new(
        operation: &Operation,
        info: &ShardInfo,
        key: &[KeyColumn],
        log: &str,
    ) -> Result<Option<Self>, ErrorReport> {
        let (relation, is_fetch) = if info.is_foreign {
            (info.oid, true)
        } else if let (Some(_), Some(&target)) = (&operation.node, operation.targets.first()) {
            (target, false)
        } else {
            return Ok(None);
        };
        let Some((node, schema, name)) = table::place(relation)? else { return Ok(None) };
        let names: Vec<_> = key.iter().map(|column| column.name.as_str()).collect();
        let arrays: Vec<_> = names
            .iter()
            .map(|name| format!("pg_catalog.array_agg({name})::pg_catalog.text"))
            .collect();
        let fetch = if is_fetch {
            let target =
                operation.targets.first().map_or(Ok(String::new()), |&oid| relation_name(oid))?;
            Some((info.columns.clone(), column_types(info)?, target))
        } else {
            None
        };
        Ok(Some(Self {
            remote: Remote::open(&node, PURPOSE)?,
            there: qualify(&schema, &name),
            read_keys: format!(
                "SELECT ARRAY[{}] FROM (SELECT DISTINCT {} FROM {log}) AS changed",
                arrays.join(", "),
                names.join(", ")
            ),
            key: key
                .iter()
                .map(|column| {
                    (column.name.clone(), column.equals.clone(), column.type_name.clone())
                })
                .collect(),
            fetch,
        }))
    }

    /// Leaves out the statement that the node does instead: the first one deletes from the target, the second one fills it.
    pub fn replace(&self, statements: &mut Vec<String>) {
        statements.remove(usize::from(self.fetch.is_some()));
    }

    pub fn apply(&self, snapshot: &Snapshot, statements: &[String]) -> Result<u64, ErrorReport> {
        let arrays = snapshot
            .during(|| {
                spi::select_first(&self.read_keys, &[], |row| row.get::<Vec<Option<String>>>(1))
            })?
            .flatten()
            .unwrap_or_default();
        let arrays: Vec<_> = arrays.into_iter().flatten().collect();
        if arrays.len() != self.key.len() {
            // No key, no work.
            return Ok(0);
        }
        let columns: Vec<_> = self.key.iter().map(|(name, ..)| name.as_str()).collect();
        let lists: Vec<_> = arrays
            .iter()
            .zip(&self.key)
            .map(|(array, (_, _, type_name))| {
                format!("pg_catalog.unnest({}::{type_name}[])", literal(array))
            })
            .collect();
        let changed =
            format!("ROWS FROM ({}) AS changed ({})", lists.join(", "), columns.join(", "));
        let matches = self
            .key
            .iter()
            .map(|(name, equals, _)| format!("t.{name} {equals} changed.{name}"))
            .collect::<Vec<_>>()
            .join(" AND ");
        match &self.fetch {
            None => {
                // Committed there at once. Until the exchange only the shard here counts, so a copy with a hole is no harm:
                // the log still has the keys if this transaction fails.
                self.remote.execute(&format!(
                    "DELETE FROM {} AS t USING {changed} WHERE {matches}",
                    self.there
                ))?;
                statements.iter().try_fold(0, |_, statement| snapshot.execute(statement))
            }
            Some((columns, types, target)) => {
                let [delete, clear] = statements else { return Ok(0) };
                snapshot.execute(delete)?;
                let wanted: Vec<_> = columns.iter().map(|column| format!("t.{column}")).collect();
                let query = format!(
                    "SELECT {} FROM {} AS t JOIN {changed} ON {matches}",
                    wanted.join(", "),
                    self.there
                );
                snapshot.execute(&format!(
                    "INSERT INTO {target} ({0}) SELECT {0} FROM {1}.dblink({2}, {3}) AS fetched ({4})",
                    columns.join(", "),
                    self.remote.dblink,
                    self.remote.connection(),
                    literal(&query),
                    types.join(", ")
                ))?;
                snapshot.execute(clear)
            }
        }
    }
}

fn column_types(info: &ShardInfo) -> Result<Vec<String>, ErrorReport> {
    with_catalogs(|| {
        spi::select(
            "SELECT format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)) FROM pg_attribute AS a
              WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum",
            &[info.table_oid.into()],
            |row| Ok(row.get::<String>(1)?.unwrap_or_default()),
        )
    })
}

/// The trigger of a shard on a node.
pub fn guard(target: &str) -> Result<(), ErrorReport> {
    as_extension_owner(|| {
        run(&format!(
            "CREATE TRIGGER shard_router_node BEFORE INSERT OR UPDATE OR DELETE ON {target}
             FOR EACH ROW EXECUTE FUNCTION shard_router.guard_node()"
        ))
    })
}

/// After the exchange: what was moved counts where it is now, and goes where it was.
pub fn finish(operation: &Operation) -> Result<(), ErrorReport> {
    if operation.command != Command::Move {
        return Ok(());
    }
    if let Some(&target) = operation.targets.first()
        && let Some((node, schema, name)) = table::place(target)?
    {
        let remote = Remote::open(&node, PURPOSE)?;
        table::unmark(&remote, &schema, &name)?;
        return remote.close();
    }
    if let Some((node, schema, name)) = table::place(operation.shard)? {
        let remote = Remote::open(&node, PURPOSE)?;
        table::drop_on_node(&remote, &schema, &name, true)?;
        return remote.close();
    }
    Ok(())
}

/// With the last shard that comes back the unique keys become the table's again.
pub fn take_keys_back(operation: &Operation) -> Result<(), ErrorReport> {
    let foreign = spi::select_first(
        "SELECT true FROM pg_catalog.pg_inherits AS i JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) i.inhrelid
          WHERE i.inhparent OPERATOR(pg_catalog.=) $1 AND c.relkind OPERATOR(pg_catalog.=) 'f'",
        &[operation.table.into()],
        |_| Ok(()),
    )?;
    if foreign.is_some() {
        return Ok(());
    }
    lock(operation.table, pg_sys::AccessExclusiveLock);
    keys::take_back(operation.table, &relation_name(operation.table)?)
}

/// Undoes what was done on the node. One that is out of reach keeps its half-filled table, which the next move takes away.
pub fn undo(operation: &Operation) -> Result<(), ErrorReport> {
    if operation.command != Command::Move {
        return Ok(());
    }
    if let Some(&target) = operation.targets.first()
        && let Some((node, schema, name)) = table::place(target)?
    {
        let dropped = subtransaction::run(|| {
            Remote::open(&node, PURPOSE)
                .and_then(|remote| {
                    table::drop_on_node(&remote, &schema, &name, false)?;
                    remote.close()
                })
                .unwrap_or_report();
        });
        if let Err(caught) = dropped {
            warning!(
                "table {} is left on node \"{node}\": {}",
                qualify(&schema, &name),
                caught.message
            );
        }
    }
    if table::place(operation.shard)?.is_some()
        && let Some(shard) = find_name(operation.shard)?
        && operation.step != super::Step::Capture
    {
        run(&format!("ALTER FOREIGN TABLE {shard} OPTIONS (DROP truncatable)"))?;
    }
    // As far as no other shard is on a node.
    take_keys_back(operation)
}
