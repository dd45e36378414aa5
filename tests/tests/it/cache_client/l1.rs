//! The cache in the process of an application node.

use super::Value;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Keys share counters: what is refused for no reason is read again, and a counter for each key would never go away.
const SHARDS: usize = 64;

/// What a reader takes before it looks anywhere else, and shows when it fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token(u64);

pub struct L1(Mutex<Inner>);

struct Inner {
    values: HashMap<i64, (Value, Instant)>,
    /// How often something of the shard was dropped.
    drops: [u64; SHARDS],
    /// Only while the node hears what changes may it believe its own memory.
    open: bool,
}

impl L1 {
    pub fn new() -> L1 {
        L1(Mutex::new(Inner { values: HashMap::new(), drops: [0; SHARDS], open: false }))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.0.lock().expect("no thread panics in here"))
    }

    pub fn get(&self, id: i64) -> Option<Value> {
        self.with(|inner| {
            let (value, expires) = inner.values.get(&id)?;
            (*expires > Instant::now()).then_some(*value)
        })
    }

    /// `None` while the node does not hear what changes.
    pub fn token(&self, id: i64) -> Option<Token> {
        self.with(|inner| inner.open.then(|| Token(inner.drops[shard(id)])))
    }

    /// Takes a value that was read after the token was taken, unless something was dropped in between. Without a token it
    /// takes any.
    pub fn fill(&self, id: i64, value: Value, token: Option<Token>, lifetime: Duration) -> bool {
        self.with(|inner| {
            let fresh =
                token.is_none_or(|Token(drops)| drops == inner.drops[shard(id)]) && inner.open;
            if fresh {
                inner.values.insert(id, (value, Instant::now() + lifetime));
            }
            fresh
        })
    }

    pub fn drop_key(&self, id: i64) {
        self.with(|inner| {
            inner.drops[shard(id)] += 1;
            inner.values.remove(&id);
        });
    }

    pub fn drop_all(&self) {
        self.with(Inner::drop_all);
    }

    /// The node hears what changes from now on.
    pub fn open(&self) {
        self.with(|inner| inner.open = true);
    }

    /// It does not any more. What it has is not given out, but kept for one that can find out what it missed.
    pub fn close(&self) {
        self.with(|inner| {
            inner.open = false;
            inner.drops.iter_mut().for_each(|drops| *drops += 1);
        });
    }

    pub fn is_open(&self) -> bool {
        self.with(|inner| inner.open)
    }

    pub fn contents(&self) -> Vec<(i64, Value)> {
        self.with(|inner| inner.values.iter().map(|(id, (value, _))| (*id, *value)).collect())
    }
}

impl Inner {
    fn drop_all(&mut self) {
        self.drops.iter_mut().for_each(|drops| *drops += 1);
        self.values.clear();
    }
}

fn shard(id: i64) -> usize {
    (id as u64 % SHARDS as u64) as usize
}
