//! Schema sqlite: its JSON and date functions beside PostgreSQL's own.

use super::figure::{Contender, Figure, Target};
use super::{Bench, Run};
use anyhow::{Result, ensure};

pub const BENCH: Bench = Bench { name: "sqlite", extensions: &["pb_compat"], settings: &[], run };

fn run(run: &mut Run) -> Result<()> {
    let rows = run.size(50_000, 10_000);
    fill(run, rows)?;
    members(run, rows)?;
    elements(run, run.size(5_000, 1_000))?;
    times(run, rows)
}

/// Records of about 1 KB with the member that is asked for in the middle, arrays of 100 numbers, and times as PocketBase
/// writes them.
fn fill(run: &Run, n: u64) -> Result<()> {
    run.step(&format!("{n} records of 1 KB"), || {
        let mut client = run.session()?.client;
        client.batch_execute(&format!(
            "CREATE TABLE records (n int NOT NULL, record text NOT NULL, created text NOT NULL, at timestamptz NOT NULL);
             INSERT INTO records
             SELECT n,
                    json_build_object(
                        'id', 'r' || md5(n::text), 'collectionName', 'articles',
                        'body', repeat(md5(n::text) || ' ', 11),
                        'author', json_build_object('id', n % 1000, 'name', 'author ' || n % 1000),
                        'views', n, 'score', n / 7.0, 'published', n % 2 = 0,
                        'tags', json_build_array('a', 'b', 'c'),
                        'summary', repeat('word ', 60),
                        'updated', '2024-05-01 12:00:00.123Z'
                    )::text,
                    to_char(t.at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS') || 'Z', t.at
               FROM generate_series(1, {n}) AS n
              CROSS JOIN LATERAL (SELECT '2024-01-01 00:00+00'::timestamptz + n * interval '4217 s') AS t (at);
             CREATE TABLE arrays (numbers text NOT NULL);
             INSERT INTO arrays
             SELECT (SELECT json_agg(n * i) FROM generate_series(1, 100) AS i)::text
               FROM generate_series(1, {n} / 10) AS n"
        ))?;
        client.batch_execute("VACUUM (FREEZE, ANALYZE) records")?;
        client.batch_execute("VACUUM (FREEZE, ANALYZE) arrays")?;
        let row = client.query_one(
            "SELECT avg(length(record))::int,
                    count(*) FILTER (WHERE sqlite.json_extract(record, '$.views') IS DISTINCT FROM record::jsonb ->> 'views')
               FROM records",
            &[],
        )?;
        let (length, wrong): (i32, i64) = (row.get(0), row.get(1));
        ensure!((900..1200).contains(&length), "a record has {length} bytes");
        ensure!(wrong == 0, "json_extract and jsonb disagree on {wrong} records");
        Ok(())
    })
}

fn scan(label: &str, expression: &str, n: u64) -> Contender {
    Contender::counting(label, n, format!("SELECT count({expression}) FROM records"))
}

fn members(run: &mut Run, n: u64) -> Result<()> {
    run.compare(Figure {
        name: "one member of a 1 KB document".into(),
        note: "SELECT count(f(record)) over a table of text; count(record) is subtracted. The member stands in the middle."
            .into(),
        item: "document",
        baseline: Some(scan("scan alone", "record", n)),
        contenders: vec![
            scan("json_extract", "sqlite.json_extract(record, '$.views')", n),
            scan("->>", "record OPERATOR(sqlite.->>) 'views'", n),
            scan("::jsonb ->>", "record::jsonb ->> 'views'", n),
            scan("::json ->>", "record::json ->> 'views'", n),
        ],
        reference: "::jsonb ->>".into(),
        targets: vec![Target::at_most(1.5, "json_extract")],
    })
}

fn elements(run: &mut Run, arrays: u64) -> Result<()> {
    let unnest = |label: &str, column: &str, call: &str| {
        Contender::counting(
            label,
            arrays * 100,
            format!(
                "SELECT count({column}) FROM (SELECT numbers FROM arrays LIMIT {arrays}) AS few, {call}"
            ),
        )
    };
    run.compare(Figure {
        name: "the elements of an array of 100".into(),
        note: "SELECT count(value) of each array's elements, from text; nothing is subtracted. json_each makes eight \
               columns, the others one."
            .into(),
        item: "element",
        baseline: None,
        contenders: vec![
            unnest("json_each", "value", "sqlite.json_each(numbers)"),
            unnest(
                "jsonb_array_elements_text",
                "value",
                "jsonb_array_elements_text(numbers::jsonb) AS e (value)",
            ),
            unnest(
                "json_array_elements_text",
                "value",
                "json_array_elements_text(numbers::json) AS e (value)",
            ),
        ],
        reference: "jsonb_array_elements_text".into(),
        targets: vec![Target::at_most(1.5, "json_each")],
    })
}

fn times(run: &mut Run, n: u64) -> Result<()> {
    run.compare(Figure {
        name: "a time by format".into(),
        note: "SELECT count(f(..)) over a table with each time as text and as timestamptz; count(at) is subtracted."
            .into(),
        item: "time",
        baseline: Some(scan("scan alone", "at", n)),
        contenders: vec![
            scan("strftime of text", "sqlite.strftime('%Y-%m-%d %H:%M:%S', created)", n),
            scan("strftime of timestamptz", "sqlite.strftime('%Y-%m-%d %H:%M:%S', at)", n),
            scan("to_char of timestamptz", "to_char(at, 'YYYY-MM-DD HH24:MI:SS')", n),
            scan("to_char of text", "to_char(created::timestamptz, 'YYYY-MM-DD HH24:MI:SS')", n),
        ],
        reference: "to_char of timestamptz".into(),
        targets: vec![
            Target::at_most(2.0, "strftime of text"),
            Target::at_most(2.0, "strftime of timestamptz"),
        ],
    })
}
