//! Documents at random: by SQLite's grammar of JSON5, then broken or made odd in a few places.

use tests::Rng;

const SPACES: [&str; 24] = [
    " ",
    " ",
    "\n",
    "\t",
    "\r",
    "\u{b}",
    "\u{c}",
    "\u{a0}",
    "\u{1680}",
    "\u{2000}",
    "\u{200a}",
    "\u{2028}",
    "\u{2029}",
    "\u{202f}",
    "\u{205f}",
    "\u{3000}",
    "\u{feff}",
    "/**/",
    "/* * / é */",
    "/***/",
    "//\n",
    "// é\r\n",
    "//\u{2028}",
    "//*\u{2029}",
];
const WORDS: [&str; 22] = [
    "true",
    "false",
    "null",
    "true",
    "false",
    "null",
    "NaN",
    "nan",
    "NAN",
    "QNaN",
    "snan",
    "Infinity",
    "infinity",
    "inf",
    "Inf",
    "INFINITY",
    "-inf",
    "+Infinity",
    "-infinity",
    "+iNf",
    "True",
    "infinit",
];
const NUMBERS: [&str; 44] = [
    "0",
    "-0",
    "+0",
    "1",
    "-12",
    "+34",
    "1.5",
    "-1.5e3",
    "2E+7",
    "2e-7",
    "0.0",
    "0e0",
    ".5",
    "-.5",
    "+.5e1",
    "5.",
    "-5.",
    "5.e3",
    "0.",
    "0x1F",
    "0Xab",
    "-0x0",
    "+0xE",
    "00",
    "01",
    "-01",
    "1.2.3",
    "1e5.",
    ".",
    "-.",
    "..5",
    ".e1",
    "5.e",
    "1e",
    "1e+",
    "+",
    "-",
    "--1",
    "+-1",
    "0x",
    "0xg",
    "9999999999999999999999",
    "1e999",
    "-e.5",
];
const KEYS: [&str; 40] = [
    "a",
    "b9",
    "$",
    "_x",
    "é",
    "漢字",
    "😀",
    "a\\u0041",
    "\\u0061b",
    "\\u0030",
    "tru",
    "truex",
    "true",
    "true_",
    "false$",
    "nulls",
    "null",
    "nullé",
    "Null",
    "NaN",
    "nan1",
    "NaN_",
    "inf",
    "infx",
    "infinity",
    "qnan",
    "q",
    "snan$",
    "9a",
    "a-b",
    "a b",
    "a\\x41",
    "a\\u12",
    "\\a",
    "a\u{a0}",
    "a\u{200b}",
    "a\u{2028}b",
    "`",
    "a\u{85}",
    "true\\u0041",
];
const ESCAPES: [&str; 34] = [
    "\\n",
    "\\\"",
    "\\\\",
    "\\/",
    "\\b\\f\\r\\t",
    "\\u0041",
    "\\u0000",
    "\\ud83d\\ude00",
    "\\ud800",
    "\\uDC00x",
    "\\'",
    "\\v",
    "\\0",
    "\\00",
    "\\09",
    "\\0a",
    "\\x41",
    "\\xfF",
    "\\x4",
    "\\xg0",
    "\\\n",
    "\\\r\n",
    "\\\r",
    "\\\u{2028}",
    "\\\u{2029}",
    "\\\u{2027}",
    "\\a",
    "\\1",
    "\\ ",
    "\\é",
    "\\u12",
    "\\u12G4",
    "\\U0041",
    "\\",
];
const PIECES: [&str; 70] = [
    "{", "}", "[", "]", ":", ",", "\"", "'", "\\", "/", "*", "/*", "*/", "//", "u", "\\u", "0",
    "1", "9", "-", "+", ".", "e", "E", "x", "0x", "inf", "NaN", "true", "null", "nul", "_", "$",
    " ", "\t", "\n", "\r", "\u{b}", "\u{c}", "\u{1}", "\u{1f}", "\u{7f}", "\u{80}", "\u{85}",
    "\u{a0}", "\u{a1}", "\u{ad}", "\u{1680}", "\u{167f}", "\u{180e}", "\u{1fff}", "\u{2000}",
    "\u{200b}", "\u{2027}", "\u{2028}", "\u{2029}", "\u{202a}", "\u{202f}", "\u{2030}", "\u{205f}",
    "\u{2060}", "\u{3000}", "\u{3001}", "\u{feff}", "\u{fefe}", "\u{ffff}", "é", "😀", "`", "#",
];

fn space(random: &mut Rng, out: &mut String) {
    let (often, strange) = (random.one_in(8), random.one_in(4));
    if often {
        out.push_str(if strange { random.choose(&SPACES) } else { random.choose(&SPACES[..5]) });
    }
}

fn string(random: &mut Rng, out: &mut String, strict: bool) {
    let quote = if !strict && random.one_in(2) { '\'' } else { '"' };
    out.push(quote);
    for _ in 0..random.below(12) {
        match random.below(if strict { 12 } else { 16 }) {
            0 => out.push_str(random.choose(&ESCAPES[..10])),
            1 => {
                out.push(random.choose(&['é', '漢', '😀', '\u{7f}', '\u{2028}', '\u{feff}', '\'']))
            }
            12 => out.push_str(random.choose(&ESCAPES)),
            13 => out.push(random.choose(&['"', '\'', '\n', '\u{1}', '\u{1f}', '\t'])),
            _ => out.push(char::from(b'a' + random.below(26) as u8)),
        }
    }
    out.push(quote);
}

fn value(random: &mut Rng, depth: u32, out: &mut String, strict: bool) {
    space(random, out);
    match random.below(if depth == 0 { 5 } else { 8 }) {
        0 => out.push_str(if strict { random.choose(&WORDS[..6]) } else { random.choose(&WORDS) }),
        1 if strict => {
            out.push_str(random.choose(&["0", "-0", "1", "-12.5e-3", "2E+7", "0.0", "1e999"]))
        }
        1 | 2 => {
            let number = random.next_u64() % 100_000;
            let text =
                if random.one_in(3) { format!("-{number}.{number}") } else { number.to_string() };
            out.push_str(if strict || random.one_in(2) { &text } else { random.choose(&NUMBERS) });
        }
        3 | 4 => string(random, out, strict),
        5 | 6 => list(random, out, strict, ('[', ']'), |random, out| {
            value(random, depth - 1, out, strict)
        }),
        _ => list(random, out, strict, ('{', '}'), |random, out| {
            space(random, out);
            if strict || random.one_in(2) {
                string(random, out, strict);
            } else {
                out.push_str(random.choose(&KEYS));
            }
            space(random, out);
            out.push(':');
            value(random, depth - 1, out, strict);
        }),
    }
    space(random, out);
}

fn list(
    random: &mut Rng,
    out: &mut String,
    strict: bool,
    (open, close): (char, char),
    mut member: impl FnMut(&mut Rng, &mut String),
) {
    out.push(open);
    let members = random.below(4);
    for n in 0..members {
        if n > 0 {
            out.push(',');
        }
        member(random, out);
    }
    if !strict && random.one_in(5) {
        out.push(',');
    }
    space(random, out);
    out.push(close);
}

/// One document; a third of them is strict JSON before anything is changed.
pub fn document(random: &mut Rng) -> String {
    let strict = random.one_in(3);
    let depth = random.choose(&[0, 0, 1, 2, 3, 4]);
    let mut text = String::new();
    value(random, depth, &mut text, strict);
    for _ in 0..random.choose(&[0, 0, 0, 1, 1, 2, 4]) {
        let mut characters: Vec<char> = text.chars().collect();
        let at = random.below(characters.len() + 1);
        match random.below(6) {
            0 => characters.truncate(at),
            1 | 2 if at < characters.len() => drop(characters.remove(at)),
            3 if at < characters.len() => {
                let other = random.below(characters.len());
                characters.swap(at, other);
            }
            _ => {
                let piece = random.choose(&PIECES);
                drop(characters.splice(at..at, piece.chars()));
            }
        }
        text = characters.into_iter().collect();
    }
    if random.one_in(300) {
        let (open, close) = random.choose(&[("[", "]"), ("{a:", "}"), ("[{'a':", "}]")]);
        let deep =
            (random.choose(&[998, 999, 1000, 1001]) / open.matches(['[', '{']).count()).max(1);
        text = [&open.repeat(deep), text.as_str(), &close.repeat(deep)].concat();
    }
    text
}
