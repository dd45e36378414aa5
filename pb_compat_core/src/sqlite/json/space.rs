//! What counts as a space, and other classes of bytes.

/// The bytes that a text may hold without an escape and without a second look: all but control characters, quotes and
/// the backslash.
pub static PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut byte = 0;
    while byte < 32 {
        plain[byte] = false;
        byte += 1;
    }
    plain[b'"' as usize] = false;
    plain[b'\'' as usize] = false;
    plain[b'\\' as usize] = false;
    plain
};

/// Space as RFC 8259 has it.
#[inline]
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | b' ')
}

/// The byte at an offset; behind the end it is zero, as behind a string of C.
#[inline]
pub fn at(text: &[u8], index: usize) -> u8 {
    text.get(index).copied().unwrap_or(0)
}

/// What JSON5 lets an unquoted label begin with, but for escapes.
pub fn begins_label(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'$' | b'_') || byte >= 0x80
}

pub fn continues_label(byte: u8) -> bool {
    begins_label(byte) || byte.is_ascii_digit()
}

/// How many bytes from `start` are space or comments as JSON5 has them.
pub fn json5_space(text: &[u8], start: usize) -> usize {
    let mut index = start;
    loop {
        index += match at(text, index) {
            b'\t' | b'\n' | 0x0b | 0x0c | b'\r' | b' ' => 1,
            b'/' => match comment(text, index) {
                0 => break,
                length => length,
            },
            0xc2 if at(text, index + 1) == 0xa0 => 2,
            0xe1 | 0xe2 | 0xe3 | 0xef if is_wide_space(text, index) => 3,
            _ => break,
        };
    }
    index - start
}

/// The spaces of Unicode that are three bytes long.
fn is_wide_space(text: &[u8], index: usize) -> bool {
    match [at(text, index), at(text, index + 1), at(text, index + 2)] {
        [0xe1, 0x9a, 0x80] | [0xe2, 0x81, 0x9f] | [0xe3, 0x80, 0x80] | [0xef, 0xbb, 0xbf] => true,
        [0xe2, 0x80, last] => matches!(last, 0x80..=0x8a | 0xa8 | 0xa9 | 0xaf),
        _ => false,
    }
}

/// Whether a line or paragraph separator of Unicode is there.
pub fn is_separator(text: &[u8], index: usize) -> bool {
    at(text, index) == 0xe2
        && at(text, index + 1) == 0x80
        && matches!(at(text, index + 2), 0xa8 | 0xa9)
}

/// The length of the comment that begins here; 0 for none, or for one that does not end.
fn comment(text: &[u8], start: usize) -> usize {
    match at(text, start + 1) {
        b'*' if at(text, start + 2) != 0 => {
            let mut index = start + 3;
            while at(text, index) != b'/' || at(text, index - 1) != b'*' {
                if at(text, index) == 0 {
                    return 0;
                }
                index += 1;
            }
            index + 1 - start
        }
        b'/' => {
            let mut index = start + 2;
            loop {
                match at(text, index) {
                    0 => return index - start,
                    b'\n' | b'\r' => return index + 1 - start,
                    0xe2 if is_separator(text, index) => return index + 3 - start,
                    _ => index += 1,
                }
            }
        }
        _ => 0,
    }
}
