//! JSON documents (RFC 8259, SQLite's JSON5, malformed) and the paths into them.
//!
//! Keys come from a short list, so that paths hit and keys repeat.

use tests::Rng;

/// Keys as they stand between double quotes in a document.
const KEYS: &[&str] = &[
    "a", "b", "c", "a", "b", "c", "ab", "x y", "", "a.b", "é", "日本", "😀", "0", "-1", "#", "A",
    "$", "_id", "a1", "a[0]", "q\\\"q", "\\u0061", "\\u00e9", "\\\\", "\\n", "[", "a]", "]", "'",
    "\\u0000",
];

const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "42",
    "-0",
    "0.0",
    "-0.0",
    "1.0",
    "1.5",
    "-2.25",
    "1e3",
    "1E3",
    "1e+3",
    "1e-3",
    "-1.5e10",
    "1e400",
    "-1e400",
    "1e-400",
    "1e308",
    "5e-324",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "123456789012345678901234567890",
    "0.1",
    "0.30000000000000004",
    "1.7976931348623157e308",
    "4.35",
    "100",
    "1e0",
    "1.0e0",
    "9007199254740993",
    "0.1e1",
    "3.14159",
    "9223372036854775807.0",
    "1e18",
    "1e19",
];

const JSON5_NUMBERS: &[&str] = &[
    "+1",
    ".5",
    "5.",
    "-.5",
    "+.5",
    "0x1F",
    "0Xff",
    "-0x10",
    "+0x10",
    "0x7fffffffffffffff",
    "0x8000000000000000",
    "0xffffffffffffffff",
    "0x10000000000000000",
    "Infinity",
    "-Infinity",
    "+Infinity",
    "NaN",
    "inf",
    "-inf",
    "nan",
    "INFINITY",
    "QNaN",
    "SNaN",
    "5.e3",
    ".5e3",
    "-5.",
    "+5.e-1",
    "infinity",
    "Inf",
];

/// Scalars that are no document by themselves.
const WRONG_SCALARS: &[&str] = &[
    "",
    "01",
    "-",
    "+",
    ".",
    "1e",
    "1e+",
    "1.e",
    "--1",
    "tru",
    "nul",
    "True",
    "NULL",
    "undefined",
    "0x",
    "0xg",
    "1_000",
    "'a",
    "\"a",
    "a",
    "\"\\x4\"",
    "\"\\u12\"",
    "\"\\q\"",
    "-a",
    "00",
    "1.2.3",
    "\"a\" \"b\"",
    "1 2",
    "infinit",
    "-nan",
    "+NaN",
];

/// Bodies of strings as they stand between double quotes.
const STRINGS: &[&str] = &[
    "",
    "a",
    "abc",
    "hello world",
    "é",
    "日本語",
    "😀",
    "\\u0041",
    "\\u00e9",
    "\\ud83d\\ude00",
    "\\ud83d",
    "\\ude00",
    "\\ud83dx",
    "\\ude00\\ud83d",
    "\\n",
    "\\t",
    "\\b\\f\\r",
    "\\/",
    "\\\\",
    "\\\"",
    "\\u0000",
    "a\\u0000b",
    "\\u001f",
    "\\u007f",
    "'",
    "it's",
    "1",
    "1.5",
    "-0",
    "null",
    "true",
    "{}",
    "[1]",
    "{\\\"a\\\":1}",
    "2024-01-31",
    " lead",
    "trail ",
    "%",
    "\\u2028",
    "\u{7f}",
    "\u{2028}",
    "a\\/b",
    "\\uD83D\\uDE00",
    "\\ud83d\\u0041",
    "\\uFFFF",
    "\\ufffe",
    "x\\u000ay",
    "a,b",
    "$.a",
    "#",
];

/// Bodies that only JSON5 takes.
const JSON5_STRINGS: &[&str] = &[
    "\\x41",
    "\\xe9",
    "\\x00",
    "\\v",
    "\\0",
    "\\'",
    "a\\\nb",
    "a\\\r\nb",
    "a\\\rb",
    "a\\\u{2028}b",
    "a\\\u{2029}b",
    "tab\there",
    "\u{1}",
    "line\nfeed",
    "\\x7f",
    "\\xFF",
];

const SPACES: &[&str] = &["", "", "", " ", "\n", "\t", "\r\n", "  "];

const JSON5_SPACES: &[&str] = &[
    "",
    "",
    " ",
    "\u{b}",
    "\u{c}",
    "\u{a0}",
    "\u{feff}",
    "\u{2028}",
    "\u{2003}",
    "/* c */",
    "/**/",
    "// c\n",
    "\u{1680}",
    "\u{3000}",
    "\u{202f}",
    "\u{205f}",
    "\u{2029}",
    "//\r",
    "// c\u{2028}",
    "/* * / */",
    "/***/",
];

/// What a document may hold beyond RFC 8259.
#[derive(Clone, Copy, PartialEq)]
pub enum Dialect {
    Rfc,
    Json5,
}

/// A document of any kind: mostly well formed, sometimes JSON5, sometimes broken.
pub fn document(rng: &mut Rng) -> String {
    match rng.below(16) {
        0..=8 => valid(rng),
        9..=11 => with(rng, Dialect::Json5),
        12..=14 => broken(rng),
        _ if rng.one_in(4) => deep(rng),
        _ => scalar(rng, Dialect::Rfc),
    }
}

/// A well-formed document of RFC 8259.
pub fn valid(rng: &mut Rng) -> String {
    with(rng, Dialect::Rfc)
}

pub fn with(rng: &mut Rng, dialect: Dialect) -> String {
    let mut text = String::new();
    let depth = if rng.one_in(6) { 5 } else { 3 };
    let scalars_too = rng.one_in(5);
    space(rng, dialect, &mut text);
    element(rng, dialect, depth, scalars_too, &mut text);
    space(rng, dialect, &mut text);
    text
}

/// A document that is most likely malformed: a wrong scalar, or a document with one small change.
pub fn broken(rng: &mut Rng) -> String {
    if rng.one_in(5) {
        let scalar = rng.pick(WRONG_SCALARS);
        return match rng.below(3) {
            0 => scalar.to_owned(),
            1 => format!("[{scalar}]"),
            _ => format!("{{\"a\":{scalar}}}"),
        };
    }
    let dialect = if rng.one_in(4) { Dialect::Json5 } else { Dialect::Rfc };
    let mut letters: Vec<char> = with(rng, dialect).chars().collect();
    for _ in 0..=rng.below(2) {
        let at = rng.below(letters.len() + 1);
        let any = rng.choose(&[
            '{', '}', '[', ']', ',', ':', '"', '\'', '\\', '0', '-', '+', '.', 'e', 'a', ' ',
            '\u{1}', '/', '*', '\u{a0}', 'é', '\u{fffd}', '#', '$',
        ]);
        match rng.below(4) {
            0 => letters.insert(at, any),
            1 if at < letters.len() => letters[at] = any,
            2 => letters.truncate(at),
            _ if at < letters.len() => drop(letters.remove(at)),
            _ => letters.push(any),
        }
    }
    letters.into_iter().collect()
}

/// Around the depth of 1000 that SQLite allows.
fn deep(rng: &mut Rng) -> String {
    let depth = rng.choose(&[10, 100, 999, 1000, 1001, 1002, 1500]);
    let (open, close) = match rng.below(3) {
        0 => ("[", "]"),
        1 => ("{\"a\":", "}"),
        _ => ("[{\"b\":", "}]"),
    };
    let depth = depth / open.chars().filter(|c| matches!(c, '[' | '{')).count();
    let inner = rng.pick(&["1", "[]", "{}", "\"x\""]);
    format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
}

fn space(rng: &mut Rng, dialect: Dialect, text: &mut String) {
    if rng.one_in(4) {
        text.push_str(rng.pick(SPACES));
    }
    if dialect == Dialect::Json5 && rng.one_in(8) {
        text.push_str(rng.pick(JSON5_SPACES));
    }
}

fn element(rng: &mut Rng, dialect: Dialect, depth: usize, scalars: bool, text: &mut String) {
    if depth == 0 || (scalars && rng.one_in(2)) {
        return text.push_str(&scalar(rng, dialect));
    }
    let count = rng.choose(&[0, 1, 1, 2, 2, 3, 3, 4]);
    let object = !rng.one_in(3);
    text.push(if object { '{' } else { '[' });
    for n in 0..count {
        if n > 0 {
            text.push(',');
        }
        space(rng, dialect, text);
        if object {
            key(rng, dialect, text);
            space(rng, dialect, text);
            text.push(':');
            space(rng, dialect, text);
        }
        element(rng, dialect, depth - 1, true, text);
        space(rng, dialect, text);
    }
    if count > 0 && dialect == Dialect::Json5 && rng.one_in(5) {
        text.push(',');
    }
    text.push(if object { '}' } else { ']' });
}

fn key(rng: &mut Rng, dialect: Dialect, text: &mut String) {
    let body = rng.pick(KEYS);
    if dialect == Dialect::Json5 {
        match rng.below(4) {
            0 => {
                return text.push_str(rng.pick(&[
                    "a", "b", "c", "$", "_x", "é", "ab1", "日本", "\\u0061b", "a\\u0062", "1a",
                    "a-b", "a$b",
                ]));
            }
            1 if !body.contains('\'') => return text.push_str(&format!("'{body}'")),
            _ => {}
        }
    }
    text.push_str(&format!("\"{body}\""));
}

/// SQLite's binary form of a document, and blobs that are clearly none. What lies between, SQLite writes out unchecked.
pub fn blob(rng: &mut Rng) -> Vec<u8> {
    let blobs: [&[u8]; 13] = [
        &[0x00],
        &[0x01],
        &[0x02],
        &[0x0b],
        &[0x0c],
        b"\x2312",
        b"\x17a",
        b"\x47a\\nb",
        b"\x2b\x131",
        b"\x4c\x17a\x131",
        &[],
        &[0xff],
        b"\x4c\x17a",
    ];
    rng.choose(&blobs).to_vec()
}

pub fn scalar(rng: &mut Rng, dialect: Dialect) -> String {
    if dialect == Dialect::Json5 && rng.one_in(3) {
        return match rng.below(3) {
            0 => rng.pick(JSON5_NUMBERS).to_owned(),
            1 => format!("\"{}\"", rng.pick(JSON5_STRINGS)),
            _ => format!("'{}'", rng.pick(JSON5_STRINGS)),
        };
    }
    match rng.below(8) {
        0 => rng.pick(&["true", "false", "null"]).to_owned(),
        1..=3 => rng.pick(NUMBERS).to_owned(),
        4 => rng.between(-1000, 1000).to_string(),
        _ => format!("\"{}\"", rng.pick(STRINGS)),
    }
}

/// A path: most of them well formed and short, so that they hit.
pub fn path(rng: &mut Rng) -> String {
    if rng.one_in(8) {
        return rng.pick(WRONG_PATHS).to_owned();
    }
    let mut path = "$".to_owned();
    for _ in 0..rng.choose(&[0, 1, 1, 1, 1, 2, 2, 3]) {
        step(rng, &mut path);
    }
    path
}

fn step(rng: &mut Rng, path: &mut String) {
    match rng.below(12) {
        0..=4 => {
            path.push('.');
            path.push_str(
                rng.pick(&["a", "b", "c", "a", "b", "c", "ab", "é", "0", "A", "_id", "日本", "x"]),
            );
        }
        5 | 6 => path.push_str(&format!(".\"{}\"", rng.pick(KEYS))),
        7..=9 => path.push_str(&format!("[{}]", rng.below(4))),
        10 => path.push_str(&format!("[#-{}]", rng.below(4))),
        _ => path.push_str("[#]"),
    }
}

const WRONG_PATHS: &[&str] = &[
    "",
    "a",
    ".a",
    "$a",
    "$.",
    "$[",
    "$[]",
    "$[a]",
    "$[-1]",
    "$[#",
    "$[#-",
    "$[#-]",
    "$[#+1]",
    "$[# - 1]",
    "$[ 0 ]",
    "$[0",
    "$[1.5]",
    "$.\"a",
    "$.a.",
    "$..a",
    "$.*",
    "$[*]",
    "$.a[",
    " $",
    "$ ",
    "$.a ",
    "$.a b",
    "$[00]",
    "$[01]",
    "$[99999999999]",
    "$[4294967296]",
    "$[#-4294967296]",
    "$[#-0]",
    "$[#0]",
    "$$",
    "$.\"\"",
    "$.[0]",
    "$[0].",
    "$.a\"b",
    "$.a]",
    "$[0]]",
    "$[0]a",
    "$.\"a\"b",
    "$.\"a\"\"b\"",
    "$.a[0",
    "#",
    "$#",
    "$[\"a\"]",
    "$['a']",
    "[0]",
    "$[2147483648]",
    "$[4294967295]",
    "$.a\\u0062",
    "$[18446744073709551616]",
];

/// The right operand of `->` and `->>`: a path, a bare label or an index.
pub fn label(rng: &mut Rng) -> String {
    match rng.below(4) {
        0 => path(rng),
        1 => rng
            .pick(&[
                "", "[0]", "[#-1]", "[1]", "a.b", ".a", "0", "1", "-1", "01", "1.5", "\"a\"", "[a]",
            ])
            .to_owned(),
        _ => rng.pick(&["a", "b", "c", "ab", "x y", "é", "日本", "#", "A", "q\"q", "$"]).to_owned(),
    }
}
