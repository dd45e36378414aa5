//! Delivery `durable`: what a consumer reads, against what the tables say was committed.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use postgres::Client;
use std::collections::{BTreeSet, HashSet};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tests::{
    Cluster, Ear, Rng, cluster, column, connect, create_app, dump, eventually, eventually_true,
    restore, sqlstate, value,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// A server with a database `app`, an attached table `items` and a consumer `c`.
fn start(settings: &[&str]) -> (Cluster, Client) {
    let mut lines = vec!["wal_level = logical", "max_prepared_transactions = 10"];
    lines.extend(settings);
    let cluster = cluster(&lines);
    let mut client = create_app(&cluster);
    client
        .batch_execute(
            "CREATE TABLE items (id int PRIMARY KEY, note text);
             CREATE TABLE noise (note text);
             SELECT cache_notify.attach('items', delivery => 'durable', max_keys => 1000000)",
        )
        .expect("an attached table");
    value(&mut client, "SELECT cache_notify.add_consumer('c')").expect("a position");
    (cluster, client)
}

const PAYLOADS: &str = "SELECT payload FROM cache_notify.changes_since('c', NULL)";

fn payloads(client: &mut Client) -> Vec<String> {
    column(client, PAYLOADS)
}

fn confirm_all(client: &mut Client) {
    client
        .batch_execute(
            "SELECT cache_notify.confirm('c', max(position))
             FROM cache_notify.changes_since('c', NULL) HAVING count(*) > 0",
        )
        .expect("confirmed");
}

/// Reads and confirms to the end in pieces, and looks at what each piece must be.
fn catch_up(client: &mut Client, up_to: impl Fn(usize) -> usize) -> Vec<String> {
    let mut found = Vec::new();
    let mut last = 0_u64;
    for call in 0.. {
        let up_to = up_to(call);
        let rows = client
            .query(
                "SELECT (position - '0/0')::bigint, payload FROM cache_notify.changes_since('c', $1)",
                &[&(up_to as i32)],
            )
            .expect("changes");
        let Some(end) = rows.last() else { return found };
        let mut of_last = 0;
        for row in &rows {
            let position = row.get::<_, i64>(0) as u64;
            // Never backwards, and never again what was confirmed: so no transaction is in two pieces.
            assert!(position >= last, "{position} after {last}");
            last = position;
            of_last += usize::from(row.get::<_, i64>(0) == end.get::<_, i64>(0));
            found.push(row.get(1));
        }
        // No more than it takes to reach the bound.
        assert!(rows.len() - of_last < up_to, "{} rows for {up_to}", rows.len());
        client
            .execute(
                "SELECT cache_notify.confirm('c', '0/0'::pg_lsn + $1::bigint::numeric)",
                &[&(last as i64)],
            )
            .expect("confirmed");
        last += 1;
    }
    found
}

/// By hand with more: DURABLE_CHANGES=1000000.
#[test]
fn a_consumer_that_was_away_misses_nothing() {
    const WRITERS: usize = 4;
    let changes: usize = std::env::var("DURABLE_CHANGES")
        .map_or(100_000, |changes| changes.parse().expect("a number"));
    let (cluster, mut client) = start(&["cache_notify.max_lag = 0"]);
    let began = std::time::Instant::now();
    // Each writer has numbers of its own: even ones are committed, odd ones rolled back.
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let mut session = connect(&cluster, "app");
            scope.spawn(move || {
                let mut rng = Rng::new(writer as u64);
                let mut next = 0;
                while next < changes / WRITERS {
                    let size = 1 + rng.below(9);
                    let ids = |from: usize, odd: usize| {
                        format!(
                            "SELECT ({writer} + {WRITERS} * n) * 2 + {odd} FROM generate_series({from}, {}) n",
                            from + size - 1
                        )
                    };
                    let (good, bad) = (ids(next, 0), ids(next, 1));
                    let insert = |ids: &str| format!("INSERT INTO items (id) {ids};");
                    let script = match rng.below(8) {
                        0 => format!("BEGIN; {} SAVEPOINT s; {} ROLLBACK TO s; COMMIT", insert(&good), insert(&bad)),
                        1 => format!("BEGIN; SAVEPOINT s; {} RELEASE s; COMMIT; BEGIN; {} ROLLBACK", insert(&good), insert(&bad)),
                        _ => insert(&good),
                    };
                    session.batch_execute(&script).expect("written");
                    next += size;
                }
            });
        }
    });
    let written = began.elapsed();
    let expected: HashSet<String> =
        column(&mut client, "SELECT 'items:' || id FROM items").into_iter().collect();
    assert!(expected.len() >= changes);
    let began = std::time::Instant::now();
    let found = catch_up(&mut client, |call| [10_000, 1, 20_000, 7][call % 4]);
    println!(
        "{} changes written in {written:?}, {} read in {:?}",
        expected.len(),
        found.len(),
        began.elapsed()
    );
    assert_eq!(found.len(), expected.len());
    assert_eq!(found.iter().cloned().collect::<HashSet<_>>(), expected);
    // Of each writer in its order.
    for writer in 0..WRITERS {
        let ids: Vec<usize> = found
            .iter()
            .map(|key| key["items:".len()..].parse::<usize>().expect("a number"))
            .filter(|id| id / 2 % WRITERS == writer)
            .collect();
        assert!(ids.is_sorted(), "the order of writer {writer}");
    }
}

#[test]
fn a_change_is_read_when_its_transaction_is_committed() {
    let (cluster, mut client) = start(&[]);
    client
        .batch_execute(
            "CREATE TABLE docs (id int PRIMARY KEY);
             SELECT cache_notify.attach('docs', payload => 'json', channel => 'docs', delivery => 'durable');
             BEGIN; INSERT INTO items VALUES (1); INSERT INTO docs VALUES (7);
             SAVEPOINT s; INSERT INTO items VALUES (2); ROLLBACK TO s; UPDATE items SET note = 'x'; COMMIT",
        )
        .expect("written");
    assert_eq!(
        column(
            &mut client,
            "SELECT concat_ws(' ', channel, CASE channel WHEN 'docs' THEN (payload::jsonb - 'xid' - 'position')::text ELSE payload END)
             FROM cache_notify.changes_since('c')"
        ),
        [
            "cache_invalidate items:1",
            r#"docs {"op": "INSERT", "keys": ["docs:7"], "table": "docs", "schema": "public"}"#
        ]
    );
    // What the columns say, the payload says, and both are true.
    assert_eq!(
        value(
            &mut client,
            "SELECT bool_and(xid = (SELECT xmin::text::xid8 FROM docs) AND committed_at BETWEEN now() - interval '1 minute' AND now()
                 AND (channel <> 'docs' OR (payload::jsonb ->> 'xid', payload::jsonb ->> 'position') = (xid::text, position::text)))
             FROM cache_notify.changes_since('c')"
        )
        .as_deref(),
        Some("t")
    );
    confirm_all(&mut client);
    assert_eq!(payloads(&mut client), [""; 0]);

    // Two-phase commit: with the second phase, whoever carries it out.
    client
        .batch_execute("BEGIN; INSERT INTO items VALUES (3); PREPARE TRANSACTION 'kept'; BEGIN; INSERT INTO items VALUES (4); PREPARE TRANSACTION 'gone'")
        .expect("prepared");
    client.batch_execute("INSERT INTO items VALUES (5)").expect("written");
    assert_eq!(payloads(&mut client), ["items:5"]);
    let mut other = connect(&cluster, "app");
    other.batch_execute("COMMIT PREPARED 'kept'").expect("committed");
    other.batch_execute("ROLLBACK PREPARED 'gone'").expect("rolled back");
    assert_eq!(payloads(&mut client), ["items:5", "items:3"]);
    confirm_all(&mut client);

    // What others write under our prefix stops nobody.
    client
        .batch_execute(
            "SELECT pg_logical_emit_message(true, 'cache_notify', 'junk');
             SELECT pg_logical_emit_message(true, 'cache_notify', '\\x010000000000000001010263ff0001ff'::bytea);
             SELECT pg_logical_emit_message(false, 'cache_notify', 'junk'), pg_logical_emit_message(true, 'other', 'junk');
             INSERT INTO items VALUES (6)",
        )
        .expect("emitted");
    assert_eq!(payloads(&mut client), ["items:6"]);
    confirm_all(&mut client);
    client.batch_execute("INSERT INTO items VALUES (7)").expect("written");
    // A transaction of more than one message.
    client
        .batch_execute("INSERT INTO items SELECT n FROM generate_series(100001, 130000) n")
        .expect("written");
    assert_eq!(
        value(
            &mut client,
            "SELECT count(*) || ' ' || count(DISTINCT payload) || ' ' || count(DISTINCT position) FROM cache_notify.changes_since('c', 2)"
        )
        .as_deref(),
        Some("30001 30001 2")
    );
}

/// kill -9 in the middle: what is in the table afterwards is in the changes, and nothing else.
#[test]
fn a_crash_loses_no_change_and_invents_none() {
    let (cluster, client) = start(&[]);
    drop(client);
    for round in 0..3 {
        let stop = AtomicBool::new(false);
        let acknowledged: Vec<Vec<i32>> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..4)
                .map(|writer| {
                    let mut session = connect(&cluster, "app");
                    let stop = &stop;
                    scope.spawn(move || {
                        let mut done = Vec::new();
                        for n in 0.. {
                            let id = round * 10_000_000 + writer * 1_000_000 + n;
                            if stop.load(Ordering::Relaxed)
                                || session.execute("INSERT INTO items VALUES ($1)", &[&id]).is_err()
                            {
                                break;
                            }
                            done.push(id);
                        }
                        done
                    })
                })
                .collect();
            let mut watch = connect(&cluster, "app");
            eventually_true(
                &mut watch,
                PATIENCE,
                &format!("SELECT count(*) > 500 FROM items WHERE id >= {}", round * 10_000_000),
            );
            drop(watch);
            cluster.crash_and_restart().expect("the server comes back");
            stop.store(true, Ordering::Relaxed);
            writers.into_iter().map(|writer| writer.join().expect("a writer")).collect()
        });
        let mut client = connect(&cluster, "app");
        let kept: BTreeSet<String> =
            column(&mut client, "SELECT 'items:' || id FROM items").into_iter().collect();
        for id in acknowledged.iter().flatten() {
            assert!(kept.contains(&format!("items:{id}")), "{id} was acknowledged");
        }
        // Nothing was confirmed, so all of it comes, also what was written before an earlier crash.
        assert_eq!(payloads(&mut client).into_iter().collect::<BTreeSet<_>>(), kept);
    }
}

/// What a client does that begins: add_consumer, then look at the tables. Between the two nothing may be lost.
#[test]
fn what_is_not_in_the_table_after_adding_is_in_the_changes() {
    let (cluster, mut client) = start(&[]);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let mut session = connect(&cluster, "app");
            let stop = &stop;
            scope.spawn(move || {
                for n in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let id = writer * 10_000_000 + n;
                    session.execute("INSERT INTO items VALUES ($1)", &[&id]).expect("written");
                }
            });
        }
        let mut seen = Vec::new();
        for round in 0..8 {
            value(&mut client, &format!("SELECT cache_notify.add_consumer('round_{round}')"))
                .expect("a position");
            seen.push(column(&mut client, "SELECT 'items:' || id FROM items"));
        }
        stop.store(true, Ordering::Relaxed);
        let mut other = connect(&cluster, "app");
        // One that waits for a transaction can be cancelled, and leaves nothing behind.
        let mut open = other.transaction().expect("a transaction");
        open.batch_execute("INSERT INTO items VALUES (-1)").expect("written");
        for call in [
            "SELECT cache_notify.add_consumer('late')",
            "DO $$ BEGIN PERFORM cache_notify.add_consumer('late'); EXCEPTION WHEN query_canceled THEN RAISE; END $$",
        ] {
            client.batch_execute("SET statement_timeout = '300ms'").expect("set");
            assert_eq!(sqlstate(&mut client, call), "57014");
            client.batch_execute("RESET statement_timeout").expect("reset");
        }
        assert_eq!(
            value(&mut client, "SELECT count(*) FROM pg_replication_slots").as_deref(),
            Some("9")
        );
        open.commit().expect("committed");
        for (round, seen) in seen.into_iter().enumerate() {
            let seen: HashSet<String> = seen.into_iter().collect();
            // First: a writer may still be at its last row.
            let written = column(&mut client, "SELECT 'items:' || id FROM items");
            let told: HashSet<String> = column(
                &mut client,
                &format!("SELECT payload FROM cache_notify.changes_since('round_{round}', NULL)"),
            )
            .into_iter()
            .collect();
            for id in written {
                assert!(seen.contains(&id) || told.contains(&id), "{id} in round {round}");
            }
        }
    });
}

#[test]
fn a_consumer_that_keeps_too_much_is_dropped_and_told() {
    let (cluster, mut client) = start(&["cache_notify.max_lag = '6MB'"]);
    value(&mut client, "SELECT cache_notify.add_consumer('lazy')");
    let megabytes = |client: &mut Client, n: usize| {
        // An own table each time: the log alone grows.
        client
            .batch_execute(&format!(
                "INSERT INTO noise SELECT repeat(md5(n::text), 30) FROM generate_series(1, {n} * 1050) n; TRUNCATE noise"
            ))
            .expect("written");
    };
    // Below the limit, and of no interest: one that polls is moved on, and so has nothing to fear.
    for _ in 0..5 {
        megabytes(&mut client, 2);
        assert_eq!(payloads(&mut client), [""; 0]);
        assert_eq!(
            value(
                &mut client,
                "SELECT lag_bytes < 1000000 FROM cache_notify.consumers WHERE name = 'c'"
            )
            .as_deref(),
            Some("t")
        );
    }
    assert_eq!(
        column(&mut client, "SELECT name || ' ' || status FROM cache_notify.consumers ORDER BY 1"),
        ["c ok", "lazy lost"]
    );
    assert!(cluster.log().contains("dropped consumer \"lazy\" of cache_notify"));
    for refused in [
        "SELECT * FROM cache_notify.changes_since('lazy')",
        "SELECT cache_notify.confirm('lazy', '0/1')",
    ] {
        for _ in 0..2 {
            assert_eq!(sqlstate(&mut client, refused), "55000");
        }
    }
    // One that is rolled back leaves a slot behind, which is not the one that was lost.
    client
        .batch_execute("BEGIN; SELECT cache_notify.add_consumer('lazy'); ROLLBACK")
        .expect("rolled back");
    assert_eq!(sqlstate(&mut client, "SELECT cache_notify.changes_since('lazy')"), "55000");
    value(&mut client, "SELECT cache_notify.add_consumer('lazy')").expect("a position");
    assert_eq!(
        value(&mut client, "SELECT count(*) FROM pg_replication_slots").as_deref(),
        Some("2")
    );
    client.batch_execute("INSERT INTO items VALUES (1)").expect("written");
    assert_eq!(
        column(&mut client, "SELECT payload FROM cache_notify.changes_since('lazy')"),
        ["items:1"]
    );
    // By its own call.
    megabytes(&mut client, 7);
    assert_eq!(sqlstate(&mut client, "SELECT cache_notify.changes_since('lazy')"), "55000");

    // The server's own limit.
    cluster
        .configure(&["cache_notify.max_lag = 0", "max_slot_wal_keep_size = '1MB'"])
        .and_then(|()| cluster.reload())
        .expect("configured");
    eventually_true(
        &mut client,
        PATIENCE,
        "SELECT current_setting('max_slot_wal_keep_size') = '1MB'",
    );
    value(&mut client, "SELECT cache_notify.add_consumer('lazy')");
    for _ in 0..3 {
        client.batch_execute("INSERT INTO noise VALUES ('x')").expect("written");
        client.batch_execute("SELECT pg_switch_wal()").expect("switched");
    }
    client.batch_execute("CHECKPOINT").expect("old log is removed");
    assert_eq!(sqlstate(&mut client, "SELECT cache_notify.changes_since('lazy')"), "55000");
    assert_eq!(
        value(&mut client, "SELECT status FROM cache_notify.consumers WHERE name = 'lazy'")
            .as_deref(),
        Some("lost")
    );
    value(&mut client, "SELECT cache_notify.add_consumer('lazy')");
    client.batch_execute("INSERT INTO items VALUES (2)").expect("written");
    assert_eq!(
        column(&mut client, "SELECT payload FROM cache_notify.changes_since('lazy')"),
        ["items:2"]
    );
}

/// Also: which snapshot a standby reads with.
#[test]
fn a_promoted_standby_tells_its_consumers_that_they_missed_something() {
    let (primary, mut client) = start(&[]);
    let standby = primary.standby(&[]).expect("a standby");
    client.batch_execute("INSERT INTO items VALUES (1, 'old')").expect("written");
    let mut there = connect(&standby, "app");
    eventually_true(&mut there, PATIENCE, "SELECT count(*) = 1 FROM items");
    for refused in [
        "SELECT * FROM cache_notify.changes_since('c')",
        "SELECT cache_notify.confirm('c', '0/1')",
        "SELECT cache_notify.add_consumer('d')",
        "SELECT cache_notify.drop_consumer('c')",
    ] {
        assert_eq!(sqlstate(&mut there, refused), "25006", "{refused}");
    }
    column(&mut there, "SELECT status FROM cache_notify.consumers");
    column(&mut there, "SELECT problem FROM cache_notify.health");

    // A change that the standby has in part: begun before another that is committed and applied.
    let mut writer = connect(&primary, "app");
    let mut open = writer.transaction().expect("a transaction");
    open.batch_execute("UPDATE items SET note = 'new' WHERE id = 1").expect("written");
    let xid: String =
        open.query_one("SELECT pg_current_xact_id()::text", &[]).expect("an id").get(0);
    client.batch_execute("INSERT INTO items VALUES (2)").expect("written");
    eventually_true(&mut there, PATIENCE, "SELECT count(*) = 2 FROM items");
    let read = |there: &mut Client, function: &str| {
        column(
            there,
            &format!(
                "SELECT note || ' ' || pg_visible_in_snapshot('{xid}', {function}()) FROM items WHERE id = 1"
            ),
        )
    };
    assert_eq!(read(&mut there, "cache_notify.read_snapshot"), ["old false"]);
    // The reason that there is a function of ours; up to 18 it is "old true".
    println!("pg_current_snapshot on a standby: {:?}", read(&mut there, "pg_current_snapshot"));
    open.commit().expect("committed");
    eventually_true(&mut there, PATIENCE, "SELECT note = 'new' FROM items WHERE id = 1");
    assert_eq!(read(&mut there, "cache_notify.read_snapshot"), ["new true"]);

    drop((client, writer));
    primary.stop(tests::Stop::Immediate).expect("the primary is gone");
    standby.promote().expect("promoted");
    eventually_true(&mut there, PATIENCE, "SELECT NOT pg_is_in_recovery()");
    assert_eq!(sqlstate(&mut there, "SELECT * FROM cache_notify.changes_since('c')"), "55000");
    value(&mut there, "SELECT cache_notify.add_consumer('c')").expect("a position");
    there.batch_execute("INSERT INTO items VALUES (3)").expect("written");
    assert_eq!(payloads(&mut there), ["items:3"]);
}

#[test]
fn a_restored_or_copied_database_tells_its_consumers_that_they_missed_something() {
    let (cluster, mut client) = start(&[]);
    client.batch_execute("INSERT INTO items VALUES (1)").expect("written");
    let mut copy = restore(&cluster, &dump(&cluster));
    assert_eq!(sqlstate(&mut copy, PAYLOADS), "55000");
    value(&mut copy, "SELECT cache_notify.add_consumer('c')").expect("a position");
    copy.batch_execute("INSERT INTO items VALUES (2)").expect("written");
    assert_eq!(payloads(&mut copy), ["items:2"]);
    // The publication is the extension's, and so in no dump of its own.
    assert_eq!(sqlstate(&mut copy, "DROP PUBLICATION cache_notify"), "2BP01");
    drop(copy);
    // Each database has its own.
    assert_eq!(payloads(&mut client), ["items:1"]);

    drop(client);
    connect(&cluster, "postgres")
        .batch_execute("CREATE DATABASE template_copy TEMPLATE app")
        .expect("a copy");
    let mut copy = connect(&cluster, "template_copy");
    assert_eq!(sqlstate(&mut copy, PAYLOADS), "55000");
    // Dropped and created again, the extension finds the slot that was left behind.
    value(&mut copy, "SELECT cache_notify.add_consumer('left')");
    copy.batch_execute(
        "CREATE TABLE saved AS TABLE cache_notify.registered_consumers;
         DROP EXTENSION cache_notify CASCADE; CREATE EXTENSION cache_notify",
    )
    .expect("a new one");
    let left = "SELECT cache_notify.changes_since('left')";
    assert_eq!(sqlstate(&mut copy, left), "42704");
    // As a dump does that is restored in the place of what it was taken from: the row comes back, and fits the slot.
    copy.batch_execute(
        "INSERT INTO cache_notify.registered_consumers SELECT * FROM saved WHERE name = 'left'",
    )
    .expect("restored");
    assert_eq!(sqlstate(&mut copy, left), "55000");
    copy.batch_execute("DELETE FROM cache_notify.registered_consumers").expect("as it was");
    value(&mut copy, "SELECT cache_notify.add_consumer('other')");
    assert_eq!(
        column(
            &mut copy,
            "SELECT substring(slot_name from '([a-z]+)_1$') FROM pg_replication_slots WHERE database = current_database()"
        ),
        ["other"]
    );
}

#[test]
fn rights_are_granted_one_by_one() {
    let (cluster, mut client) = start(&[]);
    client.batch_execute("CREATE ROLE app LOGIN; INSERT INTO items VALUES (1)").expect("a role");
    let mut app = cluster.connect_as("app", "app").expect("a session");
    let calls = [
        "SELECT count(*) FROM cache_notify.changes_since('c')",
        "SELECT cache_notify.confirm('c', '0/1')",
        "SELECT cache_notify.add_consumer('d')",
        "SELECT cache_notify.drop_consumer('c')",
        "SELECT * FROM cache_notify.consumers",
        "SELECT * FROM cache_notify.registered_consumers",
        "SELECT cache_notify.adopt_publication()",
    ];
    for call in calls {
        assert_eq!(sqlstate(&mut app, call), "42501", "{call}");
    }
    value(&mut app, "SELECT cache_notify.read_snapshot()").expect("a snapshot");
    client
        .batch_execute(
            "GRANT EXECUTE ON FUNCTION cache_notify.changes_since, cache_notify.confirm TO app",
        )
        .expect("granted");
    // What the caller has set or made does not reach into the functions.
    app.batch_execute(
        "CREATE TEMP TABLE registered_consumers (name text);
         CREATE FUNCTION pg_temp.length(text) RETURNS int LANGUAGE sql AS 'SELECT 1/0';
         SET search_path = pg_temp, public; SET role app",
    )
    .expect("traps");
    assert_eq!(payloads(&mut app), ["items:1"]);
    confirm_all(&mut app);
    assert_eq!(payloads(&mut app), [""; 0]);
    for call in &calls[2..] {
        assert_eq!(sqlstate(&mut app, call), "42501", "{call}");
    }
    assert_eq!(
        sqlstate(&mut app, "SELECT pg_create_logical_replication_slot('mine', 'pgoutput')"),
        "42501"
    );
    for name in ["", "C", "c-d", "ü", "'", &"x".repeat(33)] {
        let quoted = name.replace('\'', "''");
        assert_eq!(
            sqlstate(&mut app, &format!("SELECT cache_notify.changes_since('{quoted}')")),
            "42602"
        );
    }
}

#[test]
fn one_reader_at_a_time_and_none_is_left_behind() {
    let (cluster, mut client) = start(&[]);
    client
        .batch_execute("DO $$ BEGIN FOR i IN 1..30000 LOOP INSERT INTO items VALUES (i); COMMIT; END LOOP; END $$")
        .expect("written");
    // A timeout in the middle of it.
    let mut cancelled = 0;
    for timeout in [5, 10, 20, 40, 80] {
        let outcome = client.batch_execute(&format!(
            "SET statement_timeout = {timeout}; SELECT count(*) FROM cache_notify.changes_since('c', NULL)"
        ));
        cancelled += usize::from(outcome.is_err());
        client.batch_execute("RESET statement_timeout").expect("reset");
        assert_eq!(
            value(&mut client, "SELECT active FROM cache_notify.consumers").as_deref(),
            Some("f")
        );
    }
    assert!(cancelled > 0, "no call was cancelled");
    // One that is caught, so that the session goes on.
    client
        .batch_execute(
            "SET statement_timeout = 5;
             DO $$ BEGIN PERFORM count(*) FROM cache_notify.changes_since('c', NULL); PERFORM pg_sleep(1);
             EXCEPTION WHEN query_canceled THEN NULL; END $$; RESET statement_timeout",
        )
        .expect("caught");
    // Not read to the end, and in a transaction that is rolled back.
    client
        .batch_execute(
            "BEGIN; DECLARE few CURSOR FOR SELECT * FROM cache_notify.changes_since('c', 100);
             FETCH 10 FROM few; ROLLBACK",
        )
        .expect("a cursor");
    let expected: Vec<String> = (1..=30000).map(|id| format!("items:{id}")).collect();
    assert_eq!(payloads(&mut client), expected);

    let slot = value(&mut client, "SELECT slot_name FROM pg_replication_slots").expect("a slot");
    let mut reader = cluster
        .client("pg_recvlogical")
        .args(["-d", "app", "--start", "--no-loop", "-f", "-", "--slot", &slot])
        .args(["-o", "proto_version=1", "-o", "publication_names=cache_notify"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("pg_recvlogical");
    eventually_true(&mut client, PATIENCE, "SELECT active FROM cache_notify.consumers");
    for refused in [
        PAYLOADS,
        "SELECT cache_notify.confirm('c', pg_current_wal_flush_lsn())",
        "SELECT cache_notify.drop_consumer('c')",
    ] {
        assert_eq!(sqlstate(&mut client, refused), "55006", "{refused}");
    }
    assert_eq!(sqlstate(&mut client, "SELECT cache_notify.add_consumer('c')"), "42710");
    // As user postgres it runs under a process that changes the user: the walsender ends with the server's help.
    client
        .batch_execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots")
        .expect("terminated");
    let _ = kill(Pid::from_raw(reader.id() as i32), Signal::SIGTERM);
    reader.wait().expect("it ends");
    eventually_true(&mut client, PATIENCE, "SELECT NOT active FROM cache_notify.consumers");
    assert_eq!(payloads(&mut client).last(), expected.last());
}

/// A commit is in the write-ahead log before other sessions see it. Who reads the row after hearing of the change must get
/// the new value.
#[test]
fn a_commit_that_is_not_visible_yet_is_held_back() {
    let (cluster, mut client) = start(&[]);
    cluster
        .configure(&["synchronous_standby_names = 'nobody'"])
        .and_then(|()| cluster.reload())
        .expect("configured");
    eventually_true(
        &mut client,
        PATIENCE,
        "SELECT current_setting('synchronous_standby_names') = 'nobody'",
    );
    client.batch_execute("SET synchronous_commit = local").expect("set");
    let mut waiting = connect(&cluster, "app");
    std::thread::scope(|scope| {
        scope.spawn(move || {
            waiting.batch_execute("INSERT INTO items VALUES (1)").expect("committed at last")
        });
        eventually_true(
            &mut client,
            PATIENCE,
            "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
        );
        client.batch_execute("INSERT INTO items VALUES (2)").expect("written");
        assert_eq!(column(&mut client, "SELECT id FROM items"), ["2"]);
        for _ in 0..3 {
            assert_eq!(payloads(&mut client), [""; 0]);
        }
        cluster
            .configure(&["synchronous_standby_names = ''"])
            .and_then(|()| cluster.reload())
            .expect("configured");
        eventually_true(&mut client, PATIENCE, "SELECT count(*) = 2 FROM items");
        assert_eq!(payloads(&mut client), ["items:1", "items:2"]);
    });
}

#[test]
fn without_a_log_to_read_those_who_listen_still_hear() {
    let (cluster, mut client) = start(&[]);
    value(&mut client, "SELECT cache_notify.drop_consumer('c')");
    drop(client);
    cluster
        .configure(&["wal_level = replica"])
        .and_then(|()| cluster.restart())
        .expect("restarted");
    let mut client = connect(&cluster, "app");
    assert_eq!(sqlstate(&mut client, "SELECT cache_notify.add_consumer('c')"), "55000");
    let mut ear = Ear::new(&cluster, "app", "cache_invalidate");
    client.batch_execute("INSERT INTO items VALUES (1)").expect("written");
    assert_eq!(ear.heard(), ["items:1"]);
}

/// With the library preloaded: the publisher tells those who listen, in the words that a consumer reads.
#[test]
fn those_who_listen_hear_from_the_publisher() {
    let (cluster, mut client) = start(&["shared_preload_libraries = 'cache_notify'"]);
    client
        .batch_execute(
            "CREATE TABLE docs (id int PRIMARY KEY);
             SELECT cache_notify.attach('docs', payload => 'json', channel => 'docs', delivery => 'durable')",
        )
        .expect("attached");
    let mut ear = Hearing::new(&cluster, "cache_invalidate");
    let mut docs = Hearing::new(&cluster, "docs");
    client
        .batch_execute("BEGIN; INSERT INTO items VALUES (1); SAVEPOINT s; INSERT INTO items VALUES (2); ROLLBACK TO s; COMMIT")
        .expect("written");
    ear.until("items:1");
    client.batch_execute("BEGIN; INSERT INTO items VALUES (3); ROLLBACK").expect("rolled back");

    client.batch_execute("INSERT INTO docs VALUES (7)").expect("written");
    let json = value(
        &mut client,
        "SELECT (payload::jsonb - 'position')::text FROM cache_notify.changes_since('c') WHERE channel = 'docs'",
    )
    .expect("a change");
    let heard = docs.next_json(&mut client);
    assert_eq!(heard, json);

    // Prepared: heard when it is committed, also by a session that knows nothing of it, and after a restart.
    client
        .batch_execute("CREATE ROLE writer LOGIN; GRANT INSERT ON items TO writer")
        .expect("a role that may do no more");
    for (id, restarts) in [(11, false), (12, true)] {
        let mut writer = cluster.connect_as("writer", "app").expect("a session");
        writer
            .batch_execute(&format!(
                "BEGIN; INSERT INTO items VALUES ({id}); PREPARE TRANSACTION 'kept';
                 BEGIN; INSERT INTO items VALUES ({id} + 100); PREPARE TRANSACTION 'gone';
                 INSERT INTO items VALUES ({id} + 200)"
            ))
            .expect("prepared");
        ear.until(&format!("items:{}", id + 200));
        if restarts {
            cluster.crash_and_restart().expect("the server comes back");
            client = connect(&cluster, "app");
            ear = Hearing::new(&cluster, "cache_invalidate");
        }
        drop(writer);
        client.batch_execute("ROLLBACK PREPARED 'gone'").expect("rolled back");
        client.batch_execute("COMMIT PREPARED 'kept'").expect("committed");
        ear.until(&format!("items:{id}"));
        assert!(!ear.heard.iter().any(|heard| *heard == format!("items:{}", id + 100)));
    }
    assert_eq!(
        value(&mut client, "SELECT count(*) FROM cache_notify.prepared_messages").as_deref(),
        Some("0")
    );
    assert!(!ear.heard.iter().any(|heard| heard == "items:2" || heard == "items:3"));
}

/// And so that a disk does not fill when no consumer calls any more.
#[test]
fn the_launcher_sees_consumers_that_are_gone_for_ever() {
    let (cluster, mut client) =
        start(&["shared_preload_libraries = 'cache_notify'", "cache_notify.max_lag = '1MB'"]);
    client
        .batch_execute(
            "INSERT INTO noise SELECT repeat(md5(n::text), 30) FROM generate_series(1, 3000) n",
        )
        .expect("written");
    assert_eq!(
        value(&mut client, "SELECT problem FROM cache_notify.health WHERE object = 'c'").as_deref(),
        Some("consumer lagging")
    );
    eventually_true(&mut client, PATIENCE, "SELECT status = 'lost' FROM cache_notify.consumers");
    assert_eq!(
        value(&mut client, "SELECT count(*) FROM pg_replication_slots").as_deref(),
        Some("0")
    );
    eventually("the log says so", PATIENCE, || {
        cluster.log().contains("dropped consumer \"c\" of cache_notify").then_some(())
    });
    assert_eq!(
        value(&mut client, "SELECT problem FROM cache_notify.health WHERE object = 'c'").as_deref(),
        Some("consumer lost")
    );
    // Nor when the extension that made it is gone.
    value(&mut client, "SELECT cache_notify.add_consumer('c')").expect("a position");
    client
        .batch_execute(
            "DROP EXTENSION cache_notify CASCADE;
             INSERT INTO noise SELECT repeat(md5(n::text), 30) FROM generate_series(1, 3000) n",
        )
        .expect("dropped");
    eventually_true(&mut client, PATIENCE, "SELECT count(*) = 0 FROM pg_replication_slots");
}

/// A session that listens to what others send in their own time.
struct Hearing {
    session: Client,
    heard: Vec<String>,
}

impl Hearing {
    fn new(cluster: &Cluster, channel: &str) -> Hearing {
        let mut session = connect(cluster, "app");
        session.batch_execute(&format!("LISTEN {channel}")).expect("listening");
        Hearing { session, heard: Vec::new() }
    }

    fn next(&mut self) -> String {
        use fallible_iterator::FallibleIterator;
        let notification = self
            .session
            .notifications()
            .timeout_iter(PATIENCE)
            .next()
            .expect("the connection holds")
            .expect("something is heard");
        self.heard.push(notification.payload().to_owned());
        notification.payload().to_owned()
    }

    fn until(&mut self, payload: &str) {
        while self.next() != payload {}
    }

    /// The next one that is JSON, as the server writes jsonb.
    fn next_json(&mut self, client: &mut Client) -> String {
        loop {
            let heard = self.next();
            if heard != "*" {
                return value(client, &format!("SELECT '{heard}'::jsonb")).expect("JSON");
            }
        }
    }
}
