//! The functions of JSON.

use super::call::{Arg, Call, Form};
use super::generate::any;
use super::generate::json::{Dialect, blob, broken, document, label, path, scalar, valid};
use tests::Rng;

const EXTRACT: Form = Form::lite("json_extract", "CAST(json_extract(@) AS TEXT)");
const EXTRACT_INT: Form = Form::lite("json_extract_int", "CAST(json_extract(@) AS INTEGER)");
const EXTRACT_REAL: Form = Form::lite("json_extract_real", "CAST(json_extract(@) AS REAL)");
const ARROW: Form = Form::new("->", "@1 -> @2", "@1 OPERATOR(sqlite.->) @2");
const ARROWS: Form = Form::new("->>", "CAST(@1 ->> @2 AS TEXT)", "@1 OPERATOR(sqlite.->>) @2");

/// All columns of all rows of a table-valued function, in the order in which they come.
macro_rules! rows {
    ($name:literal) => {
        Form::new(
            $name,
            concat!(
                "(SELECT group_concat(ifnull(key, 'NULL') || ' ' || ifnull(value, 'NULL') || ' ' || type || ' ' || \
                 ifnull(atom, 'NULL') || ' ' || id || ' ' || ifnull(parent, 'NULL') || ' ' || fullkey || ' ' || path, \
                 char(10)) FROM ",
                $name,
                "(@))"
            ),
            concat!(
                "(SELECT string_agg(concat_ws(' ', coalesce(key, 'NULL'), coalesce(value, 'NULL'), type, \
                 coalesce(atom, 'NULL'), id, coalesce(parent::text, 'NULL'), fullkey, path), E'\\n') FROM sqlite.",
                $name,
                "(@))"
            ),
        )
    };
}

const EACH: Form = rows!("json_each");
const TREE: Form = rows!("json_tree");

const GROUP_ARRAY: Form = Form::new(
    "json_group_array",
    "(SELECT json_group_array(column1) FROM (VALUES (@1), (@2), (@3)))",
    "(SELECT sqlite.json_group_array(column1) FROM (VALUES (@1), (@2), (@3)) AS rows)",
);
const GROUP_OBJECT: Form = Form::new(
    "json_group_object",
    "(SELECT json_group_object(column1, column2) FROM (VALUES (@1, @2), (@3, @4)))",
    "(SELECT sqlite.json_group_object(column1, column2) FROM (VALUES (@1, @2), (@3, @4)) AS rows)",
);

pub fn calls(rng: &mut Rng, count: usize) -> Vec<Call> {
    (0..count).map(|n| call(rng, n)).collect()
}

fn call(rng: &mut Rng, n: usize) -> Call {
    match n % 24 {
        0 => Form::same("json").call(vec![doc(rng)]),
        1 => Form::same("json_type").call(with_path(rng)),
        2 => Form::same("json_array_length").call(with_path(rng)),
        3 => EXTRACT.call(vec![doc(rng), path_arg(rng)]),
        4 => EXTRACT.call(with_paths(rng)),
        5 => rng.choose(&[EXTRACT_INT, EXTRACT_REAL]).call(vec![doc(rng), path_arg(rng)]),
        6 => rng.choose(&[ARROW, ARROWS]).call(vec![text_doc(rng), label_arg(rng)]),
        7 => rng.choose(&[ARROW, ARROWS]).call(vec![text_doc(rng), index_arg(rng)]),
        8 => EACH.call(vec![doc(rng)]),
        9 => EACH.call(vec![doc(rng), path_arg(rng)]),
        10 => TREE.call(with_path(rng)),
        11 | 12 => Form::same("json_set").call(edits(rng)),
        13 => Form::same("json_insert").call(edits(rng)),
        14 => Form::same("json_replace").call(edits(rng)),
        15 => Form::same("json_remove").call(with_paths(rng)),
        16 | 17 => Form::same("json_patch").call(vec![doc(rng), doc(rng)]),
        18 => Form::same("json_quote").call(vec![json_value(rng)]),
        19 => Form::same("json_array").call((0..rng.below(5)).map(|_| json_value(rng)).collect()),
        20 => Form::same("json_object").call(labels_and_values(rng)),
        21 => Form::same("json_pretty").call(match rng.below(3) {
            0 => vec![doc(rng)],
            _ => vec![doc(rng), Arg::text(rng.pick(&["", " ", "  ", "\t", "--", "é"]))],
        }),
        22 => match rng.below(2) {
            0 => Form::same("json_error_position").call(vec![doc(rng)]),
            _ => Form::same("json_array_insert").call(edits(rng)),
        },
        _ => group(rng),
    }
}

fn doc(rng: &mut Rng) -> Arg {
    if rng.one_in(60) { Arg::Blob(blob(rng)) } else { text_doc(rng) }
}

/// The operators are for text.
fn text_doc(rng: &mut Rng) -> Arg {
    match rng.below(60) {
        0 => Arg::Null,
        1..=4 => Arg::Json(valid(rng)),
        _ => Arg::Text(document(rng)),
    }
}

fn path_arg(rng: &mut Rng) -> Arg {
    if rng.one_in(60) { Arg::Null } else { Arg::Text(path(rng)) }
}

fn with_path(rng: &mut Rng) -> Vec<Arg> {
    let doc = doc(rng);
    if rng.one_in(4) { vec![doc] } else { vec![doc, path_arg(rng)] }
}

fn with_paths(rng: &mut Rng) -> Vec<Arg> {
    let mut args = vec![doc(rng)];
    args.extend((0..rng.below(4)).map(|_| path_arg(rng)));
    args
}

fn label_arg(rng: &mut Rng) -> Arg {
    if rng.one_in(60) { Arg::Null } else { Arg::Text(label(rng)) }
}

fn index_arg(rng: &mut Rng) -> Arg {
    match rng.below(12) {
        0 => any::integer(rng),
        _ => Arg::Integer(rng.between(-4, 4)),
    }
}

/// A value that becomes part of a document.
fn json_value(rng: &mut Rng) -> Arg {
    match rng.below(6) {
        0 => Arg::Json(valid(rng)),
        1 => Arg::Text(scalar(rng, Dialect::Rfc)),
        2 if rng.one_in(3) => Arg::Blob(blob(rng)),
        3 if rng.one_in(6) => Arg::Json(broken(rng)),
        _ => any::scalar(rng),
    }
}

fn edits(rng: &mut Rng) -> Vec<Arg> {
    let mut args = vec![doc(rng)];
    for _ in 0..rng.choose(&[0, 1, 1, 1, 2, 2, 3]) {
        args.push(path_arg(rng));
        args.push(json_value(rng));
    }
    if rng.one_in(40) {
        args.push(path_arg(rng));
    }
    args
}

fn labels_and_values(rng: &mut Rng) -> Vec<Arg> {
    let mut args = Vec::new();
    for _ in 0..rng.below(4) {
        args.push(if rng.one_in(20) { any::value(rng) } else { any::text(rng) });
        args.push(json_value(rng));
    }
    if rng.one_in(30) {
        args.push(any::text(rng));
    }
    args
}

/// All values of one column have one type in PostgreSQL.
fn group(rng: &mut Rng) -> Call {
    let one: fn(&mut Rng) -> Arg = rng.choose(&[
        any::integer as fn(&mut Rng) -> Arg,
        any::real as fn(&mut Rng) -> Arg,
        any::text as fn(&mut Rng) -> Arg,
    ]);
    let value = |rng: &mut Rng| if rng.one_in(6) { Arg::Null } else { one(rng) };
    if rng.one_in(2) {
        let args = (0..3).map(|_| value(rng)).collect();
        return GROUP_ARRAY.call(args);
    }
    let key = |rng: &mut Rng| if rng.one_in(12) { Arg::Null } else { any::text(rng) };
    let args = vec![key(rng), value(rng), key(rng), value(rng)];
    GROUP_OBJECT.call(args)
}
