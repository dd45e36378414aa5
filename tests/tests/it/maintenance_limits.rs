//! `max_runtime` and the keys that the worker itself looks after.

use std::time::{Duration, Instant};
use tests::{cluster_with_worker, column, connect, eventually_true, value};

/// The worker looks every second here.
const SOON: Duration = Duration::from_secs(20);

const SLOW: &str =
    "CREATE FUNCTION slow() RETURNS int VOLATILE LANGUAGE sql AS 'SELECT 1 FROM pg_sleep(600)';";

#[test]
fn a_refresh_that_takes_too_long_is_canceled_recorded_and_tried_again() {
    let cluster = cluster_with_worker(&[]);
    let mut client = connect(&cluster, "app");
    client
        .batch_execute(&format!(
            "{SLOW}
             CREATE MATERIALIZED VIEW slow_totals AS SELECT slow() AS one WITH NO DATA;
             CREATE MATERIALIZED VIEW quick AS SELECT random() AS one;
             SELECT maintenance.add_refresh_policy('slow_totals', schedule => '1 second', max_runtime => '500ms'),
                    maintenance.add_refresh_policy('quick', schedule => '1 second', max_runtime => '10 s')"
        ))
        .expect("policies");
    let failed = "SELECT count(*) = 1 FROM maintenance.health WHERE relation = 'slow_totals'::regclass
                      AND sqlstate = '57014' AND problem ~ 'max_runtime' AND next_run > last_run + interval '5 seconds'";
    eventually_true(&mut client, SOON, failed);
    let taken = value(
        &mut client,
        "SELECT max(extract(epoch FROM duration)) BETWEEN 0.4 AND 5 FROM maintenance.runs WHERE sqlstate = '57014'",
    );
    assert_eq!(taken.as_deref(), Some("t"));
    // It is tried again, and the other view goes on meanwhile, in the same worker.
    client
        .batch_execute("UPDATE maintenance.state SET retry_at = now() WHERE failures > 0")
        .expect("now");
    eventually_true(
        &mut client,
        SOON,
        "SELECT failures >= 2 FROM maintenance.status WHERE relation = 'slow_totals'::regclass",
    );
    eventually_true(
        &mut client,
        SOON,
        "SELECT count(*) > 2 FROM maintenance.runs WHERE relation = 'public.quick' AND outcome = 'done'",
    );
    assert_eq!(
        value(&mut client, "SELECT count(*) FROM maintenance.runs WHERE relation = 'public.quick' AND outcome = 'failed'").as_deref(),
        Some("0")
    );
}

/// By hand, the rest of the session's statement goes on, and the session's own cancel request still counts.
#[test]
fn a_run_by_hand_that_takes_too_long_is_given_up_and_the_others_go_on() {
    let cluster = cluster_with_worker(&["maintenance_worker.enabled = off"]);
    let mut client = connect(&cluster, "app");
    client
        .batch_execute(&format!(
            "{SLOW}
             CREATE MATERIALIZED VIEW a_slow AS SELECT slow() AS one WITH NO DATA;
             CREATE MATERIALIZED VIEW b_quick AS SELECT 1 AS one;
             SELECT maintenance.add_refresh_policy('a_slow', schedule => '1 day', max_runtime => '300ms'),
                    maintenance.add_refresh_policy('b_quick', schedule => '1 day')"
        ))
        .expect("policies");
    let began = Instant::now();
    let outcomes =
        column(&mut client, "SELECT outcome FROM maintenance.refresh_materialized_views()");
    assert_eq!(outcomes, ["failed", "done"]);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    // Nothing of the limit is left behind.
    client.batch_execute("SELECT pg_sleep(0.5)").expect("no cancel request is left");
    client
        .batch_execute("SELECT maintenance.alter_refresh_policy('a_slow', reset => '{max_runtime}'); SET statement_timeout = '500ms'")
        .expect("no limit");
    assert_eq!(
        tests::sqlstate(&mut client, "SELECT maintenance.refresh_materialized_views()"),
        "57014"
    );
}

/// An event trigger makes each partition take a second: what was made before the time was over stays.
#[test]
fn a_run_over_partitions_keeps_what_it_has_made() {
    let cluster = cluster_with_worker(&["maintenance_worker.enabled = off"]);
    let mut client = connect(&cluster, "app");
    client
        .batch_execute(
            "CREATE TABLE events (id bigint) PARTITION BY RANGE (id);
             SELECT maintenance.add_partition_policy('events', 10, premake => 0, max_runtime => '1500ms');
             CREATE FUNCTION dawdle() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1); END';
             CREATE EVENT TRIGGER dawdle ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION dawdle()",
        )
        .expect("a slow server");
    let made = column(
        &mut client,
        "SELECT partition || ' ' || outcome FROM maintenance.alter_partition_policy('events', premake => 3)",
    );
    assert_eq!(made, ["public.events_10 done", "public.events_20 failed"]);
    let state = value(&mut client, "SELECT sqlstate || ' ' || failures FROM maintenance.status");
    assert_eq!(state.as_deref(), Some("57014 1"));
    client.batch_execute("DROP EVENT TRIGGER dawdle").expect("a quick server");
    let made = column(
        &mut client,
        "SELECT partition FROM maintenance.run_partition_maintenance('events')",
    );
    assert_eq!(made, ["public.events_20", "public.events_30"]);
}

/// Ids and UUIDs, with rows that come in while the worker looks.
#[test]
fn the_worker_stays_ahead_of_ids_and_drops_what_is_far_behind() {
    let cluster = cluster_with_worker(&[]);
    let mut client = connect(&cluster, "app");
    client
        .batch_execute(
            "CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text) PARTITION BY RANGE (id);
             SELECT maintenance.add_partition_policy('orders', 100, premake => 2, retention => 300);
             CREATE TABLE sparse (id bigint) PARTITION BY RANGE (id);
             SELECT maintenance.add_partition_policy('sparse', 100, premake => 2)",
        )
        .expect("policies");
    for round in 0..6 {
        client
            .batch_execute("INSERT INTO orders (v) SELECT 'x' FROM generate_series(1, 100)")
            .expect("rows find their partition");
        eventually_true(
            &mut client,
            SOON,
            &format!("SELECT to_regclass('orders_{}') IS NOT NULL", (round + 3) * 100),
        );
    }
    eventually_true(&mut client, SOON, "SELECT to_regclass('orders_200') IS NULL");
    assert_eq!(
        value(&mut client, "SELECT to_regclass('orders_300') IS NOT NULL").as_deref(),
        Some("t")
    );
    // A table that is locked holds up no other.
    let mut locker = connect(&cluster, "app");
    locker.batch_execute("BEGIN; LOCK TABLE sparse").expect("locked");
    client
        .batch_execute("INSERT INTO orders (v) SELECT 'x' FROM generate_series(1, 100)")
        .expect("rows");
    eventually_true(&mut client, SOON, "SELECT to_regclass('orders_900') IS NOT NULL");
    locker.batch_execute("COMMIT").expect("unlocked");
}

/// DETACH CONCURRENTLY runs in transactions of its own: a limit ends its wait for a reader too.
#[test]
fn an_expiry_that_takes_too_long_is_given_up_and_carried_through_later() {
    let cluster = cluster_with_worker(&[]);
    let mut client = connect(&cluster, "app");
    client
        .batch_execute(
            "CREATE TABLE events (created timestamptz NOT NULL) PARTITION BY RANGE (created);
             SELECT maintenance.add_partition_policy('events', period => '1 day', premake => 1, lock_timeout => '10 minutes',
                 max_runtime => '1s');
             SELECT maintenance.create_partitions('events', '2015-05-01 00:00+00', '2015-05-02 00:00+00')",
        )
        .expect("a policy and an old partition");
    let mut reader = connect(&cluster, "app");
    reader.batch_execute("BEGIN; SELECT count(*) FROM events").expect("an open transaction");
    client
        .batch_execute("UPDATE maintenance.partition_policies SET retention = '30 days'")
        .expect("a retention");
    eventually_true(
        &mut client,
        SOON,
        "SELECT count(*) = 1 FROM maintenance.health WHERE sqlstate = '57014' AND problem ~ 'max_runtime'",
    );
    reader.batch_execute("COMMIT").expect("the reader ends");
    client.batch_execute("UPDATE maintenance.state SET retry_at = now()").expect("now");
    eventually_true(&mut client, SOON, "SELECT to_regclass('events_20150501') IS NULL");
    eventually_true(&mut client, SOON, "SELECT count(*) = 0 FROM maintenance.health");
}
