//! The cache in Redis, which all nodes share.
//!
//! A key holds a value, or a lease: the word of a reader that found nothing there and went to ask the database. Whoever drops
//! the key drops the lease with it, and a value takes the place of exactly the lease it was read under.

use super::Value;
use redis::{Connection, RedisResult, cmd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub enum Found {
    Value(Value),
    Lease(String),
}

/// Long enough to read a row; a reader that takes longer may not fill.
const LEASE: Duration = Duration::from_secs(5);

const GET: &str = "local found = redis.call('GET', KEYS[1])
if found then return found end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]";

const FILL: &str = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1";

fn key(id: i64) -> String {
    format!("items:{id}")
}

/// Looks a value up; where there is none, leaves a lease or shares the one that is there.
pub fn get(redis: &mut Connection, id: i64) -> RedisResult<Found> {
    static LEASES: AtomicU64 = AtomicU64::new(0);
    // Processes that share a Redis would make it random.
    let lease = format!("lease {}", LEASES.fetch_add(1, Ordering::Relaxed));
    let found: String = cmd("EVAL")
        .arg(GET)
        .arg(1)
        .arg(key(id))
        .arg(lease)
        .arg(LEASE.as_millis() as u64)
        .query(redis)?;
    Ok(match decode(&found) {
        Some(value) => Found::Value(value),
        None => Found::Lease(found),
    })
}

/// Puts a value in the place of the lease that it was read under, if that is still there.
pub fn fill(
    redis: &mut Connection,
    id: i64,
    lease: &str,
    value: Value,
    lifetime: Duration,
) -> RedisResult<bool> {
    let lifetime = lifetime.as_millis() as u64;
    cmd("EVAL")
        .arg(FILL)
        .arg(1)
        .arg(key(id))
        .arg(lease)
        .arg(encode(value))
        .arg(lifetime)
        .query(redis)
}

/// What a careless client does.
pub fn set(redis: &mut Connection, id: i64, value: Value, lifetime: Duration) -> RedisResult<()> {
    cmd("SET")
        .arg(key(id))
        .arg(encode(value))
        .arg("PX")
        .arg(lifetime.as_millis() as u64)
        .query(redis)
}

pub fn drop_key(redis: &mut Connection, id: i64) -> RedisResult<()> {
    cmd("UNLINK").arg(key(id)).query(redis)
}

/// Drops all values and all leases that are there when it begins.
pub fn drop_all(redis: &mut Connection) -> RedisResult<()> {
    for key in keys(redis)? {
        cmd("UNLINK").arg(key).query::<()>(redis)?;
    }
    Ok(())
}

pub fn contents(redis: &mut Connection) -> RedisResult<Vec<(i64, Value)>> {
    let mut contents = Vec::new();
    for key in keys(redis)? {
        let found: Option<String> = cmd("GET").arg(&key).query(redis)?;
        if let Some(value) = found.as_deref().and_then(decode) {
            let id = key.trim_start_matches("items:").parse().expect("a key of ours");
            contents.push((id, value));
        }
    }
    Ok(contents)
}

fn keys(redis: &mut Connection) -> RedisResult<Vec<String>> {
    let (mut keys, mut cursor) = (Vec::new(), 0_u64);
    loop {
        let (next, mut found): (u64, Vec<String>) = cmd("SCAN")
            .arg(cursor)
            .arg("MATCH")
            .arg("items:*")
            .arg("COUNT")
            .arg(1000)
            .query(redis)?;
        keys.append(&mut found);
        cursor = next;
        if cursor == 0 {
            return Ok(keys);
        }
    }
}

/// A row that is not there is remembered too.
fn encode(value: Value) -> String {
    value.map_or_else(|| "missing".to_owned(), |value| format!("value {value}"))
}

fn decode(text: &str) -> Option<Value> {
    match text.strip_prefix("value ") {
        Some(value) => Some(value.parse().ok()),
        None => (text == "missing").then_some(None),
    }
}
