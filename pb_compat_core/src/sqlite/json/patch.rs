//! `json_patch()`: RFC 7396.

use super::escape::Label;
use super::node::{Kind, Node, push_node};
use super::parse::MAX_DEPTH;
use crate::sqlite::Error;
use std::collections::HashMap;
use std::ops::Range;

/// Below so many members, looking at each of them is faster than a map.
const MAP_FROM: usize = 16;

/// The member of an object that is being patched.
struct Member<'a> {
    label: Label<'a>,
    /// The label with its header.
    label_node: &'a [u8],
    value: Slot<'a>,
}

enum Slot<'a> {
    Removed,
    /// An element with its header.
    There(&'a [u8]),
    Patched(Vec<u8>),
}

/// The target with the patch applied.
pub fn patch(target: &[u8], patch: &[u8], pause: &mut impl FnMut()) -> Result<Vec<u8>, Error> {
    let mut out = vec![];
    merge(Some(target), patch, 0, &mut out, pause)?;
    Ok(out)
}

fn merge(
    target: Option<&[u8]>,
    patch: &[u8],
    depth: usize,
    out: &mut Vec<u8>,
    pause: &mut impl FnMut(),
) -> Result<(), Error> {
    pause();
    let node = Node::at(patch, 0).ok_or(Error::MalformedJson)?;
    if node.kind != Kind::Object {
        out.extend_from_slice(&patch[..node.end]);
        return Ok(());
    }
    let mut members = match target {
        Some(target) => members(target)?,
        None => vec![],
    };
    let mut index = Index::of(&members);
    for (label, label_node, value) in pairs(patch, &node)? {
        let is_null = Kind::of(value[0]) == Some(Kind::Null);
        match index.find(label, &members) {
            Some(position) if is_null => {
                members[position].value = Slot::Removed;
                index.remove_first(label);
            }
            Some(position) => {
                if depth >= MAX_DEPTH {
                    return Err(Error::TooDeep);
                }
                let mut merged = vec![];
                let old = match &members[position].value {
                    Slot::There(old) => Some(*old),
                    Slot::Patched(old) => Some(old.as_slice()),
                    Slot::Removed => None,
                };
                merge(old, value, depth + 1, &mut merged, pause)?;
                members[position].value = Slot::Patched(merged);
            }
            None if is_null => {}
            None => {
                let value = if Kind::of(value[0]) == Some(Kind::Object) {
                    if depth >= MAX_DEPTH {
                        return Err(Error::TooDeep);
                    }
                    let mut merged = vec![];
                    merge(None, value, depth + 1, &mut merged, pause)?;
                    Slot::Patched(merged)
                } else {
                    Slot::There(value)
                };
                index.add(label, members.len());
                members.push(Member { label, label_node, value });
            }
        }
    }
    write(&members, out);
    Ok(())
}

fn write(members: &[Member], out: &mut Vec<u8>) {
    let mut payload = vec![];
    for member in members {
        let value = match &member.value {
            Slot::Removed => continue,
            Slot::There(value) => value,
            Slot::Patched(value) => value.as_slice(),
        };
        payload.extend_from_slice(member.label_node);
        payload.extend_from_slice(value);
    }
    push_node(out, Kind::Object, &payload);
}

/// The members of an object; whatever is none has none.
fn members(target: &[u8]) -> Result<Vec<Member<'_>>, Error> {
    let node = Node::at(target, 0).ok_or(Error::MalformedJson)?;
    if node.kind != Kind::Object {
        return Ok(vec![]);
    }
    Ok(pairs(target, &node)?
        .into_iter()
        .map(|(label, label_node, value)| Member { label, label_node, value: Slot::There(value) })
        .collect())
}

type Pair<'a> = (Label<'a>, &'a [u8], &'a [u8]);

/// Labels, as such and with their headers, and values with theirs.
fn pairs<'a>(blob: &'a [u8], object: &Node) -> Result<Vec<Pair<'a>>, Error> {
    let mut pairs = vec![];
    let mut index = object.payload;
    while index < object.end {
        let label = Node::at(blob, index).ok_or(Error::MalformedJson)?;
        if !label.kind.is_text() || label.end >= object.end {
            return Err(Error::MalformedJson);
        }
        let value = Node::at(blob, label.end).ok_or(Error::MalformedJson)?;
        if value.end > object.end {
            return Err(Error::MalformedJson);
        }
        pairs.push((
            Label { text: label.text(blob), is_raw: label.kind.is_raw() },
            span(blob, label.start..label.end),
            span(blob, value.start..value.end),
        ));
        index = value.end;
    }
    Ok(pairs)
}

fn span(blob: &[u8], range: Range<usize>) -> &[u8] {
    blob.get(range).unwrap_or_default()
}

/// Where members are, by their labels.
enum Index {
    Short,
    /// For each label the positions of its members, the last one first.
    Map(HashMap<Vec<u32>, Vec<usize>>),
}

impl Index {
    fn of(members: &[Member]) -> Self {
        if members.len() < MAP_FROM { Self::Short } else { Self::map(members) }
    }

    fn map(members: &[Member]) -> Self {
        let mut map: HashMap<Vec<u32>, Vec<usize>> = HashMap::with_capacity(members.len());
        for (position, member) in members.iter().enumerate().rev() {
            if !matches!(member.value, Slot::Removed) {
                map.entry(member.label.units().collect()).or_default().push(position);
            }
        }
        Self::Map(map)
    }

    fn find(&mut self, label: Label, members: &[Member]) -> Option<usize> {
        if matches!(self, Self::Short) && members.len() >= MAP_FROM {
            *self = Self::map(members);
        }
        match self {
            Self::Short => members.iter().position(|member| {
                !matches!(member.value, Slot::Removed) && label.is(member.label)
            }),
            Self::Map(map) => map.get(&label.units().collect::<Vec<_>>())?.last().copied(),
        }
    }

    fn remove_first(&mut self, label: Label) {
        if let Self::Map(map) = self
            && let Some(positions) = map.get_mut(&label.units().collect::<Vec<_>>())
        {
            positions.pop();
        }
    }

    /// A member that is new; none with its label is there.
    fn add(&mut self, label: Label, position: usize) {
        if let Self::Map(map) = self {
            map.insert(label.units().collect(), vec![position]);
        }
    }
}
