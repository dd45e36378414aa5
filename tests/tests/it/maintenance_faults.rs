//! What goes wrong around the maintenance worker. Each test ends with everything there that was there before, and the work
//! done. What is interrupted is held by a lock of another session, so that it is known where.

use crate::maintenance_default_rows::{MADE, MOVER, moved, rows_without_partition, want};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use postgres::Client;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tests::{
    Cluster, Stop, cluster_with_worker, column, connect, eventually, eventually_true, value,
};

/// The worker looks every second here, and looks again ten seconds after a failure.
const SOON: Duration = Duration::from_secs(60);

const VICTIMS: [&str; 3] = ["worker", "launcher", "postmaster"];

/// A session of the worker that waits for a lock, or sleeps in a function of a view.
const HELD: &str = "SELECT pid FROM pg_stat_activity
     WHERE backend_type ~ 'maintenance_worker' AND (wait_event_type = 'Lock' OR wait_event = 'PgSleep')";

/// kill -9; the server is up again afterwards. Every session is gone.
fn shoot(cluster: &Cluster, victim: &str, worker: &str) {
    if victim == "postmaster" {
        cluster.crash_and_restart().expect("the server comes back");
        return;
    }
    let mut witness = connect(cluster, "app");
    let launcher =
        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'maintenance_worker launcher'";
    let pid = match victim {
        "worker" => worker.to_owned(),
        _ => value(&mut witness, launcher).expect("a launcher"),
    };
    kill(Pid::from_raw(pid.parse().expect("a number")), Signal::SIGKILL).expect("killed");
    eventually("the end of the old sessions", SOON, || {
        witness.batch_execute("SELECT 1").is_err().then_some(())
    });
    // The restart may cut the first session after it short.
    eventually("a session that lasts", SOON, || {
        let mut client = cluster.connect("app").ok()?;
        client.batch_execute("SELECT pg_sleep(0.3)").ok()
    });
}

/// Tables that a run made and did not attach.
fn nothing_half_made(client: &mut Client) {
    let left = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^events_' AND NOT relispartition";
    assert!(column(client, left).is_empty());
    let constraints = "SELECT conname FROM pg_constraint WHERE conname ~ 'maintenance'";
    assert!(column(client, constraints).is_empty());
}

#[test]
fn a_create_that_is_killed_is_done_again() {
    let cluster = cluster_with_worker(&[]);
    let mut client = connect(&cluster, "app");
    client
        .batch_execute(
            "CREATE TABLE events (created timestamptz NOT NULL PRIMARY KEY) PARTITION BY RANGE (created);
             CREATE TABLE events_rest PARTITION OF events DEFAULT;
             SELECT maintenance.add_partition_policy('events', period => '1 day', premake => 0, lock_timeout => '10 minutes');
             INSERT INTO events VALUES (now()), ('2015-05-01')",
        )
        .expect("a policy");
    for (round, victim) in VICTIMS.iter().enumerate() {
        let mut client = connect(&cluster, "app");
        let mut holder = connect(&cluster, "app");
        // ATTACH waits for it, with the new table made.
        holder.batch_execute("BEGIN; LOCK TABLE events_rest IN ACCESS SHARE MODE").expect("a lock");
        client
            .batch_execute(&format!(
                "UPDATE maintenance.partition_policies SET premake = {}",
                2 * (round + 1)
            ))
            .expect("two partitions more");
        let worker = eventually("the worker to wait", SOON, || column(&mut client, HELD).pop());
        shoot(&cluster, victim, &worker);
        let mut client = connect(&cluster, "app");
        let made = MADE.replacen("count(*)", &format!("count(*) = {}", 2 * (round + 1) + 1), 1);
        eventually_true(&mut client, SOON, &made);
        nothing_half_made(&mut client);
        assert_eq!(value(&mut client, "SELECT count(*) FROM events").as_deref(), Some("2"));
    }
}

#[test]
fn a_move_that_is_killed_is_done_again() {
    let cluster = cluster_with_worker(&["deadlock_timeout = 20min"]);
    let mut client = connect(&cluster, "app");
    for victim in VICTIMS {
        client
            .batch_execute("DROP TABLE IF EXISTS events; DROP FUNCTION IF EXISTS coming")
            .expect("dropped");
        rows_without_partition(&mut client, 20_000, "10 minutes");
        let mut holder = connect(&cluster, "app");
        holder.batch_execute("BEGIN; LOCK TABLE ONLY events IN ACCESS SHARE MODE").expect("a lock");
        want(&mut client);
        let worker = eventually("the worker to wait", SOON, || column(&mut client, MOVER).pop());
        // Moved rows are to be seen where they were, and can still be read while the worker waits.
        let before = "SELECT count(*) FROM ONLY events_rest";
        assert_eq!(value(&mut client, before).as_deref(), Some("20001"));
        shoot(&cluster, victim, &worker);
        client = connect(&cluster, "app");
        moved(&mut client);
        nothing_half_made(&mut client);
        let row = client
            .query_one("SELECT count(*), count(DISTINCT id) FROM events", &[])
            .expect("counts");
        assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (20_001, 20_001), "{victim}");
    }
}

#[test]
fn a_refresh_that_is_killed_is_done_again() {
    let cluster = cluster_with_worker(&[]);
    let mut client = connect(&cluster, "app");
    client
        .batch_execute(
            "CREATE TABLE hold (); CREATE TABLE sales (amount int);
             CREATE FUNCTION held() RETURNS int VOLATILE LANGUAGE plpgsql AS $$
             BEGIN
                 IF EXISTS (SELECT FROM public.hold) THEN PERFORM pg_sleep(600); END IF;
                 RETURN 1;
             END $$;
             CREATE MATERIALIZED VIEW totals AS SELECT sum(amount) AS amount, public.held() AS one FROM public.sales;
             CREATE UNIQUE INDEX ON totals (one)",
        )
        .expect("a view");
    for (round, victim) in VICTIMS.iter().enumerate() {
        for concurrently in [false, true] {
            let mut client = connect(&cluster, "app");
            client
                .batch_execute(&format!(
                    "INSERT INTO hold DEFAULT VALUES; INSERT INTO sales VALUES (1);
                     SELECT maintenance.add_refresh_policy('totals', schedule => '1 second', concurrently => {concurrently})"
                ))
                .expect("a policy");
            let worker =
                eventually("the worker to sleep", SOON, || column(&mut client, HELD).pop());
            if concurrently {
                // Readers see the old rows.
                let before = value(&mut client, "SELECT amount FROM totals");
                assert_eq!(before, Some((2 * round + 1).to_string()));
            }
            shoot(&cluster, victim, &worker);
            let mut client = connect(&cluster, "app");
            client.batch_execute("DELETE FROM hold").expect("let go");
            // A worker that was started in between sleeps on.
            client
                .batch_execute(
                    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity
                     WHERE backend_type ~ 'maintenance_worker' AND wait_event = 'PgSleep'",
                )
                .expect("woken");
            let total = 2 * round + 1 + usize::from(concurrently);
            eventually_true(&mut client, SOON, &format!("SELECT amount = {total} FROM totals"));
            client
                .batch_execute("SELECT maintenance.remove_refresh_policy('totals')")
                .expect("removed");
            assert_eq!(
                value(&mut client, "SELECT count(*) FROM pg_class WHERE relname ~ '^pg_temp'")
                    .as_deref(),
                Some("0"),
                "{victim}"
            );
        }
    }
}

/// What is dropped while the worker waits for it is no more than a failed try; the others go on.
#[test]
fn a_table_a_view_and_a_role_that_are_dropped_in_the_middle_stop_nothing() {
    let cluster = cluster_with_worker(&[]);
    let mut client = connect(&cluster, "app");
    client
        .batch_execute(
            "CREATE ROLE leaver; GRANT CREATE ON SCHEMA public TO leaver;
             CREATE TABLE doomed (day date NOT NULL) PARTITION BY RANGE (day);
             CREATE TABLE inherited (day date NOT NULL) PARTITION BY RANGE (day);
             ALTER TABLE inherited OWNER TO leaver;
             CREATE TABLE witness (day date NOT NULL) PARTITION BY RANGE (day);
             CREATE TABLE sales (amount int);
             CREATE MATERIALIZED VIEW short_lived AS SELECT amount FROM sales;
             SELECT maintenance.add_partition_policy(t::regclass, period => '1 day', premake => 1, lock_timeout => '1 minute')
             FROM unnest(ARRAY['doomed', 'inherited', 'witness']) t;
             SELECT maintenance.add_refresh_policy('short_lived', schedule => '1 second', only_if_changed => false)",
        )
        .expect("policies");
    let waiting = |client: &mut Client, what: &str| {
        let sql = format!("{HELD} AND query ~ '{what}'");
        eventually("the worker to wait", SOON, || column(client, &sql).pop());
    };
    let mut dropper = connect(&cluster, "app");
    for (drop, what) in [
        ("DROP TABLE doomed", "doomed"),
        (
            "ALTER TABLE inherited ADD COLUMN note text; REASSIGN OWNED BY leaver TO CURRENT_USER; DROP OWNED BY leaver; DROP ROLE leaver",
            "inherited",
        ),
        ("DROP MATERIALIZED VIEW short_lived", "short_lived"),
    ] {
        dropper.batch_execute(&format!("BEGIN; {drop}")).expect("dropped, not committed");
        client
            .batch_execute("UPDATE maintenance.partition_policies SET premake = premake + 1")
            .expect("a partition more");
        waiting(&mut client, what);
        dropper.batch_execute("COMMIT").expect("committed");
        eventually_true(
            &mut client,
            SOON,
            "SELECT count(*) = premake + 1 FROM pg_inherits, maintenance.partition_policies
             WHERE inhparent = 'witness'::regclass AND parent = inhparent GROUP BY premake",
        );
    }
    // The table that changed hands is maintained for its new owner.
    eventually_true(
        &mut client,
        SOON,
        "SELECT count(*) = premake + 1 FROM pg_inherits, maintenance.partition_policies
         WHERE inhparent = 'inherited'::regclass AND parent = inhparent GROUP BY premake",
    );
    let policies = "SELECT parent::text FROM maintenance.partition_policies ORDER BY 1";
    eventually("the policies to be forgotten", SOON, || {
        (column(&mut client, policies) == ["inherited", "witness"]).then_some(())
    });
    eventually_true(&mut client, SOON, "SELECT count(*) = 0 FROM maintenance.refresh_policies");
    eventually_true(
        &mut client,
        SOON,
        "SELECT count(*) = 0 FROM maintenance.health WHERE failures > 0",
    );
    let log = cluster.log();
    assert!(!log.contains("PANIC") && !log.contains("terminated by signal"), "{log}");
}

#[test]
fn a_database_that_is_dropped_in_the_middle_stops_nothing() {
    let cluster = cluster_with_worker(&[]);
    let mut admin = connect(&cluster, "postgres");
    admin.batch_execute("CREATE EXTENSION maintenance_worker").expect("an extension");
    admin.batch_execute("CREATE DATABASE doomed TEMPLATE template0").expect("a database");
    let mut there = connect(&cluster, "doomed");
    there
        .batch_execute(
            "CREATE EXTENSION maintenance_worker;
             CREATE TABLE events (day date NOT NULL) PARTITION BY RANGE (day);
             SELECT maintenance.add_partition_policy('events', period => '1 day', premake => 1, lock_timeout => '10 minutes')",
        )
        .expect("a policy");
    there.batch_execute("BEGIN; LOCK TABLE events IN ACCESS EXCLUSIVE MODE").expect("a lock");
    connect(&cluster, "doomed")
        .batch_execute("UPDATE maintenance.partition_policies SET premake = 2")
        .expect("due");
    eventually("the worker to wait", SOON, || column(&mut admin, HELD).pop());
    admin.batch_execute("DROP DATABASE doomed WITH (FORCE)").expect("dropped");
    admin
        .batch_execute(
            "CREATE TABLE events (day date NOT NULL) PARTITION BY RANGE (day);
             SELECT maintenance.add_partition_policy('events', period => '1 day', premake => 1);
             UPDATE maintenance.partition_policies SET premake = 2",
        )
        .expect("a policy elsewhere");
    eventually_true(
        &mut admin,
        SOON,
        "SELECT count(*) = 3 FROM pg_inherits WHERE inhparent = 'events'::regclass",
    );
    let log = cluster.log();
    assert!(!log.contains("terminated by signal"), "{log}");
}

/// Ends the queries that sleep.
const WAKE: &str = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity
     WHERE backend_type = 'client backend' AND query ~ 'pg_sleep.600' AND pid <> pg_backend_pid()";

/// The only slot is taken by a parallel worker of somebody else's query.
#[test]
fn work_starts_when_a_worker_slot_is_free_again() {
    let cluster = cluster_with_worker(&["max_worker_processes = 3", "max_parallel_workers = 3"]);
    let mut client = connect(&cluster, "app");
    client
        .batch_execute(
            "CREATE TABLE events (day date NOT NULL) PARTITION BY RANGE (day);
             SELECT maintenance.add_partition_policy('events', period => '1 day', premake => 1)",
        )
        .expect("a policy");
    let made = "SELECT count(*) = premake + 1 FROM pg_inherits, maintenance.partition_policies GROUP BY premake";
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let cluster = &cluster;
        let done = &done;
        let greedy = scope.spawn(move || {
            let mut client = connect(cluster, "app");
            // The setting's name differs between versions.
            client
                .batch_execute(
                    "SELECT set_config(name, 'on', false) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')",
                )
                .expect("parallel");
            // Again and again: the worker may have been faster at first.
            loop {
                let slept = client.batch_execute("SELECT CASE WHEN pg_sleep(600) IS NULL THEN 1 END");
                let code = slept.expect_err("canceled").code().map(|code| code.code().to_owned());
                if done.load(Ordering::Relaxed) {
                    break code;
                }
            }
        });
        // Also after a failure, or the scope would never end.
        struct End<'a>(&'a Cluster, &'a AtomicBool);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                self.1.store(true, Ordering::Relaxed);
                let _ = self.0.connect("app").map(|mut client| client.batch_execute(WAKE));
            }
        }
        let end = End(cluster, done);
        let taken = "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'parallel worker' AND wait_event = 'PgSleep'";
        eventually("the slot to be taken", SOON, || {
            if value(&mut client, taken).as_deref() == Some("t") {
                return Some(());
            }
            // It sleeps by itself, since the slot was not free just then: once more.
            client.batch_execute(WAKE).expect("looked");
            None
        });
        client.batch_execute("UPDATE maintenance.partition_policies SET premake = 2").expect("due");
        let said = |what| cluster.log().matches(what).count();
        let complaints = || said("no slot is free for a maintenance worker");
        eventually("the complaint", SOON, || {
            (complaints() == said("maintenance worker starts again") + 1).then_some(())
        });
        // Several passes later there is no further one.
        let before = complaints();
        std::thread::sleep(Duration::from_secs(4));
        assert_eq!(complaints(), before);
        assert_eq!(value(&mut client, made).as_deref(), Some("f"));
        drop(end);
        assert_eq!(greedy.join().expect("the query").as_deref(), Some("57014"));
    });
    eventually_true(&mut client, SOON, made);
    eventually("the all-clear", SOON, || {
        cluster.log().contains("maintenance worker starts again").then_some(())
    });
}

#[test]
fn a_read_only_server_is_left_alone_and_taken_up_again() {
    let cluster = cluster_with_worker(&[]);
    let mut client = connect(&cluster, "app");
    client
        .batch_execute(
            "CREATE TABLE events (day date NOT NULL) PARTITION BY RANGE (day);
             SELECT maintenance.add_partition_policy('events', period => '1 day', premake => 1)",
        )
        .expect("a policy");
    cluster.configure(&["default_transaction_read_only = on"]).expect("configured");
    cluster.reload().expect("reloaded");
    eventually_true(
        &mut client,
        SOON,
        "SELECT current_setting('default_transaction_read_only') = 'on'",
    );
    // Workers that had begun before are through.
    eventually_true(
        &mut client,
        SOON,
        "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'maintenance_worker'",
    );
    let before = cluster.log().len();
    client
        .batch_execute(
            "BEGIN READ WRITE; UPDATE maintenance.partition_policies SET premake = 2; COMMIT",
        )
        .expect("due");
    std::thread::sleep(Duration::from_secs(4));
    let made = "SELECT count(*) = 3 FROM pg_inherits";
    assert_eq!(value(&mut client, made).as_deref(), Some("f"));
    let log = cluster.log()[before..].to_owned();
    assert!(!log.contains("maintenance") && !log.contains("ERROR"), "{log}");
    cluster.configure(&["default_transaction_read_only = off"]).expect("configured");
    cluster.reload().expect("reloaded");
    eventually_true(&mut client, SOON, made);
}

/// A file system of 8 MB in memory, or the reason why there is none.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(cluster: &Cluster) -> Result<SmallDisk, String> {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
        let path = cluster.dir().join("small");
        let data = std::fs::metadata(cluster.dir().join("data")).map_err(|e| e.to_string())?;
        std::fs::create_dir(&path).map_err(|e| e.to_string())?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m", "none"])
            .arg(&path)
            .output()
            .map_err(|e| e.to_string())?;
        if !mounted.status.success() {
            return Err(String::from_utf8_lossy(&mounted.stderr).into_owned());
        }
        let disk = SmallDisk(path);
        chown(&disk.0, Some(data.uid()), Some(data.gid())).map_err(|e| e.to_string())?;
        std::fs::set_permissions(&disk.0, PermissionsExt::from_mode(0o700))
            .map_err(|e| e.to_string())?;
        Ok(disk)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_reported_and_stops_nothing_else() {
    let cluster = cluster_with_worker(&[]);
    let disk = match SmallDisk::mount(&cluster) {
        Ok(disk) => disk,
        Err(reason) => {
            println!("left out: no small file system can be mounted here: {}", reason.trim());
            return;
        }
    };
    let mut client = connect(&cluster, "app");
    client
        .batch_execute(&format!("CREATE TABLESPACE small LOCATION '{}'", disk.path().display()))
        .expect("a tablespace");
    client
        .batch_execute(
            "CREATE TABLE big (day date NOT NULL, id int, note text, PRIMARY KEY (day, id)) PARTITION BY RANGE (day) TABLESPACE small;
             CREATE TABLE big_rest PARTITION OF big DEFAULT TABLESPACE pg_default;
             INSERT INTO big SELECT (now() AT TIME ZONE 'UTC')::date + 1, n, repeat('x', 500) FROM generate_series(1, 2000) n;
             CREATE TABLE other (day date NOT NULL PRIMARY KEY) PARTITION BY RANGE (day);
             SELECT maintenance.add_partition_policy(t::regclass, period => '1 day', premake => 0) FROM unnest(ARRAY['big', 'other']) t;
             CREATE TABLE filler (n int, note text) TABLESPACE small;
             CREATE MATERIALIZED VIEW heavy TABLESPACE small AS SELECT n, repeat('x', 500) AS note FROM generate_series(1, 10) n;
             CREATE TABLE sizes (n int); INSERT INTO sizes VALUES (2000);
             DROP MATERIALIZED VIEW heavy;
             CREATE MATERIALIZED VIEW heavy TABLESPACE small AS SELECT g AS n, repeat('x', 500) AS note FROM sizes, generate_series(1, n) g WITH NO DATA",
        )
        .expect("tables");
    // Full but for a few blocks: an empty partition finds room, its rows do not.
    let mut rows = 4096;
    while rows > 0 {
        let filled = client.batch_execute(&format!(
            "INSERT INTO filler SELECT n, repeat('y', 500) FROM generate_series(1, {rows}) n"
        ));
        if filled.is_err() {
            rows /= 2;
        }
    }
    client
        .batch_execute(
            "UPDATE maintenance.partition_policies SET premake = 2;
             SELECT maintenance.add_refresh_policy('heavy', schedule => '1 second')",
        )
        .expect("due");
    let full = "SELECT relation::text FROM maintenance.health WHERE sqlstate = '53100' ORDER BY 1";
    eventually("what does not fit", SOON, || {
        (column(&mut client, full) == ["big", "heavy"]).then_some(())
    });
    eventually_true(
        &mut client,
        SOON,
        "SELECT count(*) = 3 FROM pg_inherits WHERE inhparent = 'other'::regclass",
    );
    assert_eq!(value(&mut client, "SELECT count(*) FROM ONLY big_rest").as_deref(), Some("2000"));
    assert_eq!(
        column(&mut client, "SELECT relation::text FROM maintenance.health WHERE failures > 0")
            .len(),
        2
    );

    client.batch_execute("DROP TABLE filler; CHECKPOINT").expect("room");
    eventually_true(
        &mut client,
        SOON,
        "SELECT count(*) = 0 FROM maintenance.health WHERE failures > 0",
    );
    assert_eq!(value(&mut client, "SELECT count(*) FROM ONLY big_rest").as_deref(), Some("0"));
    assert_eq!(value(&mut client, "SELECT count(*) FROM big").as_deref(), Some("2000"));
    assert_eq!(value(&mut client, "SELECT count(*) FROM heavy").as_deref(), Some("2000"));
    cluster.stop(Stop::Fast).expect("stopped");
}

#[test]
fn a_standby_writes_and_logs_nothing_and_works_within_naptime_of_its_promotion() {
    let primary = cluster_with_worker(&[]);
    let mut client = connect(&primary, "app");
    client
        .batch_execute(
            "CREATE TABLE events (day date NOT NULL) PARTITION BY RANGE (day);
             SELECT maintenance.add_partition_policy('events', period => '1 day', premake => 1)",
        )
        .expect("a policy");
    let standby = primary.standby(&["maintenance_worker.naptime = 3s"]).expect("a standby");
    let mut there = connect(&standby, "app");
    // Due on both: the primary must not do it, and it is the state of the new primary.
    primary.configure(&["maintenance_worker.enabled = off"]).expect("configured");
    primary.reload().expect("reloaded");
    eventually_true(
        &mut client,
        SOON,
        "SELECT current_setting('maintenance_worker.enabled') = 'off'",
    );
    eventually_true(
        &mut client,
        SOON,
        "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'maintenance_worker'",
    );
    client.batch_execute("UPDATE maintenance.partition_policies SET premake = 2").expect("due");
    eventually_true(&mut there, SOON, "SELECT premake = 2 FROM maintenance.partition_policies");
    let before = standby.log().len();
    std::thread::sleep(Duration::from_secs(7));
    let log = standby.log()[before..].to_owned();
    assert!(!log.contains("maintenance") && !log.contains("ERROR"), "{log}");
    assert_eq!(value(&mut there, "SELECT count(*) FROM pg_inherits").as_deref(), Some("2"));
    primary.stop(Stop::Immediate).expect("the primary is gone");
    standby.promote().expect("promoted");
    let began = Instant::now();
    eventually_true(&mut there, SOON, "SELECT count(*) = 3 FROM pg_inherits");
    println!("the first pass came {:?} after the promotion", began.elapsed());
    // A second for the start of the processes.
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

/// A clock that was set back an hour between two runs leaves a state that lies an hour ahead, and one that was set forward
/// five hours one that lies five hours behind.
#[test]
fn a_clock_that_was_set_between_two_runs_loses_and_doubles_none() {
    let cluster = cluster_with_worker(&[]);
    let mut client = connect(&cluster, "app");
    client
        .batch_execute(
            "CREATE TABLE events (day date NOT NULL) PARTITION BY RANGE (day);
             SELECT maintenance.add_partition_policy('events', period => '1 day', premake => 1);
             CREATE FUNCTION block() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
                 EXECUTE format('CREATE TABLE events_%s ()', to_char((now() AT TIME ZONE 'UTC')::date + 2, 'YYYYMMDD')); END $$;
             CREATE FUNCTION unblock() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
                 EXECUTE format('DROP TABLE events_%s', to_char((now() AT TIME ZONE 'UTC')::date + 2, 'YYYYMMDD')); END $$;
             SELECT block();
             CREATE MATERIALIZED VIEW quick AS SELECT 1 AS one; CREATE MATERIALIZED VIEW hourly AS SELECT 1 AS one;
             CREATE MATERIALIZED VIEW skipping AS SELECT 1 AS one;
             SELECT maintenance.add_refresh_policy('quick', schedule => '2 seconds', only_if_changed => false);
             SELECT maintenance.add_refresh_policy('hourly', schedule => '1 hour', only_if_changed => false);
             SELECT maintenance.add_refresh_policy('skipping', schedule => '1 hour', only_if_changed => false, catch_up => 'skip');
             UPDATE maintenance.partition_policies SET premake = 2",
        )
        .expect("policies");
    eventually_true(
        &mut client,
        SOON,
        "SELECT count(*) = 1 FROM maintenance.health WHERE sqlstate = '42P07'",
    );
    let set_clock = |by: &str| {
        format!(
            "UPDATE maintenance.state SET last_run = last_run - interval '{by}', retry_at = retry_at - interval '{by}',
                 scheduled_at = scheduled_at - interval '{by}', next_run = next_run - interval '{by}'"
        )
    };
    // Back: what is due in seconds is not left for an hour.
    let runs = |client: &mut Client, of: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM maintenance.runs WHERE relation ~ '{of}'");
        value(client, &sql).expect("a count").parse().expect("a number")
    };
    let before = runs(&mut client, "quick");
    client.batch_execute(&format!("SELECT unblock(); {}", set_clock("-1 hour"))).expect("set back");
    let began = Instant::now();
    eventually_true(&mut client, SOON, "SELECT count(*) = 3 FROM pg_inherits");
    eventually("three runs", SOON, || (runs(&mut client, "quick") >= before + 3).then_some(()));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!((runs(&mut client, "hourly"), runs(&mut client, "skipping")), (0, 0));
    // Forward: what was missed is made good once, or left out.
    client.batch_execute(&set_clock("5 hours 30 minutes")).expect("set forward");
    eventually("the missed run", SOON, || (runs(&mut client, "hourly") == 1).then_some(()));
    let before = runs(&mut client, "quick");
    eventually("more passes", SOON, || (runs(&mut client, "quick") >= before + 2).then_some(()));
    assert_eq!((runs(&mut client, "hourly"), runs(&mut client, "skipping")), (1, 0));
    assert_eq!(
        value(&mut client, "SELECT count(*) = 0 FROM maintenance.status WHERE next_run > now() + interval '2 hours' OR next_run < now() - interval '1 minute'").as_deref(),
        Some("t")
    );
}
