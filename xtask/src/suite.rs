//! `make test`: every tier, each with its runner's own output, and one line that counts them all.

use crate::setup::{PARTMAN, Toolchain, borrow_extension, given_pg_config, program_for_tests};
use crate::{coverage, docs, fetch};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use xtask::cluster::Cluster;
use xtask::command::stream;
use xtask::server::Server;
use xtask::workspace::{Account, EXTENSIONS, root, target};

/// What a runner counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub passed: u32,
    pub failed: u32,
    pub skipped: u32,
}

impl Tally {
    pub fn one(ok: bool) -> Tally {
        Tally { passed: u32::from(ok), failed: u32::from(!ok), skipped: 0 }
    }

    pub fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// Counts a line of libtest's ("test result: ok. 3 passed; 0 failed; 1 ignored; ..") or of pg_regress
    /// ("test name ... ok 12 ms" up to PostgreSQL 15, "ok 1 - name 12 ms" since).
    fn count(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("test result: ") {
            let number = |what| number_before(rest, what).unwrap_or(0);
            self.add(Tally {
                passed: number("passed"),
                failed: number("failed"),
                skipped: number("ignored"),
            });
        } else if let Some(verdict) = regress_verdict(line) {
            self.add(Tally::one(verdict));
        }
    }
}

/// The 3 of "ok. 3 passed; 0 failed; ..".
fn number_before(line: &str, what: &str) -> Option<u32> {
    line.split([';', '.', ':']).find_map(|part| part.trim().strip_suffix(what)?.trim().parse().ok())
}

fn regress_verdict(line: &str) -> Option<bool> {
    if line.starts_with("test ") && line.trim_end().ends_with(" ms") {
        let verdict = line.split(" ... ").nth(1)?;
        return Some(verdict.starts_with("ok"));
    }
    let numbered = |rest: &str| rest.trim_start().starts_with(|c: char| c.is_ascii_digit());
    if let Some(rest) = line.strip_prefix("ok ") {
        return numbered(rest).then_some(true);
    }
    if let Some(rest) = line.strip_prefix("not ok ") {
        return numbered(rest).then_some(false);
    }
    None
}

/// The tiers, by the names that `--tier` takes.
pub const TIERS: [&str; 8] =
    ["fmt", "clippy", "unit", "pgrx", "checks", "regress", "docs", "clusters"];

pub struct Row {
    major: u32,
    tier: String,
    tally: Tally,
    seconds: f64,
}

/// Runs the tiers (all of them when `only` is empty) for each version and fails when any test does.
pub fn run(majors: &[u32], only: &[String]) -> Result<()> {
    let began = Instant::now();
    let mut rows = Vec::new();
    for major in majors {
        if let Err(error) = run_version(*major, only, &mut rows) {
            // What keeps one version from being built or started says nothing about the others.
            println!("\nPostgreSQL {major}: {error:#}");
            rows.push(Row {
                major: *major,
                tier: "build".into(),
                tally: Tally::one(false),
                seconds: 0.0,
            });
        }
    }
    coverage::save(&rows)?;
    summary(&rows, began.elapsed().as_secs_f64())
}

fn run_version(major: u32, only: &[String], rows: &mut Vec<Row>) -> Result<()> {
    let toolchain = Toolchain::prepare(Some(major))?;
    let wanted = |tier: &str| only.is_empty() || only.iter().any(|name| name == tier);
    let mut tier = |name: &str, work: &mut dyn FnMut() -> Result<Tally>| -> Result<()> {
        println!("\n== {name} (PostgreSQL {major})");
        let began = Instant::now();
        let tally = work()?;
        rows.push(Row {
            major,
            tier: name.to_owned(),
            tally,
            seconds: began.elapsed().as_secs_f64(),
        });
        Ok(())
    };

    if wanted("fmt") {
        tier("fmt", &mut || {
            check(Command::new("cargo").current_dir(root()).args(["fmt", "--all", "--check"]))
        })?;
    }
    if wanted("clippy") {
        tier("clippy", &mut || clippy(&toolchain))?;
    }
    if wanted("unit") {
        tier("unit", &mut || unit(&toolchain))?;
    }
    if wanted("pgrx") {
        for extension in EXTENSIONS {
            tier(&format!("pgrx {extension}"), &mut || pgrx(&toolchain, extension))?;
        }
    }
    // The other tiers see what is shipped: the release build, in a server of its own.
    if ["checks", "regress", "docs", "clusters"].into_iter().any(wanted) {
        println!("\n== build (PostgreSQL {major})");
        let server = toolchain.server.private_copy("test")?;
        toolchain.install(&server)?;
        if ["checks", "regress", "docs"].into_iter().any(wanted) {
            let cluster = Cluster::start(
                &server,
                &[
                    "shared_preload_libraries = 'maintenance_worker'",
                    "maintenance_worker.enabled = off",
                ],
            )?;
            if wanted("checks") {
                tier("checks", &mut || checks(&cluster))?;
            }
            if wanted("regress") {
                let connect = Connection::to(&cluster);
                for extension in EXTENSIONS {
                    tier(&format!("regress {extension}"), &mut || {
                        regress(&server, &connect, extension)
                    })?;
                    tier(&format!("isolation {extension}"), &mut || {
                        isolation(&server, &connect, extension)
                    })?;
                }
            }
            if wanted("docs") {
                // Where there are consumers to show; the tests before see what most servers have.
                cluster.configure(&["wal_level = logical"])?;
                cluster.restart()?;
                tier("docs", &mut || docs::check(&cluster))?;
            }
        }
        if wanted("clusters") {
            let without_icu = toolchain.server_without_icu()?;
            tier("clusters", &mut || clusters(&server, without_icu.as_ref()))?;
        }
    }
    Ok(())
}

fn summary(rows: &[Row], seconds: f64) -> Result<()> {
    let mut all = Tally::default();
    let line = |version: &str, tier: &str, tally: Tally, seconds: f64| {
        let Tally { passed, failed, skipped } = tally;
        println!("{version:<8} {tier:<30} {passed:>7} {failed:>7} {skipped:>8} {seconds:>8.1}");
    };
    println!(
        "\n{:<8} {:<30} {:>7} {:>7} {:>8} {:>8}",
        "version", "tier", "passed", "failed", "skipped", "seconds"
    );
    for row in rows {
        line(&row.major.to_string(), &row.tier, row.tally, row.seconds);
        all.add(row.tally);
    }
    line("", "all", all, seconds);
    println!("\n{} passed, {} failed, {} skipped", all.passed, all.failed, all.skipped);
    if all.failed > 0 {
        bail!("{} tests failed", all.failed);
    }
    Ok(())
}

/// A check that passes or fails as a whole.
fn check(command: &mut Command) -> Result<Tally> {
    Ok(Tally::one(stream(command, |_| ())?))
}

/// A runner that counts; one that fails without having counted a failure (a build error, a crash) is one failure.
fn counted(command: &mut Command) -> Result<Tally> {
    counted_with(command, |_| ())
}

/// The same, with a look at each line.
fn counted_with(command: &mut Command, mut look: impl FnMut(&str)) -> Result<Tally> {
    let mut tally = Tally::default();
    let ok = stream(command, |line| {
        tally.count(line);
        look(line);
    })?;
    if !ok && tally.failed == 0 {
        tally.failed = 1;
    }
    Ok(tally)
}

fn clippy(toolchain: &Toolchain) -> Result<Tally> {
    let mut tally = Tally::default();
    let features = format!("{} pg_test", toolchain.server.feature());
    let mut extensions = toolchain.cargo();
    extensions.args([
        "clippy",
        "--quiet",
        "--all-targets",
        "--no-default-features",
        "--features",
        &features,
    ]);
    for extension in EXTENSIONS {
        extensions.args(["--package", extension]);
    }
    tally.add(check(extensions.args(["--", "-D", "warnings"]))?);
    let mut programs = Command::new("cargo");
    programs.current_dir(root()).args([
        "clippy",
        "--quiet",
        "--all-targets",
        "--package",
        "xtask",
        "--package",
        "tests",
    ]);
    tally.add(check(programs.args(["--", "-D", "warnings"]))?);
    Ok(tally)
}

/// The pure modules: no server.
fn unit(toolchain: &Toolchain) -> Result<Tally> {
    let mut extensions = toolchain.cargo();
    extensions.args(["test", "--quiet", "--lib", "--no-default-features", "--features"]);
    extensions.arg(toolchain.server.feature()).args(["--package", "pg_ext_core"]);
    extensions.args(["--package", "pb_compat_core"]);
    for extension in EXTENSIONS {
        extensions.args(["--package", extension]);
    }
    let mut tally = counted(&mut extensions)?;
    tally.add(counted(Command::new("cargo").current_dir(root()).args([
        "test",
        "--quiet",
        "--package",
        "xtask",
    ]))?);
    Ok(tally)
}

/// The `#[pg_test]` functions, which run inside a server that pgrx starts.
fn pgrx(toolchain: &Toolchain, extension: &str) -> Result<Tally> {
    let mut command = toolchain.cargo_pgrx();
    command.args([
        "test",
        &toolchain.server.feature(),
        "--package",
        extension,
        "--no-default-features",
    ]);
    let account = Account::for_servers()?;
    if account.is_other() {
        // The framework makes this folder as the user that it runs the server as.
        let data = std::env::temp_dir().join(format!("pgrx-{extension}-{}", std::process::id()));
        command.args(["--runas", "postgres", "--pgdata"]).arg(data);
    }
    // Only those: the plain tests have been counted in their own tier.
    counted(command.arg("tests::pg_"))
}

/// How pg_regress and its kin reach a running server.
pub struct Connection {
    options: Vec<String>,
}

impl Connection {
    fn to(cluster: &Cluster) -> Connection {
        Connection {
            options: vec![
                format!("--host={}", cluster.dir().display()),
                format!("--port={}", cluster.port()),
                "--user=postgres".to_owned(),
            ],
        }
    }

    /// Whatever PGHOST, PGPORT and PGUSER say.
    pub fn from_environment() -> Connection {
        Connection { options: Vec::new() }
    }
}

pub fn regress(server: &Server, connection: &Connection, extension: &str) -> Result<Tally> {
    let input = root().join(extension).join("tests/pg_regress");
    let names = names(&input.join("sql"), "sql")?;
    regress_runner(server, connection, extension, ("regress", "pg_regress"), &input, &names)
}

pub fn isolation(server: &Server, connection: &Connection, extension: &str) -> Result<Tally> {
    let input = root().join(extension).join("tests");
    let names = names(&input.join("specs"), "spec")?;
    regress_runner(
        server,
        connection,
        extension,
        ("isolation", "pg_isolation_regress"),
        &input,
        &names,
    )
}

fn regress_runner(
    server: &Server,
    connection: &Connection,
    extension: &str,
    (folder, runner): (&str, &str),
    input: &Path,
    names: &[String],
) -> Result<Tally> {
    if names.is_empty() {
        return Ok(Tally::default());
    }
    let output = target().join("regress").join(format!("{extension}-{folder}"));
    std::fs::create_dir_all(&output)?;
    let mut command = Command::new(server.test_runner(folder, runner)?);
    command
        .arg(format!("--inputdir={}", input.display()))
        .arg(format!("--outputdir={}", output.display()))
        .arg(format!("--bindir={}", server.bindir.display()))
        .arg(format!("--dbname={folder}_{extension}"))
        .arg(format!("--load-extension={extension}"))
        .args(&connection.options)
        .args(names)
        .current_dir(input);
    if let Some(libraries) = server.own_libraries() {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    let tally = counted(&mut command)?;
    if tally.failed > 0 {
        let diffs = std::fs::read_to_string(output.join("regression.diffs")).unwrap_or_default();
        println!("{diffs}");
    }
    Ok(tally)
}

fn names(folder: &Path, suffix: &str) -> Result<Vec<String>> {
    Ok(files(folder, suffix)?
        .iter()
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect())
}

impl Row {
    /// "pgrx pb_compat" is of the tier "pgrx".
    pub fn coverage(&self) -> (u32, &str, Tally) {
        (self.major, self.tier.split(' ').next().unwrap_or_default(), self.tally)
    }
}

pub fn files(folder: &Path, suffix: &str) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .with_context(|| format!("could not read {}", folder.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ext| ext == suffix))
        .collect();
    files.sort();
    Ok(files)
}

/// The catalog lints: each query in sql/checks returns one row for each thing that is wrong.
fn checks(cluster: &Cluster) -> Result<Tally> {
    let mut tally = Tally::default();
    let database = "checks";
    cluster.connect("postgres")?.batch_execute(&format!("CREATE DATABASE {database}"))?;
    let mut client = cluster.connect(database)?;
    for extension in EXTENSIONS {
        client.batch_execute(&format!("CREATE EXTENSION {extension}"))?;
    }
    for file in files(&root().join("sql/checks"), "sql")? {
        let query = std::fs::read_to_string(&file)?;
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let rows =
            client.query(query.trim().trim_end_matches(';'), &[]).with_context(|| name.clone())?;
        println!("check {name} ... {}", if rows.is_empty() { "ok" } else { "FAILED" });
        for row in &rows {
            println!("  {}: {}", row.get::<_, String>("object"), row.get::<_, String>("problem"));
        }
        tally.add(Tally::one(rows.is_empty()));
    }
    Ok(tally)
}

/// The tests that dump a database, or have psql look at the catalogs: an older client knows neither.
const NEED_CLIENTS: [&str; 3] = ["dump_restore::", "search_path::", "shard_tables::a_dump"];

/// The tests that need a program besides PostgreSQL.
const NEED_PROGRAMS: [(&str, &[&str]); 2] = [
    ("redis-server", &["cache_client::", "cache_faults::"]),
    ("pgbouncer", &["cache_pgbouncer::"]),
];

/// The `tests` crate: real clusters, several sessions, crashes, standbys.
fn clusters(server: &Server, without_icu: Option<&Server>) -> Result<Tally> {
    let mut command = Command::new("cargo");
    command
        .current_dir(root())
        .args(["test", "--package", "tests"])
        .env("PG_CONFIG", server.pg_config())
        // Each test has a cluster of its own; more at a time than there are cores only makes deadlines tight.
        .args(["--", "--test-threads=2"]);
    if server.pg_dump_is_older()? {
        println!(
            "left out: {}, since the psql and pg_dump here are older than PostgreSQL {}",
            NEED_CLIENTS.join(", "),
            server.major
        );
        for test in NEED_CLIENTS {
            command.args(["--skip", test]);
        }
    }
    match without_icu {
        Some(server) => {
            command.env("PG_CONFIG_WITHOUT_ICU", server.pg_config());
        }
        None => {
            println!(
                "left out: without_icu, since only a PostgreSQL {} is to be had without ICU",
                fetch::WITHOUT_ICU
            );
            command.args(["--skip", "without_icu::"]);
        }
    }
    for (program, tests) in NEED_PROGRAMS {
        if program_for_tests(program).is_err() {
            println!(
                "left out: {}, since {program} is not here and could not be installed",
                tests.join(", ")
            );
            for test in tests {
                command.args(["--skip", test]);
            }
        }
    }
    if let Err(error) = borrow_extension(&PARTMAN, server) {
        println!("left out: maintenance_partman, since {error:#}");
        command.args(["--skip", "maintenance_partman::"]);
    }
    let mut left_out = 0;
    let mut tally = counted_with(&mut command, |line| {
        left_out += number_before(line, "filtered out").unwrap_or(0);
    })?;
    tally.skipped += left_out;
    Ok(tally)
}

/// `make installcheck`: the pg_regress and isolation files against a running server that has the extensions installed.
pub fn installcheck() -> Result<()> {
    let pg_config = given_pg_config().unwrap_or_else(|| "pg_config".into());
    let server = Server::at(&pg_config)?;
    let connection = Connection::from_environment();
    let began = Instant::now();
    let mut rows = Vec::new();
    for extension in EXTENSIONS {
        for (kind, runner) in [
            ("regress", regress as fn(&Server, &Connection, &str) -> Result<Tally>),
            ("isolation", isolation),
        ] {
            let began = Instant::now();
            let tally = runner(&server, &connection, extension)?;
            rows.push(Row {
                major: server.major,
                tier: format!("{kind} {extension}"),
                tally,
                seconds: began.elapsed().as_secs_f64(),
            });
        }
    }
    summary(&rows, began.elapsed().as_secs_f64())
}

#[cfg(test)]
mod unit {
    use super::*;

    fn count(lines: &[&str]) -> Tally {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.count(line));
        tally
    }

    #[test]
    fn counts_libtest_and_both_styles_of_pg_regress() {
        assert_eq!(
            count(&[
                "running 5 tests",
                "test a::b ... ok",
                "test result: FAILED. 3 passed; 1 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.01s",
            ]),
            Tally { passed: 3, failed: 1, skipped: 1 }
        );
        assert_eq!(
            count(&[
                "test uuid                         ... ok           35 ms",
                "test json ... FAILED       12 ms"
            ]),
            Tally { passed: 1, failed: 1, skipped: 0 }
        );
        assert_eq!(
            count(&[
                "ok 1         - uuid      35 ms",
                "not ok 2     - json      12 ms",
                "ok, then",
                "1..2"
            ]),
            Tally { passed: 1, failed: 1, skipped: 0 }
        );
    }
}
