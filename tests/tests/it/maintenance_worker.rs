use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::time::{Duration, Instant};
use tests::{Cluster, Stop, cluster_with_worker, connect, eventually, eventually_true, value};

/// The worker looks every second here.
const SOON: Duration = Duration::from_secs(15);

const EVENTS: &str =
    "CREATE TABLE events (created timestamptz NOT NULL, note text) PARTITION BY RANGE (created);
     SELECT maintenance.add_partition_policy('events', period => '1 day', premake => 3)";

/// How many of the next days' partitions there are.
const COMING: &str = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'events'::regclass
     AND inhrelid::regclass::text > 'events_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD')";

fn drop_the_day_after_tomorrow(cluster: &Cluster) {
    let mut client = connect(cluster, "app");
    let name = value(
        &mut client,
        "SELECT 'events_' || to_char(now() AT TIME ZONE 'UTC' + interval '2 days', 'YYYYMMDD')",
    )
    .expect("a name");
    client.batch_execute(&format!("DROP TABLE {name}")).expect("dropped");
}

#[test]
fn the_worker_makes_a_missing_partition_and_refreshes_a_view_by_itself() {
    let cluster = cluster_with_worker(&[]);
    let mut client = connect(&cluster, "app");
    client
        .batch_execute(&format!(
            "{EVENTS};
             INSERT INTO events VALUES (now(), 'one');
             CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS events FROM events;
             SELECT maintenance.add_refresh_policy('totals', schedule => '1 second')"
        ))
        .expect("policies");
    assert_eq!(value(&mut client, COMING).as_deref(), Some("3"));
    drop_the_day_after_tomorrow(&cluster);
    eventually_true(&mut client, SOON, &COMING.replacen("count(*)", "count(*) = 3", 1));

    client.batch_execute("INSERT INTO events VALUES (now(), 'two')").expect("a row");
    eventually_true(&mut client, SOON, "SELECT events = 2 FROM totals");
    eventually_true(&mut client, SOON, "SELECT count(*) > 0 FROM maintenance.runs");
}

#[test]
fn a_fast_shutdown_does_not_wait_for_a_running_job() {
    let cluster = cluster_with_worker(&[]);
    let mut client = connect(&cluster, "app");
    client
        .batch_execute(
            "CREATE FUNCTION slow() RETURNS int VOLATILE LANGUAGE sql AS 'SELECT 1 FROM pg_sleep(600)';
             CREATE MATERIALIZED VIEW slow_totals AS SELECT slow() AS one WITH NO DATA;
             SELECT maintenance.add_refresh_policy('slow_totals', schedule => '1 second')",
        )
        .expect("a policy");
    eventually_true(
        &mut client,
        SOON,
        "SELECT count(*) > 0 FROM pg_stat_activity
         WHERE backend_type ~ 'maintenance_worker' AND wait_event = 'PgSleep'",
    );
    let took = cluster.stop(Stop::Fast).expect("the server stops");
    println!("a fast shutdown behind a running job took {took:?}");
    assert!(took < Duration::from_secs(2), "a fast shutdown took {took:?}");
}

/// kill -9 of any server process makes the postmaster restart all of them.
#[test]
fn the_worker_is_back_after_a_backend_and_after_the_launcher_was_killed() {
    let cluster = cluster_with_worker(&[]);
    connect(&cluster, "app").batch_execute(EVENTS).expect("a policy");
    for victim in [
        "pg_backend_pid()",
        "(SELECT pid FROM pg_stat_activity WHERE backend_type ~ 'maintenance_worker launcher')",
    ] {
        let pid = eventually("the process to kill", SOON, || {
            value(&mut connect(&cluster, "app"), &format!("SELECT {victim}"))
        });
        // The query's own session is the victim in the first round, so it has to be alive when it is shot.
        let mut held = connect(&cluster, "app");
        let pid = if victim == "pg_backend_pid()" {
            value(&mut held, "SELECT pg_backend_pid()").expect("a pid")
        } else {
            pid
        };
        kill(Pid::from_raw(pid.parse().expect("a number")), Signal::SIGKILL).expect("killed");
        eventually("the server to be back", Duration::from_secs(30), || {
            cluster.connect("app").ok()
        });
        // The restart may cut the first session after it short.
        eventually("a session that lasts", SOON, || {
            let mut client = cluster.connect("app").ok()?;
            client.batch_execute("SELECT pg_sleep(0.3)").ok()
        });
        drop_the_day_after_tomorrow(&cluster);
        let mut client = connect(&cluster, "app");
        eventually_true(&mut client, SOON, &COMING.replacen("count(*)", "count(*) = 3", 1));
    }
}

#[test]
fn a_terminated_launcher_comes_back() {
    let cluster = cluster_with_worker(&[]);
    let mut client = connect(&cluster, "app");
    let launcher =
        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'maintenance_worker launcher'";
    let find = |client: &mut postgres::Client| tests::column(client, launcher).pop();
    let first = eventually("a launcher", SOON, || find(&mut client));
    client.batch_execute(&format!("SELECT pg_terminate_backend({first})")).expect("terminated");
    eventually("another launcher", SOON, || find(&mut client).filter(|pid| *pid != first));
}

#[test]
fn no_connection_of_the_worker_keeps_a_database_from_being_dropped() {
    let cluster = cluster_with_worker(&[]);
    connect(&cluster, "app").batch_execute(EVENTS).expect("a policy");
    let mut admin = connect(&cluster, "postgres");
    for round in 0..5 {
        admin
            .batch_execute(&format!("CREATE DATABASE short_{round} TEMPLATE template0"))
            .expect("made");
        // A worker that looks into it just now is gone within moments, and DROP DATABASE itself waits five seconds for that.
        admin.batch_execute(&format!("DROP DATABASE short_{round}")).expect("dropped");
    }
    admin.batch_execute("DROP DATABASE app").expect("dropped");
}

/// ATTACH of a table made beforehand takes a lock that writers and readers of the parent do not mind.
#[test]
fn a_writer_is_not_held_up_by_partition_creation_behind_an_open_reader() {
    let cluster = cluster_with_worker(&["maintenance_worker.enabled = off"]);
    let mut client = connect(&cluster, "app");
    client.batch_execute(EVENTS).expect("a policy");
    let mut reader = connect(&cluster, "app");
    reader
        .batch_execute("BEGIN; SELECT count(*) FROM events")
        .expect("an open transaction on the parent");

    let longest = std::thread::scope(|scope| {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let cluster = &cluster;
        let writer = scope.spawn(move || {
            let mut client = connect(cluster, "app");
            // What counts is the wait for locks: the clock alone would also measure how busy the machine is.
            client.batch_execute("SET lock_timeout = '100ms'").expect("a limit");
            let mut longest = Duration::ZERO;
            while stopped.try_recv().is_err() {
                let began = Instant::now();
                client
                    .batch_execute("INSERT INTO events VALUES (now(), 'written')")
                    .expect("a row");
                longest = longest.max(began.elapsed());
            }
            longest
        });
        let made = tests::column(
            &mut client,
            "SELECT maintenance.alter_partition_policy('events', premake => 20);
             SELECT outcome FROM maintenance.run_partition_maintenance('events')",
        );
        stop.send(()).expect("the writer still runs");
        let longest = writer.join().expect("the writer");
        assert!(!made.is_empty());
        longest
    });
    assert_eq!(value(&mut client, COMING).as_deref(), Some("20"));
    // The reader has held its lock on the parent all the time.
    let held = "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 'events'::regclass AND granted";
    assert_eq!(value(&mut reader, held).as_deref(), Some("1"));
    reader.batch_execute("COMMIT").expect("the reader ends");
    println!("the writer's longest INSERT took {longest:?}");
}

#[test]
fn one_broken_table_does_not_stop_the_others() {
    let cluster = cluster_with_worker(&[]);
    let mut client = connect(&cluster, "app");
    client
        .batch_execute(
            "DO $$ BEGIN
                 FOR n IN 1..10 LOOP
                     EXECUTE format('CREATE TABLE t%s (day date NOT NULL) PARTITION BY RANGE (day)', n);
                     EXECUTE format('SELECT maintenance.add_partition_policy(%L, period => %L, premake => 1)', 't' || n, '1 day');
                 END LOOP;
             END $$;",
        )
        .expect("ten policies");
    // An ordinary table stands where the partition of t5 should: it can never be made.
    client
        .batch_execute(
            "DO $$
             DECLARE ahead text := to_char((now() AT TIME ZONE 'UTC')::date + 1, 'YYYYMMDD'); n int;
             BEGIN
                 FOR n IN 1..10 LOOP EXECUTE format('DROP TABLE t%s_%s', n, ahead); END LOOP;
                 EXECUTE format('CREATE TABLE t5_%s (unrelated int)', ahead);
             END $$",
        )
        .expect("a conflict");
    eventually_true(
        &mut client,
        SOON,
        "SELECT count(*) = 9 FROM pg_inherits
         WHERE inhrelid::regclass::text ~ ('^t[0-9]+_' || to_char((now() AT TIME ZONE 'UTC')::date + 1, 'YYYYMMDD') || '$')",
    );
}
