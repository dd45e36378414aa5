//! The modifiers `localtime` and `utc`. SQLite takes the zone from the C library, which reads TZ once: so every zone has
//! a process of its own, which is this test binary again.

use super::call::{Arg, Call, Form};
use super::generate::time;
use super::{EXACT_MODE, Lite, Pg, ask, judge, seed};
use std::process::{Command, Stdio};
use tests::Rng;

const ZONES: [&str; 5] =
    ["America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Europe/Dublin", "Pacific/Apia"];

/// Tells the inner process from the outer one.
const INNER: &str = "SQLITE_ZONE";

#[test]
fn local_times_are_those_of_the_zone() {
    if let Ok(zone) = std::env::var(INNER) {
        return in_zone(&zone);
    }
    let myself = std::env::current_exe().expect("a path");
    let inner = ZONES.map(|zone| {
        Command::new(&myself)
            .args(["--exact", "sqlite::zones::local_times_are_those_of_the_zone", "--nocapture"])
            .envs([("TZ", zone), (INNER, zone)])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the inner process runs")
    });
    for (zone, inner) in ZONES.iter().zip(inner) {
        let output = inner.wait_with_output().expect("the inner process ends");
        let said = String::from_utf8_lossy(&output.stdout);
        let wrong = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{zone}:\n{said}\n{wrong}");
        assert!(said.contains("\n600 calls"), "{zone}: not all were asked:\n{said}");
    }
}

fn in_zone(zone: &str) {
    let mut rng = Rng::new(seed());
    let calls: Vec<Call> = (0..600).map(|_| call(&mut rng)).collect();
    let mut pg = Pg::start(&[EXACT_MODE, &format!("timezone = '{zone}'")]);
    let pairs = ask(&calls, &Lite::open(), &mut pg);
    judge(&pairs, &[]);
}

fn call(rng: &mut Rng) -> Call {
    let mut args = vec![value(rng)];
    if rng.one_in(4) {
        args.push(Arg::Text(time::modifier(rng)));
    }
    args.push(Arg::text(rng.pick(&["localtime", "utc", "localtime", "utc", "LOCALTIME"])));
    if rng.one_in(3) {
        args.push(Arg::text(rng.pick(&[
            "localtime",
            "utc",
            "+1 month",
            "start of day",
            "+12 hours",
        ])));
    }
    match rng.below(3) {
        0 => Form::same("julianday").call(args),
        1 => Form::same("datetime").call(args),
        _ => {
            args.insert(0, Arg::text("%Y-%m-%d %H:%M:%f %s"));
            Form::same("strftime").call(args)
        }
    }
}

/// Mostly of the years that the zones have rules for; often near a change of the clocks.
fn value(rng: &mut Rng) -> Arg {
    match rng.below(4) {
        0 => time::value(rng),
        1 => {
            let day = rng.pick(&[
                "2024-03-10",
                "2024-11-03",
                "2024-10-06",
                "2024-04-07",
                "2024-03-31",
                "2024-10-27",
                "2011-12-30",
                "2011-12-29",
                "1970-01-01",
                "1969-12-31",
                "2037-11-01",
                "2038-01-19",
                "2039-07-01",
                "1900-06-01",
            ]);
            let hour = rng.between(0, 23);
            let minute = rng.choose(&[0, 29, 30, 31, 59]);
            Arg::Text(format!("{day} {hour:02}:{minute:02}:00"))
        }
        _ => {
            let (year, month, day) =
                (rng.between(1971, 2037), rng.between(1, 12), rng.between(1, 28));
            Arg::Text(format!(
                "{year}-{month:02}-{day:02} {:02}:{:02}:30.25",
                rng.between(0, 23),
                rng.between(0, 59)
            ))
        }
    }
}
