//! Numbers as text, and text as numbers.

use super::decimal::{self, Decimal, Rounding};

/// A number of one of SQLite's two numeric storage classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    Integer(i64),
    Real(f64),
}

impl Number {
    pub const fn as_real(self) -> f64 {
        match self {
            Self::Integer(integer) => integer as f64,
            Self::Real(real) => real,
        }
    }
}

/// A real as SQLite writes it: at most 17 significant digits, fewer where they read back as the same real, and always
/// with a point.
pub fn real_text(real: f64) -> String {
    let mut text = String::new();
    push_real(&mut text, real);
    text
}

/// Appends what [`real_text`] gives.
pub fn push_real(text: &mut String, real: f64) {
    if real.is_infinite() {
        text.push_str(if real > 0.0 { "Inf" } else { "-Inf" });
        return;
    }
    let decimal = Decimal::new(real, Rounding::Significant(17), 20);
    if decimal.negative {
        text.push('-');
    }
    push_decimal(text, &decimal, 17, "0");
}

/// Appends the digits of a decimal with the point among them, or with an exponent where it stands before `0.000` or behind
/// position `last`. `whole` is what follows the point of a number without a fraction; without it, no point.
pub fn push_decimal(text: &mut String, decimal: &Decimal, last: i32, whole: &str) {
    let digits = str::from_utf8(decimal.digits()).unwrap_or_default();
    let push_fraction = |text: &mut String, fraction: &str| {
        let fraction = if fraction.is_empty() { whole } else { fraction };
        if !fraction.is_empty() {
            text.push('.');
            text.push_str(fraction);
        }
    };
    match decimal.point {
        point @ -3..=0 => {
            text.push_str(&"0.000"[..2 + point.unsigned_abs() as usize]);
            text.push_str(digits);
        }
        point if (1..=last).contains(&point) => {
            let (before, after) = digits.split_at(digits.len().min(point as usize));
            text.push_str(before);
            text.extend(std::iter::repeat_n('0', point as usize - before.len()));
            push_fraction(text, after);
        }
        point => {
            let (before, after) = digits.split_at(1);
            text.push_str(before);
            push_fraction(text, after);
            push_exponent(text, 'e', point - 1);
        }
    }
}

/// Appends an exponent: a sign always, and two digits at least.
pub fn push_exponent(text: &mut String, letter: char, exponent: i32) {
    text.push(letter);
    text.push(if exponent < 0 { '-' } else { '+' });
    let exponent = exponent.unsigned_abs();
    if exponent < 10 {
        text.push('0');
    }
    text.push_str(&exponent.to_string());
}

/// The integer part of a real; the nearest integer there is where it lies outside of their range.
pub fn real_to_integer(real: f64) -> i64 {
    // Such a cast saturates.
    real as i64
}

/// The integer that a text starts with, as `CAST(.. AS INTEGER)` reads it; 0 where it starts with none.
pub fn text_to_integer(text: &[u8]) -> i64 {
    read_integer(text).0
}

/// The number that a text starts with, as `CAST(.. AS REAL)` reads it; 0.0 where it starts with none.
pub fn text_to_real(text: &[u8]) -> f64 {
    Scan::of(text).value
}

/// The number that a text is, apart from spaces around it, as a column of numeric affinity would keep it.
pub fn numeric(text: &[u8]) -> Option<Number> {
    let scan = Scan::of(text);
    if !scan.whole {
        return None;
    }
    if scan.is_integer {
        let integer = real_to_integer(scan.value);
        if real_is_integer(scan.value, integer) {
            return Some(Number::Integer(integer));
        }
        if let (integer, true) = read_integer(text) {
            return Some(Number::Integer(integer));
        }
    }
    Some(Number::Real(scan.value))
}

/// Whether a real and the integer made from it are one number, and both are exact beyond doubt.
fn real_is_integer(real: f64, integer: i64) -> bool {
    const EXACT: std::ops::Range<i64> = -(1 << 51)..1 << 51;
    real == 0.0 || ((integer as f64).to_bits() == real.to_bits() && EXACT.contains(&integer))
}

/// The integer that a text starts with, clamped to what there is, and whether it was in range and all of the text.
fn read_integer(text: &[u8]) -> (i64, bool) {
    let text = skip_spaces(text);
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut value = Some(0_i64);
    for digit in &digits[..length] {
        // Downwards, since the smallest integer has no positive counterpart.
        value = value
            .and_then(|value| value.checked_mul(10))
            .and_then(|value| value.checked_sub(i64::from(digit - b'0')));
        if value.is_none() {
            break;
        }
    }
    let whole = length > 0 && digits[length..].iter().all(|byte| is_space(*byte));
    let value = if negative { value } else { value.and_then(i64::checked_neg) };
    match value {
        Some(value) => (value, whole),
        None if negative => (i64::MIN, false),
        None => (i64::MAX, false),
    }
}

/// What a text looks like, read as a real.
struct Scan {
    value: f64,
    /// The text is a number and nothing but spaces around it.
    whole: bool,
    /// It has neither point nor exponent.
    is_integer: bool,
}

impl Scan {
    const NOTHING: Self = Self { value: 0.0, whole: false, is_integer: false };

    fn of(text: &[u8]) -> Self {
        // As for a string of C: the rest after a null byte does not count.
        let text = text.iter().position(|byte| *byte == 0).map_or(text, |end| &text[..end]);
        let mut rest = skip_spaces(text);
        let negative = matches!(rest, [b'-', ..]);
        if let [b'-' | b'+', after @ ..] = rest {
            rest = after;
        }
        let mut mantissa = Mantissa::default();
        let mut is_integer = true;
        let whole_digits = mantissa.take_digits(&mut rest, 1);
        let mut fraction_digits = 0;
        if let [b'.', after @ ..] = rest {
            rest = after;
            is_integer = false;
            fraction_digits = mantissa.take_digits(&mut rest, 0);
        }
        if whole_digits + fraction_digits == 0 {
            return Self::NOTHING;
        }
        if let [b'e' | b'E', after @ ..] = rest
            && let Some((exponent, after)) = take_exponent(after)
        {
            mantissa.exponent += exponent;
            is_integer = false;
            rest = after;
        }
        let value = decimal::from_decimal(mantissa.digits, mantissa.exponent);
        Self {
            value: if negative { -value } else { value },
            whole: skip_spaces(rest).is_empty(),
            is_integer,
        }
    }
}

/// The digits of a number as far as they fit, and the power of ten that they are to be multiplied by.
#[derive(Default)]
struct Mantissa {
    digits: u64,
    exponent: i32,
}

impl Mantissa {
    /// From here on another digit might not fit.
    const FULL: u64 = (u64::MAX - 9) / 10;

    /// Takes all digits off the front and returns how many. Those that do not fit add `surplus` each to the exponent: 1
    /// before the decimal point, 0 after it.
    fn take_digits(&mut self, text: &mut &[u8], surplus: i32) -> usize {
        let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = text.split_at(length);
        for digit in digits {
            if self.digits < Self::FULL {
                self.digits = self.digits * 10 + u64::from(digit - b'0');
                self.exponent -= 1 - surplus;
            } else {
                self.exponent = self.exponent.saturating_add(surplus);
            }
        }
        *text = rest;
        length
    }
}

/// The exponent after its `e`, and what follows; `None` where no digit is there.
fn take_exponent(text: &[u8]) -> Option<(i32, &[u8])> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if length == 0 {
        return None;
    }
    let (digits, rest) = text.split_at(length);
    let exponent = digits.iter().fold(0_i32, |exponent, digit| {
        if exponent < 10_000 { exponent * 10 + i32::from(digit - b'0') } else { 10_000 }
    });
    Some((if negative { -exponent } else { exponent }, rest))
}

fn skip_spaces(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|byte| is_space(**byte)).count();
    &text[spaces..]
}

/// Also the vertical tab, which is no space to Rust.
pub const fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn reals_as_text() {
        for (real, text) in [
            (0.0, "0.0"),
            (-0.0, "0.0"),
            (1.0, "1.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1.0_f64.sin(), "0.84147098480789651"),
            (49.47, "49.47"),
            (-1234.5, "-1234.5"),
            (0.0001, "0.0001"),
            (0.00001, "1.0e-05"),
            (1e15, "1000000000000000.0"),
            (1e16, "10000000000000000.0"),
            (1e17, "1.0e+17"),
            (1e22, "1.0e+22"),
            (1e23, "1.0e+23"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (5e-324, "4.9406564584124654e-324"),
            (f64::INFINITY, "Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(real_text(real), text);
        }
    }

    #[test]
    fn text_read_as_far_as_it_is_a_number() {
        for (text, integer, real) in [
            ("", 0, 0.0),
            ("abc", 0, 0.0),
            (" \u{b}12abc", 12, 12.0),
            ("-7.9e1x", -7, -79.0),
            ("+.5", 0, 0.5),
            (".", 0, 0.0),
            ("1e", 1, 1.0),
            ("1e+", 1, 1.0),
            ("0x10", 0, 0.0),
            ("9223372036854775807", i64::MAX, 9_223_372_036_854_775_807.0),
            ("9223372036854775808", i64::MAX, 9_223_372_036_854_775_808.0),
            ("-9223372036854775808", i64::MIN, -9_223_372_036_854_775_808.0),
            ("-99999999999999999999", i64::MIN, -1e20),
            ("1e400", 1, f64::INFINITY),
            ("1e-400", 1, 0.0),
            // Digits past the 19th do not count: the nearest real is 3500000000000000.5.
            ("3500000000000000.2500001", 3_500_000_000_000_000, 3_500_000_000_000_000.0),
        ] {
            assert_eq!(text_to_integer(text.as_bytes()), integer, "{text}");
            assert_eq!(text_to_real(text.as_bytes()).to_bits(), real.to_bits(), "{text}");
        }
    }

    #[test]
    fn text_that_is_a_number() {
        for (text, number) in [
            ("12", Some(Number::Integer(12))),
            (" 12\n", Some(Number::Integer(12))),
            ("12.0", Some(Number::Real(12.0))),
            ("1e2", Some(Number::Real(100.0))),
            ("9223372036854775807", Some(Number::Integer(i64::MAX))),
            ("9223372036854775808", Some(Number::Real(9_223_372_036_854_775_808.0))),
            ("12x", None),
            ("1 2", None),
            ("", None),
            ("-", None),
            ("0x10", None),
        ] {
            assert_eq!(numeric(text.as_bytes()), number, "{text}");
        }
    }
}
