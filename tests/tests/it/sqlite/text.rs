//! Functions of text and numbers, LIKE and GLOB, and the aggregates.

use super::call::{Arg, Call, Form};
use super::generate::{any, pattern, printf};
use tests::Rng;

const LIKE: Form = Form::new("LIKE", "@1 LIKE @2", "@1 OPERATOR(sqlite.~~) @2");
const NOT_LIKE: Form = Form::new("NOT LIKE", "@1 NOT LIKE @2", "@1 OPERATOR(sqlite.!~~) @2");
/// PostgreSQL's grammar makes the call below of `@1 LIKE @2 ESCAPE @3`.
const LIKE_ESCAPE: Form = Form::new(
    "LIKE ESCAPE",
    "@1 LIKE @2 ESCAPE @3",
    "@1 OPERATOR(sqlite.~~) pg_catalog.like_escape(@2, @3)",
);
/// One value of a group each.
const GROUP_CONCAT: Form = Form::new(
    "group_concat",
    "(SELECT group_concat(column1, @4) FROM (VALUES (@1), (@2), (@3)))",
    "(SELECT sqlite.group_concat(column1, @4) FROM (VALUES (@1), (@2), (@3)) AS rows)",
);
const TOTAL: Form = Form::new(
    "total",
    "(SELECT total(column1) FROM (VALUES (@1), (@2), (@3)))",
    "(SELECT sqlite.total(column1) FROM (VALUES (@1), (@2), (@3)) AS rows)",
);

/// A boolean beside an integer, on either side.
macro_rules! comparisons {
    ($($operator:literal)*) => {
        &[$(
            Form::new(
                concat!("boolean ", $operator),
                concat!("(@1 = 1) ", $operator, " @2"),
                concat!("(@1 = 1) OPERATOR(sqlite.", $operator, ") @2::bigint"),
            ),
            Form::new(
                concat!($operator, " boolean"),
                concat!("@2 ", $operator, " (@1 = 1)"),
                concat!("@2::bigint OPERATOR(sqlite.", $operator, ") (@1 = 1)"),
            ),
        )*]
    };
}

const COMPARISONS: &[Form] = comparisons!["=" "<>" "<" "<=" ">" ">="];

const MATHS: &[&str] = &[
    "acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "degrees", "exp", "ln",
    "log", "log10", "log2", "radians", "sin", "sinh", "sqrt", "tan", "tanh",
];

pub fn calls(rng: &mut Rng, count: usize) -> Vec<Call> {
    (0..count).map(|n| call(rng, n)).collect()
}

fn call(rng: &mut Rng, n: usize) -> Call {
    match n % 40 {
        0..=9 => Form::same(rng.choose(&["printf", "format"])).call(printf::call(rng)),
        10..=13 => like(rng),
        14..=16 => glob(rng),
        17..=20 => substr(rng),
        21 => Form::same("typeof").call(vec![any::value(rng)]),
        22 => match rng.below(3) {
            0 => Form::same("unistr").call(vec![escapes(rng)]),
            _ => Form::same(rng.choose(&["quote", "unistr_quote"])).call(vec![any::value(rng)]),
        },
        23 => Form::same("hex").call(vec![any::value(rng)]),
        24 => unhex(rng),
        25 | 26 => instr(rng),
        27 => Form::same(rng.choose(&["lower", "upper"])).call(vec![loose(rng)]),
        28 => trim(rng),
        29 => Form::same("replace").call(vec![pattern_text(rng), pattern_text(rng), text(rng)]),
        30 => Form::same(rng.choose(&["length", "octet_length", "unicode"]))
            .call(vec![text_or_blob(rng)]),
        31 => round(rng),
        32 => Form::same(rng.choose(&["abs", "sign"])).call(vec![number(rng)]),
        33 => extreme(rng),
        34 | 35 => maths(rng),
        36 => char(rng),
        37 => concat(rng),
        38 => conditional(rng),
        _ => aggregate(rng),
    }
}

fn text(rng: &mut Rng) -> Arg {
    if rng.one_in(30) { Arg::Null } else { any::text(rng) }
}

fn text_or_blob(rng: &mut Rng) -> Arg {
    if rng.one_in(4) { any::blob(rng) } else { text(rng) }
}

/// A text with escapes of unistr(), right and wrong ones.
fn escapes(rng: &mut Rng) -> Arg {
    let parts = [
        "a",
        "é",
        "\\0041",
        "\\u0041",
        "\\+01F600",
        "\\U0001F600",
        "\\\\",
        "\\",
        "\\u12",
        "\\x",
        "\\00e9",
        "\\uD83D",
        "\\0000",
        "\\+110000",
        "\\UFFFFFFFF",
    ];
    Arg::Text((0..rng.below(4)).map(|_| rng.choose(&parts)).collect())
}

/// A text, or what counts as one: a number's text, a blob's bytes.
fn loose(rng: &mut Rng) -> Arg {
    if rng.one_in(6) { any::scalar(rng) } else { text(rng) }
}

fn pattern_text(rng: &mut Rng) -> Arg {
    Arg::Text(pattern::text(rng))
}

fn number(rng: &mut Rng) -> Arg {
    match rng.below(12) {
        0 => Arg::Null,
        1 => any::text(rng),
        2..=6 => any::integer(rng),
        _ => any::real(rng),
    }
}

fn like(rng: &mut Rng) -> Call {
    let text = pattern::text(rng);
    match rng.below(5) {
        0 => {
            let pattern = pattern::like(rng, &text, None);
            Form::same("like").call(vec![Arg::Text(pattern), Arg::Text(text)])
        }
        1 => {
            let (pattern, escape) = escaped(rng, &text);
            Form::same("like").call(vec![Arg::Text(pattern), Arg::Text(text), escape])
        }
        2 => {
            let (pattern, escape) = escaped(rng, &text);
            LIKE_ESCAPE.call(vec![Arg::Text(text), Arg::Text(pattern), escape])
        }
        _ => {
            let pattern = pattern::like(rng, &text, None);
            rng.choose(&[LIKE, LIKE, NOT_LIKE]).call(vec![Arg::Text(text), Arg::Text(pattern)])
        }
    }
}

fn escaped(rng: &mut Rng, text: &str) -> (String, Arg) {
    let escape = rng.choose(&['\\', '\\', '!', '@', '%', '_', 'a', 'é', '😀']);
    let pattern = pattern::like(rng, text, Some(escape));
    let escape = match rng.below(30) {
        0 => Arg::Null,
        1 => Arg::text(""),
        2 => Arg::text("ab"),
        _ => Arg::Text(escape.to_string()),
    };
    (pattern, escape)
}

fn glob(rng: &mut Rng) -> Call {
    let text = pattern::text(rng);
    let pattern = pattern::glob(rng, &text);
    Form::same("glob").call(vec![Arg::Text(pattern), Arg::Text(text)])
}

fn substr(rng: &mut Rng) -> Call {
    let mut args = vec![text_or_blob(rng), any::position(rng)];
    if !rng.one_in(3) {
        args.push(any::position(rng));
    }
    if rng.one_in(40) {
        let at = rng.below(args.len());
        args[at] = Arg::Null;
    }
    Form::same(rng.choose(&["substr", "substring"])).call(args)
}

fn unhex(rng: &mut Rng) -> Call {
    let mut digits: String =
        (0..rng.below(4) * 2).map(|_| rng.choose(&['0', '1', '9', 'a', 'F', 'c', 'B'])).collect();
    for _ in 0..rng.below(3) {
        let at = rng.below(digits.len() + 1);
        digits.insert(at, rng.choose(&[' ', '-', 'é', 'g', '0', ' ', '-']));
        if !digits.is_char_boundary(at) || !digits.is_ascii() {
            break;
        }
    }
    let mut args = vec![if rng.one_in(20) { text(rng) } else { Arg::Text(digits) }];
    if rng.one_in(2) {
        args.push(Arg::text(rng.pick(&[" ", "-", " -", "", "é", "0", "- é"])));
    }
    Form::same("unhex").call(args)
}

fn instr(rng: &mut Rng) -> Call {
    let args = match rng.below(6) {
        0 => vec![any::blob(rng), any::blob(rng)],
        1 => vec![loose(rng), loose(rng)],
        // A blob beside a text counts as one.
        2 => vec![text(rng), Arg::Blob(any::string(rng).into_bytes())],
        _ => {
            let whole = pattern::text(rng);
            let letters: Vec<char> = whole.chars().collect();
            let from = rng.below(letters.len() + 1);
            let to = from + rng.below(letters.len() - from + 1);
            let part = letters[from..to].iter().collect();
            vec![Arg::Text(whole), Arg::Text(part)]
        }
    };
    Form::same("instr").call(args)
}

fn trim(rng: &mut Rng) -> Call {
    let mut args = vec![if rng.one_in(2) { loose(rng) } else { pattern_text(rng) }];
    if rng.one_in(2) {
        args.push(Arg::text(rng.pick(&["", " ", "a", "ab", "é", "日é", "cba ", "\t \n", "%_"])));
    }
    Form::same(rng.choose(&["trim", "ltrim", "rtrim"])).call(args)
}

fn round(rng: &mut Rng) -> Call {
    let mut args = vec![number(rng)];
    if rng.one_in(2) {
        args.push(match rng.below(12) {
            0 => any::integer(rng),
            1 => Arg::Null,
            _ => Arg::Integer(rng.between(-3, 20)),
        });
    }
    Form::same("round").call(args)
}

/// min and max of two or more values, which have one type here.
fn extreme(rng: &mut Rng) -> Call {
    let one = rng.choose(&[any::integer as fn(&mut Rng) -> Arg, any::real, any::text]);
    let args =
        (0..rng.between(2, 4)).map(|_| if rng.one_in(15) { Arg::Null } else { one(rng) }).collect();
    Form::same(rng.choose(&["min", "max"])).call(args)
}

fn maths(rng: &mut Rng) -> Call {
    let small = |rng: &mut Rng| match rng.below(3) {
        0 => Arg::Real(rng.between(-20, 20) as f64 / 10.0),
        1 => Arg::Integer(rng.between(-3, 10)),
        _ => rng.choose(&[any::integer as fn(&mut Rng) -> Arg, any::real])(rng),
    };
    match rng.below(4) {
        0 => Form::same(rng.choose(&["ceil", "ceiling", "floor", "trunc"])).call(vec![number(rng)]),
        1 => {
            let name = rng.choose(&["atan2", "mod", "pow", "power", "log"]);
            let texts = rng.one_in(12);
            let one = |rng: &mut Rng| if texts { any::text(rng) } else { small(rng) };
            Form::same(name).call(vec![one(rng), one(rng)])
        }
        _ => {
            let x = if rng.one_in(12) { number(rng) } else { small(rng) };
            Form::same(rng.pick_static(MATHS)).call(vec![x])
        }
    }
}

fn char(rng: &mut Rng) -> Call {
    let args = (0..rng.below(5))
        .map(|_| match rng.below(10) {
            0 => any::scalar(rng),
            1 => Arg::Integer(rng.choose(&[
                0,
                0xd800,
                0xdfff,
                0x10ffff,
                0x110000,
                -1,
                0xfffd,
                0xffff,
                i64::MAX,
            ])),
            _ => Arg::Integer(rng.choose(&[65, 97, 0xe9, 0x65e5, 0x1f600, 32, 10, 39])),
        })
        .collect();
    Form::same("char").call(args)
}

fn concat(rng: &mut Rng) -> Call {
    let mut args: Vec<Arg> = (0..rng.between(1, 4)).map(|_| any::scalar(rng)).collect();
    if rng.one_in(2) {
        return Form::same("concat").call(args);
    }
    args.insert(0, text(rng));
    Form::same("concat_ws").call(args)
}

fn conditional(rng: &mut Rng) -> Call {
    match rng.below(6) {
        4 => {
            let truth = if rng.one_in(8) { Arg::Null } else { Arg::Integer(rng.between(0, 1)) };
            let other = if rng.one_in(8) { Arg::Null } else { Arg::Integer(rng.between(-1, 2)) };
            rng.choose(COMPARISONS).call(vec![truth, other])
        }
        0 => Form::same("ifnull").call(vec![text(rng), text(rng)]),
        1 => {
            let condition = any::scalar(rng);
            Form::same("iif").call(vec![condition, any::text(rng)])
        }
        _ => {
            let condition = any::scalar(rng);
            Form::same("iif").call(vec![condition, any::text(rng), any::text(rng)])
        }
    }
}

fn aggregate(rng: &mut Rng) -> Call {
    if rng.one_in(2) {
        let mut args: Vec<Arg> =
            (0..3).map(|_| if rng.one_in(4) { Arg::Null } else { any::text(rng) }).collect();
        args.push(text(rng));
        return GROUP_CONCAT.call(args);
    }
    let integers = rng.one_in(2);
    let args = (0..3)
        .map(|_| match rng.below(5) {
            0 => Arg::Null,
            _ if integers => any::integer(rng),
            _ => any::real(rng),
        })
        .collect();
    TOTAL.call(args)
}
