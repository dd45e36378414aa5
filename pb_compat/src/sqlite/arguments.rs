//! Arguments of any type, as values of SQLite's storage classes.

use super::instant;
use crate::server_text::ServerText;
use pb_compat_core::sqlite::Value;
use pb_compat_core::sqlite::datetime::Instant;
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::varlena::{varatt_is_1b, varatt_is_1b_e, varatt_is_4b_u};
use std::borrow::Cow;
use std::ffi::CStr;
use std::sync::atomic::{AtomicU32, Ordering};

/// The schema that this part of the extension has to itself.
const SCHEMA: &CStr = c"sqlite";
/// The domain over text that results of the JSON functions have: what SQLite calls a subtype.
const JSON_TEXT: &CStr = c"json_text";

/// The oid of that domain, once a value of it has been seen. It never gets another one: a new extension has a new domain.
static KNOWN_JSON_TEXT: AtomicU32 = AtomicU32::new(0);

/// The arguments of one call. An array that was passed as `VARIADIC array` counts as its elements.
pub struct Arguments<'a> {
    /// Those that stand in the call itself.
    fixed: usize,
    /// The types of these, where they have been looked up already.
    known: &'a [pg_sys::Oid],
    fcinfo: pg_sys::FunctionCallInfo,
    /// Those that were an array.
    values: &'a [pg_sys::Datum],
    types: &'a [pg_sys::Oid],
    nulls: &'a [bool],
}

impl<'a> Arguments<'a> {
    /// Reads all arguments of a function, whatever the types of its parameters.
    ///
    /// # Safety
    ///
    /// `fcinfo` is that of the running call, and the result does not outlive the call.
    pub unsafe fn of(fcinfo: pg_sys::FunctionCallInfo) -> Self {
        // SAFETY: as the caller promises.
        let count = usize::try_from(unsafe { (*fcinfo).nargs }).unwrap_or(0);
        let direct = Self { fixed: count, known: &[], fcinfo, values: &[], types: &[], nulls: &[] };
        // SAFETY: as the caller promises.
        if count == 0 || !unsafe { pg_sys::get_fn_expr_variadic((*fcinfo).flinfo) } {
            return direct;
        }
        let fixed = count - 1;
        let direct = Self { fixed, ..direct };
        let mut values = std::ptr::null_mut();
        let mut types = std::ptr::null_mut();
        let mut nulls = std::ptr::null_mut();
        // SAFETY: the array is the last argument. The function palloc's three arrays of the length that it returns, or
        // returns -1 for VARIADIC NULL.
        let count = unsafe {
            pg_sys::extract_variadic_args(
                fcinfo,
                fixed as i32,
                true,
                &mut values,
                &mut types,
                &mut nulls,
            )
        };
        let Some(count) = usize::try_from(count).ok().filter(|count| *count > 0) else {
            return direct;
        };
        // SAFETY: see above; the memory lives in the call's context.
        unsafe {
            Self {
                values: std::slice::from_raw_parts(values, count),
                types: std::slice::from_raw_parts(types, count),
                nulls: std::slice::from_raw_parts(nulls, count),
                ..direct
            }
        }
    }

    /// The same for a function that keeps nothing else between the calls of one expression: looks the types up once.
    ///
    /// # Safety
    ///
    /// As for [`Self::of`]; `fn_extra` is null, or what this function put there.
    pub unsafe fn of_expression(fcinfo: pg_sys::FunctionCallInfo) -> Self {
        // SAFETY: as the caller promises. What is allocated lives as long as the pointer to it.
        unsafe {
            let count = usize::try_from((*fcinfo).nargs).unwrap_or(0);
            let function = (*fcinfo).flinfo;
            if (*function).fn_extra.is_null() {
                if count == 0 || pg_sys::get_fn_expr_variadic(function) {
                    return Self::of(fcinfo);
                }
                let size = (count + 1) * size_of::<pg_sys::Oid>();
                let memory: *mut pg_sys::Oid =
                    pg_sys::MemoryContextAlloc((*function).fn_mcxt, size).cast();
                memory.write(pg_sys::Oid::from(count as u32));
                for index in 0..count {
                    let oid = pg_sys::get_fn_expr_argtype(function, index as i32);
                    memory.add(index + 1).write(oid);
                }
                (*function).fn_extra = memory.cast();
            }
            let memory: *const pg_sys::Oid = (*function).fn_extra.cast_const().cast();
            if (*memory).to_u32() as usize != count {
                return Self::of(fcinfo);
            }
            let known = std::slice::from_raw_parts(memory.add(1), count);
            Self { fixed: count, known, fcinfo, values: &[], types: &[], nulls: &[] }
        }
    }

    pub fn len(&self) -> usize {
        self.fixed + self.values.len()
    }

    /// The argument at a position that is there.
    pub fn get(&self, index: usize) -> Value<'a> {
        // SAFETY: the server says that the datum is of this type and not null.
        self.raw(index).map_or(Value::Null, |(datum, oid)| unsafe { value(datum, oid) })
    }

    /// The argument at a position that is there: a date or timestamp as such, or a value of another type.
    pub fn instant(&self, index: usize) -> Result<Instant, Value<'a>> {
        let Some((datum, oid)) = self.raw(index) else { return Err(Value::Null) };
        // SAFETY: as in `get`.
        unsafe { instant::instant(datum, oid).ok_or_else(|| value(datum, oid)) }
    }

    /// The argument at a position that is there, with its type; `None` for NULL.
    fn raw(&self, index: usize) -> Option<(pg_sys::Datum, pg_sys::Oid)> {
        let (datum, oid, is_null) = if index < self.fixed {
            // SAFETY: the call has so many arguments; the server knows the type of each from the expression.
            unsafe {
                let argument = (*self.fcinfo).args.as_slice(self.fixed)[index];
                let oid = self.known.get(index).copied().unwrap_or_else(|| {
                    pg_sys::get_fn_expr_argtype((*self.fcinfo).flinfo, index as i32)
                });
                (argument.value, oid, argument.isnull)
            }
        } else {
            let index = index - self.fixed;
            (self.values[index], self.types[index], self.nulls[index])
        };
        (!is_null).then_some((datum, oid))
    }

    pub fn iter(&self) -> impl Iterator<Item = Value<'a>> + '_ {
        (0..self.len()).map(|index| self.get(index))
    }
}

/// # Safety
///
/// `datum` is a value of type `oid`, not null, and lives as long as the result.
pub unsafe fn value<'a>(datum: pg_sys::Datum, oid: pg_sys::Oid) -> Value<'a> {
    // SAFETY: each branch reads the type that it is for.
    unsafe {
        match oid {
            pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID => Value::Text(text(datum)),
            pg_sys::INT8OID => Value::Integer(datum.value().cast_signed() as i64),
            pg_sys::INT4OID => Value::Integer((datum.value() as i32).into()),
            pg_sys::INT2OID => Value::Integer((datum.value() as i16).into()),
            pg_sys::FLOAT8OID => real(f64::from_bits(datum.value() as u64)),
            pg_sys::FLOAT4OID => real(f32::from_bits(datum.value() as u32).into()),
            pg_sys::BOOLOID => Value::Boolean(datum.value() as u8 != 0),
            pg_sys::BYTEAOID => Value::Blob(Cow::Borrowed(bytes(datum))),
            pg_sys::NUMERICOID => number(&output(datum, oid)),
            pg_sys::JSONOID => Value::Json(text(datum)),
            pg_sys::DATEOID | pg_sys::TIMESTAMPOID | pg_sys::TIMESTAMPTZOID => {
                Value::Text(instant::text(datum, oid).into())
            }
            // A literal that nothing has given a type is still what the parser made of it.
            pg_sys::UNKNOWNOID => {
                Value::Text(ServerText(CStr::from_ptr(datum.cast_mut_ptr()).to_bytes()).to_utf8())
            }
            pg_sys::JSONBOID => Value::Json(output(datum, oid)),
            _ if is_known_json_text(oid) => Value::Json(text(datum)),
            _ => other(datum, oid),
        }
    }
}

/// SQLite has no NaN: it is NULL there.
fn real<'a>(real: f64) -> Value<'a> {
    if real.is_nan() { Value::Null } else { Value::Real(real) }
}

/// A `numeric`: an integer where it is one and fits, as a column of that affinity stores it.
fn number<'a>(text: &str) -> Value<'a> {
    match text.parse() {
        Ok(integer) => Value::Integer(integer),
        Err(_) => text.parse().map_or(Value::Null, real),
    }
}

/// Any other type: its text, as long as that is a matter of the value alone.
///
/// # Safety
///
/// As for [`value`].
unsafe fn other<'a>(datum: pg_sys::Datum, oid: pg_sys::Oid) -> Value<'a> {
    // SAFETY: catalog lookups by the type's oid; `base` is what the datum is stored as.
    unsafe {
        let base = pg_sys::getBaseType(oid);
        if base != oid {
            return match value(datum, base) {
                Value::Text(text) if is_json_text(oid) => {
                    KNOWN_JSON_TEXT.store(oid.to_u32(), Ordering::Relaxed);
                    Value::Json(text)
                }
                value => value,
            };
        }
        let mut function = pg_sys::InvalidOid;
        let mut is_varlena = false;
        pg_sys::getTypeOutputInfo(oid, &mut function, &mut is_varlena);
        // These functions are IMMUTABLE: a setting such as DateStyle must not decide what they return. PostgreSQL 14 calls
        // the output of interval immutable, although IntervalStyle decides it.
        if oid == pg_sys::INTERVALOID
            || pg_sys::func_volatile(function) as u8 != pg_sys::PROVOLATILE_IMMUTABLE
        {
            ErrorReport::new(
                PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
                format!(
                    "a value of type {} has no storage class of SQLite",
                    CStr::from_ptr(pg_sys::format_type_be(oid)).to_string_lossy()
                ),
                function_name!(),
            )
            .set_hint("Cast it to text.")
            .report(PgLogLevel::ERROR);
        }
        Value::Text(output(datum, oid))
    }
}

fn is_known_json_text(oid: pg_sys::Oid) -> bool {
    oid != pg_sys::InvalidOid && oid.to_u32() == KNOWN_JSON_TEXT.load(Ordering::Relaxed)
}

/// # Safety
///
/// `oid` is a type's.
unsafe fn is_json_text(oid: pg_sys::Oid) -> bool {
    // SAFETY: catalog lookups; a missing schema gives InvalidOid, a missing type as well.
    unsafe {
        let schema = pg_sys::get_namespace_oid(SCHEMA.as_ptr(), true);
        let found = pg_sys::GetSysCacheOid(
            pg_sys::SysCacheIdentifier::TYPENAMENSP as i32,
            pg_sys::Anum_pg_type_oid as i16,
            pg_sys::Datum::from(JSON_TEXT.as_ptr()),
            pg_sys::Datum::from(schema),
            pg_sys::Datum::null(),
            pg_sys::Datum::null(),
        );
        found == oid
    }
}

/// # Safety
///
/// `datum` is a varlena that lives as long as the result.
unsafe fn bytes<'a>(datum: pg_sys::Datum) -> &'a [u8] {
    // SAFETY: detoasting copies where it must, into the call's context. Most values stand there as they are, with a
    // header of one byte or of four, and need no call of the server's.
    unsafe {
        let mut varlena = datum.cast_mut_ptr();
        let is_plain =
            if varatt_is_1b(varlena) { !varatt_is_1b_e(varlena) } else { varatt_is_4b_u(varlena) };
        if !is_plain {
            varlena = pg_sys::pg_detoast_datum_packed(varlena);
        }
        pgrx::varlena_to_byte_slice(varlena)
    }
}

/// # Safety
///
/// `datum` is a `text` that lives as long as the result.
unsafe fn text<'a>(datum: pg_sys::Datum) -> Cow<'a, str> {
    // SAFETY: as the caller promises.
    ServerText(unsafe { bytes(datum) }).to_utf8()
}

/// # Safety
///
/// `datum` is of type `oid`.
unsafe fn output<'a>(datum: pg_sys::Datum, oid: pg_sys::Oid) -> Cow<'a, str> {
    // SAFETY: the type's own output function gives a null-terminated string, palloc'd in the call's context.
    unsafe {
        let mut function = pg_sys::InvalidOid;
        let mut is_varlena = false;
        pg_sys::getTypeOutputInfo(oid, &mut function, &mut is_varlena);
        ServerText(CStr::from_ptr(pg_sys::OidOutputFunctionCall(function, datum)).to_bytes())
            .to_utf8()
    }
}
