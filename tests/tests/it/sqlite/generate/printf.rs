//! Formats of printf() and as many arguments as they want, or one fewer, or one more.

use super::super::call::Arg;
use super::any;
use tests::Rng;

pub fn call(rng: &mut Rng) -> Vec<Arg> {
    if rng.one_in(100) {
        return vec![Arg::Null];
    }
    let mut format = String::new();
    let mut args = Vec::new();
    for _ in 0..=rng.below(3) {
        literal(rng, &mut format);
        conversion(rng, &mut format, &mut args);
    }
    literal(rng, &mut format);
    match rng.below(12) {
        0 => drop(args.pop()),
        1 => args.push(any::scalar(rng)),
        _ => {}
    }
    args.insert(0, Arg::Text(format));
    args
}

fn literal(rng: &mut Rng, format: &mut String) {
    if rng.one_in(3) {
        format.push_str(rng.pick(&["x", " ", "é", "日", "%%", "-", "[", "]", "\n", "100%%"]));
    }
}

fn conversion(rng: &mut Rng, format: &mut String, args: &mut Vec<Arg>) {
    format.push('%');
    for _ in 0..rng.choose(&[0, 0, 0, 1, 1, 2, 3]) {
        format.push(rng.choose(&['-', '+', ' ', '#', '0', ',', '!', '-', '0', '!', ',']));
    }
    match rng.below(8) {
        0..=2 => format.push_str(&rng.choose(&[1, 2, 3, 5, 8, 10, 12, 20, 40, 100]).to_string()),
        3 if rng.one_in(2) => {
            format.push('*');
            args.push(star(rng));
        }
        _ => {}
    }
    match rng.below(8) {
        0..=2 => format.push_str(&format!(
            ".{}",
            rng.choose(&[0, 1, 2, 3, 5, 6, 10, 15, 16, 17, 18, 20, 25, 30, 60])
        )),
        3 => format.push('.'),
        4 if rng.one_in(2) => {
            format.push_str(".*");
            args.push(star(rng));
        }
        _ => {}
    }
    if rng.one_in(10) {
        format.push_str(rng.pick(&["l", "ll", "l", "h", "lll"]));
    }
    let letter = if rng.one_in(25) {
        rng.choose(&[
            'a', 'A', 'b', 'C', 'D', 'n', 'p', 'r', 'S', 'T', 'k', 'y', 'v', 't', '.', '-', ' ',
            'é', 'W', 'j', 'L',
        ])
    } else {
        rng.choose(&[
            'd', 'i', 'u', 'f', 'e', 'g', 'E', 'G', 'x', 'X', 'o', 'c', 's', 'q', 'Q', 'w', 'z',
            'd', 'f', 'g', 's', 'x',
        ])
    };
    format.push(letter);
    args.push(match letter {
        _ if rng.one_in(8) => any::scalar(rng),
        'd' | 'i' | 'u' | 'x' | 'X' | 'o' => any::integer(rng),
        'f' | 'e' | 'E' | 'g' | 'G' => any::real(rng),
        _ => any::text(rng),
    });
}

/// A width or precision from an argument. What is far too long for a text fails at once; nothing is merely long.
fn star(rng: &mut Rng) -> Arg {
    match rng.below(8) {
        0 => rng.choose(&[
            Arg::Null,
            Arg::text("abc"),
            Arg::text("5"),
            Arg::text("-7x"),
            Arg::Real(3.7),
            Arg::Real(-0.5),
        ]),
        1 => Arg::Integer(rng.choose(&[
            0,
            -1,
            -5,
            -20,
            200,
            -200,
            -2_147_483_647,
            2_147_483_647,
            -2_147_483_648,
            2_147_483_648,
            4_294_967_301,
        ])),
        _ => Arg::Integer(rng.between(0, 20)),
    }
}
