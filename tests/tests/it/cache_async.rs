//! Delivery `async` of cache_notify: shared memory, the publisher, and what happens when either is in trouble.

use postgres::Client;
use std::time::{Duration, Instant};
use tests::{
    Cluster, Ear, cluster, column, connect, create_app, eventually, eventually_true, sqlstate,
    value,
};

const PATIENCE: Duration = Duration::from_secs(30);

fn preloaded(settings: &[&str]) -> Cluster {
    let mut lines = vec!["shared_preload_libraries = 'cache_notify'"];
    lines.extend(settings);
    cluster(&lines)
}

/// A database `app` with a table, made once the launcher has visited what there was at the start: it is not visited itself.
fn app(cluster: &Cluster) -> Client {
    let mut admin = connect(cluster, "postgres");
    run(&mut admin, "CREATE EXTENSION cache_notify");
    eventually_true(&mut admin, PATIENCE, "SELECT visited FROM cache_notify.ring_state()");
    let mut client = create_app(cluster);
    items(&mut client);
    client
}

fn items(client: &mut Client) {
    client
        .batch_execute(
            "CREATE TABLE items (id int PRIMARY KEY, name text);
             INSERT INTO items SELECT n, 'item ' || n FROM generate_series(1, 100) n;
             SELECT cache_notify.attach('items', delivery => 'async')",
        )
        .expect("an attached table");
}

fn run(client: &mut Client, sql: &str) {
    client.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

/// The publisher's process id in the session's database, once there is one.
fn publisher(client: &mut Client) -> String {
    eventually("a publisher", PATIENCE, || {
        value(
            client,
            "SELECT max(pid) FROM pg_stat_activity WHERE backend_type = 'cache_notify publisher'
               AND datname = current_database()",
        )
    })
}

fn stats(client: &mut Client, column: &str) -> i64 {
    value(
        client,
        &format!("SELECT {column} FROM cache_notify.stats WHERE database = current_database()"),
    )
    .and_then(|number| number.parse().ok())
    .unwrap_or_else(|| panic!("no number: {column}"))
}

fn problems(client: &mut Client) -> Vec<String> {
    column(client, "SELECT problem FROM cache_notify.health ORDER BY 1")
}

#[test]
fn messages_come_after_the_commit_and_none_of_what_was_rolled_back() {
    let cluster = preloaded(&[]);
    let mut writer = app(&cluster);
    let mut ear = Ear::new(&cluster, "app", "cache_invalidate");
    let mut heard = move || ear.heard_by("async");

    let mut transaction = writer.transaction().expect("a transaction");
    transaction.batch_execute("UPDATE items SET name = 'new' WHERE id = 42").expect("an update");
    assert_eq!(heard(), [""; 0], "heard before the commit");
    transaction.commit().expect("committed");
    assert_eq!(heard(), ["items:42"]);

    run(&mut writer, "BEGIN; UPDATE items SET name = 'never' WHERE id = 43; ROLLBACK");
    assert_eq!(heard(), [""; 0]);
    run(
        &mut writer,
        "BEGIN; UPDATE items SET name = 'a' WHERE id = 44; SAVEPOINT s;
         UPDATE items SET name = 'b' WHERE id = 45; ROLLBACK TO s;
         SAVEPOINT t; UPDATE items SET name = 'c' WHERE id = 46; RELEASE t; COMMIT",
    );
    assert_eq!(heard(), ["items:44", "items:46"]);
    // Each key once, both keys of one that changes, a star for all of them.
    run(
        &mut writer,
        "BEGIN; UPDATE items SET name = 'a' WHERE id = 60; UPDATE items SET name = 'b' WHERE id = 60;
         UPDATE items SET id = 1060 WHERE id = 60; COMMIT",
    );
    let mut keys = heard();
    keys.sort();
    assert_eq!(keys, ["items:1060", "items:60"]);
    run(&mut writer, "TRUNCATE items");
    assert_eq!(heard(), ["items:*"]);
    // A commit that fails, by a deferred constraint.
    run(
        &mut writer,
        "CREATE TABLE parts (id int PRIMARY KEY, item int REFERENCES items DEFERRABLE INITIALLY DEFERRED);
         SELECT cache_notify.attach('parts', delivery => 'async')",
    );
    assert_eq!(sqlstate(&mut writer, "INSERT INTO parts VALUES (1, 7)"), "23503");
    assert_eq!(heard(), [""; 0]);
    run(
        &mut writer,
        "DO $$ BEGIN INSERT INTO items VALUES (1); COMMIT; INSERT INTO items VALUES (2); ROLLBACK;
         INSERT INTO items VALUES (3); END $$",
    );
    assert_eq!(heard(), ["items:1", "items:3"]);

    // Where two sessions take turns, the second one would commit what it knows nothing of.
    assert_eq!(
        sqlstate(&mut writer, "BEGIN; INSERT INTO items VALUES (4); PREPARE TRANSACTION 'p'"),
        "0A000"
    );
    run(&mut writer, "ROLLBACK");
    assert_eq!(heard(), [""; 0]);
    assert_eq!(problems(&mut writer), [""; 0]);
}

/// The default where the library is preloaded; and the same table on a server without it.
#[test]
fn without_the_library_preloaded_messages_go_by_notify() {
    let cluster = preloaded(&[]);
    let mut writer = create_app(&cluster);
    run(
        &mut writer,
        "CREATE TABLE items (id int PRIMARY KEY); SELECT cache_notify.attach('items')",
    );
    let delivery = "SELECT delivery FROM cache_notify.attached";
    assert_eq!(value(&mut writer, delivery).as_deref(), Some("async"));
    drop(writer);
    cluster.configure(&["shared_preload_libraries = ''"]).expect("configured");
    cluster.restart().expect("restarted");
    let mut writer = connect(&cluster, "app");
    let mut ear = Ear::new(&cluster, "app", "cache_invalidate");
    run(&mut writer, "INSERT INTO items VALUES (1)");
    assert_eq!(ear.heard(), ["items:1"]);
    assert_eq!(problems(&mut writer), ["not preloaded"]);
    assert_eq!(
        sqlstate(&mut writer, "SELECT cache_notify.attach('items', delivery => 'async')"),
        "55000"
    );
    assert_eq!(
        value(&mut writer, "SELECT keys IS NULL AND queue_usage = 0 FROM cache_notify.stats")
            .as_deref(),
        Some("t")
    );
}

/// No room: the writer goes on at once, and listeners drop everything.
#[test]
fn a_full_ring_becomes_drop_everything() {
    let cluster = preloaded(&["cache_notify.ring_size = 64kB"]);
    let mut writer = app(&cluster);
    cluster.configure(&["cache_notify.publisher = off"]).expect("configured");
    cluster.reload().expect("reloaded");
    eventually_true(
        &mut writer,
        PATIENCE,
        "SELECT current_setting('cache_notify.publisher') = 'off'",
    );
    run(
        &mut writer,
        "CREATE TABLE others (id int PRIMARY KEY);
         SELECT cache_notify.attach('others', channel => 'others', delivery => 'async')",
    );
    let mut ear = Ear::new(&cluster, "app", "cache_invalidate");
    let mut other_ear = Ear::new(&cluster, "app", "others");
    for n in 0..40 {
        run(
            &mut writer,
            &format!("INSERT INTO items SELECT generate_series({n}000, {n}099)+1000000"),
        );
    }
    let overflows = stats(&mut writer, "overflows");
    assert!(overflows > 0, "no overflow");
    assert_eq!(stats(&mut writer, "keys"), 4000);
    assert_eq!(stats(&mut writer, "waiting"), 4000 - overflows);
    run(&mut writer, "INSERT INTO others VALUES (1)");
    assert_eq!(problems(&mut writer), ["publisher off", "ring overflow"]);
    // A transaction larger than the ring.
    run(
        &mut writer,
        "SELECT cache_notify.attach('items', delivery => 'async', max_keys => 1000000)",
    );
    run(&mut writer, "INSERT INTO items SELECT generate_series(2000000, 2010000)");

    cluster.configure(&["cache_notify.publisher = on"]).expect("configured");
    cluster.reload().expect("reloaded");
    eventually("room", PATIENCE, || (stats(&mut writer, "waiting") == 0).then_some(()));
    let heard = ear.heard_by("async");
    assert!(heard == ["*"], "{} messages", heard.len());
    // The other channel lost nothing.
    assert_eq!(other_ear.heard_by("async"), ["others:1"]);
    run(&mut writer, "INSERT INTO items VALUES (-1)");
    assert_eq!(ear.heard_by("async"), ["items:-1"]);
    assert_eq!(problems(&mut writer), ["ring overflow"]);
}

#[test]
fn a_publisher_that_is_terminated_loses_nothing() {
    let cluster = preloaded(&[]);
    let mut writer = create_app(&cluster);
    let mut killer = connect(&cluster, "app");
    items(&mut writer);
    let mut ear = Ear::new(&cluster, "app", "cache_invalidate");
    let mut expected = Vec::new();
    let mut kills = 0;
    for n in 1000..3000 {
        run(&mut writer, &format!("INSERT INTO items VALUES ({n})"));
        expected.push(format!("items:{n}"));
        if n % 400 == 0 {
            let pid = publisher(&mut killer);
            kills += usize::from(
                value(&mut killer, &format!("SELECT pg_terminate_backend({pid})")).as_deref()
                    == Some("t"),
            );
        }
    }
    assert_eq!(kills, 5);
    // One that was ended after its commit and before it could say so has its last batch sent again.
    let mut heard = ear.heard_by("async");
    heard.sort();
    heard.dedup();
    expected.sort();
    assert_eq!(heard, expected);
}

/// kill -9 of the publisher has the server restart every process with new shared memory. Whoever listens then is told.
#[test]
fn after_a_crash_everything_is_dropped_once() {
    let cluster = preloaded(&["restart_after_crash = on"]);
    let mut writer = app(&cluster);
    run(
        &mut writer,
        "CREATE TABLE others (id int PRIMARY KEY);
         SELECT cache_notify.attach('others', channel => 'others', delivery => 'async');
         INSERT INTO items VALUES (1000)",
    );
    let pid: i32 = publisher(&mut writer).parse().expect("a number");
    let epoch = value(&mut writer, "SELECT max(epoch) FROM cache_notify.stats");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL)
        .expect("killed");
    let mut writer = eventually("the server is back", PATIENCE, || {
        let mut client = cluster.connect("app").ok()?;
        let now = client.query_one("SELECT max(epoch)::text FROM cache_notify.stats", &[]).ok()?;
        (now.get::<_, Option<String>>(0) != epoch).then_some(client)
    });
    assert!(writer.batch_execute("INSERT INTO items VALUES (1001)").is_ok());
    drop(writer);
    // The same for a crash of everything. The listeners are back before the server has told them, or they are not: who
    // comes back drops everything in any case. So that this one is in time, the publisher waits for the reload.
    cluster.configure(&["cache_notify.publisher = off"]).expect("configured");
    cluster.crash_and_restart().expect("the server comes back");
    let mut ear = Ear::new(&cluster, "app", "cache_invalidate");
    let mut others = Ear::new(&cluster, "app", "others");
    cluster.configure(&["cache_notify.publisher = on"]).expect("configured");
    cluster.reload().expect("reloaded");
    let mut writer = connect(&cluster, "app");
    eventually_true(
        &mut writer,
        PATIENCE,
        "SELECT count(*) = 1 FROM cache_notify.stats WHERE database = 'app' AND publisher_state <> 'working'",
    );
    assert_eq!(ear.heard_by("async"), ["*"]);
    assert_eq!(others.heard_by("async"), ["*"]);
    run(&mut writer, "INSERT INTO items VALUES (1002)");
    assert_eq!(ear.heard_by("async"), ["items:1002"]);
}

/// Each of these statements waits until nobody is in the database; the publisher leaves at once.
#[test]
fn a_database_can_be_copied_renamed_and_dropped_while_its_publisher_is_there() {
    let cluster = preloaded(&[]);
    drop(app(&cluster));
    let mut admin = connect(&cluster, "postgres");
    for (database, statement) in [
        ("app", "CREATE DATABASE copy TEMPLATE app"),
        ("copy", "ALTER DATABASE copy RENAME TO other"),
        ("other", "DROP DATABASE other"),
        ("app", "DROP DATABASE app WITH (FORCE)"),
    ] {
        let mut there = connect(&cluster, database);
        run(&mut there, "UPDATE items SET name = name WHERE id = 1");
        let pid = publisher(&mut there);
        drop(there);
        std::thread::scope(|scope| {
            let began = Instant::now();
            scope.spawn(|| run(&mut connect(&cluster, "postgres"), statement));
            eventually_true(
                &mut admin,
                PATIENCE,
                &format!("SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = {pid}"),
            );
            // Not when it has been idle for long enough, which is a minute, or the statement has given up.
            assert!(began.elapsed() < Duration::from_secs(4), "{statement}");
        });
    }
    // Nothing is remembered of databases that are gone.
    assert_eq!(
        column(
            &mut admin,
            "SELECT database::text FROM cache_notify.ring_databases()
             WHERE database NOT IN (SELECT oid FROM pg_database)"
        ),
        [""; 0]
    );
}

/// Nothing runs on a standby; after its promotion the listeners of the new primary are told, and then hear every key.
#[test]
fn a_standby_waits_for_its_promotion() {
    let primary = preloaded(&[]);
    let mut client = app(&primary);
    run(&mut client, "CREATE TABLE place ()");
    let standby = primary.standby(&[]).expect("a standby");
    let mut there = connect(&standby, "app");
    eventually_true(&mut there, PATIENCE, "SELECT to_regclass('place') IS NOT NULL");
    let workers = "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'cache_notify%'";
    assert_eq!(value(&mut there, workers).as_deref(), Some("0"));
    assert_eq!(sqlstate(&mut there, "SELECT cache_notify.publish_event('a', 'b', 'c')"), "25006");
    assert_eq!(value(&mut there, "SELECT count(*) FROM cache_notify.health").as_deref(), Some("0"));
    drop(client);
    primary.stop(tests::Stop::Immediate).expect("stopped");
    standby.promote().expect("promoted");
    eventually_true(&mut there, PATIENCE, "SELECT NOT pg_is_in_recovery()");
    let mut ear = Ear::new(&standby, "app", "cache_invalidate");
    run(&mut there, "INSERT INTO items VALUES (1000)");
    let heard = ear.heard_by("async");
    assert!(heard == ["items:1000"] || heard == ["*", "items:1000"], "{heard:?}");
}

/// More databases than worker slots: each gets its turn, since a publisher without work leaves.
#[test]
fn databases_take_turns_where_worker_slots_are_few() {
    // One for the launcher, one for the logical replication launcher, one for a publisher.
    let cluster = preloaded(&["max_worker_processes = 3"]);
    let client = app(&cluster);
    drop(client);
    let mut admin = connect(&cluster, "postgres");
    run(&mut admin, "CREATE DATABASE other TEMPLATE app");
    let (mut app, mut other) = (connect(&cluster, "app"), connect(&cluster, "other"));
    let mut app_ear = Ear::new(&cluster, "app", "cache_invalidate");
    let mut other_ear = Ear::new(&cluster, "other", "cache_invalidate");
    run(&mut app, "INSERT INTO items VALUES (1000)");
    run(&mut other, "INSERT INTO items VALUES (2000)");
    let ends_with = |heard: Vec<String>, key: &str| {
        assert_eq!(heard.last().map(String::as_str), Some(key), "{heard:?}");
    };
    ends_with(app_ear.heard_by("async"), "items:1000");
    ends_with(other_ear.heard_by("async"), "items:2000");
}

#[test]
fn a_publisher_that_finds_no_worker_slot_is_reported() {
    // One for the launcher, one for the logical replication launcher.
    let cluster = preloaded(&["max_worker_processes = 2"]);
    let mut writer = create_app(&cluster);
    items(&mut writer);
    run(&mut writer, "INSERT INTO items VALUES (1000)");
    eventually_true(
        &mut writer,
        PATIENCE,
        "SELECT count(*) = 1 FROM cache_notify.health
         WHERE problem = 'publisher missing' AND hint LIKE '%max_worker_processes%'",
    );
    assert_eq!(stats(&mut writer, "waiting"), 1);
    assert_eq!(cluster.log().matches("no slot is free for a cache_notify publisher").count(), 1);
}

/// On every version: the publisher's transaction fails since the notification queue cannot grow. Here its folder takes no new
/// file, so that a page of the queue cannot be written; the error comes from the same place as that of a full queue.
#[test]
fn a_publisher_that_fails_tries_again_and_holds_nobody_up() {
    use std::os::unix::fs::PermissionsExt;
    let cluster = preloaded(&["cache_notify.ring_size = 1MB"]);
    let mut writer = app(&cluster);
    let mut ear = Ear::new(&cluster, "app", "cache_invalidate");
    let queue = cluster.dir().join("data/pg_notify");
    let allow = |mode| {
        std::fs::set_permissions(&queue, std::fs::Permissions::from_mode(mode)).expect("a mode");
    };
    allow(0o500);
    let mut last = 1000;
    eventually("an error", PATIENCE, || {
        let publish = format!(
            "INSERT INTO items SELECT n, repeat('x', 10) FROM generate_series({last} + 1, {last} + 900) n"
        );
        last += 900;
        run(&mut writer, &publish);
        (stats(&mut writer, "errors") > 0).then_some(())
    });
    run(&mut writer, "INSERT INTO items VALUES (-1)");
    assert_eq!(problems(&mut writer), ["publisher failing"]);
    assert_eq!(stats(&mut writer, "overflows"), 0);
    let warnings = cluster.log().matches("cache_notify publisher failed").count();
    assert_eq!(warnings, 1, "{}", cluster.log());
    allow(0o700);
    let heard: std::collections::HashSet<String> = ear.heard_by("async").into_iter().collect();
    for n in (1001..=last).chain([-1]) {
        assert!(heard.contains(&format!("items:{n}")), "{n} of {last}");
    }
    assert_eq!(problems(&mut writer), [""; 0]);
}

/// An idle listener in a transaction keeps everything in the notification queue. Where its size can be set (17), it is made
/// small; elsewhere it is 8 GB.
#[test]
fn a_full_notification_queue_is_waited_out() {
    let cluster = preloaded(&[]);
    if cluster.server().major < 17 {
        return;
    }
    cluster
        .configure(&["max_notify_queue_pages = 64", "cache_notify.ring_size = 1MB"])
        .expect("configured");
    cluster.restart().expect("restarted");
    let mut writer = app(&cluster);
    let mut ear = Ear::new(&cluster, "app", "cache_invalidate");
    let mut idle = connect(&cluster, "app");
    // In a query of its own: it listens from its commit on.
    run(&mut idle, "LISTEN cache_invalidate");
    run(&mut idle, "BEGIN");
    // Its channel does not matter: there is one queue, and nobody's place in it moves while one session stays behind.
    let mut last = 0;
    eventually("the queue is full", PATIENCE, || {
        run(
            &mut writer,
            &format!(
                "SELECT cache_notify.publish_event('fill', '', repeat('x', 7000) || n, 'filler', 'async')
                 FROM generate_series({last} + 1, {last} + 10) n"
            ),
        );
        last += 10;
        (stats(&mut writer, "errors") > 0).then_some(())
    });
    // Writers never notice.
    run(&mut writer, "INSERT INTO items VALUES (-1)");
    assert!(problems(&mut writer).contains(&"publisher failing".to_owned()));
    assert!(problems(&mut writer).contains(&"queue filling".to_owned()));
    run(&mut idle, "ROLLBACK");
    let heard = ear.heard_by("async");
    assert!(heard.iter().any(|key| key == "items:-1" || key == "*"), "{heard:?}");
    eventually("well again", PATIENCE, || {
        run(&mut writer, "INSERT INTO items VALUES (-2) ON CONFLICT (id) DO UPDATE SET name = ''");
        (!problems(&mut writer).contains(&"publisher failing".to_owned())).then_some(())
    });
}
