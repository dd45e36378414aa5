//! Whether a blob is JSONB.

use super::escape::unescape;
use super::node::{Kind, Node};
use super::parse::MAX_DEPTH;
use super::space::{PLAIN, at};

/// Whether a blob counts as JSONB. A short one, which could be JSON text, is checked to the end; of any other the
/// outermost element alone.
pub fn is_jsonb(blob: &[u8]) -> bool {
    let Some(node) = Node::at(blob, 0) else { return false };
    let size = node.end - node.payload;
    node.end == blob.len()
        && (node.kind > Kind::False || size == 0)
        && (size > 7
            || (blob[0] != b'{' && blob[0] != b'[' && !blob[0].is_ascii_digit())
            || error_position(blob) == 0)
}

/// The byte, counted from 1, at which JSONB is not well formed; 0 if it is.
pub fn error_position(blob: &[u8]) -> usize {
    match Node::at(blob, 0) {
        Some(node) => check(blob, &node, 1).err().unwrap_or(0),
        None => 1,
    }
}

fn check(blob: &[u8], node: &Node, depth: usize) -> Result<(), usize> {
    if depth > MAX_DEPTH {
        return Err(node.start + 1);
    }
    let text = node.text(blob);
    let wrong = |index: usize| Err(node.payload + index + 1);
    match node.kind {
        Kind::Null | Kind::True | Kind::False => {
            if node.end - node.start == 1 {
                Ok(())
            } else {
                Err(node.start + 1)
            }
        }
        Kind::Int => {
            let sign = usize::from(at(text, 0) == b'-');
            if text.len() <= sign {
                return Err(node.start + 1);
            }
            match text[sign..].iter().position(|byte| !byte.is_ascii_digit()) {
                Some(index) => wrong(sign + index),
                None => Ok(()),
            }
        }
        Kind::Int5 => {
            let sign = usize::from(at(text, 0) == b'-');
            if text.len() < 3 + sign || text[sign] != b'0' {
                return Err(node.start + 1);
            }
            if !matches!(text[sign + 1], b'x' | b'X') {
                return wrong(sign + 1);
            }
            match text[sign + 2..].iter().position(|byte| !byte.is_ascii_hexdigit()) {
                Some(index) => wrong(sign + 2 + index),
                None => Ok(()),
            }
        }
        Kind::Float | Kind::Float5 => check_real(text, node),
        Kind::Text => match text.iter().position(|b| !PLAIN[usize::from(*b)] && *b != b'\'') {
            Some(index) => wrong(index),
            None => Ok(()),
        },
        Kind::TextJ | Kind::Text5 => match wrong_escape(text, node.kind) {
            Some(index) => wrong(index),
            None => Ok(()),
        },
        Kind::TextRaw => Ok(()),
        Kind::Array | Kind::Object => {
            let mut index = node.payload;
            let mut is_label = node.kind == Kind::Object;
            while index < node.end {
                let child = Node::at(blob, index)
                    .filter(|child| child.end <= node.end)
                    .filter(|child| !is_label || child.kind.is_text())
                    .ok_or(index + 1)?;
                check(blob, &child, depth + 1)?;
                is_label = node.kind == Kind::Object && !is_label;
                index = child.end;
            }
            if is_label == (node.kind == Kind::Object) { Ok(()) } else { Err(index + 1) }
        }
    }
}

fn check_real(text: &[u8], node: &Node) -> Result<(), usize> {
    let wrong = |index: usize| Err(node.payload + index + 1);
    let is_strict = node.kind == Kind::Float;
    let mut index = usize::from(at(text, 0) == b'-');
    if text.len() < 2 + index {
        return Err(node.start + 1);
    }
    let (mut has_point, mut has_exponent) = (false, false);
    if text[index] == b'.' {
        if is_strict || !at(text, index + 1).is_ascii_digit() {
            return wrong(index);
        }
        index += 2;
        has_point = true;
    } else if text[index] == b'0' && is_strict {
        if index + 3 > text.len() || !matches!(text[index + 1], b'.' | b'e' | b'E') {
            return wrong(index);
        }
        index += 1;
    }
    while index < text.len() {
        match text[index] {
            b'0'..=b'9' => {}
            b'.' => {
                if has_point || has_exponent {
                    return wrong(index);
                }
                if is_strict && !at(text, index + 1).is_ascii_digit() {
                    return wrong(index);
                }
                has_point = true;
            }
            b'e' | b'E' => {
                if has_exponent || index + 1 == text.len() {
                    return wrong(index);
                }
                if matches!(text[index + 1], b'+' | b'-') {
                    index += 1;
                    if index + 1 == text.len() {
                        return wrong(index);
                    }
                }
                has_exponent = true;
            }
            _ => return wrong(index),
        }
        index += 1;
    }
    if has_point || has_exponent { Ok(()) } else { Err(node.start + 1) }
}

/// Where text has an escape, or lacks one, that its kind does not allow.
fn wrong_escape(text: &[u8], kind: Kind) -> Option<usize> {
    let is_json5 = kind == Kind::Text5;
    let mut index = 0;
    while index < text.len() {
        let byte = text[index];
        if PLAIN[usize::from(byte)] || byte == b'\'' {
            index += 1;
            continue;
        }
        if byte != b'\\' {
            if !is_json5 {
                return Some(index);
            }
            index += 1;
            continue;
        }
        index += match *text.get(index + 1).ok_or(()).unwrap_or(&b'!') {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
            b'u' => {
                let digits = text.get(index + 2..index + 6);
                if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    return Some(index);
                }
                2
            }
            _ if !is_json5 || index + 1 >= text.len() => return Some(index),
            _ => match unescape(&text[index..]) {
                (Some(_), length) => length,
                (None, _) => return Some(index),
            },
        };
    }
    None
}
