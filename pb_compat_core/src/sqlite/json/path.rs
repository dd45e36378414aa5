//! Paths such as `$.a[0]`, and what they lead to.

use super::escape::Label;
use super::node::{Kind, Node};
use super::parse::MAX_DEPTH;
use super::space::at;
use crate::sqlite::Error;

/// Why a path leads to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miss {
    NotFound,
    Malformed,
    NotArray,
    TooDeep,
    BadPath,
}

impl Miss {
    /// The error for it; `None` where there simply is no such element.
    pub fn error(self, path: &str) -> Option<Error> {
        Some(match self {
            Self::NotFound => return None,
            Self::Malformed => Error::MalformedJson,
            Self::NotArray => Error::NotAnArrayElement(quoted(path)),
            Self::TooDeep => Error::PathTooDeep,
            Self::BadPath => Error::BadPath(quoted(path)),
        })
    }
}

/// As it stands between single quotes in a message.
fn quoted(path: &str) -> String {
    path.replace('\'', "''")
}

pub fn bad_path(path: &str) -> Error {
    Error::BadPath(quoted(path))
}

/// A place in an array.
#[derive(Clone, Copy)]
pub enum Index {
    /// Counted from the first element.
    First(u64),
    /// Counted back from behind the last one.
    Last(u64),
}

/// The next step of a path and what is left of it. An index is read by [`index`] only where there is an array.
pub fn label(path: &[u8]) -> Result<(Label<'_>, &[u8]), Miss> {
    if at(path, 1) == b'"' {
        let text = &path[2..];
        let mut end = 0;
        loop {
            match at(text, end) {
                0 => return Err(Miss::BadPath),
                b'"' => break,
                b'\\' if at(text, end + 1) != 0 => end += 2,
                _ => end += 1,
            }
        }
        let label = &text[..end];
        return Ok((Label { text: label, is_raw: !label.contains(&b'\\') }, &text[end + 1..]));
    }
    let text = &path[1..];
    let end = text.iter().position(|byte| matches!(byte, b'.' | b'[' | 0)).unwrap_or(text.len());
    if end == 0 {
        return Err(Miss::BadPath);
    }
    Ok((Label { text: &text[..end], is_raw: true }, &text[end..]))
}

/// The digits at the beginning, as a number that no array reaches if they are too many, and what follows them.
fn digits(text: &[u8]) -> (u64, &[u8]) {
    let length = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let number = text[..length].iter().fold(0, |number, digit| {
        if number < u64::from(u32::MAX) { number * 10 + u64::from(digit - b'0') } else { number }
    });
    (number, &text[length..])
}

pub fn index(path: &[u8]) -> Result<(Index, &[u8]), Miss> {
    let text = &path[1..];
    let (number, rest) = digits(text);
    if rest.len() < text.len()
        && let Some(rest) = rest.strip_prefix(b"]")
    {
        return Ok((Index::First(number), rest));
    }
    let Some(rest) = text.strip_prefix(b"#") else { return Err(Miss::BadPath) };
    if at(rest, 0) == b'-' && at(rest, 1).is_ascii_digit() {
        // Whether it leads before the first element is asked before what follows the digits is.
        let (number, rest) = digits(&rest[1..]);
        return Ok((Index::Last(number), rest));
    }
    match rest.strip_prefix(b"]") {
        Some(_) => Ok((Index::Last(0), rest)),
        None => Err(Miss::BadPath),
    }
}

/// An element that a path leads to, and the label before it in an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub value: usize,
    pub label: Option<usize>,
}

/// Where one step leads: to an element, or to where one could be inserted.
pub enum Place<'a> {
    There { found: Found, rest: &'a [u8] },
    Insert { at: usize, label: Option<Label<'a>>, rest: &'a [u8] },
}

/// Takes one step from a container.
pub fn step<'a>(blob: &[u8], root: usize, path: &'a [u8]) -> Result<Place<'a>, Miss> {
    match at(path, 0) {
        b'.' => member(blob, root, path),
        b'[' => item(blob, root, path),
        _ => Err(Miss::BadPath),
    }
}

fn member<'a>(blob: &[u8], root: usize, path: &'a [u8]) -> Result<Place<'a>, Miss> {
    let (wanted, rest) = label(path)?;
    let node = Node::at(blob, root).ok_or(Miss::Malformed)?;
    if node.kind != Kind::Object {
        return Err(Miss::NotFound);
    }
    let mut index = node.payload;
    while index < node.end {
        let label = Node::at(blob, index).ok_or(Miss::Malformed)?;
        if !label.kind.is_text() || label.end >= node.end {
            return Err(Miss::Malformed);
        }
        let value = Node::at(blob, label.end).ok_or(Miss::Malformed)?;
        if wanted.is(Label { text: label.text(blob), is_raw: label.kind.is_raw() }) {
            if value.end > node.end {
                return Err(Miss::Malformed);
            }
            let found = Found { value: value.start, label: Some(index) };
            return Ok(Place::There { found, rest });
        }
        index = value.end;
    }
    if index > node.end {
        return Err(Miss::Malformed);
    }
    Ok(Place::Insert { at: index, label: Some(wanted), rest })
}

fn item<'a>(blob: &[u8], root: usize, path: &'a [u8]) -> Result<Place<'a>, Miss> {
    let node = Node::at(blob, root).ok_or(Miss::Malformed)?;
    if node.kind != Kind::Array {
        return Err(Miss::NotFound);
    }
    let (wanted, mut rest) = index(path)?;
    let mut left = match wanted {
        Index::First(number) => number,
        Index::Last(number) => {
            let left = count(blob, &node).checked_sub(number).ok_or(Miss::NotFound)?;
            rest = rest.strip_prefix(b"]").ok_or(Miss::BadPath)?;
            left
        }
    };
    let mut index = node.payload;
    while index < node.end {
        if left == 0 {
            return Ok(Place::There { found: Found { value: index, label: None }, rest });
        }
        left -= 1;
        index = Node::at(blob, index).ok_or(Miss::Malformed)?.end;
    }
    match (index > node.end, left) {
        (true, _) => Err(Miss::Malformed),
        (false, 0) => Ok(Place::Insert { at: index, label: None, rest }),
        (false, _) => Err(Miss::NotFound),
    }
}

/// How many elements an array has.
pub fn count(blob: &[u8], array: &Node) -> u64 {
    let mut count = 0;
    let mut index = array.payload;
    while index < array.end {
        count += 1;
        let Some(node) = Node::at(blob, index) else { break };
        index = node.end;
    }
    count
}

/// What a path, without its `$`, leads to.
pub fn find(blob: &[u8], mut path: &[u8]) -> Result<Found, Miss> {
    let mut found = Found { value: 0, label: None };
    let mut depth = 0;
    while at(path, 0) != 0 {
        match step(blob, found.value, path)? {
            Place::There { found: next, rest } => {
                found = next;
                path = rest;
            }
            Place::Insert { .. } => return Err(Miss::NotFound),
        }
        depth += 1;
        if depth >= MAX_DEPTH {
            return Err(Miss::TooDeep);
        }
    }
    Ok(found)
}

/// A right operand of `->` or `->>` as a path without its `$`.
pub fn abbreviated(operand: &str) -> String {
    if operand.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        format!(".{operand}")
    } else if operand.len() >= 3 && operand.starts_with('[') && operand.ends_with(']') {
        operand.to_owned()
    } else {
        format!(".\"{operand}\"")
    }
}

/// The same for an integer.
pub fn of_integer(operand: i64) -> String {
    if operand < 0 { format!("[#{operand}]") } else { format!("[{operand}]") }
}
