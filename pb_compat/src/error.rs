//! Every error that this extension raises itself.

use pg_ext_core::SqlError;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;
use thiserror::Error;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Error {
    #[error("timestamp out of range for a version 7 UUID")]
    TimeOutOfRange,
    #[error("the system clock is out of range for a version 7 UUID")]
    ClockOutOfRange,
    #[error("UUID is not of version 7")]
    NotVersion7,
    #[error("could not read random bytes from the operating system")]
    NoRandomness,
}

impl SqlError for Error {
    fn sqlstate(&self) -> PgSqlErrorCode {
        match self {
            Self::TimeOutOfRange | Self::ClockOutOfRange => {
                PgSqlErrorCode::ERRCODE_DATETIME_FIELD_OVERFLOW
            }
            Self::NotVersion7 => PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            Self::NoRandomness => PgSqlErrorCode::ERRCODE_SYSTEM_ERROR,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::TimeOutOfRange | Self::ClockOutOfRange => Some(
                "A version 7 UUID counts milliseconds since 1970-01-01 00:00:00 UTC in 48 bits, which end in the year 10889."
                    .into(),
            ),
            Self::NotVersion7 | Self::NoRandomness => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::TimeOutOfRange => None,
            Self::ClockOutOfRange => Some("Set the clock of the server's host.".into()),
            Self::NotVersion7 => Some(
                "Only version 7 of RFC 9562 holds a time that can be read here; uuid_generate_v7() makes such UUIDs."
                    .into(),
            ),
            Self::NoRandomness => Some(
                "See whether the server's process may call getrandom or open /dev/urandom.".into(),
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
        assert_eq!(sqlstate_text(Error::ClockOutOfRange.sqlstate()), "22008");
        assert_eq!(sqlstate_text(Error::NoRandomness.sqlstate()), "58000");
    }
}
