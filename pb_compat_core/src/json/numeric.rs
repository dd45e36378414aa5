//! Which numbers `numeric` can store, without a server.
//!
//! The limits are those of `set_var_from_str` and `make_result` in PostgreSQL's `numeric.c`: 131,072 digits before the
//! decimal point, 16,383 after it, and an exponent below half of an `int`.

/// `NUMERIC_DSCALE_MASK`.
const MAX_SCALE: i64 = 0x3FFF;
/// The weight, in units of four digits, is an `int16`.
const MAX_INTEGER_DIGITS: i64 = 4 * (i16::MAX as i64 + 1);

/// Whether the number with these digits before and after the point, and this exponent (negative?, digits), fits.
/// No exponent may go beyond `max_exponent`, whatever its sign.
pub fn fits(
    integer: &[u8],
    fraction: &[u8],
    exponent: Option<(bool, &[u8])>,
    max_exponent: i64,
) -> bool {
    let exponent = match exponent {
        None => 0,
        Some((negative, digits)) => match magnitude(digits, max_exponent) {
            Some(magnitude) if negative => -magnitude,
            Some(magnitude) => magnitude,
            None => return false,
        },
    };
    if fraction.len() as i64 - exponent > MAX_SCALE {
        return false;
    }
    if integer.len() as i64 + exponent <= MAX_INTEGER_DIGITS {
        return true;
    }
    // Zeros in front do not count towards the weight; zero itself has none.
    let zeros = integer.iter().chain(fraction).position(|digit| *digit != b'0');
    zeros.is_none_or(|zeros| integer.len() as i64 - zeros as i64 + exponent <= MAX_INTEGER_DIGITS)
}

fn magnitude(digits: &[u8], max: i64) -> Option<i64> {
    let mut magnitude = 0;
    for digit in digits {
        magnitude = magnitude * 10 + i64::from(digit - b'0');
        if magnitude > max {
            return None;
        }
    }
    Some(magnitude)
}

#[cfg(test)]
mod unit {
    const MAX_EXPONENT: i64 = i32::MAX as i64 / 2;

    fn fits(integer: &[u8], fraction: &[u8], exponent: Option<(bool, &[u8])>) -> bool {
        super::fits(integer, fraction, exponent, MAX_EXPONENT)
    }

    #[test]
    fn limits_are_exact() {
        let digits = |n| vec![b'9'; n];
        assert!(fits(&digits(131_072), b"", None));
        assert!(!fits(&digits(131_073), b"", None));
        assert!(fits(b"0", &digits(16_383), None));
        assert!(!fits(b"0", &digits(16_384), None));
        assert!(fits(b"1", b"", Some((false, b"131071"))));
        assert!(!fits(b"1", b"", Some((false, b"131072"))));
        assert!(fits(b"0", b"0001", Some((false, b"131075"))));
        assert!(!fits(b"0", b"0001", Some((false, b"131076"))));
        assert!(fits(b"0", b"", Some((false, b"1000000000"))));
        assert!(!fits(b"0", b"", Some((false, b"99999999999999999999999"))));
        assert!(fits(b"0", b"", Some((false, b"1073741823"))));
        assert!(!fits(b"0", b"", Some((false, b"1073741824"))));
        assert!(fits(b"1", b"", Some((true, b"16383"))));
        assert!(!fits(b"1", b"", Some((true, b"16384"))));
        assert!(!fits(b"0", b"", Some((true, b"16384"))));
    }
}
