//! What PocketBase writes, over columns: what a literal shows, the planner may have computed beforehand.

use super::EXACT_MODE;
use super::call::Answer;
use super::differences::POCKETBASE;
use super::lite::Lite;
use super::pg::Pg;
use super::report::{Pair, judge};

/// Made on both sides. A field of several values is a list or, from before it was one, a single value.
const TABLES: &str = r#"
    CREATE TABLE docs (id INTEGER, c TEXT);
    INSERT INTO docs VALUES
        (1, '["a","b"]'), (2, '[]'), (3, 'single'), (4, ''), (5, NULL), (6, '{"p":1}'), (7, '{"p":"x","q":[1]}'),
        (8, '{"p":{"q":null}}'), (9, 'null'), (10, '5'), (11, '"x"'), (12, '{p:1}'), (13, '[1,'), (14, 'true'),
        (15, '{"p":1e3,"p":2}'), (16, '["é","日本",1.50]'), (17, '[["n"],{"p":[]}]'), (18, ' [1] ');
    CREATE TABLE points (id INTEGER, lon DOUBLE PRECISION, lat DOUBLE PRECISION);
    INSERT INTO points VALUES
        (1, 23.32, 42.69), (2, 0, 0), (3, 180, 0), (4, -180, 90), (5, 7, 1.1), (6, NULL, 1), (7, -73.98, 40.75);
    CREATE TABLE logs (id INTEGER, created TEXT);
    INSERT INTO logs VALUES
        (1, '2024-01-31 12:34:56.789Z'), (2, '2024-02-29 23:59:59.999Z'), (3, ''), (4, NULL), (5, 'soon'),
        (6, '2024-12-31 00:00:00.000Z'), (7, '2024-02-31');
    CREATE TABLE names (id INTEGER, n TEXT);
    INSERT INTO names VALUES (1, 'Test@Example.com'), (2, '50% off'), (3, 'a_b'), (4, 'A\b'), (5, 'É'), (6, ''), (7, NULL);
"#;

/// A column that may be a list, as one: PocketBase's way to iterate over any.
const LIST: &str =
    "CASE WHEN iif(json_valid(c), json_type(c)='array', FALSE) THEN c ELSE json_array(c) END";

const OF_DOCS: &[&str] = &[
    "json_array_length(LIST)",
    "json_extract(LIST, '$[#-1]')",
    "CASE WHEN json_valid(c) THEN json_extract(c, '$.p') ELSE json_extract(json_object('pb', c), '$.pb.p') END",
    "CASE WHEN json_valid(c) THEN json_extract(c, '$') ELSE json_extract(json_object('pb', c), '$.pb') END",
    "CASE WHEN json_valid(c) THEN json_type(c) END",
    "(SELECT group_concat(value, ';') FROM json_each(LIST))",
    "(SELECT count(*) FROM json_each(LIST) WHERE value = 'a')",
    "(SELECT group_concat(j.fullkey, ';') FROM json_tree(LIST) AS j)",
    "coalesce(c, '') = ''",
    "EXISTS (SELECT 1 FROM json_each(LIST) AS j WHERE j.value LIKE '%B%')",
    "NOT EXISTS (SELECT 1 FROM json_each(LIST) AS j WHERE NOT (j.value <> 'a'))",
];

const OF_POINTS: &[&str] = &[
    // From the point itself, and from another.
    "6371 * acos(cos(radians(lat)) * cos(radians(lat)) * cos(radians(lon) - radians(lon)) + sin(radians(lat)) * sin(radians(lat)))",
    "6371 * acos(cos(radians(lat)) * cos(radians(42.5)) * cos(radians(23.5) - radians(lon)) + sin(radians(lat)) * sin(radians(42.5)))",
];

const OF_LOGS: &[&str] = &[
    "strftime('%Y-%m-%d %H:00:00', created)",
    "strftime('%Y-%m-%d %H:%M:%fZ', created)",
    "created > strftime('%Y-%m-%d %H:%M:%fZ', '2024-02-01')",
    "date(created, '+1 month')",
    "unixepoch(created)",
    "datetime(created, 'start of month')",
];

const OF_NAMES: &[&str] = &[
    r"n LIKE '%EXAMPLE%' ESCAPE '\'",
    r"n LIKE '%50\%%' ESCAPE '\'",
    r"n LIKE '%A\_B%' ESCAPE '\'",
    r"n NOT LIKE '%a%' ESCAPE '\'",
    "n = 'test@example.COM' COLLATE nocase",
    "n = 'é' COLLATE nocase",
    "lower(n)",
    "upper(n)",
    "substr(n, -3)",
    "instr(n, '@')",
];

#[test]
fn pocketbases_expressions_answer_over_columns_as_in_sqlite() {
    let lite = Lite::open();
    let mut pg = Pg::start(&[EXACT_MODE]);
    lite.run(TABLES);
    pg.run(&format!("SET search_path = public; {TABLES}; RESET search_path"));
    let mut questions = Vec::new();
    for (table, rows, expressions) in [
        ("docs", 18, OF_DOCS),
        ("points", 7, OF_POINTS),
        ("logs", 7, OF_LOGS),
        ("names", 7, OF_NAMES),
    ] {
        for expression in expressions {
            let expression = expression.replace("LIST", LIST);
            for id in 1..=rows {
                questions.push(format!("(SELECT {expression} FROM {table} WHERE id = {id})"));
            }
        }
    }
    let for_pg: Vec<String> = questions.iter().map(|sql| super::cases::for_pg(sql)).collect();
    let answers = pg.ask(&for_pg);
    let pairs: Vec<Pair> = questions
        .into_iter()
        .zip(for_pg)
        .zip(answers)
        .map(|((sql, pg), ours)| {
            let theirs = as_text_where_ours_is(lite.ask_sql(&sql), &ours, &lite, &sql);
            Pair { name: "pocketbase".to_owned(), lite: sql, pg, theirs, ours }
        })
        .collect();
    judge(&pairs, POCKETBASE);
}

/// json_extract returns text, whatever is there: so is SQLite's answer compared.
fn as_text_where_ours_is(theirs: Answer, ours: &Answer, lite: &Lite, sql: &str) -> Answer {
    match (&theirs, ours) {
        (Answer::Integer(_) | Answer::Real(_), Answer::Text(_)) if sql.contains("json_extract") => {
            lite.ask_sql(&format!("CAST({sql} AS TEXT)"))
        }
        _ => theirs,
    }
}

#[test]
fn pocketbases_defaults_make_ids_and_times() {
    let mut pg = Pg::start(&[EXACT_MODE]);
    // A table of PocketBase's, in the words of its migrations but for the types and the schema of a keyword.
    pg.run(
        "CREATE TABLE public.made (
             id text PRIMARY KEY DEFAULT ('r'||lower(hex(randomblob(7)))) NOT NULL,
             created text DEFAULT (strftime('%Y-%m-%d %H:%M:%fZ')) NOT NULL,
             updated text DEFAULT (strftime('%Y-%m-%d %H:%M:%fZ', 'now')) NOT NULL,
             n int);
         INSERT INTO public.made (n) SELECT n FROM generate_series(1, 1000) n",
    );
    let expected = [
        ("(SELECT count(DISTINCT id) FROM made)", 1000),
        ("(SELECT count(*) FROM made WHERE id ~ '^r[0-9a-f]{14}$')", 1000),
        (
            "(SELECT count(*) FROM made WHERE created ~ '^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$')",
            1000,
        ),
        // One statement has one time, and it is now.
        ("(SELECT count(DISTINCT created || updated) FROM made)", 1),
        ("(SELECT count(*) FROM made WHERE created = updated)", 1000),
        (
            "(SELECT count(*) FROM made WHERE abs(extract(epoch FROM created::timestamptz - now())) < 60)",
            1000,
        ),
    ];
    for (question, count) in expected {
        let answers = pg.ask(&[question.to_owned()]);
        assert!(
            matches!(answers[..], [Answer::Integer(n)] if n == count),
            "{question}: {}",
            answers[0]
        );
    }
}
