//! A validating JSON scanner, without a server: one pass over the bytes, no recursion, no memory but a bit per open
//! bracket.
//!
//! The grammar is RFC 8259's. Bytes of 0x80 and above may stand in strings only and are not looked into: the caller's
//! text is valid in an encoding whose multibyte characters hold no ASCII bytes, as every server encoding is.

use super::numeric;
use super::size::Size;

/// SQLite's limit (`JSON_MAX_DEPTH`). What PostgreSQL accepts depends on `max_stack_depth`: a function of the text alone
/// cannot follow that.
pub const MAX_DEPTH: usize = 1000;

/// How many bytes are scanned between two calls of [`Host::pause`].
const WINDOW: usize = 1 << 20;

/// What the scanner needs of the place it runs in.
pub trait Host {
    /// The greatest exponent that the server's `numeric` reads, in either direction.
    const MAX_EXPONENT: i64;

    /// Called about once a megabyte, so that a long scan can be cancelled.
    fn pause(&mut self);

    /// Whether the text's encoding has this character, which an escape above ASCII asks for.
    fn has(&mut self, character: char) -> bool;
}

/// Whether `text` is JSON as RFC 8259 has it, nested at most [`MAX_DEPTH`] deep.
pub fn is_json(text: &[u8], host: &mut impl Host) -> bool {
    Scanner::<_, false>::new(text, host).document().is_some()
}

/// Whether `text` is JSON that also fits PostgreSQL's `jsonb`: its escapes are characters, its numbers fit `numeric`,
/// its parts fit their length fields.
pub fn is_jsonb(text: &[u8], host: &mut impl Host) -> bool {
    Scanner::<_, true>::new(text, host).document().is_some()
}

const SPACE: u8 = 1;
const DIGIT: u8 = 2;
/// Stands for itself in a string.
const PLAIN: u8 = 4;
const HEX: u8 = 8;

static CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut byte = 0x20;
    while byte < 256 {
        if byte != b'"' as usize && byte != b'\\' as usize {
            class[byte] |= PLAIN;
        }
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

struct Scanner<'a, H, const JSONB: bool> {
    text: &'a [u8],
    at: usize,
    pause_at: usize,
    nesting: Nesting,
    size: Size,
    host: &'a mut H,
}

impl<'a, H: Host, const JSONB: bool> Scanner<'a, H, JSONB> {
    fn new(text: &'a [u8], host: &'a mut H) -> Self {
        Self {
            text,
            at: 0,
            pause_at: WINDOW,
            nesting: Nesting { bits: [0; _], depth: 0 },
            size: Size::of_document(text.len()),
            host,
        }
    }

    /// `None` as soon as the text cannot be valid any more.
    fn document(mut self) -> Option<()> {
        'value: loop {
            self.run(SPACE);
            let start = self.at;
            match self.bump()? {
                b'"' => {
                    self.string()?;
                    self.count(|size, length| size.string(length), start)?;
                }
                b'{' => {
                    self.open(true)?;
                    self.run(SPACE);
                    if self.text.get(self.at) != Some(&b'}') {
                        self.key()?;
                        continue 'value;
                    }
                    self.at += 1;
                    self.close();
                }
                b'[' => {
                    self.open(false)?;
                    self.run(SPACE);
                    if self.text.get(self.at) != Some(&b']') {
                        self.count(|size, _| size.element(), start)?;
                        continue 'value;
                    }
                    self.at += 1;
                    self.close();
                }
                b't' => self.literal(b"rue")?,
                b'f' => self.literal(b"alse")?,
                b'n' => self.literal(b"ull")?,
                first @ (b'-' | b'0'..=b'9') => self.number(first)?,
                _ => return None,
            }
            // A value has ended; brackets may end with it.
            loop {
                self.run(SPACE);
                if self.nesting.depth == 0 {
                    return (self.at == self.text.len()).then_some(());
                }
                match (self.bump()?, self.nesting.in_object()) {
                    (b',', true) => {
                        self.run(SPACE);
                        self.key()?;
                        continue 'value;
                    }
                    (b',', false) => {
                        self.count(|size, _| size.element(), self.at)?;
                        continue 'value;
                    }
                    (b'}', true) | (b']', false) => self.close(),
                    _ => return None,
                }
            }
        }
    }

    #[inline]
    fn bump(&mut self) -> Option<u8> {
        let byte = *self.text.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    /// Steps over all bytes of a class.
    #[inline]
    fn run(&mut self, class: u8) {
        loop {
            let stop = self.text.len().min(self.pause_at).max(self.at);
            let rest = &self.text[self.at..stop];
            let length = rest.iter().position(|byte| CLASS[usize::from(*byte)] & class == 0);
            self.at += length.unwrap_or(rest.len());
            if self.at < self.pause_at {
                return;
            }
            self.host.pause();
            self.pause_at = self.at + WINDOW;
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
        if self.bump()? != b'"' {
            return None;
        }
        self.string()?;
        self.count(|size, length| size.key(length), start)?;
        self.run(SPACE);
        (self.bump()? == b':').then_some(())
    }

    /// The rest of a string, after its opening quote.
    #[inline]
    fn string(&mut self) -> Option<()> {
        loop {
            self.run(PLAIN);
            match self.bump()? {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        match self.bump()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' if JSONB => self.character(),
            b'u' => self.code_unit().map(drop),
            _ => None,
        }
    }

    /// Four hexadecimal digits.
    fn code_unit(&mut self) -> Option<u16> {
        let digits = self.text.get(self.at..self.at + 4)?;
        if digits.iter().any(|byte| CLASS[usize::from(*byte)] & HEX == 0) {
            return None;
        }
        self.at += 4;
        u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
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
        if JSONB {
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
    fn digits(&mut self) -> Option<std::ops::Range<usize>> {
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
        if JSONB {
            self.size.close();
        }
    }

    /// Adds a part of the document, which began at `start`, to its size as `jsonb`.
    #[inline]
    fn count(&mut self, add: impl FnOnce(&mut Size, usize) -> bool, start: usize) -> Option<()> {
        (!JSONB || !self.size.matters() || add(&mut self.size, self.at - start)).then_some(())
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[derive(Default)]
    struct Ascii {
        pauses: usize,
    }

    impl Host for Ascii {
        const MAX_EXPONENT: i64 = i32::MAX as i64 / 2;

        fn pause(&mut self) {
            self.pauses += 1;
        }

        fn has(&mut self, character: char) -> bool {
            character == 'é'
        }
    }

    fn json(text: &str) -> bool {
        is_json(text.as_bytes(), &mut Ascii::default())
    }

    fn jsonb(text: &str) -> bool {
        is_jsonb(text.as_bytes(), &mut Ascii::default())
    }

    #[test]
    fn every_prefix_of_a_document_is_invalid() {
        let document = r#" {"a":[1.5e-7,true,false,null,{"\u00e9\"":""}],"b":[[],{}]}"#;
        assert!(json(document) && jsonb(document));
        for end in 0..document.len() {
            assert!(!json(&document[..end]) && !jsonb(&document[..end]), "{}", &document[..end]);
        }
    }

    #[test]
    fn any_byte_may_follow_any_other_without_a_panic() {
        for first in 0..=255 {
            for second in 0..=255 {
                for context in [&b""[..], b"[", b"\"", b"\"\\u00", b"{\"a\":", b"-1e"] {
                    let text = [context, &[first, second]].concat();
                    let (a, b) = (&mut Ascii::default(), &mut Ascii::default());
                    assert!(is_json(&text, a) || !is_jsonb(&text, b), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn characters_above_ascii_are_the_hosts_to_judge() {
        assert!(jsonb(r#""\u00e9""#));
        assert!(!jsonb(r#""\u20ac""#) && json(r#""\u20ac""#));
        assert!(!jsonb(r#""\ud83d\ude00""#) && json(r#""\ud83d\ude00""#));
    }

    #[test]
    fn every_kind_of_long_text_can_be_cancelled() {
        const MEGABYTES: usize = 8;
        let fill = |before: &str, unit: &str, after: &str| {
            [before, &unit.repeat((MEGABYTES << 20) / unit.len()), after].concat()
        };
        for text in [
            fill("", " ", "1"),
            fill("\"", "a", "\""),
            fill("\"", "\\n", "\""),
            fill("\"", "\\u0041", "\""),
            fill("", "1", ""),
            fill("1.", "0", ""),
            fill("1e", "1", ""),
            fill("[", "1,", "1]"),
            fill("[", "[],", "1]"),
            fill("{", "\"a\":{},", "\"b\":0}"),
        ] {
            let host = &mut Ascii::default();
            assert!(is_json(text.as_bytes(), host), "{}", &text[..20]);
            let expected = MEGABYTES - 1..=MEGABYTES;
            assert!(expected.contains(&host.pauses), "{} pauses in {}", host.pauses, &text[..20]);
        }
    }

    #[test]
    fn an_array_holds_as_many_elements_as_jsonb_can() {
        let array = |elements: usize| ["[", &"0,".repeat(elements - 1), "0]"].concat();
        assert!(jsonb(&array(1 << 24)));
        assert!(!jsonb(&array((1 << 24) + 1)));
        // Small ones within a large document do not add up.
        assert!(jsonb(&["[", &"[0],".repeat(7_000_000), "0]"].concat()));
    }
}
