//! What differs from SQLite on purpose. docs/sqlite.md says the same; a difference that no call meets is an error.

use super::call::Answer;
use super::report::Difference;

/// PostgreSQL's text holds no zero byte.
pub const NUL: Difference = Difference {
    reason: "a text with a zero byte is refused (22P05)",
    is: |pair| {
        pair.ours.sqlstate() == Some("22P05")
            && match &pair.theirs {
                Answer::Text(text) => text.contains('\0'),
                // A surrogate beside it.
                Answer::Garbled(bytes) => bytes.contains(&0),
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

pub const JSON: &[Difference] = &[NUL, GARBLED, EAGER];
pub const POCKETBASE: &[Difference] = &[NOCASE];
pub const TEXT: &[Difference] = &[NUL, GARBLED, BACKSLASH, ESCAPE, ROUNDED_TEXT];
