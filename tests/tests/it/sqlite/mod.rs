//! Schema `sqlite` against the real SQLite: the same calls to both, and their answers compared by type and value.
//!
//! What is asked comes from generators and from `cases.txt`. `SQLITE_SEED=n` repeats a run, `SQLITE_CALLS=n` makes it
//! longer, `SQLITE_SHOW=n` shows more of the disagreements.

mod call;
mod cases;
mod date;
mod differences;
mod generate;
mod json;
mod lite;
mod pg;
mod pocketbase;
mod report;
mod text;
mod zones;

use call::Call;
use lite::Lite;
use pg::Pg;
use report::{Difference, Pair, judge};
use tests::Rng;

/// The search path of an application that was written for SQLite.
const EXACT_MODE: &str = "search_path = 'sqlite, public, pg_catalog'";

#[test]
fn json_functions_answer_as_sqlite_does() {
    compare("json", json::calls, 12_000, differences::JSON);
}

#[test]
fn date_functions_answer_as_sqlite_does() {
    compare("date", date::calls, 12_000, differences::DATE);
}

#[test]
fn text_functions_answer_as_sqlite_does() {
    compare("text", text::calls, 16_000, differences::TEXT);
}

/// Asks both sides the fixed cases of a family and as many generated calls.
fn compare(
    family: &str,
    generator: fn(&mut Rng, usize) -> Vec<Call>,
    count: usize,
    differences: &[Difference],
) {
    let seed = seed();
    let count = number("SQLITE_CALLS").map_or(count, |calls| calls as usize);
    let lite = Lite::open();
    let mut pg = Pg::start(&[EXACT_MODE]);
    let mut pairs = cases::ask(family, &lite, &mut pg);
    pairs.extend(ask(&generator(&mut Rng::new(seed), count), &lite, &mut pg));
    judge(&pairs, differences);
}

fn ask(calls: &[Call], lite: &Lite, pg: &mut Pg) -> Vec<Pair> {
    let questions: Vec<String> = calls.iter().map(Call::pg).collect();
    let answers = pg.ask(&questions);
    calls
        .iter()
        .zip(questions)
        .zip(answers)
        .map(|((call, pg), ours)| Pair {
            name: call.form.name.to_owned(),
            lite: call.lite(),
            pg,
            theirs: lite.ask(call),
            ours,
        })
        .collect()
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text}")))
}

/// What the environment says, or a new one; printed, so that a run can be repeated.
fn seed() -> u64 {
    let seed = number("SQLITE_SEED").unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(0, |since| since.as_millis() as u64 % 1_000_000)
    });
    println!("SQLITE_SEED={seed}");
    seed
}
