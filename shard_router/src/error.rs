//! Every error of the extension, with its SQLSTATE.

use pg_ext_core::SqlError;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;
use thiserror::Error;

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    #[error("{argument} must not be null")]
    NullArgument { argument: &'static str },
    #[error("shard key must not be null")]
    NullKey,
    #[error("type {found} cannot be the shard key{}", of_table(.table))]
    KeyType { found: String, table: Option<String>, expected: String },
    #[error("the shard key of table {table} has {}, not {given}", columns_of(.columns))]
    KeyCount { table: String, columns: Vec<String>, given: usize },
    #[error("the strategy modulo takes one key column, not {given}")]
    ModuloColumns { given: usize },
    #[error("rows cannot be moved in a transaction that keeps its snapshot")]
    OldSnapshot,
    #[error("rows must be a JSON array of objects")]
    NotObjects,
    #[error("cursor \"{name}\" does not exist or returns no rows")]
    NoCursor { name: String },
    #[error("unknown format \"{given}\"")]
    UnknownFormat { given: String },
    #[error("layout of table {table} cannot be exported: {what}")]
    NotExportable { table: String, what: String, hint: String },
    #[error("table {table} cannot be distributed with engine \"{engine}\"")]
    NoEngine { table: String, engine: String },
    #[error("table {table} is not distributed")]
    NotDistributed { table: String },
    #[error("shard key {key} is negative")]
    NegativeKey { key: i64 },
    #[error("{name} must be between {least} and {most}, not {given}")]
    OutOfRange { name: &'static str, least: i64, most: i64, given: i64 },
    #[error("unknown sharding strategy \"{given}\"")]
    UnknownStrategy { given: String },
    #[error("table {table} is not sharded")]
    NotSharded { table: String },
    #[error("table {table} is sharded already")]
    AlreadySharded { table: String },
    #[error("shard {shard} of table {table}, {relation}, does not exist")]
    MissingShard { shard: usize, table: String, relation: String, modulus: u64 },
    #[error("relation with OID {oid} does not exist")]
    NoSuchTable { oid: u32 },
    #[error("table {table} does not exist any more")]
    Vanished { table: String },
    #[error("{table} is not a table")]
    NotATable { table: String },
    #[error("must be owner of table {table}")]
    NotOwner { table: String },
    #[error("permission denied for table {table}")]
    NoRight { table: String, rights: String },
    #[error("permission denied for schema {schema}")]
    NoCreate { schema: String },
    #[error("table {table} is not empty")]
    NotEmpty { table: String },
    #[error("cannot shard table {table}: {what}")]
    Unsupported { table: String, what: String, hint: String },
    #[error("column \"{column}\" of table {table} does not exist")]
    NoSuchColumn { column: String, table: String },
    #[error("column \"{column}\" is given twice in the shard key")]
    TwiceInKey { column: String },
    #[error("name \"{name}\" is too long")]
    NameTooLong { name: String },
    #[error("name of the {what} must not be empty")]
    EmptyName { what: &'static str },
    #[error("function {function} already exists")]
    FunctionExists { function: String },
    #[error("function {function} belongs to no sharded table")]
    StrayFunction { function: String },
    #[error("function {function} does not fit table {table} any more")]
    StaleFunction { function: String, table: String, why: String },
    #[error("set-valued function called in context that cannot accept a set")]
    NoSetExpected,
    #[error("{what} is not what the server is known to give")]
    Internal { what: String },
}

fn of_table(table: &Option<String>) -> String {
    table.as_ref().map(|table| format!(" of table {table}")).unwrap_or_default()
}

/// How many columns a list has, as words.
fn columns_of(list: &[String]) -> String {
    match list.len() {
        1 => "1 column".into(),
        several => format!("{several} columns"),
    }
}

impl SqlError for Error {
    fn sqlstate(&self) -> PgSqlErrorCode {
        use PgSqlErrorCode::*;
        match self {
            Self::NullArgument { .. } | Self::NullKey => ERRCODE_NULL_VALUE_NOT_ALLOWED,
            Self::KeyType { .. } | Self::KeyCount { .. } => ERRCODE_DATATYPE_MISMATCH,
            Self::NegativeKey { .. } => ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
            Self::OutOfRange { .. } | Self::UnknownStrategy { .. } | Self::ModuloColumns { .. } => {
                ERRCODE_INVALID_PARAMETER_VALUE
            }
            Self::NotObjects | Self::UnknownFormat { .. } => ERRCODE_INVALID_PARAMETER_VALUE,
            Self::NotExportable { .. } | Self::NoEngine { .. } | Self::NotDistributed { .. } => {
                ERRCODE_FEATURE_NOT_SUPPORTED
            }
            Self::NoCursor { .. } => ERRCODE_INVALID_CURSOR_NAME,
            Self::NotSharded { .. } | Self::StrayFunction { .. } => ERRCODE_UNDEFINED_OBJECT,
            Self::AlreadySharded { .. } => ERRCODE_DUPLICATE_OBJECT,
            Self::MissingShard { .. } | Self::NoSuchTable { .. } | Self::Vanished { .. } => {
                ERRCODE_UNDEFINED_TABLE
            }
            Self::NotATable { .. } => ERRCODE_WRONG_OBJECT_TYPE,
            Self::NotOwner { .. } | Self::NoCreate { .. } | Self::NoRight { .. } => {
                ERRCODE_INSUFFICIENT_PRIVILEGE
            }
            Self::OldSnapshot => ERRCODE_INVALID_TRANSACTION_STATE,
            Self::NotEmpty { .. } | Self::StaleFunction { .. } => {
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
            }
            Self::Unsupported { .. } | Self::NoSetExpected => ERRCODE_FEATURE_NOT_SUPPORTED,
            Self::NoSuchColumn { .. } => ERRCODE_UNDEFINED_COLUMN,
            Self::TwiceInKey { .. } => ERRCODE_DUPLICATE_COLUMN,
            Self::NameTooLong { .. } => ERRCODE_NAME_TOO_LONG,
            Self::EmptyName { .. } => ERRCODE_INVALID_NAME,
            Self::FunctionExists { .. } => ERRCODE_DUPLICATE_FUNCTION,
            Self::Internal { .. } => ERRCODE_INTERNAL_ERROR,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::MissingShard { shard, modulus, .. } => {
                Some(format!("No partition takes remainder {shard} of modulus {modulus}."))
            }
            Self::StaleFunction { why, .. } => Some(why.clone()),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NullKey => "A row without its key has no shard.".into(),
            Self::KeyType { expected, .. } => format!("Use {expected}; cast the value if need be."),
            Self::KeyCount { columns, .. } => format!("Give the key as ROW({}).", columns.join(", ")),
            Self::NoRight { rights, .. } => {
                format!("The functions run with their caller's rights: grant {rights} on the table.")
            }
            Self::NegativeKey { .. } => {
                "With the strategy modulo a key is 0 or more; the strategy hash takes any number."
                    .into()
            }
            Self::ModuloColumns { .. } => "The strategy hash takes several.".into(),
            Self::NotObjects => {
                "Each object is a row, its keys are names of columns: [{\"user_id\": 1}].".into()
            }
            Self::NoCursor { .. } => "Open it in this transaction with a query.".into(),
            Self::OldSnapshot => "Use the isolation level READ COMMITTED.".into(),
            Self::UnknownStrategy { .. } => "The strategies are hash and modulo.".into(),
            Self::NotSharded { .. } => {
                "Call shard_router.create_sharded_table, adopt_table or register_table for it first."
                    .into()
            }
            Self::MissingShard { .. } => {
                "Attach a partition with that bound; the other shards go on working.".into()
            }
            Self::Vanished { .. } => {
                "Another session has dropped or replaced it; look it up again by its name.".into()
            }
            Self::NotEmpty { .. } => {
                "Call shard_router.adopt_table, which takes the rows along.".into()
            }
            Self::UnknownFormat { .. } => "The formats are pgdog and shardingsphere.".into(),
            Self::NoEngine { .. } => {
                "No engine is supported; the shards stay partitions of this server.".into()
            }
            Self::NotDistributed { .. } => "There is nothing to take back.".into(),
            Self::NotExportable { hint, .. } | Self::Unsupported { hint, .. } => hint.clone(),
            Self::NameTooLong { .. } => {
                format!(
                    "A name has at most {} bytes; choose a shorter one.",
                    crate::names::MAX_NAME
                )
            }
            Self::FunctionExists { .. } => {
                "Drop or rename it, or give another entity or owner_name.".into()
            }
            Self::StrayFunction { .. } | Self::StaleFunction { .. } => {
                "Call shard_router.refresh_functions for the table.".into()
            }
            _ => return None,
        })
    }
}

impl From<Error> for ErrorReport {
    #[track_caller]
    fn from(error: Error) -> Self {
        error.report()
    }
}
