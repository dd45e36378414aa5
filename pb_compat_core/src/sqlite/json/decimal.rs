//! Integers in decimal digits, many of which are written for `json_each()`.

/// The longest there is, with its sign.
const LONGEST: usize = 20;

/// Appends an integer.
pub fn push_decimal(out: &mut String, integer: i64) {
    with_decimal(integer, |digits| out.push_str(digits));
}

/// Hands the digits to `then`.
pub fn with_decimal<T>(integer: i64, then: impl FnOnce(&str) -> T) -> T {
    let mut digits = [0; LONGEST];
    let mut start = LONGEST;
    let mut rest = integer.unsigned_abs();
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if integer < 0 {
        start -= 1;
        digits[start] = b'-';
    }
    // Digits and a sign are always text.
    then(str::from_utf8(&digits[start..]).unwrap_or_default())
}
