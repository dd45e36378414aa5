//! Whether a text is JSON.

mod json5;
mod numeric;
mod plain;
mod scanner;
mod size;

pub use json5::{Wide, WideKind};
pub use scanner::MAX_DEPTH;
use scanner::{Json5, Jsonb, Rfc8259, Scanner};

/// What a scan needs of the place it runs in.
pub trait Host {
    /// The greatest exponent that the server's `numeric` reads, in either direction.
    const MAX_EXPONENT: i64;

    /// How many bytes are scanned between two calls of [`Self::pause`].
    const WINDOW: usize = 1 << 20;

    /// Called after each window, so that a long scan can be cancelled.
    fn pause(&mut self);

    /// Whether the text's encoding has this character, which an escape above ASCII asks for.
    fn has(&mut self, character: char) -> bool;

    /// What the character is that `text` begins with, of 0x80 or above. For JSON5 only.
    fn wide(&mut self, text: &[u8]) -> Wide {
        Wide::in_utf8(text)
    }
}

/// Whether `text` is JSON as RFC 8259 has it, nested at most [`MAX_DEPTH`] deep.
pub fn is_json(text: &[u8], host: &mut impl Host) -> bool {
    Scanner::<_, Rfc8259>::new(text, host).document().is_some()
}

/// Whether `text` is JSON that also fits PostgreSQL's `jsonb`: its escapes are characters, its numbers fit `numeric`,
/// its parts fit their length fields.
pub fn is_jsonb(text: &[u8], host: &mut impl Host) -> bool {
    Scanner::<_, Jsonb>::new(text, host).document().is_some()
}

/// Whether `text` is JSON5 as SQLite reads it, nested at most [`MAX_DEPTH`] deep.
pub fn is_json5(text: &[u8], host: &mut impl Host) -> bool {
    Scanner::<_, Json5>::new(text, host).document().is_some()
}

/// The second argument of SQLite's `json_valid`: a set of forms, of which a document has to have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags(u8);

impl Flags {
    const RFC8259: u8 = 1;
    const JSON5: u8 = 2;
    // 4 and 8 ask for SQLite's binary form, at a glance and in full. A text never has it.

    pub fn new(bits: i32) -> Option<Self> {
        u8::try_from(bits).ok().filter(|bits| matches!(bits, 1..=15)).map(Self)
    }

    /// Whether `text` has one of the forms.
    pub fn accept(self, text: &[u8], host: &mut impl Host) -> bool {
        // What is RFC 8259 is JSON5 as well.
        if self.0 & Self::JSON5 != 0 {
            is_json5(text, host)
        } else {
            self.0 & Self::RFC8259 != 0 && is_json(text, host)
        }
    }
}

#[cfg(test)]
mod unit;
