//! Elements of SQLite's JSONB: a header, which holds type and size, and a payload (<https://sqlite.org/jsonb.html>).

/// What an element is, by the number that the low half of its first byte has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    Null = 0,
    True = 1,
    False = 2,
    /// An integer as RFC 8259 writes it.
    Int = 3,
    /// An integer in hexadecimal digits.
    Int5 = 4,
    Float = 5,
    /// A real with a point that has digits on one side only.
    Float5 = 6,
    /// Text without anything to escape or to unescape.
    Text = 7,
    /// Text with the escapes of RFC 8259.
    TextJ = 8,
    /// Text with the escapes of JSON5.
    Text5 = 9,
    /// Text as SQL has it, to be escaped.
    TextRaw = 10,
    Array = 11,
    Object = 12,
}

impl Kind {
    pub fn of(first: u8) -> Option<Self> {
        Some(match first & 0x0f {
            0 => Self::Null,
            1 => Self::True,
            2 => Self::False,
            3 => Self::Int,
            4 => Self::Int5,
            5 => Self::Float,
            6 => Self::Float5,
            7 => Self::Text,
            8 => Self::TextJ,
            9 => Self::Text5,
            10 => Self::TextRaw,
            11 => Self::Array,
            12 => Self::Object,
            _ => return None,
        })
    }

    /// The name that `json_type()` has for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::True => "true",
            Self::False => "false",
            Self::Int | Self::Int5 => "integer",
            Self::Float | Self::Float5 => "real",
            Self::Text | Self::TextJ | Self::Text5 | Self::TextRaw => "text",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    pub fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::TextJ | Self::Text5 | Self::TextRaw)
    }

    pub fn is_container(self) -> bool {
        matches!(self, Self::Array | Self::Object)
    }

    /// Whether the payload stands for itself.
    pub fn is_raw(self) -> bool {
        matches!(self, Self::Text | Self::TextRaw)
    }
}

/// Where an element begins, where its payload begins, and where both end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    pub kind: Kind,
    pub start: usize,
    pub payload: usize,
    pub end: usize,
}

impl Node {
    /// The element at an offset; `None` if there is none, or if it ends behind the blob.
    #[inline]
    pub fn at(blob: &[u8], start: usize) -> Option<Self> {
        let first = *blob.get(start)?;
        let kind = Kind::of(first)?;
        let (payload, size) = match first >> 4 {
            size @ 0..=11 => (start + 1, usize::from(size)),
            12 => (start + 2, number(blob.get(start + 1..start + 2)?)),
            13 => (start + 3, number(blob.get(start + 1..start + 3)?)),
            14 => (start + 5, number(blob.get(start + 1..start + 5)?)),
            _ => {
                if *blob.get(start + 1..start + 5)? != [0; 4] {
                    return None;
                }
                (start + 9, number(blob.get(start + 5..start + 9)?))
            }
        };
        let end = payload.checked_add(size)?;
        (end <= blob.len()).then_some(Self { kind, start, payload, end })
    }

    pub fn text<'a>(&self, blob: &'a [u8]) -> &'a [u8] {
        blob.get(self.payload..self.end).unwrap_or_default()
    }
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// How many bytes of a header hold a payload's size.
fn width(size: usize) -> usize {
    match size {
        0..=11 => 0,
        12..=0xff => 1,
        0x100..=0xffff => 2,
        _ => 4,
    }
}

/// A header: its bytes, and how many they are. Text is below 1 GB, so four bytes hold any size.
fn header(kind: Kind, size: usize) -> ([u8; 5], usize) {
    let kind = kind as u8;
    let bytes = (size as u32).to_be_bytes();
    match width(size) {
        0 => ([kind | (size as u8) << 4, 0, 0, 0, 0], 1),
        1 => ([kind | 0xc0, bytes[3], 0, 0, 0], 2),
        2 => ([kind | 0xd0, bytes[2], bytes[3], 0, 0], 3),
        _ => ([kind | 0xe0, bytes[0], bytes[1], bytes[2], bytes[3]], 5),
    }
}

pub fn push_header(blob: &mut Vec<u8>, kind: Kind, size: usize) {
    let (bytes, length) = header(kind, size);
    blob.extend_from_slice(&bytes[..length]);
}

pub fn push_node(blob: &mut Vec<u8>, kind: Kind, payload: &[u8]) {
    if payload.len() <= 11 {
        blob.push(kind as u8 | (payload.len() as u8) << 4);
    } else {
        push_header(blob, kind, payload.len());
    }
    blob.extend_from_slice(payload);
}

/// Writes a new size into the header at `start`, whose own length is `length`; answers how much longer that got.
pub fn resize(blob: &mut Vec<u8>, start: usize, length: usize, kind: Kind, size: usize) -> isize {
    let (bytes, needed) = header(kind, size);
    if needed == length {
        blob[start..start + length].copy_from_slice(&bytes[..needed]);
    } else {
        blob.splice(start..start + length, bytes[..needed].iter().copied());
    }
    needed.cast_signed() - length.cast_signed()
}
