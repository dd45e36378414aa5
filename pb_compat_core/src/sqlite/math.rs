//! Mathematical functions. What is no number, and a result that is none, is NULL.

use super::Error;
use super::number::Number;
use std::f64::consts::PI;

/// A function of one real; `None` where it has no value there.
pub fn of_one(function: impl FnOnce(f64) -> f64, number: Option<Number>) -> Option<f64> {
    real(function(number?.as_real()))
}

/// A function of two reals; `None` where it has no value there.
pub fn of_two(
    function: impl FnOnce(f64, f64) -> f64,
    first: Option<Number>,
    second: Option<Number>,
) -> Option<f64> {
    real(function(first?.as_real(), second?.as_real()))
}

fn real(result: f64) -> Option<f64> {
    (!result.is_nan()).then_some(result)
}

/// A logarithm: that of zero has no value either.
pub fn logarithm(function: impl FnOnce(f64) -> f64, number: Option<Number>) -> Option<f64> {
    let number = number?.as_real();
    if number <= 0.0 { None } else { real(function(number)) }
}

/// The logarithm of a number to a base, which is above 1.
pub fn logarithm_to_base(base: Option<Number>, number: f64) -> Option<f64> {
    let base = logarithm(f64::ln, base)?;
    if base <= 0.0 || number <= 0.0 {
        return None;
    }
    real(number.ln() / base)
}

pub fn radians(degrees: f64) -> f64 {
    degrees * (PI / 180.0)
}

pub fn degrees(radians: f64) -> f64 {
    radians * (180.0 / PI)
}

pub fn modulo(dividend: f64, divisor: f64) -> f64 {
    dividend % divisor
}

pub fn sign(number: Option<Number>) -> Option<i32> {
    let number = number?.as_real();
    Some(i32::from(number > 0.0) - i32::from(number < 0.0))
}

/// The smallest integer has no positive counterpart.
pub fn absolute(integer: i64) -> Result<i64, Error> {
    integer.checked_abs().ok_or(Error::IntegerOverflow)
}

/// -0.0 stays what it is: it is not below zero.
pub fn absolute_real(real: f64) -> f64 {
    if real < 0.0 { -real } else { real }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn no_value_is_null() {
        let real = |real| Some(Number::Real(real));
        assert_eq!(of_one(f64::acos, real(1.000_000_1)), None);
        assert_eq!(of_one(f64::acos, real(1.0)), Some(0.0));
        assert_eq!(of_one(f64::sqrt, real(-1.0)), None);
        assert_eq!(of_one(f64::sin, None), None);
        assert_eq!(logarithm(f64::ln, real(0.0)), None);
        assert_eq!(logarithm_to_base(Some(Number::Integer(2)), 8.0), Some(3.0));
        assert_eq!(logarithm_to_base(Some(Number::Integer(1)), 8.0), None);
        assert_eq!(of_two(modulo, Some(Number::Integer(-7)), real(3.0)), Some(-1.0));
        assert_eq!(of_two(modulo, real(5.0), real(0.0)), None);
        assert_eq!(sign(real(-0.5)), Some(-1));
        assert_eq!(absolute_real(-0.0).to_bits(), (-0.0_f64).to_bits());
        assert_eq!(absolute(i64::MIN), Err(Error::IntegerOverflow));
    }
}
