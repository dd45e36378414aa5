use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use postgres::Client;
use std::time::{Duration, Instant};
use tests::{Cluster, cluster_with_worker, column, connect, eventually, eventually_true, value};

/// The worker looks every second here, and looks again ten seconds after a failure.
const SOON: Duration = Duration::from_secs(40);

const WORKER: &str = "SELECT pid FROM pg_stat_activity
     WHERE backend_type ~ 'maintenance_worker' AND query ~ 'maintaining partitions' AND wait_event_type = 'Lock'";

/// A table with the partitions of two days long ago, a row in each, and no retention yet.
fn old_days(client: &mut Client, options: &str) {
    client
        .batch_execute(&format!(
            "CREATE TABLE events (created timestamptz NOT NULL PRIMARY KEY, note text) PARTITION BY RANGE (created);
             SELECT maintenance.add_partition_policy('events', period => '1 day', premake => 1, {options});
             SELECT maintenance.create_partitions('events', '2015-05-01 00:00+00', '2015-05-03 00:00+00');
             INSERT INTO events VALUES ('2015-05-01 12:00+00', 'first'), ('2015-05-02 12:00+00', 'second')"
        ))
        .expect("a policy and old partitions");
}

/// Leaves the expiry to the worker: alter_partition_policy() would do it itself.
fn retain(client: &mut Client, interval: &str) {
    client
        .batch_execute(&format!("UPDATE maintenance.partition_policies SET retention = {interval}"))
        .expect("a retention");
}

fn attached(day: &str, pending: bool) -> String {
    format!(
        "SELECT count(*) = 1 FROM pg_inherits
         WHERE inhrelid = to_regclass('events_{day}') AND inhdetachpending = {pending}"
    )
}

fn gone(client: &mut Client, day: &str) {
    eventually_true(client, SOON, &format!("SELECT to_regclass('events_{day}') IS NULL"));
}

/// DETACH CONCURRENTLY waits for the reader, and nobody waits behind it.
#[test]
fn an_expiry_behind_an_open_reader_does_not_hold_up_a_writer() {
    let cluster = cluster_with_worker(&[]);
    let mut client = connect(&cluster, "app");
    old_days(&mut client, "lock_timeout => '3s'");
    let mut reader = connect(&cluster, "app");
    reader.batch_execute("BEGIN; SELECT count(*) FROM events").expect("an open transaction");
    let opened = Instant::now();
    retain(&mut client, "'30 days'");
    eventually_true(&mut client, SOON, &attached("20150501", true));
    eventually("the worker to wait", SOON, || column(&mut client, WORKER).pop());

    let mut writer = connect(&cluster, "app");
    writer.batch_execute("SET lock_timeout = '100ms'").expect("a limit");
    let (mut rows, mut longest) = (0, Duration::ZERO);
    while opened.elapsed() < Duration::from_secs(6) {
        let began = Instant::now();
        writer
            .batch_execute("INSERT INTO events VALUES (clock_timestamp(), 'written')")
            .expect("a row");
        longest = longest.max(began.elapsed());
        rows += 1;
    }
    println!("{rows} rows were written meanwhile; the longest INSERT took {longest:?}");
    // Who comes now does not see the partition any more; the reader holds it up to its end.
    let old = "SELECT count(*) FROM events WHERE created < '2016-01-01'";
    assert_eq!(value(&mut writer, old).as_deref(), Some("1"));
    let held = "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND granted
                    AND relation IN ('events'::regclass, 'events_20150501'::regclass)";
    assert_eq!(value(&mut reader, held).as_deref(), Some("2"));
    assert_eq!(value(&mut client, &attached("20150501", true)).as_deref(), Some("t"));
    reader.batch_execute("COMMIT").expect("the reader ends");

    gone(&mut client, "20150501");
    gone(&mut client, "20150502");
    let rest = "SELECT count(*) FROM maintenance.expiring";
    eventually_true(&mut client, SOON, &rest.replacen("count(*)", "count(*) = 0", 1));
    let done = column(
        &mut client,
        "SELECT action || ' ' || object || ' ' || outcome FROM maintenance.runs
         WHERE object ~ '2015' AND action <> 'create' ORDER BY id",
    );
    assert!(done.contains(&"drop public.events_20150501 done".to_owned()), "{done:?}");
    assert!(done.contains(&"drop public.events_20150502 done".to_owned()), "{done:?}");
}

/// The first half of the detach has been committed; what was begun is ended, by FINALIZE and the drop.
#[test]
fn a_detach_that_was_killed_between_its_halves_is_carried_through() {
    let cluster = cluster_with_worker(&[]);
    let mut client = connect(&cluster, "app");
    old_days(&mut client, "lock_timeout => '10 minutes'");
    client
        .batch_execute(
            "SELECT maintenance.create_partitions('events', '2015-05-03 00:00+00', '2015-05-04 00:00+00')",
        )
        .expect("a third day");
    let launcher =
        "SELECT pid::text FROM pg_stat_activity WHERE backend_type = 'maintenance_worker launcher'";
    // The oldest first: one partition for each round.
    for (day, victim) in
        [("20150501", "worker"), ("20150502", "postmaster"), ("20150503", "launcher")]
    {
        let mut client = connect(&cluster, "app");
        let mut reader = connect(&cluster, "app");
        reader.batch_execute("BEGIN; SELECT count(*) FROM events").expect("an open transaction");
        let next = format!(
            "make_interval(secs => extract(epoch FROM now() - timestamptz '{day} 00:00+00')::float8 - 26 * 3600)"
        );
        retain(&mut client, &next);
        eventually_true(&mut client, SOON, &attached(day, true));
        let worker = eventually("the worker to wait", SOON, || column(&mut client, WORKER).pop());
        let remembered = "SELECT string_agg(name, ',') FROM maintenance.expiring";
        assert_eq!(value(&mut client, remembered), Some(format!("public.events_{day}")));
        if victim != "postmaster" {
            let pid = if victim == "worker" {
                worker
            } else {
                value(&mut client, launcher).expect("a launcher")
            };
            kill(Pid::from_raw(pid.parse().expect("a number")), Signal::SIGKILL).expect("killed");
            back(&cluster, &mut reader);
        } else {
            cluster.crash_and_restart().expect("the server comes back");
        }
        let mut client = connect(&cluster, "app");
        gone(&mut client, day);
        assert_eq!(value(&mut client, remembered), None);
        let done = column(
            &mut client,
            &format!(
                "SELECT action || ' ' || outcome FROM maintenance.runs
                 WHERE object = 'public.events_{day}' AND action <> 'create' ORDER BY id"
            ),
        );
        assert_eq!(done, ["finalize done", "drop done"], "{victim}");
    }
}

/// Waits until the postmaster has restarted everything after one of its processes was killed.
fn back(cluster: &Cluster, witness: &mut Client) {
    eventually("the end of the old sessions", SOON, || {
        witness.batch_execute("SELECT 1").is_err().then_some(())
    });
    eventually("a session that lasts", SOON, || {
        let mut client = cluster.connect("app").ok()?;
        client.batch_execute("SELECT pg_sleep(0.3)").ok()
    });
}

/// A failed run is tried again later and later; that is for what failed alone.
#[test]
fn an_expiry_that_keeps_failing_does_not_keep_partitions_from_being_made() {
    let cluster = cluster_with_worker(&[]);
    let mut client = connect(&cluster, "app");
    old_days(&mut client, "lock_timeout => '50ms'");
    let mut reader = connect(&cluster, "app");
    reader.batch_execute("BEGIN; SELECT count(*) FROM events_20150501").expect("a transaction");
    retain(&mut client, "'30 days'");
    let failed = "SELECT count(*) = 1 FROM maintenance.health WHERE sqlstate = '55P03'";
    eventually_true(&mut client, SOON, failed);
    let tomorrow = value(
        &mut client,
        "UPDATE maintenance.state SET retry_at = now() + interval '1 hour';
         SELECT 'events_' || to_char(now() AT TIME ZONE 'UTC' + interval '1 day', 'YYYYMMDD')",
    )
    .expect("a name");
    client.batch_execute(&format!("DROP TABLE {tomorrow}")).expect("dropped");
    eventually_true(&mut client, SOON, &format!("SELECT to_regclass('{tomorrow}') IS NOT NULL"));
    // The failure stands, and is still to be tried again in an hour.
    assert_eq!(value(&mut client, failed).as_deref(), Some("t"));
    assert!(!cluster.log().contains("works again"));
    reader.batch_execute("COMMIT").expect("the reader ends");
    client.batch_execute("UPDATE maintenance.state SET retry_at = now()").expect("now");
    gone(&mut client, "20150501");
    gone(&mut client, "20150502");
}

#[test]
fn a_partition_that_is_to_be_kept_is_detached_and_nothing_more() {
    let cluster = cluster_with_worker(&[]);
    let mut client = connect(&cluster, "app");
    old_days(&mut client, "on_expiry => 'detach'");
    retain(&mut client, "'30 days'");
    eventually_true(
        &mut client,
        SOON,
        "SELECT count(*) = 0 FROM pg_inherits WHERE inhrelid::regclass::text ~ 'events_2015'",
    );
    assert_eq!(value(&mut client, "SELECT note FROM events_20150501").as_deref(), Some("first"));
    assert_eq!(
        value(&mut client, "SELECT count(*) FROM maintenance.expiring").as_deref(),
        Some("0")
    );
}

/// PostgreSQL has no DETACH CONCURRENTLY beside a default partition.
#[test]
fn a_partition_beside_a_default_partition_expires_too() {
    let cluster = cluster_with_worker(&[]);
    let mut client = connect(&cluster, "app");
    old_days(&mut client, "lock_timeout => '1s'");
    client.batch_execute("CREATE TABLE events_rest PARTITION OF events DEFAULT").expect("made");
    retain(&mut client, "'30 days'");
    gone(&mut client, "20150501");
    gone(&mut client, "20150502");
}

#[test]
fn a_partition_that_a_foreign_key_points_at_stays_and_is_reported() {
    let cluster = cluster_with_worker(&[]);
    let mut client = connect(&cluster, "app");
    old_days(&mut client, "lock_timeout => '1s'");
    client
        .batch_execute(
            "CREATE TABLE remarks (event timestamptz REFERENCES events);
             INSERT INTO remarks VALUES ('2015-05-01 12:00+00')",
        )
        .expect("a reference");
    retain(&mut client, "'30 days'");
    eventually_true(&mut client, SOON, "SELECT count(*) = 1 FROM maintenance.health");
    assert_eq!(
        value(&mut client, "SELECT sqlstate || ' ' || hint FROM maintenance.health").as_deref(),
        Some("23503 Other objects refer to the partition. Remove the references or keep it.")
    );
    assert_eq!(value(&mut client, &attached("20150501", false)).as_deref(), Some("t"));
    assert_eq!(
        value(&mut client, "SELECT count(*) FROM maintenance.expiring").as_deref(),
        Some("0")
    );
    client.batch_execute("DROP TABLE remarks").expect("dropped");
    gone(&mut client, "20150501");
    gone(&mut client, "20150502");
}

/// DETACH evaluates the constants in CHECK constraints, and with them functions of the owner.
#[test]
fn the_owner_of_an_expiring_table_gains_nothing() {
    let cluster = cluster_with_worker(&[]);
    let mut client = connect(&cluster, "app");
    client
        .batch_execute(
            "CREATE ROLE eve LOGIN;
             CREATE SCHEMA eve AUTHORIZATION eve",
        )
        .expect("a role");
    // Not with SET ROLE: her function would take over the session that sets the trap.
    let mut eve = cluster.connect_as("eve", "app").expect("a session");
    eve.batch_execute(
        "CREATE TABLE eve.seen (who text, problem text);
             CREATE FUNCTION eve.seize() RETURNS int VOLATILE LANGUAGE plpgsql AS $$
             BEGIN
                 BEGIN
                     RESET SESSION AUTHORIZATION;
                     ALTER ROLE eve SUPERUSER;
                     INSERT INTO eve.seen VALUES (current_user, NULL);
                 EXCEPTION WHEN OTHERS THEN
                     INSERT INTO eve.seen VALUES (current_user, SQLSTATE);
                 END;
                 RETURN 1;
             END $$;
             CREATE FUNCTION eve.innocent(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN eve.seize(); END';
             CREATE TABLE eve.events (created timestamptz NOT NULL) PARTITION BY RANGE (created);
             SELECT maintenance.add_partition_policy('eve.events', period => '1 day', premake => 0);
             SELECT maintenance.create_partitions('eve.events', '2015-05-01 00:00+00', '2015-05-02 00:00+00');
             ALTER TABLE eve.events_20150501 ADD CHECK (eve.innocent(1) = 1);
             DELETE FROM eve.seen",
    )
    .expect("a trap");
    retain(&mut client, "'30 days'");
    eventually_true(&mut client, SOON, "SELECT to_regclass('eve.events_20150501') IS NULL");
    let seen = column(&mut client, "SELECT DISTINCT who || ' ' || problem FROM eve.seen");
    // The function ran, as eve, and was not allowed to leave her role.
    assert_eq!(seen, ["eve 42501"]);
    assert_eq!(
        value(&mut client, "SELECT rolsuper FROM pg_roles WHERE rolname = 'eve'").as_deref(),
        Some("f")
    );
}
