//! JSON5 as SQLite 3.53 reads it (`jsonTranslateTextToBlob`): what it takes beyond RFC 8259, and what it refuses
//! although json5.org allows it.
//!
//! - White space: that of RFC 8259, VT, FF, the characters of Unicode's category Zs, U+2028, U+2029, U+FEFF, and comments.
//! - Numbers: a leading `+`, a point without digits on one side, `0x`, and `Infinity` in any case and shortened to `inf`.
//!   `NaN`, `QNaN` and `SNaN` in any case.
//! - Strings: single quotes, control characters other than NUL, the escapes `\'`, `\v`, `\0`, `\x41` and an escaped end
//!   of line; no other character may be escaped.
//! - Keys: letters, digits, `_`, `$`, `\u0041` and every character above ASCII that is no white space. But not what would
//!   be a value there: `{true: 1}` is refused, and so is `{NaN_: 1}`, while `{truex: 1}` is a key.

use super::Host;
use super::scanner::{DIGIT, Dialect, HEX, SPACE, Scanner};

/// What a text in UTF-8 or of unknown encoding says at a byte of 0x80 or above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wide {
    /// In bytes.
    pub length: usize,
    pub kind: WideKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WideKind {
    /// U+2028 or U+2029: white space that also ends a comment and a line.
    LineEnd,
    Space,
    Other,
}

impl WideKind {
    pub fn of(character: char) -> Self {
        match character {
            '\u{2028}' | '\u{2029}' => Self::LineEnd,
            '\u{A0}'
            | '\u{1680}'
            | '\u{2000}'..='\u{200A}'
            | '\u{202F}'
            | '\u{205F}'
            | '\u{3000}'
            | '\u{FEFF}' => Self::Space,
            _ => Self::Other,
        }
    }
}

impl Wide {
    /// A byte that is not the beginning of white space counts alone: no byte within a character begins white space, and
    /// so bytes that are not UTF-8 at all are judged as SQLite judges them.
    pub fn in_utf8(text: &[u8]) -> Self {
        let space = |length: usize| {
            let character = str::from_utf8(text.get(..length)?).ok()?.chars().next()?;
            match WideKind::of(character) {
                WideKind::Other => None,
                kind => Some(Self { length, kind }),
            }
        };
        let found = match text.first() {
            Some(0xC2) => space(2),
            Some(0xE1 | 0xE2 | 0xE3 | 0xEF) => space(3),
            _ => None,
        };
        found.unwrap_or(Self { length: 1, kind: WideKind::Other })
    }
}

impl<H: Host, D: Dialect> Scanner<'_, H, D> {
    /// White space and comments. One that is not closed is neither.
    pub(super) fn space5(&mut self) {
        loop {
            self.run(SPACE);
            match self.text.get(self.at) {
                Some(0x0B | 0x0C) => self.at += 1,
                Some(b'/') => match self.text.get(self.at + 1) {
                    Some(b'*') if self.comment() => {}
                    Some(b'/') => self.line_comment(),
                    _ => return,
                },
                Some(0x80..) => match self.wide() {
                    Wide { kind: WideKind::Other, .. } => return,
                    Wide { length, .. } => self.at += length,
                },
                _ => return,
            }
            self.breathe();
        }
    }

    /// Steps over a comment, to which the slash and the star belong, if it has an end.
    fn comment(&mut self) -> bool {
        let start = self.at;
        self.at += 2;
        loop {
            self.skip(|rest| {
                rest.iter().position(|byte| matches!(byte, b'*' | 0)).unwrap_or(rest.len())
            });
            match self.text.get(self.at..) {
                Some([b'*', b'/', ..]) => {
                    self.at += 2;
                    return true;
                }
                Some([b'*', ..]) => self.at += 1,
                _ => {
                    self.at = start;
                    return false;
                }
            }
        }
    }

    /// Steps over a comment up to the end of its line, or of the text.
    fn line_comment(&mut self) {
        self.at += 2;
        loop {
            self.skip(|rest| {
                let end = |byte: &u8| matches!(byte, b'\n' | b'\r' | 0 | 0x80..);
                rest.iter().position(end).unwrap_or(rest.len())
            });
            match self.text.get(self.at) {
                None | Some(0) => return,
                Some(0x80..) => {
                    let Wide { length, kind } = self.wide();
                    self.at += length;
                    if kind == WideKind::LineEnd {
                        return;
                    }
                }
                Some(_) => {
                    self.at += 1;
                    return;
                }
            }
        }
    }

    /// The character of 0x80 or above that comes next.
    fn wide(&mut self) -> Wide {
        self.host.wide(&self.text[self.at..])
    }

    /// The rest of a value that RFC 8259 has as well in neither brackets nor double quotes, after its first byte.
    #[inline]
    pub(super) fn scalar5(&mut self, first: u8) -> Option<()> {
        match first {
            b'\'' => return self.string(b'\''),
            b'+' | b'-' | b'.' | b'0'..=b'9' => return self.number5(first),
            _ => {}
        }
        self.at -= 1;
        self.at += self.word()?;
        Some(())
    }

    /// The length of the word that comes next, if it is a value. What follows may be anything but a letter or a digit.
    #[inline]
    fn word(&self) -> Option<usize> {
        let rest = &self.text[self.at..];
        let exact = |word: &[u8]| rest.starts_with(word).then_some(word.len());
        let any_case = |word: &[u8]| starts_with_ignoring_case(rest, word).then_some(word.len());
        let length = match rest.first()? {
            b't' => exact(b"true"),
            b'f' => exact(b"false"),
            b'n' if rest.starts_with(b"null") => Some(4),
            b'n' | b'N' => any_case(b"nan"),
            b'i' | b'I' => any_case(b"infinity").or_else(|| any_case(b"inf")),
            b'q' | b'Q' => any_case(b"qnan"),
            b's' | b'S' => any_case(b"snan"),
            _ => None,
        }?;
        // A longer word is not one of ours with something behind it.
        (!rest.get(length).is_some_and(u8::is_ascii_alphanumeric)).then_some(length)
    }

    /// The rest of a number, after its first byte.
    #[inline]
    fn number5(&mut self, first: u8) -> Option<()> {
        let mut lead = first;
        if matches!(first, b'+' | b'-') {
            let rest = &self.text[self.at..];
            // No look at what follows is needed: nothing that would make this a longer word may follow a value.
            for word in [&b"infinity"[..], b"inf"] {
                if starts_with_ignoring_case(rest, word) {
                    self.at += word.len();
                    return Some(());
                }
            }
            lead = self.bump()?;
        }
        let mut digits = lead.is_ascii_digit();
        if !digits && lead != b'.' {
            return None;
        }
        if lead == b'0' {
            if let [b'x' | b'X', digit, ..] = &self.text[self.at..]
                && digit.is_ascii_hexdigit()
            {
                self.at += 1;
                self.run(HEX);
                return Some(());
            }
            // A zero may not have another digit behind it: the caller finds that it does.
        } else if digits {
            self.run(DIGIT);
        }
        if lead == b'.' || self.text.get(self.at) == Some(&b'.') {
            self.at += usize::from(lead != b'.');
            digits |= self.digits().is_some();
        }
        if !digits {
            return None;
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.text.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    /// The rest of an escape, after its backslash.
    pub(super) fn escape5(&mut self) -> Option<()> {
        match self.bump()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => self.code_unit().map(drop),
            // Behind a CR, a LF is a plain character.
            b'\'' | b'v' | b'\n' | b'\r' => Some(()),
            b'0' => (!self.text.get(self.at).is_some_and(u8::is_ascii_digit)).then_some(()),
            b'x' => {
                let digits = self.text.get(self.at..self.at + 2)?;
                digits.iter().all(u8::is_ascii_hexdigit).then(|| self.at += 2)
            }
            0x80.. => {
                self.at -= 1;
                let Wide { length, kind } = self.wide();
                self.at += length;
                (kind == WideKind::LineEnd).then_some(())
            }
            _ => None,
        }
    }

    /// The rest of a key that is not in double quotes, after its first byte.
    pub(super) fn key5(&mut self, first: u8) -> Option<()> {
        if first == b'\'' {
            return self.string(b'\'');
        }
        self.at -= 1;
        if first.is_ascii_digit() || self.word().is_some() {
            return None;
        }
        let start = self.at;
        loop {
            self.skip(|rest| {
                let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$');
                rest.iter().position(|byte| !part(byte)).unwrap_or(rest.len())
            });
            match self.text.get(self.at..) {
                Some([b'\\', b'u', ..]) => {
                    let escape = self.at;
                    self.at += 2;
                    if self.code_unit().is_none() {
                        self.at = escape;
                        break;
                    }
                }
                Some([0x80..=0xFF, ..]) => match self.wide() {
                    Wide { kind: WideKind::Other, length } => self.at += length,
                    _ => break,
                },
                _ => break,
            }
        }
        (self.at > start).then_some(())
    }
}

fn starts_with_ignoring_case(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}
