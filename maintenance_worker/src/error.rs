//! Everything a user can do wrong: SQLSTATE, message and hint.

use crate::period::{OutOfCalendar, PeriodError};
use pg_ext_core::SqlError;
use pgrx::pg_sys::errcodes::PgSqlErrorCode::{self, *};
use pgrx::pg_sys::panic::ErrorReport;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum Error {
    #[error("{0} must not be null")]
    NullArgument(&'static str),
    #[error("relation with OID {0} does not exist")]
    NoRelation(u32),
    #[error("must be owner of {0}")]
    NotOwner(String),
    #[error("\"{0}\" is not a partitioned table")]
    NotPartitioned(String),
    #[error("\"{0}\" is not partitioned by RANGE")]
    NotRange(String),
    #[error("\"{0}\" is a temporary table")]
    Temporary(String),
    #[error("the partition key of \"{0}\" is not a single column")]
    KeyNotOneColumn(String),
    #[error("partition key column \"{column}\" has unsupported type {type_name}")]
    KeyType { column: String, type_name: String },
    #[error("invalid epoch \"{0}\"")]
    Epoch(String),
    #[error("partition key column \"{0}\" is an integer, and nothing says what it counts")]
    EpochMissing(String),
    #[error("a policy by ids has no epoch")]
    EpochOfIds,
    #[error("partition key column \"{column}\" of type {type_name} is too short for this epoch")]
    EpochTooShort { column: String, type_name: String },
    #[error("partition key column \"{column}\" of type {type_name} has no epoch")]
    NotEpoch { column: String, type_name: String },
    #[error("partition key column \"{column}\" of type {type_name} cannot be partitioned by ids")]
    NotIds { column: String, type_name: String },
    #[error("retention and period are not of the same kind")]
    RetentionOfOtherKind,
    #[error("max_runtime must be between 1 millisecond and 7 days")]
    MaxRuntime,
    #[error("setting \"{0}\" cannot be reset")]
    Reset(String),
    #[error("setting \"{0}\" is both given and reset")]
    ResetAndGiven(String),
    #[error("the policy of \"{0}\" is not of the same kind as the range")]
    RangeOfOtherKind(String),
    #[error("extension \"pg_partman\" is not installed in this database")]
    NoPartman,
    #[error("permission denied for table part_config")]
    PartmanRights,
    #[error("\"{0}\" is not maintained by pg_partman")]
    NotPartman(String),
    #[error("\"{table}\" cannot be taken over from pg_partman: {reason}")]
    Partman { table: String, reason: String, hint: String },
    #[error("invalid period: {0}")]
    Period(#[from] PeriodError),
    #[error("a partition of a date key must span whole days")]
    PeriodBelowDay,
    #[error("premake must be between 0 and 10000, not {0}")]
    Premake(i32),
    #[error("retention must be greater than zero")]
    Retention,
    #[error("invalid on_expiry \"{0}\"")]
    OnExpiry(String),
    #[error("lock_timeout must be between 1 millisecond and 1 hour")]
    LockTimeout,
    #[error("time zone \"{0}\" is not known")]
    TimeZone(String),
    #[error("\"{0}\" already has a {1} policy")]
    PolicyExists(String, &'static str),
    #[error("\"{0}\" has no {1} policy")]
    NoPolicy(String, &'static str),
    #[error(transparent)]
    OutOfCalendar(#[from] OutOfCalendar),
    #[error("range_start must be before range_end")]
    RangeOrder,
    #[error("the range needs more than {0} partitions")]
    RangeTooLong(usize),
    #[error("\"{0}\" is not a materialized view")]
    NotMaterializedView(String),
    #[error("invalid schedule \"{0}\": {1}")]
    Schedule(String, String),
    #[error("invalid catch_up \"{0}\"")]
    CatchUp(String),
    #[error("materialized view \"{0}\" cannot be refreshed concurrently")]
    NotConcurrent(String),
    #[error("rows of default partition {0} are being changed")]
    RowsInUse(String),
    #[error("default partition \"{0}\" holds rows of a new partition and is published")]
    PublishedRows(String),
}

impl SqlError for Error {
    fn sqlstate(&self) -> PgSqlErrorCode {
        match self {
            Self::NullArgument(_) => ERRCODE_NULL_VALUE_NOT_ALLOWED,
            Self::NoRelation(_) => ERRCODE_UNDEFINED_TABLE,
            Self::NotOwner(_) | Self::PartmanRights => ERRCODE_INSUFFICIENT_PRIVILEGE,
            Self::NotPartitioned(_) | Self::NotRange(_) | Self::NotMaterializedView(_) => {
                ERRCODE_WRONG_OBJECT_TYPE
            }
            Self::Temporary(_)
            | Self::KeyNotOneColumn(_)
            | Self::KeyType { .. }
            | Self::Partman { .. } => ERRCODE_FEATURE_NOT_SUPPORTED,
            Self::Period(_)
            | Self::PeriodBelowDay
            | Self::Epoch(_)
            | Self::EpochMissing(_)
            | Self::EpochOfIds
            | Self::EpochTooShort { .. }
            | Self::NotEpoch { .. }
            | Self::NotIds { .. }
            | Self::RetentionOfOtherKind
            | Self::MaxRuntime
            | Self::Reset(_)
            | Self::ResetAndGiven(_)
            | Self::RangeOfOtherKind(_)
            | Self::Premake(_)
            | Self::Retention
            | Self::OnExpiry(_)
            | Self::LockTimeout
            | Self::TimeZone(_)
            | Self::RangeOrder
            | Self::Schedule(..)
            | Self::CatchUp(_) => ERRCODE_INVALID_PARAMETER_VALUE,
            Self::PolicyExists(..) => ERRCODE_DUPLICATE_OBJECT,
            Self::NoPolicy(..) | Self::NoPartman | Self::NotPartman(_) => ERRCODE_UNDEFINED_OBJECT,
            Self::OutOfCalendar(_) => ERRCODE_DATETIME_FIELD_OVERFLOW,
            Self::RangeTooLong(_) => ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            Self::NotConcurrent(_) | Self::PublishedRows(_) => {
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
            }
            Self::RowsInUse(_) => ERRCODE_LOCK_NOT_AVAILABLE,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NullArgument(_) => "Pass a value, or leave the argument out for its default.",
            Self::NoRelation(_) => "The relation was dropped in the meantime.",
            Self::NotOwner(_) => {
                "Only the owner of a relation, a member of its owner's role or a superuser may maintain it."
            }
            Self::NotPartitioned(_) => "Create the table with PARTITION BY RANGE (column).",
            Self::NotRange(_) => {
                "Only tables that are PARTITION BY RANGE (column) can be maintained."
            }
            Self::Temporary(_) => {
                "No other session sees a temporary table. Use a permanent or an unlogged one."
            }
            Self::KeyNotOneColumn(_) => {
                "Partition by one plain column of type date, timestamp, timestamptz, uuid or an integer type."
            }
            Self::KeyType { .. } => {
                "Supported types are date, timestamp, timestamptz, uuid and the integer types."
            }
            Self::NoPartman => "Use maintenance.add_partition_policy() for sets made by hand.",
            Self::PartmanRights => {
                "The set is deleted there. Have SELECT and DELETE on it granted."
            }
            Self::NotPartman(_) => {
                "pg_partman's part_config has no row of it. Use maintenance.add_partition_policy()."
            }
            Self::Partman { hint, .. } => hint,
            Self::Epoch(_) => "Use 's' for seconds or 'ms' for milliseconds since 1970.",
            Self::EpochMissing(_) => {
                "Give epoch => 's' or 'ms' if it holds a time, or the period as a whole number if it counts rows."
            }
            Self::EpochOfIds => "Give the period as an interval if the key holds a time.",
            Self::EpochTooShort { .. } => {
                "A bigint holds seconds and milliseconds, an integer seconds up to 2038."
            }
            Self::NotEpoch { .. } => "Leave epoch out: it is for integers that hold a time.",
            Self::NotIds { .. } => "Give the period as an interval, such as '1 day'.",
            Self::RetentionOfOtherKind => {
                "Give both as intervals, or both as numbers of ids: id_period goes with id_retention."
            }
            Self::MaxRuntime => "Use an interval such as '10 minutes', or NULL for no limit.",
            Self::Reset(_) => "What has a default can be reset; a period and a schedule have none.",
            Self::ResetAndGiven(_) => "Do one of the two.",
            Self::RangeOfOtherKind(_) => {
                "Give points in time for a policy with an interval, numbers for one by ids."
            }
            Self::Period(_) => {
                "Use one unit: '15 minutes', '1 hour', '1 day', '1 week', '1 month' or '1 year', or a multiple of it."
            }
            Self::PeriodBelowDay => "Use a period of at least '1 day'.",
            Self::Premake(_) => "It is the number of partitions kept ready after the current one.",
            Self::Retention => {
                "Use an interval such as '30 days', or a number of ids, or NULL to keep everything."
            }
            Self::OnExpiry(_) => "Use 'drop' or 'detach'.",
            Self::LockTimeout => {
                "Writers may wait that long when a partition expires. The default is '1s'."
            }
            Self::TimeZone(_) => {
                "Use a full name as in pg_timezone_names, such as 'UTC' or 'Europe/Berlin', in its exact spelling."
            }
            Self::PolicyExists(_, "partition") => "Use maintenance.alter_partition_policy().",
            Self::PolicyExists(..) => "Use maintenance.alter_refresh_policy().",
            Self::NoPolicy(_, "partition") => "Use maintenance.add_partition_policy().",
            Self::NoPolicy(..) => "Use maintenance.add_refresh_policy().",
            Self::OutOfCalendar(_) => "Use dates within these years.",
            Self::RangeOrder => "Swap the two, or widen the range.",
            Self::RangeTooLong(_) => {
                "Ask for shorter ranges one after the other, or use a longer period."
            }
            Self::NotMaterializedView(_) => "Only materialized views have something to refresh.",
            Self::Schedule(..) => {
                "Use an interval such as '10 minutes', five cron fields such as '0 3 * * *', or a name such as '@hourly'."
            }
            Self::CatchUp(_) => "Use 'once' or 'skip'.",
            Self::NotConcurrent(_) => {
                "Create a unique index on plain columns, without WHERE, over the materialized view."
            }
            Self::RowsInUse(_) => {
                "It is tried again. Where they never rest, LOCK the table and call run_partition_maintenance() in the same transaction."
            }
            Self::PublishedRows(_) => {
                "Subscribers would get half of a move. Take the table out of the publication meanwhile, or move the rows by hand on both sides."
            }
        };
        Some(hint.to_owned())
    }
}

impl From<Error> for ErrorReport {
    fn from(error: Error) -> Self {
        error.report()
    }
}
