//! The functions of date and time.

use super::call::{Arg, Call, Form};
use super::generate::time;
use tests::Rng;

/// The result is an integer but with `subsec`, which has a function of its own here.
const UNIXEPOCH_REAL: Form = Form::lite("unixepoch_real", "CAST(unixepoch(@) AS REAL)");

/// What indexes are made of instead: the same, as long as neither clock nor zone matters.
macro_rules! immutable {
    ($name:literal) => {
        Form::new(
            concat!($name, "_immutable"),
            concat!($name, "(@)"),
            concat!("sqlite.", $name, "_immutable(@)"),
        )
    };
}

const IMMUTABLE: &[Form] =
    &[immutable!("date"), immutable!("time"), immutable!("datetime"), immutable!("julianday")];

pub fn calls(rng: &mut Rng, count: usize) -> Vec<Call> {
    (0..count).map(|n| call(rng, n)).collect()
}

fn call(rng: &mut Rng, n: usize) -> Call {
    match n % 9 {
        8 => rng.choose(IMMUTABLE).call(time_args(rng)),
        0 => Form::same("date").call(time_args(rng)),
        1 => Form::same("time").call(time_args(rng)),
        2 => Form::same("datetime").call(time_args(rng)),
        3 => Form::same("julianday").call(time_args(rng)),
        4 => {
            let mut args = time_args(rng);
            if rng.one_in(3) {
                return UNIXEPOCH_REAL.call(args);
            }
            args.retain(
                |arg| !matches!(arg, Arg::Text(text) if text.to_lowercase().starts_with("subsec")),
            );
            Form::same("unixepoch").call(args)
        }
        5 | 6 => {
            let format = if rng.one_in(80) { Arg::Null } else { Arg::Text(time::format(rng)) };
            let mut args = vec![format];
            args.extend(time_args(rng));
            Form::same("strftime").call(args)
        }
        _ => Form::same("timediff").call(vec![time::value(rng), time::value(rng)]),
    }
}

/// A time value and modifiers, never none.
fn time_args(rng: &mut Rng) -> Vec<Arg> {
    let mut args = Vec::new();
    if rng.one_in(5) {
        // A number, and how to read it.
        args.push(time::number(rng));
        let how = rng.pick(&["unixepoch", "auto", "julianday", "unixepoch", "AUTO", "subsec"]);
        args.push(Arg::text(how));
    } else {
        args.push(time::value(rng));
    }
    args.extend(time::modifiers(rng));
    args
}
