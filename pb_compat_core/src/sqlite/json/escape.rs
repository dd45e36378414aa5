//! Escapes in text, and labels that are equal but for them.

use super::space::{at, is_separator};

/// One character of a text: a code point as SQLite reads it (not always one that text can hold), or an escape that
/// means nothing.
type Unit = Option<u32>;

fn hex(byte: u8) -> u32 {
    char::from(byte).to_digit(16).unwrap_or(0)
}

fn hex4(text: &[u8], index: usize) -> u32 {
    (index..index + 4).fold(0, |number, index| number << 4 | hex(at(text, index)))
}

/// How many bytes of escaped line ends come first.
fn line_ends(text: &[u8]) -> usize {
    let mut index = 0;
    while at(text, index) == b'\\' && index + 1 < text.len() {
        index += match text[index + 1] {
            b'\n' => 2,
            b'\r' if at(text, index + 2) == b'\n' => 3,
            b'\r' => 2,
            0xe2 if is_separator(text, index + 1) => 4,
            _ => break,
        };
    }
    index
}

/// The character that the escape at the beginning of `text` stands for, and how long the escape is.
pub fn unescape(text: &[u8]) -> (Unit, usize) {
    let mut skipped = 0;
    loop {
        let rest = &text[skipped..];
        let (unit, length) = match at(rest, 1) {
            b'u' if rest.len() >= 6 => {
                let high = hex4(rest, 2);
                let low = hex4(rest, 8);
                if high & 0xfc00 == 0xd800
                    && rest.len() >= 12
                    && rest[6..8] == *b"\\u"
                    && low & 0xfc00 == 0xdc00
                {
                    (Some(((high & 0x3ff) << 10) + (low & 0x3ff) + 0x1_0000), 12)
                } else {
                    (Some(high), 6)
                }
            }
            b'b' => (Some(8), 2),
            b'f' => (Some(12), 2),
            b'n' => (Some(10), 2),
            b'r' => (Some(13), 2),
            b't' => (Some(9), 2),
            b'v' => (Some(11), 2),
            b'0' => ((!at(rest, 2).is_ascii_digit()).then_some(0), 2),
            byte @ (b'\'' | b'"' | b'/' | b'\\') => (Some(byte.into()), 2),
            b'x' if rest.len() >= 4 => (Some(hex(rest[2]) << 4 | hex(rest[3])), 4),
            0xe2 | b'\r' | b'\n' => {
                let length = line_ends(rest);
                if length == 0 {
                    (None, rest.len())
                } else if length == rest.len() {
                    (Some(0), length)
                } else if rest[length] == b'\\' {
                    skipped += length;
                    continue;
                } else {
                    let (unit, width) = character(&rest[length..]);
                    (Some(unit), length + width)
                }
            }
            b'u' | b'x' | 0 => (None, rest.len()),
            _ => (None, 2),
        };
        return (unit, skipped + length.min(rest.len()));
    }
}

/// The character at the beginning, which SQLite reads without insisting on valid UTF-8, and its length.
fn character(text: &[u8]) -> (u32, usize) {
    let first = text[0];
    if first < 0xc0 {
        return (first.into(), 1);
    }
    let mut code = u32::from(match first {
        0xc0..=0xdf => first & 0x1f,
        0xe0..=0xef => first & 0x0f,
        _ => first & 0x07,
    });
    let mut length = 1;
    while length < 4 && at(text, length) & 0xc0 == 0x80 {
        code = code << 6 | u32::from(text[length] & 0x3f);
        length += 1;
    }
    (code, length)
}

/// A label: its text, and whether it has no escapes.
#[derive(Clone, Copy)]
pub struct Label<'a> {
    pub text: &'a [u8],
    pub is_raw: bool,
}

impl Label<'_> {
    #[inline]
    pub fn is(self, other: Label) -> bool {
        if self.is_raw && other.is_raw {
            return self.text == other.text;
        }
        self.units().eq(other.units())
    }

    /// The code points. Zero ends a label, as it ends a string of C.
    pub fn units(self) -> impl Iterator<Item = u32> {
        let mut rest = self.text;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (unit, length) = if !self.is_raw && rest[0] == b'\\' {
                let (unit, length) = unescape(rest);
                (unit.unwrap_or(NO_CHARACTER), length)
            } else {
                character(rest)
            };
            rest = &rest[length..];
            (unit != 0).then_some(unit)
        })
        .fuse()
    }
}

/// What an escape that means nothing counts as in a label.
const NO_CHARACTER: u32 = 0x9_9999;
