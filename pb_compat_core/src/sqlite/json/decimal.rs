//! Integers in decimal digits, many of which are written for `json_each()`.

/// The longest there is, with its sign and what may stand around it.
const LONGEST: usize = 24;

/// Hands the digits to `then`, between what stands around them: a few bytes at most.
pub fn with_decimal<T>(before: &str, integer: i64, after: &str, then: impl FnOnce(&str) -> T) -> T {
    let mut text = [0; LONGEST];
    let mut start = LONGEST;
    let mut put = |byte| {
        start -= 1;
        text[start] = byte;
    };
    after.bytes().rev().for_each(&mut put);
    let mut rest = integer.unsigned_abs();
    loop {
        put(b'0' + (rest % 10) as u8);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if integer < 0 {
        put(b'-');
    }
    before.bytes().rev().for_each(&mut put);
    // Text and digits are always text.
    then(str::from_utf8(&text[start..]).unwrap_or_default())
}
