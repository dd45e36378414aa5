//! Every error that this extension raises itself.

use pb_compat_core::uuid;
use pg_ext_core::SqlError;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;
use thiserror::Error;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Error {
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
            Self::Uuid(uuid::Error::NoRandomness) | Self::NotVersion7 | Self::JsonFlags => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
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
