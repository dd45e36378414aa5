//! maintenance_worker: partitions made, tables looked at, who waits meanwhile, and views refreshed, beside pg_partman.

use super::figure::{Contender, Figure, Target};
use super::report::Reading;
use super::{Bench, DATABASE, Run};
use crate::setup::{PARTMAN, borrow_extension};
use anyhow::{Context, Result, bail, ensure};
use postgres::Client;
use std::cell::Cell;
use std::fs::read_to_string;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use xtask::cluster::Cluster;

pub const BENCH: Bench = Bench {
    name: "maintenance_worker",
    extensions: &["maintenance_worker"],
    settings: &[
        "shared_preload_libraries = 'maintenance_worker'",
        "maintenance_worker.databases = 'bench'",
        "maintenance_worker.naptime = 1s",
        // Where it is to work, it is switched on.
        "maintenance_worker.enabled = off",
        // Everybody makes a thousand tables in one transaction.
        "max_locks_per_transaction = 1024",
    ],
    run,
};

/// Partitions that each table gets in the figure of creations.
const AHEAD: i32 = 10;

/// How long a reader keeps its transaction open.
const READER: Duration = Duration::from_secs(6);

/// How long anything may take that the worker is waited for with.
const PATIENCE: Duration = Duration::from_secs(120);

fn run(run: &mut Run) -> Result<()> {
    run.load("partitions.sql")?;
    let no_partman = match borrow_extension(&PARTMAN, run.cluster.server()) {
        Ok(()) => {
            run.load("partman.sql")?;
            None
        }
        Err(error) => {
            println!("{error:#}");
            Some(error.to_string())
        }
    };
    let rounds = run.size(10, 5);
    let slice = run.size(100, 10);
    let tables = i32::try_from((rounds + 1) * slice)?;
    let sets =
        Sets { rounds: usize::try_from(rounds)?, slice: i32::try_from(slice)?, tables, no_partman };
    creations(run, &sets)?;
    nothing_to_do(run, &sets)?;
    poisoned(run, &sets)?;
    let mut client = run.session()?.client;
    client.batch_execute("DELETE FROM maintenance.partition_policies")?;
    if sets.no_partman.is_none() {
        client.batch_execute("DELETE FROM partman.part_config")?;
    }
    drop(client);
    writers(run, &sets)?;
    refreshes(run)?;
    readers(run)?;
    unchanged(run)
}

/// The sets of tables that the contenders work on.
struct Sets {
    rounds: usize,
    /// Tables of a round; one round more than is counted.
    slice: i32,
    tables: i32,
    no_partman: Option<String>,
}

impl Sets {
    /// A contender that has tables of its own, and takes the next of them in each round.
    fn contender(
        &self,
        label: &str,
        mut work: impl FnMut(&mut Client, i32, i32) -> Result<()> + 'static,
    ) -> Contender {
        let (slice, round) = (self.slice, Cell::new(0));
        Contender::new(label, (slice * AHEAD) as u64, move |client| {
            let n = round.get();
            round.set(n + 1);
            work(client, n * slice + 1, (n + 1) * slice)
        })
    }
}

const BY_HAND: &str = "LIKE and ATTACH by hand";
const ONE_CALL: &str = "run_partition_maintenance()";
const EACH: &str = "run_partition_maintenance(table)";

fn creations(run: &mut Run, sets: &Sets) -> Result<()> {
    let days: Rc<Vec<(String, String, String)>> = {
        let mut client = run.session()?.client;
        let mut prefixes = vec!["hand", "ours", "each"];
        if sets.no_partman.is_none() {
            prefixes.push("theirs");
        }
        run.step(&format!("{} tables for each", sets.tables), || {
            for prefix in prefixes {
                client.execute("SELECT make_tables($1, $2)", &[&prefix, &sets.tables])?;
            }
            if sets.no_partman.is_none() {
                client.batch_execute(&format!(
                    "CALL register_with_partman('theirs', {})",
                    sets.tables
                ))?;
            }
            Ok(())
        })?;
        let rows = client.query(
            "SELECT d.* FROM generate_series(0, $1 - 1) AS n, day_ahead(n) AS d ORDER BY n",
            &[&AHEAD],
        )?;
        Rc::new(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
    };
    let partitions = |run: &Run, prefix: &str| -> Result<i64> {
        Ok(run.session()?.client.query_one("SELECT partitions_of($1)", &[&prefix])?.get(0))
    };
    let before = partitions(run, "theirs")?;
    let for_each = move |client: &mut Client, first: i32, last: i32| -> Result<()> {
        client
            .execute("SELECT only_policies('each', $1, $2, $3)", &[&first, &last, &(AHEAD - 1)])?;
        for n in first..=last {
            client.batch_execute(&format!(
                "SELECT maintenance.run_partition_maintenance('each_{n}')"
            ))?;
        }
        Ok(())
    };
    run.compare_in(sets.rounds, Figure {
        name: format!("a partition of {} tables", sets.slice * i32::try_from(sets.rounds)?),
        note: format!(
            "{AHEAD} partitions for each table, with an index each. In each round everybody takes tables that have none yet; \
             the catalog grows for all alike. By hand, the client sends the two statements together, in one transaction for \
             all tables of the round; {ONE_CALL} makes them all in one call, the other in one call, and so one transaction, \
             for each table. pg_partman's tables have no default partition here."
        ),
        item: "partition",
        baseline: None,
        contenders: vec![
            sets.contender(BY_HAND, move |client, first, last| {
                let mut transaction = client.transaction()?;
                for n in first..=last {
                    for (suffix, lower, upper) in days.iter() {
                        transaction.batch_execute(&format!(
                            "CREATE TABLE public.hand_{n}_{suffix} (LIKE public.hand_{n} INCLUDING ALL);
                             ALTER TABLE public.hand_{n} ATTACH PARTITION public.hand_{n}_{suffix}
                                 FOR VALUES FROM ('{lower}') TO ('{upper}')"
                        ))?;
                    }
                }
                Ok(transaction.commit()?)
            }),
            sets.contender(ONE_CALL, |client, first, last| {
                client.execute("SELECT only_policies('ours', $1, $2, $3)", &[&first, &last, &(AHEAD - 1)])?;
                let made: i64 = client
                    .query_one("SELECT count(*) FROM maintenance.run_partition_maintenance() WHERE outcome = 'done'", &[])?
                    .get(0);
                ensure!(made == i64::from((last - first + 1) * AHEAD), "{made} partitions were made");
                Ok(())
            }),
            sets.contender(EACH, for_each),
            sets.contender("pg_partman", |client, first, last| {
                client.execute(
                    "UPDATE partman.part_config
                     SET premake = $3,
                         automatic_maintenance = CASE WHEN split_part(parent_table, '_', 2)::int BETWEEN $1 AND $2 THEN 'on' ELSE 'off' END",
                    &[&first, &last, &AHEAD],
                )?;
                Ok(client.batch_execute("SELECT partman.run_maintenance()")?)
            })
            .unless(sets.no_partman.clone()),
        ],
        reference: BY_HAND.into(),
        targets: vec![Target::at_most(1.2, ONE_CALL), Target::at_most(1.2, EACH)],
    })?;
    let wanted = i64::from(sets.tables * AHEAD);
    for prefix in ["hand", "ours", "each"] {
        let made = partitions(run, prefix)?;
        ensure!(made == wanted, "{prefix}: {made} partitions instead of {wanted}");
    }
    if sets.no_partman.is_none() {
        let made = partitions(run, "theirs")? - before;
        ensure!(made == wanted, "pg_partman made {made} partitions instead of {wanted}");
    }
    Ok(())
}

fn nothing_to_do(run: &mut Run, sets: &Sets) -> Result<()> {
    let tables = sets.slice * i32::try_from(sets.rounds)?;
    let mut client = run.session()?.client;
    client.execute("SELECT only_policies('ours', 1, $1, $2)", &[&tables, &(AHEAD - 1)])?;
    client.batch_execute("ANALYZE")?;
    let what = format!("a pass over {tables} tables with nothing to do");
    let (mut cpu, mut clock) = (vec![], vec![]);
    for _ in 0..5 {
        // In a new session, as the worker's are: nothing is in its caches yet.
        let mut session = run.session()?;
        let began = Instant::now();
        let (done, nanos) = session.cpu(|client| {
            Ok(client.query("SELECT * FROM maintenance.run_partition_maintenance()", &[])?.len())
        })?;
        clock.push(began.elapsed().as_secs_f64());
        cpu.push(nanos / 1e9);
        ensure!(done == 0, "there was something to do: {done} actions");
    }
    run.reading(Reading::new(&format!("{what}: CPU"), "s", median(cpu), Some(0.1)));
    run.reading(Reading::new(&format!("{what}: on the clock"), "s", median(clock), Some(0.1)));
    if sets.no_partman.is_none() {
        client.execute(
            "UPDATE partman.part_config
             SET automatic_maintenance = CASE WHEN split_part(parent_table, '_', 2)::int <= $1 THEN 'on' ELSE 'off' END",
            &[&tables],
        )?;
        let mut session = run.session()?;
        let began = Instant::now();
        let ((), nanos) =
            session.cpu(|client| Ok(client.batch_execute("SELECT partman.run_maintenance()")?))?;
        run.reading(Reading::new(
            &format!("{what}, pg_partman: CPU"),
            "s",
            rounded(nanos / 1e9),
            None,
        ));
        let seconds = rounded(began.elapsed().as_secs_f64());
        run.reading(Reading::new(&format!("{what}, pg_partman: on the clock"), "s", seconds, None));
    }
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    rounded(values[values.len() / 2])
}

/// To a ten-thousandth.
fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

/// Each table is to get one more partition; one of them cannot, for a row in its default partition, or for a table that has
/// the partition's name.
fn poisoned(run: &mut Run, sets: &Sets) -> Result<()> {
    let tables = sets.slice * i32::try_from(sets.rounds)?;
    let mut client = run.session()?.client;
    let row = client.query_one("SELECT suffix, left(lower, 10) FROM day_ahead($1)", &[&AHEAD])?;
    let (suffix, day): (String, String) = (row.get(0), row.get(1));
    let without = |client: &mut Client, prefix: &str, day: &str| -> Result<f64> {
        let lower = format!("FROM (''{day}%");
        let left: i64 = client
            .query_one(
                &format!(
                    "SELECT count(*) FROM generate_series(1, $1) AS n
                     WHERE NOT EXISTS (
                         SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                         WHERE i.inhparent = ('{prefix}_' || n)::regclass
                           AND pg_get_expr(c.relpartbound, c.oid) LIKE '%{lower}')"
                ),
                &[&tables],
            )?
            .get(0);
        Ok(left as f64)
    };
    let default_row = |table: &str, at: &str| {
        format!(
            "CREATE TABLE {table}_default PARTITION OF {table} DEFAULT;
             INSERT INTO {table} (id, created) VALUES (1, {at})"
        )
    };
    let what = format!("tables of {tables} left without a partition, with one");
    let middle = format!("ours_{}", tables / 2);
    client.execute("SELECT only_policies('ours', 1, $1, $2)", &[&tables, &AHEAD])?;
    client.batch_execute(&default_row(
        &middle,
        &format!("(SELECT lower::timestamptz + interval '1 hour' FROM day_ahead({AHEAD}))"),
    ))?;
    client.batch_execute("SET TimeZone = 'UTC'; SELECT maintenance.run_partition_maintenance()")?;
    let left = without(&mut client, "ours", &day)?;
    run.reading(Reading::new(
        &format!("{what} that has a row in its default partition"),
        "",
        left,
        Some(1.0),
    ));
    client.execute("SELECT only_policies('each', 1, $1, $2)", &[&tables, &AHEAD])?;
    client.batch_execute(&format!("CREATE TABLE each_{}_{suffix} (unrelated int)", tables / 2))?;
    client.batch_execute("SELECT maintenance.run_partition_maintenance()")?;
    let left = without(&mut client, "each", &day)?;
    run.reading(Reading::new(&format!("{what} whose name is taken"), "", left, Some(1.0)));
    if sets.no_partman.is_none() {
        // In the middle of its list, table by table in a transaction of its own: the better of its two ways.
        client.execute(
            "UPDATE partman.part_config SET premake = premake + 1 WHERE automatic_maintenance = 'on'",
            &[],
        )?;
        let table: String = client
            .query_one(
                "SELECT parent_table FROM partman.part_config WHERE automatic_maintenance = 'on' OFFSET $1 LIMIT 1",
                &[&i64::from(tables / 2)],
            )?
            .get(0);
        // The day after its last partition.
        let next: String = client
            .query_one(
                "SELECT max(substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \\(''(.{10})'))
                 FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::text::regclass",
                &[&table],
            )?
            .get(0);
        client.batch_execute(&default_row(&table, &format!("'{next} 01:00:00+00'")))?;
        if let Err(error) = client.batch_execute("CALL partman.run_maintenance_proc()") {
            println!(
                "pg_partman: {}",
                error.as_db_error().map_or_else(
                    || error.to_string(),
                    |e| { e.message().lines().next().unwrap_or_default().to_owned() }
                )
            );
        }
        let left = without(&mut client, "theirs", &next)?;
        run.reading(Reading::new(
            &format!("{what} that has a row in its default partition, pg_partman"),
            "",
            left,
            None,
        ));
    }
    Ok(())
}

/// The longest that one of a client's statements was held up.
#[derive(Debug, Default, Clone, Copy)]
struct Longest {
    /// Not on a CPU and not waiting for one either: for a lock, that is.
    asleep: f64,
    clock: f64,
    statements: u64,
}

/// Executes a statement again and again until `stop`, from a session of its own.
fn repeat(cluster: &Cluster, statement: &str, stop: &AtomicBool) -> Result<Longest> {
    let mut client = cluster.connect(DATABASE)?;
    let pid: i32 = client.query_one("SELECT pg_backend_pid()", &[])?.get(0);
    let backend = format!("/proc/{pid}/schedstat");
    let own = "/proc/thread-self/schedstat";
    let statement = client.prepare(statement)?;
    let mut longest = Longest::default();
    while !stop.load(Ordering::Relaxed) {
        let before = (times(&backend)?, times(own)?);
        let began = Instant::now();
        client.execute(&statement, &[])?;
        let clock = began.elapsed().as_secs_f64() * 1e3;
        let after = (times(&backend)?, times(own)?);
        let busy = (after.0.0 - before.0.0) + (after.0.1 - before.0.1) + (after.1.1 - before.1.1);
        longest.asleep = longest.asleep.max(clock - busy);
        longest.clock = longest.clock.max(clock);
        longest.statements += 1;
        // A thousand a second are enough to meet any wait that matters, and leave the machine to the others.
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(longest)
}

/// What a process has spent on a CPU and on waiting for one, in milliseconds. Zero where the kernel does not say.
fn times(path: &str) -> Result<(f64, f64)> {
    let Ok(text) = read_to_string(path) else { return Ok((0.0, 0.0)) };
    let mut fields = text.split_whitespace().map(|field| field.parse::<f64>());
    let mut next = || -> Result<f64> { Ok(fields.next().context("schedstat is short")?? / 1e6) };
    Ok((next()?, next()?))
}

/// Does some work while a reader keeps its transaction open and a client repeats a statement. `work` gets what ends the
/// reader's transaction.
fn meanwhile(
    cluster: &Cluster,
    read: Option<&str>,
    statement: &str,
    work: impl FnOnce(&mut dyn FnMut() -> Result<()>) -> Result<()>,
) -> Result<Longest> {
    let mut reader = cluster.connect(DATABASE)?;
    if let Some(read) = read {
        reader.batch_execute(&format!("BEGIN; {read}"))?;
    }
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let repeated = scope.spawn(|| repeat(cluster, statement, &stop));
        let done = work(&mut || Ok(reader.batch_execute("COMMIT")?));
        stop.store(true, Ordering::Relaxed);
        let longest = repeated.join().map_err(|_| anyhow::anyhow!("the client has panicked"))?;
        done?;
        longest
    })
}

fn wait_until(client: &mut Client, condition: &str) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !client.query_one(condition, &[])?.get::<_, bool>(0) {
        if Instant::now() > deadline {
            bail!("not within {PATIENCE:?}: {condition}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn show(run: &mut Run, what: &str, longest: Longest, target: Option<f64>) {
    let ms = |value: f64| (value * 10.0).round() / 10.0;
    run.reading(Reading::new(what, "ms", ms(longest.asleep), target));
    println!(
        "  {:.1} ms on the clock, the machine's other work included; {} statements",
        longest.clock, longest.statements
    );
}

/// The longest wait of a writer while partitions are made and expire behind an open reader.
fn writers(run: &mut Run, sets: &Sets) -> Result<()> {
    let lock_timeout = 500.0;
    for (table, default, target) in
        [("waits", "", 10.0), ("default_waits", "beside a default partition", lock_timeout + 10.0)]
    {
        let mut client = run.session()?.client;
        client.batch_execute(&format!(
            "CREATE TABLE {table} (id bigint NOT NULL, created timestamptz NOT NULL, kind text, payload jsonb) PARTITION BY RANGE (created);
             CREATE INDEX ON {table} (id);
             SELECT maintenance.add_partition_policy('{table}', period => '1 day', premake => 1, lock_timeout => '{lock_timeout} ms');
             SELECT maintenance.create_partitions('{table}', '2015-05-01 00:00+00', '2015-05-03 00:00+00')"
        ))?;
        if !default.is_empty() {
            client.batch_execute(&format!(
                "CREATE TABLE {table}_rest PARTITION OF {table} DEFAULT"
            ))?;
        }
        let statement = format!("INSERT INTO {table} (id, created) VALUES (1, now())");
        let idle = meanwhile(run.cluster, None, &statement, |_| {
            std::thread::sleep(Duration::from_secs(2));
            Ok(())
        })?;
        show(run, &format!("longest wait of a writer with nothing going on, {table}"), idle, None);
        let read = format!("SELECT count(*) FROM {table}");
        let cluster = run.cluster;
        let longest = meanwhile(cluster, Some(&read), &statement, |end| {
            let began = Instant::now();
            client.batch_execute(
                "UPDATE maintenance.partition_policies SET premake = 10, retention = '30 days'",
            )?;
            switch(&mut client, true)?;
            if default.is_empty() {
                wait_until(
                    &mut client,
                    &format!(
                        "SELECT count(*) >= 11 FROM pg_inherits WHERE inhparent = '{table}'::regclass AND NOT inhdetachpending"
                    ),
                )?;
            }
            std::thread::sleep(READER.saturating_sub(began.elapsed()));
            end()?;
            wait_until(
                &mut client,
                &format!(
                    "SELECT to_regclass('{table}_20150501') IS NULL AND to_regclass('{table}_20150502') IS NULL"
                ),
            )
        })?;
        let mut client = run.session()?.client;
        switch(&mut client, false)?;
        client.batch_execute("DELETE FROM maintenance.partition_policies")?;
        let what = format!(
            "longest wait of a writer while the worker creates and drops behind a reader of 6 s {default}"
        );
        show(run, what.trim(), longest, Some(target));
    }
    if sets.no_partman.is_some() {
        return Ok(());
    }
    let mut client = run.session()?.client;
    client.batch_execute(
        "CREATE TABLE theirs_wait (id bigint NOT NULL, created timestamptz NOT NULL, kind text, payload jsonb) PARTITION BY RANGE (created);
         CREATE INDEX ON theirs_wait (id);
         DO $$ BEGIN
             PERFORM partman.create_parent(p_parent_table => 'public.theirs_wait', p_control => 'created',
                 p_type => CASE WHEN (SELECT extversion FROM pg_extension WHERE extname = 'pg_partman') ~ '^4' THEN 'native' ELSE 'range' END,
                 p_interval => '1 day', p_premake => 1, p_start_partition => (now() - interval '4 days')::text);
         END $$;
         UPDATE partman.part_config SET premake = 10, infinite_time_partitions = true, retention = '3 days', retention_keep_table = false",
    )?;
    let longest = meanwhile(
        run.cluster,
        Some("SELECT count(*) FROM theirs_wait"),
        "INSERT INTO theirs_wait (id, created) VALUES (1, now())",
        |end| {
            let mut maintainer = run.cluster.connect(DATABASE)?;
            std::thread::scope(|scope| {
                let maintained = scope
                    .spawn(move || maintainer.batch_execute("SELECT partman.run_maintenance()"));
                std::thread::sleep(READER);
                end()?;
                Ok(maintained.join().map_err(|_| anyhow::anyhow!("it has panicked"))??)
            })
        },
    )?;
    let what = "longest wait of a writer while pg_partman creates and drops behind a reader of 6 s, its default partition as it makes it";
    show(run, what, longest, None);
    Ok(())
}

fn switch(client: &mut Client, on: bool) -> Result<()> {
    client.batch_execute(&format!("ALTER SYSTEM SET maintenance_worker.enabled = {on}"))?;
    Ok(client.batch_execute("SELECT pg_reload_conf()")?)
}

const FACTS: i32 = 100_000;

fn refreshes(run: &mut Run) -> Result<()> {
    let mut client = run.session()?.client;
    client.batch_execute(&format!(
        "CREATE TABLE facts (id int PRIMARY KEY, amount int NOT NULL);
         INSERT INTO facts SELECT n, n FROM generate_series(1, {FACTS}) AS n;
         CREATE MATERIALIZED VIEW amounts AS SELECT id, amount, md5(id::text) AS text FROM facts;
         CREATE UNIQUE INDEX ON amounts (id);
         SELECT maintenance.add_refresh_policy('amounts', '1 second')"
    ))?;
    let round = Rc::new(Cell::new(0));
    let refresh = |label: &str, sql: &'static str| {
        let round = round.clone();
        Contender::new(label, 1, move |client| {
            round.set(round.get() + 1);
            client.execute(
                "UPDATE facts SET amount = amount + 1 WHERE id % 1000 = $1 % 1000",
                &[&round.get()],
            )?;
            client.batch_execute(sql)?;
            // The next one is not to pay for this one's dead rows.
            client.batch_execute("VACUUM facts")?;
            Ok(client.batch_execute("VACUUM amounts")?)
        })
    };
    run.compare(Figure {
        name: format!("a refresh of a view of {FACTS} rows"),
        note: format!(
            "{} rows of its table change before each; that change and the VACUUM after it are part of the time, for everybody.",
            FACTS / 1000
        ),
        item: "refresh",
        baseline: None,
        contenders: vec![
            refresh("REFRESH", "REFRESH MATERIALIZED VIEW amounts"),
            refresh("REFRESH CONCURRENTLY", "REFRESH MATERIALIZED VIEW CONCURRENTLY amounts"),
            refresh("refresh_materialized_views()", "SELECT maintenance.refresh_materialized_views()"),
        ],
        reference: "REFRESH CONCURRENTLY".into(),
        targets: vec![],
    })
}

/// The longest wait of a reader of the view while it is refreshed.
fn readers(run: &mut Run) -> Result<()> {
    for how in ["", "CONCURRENTLY"] {
        let mut client = run.session()?.client;
        let longest =
            meanwhile(run.cluster, None, "SELECT amount FROM amounts WHERE id = 7", |_| {
                for _ in 0..5 {
                    client.batch_execute(&format!("REFRESH MATERIALIZED VIEW {how} amounts"))?;
                }
                Ok(())
            })?;
        let what = format!("longest wait of a reader during REFRESH {how}");
        show(run, what.trim(), longest, None);
    }
    Ok(())
}

fn unchanged(run: &mut Run) -> Result<()> {
    const VIEWS: usize = 100;
    let mut session = run.session()?;
    session.client.batch_execute(&format!(
        "SELECT maintenance.remove_refresh_policy('amounts');
         DO $$ BEGIN
             FOR n IN 1..{VIEWS} LOOP
                 EXECUTE format('CREATE MATERIALIZED VIEW view_%s AS SELECT sum(amount) AS amount FROM facts WHERE id %% 100 = %s', n, n - 1);
                 EXECUTE format('SELECT maintenance.add_refresh_policy(%L, %L)', 'view_' || n, '1 second');
             END LOOP;
         END $$;
         SELECT maintenance.refresh_materialized_views()"
    ))?;
    let pass = "SELECT outcome FROM maintenance.refresh_materialized_views(only_due => true)";
    let deadline = Instant::now() + PATIENCE;
    loop {
        session
            .client
            .batch_execute("UPDATE maintenance.state SET next_run = now() - interval '1 minute'")?;
        let (rows, nanos) = session.cpu(|client| Ok(client.query(pass, &[])?))?;
        let skipped = rows.iter().filter(|row| row.get::<_, &str>(0) == "unchanged").count();
        // The statistics of what was written before may come in late, and count as a change then.
        if skipped == VIEWS {
            let what = format!("a pass over {VIEWS} views that are due and unchanged: CPU");
            run.reading(Reading::new(&what, "s", rounded(nanos / 1e9), None));
            break;
        }
        ensure!(Instant::now() < deadline, "{skipped} of {VIEWS} views count as unchanged");
        std::thread::sleep(Duration::from_secs(1));
    }
    session
        .client
        .batch_execute("UPDATE maintenance.state SET next_run = now() + interval '1 hour'")?;
    let (rows, nanos) = session.cpu(|client| Ok(client.query(pass, &[])?.len()))?;
    ensure!(rows == 0, "{rows} views were due");
    let what = format!("a pass over {VIEWS} views of which none is due: CPU");
    run.reading(Reading::new(&what, "s", rounded(nanos / 1e9), None));
    Ok(())
}
