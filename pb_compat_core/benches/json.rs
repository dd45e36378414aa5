//! How long this scanner and others take for the same documents: `cargo bench -p pb_compat_core`.
//!
//! Interleaved rounds and their median, so that a busy machine slows all of them alike. Whether they agree is told as
//! well, for the suite of test documents where it stands beside the repository.

use pb_compat_core::json::{Host, MAX_DEPTH, is_json, is_json5, is_jsonb};
use serde::de::IgnoredAny;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

struct Idle;

impl Host for Idle {
    const MAX_EXPONENT: i64 = i32::MAX as i64 / 2;

    fn pause(&mut self) {}

    fn has(&mut self, _: char) -> bool {
        true
    }
}

type Judge = fn(&[u8]) -> bool;

const JUDGES: [(&str, Judge); 6] = [
    ("is_json", |text| is_json(text, &mut Idle)),
    ("is_jsonb", |text| is_jsonb(text, &mut Idle)),
    ("is_json5", |text| is_json5(text, &mut Idle)),
    ("serde_json", |text| serde_json::from_slice::<IgnoredAny>(text).is_ok()),
    ("sonic-rs", |text| sonic_rs::from_slice::<IgnoredAny>(text).is_ok()),
    // It writes into its input, so that it needs a copy.
    ("simd-json", |text| simd_json::to_tape(&mut text.to_vec()).is_ok()),
];

const ROUNDS: usize = 41;
const BYTES_A_ROUND: usize = 1 << 20;

fn measure(name: &str, text: &[u8]) {
    let times = (BYTES_A_ROUND / text.len()).max(1);
    let mut rounds = JUDGES.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for ((_, judge), round) in JUDGES.iter().zip(&mut rounds) {
            let start = Instant::now();
            for _ in 0..times {
                black_box(judge(black_box(text)));
            }
            round.push(start.elapsed());
        }
    }
    print!("| {name} | {} |", text.len());
    for round in &mut rounds {
        round.sort_unstable();
        let median: Duration = round[ROUNDS / 2];
        let nanos = median.as_nanos() as f64 / times as f64;
        print!(" {:.2} GB/s |", text.len() as f64 / nanos);
    }
    println!();
}

fn record(n: usize) -> String {
    format!(
        r#"{{"id":"r5xyj2k9{n:07}","created":"2024-05-01 12:00:00.123Z","tags":["a","b"],"n":{n}.5,"ok":true,"x":null}}"#
    )
}

fn list(length: usize, member: impl Fn(usize) -> String) -> String {
    let mut text = String::from("[");
    for n in 0.. {
        text += &member(n);
        if text.len() >= length {
            break;
        }
        text.push(',');
    }
    text + "]"
}

fn main() {
    print!("| document | bytes |");
    JUDGES.iter().for_each(|(name, _)| print!(" {name} |"));
    println!("\n| --- | --- |{}", " --- |".repeat(JUDGES.len()));
    let one = record(1);
    measure("record", one.as_bytes());
    measure("record, last bracket missing", &one.as_bytes()[..one.len() - 1]);
    measure("record, broken at its middle", one.replace("[\"a\"", "[\"a\"\"").as_bytes());
    measure("1 KB of records", list(1 << 10, record).as_bytes());
    measure("1 MB of records", list(1 << 20, record).as_bytes());
    let indented = |n| record(n).replace(",\"", ",\n        \"").replace(":", ": ");
    measure("1 MB, indented", list(1 << 20, indented).as_bytes());
    let prose =
        "Nobody expects a string to be as long as this one is, but articles are. ".repeat(14);
    measure("1 MB of prose", list(1 << 20, |_| format!("\"{prose}\"")).as_bytes());
    let escapes = "\\n\\\"\\u00e9 and ".repeat(60);
    measure("1 MB of escapes", list(1 << 20, |_| format!("\"{escapes}\"")).as_bytes());
    measure("1 MB of numbers", list(1 << 20, |n| (n * 7919).to_string()).as_bytes());

    println!("\nAnswers that are not those of RFC 8259:");
    let deep = |depth| "[".repeat(depth) + &"]".repeat(depth);
    for (what, text, expected) in [
        ("1000 brackets", deep(MAX_DEPTH), true),
        // More than a few thousand, and sonic-rs overflows its stack: that ends the process.
        ("1001 brackets, which SQLite refuses", deep(MAX_DEPTH + 1), false),
        ("half a surrogate pair", r#""\ud800""#.into(), true),
        ("\\u0000", r#""\u0000""#.into(), true),
        ("1e400", "1e400".into(), true),
        ("the same key twice", r#"{"a":1,"a":2}"#.into(), true),
        ("a control character", "\"\u{1}\"".into(), false),
        ("a byte order mark", "\u{feff}1".into(), false),
    ] {
        let others: Vec<&str> = JUDGES
            .iter()
            .filter(|(name, judge)| *name != "is_json5" && judge(text.as_bytes()) != expected)
            .map(|(name, _)| *name)
            .collect();
        println!("- {what}: {}", if others.is_empty() { "none".into() } else { others.join(", ") });
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/json");
    let mut wrong = JUDGES.map(|(name, _)| (name, Vec::new()));
    let mut files = 0;
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("a file").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        // The server hands over valid UTF-8.
        let Ok(text) = String::from_utf8(std::fs::read(&path).expect("readable")) else { continue };
        let expected = match name.as_bytes() {
            [b'y', b'_', ..] => true,
            [b'n', b'_', ..] => false,
            _ => continue,
        };
        files += 1;
        for ((judge_name, judge), (_, wrong)) in JUDGES.iter().zip(&mut wrong) {
            // Tens of thousands of open brackets: sonic-rs overflows its stack, which ends the process.
            let overflows = *judge_name == "sonic-rs" && text.matches('[').count() > 10_000;
            if overflows || judge(text.as_bytes()) != expected {
                wrong.push(name.clone());
            }
        }
    }
    println!("\nOf {files} documents of the JSONTestSuite, judged wrongly:");
    for (name, files) in wrong.iter().filter(|(name, _)| *name != "is_json5") {
        println!("- {name}: {} {files:?}", files.len());
    }
}
