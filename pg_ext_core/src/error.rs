//! From an extension's error enum to the error a client sees.

use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;
use std::fmt::Display;

/// An error with everything a client is owed: the SQLSTATE, a message (its `Display`: lower case, no full stop),
/// and, where they help, a detail and a hint.
///
/// An extension implements this for its one error enum, and `From<Error> for ErrorReport` by calling [`SqlError::report`],
/// so that `?` in a function that returns `Result<T, ErrorReport>` does the rest. pgrx keeps SQLSTATE, detail and hint
/// of an `ErrorReport` only; any other error type would arrive as 22000.
pub trait SqlError: Display {
    /// The error's SQLSTATE.
    fn sqlstate(&self) -> PgSqlErrorCode;

    /// More about this case, as whole sentences.
    fn detail(&self) -> Option<String> {
        None
    }

    /// What the user can do about it, as whole sentences.
    fn hint(&self) -> Option<String> {
        None
    }

    /// The report that PostgreSQL sends to the client.
    #[track_caller]
    fn report(&self) -> ErrorReport {
        let mut report = ErrorReport::new(self.sqlstate(), self.to_string(), "");
        if let Some(detail) = self.detail() {
            report = report.set_detail(detail);
        }
        if let Some(hint) = self.hint() {
            report = report.set_hint(hint);
        }
        report
    }
}

/// The five characters of a SQLSTATE, as clients and logs show them.
///
/// PostgreSQL packs six bits a character, the first one lowest (`MAKE_SQLSTATE` in `utils/elog.h`).
pub fn sqlstate_text(code: PgSqlErrorCode) -> String {
    let packed = code as u32;
    (0..5).map(|i| char::from(((packed >> (6 * i)) & 0x3F) as u8 + b'0')).collect()
}

/// The code of five such characters.
pub fn sqlstate_code(text: &str) -> PgSqlErrorCode {
    let packed = text
        .bytes()
        .rev()
        .fold(0, |code, byte| code << 6 | i32::from(byte.wrapping_sub(b'0') & 0x3F));
    PgSqlErrorCode::from(packed)
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn sqlstates_unpack_to_their_documented_text() {
        assert_eq!(sqlstate_text(PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE), "42P01");
        assert_eq!(sqlstate_text(PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED), "22004");
        assert_eq!(sqlstate_text(PgSqlErrorCode::ERRCODE_INTERNAL_ERROR), "XX000");
        for text in ["42P01", "22004", "XX000", "55P03"] {
            assert_eq!(sqlstate_text(sqlstate_code(text)), text);
        }
    }
}
