//! JSONB and values of SQL into JSON text.

use super::node::{Kind, Node};
use super::parse::MAX_DEPTH;
use super::space::{PLAIN, at, is_separator};
use crate::sqlite::{self, Error, Value, number};

/// The longest text; tests come that far sooner.
const LIMIT: usize = if cfg!(test) { 1 << 20 } else { sqlite::LIMIT };

/// Looked at often enough that no call takes much more memory than a text may.
#[inline]
pub fn check_size(out: &[u8]) -> Result<(), Error> {
    if out.len() > LIMIT { Err(Error::TooBig) } else { Ok(()) }
}

/// Text with quotes around it, and with escapes where JSON needs them.
pub fn quote(text: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text;
    loop {
        let plain = rest
            .iter()
            .position(|byte| !PLAIN[usize::from(*byte)] && *byte != b'\'')
            .unwrap_or(rest.len());
        out.extend_from_slice(&rest[..plain]);
        let Some(byte) = rest.get(plain) else { break };
        escape(*byte, out);
        rest = &rest[plain + 1..];
        check_size(out)?;
    }
    out.push(b'"');
    check_size(out)
}

/// A quote, a backslash or a control character, escaped.
fn escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => {
            const HEX: [u8; 16] = *b"0123456789abcdef";
            out.extend_from_slice(b"\\u00");
            out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            return;
        }
    };
    out.extend([b'\\', short]);
}

/// The element at `start`; answers where it ends.
pub fn element(blob: &[u8], start: usize, depth: usize, out: &mut Vec<u8>) -> Result<usize, Error> {
    check_size(out)?;
    let node = Node::at(blob, start).ok_or(Error::MalformedJson)?;
    let text = node.text(blob);
    if text.is_empty() && (Kind::Int..=Kind::Float5).contains(&node.kind) {
        return Err(Error::MalformedJson);
    }
    match node.kind {
        Kind::Null => out.extend_from_slice(b"null"),
        Kind::True => out.extend_from_slice(b"true"),
        Kind::False => out.extend_from_slice(b"false"),
        Kind::Int | Kind::Float => out.extend_from_slice(text),
        Kind::Int5 => hexadecimal(text, out)?,
        Kind::Float5 => json5_real(text, out),
        Kind::Text | Kind::TextJ => {
            out.reserve(text.len() + 2);
            out.push(b'"');
            out.extend_from_slice(text);
            out.push(b'"');
        }
        Kind::Text5 => json5_text(text, out)?,
        Kind::TextRaw => quote(text, out)?,
        Kind::Array | Kind::Object => return container(blob, &node, depth, out),
    }
    Ok(node.end)
}

fn container(blob: &[u8], node: &Node, depth: usize, out: &mut Vec<u8>) -> Result<usize, Error> {
    let is_object = node.kind == Kind::Object;
    out.push(if is_object { b'{' } else { b'[' });
    if depth >= MAX_DEPTH {
        return Err(Error::TooDeep);
    }
    let mut index = node.payload;
    let mut is_label = is_object;
    while index < node.end {
        index = element(blob, index, depth + 1, out)?;
        out.push(if is_label { b':' } else { b',' });
        is_label = is_object && !is_label;
    }
    if index > node.end || is_label != is_object {
        return Err(Error::MalformedJson);
    }
    if node.payload < node.end {
        out.pop();
    }
    out.push(if is_object { b'}' } else { b']' });
    Ok(node.end)
}

fn hexadecimal(text: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    let digits = match text[0] {
        b'-' => {
            out.push(b'-');
            &text[1..]
        }
        b'+' => &text[1..],
        _ => text,
    };
    let mut number = Some(0_u64);
    for digit in digits.get(2..).unwrap_or_default() {
        let digit = char::from(*digit).to_digit(16).ok_or(Error::MalformedJson)?;
        number = number.filter(|number| number >> 60 == 0).map(|n| n << 4 | u64::from(digit));
    }
    match number {
        Some(number) => out.extend_from_slice(number.to_string().as_bytes()),
        None => out.extend_from_slice(b"9.0e999"),
    }
    Ok(())
}

/// A real with its point between digits.
fn json5_real(text: &[u8], out: &mut Vec<u8>) {
    let digits = if text[0] == b'-' {
        out.push(b'-');
        &text[1..]
    } else {
        text
    };
    if at(digits, 0) == b'.' {
        out.push(b'0');
    }
    for (index, byte) in digits.iter().enumerate() {
        out.push(*byte);
        if *byte == b'.' && !at(digits, index + 1).is_ascii_digit() {
            out.push(b'0');
        }
    }
}

/// Text with the escapes of JSON5, in those of RFC 8259.
fn json5_text(text: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    out.push(b'"');
    let mut index = 0;
    while let Some(byte) = text.get(index) {
        let byte = *byte;
        if PLAIN[usize::from(byte)] || byte == b'\'' {
            out.push(byte);
            index += 1;
            continue;
        }
        check_size(out)?;
        if byte != b'\\' {
            escape(byte, out);
            index += 1;
            continue;
        }
        index += 2;
        match text.get(index - 1).ok_or(Error::MalformedJson)? {
            b'\'' => out.push(b'\''),
            b'v' => out.extend_from_slice(b"\\u000b"),
            b'x' => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(text.get(index..index + 2).ok_or(Error::MalformedJson)?);
                index += 2;
            }
            b'0' => out.extend_from_slice(b"\\u0000"),
            b'\r' => index += usize::from(at(text, index) == b'\n'),
            b'\n' => {}
            0xe2 if is_separator(text, index - 1) => index += 2,
            0xe2 => return Err(Error::MalformedJson),
            other => out.extend([b'\\', *other]),
        }
    }
    out.push(b'"');
    Ok(())
}

/// `json_pretty()`.
pub fn pretty(
    blob: &[u8],
    start: usize,
    indent: &[u8],
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<usize, Error> {
    let node = Node::at(blob, start).ok_or(Error::MalformedJson)?;
    if !node.kind.is_container() {
        return element(blob, start, depth, out);
    }
    let is_object = node.kind == Kind::Object;
    out.push(if is_object { b'{' } else { b'[' });
    if node.payload < node.end {
        let depth = depth + 1;
        if depth >= MAX_DEPTH {
            return Err(Error::TooDeep);
        }
        let mut index = node.payload;
        let mut separator: &[u8] = b"\n";
        while index < node.end {
            out.extend_from_slice(separator);
            indent_by(indent, depth, out)?;
            if is_object {
                index = element(blob, index, depth, out)?;
                if index > node.end {
                    return Err(Error::MalformedJson);
                }
                out.extend_from_slice(b": ");
            }
            index = pretty(blob, index, indent, depth, out)?;
            separator = b",\n";
        }
        out.push(b'\n');
        indent_by(indent, depth - 1, out)?;
    }
    out.push(if is_object { b'}' } else { b']' });
    Ok(node.end)
}

fn indent_by(indent: &[u8], times: usize, out: &mut Vec<u8>) -> Result<(), Error> {
    for _ in 0..times {
        out.extend_from_slice(indent);
        check_size(out)?;
    }
    Ok(())
}

/// A value of SQL, as `json_array()` and `json_quote()` write it.
pub fn value(value: &Value, out: &mut Vec<u8>, pause: &mut impl FnMut()) -> Result<(), Error> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Boolean(true) => out.extend_from_slice(b"true"),
        Value::Boolean(false) => out.extend_from_slice(b"false"),
        Value::Integer(integer) => out.extend_from_slice(integer.to_string().as_bytes()),
        Value::Real(real) if real.is_infinite() => {
            out.extend_from_slice(if *real > 0.0 { b"9.0e+999" } else { b"-9.0e+999" });
        }
        Value::Real(real) => out.extend_from_slice(number::real_text(*real).as_bytes()),
        Value::Text(text) => quote(text.as_bytes(), out)?,
        Value::Json(_) | Value::Blob(_) => {
            let document = super::Document::of_argument(value, pause)?;
            element(document.blob(), 0, 0, out)?;
        }
    }
    Ok(())
}
