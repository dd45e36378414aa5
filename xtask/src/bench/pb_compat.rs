//! pb_compat: new UUIDs, and whether a text is JSON.

use super::figure::{Contender, Figure, Target};
use super::report::Reading;
use super::{Bench, Run};
use anyhow::{Result, ensure};

pub const BENCH: Bench =
    Bench { name: "pb_compat", extensions: &["pb_compat"], settings: &[], run };

fn run(run: &mut Run) -> Result<()> {
    for file in ["json_valid_plpgsql.sql", "json_blocks.sql", "documents.sql"] {
        run.load(file)?;
    }
    new_ids(run)?;
    ids_and_the_clock(run)?;
    times_of_ids(run)?;
    let documents = run.size(1_000_000, 100_000);
    // Both kinds at once would not fit into shared_buffers, and scans would differ by where they read from.
    fill(run, "document", documents)?;
    valid_json(run, documents)?;
    valid_jsonb(run, documents)?;
    fill(run, "broken_document", documents)?;
    invalid_json(run, documents)?;
    invalid_jsonb(run, documents)?;
    failing_casts(run, documents)
}

/// `count(expression)` for n rows that are made on the way: no table, and nothing kept.
fn series(expression: &str, n: u64) -> String {
    format!("SELECT count({expression}) FROM (SELECT generate_series(1, {n}) AS n) AS rows")
}

fn new_ids(run: &mut Run) -> Result<()> {
    let n = run.size(5_000_000, 500_000);
    let recipe = run.sql("uuid_v7_plpgsql.sql")?;
    let calls = |call: &str, n: u64| Contender::counting(call, n, series(call, n));
    run.compare(Figure {
        name: "a new UUID".into(),
        note: "SELECT count(f()) over generated rows; the same with count(n) is subtracted. All of these functions are \
               volatile, so each row is a call."
            .into(),
        item: "id",
        baseline: Some(Contender::counting("generated rows alone", n, series("n", n))),
        contenders: vec![
            calls("uuid_generate_v7()", n),
            // Peers that take ten times as long get by with fewer calls; what counts is the time of one.
            calls("gen_random_uuid()", n / 5),
            calls("pg_catalog.uuidv7()", n / 5).since(18),
            calls("uuid_generate_v4()", n / 10).needing("uuid-ossp"),
            calls("uuid_v7_plpgsql()", n / 10).prepared_by(recipe),
        ],
        reference: "gen_random_uuid()".into(),
        targets: vec![Target::at_most(0.1, "uuid_generate_v7()")],
    })
}

/// What order and clock are worth: ids that would not increase, or whose time has not come yet, are no bargain.
fn ids_and_the_clock(run: &mut Run) -> Result<()> {
    let loops = run.size(5_000_000, 500_000);
    let mut makers = vec!["uuid_generate_v7()"];
    if run.major >= 18 {
        makers.push("pg_catalog.uuidv7()");
    }
    for maker in makers {
        let mut client = run.session()?.client;
        // The clock is read once, right after the last id of the loop is made. An id holds milliseconds in 48 bits and
        // their fraction in 12 bits behind the version.
        let ahead: f64 = client
            .query_one(
                &format!(
                    "SELECT (('x' || left(hex, 12))::bit(48)::bigint * 1000
                             + ('x' || substr(hex, 14, 3))::bit(12)::int * 1000 / 4096.0
                             - extract(epoch FROM now) * 1000000)::float8
                     FROM (SELECT replace(id::text, '-', '') AS hex, now
                           FROM (SELECT n, {maker} AS id, CASE n WHEN {loops} THEN clock_timestamp() END AS now
                                 FROM (SELECT generate_series(1, {loops}) AS n) AS rows OFFSET 0) AS made
                           WHERE n = {loops}) AS last"
                ),
                &[],
            )?
            .get(0);
        run.reading(Reading::new(
            &format!("{maker} ahead of the clock after {loops} in a loop (negative: behind)"),
            "us",
            // Adding zero makes a plain zero of a negative one.
            (ahead * 10.0).round() / 10.0 + 0.0,
            (maker == "uuid_generate_v7()").then_some(1000.0),
        ));
        let inversions: i64 = client
            .query_one(
                &format!(
                    "SELECT count(*) FROM (
                         SELECT id, lag(id) OVER (ORDER BY n) AS previous
                         FROM (SELECT n, {maker} AS id FROM generate_series(1, 1000000) AS n) AS made
                     ) AS ids WHERE id <= previous"
                ),
                &[],
            )?
            .get(0);
        run.reading(Reading::new(
            &format!("{maker} not greater than the one before, of 1000000"),
            "",
            inversions as f64,
            (maker == "uuid_generate_v7()").then_some(0.0),
        ));
    }
    Ok(())
}

fn times_of_ids(run: &mut Run) -> Result<()> {
    let n = run.size(1_000_000, 100_000);
    run.step(&format!("{n} version 7 UUIDs"), || {
        let mut client = run.session()?.client;
        client.batch_execute(&format!(
            "CREATE TABLE ids (id uuid NOT NULL);
             INSERT INTO ids SELECT uuid_generate_v7() FROM generate_series(1, {n})"
        ))?;
        Ok(client.batch_execute("VACUUM (FREEZE, ANALYZE) ids")?)
    })?;
    let scan = |label: &str, expression: &str| {
        Contender::counting(label, n, format!("SELECT count({expression}) FROM ids"))
    };
    run.compare(Figure {
        name: "the time of a version 7 UUID".into(),
        note: "SELECT count(f(id)) over a table; count(id) is subtracted. The expression is the usual one: \
               to_timestamp of the first twelve hexadecimal digits."
            .into(),
        item: "id",
        baseline: Some(scan("scan alone", "id")),
        contenders: vec![
            scan("uuid_v7_to_timestamptz", "uuid_v7_to_timestamptz(id)"),
            scan(
                "SQL expression",
                "to_timestamp(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0)",
            ),
            scan("uuid_extract_timestamp", "uuid_extract_timestamp(id)").since(18),
        ],
        reference: "SQL expression".into(),
        targets: Vec::new(),
    })
}

/// The table `documents` with n rows made by `maker`, and a tenth of them in `few_documents`, for those who are slow.
fn fill(run: &Run, maker: &str, n: u64) -> Result<()> {
    let few = n / 10;
    let sound = maker == "document";
    run.step(&format!("{n} documents by {maker}()"), || {
        let mut client = run.session()?.client;
        // Not CREATE TABLE AS, whose pages would not stay in shared_buffers.
        client.batch_execute(&format!(
            "DROP TABLE IF EXISTS documents, few_documents;
             CREATE TABLE documents (document text NOT NULL);
             CREATE TABLE few_documents (document text NOT NULL);
             INSERT INTO documents SELECT {maker}(n) FROM generate_series(1::bigint, {n}) AS n;
             INSERT INTO few_documents SELECT {maker}(n) FROM generate_series(1::bigint, {few}) AS n"
        ))?;
        client.batch_execute("VACUUM (FREEZE, ANALYZE) documents")?;
        client.batch_execute("VACUUM (FREEZE, ANALYZE) few_documents")?;
        // Everybody answers alike, and right.
        for judge in ["json_valid", "jsonb_valid", "json_valid_plpgsql", "jsonb_valid_plpgsql"] {
            let wrong: i64 = client
                .query_one(
                    &format!("SELECT count(*) FROM few_documents WHERE {judge}(document) <> $1"),
                    &[&sound],
                )?
                .get(0);
            ensure!(wrong == 0, "{judge} is wrong about {wrong} documents of {maker}()");
        }
        Ok(())
    })
}

/// `count(expression)` over the documents: neither false nor an answer that nobody looks at is skipped.
fn scan(label: &str, expression: &str, n: u64) -> Contender {
    Contender::counting(label, n, format!("SELECT count({expression}) FROM documents"))
}

fn scan_few(label: &str, expression: &str, n: u64) -> Contender {
    Contender::counting(label, n / 10, format!("SELECT count({expression}) FROM few_documents"))
}

fn valid_json(run: &mut Run, n: u64) -> Result<()> {
    run.compare(Figure {
        name: "json_valid, valid documents".into(),
        note: "SELECT count(f(document)) over a table of records of about 110 bytes; count(document) is subtracted. \
               The cast succeeds for all of them."
            .into(),
        item: "document",
        baseline: Some(scan("scan alone", "document", n)),
        contenders: vec![
            scan("json_valid", "json_valid(document)", n),
            scan("::json", "document::json", n),
            scan("IS JSON", "document IS JSON", n).since(16),
            scan("pg_input_is_valid", "pg_input_is_valid(document, 'json')", n).since(16),
            scan_few("json_valid_plpgsql", "json_valid_plpgsql(document)", n),
        ],
        reference: "::json".into(),
        targets: vec![Target::at_most(0.8, "json_valid")],
    })
}

fn valid_jsonb(run: &mut Run, n: u64) -> Result<()> {
    run.compare(Figure {
        name: "jsonb_valid, valid documents".into(),
        note: "The same documents and jsonb: the cast has to build it, the check does not.".into(),
        item: "document",
        baseline: Some(scan("scan alone", "document", n)),
        contenders: vec![
            scan("jsonb_valid", "jsonb_valid(document)", n),
            scan("::jsonb", "document::jsonb", n),
            scan("pg_input_is_valid", "pg_input_is_valid(document, 'jsonb')", n).since(16),
            scan_few("jsonb_valid_plpgsql", "jsonb_valid_plpgsql(document)", n),
        ],
        reference: "::jsonb".into(),
        targets: Vec::new(),
    })
}

/// What the server can answer about invalid documents in the middle of a scan, where the bare cast would end it.
fn invalid_json(run: &mut Run, n: u64) -> Result<()> {
    // Since 16 the parser behind the cast can be asked without an error: the nearest there is to the cast itself.
    let soft = run.major >= 16;
    let reference = if soft { "pg_input_is_valid" } else { "json_valid_plpgsql" };
    run.compare(Figure {
        name: "json_valid, invalid documents".into(),
        note: format!(
            "The records with a mistake at the end, in the middle or at the start, in equal parts. The cast would end \
             the scan at the first of them. {}",
            if soft {
                "pg_input_is_valid runs the parser behind ::json and raises nothing, so it stands for ::json here."
            } else {
                "Up to PostgreSQL 15 the way to go on is to catch the error in plpgsql."
            }
        ),
        item: "document",
        baseline: Some(scan("scan alone", "document", n)),
        contenders: vec![
            scan("json_valid", "json_valid(document)", n),
            scan("IS JSON", "document IS JSON", n).since(16),
            scan("pg_input_is_valid", "pg_input_is_valid(document, 'json')", n).since(16),
            scan_few("json_valid_plpgsql", "json_valid_plpgsql(document)", n),
        ],
        reference: reference.into(),
        targets: if soft { vec![Target::at_most(0.8, "json_valid")] } else { Vec::new() },
    })
}

fn invalid_jsonb(run: &mut Run, n: u64) -> Result<()> {
    let reference = if run.major >= 16 { "pg_input_is_valid" } else { "jsonb_valid_plpgsql" };
    run.compare(Figure {
        name: "jsonb_valid, invalid documents".into(),
        note: "The same broken documents and jsonb.".into(),
        item: "document",
        baseline: Some(scan("scan alone", "document", n)),
        contenders: vec![
            scan("jsonb_valid", "jsonb_valid(document)", n),
            scan("pg_input_is_valid", "pg_input_is_valid(document, 'jsonb')", n).since(16),
            scan_few("jsonb_valid_plpgsql", "jsonb_valid_plpgsql(document)", n),
        ],
        reference: reference.into(),
        targets: Vec::new(),
    })
}

/// Invalid documents against the cast itself, on every version. A cast that fails ends its statement or, as here, a
/// subtransaction; either way it has raised an error, which is most of what it costs.
fn failing_casts(run: &mut Run, n: u64) -> Result<()> {
    run.compare(Figure {
        name: "json_valid, invalid documents, against a cast that fails".into(),
        note: "Three plpgsql functions with a block that catches errors: with the check in it, with the cast, and with \
               neither, which is subtracted. What is left of ::json is its parser up to the mistake and the error, \
               raised and caught. A statement that fails as a whole costs more: its transaction is rolled back and the \
               client is told."
            .into(),
        item: "document",
        baseline: Some(scan_few("block alone", "block_alone(document)", n)),
        contenders: vec![
            scan_few("json_valid", "block_json_valid(document)", n),
            scan_few("::json", "block_json(document)", n),
        ],
        reference: "::json".into(),
        targets: vec![Target::at_most(0.8, "json_valid")],
    })
}
