//! Every error of the extension.

use pg_ext_core::SqlError;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;

/// What can go wrong, with the SQLSTATE that [`SqlError`] gives it.
///
/// Names of tables and columns arrive quoted where they need it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("column \"{column}\" of relation {table} does not exist")]
    UndefinedColumn { table: String, column: String },
    #[error("column \"{column}\" is listed more than once in {list}")]
    DuplicateColumn { list: &'static str, column: String },
    #[error("column \"{column}\" of relation {table} is a virtual generated column")]
    VirtualColumn { table: String, column: String },
    #[error("table {table} has no primary key and no replica identity index")]
    NoKey { table: String },
    #[error("unclosed brace in key template \"{template}\"")]
    UnclosedBrace { template: String },
    #[error("unmatched closing brace in key template \"{template}\"")]
    UnmatchedBrace { template: String },
    #[error("empty or badly quoted placeholder in key template \"{template}\"")]
    BadPlaceholder { template: String },
    #[error("key template is empty")]
    EmptyTemplate,
    #[error(
        "unrecognized argument \"{argument}\" of the trigger function cache_notify.invalidate_cache"
    )]
    UnknownArgument { argument: String },
    #[error("invalid value for {name}: \"{value}\"")]
    InvalidValue { name: &'static str, value: String, allowed: &'static str },
    #[error("{name} must not be empty")]
    EmptyList { name: &'static str },
    #[error("{name} must not be null")]
    NullValue { name: &'static str },
    #[error("invalid channel name \"{channel}\"")]
    InvalidChannel { channel: String },
    #[error("keys cannot be combined with payload \"event\"")]
    KeysWithEvent,
    #[error("delivery \"async\" needs cache_notify in shared_preload_libraries")]
    NotPreloaded,
    #[error("cannot PREPARE a transaction that has messages of delivery \"async\"")]
    Prepare,
    #[error("delivery \"durable\" needs wal_level \"logical\"")]
    WalLevel,
    #[error("consumers need wal_level \"logical\"")]
    ConsumerWalLevel,
    #[error("invalid consumer name \"{name}\"")]
    InvalidConsumerName { name: String, limit: usize },
    #[error("consumer \"{name}\" does not exist")]
    NoConsumer { name: String },
    #[error("consumer \"{name}\" already exists")]
    ConsumerExists { name: String },
    #[error("consumer \"{name}\" has missed changes")]
    ConsumerLost { name: String },
    #[error("consumer \"{name}\" is in use by another session")]
    ConsumerInUse { name: String },
    #[error("position {position} has not been written yet")]
    FuturePosition { position: String },
    #[error("publication \"cache_notify\" does not exist")]
    NoPublication,
    #[error("unexpected output of the plugin pgoutput")]
    UnknownOutput,
    #[error("cache_notify.changes_since was called where a set of five columns is not accepted")]
    NoSet,
    #[error("function cache_notify.invalidate_cache was not called by a trigger")]
    NotTrigger,
    #[error(
        "trigger \"{trigger}\" calls cache_notify.invalidate_cache but is not an AFTER trigger"
    )]
    NotAfter { trigger: String },
    #[error("trigger \"{trigger}\" has no transition table for its {operation} statements")]
    NoTransitionTable { trigger: String, operation: &'static str },
    #[error("must be owner of relation {table}")]
    NotOwner { table: String },
    #[error("{table} is not a table")]
    NotTable { table: String, what: &'static str },
    #[error("{table} is not partitioned")]
    NotPartitioned { table: String },
    #[error("{table} is a partition")]
    IsPartition { table: String, root: String },
    #[error("{table} has a foreign table as a partition: {partition}")]
    ForeignPartition { table: String, partition: String },
    #[error(
        "trigger \"{trigger}\" on {table} already exists and does not call cache_notify.invalidate_cache"
    )]
    TriggerExists { table: String, trigger: String },
    #[error("{table} is not attached")]
    NotAttached { table: String },
    #[error("event is {length} bytes long, more than the {limit} of a notification")]
    EventTooLong { length: usize, limit: usize },
}

impl SqlError for Error {
    fn sqlstate(&self) -> PgSqlErrorCode {
        use PgSqlErrorCode::*;
        match self {
            Error::UndefinedColumn { .. } => ERRCODE_UNDEFINED_COLUMN,
            Error::DuplicateColumn { .. } => ERRCODE_DUPLICATE_COLUMN,
            Error::NoKey { .. } | Error::NotAttached { .. } | Error::NoConsumer { .. } => {
                ERRCODE_UNDEFINED_OBJECT
            }
            Error::InvalidConsumerName { .. } => ERRCODE_INVALID_NAME,
            Error::ConsumerInUse { .. } => ERRCODE_OBJECT_IN_USE,
            Error::UnknownOutput => ERRCODE_PROTOCOL_VIOLATION,
            Error::VirtualColumn { .. }
            | Error::ForeignPartition { .. }
            | Error::Prepare
            | Error::NoSet => ERRCODE_FEATURE_NOT_SUPPORTED,
            Error::UnclosedBrace { .. }
            | Error::UnmatchedBrace { .. }
            | Error::BadPlaceholder { .. }
            | Error::EmptyTemplate
            | Error::UnknownArgument { .. }
            | Error::InvalidValue { .. }
            | Error::EmptyList { .. }
            | Error::InvalidChannel { .. }
            | Error::KeysWithEvent
            | Error::FuturePosition { .. }
            | Error::EventTooLong { .. } => ERRCODE_INVALID_PARAMETER_VALUE,
            Error::NullValue { .. } => ERRCODE_NULL_VALUE_NOT_ALLOWED,
            Error::NotTrigger | Error::NotAfter { .. } | Error::NoTransitionTable { .. } => {
                ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED
            }
            Error::NotOwner { .. } => ERRCODE_INSUFFICIENT_PRIVILEGE,
            Error::NotTable { .. } | Error::NotPartitioned { .. } | Error::IsPartition { .. } => {
                ERRCODE_WRONG_OBJECT_TYPE
            }
            Error::TriggerExists { .. } | Error::ConsumerExists { .. } => ERRCODE_DUPLICATE_OBJECT,
            Error::NotPreloaded
            | Error::WalLevel
            | Error::ConsumerWalLevel
            | Error::ConsumerLost { .. }
            | Error::NoPublication => ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Error::NotTable { what, .. } => Some(format!("It is {what}.")),
            Error::ForeignPartition { .. } => {
                Some("Foreign tables cannot have transition tables.".to_owned())
            }
            Error::ConsumerLost { .. } => Some(
                "The write-ahead log that it had not read is gone: it kept more than cache_notify.max_lag or \
                 max_slot_wal_keep_size allows, or this is a restored database, a copy or a promoted standby."
                    .to_owned(),
            ),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Error::UndefinedColumn { .. } => {
                "If the column was renamed or dropped, call cache_notify.attach again with the present columns, or \
                 cache_notify.detach."
                    .to_owned()
            }
            Error::VirtualColumn { .. } => {
                "Its value is not in the row that a trigger sees. Use a stored column.".to_owned()
            }
            Error::NoKey { .. } => {
                "Pass key_columns, or give the table a primary key.".to_owned()
            }
            Error::UnclosedBrace { .. } | Error::UnmatchedBrace { .. } => {
                "A placeholder is {column}, {id}, {table} or {schema}. Write {{ and }} for the characters themselves."
                    .to_owned()
            }
            Error::BadPlaceholder { .. } => {
                "A placeholder is {column}, {id}, {table} or {schema}; {\"name\"} is always the column of that name."
                    .to_owned()
            }
            Error::EmptyTemplate => "A template gives the key to drop, such as {table}:{id}.".to_owned(),
            Error::UnknownArgument { .. } => {
                "The arguments are a channel, then key columns, then '--' and options: key=, keys=, only=, payload=, \
                 max_keys=, delivery=."
                    .to_owned()
            }
            Error::InvalidValue { allowed, .. } => format!("Allowed: {allowed}."),
            Error::InvalidChannel { .. } => "A channel name has 1 to 63 bytes.".to_owned(),
            Error::KeysWithEvent => {
                "An event carries the row's key as id. Leave keys out, or use payload \"key\" or \"json\"."
                    .to_owned()
            }
            Error::NotPreloaded => {
                "Add cache_notify to shared_preload_libraries and restart the server, or use delivery \"notify\"."
                    .to_owned()
            }
            Error::Prepare => {
                "Tables that two-phase transactions write can be attached with delivery \"durable\".".to_owned()
            }
            Error::WalLevel => {
                "Set wal_level to logical and restart the server, or use delivery \"notify\" or \"async\"."
                    .to_owned()
            }
            Error::ConsumerWalLevel => {
                "Set wal_level to logical and restart the server.".to_owned()
            }
            Error::InvalidConsumerName { limit, .. } => format!(
                "A consumer's name has 1 to {limit} characters: lower case letters, digits and underscores."
            ),
            Error::NoConsumer { .. } => {
                "Call cache_notify.add_consumer, then drop everything cached, then read on.".to_owned()
            }
            Error::ConsumerExists { .. } => {
                "It goes on where it was: read with cache_notify.changes_since.".to_owned()
            }
            Error::ConsumerLost { .. } => {
                "Call cache_notify.add_consumer again, then drop everything cached, then read on.".to_owned()
            }
            Error::ConsumerInUse { .. } => {
                "Give each reader a consumer of its own, or wait until the other call has ended.".to_owned()
            }
            Error::FuturePosition { .. } => {
                "Confirm positions that cache_notify.changes_since returned.".to_owned()
            }
            Error::NoPublication => "Execute CREATE PUBLICATION cache_notify.".to_owned(),
            Error::NoSet => "Call it in FROM.".to_owned(),
            Error::NotTrigger => {
                "Use it in CREATE TRIGGER .. AFTER .. EXECUTE FUNCTION cache_notify.invalidate_cache()."
                    .to_owned()
            }
            Error::NotAfter { .. } => "Create it with AFTER, or call cache_notify.attach.".to_owned(),
            Error::NoTransitionTable { operation, .. } => {
                let referencing = match *operation {
                    "INSERT" => "REFERENCING NEW TABLE AS new_rows",
                    "DELETE" => "REFERENCING OLD TABLE AS old_rows",
                    _ => "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
                };
                format!(
                    "Write AFTER {operation} ON .. {referencing} FOR EACH STATEMENT, or FOR EACH ROW, or call \
                     cache_notify.attach."
                )
            }
            Error::NotTable { .. } => "Attach the tables that hold the rows.".to_owned(),
            Error::NotPartitioned { .. } => {
                "moved_rows is about rows that MERGE moves from one partition to another. Leave it out.".to_owned()
            }
            Error::IsPartition { root, .. } => {
                format!("Name the partitioned table at the top, {root}; its partitions are included.")
            }
            Error::ForeignPartition { .. } => {
                "Attach the table on the server where its rows are.".to_owned()
            }
            Error::TriggerExists { .. } => "Rename or drop that trigger first.".to_owned(),
            Error::NotAttached { .. } => {
                "The view cache_notify.attached lists the tables that are.".to_owned()
            }
            Error::EventTooLong { .. } => {
                "Send what identifies the record and let the listener fetch the rest.".to_owned()
            }
            Error::DuplicateColumn { .. }
            | Error::EmptyList { .. }
            | Error::NullValue { .. }
            | Error::UnknownOutput
            | Error::NotOwner { .. } => return None,
        })
    }
}

impl From<Error> for ErrorReport {
    #[track_caller]
    fn from(error: Error) -> Self {
        error.report()
    }
}
