use std::time::Duration;
use tests::{cluster_with_worker, connect, eventually_true, sqlstate, value};

#[test]
fn the_worker_waits_on_a_standby_and_starts_with_its_promotion() {
    let primary = cluster_with_worker(&[]);
    let mut client = connect(&primary, "app");
    client
        .batch_execute(
            "CREATE TABLE events (created timestamptz NOT NULL) PARTITION BY RANGE (created);
             SELECT maintenance.add_partition_policy('events', period => '1 day', premake => 3);
             CREATE TABLE numbered (id bigint GENERATED ALWAYS AS IDENTITY) PARTITION BY RANGE (id);
             SELECT maintenance.add_partition_policy('numbered', 100, premake => 3);
             INSERT INTO numbered DEFAULT VALUES;
             CREATE TABLE orders (id bigint, user_id int NOT NULL, total_amount numeric(10,2));
             SELECT shard_router.create_sharded_table('orders', 'user_id', 4);
             CREATE TABLE place AS SELECT pg_current_wal_lsn() AS lsn",
        )
        .expect("a policy");
    let standby = primary.standby(&[]).expect("a standby");
    let mut there = connect(&standby, "app");
    eventually_true(&mut there, Duration::from_secs(30), "SELECT to_regclass('place') IS NOT NULL");

    // Whatever only reads or computes works while the server is in recovery.
    assert_eq!(value(&mut there, "SELECT pg_is_in_recovery()").as_deref(), Some("t"));
    assert_eq!(
        value(&mut there, "SELECT uuid_generate_v7() < uuid_generate_v7()").as_deref(),
        Some("t")
    );
    assert_eq!(
        value(&mut there, "SELECT json_valid('[1]') AND jsonb_valid('[1]')").as_deref(),
        Some("t")
    );
    assert_eq!(
        value(&mut there, "SELECT shard_router.shard_of('orders', 42)"),
        value(&mut client, "SELECT shard_router.shard_of('orders', 42)")
    );
    assert_eq!(
        value(&mut there, "SELECT count(*) FROM get_orders_by_user(42)").as_deref(),
        Some("0")
    );
    assert_eq!(
        value(&mut there, "SELECT count(*) FROM maintenance.plan('events')").as_deref(),
        Some("0")
    );
    assert_eq!(
        value(
            &mut there,
            "SELECT sum(value) FROM maintenance.metrics WHERE name = 'maintenance_partitions_ahead'"
        )
        .as_deref(),
        Some("6")
    );
    assert_eq!(value(&mut there, "SELECT count(*) FROM maintenance.health").as_deref(), Some("0"));
    assert_eq!(
        sqlstate(&mut there, "SELECT maintenance.remove_partition_policy('events')"),
        "25006"
    );
    assert_eq!(
        value(
            &mut there,
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ 'maintenance_worker'"
        )
        .as_deref(),
        Some("0")
    );

    // What the primary did not get done is done by the new one.
    let doomed = value(
        &mut client,
        "SELECT 'events_' || to_char(now() AT TIME ZONE 'UTC' + interval '2 days', 'YYYYMMDD')",
    )
    .expect("a name");
    client.batch_execute("UPDATE place SET lsn = '0/0'").expect("a mark");
    primary.stop(tests::Stop::Fast).expect("the primary is gone");
    eventually_true(&mut there, Duration::from_secs(30), "SELECT lsn = '0/0' FROM place");
    standby.promote().expect("promoted");
    there.batch_execute(&format!("DROP TABLE IF EXISTS {doomed}")).expect("writable");
    eventually_true(
        &mut there,
        Duration::from_secs(15),
        &format!("SELECT to_regclass('{doomed}') IS NOT NULL"),
    );
}
