//! SQLite's side.

use super::call::{Answer, Arg, Call};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Error, ToSql};

pub struct Lite(Connection);

impl Lite {
    pub fn open() -> Lite {
        let connection = Connection::open_in_memory().expect("SQLite opens");
        connection.set_prepared_statement_cache_capacity(500);
        Lite(connection)
    }

    pub fn ask(&self, call: &Call) -> Answer {
        let sql = format!("SELECT {}", call.lite_with_parameters());
        let values: Vec<&dyn ToSql> = call.args.iter().map(|arg| arg as &dyn ToSql).collect();
        self.answer(&sql, &values)
    }

    /// The value of an expression that is written out.
    pub fn ask_sql(&self, expression: &str) -> Answer {
        self.answer(&format!("SELECT {expression}"), &[])
    }

    pub fn run(&self, sql: &str) {
        self.0.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    fn answer(&self, sql: &str, values: &[&dyn ToSql]) -> Answer {
        let answer = self
            .0
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row(values, |row| Ok(read(row.get_ref(0)?))));
        answer.unwrap_or_else(|error| Answer::Error {
            sqlstate: String::new(),
            message: match error {
                Error::SqliteFailure(_, Some(message)) => message,
                Error::SqlInputError { msg, .. } => msg,
                error => error.to_string(),
            },
        })
    }
}

fn read(value: ValueRef) -> Answer {
    match value {
        ValueRef::Null => Answer::Null,
        ValueRef::Integer(value) => Answer::Integer(value),
        ValueRef::Real(value) => Answer::Real(value),
        ValueRef::Text(bytes) => match str::from_utf8(bytes) {
            Ok(text) => Answer::Text(text.to_owned()),
            Err(_) => Answer::Garbled(bytes.to_vec()),
        },
        ValueRef::Blob(bytes) => Answer::Blob(bytes.to_vec()),
    }
}

impl ToSql for Arg {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Arg::Null => ToSqlOutput::Owned(Value::Null),
            Arg::Integer(value) => ToSqlOutput::Owned(Value::Integer(*value)),
            Arg::Real(value) => ToSqlOutput::Owned(Value::Real(*value)),
            Arg::Text(text) | Arg::Json(text) => {
                ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))
            }
            Arg::Blob(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}
