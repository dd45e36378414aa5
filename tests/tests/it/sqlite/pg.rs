//! PostgreSQL's side: many calls a round trip, each with its error caught by itself.

use super::call::Answer;
use postgres::Client;
use tests::{Cluster, cluster, connect};

/// How many calls go in one round trip.
const BATCH: usize = 500;

/// Runs one expression and returns its type and its text, or `error`, SQLSTATE and message.
///
/// OFFSET 0 keeps the planner from computing the expression twice.
const ATTEMPT: &str = "
    CREATE FUNCTION public.attempt(expression text) RETURNS text[] LANGUAGE plpgsql AS $$
    DECLARE
        outcome text[];
    BEGIN
        EXECUTE 'SELECT ARRAY[pg_typeof(r)::text, r::text] FROM (SELECT (' || expression || ') OFFSET 0) AS answer(r)'
            INTO outcome;
        RETURN outcome;
    EXCEPTION WHEN OTHERS THEN
        RETURN ARRAY['error', SQLSTATE, SQLERRM];
    END $$";

pub struct Pg {
    // Ends when this goes.
    cluster: Cluster,
    client: Client,
}

impl Pg {
    /// A cluster of its own with the extension, and `settings` as lines of postgresql.conf.
    pub fn start(settings: &[&str]) -> Pg {
        let cluster = cluster(settings);
        let mut client = connect(&cluster, "postgres");
        client.batch_execute("CREATE EXTENSION pb_compat").expect("the extension");
        client.batch_execute(ATTEMPT).expect("the function that asks");
        Pg { cluster, client }
    }

    pub fn run(&mut self, sql: &str) {
        self.client.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    pub fn ask(&mut self, expressions: &[String]) -> Vec<Answer> {
        expressions.chunks(BATCH).flat_map(|batch| self.batch(batch)).collect()
    }

    fn batch(&mut self, expressions: &[String]) -> Vec<Answer> {
        let rows = self.client.query(
            "SELECT public.attempt(expression) FROM unnest($1::text[]) WITH ORDINALITY AS asked(expression, n) ORDER BY n",
            &[&expressions],
        );
        match rows {
            Ok(rows) => rows.iter().map(|row| read(row.get(0))).collect(),
            // Nothing that a call may do ends the session.
            Err(error) => panic!("{error:?}\nthe call is {}", self.culprit(expressions)),
        }
    }

    /// The call that ends a session.
    fn culprit<'a>(&self, expressions: &'a [String]) -> &'a str {
        tests::eventually("the server is back", std::time::Duration::from_secs(30), || {
            self.cluster.connect("postgres").ok()
        });
        expressions
            .iter()
            .find(|expression| {
                let mut client = connect(&self.cluster, "postgres");
                client.query("SELECT public.attempt($1)", &[expression]).is_err()
            })
            .map_or("none of them alone", String::as_str)
    }
}

/// By the type that SQLite has for it. A boolean is an integer there.
fn read(outcome: Vec<Option<String>>) -> Answer {
    let mut outcome = outcome.into_iter();
    let mut next = || outcome.next().flatten();
    let kind = next().expect("a type");
    let Some(value) = next() else { return Answer::Null };
    match kind.as_str() {
        "error" => Answer::Error { sqlstate: value, message: next().unwrap_or_default() },
        "boolean" => Answer::Integer((value == "true").into()),
        "bigint" | "integer" | "smallint" => Answer::Integer(value.parse().expect("an integer")),
        "double precision" | "real" => Answer::Real(value.parse().expect("a real")),
        "bytea" => Answer::Blob(unhex(&value)),
        _ => Answer::Text(value),
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.strip_prefix("\\x").expect("bytea_output is hex");
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex"))
        .collect()
}
