//! Values of every type at the edges of their range.

use super::super::call::Arg;
use tests::Rng;

const INTEGERS: [i64; 32] = [
    0,
    1,
    -1,
    2,
    -2,
    3,
    7,
    9,
    10,
    42,
    100,
    -100,
    255,
    256,
    999,
    1000,
    1001,
    -1000,
    65535,
    65536,
    1_000_000,
    1_234_567,
    -1_234_567,
    2_147_483_647,
    -2_147_483_648,
    4_294_967_295,
    4_294_967_296,
    9_007_199_254_740_993,
    i64::MAX,
    i64::MIN,
    i64::MAX - 1,
    i64::MIN + 1,
];

const REALS: [f64; 47] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    2.5,
    -2.5,
    0.1,
    0.2,
    0.3,
    1e-5,
    1e-10,
    1e5,
    1e15,
    1e16,
    1e17,
    1e18,
    9.2e18,
    9.3e18,
    1e20,
    1e100,
    1e308,
    1e-308,
    5e-324,
    1e-320,
    1.797_693_134_862_315_7e308,
    2.225_073_858_507_201_4e-308,
    std::f64::consts::PI,
    std::f64::consts::E,
    123_456.789,
    0.000_123_45,
    99_999.95,
    999_999.5,
    9_999_995.0,
    0.999_999_5,
    1.005,
    4.35,
    0.045,
    1_234_567.891,
    9_007_199_254_740_993.0,
    9.223_372_036_854_775e18,
    -9.223_372_036_854_776e18,
    f64::INFINITY,
    f64::NEG_INFINITY,
    1e21,
];

/// Texts with everything that a function of text may treat in a way of its own.
pub const TEXTS: &[&str] = &[
    "",
    "a",
    "A",
    "abc",
    "ABC",
    "hello world",
    "é",
    "É",
    "éa",
    "aé",
    "日本語",
    "😀",
    "a😀b",
    "ß",
    "İ",
    "ı",
    "ſ",
    "K",
    "'",
    "it's",
    "''",
    "\"",
    "a\"b",
    "\\",
    "a\\b",
    "%",
    "_",
    "%a_",
    "*",
    "?",
    "[",
    "]",
    " ",
    "  a  ",
    "\t",
    "a\nb",
    "\u{1}",
    "\u{7f}",
    "\u{80}",
    "0",
    "1",
    "-1",
    "+1",
    " 1",
    "1 ",
    "12abc",
    "1.5",
    "1.5abc",
    "-0",
    "-0.0",
    ".5",
    "5.",
    "1e3",
    "1e",
    "1e400",
    "-1e400",
    "0x1F",
    "nan",
    "inf",
    "Infinity",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "99999999999999999999",
    "null",
    "true",
    "false",
    "abcabcabc",
    "aXbXc",
    "\u{a0}",
    "\u{feff}",
    "e\u{301}",
    "{}",
    "[1,2]",
    "{\"a\":1}",
    "\"x\"",
    "00",
    "deadBEEF",
    "6162",
    "61 62",
    "6",
    "zz",
    "2024-01-31",
    "a%b_c",
    "[a]",
    "Straße",
    "ÀÉ",
    "ΑΒΓ",
    "αβγ",
    "\u{10ffff}",
    "\u{fffd}",
    "1,000",
    "  12  ",
    "\n1",
    "\u{b}1",
    "1_000",
    "9.99999999999999999",
    "123456789012345678",
    "0.1",
    "1e-5",
];

pub fn integer(rng: &mut Rng) -> Arg {
    Arg::Integer(match rng.below(4) {
        0 | 1 => rng.choose(&INTEGERS),
        2 => rng.between(-1000, 1000),
        _ => rng.next_u64() as i64 >> rng.below(64),
    })
}

pub fn real(rng: &mut Rng) -> Arg {
    Arg::Real(match rng.below(6) {
        0..=2 => rng.choose(&REALS),
        3 => rng.between(-100_000, 100_000) as f64 / rng.choose(&[10.0, 100.0, 1000.0, 8.0, 3.0]),
        4 => rng.between(-1_000_000, 1_000_000) as f64 * 10f64.powi(rng.between(-20, 20) as i32),
        _ => {
            let bits = f64::from_bits(rng.next_u64());
            if bits.is_nan() { 0.0 } else { bits }
        }
    })
}

pub fn text(rng: &mut Rng) -> Arg {
    Arg::Text(string(rng))
}

pub fn string(rng: &mut Rng) -> String {
    if !rng.one_in(4) {
        return rng.pick(TEXTS).to_owned();
    }
    (0..rng.below(8))
        .map(|_| {
            rng.choose(&[
                'a', 'b', 'c', 'A', 'B', ' ', 'é', '日', '😀', '1', '0', '\'', '%', '_', '*', '.',
                '-',
            ])
        })
        .collect()
}

pub fn blob(rng: &mut Rng) -> Arg {
    Arg::Blob(match rng.below(4) {
        0 => string(rng).into_bytes(),
        1 => rng.choose(&[
            vec![],
            vec![0],
            vec![0xff],
            vec![0x61, 0, 0x62],
            vec![0xc3],
            vec![0xe2, 0x82],
            vec![0x80, 0x80],
        ]),
        _ => (0..rng.below(8)).map(|_| rng.next_u64() as u8).collect(),
    })
}

/// NULL, integer, real or text.
pub fn scalar(rng: &mut Rng) -> Arg {
    match rng.below(10) {
        0 => Arg::Null,
        1..=3 => integer(rng),
        4..=6 => real(rng),
        _ => text(rng),
    }
}

/// The same or a blob.
pub fn value(rng: &mut Rng) -> Arg {
    if rng.one_in(10) { blob(rng) } else { scalar(rng) }
}

/// A position or a length in a short text.
pub fn position(rng: &mut Rng) -> Arg {
    Arg::Integer(match rng.below(12) {
        0 => rng.choose(&INTEGERS),
        _ => rng.between(-8, 8),
    })
}
