//! shard_router's tables that take more than one session, a second server or a dump to test.

use postgres::Client;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tests::{Cluster, cluster, column, connect, create_app, eventually_true, sqlstate, value};
use xtask::command::output;
use xtask::workspace;

const FILLED: &str = "CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int NOT NULL, amount numeric);
     INSERT INTO orders (user_id, amount) SELECT i % 1000, i FROM generate_series(1, 50000) AS i";

/// A session of a role that has rights on the tables and on nothing below them.
fn app_role(cluster: &Cluster, admin: &mut Client, tables: &str) -> Client {
    admin
        .batch_execute(&format!(
            "CREATE ROLE app LOGIN; GRANT SELECT, INSERT ON {tables} TO app; GRANT USAGE ON SCHEMA public TO app"
        ))
        .expect("a role");
    cluster.connect_as("app", "app").expect("a session")
}

/// What is acknowledged before, while and after a table is adopted is in it afterwards, once.
#[test]
fn writers_lose_nothing_while_their_table_is_adopted() {
    let cluster = cluster(&[]);
    let mut admin = create_app(&cluster);
    admin.batch_execute(FILLED).expect("a filled table");
    let stop = AtomicBool::new(false);
    let acknowledged: Vec<(i32, i32)> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (cluster, stop) = (&cluster, &stop);
                scope.spawn(move || {
                    let mut client = connect(cluster, "app");
                    let mut written = 0;
                    let user = 10_000 + writer;
                    let prepared = client
                        .prepare("INSERT INTO orders (user_id, amount) VALUES ($1, $2::int)")
                        .expect("a statement");
                    while !stop.load(Ordering::Relaxed) {
                        // Half of them with the plan they had before, half with the name looked up each time.
                        let inserted = if writer % 2 == 0 {
                            client.execute(&prepared, &[&user, &written]).map(drop)
                        } else {
                            client.batch_execute(&format!(
                                "INSERT INTO orders (user_id, amount) VALUES ({user}, {written})"
                            ))
                        };
                        inserted.expect("a writer waits and goes on");
                        written += 1;
                    }
                    (user, written)
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(300));
        admin
            .batch_execute("SELECT shard_router.adopt_table('orders', 'user_id', 8)")
            .expect("adopted");
        std::thread::sleep(Duration::from_millis(300));
        stop.store(true, Ordering::Relaxed);
        writers.into_iter().map(|writer| writer.join().expect("a writer")).collect()
    });
    for (user, written) in &acknowledged {
        assert!(*written > 0);
        assert_eq!(
            value(
                &mut admin,
                &format!(
                    "SELECT count(*) || ' ' || count(DISTINCT amount) FROM orders WHERE user_id = {user}"
                )
            ),
            Some(format!("{written} {written}"))
        );
    }
    let total: i32 = acknowledged.iter().map(|(_, written)| written).sum();
    assert_eq!(
        value(&mut admin, "SELECT count(*) || ' ' || count(DISTINCT id) FROM orders"),
        Some(format!("{0} {0}", total + 50_000))
    );
    assert_eq!(
        value(&mut admin, "SELECT count(*) FROM orders WHERE tableoid <> shard_router.shard_table('orders', user_id)").as_deref(),
        Some("0")
    );
}

/// An adoption that dies half way has not happened.
#[test]
fn an_adoption_that_is_killed_leaves_the_table_as_it_was() {
    let cluster = cluster(&[]);
    let mut admin = create_app(&cluster);
    admin
        .batch_execute(&format!(
            "{FILLED};
             CREATE FUNCTION slow(int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.001); RETURN true; END $$;
             ALTER TABLE orders ADD CHECK (slow(user_id)) NOT VALID"
        ))
        .expect("a table that takes its time");
    std::thread::scope(|scope| {
        let mut client = connect(&cluster, "app");
        let pid = value(&mut client, "SELECT pg_backend_pid()").expect("a pid");
        scope.spawn(move || {
            client
                .batch_execute("SELECT shard_router.adopt_table('orders', 'user_id', 8)")
                .expect_err("killed")
        });
        eventually_true(
            &mut admin,
            Duration::from_secs(20),
            &format!(
                "SELECT count(*) = 1 FROM pg_stat_activity WHERE pid = {pid} AND wait_event = 'PgSleep'"
            ),
        );
        cluster.crash_and_restart().expect("killed and started again");
    });
    let mut admin = connect(&cluster, "app");
    assert_eq!(
        value(&mut admin, "SELECT concat_ws(' ', relkind, (SELECT count(*) FROM orders), (SELECT count(*) FROM pg_class WHERE relname ~ '^(orders_\\d|shard_router_)')) FROM pg_class WHERE oid = 'orders'::regclass").as_deref(),
        Some("r 50000 0")
    );
    assert_eq!(
        value(&mut admin, "SELECT count(*) FROM shard_router.sharded_tables").as_deref(),
        Some("0")
    );
    admin
        .batch_execute(
            "ALTER TABLE orders DROP CONSTRAINT orders_user_id_check;
             SELECT shard_router.adopt_table('orders', 'user_id', 8); SELECT insert_order(1, 1)",
        )
        .expect("adopted after all");
    assert_eq!(value(&mut admin, "SELECT count(*) FROM orders").as_deref(), Some("50001"));
}

/// Another session's plans and functions hear of what is registered, and rights that go are gone at once.
#[test]
fn sessions_hear_of_each_others_changes() {
    let cluster = cluster(&[]);
    let mut admin = create_app(&cluster);
    admin
        .batch_execute(&format!(
            "{FILLED}; SELECT shard_router.adopt_table('orders', 'user_id', 4)"
        ))
        .expect("a sharded table");
    let mut app = app_role(&cluster, &mut admin, "orders");
    let insert = "SELECT insert_order(7, 1)";
    let select = "SELECT count(*) > 0 FROM get_orders_by_user(7)";
    app.batch_execute(insert).expect("rights on the table are enough");
    assert_eq!(value(&mut app, select).as_deref(), Some("t"));
    assert_eq!(sqlstate(&mut app, "SELECT * FROM orders_1"), "42501");

    admin.batch_execute("REVOKE INSERT ON orders FROM app").expect("revoked");
    assert_eq!(sqlstate(&mut app, insert), "42501");
    assert_eq!(value(&mut app, select).as_deref(), Some("t"));
    admin
        .batch_execute("GRANT INSERT ON orders TO app; CREATE POLICY p ON orders USING (user_id <> 7); ALTER TABLE orders ENABLE ROW LEVEL SECURITY")
        .expect("a policy");
    assert_eq!(value(&mut app, select).as_deref(), Some("f"));
    assert_eq!(sqlstate(&mut app, insert), "42501");
    admin.batch_execute("ALTER TABLE orders DISABLE ROW LEVEL SECURITY").expect("none");
    app.batch_execute(insert).expect("again");

    admin.batch_execute("SELECT shard_router.unregister_table('orders')").expect("unregistered");
    assert_eq!(sqlstate(&mut app, insert), "42883");
    assert_eq!(sqlstate(&mut app, "SELECT shard_router.shard_of('orders', 7)"), "42704");
    admin.batch_execute("SELECT shard_router.register_table('orders')").expect("registered");
    app.batch_execute(insert).expect("the new function");
}

/// A shard on another server: functions work, with the caller's own user mapping.
#[test]
fn a_foreign_shard_is_used_as_its_caller() {
    let cluster = cluster(&[]);
    let mut admin = create_app(&cluster);
    let mut other = {
        admin.batch_execute("CREATE DATABASE far").expect("a database");
        connect(&cluster, "far")
    };
    other
        .batch_execute(
            "CREATE ROLE far_app LOGIN; CREATE TABLE orders_1 (id bigint, user_id int NOT NULL, note text DEFAULT 'far default', CHECK (user_id % 2 = 1));
             GRANT SELECT, INSERT ON orders_1 TO far_app",
        )
        .expect("the far table");
    admin
        .batch_execute(&format!(
            "CREATE EXTENSION postgres_fdw;
             CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{}', port '{}', dbname 'far');
             CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY, user_id int NOT NULL, note text DEFAULT 'near') PARTITION BY HASH (user_id shard_router.int4_modulo_ops);
             CREATE TABLE orders_0 PARTITION OF orders FOR VALUES WITH (MODULUS 2, REMAINDER 0);
             CREATE FOREIGN TABLE orders_1 PARTITION OF orders FOR VALUES WITH (MODULUS 2, REMAINDER 1) SERVER far OPTIONS (table_name 'orders_1');
             SELECT shard_router.register_table('orders');
             CREATE USER MAPPING FOR CURRENT_USER SERVER far;",
            cluster.dir().display(),
            cluster.port()
        ))
        .expect("a foreign shard");
    let mut app = app_role(&cluster, &mut admin, "orders");
    // The table's owner has a mapping; the caller's is asked for, and there is none.
    assert_eq!(sqlstate(&mut app, "SELECT insert_order(1)"), "42704");
    app.batch_execute("SELECT insert_order(2)").expect("the near shard works");
    admin
        .batch_execute("CREATE USER MAPPING FOR app SERVER far OPTIONS (user 'far_app', password_required 'false')")
        .expect("a mapping");
    assert!(value(&mut app, "SELECT insert_order(1)").is_some());
    assert_eq!(
        value(&mut app, "SELECT string_agg(note, ',') FROM get_orders_by_user(1)").as_deref(),
        Some("near")
    );
    assert_eq!(
        value(&mut app, "SELECT shard_router.insert_many('orders', '[{\"user_id\": 1}, {\"user_id\": 2}, {\"user_id\": 3}]'::jsonb)").as_deref(),
        Some("3")
    );
    assert_eq!(value(&mut other, "SELECT count(*) FROM orders_1").as_deref(), Some("3"));
    assert_eq!(
        value(&mut admin, "SELECT count(DISTINCT id) || ' ' || count(*) FROM orders").as_deref(),
        Some("5 5")
    );
    assert!(value(&mut admin, "SELECT insert_order(1)").is_some(), "the owner's own mapping");
    // A foreign table has no indexes and no statistics of its own to miss.
    admin.batch_execute("ANALYZE orders").expect("analysed");
    assert_eq!(column(&mut admin, "SELECT problem FROM shard_router.health"), Vec::<String>::new());
}

/// All that is registered, however it came to be, moves with pg_dump.
#[test]
fn a_dump_brings_adopted_registered_and_several_columns_along() {
    let cluster = cluster(&[]);
    let mut client = create_app(&cluster);
    client
        .batch_execute(&format!(
            "{FILLED}; SELECT shard_router.adopt_table('orders', 'user_id', 4, 'modulo');
             CREATE TABLE visits (id int, user_id int) PARTITION BY HASH (user_id);
             CREATE TABLE half PARTITION OF visits FOR VALUES WITH (MODULUS 2, REMAINDER 0);
             CREATE TABLE quarter PARTITION OF visits FOR VALUES WITH (MODULUS 4, REMAINDER 1);
             CREATE TABLE rest PARTITION OF visits FOR VALUES WITH (MODULUS 4, REMAINDER 3);
             SELECT shard_router.register_table('visits', entity => 'hit', owner_name => 'guest');
             INSERT INTO visits SELECT i, i FROM generate_series(1, 100) AS i;
             CREATE TABLE messages (tenant uuid, room text, body text);
             SELECT shard_router.create_sharded_table('messages', ARRAY['tenant', 'room'], 3);
             SELECT insert_message('00000000-0000-0000-0000-000000000001', 'lobby', 'hello');
             ALTER FUNCTION insert_hit SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
        ))
        .expect("one of each");
    let dump = cluster.dir().join("dump");
    output(cluster.client("pg_dump").args(["-Fc", "-f"]).arg(&dump).arg("app")).expect("pg_dump");
    connect(&cluster, "postgres").batch_execute("CREATE DATABASE copy").expect("a database");
    let restored = cluster
        .client("pg_restore")
        .args(["--exit-on-error", "-j", "4", "-d", "copy"])
        .arg(&dump)
        .stdout(Stdio::null())
        .status()
        .expect("pg_restore");
    assert!(restored.success());
    let mut copy = connect(&cluster, "copy");
    for query in [
        "SELECT t::text FROM shard_router.sharded_tables AS t ORDER BY 1",
        "SELECT (tbl, kind, function_schema, function_name)::text FROM shard_router.table_functions ORDER BY 1",
        "SELECT (relation, modulus, remainder)::text FROM shard_router.shards ORDER BY 1",
        "SELECT (oid::regprocedure, prosecdef)::text FROM pg_proc WHERE prosrc LIKE 'route\\_%' AND probin = '$libdir/shard_router' ORDER BY 1",
        "SELECT tableoid::regclass || ' ' || count(*) FROM (SELECT tableoid FROM orders UNION ALL SELECT tableoid FROM visits UNION ALL SELECT tableoid FROM messages) AS a GROUP BY tableoid ORDER BY 1",
    ] {
        let before = column(&mut client, query);
        assert!(!before.is_empty(), "{query}");
        assert_eq!(before, column(&mut copy, query), "{query}");
    }
    copy.batch_execute(
        "SELECT insert_order(5, 1); SELECT insert_hit(1, 5); SELECT insert_message('00000000-0000-0000-0000-000000000001', 'lobby', 'again')",
    )
    .expect("they work");
    assert_eq!(
        value(&mut copy, "SELECT count(*) FROM get_messages_by_tenant_and_room('00000000-0000-0000-0000-000000000001', 'lobby')").as_deref(),
        Some("2")
    );
    copy.batch_execute("ANALYZE").expect("analysed");
    assert_eq!(column(&mut copy, "SELECT problem FROM shard_router.health"), Vec::<String>::new());
}

/// The script of the text key, run twice, and used.
#[test]
fn messages_by_room() {
    let cluster = cluster(&[]);
    let mut client = create_app(&cluster);
    let script = workspace::root().join("sql/messages.sql");
    for _ in 0..2 {
        output(cluster.client("psql").args(["-X", "-q", "-d", "app", "-f"]).arg(&script))
            .expect("the script runs");
    }
    client
        .batch_execute("SELECT insert_message('room ' || i % 40, 'ann', 'hello ' || i) FROM generate_series(1, 2000) AS i")
        .expect("inserted");
    assert_eq!(
        value(&mut client, "SELECT count(*) FROM get_messages_by_room('room 7')").as_deref(),
        Some("50")
    );
    assert_eq!(
        value(&mut client, "SELECT count(*) FROM messages WHERE tableoid <> shard_router.shard_table('messages', room)").as_deref(),
        Some("0")
    );
    assert_eq!(
        value(&mut client, "SELECT count(DISTINCT id) FROM messages").as_deref(),
        Some("2000")
    );
}

/// What is exported is what the formats' own parsers read.
#[test]
fn exported_configurations_parse() {
    let cluster = cluster(&[]);
    let mut client = create_app(&cluster);
    client
        .batch_execute(
            "CREATE TABLE \"or\"\"d\\ers\" (\"user id\" bigint); CREATE TABLE logs (user_id int);
             SELECT shard_router.create_sharded_table('\"or\"\"d\\ers\"', 'user id', 3), shard_router.create_sharded_table('logs', 'user_id', 10, 'modulo')",
        )
        .expect("tables");
    let text = value(&mut client, "SELECT shard_router.export_config('\"or\"\"d\\ers\"', 'pgdog')")
        .expect("a text");
    let config: toml::Table = text.parse().expect("TOML");
    let databases = config["databases"].as_array().expect("an array");
    assert_eq!(databases.len(), 3);
    for (shard, database) in databases.iter().enumerate() {
        assert_eq!(database["name"].as_str(), Some("app"));
        assert_eq!(database["shard"].as_integer(), i64::try_from(shard).ok());
        assert_eq!(database["database_name"].as_str(), Some(format!("app_{shard}").as_str()));
        assert_eq!(database["port"].as_integer(), Some(cluster.port().into()));
    }
    let table = &config["sharded_tables"].as_array().expect("an array")[0];
    for (key, expected) in [
        ("database", "app"),
        ("schema", "public"),
        ("name", "or\"d\\ers"),
        ("column", "user id"),
        ("data_type", "bigint"),
        ("hasher", "postgres"),
    ] {
        assert_eq!(table[key].as_str(), Some(expected), "{key}");
    }

    let text = value(&mut client, "SELECT shard_router.export_config('logs', 'shardingsphere')")
        .expect("a text");
    let config = &yaml_rust2::YamlLoader::load_from_str(&text).expect("YAML")[0];
    assert_eq!(config["databaseName"].as_str(), Some("app"));
    assert_eq!(
        config["dataSources"]["local"]["url"].as_str(),
        Some(format!("jdbc:postgresql://localhost:{}/app", cluster.port()).as_str())
    );
    let rule = &config["rules"][0];
    let logs = &rule["tables"]["logs"];
    let nodes: Vec<String> = (0..10).map(|shard| format!("local.logs_{shard}")).collect();
    assert_eq!(logs["actualDataNodes"].as_str(), Some(nodes.join(",").as_str()));
    let standard = &logs["tableStrategy"]["standard"];
    assert_eq!(standard["shardingColumn"].as_str(), Some("user_id"));
    let algorithm =
        &rule["shardingAlgorithms"][standard["shardingAlgorithmName"].as_str().expect("a name")];
    assert_eq!(algorithm["type"].as_str(), Some("INLINE"));
    assert_eq!(algorithm["props"]["algorithm-expression"].as_str(), Some("logs_${user_id % 10}"));
}
