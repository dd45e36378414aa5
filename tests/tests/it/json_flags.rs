//! json_valid and SQLite's function of that name, asked about the same documents.

mod documents;

use documents::document;
use std::collections::HashMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use tests::Rng;
use tests::{cluster, create_app};

const DOCUMENTS: usize = 60_000;

/// SQLite's answers to all fifteen flags.
fn sqlite(statement: &mut rusqlite::Statement, document: &str) -> Vec<bool> {
    statement
        .query_row([document], |row| (0..15).map(|column| row.get(column)).collect())
        .expect("SQLite answers")
}

fn columns(sql: impl Fn(i32) -> String) -> String {
    (1..=15).map(sql).collect::<Vec<_>>().join(", ")
}

#[test]
fn json_valid_agrees_with_sqlite_for_every_flag() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos() as u64
    });
    println!("SEED={seed}");
    let memory = rusqlite::Connection::open_in_memory().expect("SQLite");
    let ask = format!("SELECT {}", columns(|flags| format!("json_valid(?1, {flags})")));
    let mut ask = memory.prepare(&ask).expect("a statement");
    let cluster = cluster(&[]);
    let mut client = create_app(&cluster);
    let answer = format!(
        "SELECT ARRAY[{}] || json_valid(document)
         FROM unnest($1::text[]) WITH ORDINALITY AS documents (document, n) ORDER BY n",
        columns(|flags| format!("json_valid(document, {flags})"))
    );
    let answer = client.prepare(&answer).expect("a statement");

    // What the suite of documents that all parsers are measured with holds, then what chance brings.
    let mut documents: Vec<String> = Vec::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/json");
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let bytes = std::fs::read(entry.expect("a file").path()).expect("readable");
        // A text value can hold neither invalid UTF-8 nor NUL.
        documents.extend(String::from_utf8(bytes).ok().filter(|text| !text.contains('\0')));
    }
    let mut random = Rng::new(seed);
    documents.extend((0..DOCUMENTS).map(|_| document(&mut random)));

    let mut outcomes: HashMap<(bool, bool), usize> = HashMap::new();
    for batch in documents.chunks(2000) {
        let rows = client.query(&answer, &[&batch]).expect("an answer");
        assert_eq!(rows.len(), batch.len());
        for (document, row) in batch.iter().zip(rows) {
            let ours: Vec<bool> = row.get(0);
            let theirs = sqlite(&mut ask, document);
            assert_eq!(ours[..15], theirs, "{document:?}, SEED={seed}");
            assert_eq!(ours[15], theirs[0], "{document:?} without flags, SEED={seed}");
            *outcomes.entry((theirs[0], theirs[1])).or_default() += 1;
        }
    }
    println!("(RFC 8259, JSON5) -> documents: {outcomes:?}");
    // The comparison means something only if every outcome is frequent.
    for outcome in [(true, true), (false, true), (false, false)] {
        assert!(outcomes[&outcome] > DOCUMENTS / 20, "{outcomes:?}");
    }
}

/// The character set decides what is white space, not the bytes: in LATIN1 a no-break space is the byte A0, and C2 A0,
/// which is one in UTF-8, is `Â` and a no-break space.
#[test]
fn json5_in_other_encodings_is_that_of_the_same_characters_in_utf8() {
    let memory = rusqlite::Connection::open_in_memory().expect("SQLite");
    let mut ask = memory.prepare("SELECT json_valid(?1, 2)").expect("a statement");
    let cluster = cluster(&[]);
    let mut admin = create_app(&cluster);
    for (encoding, characters) in [
        ("LATIN1", ('\u{80}'..='\u{FF}').collect::<Vec<char>>()),
        ("EUC_JP", "、。　あ漢ｱ※".chars().collect()),
        ("WIN1252", "€‚ƒ\u{A0}Âé…".chars().collect()),
    ] {
        let name = encoding.to_lowercase();
        admin
            .batch_execute(&format!(
                "CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
            ))
            .expect("a database");
        let mut client = tests::connect(&cluster, &name);
        client
            .batch_execute("SET client_min_messages = error; CREATE EXTENSION pb_compat")
            .expect("installed");
        let (mut compared, mut valid) = (0, 0);
        for character in characters {
            for pattern in
                ["@1", "{@:1}", "{a@b:1}", "{a@:1}", "//@\n1", "/*@*/1", "'\\@'", "Â@1", "{Â@:1}"]
            {
                let document = pattern.replace('@', &character.to_string());
                let stored = client.query_one("SELECT json_valid($1, 2)", &[&document]);
                // EUC_JP has no Â; the server refuses such a text before we see it.
                let Ok(row) = stored else { continue };
                let theirs: bool = ask.query_row([&document], |row| row.get(0)).expect("an answer");
                assert_eq!(row.get::<_, bool>(0), theirs, "{document:?} in {encoding}");
                compared += 1;
                valid += usize::from(theirs);
            }
        }
        assert!(compared > 40 && valid > 5, "{encoding}: {valid} of {compared}");
    }
}
