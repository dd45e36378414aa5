//! A client that listens while others write, as an application does: in a thread and a session of its own.

use anyhow::{Context, Result, bail};
use postgres::Client;
use postgres::fallible_iterator::FallibleIterator;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use xtask::cluster::Cluster;

/// How long a message may be on its way before the contender counts as one that does not do its work.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a thread looks whether it is to end.
const BEAT: Duration = Duration::from_millis(100);

/// What was heard and when, in the order of arrival.
type Heard = Arc<Mutex<Vec<(Instant, String)>>>;

pub struct Listener {
    heard: Heard,
    worker: Worker,
}

impl Listener {
    pub fn start(cluster: &Cluster, database: &str, channels: &[&str]) -> Result<Listener> {
        let mut client = cluster.connect(database)?;
        for channel in channels {
            client.batch_execute(&format!("LISTEN {channel}"))?;
        }
        let heard = Heard::default();
        let into = Arc::clone(&heard);
        let worker = Worker::start(move |stop| {
            while !stop.load(Ordering::Relaxed) {
                let mut notifications = client.notifications();
                let mut messages = notifications.timeout_iter(BEAT);
                while let Some(message) = messages.next()? {
                    lock(&into).push((Instant::now(), message.payload().to_owned()));
                }
            }
            Ok(())
        });
        Ok(Listener { heard, worker })
    }

    /// Forgets what was heard so far.
    pub fn forget(&self) {
        lock(&self.heard).clear();
    }

    pub fn count(&self) -> u64 {
        lock(&self.heard).len() as u64
    }

    /// When each message was heard last.
    pub fn times(&self) -> BTreeMap<String, Instant> {
        lock(&self.heard).iter().map(|(at, message)| (message.clone(), *at)).collect()
    }

    /// Waits until a message has arrived that `is_it`; only those count that were not looked at before.
    pub fn wait_for(&self, what: &str, is_it: impl Fn(&str) -> bool) -> Result<()> {
        let mut seen = 0;
        self.wait_until(what, |heard| {
            let found = heard[seen..].iter().any(|(_, message)| is_it(message));
            seen = heard.len();
            found
        })
    }

    /// Waits until so many messages have arrived.
    pub fn wait_for_count(&self, count: u64) -> Result<()> {
        self.wait_until(&format!("{count} messages"), |heard| heard.len() as u64 >= count)
    }

    fn wait_until(
        &self,
        what: &str,
        mut found: impl FnMut(&[(Instant, String)]) -> bool,
    ) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if found(&lock(&self.heard)) {
                return Ok(());
            }
            if self.worker.has_ended() {
                bail!("the listener has ended before it heard {what}");
            }
            if Instant::now() > deadline {
                bail!("the listener did not hear {what}, but {} messages", self.count());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub fn stop(self) -> Result<()> {
        self.worker.stop().context("listening")
    }
}

fn lock(heard: &Heard) -> MutexGuard<'_, Vec<(Instant, String)>> {
    // A thread that panicked has at most left a message out, which shows elsewhere.
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks for the changes of a replication slot again and again, as a client without streaming does.
pub struct Poller {
    changes: Arc<Mutex<u64>>,
    worker: Worker,
}

impl Poller {
    /// `query` returns first how many changes it has taken.
    pub fn start(mut client: Client, query: String, pause: Duration) -> Poller {
        let changes = Arc::new(Mutex::new(0));
        let into = Arc::clone(&changes);
        let worker = Worker::start(move |stop| {
            loop {
                // After the last transaction, until nothing is left.
                let is_over = stop.load(Ordering::Relaxed);
                let taken: i64 = client.query_one(query.as_str(), &[])?.get(0);
                *into.lock().unwrap_or_else(PoisonError::into_inner) += u64::try_from(taken)?;
                if !is_over {
                    std::thread::sleep(pause);
                } else if taken == 0 {
                    return Ok(());
                }
            }
        });
        Poller { changes, worker }
    }

    /// Ends it and returns how many changes there were in all.
    pub fn stop(self) -> Result<u64> {
        self.worker.stop().context("reading the slot")?;
        Ok(*self.changes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A thread that ends when it is told to.
struct Worker {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<()>>,
}

impl Worker {
    fn start(work: impl FnOnce(&AtomicBool) -> Result<()> + Send + 'static) -> Worker {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        Worker { stop, thread: std::thread::spawn(move || work(&told)) }
    }

    fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    fn stop(self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        match self.thread.join() {
            Ok(result) => result,
            Err(_) => bail!("a thread of the bench panicked"),
        }
    }
}
