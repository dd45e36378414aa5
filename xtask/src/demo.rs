//! `make demo`: the library's main job on a private server, step by step, each step checked.

use crate::setup::Toolchain;
use anyhow::{Context, Result, ensure};
use postgres::fallible_iterator::FallibleIterator;
use postgres::{Client, Row};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};
use xtask::cluster::Cluster;
use xtask::command::{Progress, command_as, output};
use xtask::workspace::{Account, EXTENSIONS, root, state};

const ORDERS: i64 = 1000;

pub fn run(keep: bool) -> Result<()> {
    let began = Instant::now();
    println!("pg_appkit: four PostgreSQL extensions, shown on a private server");
    heading("Setting up");
    let toolchain = Toolchain::prepare(None)?;
    let dir = state()?.join("demo");
    stop_earlier(&toolchain, &dir)?;
    let server = toolchain.server.private_copy("demo")?;
    toolchain.install(&server)?;
    let password = password()?;
    let settings = [
        "shared_preload_libraries = 'maintenance_worker'",
        // Ten seconds by default; nobody wants to watch that.
        "maintenance_worker.naptime = 1s",
    ];
    let mut cluster = Cluster::start_public(&server, dir, &password, &settings)?;
    cluster.connect("postgres")?.batch_execute("CREATE DATABASE demo")?;
    println!("  ok PostgreSQL {} on port {}", server.major, cluster.port());

    let mut client = cluster.connect("demo")?;
    extensions(&mut client)?;
    request_logs(&cluster, &mut client)?;
    daily_stats(&mut client)?;
    orders(&cluster, &mut client)?;
    invalidations(&cluster, &mut client)?;

    heading("Done");
    println!("  Everything was as it should be, in {:.0} s.", began.elapsed().as_secs_f64());
    if keep {
        cluster.keep();
        println!("  The server goes on running.");
        println!(
            "  connect:  psql 'host=127.0.0.1 port={} user=postgres password={password} dbname=demo'",
            cluster.port()
        );
        println!("  stop:     {}", cluster.stop_command());
    } else {
        println!(
            "  The server is stopped now. `make demo KEEP=1` leaves it running and says how to connect and stop it."
        );
    }
    Ok(())
}

/// A server that `KEEP=1` left behind makes way for the new one.
fn stop_earlier(toolchain: &Toolchain, dir: &Path) -> Result<()> {
    let data = dir.join("data");
    if data.join("postmaster.pid").exists() {
        let mut stop = command_as(Account::for_servers()?, toolchain.server.program("pg_ctl"));
        // It may be gone without having said goodbye; then there is nothing to stop.
        let _ = output(stop.args(["stop", "-m", "fast", "-s", "-D"]).arg(&data));
    }
    Ok(())
}

/// The loopback address is open to everybody on this machine, so it asks for a password nobody knows beforehand.
fn password() -> Result<String> {
    use std::io::Read;
    let mut bytes = [0u8; 12];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn extensions(client: &mut Client) -> Result<()> {
    heading("Extensions");
    for extension in EXTENSIONS {
        client.batch_execute(&format!("CREATE EXTENSION {extension}"))?;
    }
    let rows = client.query(
        "SELECT e.extname::text, e.extversion, d.description
         FROM pg_extension e
         JOIN pg_description d ON d.objoid = e.oid AND d.classoid = 'pg_extension'::regclass
         WHERE e.extname = ANY ($1) ORDER BY array_position($1, e.extname::text)",
        &[&EXTENSIONS.as_slice()],
    )?;
    table(&["extension", "version", "what it does"], &rows, &[Left, Left, Left]);
    ensure!(rows.len() == EXTENSIONS.len(), "only {} of the extensions are there", rows.len());
    let rows = client.query(
        "SELECT id::text, to_char(uuid_v7_to_timestamptz(id), 'HH24:MI:SS.MS'), json_valid('{\"a\": [1, 2]}')::text, json_valid('{a: 1}')::text
         FROM (SELECT uuid_generate_v7() AS id FROM generate_series(1, 3)) ids",
        &[],
    )?;
    println!();
    table(
        &["uuid_generate_v7()", "made at", "json_valid {\"a\": [1, 2]}", "{a: 1}"],
        &rows,
        &[Left, Left, Left, Left],
    );
    Ok(())
}

fn request_logs(cluster: &Cluster, client: &mut Client) -> Result<()> {
    heading("Request logs: daily UNLOGGED partitions, kept by the worker");
    script(cluster, "request_logs.sql")?;
    script(cluster, "monitoring.sql")?;
    let requests = Requests::read(client)?;
    println!("  {} requests from {}", requests.lines, requests.source);

    // As if they had never been made: the worker is to notice by itself.
    client.batch_execute(
        "DO $$
         DECLARE part regclass;
         BEGIN
             FOR part IN SELECT partition.inhrelid::regclass FROM pg_inherits partition
                         WHERE inhparent = 'request_logs'::regclass LOOP
                 EXECUTE format('DROP TABLE %s', part);
             END LOOP;
         END $$",
    )?;
    let waited = wait(
        client,
        "the worker makes the missing partitions",
        &format!(
            "SELECT count(*) >= {} FROM pg_inherits WHERE inhparent = 'request_logs'::regclass",
            requests.days
        ),
    )?;
    println!(
        "  All partitions were dropped; the worker had made them again after {:.1} s.\n",
        waited.as_secs_f64()
    );

    client.batch_execute("CREATE TABLE ordinary_logs (LIKE request_logs INCLUDING ALL)")?;
    let ordinary = copy(client, "ordinary_logs", &requests)?;
    let unlogged = copy(client, "request_logs", &requests)?;
    let rows = client.query(
        "SELECT inhrelid::regclass::text,
                CASE relpersistence WHEN 'u' THEN 'unlogged' ELSE 'logged' END,
                (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %s', inhrelid::regclass), false, true, '')))[1]::text,
                pg_size_pretty(pg_total_relation_size(inhrelid))
         FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
         WHERE inhparent = 'request_logs'::regclass ORDER BY 1",
        &[],
    )?;
    table(&["partition", "kind", "rows", "size"], &rows, &[Left, Left, Right, Right]);
    ensure!(
        rows.iter().all(|row| row.get::<_, String>(1) == "unlogged"),
        "a partition of request_logs is logged"
    );
    let share = 100.0 * unlogged as f64 / ordinary as f64;
    let per_row = |bytes: i64| bytes as f64 / requests.lines as f64;
    println!("\n  WAL written by COPY of {} rows:", requests.lines);
    println!("    ordinary table  {:>9} bytes, {:>7.1} a row", ordinary, per_row(ordinary));
    println!(
        "    request_logs    {:>9} bytes, {:>7.1} a row: {share:.2} %",
        unlogged,
        per_row(unlogged)
    );
    ensure!(share < 1.0, "request_logs wrote {share:.2} % of the WAL of an ordinary table");
    Ok(())
}

fn daily_stats(client: &mut Client) -> Result<()> {
    heading("Metrics: a materialized view, refreshed by the worker");
    let measured = client.execute(
        "INSERT INTO monitoring.metrics (time, name, value)
         SELECT date_trunc('minute', created), 'http_requests', count(*) FROM request_logs GROUP BY 1",
        &[],
    )?;
    client.batch_execute(
        "SELECT maintenance.alter_refresh_policy('monitoring.daily_stats', schedule => '1 second')",
    )?;
    let waited = wait(
        client,
        "the worker refreshes monitoring.daily_stats",
        "SELECT coalesce(sum(requests), 0) = (SELECT count(*) FROM request_logs) FROM monitoring.daily_stats",
    )?;
    println!(
        "  {measured} metrics written; the worker had refreshed the view after {:.1} s.\n",
        waited.as_secs_f64()
    );
    let rows = client.query(
        "SELECT day::text, requests::text, server_errors::text, client_errors::text, clients::text
         FROM monitoring.daily_stats ORDER BY day",
        &[],
    )?;
    table(
        &["day", "requests", "5xx", "4xx", "clients"],
        &rows,
        &[Left, Right, Right, Right, Right],
    );
    println!();
    let rows = client.query(
        "SELECT action, relation, outcome, count(*)::text, to_char(max(finished), 'HH24:MI:SS')
         FROM maintenance.runs GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        &[],
    )?;
    table(
        &["what the worker ran", "on", "outcome", "times", "last at"],
        &rows,
        &[Left, Left, Left, Right, Left],
    );
    ensure!(!rows.is_empty(), "maintenance.runs shows nothing");
    Ok(())
}

fn orders(cluster: &Cluster, client: &mut Client) -> Result<()> {
    heading("Orders: one insert function, ten shards");
    script(cluster, "orders.sql")?;
    let began = Instant::now();
    let insert = client.prepare("SELECT insert_order($1, ($1 % 50 + 0.99)::numeric, 'new')")?;
    for order in 0..ORDERS {
        let user = i32::try_from(order * 7 % 137)?;
        client.execute(&insert, &[&user])?;
    }
    let written = began.elapsed();
    let began = Instant::now();
    let read = client.prepare("SELECT count(*) FROM get_orders_by_user($1)")?;
    let mut found = 0i64;
    for user in 0..137i32 {
        found += client.query_one(&read, &[&user])?.get::<_, i64>(0);
    }
    println!(
        "  {ORDERS} orders inserted in {:.0} ms, read back by user in {:.0} ms: {found} found\n",
        written.as_secs_f64() * 1e3,
        began.elapsed().as_secs_f64() * 1e3
    );
    ensure!(found == ORDERS, "{found} of {ORDERS} orders came back");
    let rows = client.query(
        "SELECT tableoid::regclass::text, count(*)::text, count(DISTINCT user_id)::text, get_order_table(min(user_id))
         FROM orders GROUP BY tableoid ORDER BY tableoid",
        &[],
    )?;
    table(
        &["shard", "orders", "users", "get_order_table(a user)"],
        &rows,
        &[Left, Right, Right, Left],
    );
    ensure!(rows.len() == 10, "{} shards hold rows instead of 10", rows.len());
    Ok(())
}

fn invalidations(cluster: &Cluster, client: &mut Client) -> Result<()> {
    heading("Cache invalidation: what a second session hears");
    let mut listener = cluster.connect("demo")?;
    listener.batch_execute("LISTEN cache_invalidate")?;
    client.batch_execute(
        "CREATE TABLE users (id int PRIMARY KEY, name text);
         INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 5000) n;
         SELECT cache_notify.attach('users')",
    )?;
    let steps = [
        ("UPDATE users SET name = 'Ada' WHERE id = 42", 1),
        ("DELETE FROM users WHERE id = 43", 1),
        ("UPDATE users SET name = upper(name) WHERE id BETWEEN 100 AND 104", 5),
        // More keys than a listener wants to hear one by one.
        ("UPDATE users SET name = lower(name)", 1),
    ];
    for (statement, messages) in steps {
        let changed = client.execute(statement, &[])?;
        let heard = heard(&mut listener, messages)?;
        println!("  {statement}");
        println!("    {changed} rows changed; heard: {}", heard.join(", "));
        ensure!(heard.len() == messages, "{} messages instead of {messages}", heard.len());
    }
    let left: i64 = client.query_one("SELECT count(*) FROM users WHERE id = 43", &[])?.get(0);
    ensure!(left == 0, "the DELETE was cancelled");
    Ok(())
}

/// The next `count` messages, and whatever arrives within the moment after them.
fn heard(listener: &mut Client, count: usize) -> Result<Vec<String>> {
    let mut payloads = Vec::new();
    let mut notifications = listener.notifications();
    let mut waiting = notifications.timeout_iter(Duration::from_secs(10));
    while payloads.len() < count {
        let message = waiting.next()?.context("no message within 10 s")?;
        payloads.push(message.payload().to_owned());
    }
    drop(waiting);
    let mut late = notifications.timeout_iter(Duration::from_millis(50));
    while let Some(message) = late.next()? {
        payloads.push(message.payload().to_owned());
    }
    Ok(payloads)
}

/// Requests as COPY wants them.
struct Requests {
    source: String,
    lines: usize,
    days: usize,
    rows: String,
}

impl Requests {
    /// The access log beside the repository, where there is one; else requests of the same shape. Their first day becomes
    /// today, since partitions are kept for the days that come.
    fn read(client: &mut Client) -> Result<Requests> {
        let path = root().join("../shared/data/apache_access.log");
        let (source, text) = match std::fs::read_to_string(&path) {
            Ok(text) => {
                ("a public web site's access log (dates moved to start today)".to_owned(), text)
            }
            Err(_) => ("a generator".to_owned(), generated_log()),
        };
        let days: Vec<String> = client
            .query("SELECT to_char(now() AT TIME ZONE 'UTC' + n * interval '1 day', 'YYYY-MM-DD') FROM generate_series(0, 6) n", &[])?
            .iter()
            .map(|row| row.get(0))
            .collect();
        let mut seen: Vec<&str> = Vec::new();
        let mut rows = String::new();
        let mut lines = 0;
        for line in text.lines() {
            let request =
                parse(line).with_context(|| format!("not a line of an access log: {line}"))?;
            let day = match seen.iter().position(|day| *day == request.day) {
                Some(day) => day,
                None => {
                    seen.push(request.day);
                    seen.len() - 1
                }
            };
            let day = days.get(day).context("the log covers more than a week")?;
            rows.push_str(&format!("{day} {}{}\t", request.time, request.zone));
            let fields = [
                request.method,
                request.url,
                request.status,
                request.ip,
                request.referer,
                request.agent,
            ];
            rows.push_str(&fields.map(copy_field).join("\t"));
            rows.push('\n');
            lines += 1;
        }
        Ok(Requests { source, lines, days: seen.len(), rows })
    }
}

struct Request<'a> {
    ip: &'a str,
    day: &'a str,
    time: &'a str,
    zone: &'a str,
    method: &'a str,
    url: &'a str,
    status: &'a str,
    referer: &'a str,
    agent: &'a str,
}

/// A line of the combined log format: `ip - - [day:time zone] "METHOD url protocol" status bytes "referer" "agent"`.
fn parse(line: &str) -> Option<Request<'_>> {
    let (ip, rest) = line.split_once(' ')?;
    let (when, rest) = rest.split_once('[')?.1.split_once("] \"")?;
    let (day, when) = when.split_once(':')?;
    let (time, zone) = when.split_once(' ')?;
    let (request, rest) = rest.split_once("\" ")?;
    let (method, url) = request.split_once(' ')?;
    let url = url.rsplit_once(' ').map_or(url, |(url, _protocol)| url);
    let (status, rest) = rest.split_once(' ')?;
    let (referer, agent) = rest.split_once(" \"")?.1.split_once("\" \"")?;
    Some(Request {
        ip,
        day,
        time,
        zone,
        method,
        url,
        status,
        referer,
        // A log that was cut off in the middle of its last line lacks the closing quote.
        agent: agent.strip_suffix('"').unwrap_or(agent),
    })
}

/// A value in COPY's text format; the log's dash is a NULL.
fn copy_field(value: &str) -> String {
    if value == "-" {
        return "\\N".to_owned();
    }
    value.replace('\\', "\\\\").replace('\t', "\\t")
}

fn generated_log() -> String {
    const PAGES: [&str; 6] = [
        "/",
        "/blog/tags/postgres",
        "/images/logo.png",
        "/favicon.ico",
        "/projects",
        "/articles/partitions.html",
    ];
    const AGENTS: [&str; 3] = [
        "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0",
        "curl/8.5.0",
        "ExampleBot/2.1 (+http://example.com/bot)",
    ];
    let mut log = String::new();
    for n in 0..10_000usize {
        let mixed = n.wrapping_mul(2_654_435_761) >> 7;
        let (day, second) = (17 + n / 2500, n % 2500 * 34);
        let status = [200, 200, 200, 304, 404, 200, 500][mixed % 7];
        log.push_str(&format!(
            "10.{}.{}.{} - - [{day}/May/2015:{:02}:{:02}:{:02} +0000] \"GET {}?page={} HTTP/1.1\" {status} {} \"http://example.com/{}\" \"{}\"\n",
            mixed % 3, mixed % 200, n % 250, second / 3600, second / 60 % 60, second % 60,
            PAGES[mixed % PAGES.len()], mixed % 40, mixed % 9000, mixed % 77, AGENTS[mixed % AGENTS.len()],
        ));
    }
    log
}

/// Copies the requests into a table and returns how many bytes of WAL that wrote.
fn copy(client: &mut Client, table: &str, requests: &Requests) -> Result<i64> {
    let before: String = client.query_one("SELECT pg_current_wal_insert_lsn()::text", &[])?.get(0);
    let mut copy = client.copy_in(&format!(
        "COPY {table} (created, method, url, status, remote_ip, referer, user_agent) FROM STDIN"
    ))?;
    copy.write_all(requests.rows.as_bytes())?;
    let copied = copy.finish()?;
    ensure!(
        copied == requests.lines as u64,
        "{copied} of {} requests arrived in {table}",
        requests.lines
    );
    let written = client
        .query_one("SELECT (pg_current_wal_insert_lsn() - $1::text::pg_lsn)::bigint", &[&before])?;
    Ok(written.get(0))
}

/// Waits until a query returns true, and returns how long that took.
fn wait(client: &mut Client, title: &str, query: &str) -> Result<Duration> {
    let began = Instant::now();
    let mut progress = Progress::start(title);
    loop {
        if client.query_one(query, &[])?.get(0) {
            progress.finish(true);
            return Ok(began.elapsed());
        }
        if began.elapsed() > Duration::from_secs(30) {
            progress.finish(false);
            anyhow::bail!("not within 30 s: {title}");
        }
        progress.tick(String::new);
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn script(cluster: &Cluster, name: &str) -> Result<()> {
    let path = root().join("sql").join(name);
    output(
        cluster
            .client("psql")
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "demo", "-f"])
            .arg(path),
    )?;
    println!("  ok sql/{name}");
    Ok(())
}

fn heading(text: &str) {
    println!("\n{text}\n{}", "-".repeat(text.chars().count()));
}

#[derive(Clone, Copy)]
enum Align {
    Left,
    Right,
}
use Align::{Left, Right};

/// Rows of text columns, as wide as they need to be.
fn table(titles: &[&str], rows: &[Row], align: &[Align]) {
    let cells: Vec<Vec<String>> =
        std::iter::once(titles.iter().map(|title| (*title).to_owned()).collect())
            .chain(rows.iter().map(|row| {
                (0..titles.len())
                    .map(|i| row.get::<_, Option<String>>(i).unwrap_or_default())
                    .collect()
            }))
            .collect();
    let width =
        |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    for row in &cells {
        let line: Vec<String> = row
            .iter()
            .enumerate()
            .map(|(column, cell)| match align[column] {
                Left => format!("{cell:<0$}", width(column)),
                Right => format!("{cell:>0$}", width(column)),
            })
            .collect();
        println!("  {}", line.join("  ").trim_end());
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn a_line_of_the_combined_log_format_is_taken_apart() {
        let line = r#"83.1.2.3 - - [17/May/2015:10:05:03 +0000] "GET /a b?c=\"d HTTP/1.1" 200 203 "-" "Mozilla/5.0 (X)""#;
        let request = parse(line).expect("a request");
        assert_eq!(
            (request.ip, request.day, request.time, request.zone),
            ("83.1.2.3", "17/May/2015", "10:05:03", "+0000")
        );
        assert_eq!((request.method, request.url, request.status), ("GET", r#"/a b?c=\"d"#, "200"));
        assert_eq!((request.referer, request.agent), ("-", "Mozilla/5.0 (X)"));
        assert!(parse("not a request").is_none());
    }

    #[test]
    fn generated_requests_can_be_read_back() {
        let log = generated_log();
        assert_eq!(log.lines().filter(|line| parse(line).is_some()).count(), 10_000);
    }
}
