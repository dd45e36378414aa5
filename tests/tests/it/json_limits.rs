//! What the largest and the worst texts cost.

use postgres::Client;
use std::time::{Duration, Instant};
use tests::{Cluster, cluster, connect, create_app, sqlstate, value};

/// A text of nearly the greatest length. Made of pieces of 10 MB, since that is quick, and by the executor: a constant
/// would be made by the planner, copied, and hide what a function takes.
fn gigabyte_of(before: &str, unit: &str, after: &str) -> String {
    let units = 10_000_000 / unit.len();
    format!(
        "repeat('{before}' || repeat('{unit}', {units}) || '{after}', 100 + (random() * 0)::int)"
    )
}

/// Peak resident memory of a session's process so far.
fn peak_kb(client: &mut Client) -> u64 {
    let pid = value(client, "SELECT pg_backend_pid()").expect("a process");
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("its peak");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).expect("a number")
}

/// A session that has loaded all that a first call loads.
fn warm_session(cluster: &Cluster) -> Client {
    let mut client = connect(cluster, "app");
    value(&mut client, "SELECT json_valid('[1]') AND json_valid('[1]', 2) AND jsonb_valid('[1]')");
    client
}

#[test]
fn a_gigabyte_is_judged_promptly_and_in_constant_memory() {
    let cluster = cluster(&[]);
    create_app(&cluster);
    // The text alone: octet_length looks at its header.
    let mut client = warm_session(&cluster);
    value(&mut client, &format!("SELECT octet_length({})", gigabyte_of("", "[", "")));
    let text_alone = peak_kb(&mut client);
    drop(client);
    for (unit, json, json5, jsonb) in [
        ("[", "f", "f", "f"),
        ("\"", "f", "f", "f"),
        (" ", "f", "f", "f"),
        // As a number it is JSON, but numeric ends earlier.
        ("1", "t", "t", "f"),
        ("//", "f", "f", "f"),
    ] {
        for (call, expected) in [
            ("json_valid(TEXT)", json),
            ("json_valid(TEXT, 2)", json5),
            ("jsonb_valid(TEXT)", jsonb),
        ] {
            let mut client = warm_session(&cluster);
            let start = Instant::now();
            let text = gigabyte_of("", unit, "");
            let answer = value(&mut client, &format!("SELECT {}", call.replace("TEXT", &text)));
            let took = start.elapsed();
            let peak = peak_kb(&mut client);
            println!(
                "{call} of {unit}: {answer:?}, {took:?}, peak {peak} kB, the text alone {text_alone} kB"
            );
            assert_eq!(answer.as_deref(), Some(expected), "{call} of {unit}");
            assert!(peak < text_alone + 4096, "{call} of {unit}: {peak} kB, {text_alone} kB");
            assert!(took < Duration::from_secs(60), "{call} of {unit}: {took:?}");
        }
    }
}

/// The text is made once and scanned again and again, so that the time runs out within a scan.
#[test]
fn a_long_scan_ends_when_its_time_is_over() {
    let cluster = cluster(&[]);
    create_app(&cluster);
    for (text, condition) in [
        (gigabyte_of("", " ", ""), "json_valid(t)"),
        (gigabyte_of("[\"", "\\n", "\","), "json_valid(t)"),
        (gigabyte_of("[", "[],", ""), "json_valid(t)"),
        (gigabyte_of("/*", "*", "*/"), "json_valid(t, 2)"),
        (gigabyte_of("[\"", "a", "\","), "json_valid(t, 2)"),
        (gigabyte_of("", " ", ""), "jsonb_valid(t)"),
    ] {
        let mut client = warm_session(&cluster);
        let scan = format!(
            "WITH text AS MATERIALIZED (SELECT {text} AS t),
                  before AS MATERIALIZED (SELECT octet_length(t), clock_timestamp() AS at FROM text),
                  scan AS MATERIALIZED (SELECT at, {condition} FROM text, before)
             SELECT extract(epoch FROM clock_timestamp() - at)::float8 FROM scan"
        );
        let start = Instant::now();
        let once: f64 = client.query_one(&scan, &[]).expect("one scan").get(0);
        // Long enough to make the text with a busy machine and to begin a few scans.
        let timeout = 2 * start.elapsed() + Duration::from_millis(500);
        client
            .batch_execute(&format!("SET statement_timeout = {}", timeout.as_millis()))
            .expect("a setting");
        let start = Instant::now();
        let endless = format!(
            "SELECT count({condition}) FROM (SELECT {text} AS t OFFSET 0) AS text, generate_series(1, 1000000)"
        );
        assert_eq!(sqlstate(&mut client, &endless), "57014", "{condition}");
        let late = start.elapsed().saturating_sub(timeout);
        println!("{condition}: one scan {once:.3} s, ended {late:?} after its time");
        // Where one scan takes long, ending in a quarter of it shows that it did not run to its end.
        let allowed = Duration::from_secs_f64(once / 4.0).max(Duration::from_millis(200));
        assert!(late < allowed, "{condition}: one scan {once:.3} s, ended {late:?} after its time");
    }
}
