//! `jsonb` as the server stores it.

use pgrx::callconv::{Arg, ArgAbi};
use pgrx::datum::FromDatum;
use pgrx::pg_sys;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use std::ptr::NonNull;

/// A `jsonb` argument as it is stored: pgrx's own type would build a tree of it, and print it for that.
#[derive(Clone, Copy)]
pub struct ServerJsonb(NonNull<pg_sys::Jsonb>);

impl ServerJsonb {
    /// Whether no bracket stands inside of more than `limit - 1` others.
    pub fn is_nested_at_most(self, limit: usize) -> bool {
        use pg_sys::JsonbIteratorToken::{
            WJB_BEGIN_ARRAY, WJB_BEGIN_OBJECT, WJB_DONE, WJB_END_ARRAY, WJB_END_OBJECT,
        };
        // SAFETY: a whole `jsonb`, aligned, which nobody changes.
        let mut iterator = unsafe { pg_sys::JsonbIteratorInit(&raw mut (*self.0.as_ptr()).root) };
        // SAFETY: a union of plain data, for which zeros are a value; the iterator writes it before anyone reads.
        let mut value: pg_sys::JsonbValue = unsafe { std::mem::zeroed() };
        let mut depth = 0;
        for token in 1_u32.. {
            if token.is_multiple_of(1 << 16) {
                pgrx::check_for_interrupts!();
            }
            // SAFETY: both point to this frame; the iterator frees itself behind its last token, and what a return in
            // between leaves goes with the memory context of the call.
            match unsafe { pg_sys::JsonbIteratorNext(&raw mut iterator, &raw mut value, false) } {
                WJB_BEGIN_ARRAY | WJB_BEGIN_OBJECT if depth == limit => return false,
                WJB_BEGIN_ARRAY | WJB_BEGIN_OBJECT => depth += 1,
                WJB_END_ARRAY | WJB_END_OBJECT => depth -= 1,
                WJB_DONE => break,
                _ => {}
            }
        }
        true
    }
}

impl FromDatum for ServerJsonb {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        is_null: bool,
        _: pg_sys::Oid,
    ) -> Option<Self> {
        if is_null {
            return None;
        }
        // SAFETY: the caller promises a `jsonb`. Detoasted with a header of four bytes, its container is aligned.
        let value = unsafe { pg_sys::pg_detoast_datum(datum.cast_mut_ptr()) };
        NonNull::new(value.cast()).map(Self)
    }
}

// SAFETY: reads a `jsonb`, which is what the SQL type below says.
unsafe impl<'fcx> ArgAbi<'fcx> for ServerJsonb {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: the caller promises a `jsonb` argument that is not null.
        unsafe { arg.unbox_arg_using_from_datum() }.expect("the functions that take it are STRICT")
    }
}

// SAFETY: the SQL type is the one that `ArgAbi` above reads.
unsafe impl SqlTranslatable for ServerJsonb {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(ServerJsonb);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("jsonb"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("jsonb")));
}
