//! What differs from SQLite on purpose. docs/sqlite.md says the same; a difference that no call meets is an error.

use super::call::Answer;
use super::report::{Difference, Pair};

/// PostgreSQL's text holds no zero byte.
pub const NUL: Difference = Difference {
    reason: "a text with a zero byte is refused (22P05)",
    is: |pair| {
        pair.ours.sqlstate() == Some("22P05")
            && match &pair.theirs {
                Answer::Text(text) => text.contains('\0'),
                // A surrogate beside it.
                Answer::Garbled(bytes) => bytes.contains(&0),
                // A later row of json_each() fails there: an integer in hexadecimal that is too long for one.
                Answer::Error { message, .. } => {
                    message == "malformed JSON"
                        && ["\\0", "\\u0000", "\\x00"].iter().any(|nul| pair.lite.contains(nul))
                }
                _ => false,
            }
    },
};

/// SQLite lets half a character pass, and what is none at all.
pub const GARBLED: Difference = Difference {
    reason: "what is not valid UTF-8 comes out as U+FFFD",
    is: |pair| match (&pair.theirs, &pair.ours) {
        (Answer::Garbled(bytes), Answer::Text(ours)) => {
            let without = |text: &str| text.replace(char::REPLACEMENT_CHARACTER, "");
            ours.contains(char::REPLACEMENT_CHARACTER)
                && without(&String::from_utf8_lossy(bytes)) == without(ours)
        }
        _ => false,
    },
};

/// PostgreSQL's grammar has no LIKE without an escape character.
pub const BACKSLASH: Difference = Difference {
    reason: "a backslash in a pattern of LIKE without ESCAPE is the escape character",
    is: |pair| {
        let like = pair.lite.contains(" LIKE ") && !pair.lite.contains(" ESCAPE ");
        like && pair.lite.contains('\\') && pair.ours.sqlstate().is_none()
    },
};

/// What stands after ESCAPE is judged by PostgreSQL: its grammar makes a call of pg_catalog.like_escape() of it.
pub const ESCAPE: Difference = Difference {
    reason: "ESCAPE with more than one character fails in PostgreSQL's words, and with none means no escape",
    is: |pair| {
        let complains = |answer: &Answer| answer.to_string().contains("ESCAPE expression must be");
        complains(&pair.theirs)
            && (pair.lite.ends_with(" ESCAPE ''") || pair.ours.sqlstate() == Some("22025"))
    },
};

/// The type of a result is known before the text is read.
pub const ROUNDED_TEXT: Difference = Difference {
    reason: "ceil, floor and trunc of a text are reals, even where the text is an integer's",
    is: |pair| match (&pair.theirs, &pair.ours) {
        (Answer::Integer(theirs), Answer::Real(ours)) => {
            let names = ["ceil", "floor", "trunc"];
            names.iter().any(|name| pair.lite.starts_with(name)) && *theirs as f64 == *ours
        }
        _ => false,
    },
};

/// SQLite computes only the argument that iif() chooses. So does PostgreSQL where the arguments are columns.
pub const EAGER: Difference = Difference {
    reason: "iif computes arguments that are constants, chosen or not",
    is: |pair| {
        pair.lite.contains("iif(")
            && pair.theirs.sqlstate().is_none()
            && pair.ours.sqlstate() == Some("22032")
    },
};

/// docs/pb_compat.md says it of the collation.
pub const NOCASE: Difference = Difference {
    reason: "collation nocase folds every letter, SQLite's those of ASCII",
    is: |pair| {
        let folded = matches!((&pair.theirs, &pair.ours), (Answer::Integer(0), Answer::Integer(1)));
        folded && pair.lite.contains("'é' COLLATE nocase")
    },
};

/// The type of a result is known before the document is read.
pub const STATIC_TEXT: Difference = Difference {
    reason: "json_extract and ->> give text, whatever is there",
    is: |pair| match (&pair.theirs, &pair.ours) {
        (Answer::Integer(theirs), Answer::Text(ours)) => {
            pair.lite.starts_with("json_extract(") && theirs.to_string() == *ours
        }
        _ => false,
    },
};

/// The subtype of SQLite is a type here, so it is known beforehand as well.
pub const NESTED: Difference = Difference {
    reason: "what json_extract takes out is a string to the function around it",
    is: |pair| {
        pair.lite == "json_array(json_extract('[[1]]', '$[0]'))" && text_is(pair, r#"["[1]"]"#)
    },
};

pub const BOOLEAN: Difference = Difference {
    reason: "a boolean stays one in JSON",
    is: |pair| pair.lite == "json_array(1 = 1)" && text_is(pair, "[true]"),
};

pub const NUMERIC: Difference = Difference {
    reason: "a literal with an exponent is numeric, and counts as the integer that it is",
    is: |pair| pair.lite == "json_array(1e3)" && text_is(pair, "[1000]"),
};

pub const UNIXEPOCH: Difference = Difference {
    reason: "unixepoch is a whole number, also after subsec",
    is: |pair| match (&pair.theirs, &pair.ours) {
        (Answer::Real(theirs), Answer::Integer(ours)) => {
            pair.lite.starts_with("unixepoch(") && theirs.trunc() == *ours as f64
        }
        _ => false,
    },
};

pub const ONE_TYPE: Difference = Difference {
    reason: "the arguments of max, min, iif and ifnull have one type",
    is: |pair| {
        // A literal that is no number, or two types.
        pair.lite == "max(1, 'a')" && matches!(pair.ours.sqlstate(), Some("22P02" | "42804"))
    },
};

fn text_is(pair: &Pair, expected: &str) -> bool {
    matches!(&pair.ours, Answer::Text(text) if text == expected)
}

pub const DATE: &[Difference] = &[UNIXEPOCH];
pub const JSON: &[Difference] = &[NUL, GARBLED, EAGER, STATIC_TEXT, NESTED, BOOLEAN, NUMERIC];
pub const POCKETBASE: &[Difference] = &[NOCASE];
pub const TEXT: &[Difference] = &[NUL, GARBLED, BACKSLASH, ESCAPE, ROUNDED_TEXT, ONE_TYPE];
