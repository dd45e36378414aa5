//! Random transactions of eight writers, and whether a listener hears of exactly what they committed.
//!
//! The reference is the plain way to know what a transaction changed: row-level plpgsql triggers that write down each key in
//! a table, in the same transaction. What was rolled back is not in it.
//!
//! By hand: `LEDGER_SEED`, and `LEDGER_TRANSACTIONS` for each writer and round.

use crate::deliveries::{self, Delivery, Source};
use fallible_iterator::FallibleIterator;
use postgres::Client;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};
use tests::{Cluster, Rng, cluster, connect, create_app_with, eventually_true};

const WRITERS: usize = 8;
/// Rows that all writers change.
const SHARED: i64 = 200;
/// Keys that are only ever written by what is rolled back begin here.
const DOOMED: i64 = 1_000_000_000;

#[test]
fn notify_tells_exactly_what_was_committed() {
    rounds(&deliveries::NOTIFY);
}

#[test]
fn async_tells_exactly_what_was_committed() {
    rounds(&deliveries::ASYNC);
}

#[test]
fn durable_tells_a_consumer_exactly_what_was_committed() {
    rounds(&deliveries::DURABLE);
}

#[test]
fn durable_tells_a_listener_exactly_what_was_committed() {
    rounds(&deliveries::DURABLE_HEARD);
}

struct Round {
    number: usize,
    payload: &'static str,
    max_keys: usize,
}

fn rounds(delivery: &Delivery) {
    let seed = number("LEDGER_SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock");
        now.as_nanos() as u64
    });
    println!("LEDGER_SEED={seed}");
    let mut settings = vec!["max_prepared_transactions = 20", "deadlock_timeout = 20ms"];
    settings.extend(delivery.settings);
    let cluster = cluster(&settings);
    create_app_with(&cluster, &["cache_notify"]);
    for (number, (payload, max_keys)) in
        [("key", 1000), ("json", 1000), ("event", 1000), ("key", 6), ("json", 6)]
            .into_iter()
            .enumerate()
    {
        round(&cluster, delivery, &Round { number, payload, max_keys }, seed + number as u64);
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// The attached tables, with the columns of their keys.
const TABLES: [(&str, &[&str]); 8] = [
    ("items", &["id"]),
    ("parents", &["id"]),
    ("children", &["no", "region"]),
    ("places", &["id", "area"]),
    ("logs", &["id"]),
    ("spared", &["id"]),
    ("apart", &["id"]),
    ("marks", &["id"]),
];

fn make_tables(client: &mut Client, delivery: &Delivery, round: &Round) {
    let mut sql = format!(
        "DROP SCHEMA public CASCADE; CREATE SCHEMA public;
         CREATE TABLE items (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0);
         CREATE TABLE parents (id bigint PRIMARY KEY, boss bigint REFERENCES parents ON DELETE CASCADE, n int NOT NULL DEFAULT 0);
         CREATE TABLE children (no bigint, region text, n int NOT NULL DEFAULT 0, PRIMARY KEY (no, region),
             parent bigint REFERENCES parents ON DELETE CASCADE ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED);
         CREATE INDEX ON children (parent);
         CREATE TABLE places (id bigint, area int, n int NOT NULL DEFAULT 0, PRIMARY KEY (id, area)) PARTITION BY LIST (area);
         CREATE TABLE places_0 PARTITION OF places FOR VALUES IN (0);
         CREATE TABLE places_1 PARTITION OF places FOR VALUES IN (1);
         CREATE TABLE places_2 PARTITION OF places FOR VALUES IN (2) PARTITION BY HASH (id);
         CREATE TABLE places_2_0 PARTITION OF places_2 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
         CREATE TABLE places_2_1 PARTITION OF places_2 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
         CREATE TABLE logs (id bigint PRIMARY KEY);
         CREATE TABLE spared (id bigint PRIMARY KEY);
         CREATE TABLE apart (id bigint PRIMARY KEY);
         CREATE TABLE marks (id bigint PRIMARY KEY);
         INSERT INTO items SELECT generate_series(1, {SHARED});
         INSERT INTO parents SELECT n, CASE WHEN n % 3 = 0 THEN n - 1 END FROM generate_series(1, {SHARED}) AS n;
         INSERT INTO children SELECT n, 'eu', 0, 1 + n % {SHARED} FROM generate_series(1, {SHARED}) AS n;
         INSERT INTO places SELECT n, n % 3 FROM generate_series(1, {SHARED}) AS n;
         CREATE TABLE audit (xid xid8 NOT NULL DEFAULT pg_current_xact_id(), tbl text, op text, key text);
         CREATE FUNCTION key_of(rec jsonb, columns text[]) RETURNS text IMMUTABLE LANGUAGE sql AS $$
             SELECT CASE WHEN cardinality(columns) = 1 THEN rec ->> columns[1]
                 ELSE string_agg(regexp_replace(rec ->> c, '([,:\\\\])', '\\\\\\1', 'g'), ',' ORDER BY i) END
             FROM unnest(columns) WITH ORDINALITY AS u (c, i) $$;
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF TG_OP = 'TRUNCATE' THEN
                 INSERT INTO audit VALUES (DEFAULT, TG_ARGV[0], TG_OP, '*');
                 RETURN NULL;
             END IF;
             IF TG_OP <> 'INSERT' THEN
                 INSERT INTO audit VALUES (DEFAULT, TG_ARGV[0], TG_OP, key_of(to_jsonb(OLD), TG_ARGV[1:]));
             END IF;
             IF TG_OP <> 'DELETE' THEN
                 INSERT INTO audit VALUES (DEFAULT, TG_ARGV[0], TG_OP, key_of(to_jsonb(NEW), TG_ARGV[1:]));
             END IF;
             RETURN NULL;
         END $$;"
    );
    for (table, columns) in TABLES {
        let arguments = columns.join(", ");
        let _ = write!(
            sql,
            "CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON {table}
                 FOR EACH ROW EXECUTE FUNCTION note({table}, {arguments});
             SELECT cache_notify.attach('{table}', channel => '{}', payload => '{}', max_keys => {}, delivery => '{}',
                 moved_rows => {});",
            channel(round),
            round.payload,
            // So that a few rows that are taken back would give a * for a table that never has one otherwise.
            if table == "spared" { round.max_keys.min(20) } else { round.max_keys },
            delivery.name,
            table == "places"
        );
        let partitions: &[&str] = match table {
            "places" => &["places_0", "places_1", "places_2", "places_2_0", "places_2_1"],
            _ => &[],
        };
        for truncated in [table].iter().chain(partitions) {
            let _ = write!(
                sql,
                "CREATE TRIGGER note_truncate AFTER TRUNCATE ON {truncated}
                     FOR EACH STATEMENT EXECUTE FUNCTION note({table});"
            );
        }
    }
    client.batch_execute(&sql).expect("tables with triggers");
}

fn channel(round: &Round) -> String {
    format!("round_{}", round.number)
}

/// What a writer did and the server acknowledged.
struct Committed {
    xid: String,
    /// Just before COMMIT was sent: whoever hears of a key after that may have heard of this transaction.
    before: Instant,
}

struct Heard {
    at: Instant,
    payload: String,
    /// The transaction, where that is told.
    xid: Option<String>,
}

fn round(cluster: &Cluster, delivery: &Delivery, round: &Round, seed: u64) {
    let mut client = connect(cluster, "app");
    make_tables(&mut client, delivery, round);
    let transactions = number("LEDGER_TRANSACTIONS").unwrap_or(40);
    let fresh = AtomicI64::new(10_000);
    let doomed = AtomicI64::new(DOOMED);
    let over = AtomicBool::new(false);
    // Whatever ends the writers, also a failure: the listener would never end.
    struct Over<'a>(&'a AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let (committed, heard) = std::thread::scope(|scope| {
        let end = Over(&over);
        let (ready, listening) = mpsc::channel();
        let over = &over;
        let listener = scope.spawn(move || {
            let mut client = connect(cluster, "app");
            let begin = match delivery.source {
                Source::Listen => format!("LISTEN {}", channel(round)),
                Source::Changes => {
                    format!("SELECT cache_notify.add_consumer('{}')", channel(round))
                }
            };
            client.batch_execute(&begin).expect("listening");
            ready.send(()).expect("the test waits");
            match delivery.source {
                Source::Listen => heed(over, || notifications(&mut client)),
                Source::Changes => heed(over, || changes(&mut client, &channel(round))),
            }
        });
        listening.recv().expect("a listener");
        // A publisher that begins tells everybody to drop everything; from here on nobody should.
        client.batch_execute("INSERT INTO marks VALUES (1)").expect("a mark");
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                let (fresh, doomed) = (&fresh, &doomed);
                scope.spawn(move || {
                    let mut writer = Writer {
                        client: connect(cluster, "app"),
                        rng: Rng::new(seed.wrapping_mul(31).wrapping_add(number as u64)),
                        name: format!("{}_{number}", round.number),
                        merges: cluster.server().major >= 15,
                        prepares: delivery.prepares,
                        fresh,
                        doomed,
                        committed: Vec::new(),
                    };
                    // A test that waits for ever says nothing.
                    writer.run("SET lock_timeout = '30s'").expect("a setting");
                    for n in 0..transactions {
                        writer.transaction(n);
                    }
                    writer.committed
                })
            })
            .collect();
        let committed: Vec<Committed> =
            writers.into_iter().flat_map(|writer| writer.join().expect("a writer")).collect();
        // It takes the same way as all before it.
        // What was prepared is told by the publisher when it gets round to it.
        eventually_true(
            &mut client,
            Duration::from_secs(30),
            "SELECT count(*) = 0 FROM cache_notify.prepared_messages",
        );
        client.batch_execute("INSERT INTO marks VALUES (2)").expect("a mark");
        drop(end);
        (committed, listener.join().expect("the listener"))
    });
    let messages = split(&mut client, round, &heard);
    compare(&mut client, round, &committed, &messages);
    if delivery.source == Source::Changes {
        client
            .batch_execute(&format!("SELECT cache_notify.drop_consumer('{}')", channel(round)))
            .expect("dropped");
    }
}

/// Everything between the two marks.
fn heed(over: &AtomicBool, mut more: impl FnMut() -> Vec<Heard>) -> Vec<Heard> {
    let mut heard = Vec::new();
    let (mut marks, mut deadline) = (0, None);
    loop {
        if over.load(Ordering::Relaxed) && deadline.is_none() {
            deadline = Some(Instant::now() + Duration::from_secs(20));
        }
        for message in more() {
            if message.payload.contains("marks") {
                marks += 1;
            } else if marks == 1 {
                heard.push(message);
            }
            if marks == 2 {
                return heard;
            }
        }
        assert!(deadline.is_none_or(|deadline| Instant::now() < deadline), "the mark is not heard");
    }
}

fn notifications(client: &mut Client) -> Vec<Heard> {
    let mut notifications = client.notifications();
    let mut heard = Vec::new();
    let mut waiting = notifications.timeout_iter(Duration::from_millis(100));
    while let Some(notification) = waiting.next().expect("the connection holds") {
        let payload = notification.payload().to_owned();
        let is_mark = payload.contains("marks");
        heard.push(Heard { at: Instant::now(), payload, xid: None });
        if is_mark {
            break;
        }
    }
    heard
}

/// What the consumer has not read.
fn changes(client: &mut Client, consumer: &str) -> Vec<Heard> {
    let rows = client
        .query(
            "SELECT payload, xid::text, position::text FROM cache_notify.changes_since($1, 100)
             WHERE channel = $1",
            &[&consumer],
        )
        .expect("changes");
    let at = Instant::now();
    match rows.last() {
        Some(last) => {
            client
                .execute(
                    "SELECT cache_notify.confirm($1, $2::text::pg_lsn)",
                    &[&consumer, &last.get::<_, String>(2)],
                )
                .expect("confirmed");
        }
        None => std::thread::sleep(Duration::from_millis(20)),
    }
    rows.iter().map(|row| Heard { at, payload: row.get(0), xid: row.get(1) }).collect()
}

/// A key heard of.
struct Message {
    at: Instant,
    table: String,
    /// INSERT, UPDATE, DELETE, TRUNCATE or `*`; empty where the payload does not say.
    op: String,
    key: String,
    xid: Option<String>,
}

/// Takes the payloads apart; JSON the server reads.
fn split(client: &mut Client, round: &Round, heard: &[Heard]) -> Vec<Message> {
    if round.payload == "key" {
        return heard
            .iter()
            .map(|heard| {
                let (table, key) = heard.payload.split_once(':').expect("a table and a key");
                let (table, key) = (table.to_owned(), key.to_owned());
                Message { at: heard.at, table, op: String::new(), key, xid: heard.xid.clone() }
            })
            .collect();
    }
    let payloads: Vec<&str> = heard.iter().map(|heard| heard.payload.as_str()).collect();
    let sql = match round.payload {
        "json" => {
            "SELECT i, p::json ->> 'table', p::json ->> 'op', k
             FROM unnest($1::text[]) WITH ORDINALITY AS u (p, i), json_array_elements_text(p::json -> 'keys') AS k
             WHERE p::json ->> 'schema' = 'public' ORDER BY i"
        }
        _ => {
            "SELECT i, p::json ->> 'collection', p::json ->> 'type', p::json ->> 'id'
             FROM unnest($1::text[]) WITH ORDINALITY AS u (p, i) ORDER BY i"
        }
    };
    client
        .query(sql, &[&payloads])
        .expect("the payloads are JSON")
        .iter()
        .map(|row| {
            let (table, op, key): (String, String, String) = (row.get(1), row.get(2), row.get(3));
            let key = match round.payload {
                "json" => key.strip_prefix(&format!("{table}:")).expect("the table").to_owned(),
                _ => key,
            };
            let op = match op.as_str() {
                "create" => "INSERT".into(),
                "update" => "UPDATE".into(),
                "delete" => "DELETE".into(),
                _ => op,
            };
            let heard = &heard[row.get::<_, i64>(0) as usize - 1];
            Message { at: heard.at, table, op, key, xid: heard.xid.clone() }
        })
        .collect()
}

/// What one transaction did to one table, by the audit.
#[derive(Default)]
struct Changes {
    keys: BTreeSet<(String, String)>,
    truncated: bool,
}

fn compare(client: &mut Client, round: &Round, committed: &[Committed], messages: &[Message]) {
    let mut audit: HashMap<String, BTreeMap<String, Changes>> = HashMap::new();
    for row in client.query("SELECT xid::text, tbl, op, key FROM audit", &[]).expect("the audit") {
        let (table, op, key): (String, String, String) = (row.get(1), row.get(2), row.get(3));
        let changes = audit.entry(row.get(0)).or_default().entry(table).or_default();
        match op.as_str() {
            "TRUNCATE" => changes.truncated = true,
            _ => {
                changes.keys.insert((op, key));
            }
        }
    }
    // The last time that each key, and each table as a whole, was heard of.
    let mut last: HashMap<(&str, &str), Instant> = HashMap::new();
    for message in messages {
        last.insert((&message.table, &message.key), message.at);
    }
    let heard_after = |table: &str, key: &str, when: Instant| {
        [key, "*"].iter().any(|key| last.get(&(table, *key)).is_some_and(|at| *at > when))
    };
    let (mut changed, mut stars) = (0, BTreeSet::new());
    for transaction in committed {
        for (table, changes) in audit.get(&transaction.xid).into_iter().flatten() {
            // Where the payload names the operation too, the same key counts once for each.
            let distinct = match round.payload {
                "key" => changes.keys.iter().map(|(_, key)| key).collect::<BTreeSet<_>>().len(),
                _ => changes.keys.len(),
            };
            // A row that moves is one UPDATE for us and two operations for row triggers.
            let most = if table == "places" { distinct * 2 } else { distinct };
            if changes.truncated || most > round.max_keys {
                stars.insert(table.clone());
            }
            if changes.truncated || distinct > round.max_keys && table != "places" {
                assert!(heard_after(table, "*", transaction.before), "no {table}:*");
            }
            for (op, key) in &changes.keys {
                assert!(
                    heard_after(table, key, transaction.before),
                    "{op} of {table}:{key} in transaction {} was not heard of",
                    transaction.xid
                );
                changed += 1;
            }
        }
    }
    let known: BTreeSet<(&str, &str)> = audit
        .values()
        .flatten()
        .flat_map(|(table, changes)| {
            changes.keys.iter().map(move |(_, key)| (table.as_str(), key.as_str()))
        })
        .collect();
    let operations: BTreeSet<(&str, &str, &str)> = audit
        .values()
        .flatten()
        .flat_map(|(table, changes)| {
            changes.keys.iter().map(move |(op, key)| (table.as_str(), op.as_str(), key.as_str()))
        })
        .collect();
    for Message { table, op, key, xid, .. } in messages {
        if let Some(xid) = xid {
            let changes = audit.get(xid).and_then(|tables| tables.get(table));
            let changes = changes.expect("its transaction has changed the table");
            let is_its = key == "*" || changes.keys.iter().any(|(_, changed)| changed == key);
            assert!(is_its, "{op} of {table}:{key} is not what transaction {xid} did");
        }
        if key == "*" {
            assert!(stars.contains(table), "{table}:* without a reason");
            continue;
        }
        assert!(
            known.contains(&(table.as_str(), key.as_str())),
            "{op} of {table}:{key} was heard of and never committed"
        );
        assert!(
            op.is_empty() || table == "places" || operations.contains(&(table, op, key)),
            "{op} of {table}:{key} was heard of, and that was not what happened to it"
        );
    }
    println!(
        "{:5} max_keys {:4}: {} transactions, {changed} changes, {} messages, * of {stars:?}",
        round.payload,
        round.max_keys,
        committed.len(),
        messages.len(),
    );
    assert!(committed.len() > 100, "most of the transactions failed");
}

struct Writer<'a> {
    client: Client,
    rng: Rng,
    name: String,
    /// MERGE exists from 15 on.
    merges: bool,
    prepares: bool,
    fresh: &'a AtomicI64,
    doomed: &'a AtomicI64,
    committed: Vec<Committed>,
}

type Done = Result<(), postgres::Error>;

impl Writer<'_> {
    /// One transaction, of any kind.
    fn transaction(&mut self, number: u64) {
        let outcome = match self.rng.below(10) {
            0 => self.rolled_back(),
            1 => self.fails_at_commit(),
            2 => self.prepared(number),
            _ => self.plain(),
        };
        if let Err(error) = outcome {
            let state = error.code().map_or("", postgres::error::SqlState::code);
            // Deadlocks, and keys, parents and rows that another has taken or moved in the meantime.
            let expected = ["40P01", "23505", "23503", "21000", "40001"];
            assert!(expected.contains(&state), "{error:?}");
            self.client.batch_execute("ROLLBACK").expect("rolled back");
        }
    }

    fn run(&mut self, sql: &str) -> Done {
        self.client.batch_execute(sql)
    }

    fn begin(&mut self) -> Result<String, postgres::Error> {
        self.run("BEGIN")?;
        let row = self.client.query_one("SELECT pg_current_xact_id()::text", &[])?;
        Ok(row.get(0))
    }

    fn plain(&mut self) -> Done {
        let xid = self.begin()?;
        self.statements()?;
        let before = Instant::now();
        self.run("COMMIT")?;
        self.committed.push(Committed { xid, before });
        Ok(())
    }

    /// Some statements, some of them under savepoints, some of which are rolled back.
    fn statements(&mut self) -> Done {
        for _ in 0..=self.rng.below(4) {
            match self.rng.below(8) {
                0 => {
                    self.run("SAVEPOINT kept")?;
                    self.statement()?;
                    if self.rng.one_in(2) {
                        self.run("SAVEPOINT nested")?;
                        self.statement()?;
                        self.undone()?;
                        self.run("ROLLBACK TO nested")?;
                        self.statement()?;
                    }
                    self.run("RELEASE kept")?;
                }
                1 => {
                    self.run("SAVEPOINT undone")?;
                    self.undone()?;
                    if self.rng.one_in(2) {
                        self.run("SAVEPOINT nested")?;
                        self.undone()?;
                        self.run("RELEASE nested")?;
                    }
                    self.run("ROLLBACK TO undone")?;
                }
                2 => {
                    let id = self.doomed();
                    self.run(&format!(
                        "DO $$ BEGIN
                             INSERT INTO items VALUES ({id});
                             INSERT INTO items VALUES ({id});
                         EXCEPTION WHEN unique_violation THEN NULL; END $$"
                    ))?;
                }
                _ => self.statement()?,
            }
        }
        Ok(())
    }

    fn rolled_back(&mut self) -> Done {
        self.begin()?;
        for _ in 0..=self.rng.below(4) {
            if self.rng.one_in(2) { self.statement()? } else { self.undone()? }
        }
        self.undone()?;
        self.run("ROLLBACK")
    }

    fn fails_at_commit(&mut self) -> Done {
        self.begin()?;
        self.statement()?;
        let (child, parent) = (self.doomed(), self.doomed());
        self.run(&format!("INSERT INTO children VALUES ({child}, 'eu', 0, {parent})"))?;
        let refused = self.run("COMMIT").expect_err("there is no such parent");
        assert_eq!(refused.code().map(postgres::error::SqlState::code), Some("23503"));
        Ok(())
    }

    fn prepared(&mut self, number: u64) -> Done {
        let xid = self.begin()?;
        let commit = self.rng.one_in(2);
        if commit {
            self.statements()?
        } else {
            self.undone()?
        }
        // Something is written in any case.
        let id = if commit { self.fresh() } else { self.doomed() };
        self.run(&format!("INSERT INTO logs VALUES ({id})"))?;
        let name = format!("{}_{number}", self.name);
        let prepared = self.run(&format!("PREPARE TRANSACTION '{name}'"));
        if !self.prepares {
            let refused = prepared.expect_err("this delivery does not take it");
            let state = refused.code().map(postgres::error::SqlState::code);
            // A deferred constraint may have failed before that.
            assert!(matches!(state, Some("0A000" | "23503")), "{refused:?}");
            return Ok(());
        }
        prepared?;
        // What another session does in between.
        if self.rng.one_in(2) {
            let id = self.fresh();
            // A table that no prepared transaction locks.
            self.run(&format!("INSERT INTO apart VALUES ({id})"))?;
        }
        if commit {
            let before = Instant::now();
            self.run(&format!("COMMIT PREPARED '{name}'"))?;
            self.committed.push(Committed { xid, before });
            Ok(())
        } else {
            self.run(&format!("ROLLBACK PREPARED '{name}'"))
        }
    }

    fn shared(&mut self) -> i64 {
        1 + self.rng.below(SHARED as usize) as i64
    }

    fn fresh(&mut self) -> i64 {
        self.fresh.fetch_add(1, Ordering::Relaxed)
    }

    fn doomed(&mut self) -> i64 {
        self.doomed.fetch_add(1, Ordering::Relaxed)
    }

    /// A region's name, with what has a meaning in a key.
    fn region(&mut self) -> &'static str {
        self.rng.pick_static(&["eu", "a,b", "c:d", "e\\f", "*", "", "Größe \"q\""])
    }

    /// One statement that changes rows that stand, or adds some.
    fn statement(&mut self) -> Done {
        let (id, other, fresh) = (self.shared(), self.shared(), self.fresh());
        let last = id + self.rng.between(0, 12);
        let area = self.rng.below(3);
        let sql = match self.rng.below(26) {
            0 => format!("INSERT INTO items VALUES ({fresh})"),
            1 => format!("INSERT INTO items SELECT generate_series({fresh}00000, {fresh}00000 + {})", last - id),
            2 => format!("UPDATE items SET n = n + 1 WHERE id = {id}"),
            3 => format!("UPDATE items SET n = n + 1 WHERE id BETWEEN {id} AND {last}"),
            4 => format!("UPDATE items SET id = {fresh} WHERE id = {id}"),
            5 => format!("DELETE FROM items WHERE id = {id}"),
            6 => format!("INSERT INTO items VALUES ({id}), ({fresh}) ON CONFLICT (id) DO UPDATE SET n = items.n + 1"),
            7 => format!("INSERT INTO items VALUES ({id}) ON CONFLICT DO NOTHING"),
            8 => return self.copy(fresh, last - id),
            9 if self.merges => format!(
                "MERGE INTO items i USING (VALUES ({id}), ({other} + 1000), ({fresh})) AS s (id) ON i.id = s.id
                 WHEN MATCHED AND i.n % 2 = 0 THEN UPDATE SET n = i.n + 1
                 WHEN MATCHED THEN DELETE
                 WHEN NOT MATCHED THEN INSERT VALUES (s.id)"
            ),
            10 => format!("INSERT INTO parents VALUES ({fresh}, NULL); INSERT INTO children VALUES ({fresh}, '{}', 0, {fresh})", self.region()),
            11 => format!("INSERT INTO children VALUES ({fresh}, '{}', 0, {id})", self.region()),
            12 => format!("DELETE FROM parents WHERE id = {id}"),
            13 => format!("UPDATE parents SET id = {fresh} WHERE id = {id} AND NOT EXISTS (SELECT FROM parents WHERE boss = {id})"),
            14 => format!("UPDATE children SET region = '{}', n = n + 1 WHERE no = {id}", self.region()),
            15 => format!("INSERT INTO places VALUES ({fresh}, {area})"),
            16 => format!("UPDATE places SET area = {area} WHERE id BETWEEN {id} AND {last}"),
            17 => format!("UPDATE places_1 SET n = n + 1 WHERE id = {id}"),
            18 => format!("DELETE FROM places_{area} WHERE id = {id}"),
            19 if self.merges => format!(
                "MERGE INTO places p USING (VALUES ({id}, {area}), ({fresh}, {area})) AS s (id, area) ON p.id = s.id
                 WHEN MATCHED THEN UPDATE SET area = (p.area + 1) % 3
                 WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.area)"
            ),
            20 => format!("INSERT INTO logs SELECT generate_series({fresh}00000, {fresh}00000 + {})", last - id),
            21 => match self.rng.below(6) {
                0 => "TRUNCATE logs".to_owned(),
                1 => "TRUNCATE places_0".to_owned(),
                2 => "TRUNCATE logs; INSERT INTO logs VALUES (1)".to_owned(),
                _ => "DELETE FROM logs".to_owned(),
            },
            22 => format!("WITH gone AS (DELETE FROM items WHERE id = {id} RETURNING n) INSERT INTO items SELECT {fresh}, n FROM gone"),
            23 => format!("UPDATE items SET n = 0 WHERE id = {id} AND false; DELETE FROM logs WHERE id = -1"),
            24 => format!("INSERT INTO items VALUES ({id}) ON CONFLICT (id) DO UPDATE SET n = 7 WHERE items.n < 0"),
            _ => format!("INSERT INTO spared VALUES ({fresh})"),
        };
        self.run(&sql)
    }

    fn copy(&mut self, first: i64, more: i64) -> Done {
        let mut writer = self.client.copy_in("COPY items (id) FROM STDIN")?;
        for n in 0..=more {
            writeln!(writer, "{first}{n:05}").expect("written");
        }
        writer.finish().map(drop)
    }

    /// One that nobody must hear of, since it will be rolled back; on keys that nothing else uses.
    fn undone(&mut self) -> Done {
        let (id, other) = (self.doomed(), self.doomed());
        let sql = match self.rng.below(8) {
            0 => format!("INSERT INTO items VALUES ({id}), ({other})"),
            1 => format!(
                "INSERT INTO items VALUES ({id}); UPDATE items SET id = {other} WHERE id = {id}"
            ),
            2 => format!("UPDATE items SET id = {id} WHERE id = {}", self.shared()),
            3 => format!(
                "INSERT INTO parents VALUES ({id}); INSERT INTO children VALUES ({other}, 'eu', 0, {id}); DELETE FROM parents WHERE id = {id}"
            ),
            4 => format!(
                "INSERT INTO places VALUES ({id}, 0), ({other}, 2); UPDATE places SET area = 1 WHERE id = {id}"
            ),
            5 => format!("UPDATE places SET id = {id} WHERE id = {}", self.shared()),
            6 => format!("INSERT INTO spared SELECT generate_series({id}00000, {id}00030)"),
            _ => "TRUNCATE spared".to_owned(),
        };
        self.run(&sql)
    }
}
