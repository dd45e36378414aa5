use crate::{ledger, shard_split};
use tests::{cluster_with_worker, column, connect, create_app, dump, restore, sqlstate, value};

/// pg_dump and psql, as anybody moves a database.
#[test]
fn a_dump_brings_policies_shards_and_triggers_along() {
    let cluster = cluster_with_worker(&["maintenance_worker.enabled = off"]);
    let mut client = connect(&cluster, "app");
    client
        .batch_execute(
            "CREATE SCHEMA \"Odd Schema\";
             CREATE TABLE \"Odd Schema\".\"Ev'ents\" (created timestamptz NOT NULL) PARTITION BY RANGE (created);
             SELECT maintenance.add_partition_policy('\"Odd Schema\".\"Ev''ents\"', period => '1 month', premake => 2, retention => '5 years');
             CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS n FROM \"Odd Schema\".\"Ev'ents\";
             SELECT maintenance.add_refresh_policy('totals', schedule => '*/5 * * * *');
             CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY, user_id int NOT NULL, total_amount numeric(10,2),
                                  status varchar(20), created_at timestamptz DEFAULT now(), PRIMARY KEY (id));
             SELECT shard_router.create_sharded_table('orders', 'user_id', 10, 'modulo');
             SELECT insert_order(n, 1.5, 'new') FROM generate_series(1, 100) n;
             SELECT cache_notify.attach('orders')",
        )
        .expect("one of everything");
    let mut copy = restore(&cluster, &dump(&cluster));
    for query in [
        "SELECT parent::text || period::text || premake || retention::text FROM maintenance.partition_policies ORDER BY 1",
        "SELECT matview::text || schedule FROM maintenance.refresh_policies ORDER BY 1",
        "SELECT relation::text FROM shard_router.shards ORDER BY 1",
        "SELECT a::text FROM cache_notify.attached AS a ORDER BY 1",
        "SELECT count(*)::text FROM orders",
    ] {
        let before = column(&mut client, query);
        assert!(!before.is_empty(), "{query}");
        assert_eq!(before, column(&mut copy, query), "{query}");
    }
    // They are not only there, they work.
    copy.batch_execute("SELECT insert_order(4711, 2, 'moved')").expect("routed");
    assert_eq!(
        value(&mut copy, "SELECT tableoid::regclass FROM orders WHERE user_id = 4711").as_deref(),
        Some("orders_1")
    );
    assert_eq!(
        value(&mut copy, "SELECT count(*) FROM get_orders_by_user(4711)").as_deref(),
        Some("1")
    );
    copy.batch_execute("SELECT * FROM maintenance.run_partition_maintenance()")
        .expect("maintained");
    copy.batch_execute("SELECT * FROM maintenance.refresh_materialized_views()")
        .expect("refreshed");
    let mut ear = tests::Ear::new(&cluster, "copy", "cache_invalidate");
    copy.batch_execute("DELETE FROM orders WHERE user_id = 4711").expect("deleted");
    assert_eq!(ear.heard().len(), 1);
}

/// An extension whose configuration tables were empty leaves nothing behind either.
#[test]
fn an_unused_installation_dumps_and_restores() {
    let cluster = tests::cluster(&[]);
    drop(create_app(&cluster));
    let dump = dump(&cluster);
    let text = std::fs::read_to_string(&dump).expect("the dump");
    assert!(text.contains("CREATE EXTENSION IF NOT EXISTS maintenance_worker"));
    restore(&cluster, &dump);
}

/// An operation is in the dump of its database, and goes on where that is restored; it goes with its table.
#[test]
fn an_interrupted_split_is_dumped_and_dropped() {
    let (cluster, mut client) = shard_split::start(&[]);
    ledger::orders(&mut client, 2_000);
    let mut other = connect(&cluster, "app");
    other.batch_execute("BEGIN; LOCK TABLE ONLY orders IN ACCESS SHARE MODE").expect("in the way");
    assert_eq!(
        sqlstate(
            &mut client,
            "SET statement_timeout = '3s'; CALL shard_router.split_shards('orders', 2)"
        ),
        "2D000",
        "several statements in one message are one transaction"
    );
    client.batch_execute("SET statement_timeout = '3s'").expect("a setting");
    assert_eq!(sqlstate(&mut client, "CALL shard_router.split_shards('orders', 2)"), "57014");
    client.batch_execute("RESET statement_timeout").expect("a setting");
    other.batch_execute("ROLLBACK").expect("out of the way");
    let before = shard_split::sum(&mut client);

    let mut copy = restore(&cluster, &dump(&cluster));
    assert_eq!(shard_split::sum(&mut copy), before);
    copy.batch_execute("UPDATE orders SET total_amount = 5").expect("changed");
    copy.batch_execute("CALL shard_router.split_shards('orders', 2)").expect("finished");
    shard_split::nothing_is_left(&mut copy, "20x20");
    assert_eq!(shard_split::sum(&mut copy), before);
    assert_eq!(
        value(&mut copy, "SELECT count(*) FROM orders WHERE total_amount <> 5").as_deref(),
        Some("0")
    );

    assert_eq!(sqlstate(&mut client, "DROP TABLE orders"), "2BP01");
    client.batch_execute("DROP TABLE orders CASCADE").expect("dropped");
    assert_eq!(
        value(
            &mut client,
            "SELECT count(*) FROM pg_class WHERE relname LIKE 'shard\\_router\\_%' OR relname LIKE 'orders%' OR relname LIKE 'changes\\_%'"
        )
        .as_deref(),
        Some("0")
    );
    assert_eq!(
        value(&mut client, "SELECT count(*) FROM shard_router.operations").as_deref(),
        Some("0")
    );
}
