//! The rows of `json_each()` and `json_tree()`.

use super::decimal::with_decimal;
use super::node::{Kind, Node};
use super::path::{Miss, bad_path, find};
use super::space::at;
use super::value;
use crate::sqlite::Error;
use crate::sqlite::number::text_to_integer;
use std::borrow::Cow;

/// A container whose elements are being visited.
struct Parent {
    head: usize,
    kind: Kind,
    end: usize,
    path_length: usize,
    key: i64,
}

/// One row; columns are computed when asked for.
pub struct Row<'a, 'w> {
    walk: &'w mut Walk<'a>,
    value: Node,
}

/// Visits elements of a document in order.
pub struct Walk<'a> {
    blob: &'a [u8],
    is_tree: bool,
    index: usize,
    end: usize,
    /// The kind of what holds the current element: with a label in front of it or not.
    kind: Option<Kind>,
    /// That label, and the element itself, once it has become a row.
    label: Option<Node>,
    value: Option<Node>,
    parents: Vec<Parent>,
    path: String,
    path_version: u64,
    row: u64,
    has_root: bool,
}

impl<'a> Walk<'a> {
    /// From where a path leads to; `None` if it leads to nothing.
    pub fn new(blob: &'a [u8], root: &str, is_tree: bool) -> Result<Option<Self>, Error> {
        let steps = root.strip_prefix('$').ok_or_else(|| bad_path(root))?;
        let found = match find(blob, steps.as_bytes()) {
            Ok(found) => found,
            Err(Miss::NotFound) => return Ok(None),
            Err(_) => return Err(bad_path(root)),
        };
        let node = Node::at(blob, found.value).ok_or(Error::MalformedJson)?;
        let mut walk = Self {
            blob,
            is_tree,
            index: found.label.unwrap_or(found.value),
            end: node.end,
            kind: match found.label {
                Some(_) => Some(Kind::Object),
                None if steps.is_empty() => None,
                None => Some(Kind::Array),
            },
            label: None,
            value: None,
            parents: vec![],
            path: root.to_owned(),
            path_version: 0,
            row: 0,
            has_root: !steps.is_empty(),
        };
        if node.kind.is_container() && !is_tree {
            walk.index = node.payload;
            walk.kind = Some(node.kind);
            walk.parents.push(Parent {
                head: node.payload,
                kind: node.kind,
                end: node.end,
                path_length: walk.path.len(),
                key: 0,
            });
        }
        Ok(Some(walk))
    }

    /// The next row; `None` behind the last one.
    pub fn next_row<'w>(&'w mut self) -> Result<Option<Row<'a, 'w>>, Error> {
        if let Some(value) = self.value {
            self.advance(value);
        }
        if self.index >= self.end {
            return Ok(None);
        }
        let mut start = self.index;
        self.label = None;
        if self.kind == Some(Kind::Object) {
            let label = Node::at(self.blob, start).ok_or(Error::MalformedJson)?;
            start = label.end;
            self.label = Some(label);
        }
        let value = Node::at(self.blob, start).ok_or(Error::MalformedJson)?;
        self.value = Some(value);
        Ok(Some(Row { walk: self, value }))
    }

    /// Goes on to where the next row is.
    fn advance(&mut self, value: Node) {
        if self.is_tree {
            if value.kind.is_container() {
                let parent = Parent {
                    head: self.index,
                    kind: value.kind,
                    end: value.end,
                    path_length: self.path.len(),
                    key: -1,
                };
                if !self.parents.is_empty() {
                    self.push_name();
                }
                self.parents.push(parent);
                self.path_version += 1;
                self.index = value.payload;
            } else {
                self.index = value.end;
            }
            while self.parents.last().is_some_and(|parent| self.index >= parent.end) {
                if let Some(parent) = self.parents.pop() {
                    self.path.truncate(parent.path_length);
                    self.path_version += 1;
                }
            }
            self.kind = self.parents.last().map(|parent| parent.kind);
        } else {
            self.index = value.end;
        }
        if let Some(parent) = self.parents.last_mut() {
            parent.key += i64::from(parent.kind == Kind::Array);
        }
        self.row += 1;
    }

    /// Adds the current element's own step to the path.
    fn push_name(&mut self) {
        let Some(parent) = self.parents.last() else { return };
        let Some(label) = self.label else {
            with_decimal("[", parent.key, "]", |step| self.path.push_str(step));
            return;
        };
        let text = value::text(label.text(self.blob));
        let is_plain = text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let quote = if is_plain { "" } else { "\"" };
        for part in [".", quote, &text, quote] {
            self.path.push_str(part);
        }
    }

    /// How much of the path leads to what holds the current element.
    fn path_length(&self) -> usize {
        let path = self.path.as_bytes();
        let mut length = path.len();
        if self.row == 0 && self.is_tree && length >= 2 {
            while length > 1 {
                length -= 1;
                if !matches!(path[length], b'[' | b'.') {
                    continue;
                }
                let Ok(found) = find(self.blob, &path[1..length]) else { continue };
                if Node::at(self.blob, found.value).is_some_and(|node| node.payload == self.index) {
                    break;
                }
            }
        }
        length
    }
}

/// What an element is called in what holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key<'a> {
    /// That of the document itself.
    None,
    Index(i64),
    Label(Cow<'a, str>),
}

impl<'a> Row<'a, '_> {
    pub fn key(&self) -> Result<Key<'a>, Error> {
        let walk = &*self.walk;
        let Some(parent) = walk.parents.last() else { return Ok(self.root_key()) };
        Ok(match walk.label {
            Some(label) => value::text_of(walk.blob, &label)?.map_or(Key::None, Key::Label),
            None => Key::Index(parent.key),
        })
    }

    /// The key of the element that the walk began at: the last step of the path.
    fn root_key(&self) -> Key<'a> {
        let walk = &*self.walk;
        if !walk.has_root {
            return Key::None;
        }
        let step = &walk.path[walk.path_length()..];
        let bytes = step.as_bytes();
        match (at(bytes, 0), at(bytes, 1)) {
            (0, _) => Key::None,
            (b'[', _) => Key::Index(text_to_integer(&bytes[1..])),
            (_, b'"') => label(step.get(2..step.len() - 1)),
            _ => label(step.get(1..)),
        }
    }

    pub fn kind(&self) -> Kind {
        self.value.kind
    }

    /// NULL for `null`; JSON text for arrays and objects.
    pub fn value(&self) -> Result<Option<Cow<'a, str>>, Error> {
        value::text_of(self.walk.blob, &self.value)
    }

    pub fn id(&self) -> i64 {
        self.walk.index as i64
    }

    pub fn parent(&self) -> Option<i64> {
        let parent = self.walk.parents.last().filter(|_| self.walk.is_tree)?;
        Some(parent.head as i64)
    }

    /// Is another one whenever the path of what holds the element may be.
    pub fn path_version(&self) -> u64 {
        self.walk.path_version
    }

    pub fn path(&self) -> &str {
        &self.walk.path[..self.walk.path_length()]
    }

    /// Hands the path to the element itself to `then`.
    pub fn with_full_key<T>(&mut self, then: impl FnOnce(&str) -> T) -> T {
        let length = self.walk.path.len();
        self.walk.push_name();
        let answer = then(&self.walk.path);
        self.walk.path.truncate(length);
        answer
    }
}

fn label<'a>(text: Option<&str>) -> Key<'a> {
    Key::Label(text.unwrap_or_default().to_owned().into())
}
