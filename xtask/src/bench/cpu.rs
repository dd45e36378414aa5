//! How much CPU a backend has used, as Linux accounts for it.
//!
//! CPU time, not time on the clock: it does not count waits for a core that other programs hold.

use anyhow::{Context, Result, ensure};
use postgres::Client;
use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::time::{Duration, Instant};
use xtask::cluster::Cluster;

/// A tick of /proc/<pid>/stat: USER_HZ is 100 on every Linux that the servers run on.
const TICK: u64 = 10_000_000;

/// Where the numbers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Nanoseconds on a CPU: the first field of /proc/<pid>/schedstat.
    Schedstat,
    /// utime and stime of /proc/<pid>/stat, for kernels built without the former.
    Ticks,
}

impl Clock {
    pub fn here() -> Clock {
        match read_to_string("/proc/self/schedstat").ok().as_deref().map(schedstat) {
            Some(Ok(nanos)) if nanos > 0 => Clock::Schedstat,
            _ => Clock::Ticks,
        }
    }

    pub fn describe(self) -> &'static str {
        match self {
            Clock::Schedstat => "CPU time of the backend, from /proc/<pid>/schedstat",
            Clock::Ticks => {
                "CPU time of the backend in ticks of 10 ms, from /proc/<pid>/stat: short measurements are coarse"
            }
        }
    }

    /// What the process has used so far, in nanoseconds.
    fn read(self, pid: i32) -> Result<u64> {
        match self {
            Clock::Schedstat => schedstat(&read_to_string(format!("/proc/{pid}/schedstat"))?),
            Clock::Ticks => {
                let stat = read_to_string(format!("/proc/{pid}/stat"))?;
                Ok(Stat::parse(&stat)?.ticks * TICK)
            }
        }
    }
}

fn schedstat(text: &str) -> Result<u64> {
    text.split_whitespace()
        .next()
        .and_then(|field| field.parse().ok())
        .context("schedstat does not begin with a number")
}

struct Stat {
    state: char,
    /// utime and stime.
    ticks: u64,
    /// The same of children that have ended and been waited for.
    ended: u64,
}

impl Stat {
    fn parse(text: &str) -> Result<Stat> {
        // The second field, the program's name, may hold blanks and brackets; what follows it does not.
        let rest = text.rsplit(')').next().unwrap_or_default();
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |place: usize| -> Result<u64> {
            Ok(fields.get(place).context("/proc/<pid>/stat is short")?.parse()?)
        };
        let state = fields.first().and_then(|field| field.chars().next());
        Ok(Stat {
            state: state.context("/proc/<pid>/stat is short")?,
            ticks: number(11)? + number(12)?,
            ended: number(13)? + number(14)?,
        })
    }
}

/// What a whole server has used so far, in nanoseconds: all its processes, also those that have ended. In ticks: for
/// loads that last seconds.
pub fn of_server(cluster: &Cluster) -> Result<u64> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let before = cluster.processes()?;
        let mut ticks = 0;
        let mut all_there = true;
        for pid in &before {
            match read_to_string(format!("/proc/{pid}/stat")) {
                Ok(stat) => {
                    let stat = Stat::parse(&stat)?;
                    ticks += stat.ticks + stat.ended;
                }
                Err(_) => all_there = false,
            }
        }
        // A process that ended in between would be counted twice, or not at all.
        if all_there && cluster.processes()? == before {
            return Ok(ticks * TICK);
        }
        ensure!(Instant::now() < deadline, "the server's processes come and go all the time");
        std::thread::yield_now();
    }
}

/// A connection whose backend's CPU time can be read.
pub struct Session {
    pub client: Client,
    pid: i32,
    clock: Clock,
    /// Where the time of other backends counts as well.
    watcher: Option<Watcher>,
}

struct Watcher {
    client: Client,
    /// Backends that have no part in it: they were there before.
    strangers: Vec<i32>,
}

/// How long a backend may take to come to rest.
const PATIENCE: Duration = Duration::from_secs(10);

impl Session {
    pub fn open(cluster: &Cluster, database: &str) -> Result<Session> {
        let mut client = cluster.connect(database)?;
        let pid = client.query_one("SELECT pg_backend_pid()", &[])?.get(0);
        Ok(Session { client, pid, clock: Clock::here(), watcher: None })
    }

    /// From here on the time of backends that are started from now on counts too: this one may have others do its work.
    pub fn watch_others(&mut self, cluster: &Cluster) -> Result<()> {
        let mut client = cluster.connect("postgres")?;
        let mut strangers = backends(&mut client)?;
        strangers.retain(|pid| *pid != self.pid);
        self.watcher = Some(Watcher { client, strangers });
        Ok(())
    }

    /// Does the work and returns what the server spent on it, in nanoseconds.
    pub fn cpu<T>(&mut self, work: impl FnOnce(&mut Client) -> Result<T>) -> Result<(T, f64)> {
        let before = self.used()?;
        let done = work(&mut self.client)?;
        let after = self.used()?;
        // What an ended process has used is known to nobody.
        ensure!(before.keys().all(|pid| after.contains_key(pid)), "a backend has ended");
        let spent: u64 = after
            .iter()
            .map(|(pid, nanos)| nanos.saturating_sub(before.get(pid).copied().unwrap_or_default()))
            .sum();
        Ok((done, spent as f64))
    }

    /// The processes whose time counts.
    fn working(&mut self) -> Result<Vec<i32>> {
        let Some(Watcher { client, strangers }) = &mut self.watcher else {
            return Ok(vec![self.pid]);
        };
        let mut found = backends(client)?;
        found.retain(|pid| !strangers.contains(pid));
        Ok(found)
    }

    fn used(&mut self) -> Result<BTreeMap<i32, u64>> {
        self.working()?.into_iter().map(|pid| Ok((pid, self.used_by(pid)?))).collect()
    }

    /// Read while the backend waits for us: the kernel brings the number up to date when a process leaves the CPU,
    /// and the answer reaches us a moment before that.
    fn used_by(&self, pid: i32) -> Result<u64> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let stat =
                read_to_string(format!("/proc/{pid}/stat")).context("the backend is gone")?;
            if Stat::parse(&stat)?.state == 'S' {
                return self.clock.read(pid);
            }
            ensure!(Instant::now() < deadline, "the backend does not come to rest");
            std::thread::yield_now();
        }
    }
}

/// The backends of all sessions, but for the one that asks.
fn backends(client: &mut Client) -> Result<Vec<i32>> {
    let rows = client.query(
        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
        &[],
    )?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn reads_what_linux_writes() {
        assert_eq!(schedstat("123456789 49273 17\n").unwrap(), 123_456_789);
        assert!(schedstat("\n").is_err());
        let stat = Stat::parse(
            "42 (postgres: a) b (c) S 1 42 42 0 -1 4194560 100 0 0 0 7 5 1 2 20 0 1 0 1000 1 2\n",
        )
        .unwrap();
        assert_eq!((stat.state, stat.ticks, stat.ended), ('S', 12, 3));
        assert!(Stat::parse("42 (postgres) S 1").is_err());
    }

    #[test]
    fn own_time_goes_up() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let ticks = |clock: Clock| clock.read(pid).unwrap();
        let before = ticks(Clock::Ticks);
        // Busy, not asleep: until a tick has gone by.
        let deadline = Instant::now() + Duration::from_secs(10);
        while ticks(Clock::Ticks) == before {
            assert!(Instant::now() < deadline, "no time is accounted for");
        }
    }
}
