use crate::ledger::{orders, while_in_use};
use crate::shard_split::{nothing_is_left, start, stop_before, sum};
use postgres::Client;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tests::{Cluster, Stop, column, connect, eventually, server, sqlstate, value};

const PASSWORD: &str = "between nodes";

/// A server that another one can reach over TCP, with the extension in its database `app`.
fn node() -> Cluster {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("{}-node-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let dir = xtask::workspace::state().expect("a folder").join("run").join(name);
    let cluster =
        Cluster::start_public(&server(), dir, PASSWORD, &["fsync = off"]).expect("a node");
    connect(&cluster, "postgres").batch_execute("CREATE DATABASE app").expect("a database");
    connect(&cluster, "app").batch_execute("CREATE EXTENSION shard_router").expect("the extension");
    cluster
}

/// A cluster with a filled table `orders`, and two nodes that it knows.
fn with_nodes(rows: u32) -> (Cluster, Client, [Cluster; 2]) {
    let (cluster, mut client) = start(&["restart_after_crash = on"]);
    orders(&mut client, rows);
    client
        .batch_execute("CREATE EXTENSION postgres_fdw; CREATE EXTENSION dblink")
        .expect("what PostgreSQL brings");
    let nodes = [node(), node()];
    for (number, node) in nodes.iter().enumerate() {
        client
            .batch_execute(&format!(
                "SELECT shard_router.add_node('node{number}', '127.0.0.1', {}, 'app',
                     '{{\"user\": \"postgres\", \"password\": \"{PASSWORD}\"}}')",
                node.port()
            ))
            .expect("a node is entered");
    }
    (cluster, client, nodes)
}

#[test]
fn a_shard_moves_to_a_node_and_back_while_it_is_written_and_read() {
    let rows = std::env::var("MOVE_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(50_000);
    let (cluster, mut client, nodes) = with_nodes(rows);
    for (to, there) in [("'node0'", "1"), ("NULL", "0")] {
        let began = Instant::now();
        let outcome = while_in_use(&cluster, "300ms", true, || {
            client
                .batch_execute(&format!("CALL shard_router.move_shard('orders', 3, {to})"))
                .expect("moved");
        });
        println!(
            "move of a shard of {} rows to {to}: {:?}, {} statements of writers meanwhile, the longest {:?}",
            rows / 10,
            began.elapsed(),
            outcome.statements,
            outcome.longest
        );
        assert!(outcome.statements > 50);
        assert!(sum(&mut client).ends_with(" 0"), "a row is in a wrong shard");
        nothing_is_left(&mut client, "10x10");
        assert_eq!(
            value(&mut client, "SELECT shards FROM shard_router.nodes WHERE name = 'node0'")
                .as_deref(),
            Some(there)
        );
        assert_eq!(
            value(
                &mut connect(&nodes[0], "app"),
                "SELECT count(*) FROM pg_class WHERE relname = 'orders_3'"
            )
            .as_deref(),
            Some(there)
        );
    }
    // The key is the table's again.
    assert_eq!(
        value(&mut client, "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'orders'::regclass AND contype = 'p'").as_deref(),
        Some("PRIMARY KEY (id, user_id)")
    );
    assert_eq!(
        value(&mut client, "SELECT count(*) FROM pg_index JOIN pg_inherits ON inhrelid = indexrelid WHERE indisprimary AND indisvalid").as_deref(),
        Some("10")
    );
}

#[test]
fn a_move_that_is_killed_at_any_step_can_be_finished_and_undone() {
    let (cluster, mut client, nodes) = with_nodes(5_000);
    let before = sum(&mut client);
    let mut away = false;
    for step in ["prepare", "capture", "copy", "replay", "swap", "finish"] {
        // Away, and back again; what a move back makes ready is over too soon to be met.
        let rounds: &[bool] = if step == "prepare" { &[false, true] } else { &[false, true, true] };
        for &finish in rounds {
            let to = if away { "NULL" } else { "'node0'" };
            let call = format!("CALL shard_router.move_shard('orders', 3, {to})");
            eprintln!("{step}, to {to}, finish {finish}");
            let mut other = connect(&cluster, "app");
            if step == "prepare" {
                other
                    .batch_execute("BEGIN; LOCK TABLE ONLY orders_3 IN ROW EXCLUSIVE MODE")
                    .expect("in the way");
            }
            // A step may be over before it is met; then it is undone, and begun anew.
            let (running, pid) = (0..50)
                .find_map(|_| {
                    let running = {
                        let mut worker = connect(&cluster, "app");
                        let call = call.clone();
                        std::thread::spawn(move || worker.batch_execute(&call))
                    };
                    if let Some(pid) = stop_before(&mut client, step) {
                        return Some((running, pid));
                    }
                    running.join().expect("a thread").expect("moved");
                    let back = if away { "'node0'" } else { "NULL" };
                    client
                        .batch_execute(&format!(
                            "CALL shard_router.move_shard('orders', 3, {back})"
                        ))
                        .expect("moved back");
                    None
                })
                .expect("the step is met");
            if finish {
                nix::sys::signal::kill(
                    nix::unistd::Pid::from_raw(pid),
                    nix::sys::signal::Signal::SIGKILL,
                )
                .expect("killed");
            } else {
                cluster.crash_and_restart().expect("the server comes back");
            }
            assert!(running.join().expect("a thread").is_err(), "it was not killed in time");
            eventually("the end of the session", Duration::from_secs(60), || {
                client.simple_query("SELECT 1").err()
            });
            client =
                eventually("the server", Duration::from_secs(60), || cluster.connect("app").ok());
            assert_eq!(sum(&mut client), before, "after the crash");
            client
                .batch_execute(
                    "UPDATE orders SET total_amount = total_amount + 1 WHERE user_id % 100 = 3",
                )
                .expect("changed");
            let amount = value(&mut client, "SELECT sum(total_amount) FROM orders");
            if finish {
                client.batch_execute(&call).expect("finished");
                away = !away;
            } else {
                client
                    .batch_execute("SELECT shard_router.cancel_operation('orders')")
                    .expect("undone");
                // What had been exchanged before stays so.
                if step == "finish" {
                    away = !away;
                }
            }
            assert_eq!(sum(&mut client), before, "afterwards");
            assert_eq!(value(&mut client, "SELECT sum(total_amount) FROM orders"), amount);
            nothing_is_left(&mut client, "10x10");
            assert_eq!(
                value(
                    &mut connect(&nodes[0], "app"),
                    "SELECT count(*) FROM pg_class WHERE relname = 'orders_3'"
                )
                .as_deref(),
                Some(if away { "1" } else { "0" })
            );
        }
    }
}

#[test]
fn a_node_that_is_down_fails_alone_and_comes_back() {
    let (_cluster, mut client, nodes) = with_nodes(2_000);
    client.batch_execute("CALL shard_router.move_shard('orders', 3, 'node0')").expect("moved");
    client.batch_execute("CALL shard_router.move_shard('orders', 4, 'node1')").expect("moved");
    let all = value(&mut client, "SELECT count(*) FROM orders").expect("a count");
    let fan_out = |partial: bool| {
        format!(
            "SELECT sum(n) FROM shard_router.fan_out('orders', 'SELECT count(*) FROM {{shard}}', {partial}) AS t (n bigint)"
        )
    };
    assert_eq!(value(&mut client, &fan_out(false)).as_ref(), Some(&all));
    // Pruning leaves one node.
    let plan =
        column(&mut client, "EXPLAIN (COSTS OFF) SELECT * FROM orders WHERE user_id = 100003");
    assert_eq!(plan, ["Foreign Scan on orders_3 orders"]);

    // One node in a transaction.
    let both = "UPDATE orders SET status = 'x' WHERE user_id = 100003; UPDATE orders SET status = 'x' WHERE user_id = 100004";
    assert_eq!(sqlstate(&mut client, &format!("BEGIN; {both}")), "0A000");
    client.batch_execute("ROLLBACK").expect("back");
    client
        .batch_execute(&format!(
            "BEGIN; SET LOCAL shard_router.allow_multi_node_writes = on; {both}; COMMIT"
        ))
        .expect("allowed");
    client
        .batch_execute("UPDATE orders SET status = 'y' WHERE user_id = 100003; ")
        .expect("one node");
    // A key that belongs elsewhere is not stranded on the node, neither from here nor there.
    assert_eq!(
        sqlstate(&mut client, "UPDATE orders SET user_id = 100005 WHERE user_id = 100003"),
        "23514"
    );
    assert_eq!(
        sqlstate(&mut connect(&nodes[0], "app"), "UPDATE orders_3 SET user_id = 5"),
        "23514"
    );

    nodes[0].stop(Stop::Immediate).expect("down");
    for statement in [
        "SELECT * FROM get_orders_by_user(100003)",
        "SELECT insert_order(100003, 1, 'new')",
        "SELECT count(*) FROM orders",
    ] {
        // The first use of a connection that has broken may say so; then it is a new one that cannot be made.
        let error = client.batch_execute(statement).expect_err("the node is down");
        let error = error.as_db_error().expect("a server error");
        assert!(["08001", "08006"].contains(&error.code().code()), "{error:?}");
        if error.code().code() == "08001" {
            assert!(error.message().contains("node0"), "{error:?}");
        }
    }
    assert_eq!(sqlstate(&mut client, "SELECT * FROM get_orders_by_user(100003)"), "08001");
    let error = client.batch_execute(&fan_out(false)).expect_err("the node is down");
    let error = error.as_db_error().expect("a server error");
    assert_eq!((error.code().code(), error.message()), ("08001", "could not reach node \"node0\""));
    let others = value(&mut client, &fan_out(true)).expect("what answered");
    assert_ne!(others, all);
    for statement in [
        "SELECT * FROM get_orders_by_user(100004)",
        "SELECT insert_order(100005, 1, 'new')",
        "DELETE FROM orders WHERE user_id = 100005 AND status = 'new'",
    ] {
        client.batch_execute(statement).expect(statement);
    }
    assert_eq!(
        column(&mut client, "SELECT name || ' ' || reachable FROM shard_router.node_status()"),
        ["node0 false", "node1 true"]
    );
    assert_eq!(sqlstate(&mut client, "CALL shard_router.move_shard('orders', 3, NULL)"), "08001");
    client.batch_execute("SELECT shard_router.cancel_operation('orders')").expect("undone");

    nodes[0].launch().expect("up again");
    client.batch_execute("SELECT insert_order(100003, 1, 'new')").expect("the same session");
    client
        .batch_execute("DELETE FROM orders WHERE user_id = 100003 AND status = 'new'")
        .expect("works");
    assert_eq!(value(&mut client, &fan_out(false)).as_ref(), Some(&all));
}

#[test]
fn nodes_are_for_those_who_may() {
    let (cluster, mut client, _nodes) = with_nodes(100);
    client.batch_execute("CREATE ROLE stranger LOGIN").expect("a role");
    let mut stranger = cluster.connect_as("stranger", "app").expect("a session");
    for refused in [
        "SELECT shard_router.add_node('x', 'localhost', 5432, 'app')",
        "SELECT shard_router.remove_node('node0')",
        "SELECT * FROM shard_router.node_status()",
        "CALL shard_router.move_shard('orders', 3, 'node0')",
        "CALL shard_router.split_shards('orders', 2)",
        "SELECT shard_router.cancel_operation('orders')",
        "SELECT * FROM shard_router.fan_out('orders', 'SELECT 1 FROM {shard}') AS t (one int)",
    ] {
        assert_eq!(sqlstate(&mut stranger, refused), "42501", "{refused}");
    }
    for (wrong, state) in [
        ("SELECT shard_router.add_node('local', 'localhost', 5432, 'app')", "42602"),
        ("SELECT shard_router.add_node('x', 'localhost', 70000, 'app')", "22023"),
        ("SELECT shard_router.add_node('x', NULL, 5432, 'app')", "22004"),
        ("SELECT shard_router.add_node('node0', 'localhost', 5432, 'app')", "42710"),
        (
            "SELECT shard_router.add_node('x', 'localhost', 5432, 'app', '{\"passfile\": \"/etc/x\"}')",
            "HV00D",
        ),
        ("SELECT shard_router.add_node('x', 'localhost', 5432, 'app', '[]')", "22023"),
        ("SELECT shard_router.remove_node('nobody')", "42704"),
        ("CALL shard_router.move_shard('orders', 3, 'nobody')", "42704"),
        ("CALL shard_router.move_shard('orders', 30, 'node0')", "42P01"),
        ("CALL shard_router.move_shard('orders', 3, 'local')", "55000"),
    ] {
        assert_eq!(sqlstate(&mut client, wrong), state, "{wrong}");
    }

    // The owner of a table needs no more than the procedure and the server.
    client
        .batch_execute(&format!(
            "CREATE ROLE owner LOGIN; CREATE SCHEMA owned AUTHORIZATION owner;
             GRANT USAGE ON FOREIGN SERVER node0 TO owner;
             CREATE USER MAPPING FOR owner SERVER node0 OPTIONS (user 'postgres', password '{PASSWORD}');
             GRANT EXECUTE ON PROCEDURE shard_router.move_shard(regclass, int, name) TO owner;
             GRANT EXECUTE ON FUNCTION shard_router.begin_move(regclass, int, name) TO owner"
        ))
        .expect("a role");
    let mut owner = cluster.connect_as("owner", "app").expect("a session");
    owner
        .batch_execute(
            "CREATE TABLE owned.lines (room text NOT NULL, line int NOT NULL, said text CHECK (said <> ''), said_length int GENERATED ALWAYS AS (length(said)) STORED,
                                       at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (line), UNIQUE (said));
             SELECT shard_router.create_sharded_table('owned.lines', 'room', 3);
             INSERT INTO owned.lines SELECT 'room ' || n % 10, n, 'word ' || n FROM generate_series(1, 1000) AS n",
        )
        .expect("a table of its own");
    let all = "SELECT concat_ws(' ', count(*), sum(line), sum(said_length), count(DISTINCT said)) FROM owned.lines";
    let before = value(&mut owner, all);
    for to in ["'node0'", "NULL"] {
        owner
            .batch_execute(&format!("CALL shard_router.move_shard('owned.lines', 1, {to})"))
            .expect("moved");
        assert_eq!(value(&mut owner, all), before);
        assert_eq!(
            value(&mut owner, "SELECT sum(n) FROM shard_router.fan_out('owned.lines', 'SELECT count(*) FROM {shard}') AS t (n bigint)").as_deref(),
            Some("1000")
        );
        // Each row again through the function, in a shard that is here or there, and its key once.
        owner
            .batch_execute(
                "DO $$ BEGIN PERFORM owned.insert_line('room 1', 2000, 'the last word'); END $$;
                 DELETE FROM owned.lines WHERE line = 2000",
            )
            .expect("written");
        assert_eq!(sqlstate(&mut owner, "SELECT owned.insert_line('room 1', 1, 'again')"), "23505");
        assert_eq!(sqlstate(&mut owner, "SELECT owned.insert_line('room 1', 3000, '')"), "23514");
    }
    assert_eq!(
        column(
            &mut owner,
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'owned.lines'::regclass AND contype IN ('p', 'u') ORDER BY 1"
        ),
        ["PRIMARY KEY (line, room)", "UNIQUE (said, room)"]
    );
    assert_eq!(
        sqlstate(
            &mut stranger,
            "SELECT * FROM shard_router.fan_out('owned.lines', 'SELECT 1 FROM {shard}') AS t (one int)"
        ),
        "42501"
    );
}
