//! Text as the server stores it.

use pgrx::callconv::{Arg, ArgAbi};
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};

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
