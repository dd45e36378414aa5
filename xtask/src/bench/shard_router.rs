//! shard_router: one order in, the orders of a user out, and many orders at once.

use super::figure::{Contender, Figure, Target};
use super::report::{FigureReport, Reading};
use super::stats::paired_ratio;
use super::{Bench, Run};
use crate::setup::{Borrowed, borrow_extension};
use anyhow::{Context, Result, ensure};
use postgres::types::{ToSql, Type};
use postgres::{Client, Row, Statement};
use std::io::Write;

pub const BENCH: Bench =
    Bench { name: "shard_router", extensions: &["shard_router"], settings: &[], run };

const SHARDS: i32 = 10;

/// How the two figures about single calls are measured, for their notes.
const METHOD: &str = "A transaction is one execution of a prepared statement that the client sends, waits for and reads: \
                      what the server spends on protocol and commit is part of it, for everybody. The CPU of all \
                      backends is counted, which for PL/Proxy are eleven; its shards are ten databases of this server, \
                      which it reaches through the socket.";

fn run(run: &mut Run) -> Result<()> {
    let users = i32::try_from(run.size(20_000, 2_000))?;
    run.load("orders.sql")?;
    let no_proxy = proxy(run, users)?;
    run.step(&format!("orders of {users} users"), || fill(run, users))?;
    let peers = Peers {
        users,
        rounds: usize::try_from(run.size(101, 11))?,
        transactions: run.size(400, 200),
        no_proxy,
    };
    select(run, &peers)?;
    insert(run, &peers)?;
    bulk(run)?;
    complete(run, &peers)
}

/// What the contenders have in common.
struct Peers {
    users: i32,
    /// Short ones: a single transaction takes longer by half while others use the machine, and that changes quickly.
    rounds: usize,
    /// Of a contender in a round.
    transactions: u64,
    /// Why there is no PL/Proxy, if so.
    no_proxy: Option<String>,
}

/// Sets PL/Proxy up, or tells why that cannot be: one peer less is no reason to measure nothing.
fn proxy(run: &Run, users: i32) -> Result<Option<String>> {
    const PROXY: Borrowed =
        Borrowed { package: "plproxy", extension: "plproxy", library: "plproxy" };
    if let Err(error) = borrow_extension(&PROXY, run.cluster.server()) {
        println!("{error:#}");
        return Ok(Some(error.to_string()));
    }
    run.step("databases for PL/Proxy", || {
        let mut client = run.session()?.client;
        let partition = run.sql("orders_partition.sql")?;
        let mut options = vec!["modular_mapping '1'".to_owned()];
        for shard in 0..SHARDS {
            client.batch_execute(&format!("CREATE DATABASE partition_{shard}"))?;
            let mut there = run.cluster.connect(&format!("partition_{shard}"))?;
            there.batch_execute(&partition)?;
            there.execute(
                "INSERT INTO orders (user_id, total_amount, status)
                 SELECT u, 19.99, 'pending' FROM generate_series(1, 10) AS n, generate_series(1, $1) AS u
                  WHERE n <= 1 + u / 10 % 10 AND u % 10 = $2",
                &[&users, &shard],
            )?;
            there.batch_execute("VACUUM (FREEZE, ANALYZE) orders")?;
            options.push(format!(
                "p{shard} 'dbname=partition_{shard} host={} port={}'",
                run.cluster.dir().display(),
                run.cluster.port()
            ));
        }
        client.batch_execute(&format!(
            "CREATE EXTENSION plproxy;
             CREATE SERVER partitions FOREIGN DATA WRAPPER plproxy OPTIONS ({});
             CREATE USER MAPPING FOR postgres SERVER partitions OPTIONS (user 'postgres')",
            options.join(", ")
        ))?;
        Ok(client.batch_execute(&run.sql("orders_proxied.sql")?)?)
    })?;
    Ok(None)
}

fn fill(run: &Run, users: i32) -> Result<()> {
    let mut client = run.session()?.client;
    for table in ["orders", "native_orders"] {
        client.execute("SELECT fill($1::text::regclass, $2)", &[&table, &users])?;
        client.batch_execute(&format!("VACUUM (FREEZE, ANALYZE) {table}"))?;
    }
    for shard in 0..SHARDS {
        client.batch_execute(&format!(
            "INSERT INTO lone_orders_{shard}
             SELECT nextval('lone_orders_id_seq'), user_id, total_amount, status, created_at FROM orders_{shard}"
        ))?;
        client.batch_execute(&format!("VACUUM (FREEZE, ANALYZE) lone_orders_{shard}"))?;
    }
    Ok(())
}

/// The user of a transaction: everybody's number n works on the same one, and neighbours are far apart.
fn user(n: u64, users: i32) -> i32 {
    // A prime that divides no number of users here: as many transactions, as many users.
    (n as i64 * 7919 % i64::from(users)) as i32 + 1
}

/// How many orders a user has to begin with, as the SQL function `fill` gives them.
fn orders_of(user: i32) -> usize {
    1 + usize::try_from(user / SHARDS % 10).unwrap_or_default()
}

impl Peers {
    /// A contender that executes `sql` once for each transaction, with the session as `session` sets it. `{shard}` in
    /// the text is the shard that holds the user, known to the client: a statement for each of them.
    fn calls(
        &self,
        label: &str,
        session: &'static str,
        sql: &str,
        types: &'static [Type],
        judge: fn(i32, &[Row]) -> bool,
    ) -> Contender {
        let texts: Vec<String> = if sql.contains("{shard}") {
            (0..SHARDS).map(|shard| sql.replace("{shard}", &shard.to_string())).collect()
        } else {
            vec![sql.to_owned()]
        };
        let users = self.users;
        let transactions = self.transactions;
        let mut statements: Vec<Statement> = Vec::new();
        Contender::new(label, transactions, move |client| {
            client.batch_execute(session)?;
            if statements.is_empty() {
                for text in &texts {
                    statements.push(client.prepare_typed(text, types)?);
                }
            }
            for n in 0..transactions {
                let user = user(n, users);
                let values: [&(dyn ToSql + Sync); 3] = [&user, &20, &"pending"];
                let statement = &statements[user as usize % statements.len()];
                let rows = client.query(statement, &values[..types.len()])?;
                ensure!(judge(user, &rows), "{}: {} rows for user {user}", texts[0], rows.len());
            }
            client.batch_execute("RESET ROLE; RESET plan_cache_mode")?;
            Ok(())
        })
    }

    /// Everybody who takes part.
    fn all(&self, task: &Task) -> Vec<Contender> {
        let one = |label: &str, session, sql: &str| {
            self.calls(label, session, sql, task.types, task.judge)
        };
        let ours = (task.call)(task.ours);
        let native = (task.native)("orders");
        let peer = |which: &str| (task.call)(&format!("{}_{which}", task.peer));
        vec![
            // Who comes after PL/Proxy, whose backends were on the CPU, finds nothing in its caches. Not the floor.
            one("direct, a table that is no partition", "", &(task.direct)("lone_orders")),
            one(FLOOR, "", &(task.direct)("orders")),
            one(task.ours, "", &ours),
            one(&as_clerk(task.ours), "SET ROLE clerk", &ours),
            one(NATIVE, "", &native),
            one(
                "native parent, force_generic_plan",
                "SET plan_cache_mode = force_generic_plan",
                &native,
            ),
            one("native parent, PostgreSQL's hash", "", &(task.native)("native_orders")),
            one("plpgsql, EXECUTE", "", &peer("execute")),
            one("plpgsql, a statement for each shard", "", &peer("static")),
            one("PL/Proxy", "", &peer("proxied")).calling_others().unless(self.no_proxy.clone()),
        ]
    }
}

/// What a transaction does, and how everybody is asked for it.
struct Task {
    /// The function that is measured, and how the names of the peers' begin.
    ours: &'static str,
    peer: &'static str,
    /// From a client that knows the shard, with the tables' common name.
    direct: fn(&str) -> String,
    /// The statement that calls a function of this name.
    call: fn(&str) -> String,
    /// The statement on a partitioned table of this name.
    native: fn(&str) -> String,
    types: &'static [Type],
    /// Whether this is the right answer for a user.
    judge: fn(i32, &[Row]) -> bool,
}

const FLOOR: &str = "direct, known shard";
const NATIVE: &str = "native parent";

fn as_clerk(ours: &str) -> String {
    format!("{ours}, rights on the parent only")
}

fn select(run: &mut Run, peers: &Peers) -> Result<()> {
    let task = Task {
        ours: "get_orders_by_user",
        peer: "get_orders",
        direct: |tables| format!("SELECT * FROM {tables}_{{shard}} WHERE user_id = $1"),
        call: |function| format!("SELECT * FROM {function}($1)"),
        native: |table| format!("SELECT * FROM {table} WHERE user_id = $1"),
        types: &[Type::INT4],
        judge: |user, rows| rows.len() == orders_of(user),
    };
    let both = [task.ours, &as_clerk(task.ours)];
    let mut contenders = peers.all(&task);
    // What none of them can do without.
    contenders.push(peers.calls(
        "a transaction that looks nothing up",
        "",
        "SELECT $1",
        task.types,
        |_, rows| rows.len() == 1,
    ));
    run.compare_in(peers.rounds, Figure {
        name: "the orders of a user".into(),
        note: format!(
            "1 to 10 rows of five columns; the floor is a SELECT from the shard that the client knows. {METHOD}"
        ),
        item: "transaction",
        baseline: None,
        contenders,
        reference: FLOOR.into(),
        targets: both.map(|one| Target::at_most(1.4, one)).into(),
    })?;
    both.iter().try_for_each(|one| beside_native(run, one))
}

/// The ratio to the native parent, which the figure has beside another reference.
fn beside_native(run: &mut Run, label: &str) -> Result<()> {
    let figure = run.report.figures.last().context("a figure was measured")?;
    let ratio = paired_ratio(rounds(figure, label)?, rounds(figure, NATIVE)?)
        .with_context(|| format!("{label} has no ratio to {NATIVE}"))?;
    let median = (ratio.median * 1000.0).round() / 1000.0;
    run.reading(Reading::new(&format!("{label}: times {NATIVE}"), "x", median, Some(1.0)));
    Ok(())
}

fn rounds<'a>(figure: &'a FigureReport, label: &str) -> Result<&'a [f64]> {
    let one = figure.contenders.iter().find(|one| one.net.label == label);
    Ok(&one.with_context(|| format!("{label} was not measured"))?.net.rounds)
}

fn insert(run: &mut Run, peers: &Peers) -> Result<()> {
    let task = Task {
        ours: "insert_order",
        peer: "insert_order",
        direct: |tables| {
            format!(
                "INSERT INTO {tables}_{{shard}} (id, user_id, total_amount, status)
                 VALUES (nextval('{tables}_id_seq'), $1, $2, $3) RETURNING id"
            )
        },
        call: |function| format!("SELECT {function}($1, $2, $3)"),
        native: |table| {
            format!(
                "INSERT INTO {table} (user_id, total_amount, status) VALUES ($1, $2, $3) RETURNING id"
            )
        },
        // The amount as an integer, which the server makes a numeric of, for everybody alike.
        types: &[Type::INT4, Type::INT4, Type::VARCHAR],
        judge: |_, rows| matches!(rows, [row] if row.get::<_, Option<i64>>(0).is_some()),
    };
    run.compare_in(peers.rounds, Figure {
        name: "one order".into(),
        note: format!(
            "The statement returns the new id, from one sequence for all shards; the floor is an INSERT into the shard \
             that the client knows. Two indexes. {METHOD}"
        ),
        item: "transaction",
        baseline: None,
        contenders: peers.all(&task),
        reference: FLOOR.into(),
        targets: [task.ours, &as_clerk(task.ours)].map(|one| Target::at_most(1.25, one)).into(),
    })
}

fn bulk(run: &mut Run) -> Result<()> {
    let n = run.size(10_000, 2_000);
    let mut client = run.session()?.client;
    client.batch_execute(&format!(
        "CREATE TABLE batch AS
             SELECT n AS user_id, (n % 10000 / 100.0)::numeric(10,2) AS total_amount, 'pending'::varchar(20) AS status
               FROM generate_series(1, {n}) AS n;
         CREATE TABLE batch_json AS SELECT jsonb_agg(batch) AS rows FROM batch;
         ANALYZE batch, batch_json"
    ))?;
    let many: bool = client
        .query_one(
            "SELECT to_regprocedure('shard_router.insert_many(regclass,jsonb)') IS NOT NULL",
            &[],
        )?
        .get(0);
    let no_many = (!many).then(|| "this build of shard_router is without it".to_owned());
    let lines: String = client
        .query("SELECT format(E'%s\\t%s\\t%s\\n', user_id, total_amount, status) FROM batch", &[])?
        .iter()
        .map(|row| row.get::<_, String>(0))
        .collect();
    let statement = |label: &str, sql: &'static str| {
        Contender::new(label, n, move |client| all_of(n, client.execute(sql, &[])?))
    };
    run.compare(Figure {
        name: format!("{n} orders at once"),
        note: "Rows for all ten shards in one statement. They come from a table, as one jsonb array in a table, or, for \
               COPY, from the client. Nothing is subtracted: reading them is part of it."
            .into(),
        item: "row",
        baseline: None,
        contenders: vec![
            statement(BULK, "INSERT INTO orders (user_id, total_amount, status) SELECT * FROM batch"),
            Contender::new("COPY into the parent", n, move |client| {
                let mut writer = client.copy_in("COPY orders (user_id, total_amount, status) FROM STDIN")?;
                writer.write_all(lines.as_bytes())?;
                all_of(n, writer.finish()?)
            }),
            Contender::new("insert_many, cursor", n, move |client| {
                let mut transaction = client.transaction()?;
                transaction.batch_execute("DECLARE orders_to_be CURSOR FOR SELECT * FROM batch")?;
                let rows: i64 = transaction
                    .query_one("SELECT shard_router.insert_many('orders', 'orders_to_be'::refcursor)", &[])?
                    .get(0);
                transaction.commit()?;
                all_of(n, u64::try_from(rows)?)
            })
            .unless(no_many.clone()),
            statement(
                "INSERT SELECT, jsonb_to_recordset",
                "INSERT INTO orders (user_id, total_amount, status)
                 SELECT o.* FROM batch_json, jsonb_to_recordset(rows) AS o (user_id int, total_amount numeric(10,2), status varchar(20))",
            ),
            Contender::counting(
                "insert_many, jsonb",
                n,
                "SELECT shard_router.insert_many('orders', rows) FROM batch_json",
            )
            .unless(no_many),
            Contender::counting(
                "insert_order for each row",
                n,
                "SELECT count(insert_order(user_id, total_amount, status)) FROM batch",
            ),
        ],
        reference: BULK.into(),
        targets: Vec::new(),
    })
}

const BULK: &str = "INSERT SELECT into the parent";

fn all_of(wanted: u64, rows: u64) -> Result<()> {
    ensure!(rows == wanted, "{rows} rows instead of {wanted}");
    Ok(())
}

/// Each id that was drawn is a row: nobody was fast by leaving one out.
fn complete(run: &Run, peers: &Peers) -> Result<()> {
    let whole = |client: &mut Client, table: &str| -> Result<()> {
        let row = client.query_one(
            &format!("SELECT count(*), (SELECT last_value FROM {table}_id_seq) FROM {table}"),
            &[],
        )?;
        let (rows, drawn): (i64, i64) = (row.get(0), row.get(1));
        ensure!(rows == drawn, "{table} has {rows} rows for {drawn} ids");
        Ok(())
    };
    let mut client = run.session()?.client;
    whole(&mut client, "orders")?;
    whole(&mut client, "native_orders")?;
    if peers.no_proxy.is_none() {
        for shard in 0..SHARDS {
            whole(&mut run.cluster.connect(&format!("partition_{shard}"))?, "orders")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn every_user_has_their_turn_and_every_shard_every_number_of_orders() {
        for users in [2_000, 20_000] {
            let mut seen: Vec<i32> = (0..users as u64).map(|n| user(n, users)).collect();
            seen.sort_unstable();
            assert!(seen.into_iter().eq(1..=users));
        }
        for shard in 0..SHARDS {
            let mut orders: Vec<usize> =
                (1..=2_000).filter(|user| user % SHARDS == shard).map(orders_of).collect();
            orders.sort_unstable();
            orders.dedup();
            assert!(orders.into_iter().eq(1..=10), "shard {shard}");
        }
    }
}
