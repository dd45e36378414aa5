//! An application node: readers, writers, and the one that hears what changes.

use super::l1::L1;
use super::l2::{self, Found};
use super::{CHANNEL, Care, Site, Value};
use crate::deliveries::Source;
use fallible_iterator::FallibleIterator;
use postgres::{Client, Statement};
use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use tests::Rng;

const SOON: Duration = Duration::from_millis(20);

/// What a node did, to see that the caches served at all.
#[derive(Default)]
pub struct Counts {
    pub l1: AtomicU64,
    pub l2: AtomicU64,
    pub database: AtomicU64,
    pub refused: AtomicU64,
    pub writes: AtomicU64,
    pub own: AtomicU64,
    pub heard: AtomicU64,
    pub returns: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

pub struct Node {
    pub name: String,
    care: Care,
    pub l1: L1,
    /// Every message was applied to Redis. Where one could not be, this node does not believe Redis.
    l2_is_sound: AtomicBool,
    /// What this node calls itself in the events of its sessions.
    own: Mutex<HashSet<String>>,
    sessions: AtomicU64,
    /// It has no connections: neither to the database nor to Redis.
    pub cut_off: AtomicBool,
    /// The last mark heard of.
    pub mark: AtomicI64,
    pub counts: Counts,
}

impl Node {
    pub fn new(name: &str, care: Care) -> Node {
        Node {
            name: name.to_owned(),
            care,
            l1: L1::new(),
            l2_is_sound: AtomicBool::new(false),
            own: Mutex::default(),
            sessions: AtomicU64::new(0),
            cut_off: AtomicBool::new(false),
            mark: AtomicI64::new(0),
            counts: Counts::default(),
        }
    }

    /// Whether it hears what changes, and Redis is right as far as it knows.
    pub fn is_sound(&self) -> bool {
        self.l1.is_open() && self.l2_is_sound.load(Ordering::SeqCst)
    }

    fn is_cut_off(&self) -> bool {
        self.cut_off.load(Ordering::SeqCst)
    }

    // Hearing of changes

    /// Drops a key everywhere. The order matters: what a reader takes from Redis before the key is gone there is refused by
    /// the second drop here, or removed by it.
    fn drop_key(&self, redis: &mut Link, id: i64) {
        self.l1.drop_key(id);
        if self.care.drops_l1_only_first {
            pause(id as u64);
        }
        let done = redis.with(|redis| l2::drop_key(redis, id)).is_some();
        self.after_l2(done);
        if !self.care.drops_l1_only_first {
            self.l1.drop_key(id);
        }
    }

    fn drop_all(&self, redis: &mut Link) {
        self.l1.drop_all();
        let done = redis.with(l2::drop_all).is_some();
        self.after_l2(done);
        self.l1.drop_all();
    }

    fn after_l2(&self, done: bool) {
        if !done {
            self.l2_is_sound.store(false, Ordering::SeqCst);
        }
    }

    /// Redis could not be told of something: once it answers again, all of it is dropped.
    fn mend(&self, redis: &mut Link) {
        if !self.l2_is_sound.load(Ordering::SeqCst) && redis.with(l2::drop_all).is_some() {
            if !self.care.keeps_l1_when_back {
                self.l1.drop_all();
            }
            self.l2_is_sound.store(true, Ordering::SeqCst);
        }
    }

    /// Acts on one message.
    fn handle(&self, redis: &mut Link, payload: &str) {
        count(&self.counts.heard);
        let event = |name: &str| {
            let (_, rest) = payload.split_once(&format!(r#""{name}":""#))?;
            rest.split('"').next()
        };
        match (event("collection"), event("id")) {
            // Drop everything of the channel.
            (None, _) if payload == "*" => self.drop_all(redis),
            (Some("marks"), Some(mark)) => {
                if let Ok(mark) = mark.parse() {
                    self.mark.fetch_max(mark, Ordering::SeqCst);
                }
            }
            (Some("items"), Some("*")) => self.drop_all(redis),
            (Some("items"), Some(id)) => {
                let own = event("node_id").is_some_and(|node| {
                    self.own.lock().expect("no thread panics in here").contains(node)
                });
                // The writer has dropped it when its commit had returned.
                if own {
                    count(&self.counts.own);
                } else {
                    self.drop_key(redis, id.parse().expect("the key of a row"));
                }
            }
            _ => panic!("an unknown message: {payload}"),
        }
    }

    /// Listens until the site closes; comes back whenever the connection is lost.
    pub fn listen(&self, site: &Site) {
        let mut redis = Link::new(site, self);
        while !site.closing() {
            match self.heed(site, &mut redis) {
                Ok(()) => {}
                Err(error) => expected(&error),
            }
            self.l1.close();
            std::thread::sleep(SOON);
        }
    }

    fn heed(&self, site: &Site, redis: &mut Link) -> Result<(), postgres::Error> {
        if self.is_cut_off() {
            return Ok(());
        }
        let mut client = site.connect("listener")?;
        client.batch_execute(&format!("LISTEN {CHANNEL}"))?;
        count(&self.counts.returns);
        match site.delivery.source {
            // Whatever was sent in between is lost: nothing that was read before now can be believed.
            Source::Listen => {
                if !self.care.keeps_l1_when_back {
                    self.drop_all(redis);
                }
            }
            Source::Changes => {
                if self.care.drops_all_when_back {
                    self.drop_all(redis);
                }
                self.catch_up(&mut client, redis)?;
            }
        }
        self.mend(redis);
        self.l1.open();
        while !site.closing() && !self.is_cut_off() {
            let mut payloads = Vec::new();
            {
                let mut notifications = client.notifications();
                let mut waiting = notifications.timeout_iter(SOON);
                while let Some(notification) = waiting.next()? {
                    payloads.push(notification.payload().to_owned());
                    if payloads.len() == 100 {
                        break;
                    }
                }
            }
            match site.delivery.source {
                Source::Listen => {
                    for payload in &payloads {
                        self.handle(redis, payload);
                    }
                }
                // The notifications only wake us.
                Source::Changes => self.catch_up(&mut client, redis)?,
            }
            self.mend(redis);
            if client.is_closed() {
                break;
            }
        }
        Ok(())
    }

    /// Acts on everything that was committed before now and that this node, as a consumer, has not confirmed. Writers do not
    /// stop, so that it may never find nothing.
    fn catch_up(&self, client: &mut Client, redis: &mut Link) -> Result<(), postgres::Error> {
        let now: String = client.query_one("SELECT pg_current_wal_insert_lsn()::text", &[])?.get(0);
        loop {
            match self.read_changes(client, redis, &now) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                // Lost, or not there yet: from here on nothing is missed, and what came before is not known.
                Err(error) if matches!(code(&error), "55000" | "42704") => {
                    client.query("SELECT cache_notify.add_consumer($1)", &[&self.name])?;
                    self.drop_all(redis);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads some, and tells whether that was all up to a position.
    fn read_changes(
        &self,
        client: &mut Client,
        redis: &mut Link,
        up_to: &str,
    ) -> Result<bool, postgres::Error> {
        let changes = client.query(
            "SELECT position::text, payload, position >= $2::text::pg_lsn
             FROM cache_notify.changes_since($1, 1000)",
            &[&self.name, &up_to],
        )?;
        for change in &changes {
            self.handle(redis, change.get(1));
        }
        let Some(last) = changes.last() else { return Ok(true) };
        // Only now: what was not confirmed comes again.
        client.execute(
            "SELECT cache_notify.confirm($1, $2::text::pg_lsn)",
            &[&self.name, &last.get::<_, String>(0)],
        )?;
        Ok(last.get(2))
    }

    // Reading

    /// One read through the caches.
    fn read(&self, reader: &mut Reader, id: i64) -> Result<Value, postgres::Error> {
        if self.l1.is_open()
            && let Some(value) = self.l1.get(id)
        {
            count(&self.counts.l1);
            return Ok(value);
        }
        // Before anything is read.
        let token = self.l1.token(id);
        let careless = self.care.fills_blindly;
        let mut lease = None;
        if token.is_some() && self.l2_is_sound.load(Ordering::SeqCst) {
            match reader.redis.with(|redis| l2::get(redis, id)) {
                Some(Found::Value(value)) => {
                    count(&self.counts.l2);
                    pause(reader.rng.next_u64());
                    self.fill_l1(reader, id, value, token);
                    return Ok(value);
                }
                Some(Found::Lease(granted)) => lease = Some(granted),
                None => {}
            }
        }
        let value = reader.select(id)?;
        count(&self.counts.database);
        pause(reader.rng.next_u64());
        if let Some(lease) = lease {
            let lifetime = jittered(&mut reader.rng, 60);
            let filled = reader.redis.with(|redis| match careless {
                true => l2::set(redis, id, value, lifetime).map(|()| true),
                false => l2::fill(redis, id, &lease, value, lifetime),
            });
            if filled == Some(false) {
                count(&self.counts.refused);
            }
        }
        if token.is_some() {
            self.fill_l1(reader, id, value, token);
        }
        Ok(value)
    }

    fn fill_l1(&self, reader: &mut Reader, id: i64, value: Value, token: Option<super::l1::Token>) {
        let token = token.filter(|_| !self.care.fills_blindly);
        if !self.l1.fill(id, value, token, jittered(&mut reader.rng, 30)) {
            count(&self.counts.refused);
        }
    }

    /// Reads at random while there is load.
    pub fn read_on(&self, site: &Site, seed: u64) {
        let mut rng = Rng::new(seed);
        while site.busy() {
            if self.is_cut_off() {
                std::thread::sleep(SOON);
                continue;
            }
            let mut run = || -> Result<(), postgres::Error> {
                let mut client = site.connect("reader")?;
                let select = client.prepare("SELECT value FROM items WHERE id = $1")?;
                let redis = Link::new(site, self);
                let mut reader = Reader { client, select, redis, rng: Rng::new(rng.next_u64()) };
                while site.busy() && !self.is_cut_off() {
                    for _ in 0..20 {
                        let id = site.any_id(&mut reader.rng);
                        self.read(&mut reader, id)?;
                    }
                    std::thread::sleep(Duration::from_micros(500));
                }
                Ok(())
            };
            if let Err(error) = run() {
                expected(&error);
                std::thread::sleep(SOON);
            }
        }
    }

    // Writing

    /// Writes at random while there is load. The node drops what it wrote itself, as soon as the commit has returned.
    pub fn write_on(&self, site: &Site, seed: u64) {
        let mut rng = Rng::new(seed);
        let mut redis = Link::new(site, self);
        while site.busy() {
            if self.is_cut_off() {
                std::thread::sleep(SOON);
                continue;
            }
            let session =
                format!("{}.{}", self.name, self.sessions.fetch_add(1, Ordering::Relaxed));
            self.own.lock().expect("no thread panics in here").insert(session.clone());
            let mut touched = Vec::new();
            let mut run = || -> Result<(), postgres::Error> {
                let mut client = site.connect("writer")?;
                client.batch_execute(&format!(
                    "SET cache_notify.node_id = '{session}'; SET lock_timeout = '5s'"
                ))?;
                // What an earlier session of this node has left prepared holds locks.
                for row in client.query(
                    "SELECT gid FROM pg_prepared_xacts WHERE starts_with(gid, $1)",
                    &[&self.name],
                )? {
                    site.resolve(&mut client, row.get(0))?;
                }
                while site.busy() && !self.is_cut_off() {
                    touched.clear();
                    write(&mut client, self, site, &mut rng, &mut touched)?;
                    count(&self.counts.writes);
                    for id in &touched {
                        self.drop_key(&mut redis, *id);
                    }
                    std::thread::sleep(Duration::from_micros(rng.next_u64() % 4000));
                }
                touched.clear();
                Ok(())
            };
            let outcome = run();
            if let Err(error) = outcome {
                expected(&error);
                // Nobody knows whether it was committed, or will be when we have long dropped it: what comes under this name
                // is another's from now on.
                self.own.lock().expect("no thread panics in here").remove(&session);
                for id in &touched {
                    self.drop_key(&mut redis, *id);
                }
                std::thread::sleep(SOON);
            }
        }
    }
}

/// One transaction; the keys that it touches go into `touched` before it can be committed.
fn write(
    client: &mut Client,
    node: &Node,
    site: &Site,
    rng: &mut Rng,
    touched: &mut Vec<i64>,
) -> Result<(), postgres::Error> {
    let (id, other) = (site.any_id(rng), site.any_id(rng));
    let put = |id: i64| {
        format!(
            "INSERT INTO items VALUES ({id}, nextval('versions'))
             ON CONFLICT (id) DO UPDATE SET value = excluded.value"
        )
    };
    if site.delivery.prepares && !site.commits_early && rng.one_in(20) {
        touched.push(id);
        let name = format!("{} {}", node.name, rng.next_u64());
        client.batch_execute(&format!("BEGIN; {}", put(id)))?;
        client.batch_execute(&format!("PREPARE TRANSACTION '{name}'"))?;
        return site.resolve(client, &name);
    }
    let sql = match rng.below(200) {
        0..=79 => format!("UPDATE items SET value = nextval('versions') WHERE id = {id}"),
        80..=129 => put(id),
        130..=157 => format!("DELETE FROM items WHERE id = {id}"),
        158..=177 => format!(
            "BEGIN; {}; SELECT pg_sleep(0.002); {}; COMMIT",
            put(id.min(other)),
            put(id.max(other))
        ),
        178..=182 => format!("BEGIN; {}; ROLLBACK", put(id)),
        183..=187 => {
            format!("BEGIN; {}; SAVEPOINT s; {}; ROLLBACK TO s; COMMIT", put(id), put(other))
        }
        188..=197 => format!(
            "UPDATE items SET value = nextval('versions') WHERE id BETWEEN {id} AND {id} + 5"
        ),
        // More than max_keys.
        199 if !site.commits_early => "TRUNCATE items".to_owned(),
        _ => "UPDATE items SET value = nextval('versions')".to_owned(),
    };
    touched.push(id);
    touched.push(other);
    if sql.contains("BETWEEN") {
        touched.extend(id..=id + 5);
    } else if !sql.contains("id") {
        touched.extend(site.ids());
    }
    match client.batch_execute(&sql) {
        // Two that lock rows in different orders, or a row of a prepared transaction that nobody has resolved yet.
        Err(error) if ["40P01", "55P03"].contains(&code(&error)) => {
            client.batch_execute("ROLLBACK")
        }
        outcome => outcome,
    }
}

struct Reader<'a> {
    client: Client,
    select: Statement,
    redis: Link<'a>,
    rng: Rng,
}

impl Reader<'_> {
    fn select(&mut self, id: i64) -> Result<Value, postgres::Error> {
        Ok(self.client.query_opt(&self.select, &[&id])?.map(|row| row.get(0)))
    }
}

/// A connection to Redis that is made anew when it is lost.
struct Link<'a> {
    site: &'a Site,
    node: &'a Node,
    connection: Option<redis::Connection>,
}

impl<'a> Link<'a> {
    fn new(site: &'a Site, node: &'a Node) -> Link<'a> {
        Link { site, node, connection: None }
    }

    /// `None`: Redis did not answer. Whether it did what it was asked is not known.
    fn with<T>(
        &mut self,
        work: impl FnOnce(&mut redis::Connection) -> redis::RedisResult<T>,
    ) -> Option<T> {
        if self.node.is_cut_off() {
            self.connection = None;
            return None;
        }
        if self.connection.is_none() {
            self.connection = self.site.redis().ok();
        }
        let answer = work(self.connection.as_mut()?);
        if answer.is_err() {
            self.connection = None;
        }
        answer.ok()
    }
}

/// Between reading a value and filling a cache with it, now and then: what a busy machine does anyway.
fn pause(dice: u64) {
    if dice.is_multiple_of(4) {
        std::thread::sleep(Duration::from_micros(dice % 5000));
    }
}

/// Expiry with jitter, so that what was cached together is not read again at the same moment. Longer than a phase of the
/// test: it shall not hide what is stale.
fn jittered(rng: &mut Rng, seconds: u64) -> Duration {
    Duration::from_millis(seconds * 1000 + rng.next_u64() % (seconds * 200))
}

fn code(error: &postgres::Error) -> &str {
    error.code().map_or("", postgres::error::SqlState::code)
}

/// Connections that are lost or refused are what the faults are about; anything else is a failure.
fn expected(error: &postgres::Error) {
    let class = &code(error).get(..2).unwrap_or("");
    // 57P: the server is going down, starting, or an administrator ended the session. 55006: the slot is not yet free of
    // the session that was killed. 54000: the notification queue is full. 25006: the standby is not promoted yet.
    let fine = error.is_closed()
        || ["", "57", "08"].contains(class)
        || ["55006", "54000", "25006"].contains(&code(error));
    assert!(fine, "{error:?}");
}
