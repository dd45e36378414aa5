//! cache_notify: what a writer pays for each kind of trigger, and how soon a listener hears of it.

use super::figure::{Bound, Contender, Figure, Target};
use super::listener::{Listener, Poller};
use super::load::{Load, Writer};
use super::report::{LeftOut, Reading};
use super::{Bench, DATABASE, Run};
use crate::setup::{Borrowed, borrow_extension};
use anyhow::{Context, Result, ensure};
use postgres::Client;
use std::process::Command;
use std::time::{Duration, Instant};
use xtask::cluster::Cluster;
use xtask::command::output;
use xtask::server::Server;
use xtask::workspace::root;

pub const BENCH: Bench = Bench {
    name: "cache_notify",
    extensions: &["cache_notify"],
    // For everybody, also for those who need none of it.
    settings: &[
        "shared_preload_libraries = 'cache_notify'",
        "wal_level = logical",
        "max_wal_senders = 10",
        "max_replication_slots = 10",
    ],
    run,
};

const CHANNELS: [&str; 3] = ["cache_invalidate", "pb_events", "tcn"];

const NONE: &str = "no trigger";
const CLASSIC: &str = "plpgsql for each row, pg_notify";
const BARE: &str = "bare C trigger, NOTIFY";
const NOTIFY: &str = "notify";
const ASYNC: &str = "async";
const DURABLE: &str = "durable";
const WAL2JSON: &str = "wal2json, a client polls the slot";

fn run(run: &mut Run) -> Result<()> {
    run.load("cache_notify.sql")?;
    let rows = run.size(100_000, 20_000);
    let mut kinds = kinds();
    let left_out = run.step(&format!("{} tables of {rows} rows", kinds.len()), || {
        set_up(run, &mut kinds, rows)
    })?;
    let listener = Listener::start(run.cluster, DATABASE, &CHANNELS)?;
    throughput(run, &kinds, &left_out, &listener, rows)?;
    latency(run, &kinds, &listener, rows)?;
    statement(run, &kinds, &listener, rows)?;
    wide_rows(run, &listener)?;
    events(run, &listener)?;
    listener.stop()
}

/// A way to tell of a change.
struct Kind {
    label: &'static str,
    table: &'static str,
    /// What makes the trigger on `{table}`.
    trigger: &'static str,
    /// What the listener hears of row 0.
    last: &'static str,
    told: Told,
}

/// How one sees that everything was told.
#[derive(Clone, Copy)]
enum Told {
    Nothing,
    /// A message for each transaction.
    Each,
    /// Messages in order, which may stand for several transactions each, or `*` for all.
    InOrder,
    ThroughSlot(&'static SlotReader),
}

/// One table for each.
fn kinds() -> Vec<Kind> {
    let kind = |label, table, told, last, trigger| Kind { label, table, trigger, last, told };
    vec![
        kind(NONE, "plain", Told::Nothing, "", ""),
        kind(
            CLASSIC,
            "classic",
            Told::Each,
            "classic:0",
            "CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION notify_row()",
        ),
        kind(
            "plpgsql for each statement, one payload",
            "batched",
            Told::Each,
            "batched:0",
            "CREATE TRIGGER tell AFTER UPDATE ON {table} REFERENCING NEW TABLE AS new_rows
                 FOR EACH STATEMENT EXECUTE FUNCTION notify_statement()",
        ),
        kind(
            "tcn",
            "tcn",
            Told::Each,
            r#""tcn",U,"id"='0'"#,
            "CREATE EXTENSION tcn;
             CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON {table}
                 FOR EACH ROW EXECUTE FUNCTION triggered_change_notification()",
        ),
        kind(
            BARE,
            "bare",
            Told::Each,
            "bare:0",
            "CREATE FUNCTION bare_notify() RETURNS trigger LANGUAGE c AS 'bare_notify';
             CREATE TRIGGER tell AFTER UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION bare_notify()",
        ),
        kind(WAL2JSON, "decoded", Told::ThroughSlot(&WAL2JSON_READER), "", ""),
        kind(
            NOTIFY,
            "notified",
            Told::Each,
            "notified:0",
            "SELECT cache_notify.attach('{table}', delivery => 'notify')",
        ),
        kind(
            ASYNC,
            "ringed",
            Told::InOrder,
            "ringed:0",
            "SELECT cache_notify.attach('{table}', delivery => 'async')",
        ),
        kind(
            DURABLE,
            "logged",
            Told::InOrder,
            "logged:0",
            "SELECT cache_notify.attach('{table}', delivery => 'durable')",
        ),
        kind(
            "durable, a client polls changes_since",
            "consumed",
            Told::ThroughSlot(&CONSUMER),
            "",
            "SELECT cache_notify.attach('{table}', delivery => 'durable', channel => 'nobody')",
        ),
    ]
}

/// Makes the tables and triggers, and takes out what this server does not have.
fn set_up(run: &Run, kinds: &mut Vec<Kind>, rows: u64) -> Result<Vec<LeftOut>> {
    let mut client = run.session()?.client;
    let mut left_out = Vec::new();
    for kind in std::mem::take(kinds) {
        client.execute("SELECT make_table($1, $2)", &[&kind.table, &i64::try_from(rows)?])?;
        match make_trigger(run.cluster.server(), &mut client, &kind) {
            Ok(()) => kinds.push(kind),
            Err(why) => {
                left_out.push(LeftOut { label: kind.label.to_owned(), why: format!("{why:#}") });
            }
        }
        client.batch_execute("VACUUM (FREEZE, ANALYZE)")?;
    }
    client.batch_execute("CHECKPOINT")?;
    Ok(left_out)
}

fn make_trigger(server: &Server, client: &mut Client, kind: &Kind) -> Result<()> {
    match kind.label {
        BARE => compile("bare_notify", server)?,
        WAL2JSON => {
            let plugin =
                Borrowed { package: "wal2json", extension: "wal2json", library: "wal2json" };
            borrow_extension(&plugin, server)?;
            allow_plugin(client, "wal2json")?;
        }
        _ => {}
    }
    client.batch_execute(&kind.trigger.replace("{table}", kind.table)).map_err(|error| match error
        .as_db_error()
    {
        Some(db) => anyhow::anyhow!("{}", db.message()),
        None => error.into(),
    })
}

/// Newer minor releases want output plugins to be named.
fn allow_plugin(client: &mut Client, name: &str) -> Result<()> {
    let row = client
        .query_opt("SELECT setting FROM pg_settings WHERE name = 'output_plugin_libraries'", &[])?;
    let Some(row) = row else { return Ok(()) };
    let known: String = row.get(0);
    let all = if known.is_empty() { name.to_owned() } else { format!("{known}, {name}") };
    client.batch_execute(&format!("ALTER SYSTEM SET output_plugin_libraries = {all}"))?;
    Ok(client.batch_execute("SELECT pg_reload_conf()")?)
}

/// Compiles a C file of sql/bench into the private server.
fn compile(name: &str, server: &Server) -> Result<()> {
    ensure!(server.has_headers(), "this server comes without headers to compile C with");
    let mut command = Command::new("cc");
    command.args(["-O2", "-fPIC", "-shared", "-I"]).arg(&server.includedir);
    command.arg(root().join("sql/bench").join(format!("{name}.c")));
    command.arg("-o").arg(server.pkglibdir.join(format!("{name}.so")));
    output(&mut command).map(drop)
}

impl Kind {
    /// A single-row UPDATE by key.
    fn script(&self, rows: u64) -> String {
        format!(
            "\\set id random(1, {rows})\nUPDATE {} SET total = total + 1 WHERE id = :id;\n",
            self.table
        )
    }

    fn writer<'w>(&'w self, cluster: &'w Cluster, listener: &'w Listener, rows: u64) -> Writer<'w> {
        Writer {
            label: self.label.to_owned(),
            script: self.script(rows),
            around: Box::new(move || {
                listener.forget();
                let reader = match self.told {
                    Told::ThroughSlot(reader) => Some((reader, reader.start(cluster, self.table)?)),
                    Told::Nothing | Told::Each | Told::InOrder => None,
                };
                Ok(Box::new(move |transactions| match reader {
                    Some((reader, poller)) => all(transactions, reader.stop(cluster, poller)?),
                    None => self.all_heard(cluster, listener, transactions),
                }))
            }),
        }
    }

    /// Writes row 0 and waits until the listener knows.
    fn all_heard(&self, cluster: &Cluster, listener: &Listener, transactions: u64) -> Result<()> {
        if matches!(self.told, Told::Nothing) {
            return Ok(());
        }
        let sql = format!("UPDATE {} SET total = total WHERE id = 0", self.table);
        cluster.connect(DATABASE)?.batch_execute(&sql)?;
        let in_order = matches!(self.told, Told::InOrder);
        listener.wait_for(self.last, |message| {
            message == self.last || (in_order && message.ends_with('*'))
        })?;
        match self.told {
            // Row 0 is one more.
            Told::Each => all(transactions + 1, listener.count()),
            _ => Ok(()),
        }
    }
}

/// A slot that a client reads, as long as the contender has its turn: it would decode what the others write.
struct SlotReader {
    begin: &'static str,
    /// Takes changes of `{table}` and returns first how many.
    take: &'static str,
    end: &'static str,
}

const WAL2JSON_READER: SlotReader = SlotReader {
    begin: "SELECT pg_create_logical_replication_slot('bench', 'wal2json')",
    take: "SELECT count(*) FROM pg_logical_slot_get_changes('bench', NULL, NULL, 'format-version', '2',
               'include-transaction', 'false', 'add-tables', 'public.{table}')",
    end: "SELECT pg_drop_replication_slot('bench')",
};

const CONSUMER: SlotReader = SlotReader {
    begin: "SELECT cache_notify.add_consumer('bench')",
    take: "SELECT count(*),
                  CASE WHEN max(position) IS NOT NULL THEN cache_notify.confirm('bench', max(position)) END
             FROM cache_notify.changes_since('bench', 100000)",
    end: "SELECT cache_notify.drop_consumer('bench')",
};

impl SlotReader {
    fn start(&self, cluster: &Cluster, table: &str) -> Result<Poller> {
        let mut client = cluster.connect(DATABASE)?;
        client.batch_execute(self.begin)?;
        Ok(Poller::start(client, self.take.replace("{table}", table), Duration::from_millis(200)))
    }

    /// Reads the rest and returns how many changes there were in all.
    fn stop(&self, cluster: &Cluster, poller: Poller) -> Result<u64> {
        let changes = poller.stop();
        cluster.connect(DATABASE)?.batch_execute(self.end)?;
        changes
    }
}

fn all(wanted: u64, told: u64) -> Result<()> {
    ensure!(told == wanted, "told of {told} changes instead of {wanted}");
    Ok(())
}

fn throughput(
    run: &mut Run,
    kinds: &[Kind],
    left_out: &[LeftOut],
    listener: &Listener,
    rows: u64,
) -> Result<()> {
    let cluster = run.cluster;
    let mut writers: Vec<Writer> =
        kinds.iter().map(|kind| kind.writer(cluster, listener, rows)).collect();
    let rounds = usize::try_from(run.size(7, 1))?;
    let cases: [(bool, &[u32]); 2] = [(false, &[1, 2, 8, 32]), (true, &[8, 32])];
    for (fsync, clients) in cases {
        sync(cluster, fsync)?;
        for &clients in clients {
            run.load_with(Load {
                name: format!("{clients} writers, fsync {}", if fsync { "on" } else { "off" }),
                note: format!(
                    "Single-row UPDATE by key of a table of {rows} rows for each contender; pgbench for a second, prepared \
                     statements. One client listens to all of it. The ratio is that of throughputs. CPU is that of all \
                     the server's processes for a transaction. wal_level is logical for everybody."
                ),
                clients,
                seconds: 1,
                rounds,
                writers: &mut writers,
                left_out: left_out.to_vec(),
                reference: NONE.into(),
                targets: targets(fsync, clients),
            })?;
            if clients >= 8 {
                beside(run, NOTIFY, BARE, Some(Bound::AtLeast(0.95)))?;
            }
        }
    }
    sync(cluster, false)
}

fn targets(fsync: bool, clients: u32) -> Vec<Target> {
    let of_async = match (fsync, clients) {
        (false, 8 | 32) => 0.85,
        (true, 8) => 0.9,
        (true, 32) => 0.95,
        _ => return Vec::new(),
    };
    vec![Target::at_least(of_async, ASYNC), Target::at_least(0.85, DURABLE)]
}

/// A ratio to another contender than the figure's reference, where both were measured.
fn beside(run: &mut Run, label: &str, other: &str, target: Option<Bound>) -> Result<()> {
    let figure = run.report.figures.last().context("a figure was measured")?;
    let name = format!("{}: {label}, times {other}", figure.name);
    if let Ok(ratio) = figure.ratio(label, other) {
        run.reading(Reading::bounded(&name, "x", ratio, target));
    }
    Ok(())
}

/// Switches fsync, which takes no restart.
fn sync(cluster: &Cluster, on: bool) -> Result<()> {
    let wanted = if on { "on" } else { "off" };
    let mut client = cluster.connect(DATABASE)?;
    client.batch_execute("CHECKPOINT")?;
    cluster.configure(&[&format!("fsync = {wanted}")])?;
    cluster.reload()?;
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let now: String = client.query_one("SHOW fsync", &[])?.get(0);
        if now == wanted {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "fsync stays {now}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

const WRITES_PER_SECOND: u32 = 1000;
const PACED_WRITERS: u32 = 4;

/// From before COMMIT is sent until the listener has the message.
fn latency(run: &mut Run, kinds: &[Kind], listener: &Listener, rows: u64) -> Result<()> {
    let writes = u32::try_from(run.size(8_000, 2_000).min(rows))?;
    for kind in kinds {
        let (p50, p99) = match kind.label {
            NOTIFY | ASYNC | DURABLE => (Some(Bound::AtMost(3.0)), Some(Bound::AtMost(20.0))),
            CLASSIC => (None, None),
            _ => continue,
        };
        let mut delays = run
            .step(&format!("{writes} paced writes, {}", kind.label), || {
                paced(run.cluster, kind, listener, writes)
            })
            .with_context(|| format!("latency of {}", kind.label))?;
        delays.sort_unstable();
        for (name, percent, target) in [("p50", 50, p50), ("p99", 99, p99)] {
            let delay = delays[(delays.len() - 1) * percent / 100];
            run.reading(Reading::bounded(
                &format!(
                    "commit to listener at {WRITES_PER_SECOND} writes/s, {}: {name}",
                    kind.label
                ),
                "ms",
                (delay.as_secs_f64() * 1e5).round() / 100.0,
                target,
            ));
        }
    }
    Ok(())
}

/// Each write has a row of its own, so that each message has one time.
fn paced(
    cluster: &Cluster,
    kind: &Kind,
    listener: &Listener,
    writes: u32,
) -> Result<Vec<Duration>> {
    // Whatever has to start first has started.
    listener.forget();
    kind.all_heard(cluster, listener, 0)?;
    listener.forget();
    let begin = Instant::now() + Duration::from_millis(100);
    let sent = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..PACED_WRITERS)
            .map(|which| scope.spawn(move || paced_writer(cluster, kind, begin, which, writes)))
            .collect();
        let mut sent = Vec::new();
        for thread in threads {
            let own = thread.join().map_err(|_| anyhow::anyhow!("a writer panicked"))?;
            sent.append(&mut own?);
        }
        Ok::<_, anyhow::Error>(sent)
    })?;
    // In order: once a later one has come, none is missing.
    kind.all_heard(cluster, listener, u64::from(writes))?;
    let heard = listener.times();
    sent.into_iter()
        .map(|(id, at)| {
            let key = format!("{}:{id}", kind.table);
            let heard = heard.get(&key).with_context(|| format!("{key} was not heard"))?;
            Ok(heard.saturating_duration_since(at))
        })
        .collect()
}

/// Every fourth of the writes, each at its time: when it was sent off.
fn paced_writer(
    cluster: &Cluster,
    kind: &Kind,
    begin: Instant,
    which: u32,
    writes: u32,
) -> Result<Vec<(i32, Instant)>> {
    let mut client = cluster.connect(DATABASE)?;
    let update =
        client.prepare(&format!("UPDATE {} SET total = total + 1 WHERE id = $1", kind.table))?;
    let mut sent = Vec::new();
    for n in (which..writes).step_by(PACED_WRITERS as usize) {
        let due = begin + Duration::from_secs(1) * n / WRITES_PER_SECOND;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let id = i32::try_from(n)? + 1;
        let mut transaction = client.transaction()?;
        ensure!(transaction.execute(&update, &[&id])? == 1, "no row {id}");
        let at = Instant::now();
        transaction.commit()?;
        sent.push((id, at));
    }
    Ok(sent)
}

const FLOOR: &str = "transition tables, a trigger that does nothing";

/// One statement that updates every row.
fn statement(run: &mut Run, kinds: &[Kind], listener: &Listener, rows: u64) -> Result<()> {
    let name = format!("one UPDATE of {rows} rows");
    let make = |run: &Run, table: &str, trigger: &str| -> Result<()> {
        let mut client = run.session()?.client;
        client.execute("SELECT make_table($1, $2)", &[&table, &i64::try_from(rows)?])?;
        client.batch_execute(&trigger.replace("{table}", table))?;
        Ok(client.batch_execute(&format!("VACUUM (FREEZE, ANALYZE) {table}"))?)
    };
    make(run, "bulk_plain", "")?;
    make(run, "bulk_floor", DO_NOTHING)?;
    let mut contenders =
        vec![updates(NONE, "bulk_plain", rows + 1), updates(FLOOR, "bulk_floor", rows + 1)];
    let mut targets = Vec::new();
    for kind in kinds {
        if ![NOTIFY, ASYNC, DURABLE].contains(&kind.label) {
            continue;
        }
        for (what, max_keys, limit) in [("*", 1000, 1.15), ("each key", 10_000_000, 1.3)] {
            let table = format!("bulk_{}_{}", kind.table, targets.len());
            let trigger = format!(
                "SELECT cache_notify.attach('{{table}}', delivery => '{}', max_keys => {max_keys})",
                kind.label
            );
            make(run, &table, &trigger)?;
            let label = format!("{}: {what}", kind.label);
            contenders.push(updates(&label, &table, rows + 1));
            targets.push(Target::at_most(limit, &label));
        }
    }
    let ours: Vec<String> = targets.iter().map(|target| target.contender.clone()).collect();
    listener.forget();
    run.compare(Figure {
        name,
        note: "CPU of the session, with the commit. Every row changes a column that is no key. `*`: more keys than max_keys, \
               one message; each key: a message for each."
            .into(),
        item: "row",
        baseline: None,
        contenders,
        reference: NONE.into(),
        targets,
    })?;
    ours.iter().try_for_each(|label| beside(run, label, FLOOR, None))
}

const DO_NOTHING: &str = "CREATE TRIGGER nothing AFTER UPDATE ON {table}
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION do_nothing()";

fn updates(label: &str, table: &str, rows: u64) -> Contender {
    let sql = format!("UPDATE {table} SET total = total + 1");
    Contender::new(label, rows, move |client| all(rows, client.execute(sql.as_str(), &[])?))
}

/// The server copies whole rows into transition tables; a trigger for each row finds them where they are.
fn wide_rows(run: &mut Run, listener: &Listener) -> Result<()> {
    let rows = run.size(20_000, 5_000);
    let mut client = run.session()?.client;
    let by_row = "CREATE TRIGGER by_row AFTER UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION cache_notify.invalidate_cache()";
    let mut contenders = Vec::new();
    for (label, table, trigger) in [
        (NONE, "wide_plain", ""),
        (FLOOR, "wide_floor", DO_NOTHING),
        (
            "notify: *",
            "wide_statement",
            "SELECT cache_notify.attach('{table}', delivery => 'notify')",
        ),
        ("notify, a trigger for each row: *", "wide_row", by_row),
    ] {
        client.execute("SELECT make_table($1, $2, 500)", &[&table, &i64::try_from(rows)?])?;
        client.batch_execute(&trigger.replace("{table}", table))?;
        client.batch_execute(&format!("VACUUM (FREEZE, ANALYZE) {table}"))?;
        contenders.push(updates(label, table, rows + 1));
    }
    listener.forget();
    run.compare(Figure {
        name: format!("one UPDATE of {rows} rows of 500 bytes"),
        note: "The same with wider rows.".into(),
        item: "row",
        baseline: None,
        contenders,
        reference: NONE.into(),
        targets: Vec::new(),
    })
}

/// One event in a transaction, from one session and from several.
fn events(run: &mut Run, listener: &Listener) -> Result<()> {
    let seconds = run.size(3, 1);
    for (clients, target) in [(1, Some(Bound::AtLeast(10_000.0))), (8, None)] {
        let script = "\\set n :n + 1\n\
             SELECT cache_notify.publish_event('update', 'posts', :client_id::text || '-' || :n::text, delivery => 'async');\n";
        listener.forget();
        let pace = run.step(&format!("events of {clients} sessions"), || {
            let pace = run.pace_of(script, clients, seconds)?;
            listener.wait_for_count(pace.transactions)?;
            all(pace.transactions, listener.times().len() as u64)?;
            Ok(pace)
        })?;
        run.reading(Reading::bounded(
            &format!("events published by {clients} sessions, all heard"),
            "1/s",
            pace.per_second.round(),
            target,
        ));
    }
    Ok(())
}
