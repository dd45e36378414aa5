//! `json_set()` and its kin: elements put in, replaced and removed.

use super::escape::Label;
use super::node::{Kind, Node, push_header, push_node, resize};
use super::parse::MAX_DEPTH;
use super::path::{Found, Miss, Place, step};
use super::space::at;

/// What to do with the element that a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    Remove,
    /// Only where there is one.
    Replace,
    /// Only where there is none.
    Insert,
    Set,
    /// Before the array element that is there.
    ArrayInsert,
}

impl Edit {
    fn inserts(self) -> bool {
        matches!(self, Self::Insert | Self::Set | Self::ArrayInsert)
    }
}

/// Changes what a path, without its `$`, leads to. `new` is JSONB.
pub fn edit(
    blob: &mut Vec<u8>,
    path: &[u8],
    edit: Edit,
    new: &[u8],
    mut depth: usize,
) -> Result<(), Miss> {
    let mut containers = vec![];
    let mut found = Found { value: 0, label: None };
    let mut rest = path;
    while at(rest, 0) != 0 {
        match step(blob, found.value, rest)? {
            Place::There { found: next, rest: left } => {
                containers.push(found.value);
                found = next;
                rest = left;
            }
            Place::Insert { .. } if !edit.inserts() => return Err(Miss::NotFound),
            Place::Insert { at, label, rest } => {
                if label.is_some() && edit == Edit::ArrayInsert && !rest.ends_with(b"]") {
                    return Err(Miss::NotArray);
                }
                let new = branch(rest, edit, new, depth)?;
                containers.push(found.value);
                splice(blob, &containers, at, at, &member(label, &new));
                return Ok(());
            }
        }
        depth += 1;
        if depth >= MAX_DEPTH {
            return Err(Miss::TooDeep);
        }
    }
    let node = Node::at(blob, found.value).ok_or(Miss::Malformed)?;
    let (from, to, new) = match edit {
        Edit::Remove => (found.label.unwrap_or(node.start), node.end, &[][..]),
        Edit::Insert => return Ok(()),
        Edit::ArrayInsert if !path.ends_with(b"]") => return Err(Miss::NotArray),
        Edit::ArrayInsert => (node.start, node.start, new),
        Edit::Replace | Edit::Set => (node.start, node.end, new),
    };
    splice(blob, &containers, from, to, new);
    Ok(())
}

/// What is left of a path, built: `.b[0]` around 5 is `{"b":[5]}`.
fn branch(path: &[u8], how: Edit, new: &[u8], depth: usize) -> Result<Vec<u8>, Miss> {
    // From the outside in, as errors are found; then put together from the inside out.
    let mut labels = vec![];
    let mut rest = path;
    while at(rest, 0) != 0 {
        if depth + labels.len() + 1 >= MAX_DEPTH {
            return Err(Miss::TooDeep);
        }
        let empty = [if rest[0] == b'.' { Kind::Object } else { Kind::Array } as u8];
        let Place::Insert { label, rest: left, .. } = step(&empty, 0, rest)? else {
            return Err(Miss::NotFound);
        };
        if label.is_some() && how == Edit::ArrayInsert && !left.ends_with(b"]") {
            return Err(Miss::NotArray);
        }
        labels.push(label);
        rest = left;
    }
    let mut built = new.to_vec();
    for label in labels.into_iter().rev() {
        let kind = if label.is_some() { Kind::Object } else { Kind::Array };
        let inside = member(label, &built);
        built.clear();
        push_node(&mut built, kind, &inside);
    }
    Ok(built)
}

/// An element with the label before it, if it is to have one.
fn member(label: Option<Label>, value: &[u8]) -> Vec<u8> {
    let mut member = vec![];
    if let Some(label) = label {
        let kind = if label.is_raw { Kind::TextRaw } else { Kind::Text5 };
        push_header(&mut member, kind, label.text.len());
        member.extend_from_slice(label.text);
    }
    member.extend_from_slice(value);
    member
}

/// Replaces bytes, and corrects the sizes of the containers around them, which are given from the outside in.
fn splice(blob: &mut Vec<u8>, containers: &[usize], from: usize, to: usize, new: &[u8]) {
    // Their sizes are those of before.
    let nodes: Vec<_> = containers.iter().filter_map(|start| Node::at(blob, *start)).collect();
    let mut grown = new.len().cast_signed() - (to - from).cast_signed();
    blob.splice(from..to, new.iter().copied());
    for node in nodes.into_iter().rev() {
        let size = (node.end - node.payload).saturating_add_signed(grown);
        grown += resize(blob, node.start, node.payload - node.start, node.kind, size);
    }
}
