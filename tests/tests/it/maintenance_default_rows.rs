use postgres::Client;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tests::{
    Cluster, Rng, cluster_with_worker, column, connect, eventually, eventually_true, value,
};

/// The worker looks every second here, and looks again ten seconds after a failure.
const SOON: Duration = Duration::from_secs(60);

/// Rows that nobody changes.
const QUIET: i64 = 100_000;

/// The session of the worker while it waits for the table, with rows moved already.
pub const MOVER: &str = "SELECT pid FROM pg_stat_activity JOIN pg_locks l USING (pid)
     WHERE backend_type ~ 'maintenance_worker' AND l.relation = 'events'::regclass AND l.mode = 'AccessExclusiveLock' AND NOT l.granted";

/// How many partitions there are but for the default one.
pub const MADE: &str = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'events'::regclass AND inhrelid <> 'events_rest'::regclass";

/// A table whose policy keeps the partitions of today and tomorrow, and with so many rows of the day after in its default
/// partition.
pub fn rows_without_partition(client: &mut Client, rows: i64, lock_timeout: &str) {
    client
        .batch_execute(&format!(
            "CREATE TABLE events (created timestamptz NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY, who text NOT NULL, note text)
                 PARTITION BY RANGE (created);
             CREATE INDEX ON events (id);
             CREATE TABLE events_rest PARTITION OF events DEFAULT;
             CREATE FUNCTION coming() RETURNS timestamptz LANGUAGE sql STABLE AS
                 $$ SELECT date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + interval '2 days' $$;
             INSERT INTO events (created, who) SELECT coming() + n * interval '0.5 seconds', 'quiet' FROM generate_series(1, {rows}) n;
             INSERT INTO events (created, who) VALUES ('2015-05-01 00:00+00', 'old');
             SELECT maintenance.add_partition_policy('events', period => '1 day', premake => 1, lock_timeout => '{lock_timeout}')"
        ))
        .expect("rows of the day after tomorrow");
}

/// Leaves the partition of that day to the worker.
pub fn want(client: &mut Client) {
    client
        .batch_execute("UPDATE maintenance.partition_policies SET premake = 2")
        .expect("a partition more");
}

/// Three partitions, and what does not belong to them is alone in the default one.
pub fn moved(client: &mut Client) {
    eventually_true(client, SOON, &MADE.replacen("count(*)", "count(*) = 3", 1));
    let left = column(client, "SELECT DISTINCT who FROM ONLY events_rest");
    assert_eq!(left, ["old"]);
    // Nothing stays of the way there.
    let constraints = "SELECT conname FROM pg_constraint WHERE conname ~ 'maintenance'";
    assert!(column(client, constraints).is_empty());
}

/// Rows that nobody has changed are there at every moment and once, whatever the snapshot.
fn read(cluster: &Cluster, isolation: &str, stop: &AtomicBool) -> u32 {
    let mut client = connect(cluster, "app");
    let count = client
        .prepare("SELECT count(*), count(DISTINCT id) FROM events WHERE who = 'quiet'")
        .expect("prepared");
    let mut looks = 0;
    while !stop.load(Ordering::Relaxed) {
        let mut transaction = client.transaction().expect("a transaction");
        transaction
            .batch_execute(&format!("SET TRANSACTION ISOLATION LEVEL {isolation}; SELECT 1"))
            .expect("a snapshot");
        if isolation != "READ COMMITTED" {
            // The snapshot is older than the query, and the table is not yet locked.
            std::thread::sleep(Duration::from_millis(u64::from(looks % 7 * 20)));
        }
        let row = transaction.query_one(&count, &[]).expect("a count");
        assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (QUIET, QUIET), "{isolation}");
        transaction.commit().expect("committed");
        looks += 1;
    }
    looks
}

type Ledger = HashMap<i64, Option<String>>;

/// Inserts, changes and deletes rows of the moving day. No statement waits for a lock for longer than `lock_timeout`: it
/// would fail.
fn write(
    cluster: &Cluster,
    number: u64,
    lock_timeout: &str,
    stop: &AtomicBool,
) -> (Ledger, Duration) {
    let mut client = connect(cluster, "app");
    client.batch_execute(&format!("SET lock_timeout = '{lock_timeout}'")).expect("a limit");
    let who = format!("writer {number}");
    let mut rng = Rng::new(number);
    let (mut ledger, mut recent) = (Ledger::new(), Vec::new());
    let mut longest = Duration::ZERO;
    while !stop.load(Ordering::Relaxed) {
        let note = rng.next_u64().to_string();
        let began = Instant::now();
        let kind = if recent.len() < 10 { 0 } else { rng.below(4) };
        if kind < 2 {
            let row = client
                .query_one(
                    "INSERT INTO events (created, who, note) VALUES (coming() + interval '1 hour', $1, $2) RETURNING id",
                    &[&who, &note],
                )
                .expect("inserted");
            let id: i64 = row.get(0);
            ledger.insert(id, Some(note));
            recent.push(id);
            if recent.len() > 20 {
                recent.remove(0);
            }
        } else {
            let id = recent.swap_remove(rng.below(recent.len()));
            let changed = if kind == 2 {
                ledger.insert(id, Some(note.clone()));
                client.execute("UPDATE events SET note = $2 WHERE id = $1", &[&id, &note])
            } else {
                ledger.remove(&id);
                client.execute("DELETE FROM events WHERE id = $1", &[&id])
            };
            assert_eq!(changed.expect("changed"), 1, "row {id} was not there");
        }
        longest = longest.max(began.elapsed());
    }
    (ledger, longest)
}

#[test]
fn rows_are_moved_while_the_table_is_written_and_read() {
    let cluster = cluster_with_worker(&[]);
    let mut client = connect(&cluster, "app");
    rows_without_partition(&mut client, QUIET, "200ms");
    let stop = AtomicBool::new(false);
    // Whatever ends the work, also a failure: without it the others would never end.
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    std::thread::scope(|scope| {
        let end = Stop(&stop);
        let writers: Vec<_> = (0..3)
            .map(|number| {
                let (cluster, stop) = (&cluster, &stop);
                // The lock itself is held for some ten milliseconds, on a machine that is not as busy as this one.
                scope.spawn(move || write(cluster, number, "700ms", stop))
            })
            .collect();
        let readers = ["READ COMMITTED", "REPEATABLE READ"].map(|isolation| {
            let (cluster, stop) = (&cluster, &stop);
            scope.spawn(move || read(cluster, isolation, stop))
        });
        std::thread::sleep(Duration::from_millis(300));
        want(&mut client);
        eventually("the partition", SOON, || {
            // What gave way to a writer is tried again at once.
            client.batch_execute("UPDATE maintenance.state SET retry_at = now()").expect("now");
            (value(&mut client, MADE).as_deref() == Some("3")).then_some(())
        });
        std::thread::sleep(Duration::from_millis(300));
        drop(end);
        for (number, writer) in writers.into_iter().enumerate() {
            let (ledger, longest) = writer.join().expect("a writer");
            let found: Ledger = client
                .query("SELECT id, note FROM events WHERE who = $1", &[&format!("writer {number}")])
                .expect("the rows of a writer")
                .iter()
                .map(|row| (row.get(0), row.get(1)))
                .collect();
            println!("writer {number}: {} rows, longest statement {longest:?}", ledger.len());
            assert!(found == ledger, "lost, doubled or stale");
        }
        for reader in readers {
            println!("a reader looked {} times", reader.join().expect("a reader"));
        }
    });
    moved(&mut client);
    let rows = "SELECT sum(rows) FROM maintenance.runs WHERE outcome = 'done'";
    let rows: i64 = value(&mut client, rows).expect("a sum").parse().expect("a number");
    assert!(rows >= QUIET, "{rows}");
    let tries = "SELECT string_agg(outcome || ' ' || coalesce(sqlstate, '') || ' ' || duration, ', ' ORDER BY id) FROM maintenance.runs
         WHERE action = 'create' AND object ~ to_char(coming() AT TIME ZONE 'UTC', 'YYYYMMDD')";
    println!("tries: {:?}", value(&mut client, tries));
}

/// Whoever comes while the table is waited for waits with it, but no longer; 100 ms are for a machine that is busy.
#[test]
fn a_writer_waits_for_a_move_behind_a_reader_no_longer_than_the_lock_timeout() {
    let cluster = cluster_with_worker(&[]);
    let mut client = connect(&cluster, "app");
    rows_without_partition(&mut client, 20_000, "200ms");
    let mut reader = connect(&cluster, "app");
    reader.batch_execute("BEGIN; SELECT count(*) FROM events").expect("an open transaction");
    let opened = Instant::now();
    want(&mut client);
    let mut writer = connect(&cluster, "app");
    writer.batch_execute("SET lock_timeout = '300ms'").expect("a limit");
    let mut longest = Duration::ZERO;
    while opened.elapsed() < Duration::from_secs(6) {
        let began = Instant::now();
        writer
            .batch_execute("INSERT INTO events (created, who) VALUES (coming(), 'written')")
            .expect("a row");
        longest = longest.max(began.elapsed());
    }
    println!("the longest INSERT took {longest:?}");
    let failed = "SELECT sqlstate || ' ' || failures FROM maintenance.health WHERE failures > 0";
    assert_eq!(value(&mut client, failed).as_deref(), Some("55P03 1"));
    reader.batch_execute("COMMIT").expect("the reader ends");
    moved(&mut client);
    let health = "SELECT count(*) FROM maintenance.health WHERE failures > 0";
    eventually_true(&mut client, SOON, &health.replacen("count(*)", "count(*) = 0", 1));
}

/// Who wants a row that is moved already gets it, as soon as the move has noticed.
#[test]
fn a_move_gives_way_to_a_writer_of_a_moved_row() {
    let cluster = cluster_with_worker(&[]);
    let mut client = connect(&cluster, "app");
    rows_without_partition(&mut client, 20_000, "400ms");
    let mut reader = connect(&cluster, "app");
    reader
        .batch_execute("BEGIN; LOCK TABLE ONLY events IN ACCESS SHARE MODE")
        .expect("an open transaction");
    let first = value(&mut client, "SELECT min(id) FROM events").expect("an id");
    want(&mut client);
    eventually("the worker to wait", SOON, || column(&mut client, MOVER).pop());
    client.batch_execute("SET lock_timeout = '410ms'").expect("a limit");
    let began = Instant::now();
    client
        .batch_execute(&format!("UPDATE events SET note = 'changed' WHERE id = {first}"))
        .expect("the row is there");
    println!("the UPDATE took {:?}", began.elapsed());
    eventually_true(
        &mut client,
        SOON,
        "SELECT count(*) = 1 FROM maintenance.health WHERE sqlstate = '55P03' AND problem ~ 'are being changed'",
    );
    reader.batch_execute("COMMIT").expect("the reader ends");
    moved(&mut client);
    let note = format!("SELECT note FROM events WHERE id = {first}");
    assert_eq!(value(&mut client, &note).as_deref(), Some("changed"));
}

/// A row that is just being changed is left where it is, and found by the next try.
#[test]
fn a_row_that_is_being_changed_is_not_lost() {
    let cluster = cluster_with_worker(&[]);
    let mut client = connect(&cluster, "app");
    rows_without_partition(&mut client, 20_000, "100ms");
    let first = value(&mut client, "SELECT min(id) FROM events").expect("an id");
    let mut writer = connect(&cluster, "app");
    writer
        .batch_execute(&format!("BEGIN; UPDATE events SET note = 'changed' WHERE id = {first}"))
        .expect("an open transaction");
    want(&mut client);
    let failed = "SELECT count(*) = 1 FROM maintenance.health WHERE sqlstate = '55P03'";
    eventually_true(&mut client, SOON, failed);
    writer.batch_execute("COMMIT").expect("the writer ends");
    moved(&mut client);
    let note = format!("SELECT note FROM events WHERE id = {first}");
    assert_eq!(value(&mut client, &note).as_deref(), Some("changed"));
    let rows = "SELECT count(*), count(DISTINCT id) FROM events WHERE who = 'quiet'";
    let row = client.query_one(rows, &[]).expect("counts");
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (20_000, 20_000));
}

/// Where rows never rest, the table is locked and the functions are called in the same transaction, whoever waits.
#[test]
fn rows_are_moved_by_hand_under_a_lock() {
    let cluster = cluster_with_worker(&["maintenance_worker.enabled = off"]);
    let mut client = connect(&cluster, "app");
    rows_without_partition(&mut client, 20_000, "100ms");
    want(&mut client);
    client.batch_execute("BEGIN; LOCK TABLE events").expect("a lock");
    std::thread::scope(|scope| {
        let cluster = &cluster;
        let writer = scope.spawn(move || {
            connect(cluster, "app")
                .batch_execute("UPDATE events SET note = 'changed' WHERE who = 'quiet'")
        });
        let mut witness = connect(cluster, "app");
        eventually("the writer to wait", SOON, || {
            let waiting = "SELECT pid FROM pg_stat_activity WHERE query ~ '^UPDATE' AND wait_event_type = 'Lock'";
            column(&mut witness, waiting).pop()
        });
        let outcome = "SELECT outcome || ' ' || coalesce(error, '') FROM maintenance.run_partition_maintenance('events')";
        assert_eq!(column(&mut client, outcome), ["done "]);
        client.batch_execute("COMMIT").expect("committed");
        writer.join().expect("the writer").expect("its rows");
    });
    moved(&mut client);
    let changed = "SELECT count(*) FROM events WHERE note = 'changed'";
    assert_eq!(value(&mut client, changed).as_deref(), Some("20000"));
}

/// What subscribers get of a move would be a deletion and nothing more.
#[test]
fn rows_of_a_published_table_stay() {
    let cluster = cluster_with_worker(&["wal_level = logical"]);
    let mut client = connect(&cluster, "app");
    rows_without_partition(&mut client, 10, "1s");
    client.batch_execute("CREATE PUBLICATION all_of_it FOR TABLE events").expect("published");
    want(&mut client);
    let failed = "SELECT count(*) = 1 FROM maintenance.health WHERE sqlstate = '55000'";
    eventually_true(&mut client, SOON, failed);
    let stay = "SELECT count(*) FROM ONLY events_rest WHERE who = 'quiet'";
    assert_eq!(value(&mut client, stay).as_deref(), Some("10"));
    client.batch_execute("DROP PUBLICATION all_of_it").expect("dropped");
    moved(&mut client);
}

/// Like the two before it, the one after a table whose rows cannot be moved gets its partition.
#[test]
fn one_table_whose_rows_cannot_be_moved_does_not_stop_the_others() {
    let cluster = cluster_with_worker(&[]);
    let mut client = connect(&cluster, "app");
    client
        .batch_execute(
            "DO $$ BEGIN
                 FOR n IN 1..5 LOOP
                     EXECUTE format('CREATE TABLE t%s (day date NOT NULL, id int) PARTITION BY RANGE (day)', n);
                     EXECUTE format('CREATE TABLE t%s_rest PARTITION OF t%s DEFAULT', n, n);
                     EXECUTE format('INSERT INTO t%s SELECT (now() AT TIME ZONE ''UTC'')::date + 1, -1', n);
                     EXECUTE format('SELECT maintenance.add_partition_policy(%L, period => %L, premake => 0)', 't' || n, '1 day');
                 END LOOP;
             END $$;
             ALTER TABLE t3 ADD CHECK (id > 0) NOT VALID;
             UPDATE maintenance.partition_policies SET premake = 2",
        )
        .expect("five tables");
    eventually_true(
        &mut client,
        SOON,
        "SELECT count(*) = 14 FROM pg_inherits WHERE inhrelid::regclass::text ~ '^t[0-9]+_2'",
    );
    let health = column(
        &mut client,
        "SELECT relation || ' ' || sqlstate FROM maintenance.health WHERE failures > 0",
    );
    assert_eq!(health, ["t3 23514"]);
}
