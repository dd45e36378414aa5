//! `make bench`: what the extensions cost beside what else does the same work.
//!
//! A bench is a file here with a `BENCH`; it measures figures (contenders against each other) and takes readings
//! (single numbers) on a private server of its own. A target that is missed is shown, and fails nothing: a bench is
//! not a test. A contender that does not do its work is an error.

mod cpu;
mod figure;
mod maintenance_worker;
mod pb_compat;
mod report;
mod shard_router;
mod sqlite;
mod stats;

use crate::setup::Toolchain;
use anyhow::{Context, Result, bail};
use cpu::{Clock, Session};
use figure::{Contender, Figure};
use report::{FigureReport, LeftOut, Machine, Measured, Reading, Report};
use std::process::Command;
use std::time::Instant;
use xtask::cluster::Cluster;
use xtask::command::{Progress, output};
use xtask::server::Server;
use xtask::workspace::{EXTENSIONS, root};

/// A bench as it is called by name.
struct Bench {
    name: &'static str,
    /// The extensions that its database gets.
    extensions: &'static [&'static str],
    /// More lines of postgresql.conf.
    settings: &'static [&'static str],
    run: fn(&mut Run) -> Result<()>,
}

const BENCHES: [Bench; 4] =
    [pb_compat::BENCH, sqlite::BENCH, shard_router::BENCH, maintenance_worker::BENCH];

/// The database that a bench works in.
const DATABASE: &str = "bench";

/// Nothing in the background, one process for a query, everything in memory.
const SETTINGS: [&str; 13] = [
    "autovacuum = off",
    "jit = off",
    "max_parallel_workers_per_gather = 0",
    "shared_buffers = 256MB",
    "work_mem = 64MB",
    "synchronize_seqscans = off",
    "full_page_writes = off",
    "wal_level = minimal",
    "max_wal_senders = 0",
    "max_wal_size = 8GB",
    "checkpoint_timeout = 1h",
    // A statement that fails on purpose is not to pay for a line in the log.
    "log_min_messages = fatal",
    "track_activities = off",
];

/// Runs the benches of these names (all when there are none) on each version.
pub fn run(names: &[String], majors: &[u32], quick: bool) -> Result<()> {
    let chosen: Vec<&Bench> = BENCHES
        .iter()
        .filter(|bench| names.is_empty() || names.iter().any(|name| name == bench.name))
        .collect();
    for name in names {
        if !BENCHES.iter().any(|bench| bench.name == name) {
            let known: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
            bail!("there is no bench {name}; there is {}", known.join(", "));
        }
    }
    let began = Instant::now();
    let mut targets = Vec::new();
    for major in majors {
        println!("\n== build (PostgreSQL {major})");
        let toolchain = Toolchain::prepare(Some(*major))?;
        let server = toolchain.server.private_copy("bench")?;
        let needed: Vec<&str> = EXTENSIONS
            .into_iter()
            .filter(|name| chosen.iter().any(|bench| bench.extensions.contains(name)))
            .collect();
        toolchain.install_only(&needed, &server)?;
        for bench in &chosen {
            println!("\n== bench {} (PostgreSQL {major})", bench.name);
            let report = measure(bench, &server, quick)
                .with_context(|| format!("bench {} on PostgreSQL {major}", bench.name))?;
            println!("\nkept in {}", report.save()?.display());
            for line in report.targets() {
                targets.push(format!("PostgreSQL {major}, {}: {line}", bench.name));
            }
        }
    }
    println!("\n== targets");
    targets.iter().for_each(|line| println!("{line}"));
    println!("\n{:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

fn measure(bench: &Bench, server: &Server, quick: bool) -> Result<Report> {
    let settings: Vec<&str> = SETTINGS.iter().chain(bench.settings).copied().collect();
    let cluster = Cluster::start(server, &settings)?;
    cluster.connect("postgres")?.batch_execute(&format!("CREATE DATABASE {DATABASE}"))?;
    let mut client = cluster.connect(DATABASE)?;
    for extension in bench.extensions {
        client.batch_execute(&format!("CREATE EXTENSION {extension}"))?;
    }
    let machine = machine(&mut client, server.major, quick)?;
    machine.show();
    let mut run = Run {
        cluster: &cluster,
        major: server.major,
        quick,
        report: Report {
            bench: bench.name.to_owned(),
            machine,
            figures: Vec::new(),
            readings: Vec::new(),
        },
    };
    (bench.run)(&mut run)?;
    Ok(run.report)
}

fn machine(client: &mut postgres::Client, major: u32, quick: bool) -> Result<Machine> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| {
            Some(line.strip_prefix("model name")?.split_once(':')?.1.trim().to_owned())
        })
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    // A tarball has no commit; that is no reason not to measure.
    let commit = output(Command::new("git").current_dir(root()).args([
        "describe",
        "--always",
        "--dirty",
        "--abbrev=12",
    ]))
    .unwrap_or_else(|_| "unknown".to_owned());
    let row = client.query_one(
        "SELECT current_setting('server_version'),
                to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI \"UTC\"')",
        &[],
    )?;
    Ok(Machine {
        cpu,
        cores: std::thread::available_parallelism()?.get(),
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        load: read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
        postgresql: row.get(0),
        major,
        commit: commit.trim().to_owned(),
        date: row.get(1),
        clock: Clock::here().describe().to_owned(),
        quick,
    })
}

/// A bench at work: where it finds the server and leaves what it measured.
struct Run<'a> {
    cluster: &'a Cluster,
    major: u32,
    quick: bool,
    report: Report,
}

impl Run<'_> {
    /// How many of something: all of it, or what a quick run takes.
    fn size(&self, full: u64, quick: u64) -> u64 {
        if self.quick { quick } else { full }
    }

    /// A session of its own in the bench's database.
    fn session(&self) -> Result<Session> {
        Session::open(self.cluster, DATABASE)
    }

    /// The text of a file of sql/bench.
    fn sql(&self, file: &str) -> Result<String> {
        let path = root().join("sql/bench").join(file);
        std::fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))
    }

    /// Runs a file of sql/bench.
    fn load(&self, file: &str) -> Result<()> {
        let sql = self.sql(file)?;
        self.session()?.client.batch_execute(&sql).with_context(|| file.to_owned())
    }

    /// Does something that takes a while, under a title that says so.
    fn step<T>(&self, title: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let progress = Progress::start(title);
        let done = work();
        progress.finish(done.is_ok());
        done
    }

    /// Measures the contenders in turn, in one session, and shows the table.
    fn compare(&mut self, figure: Figure) -> Result<()> {
        self.compare_in(if self.quick { 5 } else { 11 }, figure)
    }

    /// The same in as many rounds as the figure wants. Many short ones bring the halves of a pair closer together.
    fn compare_in(&mut self, rounds: usize, mut figure: Figure) -> Result<()> {
        let mut session = self.session()?;
        let left_out = self.leave_out(&mut session, &mut figure)?;
        if figure.contenders.iter().any(|one| one.calls_others) {
            session.watch_others(self.cluster)?;
        }
        // The baseline takes part in the rounds like everybody else.
        let mut all: Vec<Contender> = figure.baseline.take().into_iter().collect();
        let with_baseline = !all.is_empty();
        all.append(&mut figure.contenders);
        for one in &all {
            session
                .client
                .batch_execute(&one.prepare)
                .with_context(|| format!("preparing {}", one.label))?;
        }

        let mut series: Vec<Vec<f64>> = vec![Vec::with_capacity(rounds); all.len()];
        let mut progress = Progress::start(&figure.name);
        // One round more than is counted: the first fills caches.
        for round in 0..=rounds {
            for place in stats::rotation(round, all.len()) {
                let one = &mut all[place];
                progress.tick(|| format!("round {round} of {rounds}: {}", one.label));
                let ((), nanos) = session.cpu(&mut one.work).with_context(|| one.label.clone())?;
                if round > 0 {
                    series[place].push(nanos / one.items as f64);
                }
            }
        }
        progress.finish(true);

        let mut measured = all
            .iter()
            .zip(series)
            .map(|(one, rounds)| Measured::new(&one.label, one.items, rounds))
            .collect::<Result<Vec<_>>>()?;
        let baseline = with_baseline.then(|| measured.remove(0));
        let target = |label: &str| {
            figure.targets.iter().find(|one| one.contender == label).map(|one| one.at_most)
        };
        let report = FigureReport {
            contenders: report::compare(&measured, baseline.as_ref(), &figure.reference, target)?,
            name: figure.name,
            note: figure.note.split_whitespace().collect::<Vec<_>>().join(" "),
            item: figure.item.to_owned(),
            rounds,
            baseline,
            reference: figure.reference,
            left_out,
        };
        report.show();
        self.report.figures.push(report);
        Ok(())
    }

    /// Takes out the contenders that this server does not have, and says why.
    fn leave_out(&self, session: &mut Session, figure: &mut Figure) -> Result<Vec<LeftOut>> {
        let mut left_out = Vec::new();
        let mut there = Vec::new();
        for one in figure.contenders.drain(..) {
            let why = match (one.since, one.needs) {
                _ if one.left_out.is_some() => one.left_out.clone(),
                (Some(major), _) if self.major < major => {
                    Some(format!("PostgreSQL has it since {major}"))
                }
                (_, Some(extension)) => missing(session, extension)?,
                _ => None,
            };
            match why {
                Some(why) => left_out.push(LeftOut { label: one.label, why }),
                None => there.push(one),
            }
        }
        figure.contenders = there;
        Ok(left_out)
    }

    /// Shows and keeps a single number.
    fn reading(&mut self, reading: Reading) {
        reading.show();
        self.report.readings.push(reading);
    }
}

/// Creates an extension that PostgreSQL itself ships, or tells why there is none.
fn missing(session: &mut Session, extension: &str) -> Result<Option<String>> {
    let known = session
        .client
        .query_opt("SELECT FROM pg_available_extensions WHERE name = $1", &[&extension])?;
    if known.is_none() {
        return Ok(Some(format!("this server comes without the extension {extension}")));
    }
    let create = format!("CREATE EXTENSION IF NOT EXISTS \"{extension}\"");
    Ok(session.client.batch_execute(&create).err().map(|error| {
        let text =
            error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned());
        format!("this server cannot create the extension {extension}: {text}")
    }))
}
