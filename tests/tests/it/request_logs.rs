use postgres::Client;
use std::fmt::Write as _;
use std::io::Write as _;
use tests::{Cluster, cluster_with_worker, column, connect, value};
use xtask::command::output;
use xtask::workspace::root;

fn run_script(cluster: &Cluster, name: &str) {
    output(
        cluster
            .client("psql")
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "app", "-f"])
            .arg(root().join("sql").join(name)),
    )
    .expect("the script runs");
}

/// Bytes of WAL that a COPY of these rows writes.
fn wal_of_copy(client: &mut Client, table: &str, rows: &str) -> i64 {
    let before = value(client, "SELECT pg_current_wal_insert_lsn()").expect("a position");
    let mut copy = client
        .copy_in(&format!(
            "COPY {table} (created, method, url, status, remote_ip, referer, user_agent) FROM STDIN"
        ))
        .expect("a copy");
    copy.write_all(rows.as_bytes()).expect("rows");
    assert_eq!(copy.finish().expect("copied"), 10_000);
    value(client, &format!("SELECT (pg_current_wal_insert_lsn() - '{before}')::bigint"))
        .expect("a difference")
        .parse()
        .expect("a number")
}

#[test]
fn a_copy_into_request_logs_writes_hardly_any_wal() {
    let cluster = cluster_with_worker(&["maintenance_worker.enabled = off", "autovacuum = off"]);
    run_script(&cluster, "request_logs.sql");
    let mut client = connect(&cluster, "app");
    assert_eq!(
        column(
            &mut client,
            "SELECT DISTINCT relpersistence::text FROM pg_class JOIN pg_inherits ON inhrelid = oid
             WHERE inhparent = 'request_logs'::regclass AND relkind = 'r'"
        ),
        ["u"]
    );
    client
        .batch_execute("CREATE TABLE logged (LIKE request_logs INCLUDING ALL)")
        .expect("an ordinary table");
    let today = value(&mut client, "SELECT (now() AT TIME ZONE 'UTC')::date").expect("a date");
    let mut rows = String::new();
    for n in 0..10_000 {
        writeln!(
            rows,
            "{today} {:02}:{:02}:{:02}+00\tGET\t/page/{}\t200\t10.0.{}.{}\thttp://example.com/from/{n}\tMozilla/5.0 (X11; Linux x86_64) Agent/{}",
            n / 3600, n / 60 % 60, n % 60, n % 97, n % 256, n % 199, n % 13
        )
        .expect("text");
    }
    let logged = wal_of_copy(&mut client, "logged", &rows);
    let unlogged = wal_of_copy(&mut client, "request_logs", &rows);
    println!(
        "bytes of WAL for 10,000 rows: {logged} in an ordinary table, {unlogged} in request_logs"
    );
    assert!(logged > 1_000_000, "the ordinary table wrote only {logged} bytes");
    assert!(unlogged * 100 < logged, "{unlogged} bytes of WAL against {logged}");
}

#[test]
fn the_scripts_can_be_run_again_and_register_with_the_worker() {
    let cluster = cluster_with_worker(&["maintenance_worker.enabled = off"]);
    for _ in 0..2 {
        for script in ["request_logs.sql", "monitoring.sql", "orders.sql"] {
            run_script(&cluster, script);
        }
    }
    let mut client = connect(&cluster, "app");
    assert_eq!(
        column(&mut client, "SELECT parent::text FROM maintenance.partition_policies ORDER BY 1"),
        ["monitoring.metrics", "request_logs"]
    );
    assert_eq!(
        column(&mut client, "SELECT matview::text FROM maintenance.refresh_policies ORDER BY 1"),
        ["monitoring.daily_stats"]
    );
    // The refresh does not block readers of the view.
    client
        .batch_execute(
            "INSERT INTO request_logs (created, method, url, status) VALUES (now(), 'GET', '/', 200), (now(), 'GET', '/x', 500);
             REFRESH MATERIALIZED VIEW CONCURRENTLY monitoring.daily_stats",
        )
        .expect("refreshed");
    assert_eq!(
        value(&mut client, "SELECT count(*) FROM monitoring.daily_stats").as_deref(),
        Some("1")
    );
}
