//! Every error that this extension raises itself.

use pb_compat_core::{sqlite, uuid};
use pg_ext_core::SqlError;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;
use thiserror::Error;

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    #[error(transparent)]
    Sqlite(#[from] sqlite::Error),
    #[error(transparent)]
    Uuid(#[from] uuid::Error),
    #[error("UUID is not of version 7")]
    NotVersion7,
    #[error("flags must be between 1 and 15")]
    JsonFlags,
}

impl SqlError for Error {
    fn sqlstate(&self) -> PgSqlErrorCode {
        match self {
            Self::Sqlite(error) => sqlite_sqlstate(error),
            Self::Uuid(uuid::Error::TimeOutOfRange | uuid::Error::ClockOutOfRange) => {
                PgSqlErrorCode::ERRCODE_DATETIME_FIELD_OVERFLOW
            }
            Self::Uuid(uuid::Error::NoRandomness) => PgSqlErrorCode::ERRCODE_SYSTEM_ERROR,
            Self::NotVersion7 | Self::JsonFlags => PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Uuid(uuid::Error::TimeOutOfRange | uuid::Error::ClockOutOfRange) => Some(
                "A version 7 UUID counts milliseconds since 1970-01-01 00:00:00 UTC in 48 bits, which end in the year 10889."
                    .into(),
            ),
            Self::Sqlite(_)
            | Self::Uuid(uuid::Error::NoRandomness)
            | Self::NotVersion7
            | Self::JsonFlags => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Sqlite(error) => sqlite_hint(error).map(Into::into),
            Self::Uuid(uuid::Error::TimeOutOfRange) => None,
            Self::Uuid(uuid::Error::ClockOutOfRange) => {
                Some("Set the clock of the server's host.".into())
            }
            Self::Uuid(uuid::Error::NoRandomness) => Some(
                "See whether the server's process may call getrandom or open /dev/urandom.".into(),
            ),
            Self::NotVersion7 => Some(
                "Only version 7 of RFC 9562 holds a time that can be read here; uuid_generate_v7() makes such UUIDs."
                    .into(),
            ),
            Self::JsonFlags => Some(
                "Add up what to accept: 1 for RFC 8259, 2 for JSON5; 4 and 8 ask for SQLite's binary form, which no text has."
                    .into(),
            ),
        }
    }
}

fn sqlite_sqlstate(error: &sqlite::Error) -> PgSqlErrorCode {
    match error {
        sqlite::Error::EscapeNotOneCharacter => PgSqlErrorCode::ERRCODE_INVALID_ESCAPE_CHARACTER,
        sqlite::Error::IntegerOverflow => PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
        sqlite::Error::InvalidUnicodeEscape => PgSqlErrorCode::ERRCODE_INVALID_ESCAPE_SEQUENCE,
        sqlite::Error::MalformedJson | sqlite::Error::TooDeep => {
            PgSqlErrorCode::ERRCODE_INVALID_JSON_TEXT
        }
        sqlite::Error::NoLocalTime => PgSqlErrorCode::ERRCODE_DATETIME_FIELD_OVERFLOW,
        sqlite::Error::PatternTooComplex | sqlite::Error::TooBig => {
            PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED
        }
        sqlite::Error::NulInText => PgSqlErrorCode::ERRCODE_UNTRANSLATABLE_CHARACTER,
        _ => PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
    }
}

fn sqlite_hint(error: &sqlite::Error) -> Option<&'static str> {
    Some(match error {
        sqlite::Error::BadPath(_) => {
            "A path begins with $ and goes on with .label, .\"label\", [3], [#-1] or [#]."
        }
        sqlite::Error::BlobInJson => "Make it text first, for example with sqlite.hex().",
        sqlite::Error::EvenArguments(_) => {
            "A document comes first, then a path and a value in turn."
        }
        sqlite::Error::EscapeNotOneCharacter => "Name one character after ESCAPE.",
        sqlite::Error::IntegerOverflow => {
            "Cast to double precision: -9223372036854775808 has no positive counterpart."
        }
        sqlite::Error::InvalidUnicodeEscape => {
            "Escapes are \\XXXX, \\uXXXX, \\+XXXXXX, \\UXXXXXXXX and \\\\."
        }
        sqlite::Error::LabelNotText => "Cast the label to text.",
        sqlite::Error::MalformedJson => {
            "sqlite.json_error_position() tells where a value stops to be JSON."
        }
        sqlite::Error::NoLocalTime => return None,
        sqlite::Error::NonDeterministic(_) => {
            "A value that an index is made of must stay what it is: no 'now', 'localtime' or 'utc'."
        }
        sqlite::Error::NotAnArrayElement(_) => {
            "json_array_insert() takes paths that end with [..]."
        }
        sqlite::Error::NulInText => {
            "PostgreSQL's text, unlike SQLite's, has no such character; take the value as JSON, with the -> operator."
        }
        sqlite::Error::OddArguments => "Labels and values come in turn.",
        sqlite::Error::PathTooDeep => "A path has fewer than 1000 steps.",
        sqlite::Error::PatternTooComplex => "A pattern has at most 50000 bytes.",
        sqlite::Error::TooBig => "A text or blob has at most 1000000000 bytes.",
        sqlite::Error::TooDeep => "JSON may be nested 1000 deep.",
    })
}

impl From<Error> for ErrorReport {
    #[track_caller]
    fn from(error: Error) -> Self {
        error.report()
    }
}

#[cfg(test)]
mod unit {
    use super::*;
    use pg_ext_core::error::sqlstate_text;

    /// The two that SQL cannot provoke; the others are tested through SQL.
    #[test]
    fn failures_of_the_host_have_fitting_sqlstates() {
        assert_eq!(sqlstate_text(Error::Uuid(uuid::Error::ClockOutOfRange).sqlstate()), "22008");
        assert_eq!(sqlstate_text(Error::Uuid(uuid::Error::NoRandomness).sqlstate()), "58000");
    }
}
