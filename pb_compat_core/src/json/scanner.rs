//! A validating JSON scanner, without a server: one pass over the bytes, no recursion, no memory but a bit per open
//! bracket.
//!
//! What is common to RFC 8259 and JSON5, and the tokens of RFC 8259, stand here; JSON5's tokens in [`super::json5`].
//! Which of them a scan takes is a type parameter, so that none pays for what another allows.
//!
//! Bytes of 0x80 and above may stand in strings only and are not looked into (JSON5 has more to say of them): the
//! caller's text is valid in an encoding whose multibyte characters hold no ASCII bytes, as every server encoding is.
//!
//! Why no library does this: `cargo bench -p pb_compat_core` compares. serde_json's `IgnoredAny` and sonic-rs take
//! nesting as deep as their stack or without limit, and both want `str`, that is, UTF-8, checked anew or trusted with
//! `unsafe`; simd-json writes into its input and builds a tape several times the size of the text. None stops half
//! way for a cancelled query, and none knows what `jsonb` or `numeric` can hold.

use super::Host;
use super::numeric;
use super::plain;
use super::size::Size;
use std::marker::PhantomData;

/// SQLite's limit (`JSON_MAX_DEPTH`). What PostgreSQL accepts depends on `max_stack_depth`: a function of the text alone
/// cannot follow that.
pub const MAX_DEPTH: usize = 1000;

/// What a document may consist of.
pub trait Dialect {
    /// Its parts also have to fit PostgreSQL's `jsonb`.
    const JSONB: bool = false;
    /// SQLite's reading of JSON5.
    const JSON5: bool = false;
}

pub struct Rfc8259;
impl Dialect for Rfc8259 {}

pub struct Jsonb;
impl Dialect for Jsonb {
    const JSONB: bool = true;
}

pub struct Json5;
impl Dialect for Json5 {
    const JSON5: bool = true;
}

pub(super) const SPACE: u8 = 1;
pub(super) const DIGIT: u8 = 2;
pub(super) const HEX: u8 = 4;

pub(super) static CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        if (byte as u8).is_ascii_digit() {
            class[byte] |= DIGIT;
        }
        if (byte as u8).is_ascii_hexdigit() {
            class[byte] |= HEX;
        }
        byte += 1;
    }
    class[b' ' as usize] |= SPACE;
    class[b'\t' as usize] |= SPACE;
    class[b'\n' as usize] |= SPACE;
    class[b'\r' as usize] |= SPACE;
    class
};

/// What a hexadecimal digit stands for; 0xFF for every other byte.
static NIBBLE: [u8; 256] = {
    let mut nibble = [0xFF; 256];
    let mut value = 0;
    while value < 16 {
        let digit = b"0123456789abcdef"[value as usize];
        nibble[digit as usize] = value;
        nibble[digit.to_ascii_uppercase() as usize] = value;
        value += 1;
    }
    nibble
};

/// The open brackets, a bit each: set for an object.
struct Nesting {
    bits: [u64; MAX_DEPTH.div_ceil(64)],
    depth: usize,
}

impl Nesting {
    fn push(&mut self, object: bool) -> Option<()> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        let mask = 1 << (self.depth % 64);
        let word = &mut self.bits[self.depth / 64];
        *word = if object { *word | mask } else { *word & !mask };
        self.depth += 1;
        Some(())
    }

    /// Whether the innermost open bracket is an object's. Nothing open: `false`, but nobody asks then.
    fn in_object(&self) -> bool {
        let top = self.depth.wrapping_sub(1);
        self.bits.get(top / 64).is_some_and(|word| word >> (top % 64) & 1 == 1)
    }
}

pub(super) struct Scanner<'a, H, D> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
    pause_at: usize,
    nesting: Nesting,
    size: Size,
    pub(super) host: &'a mut H,
    dialect: PhantomData<D>,
}

impl<'a, H: Host, D: Dialect> Scanner<'a, H, D> {
    pub(super) fn new(text: &'a [u8], host: &'a mut H) -> Self {
        Self {
            text,
            at: 0,
            pause_at: H::WINDOW,
            nesting: Nesting { bits: [0; _], depth: 0 },
            size: Size::of_document(text.len()),
            host,
            dialect: PhantomData,
        }
    }

    /// `None` as soon as the text cannot be valid any more.
    pub(super) fn document(mut self) -> Option<()> {
        'value: loop {
            self.breathe();
            self.space();
            let start = self.at;
            match self.bump()? {
                b'"' => {
                    self.string(b'"')?;
                    self.count(|size, length| size.string(length), start)?;
                }
                b'{' => {
                    self.open(true)?;
                    self.space();
                    if self.text.get(self.at) != Some(&b'}') {
                        self.key()?;
                        continue 'value;
                    }
                    self.at += 1;
                    self.close();
                }
                b'[' => {
                    self.open(false)?;
                    self.space();
                    if self.text.get(self.at) != Some(&b']') {
                        self.count(|size, _| size.element(), start)?;
                        continue 'value;
                    }
                    self.at += 1;
                    self.close();
                }
                first if D::JSON5 => self.scalar5(first)?,
                b't' => self.literal(b"rue")?,
                b'f' => self.literal(b"alse")?,
                b'n' => self.literal(b"ull")?,
                first @ (b'-' | b'0'..=b'9') => self.number(first)?,
                _ => return None,
            }
            // A value has ended; brackets may end with it.
            loop {
                self.space();
                if self.nesting.depth == 0 {
                    return (self.at == self.text.len()).then_some(());
                }
                match (self.bump()?, self.nesting.in_object()) {
                    (b',', true) => {
                        self.space();
                        if !self.trailing_comma(b'}') {
                            self.key()?;
                            continue 'value;
                        }
                    }
                    (b',', false) => {
                        if D::JSON5 {
                            self.space();
                        }
                        if !self.trailing_comma(b']') {
                            self.count(|size, _| size.element(), self.at)?;
                            continue 'value;
                        }
                    }
                    (b'}', true) | (b']', false) => {}
                    _ => return None,
                }
                self.close();
            }
        }
    }

    /// Whether the comma just read ends its list: steps over the bracket then.
    #[inline]
    fn trailing_comma(&mut self, bracket: u8) -> bool {
        let ends = D::JSON5 && self.text.get(self.at) == Some(&bracket);
        self.at += usize::from(ends);
        ends
    }

    /// White space, of which there is none in most places.
    #[inline]
    fn space(&mut self) {
        match self.text.get(self.at) {
            Some(b' ' | b'\t' | b'\n' | b'\r') => {}
            Some(0x0B | 0x0C | b'/' | 0x80..) if D::JSON5 => {}
            _ => return,
        }
        if D::JSON5 { self.space5() } else { self.run(SPACE) }
    }

    #[inline]
    pub(super) fn bump(&mut self) -> Option<u8> {
        let byte = *self.text.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    /// Steps over all bytes of a class.
    #[inline]
    pub(super) fn run(&mut self, class: u8) {
        self.skip(|rest| {
            let length = rest.iter().position(|byte| CLASS[usize::from(*byte)] & class == 0);
            length.unwrap_or(rest.len())
        });
    }

    /// Steps over as many bytes as `measure` counts at the beginning of what it is given, a window at a time.
    #[inline]
    pub(super) fn skip(&mut self, measure: impl Fn(&[u8]) -> usize) {
        loop {
            let stop = self.text.len().min(self.pause_at).max(self.at);
            self.at += measure(&self.text[self.at..stop]);
            if self.at < self.pause_at {
                return;
            }
            self.pause();
        }
    }

    #[cold]
    fn pause(&mut self) {
        self.host.pause();
        self.pause_at = self.at + H::WINDOW;
    }

    /// The same for what is not stepped over by [`Self::skip`].
    #[inline]
    pub(super) fn breathe(&mut self) {
        if self.at >= self.pause_at {
            self.pause();
        }
    }

    #[inline]
    fn literal(&mut self, rest: &[u8]) -> Option<()> {
        self.text[self.at..].starts_with(rest).then(|| self.at += rest.len())?;
        self.count(|size, _| size.literal(), self.at)
    }

    /// An object's key and its colon; the quote is still to come.
    #[inline]
    fn key(&mut self) -> Option<()> {
        let start = self.at;
        match self.bump()? {
            b'"' => self.string(b'"')?,
            first if D::JSON5 => self.key5(first)?,
            _ => return None,
        }
        self.count(|size, length| size.key(length), start)?;
        self.space();
        (self.bump()? == b':').then_some(())
    }

    /// The rest of a string, after its opening quote; only JSON5 has another one than `"`.
    #[inline]
    pub(super) fn string(&mut self, quote: u8) -> Option<()> {
        loop {
            if D::JSON5 {
                self.skip(plain::json5);
            } else {
                self.skip(plain::rfc8259);
            }
            match self.bump()? {
                b'\\' => loop {
                    if D::JSON5 {
                        self.escape5()?;
                    } else {
                        self.escape()?;
                    }
                    // Escapes come in rows; only what is between them is worth a search.
                    if self.text.get(self.at) != Some(&b'\\') {
                        break;
                    }
                    self.at += 1;
                    self.breathe();
                },
                byte if byte == quote => return Some(()),
                b'"' | b'\'' if D::JSON5 => {}
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        match self.bump()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' if D::JSONB => self.character(),
            b'u' => self.code_unit().map(drop),
            _ => None,
        }
    }

    /// Four hexadecimal digits.
    #[inline]
    pub(super) fn code_unit(&mut self) -> Option<u16> {
        let digits = self.text.get(self.at..)?.first_chunk::<4>()?;
        let [a, b, c, d] = digits.map(|digit| u16::from(NIBBLE[usize::from(digit)]));
        if (a | b | c | d) > 0xF {
            return None;
        }
        self.at += 4;
        Some(a << 12 | b << 8 | c << 4 | d)
    }

    /// A code unit, or two that make a surrogate pair, that name a character `jsonb` can store.
    fn character(&mut self) -> Option<()> {
        let unit = self.code_unit()?;
        let second = if (0xD800..0xDC00).contains(&unit) {
            if !self.text[self.at..].starts_with(b"\\u") {
                return None;
            }
            self.at += 2;
            Some(self.code_unit()?)
        } else {
            None
        };
        let mut decoded = char::decode_utf16([unit].into_iter().chain(second));
        let character = decoded.next()?.ok()?;
        // A high surrogate with something else behind it was refused above, so nothing is left over.
        match character {
            '\0' => None,
            '\x01'..='\x7F' => Some(()),
            _ => self.host.has(character).then_some(()),
        }
    }

    /// The rest of a number, after its first byte.
    #[inline]
    fn number(&mut self, first: u8) -> Option<()> {
        let mut integer = self.at - 1;
        let mut lead = first;
        if first == b'-' {
            integer = self.at;
            lead = self.bump()?;
        }
        match lead {
            b'0' => {}
            b'1'..=b'9' => self.run(DIGIT),
            _ => return None,
        }
        let integer = integer..self.at;
        let mut fraction = self.at..self.at;
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            fraction = self.digits()?;
        }
        let mut exponent = None;
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
            let sign = self.text.get(self.at).copied();
            if let Some(b'+' | b'-') = sign {
                self.at += 1;
            }
            exponent = Some((sign == Some(b'-'), self.digits()?));
        }
        if D::JSONB {
            let (before, after) = (integer.len(), fraction.len());
            let shifted = exponent.is_some();
            self.count(|size, _| size.number(before, after, shifted), self.at)?;
            let exponent = exponent.map(|(negative, digits)| (negative, &self.text[digits]));
            return numeric::fits(
                &self.text[integer],
                &self.text[fraction],
                exponent,
                H::MAX_EXPONENT,
            )
            .then_some(());
        }
        Some(())
    }

    /// At least one digit.
    #[inline]
    pub(super) fn digits(&mut self) -> Option<std::ops::Range<usize>> {
        let start = self.at;
        self.run(DIGIT);
        (self.at > start).then_some(start..self.at)
    }

    #[inline]
    fn open(&mut self, object: bool) -> Option<()> {
        self.nesting.push(object)?;
        self.count(|size, _| size.open(), self.at)
    }

    #[inline]
    fn close(&mut self) {
        self.nesting.depth -= 1;
        if D::JSONB {
            self.size.close();
        }
    }

    /// Adds a part of the document, which began at `start`, to its size as `jsonb`.
    #[inline]
    fn count(&mut self, add: impl FnOnce(&mut Size, usize) -> bool, start: usize) -> Option<()> {
        (!D::JSONB || !self.size.matters() || add(&mut self.size, self.at - start)).then_some(())
    }
}
