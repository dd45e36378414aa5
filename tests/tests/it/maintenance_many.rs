//! Many databases, and many passes.
//!
//! By hand at full size, with what was seen printed:
//! `MANY_DATABASES=1000 MANY_POLICIES=100 MANY_SECONDS=60 MANY_NAPTIME=10 cargo test -p tests many -- --nocapture`

use postgres::Client;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tests::{Cluster, cluster, column, connect, eventually, eventually_true, value};

/// The default, or what the environment asks for.
fn size(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Anonymous memory of a process, in kB: what it has allocated for itself. None if it has ended.
fn memory(pid: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("RssAnon:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// CPU time of all children of the postmaster that have ended, in seconds.
fn used_by_children(cluster: &Cluster) -> f64 {
    let pid = cluster.postmaster().expect("a postmaster");
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let fields: Vec<&str> =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    // cutime and cstime, in ticks of 10 ms.
    [13, 14].iter().map(|place| fields[*place].parse::<f64>().expect("a number")).sum::<f64>()
        / 100.0
}

/// When each database was visited, as far as it can be told from outside: a visit commits, and reports that when it ends.
#[derive(Default)]
struct Visits {
    commits: HashMap<String, i64>,
    last: HashMap<String, Instant>,
    number: HashMap<String, u32>,
    longest: HashMap<String, Duration>,
}

impl Visits {
    fn look(&mut self, client: &mut Client) {
        let rows = client
            .query(
                "SELECT datname::text, xact_commit FROM pg_stat_database WHERE datname ~ '^(many|busy)_'",
                &[],
            )
            .expect("statistics");
        let now = Instant::now();
        for row in rows {
            let (name, commits): (String, i64) = (row.get(0), row.get(1));
            let before = self.commits.insert(name.clone(), commits);
            if before.is_some_and(|before| before != commits) {
                if let Some(last) = self.last.insert(name.clone(), now) {
                    let longest = self.longest.entry(name.clone()).or_default();
                    *longest = (*longest).max(now - last);
                }
                *self.number.entry(name).or_default() += 1;
            }
        }
    }

    /// Visits of the databases whose names begin so: of all, the fewest and the most of one, and the longest time between two.
    fn of(&self, prefix: &str, databases: u64) -> (u32, u32, u32, Duration) {
        let numbers: Vec<u32> = (0..databases)
            .map(|n| self.number.get(&format!("{prefix}_{n}")).copied().unwrap_or(0))
            .collect();
        let longest = self.longest.iter().filter(|(name, _)| name.starts_with(prefix));
        (
            numbers.iter().sum(),
            numbers.iter().copied().min().unwrap_or(0),
            numbers.iter().copied().max().unwrap_or(0),
            longest.map(|(_, gap)| *gap).max().unwrap_or_default(),
        )
    }
}

#[test]
fn many_databases_are_visited_in_time_and_those_without_policies_seldom() {
    let (databases, policies) = (size("MANY_DATABASES", 16), size("MANY_POLICIES", 4));
    let (seconds, naptime) = (size("MANY_SECONDS", 12), size("MANY_NAPTIME", 2));
    let cluster = cluster(&[
        "shared_preload_libraries = 'maintenance_worker'",
        &format!("maintenance_worker.naptime = {naptime}s"),
        "maintenance_worker.enabled = off",
        "autovacuum = off",
    ]);
    let mut client = connect(&cluster, "postgres");
    let began = Instant::now();
    client.batch_execute("CREATE DATABASE prepared").expect("a database");
    connect(&cluster, "prepared")
        .batch_execute(
            "CREATE EXTENSION maintenance_worker;
             CREATE TABLE events (created timestamptz NOT NULL) PARTITION BY RANGE (created);
             SELECT maintenance.add_partition_policy('events', period => '1 day', premake => 3)",
        )
        .expect("a policy");
    for n in 0..policies {
        client
            .batch_execute(&format!("CREATE DATABASE busy_{n} TEMPLATE prepared"))
            .expect("a database");
    }
    for n in 0..databases {
        client.batch_execute(&format!("CREATE DATABASE many_{n}")).expect("a database");
    }
    client.batch_execute("DROP DATABASE prepared").expect("dropped");
    println!("{} databases made in {:?}", databases + policies, began.elapsed());

    for statement in ["ALTER SYSTEM SET maintenance_worker.enabled = on", "SELECT pg_reload_conf()"]
    {
        client.batch_execute(statement).expect("switched on");
    }
    let launcher = eventually("a launcher", Duration::from_secs(20), || {
        let pid =
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'maintenance_worker launcher'";
        column(&mut client, pid).pop()
    });
    let began = Instant::now();
    let mut visits = Visits::default();
    let mut at_once = 0;
    let mut workers: Vec<u64> = vec![];
    // Everything is visited once at first.
    let all = Duration::from_secs(naptime * 4 + (databases + policies) / 10);
    eventually("the first visits", all, || {
        visits.look(&mut client);
        (visits.number.len() as u64 == databases + policies).then_some(())
    });
    println!("each database was visited once after {:?}", began.elapsed());
    let (first, cpu, began) = (memory(&launcher), used_by_children(&cluster), Instant::now());
    visits = Visits::default();
    while began.elapsed() < Duration::from_secs(seconds) {
        visits.look(&mut client);
        let running = column(
            &mut client,
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'maintenance_worker'",
        );
        at_once = at_once.max(running.len());
        workers.extend(running.iter().filter_map(|pid| memory(pid)));
        std::thread::sleep(Duration::from_millis(20));
    }
    let took = began.elapsed().as_secs_f64();
    let cpu = used_by_children(&cluster) - cpu;
    let (busy, fewest, most, gap) = visits.of("busy", policies);
    let (idle, _, most_idle, _) = visits.of("many", databases);
    println!(
        "in {took:.0} s at a naptime of {naptime} s: {busy} visits to {policies} databases with a policy ({fewest} to {most} \
         each, at most {gap:?} between two), {idle} to {databases} without; at most {at_once} at once; {cpu:.2} s of CPU, {:.1} ms a visit",
        cpu * 1000.0 / f64::from((busy + idle).max(1))
    );
    let last = memory(&launcher);
    println!("the launcher's memory: {first:?} kB, then {last:?} kB");
    workers.sort_unstable();
    println!(
        "{} looks at workers: {:?} to {:?} kB",
        workers.len(),
        workers.first(),
        workers.last()
    );
    assert!(at_once <= 3, "{at_once} workers at once");
    assert!(gap < Duration::from_secs(naptime * 3), "{gap:?} between two visits");
    assert!(f64::from(fewest) >= took / naptime as f64 / 2.0 - 1.0, "{fewest} visits in {took} s");
    // Nobody has looked at these for less than 60 naptimes.
    if seconds < 60 * naptime {
        assert!(most_idle <= 1, "{most_idle} visits to a database without policies");
    }
    let grown = last.expect("it runs").saturating_sub(first.expect("it runs"));
    assert!(grown < 1024, "the launcher has grown by {grown} kB");

    // One that gets its first policy now is not forgotten for 60 naptimes.
    let mut client = connect(&cluster, "many_0");
    client
        .batch_execute(
            "CREATE EXTENSION maintenance_worker;
             CREATE MATERIALIZED VIEW clock AS SELECT now() AS at;
             SELECT maintenance.add_refresh_policy('clock', '1 second')",
        )
        .expect("a policy");
    let began = Instant::now();
    let seen = "SELECT count(*) > 0 FROM maintenance.runs";
    eventually_true(&mut client, Duration::from_secs(naptime * 3 + 5), seen);
    println!("the first visit for a policy came after {:?}", began.elapsed());
}

/// The launcher starts a process for each visit; it must not keep a little of each.
#[test]
fn many_passes_leave_the_launcher_as_large_as_it_was() {
    let databases = size("PASSES_DATABASES", 8);
    let passes = size("PASSES", 150) as u32;
    let cluster = cluster(&[
        "shared_preload_libraries = 'maintenance_worker'",
        "maintenance_worker.naptime = 1s",
        "autovacuum = off",
    ]);
    let mut client = connect(&cluster, "postgres");
    client.batch_execute("CREATE DATABASE busy_0").expect("a database");
    connect(&cluster, "busy_0")
        .batch_execute(
            "CREATE EXTENSION maintenance_worker;
             CREATE TABLE events (created timestamptz NOT NULL) PARTITION BY RANGE (created);
             SELECT maintenance.add_partition_policy('events', period => '1 day', premake => 3)",
        )
        .expect("a policy");
    for n in 1..databases {
        eventually("a template that nobody visits", Duration::from_secs(20), || {
            client.batch_execute(&format!("CREATE DATABASE busy_{n} TEMPLATE busy_0")).ok()
        });
    }
    let pid = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'maintenance_worker launcher'";
    let launcher = value(&mut client, pid).expect("a launcher");
    let mut visits = Visits::default();
    let mut sizes: Vec<(u32, u64)> = vec![];
    let deadline = Duration::from_secs(60 + u64::from(passes) / 5);
    let began = Instant::now();
    let mut workers: Vec<u64> = vec![];
    eventually("the passes", deadline, || {
        visits.look(&mut client);
        let (done, ..) = visits.of("busy", databases);
        if sizes.last().is_none_or(|(at, _)| done >= at + passes / 10) {
            sizes.push((done, memory(&launcher).expect("a launcher")));
            println!("after {done} passes and {:?}: {:?} kB", began.elapsed(), sizes.last());
        }
        let running = column(
            &mut client,
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'maintenance_worker'",
        );
        workers.extend(running.iter().filter_map(|pid| memory(pid)));
        (done >= passes).then_some(())
    });
    println!("{passes} passes in {:?}; (passes, kB of the launcher): {sizes:?}", began.elapsed());
    println!("{} looks at workers: at most {:?} kB", workers.len(), workers.iter().max());
    let (early, late) = (sizes[1].1, sizes.last().expect("a size").1);
    assert!(late < early + 256, "the launcher has grown from {early} to {late} kB");
}

/// The same for a session that calls the functions again and again.
#[test]
fn many_calls_in_one_session_leave_it_as_large_as_it_was() {
    let calls = size("CALLS", 800);
    let cluster = cluster(&["autovacuum = off"]);
    tests::create_app(&cluster);
    let mut client = connect(&cluster, "app");
    client
        .batch_execute(
            "CREATE TABLE events (created timestamptz NOT NULL) PARTITION BY RANGE (created);
             SELECT maintenance.add_partition_policy('events', period => '1 day', premake => 3);
             CREATE MATERIALIZED VIEW clock AS SELECT now() AS at;
             CREATE MATERIALIZED VIEW totals AS SELECT count(*) FROM events;
             SELECT maintenance.add_refresh_policy('clock', '1 second');
             SELECT maintenance.add_refresh_policy('totals', '1 second')",
        )
        .expect("policies");
    for (what, calls) in [
        ("SELECT maintenance.run_partition_maintenance()", calls),
        ("SELECT maintenance.refresh_materialized_views(only_due => true)", calls),
        ("SELECT maintenance.refresh_materialized_views()", calls / 5),
    ] {
        let mut session = connect(&cluster, "app");
        let pid = value(&mut session, "SELECT pg_backend_pid()").expect("a pid");
        let mut sizes = vec![];
        for n in 0..calls {
            if n % (calls / 10) == 0 {
                sizes.push(memory(&pid).expect("a session"));
            }
            session.batch_execute(what).expect("a call");
        }
        sizes.push(memory(&pid).expect("a session"));
        println!("{calls} x {what}: kB after every tenth {sizes:?}");
        // The first tenth fills caches.
        let (early, late) = (sizes[2], sizes[sizes.len() - 1]);
        assert!(late < early + 512, "{what}: the session has grown from {early} to {late} kB");
    }
}
