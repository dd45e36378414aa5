//! A small real client: two application nodes, each with a cache in its process (L1), over one Redis (L2), kept right by
//! cache_notify while readers, writers and faults have their way.
//!
//! After each phase the load stops and a mark travels the way of all messages; then neither cache may hold a value that the
//! table does not have. How the client manages that is written down in docs/cache_notify.md, "Filling a cache without a
//! race"; clients that leave one of its rules out have to be caught.
//!
//! By hand: `CACHE_CLIENT_SECONDS` for each delivery, `CACHE_CLIENT_SEED`.

mod l1;
mod l2;
mod node;

use crate::deliveries::{self, Delivery};
use node::Node;
use postgres::{Client, NoTls};
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tests::{Cluster, Redis, Rng, Stop, cluster, column, create_app_with, eventually, value};

const CHANNEL: &str = "cache_invalidate";
/// The rows that all fight for.
const ROWS: i64 = 60;
const PATIENCE: Duration = Duration::from_secs(60);

/// What a row holds; `None` where there is no row.
type Value = Option<i64>;

/// The rules that a client can leave out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Care {
    /// Fills caches with what it read, whatever was dropped in between.
    pub fills_blindly: bool,
    /// Drops a key here, then in Redis, and leaves it at that.
    pub drops_l1_only_first: bool,
    /// Was away, comes back, and goes on with what it has.
    pub keeps_l1_when_back: bool,
    /// Drops everything when it comes back, though it could read what it has missed: where a crash takes back what was
    /// visible, nothing says so.
    pub drops_all_when_back: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    None,
    ListenerKilled,
    NodeCutOff,
    AllNodesCutOff,
    RedisRestarted,
    RedisAway,
    ServerRestarted,
    ServerKilled,
    PublisherKilled,
    /// More is committed than the ring takes, while nobody empties it.
    RingFull,
    /// A listener that sits in a transaction while the notification queue fills.
    QueueFull,
    /// A node is away for longer than the server keeps the write-ahead log for it.
    TooFarBehind,
    /// The primary is gone, the standby takes over.
    Promotion,
}

const FAULTS: [Fault; 9] = [
    Fault::None,
    Fault::ListenerKilled,
    Fault::NodeCutOff,
    Fault::AllNodesCutOff,
    Fault::RedisRestarted,
    Fault::RedisAway,
    Fault::ServerRestarted,
    Fault::ServerKilled,
    Fault::PublisherKilled,
];

/// The database, Redis and the nodes.
pub struct Site {
    pub cluster: Cluster,
    /// A standby, where there is one, and whether it has taken over.
    standby: Option<Cluster>,
    promoted: AtomicBool,
    redis: Mutex<Redis>,
    pub delivery: &'static Delivery,
    /// Commits return before they are on disk. Then nobody does what waits for the disk all the same, so that a crash
    /// has something to take back.
    commits_early: bool,
    nodes: Vec<Node>,
    load: AtomicBool,
    closing: AtomicBool,
    marks: AtomicI64,
    seed: AtomicU64,
}

impl Site {
    pub fn new(delivery: &'static Delivery, settings: &[&str], care: Care) -> Site {
        let seed = number("CACHE_CLIENT_SEED").unwrap_or_else(|| {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock");
            now.as_nanos() as u64
        });
        println!("CACHE_CLIENT_SEED={seed}");
        let mut lines = vec!["deadlock_timeout = 20ms", "max_connections = 50"];
        lines.extend(delivery.settings);
        lines.extend(settings);
        let cluster = cluster(&lines);
        let mut client = create_app_with(&cluster, &["cache_notify"]);
        client
            .batch_execute(&format!(
                "SET synchronous_commit = on;
                 CREATE TABLE items (id bigint PRIMARY KEY, value bigint NOT NULL);
                 CREATE TABLE marks (id bigint PRIMARY KEY);
                 CREATE SEQUENCE versions;
                 SELECT cache_notify.attach(t, channel => '{CHANNEL}', payload => 'event', max_keys => 20, delivery => '{}')
                 FROM unnest('{{items,marks}}'::regclass[]) AS t;
                 INSERT INTO items SELECT n, nextval('versions') FROM generate_series(1, {ROWS}, 2) AS n",
                delivery.name
            ))
            .expect("tables");
        let redis = Redis::start(&cluster);
        Site {
            cluster,
            standby: None,
            promoted: AtomicBool::new(false),
            redis: Mutex::new(redis),
            delivery,
            commits_early: settings.contains(&"synchronous_commit = off"),
            nodes: vec![Node::new("alpha", care), Node::new("beta", care)],
            load: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            marks: AtomicI64::new(0),
            seed: AtomicU64::new(seed),
        }
    }

    /// The same with a standby that can take over.
    pub fn with_standby(delivery: &'static Delivery, care: Care) -> Site {
        let mut site = Site::new(delivery, &[], care);
        site.standby = Some(site.cluster.standby(&[]).expect("a standby"));
        site
    }

    /// The server that takes writes.
    fn primary(&self) -> &Cluster {
        match &self.standby {
            Some(standby) if self.promoted.load(Ordering::SeqCst) => standby,
            _ => &self.cluster,
        }
    }

    pub fn connect(&self, what: &str) -> Result<Client, postgres::Error> {
        self.primary().config("postgres", "app").application_name(what).connect(NoTls)
    }

    fn run(&self, sql: &str) {
        let mut client = self.connect("fault").expect("a session");
        client.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// As a line of postgresql.conf that is read anew.
    fn set(&self, line: &str) {
        self.cluster.configure(&[line]).and_then(|()| self.cluster.reload()).expect("reloaded");
    }

    fn redis(&self) -> redis::RedisResult<redis::Connection> {
        Redis::connect_at(self.cluster.dir())
    }

    pub fn any_seed(&self) -> u64 {
        self.seed.fetch_add(1, Ordering::Relaxed)
    }

    fn busy(&self) -> bool {
        self.load.load(Ordering::SeqCst)
    }

    fn closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    fn ids(&self) -> std::ops::RangeInclusive<i64> {
        1..=ROWS
    }

    fn any_id(&self, rng: &mut Rng) -> i64 {
        rng.between(1, ROWS)
    }

    /// Runs `work` while the nodes are up, and takes them down.
    pub fn while_open<T>(&self, work: impl FnOnce() -> T) -> T {
        std::thread::scope(|scope| {
            // Whatever ends the work, also a failure.
            let _close = OnDrop(|| self.closing.store(true, Ordering::SeqCst));
            for node in &self.nodes {
                scope.spawn(move || node.listen(self));
            }
            self.wait_until_sound();
            work()
        })
    }

    fn wait_until_sound(&self) {
        eventually("both nodes listen", PATIENCE, || {
            self.nodes.iter().all(Node::is_sound).then_some(())
        });
    }

    /// Readers and writers on both nodes for a while, with a fault in the middle.
    pub fn phase(&self, duration: Duration, fault: impl FnOnce()) {
        self.phase_around(duration / 2, fault, duration / 2);
    }

    fn phase_around(&self, before: Duration, fault: impl FnOnce(), after: Duration) {
        self.load.store(true, Ordering::SeqCst);
        std::thread::scope(|scope| {
            let _stop = OnDrop(|| self.load.store(false, Ordering::SeqCst));
            for node in &self.nodes {
                for _ in 0..2 {
                    let seed = self.any_seed();
                    scope.spawn(move || node.read_on(self, seed));
                }
                let seed = self.any_seed();
                scope.spawn(move || node.write_on(self, seed));
            }
            std::thread::sleep(before);
            fault();
            std::thread::sleep(after);
        });
        self.settle();
    }

    /// Waits until every node has acted on everything that was committed.
    pub fn settle(&self) {
        self.wait_until_sound();
        let mut client = self.connect("settle").expect("a session");
        // A session whose client is gone may still be committing.
        tests::eventually_true(
            &mut client,
            PATIENCE,
            "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'writer'",
        );
        for name in column(&mut client, "SELECT gid FROM pg_prepared_xacts") {
            self.resolve(&mut client, &name).expect("resolved");
        }
        tests::eventually_true(
            &mut client,
            PATIENCE,
            "SELECT count(*) = 0 FROM cache_notify.prepared_messages",
        );
        let first = self.marks.load(Ordering::SeqCst) + 1;
        let mut sent = Instant::now() - PATIENCE;
        eventually("a mark is heard", PATIENCE, || {
            // One may be lost with everything else, where a node is told to drop everything instead.
            if sent.elapsed() > Duration::from_secs(1) {
                let mark = self.marks.fetch_add(1, Ordering::SeqCst) + 1;
                client.execute("INSERT INTO marks VALUES ($1)", &[&mark]).expect("a mark");
                sent = Instant::now();
            }
            let heard = |node: &Node| node.mark.load(Ordering::SeqCst) >= first && node.is_sound();
            self.nodes.iter().all(heard).then_some(())
        });
    }

    /// Ends a prepared transaction, one way or the other by its name.
    fn resolve(&self, client: &mut Client, name: &str) -> Result<(), postgres::Error> {
        let decision = if name.ends_with(['0', '1', '2']) { "ROLLBACK" } else { "COMMIT" };
        client.batch_execute(&format!("{decision} PREPARED '{name}'"))
    }

    /// What the caches hold that the table does not.
    pub fn stale(&self) -> Vec<String> {
        let mut client = self.connect("check").expect("a session");
        let table: HashMap<i64, i64> = client
            .query("SELECT id, value FROM items", &[])
            .expect("the table")
            .iter()
            .map(|row| (row.get(0), row.get(1)))
            .collect();
        let mut stale = Vec::new();
        let mut compare = |place: &str, contents: Vec<(i64, Value)>| {
            for (id, value) in contents {
                let truth = table.get(&id).copied();
                if value != truth {
                    stale.push(format!("{id} in {place}: {value:?}, in the table {truth:?}"));
                }
            }
        };
        for node in &self.nodes {
            compare(&format!("L1 of {}", node.name), node.l1.contents());
        }
        let mut redis = self.redis().expect("Redis");
        compare("L2", l2::contents(&mut redis).expect("Redis"));
        stale
    }

    /// What a phase of this fault does in its middle.
    pub fn cause(&self, fault: Fault) {
        let mut rng = Rng::new(self.any_seed());
        let node = &self.nodes[rng.below(self.nodes.len())];
        let kill = |which: &str| {
            let mut client = self.connect("fault").expect("a session");
            value(
                &mut client,
                &format!(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {which}"
                ),
            );
        };
        let away = Duration::from_millis(rng.between(50, 300) as u64);
        match fault {
            Fault::None => {}
            Fault::ListenerKilled => {
                kill(
                    "pid = (SELECT pid FROM pg_stat_activity WHERE application_name = 'listener' LIMIT 1)",
                );
                std::thread::sleep(away);
                kill("application_name = 'listener'");
            }
            Fault::NodeCutOff => {
                node.cut_off.store(true, Ordering::SeqCst);
                std::thread::sleep(away);
                node.cut_off.store(false, Ordering::SeqCst);
            }
            // They are back before the writers, who wait a moment: another writes meanwhile.
            Fault::AllNodesCutOff => {
                let cut = |is_cut| {
                    self.nodes.iter().for_each(|node| node.cut_off.store(is_cut, Ordering::SeqCst));
                };
                cut(true);
                // One that still hears would drop what is written now, trusting its cache or not.
                eventually("they have gone", PATIENCE, || {
                    self.nodes.iter().all(|node| !node.l1.is_open()).then_some(())
                });
                let mut client = self.connect("another").expect("a session");
                client
                    .batch_execute("UPDATE items SET value = nextval('versions') WHERE id % 2 = 0")
                    .expect("written");
                std::thread::sleep(away);
                cut(false);
            }
            Fault::RedisRestarted => {
                let mut redis = self.redis.lock().expect("no thread panics in here");
                redis.kill();
                redis.launch();
            }
            Fault::RedisAway => {
                let mut redis = self.redis.lock().expect("no thread panics in here");
                redis.kill();
                std::thread::sleep(away);
                redis.launch();
            }
            Fault::ServerRestarted => self.cluster.restart().expect("restarted"),
            Fault::ServerKilled => self.cluster.crash_and_restart().expect("restarted"),
            Fault::RingFull => {
                self.set("cache_notify.publisher = off");
                self.run(
                    "DO $$ BEGIN FOR i IN 1..3000 LOOP
                         INSERT INTO items VALUES (i % 60, nextval('versions'))
                         ON CONFLICT (id) DO UPDATE SET value = excluded.value;
                         COMMIT;
                     END LOOP; END $$",
                );
                std::thread::sleep(away);
                self.set("cache_notify.publisher = on");
            }
            Fault::QueueFull => self.fill_queue(),
            Fault::TooFarBehind => {
                node.cut_off.store(true, Ordering::SeqCst);
                eventually("it has gone", PATIENCE, || (!node.l1.is_open()).then_some(()));
                self.run("SELECT count(pg_logical_emit_message(false, 'noise', repeat('x', 1000))) FROM generate_series(1, 8000)");
                self.run("UPDATE items SET value = nextval('versions') WHERE id % 2 = 0");
                // The other node reads on, and the limit is looked at.
                let mut client = self.connect("fault").expect("a session");
                tests::eventually_true(
                    &mut client,
                    PATIENCE,
                    &format!(
                        "SELECT status = 'lost' FROM cache_notify.consumers WHERE name = '{}'",
                        node.name
                    ),
                );
                node.cut_off.store(false, Ordering::SeqCst);
            }
            Fault::Promotion => {
                let standby = self.standby.as_ref().expect("a standby");
                self.cluster.stop(Stop::Immediate).expect("stopped");
                standby.promote().expect("promoted");
                self.promoted.store(true, Ordering::SeqCst);
            }
            Fault::PublisherKilled => {
                for _ in 0..3 {
                    kill("backend_type = 'cache_notify publisher'");
                    std::thread::sleep(away / 3);
                }
            }
        }
    }

    /// Commits fail where they notify; where a publisher does, it waits. Needs a queue that is small.
    fn fill_queue(&self) {
        let mut idle = self.connect("idle").expect("a session");
        idle.batch_execute(&format!("LISTEN {CHANNEL}; BEGIN; SELECT 1")).expect("idle");
        let mut client = self.connect("fault").expect("a session");
        let full = eventually("the queue is full", PATIENCE, || {
            let filled = client.batch_execute(
                "SELECT count(pg_notify('filler', repeat('x', 7900) || n)) FROM generate_series(1, 40) AS n",
            );
            filled.err()
        });
        assert_eq!(full.code().map(postgres::error::SqlState::code), Some("54000"), "{full:?}");
        std::thread::sleep(Duration::from_millis(300));
        idle.batch_execute("ROLLBACK").expect("rolled back");
        // A queue that was full takes nothing until somebody asks how full it is, read to the end or not.
        tests::eventually_true(&mut client, PATIENCE, "SELECT pg_notification_queue_usage() < 0.5");
    }

    /// One line on what happened.
    pub fn summary(&self) -> String {
        let mut parts = Vec::new();
        for node in &self.nodes {
            let counts = &node.counts;
            let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            parts.push(format!(
                "{}: {} reads from L1, {} from L2, {} from the table, {} fills refused, {} writes, {} messages heard, {} of its own, {} times connected",
                node.name,
                read(&counts.l1),
                read(&counts.l2),
                read(&counts.database),
                read(&counts.refused),
                read(&counts.writes),
                read(&counts.heard),
                read(&counts.own),
                read(&counts.returns),
            ));
        }
        parts.join("; ")
    }

    /// So that a run in which the caches were never used cannot pass.
    fn assert_used(&self) {
        for node in &self.nodes {
            let counts = &node.counts;
            for (what, counter) in [
                ("reads from L1", &counts.l1),
                ("reads from L2", &counts.l2),
                ("fills refused", &counts.refused),
                ("messages heard", &counts.heard),
            ] {
                let count = counter.load(Ordering::Relaxed);
                assert!(count > 10, "{}: {count} {what}", node.name);
            }
        }
    }
}

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Every fault, again and again where there is time.
fn no_cache_is_stale_after(delivery: &'static Delivery) {
    let site = Site::new(delivery, &[], Care::default());
    let end = Instant::now() + Duration::from_secs(number("CACHE_CLIENT_SECONDS").unwrap_or(0));
    site.while_open(|| {
        let mut phases = 0;
        loop {
            for fault in FAULTS {
                if fault == Fault::PublisherKilled && !delivery.publishes {
                    continue;
                }
                site.phase(Duration::from_millis(600), || site.cause(fault));
                let stale = site.stale();
                assert!(stale.is_empty(), "after {fault:?}: {stale:#?}");
                phases += 1;
            }
            if Instant::now() >= end {
                break;
            }
        }
        println!("{}: {phases} phases, 0 stale; {}", delivery.name, site.summary());
    });
    site.assert_used();
}

#[test]
fn no_cache_is_stale_with_notify() {
    no_cache_is_stale_after(&deliveries::NOTIFY);
}

#[test]
fn no_cache_is_stale_with_async() {
    no_cache_is_stale_after(&deliveries::ASYNC);
}

#[test]
fn no_cache_is_stale_with_durable() {
    no_cache_is_stale_after(&deliveries::DURABLE_PRELOADED);
}

/// A client without one of the rules goes wrong, and the test sees it.
fn is_caught(care: Care, fault: Fault) {
    let after = Duration::from_millis(50);
    is_caught_with(&Site::new(&deliveries::NOTIFY, &[], care), care, fault, after);
}

fn is_caught_with(site: &Site, care: Care, fault: Fault, after: Duration) {
    site.while_open(|| {
        for phase in 1.. {
            site.phase_around(Duration::from_millis(200), || site.cause(fault), after);
            let stale = site.stale();
            if !stale.is_empty() {
                println!(
                    "{care:?}: {} stale after {phase} phases, such as {}",
                    stale.len(),
                    stale[0]
                );
                return;
            }
            assert!(phase < 40, "nothing stale: {}", site.summary());
        }
    });
}

#[test]
fn a_client_that_fills_blindly_is_caught() {
    is_caught(Care { fills_blindly: true, ..Care::default() }, Fault::None);
}

#[test]
fn a_client_that_drops_its_own_cache_only_before_redis_is_caught() {
    is_caught(Care { drops_l1_only_first: true, ..Care::default() }, Fault::None);
}

#[test]
fn a_client_that_trusts_its_cache_after_being_away_is_caught() {
    is_caught(Care { keeps_l1_when_back: true, ..Care::default() }, Fault::AllNodesCutOff);
}

/// What is durable there was not durable here: the server has forgotten what this node remembers.
#[test]
fn a_consumer_that_trusts_its_cache_after_a_crash_without_synchronous_commit_is_caught() {
    let settings = ["synchronous_commit = off", "wal_writer_delay = 1s"];
    let site = Site::new(&deliveries::DURABLE, &settings, Care::default());
    // What is written after the crash would drop the traces of it.
    is_caught_with(&site, Care::default(), Fault::ServerKilled, Duration::ZERO);
}
