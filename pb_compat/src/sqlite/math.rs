//! Mathematical functions, and the least and the greatest of several values.

use super::arguments::Arguments;
use super::text::call;
use pb_compat_core::sqlite::number::Number;
use pb_compat_core::sqlite::{Value, math, printf};
use pgrx::datum::AnyElement;
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use std::cmp::Ordering;

// Rust has its own formulas for these, whose last digit differs from what the C library gives SQLite.
unsafe extern "C" {
    safe fn acosh(x: f64) -> f64;
    safe fn asinh(x: f64) -> f64;
    safe fn atanh(x: f64) -> f64;
}

/// The argument as a number.
///
/// # Safety
///
/// `fcinfo` is that of the running call.
unsafe fn number(fcinfo: pg_sys::FunctionCallInfo, index: usize) -> Option<Number> {
    // SAFETY: as the caller promises.
    unsafe { Arguments::of(fcinfo) }.get(index).as_number()
}

macro_rules! of_one {
    ($($name:ident: $function:expr, $over:path;)+) => {$(
        #[pg_extern(sql = false)]
        fn $name(fcinfo: pg_sys::FunctionCallInfo) -> Option<f64> {
            // SAFETY: the server calls this function, with its own call information.
            unsafe { $over($function, number(fcinfo, 0)) }
        }
    )+};
}

of_one! {
    sqlite_acos: f64::acos, math::of_one;
    sqlite_acosh: |x| acosh(x), math::of_one;
    sqlite_asin: f64::asin, math::of_one;
    sqlite_asinh: |x| asinh(x), math::of_one;
    sqlite_atan: f64::atan, math::of_one;
    sqlite_atanh: |x| atanh(x), math::of_one;
    sqlite_ceil: f64::ceil, math::of_one;
    sqlite_cos: f64::cos, math::of_one;
    sqlite_cosh: f64::cosh, math::of_one;
    sqlite_degrees: math::degrees, math::of_one;
    sqlite_exp: f64::exp, math::of_one;
    sqlite_floor: f64::floor, math::of_one;
    sqlite_ln: f64::ln, math::logarithm;
    sqlite_log10: f64::log10, math::logarithm;
    sqlite_log2: f64::log2, math::logarithm;
    sqlite_radians: math::radians, math::of_one;
    sqlite_sin: f64::sin, math::of_one;
    sqlite_sinh: f64::sinh, math::of_one;
    sqlite_sqrt: f64::sqrt, math::of_one;
    sqlite_tan: f64::tan, math::of_one;
    sqlite_tanh: f64::tanh, math::of_one;
    sqlite_trunc: f64::trunc, math::of_one;
}

macro_rules! of_two {
    ($($name:ident: $function:path;)+) => {$(
        #[pg_extern(sql = false)]
        fn $name(fcinfo: pg_sys::FunctionCallInfo) -> Option<f64> {
            // SAFETY: the server calls this function, with its own call information.
            unsafe { math::of_two($function, number(fcinfo, 0), number(fcinfo, 1)) }
        }
    )+};
}

of_two! {
    sqlite_atan2: f64::atan2;
    sqlite_mod: math::modulo;
    sqlite_power: f64::powf;
}

/// `log(base, number)`.
#[pg_extern(sql = false)]
fn sqlite_log(fcinfo: pg_sys::FunctionCallInfo) -> Option<f64> {
    // SAFETY: the server calls this function, with its own call information.
    let values = unsafe { Arguments::of(fcinfo) };
    math::logarithm_to_base(values.get(0).as_number(), values.get(1).as_real())
}

/// `sign(number)`: -1, 0 or 1.
#[pg_extern(sql = false)]
fn sqlite_sign(fcinfo: pg_sys::FunctionCallInfo) -> Option<i32> {
    // SAFETY: the server calls this function, with its own call information.
    math::sign(unsafe { number(fcinfo, 0) })
}

/// `abs()` of what is no integer: a text is the number that it starts with.
#[pg_extern(sql = false)]
fn sqlite_abs(fcinfo: pg_sys::FunctionCallInfo) -> f64 {
    // SAFETY: the server calls this function, with its own call information.
    math::absolute_real(unsafe { Arguments::of(fcinfo) }.get(0).as_real())
}

/// `abs()` of an integer.
#[pg_extern(sql = false)]
fn sqlite_abs_integer(fcinfo: pg_sys::FunctionCallInfo) -> Result<i64, ErrorReport> {
    // SAFETY: the server calls this function, with its own call information.
    unsafe { call(fcinfo, |values| math::absolute(values.get(0).as_integer())) }
}

/// `round(number [, places])`.
#[pg_extern(sql = false)]
fn sqlite_round(fcinfo: pg_sys::FunctionCallInfo) -> Result<f64, ErrorReport> {
    // SAFETY: the server calls this function, with its own call information.
    unsafe {
        call(fcinfo, |values| {
            let places = if values.len() > 1 { values.get(1) } else { Value::Integer(0) };
            printf::round(values.get(0).as_real(), places.as_integer())
        })
    }
}

/// `min(value, VARIADIC values)`.
#[pg_extern(sql = false)]
fn sqlite_min(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<AnyElement>, ErrorReport> {
    // SAFETY: the server calls this function, with its own call information.
    unsafe { extreme(fcinfo, Ordering::Less) }
}

/// `max(value, VARIADIC values)`.
#[pg_extern(sql = false)]
fn sqlite_max(fcinfo: pg_sys::FunctionCallInfo) -> Result<Option<AnyElement>, ErrorReport> {
    // SAFETY: the server calls this function, with its own call information.
    unsafe { extreme(fcinfo, Ordering::Greater) }
}

/// The first of the values that are all on one side of the others; NULL where one is NULL. Text compares by its bytes.
///
/// # Safety
///
/// `fcinfo` is that of the running call of a function (anycompatible, VARIADIC anycompatiblearray).
unsafe fn extreme(
    fcinfo: pg_sys::FunctionCallInfo,
    side: Ordering,
) -> Result<Option<AnyElement>, ErrorReport> {
    // SAFETY: as the caller promises: a value, and an array of values of the same type, which the type cache and the
    // array functions are asked about.
    unsafe {
        let arguments = (*fcinfo).args.as_slice(2);
        if arguments.iter().any(|argument| argument.isnull) {
            return Ok(None);
        }
        let oid = pg_sys::get_fn_expr_argtype((*fcinfo).flinfo, 0);
        let entry = pg_sys::lookup_type_cache(oid, pg_sys::TYPECACHE_CMP_PROC_FINFO.cast_signed());
        if (*entry).cmp_proc_finfo.fn_oid == pg_sys::InvalidOid {
            return Err(ErrorReport::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_FUNCTION,
                "values of this type have no order",
                function_name!(),
            )
            .set_hint("Cast them to text."));
        }
        let array: *mut pg_sys::ArrayType =
            pg_sys::pg_detoast_datum(arguments[1].value.cast_mut_ptr()).cast();
        let mut values = std::ptr::null_mut();
        let mut nulls = std::ptr::null_mut();
        let mut count = 0;
        pg_sys::deconstruct_array(
            array,
            oid,
            (*entry).typlen.into(),
            (*entry).typbyval,
            (*entry).typalign,
            &mut values,
            &mut nulls,
            &mut count,
        );
        let mut best = arguments[0].value;
        for index in 0..count as usize {
            if *nulls.add(index) {
                return Ok(None);
            }
            let value = *values.add(index);
            let order = pg_sys::FunctionCall2Coll(
                &mut (*entry).cmp_proc_finfo,
                pg_sys::C_COLLATION_OID,
                value,
                best,
            );
            if (order.value() as i32).cmp(&0) == side {
                best = value;
            }
        }
        Ok(AnyElement::from_polymorphic_datum(best, false, oid))
    }
}
