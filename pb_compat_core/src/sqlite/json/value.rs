//! What an element of JSON is in SQL.

use super::escape::unescape;
use super::node::{Kind, Node};
use crate::sqlite::{Error, Value, number};
use std::borrow::Cow;

/// The element's value: a number, text, NULL; JSON text for arrays and objects.
pub fn of<'a>(blob: &'a [u8], node: &Node) -> Result<Value<'a>, Error> {
    let payload = node.text(blob);
    Ok(match node.kind {
        Kind::Null | Kind::True | Kind::False if !payload.is_empty() => {
            return Err(Error::MalformedJson);
        }
        Kind::Null => Value::Null,
        Kind::True => Value::Integer(1),
        Kind::False => Value::Integer(0),
        Kind::Int | Kind::Int5 => integer(payload)?,
        Kind::Float | Kind::Float5 => real(payload)?,
        Kind::Text | Kind::TextRaw => Value::Text(text(payload)),
        Kind::TextJ | Kind::Text5 => Value::Text(match unescaped(payload) {
            (text, false) => text.into(),
            (_, true) => return Err(Error::NulInText),
        }),
        Kind::Array | Kind::Object => {
            let mut out = Vec::with_capacity(payload.len() + payload.len() / 4);
            super::text::element(blob, node.start, 0, &mut out)?;
            Value::Json(string(out).into())
        }
    })
}

/// Text as it stands. Nearly always it is UTF-8, which is faster to see than to replace what is not.
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// Text that has been put together from UTF-8; what a blob held instead of it is replaced.
pub fn string(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn integer<'a>(payload: &[u8]) -> Result<Value<'a>, Error> {
    let digits = payload.strip_prefix(b"-").unwrap_or(payload);
    let is_negative = digits.len() < payload.len();
    if let Some(hex) = digits.strip_prefix(b"0x").or_else(|| digits.strip_prefix(b"0X")) {
        return hexadecimal(hex, is_negative);
    }
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Error::MalformedJson);
    }
    match str::from_utf8(payload).ok().and_then(|text| text.parse().ok()) {
        Some(integer) => Ok(Value::Integer(integer)),
        None => real(payload),
    }
}

fn hexadecimal<'a>(digits: &[u8], is_negative: bool) -> Result<Value<'a>, Error> {
    let significant = digits.iter().position(|digit| *digit != b'0').unwrap_or(digits.len());
    let digits = &digits[significant..];
    if digits.len() > 16 {
        return Err(Error::MalformedJson);
    }
    let mut number = 0_u64;
    for digit in digits {
        let digit = char::from(*digit).to_digit(16).ok_or(Error::MalformedJson)?;
        number = number << 4 | u64::from(digit);
    }
    Ok(match i64::try_from(number) {
        Ok(integer) => Value::Integer(if is_negative { -integer } else { integer }),
        Err(_) => Value::Real(if is_negative { -(number as f64) } else { number as f64 }),
    })
}

fn real<'a>(payload: &[u8]) -> Result<Value<'a>, Error> {
    let is_number = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    if payload.is_empty() || !payload.iter().all(is_number) {
        return Err(Error::MalformedJson);
    }
    Ok(Value::Real(number::text_to_real(payload)))
}

/// As [`of`], for what is to become a number: of text that goes on behind a zero byte, what stands before it is enough.
pub fn to_cast<'a>(blob: &'a [u8], node: &Node) -> Result<Value<'a>, Error> {
    match of(blob, node) {
        Err(Error::NulInText) => Ok(Value::Text(unescaped(node.text(blob)).0.into())),
        value => value,
    }
}

/// Text without its escapes, up to the first zero byte, which PostgreSQL's text cannot hold; and whether there is one.
fn unescaped(payload: &[u8]) -> (String, bool) {
    let mut out = Vec::with_capacity(payload.len());
    let mut rest = payload;
    while !rest.is_empty() {
        let plain = rest.iter().position(|byte| *byte == b'\\').unwrap_or(rest.len());
        out.extend_from_slice(&rest[..plain]);
        rest = &rest[plain..];
        if rest.is_empty() {
            break;
        }
        let (unit, length) = unescape(rest);
        match unit {
            Some(0) => return (string(out), true),
            // Half a surrogate pair: what SQLite keeps are bytes that are no UTF-8, and that it reads as this one.
            Some(code) => {
                let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            None => {}
        }
        rest = &rest[length..];
    }
    (string(out), false)
}

/// The element's text without quotes and escapes, for `CAST(.. AS TEXT)`.
pub fn text_of<'a>(blob: &'a [u8], node: &Node) -> Result<Option<Cow<'a, str>>, Error> {
    if node.kind.is_raw() {
        return Ok(Some(text(node.text(blob))));
    }
    if node.kind == Kind::Int
        && let Some(text) = as_it_is(node.text(blob))
    {
        return Ok(Some(text.into()));
    }
    Ok(of(blob, node)?.into_text())
}

/// An integer that is written as it would be written again, and is none of the largest.
fn as_it_is(payload: &[u8]) -> Option<&str> {
    let digits = payload.strip_prefix(b"-").unwrap_or(payload);
    let is_shortest = match digits {
        [b'0'] => payload.len() == 1,
        [first, ..] => *first != b'0' && digits.len() <= 18,
        [] => false,
    };
    let text = str::from_utf8(payload).ok()?;
    (is_shortest && digits.iter().all(u8::is_ascii_digit)).then_some(text)
}
