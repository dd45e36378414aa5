//! Text as the server stores it, and as UTF-8.

use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::prelude::*;
use std::borrow::Cow;
use std::ffi::{CStr, c_char};
use std::sync::atomic::{AtomicU32, Ordering};

/// A `text` argument as bytes in the database's encoding.
///
/// pgrx's `&str` insists on UTF-8 and panics on the valid text of a LATIN1 or SQL_ASCII database.
#[derive(Clone, Copy)]
pub struct ServerText<'a>(pub &'a [u8]);

// SAFETY: `text` and `bytea` are both plain varlenas, so the reader for `bytea` also reads `text`; the slice lives as
// long as the call, as that reader's does.
unsafe impl<'fcx> ArgAbi<'fcx> for ServerText<'fcx> {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: the caller promises a `text` argument that is not null.
        Self(unsafe { <&'fcx [u8]>::unbox_arg_unchecked(arg) })
    }
}

// SAFETY: the SQL type is the one that `ArgAbi` above reads.
unsafe impl SqlTranslatable for ServerText<'_> {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(ServerText);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("text"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("text")));
}

/// A `text` argument or result as UTF-8, whatever the database's encoding.
pub struct Utf8<'a>(pub Cow<'a, str>);

impl<'a> ServerText<'a> {
    /// The bytes in UTF-8. A database of encoding SQL_ASCII does not know what its bytes mean: they stay as they are.
    pub fn to_utf8_bytes(self) -> &'a [u8] {
        if keeps_utf8() {
            return self.0;
        }
        let length = i32::try_from(self.0.len()).expect("text is below 1 GB");
        // SAFETY: pointer and length belong to one slice, and text is valid in the database's encoding. The result is
        // either the argument itself or a palloc'd, null-terminated copy, which the end of the call frees.
        unsafe {
            let converted = pg_sys::pg_server_to_any(
                self.0.as_ptr().cast(),
                length,
                pg_sys::pg_enc::PG_UTF8.cast_signed(),
            );
            if converted.cast_const().cast() == self.0.as_ptr() {
                self.0
            } else {
                CStr::from_ptr(converted).to_bytes()
            }
        }
    }

    /// Raises 22021 where the database takes any bytes (SQL_ASCII) and these are no UTF-8.
    pub fn to_utf8(self) -> Cow<'a, str> {
        str::from_utf8(self.to_utf8_bytes()).map(Cow::Borrowed).unwrap_or_else(|_| {
            ErrorReport::new(
                PgSqlErrorCode::ERRCODE_CHARACTER_NOT_IN_REPERTOIRE,
                "text is not valid UTF-8",
                function_name!(),
            )
            .set_hint("The functions of schema sqlite work on Unicode text; store it as UTF-8.")
            .report(PgLogLevel::ERROR);
            unreachable!("an ERROR does not return")
        })
    }
}

// SAFETY: reads the `text` that `SqlTranslatable` below declares; what is borrowed lives as long as the call.
unsafe impl<'fcx> ArgAbi<'fcx> for Utf8<'fcx> {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: the caller promises a `text` argument that is not null.
        Self(unsafe { ServerText::unbox_arg_unchecked(arg) }.to_utf8())
    }
}

// SAFETY: returns a datum of the type that `SqlTranslatable` below declares.
unsafe impl BoxRet for Utf8<'_> {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> pgrx::datum::Datum<'fcx> {
        let datum = text_datum(&self.0);
        // SAFETY: a palloc'd varlena of type text.
        unsafe { fcinfo.return_raw_datum(datum) }
    }
}

// SAFETY: the SQL type is the one that `ArgAbi` and `BoxRet` above handle.
unsafe impl SqlTranslatable for Utf8<'_> {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Utf8);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("text"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("text")));
}

/// A `text` datum, in the call's memory. Raises 54000 past the server's limit for a value, and 22P05 for a null
/// character, which no text of PostgreSQL can hold.
pub fn text_datum(text: &str) -> pg_sys::Datum {
    if text.as_bytes().contains(&0) {
        ErrorReport::new(
            PgSqlErrorCode::ERRCODE_UNTRANSLATABLE_CHARACTER,
            "the result contains a null character",
            function_name!(),
        )
        .set_hint("Text cannot hold it in PostgreSQL; a bytea can.")
        .report(PgLogLevel::ERROR);
    }
    let Some(length) = i32::try_from(text.len()).ok().filter(|length| *length < 0x3FFF_FFF0) else {
        ErrorReport::new(
            PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            "the result is longer than a text can be",
            function_name!(),
        )
        .report(PgLogLevel::ERROR);
        unreachable!("an ERROR does not return")
    };
    // SAFETY: pointer and length belong to one string. The conversion gives the argument itself or a palloc'd,
    // null-terminated copy; without one, valid UTF-8 is valid text.
    unsafe {
        let mut converted = text.as_ptr().cast::<c_char>().cast_mut();
        if !keeps_utf8() {
            converted =
                pg_sys::pg_any_to_server(converted, length, pg_sys::pg_enc::PG_UTF8.cast_signed());
        }
        let varlena = if converted.cast_const().cast() == text.as_ptr() {
            pg_sys::cstring_to_text_with_len(converted, length)
        } else {
            pg_sys::cstring_to_text(converted)
        };
        varlena.into()
    }
}

/// Whether text goes in and out of this database as it is: where it is in UTF-8, or of no encoding that is known.
fn keeps_utf8() -> bool {
    /// A backend belongs to one database.
    static ENCODING: AtomicU32 = AtomicU32::new(UNKNOWN);
    const UNKNOWN: u32 = u32::MAX;
    let mut encoding = ENCODING.load(Ordering::Relaxed);
    if encoding == UNKNOWN {
        // SAFETY: no argument, no side effect.
        encoding = unsafe { pg_sys::GetDatabaseEncoding() }.cast_unsigned();
        ENCODING.store(encoding, Ordering::Relaxed);
    }
    encoding == pg_sys::pg_enc::PG_UTF8 || encoding == pg_sys::pg_enc::PG_SQL_ASCII
}
