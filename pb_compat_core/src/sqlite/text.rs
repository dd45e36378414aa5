//! Functions on text and blobs.

use super::output::{LIMIT, Output};
use super::{Error, Value};
use std::borrow::Cow;
use std::ops::Range;

/// How much is done between two pauses.
const PAUSE: usize = 1 << 20;

/// The digits of bytes.
pub fn hex(bytes: &[u8]) -> Result<String, Error> {
    if bytes.len() * 2 >= LIMIT {
        return Err(Error::TooBig);
    }
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789ABCDEF"[usize::from(half)]));
        }
    }
    Ok(text)
}

/// The bytes of pairs of digits, between which the characters of `ignored` may stand; `None` for anything else.
pub fn unhex(text: &str, ignored: &str) -> Option<Vec<u8>> {
    let ignored = Characters::of(ignored);
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut rest = text.chars();
    while let Some(first) = rest.next() {
        match first.to_digit(16) {
            Some(high) => {
                let low = rest.next()?.to_digit(16)?;
                bytes.push((high << 4 | low) as u8);
            }
            None if ignored.contain(first) => {}
            None => return None,
        }
    }
    Some(bytes)
}

/// Part of a text or blob of so many characters or bytes: `start` counts from 1, from the end where it is negative; with a
/// negative `length` it is what stands before the start.
fn part(start: i64, length: Option<i64>, size: impl FnOnce() -> usize) -> Range<usize> {
    let mut take = length.unwrap_or(LIMIT as i64);
    let mut skip = start;
    if skip < 0 {
        skip = skip.saturating_add(size() as i64);
        if skip < 0 {
            take = if take < 0 { 0 } else { take + skip };
            skip = 0;
        }
    } else if skip > 0 {
        skip -= 1;
    } else if take > 0 {
        take -= 1;
    }
    if take < 0 {
        take = if take < -skip { skip } else { -take };
        skip -= take;
    }
    let skip = usize::try_from(skip).unwrap_or(usize::MAX);
    skip..skip.saturating_add(usize::try_from(take).unwrap_or(usize::MAX))
}

pub fn substr(text: &str, start: i64, length: Option<i64>) -> &str {
    let part = part(start, length, || text.chars().count());
    let offset = |text: &str, characters: usize| {
        let longest = characters.min(text.len());
        if text.as_bytes()[..longest].is_ascii() {
            return longest;
        }
        text.char_indices().nth(characters).map_or(text.len(), |(offset, _)| offset)
    };
    let rest = &text[offset(text, part.start)..];
    &rest[..offset(rest, part.len())]
}

/// `None` of an empty blob.
pub fn substr_bytes(bytes: &[u8], start: i64, length: Option<i64>) -> Option<&[u8]> {
    let part = part(start, length, || bytes.len());
    let part = part.start.min(bytes.len())..part.end.min(bytes.len());
    (!bytes.is_empty()).then(|| &bytes[part])
}

/// Where `needle` first occurs, from 1 on, in characters; 0 where it does not. In bytes where both are blobs.
pub fn instr(haystack: &Value, needle: &Value) -> Option<usize> {
    if let (Value::Blob(haystack), Value::Blob(needle)) = (haystack, needle) {
        return Some(memchr::memmem::find(haystack, needle).map_or(0, |offset| offset + 1));
    }
    let (haystack, needle) = (haystack.to_text()?, needle.to_text()?);
    Some(match memchr::memmem::find(haystack.as_bytes(), needle.as_bytes()) {
        Some(offset) => haystack[..offset].chars().count() + 1,
        None => 0,
    })
}

/// The length in characters; a blob's in bytes.
pub fn length(value: &Value) -> Option<usize> {
    match value {
        Value::Blob(bytes) => Some(bytes.len()),
        value => Some(value.to_text()?.chars().count()),
    }
}

/// The length in bytes.
pub fn octet_length(value: &Value) -> Option<usize> {
    Some(value.to_bytes()?.len())
}

/// With every `from` replaced; as it is where `from` is empty.
pub fn replace<'a>(
    text: &'a str,
    from: &str,
    to: &str,
    pause: &mut impl FnMut(),
) -> Result<Cow<'a, str>, Error> {
    if from.is_empty() {
        return Ok(Cow::Borrowed(text));
    }
    let mut output = Output::default();
    let mut copied = 0;
    let mut since_pause = 0;
    for found in memchr::memmem::find_iter(text.as_bytes(), from) {
        output.push(&text.as_bytes()[copied..found])?;
        output.push(to.as_bytes())?;
        copied = found + from.len();
        since_pause += 1 + to.len();
        if since_pause > PAUSE {
            since_pause = 0;
            pause();
        }
    }
    if copied == 0 {
        return Ok(Cow::Borrowed(text));
    }
    output.push(&text.as_bytes()[copied..])?;
    Ok(Cow::Owned(output.into_text()))
}

/// Without the characters of `set` at its start.
pub fn trim_start<'a>(text: &'a str, set: &str) -> &'a str {
    let set = Characters::of(set);
    text.trim_start_matches(|character| set.contain(character))
}

/// Without the characters of `set` at its end.
pub fn trim_end<'a>(text: &'a str, set: &str) -> &'a str {
    let set = Characters::of(set);
    text.trim_end_matches(|character| set.contain(character))
}

/// Text of all values that are not NULL.
pub fn concat<'a>(
    separator: &str,
    values: impl Iterator<Item = Value<'a>>,
) -> Result<String, Error> {
    let mut output = Output::default();
    let mut first = true;
    for value in values {
        if let Some(text) = value.to_text() {
            if !first {
                output.push(separator.as_bytes())?;
            }
            first = false;
            output.push(text.as_bytes())?;
        }
    }
    Ok(output.into_text())
}

/// The characters of these numbers; U+FFFD for a number that is no character.
pub fn char(numbers: impl Iterator<Item = i64>) -> String {
    numbers
        .map(|number| {
            u32::try_from(number)
                .ok()
                .and_then(char::from_u32)
                .unwrap_or(char::REPLACEMENT_CHARACTER)
        })
        .collect()
}

/// The number of the first character; `None` where there is none. Bytes of a blob that are no UTF-8 are read as if they
/// were.
pub fn unicode(value: &Value) -> Option<u32> {
    let Value::Blob(bytes) = value else {
        return value.to_text()?.chars().next().map(u32::from).filter(|first| *first != 0);
    };
    let (first, rest) = bytes.split_first()?;
    let lead = u32::from(*first);
    let start = match first {
        0 => return None,
        1..0xc0 => return Some(lead),
        0xc0..0xe0 => lead & 0x1f,
        0xe0..0xf0 => lead & 0x0f,
        0xf0..0xf8 => lead & 0x07,
        0xf8..0xfc => lead & 0x03,
        0xfc | 0xfd => lead & 0x01,
        0xfe | 0xff => 0,
    };
    let number = rest
        .iter()
        .take_while(|byte| **byte & 0xc0 == 0x80)
        .fold(start, |number, byte| number << 6 | u32::from(byte & 0x3f));
    Some(match number {
        0..0x80 | 0xd800..0xe000 | 0xfffe | 0xffff => 0xfffd,
        number => number,
    })
}

/// With `\XXXX`, `\uXXXX`, `\+XXXXXX` and `\UXXXXXXXX` replaced by the character of that number, `\\` by a backslash.
pub fn unistr(text: &str) -> Result<String, Error> {
    let mut output = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        output.push_str(before);
        if let Some(after) = escape.strip_prefix('\\') {
            output.push('\\');
            rest = after;
            continue;
        }
        let (skip, digits) = match escape.as_bytes() {
            [b'+', ..] => (1, 6),
            [b'u', ..] => (1, 4),
            [b'U', ..] => (1, 8),
            _ => (0, 4),
        };
        let number = escape
            .get(skip..skip + digits)
            .filter(|number| number.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|number| u32::from_str_radix(number, 16).ok())
            .ok_or(Error::InvalidUnicodeEscape)?;
        // What does not fit into four bytes of UTF-8 is cut.
        let number = if number < 0x1_0000 { number } else { number & 0x1f_ffff };
        output.push(char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER));
        rest = &escape[skip + digits..];
    }
    output.push_str(rest);
    Ok(output)
}

/// A set of characters.
struct Characters {
    /// A bit for each one of ASCII.
    ascii: u128,
    others: Vec<char>,
}

impl Characters {
    fn of(text: &str) -> Self {
        let ascii = text.bytes().filter(u8::is_ascii).fold(0, |bits, byte| bits | 1_u128 << byte);
        let mut others: Vec<_> = text.chars().filter(|character| !character.is_ascii()).collect();
        others.sort_unstable();
        Self { ascii, others }
    }

    fn contain(&self, character: char) -> bool {
        if character.is_ascii() {
            self.ascii >> u32::from(character) & 1 != 0
        } else {
            self.others.binary_search(&character).is_ok()
        }
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn parts() {
        for (start, length, text) in [
            (2, None, "ello"),
            (-3, None, "llo"),
            (0, None, "hello"),
            (0, Some(3), "he"),
            (2, Some(2), "el"),
            (-3, Some(2), "ll"),
            (-10, Some(7), "he"),
            (3, Some(-2), "he"),
            (-2, Some(-2), "el"),
            (1, Some(-1), ""),
            (0, Some(-2), ""),
            (9, None, ""),
            (i64::MIN, Some(i64::MIN), ""),
            (i64::MAX, Some(i64::MIN), "hello"),
            (2, Some(i64::MAX), "ello"),
        ] {
            assert_eq!(substr("hello", start, length), text, "{start} {length:?}");
            assert_eq!(substr_bytes(b"hello", start, length), Some(text.as_bytes()));
        }
        assert_eq!(substr("aéb", 2, Some(1)), "é");
        assert_eq!(substr("éab", -2, None), "ab");
        assert_eq!(substr_bytes(b"", 1, None), None);
    }

    #[test]
    fn positions() {
        let text = |text: &'static str| Value::Text(text.into());
        let blob = |text: &'static str| Value::Blob(text.as_bytes().into());
        assert_eq!(instr(&text("aéb"), &text("b")), Some(3));
        assert_eq!(instr(&blob("aéb"), &blob("b")), Some(4));
        assert_eq!(instr(&blob("aéb"), &text("b")), Some(3));
        assert_eq!(instr(&text("abc"), &text("")), Some(1));
        assert_eq!(instr(&text("abc"), &text("x")), Some(0));
        assert_eq!(instr(&Value::Integer(1234), &Value::Integer(3)), Some(3));
        assert_eq!(instr(&Value::Null, &text("x")), None);
    }

    #[test]
    fn digits_and_bytes() {
        assert_eq!(hex(b"\x00\xaf").unwrap(), "00AF");
        assert_eq!(unhex("00aF", "").as_deref(), Some(&b"\x00\xaf"[..]));
        assert_eq!(unhex(" 00-aF ", " -").as_deref(), Some(&b"\x00\xaf"[..]));
        for text in ["0", "0 0", "zz", "00 11"] {
            assert_eq!(unhex(text, ""), None, "{text}");
        }
        assert_eq!(unhex("0 0", " "), None);
    }

    #[test]
    fn replacements() {
        let replaced = |text, from, to| replace(text, from, to, &mut || ()).unwrap().into_owned();
        assert_eq!(replaced("aaa", "aa", "b"), "ba");
        assert_eq!(replaced("abc", "", "x"), "abc");
        assert_eq!(replaced("aéa", "é", ""), "aa");
    }

    #[test]
    fn trimmed() {
        assert_eq!(trim_start("  a ", " "), "a ");
        assert_eq!(trim_end("aéé", "é"), "a");
        assert_eq!(trim_end("a", ""), "a");
        assert_eq!(trim_start("abc", "abc"), "");
    }

    #[test]
    fn characters() {
        assert_eq!(
            char([72, 233, 0x1f600, -1, 0xd800, 0x11_0000].into_iter()),
            "Hé😀\u{fffd}\u{fffd}\u{fffd}"
        );
        assert_eq!(unistr("\\0041\\u00e9\\+01f600\\U0001F600\\\\").unwrap(), "Aé😀😀\\");
        for text in ["\\", "\\u", "\\u00g0", "\\+0041"] {
            assert_eq!(unistr(text), Err(Error::InvalidUnicodeEscape), "{text}");
        }
    }

    #[test]
    fn first_characters() {
        let blob = |bytes: &'static [u8]| unicode(&Value::Blob(bytes.into()));
        assert_eq!(unicode(&Value::Text("é".into())), Some(233));
        assert_eq!(unicode(&Value::Text("".into())), None);
        assert_eq!(unicode(&Value::Integer(-1)), Some(45));
        assert_eq!(blob("é".as_bytes()), Some(233));
        assert_eq!(blob(b"\x92\x25"), Some(146));
        assert_eq!(blob(b"\xfb\x9e\xfe"), Some(222));
        assert_eq!(blob(b"\xed\xa0\x80"), Some(0xfffd));
        assert_eq!(blob(b"\0a"), None);
        assert_eq!(blob(b""), None);
    }

    #[test]
    fn what_is_null_is_left_out() {
        let values = [Value::Null, Value::Integer(1), Value::Text("".into()), Value::Null];
        assert_eq!(concat("-", values.iter().cloned()).unwrap(), "1-");
        assert_eq!(concat("", values.into_iter()).unwrap(), "1");
    }
}
