//! LIKE and GLOB.

use super::Error;

/// The longest pattern, in bytes.
const MAX_PATTERN: usize = 50_000;
/// How many bytes are compared between two pauses.
const STEPS: u32 = 1 << 16;

/// `text LIKE pattern`: A to Z match their lower case, `%` any characters, `_` one. A character after the escape
/// character stands for itself. `pause` is called now and then.
pub fn like(
    pattern: &str,
    text: &str,
    escape: Option<char>,
    pause: &mut impl FnMut(),
) -> Result<bool, Error> {
    let mut encoded = [0; 4];
    let escape = escape.map(|escape| escape.encode_utf8(&mut encoded).as_bytes());
    let is = |byte: u8| (escape != Some(&[byte])).then_some(byte);
    let rules = Rules { any: is(b'%'), one: is(b'_'), set: None, escape, fold: true };
    rules.matches(pattern, text, pause)
}

/// `text GLOB pattern`: `*` matches any characters, `?` one, `[a-z]` one of a set, `[^a-z]` one that is not in it.
pub fn glob(pattern: &str, text: &str, pause: &mut impl FnMut()) -> Result<bool, Error> {
    let rules =
        Rules { any: Some(b'*'), one: Some(b'?'), set: Some(b'['), escape: None, fold: false };
    rules.matches(pattern, text, pause)
}

/// The escape character that a text names, which has to be one character.
pub fn escape_character(text: &str) -> Result<char, Error> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) => Ok(character),
        _ => Err(Error::EscapeNotOneCharacter),
    }
}

struct Rules<'a> {
    any: Option<u8>,
    one: Option<u8>,
    set: Option<u8>,
    escape: Option<&'a [u8]>,
    fold: bool,
}

/// What a pattern says at one place, and where it goes on.
enum Token {
    Any(usize),
    One(usize),
    Byte(u8, usize),
    /// A set starts behind this place.
    Set(usize),
    /// The pattern ends with the escape character: nothing matches it.
    Nothing,
}

impl Rules<'_> {
    /// Goes back no further than to the last `%`: what matched before it can stay as it is, since whatever follows
    /// only needs more of the text. So the time is bounded by the product of both lengths.
    fn matches(&self, pattern: &str, text: &str, pause: &mut impl FnMut()) -> Result<bool, Error> {
        if pattern.len() > MAX_PATTERN {
            return Err(Error::PatternTooComplex);
        }
        let (mut at, mut from) = (0, 0);
        // Where the pattern goes on after the last `%`, and where the text that this stands for ends.
        let mut retry: Option<(usize, usize)> = None;
        let mut steps = 0_u32;
        let subject = text.as_bytes();
        loop {
            steps += 1;
            if steps >= STEPS {
                steps = 0;
                pause();
            }
            let advanced = match self.token(pattern.as_bytes(), at) {
                None if from == subject.len() => return Ok(true),
                None => None,
                Some(Token::Nothing) => return Ok(false),
                Some(Token::Any(next)) => {
                    if next == pattern.len() {
                        return Ok(true);
                    }
                    let Some(from) = self.seek(pattern.as_bytes(), next, subject, from) else {
                        return Ok(false);
                    };
                    retry = Some((next, from));
                    Some((next, from))
                }
                Some(Token::One(next)) => {
                    subject.get(from).map(|first| (next, from + character_length(*first)))
                }
                Some(Token::Byte(byte, next)) => {
                    let same = subject.get(from).is_some_and(|found| {
                        *found == byte || self.fold && found.eq_ignore_ascii_case(&byte)
                    });
                    same.then_some((next, from + 1))
                }
                Some(Token::Set(next)) => {
                    match text.get(from..).and_then(|rest| rest.chars().next()) {
                        None => None,
                        Some(character) => match in_set(&pattern[next..], character) {
                            // Without its closing bracket a set matches nothing.
                            None => return Ok(false),
                            Some((found, length)) => {
                                steps += length as u32;
                                found.then_some((next + length, from + character.len_utf8()))
                            }
                        },
                    }
                }
            };
            (at, from) = match (advanced, retry) {
                (Some(advanced), _) => advanced,
                (None, Some((next, end))) if end < subject.len() => {
                    let end = end + character_length(subject[end]);
                    let Some(end) = self.seek(pattern.as_bytes(), next, subject, end) else {
                        return Ok(false);
                    };
                    retry = Some((next, end));
                    (next, end)
                }
                (None, _) => return Ok(false),
            };
        }
    }

    /// Where the pattern behind a `%` can go on: at its first byte, if it is one. `None` where that does not occur any more.
    fn seek(&self, pattern: &[u8], at: usize, subject: &[u8], from: usize) -> Option<usize> {
        let Some(Token::Byte(byte, _)) = self.token(pattern, at) else { return Some(from) };
        let rest = &subject[from..];
        let found = if self.fold && byte.is_ascii_alphabetic() {
            memchr::memchr2(byte.to_ascii_lowercase(), byte.to_ascii_uppercase(), rest)
        } else {
            memchr::memchr(byte, rest)
        };
        found.map(|offset| from + offset)
    }

    /// A character of several bytes is as many tokens: only its first byte can be anything but a byte.
    #[inline]
    fn token(&self, pattern: &[u8], at: usize) -> Option<Token> {
        let byte = *pattern.get(at)?;
        if let Some(escape) = self.escape
            && escape[0] == byte
            && pattern[at..].starts_with(escape)
        {
            let at = at + escape.len();
            return Some(pattern.get(at).map_or(Token::Nothing, |byte| Token::Byte(*byte, at + 1)));
        }
        let next = at + 1;
        let token = Some(byte);
        Some(if token == self.any {
            Token::Any(next)
        } else if token == self.one {
            Token::One(next)
        } else if token == self.set {
            Token::Set(next)
        } else {
            Token::Byte(byte, next)
        })
    }
}

/// Whether a character is in the set that starts here, and how long the set is with its closing bracket; `None` where
/// that is missing.
fn in_set(set: &str, character: char) -> Option<(bool, usize)> {
    let mut rest = set.chars();
    let mut next = rest.next()?;
    let invert = next == '^';
    if invert {
        next = rest.next()?;
    }
    let mut found = false;
    if next == ']' {
        // In first place it is a member.
        found = character == ']';
        next = rest.next()?;
    }
    // What a range could start with.
    let mut start = None;
    while next != ']' {
        match start {
            Some(first) if next == '-' && !matches!(rest.clone().next(), Some(']') | None) => {
                let last = rest.next()?;
                found |= (first..=last).contains(&character);
                start = None;
            }
            _ => {
                found |= next == character;
                start = Some(next);
            }
        }
        next = rest.next()?;
    }
    Some((found != invert, set.len() - rest.as_str().len()))
}

/// The length of the UTF-8 character that starts with this byte.
const fn character_length(first: u8) -> usize {
    match first {
        0..0xc0 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0.. => 4,
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    fn is_like(pattern: &str, text: &str, escape: Option<char>) -> bool {
        like(pattern, text, escape, &mut || ()).unwrap()
    }

    fn is_glob(pattern: &str, text: &str) -> bool {
        glob(pattern, text, &mut || ()).unwrap()
    }

    #[test]
    fn like_ignores_case_of_ascii_alone() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("A", "a", true),
            ("É", "é", false),
            ("a_c", "ABC", true),
            ("a_c", "aéc", true),
            ("a_c", "ac", false),
            ("%", "", true),
            ("%b%d%", "abcde", true),
            ("%b%d", "abcde", false),
            ("a%_", "a", false),
            ("%é_", "aé", false),
            ("%é_", "éaéé", true),
            ("a\\", "a\\", true),
        ] {
            assert_eq!(is_like(pattern, text, None), expected, "{text} LIKE {pattern}");
        }
    }

    #[test]
    fn what_follows_the_escape_character_is_itself() {
        for (pattern, text, escape, expected) in [
            ("a!%", "a%", '!', true),
            ("a!%", "ab", '!', false),
            ("a!_", "ab", '!', false),
            ("a!!", "a!", '!', true),
            ("%!%", "a%", '!', true),
            // A pattern that ends with it matches nothing.
            ("a!", "a", '!', false),
            ("a!", "a!", '!', false),
            ("%!", "a!", '!', false),
            // Then it is no wildcard any more.
            ("a%%", "a%", '%', true),
            ("a%%", "abc", '%', false),
            ("__", "_", '_', true),
            ("éa", "A", 'é', true),
        ] {
            assert_eq!(is_like(pattern, text, Some(escape)), expected, "{text} LIKE {pattern}");
        }
    }

    #[test]
    fn an_escape_character_is_one() {
        assert_eq!(escape_character("é"), Ok('é'));
        assert_eq!(escape_character(""), Err(Error::EscapeNotOneCharacter));
        assert_eq!(escape_character("ab"), Err(Error::EscapeNotOneCharacter));
    }

    #[test]
    fn glob_knows_sets() {
        for (pattern, text, expected) in [
            ("a*", "abc", true),
            ("A*", "abc", false),
            ("a?c", "aéc", true),
            ("[a-c]", "b", true),
            ("[^a-c]", "b", false),
            ("[^a-c]", "d", true),
            ("[]]", "]", true),
            ("[^]]", "]", false),
            ("[a-]", "-", true),
            ("[-a]", "-", true),
            ("[a", "a", false),
            ("*[0-9]x", "a1b2x", true),
            ("*[é-ë]", "xê", true),
            ("[a-c-e]", "d", false),
            ("[a-c-e]", "-", true),
            ("[", "[", false),
        ] {
            assert_eq!(is_glob(pattern, text), expected, "{text} GLOB {pattern}");
        }
    }

    /// The worst that there is: what follows the last `%` almost matches everywhere.
    #[test]
    fn wildcards_take_the_product_of_both_lengths_at_most() {
        let pattern = "%a".repeat(200) + &"a".repeat(200) + "b";
        let text = "a".repeat(20_000);
        let mut pauses = 0;
        assert_eq!(like(&pattern, &text, None, &mut || pauses += 1), Ok(false));
        assert!(pauses > 0 && pauses < 600 * 20_000 / STEPS, "{pauses} pauses");
        let long = "a".repeat(MAX_PATTERN + 1);
        assert_eq!(like(&long, "", None, &mut || ()), Err(Error::PatternTooComplex));
    }
}
