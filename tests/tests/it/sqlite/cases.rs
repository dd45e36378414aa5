//! The fixed cases of cases.txt.

use super::lite::Lite;
use super::pg::Pg;
use super::report::Pair;

/// One call a line, below a heading `# family`; other lines that begin with # are remarks.
///
/// A line is one expression for both sides; where they have to be written differently it is `SQLite => PostgreSQL`.
const CASES: &str = include_str!("cases.txt");

/// Names that PostgreSQL's grammar keeps to itself, on some version at least: the schema has to be written.
const KEYWORDS: [&str; 8] =
    ["char", "date", "json", "json_array", "json_object", "substring", "time", "trim"];

/// Asks both sides the cases of one family. PostgreSQL's side must look for names in schema `sqlite` first.
pub fn ask(family: &str, lite: &Lite, pg: &mut Pg) -> Vec<Pair> {
    let cases: Vec<(String, String)> = section(family).map(sides).collect();
    assert!(!cases.is_empty(), "cases.txt has no family {family}");
    let questions: Vec<String> = cases.iter().map(|(_, pg)| pg.clone()).collect();
    let answers = pg.ask(&questions);
    cases
        .into_iter()
        .zip(answers)
        .map(|((lite_sql, pg), ours)| {
            let theirs = lite.ask_sql(&lite_sql);
            let text = theirs.to_string();
            let mistaken = ["no such", "syntax error", "unrecognized token", "wrong number of"];
            assert!(!mistaken.iter().any(|words| text.contains(words)), "{lite_sql}: {text}");
            Pair { name: format!("cases of {family}"), lite: lite_sql, pg, theirs, ours }
        })
        .collect()
}

fn section(family: &str) -> impl Iterator<Item = &'static str> {
    let heading = format!("# family {family}");
    CASES
        .lines()
        .skip_while(move |line| *line != heading)
        .skip(1)
        .take_while(|line| !line.starts_with("# family "))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn sides(line: &str) -> (String, String) {
    match line.split_once(" => ") {
        Some((lite, pg)) => (lite.trim().to_owned(), pg.trim().to_owned()),
        None => (line.to_owned(), for_pg(line)),
    }
}

/// The schema before the names that need it, and a blob's literal as PostgreSQL writes it.
pub fn for_pg(sql: &str) -> String {
    let mut written = String::new();
    let mut rest = sql;
    while let Some(letter) = rest.chars().next() {
        if letter == '\'' {
            // Up to the closing quote; a doubled one begins another piece.
            let end = rest[1..].find('\'').map_or(rest.len(), |at| at + 2);
            written.push_str(&rest[..end]);
            rest = &rest[end..];
        } else if let Some(digits) = rest.strip_prefix("x'") {
            let end = digits.find('\'').expect("a blob ends");
            written.push_str(&format!("'\\x{}'::bytea", &digits[..end]));
            rest = &digits[end + 1..];
        } else if letter.is_alphabetic() {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let word = &rest[..end];
            if KEYWORDS.contains(&word) && rest[end..].starts_with('(') && !written.ends_with('.') {
                written.push_str("sqlite.");
            }
            written.push_str(word);
            rest = &rest[end..];
        } else {
            written.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    written
}
