use crate::ledger::{orders, while_in_use};
use postgres::Client;
use std::time::{Duration, Instant};
use tests::{Cluster, cluster, connect, eventually, eventually_true, sqlstate, value};

/// A cluster with a database `app` that has the extension.
pub fn start(settings: &[&str]) -> (Cluster, Client) {
    let cluster = cluster(settings);
    connect(&cluster, "postgres").batch_execute("CREATE DATABASE app").expect("a database");
    let mut client = connect(&cluster, "app");
    client.batch_execute("CREATE EXTENSION shard_router").expect("the extension");
    (cluster, client)
}

/// Rows, whom they belong to, and where they are.
pub fn sum(client: &mut Client) -> String {
    value(
        client,
        "SELECT concat_ws(' ', count(*), count(DISTINCT id), sum(id), sum(user_id::bigint * id),
                          count(*) FILTER (WHERE tableoid <> shard_router.shard_table('orders', user_id)))
           FROM orders",
    )
    .expect("a sum")
}

pub fn nothing_is_left(client: &mut Client, shards: &str) {
    assert_eq!(value(client, "SELECT count(*) FROM shard_router.operations").as_deref(), Some("0"));
    assert_eq!(
        value(client, "SELECT string_agg(DISTINCT modulus || 'x' || n, ' ') FROM (SELECT modulus, count(*) AS n FROM shard_router.shards GROUP BY 1) AS m")
            .as_deref(),
        Some(shards)
    );
    for left in [
        "SELECT count(*) FROM pg_class WHERE relname LIKE 'shard\\_router\\_%' AND relnamespace <> 'shard_router'::regnamespace",
        "SELECT count(*) FROM pg_class WHERE relname LIKE 'changes\\_%'",
        "SELECT count(*) FROM pg_trigger WHERE tgname IN ('shard_router_capture', 'shard_router_no_truncate')",
        "SELECT count(*) FROM pg_constraint WHERE conname = 'shard_router_bound'",
    ] {
        assert_eq!(value(client, left).as_deref(), Some("0"), "{left}");
    }
}

#[test]
fn a_table_is_split_while_it_is_written_and_read() {
    let (cluster, mut client) = start(&[]);
    let rows =
        std::env::var("SPLIT_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(50_000);
    orders(&mut client, rows);
    let began = Instant::now();
    let patience = std::env::var("SPLIT_LOCK_TIMEOUT").unwrap_or_else(|_| "200ms".into());
    let outcome = while_in_use(&cluster, &patience, false, || {
        client.batch_execute("CALL shard_router.split_shards('orders', 2)").expect("split");
    });
    println!(
        "split of {rows} rows: {:?}, {} statements of writers meanwhile, the longest {:?}",
        began.elapsed(),
        outcome.statements,
        outcome.longest
    );
    assert!(outcome.statements > 200);
    nothing_is_left(&mut client, "20x20");
    assert!(sum(&mut client).ends_with(" 0"), "a row is in a wrong shard");
}

/// Waits until the operation is about to do this step and keeps it there; the backend that does it. None if it got past.
pub fn stop_before(client: &mut Client, step: &str) -> Option<i32> {
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut begun = false;
    loop {
        client.batch_execute("BEGIN").expect("a transaction");
        // Whatever the step: only whoever waits for the row gets it at the end of this one.
        let found = client
            .query_opt("SELECT pid, step FROM shard_router.operations FOR UPDATE", &[])
            .expect("a look");
        match found {
            Some(row) if row.get::<_, &str>(1) == step => return row.get(0),
            Some(_) => begun = true,
            None if begun => {
                client.batch_execute("ROLLBACK").expect("the end");
                return None;
            }
            None => {}
        }
        client.batch_execute("ROLLBACK").expect("the end");
        assert!(Instant::now() < deadline, "step {step} was never reached");
    }
}

#[test]
fn a_split_that_is_killed_at_any_step_can_be_finished_and_undone() {
    let (cluster, mut client) = start(&["restart_after_crash = on"]);
    orders(&mut client, 10_000);
    let before = sum(&mut client);
    for step in ["prepare", "capture", "copy", "replay", "swap", "finish"] {
        for whole_server in [false, true] {
            for finish in [false, true] {
                eprintln!("{step}, whole server {whole_server}, finish {finish}");
                let running = {
                    let mut worker = connect(&cluster, "app");
                    std::thread::spawn(move || {
                        worker.batch_execute("CALL shard_router.split_shards('orders', 2)")
                    })
                };
                // Whoever has the operation's row keeps the next step from beginning.
                let pid = stop_before(&mut client, step).expect("one of the ten shards");
                if whole_server {
                    cluster.crash_and_restart().expect("the server comes back");
                } else {
                    nix::sys::signal::kill(
                        nix::unistd::Pid::from_raw(pid),
                        nix::sys::signal::Signal::SIGKILL,
                    )
                    .expect("killed");
                }
                assert!(running.join().expect("a thread").is_err(), "it was not killed in time");
                // The server ends every session when one was killed.
                eventually("the end of the session", Duration::from_secs(60), || {
                    client.simple_query("SELECT 1").err()
                });
                client = eventually("the server", Duration::from_secs(60), || {
                    cluster.connect("app").ok()
                });
                assert_eq!(sum(&mut client), before, "after the crash");
                // It can be written to, and what is written is not lost.
                client
                    .batch_execute(
                        "UPDATE orders SET total_amount = total_amount + 1 WHERE user_id % 100 < 3",
                    )
                    .expect("changed");
                if finish {
                    client
                        .batch_execute("CALL shard_router.split_shards('orders', 2)")
                        .expect("finished");
                    nothing_is_left(&mut client, "20x20");
                } else {
                    client
                        .batch_execute("SELECT shard_router.cancel_operation('orders')")
                        .expect("undone");
                    assert_eq!(
                        value(&mut client, "SELECT count(*) FROM shard_router.operations")
                            .as_deref(),
                        Some("0")
                    );
                }
                assert_eq!(sum(&mut client), before, "afterwards");
                // Ten shards again.
                let changed = value(&mut client, "SELECT sum(total_amount) FROM orders");
                client
                    .batch_execute(
                        "CREATE TABLE kept AS SELECT * FROM orders;
                         DROP TABLE orders;
                         CREATE TABLE orders (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, user_id int NOT NULL,
                                              total_amount numeric(10,2) NOT NULL, status varchar(20) NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
                         SELECT shard_router.create_sharded_table('orders', 'user_id', 10, 'modulo');
                         INSERT INTO orders SELECT * FROM kept;
                         DROP TABLE kept",
                    )
                    .expect("anew");
                assert_eq!(changed, value(&mut client, "SELECT sum(total_amount) FROM orders"));
            }
        }
    }
}

#[test]
fn nothing_else_may_run_or_change_meanwhile() {
    let (cluster, mut client) = start(&[]);
    orders(&mut client, 20_000);
    let mut other = connect(&cluster, "app");
    other.batch_execute("BEGIN; LOCK TABLE ONLY orders IN ACCESS SHARE MODE").expect("in the way");
    let running = {
        let mut worker = connect(&cluster, "app");
        std::thread::spawn(move || {
            worker.batch_execute("CALL shard_router.split_shards('orders', 2)")
        })
    };
    eventually_true(
        &mut client,
        Duration::from_secs(60),
        "SELECT count(*) = 1 FROM shard_router.progress WHERE phase IN ('replay', 'swap') AND tuples_done > 0",
    );
    assert_eq!(sqlstate(&mut client, "CALL shard_router.split_shards('orders', 2)"), "55006");
    assert_eq!(sqlstate(&mut client, "SELECT shard_router.cancel_operation('orders')"), "55006");
    assert_eq!(sqlstate(&mut client, "SELECT shard_router.advance_operation('orders')"), "55000");
    assert_eq!(sqlstate(&mut client, "TRUNCATE orders_0"), "55006");
    assert_eq!(
        sqlstate(&mut client, "BEGIN; CALL shard_router.split_shards('orders', 2)"),
        "2D000"
    );
    client.batch_execute("ROLLBACK").expect("back");
    // A blocker is shown while an attempt waits for it.
    let blocker = value(&mut other, "SELECT pg_backend_pid()").expect("a pid");
    eventually_true(
        &mut client,
        Duration::from_secs(30),
        &format!("SELECT {blocker} = ANY (blockers) FROM shard_router.progress"),
    );
    // More than once: the server takes a cancellation that comes with the end of a lock timeout for that timeout.
    eventually("the end of the split", Duration::from_secs(60), || {
        let cancel = "SELECT pg_cancel_backend(pid) FROM shard_router.progress";
        client.batch_execute(cancel).expect("sent");
        running.is_finished().then_some(())
    });
    let error = running.join().expect("a thread").expect_err("canceled");
    assert_eq!(error.code().expect("an SQLSTATE").code(), "57014");
    assert_eq!(
        value(&mut client, "SELECT phase LIKE 'interrupted at %' FROM shard_router.progress")
            .as_deref(),
        Some("t")
    );
    other.batch_execute("ROLLBACK").expect("out of the way");

    assert_eq!(sqlstate(&mut client, "CALL shard_router.split_shards('orders', 3)"), "55000");
    client.batch_execute("ALTER TABLE orders ADD note text").expect("altered");
    assert_eq!(sqlstate(&mut client, "CALL shard_router.split_shards('orders', 2)"), "55000");
    client.batch_execute("SELECT shard_router.cancel_operation('orders')").expect("undone");
    nothing_is_left(&mut client, "10x10");
    client.batch_execute("CALL shard_router.split_shards('orders', 3)").expect("split");
    nothing_is_left(&mut client, "30x30");
    assert!(sum(&mut client).ends_with(" 0"), "a row is in a wrong shard");
}

/// A statement may be older than the shard that it is sent to.
#[test]
fn a_statement_that_began_before_the_exchange_sees_what_was_committed() {
    let (cluster, mut client) = start(&[]);
    orders(&mut client, 2_000);
    let rows = "SELECT sum(total_amount) FROM get_orders_by_user(900003)";
    for isolation in ["read committed", "repeatable read"] {
        let mut other = connect(&cluster, "app");
        other
            .batch_execute("BEGIN; LOCK TABLE ONLY orders IN ACCESS SHARE MODE")
            .expect("in the way");
        let running = {
            let mut worker = connect(&cluster, "app");
            std::thread::spawn(move || {
                worker.batch_execute("CALL shard_router.split_shards('orders', 2)")
            })
        };
        eventually_true(
            &mut client,
            Duration::from_secs(60),
            "SELECT count(*) = 1 FROM shard_router.operations WHERE step IN ('replay', 'swap')",
        );
        let mut gate = connect(&cluster, "app");
        gate.batch_execute("SELECT pg_advisory_lock(1)").expect("closed");
        client
            .batch_execute(
                "UPDATE orders SET total_amount = total_amount + 7 WHERE user_id = 900003",
            )
            .expect("changed");
        let now = value(&mut client, rows);
        // Its snapshot is taken before it waits at the gate, and the shard looked up behind.
        let reading = {
            let mut reader = connect(&cluster, "app");
            reader
                .batch_execute(&format!("SET default_transaction_isolation = '{isolation}'"))
                .expect("a setting");
            std::thread::spawn(move || {
                reader.simple_query(
                    "SELECT sum(total_amount) FROM get_orders_by_user(900003 + (pg_advisory_xact_lock_shared(1) IS NULL)::int)",
                )
            })
        };
        eventually_true(
            &mut client,
            Duration::from_secs(20),
            "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted",
        );
        other.batch_execute("ROLLBACK").expect("out of the way");
        running.join().expect("a thread").expect("split");
        gate.batch_execute("SELECT pg_advisory_unlock(1)").expect("open");
        let read = reading.join().expect("a thread");
        if isolation == "read committed" {
            let sum = read.expect("read").iter().find_map(|message| match message {
                postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            });
            assert_eq!(sum, now);
        } else {
            let error = read.expect_err("a snapshot that is too old");
            assert_eq!(error.code().expect("an SQLSTATE").code(), "40001");
        }
        assert_eq!(value(&mut client, rows), now);
    }
}

/// Whatever a cancellation interrupts, a wait for a lock in a subtransaction or a pause, the session is usable afterwards.
#[test]
fn a_canceled_split_leaves_no_transaction_behind() {
    let (cluster, mut client) = start(&[]);
    orders(&mut client, 500);
    let mut other = connect(&cluster, "app");
    other.batch_execute("BEGIN; LOCK TABLE ONLY orders IN ACCESS SHARE MODE").expect("in the way");
    for n in 0..20 {
        client
            .batch_execute(&format!("SET statement_timeout = {}", 150 + 13 * n))
            .expect("a setting");
        assert_eq!(sqlstate(&mut client, "CALL shard_router.split_shards('orders', 2)"), "57014");
        client.batch_execute("RESET statement_timeout").expect("no transaction block");
    }
    other.batch_execute("ROLLBACK").expect("out of the way");
    client.batch_execute("CALL shard_router.split_shards('orders', 2)").expect("split");
    nothing_is_left(&mut client, "20x20");
}
