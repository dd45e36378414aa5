//! JSON text, as RFC 8259 or JSON5 has it, into JSONB.

use super::node::{Kind, push_header, push_node, resize};
use super::space::{PLAIN, at, begins_label, continues_label, is_separator, is_space, json5_space};

/// Deeper nesting is malformed.
pub const MAX_DEPTH: usize = 1000;

/// After so many elements the host may interrupt.
const PAUSE: u32 = 1 << 12;

/// What came of a text.
pub struct Parsed {
    pub blob: Vec<u8>,
    /// Whether it is JSON5 only.
    pub is_json5: bool,
}

/// Where a text stopped to be JSON: an offset, as SQLite remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    pub offset: usize,
}

/// What stands at an offset: an element (the offset behind it), or what ends or separates elements.
enum Step {
    Element(usize),
    End,
    Mark(u8),
}

struct Parser<'a, P: FnMut()> {
    text: &'a [u8],
    blob: Vec<u8>,
    depth: usize,
    is_json5: bool,
    /// SQLite keeps the last offset that mattered, and reports it even where a later error does not set it.
    error: usize,
    elements: u32,
    pause: P,
}

pub fn parse(text: &[u8], pause: impl FnMut()) -> Result<Parsed, Malformed> {
    let mut parser = Parser {
        text,
        blob: Vec::with_capacity(text.len() + text.len() / 8 + 16),
        depth: 0,
        is_json5: false,
        error: 0,
        elements: 0,
        pause,
    };
    match parser.document() {
        Ok(()) => Ok(Parsed { blob: parser.blob, is_json5: parser.is_json5 }),
        Err(()) => Err(Malformed { offset: parser.error }),
    }
}

impl<P: FnMut()> Parser<'_, P> {
    #[inline]
    fn at(&self, index: usize) -> u8 {
        at(self.text, index)
    }

    fn fail<T>(&mut self, offset: usize) -> Result<T, ()> {
        self.error = offset;
        Err(())
    }

    fn document(&mut self) -> Result<(), ()> {
        let Step::Element(mut index) = self.step(0)? else { return Err(()) };
        while is_space(self.at(index)) {
            index += 1;
        }
        if self.at(index) != 0 {
            index += json5_space(self.text, index);
            if self.at(index) != 0 {
                return Err(());
            }
            self.is_json5 = true;
        }
        Ok(())
    }

    fn step(&mut self, mut index: usize) -> Result<Step, ()> {
        self.elements = self.elements.wrapping_add(1);
        if self.elements.is_multiple_of(PAUSE) {
            (self.pause)();
        }
        loop {
            let byte = self.at(index);
            return match byte {
                b'"' => self.text(index, b'"'),
                b'{' => self.container(index, Kind::Object),
                b'[' => self.container(index, Kind::Array),
                b'-' | b'0'..=b'9' => self.number(index),
                b'}' | b']' | b',' | b':' => {
                    self.error = index;
                    Ok(Step::Mark(byte))
                }
                0 => Ok(Step::End),
                b'\t' | b'\n' | b'\r' | b' ' => {
                    index += 1;
                    while is_space(self.at(index)) {
                        index += 1;
                    }
                    continue;
                }
                b't' => self.word(index, b"true", Kind::True),
                b'f' => self.word(index, b"false", Kind::False),
                b'n' if self.is_word(index, b"null") => self.word(index, b"null", Kind::Null),
                b'\'' => {
                    self.is_json5 = true;
                    self.text(index, b'\'')
                }
                b'+' => {
                    self.is_json5 = true;
                    self.number(index)
                }
                b'.' => {
                    if !self.at(index + 1).is_ascii_digit() {
                        return self.fail(index);
                    }
                    self.is_json5 = true;
                    self.digits(index, true, true)
                }
                0x0b | 0x0c | b'/' | 0xc2 | 0xe1 | 0xe2 | 0xe3 | 0xef => {
                    let length = json5_space(self.text, index);
                    if length == 0 {
                        return self.fail(index);
                    }
                    index += length;
                    self.is_json5 = true;
                    continue;
                }
                _ => self.no_number(index),
            };
        }
    }

    fn is_word(&self, index: usize, word: &[u8]) -> bool {
        self.text.get(index..index + word.len()) == Some(word)
            && !self.at(index + word.len()).is_ascii_alphanumeric()
    }

    fn word(&mut self, index: usize, word: &[u8], kind: Kind) -> Result<Step, ()> {
        if !self.is_word(index, word) {
            return self.fail(index);
        }
        self.blob.push(kind as u8);
        Ok(Step::Element(index + word.len()))
    }

    /// The names of infinity and of what is no number, in any case.
    fn no_number(&mut self, index: usize) -> Result<Step, ()> {
        const NAMES: [(&[u8], Kind); 5] = [
            (b"inf", Kind::Float),
            (b"infinity", Kind::Float),
            (b"NaN", Kind::Null),
            (b"QNaN", Kind::Null),
            (b"SNaN", Kind::Null),
        ];
        for (name, kind) in NAMES {
            if self.has_name(index, name) && !self.at(index + name.len()).is_ascii_alphanumeric() {
                push_node(&mut self.blob, kind, if kind == Kind::Float { b"9e999" } else { b"" });
                self.is_json5 = true;
                return Ok(Step::Element(index + name.len()));
            }
        }
        self.fail(index)
    }

    fn has_name(&self, index: usize, name: &[u8]) -> bool {
        self.text.get(index..index + name.len()).is_some_and(|text| text.eq_ignore_ascii_case(name))
    }

    fn container(&mut self, index: usize, kind: Kind) -> Result<Step, ()> {
        let start = self.blob.len();
        // A guess that is seldom wrong by much: the header is moved only where the size needs another width.
        push_header(&mut self.blob, kind, self.text.len() - index);
        let inside = self.blob.len();
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.fail(index);
        }
        let end = if kind == Kind::Object {
            self.members(index + 1, inside)?
        } else {
            self.items(index + 1, inside)?
        };
        let size = self.blob.len() - inside;
        resize(&mut self.blob, start, inside - start, kind, size);
        self.depth -= 1;
        Ok(Step::Element(end + 1))
    }

    /// The elements of an array; answers where its bracket is.
    fn items(&mut self, mut index: usize, inside: usize) -> Result<usize, ()> {
        loop {
            match self.step(index)? {
                Step::Element(end) => index = end,
                Step::Mark(b']') => {
                    if self.blob.len() != inside {
                        self.is_json5 = true;
                    }
                    return Ok(self.error);
                }
                _ => return self.fail(index),
            }
            match self.separator(index, b']')? {
                (b',', at) => index = at + 1,
                (_, at) => return Ok(at),
            }
        }
    }

    /// The members of an object; answers where its brace is.
    fn members(&mut self, mut index: usize, inside: usize) -> Result<usize, ()> {
        loop {
            let label = self.blob.len();
            let end = match self.step(index) {
                Ok(Step::Element(end)) => end,
                Ok(Step::Mark(b'}')) => {
                    if self.blob.len() != inside {
                        self.is_json5 = true;
                    }
                    return Ok(self.error);
                }
                other => {
                    index += json5_space(self.text, index);
                    match self.unquoted(index) {
                        Some(end) => end,
                        None if other.is_err() => return Err(()),
                        None => return self.fail(index),
                    }
                }
            };
            if !Kind::of(self.blob[label]).is_some_and(Kind::is_text) {
                return self.fail(index);
            }
            index = self.colon(end)?;
            index = match self.step(index)? {
                Step::Element(end) => end,
                _ => return self.fail(index),
            };
            match self.separator(index, b'}')? {
                (b',', at) => index = at + 1,
                (_, at) => return Ok(at),
            }
        }
    }

    /// A label without quotes.
    fn unquoted(&mut self, start: usize) -> Option<usize> {
        let mut kind = Kind::Text;
        let first = self.at(start);
        if !begins_label(first) {
            if !self.is_unicode_escape(start) {
                return None;
            }
            kind = Kind::TextJ;
        }
        let mut index = start + 1;
        loop {
            if continues_label(self.at(index)) && json5_space(self.text, index) == 0 {
                index += 1;
            } else if self.is_unicode_escape(index) {
                kind = Kind::TextJ;
                index += 1;
            } else {
                break;
            }
        }
        push_node(&mut self.blob, kind, &self.text[start..index]);
        self.is_json5 = true;
        Some(index)
    }

    fn is_unicode_escape(&self, index: usize) -> bool {
        self.at(index) == b'\\' && self.at(index + 1) == b'u' && self.are_hex(index + 2, 4)
    }

    fn are_hex(&self, index: usize, count: usize) -> bool {
        (index..index + count).all(|index| self.at(index).is_ascii_hexdigit())
    }

    /// Answers where the value behind the colon may begin.
    #[inline]
    fn colon(&mut self, mut index: usize) -> Result<usize, ()> {
        while is_space(self.at(index)) {
            index += 1;
        }
        if self.at(index) == b':' {
            return Ok(index + 1);
        }
        match self.step(index)? {
            Step::Mark(b':') => Ok(self.error + 1),
            _ => self.fail(index),
        }
    }

    /// The comma or the closing bracket behind an element, and where it is.
    #[inline]
    fn separator(&mut self, mut index: usize, close: u8) -> Result<(u8, usize), ()> {
        while is_space(self.at(index)) {
            index += 1;
        }
        let byte = self.at(index);
        if byte == b',' || byte == close {
            return Ok((byte, index));
        }
        // Whatever else is there, an error in it is reported here.
        match self.step(index) {
            Ok(Step::Mark(mark)) if mark == b',' || mark == close => Ok((mark, self.error)),
            _ => self.fail(index),
        }
    }

    #[inline]
    fn text(&mut self, start: usize, quote: u8) -> Result<Step, ()> {
        let mut kind = Kind::Text;
        let mut index = start + 1;
        loop {
            let Some(length) = self.text[index.min(self.text.len())..]
                .iter()
                .position(|b| !PLAIN[usize::from(*b)])
            else {
                return self.fail(self.text.len());
            };
            index += length;
            let byte = self.at(index);
            if byte == quote {
                break;
            }
            match byte {
                b'\\' => {
                    index += 1;
                    match self.escape(index) {
                        Some(Kind::TextJ) => kind = kind.max(Kind::TextJ),
                        Some(_) => {
                            kind = Kind::Text5;
                            self.is_json5 = true;
                            if self.at(index) == b'\r' && self.at(index + 1) == b'\n' {
                                index += 1;
                            }
                        }
                        None => return self.fail(index),
                    }
                }
                0 => return self.fail(index),
                // JSON5 lets them stand as they are.
                1..=0x1f => {
                    kind = Kind::Text5;
                    self.is_json5 = true;
                }
                b'"' => kind = Kind::Text5,
                _ => {}
            }
            index += 1;
        }
        push_node(&mut self.blob, kind, &self.text[start + 1..index]);
        Ok(Step::Element(index + 1))
    }

    /// Which text an escape belongs in; `index` is behind the backslash.
    fn escape(&self, index: usize) -> Option<Kind> {
        Some(match self.at(index) {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Kind::TextJ,
            b'u' if self.are_hex(index + 1, 4) => Kind::TextJ,
            b'\'' | b'v' | b'\n' | b'\r' => Kind::Text5,
            b'0' if !self.at(index + 1).is_ascii_digit() => Kind::Text5,
            b'x' if self.are_hex(index + 1, 2) => Kind::Text5,
            0xe2 if is_separator(self.text, index) => Kind::Text5,
            _ => return None,
        })
    }

    fn is_hex_number(&self, index: usize) -> bool {
        self.at(index) == b'0'
            && matches!(self.at(index + 1), b'x' | b'X')
            && self.at(index + 2).is_ascii_hexdigit()
    }

    fn number(&mut self, index: usize) -> Result<Step, ()> {
        let first = self.at(index);
        let is_signed = matches!(first, b'-' | b'+');
        let digits = index + usize::from(is_signed);
        if self.is_hex_number(digits) {
            self.is_json5 = true;
            let mut end = digits + 3;
            while self.at(end).is_ascii_hexdigit() {
                end += 1;
            }
            return Ok(self.finish(index, end, Kind::Int5));
        }
        if self.at(digits) == b'0' && self.at(digits + 1).is_ascii_digit() {
            return self.fail(index + 1);
        }
        if is_signed && !self.at(digits).is_ascii_digit() {
            if self.has_name(digits, b"inf") {
                self.is_json5 = true;
                let text: &[u8] = if first == b'-' { b"-9e999" } else { b"9e999" };
                push_node(&mut self.blob, Kind::Float, text);
                let is_long = self.has_name(digits + 3, b"inity");
                return Ok(Step::Element(index + if is_long { 9 } else { 4 }));
            }
            if self.at(digits) == b'.' {
                self.is_json5 = true;
                return self.digits(index, true, false);
            }
            return self.fail(index);
        }
        self.digits(index, false, false)
    }

    /// The rest of a decimal number whose first byte is at `start`.
    fn digits(&mut self, start: usize, mut is_json5: bool, mut is_real: bool) -> Result<Step, ()> {
        let mut has_exponent = false;
        let mut index = start + 1;
        loop {
            match self.at(index) {
                b'0'..=b'9' => {}
                b'.' => {
                    if is_real {
                        return self.fail(index);
                    }
                    is_real = true;
                }
                b'e' | b'E' => {
                    if self.at(index - 1) < b'0' {
                        self.lone_point(start, index)?;
                        is_json5 = true;
                    }
                    if has_exponent {
                        return self.fail(index);
                    }
                    is_real = true;
                    has_exponent = true;
                    if matches!(self.at(index + 1), b'+' | b'-') {
                        index += 1;
                    }
                    if !self.at(index + 1).is_ascii_digit() {
                        return self.fail(index);
                    }
                }
                _ => break,
            }
            index += 1;
        }
        if self.at(index - 1) < b'0' {
            self.lone_point(start, index)?;
            is_json5 = true;
        }
        let kind = match (is_real, is_json5) {
            (false, false) => Kind::Int,
            (false, true) => Kind::Int5,
            (true, false) => Kind::Float,
            (true, true) => Kind::Float5,
        };
        Ok(self.finish(start, index, kind))
    }

    /// JSON5 allows a point with digits before it alone; `index` is behind the point.
    fn lone_point(&mut self, start: usize, index: usize) -> Result<(), ()> {
        let is_point = self.at(index - 1) == b'.';
        if is_point && index >= start + 2 && self.at(index - 2).is_ascii_digit() {
            self.is_json5 = true;
            return Ok(());
        }
        self.fail(index)
    }

    fn finish(&mut self, start: usize, end: usize, kind: Kind) -> Step {
        let start = start + usize::from(self.at(start) == b'+');
        push_node(&mut self.blob, kind, &self.text[start..end]);
        Step::Element(end)
    }
}
