//! JSON as SQLite has it. Text (RFC 8259 or JSON5) is parsed into SQLite's JSONB, whose layout can be seen: the ids that
//! `json_each()` and `json_tree()` give are offsets in it.

mod check;
mod decimal;
mod each;
mod edit;
mod escape;
mod node;
mod parse;
mod patch;
mod path;
mod space;
mod text;
#[cfg(test)]
mod unit;
mod value;

pub use decimal::with_decimal;
pub use each::{Key, Row, Walk};
pub use edit::Edit;
pub use node::Kind;

use crate::sqlite::{Error, Value};
use node::Node;
use path::{Found, Miss, bad_path};
use std::borrow::Cow;

/// A document as JSONB, of which at least the outermost element is sound.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    blob: Cow<'a, [u8]>,
    is_json5: bool,
}

impl<'a> Document<'a> {
    pub fn of_text(text: &str, pause: impl FnMut()) -> Result<Self, Error> {
        let parsed = parse::parse(text.as_bytes(), pause).map_err(|_| Error::MalformedJson)?;
        Ok(Self { blob: parsed.blob.into(), is_json5: parsed.is_json5 })
    }

    /// From a function's first argument: text of any kind, or JSONB. `None` for NULL.
    pub fn of_value(value: &'a Value, pause: impl FnMut()) -> Result<Option<Self>, Error> {
        if let Value::Blob(bytes) = value
            && check::is_jsonb(bytes)
        {
            return Ok(Some(Self { blob: Cow::Borrowed(bytes), is_json5: false }));
        }
        value.to_text().map(|text| Self::of_text(&text, pause)).transpose()
    }

    /// From a value that goes into a document: text is a string in it.
    fn of_argument(value: &'a Value, pause: impl FnMut()) -> Result<Self, Error> {
        let mut blob = vec![];
        match value {
            Value::Null => blob.push(Kind::Null as u8),
            Value::Boolean(true) => blob.push(Kind::True as u8),
            Value::Boolean(false) => blob.push(Kind::False as u8),
            Value::Integer(integer) => {
                node::push_node(&mut blob, Kind::Int, integer.to_string().as_bytes());
            }
            Value::Real(real) if real.is_infinite() => {
                let text: &[u8] = if *real > 0.0 { b"9e999" } else { b"-9e999" };
                node::push_node(&mut blob, Kind::Float, text);
            }
            Value::Real(real) => {
                let text = crate::sqlite::number::real_text(*real);
                node::push_node(&mut blob, Kind::Float, text.as_bytes());
            }
            Value::Text(text) => node::push_node(&mut blob, Kind::TextRaw, text.as_bytes()),
            Value::Json(text) => return Self::of_text(text, pause),
            Value::Blob(bytes) if check::is_jsonb(bytes) => {
                return Ok(Self { blob: Cow::Borrowed(bytes), is_json5: false });
            }
            Value::Blob(_) => return Err(Error::BlobInJson),
        }
        Ok(Self { blob: blob.into(), is_json5: false })
    }

    /// SQLite's JSONB.
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// Whether the text was JSON5 without being RFC 8259.
    pub fn is_json5(&self) -> bool {
        self.is_json5
    }

    /// JSON text without spaces.
    pub fn to_text(&self) -> Result<String, Error> {
        self.element_text(0)
    }

    fn element_text(&self, start: usize) -> Result<String, Error> {
        let mut out = Vec::with_capacity(self.blob.len() + self.blob.len() / 4);
        text::element(&self.blob, start, 0, &mut out)?;
        Ok(value::string(out))
    }

    /// `json_pretty()`.
    pub fn to_pretty_text(&self, indent: Option<&str>) -> Result<String, Error> {
        let mut out = Vec::with_capacity(self.blob.len() * 2);
        text::pretty(&self.blob, 0, indent.unwrap_or("    ").as_bytes(), 0, &mut out)?;
        Ok(value::string(out))
    }

    fn node(&self, found: Found) -> Result<Node, Error> {
        Node::at(&self.blob, found.value).ok_or(Error::MalformedJson)
    }

    /// What a path with its `$` leads to.
    fn find(&self, path: &str) -> Result<Option<Node>, Error> {
        let steps = path.strip_prefix('$').ok_or_else(|| bad_path(path))?;
        self.found(path::find(&self.blob, steps.as_bytes()), path)
    }

    fn found(&self, found: Result<Found, Miss>, path: &str) -> Result<Option<Node>, Error> {
        match found {
            Ok(found) => self.node(found).map(Some),
            Err(miss) => miss.error(path).map_or(Ok(None), Err),
        }
    }

    /// `json_extract()` with one path.
    pub fn extract(&self, path: &str) -> Result<Value<'_>, Error> {
        self.find(path)?.map_or(Ok(Value::Null), |node| value::of(&self.blob, &node))
    }

    /// The same, for a value that is to become a number.
    pub fn extract_to_cast(&self, path: &str) -> Result<Value<'_>, Error> {
        self.find(path)?.map_or(Ok(Value::Null), |node| value::to_cast(&self.blob, &node))
    }

    /// `json_extract()` with several paths: an array of what they lead to.
    pub fn extract_all<'p>(
        &self,
        paths: impl Iterator<Item = Option<Cow<'p, str>>>,
        mut pause: impl FnMut(),
    ) -> Result<Option<String>, Error> {
        let mut out = b"[".to_vec();
        for path in paths {
            pause();
            let Some(path) = path else { return Ok(None) };
            let node = self.find(&path)?;
            if out.len() > 1 {
                out.push(b',');
            }
            match node {
                Some(node) => {
                    text::element(&self.blob, node.start, 0, &mut out)?;
                }
                None => out.extend_from_slice(b"null"),
            }
        }
        out.push(b']');
        Ok(Some(value::string(out)))
    }

    /// What the right operand of `->` or `->>` leads to.
    fn follow(&self, operand: &Operand) -> Result<Option<Node>, Error> {
        let (found, path) = match operand {
            Operand::Text(path) if path.starts_with('$') => return self.find(path),
            Operand::Text(label) => (path::abbreviated(label), Cow::Borrowed(*label)),
            Operand::Integer(index) => (path::of_integer(*index), index.to_string().into()),
        };
        self.found(path::find(&self.blob, found.as_bytes()), &path)
    }

    /// `->`: JSON text.
    pub fn arrow(&self, operand: &Operand) -> Result<Option<String>, Error> {
        self.follow(operand)?.map(|node| self.element_text(node.start)).transpose()
    }

    /// `->>`: the value in SQL.
    pub fn double_arrow(&self, operand: &Operand) -> Result<Value<'_>, Error> {
        self.follow(operand)?.map_or(Ok(Value::Null), |node| value::of(&self.blob, &node))
    }

    /// `json_type()`.
    pub fn kind(&self, path: Option<&str>) -> Result<Option<&'static str>, Error> {
        Ok(self.find(path.unwrap_or("$"))?.map(|node| node.kind.name()))
    }

    /// `json_array_length()`; 0 for what is no array.
    pub fn array_length(&self, path: Option<&str>) -> Result<Option<i64>, Error> {
        Ok(self.find(path.unwrap_or("$"))?.map(|node| match node.kind {
            Kind::Array => path::count(&self.blob, &node) as i64,
            _ => 0,
        }))
    }

    /// Changes what a path leads to.
    pub fn edit(
        &mut self,
        path: &str,
        edit: Edit,
        new: &Value,
        pause: impl FnMut(),
    ) -> Result<(), Error> {
        let steps = path.strip_prefix('$').ok_or_else(|| bad_path(path))?;
        let new = Document::of_argument(new, pause)?;
        if steps.is_empty() {
            if matches!(edit, Edit::Replace | Edit::Set) {
                self.blob = new.blob.into_owned().into();
            }
            return Ok(());
        }
        let edited = edit::edit(self.blob.to_mut(), steps.as_bytes(), edit, &new.blob, 0);
        edited.or_else(|miss| miss.error(path).map_or(Ok(()), Err))
    }

    /// `json_remove()` with one path; without anything left it answers false.
    pub fn remove(&mut self, path: &str) -> Result<bool, Error> {
        if path == "$" {
            return Ok(false);
        }
        self.edit(path, Edit::Remove, &Value::Null, || {}).map(|()| true)
    }

    /// `json_patch()`.
    pub fn patch(&self, patch: &Document, mut pause: impl FnMut()) -> Result<String, Error> {
        let blob = patch::patch(&self.blob, &patch.blob, &mut pause)?;
        Document { blob: blob.into(), is_json5: false }.to_text()
    }
}

/// A right operand of `->` or `->>`.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a> {
    /// A path, or a label, or `[..]`.
    Text(&'a str),
    Integer(i64),
}

/// `json_error_position()`: the character, counted from 1, at which a text stops to be JSON; 0 if it does not. For JSONB
/// the byte. `None` for NULL.
pub fn error_position(value: &Value, pause: impl FnMut()) -> Option<i64> {
    if let Value::Blob(bytes) = value
        && check::is_jsonb(bytes)
    {
        return Some(check::error_position(bytes) as i64);
    }
    let text = value.to_text()?;
    let Err(malformed) = parse::parse(text.as_bytes(), pause) else { return Some(0) };
    let before = &text.as_bytes()[..malformed.offset.min(text.len())];
    Some(before.iter().filter(|byte| *byte & 0xc0 != 0x80).count() as i64 + 1)
}

/// JSON text that is put together piece by piece: an array, an object, or the state of an aggregate.
#[derive(Debug, Default)]
pub struct Builder {
    out: Vec<u8>,
}

impl Builder {
    pub fn array() -> Self {
        Self { out: b"[".to_vec() }
    }

    pub fn object() -> Self {
        Self { out: b"{".to_vec() }
    }

    fn separate(&mut self) {
        if self.out.len() > 1 {
            self.out.push(b',');
        }
    }

    pub fn item(&mut self, value: &Value, mut pause: impl FnMut()) -> Result<(), Error> {
        self.separate();
        text::value(value, &mut self.out, &mut pause)
    }

    pub fn member(
        &mut self,
        label: &str,
        value: &Value,
        mut pause: impl FnMut(),
    ) -> Result<(), Error> {
        self.separate();
        text::quote(label.as_bytes(), &mut self.out)?;
        self.out.push(b':');
        text::value(value, &mut self.out, &mut pause)
    }

    /// What has been put together so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.out
    }

    pub fn finish(mut self) -> String {
        let close = if self.out.first() == Some(&b'{') { b'}' } else { b']' };
        self.out.push(close);
        value::string(self.out)
    }
}

/// `json_quote()`.
pub fn quote(value: &Value, mut pause: impl FnMut()) -> Result<String, Error> {
    let mut out = vec![];
    text::value(value, &mut out, &mut pause)?;
    Ok(value::string(out))
}
