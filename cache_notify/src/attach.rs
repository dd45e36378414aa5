//! `attach`, `detach`, and the event trigger that covers new partitions.
//!
//! A statement fires the statement-level triggers of the table it names and of no other, and a row-level trigger of a
//! partition may have no transition tables. So each table of a partition tree has its own set of triggers: whichever of them
//! a statement names, exactly one set fires, and each takes the keys' table name from the top of the tree.

use crate::error::Error;
use crate::options::{self, Delivery, Options};
use crate::payload::Payload;
use crate::{durable, outbox, plan};
use pg_ext_core::spi::{select, select_first, write};
use pgrx::datum::DatumWithOid;
use pgrx::iter::TableIterator;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi::{quote_identifier, quote_literal};
use std::ffi::CStr;

/// Name, event and transition tables of the triggers.
const TRIGGERS: [(&str, &str, &str); 4] = [
    ("cache_notify_insert", "INSERT", "REFERENCING NEW TABLE AS new_rows"),
    ("cache_notify_update", "UPDATE", "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"),
    ("cache_notify_delete", "DELETE", "REFERENCING OLD TABLE AS old_rows"),
    ("cache_notify_truncate", "TRUNCATE", ""),
];

/// The row-level trigger for rows that MERGE moves to another partition, which no transition table shows. It stands on the
/// table at the top; the server gives it to the partitions, also to those that come later.
const MOVED: &str = "cache_notify_moved";

#[expect(clippy::too_many_arguments, reason = "the arguments of the SQL function")]
#[pg_extern(sql = false)]
fn attach(
    table: Option<pg_sys::Oid>,
    key_columns: Option<pgrx::Array<&CStr>>,
    channel: Option<&str>,
    payload: Option<&str>,
    keys: Option<Vec<Option<String>>>,
    only_columns: Option<pgrx::Array<&CStr>>,
    delivery: Option<&str>,
    max_keys: Option<i32>,
    moved_rows: Option<bool>,
) -> Result<(), ErrorReport> {
    let relid = table.ok_or(Error::NullValue { name: "tbl" })?;
    let delivery = choose_delivery(delivery)?;
    let defaults = Options::default();
    let keys = keys
        .map(|keys| {
            keys.into_iter()
                .map(|key| key.map(String::into_bytes).ok_or(Error::NullValue { name: "keys" }))
                .collect::<Result<Vec<_>, _>>()
        })
        .transpose()?
        .filter(|keys| *keys != defaults.templates());
    let mut options = Options {
        channel: channel.map_or(defaults.channel, |channel| channel.into()),
        key_columns: names("key_columns", key_columns)?,
        payload: payload.map_or(Ok(defaults.payload), Payload::parse)?,
        keys,
        only_columns: names("only_columns", only_columns)?,
        delivery,
        max_keys: max_keys.map_or(Ok(defaults.max_keys), options::check_max_keys)?,
    };
    options.validate()?;

    let tree = locked_tree(relid)?;
    for member in &tree {
        with_relation(member.relid, |relation| {
            // SAFETY: the relation is open as long as the closure runs.
            unsafe {
                if member.relid == relid && options.key_columns.is_none() {
                    // The primary key may be renamed, and its partitions have the same one. A replica identity is each
                    // partition's own, so its columns are written down.
                    let (columns, is_primary) = plan::key_of(relation);
                    if !is_primary && !columns.is_empty() {
                        options.key_columns = Some(columns);
                    }
                }
                plan::build(relation, &options).map(drop)
            }
        })?;
    }
    let arguments = options.arguments();
    for member in &tree {
        for (name, event, referencing) in TRIGGERS {
            create_trigger(member, name, event, referencing, Level::Statement, &arguments)?;
        }
    }
    let Some(top) = tree.first() else { return Ok(()) };
    if moved_rows == Some(true) {
        if top.kind != b'p' {
            return Err(Error::NotPartitioned { table: top.name.clone() }.into());
        }
        create_trigger(top, MOVED, "INSERT OR DELETE", "", Level::Row, &arguments)?;
    } else if top.has_moved_trigger()? {
        drop_trigger(top, MOVED)?;
    }
    Ok(())
}

/// The delivery of a table whose `attach` names none: the cheapest for writers that this server has.
fn default_delivery() -> Delivery {
    if outbox::is_available() { Delivery::Async } else { Delivery::Notify }
}

/// The delivery of this name, or where there is none, the default; only one that the server has.
pub fn choose_delivery(name: Option<&str>) -> Result<Delivery, Error> {
    let delivery = name.map_or_else(|| Ok(default_delivery()), Delivery::parse)?;
    check_available(delivery)?;
    Ok(delivery)
}

/// Refuses a delivery that this server, as it is set up now, does not have.
fn check_available(delivery: Delivery) -> Result<(), Error> {
    match delivery {
        Delivery::Notify => Ok(()),
        Delivery::Async if outbox::is_available() => Ok(()),
        Delivery::Async => Err(Error::NotPreloaded),
        Delivery::Durable => durable::check_available(),
    }
}

#[pg_extern(sql = false)]
fn detach(table: pg_sys::Oid) -> Result<(), ErrorReport> {
    let mut found = false;
    for member in owned_tree(table)? {
        if member.has_moved_trigger()? {
            found = true;
            drop_trigger(&member, MOVED)?;
        }
        for (name, ..) in member.triggers()? {
            found = true;
            drop_trigger(&member, &name)?;
        }
    }
    if !found {
        return Err(Error::NotAttached { table: plan::quoted_name(table) }.into());
    }
    Ok(())
}

/// What a trigger's arguments say, for the view `cache_notify.attached`. No row where they are not understood.
#[pg_extern(sql = false)]
#[expect(clippy::type_complexity, reason = "the columns of the SQL function")]
fn trigger_options(
    arguments: &[u8],
) -> TableIterator<
    'static,
    (
        name!(channel, String),
        name!(key_columns, Option<Vec<String>>),
        name!(payload, String),
        name!(keys, Option<Vec<String>>),
        name!(only_columns, Option<Vec<String>>),
        name!(delivery, String),
        name!(max_keys, i32),
    ),
> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let texts = |list: Vec<Vec<u8>>| list.into_iter().map(text).collect::<Vec<_>>();
    TableIterator::new(Options::parse_stored(arguments).ok().map(|options| {
        let keys = match options.payload {
            Payload::Event => None,
            Payload::Key | Payload::Json => Some(texts(options.templates())),
        };
        (
            text(options.channel),
            options.key_columns.map(texts),
            options.payload.name().to_owned(),
            keys,
            options.only_columns.map(texts),
            options.delivery.name().to_owned(),
            i32::try_from(options.max_keys).unwrap_or(i32::MAX),
        )
    }))
}

/// Runs at the end of the DDL commands that can add a partition, and gives it the triggers that the table at the top of its
/// tree has. Where no attached table is involved it changes nothing.
#[pg_extern(sql = false)]
fn follow_partitions() -> Result<(), ErrorReport> {
    let roots = select(
        "SELECT DISTINCT t.tgrelid
         FROM pg_catalog.pg_event_trigger_ddl_commands() d
         JOIN pg_catalog.pg_class c ON c.oid = d.objid
         JOIN pg_catalog.pg_trigger t ON t.tgrelid = pg_catalog.pg_partition_root(c.oid)
         WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
           AND (c.relispartition OR c.relkind = 'p')
           AND t.tgname = ANY ($1)
           AND t.tgfoid = 'cache_notify.invalidate_cache()'::pg_catalog.regprocedure",
        &[trigger_names()],
        |row| row.get::<pg_sys::Oid>(1),
    )?;
    for root in roots.into_iter().flatten() {
        let tree = tree(root)?;
        let Some((root, members)) = tree.split_first() else { continue };
        let wanted = root.triggers()?;
        for member in members {
            let present = member.triggers()?;
            for (name, arguments, enabled) in &wanted {
                if present.iter().any(|(present, ..)| present == name) {
                    continue;
                }
                member.check()?;
                let Some((_, event, referencing)) =
                    TRIGGERS.iter().find(|(trigger, ..)| trigger == name)
                else {
                    continue;
                };
                let arguments: Vec<Vec<u8>> = arguments
                    .split_inclusive(|&byte| byte == 0)
                    .map(|argument| argument.strip_suffix(&[0]).unwrap_or(argument).to_vec())
                    .collect();
                create_trigger(member, name, event, referencing, Level::Statement, &arguments)?;
                let state = match enabled {
                    b'A' => "ENABLE ALWAYS",
                    b'R' => "ENABLE REPLICA",
                    b'D' => "DISABLE",
                    _ => continue,
                };
                run(&format!(
                    "ALTER TABLE {} {state} TRIGGER {}",
                    member.name,
                    quote_identifier(name)
                ))?;
            }
        }
    }
    Ok(())
}

/// A table of a partition tree, or one that is no part of any.
struct Member {
    relid: pg_sys::Oid,
    /// Qualified and quoted.
    name: String,
    kind: u8,
    /// The top of the tree, where that is another table.
    root: Option<String>,
    is_owned: bool,
    /// The table that the tree was asked for.
    top: String,
}

impl Member {
    /// Whether it can have the triggers.
    fn check(&self) -> Result<(), Error> {
        let what = match self.kind {
            b'r' | b'p' => return Ok(()),
            b'f' if self.name != self.top => {
                return Err(Error::ForeignPartition {
                    table: self.top.clone(),
                    partition: self.name.clone(),
                });
            }
            b'f' => "a foreign table, whose rows change elsewhere",
            b'v' => "a view",
            b'm' => "a materialized view",
            b'S' => "a sequence",
            b'i' | b'I' => "an index",
            b't' => "a TOAST table",
            _ => "a composite type",
        };
        Err(Error::NotTable { table: self.name.clone(), what })
    }

    /// Name, arguments and state of the triggers that `attach` made.
    fn triggers(&self) -> Result<Vec<(String, Vec<u8>, u8)>, ErrorReport> {
        select(
            "SELECT t.tgname::text, t.tgargs, t.tgenabled::text FROM pg_catalog.pg_trigger t
             WHERE t.tgrelid = $1 AND t.tgname = ANY ($2)
               AND t.tgfoid = 'cache_notify.invalidate_cache()'::pg_catalog.regprocedure
             ORDER BY t.tgname",
            &[self.relid.into(), trigger_names()],
            |row| {
                let enabled = row.get::<String>(3)?.and_then(|state| state.bytes().next());
                Ok((
                    row.get::<String>(1)?.unwrap_or_default(),
                    row.get::<Vec<u8>>(2)?.unwrap_or_default(),
                    enabled.unwrap_or(b'O'),
                ))
            },
        )
    }
}

impl Member {
    /// Whether it has the row-level trigger itself: not as a partition of a table that has it.
    fn has_moved_trigger(&self) -> Result<bool, ErrorReport> {
        let found = select_first(
            "SELECT true FROM pg_catalog.pg_trigger t
             WHERE t.tgrelid = $1 AND t.tgname::text = $2 AND t.tgparentid = 0
               AND t.tgfoid = 'cache_notify.invalidate_cache()'::pg_catalog.regprocedure",
            &[self.relid.into(), MOVED.to_owned().into()],
            |row| row.get::<bool>(1),
        )?;
        Ok(found.is_some())
    }
}

fn trigger_names() -> DatumWithOid<'static> {
    TRIGGERS.iter().map(|(name, ..)| (*name).to_owned()).collect::<Vec<String>>().into()
}

/// A table with all its partitions, itself first.
fn tree(relid: pg_sys::Oid) -> Result<Vec<Member>, ErrorReport> {
    let top = plan::quoted_name(relid);
    // The statement's own snapshot may be older than a lock that had to be waited for.
    // SAFETY: pushed here and popped below; after an error the transaction's abort pops it.
    unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot()) };
    let members = select(
        "SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname), c.relkind::text,
                CASE WHEN c.relispartition THEN pg_catalog.pg_partition_root(c.oid)::pg_catalog.oid END,
                pg_catalog.pg_has_role(c.relowner, 'USAGE')
         FROM (SELECT $1 UNION SELECT relid FROM pg_catalog.pg_partition_tree($1::pg_catalog.regclass)) t (oid)
         JOIN pg_catalog.pg_class c ON c.oid = t.oid
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         ORDER BY c.oid <> $1, c.oid",
        &[relid.into()],
        |row| {
            Ok(Member {
                relid: row.get(1)?.unwrap_or(pg_sys::InvalidOid),
                name: row.get(2)?.unwrap_or_default(),
                kind: row.get::<String>(3)?.and_then(|kind| kind.bytes().next()).unwrap_or(0),
                root: row.get::<pg_sys::Oid>(4)?.map(plan::quoted_name),
                is_owned: row.get(5)?.unwrap_or(false),
                top: top.clone(),
            })
        },
    );
    // SAFETY: see above.
    unsafe { pg_sys::PopActiveSnapshot() };
    members
}

/// The same, for its owner and only from the top.
fn owned_tree(relid: pg_sys::Oid) -> Result<Vec<Member>, ErrorReport> {
    let tree = tree(relid)?;
    for member in &tree {
        if !member.is_owned {
            return Err(Error::NotOwner { table: member.name.clone() }.into());
        }
    }
    if let Some(Member { root: Some(root), name, .. }) = tree.first() {
        return Err(Error::IsPartition { table: name.clone(), root: root.clone() }.into());
    }
    Ok(tree)
}

/// The same, with every table locked until the transaction ends, as CREATE TRIGGER would lock it: from then on a partition
/// can only be added by a session that sees our triggers, and whose event trigger copies them.
fn locked_tree(relid: pg_sys::Oid) -> Result<Vec<Member>, ErrorReport> {
    let mut tree = owned_tree(relid)?;
    loop {
        for member in &tree {
            member.check()?;
            // SAFETY: a table that is dropped meanwhile is no error here: the next look no longer finds it.
            unsafe {
                pg_sys::LockRelationOid(
                    member.relid,
                    pg_sys::ShareRowExclusiveLock as pg_sys::LOCKMODE,
                );
            }
        }
        let again = owned_tree(relid)?;
        let is_known = |member: &Member| tree.iter().any(|known| known.relid == member.relid);
        if again.iter().all(is_known) {
            return Ok(again);
        }
        tree = again;
    }
}

/// How often a trigger fires.
#[derive(Debug, Clone, Copy)]
enum Level {
    Statement,
    Row,
}

fn drop_trigger(member: &Member, name: &str) -> Result<(), ErrorReport> {
    run(&format!("DROP TRIGGER {} ON {}", quote_identifier(name), member.name))
}

/// Creates a trigger or replaces the one that `attach` made before. Triggers of the same name that belong to someone else
/// stay.
fn create_trigger(
    member: &Member,
    name: &str,
    event: &str,
    referencing: &str,
    level: Level,
    arguments: &[Vec<u8>],
) -> Result<(), ErrorReport> {
    let foreign = select_first(
        "SELECT true FROM pg_catalog.pg_trigger t WHERE t.tgrelid = $1 AND t.tgname::text = $2
           AND t.tgfoid <> 'cache_notify.invalidate_cache()'::pg_catalog.regprocedure",
        &[member.relid.into(), name.to_owned().into()],
        |row| row.get::<bool>(1),
    )?;
    if foreign.is_some() {
        return Err(
            Error::TriggerExists { table: member.name.clone(), trigger: name.to_owned() }.into()
        );
    }
    let arguments: Vec<String> =
        arguments.iter().map(|argument| quote_literal(String::from_utf8_lossy(argument))).collect();
    run(&format!(
        "CREATE OR REPLACE TRIGGER {} AFTER {event} ON {} {referencing} FOR EACH {}
         EXECUTE FUNCTION cache_notify.invalidate_cache({})",
        quote_identifier(name),
        member.name,
        match level {
            Level::Statement => "STATEMENT",
            Level::Row => "ROW",
        },
        arguments.join(", ")
    ))
}

fn run(sql: &str) -> Result<(), ErrorReport> {
    write(sql, &[]).map(drop)
}

/// An array of column names.
fn names(
    argument: &'static str,
    array: Option<pgrx::Array<&CStr>>,
) -> Result<Option<Vec<Vec<u8>>>, Error> {
    array
        .map(|array| {
            array
                .iter()
                .map(|name| match name {
                    Some(name) => Ok(name.to_bytes().to_vec()),
                    None => Err(Error::NullValue { name: argument }),
                })
                .collect()
        })
        .transpose()
}

/// Opens a locked table for reading its definition, for as long as `work` runs.
fn with_relation<T>(relid: pg_sys::Oid, work: impl FnOnce(pg_sys::Relation) -> T) -> T {
    // SAFETY: opening raises an error where the table is gone; it is closed once, after its last use. After an error in
    // `work` the transaction's abort closes it.
    unsafe {
        let relation = pg_sys::table_open(relid, pg_sys::AccessShareLock as pg_sys::LOCKMODE);
        let value = work(relation);
        pg_sys::table_close(relation, pg_sys::AccessShareLock as pg_sys::LOCKMODE);
        value
    }
}

#[cfg(feature = "pg_test")]
#[pgrx::pg_schema]
mod tests {
    use pg_ext_core::subtransaction;
    use pgrx::prelude::*;

    fn run(sql: &str) {
        Spi::run(sql).unwrap();
    }

    fn sqlstate(sql: &str) -> String {
        subtransaction::run(|| run(sql)).expect_err(sql).sqlstate
    }

    fn triggers(table: &str) -> Vec<String> {
        Spi::get_one(&format!(
            "SELECT coalesce(array_agg(pg_get_triggerdef(oid) ORDER BY tgname), '{{}}') FROM pg_trigger
             WHERE tgrelid = '{table}'::regclass"
        ))
        .unwrap()
        .unwrap()
    }

    #[pg_test]
    fn attach_makes_four_triggers_and_detach_drops_them() {
        run("CREATE TABLE attach_me (id int PRIMARY KEY, note text);
             CREATE TRIGGER mine AFTER INSERT ON attach_me FOR EACH ROW
                 EXECUTE FUNCTION cache_notify.invalidate_cache('mine', 'note');
             SELECT cache_notify.attach('attach_me', '{note,id}', 'chan', max_keys => 7)");
        let call = "EXECUTE FUNCTION cache_notify.invalidate_cache('chan', '--', 'key=note', 'key=id', 'max_keys=7')";
        let made = [
            "cache_notify_delete AFTER DELETE ON public.attach_me REFERENCING OLD TABLE AS old_rows",
            "cache_notify_insert AFTER INSERT ON public.attach_me REFERENCING NEW TABLE AS new_rows",
            "cache_notify_truncate AFTER TRUNCATE ON public.attach_me",
            "cache_notify_update AFTER UPDATE ON public.attach_me REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
        ];
        let mut expected: Vec<String> = made
            .iter()
            .map(|head| format!("CREATE TRIGGER {head} FOR EACH STATEMENT {call}"))
            .collect();
        let mine = "CREATE TRIGGER mine AFTER INSERT ON public.attach_me FOR EACH ROW \
                    EXECUTE FUNCTION cache_notify.invalidate_cache('mine', 'note')";
        expected.push(mine.to_owned());
        assert_eq!(triggers("attach_me"), expected);
        run("SELECT cache_notify.attach('attach_me', '{note,id}', 'chan', max_keys => 7)");
        assert_eq!(triggers("attach_me"), expected);
        // A trigger of the user's own stays, though it calls the same function.
        run("SELECT cache_notify.detach('attach_me')");
        assert_eq!(triggers("attach_me"), [mine]);
        assert_eq!(sqlstate("SELECT cache_notify.detach('attach_me')"), "42704");
    }

    #[pg_test]
    fn an_attach_that_fails_leaves_nothing_behind() {
        run("CREATE TABLE attach_fails (id int, note text) PARTITION BY RANGE (id);
             CREATE TABLE attach_fails_1 PARTITION OF attach_fails FOR VALUES FROM (1) TO (2);
             CREATE TABLE attach_fails_2 PARTITION OF attach_fails FOR VALUES FROM (2) TO (3);
             CREATE TRIGGER cache_notify_update AFTER UPDATE ON attach_fails_2
                 FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger()");
        for (arguments, expected) in [
            ("", "42704"),
            (", '{note}'", "42710"),
            (", '{nope}'", "42703"),
            (", '{note,note}'", "42701"),
            (", '{note,NULL}'", "22004"),
            (", '{}'", "22023"),
            (", '{note}', channel => ''", "22023"),
            (", '{note}', payload => 'xml'", "22023"),
            (", '{note}', max_keys => 0", "22023"),
            (", '{note}', delivery => 'pigeon'", "22023"),
            // Neither preloaded nor with wal_level = logical, as the server of these tests is.
            (", '{note}', delivery => 'async'", "55000"),
            (", '{note}', delivery => 'durable'", "55000"),
        ] {
            let sql = format!("SELECT cache_notify.attach('attach_fails'{arguments})");
            assert_eq!(sqlstate(&sql), expected, "{sql}");
        }
        assert_eq!(sqlstate("SELECT cache_notify.attach('attach_fails_1', '{note}')"), "42809");
        assert_eq!(sqlstate("SELECT cache_notify.attach('pg_tables')"), "42809");
        assert_eq!(sqlstate("SELECT cache_notify.attach(NULL)"), "22004");
        for table in ["attach_fails", "attach_fails_1"] {
            assert_eq!(triggers(table), [""; 0]);
        }
        run(
            "DROP TRIGGER cache_notify_update ON attach_fails_2; SELECT cache_notify.attach('attach_fails', '{note}')",
        );
        for table in ["attach_fails", "attach_fails_1", "attach_fails_2"] {
            assert_eq!(triggers(table).len(), 4);
        }
    }

    #[pg_test]
    fn a_new_partition_gets_the_triggers_in_their_state() {
        run("CREATE TABLE attach_later (id int PRIMARY KEY) PARTITION BY RANGE (id);
             SELECT cache_notify.attach('attach_later', channel => 'chan');
             ALTER TABLE attach_later ENABLE ALWAYS TRIGGER cache_notify_insert;
             ALTER TABLE attach_later DISABLE TRIGGER cache_notify_truncate;
             CREATE TABLE attach_later_1 PARTITION OF attach_later FOR VALUES FROM (1) TO (2);
             CREATE TABLE attach_later_2 (id int NOT NULL);
             ALTER TABLE attach_later ATTACH PARTITION attach_later_2 FOR VALUES FROM (2) TO (3)");
        for table in ["attach_later_1", "attach_later_2"] {
            let states = Spi::get_one::<String>(&format!(
                "SELECT string_agg(tgenabled::text, '' ORDER BY tgname) FROM pg_trigger
                 WHERE tgrelid = '{table}'::regclass AND encode(tgargs, 'escape') LIKE 'chan%'"
            ));
            assert_eq!(states, Ok(Some("OADO".to_owned())), "{table}");
        }
        run("SELECT cache_notify.detach('attach_later')");
        assert_eq!(triggers("attach_later_1"), [""; 0]);
    }

    #[pg_test]
    fn the_trigger_for_moved_rows_is_an_option_of_partitioned_tables() {
        run("CREATE TABLE attach_moved (id int PRIMARY KEY) PARTITION BY RANGE (id);
             CREATE TABLE attach_moved_1 PARTITION OF attach_moved FOR VALUES FROM (1) TO (2);
             SELECT cache_notify.attach('attach_moved', channel => 'chan', moved_rows => true);
             CREATE TABLE attach_moved_2 PARTITION OF attach_moved FOR VALUES FROM (2) TO (3)");
        let moved = |table: &str| {
            Spi::get_one::<String>(&format!(
                "SELECT max(encode(tgargs, 'escape')) FROM pg_trigger
                 WHERE tgrelid = '{table}'::regclass AND tgname = 'cache_notify_moved'"
            ))
            .unwrap()
        };
        let tables = ["attach_moved", "attach_moved_1", "attach_moved_2"];
        for table in tables {
            assert_eq!(moved(table).as_deref(), Some("chan\\000"), "{table}");
        }
        let shown = || Spi::get_one::<bool>("SELECT moved_rows FROM cache_notify.attached");
        assert_eq!(shown(), Ok(Some(true)));
        // Attaching again without takes it away; again with, and detach.
        run("SELECT cache_notify.attach('attach_moved')");
        assert_eq!(shown(), Ok(Some(false)));
        assert_eq!(tables.map(moved), [None, None, None]);
        run("SELECT cache_notify.attach('attach_moved', moved_rows => true);
             SELECT cache_notify.detach('attach_moved')");
        assert_eq!(tables.map(triggers).concat(), [""; 0]);
        run("CREATE TABLE attach_moved_not (id int PRIMARY KEY)");
        assert_eq!(
            sqlstate("SELECT cache_notify.attach('attach_moved_not', moved_rows => true)"),
            "42809"
        );
        run("CREATE TRIGGER cache_notify_moved AFTER INSERT ON attach_moved
                 FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger()");
        assert_eq!(
            sqlstate("SELECT cache_notify.attach('attach_moved', moved_rows => true)"),
            "42710"
        );
    }

    #[pg_test]
    fn the_view_shows_what_attach_was_told() {
        run(r#"CREATE TABLE attach_view (id int, "B b" text, PRIMARY KEY ("B b", id));
               SELECT cache_notify.attach('attach_view', channel => 'it''s', payload => 'json',
                   keys => '{"{id}","a={\"B b\"}"}', only_columns => '{"B b"}', max_keys => 9)"#);
        assert_eq!(
            Spi::get_one::<bool>(
                r#"SELECT (key_columns, channel, payload, keys, only_columns, delivery, max_keys, enabled, uncovered_partitions)
                       = ('{"B b",id}'::name[], 'it''s', 'json', '{"{id}","a={\"B b\"}"}'::text[], '{"B b"}'::name[],
                          'notify', 9, 'O', '{}'::regclass[])
                   FROM cache_notify.attached WHERE tbl = 'attach_view'::regclass"#
            ),
            Ok(Some(true))
        );
    }
}
