//! Patterns of LIKE and GLOB with texts that they may match.

use tests::Rng;

/// A text made of few letters, so that patterns have something to match.
pub fn text(rng: &mut Rng) -> String {
    (0..rng.below(7)).map(|_| letter(rng)).collect()
}

fn letter(rng: &mut Rng) -> char {
    if rng.one_in(4) {
        return rng.choose(&[
            'é', 'É', '日', '😀', ' ', '%', '_', '*', '?', '[', ']', '^', '-', '\\', '\u{301}',
            '\n', 'ß', 'K', '0', '9', '~', '!', '@', '`', '{',
        ]);
    }
    rng.choose(&['a', 'b', 'c', 'A', 'B', 'C', 'a', 'b'])
}

/// A pattern of LIKE that most likely matches `text` at least in part.
pub fn like(rng: &mut Rng, text: &str, escape: Option<char>) -> String {
    let mut pattern = String::new();
    for letter in text.chars() {
        match rng.below(8) {
            0 => pattern.push('_'),
            1 => pattern.push('%'),
            2 => pattern.extend(flipped(letter)),
            3 => {
                if let Some(escape) = escape {
                    pattern.push(escape);
                }
                pattern.push(letter);
            }
            4 if rng.one_in(2) => pattern.push_str("%_"),
            5 if rng.one_in(3) => {}
            _ => pattern.push(letter),
        }
    }
    match rng.below(6) {
        0 => pattern.push('%'),
        1 => pattern.insert(0, '%'),
        2 if rng.one_in(3) => pattern.push_str("%%"),
        3 if rng.one_in(4) => pattern.push(self::letter(rng)),
        4 if rng.one_in(4) => pattern.extend(escape),
        _ => {}
    }
    pattern
}

/// A pattern of GLOB that most likely matches `text` at least in part.
pub fn glob(rng: &mut Rng, text: &str) -> String {
    let mut pattern = String::new();
    for letter in text.chars() {
        match rng.below(10) {
            0 => pattern.push('?'),
            1 => pattern.push('*'),
            2 => pattern.extend(flipped(letter)),
            3..=5 => class(rng, letter, &mut pattern),
            6 if rng.one_in(3) => pattern.push_str("*?"),
            7 if rng.one_in(3) => {}
            _ => pattern.push(letter),
        }
    }
    match rng.below(6) {
        0 => pattern.push('*'),
        1 => pattern.insert(0, '*'),
        2 if rng.one_in(3) => pattern.push_str("**"),
        3 if rng.one_in(4) => pattern.push(self::letter(rng)),
        4 if rng.one_in(4) => pattern.push_str(
            rng.pick(&["[", "[a", "[^", "[]", "[]a]", "[a-", "[^]", "[a-]", "[-a]", "[z-a]"]),
        ),
        _ => {}
    }
    pattern
}

fn class(rng: &mut Rng, letter: char, pattern: &mut String) {
    pattern.push('[');
    if rng.one_in(4) {
        pattern.push('^');
    }
    if rng.one_in(8) {
        pattern.push(']');
    }
    for _ in 0..rng.below(3) {
        match rng.below(4) {
            0 => pattern
                .push_str(rng.pick(&["a-c", "A-Z", "0-9", "a-z", "é-ü", "c-a", "b-", "-", "^"])),
            1 => pattern.push(letter),
            _ => pattern.push(self::letter(rng)),
        }
    }
    if rng.one_in(2) {
        pattern.push(letter);
    }
    if !rng.one_in(12) {
        pattern.push(']');
    }
}

fn flipped(letter: char) -> Vec<char> {
    if letter.is_lowercase() {
        letter.to_uppercase().collect()
    } else {
        letter.to_lowercase().collect()
    }
}
